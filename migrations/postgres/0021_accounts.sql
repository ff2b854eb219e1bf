-- Accounts: second factor, recovery, remembered browsers, other providers' identities, links of two kinds.

ALTER TABLE sys_user ADD COLUMN second_factor text COLLATE "C";
ALTER TABLE sys_user ADD COLUMN second_step bigint;
ALTER TABLE sys_user ADD COLUMN invited_at timestamptz;
ALTER TABLE sys_user ADD COLUMN seen_at timestamptz;

ALTER TABLE sys_session ADD COLUMN address text COLLATE "C";
ALTER TABLE sys_session ADD COLUMN method text COLLATE "C";
ALTER TABLE sys_session ADD COLUMN confirmed_at timestamptz;

ALTER TABLE sys_token ADD COLUMN seen_at timestamptz;
ALTER TABLE sys_token ADD COLUMN administers boolean NOT NULL DEFAULT FALSE;

ALTER TABLE sys_login_link ADD COLUMN kind text COLLATE "C" NOT NULL DEFAULT 'reset';
ALTER TABLE sys_login_link ADD COLUMN created_at timestamptz;
CREATE INDEX sys_login_link_user ON sys_login_link (user_id);

-- The password was right, the second factor is still to come.
CREATE TABLE sys_login_step (
    token bytea PRIMARY KEY NOT NULL,
    user_id uuid NOT NULL REFERENCES sys_user (id),
    method text COLLATE "C" NOT NULL,
    failures bigint NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE sys_recovery_code (
    user_id uuid NOT NULL REFERENCES sys_user (id),
    code bytea NOT NULL,
    PRIMARY KEY (user_id, code)
);

-- A second factor that is being set up, until a code of it was typed.
CREATE TABLE sys_second_draft (
    user_id uuid PRIMARY KEY NOT NULL REFERENCES sys_user (id),
    secret text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL
);

-- Browsers from which somebody has signed in before.
CREATE TABLE sys_browser (
    token bytea PRIMARY KEY NOT NULL,
    user_id uuid NOT NULL REFERENCES sys_user (id),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sys_browser_user ON sys_browser (user_id);

-- Who somebody is at another provider.
CREATE TABLE sys_identity (
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    user_id uuid NOT NULL REFERENCES sys_user (id),
    name text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX sys_identity_user ON sys_identity (user_id);

-- Signing in at another provider, under way.
CREATE TABLE sys_provider_step (
    state bytea PRIMARY KEY NOT NULL,
    content text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Letters that wait to be sent.
CREATE TABLE sys_mail (
    id uuid PRIMARY KEY NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    content text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX sys_mail_state ON sys_mail (state, created_at);
