-- Records shared with people (`u:ID`) and groups (`g:KEY`), to read or to change, for good or until a moment.
CREATE TABLE sys_share (
    record BLOB NOT NULL,
    who TEXT NOT NULL,
    card TEXT NOT NULL,
    edit INTEGER NOT NULL,
    until INTEGER,
    shared_by BLOB,
    shared_at INTEGER NOT NULL,
    PRIMARY KEY (record, who)
) STRICT, WITHOUT ROWID;
CREATE INDEX sys_share_who ON sys_share (who, record);
