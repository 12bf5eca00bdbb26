-- The rotation of the linkage key: which tokens are read as of a position, and what is linked with what.

INSERT INTO ctai.scope_key (scope, epoch, scheme, key_id) VALUES ('63', 1, 1, pg_temp.hash('K1'));

-- Gives all records of an operator a second set, of epoch 2: as an agent does that follows; at a position of its own.
CREATE FUNCTION pg_temp.follow(operator text) RETURNS void LANGUAGE sql AS $$
    UPDATE ctai.scope SET position = position + 1 WHERE scope = '63';
    INSERT INTO ctai.record_history
    SELECT r.*, s.position FROM ctai.record AS r JOIN ctai.scope AS s USING (scope) JOIN ctai.agent AS a USING (agent)
    WHERE a.name = operator AND scope = '63';
    UPDATE ctai.record AS r
    SET position = s.position, epoch2 = 2, token_e2 = md5('2' || token_e)::uuid, token_i2 = md5('2' || token_i)::uuid,
        token_m2 = md5('2' || token_m)::uuid
    FROM ctai.scope AS s, ctai.agent AS a
    WHERE a.name = operator AND a.agent = r.agent AND r.scope = '63' AND s.scope = '63'
$$;
CREATE FUNCTION pg_temp.here() RETURNS bigint LANGUAGE sql AS $$ SELECT position FROM ctai.scope WHERE scope = '63' $$;
-- Persons, followed up, households; as of a position.
CREATE FUNCTION pg_temp.line(as_of bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(split_part(pg_temp.cell('contrat', indicator, as_of => line.as_of), ' ', 1), ' ' ORDER BY place)
    FROM unnest(ARRAY['1.1.total', '3.2.suivis_6_mois', '3.4.menages']) WITH ORDINALITY AS wanted (indicator, place)
$$;

-- One by number, known to fit by name alone; one by name at all three; a household at two.
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202402, e => '1', i => 'a');
SELECT pg_temp.put('fit', 'axe1', 'beneficiaire', 202403, i => 'a');
SELECT pg_temp.put('fit', 'axe1', 'suivi_6_mois', 202403, i => 'a', code => 'positif');
SELECT pg_temp.put('cias', 'axe1', 'suivi_6_mois', 202403, e => '1', code => 'positif');
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202402, i => 'b');
SELECT pg_temp.put('cecler', 'axe1', 'beneficiaire', 202402, i => 'b');
SELECT pg_temp.put('fit', 'axe1', 'beneficiaire', 202402, i => 'b');
SELECT pg_temp.put('cias', 'axe1', 'logement_perenne', 202402, m => 'm');
SELECT pg_temp.put('fit', 'axe1', 'logement_perenne', 202402, m => 'm');

CREATE TEMPORARY TABLE moment (name text, position bigint);
INSERT INTO moment VALUES ('before', pg_temp.here());
SELECT pg_temp.is('before', pg_temp.line(pg_temp.here()), '2 1 1');
SELECT pg_temp.is('no second set is read', ctai.reading_epoch('63', pg_temp.here())::text, NULL);
INSERT INTO ctai.scope_key (scope, epoch, scheme, key_id) VALUES ('63', 2, 1, pg_temp.hash('K2'));
SELECT pg_temp.follow('cias');
INSERT INTO moment VALUES ('one has followed', pg_temp.here());
SELECT pg_temp.is('one has followed', pg_temp.line(pg_temp.here()), '2 1 1');
SELECT pg_temp.is('awaited', ctai.epoch_awaited('63', 2)::text, 'true');
SELECT pg_temp.follow('cecler');
INSERT INTO moment VALUES ('two have followed', pg_temp.here());
SELECT pg_temp.is('two have followed', pg_temp.line(pg_temp.here()), '2 1 1');
SELECT pg_temp.is('who lags', (SELECT string_agg(name || ' ' || records, ', ') FROM ctai.records_without('63', 2) JOIN ctai.agent USING (agent)),
                  'fit 4');
SELECT pg_temp.is('none lacks the first', (SELECT count(*)::text FROM ctai.records_without('63', 1)), '0');
SELECT pg_temp.is('awaited still', ctai.epoch_awaited('63', 2)::text, 'true');

-- Fit is revoked, so that the epoch may be closed without it: its records are left behind, but linked with each other.
UPDATE ctai.agent SET status = 'revoked' WHERE name = 'fit';
SELECT pg_temp.is('nobody is waited for', ctai.epoch_awaited('63', 2)::text, 'false');
UPDATE ctai.scope SET position = position + 1 WHERE scope = '63';
UPDATE ctai.scope_key SET closed_position = pg_temp.here(), closed_at = now() WHERE (scope, epoch) = ('63', 1);
SELECT pg_temp.is('the linkage epoch', ctai.linkage_epoch('63', pg_temp.here()) || ' ' || ctai.linkage_epoch('63', pg_temp.here() - 1), '2 1');
SELECT pg_temp.is('after', pg_temp.line(pg_temp.here()), '4 2 2');
SELECT pg_temp.is('another scope has none', ctai.linkage_epoch('69', pg_temp.here())::text, NULL);

-- All that was stays as it was.
SELECT pg_temp.is(name, pg_temp.line(position), '2 1 1') FROM moment;
SELECT pg_temp.is('just before the close', pg_temp.line(pg_temp.here() - 1), '2 1 1');

-- Fit is admitted again, and follows.
SELECT pg_temp.follow('fit');
SELECT pg_temp.is('all have followed', pg_temp.line(pg_temp.here()), '2 1 1');
SELECT pg_temp.is('as it was then', pg_temp.line(pg_temp.here() - 1), '4 2 2');
SELECT pg_temp.is('nobody lags', (SELECT count(*)::text FROM ctai.records_without('63', 2)), '0');

-- Where the same identity stands with two numbers, under the key that is read, it is ambiguous.
SELECT pg_temp.put('cecler', 'axe1', 'beneficiaire', 202402, e => '7', i => 'a');
SELECT pg_temp.follow('cecler');
SELECT pg_temp.is('ambiguous', (SELECT numbers::text FROM ctai.link('63', pg_temp.here(), ARRAY[md5('2' || pg_temp.hash('Ia'))::uuid])), '2');
SELECT pg_temp.is('not before it followed', (SELECT numbers::text FROM ctai.link('63', pg_temp.here() - 1, ARRAY[md5('2' || pg_temp.hash('Ia'))::uuid])), '1');
SELECT pg_temp.is('nor under the closed key', (SELECT numbers::text FROM ctai.link('63', pg_temp.here(), ARRAY[pg_temp.hash('Ia')])), '0');
