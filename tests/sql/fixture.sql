-- Words for the tests: three operators, records in few words, and assertions on cells. The contract is
-- 63-thiers-2023 (November 2023 to November 2024); "c2" is another contract of its scope.

SET LOCAL client_min_messages TO warning;

INSERT INTO ctai.agent (name, curve, sign, box)
SELECT name, sha256(('curve' || name)::bytea), sha256(('sign' || name)::bytea), sha256(('box' || name)::bytea)
FROM unnest(ARRAY['cias', 'cecler', 'fit']) AS name;

INSERT INTO ctai.contract (id, scope) VALUES ('c2', '63'), ('elsewhere', '69');
INSERT INTO ctai.scope (scope) VALUES ('69');
INSERT INTO ctai.contract_version (contract_id, version, position, title, department, region, first_day, last_day, definition)
SELECT contract_id, 1, 1, 'Autre', '63', '84', '2024-01-15', '2024-12-31', '' FROM ctai.contract WHERE id IN ('c2', 'elsewhere');
INSERT INTO ctai.contract_action (contract_id, action, code)
SELECT contract_id, 1, 'axe1' FROM ctai.contract WHERE id IN ('c2', 'elsewhere');
INSERT INTO ctai.contract_version_action (contract_id, version, action, rank, title)
SELECT contract_id, 1, 1, 1, 'Axe' FROM ctai.contract WHERE id IN ('c2', 'elsewhere');

-- 16 bytes that stand for a word.
CREATE FUNCTION pg_temp.hash(word text) RETURNS uuid LANGUAGE sql AS $$ SELECT md5(word)::uuid $$;

CREATE SEQUENCE pg_temp.record_number;

-- One record; what is not said is not there. e, i, m and reference are words. Each takes a position of its own.
CREATE FUNCTION pg_temp.put(
    operator text, action text, type ctai.fact, month integer, e text = NULL, i text = NULL, m text = NULL,
    sex ctai.sex = NULL, bpi boolean = NULL, under_25 boolean = NULL, quantity bigint = NULL, code text = NULL,
    reference text = NULL, narrative text = NULL, contract text = '63-thiers-2023', key text = NULL)
RETURNS void LANGUAGE sql AS $$
    UPDATE ctai.scope AS s SET position = position + 1 FROM ctai.contract AS c WHERE c.id = contract AND s.scope = c.scope;
    INSERT INTO ctai.record (position, incarnation, sequence, scope, agent, key, contract_id, action, type, month,
                             token_e, token_i, token_m, epoch, sex, bpi, under_25, quantity, code, reference, narrative)
    SELECT s.position, 1, 1, c.scope, (SELECT agent FROM ctai.agent WHERE name = put.operator),
           pg_temp.hash(coalesce(put.key, nextval('pg_temp.record_number')::text)), c.contract_id,
           (SELECT a.action FROM ctai.contract_action AS a WHERE a.contract_id = c.contract_id AND a.code = put.action),
           put.type, put.month, pg_temp.hash('E' || e), pg_temp.hash('I' || i), pg_temp.hash('M' || m), 1, put.sex,
           CASE WHEN put.type = 'beneficiaire' THEN coalesce(put.bpi, false) END,
           CASE WHEN put.type = 'beneficiaire' THEN coalesce(put.under_25, false) END,
           put.quantity, put.code, pg_temp.hash(put.reference), put.narrative
    FROM ctai.contract AS c JOIN ctai.scope AS s USING (scope) WHERE c.id = put.contract
$$;

-- The cell "value state"; NULL values are empty.
CREATE FUNCTION pg_temp.cell(of_action text, of_indicator text, from_month integer = NULL, to_month integer = NULL,
                             contract text = '63-thiers-2023', as_of bigint = NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(value, '') || ' ' || state
    FROM ctai.report(contract, from_month, to_month,
                     coalesce(as_of, (SELECT position FROM ctai.scope JOIN ctai.contract AS c USING (scope) WHERE c.id = contract)))
    WHERE action = of_action AND indicator = of_indicator
$$;

CREATE FUNCTION pg_temp.is(what text, got text, wanted text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF got IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION '%: got «%», wanted «%»', what, got, wanted;
    END IF;
END
$$;
