-- The content of a file that was sent, in parts: whichever process runs the import reads it from here.
CREATE TABLE sys_import_part (
    import BLOB NOT NULL,
    n INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (import, n)
) STRICT;
