-- Rows of records as they were, of cards that keep their past: each from a moment on, until the next. `tbl` is empty for
-- the record itself, else the child table's id; `content` has the values by the fields' ids.
CREATE TABLE sys_version (
    record uuid NOT NULL,
    tbl text COLLATE "C" NOT NULL,
    row_id uuid NOT NULL,
    from_at timestamptz NOT NULL,
    until_at timestamptz,
    position bigint NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (record, tbl, row_id, from_at)
);
