-- What administrators add to the rights that packs bring: groups, grants and guards. A grant may stand in the place of a pack's.
CREATE TABLE sys_group (
    key TEXT PRIMARY KEY NOT NULL,
    labels TEXT NOT NULL,
    help TEXT NOT NULL,
    created_by BLOB,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sys_grant (
    id BLOB PRIMARY KEY NOT NULL,
    card TEXT NOT NULL,
    role TEXT,
    replaces TEXT UNIQUE,
    base TEXT,
    says TEXT NOT NULL,
    changed_by BLOB,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sys_grant_card ON sys_grant (card);
CREATE INDEX sys_grant_role ON sys_grant (role);
CREATE INDEX sys_user_role_role ON sys_user_role (role);
