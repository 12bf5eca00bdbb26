-- Each kind of count, and the state of its cell.

SELECT pg_temp.is('nothing', pg_temp.cell('axe1', '1.1.total'), '0 non_collecte');
SELECT pg_temp.is('no mean', pg_temp.cell('axe1', '3.2.duree_moyenne_mois'), ' non_collecte');
SELECT pg_temp.is('no list', pg_temp.cell('axe1', '3.3.thematiques'), ' non_collecte');
SELECT pg_temp.is('no text', pg_temp.cell('axe1', '1.2.outils'), ' non_collecte');
SELECT pg_temp.is('no follow-up', pg_temp.cell('axe1', '3.2.suivis_6_mois'), '0 non_fait');
SELECT pg_temp.is('nor of the positive', pg_temp.cell('axe1', '3.2.positives_6_mois'), '0 non_fait');
SELECT pg_temp.is('all cells', (SELECT count(*)::text FROM ctai.report('63-thiers-2023', NULL, NULL, 1)), (4 * 37)::text);

-- Sessions: the largest quantity of each, by operator, action and detail.
SELECT pg_temp.put('fit', 'axe2', 'seance', 202401, quantity => 90, code => 'francais', reference => 's1');
SELECT pg_temp.put('fit', 'axe2', 'seance', 202402, quantity => 120, code => 'francais', reference => 's1');
SELECT pg_temp.put('fit', 'axe2', 'seance', 202402, quantity => 45, code => 'laicite', reference => 's1');
SELECT pg_temp.put('cias', 'axe2', 'seance', 202402, quantity => 20, code => 'francais', reference => 's1');
SELECT pg_temp.put('fit', 'axe1', 'seance', 202402, quantity => 20, code => 'francais', reference => 's1');
SELECT pg_temp.is('sessions once', pg_temp.cell('axe2', '3.1.heures'), '2.33 compte');
SELECT pg_temp.is('a session of two actions is two', pg_temp.cell('contrat', '3.1.heures'), '2.67 compte');
SELECT pg_temp.is('in its month alone', pg_temp.cell('axe2', '3.1.heures', 202401, 202401), '1.5 compte');
SELECT pg_temp.is('another detail', pg_temp.cell('axe2', '3.3.heures'), '0.75 compte');
SELECT pg_temp.is('two details, the larger', pg_temp.cell('axe2', '3.3.thematiques'), 'laicite compte');
SELECT pg_temp.put('fit', 'axe2', 'seance', 202403, quantity => 60, code => 'autre', reference => 's1');
SELECT pg_temp.put('fit', 'axe2', 'seance', 202403, quantity => 0, code => 'egalite', reference => 's2');
SELECT pg_temp.is('the larger of two details of one session', pg_temp.cell('axe2', '3.3.heures'), '1 compte');
SELECT pg_temp.is('in the declared order', pg_temp.cell('axe2', '3.3.thematiques'), 'laicite;egalite;autre compte');
SELECT pg_temp.is('collected, none of that detail', pg_temp.cell('axe2', '3.6.heures'), '0 compte');
SELECT pg_temp.is('a list of other details is empty', pg_temp.cell('axe1', '3.3.thematiques'), ' compte');
SELECT pg_temp.put('cias', 'axe1', 'formation_acteurs', 202401, quantity => 61, reference => 'f');
SELECT pg_temp.is('hours given to professionals', pg_temp.cell('axe1', '1.2.heures'), '1.02 compte');

-- Sums.
SELECT pg_temp.put('cias', 'axe1', 'cout', 202401, quantity => 100050, code => 'p104');
SELECT pg_temp.put('cecler', 'axe1', 'cout', 202401, quantity => 50, code => 'autre');
SELECT pg_temp.put('cecler', 'axe3', 'cout', 202401, quantity => 1, code => 'autre');
SELECT pg_temp.is('costs', pg_temp.cell('axe1', '2.cout_total'), '1001 compte');
SELECT pg_temp.is('of programme 104', pg_temp.cell('axe1', '2.cout_p104'), '1000.5 compte');
SELECT pg_temp.is('none of programme 104', pg_temp.cell('axe3', '2.cout_p104'), '0 compte');
SELECT pg_temp.is('of the contract', pg_temp.cell('contrat', '2.cout_total'), '1001.01 compte');
SELECT pg_temp.put('cias', 'axe1', 'sollicitation', 202401, quantity => 3);
SELECT pg_temp.put('cias', 'axe1', 'sollicitation', 202402, quantity => 1);
SELECT pg_temp.is('the contract''s own', pg_temp.cell('axe1', 'L.sollicitations'), '4 compte');

