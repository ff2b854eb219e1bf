-- Changes made together, with what is needed to take them back; kept a week.
CREATE TABLE sys_batch (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    card TEXT NOT NULL,
    about TEXT NOT NULL,
    state TEXT NOT NULL,
    undo_of BLOB,
    undone_by BLOB,
    job BLOB,
    cursor BLOB,
    changed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    created_by BLOB,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX sys_batch_of ON sys_batch (created_by, created_at);
CREATE INDEX sys_batch_created ON sys_batch (created_at);

-- One row for each record of a batch: what was done to it, and the fields as they were before.
CREATE TABLE sys_batch_row (
    batch BLOB NOT NULL,
    id BLOB NOT NULL,
    card TEXT NOT NULL,
    record BLOB NOT NULL,
    op TEXT NOT NULL,
    before TEXT,
    version INTEGER NOT NULL,
    PRIMARY KEY (batch, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sys_batch_row_record ON sys_batch_row (batch, record);

-- What a record looks like by a rule of its card: equal keys look alike.
CREATE TABLE sys_likeness (
    card TEXT NOT NULL,
    rule INTEGER NOT NULL,
    record BLOB NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (card, rule, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX sys_likeness_key ON sys_likeness (card, rule, key);

-- Pairs that look alike and are not the same; the smaller id first.
CREATE TABLE sys_unlike (
    one BLOB NOT NULL,
    other BLOB NOT NULL,
    card TEXT NOT NULL,
    said_by BLOB,
    said_at INTEGER NOT NULL,
    PRIMARY KEY (one, other)
) STRICT, WITHOUT ROWID;

-- Where a record that was merged into another went.
CREATE TABLE sys_merged (
    record BLOB PRIMARY KEY NOT NULL,
    card TEXT NOT NULL,
    master BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX sys_merged_master ON sys_merged (master);

-- Records taken from a pool and given back to it: what limits count.
CREATE TABLE sys_pool (
    id BLOB PRIMARY KEY NOT NULL,
    card TEXT NOT NULL,
    record BLOB NOT NULL,
    user_id BLOB NOT NULL,
    action TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX sys_pool_user ON sys_pool (user_id, card, at);
CREATE INDEX sys_pool_record ON sys_pool (record, at);
