-- Lists that took long, by how they were narrowed and sorted; the indexes an administrator had made for them.

CREATE TABLE sys_slow_list (
    card TEXT NOT NULL,
    narrowed TEXT NOT NULL,
    sorted TEXT NOT NULL,
    seen INTEGER NOT NULL,
    worst INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (card, narrowed, sorted)
) STRICT;

CREATE TABLE sys_index (
    card TEXT NOT NULL,
    columns TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (card, columns)
) STRICT;
