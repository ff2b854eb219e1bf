-- Letters to people about their accounts wait among everything else that leaves; they stay closed with the site's key.
INSERT INTO sys_outgoing (id, kind, target, subject, content, state, run_at, attempts, created_at)
    SELECT id, 'email', recipient, kind, json_object('letter', kind, 'sealed', content), 'waiting', created_at, 0, created_at FROM sys_mail WHERE state = 'waiting';
DROP TABLE sys_mail;

-- What goes to one address goes in order: whether something older waits for it.
CREATE INDEX sys_outgoing_target ON sys_outgoing (target, id) WHERE state = 'waiting' AND kind = 'webhook';
CREATE INDEX sys_outgoing_ended ON sys_outgoing (ended_at) WHERE ended_at IS NOT NULL;

-- Eight parts of the index of words are merged at a time instead of four: half the work at each save, and a look at a few
-- parts more for each question.
INSERT INTO sys_search_index (sys_search_index, rank) VALUES ('automerge', 8);
