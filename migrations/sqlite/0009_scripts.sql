-- What scripts told the administrator: lines they wrote, and faults they ended with.
CREATE TABLE sys_script_log (
    id BLOB PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    level TEXT NOT NULL,
    script TEXT NOT NULL,
    card TEXT NOT NULL,
    record BLOB,
    actor BLOB,
    message TEXT NOT NULL,
    line INTEGER,
    col INTEGER
) STRICT;

CREATE INDEX sys_script_log_at ON sys_script_log (at);
