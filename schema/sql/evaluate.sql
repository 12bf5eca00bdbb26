-- The evaluation of a contract: who is the same person, and what each indicator counts. One
-- definition of each kind of count, for the report, the region, the web and the exports. All is
-- recomputed from the records, so no order of arrival matters.
--
-- Files of functions are applied again, all of them, whenever one changed; the old functions of the
-- schema are dropped before (migrate.c).

-- 2023-11-30 -> 202311
CREATE FUNCTION ctai.month_of(day date) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (extract(year FROM day) * 100 + extract(month FROM day))::integer
$$;

-- The rank of a CEFR level, from 0.
CREATE FUNCTION ctai.level(code text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_position(ARRAY['infra_A1', 'A1', 'A2', 'B1', 'B2', 'C1', 'C2'], code) - 1
$$;

-- Minutes as hours with at most two decimals, half up from the exact value: floor(m * 5 / 3 + 1 / 2) hundredths.
CREATE FUNCTION ctai.as_hours(minutes numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT trim_scale(div(minutes * 10 + 3, 6) * 0.01)::text
$$;

CREATE FUNCTION ctai.as_measure(measure ctai.measure, quantity numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE measure
        WHEN 'minutes' THEN ctai.as_hours(quantity)
        WHEN 'centimes' THEN trim_scale(quantity * 0.01)::text
        ELSE quantity::text
    END
$$;

-- The mean of days in months of 30.4375 days, to one decimal, half up. In tenths of a month it is
-- days * 100000 / (count * 304375), a quotient of integers.
CREATE FUNCTION ctai.as_mean_months(days numeric, count bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (div(days * 200000 + count * 304375::numeric, count * 608750::numeric) * 0.1)::text
$$;

-- The version of a contract that a report uses: the last that stood at a position and applies by the end of a month (NULL:
-- the whole contract's, so the last); NULL when there was none yet.
CREATE FUNCTION ctai.version_as_of(of_contract integer, as_of bigint, to_month integer DEFAULT NULL) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT max(version)
    FROM ctai.contract_version
    WHERE contract_id = of_contract AND position <= as_of
      AND (to_month IS NULL OR effective_day IS NULL
           OR extract(year FROM effective_day) * 100 + extract(month FROM effective_day) <= to_month)
$$;

-- The position that the ledger of a scope had reached at a moment.
CREATE FUNCTION ctai.position_at(of_scope text, moment timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(greatest(
        (SELECT max(position) FROM ctai.ledger WHERE scope = of_scope AND received_at <= moment),
        (SELECT max(v.position)
         FROM ctai.contract_version AS v JOIN ctai.contract AS c USING (contract_id)
         WHERE c.scope = of_scope AND v.registered_at <= moment)), 0)
$$;

-- The epoch of a scope's linkage key by whose tokens people are linked as of a position: the lowest that is not closed
-- there. NULL: no record has a token yet.
CREATE FUNCTION ctai.linkage_epoch(of_scope text, as_of bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT min(epoch) FROM ctai.scope_key WHERE scope = of_scope AND (closed_position IS NULL OR closed_position > as_of)
$$;

-- The same for ctai.token_of; NULL where a second set is read of no record, and the planner, who sees that, drops the
-- question: none is until a first epoch is closed (it is of a higher epoch than the first set), nor once all records
-- have come again under one key alone.
CREATE FUNCTION ctai.reading_epoch(of_scope text, as_of bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT linkage
    FROM ctai.linkage_epoch(of_scope, as_of) AS linkage
    WHERE EXISTS (SELECT FROM ctai.scope_key WHERE scope = of_scope AND closed_position <= as_of)
        AND (EXISTS (SELECT FROM ctai.record WHERE scope = of_scope AND epoch2 <= linkage)
             OR EXISTS (SELECT FROM ctai.record_history
                        WHERE scope = of_scope AND epoch2 <= linkage AND replaced_position > as_of))
$$;

-- Which of a record's tokens is read: that of the linkage epoch, or, of a record that has none of it (its agent could not
-- follow the rotation), that of the last epoch before it, else of the first: so it is linked with nothing but others that
-- were left behind, or have gone ahead.
CREATE FUNCTION ctai.token_of(reading bigint, first_token uuid, second_epoch bigint, second_token uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN second_epoch <= reading THEN second_token ELSE first_token END
$$;

-- The records of a scope that stood at a position of its ledger. Inlined into its callers, whose conditions reach
-- the indexes; with the last position, the part that reads history finds nothing by its index.
CREATE FUNCTION ctai.records_as_of(of_scope text, as_of bigint)
RETURNS TABLE (agent integer, key uuid, contract_id integer, action smallint, type ctai.fact, month integer,
               quantity bigint, code text, sex ctai.sex, bpi boolean, under_25 boolean,
               epoch bigint, token_e uuid, token_i uuid, token_m uuid,
               epoch2 bigint, token_e2 uuid, token_i2 uuid, token_m2 uuid, reference uuid, narrative text)
LANGUAGE sql STABLE AS $$
    SELECT agent, key, contract_id, action, type, month, quantity, code, sex, bpi, under_25,
           epoch, token_e, token_i, token_m, epoch2, token_e2, token_i2, token_m2, reference, narrative
    FROM ctai.record
    WHERE scope = of_scope AND position <= as_of
    UNION ALL
    SELECT agent, key, contract_id, action, type, month, quantity, code, sex, bpi, under_25,
           epoch, token_e, token_i, token_m, epoch2, token_e2, token_i2, token_m2, reference, narrative
    FROM ctai.record_history
    WHERE scope = of_scope AND position <= as_of AND replaced_position > as_of
$$;

-- The person that an identity is when no number is known for it, or more than one: a value that is no number's token.
CREATE FUNCTION ctai.own_person(identity uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT encode(substr(sha256('identity'::bytea || uuid_send(identity)), 1, 16), 'hex')::uuid
$$;

-- Who is the same person (DOMAIN, of that title), for records that have an identity and no number: the person of
-- each of those identities (given once each), and the count of numbers that stand with it anywhere in the scope (two or more: ambiguous).
-- The identities, and the numbers that are found, are those of the sets that are read.
CREATE FUNCTION ctai.link(of_scope text, as_of bigint, identities uuid[])
RETURNS TABLE (identity uuid, person uuid, numbers bigint)
LANGUAGE plpgsql STABLE
SET jit TO off
SET enable_nestloop TO off
SET enable_mergejoin TO off
AS $$
DECLARE
    reading bigint := ctai.reading_epoch(of_scope, as_of);
BEGIN
    RETURN QUERY
    SELECT wanted.token_i,
           CASE WHEN count(known.token_e) = 1 THEN (array_agg(known.token_e))[1]
                ELSE ctai.own_person(wanted.token_i) END,
           count(known.token_e)
    FROM unnest(identities) AS wanted (token_i)
    LEFT JOIN (
        -- OFFSET 0: each looked up in the index of identities, whatever the planner thinks that it knows of the table.
        SELECT one.token_i, first_set.token_e
        FROM unnest(identities) AS one (token_i), LATERAL (
            SELECT r.token_e FROM ctai.record AS r
            WHERE r.scope = of_scope AND r.position <= as_of AND r.token_i = one.token_i AND r.type = 'beneficiaire'
              AND r.token_i IS NOT NULL AND r.token_e IS NOT NULL AND (r.epoch2 <= reading) IS NOT TRUE
            OFFSET 0
        ) AS first_set
        UNION -- each once
        SELECT one.token_i, second_set.token_e2
        FROM unnest(identities) AS one (token_i), LATERAL (
            SELECT r.token_e2 FROM ctai.record AS r
            WHERE r.scope = of_scope AND r.position <= as_of AND r.token_i2 = one.token_i AND r.type = 'beneficiaire'
              AND r.token_i2 IS NOT NULL AND r.token_e2 IS NOT NULL AND r.epoch2 <= reading
            OFFSET 0
        ) AS second_set
        WHERE reading IS NOT NULL
        UNION
        SELECT ctai.token_of(reading, h.token_i, h.epoch2, h.token_i2), ctai.token_of(reading, h.token_e, h.epoch2, h.token_e2)
        FROM ctai.record_history AS h
        WHERE h.scope = of_scope AND h.position <= as_of AND h.replaced_position > as_of AND h.type = 'beneficiaire'
          AND ctai.token_of(reading, h.token_i, h.epoch2, h.token_i2) = ANY (identities)
          AND ctai.token_of(reading, h.token_e, h.epoch2, h.token_e2) IS NOT NULL
    ) AS known ON known.token_i = wanted.token_i
    GROUP BY wanted.token_i;
END
$$;

-- All cells of contracts of one scope, each in a version and for months of its own, as of a position: of each contract
-- the cells of action 0 (all of its actions together) and, by_action, of each action: an indicator's value as the CSV
-- writes it (NULL: empty), its state, and what sums over contracts are made of:
--   amount      persons, households, references, minutes, cents or units; of a mean the sum of its days, of a list
--               how many details; a text has none
--   of_records  of a mean: how many records
--   rests       on how many persons, households or (bare facts) records the value rests; 0: on nobody (money, texts)
-- With only_types, only the cells that records of these types have a part in (ctai.types_needed), from the records that they
-- need; NULL: all.
-- With groups (one for each contract), rows without a contract say how many distinct persons benefit in the contracts of
-- each group (of_group), and in all of them (of_group NULL).
--
-- The records are read once. Three groupings of them carry all kinds of count:
--   total   by contract, action, type and code
--   person  by contract, action and person: a set of marks (one bit for each type and code that this person's records
--           have), who the person is, and what the attendance and the progress need
--   thing   by contract, operator, action, type, code and reference (or household)
CREATE FUNCTION ctai.evaluate_contracts(of_scope text, contracts integer[], versions integer[], from_months integer[],
                                        to_months integer[], groups text[], by_action boolean, as_of bigint,
                                        only_types ctai.fact[] DEFAULT NULL)
RETURNS TABLE (contract_id integer, of_group text, action smallint, rank bigint, indicator text, value text, state text,
               amount numeric, of_records bigint, rests bigint)
LANGUAGE plpgsql STABLE
SET jit TO off
SET work_mem TO '64MB'
-- The planner knows nothing of a CTE's size, nor of tables that were just filled: hash everything.
SET enable_nestloop TO off
SET enable_mergejoin TO off
SET enable_sort TO off
AS $$
#variable_conflict use_column
DECLARE
    first_of_all integer;
    last_of_all integer;
    reading bigint := ctai.reading_epoch(of_scope, as_of); -- of the linkage key
BEGIN
    SELECT min(ctai.month_of(v.first_day)), max(asked.to_month) INTO first_of_all, last_of_all
    FROM unnest(contracts, versions, to_months) AS asked (contract_id, version, to_month)
    JOIN ctai.contract_version AS v USING (contract_id, version);

    RETURN QUERY
    WITH subject AS MATERIALIZED (
        SELECT contract_id, version, asked.of_group, month.first_month, greatest(asked.from_month, month.first_month) AS from_month,
               asked.to_month,
               -- The period begins after the contract: what was planned and first levels are read from its start.
               asked.from_month > month.first_month AS later
        FROM unnest(contracts, versions, from_months, to_months, coalesce(groups, array_fill(''::text, ARRAY[cardinality(contracts)])))
                 AS asked (contract_id, version, from_month, to_month, of_group)
        JOIN ctai.contract_version AS v USING (contract_id, version),
             LATERAL ctai.month_of(v.first_day) AS month (first_month)
    ),
    part AS MATERIALIZED ( -- the actions, each with the number of the line that its persons are counted in
        SELECT contract_id, a.action, a.rank, CASE WHEN by_action THEN a.action ELSE 0::smallint END AS line,
               first_month, from_month, to_month
        FROM subject JOIN ctai.contract_version_action AS a USING (contract_id, version)
    ),
    line AS MATERIALIZED (
        SELECT contract_id, action FROM part WHERE by_action
        UNION ALL
        SELECT contract_id, 0::smallint FROM subject
    ),
    listed AS ( -- the national list, then the contracts' own; a variant right after what it varies
        SELECT i.contract_id AS declared_by,
               row_number() OVER (ORDER BY coalesce(base.contract_id, i.contract_id), coalesce(base.rank, i.rank),
                                           base.rank IS NOT NULL, i.contract_id, i.rank) AS place,
               i.code AS indicator, i.kind, i.measure, i.types, i.details, i.share, i.not_done,
               i.sex AS only_sex, i.bpi AS only_bpi, i.under_25 AS only_under_25,
               ctai.types_needed(i.kind, i.types, i.sex, i.bpi, i.under_25, EXISTS (SELECT FROM subject WHERE later)) AS needed
        FROM ctai.indicator AS i
        LEFT JOIN ctai.indicator AS base
             ON base.code = i.variant_of AND (base.contract_id, base.version) IN ((0, 0), (i.contract_id, i.version))
        WHERE (i.contract_id, i.version) IN (SELECT 0, 0 UNION ALL SELECT contract_id, version FROM subject)
    ),
    wanted AS MATERIALIZED (
        SELECT * FROM listed WHERE only_types IS NULL OR needed && only_types OR needed = '{}'
    ),
    asked AS ( -- with only_types
        SELECT contract_id, type
        FROM subject, (SELECT DISTINCT unnest(needed) AS type FROM wanted WHERE only_types IS NOT NULL) AS needed
    ),
    read AS MATERIALIZED ( -- once: reading the rows four times costs more than keeping them
        SELECT contract_id, r.agent, action, line, r.type, coalesce(r.code, '') AS code, r.quantity, r.sex, r.bpi, r.under_25,
               ctai.token_of(reading, r.token_e, r.epoch2, r.token_e2) AS token_e,
               ctai.token_of(reading, r.token_i, r.epoch2, r.token_i2) AS token_i,
               coalesce(r.reference, ctai.token_of(reading, r.token_m, r.epoch2, r.token_m2)) AS thing,
               r.month >= from_month AS in_period
        FROM (
            SELECT * FROM ctai.records_as_of(of_scope, as_of) AS one
            WHERE only_types IS NULL AND one.contract_id = ANY (contracts) AND one.month BETWEEN first_of_all AND last_of_all
            UNION ALL
            SELECT one.*
            FROM asked, LATERAL (
                SELECT * FROM ctai.records_as_of(of_scope, as_of) AS of_one
                WHERE of_one.contract_id = asked.contract_id AND of_one.type = asked.type
                  AND of_one.month BETWEEN first_of_all AND last_of_all
                OFFSET 0 -- by the index of cells, whatever the planner thinks that it knows of the table
            ) AS one
        ) AS r
        JOIN part USING (contract_id, action)
        WHERE r.month BETWEEN first_month AND to_month
    ),
    total AS MATERIALIZED (
        SELECT contract_id, action, type, code,
               bool_or(token_e IS NOT NULL OR token_i IS NOT NULL) AS of_persons,
               count(*) FILTER (WHERE in_period) AS records,
               count(*) FILTER (WHERE in_period AND token_e IS NULL AND token_i IS NULL) AS bare,
               sum(quantity) FILTER (WHERE in_period) AS quantity,
               sum(quantity) FILTER (WHERE in_period AND thing IS NULL) AS quantity_of_nothing
        FROM read
        GROUP BY contract_id, action, type, code
    ),
    pair AS MATERIALIZED (
        SELECT type, code, bool_or(of_persons) AS of_persons FROM total GROUP BY type, code
    ),
    mark AS MATERIALIZED (
        SELECT type, code, 1::bigint << (row_number() OVER (ORDER BY type, code) - 1)::integer AS bit,
               ctai.level(code) AS level
        FROM pair WHERE of_persons
    ),
    -- Which records each indicator of each contract counts.
    reads AS MATERIALIZED (
        SELECT subject.contract_id, later, wanted.*, pair.type, pair.code
        FROM wanted
        JOIN pair ON pair.type = ANY (types) AND (details IS NULL OR pair.code = ANY (details))
        JOIN subject ON declared_by IN (0, subject.contract_id)
    ),
    linked AS MATERIALIZED (
        SELECT identity, person
        FROM ctai.link(of_scope, as_of,
                       (SELECT array_agg(DISTINCT token_i) FROM read WHERE token_e IS NULL AND token_i IS NOT NULL))
    ),
    person_of_line AS (
        SELECT contract_id, line AS action,
               coalesce(token_e, linked.person) AS person,
               bit_or(bit) FILTER (WHERE in_period) AS marks,
               bool_or(in_period) FILTER (WHERE type = 'beneficiaire') AS is_beneficiary,
               bool_or(sex = 'F') FILTER (WHERE in_period) AS is_f,
               bool_or(sex = 'H') FILTER (WHERE in_period) AS is_h,
               bool_or(bpi) FILTER (WHERE in_period) AS bpi,
               bool_or(under_25) FILTER (WHERE in_period) AS under_25,
               sum(quantity) FILTER (WHERE type = 'entree') AS planned,
               sum(quantity) FILTER (WHERE type = 'presence') AS attended,
               min(level) FILTER (WHERE type = 'niveau_debut') AS lowest,
               max(level) FILTER (WHERE type = 'niveau_fin' AND in_period) AS highest
        FROM read JOIN mark USING (type, code) LEFT JOIN linked ON token_e IS NULL AND linked.identity = token_i
        WHERE token_e IS NOT NULL OR token_i IS NOT NULL
        GROUP BY contract_id, line, coalesce(token_e, linked.person)
    ),
    person AS MATERIALIZED (
        SELECT contract_id, action, person, coalesce(marks, 0) AS marks, coalesce(is_beneficiary, false) AS is_beneficiary,
               CASE WHEN is_f AND is_h THEN NULL WHEN is_f THEN 'F'::ctai.sex WHEN is_h THEN 'H'::ctai.sex END AS sex,
               coalesce(bpi, false) AS bpi, coalesce(under_25, false) AS under_25,
               coalesce(planned, 0) AS planned, coalesce(attended, 0) AS attended, lowest, highest
        FROM (
            SELECT * FROM person_of_line
            UNION ALL
            SELECT contract_id, 0, person, bit_or(marks), bool_or(is_beneficiary), bool_or(is_f), bool_or(is_h), bool_or(bpi),
                   bool_or(under_25), sum(planned), sum(attended), min(lowest), max(highest)
            FROM person_of_line
            WHERE by_action
            GROUP BY contract_id, person
        ) AS of_line
    ),
    -- Persons alike in all that the indicators ask: a few hundred rows of a contract at most.
    alike AS MATERIALIZED (
        SELECT contract_id, action, marks, sex, bpi, under_25, count(*) AS persons
        FROM person
        GROUP BY contract_id, action, marks, sex, bpi, under_25
    ),
    mask AS (
        SELECT contract_id, place, kind, only_sex, only_bpi, only_under_25, bit_or(bit) AS bits
        FROM reads JOIN mark USING (type, code)
        WHERE kind NOT IN ('menages', 'assiduite', 'progres')
        GROUP BY contract_id, place, kind, only_sex, only_bpi, only_under_25
    ),
    -- Of an indicator that counts persons its value; of another that reads their records, on whom it rests.
    marked AS MATERIALIZED (
        SELECT contract_id, place, kind AS of_kind, action, sum(persons)::bigint AS persons
        FROM mask JOIN alike USING (contract_id)
        WHERE marks & bits <> 0 AND (only_sex IS NULL OR sex = only_sex) AND bpi >= only_bpi AND under_25 >= only_under_25
        GROUP BY contract_id, place, kind, action
    ),
    thing AS MATERIALIZED (
        SELECT contract_id, agent, action, type, code, thing, max(quantity) AS quantity
        FROM read
        WHERE in_period AND thing IS NOT NULL
        GROUP BY contract_id, agent, action, type, code, thing
    ),
    -- Each session, pair or event once, whatever the details under which the indicator finds it.
    thing_read AS MATERIALIZED (
        SELECT contract_id, place, kind, agent, action, type, thing, max(quantity) AS quantity
        FROM reads JOIN thing USING (contract_id, type, code)
        WHERE kind IN ('heures', 'references', 'menages')
        GROUP BY contract_id, place, kind, agent, action, type, thing
    ),
    total_read AS MATERIALIZED (
        SELECT contract_id, place, kind, details, line.action, code, records, bare, quantity, quantity_of_nothing
        FROM reads JOIN total USING (contract_id, type, code) JOIN line USING (contract_id)
        WHERE line.action IN (total.action, 0) AND records > 0
    ),
    bare_read AS (
        SELECT contract_id, place, action, sum(bare)::bigint AS bare
        FROM total_read
        GROUP BY contract_id, place, action
    ),
    attended AS (
        SELECT contract_id, place, share, kind, only_sex, only_bpi, only_under_25, later
        FROM wanted JOIN subject ON declared_by IN (0, subject.contract_id)
        WHERE kind IN ('assiduite', 'progres')
    ),
    number AS (
        SELECT contract_id, place, action, persons::numeric AS value FROM marked WHERE of_kind = 'personnes'
        UNION ALL
        SELECT contract_id, place, line.action, count(DISTINCT thing)
        FROM thing_read JOIN line USING (contract_id)
        WHERE kind = 'menages' AND line.action IN (thing_read.action, 0)
        GROUP BY contract_id, place, line.action
        UNION ALL
        SELECT contract_id, place, line.action, count(*)
        FROM thing_read JOIN line USING (contract_id)
        WHERE kind = 'references' AND line.action IN (thing_read.action, 0)
        GROUP BY contract_id, place, line.action
        UNION ALL
        SELECT contract_id, place, action, sum(quantity)
        FROM (
            SELECT contract_id, place, line.action, thing_read.quantity
            FROM thing_read JOIN line USING (contract_id)
            WHERE kind = 'heures' AND line.action IN (thing_read.action, 0)
            UNION ALL -- of a type that has no session
            SELECT contract_id, place, action, quantity_of_nothing FROM total_read WHERE kind = 'heures'
        ) AS hours
        GROUP BY contract_id, place, action
        UNION ALL
        SELECT contract_id, place, action, sum(quantity) FROM total_read WHERE kind = 'somme' GROUP BY contract_id, place, action
        UNION ALL
        SELECT contract_id, place, action, count(*)
        FROM attended JOIN person USING (contract_id)
        WHERE CASE kind WHEN 'progres' THEN highest > lowest
                        ELSE planned > 0 AND person.attended * 100 >= planned * share END
          AND (is_beneficiary OR NOT later)
          AND (only_sex IS NULL OR sex = only_sex) AND bpi >= only_bpi AND under_25 >= only_under_25
        GROUP BY contract_id, place, action
    ),
    text_value AS (
        SELECT contract_id, place, action, ctai.as_mean_months(sum(quantity), sum(records)::bigint) AS value,
               sum(quantity) AS amount, sum(records)::bigint AS of_records
        FROM total_read
        WHERE kind = 'duree_moyenne'
        GROUP BY contract_id, place, action
        UNION ALL
        SELECT contract_id, place, action, string_agg(code, ';' ORDER BY array_position(details, code), code), count(*), 0
        FROM (SELECT DISTINCT contract_id, place, action, details, code FROM total_read WHERE kind = 'liste' AND code <> '') AS found
        GROUP BY contract_id, place, action
        UNION ALL
        SELECT contract_id, place, line.action,
               string_agg(agent.name || ' : ' || narrative, E'\n\n' ORDER BY part.rank, agent.name, r.key), 0, 0
        FROM ctai.records_as_of(of_scope, as_of) AS r
        JOIN part USING (contract_id, action)
        JOIN wanted ON wanted.indicator = r.code
        JOIN ctai.agent AS agent ON agent.agent = r.agent
        JOIN line USING (contract_id)
        WHERE kind = 'texte' AND declared_by IN (0, contract_id) AND r.contract_id = ANY (contracts) AND r.month IS NULL
          AND r.type = 'narrative' AND line.action IN (r.action, 0)
        GROUP BY contract_id, place, line.action
    ),
    -- The cells whose types have a record in the period, whatever its detail.
    present AS MATERIALIZED (
        SELECT DISTINCT contract_id, line.action, type
        FROM total JOIN line USING (contract_id)
        WHERE records > 0 AND line.action IN (total.action, 0)
    ),
    collected AS (
        SELECT DISTINCT contract_id, action, place, true AS any
        FROM (SELECT contract_id, place, unnest(types) AS type
              FROM wanted JOIN subject ON declared_by IN (0, subject.contract_id)) AS asked
        JOIN present USING (contract_id, type)
    )
    SELECT line.contract_id, NULL::text, line.action, wanted.place, wanted.indicator,
           CASE
               WHEN kind = 'texte' THEN text_value.value
               WHEN collected.any IS NULL THEN CASE WHEN kind IN ('duree_moyenne', 'liste') THEN NULL ELSE '0' END
               WHEN kind IN ('duree_moyenne', 'liste') THEN text_value.value
               WHEN kind IN ('somme', 'heures') THEN ctai.as_measure(measure, coalesce(number.value, 0))
               ELSE coalesce(number.value, 0)::text
           END,
           CASE
               WHEN collected.any OR kind = 'texte' AND text_value.value IS NOT NULL THEN 'compte'
               WHEN not_done THEN 'non_fait'
               ELSE 'non_collecte'
           END,
           CASE WHEN collected.any THEN coalesce(number.value, text_value.amount, 0) ELSE 0 END,
           coalesce(text_value.of_records, 0),
           CASE
               WHEN collected.any IS NULL OR kind = 'texte' OR measure = 'centimes' THEN 0
               WHEN kind IN ('personnes', 'menages', 'assiduite', 'progres') THEN coalesce(number.value, 0)::bigint
               ELSE coalesce(least(nullif(marked.persons, 0), nullif(bare_read.bare, 0)), 0)
           END
    FROM line JOIN wanted ON declared_by IN (0, line.contract_id)
    LEFT JOIN number ON (number.contract_id, number.action, number.place) = (line.contract_id, line.action, wanted.place)
    LEFT JOIN text_value
         ON (text_value.contract_id, text_value.action, text_value.place) = (line.contract_id, line.action, wanted.place)
    LEFT JOIN collected
         ON (collected.contract_id, collected.action, collected.place) = (line.contract_id, line.action, wanted.place)
    LEFT JOIN marked ON (marked.contract_id, marked.action, marked.place) = (line.contract_id, line.action, wanted.place)
    LEFT JOIN bare_read
         ON (bare_read.contract_id, bare_read.action, bare_read.place) = (line.contract_id, line.action, wanted.place)
    UNION ALL
    SELECT NULL, of_group, 0::smallint, 0, NULL, persons::text, 'compte', persons, 0, persons
    FROM (
        SELECT of_group, count(*) AS persons
        FROM (SELECT DISTINCT of_group, person
              FROM person JOIN subject USING (contract_id) WHERE action = 0 AND is_beneficiary) AS of_one
        GROUP BY of_group
        UNION ALL
        SELECT NULL, count(*)
        FROM (SELECT DISTINCT person FROM person WHERE action = 0 AND is_beneficiary) AS of_all
    ) AS benefiting
    WHERE groups IS NOT NULL;
END
$$;

-- The same of one contract, by action; months outside of it count nothing.
CREATE FUNCTION ctai.evaluate(of_contract integer, of_version integer, from_month integer, to_month integer, as_of bigint)
RETURNS TABLE (action smallint, rank bigint, indicator text, value text, state text,
               amount numeric, of_records bigint, rests bigint)
LANGUAGE sql STABLE AS $$
    SELECT cell.action, cell.rank, cell.indicator, cell.value, cell.state, cell.amount, cell.of_records, cell.rests
    FROM ctai.contract AS c,
         ctai.evaluate_contracts(c.scope, ARRAY[of_contract], ARRAY[of_version], ARRAY[from_month], ARRAY[to_month], NULL, true,
                                 as_of) AS cell
    WHERE c.contract_id = of_contract
$$;

-- The report's rows, in its order. Months NULL: the contract's first, last; of the version that applies at the last one.
-- No row: no such contract at that position,
-- or one that who asks may not see (access.sql).
CREATE FUNCTION ctai.report(contract text, from_month integer, to_month integer, as_of bigint)
RETURNS TABLE (action text, title text, indicator text, label text, unit text, is_text boolean,
               target text, value text, state text, selected boolean)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
    WITH subject AS (
        SELECT v.contract_id, v.version, v.title, ctai.month_of(v.first_day) AS first_month, ctai.month_of(v.last_day) AS last_month
        FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)
        WHERE c.id = report.contract AND c.contract_id IN (SELECT ctai.seen())
          AND v.version = ctai.version_as_of(c.contract_id, report.as_of, report.to_month)
    )
    SELECT coalesce(a.code, 'contrat'), coalesce(va.title, s.title), i.code, i.label, i.unit, i.kind IN ('liste', 'texte'),
           t.target::text, cell.value, cell.state,
           EXISTS (SELECT FROM ctai.contract_selected AS chosen
                   WHERE (chosen.contract_id, chosen.version, chosen.indicator) = (s.contract_id, s.version, i.code)
                     AND (cell.action IN (0, chosen.action)))
    FROM subject AS s
    CROSS JOIN LATERAL ctai.cells(s.contract_id, s.version, coalesce(report.from_month, s.first_month),
                                  least(coalesce(report.to_month, s.last_month), s.last_month), report.as_of) AS cell
    JOIN ctai.indicator AS i
         ON i.code = cell.indicator AND (i.contract_id, i.version) IN ((0, 0), (s.contract_id, s.version))
    LEFT JOIN ctai.contract_action AS a ON (a.contract_id, a.action) = (s.contract_id, cell.action)
    LEFT JOIN ctai.contract_version_action AS va
         ON (va.contract_id, va.version, va.action) = (s.contract_id, s.version, cell.action)
    LEFT JOIN ctai.contract_target AS t
         ON (t.contract_id, t.version, t.action, t.indicator) = (s.contract_id, s.version, cell.action, i.code)
    ORDER BY va.rank NULLS LAST, cell.rank
$$;

-- The position that the ledger of a contract's scope had reached at a moment; NULL: the contract is not seen.
CREATE FUNCTION ctai.contract_position_at(contract text, moment timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
    SELECT ctai.position_at(c.scope, moment)
    FROM ctai.contract AS c
    WHERE c.id = contract_position_at.contract AND c.contract_id IN (SELECT ctai.seen())
$$;

-- The moment at which the ledger of a contract's scope had reached a position; NULL: the contract is not seen, or the
-- position is before all that has a moment.
CREATE FUNCTION ctai.contract_moment_of(contract text, at_position bigint) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
    SELECT greatest(
        (SELECT l.received_at FROM ctai.ledger AS l WHERE l.scope = c.scope AND l.position <= at_position
         ORDER BY l.position DESC LIMIT 1),
        (SELECT max(v.registered_at)
         FROM ctai.contract_version AS v JOIN ctai.contract AS o USING (contract_id)
         WHERE o.scope = c.scope AND v.position <= at_position))
    FROM ctai.contract AS c
    WHERE c.id = contract_moment_of.contract AND c.contract_id IN (SELECT ctai.seen())
$$;
