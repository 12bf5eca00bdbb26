-- Amendments (article 8). Each makes the contract's next version, which stands from a position of the ledger on, and
-- applies from a day: a report uses the last version known at its position that applies by the end of its period
-- (ctai.version_as_of). The version's definition holds the whole contract as amended, and the amendment's file.
ALTER TABLE ctai.contract_version
    ADD COLUMN amendment integer CHECK (amendment >= 1), -- its number; NULL: the contract as it was first registered
    ADD COLUMN effective_day date,                       -- from which it applies; NULL: from the first day on
    ADD CHECK ((amendment IS NULL) = (effective_day IS NULL));
