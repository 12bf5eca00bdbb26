-- The end of contracts whose time is over (008_backup.sql). The caller holds the rows of their scopes.

-- Keeps the evaluation of a contract as of a position, with all that the report shows.
CREATE FUNCTION ctai.keep_evaluation(of_contract integer, as_of bigint)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ctai.purge (contract_id, evaluated, position, records, history, persons)
    SELECT of_contract, as_of, as_of,
           (SELECT count(*) FROM ctai.record AS r WHERE r.scope = c.scope AND r.contract_id = of_contract),
           (SELECT count(*) FROM ctai.record_history AS h WHERE h.scope = c.scope AND h.contract_id = of_contract)
               + (SELECT count(*) FROM ctai.record_staged AS s WHERE s.scope = c.scope AND s.contract_id = of_contract),
           0
    FROM ctai.contract AS c
    WHERE c.contract_id = of_contract;

    INSERT INTO ctai.purge_cell (contract_id, place, action, title, indicator, label, unit, is_text, target, value, state,
                                 selected)
    SELECT of_contract, cell.place, cell.action, cell.title, cell.indicator, cell.label, cell.unit, cell.is_text, cell.target,
           cell.value, cell.state, cell.selected
    FROM ctai.contract AS c,
         ctai.report(c.id, NULL, NULL, as_of) WITH ORDINALITY
             AS cell (action, title, indicator, label, unit, is_text, target, value, state, selected, place)
    WHERE c.contract_id = of_contract;

    -- What the sums of its department and region are made of, in the contract's own line.
    UPDATE ctai.purge_cell AS kept
    SET amount = cell.amount, of_records = cell.of_records, rests = cell.rests
    FROM ctai.contract_version AS v,
         ctai.evaluate(of_contract, v.version, ctai.month_of(v.first_day), ctai.month_of(v.last_day), as_of) AS cell
    WHERE v.contract_id = of_contract AND v.version = ctai.version_as_of(of_contract, as_of) AND cell.action = 0
      AND kept.contract_id = of_contract AND kept.action = 'contrat' AND kept.indicator = cell.indicator;

    UPDATE ctai.purge AS p
    SET persons = coalesce((SELECT cell.value::bigint FROM ctai.purge_cell AS cell
                            WHERE cell.contract_id = of_contract AND cell.action = 'contrat'
                              AND cell.indicator = '1.1.total' AND cell.state = 'compte'), 0)
    WHERE p.contract_id = of_contract;
END
$$;

-- All that the hub holds of a contract's people. The signed headers stay: the hashes in them are salted, and the salts
-- go with the bodies. What was quarantined of the agents that might have spoken of it goes too: nobody can say what it holds.
CREATE FUNCTION ctai.delete_records_of(of_contract integer)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    of_scope text;
    agents integer[];
BEGIN
    SELECT c.scope INTO of_scope FROM ctai.contract AS c WHERE c.contract_id = of_contract;
    SELECT array_agg(DISTINCT one.agent) INTO agents FROM (
        SELECT a.agent FROM ctai.agent_right AS a WHERE a.contract_id = of_contract
        UNION ALL
        SELECT v.agent FROM ctai.coverage AS v WHERE v.scope = of_scope AND v.contract_id = of_contract
    ) AS one;

    IF to_regclass('ctai.record_token') IS NOT NULL THEN
        EXECUTE 'DELETE FROM ctai.record_token AS t USING ctai.record AS r'
            ' WHERE r.scope = $1 AND r.contract_id = $2 AND (t.scope, t.agent, t.key) = (r.scope, r.agent, r.key)'
        USING of_scope, of_contract;
    END IF;
    DELETE FROM ctai.record WHERE scope = of_scope AND contract_id = of_contract;
    DELETE FROM ctai.record_history WHERE scope = of_scope AND contract_id = of_contract;
    DELETE FROM ctai.record_staged WHERE scope = of_scope AND contract_id = of_contract;
    DELETE FROM ctai.replacement WHERE scope = of_scope AND contract_id = of_contract;
    DELETE FROM ctai.coverage WHERE scope = of_scope AND contract_id = of_contract;
    DELETE FROM ctai.cell WHERE scope = of_scope AND contract_id = of_contract;
    DELETE FROM ctai.standing WHERE scope = of_scope AND contract_id = of_contract;
    INSERT INTO ctai.mark (scope, contract_id) VALUES (of_scope, of_contract);
    DELETE FROM ctai.agent_right WHERE contract_id = of_contract;
    DELETE FROM ctai.quarantine WHERE scope = of_scope AND agent = ANY (agents);

    -- Refusals name no contract: those of agents that have no other in the scope are this one's.
    DELETE FROM ctai.refusal AS f
    WHERE f.scope = of_scope AND f.agent = ANY (agents)
      AND NOT EXISTS (SELECT FROM ctai.agent_right AS a JOIN ctai.contract AS c USING (contract_id)
                      WHERE a.agent = f.agent AND c.scope = of_scope);
