-- What a batch does to the tables beyond one statement (store_rows.c, store_records.c).
--
-- The planner may know nothing yet of tables that are just being filled, and would then read all of an
-- agent's records for each batch; so each record is looked up by its whole primary key, one by one.

-- Withdraws records of an agent, each in its contract alone, at a position; a key that is not there is passed over.
CREATE FUNCTION ctai.withdraw_records(of_scope text, of_agent integer, at_position bigint, keys uuid[], contracts integer[])
RETURNS void
LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM ctai.record
        WHERE ctid = ANY (ARRAY(
            SELECT old.ctid
            FROM unnest(keys, contracts) AS f (key, contract_id), LATERAL (
                SELECT r.ctid, r.contract_id FROM ctai.record AS r
                WHERE r.scope = of_scope AND r.agent = of_agent AND r.key = f.key OFFSET 0) AS old
            WHERE old.contract_id = f.contract_id))
        RETURNING *
    )
    INSERT INTO ctai.record_history
    SELECT gone.*, at_position FROM gone
$$;

-- Takes records out of those that are staged for an agent with new keys; contracts NULL: whatever the contract.
CREATE FUNCTION ctai.unstage_records(of_scope text, of_agent integer, keys uuid[], contracts integer[])
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    FOR place IN 1 .. cardinality(keys) LOOP
        DELETE FROM ctai.record_staged
        WHERE scope = of_scope AND agent = of_agent AND key = keys[place]
            AND (contracts IS NULL OR contract_id = contracts[place]);
    END LOOP;
END
$$;

-- A staged record replaces what the key stood for in a contract that is not being replaced.
CREATE FUNCTION ctai.leave_records(of_scope text, of_agent integer, at_position bigint, keys uuid[])
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    FOR place IN 1 .. cardinality(keys) LOOP
        WITH gone AS (
            DELETE FROM ctai.record AS r
            WHERE r.scope = of_scope AND r.agent = of_agent AND r.key = keys[place]
                AND NOT EXISTS (SELECT FROM ctai.replacement AS p
                                WHERE (p.scope, p.agent, p.contract_id) = (r.scope, r.agent, r.contract_id))
            RETURNING r.*
        )
        INSERT INTO ctai.record_history
        SELECT gone.*, at_position FROM gone;
    END LOOP;
END
$$;

-- An agent with new keys has sent its whole table of a contract: in one moment, at a position, the records that it had
-- left before go to history and those that were staged stand. Texts are no part of a table: one that was not told anew
-- stays, under the key that it has for any machine of the agent, until it is.
CREATE FUNCTION ctai.finish_replacement(of_scope text, of_agent integer, of_contract integer, at_position bigint)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        DELETE FROM ctai.record AS r
        WHERE scope = of_scope AND agent = of_agent AND contract_id = of_contract
            AND (type <> 'narrative'
                 OR EXISTS (SELECT FROM ctai.record_staged AS s
                            WHERE s.scope = of_scope AND s.agent = of_agent AND s.key = r.key))
        RETURNING *
    )
    INSERT INTO ctai.record_history
    SELECT gone.*, at_position FROM gone;

    -- A key of theirs may still stand for a record of before in another contract.
    WITH gone AS (
        DELETE FROM ctai.record AS r USING ctai.record_staged AS s
        WHERE s.scope = of_scope AND s.agent = of_agent AND s.contract_id = of_contract
            AND r.scope = of_scope AND r.agent = of_agent AND r.key = s.key
        RETURNING r.*
    )
    INSERT INTO ctai.record_history
    SELECT gone.*, at_position FROM gone;

    UPDATE ctai.record_staged SET position = at_position
    WHERE scope = of_scope AND agent = of_agent AND contract_id = of_contract;
    WITH come AS (
        DELETE FROM ctai.record_staged
        WHERE scope = of_scope AND agent = of_agent AND contract_id = of_contract
        RETURNING *
    )
    INSERT INTO ctai.record SELECT * FROM come;

    DELETE FROM ctai.replacement WHERE scope = of_scope AND agent = of_agent AND contract_id = of_contract;
END
$$;
