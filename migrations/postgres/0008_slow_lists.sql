-- Lists that took long, by how they were narrowed and sorted; the indexes an administrator had made for them.

CREATE TABLE sys_slow_list (
    card text COLLATE "C" NOT NULL,
    narrowed text COLLATE "C" NOT NULL,
    sorted text COLLATE "C" NOT NULL,
    seen bigint NOT NULL,
    worst bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (card, narrowed, sorted)
);

CREATE TABLE sys_index (
    card text COLLATE "C" NOT NULL,
    columns text COLLATE "C" NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (card, columns)
);
