-- Sums and counts behind averages, so that one more row is added and not all are counted again; fields that a job is
-- calculating anew; by which definition each field's values were made.

CREATE TABLE sys_derived_total (
    field TEXT NOT NULL,
    owner_id BLOB NOT NULL,
    total TEXT NOT NULL,
    counted INTEGER NOT NULL,
    PRIMARY KEY (field, owner_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sys_recomputing (
    card TEXT NOT NULL,
    field TEXT NOT NULL,
    job BLOB NOT NULL,
    PRIMARY KEY (card, field, job)
) STRICT;

CREATE TABLE sys_derived_state (
    field TEXT PRIMARY KEY,
    made_by TEXT NOT NULL
) STRICT;
