-- Reports as of a position: what stood then, with who was the same person then.
SELECT set_config('test.start', (SELECT position FROM ctai.scope WHERE scope = '63')::text, true);
CREATE FUNCTION pg_temp.at(steps integer) RETURNS bigint LANGUAGE sql AS $$ SELECT current_setting('test.start')::bigint + steps $$;

SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202401, i => 'a', key => 'k1');                      -- + 1
SELECT pg_temp.put('cecler', 'axe1', 'beneficiaire', 202401, e => 'n', i => 'x', key => 'k2');          -- + 2
SELECT pg_temp.put('cecler', 'axe3', 'beneficiaire', 202401, e => 'n', i => 'a', key => 'k3');          -- + 3
SELECT pg_temp.is('before', pg_temp.cell('axe1', '1.1.total', as_of => pg_temp.at(0)), '0 non_collecte');
SELECT pg_temp.is('one', pg_temp.cell('axe1', '1.1.total', as_of => pg_temp.at(1)), '1 compte');
SELECT pg_temp.is('two', pg_temp.cell('axe1', '1.1.total', as_of => pg_temp.at(2)), '2 compte');
SELECT pg_temp.is('found to be one', pg_temp.cell('axe1', '1.1.total', as_of => pg_temp.at(3)), '1 compte');

-- Replaced and withdrawn at + 4.
UPDATE ctai.scope SET position = position + 1 WHERE scope = '63';
INSERT INTO ctai.record_history SELECT r.*, pg_temp.at(4) FROM ctai.record AS r WHERE key IN (pg_temp.hash('k2'), pg_temp.hash('k3'));
DELETE FROM ctai.record WHERE key = pg_temp.hash('k3');
UPDATE ctai.record SET position = pg_temp.at(4), sex = 'F' WHERE key = pg_temp.hash('k2');
SELECT pg_temp.is('no longer linked', pg_temp.cell('axe1', '1.1.total'), '2 compte');
SELECT pg_temp.is('now known', pg_temp.cell('axe1', '1.1.femmes'), '1 compte');
SELECT pg_temp.is('then not', pg_temp.cell('axe1', '1.1.femmes', as_of => pg_temp.at(3)), '0 compte');
SELECT pg_temp.is('then one', pg_temp.cell('axe1', '1.1.total', as_of => pg_temp.at(3)), '1 compte');
SELECT pg_temp.is('then in axe3', pg_temp.cell('axe3', '1.1.total', as_of => pg_temp.at(3)), '1 compte');
SELECT pg_temp.is('now not', pg_temp.cell('axe3', '1.1.total'), '0 non_collecte');

-- Another version of the contract: an indicator and a target more, an action less.
INSERT INTO ctai.contract_version
SELECT contract_id, 2, pg_temp.at(5), now(), title, department, region, first_day, last_day, '' FROM ctai.contract_version
WHERE (contract_id, version) = ((SELECT contract_id FROM ctai.contract WHERE id = '63-thiers-2023'), 1);
INSERT INTO ctai.contract_version_action
SELECT contract_id, 2, action, 10 - rank, title FROM ctai.contract_version_action
WHERE contract_id = (SELECT contract_id FROM ctai.contract WHERE id = '63-thiers-2023') AND action <= 2;
INSERT INTO ctai.contract_target
SELECT contract_id, 2, 1, '1.1.total', 99 FROM ctai.contract WHERE id = '63-thiers-2023';
UPDATE ctai.scope SET position = position + 1 WHERE scope = '63';
SELECT pg_temp.is('its actions in its order',
                  (SELECT string_agg(DISTINCT action, ' ' ORDER BY action) FROM ctai.report('63-thiers-2023', NULL, NULL, pg_temp.at(5))),
                  'axe1 axe2 contrat');
SELECT pg_temp.is('first row', (SELECT action FROM ctai.report('63-thiers-2023', NULL, NULL, pg_temp.at(5)) LIMIT 1), 'axe2');
SELECT pg_temp.is('its target',
                  (SELECT target FROM ctai.report('63-thiers-2023', NULL, NULL, pg_temp.at(5)) WHERE (action, indicator) = ('axe1', '1.1.total')), '99');
SELECT pg_temp.is('the target before',
                  (SELECT target FROM ctai.report('63-thiers-2023', NULL, NULL, pg_temp.at(4)) WHERE (action, indicator) = ('axe1', '1.1.total')), '30');
SELECT pg_temp.is('its own indicators are gone', pg_temp.cell('axe1', 'L.sollicitations'), NULL);
SELECT pg_temp.is('before the contract', (SELECT count(*)::text FROM ctai.report('63-thiers-2023', NULL, NULL, 0)), '0');

-- Moments.
INSERT INTO ctai.ledger (scope, position, agent, incarnation, sequence, header_hash, header, signature, received_at, chain)
VALUES ('63', pg_temp.at(6), 1, 1, 1, '', '', '', '2130-01-01T10:00Z', decode(repeat('00', 32), 'hex')),
       ('63', pg_temp.at(7), 1, 1, 2, '', '', '', '2130-01-02T10:00Z', decode(repeat('00', 32), 'hex'));
SELECT pg_temp.is('between', ctai.position_at('63', '2130-01-01T12:00Z')::text, pg_temp.at(6)::text);
SELECT pg_temp.is('the contract''s own registration', ctai.position_at('63', '2130-01-01T09:00Z')::text, pg_temp.at(5)::text);
SELECT pg_temp.is('long ago', ctai.position_at('63', '2000-01-01')::text, '0');
