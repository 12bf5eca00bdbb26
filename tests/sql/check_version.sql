-- Which version of a contract a report uses: the last that stood at its position and applies by the end of its period.
-- The initial one (November 2023 to November 2024) and two amendments: from 15 June 2024 to the end of March 2025; from
-- 1 September, one action less in the first place.
SELECT set_config('test.start', (SELECT position FROM ctai.scope WHERE scope = '63')::text, true);
SELECT set_config('test.contract', (SELECT contract_id FROM ctai.contract WHERE id = '63-thiers-2023')::text, true);
CREATE FUNCTION pg_temp.of(steps integer, to_month integer = NULL) RETURNS text LANGUAGE sql AS $$
    SELECT ctai.version_as_of(current_setting('test.contract')::integer, current_setting('test.start')::bigint + steps, to_month)::text
$$;
CREATE FUNCTION pg_temp.amend(next integer, applies date, ends date) RETURNS void LANGUAGE sql AS $$
    UPDATE ctai.scope SET position = position + 1 WHERE scope = '63';
    INSERT INTO ctai.contract_version (contract_id, version, position, title, department, region, first_day, last_day, definition,
                                       amendment, effective_day)
    SELECT v.contract_id, next, s.position, 'Avenant ' || next - 1, department, region, first_day, ends, '', next - 1, applies
    FROM ctai.contract_version AS v, ctai.scope AS s
    WHERE v.contract_id = current_setting('test.contract')::integer AND v.version = 1 AND s.scope = '63';
    INSERT INTO ctai.contract_version_action
    SELECT contract_id, next, action, rank, title FROM ctai.contract_version_action
    WHERE contract_id = current_setting('test.contract')::integer AND version = 1;
    INSERT INTO ctai.contract_target
    SELECT contract_id, next, action, indicator, target + next FROM ctai.contract_target
    WHERE contract_id = current_setting('test.contract')::integer AND version = 1;
$$;

SELECT pg_temp.is('alone', pg_temp.of(0), '1');
SELECT pg_temp.is('alone, before it begins', pg_temp.of(0, 202001), '1');
SELECT pg_temp.amend(2, '2024-06-15', '2025-03-31');                                     -- + 1
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202405, i => 'a');                    -- + 2
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202502, i => 'b');                    -- + 3
SELECT pg_temp.amend(3, '2024-09-01', '2025-03-31');                                     -- + 4

SELECT pg_temp.is('known before', pg_temp.of(0), '1');
SELECT pg_temp.is('known', pg_temp.of(1), '2');
SELECT pg_temp.is('the second is not known yet', pg_temp.of(3), '2');
SELECT pg_temp.is('the last of all', pg_temp.of(4), '3');
SELECT pg_temp.is('before it applies', pg_temp.of(4, 202405), '1');
SELECT pg_temp.is('it applies from the middle of the month', pg_temp.of(4, 202406), '2');
SELECT pg_temp.is('the month before the second', pg_temp.of(4, 202408), '2');
SELECT pg_temp.is('from its first day', pg_temp.of(4, 202409), '3');
SELECT pg_temp.is('long after', pg_temp.of(4, 203012), '3');
SELECT pg_temp.is('a period that applies, not known yet', pg_temp.of(3, 202409), '2');
SELECT pg_temp.is('no contract yet', ctai.version_as_of(current_setting('test.contract')::integer, 0)::text, NULL);

-- The report's own rows are those of that version.
CREATE FUNCTION pg_temp.said(to_month integer, steps integer = 4) RETURNS text LANGUAGE sql AS $$
    SELECT target || ' ' || value FROM ctai.report('63-thiers-2023', NULL, to_month, current_setting('test.start')::bigint + steps)
    WHERE (action, indicator) = ('axe1', '1.1.total')
$$;
SELECT pg_temp.is('the whole contract', pg_temp.said(NULL), '33 2');
SELECT pg_temp.is('to May', pg_temp.said(202405), '30 1');
SELECT pg_temp.is('to June', pg_temp.said(202406), '32 1');
SELECT pg_temp.is('past the first end', pg_temp.said(202502), '33 2');
SELECT pg_temp.is('the whole contract, before the second', pg_temp.said(NULL, 3), '32 2');
SELECT pg_temp.is('the whole contract, before both', pg_temp.said(NULL, 0), '30 0');
