-- Every change of a record's state: what it was, what it became, and since when it had been so.
CREATE TABLE sys_state (
    id uuid PRIMARY KEY NOT NULL,
    card text COLLATE "C" NOT NULL,
    record uuid NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    transition text COLLATE "C",
    from_state text COLLATE "C" NOT NULL,
    to_state text COLLATE "C" NOT NULL,
    actor uuid,
    at timestamptz NOT NULL,
    since timestamptz NOT NULL,
    comment text
);
CREATE INDEX sys_state_record ON sys_state (record, workflow, at);
