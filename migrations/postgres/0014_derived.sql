-- Sums and counts behind averages, so that one more row is added and not all are counted again; fields that a job is
-- calculating anew; by which definition each field's values were made.

CREATE TABLE sys_derived_total (
    field text COLLATE "C" NOT NULL,
    owner_id uuid NOT NULL,
    total text COLLATE "C" NOT NULL,
    counted bigint NOT NULL,
    PRIMARY KEY (field, owner_id)
);

CREATE TABLE sys_recomputing (
    card text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    job uuid NOT NULL,
    PRIMARY KEY (card, field, job)
);

CREATE TABLE sys_derived_state (
    field text COLLATE "C" PRIMARY KEY,
    made_by text COLLATE "C" NOT NULL
);
