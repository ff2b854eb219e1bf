-- The search index: one row for each record with its words. What they are made of stands in the room `search`.
CREATE TABLE sys_search (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    card text COLLATE "C" NOT NULL,
    record uuid NOT NULL UNIQUE,
    tokens tsvector NOT NULL
);
-- How often the commonest words occur decides between the index of words and the order of records.
ALTER TABLE sys_search ALTER COLUMN tokens SET STATISTICS 500;
CREATE INDEX sys_search_tokens ON sys_search USING gin (tokens) WITH (gin_pending_list_limit = 512);
CREATE INDEX sys_search_card_n ON sys_search (card, n);

-- By which fields and tokenizer the entries of a card were made. While they are made again: up to which record.
CREATE TABLE sys_search_card (
    card text PRIMARY KEY,
    layout text NOT NULL,
    after uuid,
    done bigint NOT NULL
);
