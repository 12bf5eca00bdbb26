-- A region of 12 departments, :contracts contracts and :records records, straight into the tables. psql's variables say
-- how many. Each department is a linkage scope; people are in one to three contracts of it, most have a number.

\set per_contract (:records / :contracts)
SET synchronous_commit TO off;
SET work_mem TO '256MB';

INSERT INTO ctai.agent (name, curve, sign, box)
SELECT name, sha256(('curve' || name)::bytea), sha256(('sign' || name)::bytea), sha256(('box' || name)::bytea)
FROM (SELECT 'operateur-' || n AS name FROM generate_series(1, 36) AS n) AS one;

CREATE TEMPORARY TABLE place AS
SELECT n - 1 AS n, code FROM unnest(ARRAY['01', '03', '07', '15', '26', '38', '42', '43', '63', '69', '73', '74'])
    WITH ORDINALITY AS d (code, n);
INSERT INTO ctai.scope (scope, position, chained) SELECT code, 2, 2 FROM place; -- no ledger: nothing is owed
INSERT INTO ctai.scope_key (scope, epoch, scheme, key_id) SELECT code, 1, 1, md5(code)::uuid FROM place;
INSERT INTO ctai.contract (id, scope)
SELECT code || '-' || lpad(c::text, 3, '0'), code FROM generate_series(1, :contracts) AS c JOIN place ON place.n = c % 12;
INSERT INTO ctai.contract_version (contract_id, version, position, title, department, region, first_day, last_day, definition)
SELECT contract_id, 1, 1, 'Contrat ' || id, scope, '84', '2024-01-01', '2024-12-31', '' FROM ctai.contract;
INSERT INTO ctai.contract_action (contract_id, action, code)
SELECT contract_id, n, 'axe' || n FROM ctai.contract, generate_series(1, 3) AS n;
INSERT INTO ctai.contract_version_action (contract_id, version, action, rank, title)
SELECT contract_id, 1, n, n, 'Action ' || n FROM ctai.contract, generate_series(1, 3) AS n;
INSERT INTO ctai.indicator (contract_id, version, rank, code, label, unit, kind, types)
SELECT contract_id, 1, 1, 'L.sollicitations', 'Sollicitations', 'sollicitations', 'somme', '{sollicitation}' FROM ctai.contract;

-- One in twenty of each type, but beneficiaries (six) and attendance (four).
CREATE TEMPORARY TABLE mix (n serial, type ctai.fact, code text);
INSERT INTO mix (type, code) VALUES
    ('beneficiaire', NULL), ('beneficiaire', NULL), ('beneficiaire', NULL), ('beneficiaire', NULL), ('beneficiaire', NULL),
    ('beneficiaire', NULL), ('presence', NULL), ('presence', NULL), ('presence', NULL), ('presence', NULL), ('entree', NULL),
    ('sortie', 'emploi_durable'), ('suivi_6_mois', 'positif'), ('niveau_debut', 'A1'), ('niveau_fin', 'A2'),
    ('seance', 'francais'), ('seance', 'laicite'), ('consultation_medicale', NULL), ('logement_perenne', NULL),
    ('sollicitation', NULL);

INSERT INTO ctai.record (position, incarnation, sequence, quantity, epoch, agent, contract_id, month, type, sex, action, bpi,
                         under_25, key, token_e, token_i, token_m, reference, scope, code)
SELECT 2, 1, 1,
       CASE WHEN type IN ('entree', 'presence', 'seance', 'consultation_medicale', 'sollicitation', 'sortie') THEN 1 + r % 240 END,
       1, 1 + (contract_id * 7 + r % 3) % 36, contract_id, 202401 + (r / 20 * 5) % 12, type,
       CASE WHEN type = 'beneficiaire' THEN CASE WHEN person % 2 = 0 THEN 'F' ELSE 'H' END::ctai.sex END,
       1 + r % 3,
       CASE WHEN type = 'beneficiaire' THEN person % 3 = 0 END, CASE WHEN type = 'beneficiaire' THEN person % 5 = 0 END,
       md5(contract_id || ':' || r)::uuid,
       CASE WHEN of_person AND person % 5 <> 0 THEN md5('e' || scope || person)::uuid END,
       CASE WHEN type = 'beneficiaire' OR of_person AND person % 5 = 0 THEN md5('i' || scope || person)::uuid END,
       CASE WHEN type = 'logement_perenne' THEN md5('m' || scope || person)::uuid END,
       CASE WHEN type = 'seance' THEN md5('s' || r / 40)::uuid END,
       scope, code
FROM ctai.contract
CROSS JOIN generate_series(0, :per_contract - 1) AS r
JOIN mix ON mix.n = r % 20 + 1,
LATERAL (SELECT contract_id % 1000 * (:per_contract / 50) + hashint4(r / 20 * 8 + r % 4) % (:per_contract / 20) AS person,
                type IN ('beneficiaire', 'presence', 'entree', 'sortie', 'suivi_6_mois', 'niveau_debut', 'niveau_fin') AS of_person) AS who;
ANALYZE;
