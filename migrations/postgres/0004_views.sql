-- Lists and folders that people keep. Which records they show is decided by the gate each time.

CREATE TABLE sys_view (
    id UUID PRIMARY KEY NOT NULL,
    card TEXT NOT NULL,
    owner UUID NOT NULL REFERENCES sys_user (id),
    name TEXT NOT NULL,
    folder TEXT NOT NULL,
    definition TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ
);
CREATE INDEX sys_view_card ON sys_view (card, owner);

-- The groups a list is shared with.
CREATE TABLE sys_view_role (
    view_id UUID NOT NULL REFERENCES sys_view (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (view_id, role)
);

CREATE TABLE sys_folder (
    id UUID PRIMARY KEY NOT NULL,
    owner UUID NOT NULL REFERENCES sys_user (id),
    name TEXT NOT NULL,
    tone TEXT NOT NULL,
    position BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ
);
CREATE INDEX sys_folder_owner ON sys_folder (owner);

-- The groups a folder is shared with, to look at or to fill.
CREATE TABLE sys_folder_role (
    folder_id UUID NOT NULL REFERENCES sys_folder (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    may_edit BOOLEAN NOT NULL,
    PRIMARY KEY (folder_id, role)
);

CREATE TABLE sys_folder_item (
    folder_id UUID NOT NULL REFERENCES sys_folder (id) ON DELETE CASCADE,
    record UUID NOT NULL,
    card TEXT NOT NULL,
    added_by UUID NOT NULL,
    added_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (folder_id, record)
);
CREATE INDEX sys_folder_item_record ON sys_folder_item (record);
