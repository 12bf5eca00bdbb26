-- What delivery needs beyond an agent's place in a scope (PROTOCOL.md, "Incarnations"): the incarnations that
-- were granted, machines that share a key, agents that were given new keys, batches in quarantine.

ALTER TABLE ctai.agent
    ADD COLUMN forked_at   timestamptz, -- since when two machines are known to have its keys: it is refused
    ADD COLUMN replaced_at timestamptz; -- when it was last given new keys

-- The keys that agents had before: they never come back, for nobody; batches signed by them stay in the ledger.
CREATE TABLE ctai.agent_former (
    agent       integer     NOT NULL REFERENCES ctai.agent,
    curve       bytea       NOT NULL UNIQUE CHECK (length(curve) = 32),
    sign        bytea       PRIMARY KEY CHECK (length(sign) = 32),
    box         bytea       NOT NULL UNIQUE CHECK (length(box) = 32),
    replaced_at timestamptz NOT NULL DEFAULT now()
);

-- The incarnations of an agent in a scope after the first, each with the sequence at which it begins.
CREATE TABLE ctai.incarnation (
    scope       text        NOT NULL,
    agent       integer     NOT NULL,
    incarnation bigint      NOT NULL CHECK (incarnation >= 2),
    base        bigint      NOT NULL, -- the last sequence before it
    request     bytea       CHECK (length(request) = 16), -- of the RENEW; NULL: by new keys
    granted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, agent, incarnation)
);

-- The contracts of which an agent with new keys has not yet committed a complete export: its records of them are
-- staged, and those of before stand.
CREATE TABLE ctai.replacement (
    scope       text    NOT NULL,
    agent       integer NOT NULL,
    contract_id integer NOT NULL,
    incarnation bigint  NOT NULL, -- with which the new keys began
    PRIMARY KEY (scope, agent, contract_id)
);
CREATE TABLE ctai.record_staged (
    LIKE ctai.record,
    PRIMARY KEY (scope, agent, key)
);

-- Batches of which the number alone was committed, as they came.
CREATE TABLE ctai.quarantine (
    scope          text        NOT NULL,
    agent          integer     NOT NULL,
    sequence       bigint      NOT NULL,
    why            text        NOT NULL CHECK (why IN ('header', 'data')), -- could not be read; did not fit the tables
    message        bytea       NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, agent, sequence)
);
