-- Changes made together, with what is needed to take them back; kept a week.
CREATE TABLE sys_batch (
    id uuid PRIMARY KEY NOT NULL,
    kind text COLLATE "C" NOT NULL,
    card text COLLATE "C" NOT NULL,
    about text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    undo_of uuid,
    undone_by uuid,
    job uuid,
    cursor uuid,
    changed bigint NOT NULL,
    skipped bigint NOT NULL,
    failed bigint NOT NULL,
    created_by uuid,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX sys_batch_of ON sys_batch (created_by, created_at);
CREATE INDEX sys_batch_created ON sys_batch (created_at);

-- One row for each record of a batch: what was done to it, and the fields as they were before.
CREATE TABLE sys_batch_row (
    batch uuid NOT NULL,
    id uuid NOT NULL,
    card text COLLATE "C" NOT NULL,
    record uuid NOT NULL,
    op text COLLATE "C" NOT NULL,
    before text COLLATE "C",
    version bigint NOT NULL,
    PRIMARY KEY (batch, id)
);
CREATE INDEX sys_batch_row_record ON sys_batch_row (batch, record);

-- What a record looks like by a rule of its card: equal keys look alike.
CREATE TABLE sys_likeness (
    card text COLLATE "C" NOT NULL,
    rule bigint NOT NULL,
    record uuid NOT NULL,
    key bytea NOT NULL,
    PRIMARY KEY (card, rule, record)
);
CREATE INDEX sys_likeness_key ON sys_likeness (card, rule, key);

-- Pairs that look alike and are not the same; the smaller id first.
CREATE TABLE sys_unlike (
    one uuid NOT NULL,
    other uuid NOT NULL,
    card text COLLATE "C" NOT NULL,
    said_by uuid,
    said_at timestamptz NOT NULL,
    PRIMARY KEY (one, other)
);

-- Where a record that was merged into another went.
CREATE TABLE sys_merged (
    record uuid PRIMARY KEY NOT NULL,
    card text COLLATE "C" NOT NULL,
    master uuid NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX sys_merged_master ON sys_merged (master);

-- Records taken from a pool and given back to it: what limits count.
CREATE TABLE sys_pool (
    id uuid PRIMARY KEY NOT NULL,
    card text COLLATE "C" NOT NULL,
    record uuid NOT NULL,
    user_id uuid NOT NULL,
    action text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX sys_pool_user ON sys_pool (user_id, card, at);
CREATE INDEX sys_pool_record ON sys_pool (record, at);
