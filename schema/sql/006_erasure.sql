-- What is gone for good: records that were erased (PROTOCOL.md, "Erasure") or purged leave no row, in history either.
-- A report as of an earlier position says how many of those that stood then are gone: their number alone is kept, as
-- its changes along the ledger, summed over everybody, so that it tells of nobody.
CREATE TABLE ctai.erased (
    scope       text    NOT NULL,
    contract_id integer NOT NULL,
    position    bigint  NOT NULL,
    records     bigint  NOT NULL, -- that came to stand at that position, less those that stood no more from it on
    PRIMARY KEY (scope, contract_id, position)
);
