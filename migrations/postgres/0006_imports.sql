-- Files whose rows become records: what was sent, how it is read, how far it came. The file itself lies beside the database.
CREATE TABLE sys_import (
    id uuid PRIMARY KEY NOT NULL,
    card text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    head text COLLATE "C" NOT NULL,
    settings text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    batch uuid,
    job uuid,
    at_row bigint NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    unchanged bigint NOT NULL,
    failed bigint NOT NULL,
    fault text COLLATE "C",
    created_by uuid,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX sys_import_of ON sys_import (created_by, card, created_at);
CREATE INDEX sys_import_created ON sys_import (created_at);

-- Rows of a file that did not become records, and why.
CREATE TABLE sys_import_row (
    import uuid NOT NULL,
    row bigint NOT NULL,
    errors text COLLATE "C" NOT NULL,
    PRIMARY KEY (import, row)
);
