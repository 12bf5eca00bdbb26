-- Contracts whose time is over: their records are gone, and the evaluation that they gave is kept as it was.

CREATE TABLE ctai.purge (
    contract_id integer     PRIMARY KEY REFERENCES ctai.contract,
    evaluated   bigint      NOT NULL, -- the position of the scope's ledger as of which the evaluation is kept: the last before
    position    bigint      NOT NULL, -- at which the contract was closed, by a last version of its file
    purged_at   timestamptz NOT NULL DEFAULT now(),
    records     bigint      NOT NULL, -- that stood
    history     bigint      NOT NULL, -- versions that were replaced or withdrawn, and what was staged
    persons     bigint      NOT NULL  -- of those who stood: its beneficiaries
);

-- The kept evaluation, of the whole contract: the rows of ctai.report, in its order.
CREATE TABLE ctai.purge_cell (
    contract_id integer NOT NULL REFERENCES ctai.purge ON DELETE CASCADE,
    place       integer NOT NULL,
    action      text    NOT NULL,
    title       text    NOT NULL,
    indicator   text    NOT NULL,
    label       text    NOT NULL,
    unit        text    NOT NULL,
    is_text     boolean NOT NULL,
    target      text,
    value       text,
    state       text    NOT NULL,
    selected    boolean NOT NULL,
    PRIMARY KEY (contract_id, place)
);
