-- A transition that waits for others to agree, with the flow as it was when it began.
CREATE TABLE sys_approval (
    id BLOB PRIMARY KEY NOT NULL,
    card TEXT NOT NULL,
    record BLOB NOT NULL,
    workflow TEXT NOT NULL,
    transition TEXT NOT NULL,
    flow TEXT NOT NULL,
    state TEXT NOT NULL,
    from_state TEXT NOT NULL,
    stage INTEGER NOT NULL,
    round INTEGER NOT NULL,
    applicant BLOB,
    owner BLOB,
    own INTEGER NOT NULL,
    comment TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX sys_approval_running ON sys_approval (record, workflow) WHERE state = 'running';
CREATE INDEX sys_approval_record ON sys_approval (record, started_at);
CREATE INDEX sys_approval_applicant ON sys_approval (applicant, started_at);

-- One who is asked: a person, or whoever of a group is first.
CREATE TABLE sys_approval_task (
    id BLOB PRIMARY KEY NOT NULL,
    approval BLOB NOT NULL REFERENCES sys_approval (id),
    round INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    step INTEGER NOT NULL,
    kind TEXT NOT NULL,
    user_id BLOB,
    role TEXT,
    state TEXT NOT NULL,
    decided_by BLOB,
    decided_at INTEGER,
    opinion TEXT,
    parent BLOB,
    created_at INTEGER NOT NULL,
    remind_at INTEGER,
    escalate_at INTEGER,
    reminded INTEGER NOT NULL
) STRICT;
CREATE INDEX sys_approval_task_of ON sys_approval_task (approval);
CREATE INDEX sys_approval_task_user ON sys_approval_task (user_id, state);
CREATE INDEX sys_approval_task_role ON sys_approval_task (role, state) WHERE state = 'open';
CREATE INDEX sys_approval_task_decided ON sys_approval_task (decided_by, decided_at);