END
$$;

-- Every cell of the scopes of those contracts, but of themselves and of those that are purged already, as of the scope's
-- position; as JSON, since it is compared with what it is later.
CREATE FUNCTION ctai.cells_beside(contracts integer[])
RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('contract', c.id, 'place', cell.place, 'action', cell.action, 'indicator',
                                                 cell.indicator, 'label', cell.label, 'value', cell.value, 'state', cell.state)),
                    '[]')
    FROM ctai.contract AS c
    JOIN ctai.scope AS s USING (scope),
         ctai.report(c.id, NULL, NULL, s.position) WITH ORDINALITY
             AS cell (action, title, indicator, label, unit, is_text, target, value, state, selected, place)
    WHERE c.scope IN (SELECT one.scope FROM ctai.contract AS one WHERE one.contract_id = ANY (contracts))
      AND NOT c.contract_id = ANY (contracts)
      AND NOT EXISTS (SELECT FROM ctai.purge AS gone WHERE gone.contract_id = c.contract_id)
$$;

-- Purges contracts: first all their evaluations are kept, since people are linked over the whole scope; then the records
-- go. Gives the cells of the other contracts that have changed by it.
CREATE FUNCTION ctai.purge_contracts(contracts integer[])
RETURNS TABLE (contract text, action text, indicator text, label text, before text, after text)
LANGUAGE plpgsql AS $$
DECLARE
    cells_before jsonb := ctai.cells_beside(contracts);
    one integer;
BEGIN
    FOREACH one IN ARRAY contracts LOOP
        PERFORM ctai.keep_evaluation(one, s.position) FROM ctai.contract AS c JOIN ctai.scope AS s USING (scope)
        WHERE c.contract_id = one;
    END LOOP;
    FOREACH one IN ARRAY contracts LOOP
        PERFORM ctai.delete_records_of(one);
    END LOOP;

    RETURN QUERY
    SELECT old.contract, old.action, old.indicator, old.label, old.value, fresh.value
    FROM jsonb_to_recordset(cells_before)
             AS old (contract text, place bigint, action text, indicator text, label text, value text, state text)
    JOIN jsonb_to_recordset(ctai.cells_beside(contracts))
             AS fresh (contract text, place bigint, value text, state text)
         ON (fresh.contract, fresh.place) = (old.contract, old.place)
    WHERE (fresh.value, fresh.state) IS DISTINCT FROM (old.value, old.state)
    ORDER BY old.contract COLLATE "C", old.place;
END
$$;

-- What of a kept evaluation is bound into the ledger, by the last version of the contract's file.
CREATE FUNCTION ctai.kept_digest(of_contract integer)
RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(coalesce(string_agg(
        array_to_string(ARRAY[cell.action, cell.indicator, coalesce(cell.value, ''), cell.state], E'\x1f'), E'\x1e' ORDER BY cell.place), ''),
        'UTF8')), 'hex')
    FROM ctai.purge_cell AS cell
    WHERE cell.contract_id = of_contract
$$;

-- Writes the next version of a contract, the same but for its file, at a position with its link of the ledger's chain.
CREATE FUNCTION ctai.close_contract(of_contract integer, at_position bigint, link bytea, file text)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    last integer;
BEGIN
    SELECT max(v.version) INTO last FROM ctai.contract_version AS v WHERE v.contract_id = of_contract;

    INSERT INTO ctai.contract_version (contract_id, version, position, title, department, region, first_day, last_day,
                                       amendment, effective_day, definition, chain)
    SELECT contract_id, last + 1, at_position, title, department, region, first_day, last_day, amendment, effective_day, file,
           link
    FROM ctai.contract_version WHERE contract_id = of_contract AND version = last;
    INSERT INTO ctai.contract_version_action (contract_id, version, action, rank, title)
    SELECT contract_id, last + 1, action, rank, title
    FROM ctai.contract_version_action WHERE contract_id = of_contract AND version = last;
    INSERT INTO ctai.contract_selected (contract_id, version, action, indicator)
    SELECT contract_id, last + 1, action, indicator
    FROM ctai.contract_selected WHERE contract_id = of_contract AND version = last;
    INSERT INTO ctai.contract_target (contract_id, version, action, indicator, target)
    SELECT contract_id, last + 1, action, indicator, target
    FROM ctai.contract_target WHERE contract_id = of_contract AND version = last;
    INSERT INTO ctai.indicator (contract_id, version, rank, code, label, unit, kind, measure, types, details, sex, bpi,
                                under_25, share, not_done, variant_of)
    SELECT contract_id, last + 1, rank, code, label, unit, kind, measure, types, details, sex, bpi, under_25, share, not_done,
           variant_of
    FROM ctai.indicator WHERE contract_id = of_contract AND version = last;

    UPDATE ctai.purge SET position = at_position WHERE contract_id = of_contract;
END
$$;
