-- The chain of a scope's ledger (PROTOCOL.md, "The ledger's chain"): each position's link covers all before it. The hub
-- writes it (store_chain.c): PostgreSQL has no BLAKE2b.
--
-- What was in the ledger before this migration gets its links from the hub that applies it. They prove what happens to
-- it from then on; of what happened before, the agents' signatures and their own chains of headers speak.

ALTER TABLE ctai.scope
    ADD COLUMN chain     bytea  NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (length(chain) = 32),
    ADD COLUMN chained   bigint NOT NULL DEFAULT 0, -- the position of that link; behind `position`: links are owed
    ADD COLUMN inherited bigint NOT NULL DEFAULT 0; -- up to here the links were made by a migration, not at the commit
UPDATE ctai.scope SET inherited = position;

ALTER TABLE ctai.ledger ADD COLUMN chain bytea CHECK (length(chain) = 32);
ALTER TABLE ctai.contract_version ADD COLUMN chain bytea CHECK (length(chain) = 32);

-- An older program on the same database stops rather than write a batch without its link.
ALTER TABLE ctai.ledger ADD CONSTRAINT ledger_linked CHECK (chain IS NOT NULL) NOT VALID;
