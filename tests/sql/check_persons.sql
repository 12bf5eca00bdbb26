-- Who is the same person: E unites; an I without E follows the one E that stands with it on beneficiary records
-- anywhere in the scope; with two, all such records are one person of their own.

-- Same E at two operators, in two actions: one person of the contract.
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202401, e => 'a', i => 'a1', sex => 'F');
SELECT pg_temp.put('cecler', 'axe1', 'beneficiaire', 202402, e => 'a', i => 'a2', bpi => true);
SELECT pg_temp.put('cecler', 'axe3', 'beneficiaire', 202402, e => 'a', i => 'a2');
SELECT pg_temp.is('one E', pg_temp.cell('axe1', '1.1.total'), '1 compte');
SELECT pg_temp.is('bpi by any record', pg_temp.cell('axe1', '1.1.bpi_femmes'), '1 compte');
SELECT pg_temp.is('not bpi there', pg_temp.cell('axe3', '1.1.bpi'), '0 compte');
SELECT pg_temp.is('once in the contract', pg_temp.cell('contrat', '1.1.total'), '1 compte');
SELECT pg_temp.is('sex of all its actions', pg_temp.cell('contrat', '1.1.femmes'), '1 compte');
SELECT pg_temp.is('sex not stated there', pg_temp.cell('axe3', '1.1.femmes'), '0 compte');

-- No number here, one number elsewhere.
SELECT pg_temp.put('fit', 'axe2', 'beneficiaire', 202403, i => 'a1');
SELECT pg_temp.is('linked', pg_temp.cell('contrat', '1.1.total'), '1 compte');
SELECT pg_temp.put('fit', 'axe2', 'beneficiaire', 202403, i => 'b');
SELECT pg_temp.is('a person of its own', pg_temp.cell('axe2', '1.1.total'), '2 compte');

-- The number stands in another contract of the scope, and another month.
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202408, e => 'nb', i => 'b', contract => 'c2');
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202404, e => 'nb', i => 'another');
SELECT pg_temp.is('linked over contracts', pg_temp.cell('contrat', '1.1.total'), '2 compte');
-- Another scope never links.
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202408, e => 'other', i => 'b', contract => 'elsewhere');
SELECT pg_temp.is('scopes apart', pg_temp.cell('contrat', '1.1.total'), '2 compte');

-- Two numbers: ambiguous, a person of its own, distinct from both.
SELECT pg_temp.put('cecler', 'axe3', 'beneficiaire', 202405, e => 'nb2', i => 'b', contract => '63-thiers-2023');
SELECT pg_temp.is('ambiguous', pg_temp.cell('axe2', '1.1.total'), '2 compte');
SELECT pg_temp.is('a, nb, nb2, b', pg_temp.cell('contrat', '1.1.total'), '4 compte');
SELECT pg_temp.is('and counted as such', (SELECT numbers::text FROM ctai.link('63', 1000, ARRAY[pg_temp.hash('Ib')])), '2');

-- A number on another type of record does not link.
SELECT pg_temp.put('fit', 'axe2', 'beneficiaire', 202403, i => 'c');
SELECT pg_temp.put('fit', 'axe2', 'presence', 202403, i => 'c', quantity => 60);
SELECT pg_temp.is('still three', pg_temp.cell('axe2', '1.1.total'), '3 compte');

-- Both sexes stated: in the total, in neither sex.
SELECT pg_temp.put('cias', 'axe1', 'beneficiaire', 202404, e => 's', i => 's', sex => 'F', under_25 => true);
SELECT pg_temp.put('cecler', 'axe1', 'beneficiaire', 202405, e => 's', i => 's', sex => 'H');
SELECT pg_temp.is('total', pg_temp.cell('axe1', '1.1.total'), '3 compte');
SELECT pg_temp.is('women', pg_temp.cell('axe1', '1.1.femmes'), '1 compte');
SELECT pg_temp.is('men', pg_temp.cell('axe1', '1.1.hommes'), '0 compte');
SELECT pg_temp.is('but young', pg_temp.cell('axe1', '1.1.moins_25'), '1 compte');
SELECT pg_temp.is('one month alone: one sex', pg_temp.cell('axe1', '1.1.hommes', 202405, 202405), '1 compte');

-- An identity whose bytes are those of a number is another person all the same.
INSERT INTO ctai.record (position, incarnation, sequence, scope, agent, key, contract_id, action, type, month, token_i, bpi, under_25)
SELECT 2, 1, 1, '63', 1, pg_temp.hash('twin'), contract_id, 1, 'beneficiaire', 202404, pg_temp.hash('Ea'), false, false
FROM ctai.contract WHERE id = '63-thiers-2023';
SELECT pg_temp.is('no number is an identity', pg_temp.cell('axe1', '1.1.total'), '4 compte');
