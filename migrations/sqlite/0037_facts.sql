-- What happened stands in as few places as possible: each table and index is a page more with every save.
-- The outbox of events was read by nobody: what follows changes reads their log, and what leaves waits in sys_outgoing.
DROP TABLE sys_outbox;

DROP TRIGGER sys_audit_keep_update;
DROP TRIGGER sys_audit_keep_delete;
ALTER TABLE sys_audit RENAME TO sys_audit_before;
CREATE TABLE sys_audit (
    record BLOB NOT NULL,
    version INTEGER NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB,
    card TEXT NOT NULL,
    action TEXT NOT NULL,
    fields TEXT NOT NULL,
    tracked TEXT,
    PRIMARY KEY (record, version, id)
) STRICT, WITHOUT ROWID;
INSERT INTO sys_audit (record, version, id, at, actor, card, action, fields, tracked)
    SELECT record, version, id, at, actor, card, action, fields, tracked FROM sys_audit_before ORDER BY record, version, id;
DROP TABLE sys_audit_before;
CREATE TRIGGER sys_audit_keep_update BEFORE UPDATE ON sys_audit BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER sys_audit_keep_delete BEFORE DELETE ON sys_audit BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;

ALTER TABLE sys_change RENAME TO sys_change_before;
CREATE TABLE sys_change (
    seq INTEGER PRIMARY KEY NOT NULL,
    id BLOB NOT NULL,
    site TEXT NOT NULL,
    tx BLOB NOT NULL,
    card TEXT NOT NULL,
    record BLOB NOT NULL,
    version INTEGER NOT NULL,
    op TEXT NOT NULL,
    fields TEXT NOT NULL
) STRICT;
INSERT INTO sys_change (seq, id, site, tx, card, record, version, op, fields)
    SELECT seq, id, site, tx, card, record, version, op, fields FROM sys_change_before ORDER BY seq;
DROP TABLE sys_change_before;

-- Old notices are found by their ids, unseen ones by their user alone.
DROP INDEX sys_notice_at;
DROP INDEX sys_notice_unread;
CREATE INDEX sys_notice_unread ON sys_notice (user_id) WHERE seen_at IS NULL;
