-- What the parties of a contract must settle: what the records contradict or leave open. Read from the records alone, like
-- the cells; readers get the keys of records, which tell the operators' own agents whom they concern, and never a token.

-- 202311, 6 -> 202405
CREATE FUNCTION ctai.months_after(month integer, count integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (month / 100 * 12 + month % 100 - 1 + count) / 12 * 100 + (month / 100 * 12 + month % 100 - 1 + count) % 12 + 1
$$;

-- The month in which the ledger of a contract's scope reached a position; this month when that is NULL. No row's worth:
-- NULL, for a contract that who asks may not see.
CREATE FUNCTION ctai.contract_month_at(contract text, as_of bigint) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
DECLARE
    of_scope text;
    moment timestamptz := now();
BEGIN
    SELECT c.scope INTO of_scope
    FROM ctai.contract AS c WHERE c.id = contract_month_at.contract AND c.contract_id IN (SELECT ctai.seen());
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF as_of IS NOT NULL THEN
        moment := coalesce(greatest(
            (SELECT max(l.received_at) FROM ctai.ledger AS l WHERE l.scope = of_scope AND l.position <= as_of),
            (SELECT max(v.registered_at)
             FROM ctai.contract_version AS v JOIN ctai.contract AS c USING (contract_id)
             WHERE c.scope = of_scope AND v.position <= as_of)), moment);
    END IF;
    RETURN ctai.month_of((moment AT TIME ZONE 'UTC')::date);
END
$$;

-- The discrepancies of a contract's records of the months from_month..to_month (NULL: its first, last; in the version that
-- applies at the end, as in ctai.report) as of a position, in the month at_month. The operators that have an agent, by action, are in the contract's file: duty_actions and
-- duty_agents, side by side, name them by code and name.
--
--   sexe          a person whose beneficiary records of an action state both sexes
--   sexe_contrat  one of whom this is true of all actions together alone
--   identite      an identity that stands with two or more numbers in the scope
--   suivi_6_mois  an exit whose sixth month is past, of a person without a follow-up in that action from the exit's month
--                 on (one that comes after the contract counts in its last month)
--   retard        an operator of an action whose latest record is of a month before the one that is due: the month before
--                 at_month, or the last of the contract or the period. An export is the operator's whole table: its latest
--                 record of any action counts, if its exports cover this one; not before an amendment has brought the action
--
-- A matter is what is told apart: the person, the identity, the exit, the operator. One row for each matter, action and
-- operator, with the keys of that operator's records that it rests on, and the month of the latest of them.
CREATE FUNCTION ctai.discrepancies(contract text, from_month integer, to_month integer, at_month integer, as_of bigint,
                                   duty_actions text[], duty_agents text[])
