-- What the parties must settle (schema/sql/discrepancy.sql), case by case.

-- One line a row: "kind/matter action operator month keys-count F H numbers unlinked due", joined by ";".
CREATE FUNCTION pg_temp.found(of_kind text, at_month integer = 202412, from_month integer = NULL, to_month integer = NULL,
                              as_of bigint = NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', action, operator, coalesce(month::text, '-'), cardinality(keys),
                                         CASE WHEN says_f THEN 'F' END, CASE WHEN says_h THEN 'H' END, nullif(numbers, 0),
                                         CASE WHEN unlinked THEN 'unlinked' END, due), '; '), '')
    FROM ctai.discrepancies('63-thiers-2023', from_month, to_month, at_month,
                            coalesce(as_of, (SELECT position FROM ctai.scope WHERE scope = '63')),
                            ARRAY['axe1', 'axe1', 'axe2', 'axe3'], ARRAY['cias', 'cecler', 'fit', 'cecler'])
    WHERE kind = of_kind
$$;

-- Nobody has reported anything.
SELECT pg_temp.is('nothing in November', pg_temp.found('retard', 202311), '');
SELECT pg_temp.is('late in December', pg_temp.found('retard', 202312),
                  'axe1 cecler - 0 202311; axe3 cecler - 0 202311; axe1 cias - 0 202311; axe2 fit - 0 202311');
SELECT pg_temp.is('the last month of the contract', pg_temp.found('retard', 203001, NULL, 202402),
                  'axe1 cecler - 0 202402; axe3 cecler - 0 202402; axe1 cias - 0 202402; axe2 fit - 0 202402');

-- Sex: within an action, and from one to another.
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202401, e => 'one', i => 'one', sex => 'F');
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202402, e => 'one', i => 'one', sex => 'F');
SELECT pg_temp.put('cecler', 'axe1', 'beneficiaire', 202403, i => 'one', sex => 'H'); -- linked by the number
SELECT pg_temp.put('cecler', 'axe1', 'beneficiaire', 202404, i => 'one');
SELECT pg_temp.put('fit', 'axe2', 'beneficiaire', 202401, e => 'one', i => 'other name', sex => 'F');
SELECT pg_temp.put('fit', 'axe2', 'beneficiaire', 202401, i => 'two', sex => 'F');
SELECT pg_temp.put('cecler', 'axe3', 'beneficiaire', 202405, i => 'two', sex => 'H');
SELECT pg_temp.put('cecler', 'axe3', 'beneficiaire', 202405, i => 'three');
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202405, i => 'three', sex => 'H');
SELECT pg_temp.is('sex in an action', pg_temp.found('sexe'), 'axe1 cecler 202403 1 H; axe1 cias 202402 2 F');
SELECT pg_temp.is('sex of the contract', pg_temp.found('sexe_contrat'), 'axe2 fit 202401 1 F; axe3 cecler 202405 1 H');
SELECT pg_temp.is('not in the period', pg_temp.found('sexe', 202412, 202401, 202402), '');
SELECT pg_temp.is('one matter', (SELECT count(DISTINCT matter)::text FROM ctai.discrepancies('63-thiers-2023', NULL, NULL, 202312,
    (SELECT position FROM ctai.scope WHERE scope = '63'), '{}', '{}')), '2');

-- Identities: of the scope, with the keys of this contract alone.
SELECT pg_temp.is('no identity yet', pg_temp.found('identite'), '');
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202403, e => 'n1', i => 'same');
SELECT pg_temp.is('one number', pg_temp.found('identite'), '');
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202403, e => 'n2', i => 'same', contract => 'c2');
SELECT pg_temp.is('two numbers', pg_temp.found('identite'), 'axe1 cias 202403 1 2');
SELECT pg_temp.put('fit', 'axe2', 'beneficiaire', 202406, i => 'same');
SELECT pg_temp.is('and none', pg_temp.found('identite'), 'axe1 cias 202403 1 2 unlinked; axe2 fit 202406 1 2 unlinked');

-- Exits: the sixth month is past; a follow-up of the action, from the exit on, by whomever.
SELECT pg_temp.put('cecler', 'axe3', 'sortie', 202401, i => 'three', quantity => 30, code => 'emploi_durable', key => 'the exit');
SELECT pg_temp.is('six months are not past', pg_temp.found('suivi_6_mois', 202407), '');
SELECT pg_temp.is('they are', pg_temp.found('suivi_6_mois', 202408), 'axe3 cecler 202401 1 202407');
SELECT pg_temp.is('its key', (SELECT keys[1] FROM ctai.discrepancies('63-thiers-2023', NULL, NULL, 202408,
    (SELECT position FROM ctai.scope WHERE scope = '63'), '{}', '{}') WHERE kind = 'suivi_6_mois'), md5('the exit'));
