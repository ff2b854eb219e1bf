-- The engine's own tables. Tables of cards come from publishing definitions.

CREATE TABLE sys_site (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;

-- One row: counts publishes and changes of rights, so that every node knows when its copies are stale.
CREATE TABLE sys_catalog (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    version INTEGER NOT NULL,
    rights INTEGER NOT NULL
) STRICT;
INSERT INTO sys_catalog (id, version, rights) VALUES (1, 0, 0);

CREATE TABLE sys_definition (
    pack TEXT NOT NULL,
    path TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (pack, path)
) STRICT;

CREATE TABLE sys_user (
    id BLOB PRIMARY KEY NOT NULL,
    login TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    email TEXT,
    password TEXT,
    language TEXT,
    active INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sys_user_role (
    user_id BLOB NOT NULL REFERENCES sys_user (id),
    role TEXT NOT NULL,
    PRIMARY KEY (user_id, role)
) STRICT;

CREATE TABLE sys_session (
    token BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES sys_user (id),
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    agent TEXT
) STRICT;
CREATE INDEX sys_session_user ON sys_session (user_id);

CREATE TABLE sys_token (
    token BLOB PRIMARY KEY NOT NULL,
    id BLOB NOT NULL UNIQUE,
    user_id BLOB NOT NULL REFERENCES sys_user (id),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

CREATE TABLE sys_login_link (
    token BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES sys_user (id),
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sys_preference (
    user_id BLOB NOT NULL REFERENCES sys_user (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT;

CREATE TABLE sys_counter (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) STRICT;

CREATE TABLE sys_idempotency (
    principal BLOB NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    response TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
) STRICT;
CREATE INDEX sys_idempotency_created ON sys_idempotency (created_at);

-- Who changed which fields of what, and when. Old and new values stand here for tracked fields only.
CREATE TABLE sys_audit (
    id BLOB PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB,
    card TEXT NOT NULL,
    record BLOB NOT NULL,
    version INTEGER NOT NULL,
    action TEXT NOT NULL,
    fields TEXT NOT NULL,
    tracked TEXT
) STRICT;
CREATE INDEX sys_audit_record ON sys_audit (record, version);

-- What exchange, search and reports read. The sequence of a site has no gaps.
CREATE TABLE sys_change (
    id BLOB PRIMARY KEY NOT NULL,
    site TEXT NOT NULL,
    tx BLOB NOT NULL,
    seq INTEGER,
    card TEXT NOT NULL,
    record BLOB NOT NULL,
    version INTEGER NOT NULL,
    op TEXT NOT NULL,
    fields TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX sys_change_seq ON sys_change (seq);

CREATE TABLE sys_outbox (
    id BLOB PRIMARY KEY NOT NULL,
    event TEXT NOT NULL,
    card TEXT NOT NULL,
    record BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sys_job (
    id BLOB PRIMARY KEY NOT NULL,
    queue TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    unique_key TEXT UNIQUE,
    state TEXT NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    lease_until INTEGER,
    leased_by TEXT,
    done INTEGER NOT NULL,
    total INTEGER,
    error TEXT,
    result TEXT,
    created_by BLOB,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sys_job_due ON sys_job (state, run_at);

CREATE TABLE sys_file (
    id BLOB PRIMARY KEY NOT NULL,
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    uploaded_by BLOB,
    created_at INTEGER NOT NULL,
    card TEXT,
    record BLOB,
    field TEXT
) STRICT;
CREATE INDEX sys_file_record ON sys_file (record);
