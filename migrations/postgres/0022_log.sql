-- Who signed in, and who did what to the site: only added to, each line bound to all before it.

CREATE TABLE sys_log (
    seq bigint PRIMARY KEY NOT NULL,
    at timestamptz NOT NULL,
    log text COLLATE "C" NOT NULL,
    event text COLLATE "C" NOT NULL,
    actor uuid,
    subject uuid,
    address text COLLATE "C",
    agent text COLLATE "C",
    about text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    mac bytea NOT NULL
);
CREATE INDEX sys_log_log ON sys_log (log, seq);
CREATE INDEX sys_log_actor ON sys_log (actor, seq);
CREATE INDEX sys_log_subject ON sys_log (subject, seq);

-- One row: the last line there is.
CREATE TABLE sys_log_head (
    id bigint PRIMARY KEY NOT NULL CHECK (id = 1),
    seq bigint NOT NULL,
    mac bytea NOT NULL,
    key text COLLATE "C" NOT NULL,
    seal bytea NOT NULL
);
INSERT INTO sys_log_head (id, seq, mac, key, seal) VALUES (1, 0, ''::bytea, '', ''::bytea);

CREATE FUNCTION sys_log_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is only added to';
END $$;
CREATE TRIGGER sys_log_keep BEFORE UPDATE OR DELETE ON sys_log FOR EACH ROW EXECUTE FUNCTION sys_log_keep();
CREATE TRIGGER sys_log_keep_all BEFORE TRUNCATE ON sys_log FOR EACH STATEMENT EXECUTE FUNCTION sys_log_keep();
CREATE TRIGGER sys_audit_keep BEFORE UPDATE OR DELETE ON sys_audit FOR EACH ROW EXECUTE FUNCTION sys_log_keep();
CREATE TRIGGER sys_audit_keep_all BEFORE TRUNCATE ON sys_audit FOR EACH STATEMENT EXECUTE FUNCTION sys_log_keep();
