-- The rotation of a scope's linkage key, as it stands: which records have not followed (store_keys.c, `ctai-hub status`).
-- Which set of a record's tokens is read, evaluate.sql says.

-- The records of a scope that have tokens and none of an epoch, by agent and contract; those too that are staged for
-- an agent with new keys. (Those of one epoch alone, the rule, are passed over without being looked up.)
CREATE FUNCTION ctai.records_without(of_scope text, of_epoch bigint)
RETURNS TABLE (agent integer, contract_id integer, records bigint)
LANGUAGE sql STABLE AS $$
    SELECT agent, contract_id, count(*)
    FROM (
        SELECT agent, contract_id FROM ctai.record
        WHERE scope = of_scope AND epoch <> of_epoch AND epoch2 IS DISTINCT FROM of_epoch
        UNION ALL
        SELECT agent, contract_id FROM ctai.record_staged
        WHERE scope = of_scope AND epoch <> of_epoch AND epoch2 IS DISTINCT FROM of_epoch
    ) AS lacking
    WHERE EXISTS (SELECT FROM ctai.scope_key WHERE scope = of_scope AND epoch <> of_epoch)
    GROUP BY agent, contract_id
$$;

-- Has an active agent a record with tokens and none of an epoch? Then the epoch before it is in use.
CREATE FUNCTION ctai.epoch_awaited(of_scope text, of_epoch bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM ctai.agent AS a
        WHERE a.status = 'active' AND (
            EXISTS (SELECT FROM ctai.record AS r
                    WHERE r.scope = of_scope AND r.agent = a.agent AND r.epoch <> of_epoch AND r.epoch2 IS DISTINCT FROM of_epoch)
            OR EXISTS (SELECT FROM ctai.record_staged AS s
                       WHERE s.scope = of_scope AND s.agent = a.agent AND s.epoch <> of_epoch
                           AND s.epoch2 IS DISTINCT FROM of_epoch)))
$$;
