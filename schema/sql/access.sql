-- Of which contracts the readers of evaluations (ctai_report, ctai_web) see anything. What is SECURITY DEFINER in these
-- files belongs to ctai_consolidation, and has its search_path pinned (rights.sql).

-- The contracts that whoever asks may see. The settings of the connection say of which contracts and departments it
-- speaks (comma-separated, ctai.contract: ids, ctai.department: codes): with both, a contract has to meet both; with
-- none, nothing is seen. Of a contract's department its last version decides. The hub's own role, and whoever else is a
-- member of ctai_consolidation, sees all.
CREATE FUNCTION ctai.seen() RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
    WITH asked AS (
        SELECT string_to_array(nullif(current_setting('ctai.contract', true), ''), ',') AS contracts,
               string_to_array(nullif(current_setting('ctai.department', true), ''), ',') AS departments,
               -- current_user is this function's owner here; the setting still says what SET ROLE said.
               coalesce(nullif(current_setting('role'), 'none'), session_user::text)::name AS asker
    )
    SELECT c.contract_id
    FROM ctai.contract AS c CROSS JOIN asked
    WHERE pg_has_role(asker, 'ctai_consolidation', 'MEMBER')
       OR (contracts IS NOT NULL OR departments IS NOT NULL)
          AND (contracts IS NULL OR c.id = ANY (contracts))
          AND (departments IS NULL
               OR (SELECT v.department FROM ctai.contract_version AS v
                   WHERE v.contract_id = c.contract_id ORDER BY v.version DESC LIMIT 1) = ANY (departments))
$$;
