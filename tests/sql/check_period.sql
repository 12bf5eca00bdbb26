-- Periods: attendance and progress of a period that begins after the contract's first month are read from
-- its start, for the period's beneficiaries.

SELECT pg_temp.put('fit', 'axe2', 'beneficiaire', 202311, e => 'a', i => 'a');
SELECT pg_temp.put('fit', 'axe2', 'entree', 202311, e => 'a', quantity => 1000);
SELECT pg_temp.put('fit', 'axe2', 'presence', 202312, e => 'a', quantity => 400);
SELECT pg_temp.put('fit', 'axe2', 'niveau_debut', 202311, e => 'a', code => 'A1');
SELECT pg_temp.put('fit', 'axe2', 'beneficiaire', 202402, e => 'a', i => 'a');
SELECT pg_temp.put('fit', 'axe2', 'presence', 202402, e => 'a', quantity => 399);
SELECT pg_temp.put('fit', 'axe2', 'niveau_fin', 202402, e => 'a', code => 'A2');
SELECT pg_temp.is('not yet 80 %', pg_temp.cell('axe2', '3.1.assidus'), '0 compte');
SELECT pg_temp.put('cias', 'axe2', 'presence', 202402, i => 'a', quantity => 1);
SELECT pg_temp.is('80 % exactly, with the linked minute', pg_temp.cell('axe2', '3.1.assidus'), '1 compte');
SELECT pg_temp.is('the contract''s own kind of it', pg_temp.cell('axe2', 'L.assiduite'), '1 compte');
SELECT pg_temp.is('from the start', pg_temp.cell('axe2', '3.1.assidus', 202402, 202402), '1 compte');
SELECT pg_temp.is('up to its end alone', pg_temp.cell('axe2', '3.1.assidus', 202312, 202401), '0 compte');
SELECT pg_temp.is('progress', pg_temp.cell('axe2', '3.1.progres_cecrl'), '1 compte');
SELECT pg_temp.is('progress from the start', pg_temp.cell('axe2', '3.1.progres_cecrl', 202402, 202403), '1 compte');
SELECT pg_temp.is('last level in the period alone', pg_temp.cell('axe2', '3.1.progres_cecrl', 202403, 202404), '0 non_collecte');

-- Not a beneficiary in the period: does not count, though what was planned and attended is there.
SELECT pg_temp.put('fit', 'axe2', 'presence', 202405, e => 'a', quantity => 500);
SELECT pg_temp.is('no beneficiary', pg_temp.cell('axe2', '3.1.assidus', 202405, 202405), '0 compte');
SELECT pg_temp.put('fit', 'axe1', 'beneficiaire', 202405, e => 'a', i => 'a');
SELECT pg_temp.is('a beneficiary of another action', pg_temp.cell('axe2', '3.1.assidus', 202405, 202405), '0 compte');
SELECT pg_temp.is('in the contract: of any', pg_temp.cell('contrat', '3.1.assidus', 202405, 202405), '1 compte');
SELECT pg_temp.is('at the first month there is no such condition', pg_temp.cell('axe2', '3.1.assidus', 202311, 202405), '1 compte');

-- Planned and attended add up over the actions; nothing planned is no attendance.
SELECT pg_temp.put('cias', 'axe1', 'entree', 202405, e => 'a', quantity => 5000);
SELECT pg_temp.is('planned in two actions', pg_temp.cell('contrat', '3.1.assidus'), '0 compte');
SELECT pg_temp.is('planned without attendance', pg_temp.cell('axe1', '3.1.assidus'), '0 compte');
SELECT pg_temp.put('cias', 'axe3', 'beneficiaire', 202405, e => 'b', i => 'b');
SELECT pg_temp.put('cias', 'axe3', 'entree', 202405, e => 'b');
SELECT pg_temp.put('cias', 'axe3', 'presence', 202405, e => 'b', quantity => 500);
SELECT pg_temp.is('nothing planned', pg_temp.cell('axe3', '3.1.assidus'), '0 compte');

-- Highest against lowest.
SELECT pg_temp.put('cias', 'axe3', 'niveau_debut', 202406, e => 'b', code => 'B1');
SELECT pg_temp.put('cias', 'axe3', 'niveau_fin', 202406, e => 'b', code => 'B1');
SELECT pg_temp.is('same level', pg_temp.cell('axe3', '3.1.progres_cecrl'), '0 compte');
SELECT pg_temp.put('cecler', 'axe3', 'niveau_debut', 202407, e => 'b', code => 'infra_A1');
SELECT pg_temp.is('lowest first level', pg_temp.cell('axe3', '3.1.progres_cecrl'), '1 compte');

-- Months before the contract are its first; R is empty outside.
SELECT pg_temp.is('a from before the contract', pg_temp.cell('axe2', '1.1.total', 202001, 202312), '1 compte');
SELECT pg_temp.is('a to after it', pg_temp.cell('axe2', '1.1.total', 202402, 203001), '1 compte');
SELECT pg_temp.is('months without records', pg_temp.cell('axe2', '1.1.total', 202407, 202408), '0 non_collecte');
