-- The content of a file that was sent, in parts: whichever process runs the import reads it from here.
CREATE TABLE sys_import_part (
    import uuid NOT NULL,
    n bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (import, n)
);
