-- Every change of a record's state: what it was, what it became, and since when it had been so.
CREATE TABLE sys_state (
    id BLOB PRIMARY KEY NOT NULL,
    card TEXT NOT NULL,
    record BLOB NOT NULL,
    workflow TEXT NOT NULL,
    transition TEXT,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    actor BLOB,
    at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    comment TEXT
) STRICT;
CREATE INDEX sys_state_record ON sys_state (record, workflow, at);
