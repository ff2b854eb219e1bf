-- What happened stands in as few places as possible: each table and index is written with every save.
-- The outbox of events was read by nobody: what follows changes reads their log, and what leaves waits in sys_outgoing.
DROP TABLE sys_outbox;

ALTER TABLE sys_audit DROP CONSTRAINT sys_audit_pkey;
DROP INDEX sys_audit_record;
ALTER TABLE sys_audit ADD PRIMARY KEY (record, version, id);

-- Changes wait for their number in the index of open ones, and are found by it in this.
ALTER TABLE sys_change DROP CONSTRAINT sys_change_pkey;
DROP INDEX sys_change_seq;
CREATE UNIQUE INDEX sys_change_seq ON sys_change (seq) WHERE seq IS NOT NULL;

-- Old notices are found by their ids, unseen ones by their user alone.
DROP INDEX sys_notice_at;
DROP INDEX sys_notice_unread;
CREATE INDEX sys_notice_unread ON sys_notice (user_id) WHERE seen_at IS NULL;
