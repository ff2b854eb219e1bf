-- Of whom each change of rights is: with no user, of everybody. Only the latest are kept.
CREATE TABLE sys_rights_change (
    n BIGINT NOT NULL,
    user_id UUID
);
CREATE INDEX sys_rights_change_n ON sys_rights_change (n);
