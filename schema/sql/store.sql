-- What a batch does to the tables beyond one statement (store_records.c).
--
-- The planner may know nothing yet of tables that are just being filled, and would then read all of an
-- agent's records for each batch; so each record is looked up by its whole primary key, one by one.

-- Withdraws records of an agent, each in its contract alone, at a position; a key that is not there is passed over.
CREATE FUNCTION ctai.withdraw_records(of_scope text, of_agent integer, at_position bigint, keys uuid[], contracts integer[])
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    FOR place IN 1 .. cardinality(keys) LOOP
        WITH gone AS (
            DELETE FROM ctai.record
            WHERE scope = of_scope AND agent = of_agent AND key = keys[place] AND contract_id = contracts[place]
            RETURNING *
        )
        INSERT INTO ctai.record_history
        SELECT gone.*, at_position FROM gone;
    END LOOP;
END
$$;

-- Forgets the second token sets of records (there are some only while a linkage key is being rotated).
CREATE FUNCTION ctai.forget_tokens(of_scope text, of_agent integer, keys uuid[])
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ctai.record_token WHERE scope = of_scope AND agent = of_agent) THEN
        FOR place IN 1 .. cardinality(keys) LOOP
            DELETE FROM ctai.record_token WHERE scope = of_scope AND agent = of_agent AND key = keys[place];
        END LOOP;
    END IF;
END
$$;
