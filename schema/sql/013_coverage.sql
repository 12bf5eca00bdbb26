-- Since which position of the ledger an agent's exports cover an action: what is late is said of the past as it was known then.
ALTER TABLE ctai.coverage ADD COLUMN since bigint; -- NULL: since before this was kept
