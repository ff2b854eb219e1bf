-- Jobs, as the runner needs them: fenced leases, resume points, cancelling, keys that are free again when a job has ended.

DROP TABLE sys_job;
CREATE TABLE sys_job (
    id uuid PRIMARY KEY NOT NULL,
    kind text COLLATE "C" NOT NULL,
    payload text COLLATE "C" NOT NULL,
    unique_key text COLLATE "C",
    state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    run_at timestamptz NOT NULL,
    every_seconds bigint,
    attempts bigint NOT NULL,
    max_attempts bigint NOT NULL,
    lease uuid,
    lease_until timestamptz,
    cancel boolean NOT NULL,
    done bigint NOT NULL,
    total bigint,
    checkpoint text COLLATE "C",
    result text COLLATE "C",
    error text COLLATE "C",
    created_by uuid,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz
);
CREATE UNIQUE INDEX sys_job_key ON sys_job (unique_key) WHERE state IN ('waiting', 'running');
CREATE INDEX sys_job_due ON sys_job (run_at, id) WHERE state IN ('waiting', 'running');
CREATE INDEX sys_job_owner ON sys_job (created_by, id);
CREATE INDEX sys_job_ended ON sys_job (ended_at) WHERE ended_at IS NOT NULL;

-- Changes that wait for their number.
CREATE INDEX sys_change_open ON sys_change (id) WHERE seq IS NULL;
