-- A transition that waits for others to agree, with the flow as it was when it began.
CREATE TABLE sys_approval (
    id uuid PRIMARY KEY NOT NULL,
    card text COLLATE "C" NOT NULL,
    record uuid NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    transition text COLLATE "C" NOT NULL,
    flow text NOT NULL,
    state text COLLATE "C" NOT NULL,
    from_state text COLLATE "C" NOT NULL,
    stage bigint NOT NULL,
    round bigint NOT NULL,
    applicant uuid,
    owner uuid,
    own boolean NOT NULL,
    comment text,
    started_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX sys_approval_running ON sys_approval (record, workflow) WHERE state = 'running';
CREATE INDEX sys_approval_record ON sys_approval (record, started_at);
CREATE INDEX sys_approval_applicant ON sys_approval (applicant, started_at);

-- One who is asked: a person, or whoever of a group is first.
CREATE TABLE sys_approval_task (
    id uuid PRIMARY KEY NOT NULL,
    approval uuid NOT NULL REFERENCES sys_approval (id),
    round bigint NOT NULL,
    stage bigint NOT NULL,
    step bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    user_id uuid,
    role text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    opinion text,
    parent uuid,
    created_at timestamptz NOT NULL,
    remind_at timestamptz,
    escalate_at timestamptz,
    reminded bigint NOT NULL
);
CREATE INDEX sys_approval_task_of ON sys_approval_task (approval);
CREATE INDEX sys_approval_task_user ON sys_approval_task (user_id, state);
CREATE INDEX sys_approval_task_role ON sys_approval_task (role, state) WHERE state = 'open';
CREATE INDEX sys_approval_task_decided ON sys_approval_task (decided_by, decided_at);
