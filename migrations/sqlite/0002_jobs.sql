-- Jobs, as the runner needs them: fenced leases, resume points, cancelling, keys that are free again when a job has ended.

DROP TABLE sys_job;
CREATE TABLE sys_job (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    unique_key TEXT,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    run_at INTEGER NOT NULL,
    every_seconds INTEGER,
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    lease BLOB,
    lease_until INTEGER,
    cancel INTEGER NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER,
    checkpoint TEXT,
    result TEXT,
    error TEXT,
    created_by BLOB,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX sys_job_key ON sys_job (unique_key) WHERE state IN ('waiting', 'running');
CREATE INDEX sys_job_due ON sys_job (run_at, id) WHERE state IN ('waiting', 'running');
CREATE INDEX sys_job_owner ON sys_job (created_by, id);
CREATE INDEX sys_job_ended ON sys_job (ended_at) WHERE ended_at IS NOT NULL;
