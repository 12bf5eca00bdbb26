-- Rotation of a scope's linkage key (PROTOCOL.md, "Linkage keys"). While two epochs are open, a record carries its tokens
-- under both. Both sets stand in the record's own row and go to history with it; which of them is read is decided at
-- the reading, as of a position (evaluate.sql): closing an epoch changes one row and rewrites no record.

ALTER TABLE ctai.scope_key
    ADD COLUMN closed_position bigint,  -- from which on the epoch is closed; NULL: it is open
    ADD COLUMN closed_at timestamptz,
    ADD CHECK ((closed_position IS NULL) = (closed_at IS NULL));

-- The second set: of a higher epoch than the first.
ALTER TABLE ctai.record
    ADD COLUMN epoch2 bigint,
    ADD COLUMN token_e2 uuid,
    ADD COLUMN token_i2 uuid,
    ADD COLUMN token_m2 uuid;
ALTER TABLE ctai.record_staged
    ADD COLUMN epoch2 bigint,
    ADD COLUMN token_e2 uuid,
    ADD COLUMN token_i2 uuid,
    ADD COLUMN token_m2 uuid;

UPDATE ctai.record AS r
SET epoch2 = t.epoch, token_e2 = t.token_e, token_i2 = t.token_i, token_m2 = t.token_m
FROM ctai.record_token AS t
WHERE (t.scope, t.agent, t.key) = (r.scope, r.agent, r.key);
UPDATE ctai.record_staged AS s
SET epoch2 = t.epoch, token_e2 = t.token_e, token_i2 = t.token_i, token_m2 = t.token_m
FROM ctai.record_token AS t
WHERE (t.scope, t.agent, t.key) = (s.scope, s.agent, s.key);
DROP TABLE ctai.record_token;

-- As record_identity, of the second set.
CREATE INDEX record_identity2 ON ctai.record (scope, token_i2) INCLUDE (token_e2, position, epoch2)
    WHERE type = 'beneficiaire' AND token_i2 IS NOT NULL AND token_e2 IS NOT NULL;
-- Is there any second set of an epoch (ctai.reading_epoch)?
CREATE INDEX record_epoch2 ON ctai.record (scope, epoch2) WHERE epoch2 IS NOT NULL;

-- A row of history is a row of ctai.record and, last, the position that replaced it; so it is made anew.
ALTER TABLE ctai.record_history RENAME TO record_history_before;
CREATE TABLE ctai.record_history (
    LIKE ctai.record,
    replaced_position bigint NOT NULL
);
INSERT INTO ctai.record_history (position, incarnation, sequence, quantity, epoch, agent, contract_id, month, type, sex, action,
                                 bpi, under_25, key, token_e, token_i, token_m, reference, scope, code, narrative,
                                 replaced_position)
SELECT position, incarnation, sequence, quantity, epoch, agent, contract_id, month, type, sex, action,
       bpi, under_25, key, token_e, token_i, token_m, reference, scope, code, narrative, replaced_position
FROM ctai.record_history_before;
DROP TABLE ctai.record_history_before;
ALTER TABLE ctai.record_history ADD PRIMARY KEY (scope, agent, key, replaced_position);
CREATE INDEX record_history_cell ON ctai.record_history (scope, contract_id, replaced_position);
CREATE INDEX record_history_position ON ctai.record_history (scope, replaced_position);
CREATE INDEX record_history_epoch2 ON ctai.record_history (scope, epoch2, replaced_position) WHERE epoch2 IS NOT NULL;
