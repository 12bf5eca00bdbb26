-- Who may do what: the rights of the four roles. Applied last, after all other files, whenever one of them changed;
-- it first takes every right back, so that what stands here is all that there is.
--
--   ctai_ingest         takes the agents' batches (ctai-hub serve)
--   ctai_consolidation  reads records to evaluate them, through its functions alone; nobody works as it
--   ctai_report         reads evaluations (ctai-hub report)
--   ctai_web            reads evaluations for the pages, of the departments or contracts of whoever is looking
--
-- The hub's own role, which owns the tables, registers contracts, admits agents and shows the status.
-- A TABLE OR FUNCTION THAT IS NEW gets its rights here, in the list below, and its line in tests/sql/rights.txt (by
-- CTAI_RIGHTS=write tests/sql/run rights); without them no role can use it, and that test fails.
--
-- Tokens are read by ctai_ingest and ctai_consolidation alone. The ledger is only added to, but for links of its chain
-- that a hub of an older version owes: those can be filled in, and never changed (policies, at the end).

-- Nothing for anybody, to begin with.
REVOKE ALL ON SCHEMA ctai FROM PUBLIC, ctai_ingest, ctai_consolidation, ctai_report, ctai_web;
REVOKE ALL ON ALL TABLES IN SCHEMA ctai FROM PUBLIC, ctai_ingest, ctai_consolidation, ctai_report, ctai_web;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA ctai FROM PUBLIC, ctai_ingest, ctai_consolidation, ctai_report, ctai_web;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ctai FROM PUBLIC, ctai_ingest, ctai_consolidation, ctai_report, ctai_web;
GRANT USAGE ON SCHEMA ctai TO ctai_ingest, ctai_consolidation, ctai_report, ctai_web;

-- The roles are the same in all databases of a server, and each hub's role is a member of them: who is not let into
-- this database can do nothing in it. Where the database is not ours, its administrator does this (deploy/roles.sql).
DO $$
BEGIN
    IF (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()) THEN
        EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    END IF;
END
$$;

-- Whose database it is, its version, the contracts and the indicators.
GRANT SELECT ON ctai.hub_identity, ctai.migration, ctai.scope, ctai.contract, ctai.contract_version, ctai.contract_action,
    ctai.contract_version_action, ctai.indicator
    TO ctai_ingest, ctai_consolidation, ctai_report, ctai_web;
GRANT SELECT ON ctai.contract_selected, ctai.contract_target TO ctai_consolidation, ctai_report, ctai_web;

-- Batches. To lock a row is to have the right to change one of its columns.
GRANT UPDATE ON ctai.scope TO ctai_ingest;
GRANT SELECT, INSERT, UPDATE (closed_position, closed_at) ON ctai.scope_key TO ctai_ingest;
GRANT SELECT, UPDATE (forked_at) ON ctai.agent TO ctai_ingest;
GRANT SELECT ON ctai.agent_right TO ctai_ingest;
GRANT SELECT, INSERT, UPDATE ON ctai.agent_scope TO ctai_ingest;
GRANT SELECT, INSERT, UPDATE (chain) ON ctai.ledger TO ctai_ingest;
GRANT UPDATE (chain) ON ctai.contract_version TO ctai_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON ctai.record, ctai.record_staged TO ctai_ingest;
GRANT SELECT, INSERT, DELETE ON ctai.record_history TO ctai_ingest; -- DELETE: erasures
GRANT SELECT, INSERT, UPDATE ON ctai.coverage TO ctai_ingest;
GRANT SELECT, INSERT ON ctai.refusal TO ctai_ingest;
GRANT INSERT ON ctai.quarantine TO ctai_ingest;
GRANT SELECT, INSERT, UPDATE ON ctai.erased TO ctai_ingest;
GRANT SELECT ON ctai.erased TO ctai_consolidation, ctai_report, ctai_web;
GRANT SELECT, INSERT ON ctai.incarnation TO ctai_ingest;
GRANT SELECT, DELETE ON ctai.replacement TO ctai_ingest;
GRANT SELECT, INSERT, UPDATE ON ctai.agent_contact, ctai.alarm TO ctai_ingest;
GRANT EXECUTE ON FUNCTION
    ctai.withdraw_records,
    ctai.unstage_records,
    ctai.leave_records,
    ctai.finish_replacement,
    ctai.epoch_awaited,
    ctai.erase_records,
    ctai.erase_quarantined,
    ctai.count_erased
    TO ctai_ingest;

-- Erasures in what ctai_ingest may not read.
GRANT SELECT (scope, agent, message), UPDATE (message) ON ctai.quarantine TO ctai_consolidation;

-- Evaluation.
GRANT SELECT ON ctai.record, ctai.record_history, ctai.scope_key TO ctai_consolidation;
GRANT SELECT (scope, position, received_at) ON ctai.ledger TO ctai_consolidation;
GRANT SELECT (agent, name) ON ctai.agent TO ctai_consolidation;
GRANT SELECT (scope, agent, contract_id, action, since) ON ctai.coverage TO ctai_consolidation;
GRANT EXECUTE ON FUNCTION
    ctai.month_of,
    ctai.level,
    ctai.as_hours,
    ctai.as_measure,
    ctai.as_mean_months,
    ctai.version_as_of,
    ctai.position_at,
    ctai.records_as_of,
    ctai.linkage_epoch,
    ctai.reading_epoch,
    ctai.token_of,
    ctai.own_person,
    ctai.link,
    ctai.evaluate_contracts,
    ctai.evaluate,
    ctai.types_needed,
    ctai.stands,
    ctai.cells,
    ctai.months_after
    TO ctai_consolidation;

