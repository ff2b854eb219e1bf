-- What people are told: why, of what, by whom. The words are made when it is read, in the reader's language and rights.
CREATE TABLE sys_notice (
    id uuid PRIMARY KEY NOT NULL,
    user_id uuid NOT NULL REFERENCES sys_user (id),
    kind text COLLATE "C" NOT NULL,
    word text COLLATE "C" NOT NULL,
    bundle text COLLATE "C",
    card text COLLATE "C",
    subject uuid,
    url text COLLATE "C",
    about text COLLATE "C" NOT NULL,
    times bigint NOT NULL,
    by_user uuid,
    at timestamptz NOT NULL,
    seen_at timestamptz
);
CREATE INDEX sys_notice_user ON sys_notice (user_id, at, id);
CREATE INDEX sys_notice_unread ON sys_notice (user_id, subject) WHERE seen_at IS NULL;
CREATE INDEX sys_notice_at ON sys_notice (at);
