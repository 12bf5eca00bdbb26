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
-- What stands of a contract's whole time is read (consolidate.sql), the rest evaluated; who benefits in several contracts
-- is always counted from the beneficiaries' records.
CREATE FUNCTION ctai.region_cells(of_region text, of_scope text, from_month integer, to_month integer)
RETURNS TABLE (contract text, department text, indicator text, value text, amount numeric, of_records bigint, rests bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path TO pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    every record; -- contracts, as arrays: all of them, and those that do not stand
    fresh record;
BEGIN
    SELECT array_agg(one.contract_id) AS contracts, array_agg(one.version) AS versions, array_agg(one.from_month) AS from_months,
           array_agg(one.to_month) AS to_months, array_agg(one.department) AS departments,
           array_agg(one.is_whole AND ctai.stands(one.contract_id, one.version, one.from_month, one.to_month, one.reached)) AS stand,
           max(one.reached) AS reached
    INTO every
    FROM ctai.region_contracts(of_region, region_cells.from_month, region_cells.to_month) AS one
    WHERE one.scope = of_scope AND NOT one.is_purged;
    IF every.contracts IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(one.contract) AS contracts, array_agg(one.version) AS versions, array_agg(one.from_month) AS from_months,
           array_agg(one.to_month) AS to_months
    INTO fresh
    FROM unnest(every.contracts, every.versions, every.from_months, every.to_months, every.stand)
        AS one (contract, version, from_month, to_month, stands)
    WHERE NOT one.stands;

    RETURN QUERY
    SELECT c.id, NULL::text, k.indicator, k.value, k.amount, k.of_records, k.rests
    FROM unnest(every.contracts, every.from_months, every.to_months, every.stand) AS one (contract, from_month, to_month, stands)
    JOIN ctai.cell AS k ON (k.scope, k.contract_id, k.from_month, k.to_month, k.action)
                           = (of_scope, one.contract, one.from_month, one.to_month, 0)
    JOIN ctai.contract AS c ON c.contract_id = one.contract
    WHERE one.stands;
    IF fresh.contracts IS NOT NULL THEN
        RETURN QUERY
        SELECT c.id, NULL::text, cell.indicator, cell.value, cell.amount, cell.of_records, cell.rests
        FROM ctai.evaluate_contracts(of_scope, fresh.contracts, fresh.versions, fresh.from_months, fresh.to_months, NULL, false,
                                     every.reached) AS cell
        JOIN ctai.contract AS c ON c.contract_id = cell.contract_id;
    END IF;
    RETURN QUERY
    SELECT NULL::text, cell.of_group, NULL::text, cell.value, cell.amount, cell.of_records, cell.rests
    FROM ctai.evaluate_contracts(of_scope, every.contracts, every.versions, every.from_months, every.to_months, every.departments,
                                 false, every.reached, '{beneficiaire}') AS cell
    WHERE cell.contract_id IS NULL;
END
$$;