-- Consolidation: marks by whoever writes records, taken by what runs as ctai_consolidation.
GRANT INSERT ON ctai.mark TO ctai_ingest;
GRANT SELECT, DELETE ON ctai.mark TO ctai_consolidation;
GRANT SELECT, INSERT, UPDATE, DELETE ON ctai.standing, ctai.cell TO ctai_consolidation;
GRANT EXECUTE ON FUNCTION ctai.marked, ctai.consolidate TO ctai_ingest;

-- Those who read evaluations.
GRANT EXECUTE ON FUNCTION
    ctai.seen,
    ctai.version_as_of,
    ctai.contract_position_at,
    ctai.contract_moment_of,
    ctai.report,
    ctai.erased_as_of,
    ctai.contract_month_at,
    ctai.discrepancies,
    ctai.region_contracts,
    ctai.region_cells
    TO ctai_report, ctai_web;

-- What stays of contracts that were purged. (The hub's own role purges.)
GRANT SELECT ON ctai.purge, ctai.purge_cell TO ctai_report, ctai_web;
GRANT SELECT ON ctai.purge TO ctai_consolidation;

-- The ledger of releases: read by whoever makes a draft, of the region of which the connection speaks (ctai.region).
-- (The hub's own role enters them.)
GRANT SELECT ON ctai.release, ctai.release_scope, ctai.release_territory, ctai.release_indicator, ctai.release_cell
    TO ctai_report;

-- What is SECURITY DEFINER runs as ctai_consolidation, which can be given functions for this moment alone.
DO $$
DECLARE
    one regprocedure;
BEGIN
    GRANT CREATE ON SCHEMA ctai TO ctai_consolidation;
    FOR one IN SELECT oid FROM pg_proc WHERE pronamespace = 'ctai'::regnamespace AND prosecdef LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO ctai_consolidation', one);
    END LOOP;
    REVOKE CREATE ON SCHEMA ctai FROM ctai_consolidation;
END
$$;

-- Rows: of every table that readers may look into, those of the contracts that they see (ctai.seen).
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT * FROM (VALUES
            ('contract', 'contract_id IN (SELECT ctai.seen())'),
            ('contract_version', 'contract_id IN (SELECT ctai.seen())'), -- and below
            ('contract_action', 'contract_id IN (SELECT ctai.seen())'),
            ('contract_version_action', 'contract_id IN (SELECT ctai.seen())'),
            ('contract_selected', 'contract_id IN (SELECT ctai.seen())'),
            ('contract_target', 'contract_id IN (SELECT ctai.seen())'),
            ('erased', 'contract_id IN (SELECT ctai.seen())'),
            ('purge', 'contract_id IN (SELECT ctai.seen())'),
            ('purge_cell', 'contract_id IN (SELECT ctai.seen())'),
            ('indicator', 'contract_id = 0 OR contract_id IN (SELECT ctai.seen())'), -- 0: the national list
            ('scope', 'scope IN (SELECT c.scope FROM ctai.contract AS c)'),
            ('release', 'region = current_setting(''ctai.region'', true)'),
            ('release_scope', 'release IN (SELECT r.release FROM ctai.release AS r)'),
            ('release_territory', 'release IN (SELECT r.release FROM ctai.release AS r)'),
            ('release_indicator', 'release IN (SELECT r.release FROM ctai.release AS r)'),
            ('release_cell', 'release IN (SELECT r.release FROM ctai.release AS r)')
        ) AS rule (of_table, condition)
    LOOP
        EXECUTE format('ALTER TABLE ctai.%I ENABLE ROW LEVEL SECURITY', one.of_table);
        EXECUTE format('CREATE POLICY readers ON ctai.%I FOR SELECT TO ctai_report, ctai_web USING (%s)',
                       one.of_table, one.condition);
        EXECUTE format('CREATE POLICY workers ON ctai.%I FOR SELECT TO ctai_ingest, ctai_consolidation USING (true)',
                       one.of_table);
    END LOOP;
END
$$;
CREATE POLICY counting ON ctai.erased FOR INSERT TO ctai_ingest WITH CHECK (true);
CREATE POLICY adding_up ON ctai.erased FOR UPDATE TO ctai_ingest USING (true);
CREATE POLICY moving ON ctai.scope FOR UPDATE TO ctai_ingest USING (true);
CREATE POLICY linking ON ctai.contract_version FOR UPDATE TO ctai_ingest USING (chain IS NULL) WITH CHECK (true);

ALTER TABLE ctai.ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY workers ON ctai.ledger FOR SELECT TO ctai_ingest, ctai_consolidation USING (true);
CREATE POLICY adding ON ctai.ledger FOR INSERT TO ctai_ingest WITH CHECK (true);
CREATE POLICY linking ON ctai.ledger FOR UPDATE TO ctai_ingest USING (chain IS NULL) WITH CHECK (true);
