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

-- The version of a contract that stood at a position; NULL when there was none yet.
CREATE FUNCTION ctai.version_as_of(of_contract integer, as_of bigint) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT max(version) FROM ctai.contract_version WHERE contract_id = of_contract AND position <= as_of
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
SET plan_cache_mode TO force_custom_plan
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
        SELECT record.token_i, record.token_e
        FROM ctai.records_as_of(of_scope, as_of) AS record
        WHERE record.token_i = ANY (identities) -- each looked up in the index of identities
          AND record.type = 'beneficiaire' AND record.token_i IS NOT NULL AND record.token_e IS NOT NULL
          AND (record.epoch2 <= reading) IS NOT TRUE
        UNION -- each once
        SELECT record.token_i2, record.token_e2
        FROM ctai.records_as_of(of_scope, as_of) AS record
        WHERE record.token_i2 = ANY (identities)
          AND record.type = 'beneficiaire' AND record.token_i2 IS NOT NULL AND record.token_e2 IS NOT NULL
          AND record.epoch2 <= reading
    ) AS known ON known.token_i = wanted.token_i
    GROUP BY wanted.token_i;
END
$$;

-- All cells of a version of a contract, for the months from_month..to_month, as of a position: for each action, and for
-- action 0 (all of them together), each indicator's value as the CSV writes it (NULL: empty) and state.
--
-- The records of the contract are read once. Three groupings of them carry all kinds of count:
--   total   by action, type and code
--   person  by action and person: a set of marks (one bit for each type and code that this person's records have),
--           who the person is, and what the attendance and the progress need
--   thing   by operator, action, type, code and reference (or household)
CREATE FUNCTION ctai.evaluate(of_contract integer, of_version integer, from_month integer, to_month integer, as_of bigint)
RETURNS TABLE (action smallint, rank bigint, indicator text, value text, state text)
LANGUAGE plpgsql STABLE
SET plan_cache_mode TO force_custom_plan
SET jit TO off
SET work_mem TO '64MB'
-- The planner knows nothing of a CTE's size, nor of tables that were just filled: hash everything.
SET enable_nestloop TO off
SET enable_mergejoin TO off
SET enable_sort TO off
AS $$
#variable_conflict use_column
DECLARE
    of_scope text;
    first_month integer;
    actions smallint[];
    reading bigint; -- of the linkage key
    later boolean; -- the period begins after the contract: what was planned and first levels are read from its start
BEGIN
    SELECT c.scope, ctai.month_of(v.first_day) INTO of_scope, first_month
    FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)
    WHERE c.contract_id = of_contract AND v.version = of_version;
    SELECT array_agg(a.action) INTO actions
    FROM ctai.contract_version_action AS a WHERE a.contract_id = of_contract AND a.version = of_version;
    from_month := greatest(from_month, first_month);
    later := from_month > first_month;
    reading := ctai.reading_epoch(of_scope, as_of);

    RETURN QUERY
    WITH line AS (
        SELECT unnest(actions || 0::smallint) AS action
    ),
    wanted AS (
        SELECT row_number() OVER (ORDER BY i.version, i.rank) AS place, i.code AS indicator, i.kind, i.measure,
               i.types, i.details, i.share, i.not_done,
               i.sex AS only_sex, i.bpi AS only_bpi, i.under_25 AS only_under_25
        FROM ctai.indicator AS i
        WHERE (i.contract_id, i.version) IN ((0, 0), (of_contract, of_version))
    ),
    read AS NOT MATERIALIZED (
        SELECT r.agent, r.action, r.type, coalesce(r.code, '') AS code, r.quantity, r.sex, r.bpi, r.under_25,
               ctai.token_of(reading, r.token_e, r.epoch2, r.token_e2) AS token_e,
               ctai.token_of(reading, r.token_i, r.epoch2, r.token_i2) AS token_i,
               coalesce(r.reference, ctai.token_of(reading, r.token_m, r.epoch2, r.token_m2)) AS thing,
               r.month >= from_month AS in_period
        FROM ctai.records_as_of(of_scope, as_of) AS r
        WHERE r.contract_id = of_contract AND r.month BETWEEN first_month AND to_month AND r.action = ANY (actions)
    ),
    total AS MATERIALIZED (
        SELECT action, type, code,
               bool_or(token_e IS NOT NULL OR token_i IS NOT NULL) AS of_persons,
               count(*) FILTER (WHERE in_period) AS records,
               sum(quantity) FILTER (WHERE in_period) AS quantity,
               sum(quantity) FILTER (WHERE in_period AND thing IS NULL) AS quantity_of_nothing
        FROM read
        GROUP BY action, type, code
    ),
    mark AS MATERIALIZED (
        SELECT type, code, 1::bigint << (row_number() OVER (ORDER BY type, code) - 1)::integer AS bit,
               ctai.level(code) AS level
        FROM (SELECT DISTINCT type, code FROM total WHERE of_persons) AS pair
    ),
    linked AS MATERIALIZED (
        SELECT identity, person
        FROM ctai.link(of_scope, as_of,
                       (SELECT array_agg(DISTINCT token_i) FROM read WHERE token_e IS NULL AND token_i IS NOT NULL))
    ),
    person_of_action AS (
        SELECT action,
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
        GROUP BY action, coalesce(token_e, linked.person)
    ),
    person AS MATERIALIZED (
        SELECT action, coalesce(marks, 0) AS marks, coalesce(is_beneficiary, false) AS is_beneficiary,
               CASE WHEN is_f AND is_h THEN NULL WHEN is_f THEN 'F'::ctai.sex WHEN is_h THEN 'H'::ctai.sex END AS sex,
               coalesce(bpi, false) AS bpi, coalesce(under_25, false) AS under_25,
               coalesce(planned, 0) AS planned, coalesce(attended, 0) AS attended, lowest, highest
        FROM (
            SELECT * FROM person_of_action
            UNION ALL
            SELECT 0, person, bit_or(marks), bool_or(is_beneficiary), bool_or(is_f), bool_or(is_h), bool_or(bpi),
                   bool_or(under_25), sum(planned), sum(attended), min(lowest), max(highest)
            FROM person_of_action
            GROUP BY person
        ) AS of_line
    ),
    -- Persons alike in all that the indicators ask: a few hundred rows at most.
    alike AS MATERIALIZED (
        SELECT action, marks, sex, bpi, under_25, count(*) AS persons
        FROM person
        GROUP BY action, marks, sex, bpi, under_25
    ),
    mask AS (
        SELECT place, only_sex, only_bpi, only_under_25, bit_or(bit) AS bits
        FROM wanted JOIN mark ON type = ANY (types) AND (details IS NULL OR code = ANY (details))
        WHERE kind = 'personnes'
        GROUP BY place, only_sex, only_bpi, only_under_25
    ),
    thing AS MATERIALIZED (
        SELECT agent, action, type, code, thing, max(quantity) AS quantity
        FROM read
        WHERE in_period AND thing IS NOT NULL
        GROUP BY agent, action, type, code, thing
    ),
    -- Each session, pair or event once, whatever the details under which the indicator finds it.
    thing_read AS (
        SELECT place, kind, agent, action, type, thing, max(quantity) AS quantity
        FROM wanted JOIN thing ON type = ANY (types) AND (details IS NULL OR code = ANY (details))
        WHERE kind IN ('heures', 'references', 'menages')
        GROUP BY place, kind, agent, action, type, thing
    ),
    total_read AS (
        SELECT place, kind, details, line.action, code, records, quantity, quantity_of_nothing
        FROM wanted
        JOIN total ON type = ANY (types) AND (details IS NULL OR code = ANY (details)) AND records > 0
        JOIN line ON line.action IN (total.action, 0)
    ),
    number AS (
        SELECT place, action, sum(persons) AS value
        FROM mask JOIN alike ON marks & bits <> 0
             AND (only_sex IS NULL OR sex = only_sex) AND bpi >= only_bpi AND under_25 >= only_under_25
        GROUP BY place, action
        UNION ALL
        SELECT place, line.action, count(DISTINCT thing)
        FROM thing_read JOIN line ON line.action IN (thing_read.action, 0)
        WHERE kind = 'menages'
        GROUP BY place, line.action
        UNION ALL
        SELECT place, line.action, count(*)
        FROM thing_read JOIN line ON line.action IN (thing_read.action, 0)
        WHERE kind = 'references'
        GROUP BY place, line.action
        UNION ALL
        SELECT place, action, sum(quantity)
        FROM (
            SELECT place, line.action, thing_read.quantity
            FROM thing_read JOIN line ON line.action IN (thing_read.action, 0)
            WHERE kind = 'heures'
            UNION ALL -- of a type that has no session
            SELECT place, action, quantity_of_nothing FROM total_read WHERE kind = 'heures'
        ) AS hours
        GROUP BY place, action
        UNION ALL
        SELECT place, action, sum(quantity) FROM total_read WHERE kind = 'somme' GROUP BY place, action
        UNION ALL
        SELECT place, action, count(*)
        FROM wanted JOIN person ON planned > 0 AND attended * 100 >= planned * share
             AND (is_beneficiary OR NOT later)
             AND (only_sex IS NULL OR sex = only_sex) AND bpi >= only_bpi AND under_25 >= only_under_25
        WHERE kind = 'assiduite'
        GROUP BY place, action
        UNION ALL
        SELECT place, action, count(*)
        FROM wanted JOIN person ON highest > lowest AND (is_beneficiary OR NOT later)
             AND (only_sex IS NULL OR sex = only_sex) AND bpi >= only_bpi AND under_25 >= only_under_25
        WHERE kind = 'progres'
        GROUP BY place, action
    ),
    text_value AS (
        SELECT place, action, ctai.as_mean_months(sum(quantity), sum(records)::bigint) AS value
        FROM total_read
        WHERE kind = 'duree_moyenne'
        GROUP BY place, action
        UNION ALL
        SELECT place, action, string_agg(code, ';' ORDER BY array_position(details, code), code)
        FROM (SELECT DISTINCT place, action, details, code FROM total_read WHERE kind = 'liste' AND code <> '') AS found
        GROUP BY place, action
        UNION ALL
        SELECT place, line.action,
               string_agg(agent.name || ' : ' || narrative, E'\n\n' ORDER BY va.rank, agent.name, r.key)
        FROM wanted
        JOIN ctai.records_as_of(of_scope, as_of) AS r ON r.code = indicator
        JOIN ctai.contract_version_action AS va
             ON va.contract_id = of_contract AND va.version = of_version AND va.action = r.action
        JOIN ctai.agent AS agent ON agent.agent = r.agent
        JOIN line ON line.action IN (r.action, 0)
        WHERE kind = 'texte' AND r.contract_id = of_contract AND r.month IS NULL AND r.type = 'narrative'
        GROUP BY place, line.action
    ),
    -- The cells whose types have a record in the period, whatever its detail.
    collected AS (
        SELECT DISTINCT place, line.action
        FROM wanted JOIN total ON type = ANY (types) AND records > 0 JOIN line ON line.action IN (total.action, 0)
    )
    SELECT line.action, place, wanted.indicator,
           CASE
               WHEN kind = 'texte' THEN text_value.value
               WHEN collected.place IS NULL THEN CASE WHEN kind IN ('duree_moyenne', 'liste') THEN NULL ELSE '0' END
               WHEN kind IN ('duree_moyenne', 'liste') THEN text_value.value
               WHEN kind IN ('somme', 'heures') THEN ctai.as_measure(measure, coalesce(number.value, 0))
               ELSE coalesce(number.value, 0)::text
           END,
           CASE
               WHEN collected.place IS NOT NULL OR kind = 'texte' AND text_value.value IS NOT NULL THEN 'compte'
               WHEN not_done THEN 'non_fait'
               ELSE 'non_collecte'
           END
    FROM line CROSS JOIN wanted
    LEFT JOIN number USING (action, place)
    LEFT JOIN text_value USING (action, place)
    LEFT JOIN collected USING (action, place);
END
$$;

-- The report's rows, in its order. Months NULL: the contract's first, last. No row: no such contract at that position,
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
          AND v.version = ctai.version_as_of(c.contract_id, report.as_of)
    )
    SELECT coalesce(a.code, 'contrat'), coalesce(va.title, s.title), i.code, i.label, i.unit, i.kind IN ('liste', 'texte'),
           t.target::text, cell.value, cell.state,
           EXISTS (SELECT FROM ctai.contract_selected AS chosen
                   WHERE (chosen.contract_id, chosen.version, chosen.indicator) = (s.contract_id, s.version, i.code)
                     AND (cell.action IN (0, chosen.action)))
    FROM subject AS s
    CROSS JOIN LATERAL ctai.evaluate(s.contract_id, s.version, coalesce(report.from_month, s.first_month),
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
