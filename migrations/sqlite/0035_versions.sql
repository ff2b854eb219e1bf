-- Rows of records as they were, of cards that keep their past: each from a moment on, until the next. `tbl` is empty for
-- the record itself, else the child table's id; `content` has the values by the fields' ids.
CREATE TABLE sys_version (
    record BLOB NOT NULL,
    tbl TEXT NOT NULL,
    row_id BLOB NOT NULL,
    from_at INTEGER NOT NULL,
    until_at INTEGER,
    position INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (record, tbl, row_id, from_at)
) STRICT, WITHOUT ROWID;
