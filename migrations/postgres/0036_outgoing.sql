-- What waits to be sent outside: e-mails and webhooks, written with the change they belong to. `target` is who or where,
-- `content` the message as JSON.
CREATE TABLE sys_outgoing (
    id uuid PRIMARY KEY NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('email', 'webhook')),
    target text NOT NULL,
    subject text NOT NULL,
    content text NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'sent', 'failed', 'cancelled')),
    run_at timestamptz NOT NULL,
    attempts bigint NOT NULL,
    error text,
    script text COLLATE "C",
    card text COLLATE "C",
    record uuid,
    created_by uuid,
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX sys_outgoing_due ON sys_outgoing (run_at, id) WHERE state = 'waiting';
CREATE INDEX sys_outgoing_state ON sys_outgoing (state, id);

-- When each schedule of the definitions is due next. `pattern` and `zone` are those `next_at` was found by.
CREATE TABLE sys_schedule (
    card text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    pattern text COLLATE "C" NOT NULL,
    zone text COLLATE "C" NOT NULL,
    next_at timestamptz NOT NULL,
    last_at timestamptz,
    PRIMARY KEY (card, id)
);
