-- Where the values of each field are, as often as its type changed: the latest row of a field counts. Rows of fields
-- that are gone from the definitions stay, so that their values come back with them.
CREATE TABLE sys_place (
    tbl text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    shape text COLLATE "C" NOT NULL,
    place text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('live', 'filling', 'given_up')),
    PRIMARY KEY (tbl, field, n)
);

-- Definitions of a publish whose values are still being converted.
CREATE TABLE sys_publish (
    pack text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (pack, path)
);

-- What upkeep looks for.
CREATE INDEX sys_file_sha256 ON sys_file (sha256);
CREATE INDEX sys_file_loose ON sys_file (created_at) WHERE record IS NULL;
