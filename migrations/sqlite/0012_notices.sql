-- What people are told: why, of what, by whom. The words are made when it is read, in the reader's language and rights.
CREATE TABLE sys_notice (
    id BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES sys_user (id),
    kind TEXT NOT NULL,
    word TEXT NOT NULL,
    bundle TEXT,
    card TEXT,
    subject BLOB,
    url TEXT,
    about TEXT NOT NULL,
    times INTEGER NOT NULL,
    by_user BLOB,
    at INTEGER NOT NULL,
    seen_at INTEGER
) STRICT;
CREATE INDEX sys_notice_user ON sys_notice (user_id, at, id);
CREATE INDEX sys_notice_unread ON sys_notice (user_id, subject) WHERE seen_at IS NULL;
CREATE INDEX sys_notice_at ON sys_notice (at);
