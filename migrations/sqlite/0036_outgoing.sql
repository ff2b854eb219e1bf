-- What waits to be sent outside: e-mails and webhooks, written with the change they belong to. `target` is who or where,
-- `content` the message as JSON.
CREATE TABLE sys_outgoing (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('email', 'webhook')),
    target TEXT NOT NULL,
    subject TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed', 'cancelled')),
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT,
    script TEXT,
    card TEXT,
    record BLOB,
    created_by BLOB,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX sys_outgoing_due ON sys_outgoing (run_at, id) WHERE state = 'waiting';
CREATE INDEX sys_outgoing_state ON sys_outgoing (state, id);

-- When each schedule of the definitions is due next. `pattern` and `zone` are those `next_at` was found by.
CREATE TABLE sys_schedule (
    card TEXT NOT NULL,
    id TEXT NOT NULL,
    pattern TEXT NOT NULL,
    zone TEXT NOT NULL,
    next_at INTEGER NOT NULL,
    last_at INTEGER,
    PRIMARY KEY (card, id)
) STRICT, WITHOUT ROWID;
