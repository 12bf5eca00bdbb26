-- Consolidation, off the commit path: whoever writes records marks, in the same transaction, the contracts and types that it
-- touches; another connection takes the marks, evaluates anew what reads those types (evaluate.sql: the one definition of
-- each kind of count), and keeps the cells.
--
-- Always true: a contract without a mark, in one's snapshot, has standing cells that are what ctai.evaluate would give in
-- it. For a mark goes only with cells that were evaluated after it was seen; what is committed later brings its own.
-- Cells are evaluated, never adjusted by differences.

-- Of what records' types an indicator's cell is made: those that it reads; the beneficiaries' for what it asks of persons;
-- later: in a period that begins after the contract, attendance and progress are counted of its beneficiaries alone.
CREATE FUNCTION ctai.types_needed(kind ctai.kind, types ctai.fact[], sex ctai.sex, bpi boolean, under_25 boolean, later boolean)
RETURNS ctai.fact[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT types
        || CASE kind WHEN 'assiduite' THEN '{entree, presence}'::ctai.fact[]
                     WHEN 'progres' THEN '{niveau_debut, niveau_fin}'::ctai.fact[]
                     WHEN 'texte' THEN '{narrative}'::ctai.fact[]
                     ELSE '{}' END
        || CASE WHEN sex IS NOT NULL OR bpi OR under_25 OR later AND kind IN ('assiduite', 'progres')
                THEN '{beneficiaire}'::ctai.fact[] ELSE '{}' END
$$;

-- After a statement on ctai.record: marks the contracts and types of the rows that it touched. Of numbers that came, changed
-- or went together with an identity it marks also what has that identity and no number, anywhere in the scope: whose records
-- those are may be another's now. (Whoever writes records holds the scope's row, so that none come meanwhile.)
CREATE FUNCTION ctai.mark_touched() RETURNS trigger
LANGUAGE plpgsql
SET search_path TO pg_catalog, pg_temp
AS $$
DECLARE
    of_scope text;
    identities uuid[];
BEGIN
    IF NOT EXISTS (SELECT FROM touched) THEN
        RETURN NULL;
    END IF;
    INSERT INTO ctai.mark (scope, contract_id, type) SELECT DISTINCT t.scope, t.contract_id, t.type FROM touched AS t;

    FOR of_scope, identities IN
        SELECT t.scope, array_agg(DISTINCT t.token_i) FILTER (WHERE t.token_e IS NOT NULL AND t.token_i IS NOT NULL)
                     || array_agg(DISTINCT t.token_i2) FILTER (WHERE t.token_e2 IS NOT NULL AND t.token_i2 IS NOT NULL)
        FROM touched AS t
        WHERE t.type = 'beneficiaire'
        GROUP BY t.scope
    LOOP
        INSERT INTO ctai.mark (scope, contract_id, type)
        SELECT DISTINCT of_scope, linked.contract_id, linked.type
        FROM unnest(identities) AS one (identity), LATERAL (
            SELECT r.contract_id, r.type FROM ctai.record AS r
            WHERE r.scope = of_scope AND r.token_i = one.identity AND r.token_e IS NULL AND r.token_i IS NOT NULL
            UNION ALL
            SELECT r.contract_id, r.type FROM ctai.record AS r
            WHERE r.scope = of_scope AND r.token_i2 = one.identity AND r.token_e2 IS NULL AND r.token_i2 IS NOT NULL
            OFFSET 0 -- each by the index
        ) AS linked;
    END LOOP;
    RETURN NULL;
END
$$;

-- After a statement on what contracts are made of: all of theirs is marked; of every contract, for the national list.
CREATE FUNCTION ctai.mark_contracts() RETURNS trigger
LANGUAGE plpgsql
SET search_path TO pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO ctai.mark (scope, contract_id)
    SELECT c.scope, c.contract_id FROM ctai.contract AS c
    WHERE EXISTS (SELECT FROM touched AS t WHERE t.contract_id IN (0, c.contract_id));
    RETURN NULL;
END
$$;

-- After a statement on the epochs of linkage keys: they decide which tokens are read, of all contracts of the scope.
CREATE FUNCTION ctai.mark_scopes() RETURNS trigger
LANGUAGE plpgsql
SET search_path TO pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO ctai.mark (scope, contract_id)
    SELECT c.scope, c.contract_id FROM ctai.contract AS c WHERE c.scope IN (SELECT t.scope FROM touched AS t);
    RETURN NULL;
