-- Records shared with people (`u:ID`) and groups (`g:KEY`), to read or to change, for good or until a moment.
CREATE TABLE sys_share (
    record UUID NOT NULL,
    who text COLLATE "C" NOT NULL,
    card text COLLATE "C" NOT NULL,
    edit BOOLEAN NOT NULL,
    until TIMESTAMPTZ,
    shared_by UUID,
    shared_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (record, who)
);
CREATE INDEX sys_share_who ON sys_share (who, record);
