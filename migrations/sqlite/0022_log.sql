-- Who signed in, and who did what to the site: only added to, each line bound to all before it.

CREATE TABLE sys_log (
    seq INTEGER PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    log TEXT NOT NULL,
    event TEXT NOT NULL,
    actor BLOB,
    subject BLOB,
    address TEXT,
    agent TEXT,
    about TEXT NOT NULL,
    key TEXT NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE INDEX sys_log_log ON sys_log (log, seq);
CREATE INDEX sys_log_actor ON sys_log (actor, seq);
CREATE INDEX sys_log_subject ON sys_log (subject, seq);

-- One row: the last line there is.
CREATE TABLE sys_log_head (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    seq INTEGER NOT NULL,
    mac BLOB NOT NULL,
    key TEXT NOT NULL,
    seal BLOB NOT NULL
) STRICT;
INSERT INTO sys_log_head (id, seq, mac, key, seal) VALUES (1, 0, X'', '', X'');

CREATE TRIGGER sys_log_keep_update BEFORE UPDATE ON sys_log BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER sys_log_keep_delete BEFORE DELETE ON sys_log BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER sys_audit_keep_update BEFORE UPDATE ON sys_audit BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER sys_audit_keep_delete BEFORE DELETE ON sys_audit BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