END
$$;

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT * FROM (VALUES ('record', 'mark_touched'), ('contract_version', 'mark_contracts'),
                              ('contract_version_action', 'mark_contracts'), ('indicator', 'mark_contracts'),
                              ('scope_key', 'mark_scopes')) AS marking (of_table, by_function),
                      (VALUES ('come', 'INSERT', 'NEW'), ('become', 'UPDATE', 'NEW'), ('change', 'UPDATE', 'OLD'),
                              ('go', 'DELETE', 'OLD')) AS event (name, statement, rows)
    LOOP
        EXECUTE format('CREATE TRIGGER mark_%s AFTER %s ON ctai.%I REFERENCING %s TABLE AS touched'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION ctai.%I()',
                       one.name, one.statement, one.of_table, one.rows, one.by_function);
    END LOOP;
END
$$;

-- The contracts that have marks, by their oldest; took_us: about what a consolidation takes, the dearest of the last few
-- times (so that one cheap time does not make it cheap); NULL: there was none; dearest_us: of the dearest contract of all.
CREATE FUNCTION ctai.marked()
RETURNS TABLE (contract_id integer, took_us bigint, dearest_us bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT m.contract_id, max(s.took_us), (SELECT coalesce(max(d.took_us), 0) FROM ctai.standing AS d)
    FROM ctai.mark AS m LEFT JOIN ctai.standing AS s ON (s.scope, s.contract_id) = (m.scope, m.contract_id)
    GROUP BY m.contract_id
    ORDER BY min(m.mark);
END
$$;

-- Consolidates a contract: its cells that read what is marked, or all of them. False: another connection is at it.
-- In READ COMMITTED, since each statement here shall see what is committed by then: the marks are taken first, and the
-- records that they speak of are read after. A lost commit brings the marks back, so none is waited for.
CREATE FUNCTION ctai.consolidate(of_contract integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
SET plan_cache_mode TO force_generic_plan -- planning costs ten times what a cell's records do
SET enable_seqscan TO off
AS $$
DECLARE
    begun CONSTANT timestamptz := clock_timestamp();
    now_last CONSTANT bigint := 9223372036854775807; -- as of now, wherever the ledger's position is by then
    subject record;
    stands record;
    touched record;
    only_types ctai.fact[] := enum_range(NULL::ctai.fact);
    size CONSTANT bigint := pg_relation_size('ctai.record');
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'ctai.consolidate is for READ COMMITTED';
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    IF NOT pg_try_advisory_xact_lock(1668571497, of_contract) THEN
        RETURN false;
    END IF;
    IF size > 2 * coalesce(nullif(current_setting('ctai.planned', true), ''), '0')::bigint THEN
        EXECUTE 'DISCARD PLANS'; -- those that are kept are of a table that was still small
        PERFORM set_config('ctai.planned', size::text, false);
    END IF;
    SELECT c.scope, v.version, ctai.month_of(v.first_day) AS from_month, ctai.month_of(v.last_day) AS to_month INTO subject
    FROM ctai.contract AS c JOIN ctai.contract_version AS v USING (contract_id)
    WHERE c.contract_id = of_contract AND v.version = ctai.version_as_of(of_contract, now_last);
    IF NOT FOUND THEN
        DELETE FROM ctai.mark AS m WHERE m.contract_id = of_contract;
        RETURN true;
    END IF;

    WITH taken AS (
        DELETE FROM ctai.mark AS m WHERE m.scope = subject.scope AND m.contract_id = of_contract RETURNING m.type
    )
    SELECT count(*) AS marks, count(*) FILTER (WHERE t.type IS NULL) AS marks_of_all, array_agg(DISTINCT t.type) AS types
    INTO touched
    FROM taken AS t;
    SELECT s.* INTO stands FROM ctai.standing AS s
    WHERE s.scope = subject.scope AND s.contract_id = of_contract AND s.version = subject.version
      AND s.from_month = subject.from_month AND s.to_month = subject.to_month;
    IF FOUND AND touched.marks_of_all = 0 THEN
        IF touched.marks = 0 THEN
            RETURN true;
        END IF;
        only_types := touched.types;
    ELSE
        DELETE FROM ctai.cell AS k WHERE k.scope = subject.scope AND k.contract_id = of_contract;
        DELETE FROM ctai.standing AS s WHERE s.scope = subject.scope AND s.contract_id = of_contract;
    END IF;

    INSERT INTO ctai.cell AS k (scope, contract_id, from_month, to_month, action, rank, indicator, value, state, amount, of_records,
                                rests)
    SELECT subject.scope, of_contract, subject.from_month, subject.to_month, fresh.action, fresh.rank, fresh.indicator, fresh.value,
           fresh.state, fresh.amount, fresh.of_records, fresh.rests
    FROM ctai.evaluate_contracts(subject.scope, ARRAY[of_contract], ARRAY[subject.version], ARRAY[subject.from_month],
                                 ARRAY[subject.to_month], NULL, true, now_last, only_types) AS fresh
    ON CONFLICT ON CONSTRAINT cell_pkey DO UPDATE
    SET indicator = excluded.indicator, value = excluded.value, state = excluded.state, amount = excluded.amount,
        of_records = excluded.of_records, rests = excluded.rests
    WHERE (k.indicator, k.value, k.state, k.amount, k.of_records, k.rests)
          IS DISTINCT FROM (excluded.indicator, excluded.value, excluded.state, excluded.amount, excluded.of_records, excluded.rests);

    INSERT INTO ctai.standing AS s (scope, contract_id, from_month, to_month, version, position, consolidated_at, took_us)
    SELECT subject.scope, of_contract, subject.from_month, subject.to_month, subject.version, p.position, clock_timestamp(),
           extract(microseconds FROM clock_timestamp() - begun)::bigint
    FROM ctai.scope AS p WHERE p.scope = subject.scope
    ON CONFLICT ON CONSTRAINT standing_pkey DO UPDATE
    SET version = excluded.version, position = excluded.position, consolidated_at = excluded.consolidated_at,
        took_us = greatest(excluded.took_us, s.took_us * 3 / 4);
    RETURN true;
END
$$;

-- Are a contract's standing cells what ctai.evaluate would give, in this snapshot?
CREATE FUNCTION ctai.stands(of_contract integer, of_version integer, from_month integer, to_month integer, as_of bigint)
RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT
        FROM ctai.contract AS c
        JOIN ctai.scope AS p USING (scope)
        JOIN ctai.standing AS s ON (s.scope, s.contract_id, s.from_month, s.to_month)
                                   = (c.scope, c.contract_id, stands.from_month, stands.to_month)
        WHERE c.contract_id = of_contract AND s.version = of_version AND stands.as_of >= p.position
          AND NOT EXISTS (SELECT FROM ctai.mark AS m WHERE (m.scope, m.contract_id) = (c.scope, c.contract_id)))
$$;

-- As ctai.evaluate, from the standing cells where they stand.
CREATE FUNCTION ctai.cells(of_contract integer, of_version integer, from_month integer, to_month integer, as_of bigint)
RETURNS TABLE (action smallint, rank bigint, indicator text, value text, state text,
               amount numeric, of_records bigint, rests bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF ctai.stands(of_contract, of_version, from_month, to_month, as_of) THEN
        RETURN QUERY
        SELECT k.action, k.rank::bigint, k.indicator, k.value, k.state, k.amount, k.of_records, k.rests
        FROM ctai.contract AS c JOIN ctai.cell AS k USING (scope, contract_id)
        WHERE c.contract_id = of_contract AND k.from_month = cells.from_month AND k.to_month = cells.to_month;
    ELSE
        RETURN QUERY SELECT * FROM ctai.evaluate(of_contract, of_version, from_month, to_month, as_of);
    END IF;
END
$$;

-- The standing cells that differ from what the records give, in this snapshot, of contracts without a mark: none, unless
-- something is broken. budget_us: the cheapest contracts alone, as many as together take about so long; NULL: all.
CREATE FUNCTION ctai.cells_wrong(budget_us bigint DEFAULT NULL)
RETURNS TABLE (contract text, action smallint, rank bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT c.id, s.*
        FROM (SELECT *, sum(took_us) OVER (ORDER BY took_us, contract_id) AS up_to_here FROM ctai.standing) AS s
        JOIN ctai.contract AS c USING (scope, contract_id)
        WHERE (budget_us IS NULL OR s.up_to_here <= budget_us)
          AND ctai.stands(s.contract_id, s.version, s.from_month, s.to_month, 9223372036854775807)
        ORDER BY c.id COLLATE "C"
    LOOP
        RETURN QUERY
        SELECT one.id, k.action, k.rank
        FROM (
            (SELECT * FROM ctai.cells(one.contract_id, one.version, one.from_month, one.to_month, 9223372036854775807)
             EXCEPT
             SELECT * FROM ctai.evaluate(one.contract_id, one.version, one.from_month, one.to_month, 9223372036854775807))
            UNION
            (SELECT * FROM ctai.evaluate(one.contract_id, one.version, one.from_month, one.to_month, 9223372036854775807)
             EXCEPT
             SELECT * FROM ctai.cells(one.contract_id, one.version, one.from_month, one.to_month, 9223372036854775807))
        ) AS k
        GROUP BY k.action, k.rank
        ORDER BY k.action, k.rank;
    END LOOP;
END
$$;

-- What evaluates may have changed together with these functions.
INSERT INTO ctai.mark (scope, contract_id) SELECT scope, contract_id FROM ctai.contract;