SELECT pg_temp.put('cecler', 'axe1', 'suivi_6_mois', 202407, i => 'three', code => 'positif');
SELECT pg_temp.put('cecler', 'axe3', 'suivi_6_mois', 202312, i => 'three', code => 'positif');
SELECT pg_temp.is('of another action, or before', pg_temp.found('suivi_6_mois', 202408), 'axe3 cecler 202401 1 202407');
SELECT pg_temp.put('fit', 'axe3', 'suivi_6_mois', 202408, i => 'three', code => 'negatif');
SELECT pg_temp.is('followed', pg_temp.found('suivi_6_mois', 202408), '');
SELECT pg_temp.put('cecler', 'axe3', 'sortie', 202411, i => 'three', quantity => 3, code => 'autre');
SELECT pg_temp.is('the last exits', pg_temp.found('suivi_6_mois', 202506), 'axe3 cecler 202411 1 202505');
SELECT pg_temp.is('not of the period', pg_temp.found('suivi_6_mois', 202506, NULL, 202410), '');

-- Late: by the latest record of the action, or of any where the exports cover the action.
SELECT pg_temp.is('of the action alone', pg_temp.found('retard', 202410),
                  'axe1 cecler 202407 0 202409; axe1 cias 202405 0 202409; axe2 fit 202406 0 202409');
INSERT INTO ctai.coverage (scope, agent, contract_id, action, last_month, complete, position)
SELECT '63', g.agent, c.contract_id, a.action, 202311, true, 1
FROM ctai.agent AS g, ctai.contract AS c JOIN ctai.contract_action AS a USING (contract_id) WHERE c.id = '63-thiers-2023';
SELECT pg_temp.is('by now', pg_temp.found('retard', 202410), 'axe1 cias 202405 0 202409; axe2 fit 202408 0 202409');
SELECT pg_temp.is('after the contract', pg_temp.found('retard', 203001), 'axe1 cias 202405 0 202411; axe2 fit 202408 0 202411');
-- An action that an amendment brings is due from then on.
INSERT INTO ctai.contract_version (contract_id, version, position, title, department, region, first_day, last_day, definition,
                                   amendment, effective_day)
SELECT contract_id, 2, 1, title, department, region, first_day, last_day, '', 1, '2024-09-01'
FROM ctai.contract_version JOIN ctai.contract AS c USING (contract_id) WHERE c.id = '63-thiers-2023';
INSERT INTO ctai.contract_action SELECT contract_id, 4, 'axe4' FROM ctai.contract WHERE id = '63-thiers-2023';
INSERT INTO ctai.contract_version_action
SELECT contract_id, 2, a.action, a.action, '' FROM ctai.contract AS c JOIN ctai.contract_action AS a USING (contract_id)
WHERE c.id = '63-thiers-2023';
SELECT pg_temp.is('a new action', (SELECT string_agg(action || ' ' || at, ', ' ORDER BY at) FROM unnest(ARRAY[202409, 202410]) AS at,
    ctai.discrepancies('63-thiers-2023', NULL, NULL, at, (SELECT position FROM ctai.scope WHERE scope = '63'), '{axe4}', '{nobody}')
    WHERE kind = 'retard'), 'axe4 202410');
SELECT pg_temp.is('before its second month', pg_temp.found('retard', 202311), '');

-- As of a position before all of it.
SELECT pg_temp.is('as it was', pg_temp.found('sexe', 202412, NULL, NULL, 1), '');
SELECT pg_temp.is('late as it was', pg_temp.found('retard', 202312, NULL, NULL, 1),
                  'axe1 cecler - 0 202311; axe3 cecler - 0 202311; axe1 cias - 0 202311; axe2 fit - 0 202311');
SELECT pg_temp.is('no such contract', (SELECT count(*)::text FROM ctai.discrepancies('x', NULL, NULL, 202412, 9, '{}', '{}')), '0');
SELECT pg_temp.is('months', concat_ws(' ', ctai.months_after(202312, 1), ctai.months_after(202401, -1), ctai.months_after(202406, 6),
                  ctai.months_after(202312, 12)), '202401 202312 202412 202412');
SELECT pg_temp.is('now', ctai.contract_month_at('63-thiers-2023', NULL)::text, to_char(now() AT TIME ZONE 'UTC', 'YYYYMM'));
SELECT pg_temp.is('then', ctai.contract_month_at('63-thiers-2023', 1)::text,
                  (SELECT to_char(registered_at AT TIME ZONE 'UTC', 'YYYYMM') FROM ctai.contract_version ORDER BY position LIMIT 1));
