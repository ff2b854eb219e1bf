-- Files whose rows become records: what was sent, how it is read, how far it came. The file itself lies beside the database.
CREATE TABLE sys_import (
    id BLOB PRIMARY KEY NOT NULL,
    card TEXT NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    head TEXT NOT NULL,
    settings TEXT,
    state TEXT NOT NULL,
    batch BLOB,
    job BLOB,
    at_row INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    fault TEXT,
    created_by BLOB,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX sys_import_of ON sys_import (created_by, card, created_at);
CREATE INDEX sys_import_created ON sys_import (created_at);

-- Rows of a file that did not become records, and why.
CREATE TABLE sys_import_row (
    import BLOB NOT NULL,
    row INTEGER NOT NULL,
    errors TEXT NOT NULL,
    PRIMARY KEY (import, row)
) STRICT, WITHOUT ROWID;
