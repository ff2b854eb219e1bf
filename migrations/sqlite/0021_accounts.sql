-- Accounts: second factor, recovery, remembered browsers, other providers' identities, links of two kinds.

ALTER TABLE sys_user ADD COLUMN second_factor TEXT;
ALTER TABLE sys_user ADD COLUMN second_step INTEGER;
ALTER TABLE sys_user ADD COLUMN invited_at INTEGER;
ALTER TABLE sys_user ADD COLUMN seen_at INTEGER;

ALTER TABLE sys_session ADD COLUMN address TEXT;
ALTER TABLE sys_session ADD COLUMN method TEXT;
ALTER TABLE sys_session ADD COLUMN confirmed_at INTEGER;

ALTER TABLE sys_token ADD COLUMN seen_at INTEGER;
ALTER TABLE sys_token ADD COLUMN administers INTEGER NOT NULL DEFAULT 0;

ALTER TABLE sys_login_link ADD COLUMN kind TEXT NOT NULL DEFAULT 'reset';
ALTER TABLE sys_login_link ADD COLUMN created_at INTEGER;
CREATE INDEX sys_login_link_user ON sys_login_link (user_id);

-- The password was right, the second factor is still to come.
CREATE TABLE sys_login_step (
    token BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES sys_user (id),
    method TEXT NOT NULL,
    failures INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sys_recovery_code (
    user_id BLOB NOT NULL REFERENCES sys_user (id),
    code BLOB NOT NULL,
    PRIMARY KEY (user_id, code)
) STRICT;

-- A second factor that is being set up, until a code of it was typed.
CREATE TABLE sys_second_draft (
    user_id BLOB PRIMARY KEY NOT NULL REFERENCES sys_user (id),
    secret TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Browsers from which somebody has signed in before.
CREATE TABLE sys_browser (
    token BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES sys_user (id),
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sys_browser_user ON sys_browser (user_id);

-- Who somebody is at another provider.
CREATE TABLE sys_identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES sys_user (id),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT;
CREATE INDEX sys_identity_user ON sys_identity (user_id);

-- Signing in at another provider, under way.
CREATE TABLE sys_provider_step (
    state BLOB PRIMARY KEY NOT NULL,
    content TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- Letters that wait to be sent.
CREATE TABLE sys_mail (
    id BLOB PRIMARY KEY NOT NULL,
    recipient TEXT NOT NULL,
    kind TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sys_mail_state ON sys_mail (state, created_at);
