-- The search index: one row for each record, and its words. What they are made of stands in the room `search`.
CREATE TABLE sys_search (
    n INTEGER PRIMARY KEY NOT NULL,
    card TEXT NOT NULL,
    record BLOB NOT NULL UNIQUE
) STRICT;

-- The words come cut: characters outside ASCII are letters to this tokenizer, and nothing else is left but spaces.
CREATE VIRTUAL TABLE sys_search_index USING fts5(words, extra, content = '', contentless_delete = 1, tokenize = 'ascii');

-- By which fields and tokenizer the entries of a card were made. While they are made again: up to which record.
CREATE TABLE sys_search_card (
    card TEXT PRIMARY KEY NOT NULL,
    layout TEXT NOT NULL,
    after BLOB,
    done INTEGER NOT NULL
) STRICT;
