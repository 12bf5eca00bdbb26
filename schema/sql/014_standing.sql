-- Standing cells: an exact cache of the evaluation (consolidate.sql), of each contract's whole time. They hold counts and the
-- texts of the evaluation; no token, no key. All of it can be made again from the records.

-- What stands of a contract, and since when.
CREATE TABLE ctai.standing (
    scope           text        NOT NULL,
    contract_id     integer     NOT NULL,
    from_month      integer     NOT NULL,
    to_month        integer     NOT NULL,
    version         integer     NOT NULL, -- of the contract, with whose actions and indicators the cells were counted
    position        bigint      NOT NULL, -- of the scope's ledger, when they last were
    consolidated_at timestamptz NOT NULL,
    took_us         bigint      NOT NULL, -- the last time
    PRIMARY KEY (scope, contract_id, from_month, to_month)
);

-- As ctai.evaluate gives them.
CREATE TABLE ctai.cell (
    scope       text     NOT NULL,
    contract_id integer  NOT NULL,
    from_month  integer  NOT NULL,
    to_month    integer  NOT NULL,
    action      smallint NOT NULL, -- 0: the contract's own line
    rank        integer  NOT NULL,
    indicator   text     NOT NULL,
    value       text,
    state       text     NOT NULL,
    amount      numeric,
    of_records  bigint,
    rests       bigint,
    PRIMARY KEY (scope, contract_id, from_month, to_month, action, rank)
);

-- What was touched since: a row for each contract and type of a statement that wrote records, in its transaction. Rows are
-- only added, each under a number of its own, so that no writer ever waits for who reads and removes them, nor the other way about.
CREATE TABLE ctai.mark (
    mark        bigint    GENERATED ALWAYS AS IDENTITY,
    contract_id integer   NOT NULL,
    type        ctai.fact,          -- NULL: all of the contract
    scope       text      NOT NULL,
    PRIMARY KEY (scope, contract_id, mark)
);
ALTER TABLE ctai.mark SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- A cell reads the records of a few types: they lie together. No month: a contract's whole time is read, and so is most of
-- it for a period, from its beginning. Unlike all other indexes this one does not begin with the scope, which a contract has
-- one of: each record that comes pays for what has to be compared.
DROP INDEX ctai.record_cell;
CREATE INDEX record_cell ON ctai.record (contract_id, type);

-- Hashes and a signature: nothing that could be made shorter.
ALTER TABLE ctai.ledger ALTER COLUMN header SET STORAGE EXTERNAL;

-- Records that have an identity and no number, by their first and their second set of tokens: those whose person a
-- number decides that comes or goes with the same identity, in whatever contract. A token is of one scope alone, and they
-- are many: the index has nothing else.
CREATE INDEX record_unnumbered ON ctai.record (token_i) WHERE token_e IS NULL AND token_i IS NOT NULL;
CREATE INDEX record_unnumbered2 ON ctai.record (token_i2) WHERE token_e2 IS NULL AND token_i2 IS NOT NULL;
