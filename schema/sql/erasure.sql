-- Erasure: an agent's records go wherever the hub has them. Each is looked up by its whole primary key (see store.sql).

-- Counts records of a contract that are gone, by the positions between which each of them stood.
CREATE FUNCTION ctai.count_erased(of_scope text, of_contract integer, since bigint[], until bigint[])
RETURNS void
LANGUAGE sql AS $$
    INSERT INTO ctai.erased AS e (scope, contract_id, position, records)
    SELECT of_scope, of_contract, change.position, sum(change.records)
    FROM unnest(since, until) AS stood (since, until),
         LATERAL (VALUES (stood.since, 1), (stood.until, -1)) AS change (position, records)
    GROUP BY change.position
    HAVING sum(change.records) <> 0
    ON CONFLICT (scope, contract_id, position) DO UPDATE SET records = e.records + excluded.records
$$;

-- Erases what each key stands for and ever stood for in its contract. Of an agent that was given new keys, what an earlier
-- life of it said of the same people goes too: by their tokens, since the keys of its records then are nobody's now.
CREATE FUNCTION ctai.erase_records(of_scope text, of_agent integer, at_position bigint, keys uuid[], contracts integer[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    -- Of the incarnation with which the last new keys began; NULL: the agent has had but one life.
    this_life bigint := (SELECT max(incarnation) FROM ctai.incarnation
                         WHERE scope = of_scope AND agent = of_agent AND request IS NULL);
    tokens uuid[] := '{}';
    found_tokens uuid[]; -- under whichever epoch of the linkage key
    since bigint[];
    until bigint[];
    of_contract integer;
BEGIN
    FOR place IN 1 .. cardinality(keys) LOOP
        WITH stood AS (
            DELETE FROM ctai.record
            WHERE scope = of_scope AND agent = of_agent AND key = keys[place] AND contract_id + 0 = contracts[place]
            RETURNING position, token_e, token_i, token_e2, token_i2
        ),
        past AS (
            DELETE FROM ctai.record_history
            WHERE scope = of_scope AND agent = of_agent AND key = keys[place] AND contract_id + 0 = contracts[place]
            RETURNING position, replaced_position, token_e, token_i, token_e2, token_i2
        ),
        waited AS (
            DELETE FROM ctai.record_staged
            WHERE scope = of_scope AND agent = of_agent AND key = keys[place] AND contract_id + 0 = contracts[place]
            RETURNING token_e, token_i, token_e2, token_i2
        ),
        gone AS (
            SELECT position AS since, at_position AS until, token_e, token_i, token_e2, token_i2 FROM stood
            UNION ALL
            SELECT position, replaced_position, token_e, token_i, token_e2, token_i2 FROM past
            UNION ALL
            SELECT NULL, NULL, token_e, token_i, token_e2, token_i2 FROM waited
        )
        SELECT array_agg(gone.since) FILTER (WHERE gone.since IS NOT NULL),
               array_agg(gone.until) FILTER (WHERE gone.since IS NOT NULL),
               array_agg(gone.token_e) || array_agg(gone.token_i) || array_agg(gone.token_e2) || array_agg(gone.token_i2)
        INTO since, until, found_tokens
        FROM gone;
        PERFORM ctai.count_erased(of_scope, contracts[place], since, until);
        tokens := tokens || array_remove(coalesce(found_tokens, '{}'), NULL);
    END LOOP;

    IF this_life IS NULL OR tokens = '{}' THEN
        RETURN;
    END IF;
    FOR of_contract, since, until IN
        WITH stood AS (
            DELETE FROM ctai.record
            WHERE scope = of_scope AND agent = of_agent AND incarnation < this_life
                AND (token_e = ANY (tokens) OR token_e IS NULL AND token_i = ANY (tokens)
                     OR token_e2 = ANY (tokens) OR token_e2 IS NULL AND token_i2 = ANY (tokens))
            RETURNING contract_id, position AS since, at_position AS until
        ),
        past AS (
            DELETE FROM ctai.record_history
            WHERE scope = of_scope AND agent = of_agent AND incarnation < this_life
                AND (token_e = ANY (tokens) OR token_e IS NULL AND token_i = ANY (tokens)
                     OR token_e2 = ANY (tokens) OR token_e2 IS NULL AND token_i2 = ANY (tokens))
            RETURNING contract_id, position AS since, replaced_position AS until
        ),
        gone AS (SELECT * FROM stood UNION ALL SELECT * FROM past)
        SELECT gone.contract_id, array_agg(gone.since), array_agg(gone.until) FROM gone GROUP BY gone.contract_id
    LOOP
        PERFORM ctai.count_erased(of_scope, of_contract, since, until);
    END LOOP;
END
$$;

-- Empties the batches of an agent that are in quarantine and hold one of the keys: nobody can say what else of the same
-- people is in them, and they counted for nothing. Those who take batches may not read them (rights.sql).
CREATE FUNCTION ctai.erase_quarantined(of_scope text, of_agent integer, keys uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
    UPDATE ctai.quarantine
    SET message = '\xc0' -- nil
    WHERE scope = of_scope AND agent = of_agent
        AND EXISTS (SELECT FROM unnest(keys) AS held (key) WHERE position(uuid_send(held.key) IN message) > 0)
$$;

-- How many records of a contract that stood at a position are gone for good.
CREATE FUNCTION ctai.erased_as_of(of_contract integer, as_of bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(e.records), 0)::bigint
    FROM ctai.contract AS c JOIN ctai.erased AS e USING (scope, contract_id)
    WHERE c.contract_id = of_contract AND e.position <= as_of
$$;
