-- The engine's own tables. Tables of cards come from publishing definitions.

CREATE TABLE sys_site (
    key text COLLATE "C" PRIMARY KEY NOT NULL,
    value text COLLATE "C" NOT NULL
);

-- One row: counts publishes and changes of rights, so that every node knows when its copies are stale.
CREATE TABLE sys_catalog (
    id bigint PRIMARY KEY NOT NULL CHECK (id = 1),
    version bigint NOT NULL,
    rights bigint NOT NULL
);
INSERT INTO sys_catalog (id, version, rights) VALUES (1, 0, 0);

CREATE TABLE sys_definition (
    pack text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (pack, path)
);

CREATE TABLE sys_user (
    id uuid PRIMARY KEY NOT NULL,
    login text COLLATE "C" NOT NULL UNIQUE,
    display_name text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    password text COLLATE "C",
    language text COLLATE "C",
    active boolean NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE sys_user_role (
    user_id uuid NOT NULL REFERENCES sys_user (id),
    role text COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, role)
);

CREATE TABLE sys_session (
    token bytea PRIMARY KEY NOT NULL,
    user_id uuid NOT NULL REFERENCES sys_user (id),
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    agent text COLLATE "C"
);
CREATE INDEX sys_session_user ON sys_session (user_id);

CREATE TABLE sys_token (
    token bytea PRIMARY KEY NOT NULL,
    id uuid NOT NULL UNIQUE,
    user_id uuid NOT NULL REFERENCES sys_user (id),
    name text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz
);

CREATE TABLE sys_login_link (
    token bytea PRIMARY KEY NOT NULL,
    user_id uuid NOT NULL REFERENCES sys_user (id),
    expires_at timestamptz NOT NULL
);

CREATE TABLE sys_preference (
    user_id uuid NOT NULL REFERENCES sys_user (id),
    key text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, key)
);

CREATE TABLE sys_counter (
    name text COLLATE "C" PRIMARY KEY NOT NULL,
    value bigint NOT NULL
);

CREATE TABLE sys_idempotency (
    principal uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    status bigint NOT NULL,
    response text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (principal, key)
);
CREATE INDEX sys_idempotency_created ON sys_idempotency (created_at);

-- Who changed which fields of what, and when. Old and new values stand here for tracked fields only.
CREATE TABLE sys_audit (
    id uuid PRIMARY KEY NOT NULL,
    at timestamptz NOT NULL,
    actor uuid,
    card text COLLATE "C" NOT NULL,
    record uuid NOT NULL,
    version bigint NOT NULL,
    action text COLLATE "C" NOT NULL,
    fields text COLLATE "C" NOT NULL,
    tracked text COLLATE "C"
);
CREATE INDEX sys_audit_record ON sys_audit (record, version);

-- What exchange, search and reports read. The sequence of a site has no gaps.
CREATE TABLE sys_change (
    id uuid PRIMARY KEY NOT NULL,
    site text COLLATE "C" NOT NULL,
    tx uuid NOT NULL,
    seq bigint,
    card text COLLATE "C" NOT NULL,
    record uuid NOT NULL,
    version bigint NOT NULL,
    op text COLLATE "C" NOT NULL,
    fields text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX sys_change_seq ON sys_change (seq);

CREATE TABLE sys_outbox (
    id uuid PRIMARY KEY NOT NULL,
    event text COLLATE "C" NOT NULL,
    card text COLLATE "C" NOT NULL,
    record uuid NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE sys_job (
    id uuid PRIMARY KEY NOT NULL,
    queue text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    payload text COLLATE "C" NOT NULL,
    unique_key text COLLATE "C" UNIQUE,
    state text COLLATE "C" NOT NULL,
    run_at timestamptz NOT NULL,
    attempts bigint NOT NULL,
    max_attempts bigint NOT NULL,
    lease_until timestamptz,
    leased_by text COLLATE "C",
    done bigint NOT NULL,
    total bigint,
    error text COLLATE "C",
    result text COLLATE "C",
    created_by uuid,
    created_at timestamptz NOT NULL
);
CREATE INDEX sys_job_due ON sys_job (state, run_at);

CREATE TABLE sys_file (
    id uuid PRIMARY KEY NOT NULL,
    sha256 text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    media_type text COLLATE "C" NOT NULL,
    uploaded_by uuid,
    created_at timestamptz NOT NULL,
    card text COLLATE "C",
    record uuid,
    field text COLLATE "C"
);
CREATE INDEX sys_file_record ON sys_file (record);
