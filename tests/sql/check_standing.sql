-- Standing cells: which marks a write leaves, what is evaluated anew for them, and that a reader never sees what does not stand.

CREATE FUNCTION pg_temp.consolidate() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one integer;
BEGIN
    FOR one IN SELECT contract_id FROM ctai.marked() LOOP
        PERFORM ctai.consolidate(one);
    END LOOP;
END
$$;
-- "contract types", of those that are marked: * stands for all of a contract.
CREATE FUNCTION pg_temp.marks() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(id || ' ' || types, '; ' ORDER BY id COLLATE "C")
    FROM (SELECT c.id, string_agg(DISTINCT coalesce(m.type::text, '*'), ',' ORDER BY coalesce(m.type::text, '*')) AS types
          FROM ctai.mark AS m JOIN ctai.contract AS c USING (contract_id) GROUP BY c.id) AS of_one
$$;
CREATE FUNCTION pg_temp.stands(contract text) RETURNS text LANGUAGE sql AS $$
    SELECT bool_or(ctai.stands(s.contract_id, s.version, s.from_month, s.to_month, 9223372036854775807))::text
    FROM ctai.standing AS s JOIN ctai.contract AS c USING (contract_id) WHERE c.id = contract
$$;
CREATE FUNCTION pg_temp.wrong() RETURNS text LANGUAGE sql AS $$ SELECT count(*)::text FROM ctai.cells_wrong() $$;
-- What a standing cell holds, whether it stands or not.
CREATE FUNCTION pg_temp.held(of_action smallint, of_indicator text) RETURNS text LANGUAGE sql AS $$
    SELECT k.value FROM ctai.cell AS k JOIN ctai.contract AS c USING (contract_id)
    WHERE c.id = '63-thiers-2023' AND k.action = of_action AND k.indicator = of_indicator
$$;

SELECT pg_temp.is('new contracts are marked', pg_temp.marks(), '63-thiers-2023 *; c2 *; elsewhere *');
SELECT pg_temp.consolidate();
SELECT pg_temp.is('no mark is left', pg_temp.marks(), NULL);
SELECT pg_temp.is('it stands', pg_temp.stands('63-thiers-2023'), 'true');

-- A record marks its contract and type; the reader sees it before it is consolidated, and the same after.
SELECT pg_temp.put('cias', 'axe1', 'sollicitation', 202402, quantity => 3);
SELECT pg_temp.is('a mark of its type', pg_temp.marks(), '63-thiers-2023 sollicitation');
SELECT pg_temp.is('it does not stand', pg_temp.stands('63-thiers-2023'), 'false');
SELECT pg_temp.is('the reader evaluates', pg_temp.cell('axe1', 'L.sollicitations'), '3 compte');
SELECT pg_temp.is('the cell is as it was', pg_temp.held(1::smallint, 'L.sollicitations'), '0');
UPDATE ctai.cell SET value = 'untouched' WHERE action = 1 AND indicator = '1.1.total';
SELECT pg_temp.consolidate();
SELECT pg_temp.is('the cell holds it', pg_temp.held(1::smallint, 'L.sollicitations'), '3');
SELECT pg_temp.is('and the contract''s line', pg_temp.held(0::smallint, 'L.sollicitations'), '3');
SELECT pg_temp.is('other types'' cells were not evaluated', pg_temp.held(1::smallint, '1.1.total'), 'untouched');
SELECT pg_temp.is('what differs is found', pg_temp.wrong(), '3'); -- each contract has an action 1
SELECT pg_temp.is('a reader reads what stands', pg_temp.cell('axe1', '1.1.total'), 'untouched non_collecte');
SELECT pg_temp.is('as of before it evaluates', pg_temp.cell('axe1', '1.1.total', as_of => position - 1), '0 non_collecte')
FROM ctai.scope WHERE scope = '63';
SELECT pg_temp.is('a month of it too', pg_temp.cell('axe1', '1.1.total', 202402, 202402), '0 non_collecte');
INSERT INTO ctai.mark (scope, contract_id) SELECT scope, contract_id FROM ctai.contract;
SELECT pg_temp.consolidate();
SELECT pg_temp.is('a mark of all evaluates all', pg_temp.wrong(), '0');

-- A number that comes with an identity makes another's what the identity alone had in another contract; and back.
SELECT pg_temp.put('cecler', 'axe1', 'beneficiaire', 202403, i => 'a', contract => 'c2');
SELECT pg_temp.put('cecler', 'axe1', 'suivi_6_mois', 202403, i => 'a', code => 'positif', contract => 'c2');
SELECT pg_temp.put('cecler', 'axe1', 'suivi_6_mois', 202403, e => '1', code => 'positif', contract => 'c2');
SELECT pg_temp.put('cecler', 'axe1', 'suivi_6_mois', 202403, i => 'nobody', code => 'positif', contract => 'c2');
SELECT pg_temp.consolidate();
SELECT pg_temp.is('three', pg_temp.cell('axe1', '3.2.suivis_6_mois', contract => 'c2'), '3 compte');
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202402, e => '1', i => 'a', key => 'link');
SELECT pg_temp.is('marked there too', pg_temp.marks(), '63-thiers-2023 beneficiaire; c2 beneficiaire,suivi_6_mois');
SELECT pg_temp.consolidate();
SELECT pg_temp.is('two of them are one', pg_temp.cell('axe1', '3.2.suivis_6_mois', contract => 'c2'), '2 compte');
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202402, e => '2', i => 'of nobody else');
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202402, i => 'a');
SELECT pg_temp.is('no link, no mark elsewhere', pg_temp.marks(), '63-thiers-2023 beneficiaire');
SELECT pg_temp.consolidate();
UPDATE ctai.record SET token_e = NULL WHERE key = pg_temp.hash('link');
SELECT pg_temp.is('the number is forgotten', pg_temp.marks(), '63-thiers-2023 beneficiaire; c2 beneficiaire,suivi_6_mois');
SELECT pg_temp.consolidate();
SELECT pg_temp.is('three again', pg_temp.cell('axe1', '3.2.suivis_6_mois', contract => 'c2'), '3 compte');
UPDATE ctai.record SET token_e = pg_temp.hash('E1') WHERE key = pg_temp.hash('link');
SELECT pg_temp.is('it is found out', pg_temp.marks(), '63-thiers-2023 beneficiaire; c2 beneficiaire,suivi_6_mois');
SELECT pg_temp.consolidate();
DELETE FROM ctai.record WHERE key = pg_temp.hash('link');
SELECT pg_temp.is('it goes', pg_temp.marks(), '63-thiers-2023 beneficiaire; c2 beneficiaire,suivi_6_mois');
SELECT pg_temp.consolidate();
SELECT pg_temp.is('three once more', pg_temp.cell('axe1', '3.2.suivis_6_mois', contract => 'c2'), '3 compte');
SELECT pg_temp.is('no cell differs', pg_temp.wrong(), '0');

