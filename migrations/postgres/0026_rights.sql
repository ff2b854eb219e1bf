-- What administrators add to the rights that packs bring: groups, grants and guards. A grant may stand in the place of a pack's.
CREATE TABLE sys_group (
    key text COLLATE "C" PRIMARY KEY NOT NULL,
    labels TEXT NOT NULL,
    help TEXT NOT NULL,
    created_by UUID,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE sys_grant (
    id UUID PRIMARY KEY NOT NULL,
    card text COLLATE "C" NOT NULL,
    role text COLLATE "C",
    replaces text COLLATE "C" UNIQUE,
    base TEXT,
    says TEXT NOT NULL,
    changed_by UUID,
    changed_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sys_grant_card ON sys_grant (card);
CREATE INDEX sys_grant_role ON sys_grant (role);
CREATE INDEX sys_user_role_role ON sys_user_role (role);
