-- A region's report: the cells of its contracts, which region_sum.c adds up for departments and the region.

-- The contracts of a region that overlap the months from_month..to_month (NULL: each contract's whole period), as of where
-- their scopes' ledgers stand now; of those whom who asks may see (access.sql). Months are those of the contract's part
-- of the period; is_whole: that is all of the contract.
CREATE FUNCTION ctai.region_contracts(of_region text, from_month integer, to_month integer)
RETURNS TABLE (contract_id integer, id text, version integer, title text, department text, scope text, reached bigint,
               from_month integer, to_month integer, is_whole boolean, is_purged boolean)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
    SELECT c.contract_id, c.id, v.version, v.title, v.department, c.scope, s.position, part.first, part.last,
           (part.first, part.last) = (month.first, month.last),
           p.contract_id IS NOT NULL
    FROM ctai.contract AS c
    JOIN ctai.scope AS s USING (scope)
    LEFT JOIN ctai.purge AS p USING (contract_id)
    JOIN ctai.contract_version AS v
         ON v.contract_id = c.contract_id
            AND v.version = ctai.version_as_of(c.contract_id, s.position, CASE WHEN p.contract_id IS NULL THEN region_contracts.to_month END),
         LATERAL (SELECT ctai.month_of(v.first_day), ctai.month_of(v.last_day)) AS month (first, last),
         LATERAL (SELECT greatest(region_contracts.from_month, month.first), least(region_contracts.to_month, month.last))
             AS part (first, last)
    WHERE v.region = of_region AND c.contract_id IN (SELECT ctai.seen()) AND part.first <= part.last
    ORDER BY v.department COLLATE "C", c.id COLLATE "C"
$$;

-- The cells of their own lines (ctai.evaluate_contracts), of the contracts of one scope that are not purged; and, without
-- a contract, how many distinct persons benefit in those of each department, and (department NULL) in all of them.
CREATE FUNCTION ctai.region_cells(of_region text, of_scope text, from_month integer, to_month integer)
RETURNS TABLE (contract text, department text, indicator text, value text, amount numeric, of_records bigint, rests bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
    WITH subject AS (
        SELECT array_agg(one.contract_id) AS contracts, array_agg(one.version) AS versions,
               array_agg(one.from_month) AS from_months, array_agg(one.to_month) AS to_months,
               array_agg(one.department) AS departments, max(one.reached) AS reached
        FROM ctai.region_contracts(of_region, region_cells.from_month, region_cells.to_month) AS one
        WHERE one.scope = of_scope AND NOT one.is_purged
        HAVING count(*) > 0
    )
    SELECT c.id, cell.of_group, cell.indicator, cell.value, cell.amount, cell.of_records, cell.rests
    FROM subject AS s,
         ctai.evaluate_contracts(of_scope, s.contracts, s.versions, s.from_months, s.to_months, s.departments, false, s.reached)
             AS cell
    LEFT JOIN ctai.contract AS c USING (contract_id)
$$;