-- The same in second sets of tokens, of a record with two and one with one, whichever is which.
INSERT INTO ctai.scope_key (scope, epoch, scheme, key_id) VALUES ('63', 1, 1, pg_temp.hash('K1')), ('63', 2, 1, pg_temp.hash('K2'));
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202402, i => 'old b', key => 'two sets');
UPDATE ctai.record SET epoch2 = 2, token_e2 = pg_temp.hash('Enew'), token_i2 = pg_temp.hash('Ib') WHERE key = pg_temp.hash('two sets');
SELECT pg_temp.put('cecler', 'axe1', 'beneficiaire', 202403, i => 'b', contract => 'c2', key => 'one set');
SELECT pg_temp.put('cecler', 'axe1', 'beneficiaire', 202403, e => 'new', i => 'whoever', contract => 'c2');
UPDATE ctai.record SET epoch = 2 WHERE contract_id = (SELECT contract_id FROM ctai.contract WHERE id = 'c2');
UPDATE ctai.scope_key SET closed_position = 2, closed_at = now() WHERE epoch = 1;
SELECT pg_temp.is('a closed epoch marks the scope', pg_temp.marks(),
                  '63-thiers-2023 *,beneficiaire; c2 *,beneficiaire,suivi_6_mois');
SELECT pg_temp.consolidate();
SELECT pg_temp.is('of the second set', pg_temp.cell('axe1', '1.1.total', contract => 'c2'), '2 compte');
UPDATE ctai.record SET token_e2 = NULL WHERE key = pg_temp.hash('two sets');
SELECT pg_temp.is('a second set''s number goes', pg_temp.marks(), '63-thiers-2023 beneficiaire; c2 beneficiaire');
SELECT pg_temp.consolidate();
SELECT pg_temp.is('another person', pg_temp.cell('axe1', '1.1.total', contract => 'c2'), '3 compte');
UPDATE ctai.record SET token_e = pg_temp.hash('Efound') WHERE key = pg_temp.hash('one set');
SELECT pg_temp.is('a first set''s number, and a second without', pg_temp.marks(), '63-thiers-2023 beneficiaire; c2 beneficiaire');
SELECT pg_temp.consolidate();
SELECT pg_temp.is('no cell of any set differs', pg_temp.wrong(), '0');

-- What contracts are made of. A version that no consolidation has seen is evaluated by the reader, mark or no mark.
UPDATE ctai.indicator SET details = '{laicite}' WHERE contract_id = 0 AND code = '3.3.heures';
SELECT pg_temp.is('the national list marks all', pg_temp.marks(), '63-thiers-2023 *; c2 *; elsewhere *');
SELECT pg_temp.consolidate();
INSERT INTO ctai.contract_version (contract_id, version, position, title, department, region, first_day, last_day, definition)
SELECT contract_id, 2, 1, 'Autre', '63', '84', '2024-01-15', '2024-02-28', '' FROM ctai.contract WHERE id = 'c2';
INSERT INTO ctai.contract_version_action SELECT contract_id, 2, 1, 1, 'Axe' FROM ctai.contract WHERE id = 'c2';
SELECT pg_temp.is('an amendment marks its contract', pg_temp.marks(), 'c2 *');
DELETE FROM ctai.mark;
SELECT pg_temp.is('the reader evaluates the new version', pg_temp.cell('axe1', '1.1.total', contract => 'c2'), '0 non_collecte');
INSERT INTO ctai.mark (scope, contract_id) SELECT scope, contract_id FROM ctai.contract WHERE id = 'c2';
SELECT pg_temp.consolidate();
SELECT pg_temp.is('which stands then', pg_temp.stands('c2'), 'true');
SELECT pg_temp.is('alone', count(DISTINCT (from_month, to_month))::text, '1') FROM ctai.cell JOIN ctai.contract USING (contract_id) WHERE id = 'c2';

-- A purge takes the cells along at once.
SELECT ctai.delete_records_of(contract_id) FROM ctai.contract WHERE id = '63-thiers-2023';
SELECT pg_temp.is('no cell is kept', pg_temp.held(1::smallint, 'L.sollicitations'), NULL);
SELECT pg_temp.consolidate();
SELECT pg_temp.is('nor any record counted', pg_temp.held(1::smallint, 'L.sollicitations'), '0');
SELECT pg_temp.is('nothing differs', pg_temp.wrong(), '0');
