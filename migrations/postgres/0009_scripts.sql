-- What scripts told the administrator: lines they wrote, and faults they ended with.
CREATE TABLE sys_script_log (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    level text COLLATE "C" NOT NULL,
    script text COLLATE "C" NOT NULL,
    card text COLLATE "C" NOT NULL,
    record uuid,
    actor uuid,
    message text COLLATE "C" NOT NULL,
    line bigint,
    col bigint
);

CREATE INDEX sys_script_log_at ON sys_script_log (at);