RETURNS TABLE (kind text, matter bigint, action text, operator text, month integer, keys text[],
               says_f boolean, says_h boolean, numbers bigint, unlinked boolean, due integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
SET plan_cache_mode TO force_custom_plan
SET jit TO off
SET enable_nestloop TO off
SET enable_mergejoin TO off
AS $$
#variable_conflict use_column
DECLARE
    subject record;
    begins integer; -- the period
    ends integer;
    due_month integer;
    reading bigint;
BEGIN
    SELECT c.contract_id, c.scope, v.version, ctai.month_of(v.first_day) AS first_month, ctai.month_of(v.last_day) AS last_month
    INTO subject
    FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)
    WHERE c.id = discrepancies.contract AND c.contract_id IN (SELECT ctai.seen())
      AND v.version = ctai.version_as_of(c.contract_id, as_of, to_month);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    begins := greatest(from_month, subject.first_month);
    ends := least(to_month, subject.last_month);
    due_month := least(ctai.months_after(at_month, -1), ends);
    reading := ctai.reading_epoch(subject.scope, as_of);

    RETURN QUERY
    WITH read AS MATERIALIZED (
        SELECT r.agent, r.key, r.action, r.type, r.month, r.sex, r.month BETWEEN begins AND ends AS in_period,
               ctai.token_of(reading, r.token_e, r.epoch2, r.token_e2) AS token_e,
               ctai.token_of(reading, r.token_i, r.epoch2, r.token_i2) AS token_i
        FROM ctai.records_as_of(subject.scope, as_of) AS r
        JOIN ctai.contract_version_action AS va
             ON va.contract_id = subject.contract_id AND va.version = subject.version AND va.action = r.action
        WHERE r.contract_id = subject.contract_id AND r.month BETWEEN subject.first_month AND subject.last_month
    ),
    linked AS MATERIALIZED (
        SELECT identity, person, numbers
        FROM ctai.link(subject.scope, as_of, (SELECT array_agg(DISTINCT token_i) FROM read WHERE token_i IS NOT NULL))
    ),
    of_person AS MATERIALIZED (
        SELECT read.*, coalesce(token_e, linked.person) AS person, linked.numbers
        FROM read LEFT JOIN linked ON linked.identity = token_i
        WHERE token_e IS NOT NULL OR token_i IS NOT NULL
    ),
    stated AS MATERIALIZED (
        SELECT person, action, agent, key, month, sex
        FROM of_person
        WHERE type = 'beneficiaire' AND in_period AND sex IS NOT NULL
    ),
    differing AS MATERIALIZED ( -- within an action
        SELECT person, action FROM stated GROUP BY person, action HAVING count(DISTINCT sex) = 2
    ),
    ambiguous AS (
        SELECT token_i, bool_or(token_e IS NULL) AS unlinked
        FROM of_person
        WHERE type = 'beneficiaire' AND in_period AND numbers >= 2
        GROUP BY token_i
    ),
    found AS (
        SELECT 1 AS place, 'sexe' AS kind, person::text AS about, action, agent, key, month, sex,
               NULL::bigint AS numbers, NULL::boolean AS unlinked, NULL::integer AS due
        FROM stated JOIN differing USING (person, action)
        UNION ALL
        SELECT 2, 'sexe_contrat', person::text, action, agent, key, month, sex, NULL, NULL, NULL
        FROM stated
        WHERE person IN (SELECT person FROM stated GROUP BY person HAVING count(DISTINCT sex) = 2)
          AND person NOT IN (SELECT person FROM differing)
        UNION ALL
        SELECT 3, 'identite', token_i::text, action, agent, key, month, NULL, numbers, ambiguous.unlinked, NULL
        FROM of_person JOIN ambiguous USING (token_i)
        WHERE type = 'beneficiaire' AND in_period
        UNION ALL
        SELECT 4, 'suivi_6_mois', outgoing.key::text, action, agent, outgoing.key, month, NULL, NULL, NULL,
               ctai.months_after(month, 6)
        FROM of_person AS outgoing
        WHERE type = 'sortie' AND in_period AND ctai.months_after(month, 6) < at_month
          AND NOT EXISTS (SELECT FROM of_person AS later
                          WHERE later.type = 'suivi_6_mois' AND (later.person, later.action) = (outgoing.person, outgoing.action)
                            AND later.month >= outgoing.month)
    ),
    listed AS (
        SELECT place, kind, about, found.action, agent.name AS operator, max(month) AS month,
               array_agg(encode(uuid_send(key), 'hex') ORDER BY key) AS keys,
               coalesce(bool_or(sex = 'F'), false) AS says_f, coalesce(bool_or(sex = 'H'), false) AS says_h,
               coalesce(max(numbers), 0) AS numbers, coalesce(bool_or(unlinked), false) AS unlinked, max(due) AS due
        FROM found JOIN ctai.agent AS agent USING (agent)
        GROUP BY place, kind, about, found.action, agent.name
        UNION ALL
        SELECT 5, 'retard', duty.agent, a.action, duty.agent, reported.month, '{}', false, false, 0, false, due_month
        FROM unnest(duty_actions, duty_agents) AS duty (action, agent)
        JOIN ctai.contract_action AS a ON a.contract_id = subject.contract_id AND a.code = duty.action
        LEFT JOIN ctai.agent AS agent ON agent.name = duty.agent
        CROSS JOIN LATERAL (
            SELECT max(read.month) AS month
            FROM read
            WHERE read.agent = agent.agent
              AND (read.action = a.action
                   OR EXISTS (SELECT FROM ctai.coverage AS c -- its exports are of this action too
                              WHERE (c.scope, c.agent, c.contract_id, c.action)
                                  = (subject.scope, agent.agent, subject.contract_id, a.action)
                                AND coalesce(c.since <= as_of, true)))
        ) AS reported
        WHERE due_month >= (SELECT min(coalesce(ctai.month_of(v.effective_day), subject.first_month)) -- since when it is in the contract
                            FROM ctai.contract_version_action AS va JOIN ctai.contract_version AS v USING (contract_id, version)
                            WHERE va.contract_id = subject.contract_id AND va.action = a.action AND v.position <= as_of)
          AND (reported.month IS NULL OR reported.month < due_month)
    ),
    placed AS (
        SELECT listed.*, va.rank,
               min(lpad(va.rank::text, 5, '0') || coalesce(keys[1], operator) COLLATE "C") OVER (PARTITION BY place, about) AS first
        FROM listed JOIN ctai.contract_version_action AS va
             ON va.contract_id = subject.contract_id AND va.version = subject.version AND va.action = listed.action
    )
    SELECT placed.kind, dense_rank() OVER (ORDER BY place, first, about COLLATE "C"), a.code, operator, month, keys, says_f, says_h,
           numbers, unlinked, due
    FROM placed JOIN ctai.contract_action AS a ON a.contract_id = subject.contract_id AND a.action = placed.action
    ORDER BY 2, rank, operator COLLATE "C";
END
$$;
