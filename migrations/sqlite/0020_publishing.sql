-- Where the values of each field are, as often as its type changed: the latest row of a field counts. Rows of fields
-- that are gone from the definitions stay, so that their values come back with them.
CREATE TABLE sys_place (
    tbl TEXT NOT NULL,
    field TEXT NOT NULL,
    n INTEGER NOT NULL,
    shape TEXT NOT NULL,
    place TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'filling', 'given_up')),
    PRIMARY KEY (tbl, field, n)
) STRICT;

-- Definitions of a publish whose values are still being converted.
CREATE TABLE sys_publish (
    pack TEXT NOT NULL,
    path TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (pack, path)
) STRICT;

-- What upkeep looks for.
CREATE INDEX sys_file_sha256 ON sys_file (sha256);
CREATE INDEX sys_file_loose ON sys_file (created_at) WHERE record IS NULL;