-- References and households.
SELECT pg_temp.put('cias', 'axe1', 'evenement_sportif', 202401, reference => 'match');
SELECT pg_temp.put('cias', 'axe1', 'evenement_sportif', 202402, reference => 'match');
SELECT pg_temp.put('cecler', 'axe1', 'evenement_sportif', 202402, reference => 'match');
SELECT pg_temp.put('cias', 'axe3', 'evenement_sportif', 202402, reference => 'match');
SELECT pg_temp.put('cias', 'axe1', 'evenement_culturel', 202402, reference => 'match');
SELECT pg_temp.is('an event at two operators is two', pg_temp.cell('axe1', '3.8.sport'), '2 compte');
SELECT pg_temp.is('and in two actions', pg_temp.cell('contrat', '3.8.sport'), '3 compte');
SELECT pg_temp.is('of another type, another', pg_temp.cell('axe1', '3.8.culture'), '1 compte');
SELECT pg_temp.put('cias', 'axe1', 'logement_perenne', 202401, m => 'h');
SELECT pg_temp.put('cecler', 'axe1', 'logement_perenne', 202401, m => 'h');
SELECT pg_temp.put('cecler', 'axe3', 'logement_perenne', 202402, m => 'h');
SELECT pg_temp.put('cecler', 'axe3', 'logement_perenne', 202402, m => 'h2');
SELECT pg_temp.is('a household at two operators is one', pg_temp.cell('axe1', '3.4.menages'), '1 compte');
SELECT pg_temp.is('and in two actions', pg_temp.cell('contrat', '3.4.menages'), '2 compte');

-- Exits and follow-up.
SELECT pg_temp.put('cecler', 'axe3', 'beneficiaire', 202405, e => 'p', i => 'p');
SELECT pg_temp.put('cecler', 'axe3', 'sortie', 202405, e => 'p', quantity => 100, code => 'emploi_durable');
SELECT pg_temp.put('cias', 'axe3', 'sortie', 202405, e => 'p', quantity => 201, code => 'formation');
SELECT pg_temp.put('cias', 'axe3', 'sortie', 202406, i => 'q', quantity => 0, code => 'autre');
SELECT pg_temp.is('mean of the records', pg_temp.cell('axe3', '3.2.duree_moyenne_mois'), '3.3 compte');
SELECT pg_temp.is('persons once', pg_temp.cell('axe3', '3.2.sorties_positives'), '1 compte');
SELECT pg_temp.is('in training', pg_temp.cell('axe3', '3.2.formation'), '1 compte');
SELECT pg_temp.is('in lasting work', pg_temp.cell('axe3', '3.2.emploi_durable'), '1 compte');
SELECT pg_temp.is('none in that month', pg_temp.cell('axe3', '3.2.formation', 202406, 202406), '0 compte');
SELECT pg_temp.put('cecler', 'axe3', 'suivi_6_mois', 202411, e => 'p', code => 'negatif');
SELECT pg_temp.is('followed', pg_temp.cell('axe3', '3.2.suivis_6_mois'), '1 compte');
SELECT pg_temp.is('none positive', pg_temp.cell('axe3', '3.2.positives_6_mois'), '0 compte');
SELECT pg_temp.put('cias', 'axe1', 'autonomie', 202403, i => 'p', code => 'parentalite');
SELECT pg_temp.is('autonomy', pg_temp.cell('axe1', 'L.autonomie_parentalite'), '1 compte');
SELECT pg_temp.is('not of that kind', pg_temp.cell('axe1', 'L.autonomie_scolarite'), '0 compte');

-- Narratives, whatever the period; each led by its operator.
SELECT pg_temp.put('fit', 'axe2', 'narrative', NULL, code => '1.2.outils', narrative => 'Un guide.');
SELECT pg_temp.put('cias', 'axe2', 'narrative', NULL, code => '1.2.outils', narrative => E'Deux\nlignes.');
SELECT pg_temp.put('cias', 'axe1', 'narrative', NULL, code => '1.2.outils', narrative => 'Une affiche.');
SELECT pg_temp.is('texts', pg_temp.cell('axe2', '1.2.outils', 202403, 202404), E'cias : Deux\nlignes.\n\nfit : Un guide. compte');
SELECT pg_temp.is('of all actions', pg_temp.cell('contrat', '1.2.outils'),
                  E'cias : Une affiche.\n\ncias : Deux\nlignes.\n\nfit : Un guide. compte');
SELECT pg_temp.is('another indicator', pg_temp.cell('axe2', '3.3.outils'), ' non_collecte');
SELECT pg_temp.is('nothing of it in another contract', pg_temp.cell('axe1', '1.2.outils', contract => 'c2'), ' non_collecte');
