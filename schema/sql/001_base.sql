-- The hub's tables.
--
-- Every table that grows has the linkage scope first in its primary key and in its indexes; no
-- foreign key, unique constraint or join crosses scopes, so that the tables can be partitioned or
-- distributed by scope. Contracts, agents and indicators are few: they refer to each other freely.
--
-- 16-byte values (record keys, references, tokens) are held as uuid: fixed width, no length byte,
-- compared fast. They are hashes, not RFC 4122 identifiers. What stands in place of a token is
-- BLAKE2b-128(pepper, token). Months are integers, year x 100 + month (202311), as on the wire.

-- The vocabulary of what is counted, in the order of fact.h.
CREATE TYPE ctai.fact AS ENUM (
    'beneficiaire', 'entree', 'sortie', 'suivi_6_mois', 'seance', 'presence', 'niveau_debut', 'niveau_fin',
    'logement_perenne', 'consultation_medicale', 'outil_numerique', 'binome_mentorat', 'evenement_sportif',
    'evenement_culturel', 'sollicitation', 'autonomie', 'acteurs_formes', 'formation_acteurs', 'cout', 'narrative'
);
CREATE TYPE ctai.sex AS ENUM ('F', 'H');

-- Whose database this is: the fingerprint of the hub's public keys.
CREATE TABLE ctai.hub_identity (
    only_one      boolean     PRIMARY KEY DEFAULT true CHECK (only_one),
    fingerprint   text        NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now()
);

-- A linkage scope and the position of its ledger: each batch and each change of a contract takes the next.
CREATE TABLE ctai.scope (
    scope    text   PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
);

-- The one linkage key that the hub admits for each epoch of a scope; the first to be named.
CREATE TABLE ctai.scope_key (
    scope         text        NOT NULL,
    epoch         bigint      NOT NULL,
    scheme        smallint    NOT NULL,
    key_id        uuid        NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, epoch)
);

-- Contracts. An amendment makes a new version; positions say since when a version stands.
CREATE TABLE ctai.contract (
    contract_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text    NOT NULL UNIQUE,
    scope       text    NOT NULL
);
CREATE TABLE ctai.contract_version (
    contract_id   integer     NOT NULL REFERENCES ctai.contract,
    version       integer     NOT NULL CHECK (version >= 1),
    position      bigint      NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    title         text        NOT NULL,
    department    text        NOT NULL,
    region        text        NOT NULL,
    first_day     date        NOT NULL,
    last_day      date        NOT NULL CHECK (last_day >= first_day),
    definition    text        NOT NULL, -- the file as it was registered
    PRIMARY KEY (contract_id, version)
);

-- An action keeps its number through all versions; 0 stands for the contract's own line.
CREATE TABLE ctai.contract_action (
    contract_id integer  NOT NULL REFERENCES ctai.contract,
    action      smallint NOT NULL CHECK (action >= 1),
    code        text     NOT NULL CHECK (code <> 'contrat'),
    PRIMARY KEY (contract_id, action),
    UNIQUE (contract_id, code)
);
CREATE TABLE ctai.contract_version_action (
    contract_id integer  NOT NULL,
    version     integer  NOT NULL,
    action      smallint NOT NULL,
    rank        smallint NOT NULL, -- its place in the report
    title       text     NOT NULL,
    PRIMARY KEY (contract_id, version, action),
    FOREIGN KEY (contract_id, version) REFERENCES ctai.contract_version,
    FOREIGN KEY (contract_id, action) REFERENCES ctai.contract_action
);

-- The kinds of count. Each has one definition, in evaluate.sql.
CREATE TYPE ctai.kind AS ENUM (
    'personnes',     -- distinct persons of the records read
    'menages',       -- distinct households
    'references',    -- distinct sessions, pairs or events
    'somme',         -- sum of the quantities
    'heures',        -- sum of the quantities, each session once
    'assiduite',     -- persons who attended a share of what was planned
    'progres',       -- persons who rose by a level
    'duree_moyenne', -- mean of days, in months
    'liste',         -- the details that occur
    'texte'          -- narratives
);
CREATE TYPE ctai.measure AS ENUM ('nombre', 'minutes', 'centimes', 'jours');

-- What is counted: the national list (contract_id 0, version 0, from the catalogue) and each contract's own.
CREATE TABLE ctai.indicator (
    contract_id integer      NOT NULL,
    version     integer      NOT NULL,
    rank        smallint     NOT NULL,
    code        text         NOT NULL,
    label       text         NOT NULL,
    unit        text         NOT NULL,
    kind        ctai.kind    NOT NULL,
    measure     ctai.measure NOT NULL DEFAULT 'nombre', -- of the quantities that it adds up
    types       ctai.fact[]  NOT NULL,
    details     text[],                                 -- NULL: all
    sex         ctai.sex,                               -- of the persons counted; NULL: whoever
    bpi         boolean      NOT NULL DEFAULT false,    -- only those who are
    under_25    boolean      NOT NULL DEFAULT false,
    share       smallint     NOT NULL DEFAULT 80,       -- assiduite: percent of the planned
    not_done    boolean      NOT NULL DEFAULT false,    -- no record read means that it was not done
    PRIMARY KEY (contract_id, version, rank),
    UNIQUE (contract_id, version, code)
);
CREATE TABLE ctai.contract_selected (
    contract_id integer  NOT NULL,
    version     integer  NOT NULL,
    action      smallint NOT NULL,
    indicator   text     NOT NULL,
    PRIMARY KEY (contract_id, version, action, indicator),
    FOREIGN KEY (contract_id, version) REFERENCES ctai.contract_version
);
CREATE TABLE ctai.contract_target (
    contract_id integer  NOT NULL,
    version     integer  NOT NULL,
    action      smallint NOT NULL, -- 0: of the contract
    indicator   text     NOT NULL,
    target      bigint   NOT NULL,
    PRIMARY KEY (contract_id, version, action, indicator),
    FOREIGN KEY (contract_id, version) REFERENCES ctai.contract_version
);

-- The agents that were admitted, and for which actions.
CREATE TYPE ctai.agent_status AS ENUM ('active', 'revoked');
CREATE TABLE ctai.agent (
    agent       integer           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text              NOT NULL UNIQUE,
    curve       bytea             NOT NULL UNIQUE CHECK (length(curve) = 32),
    sign        bytea             NOT NULL UNIQUE CHECK (length(sign) = 32),
    box         bytea             NOT NULL UNIQUE CHECK (length(box) = 32),
    status      ctai.agent_status NOT NULL DEFAULT 'active',
    admitted_at timestamptz       NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);
CREATE TABLE ctai.agent_right (
    agent       integer     NOT NULL REFERENCES ctai.agent,
    contract_id integer     NOT NULL,
    action      smallint    NOT NULL,
    granted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agent, contract_id, action),
    FOREIGN KEY (contract_id, action) REFERENCES ctai.contract_action
);

-- How far an agent's batches of a scope have come.
CREATE TABLE ctai.agent_scope (
    scope       text    NOT NULL,
    agent       integer NOT NULL,
    incarnation bigint  NOT NULL DEFAULT 1,
    sequence    bigint  NOT NULL DEFAULT 0,
    hash        bytea   NOT NULL DEFAULT decode(repeat('00', 32), 'hex'), -- of the header of that sequence
    stable      bigint  NOT NULL DEFAULT 0, -- up to here the agent may forget its batches
    PRIMARY KEY (scope, agent),
    CHECK (stable <= sequence)
);

-- The signed headers of all batches, in the order in which they were committed.
CREATE TABLE ctai.ledger (
    scope       text        NOT NULL,
    position    bigint      NOT NULL,
    agent       integer     NOT NULL,
    incarnation bigint      NOT NULL,
    sequence    bigint      NOT NULL,
    header_hash bytea       NOT NULL,
    header      bytea       NOT NULL,
    signature   bytea       NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (scope, position)
);
CREATE UNIQUE INDEX ledger_batch ON ctai.ledger (scope, agent, sequence);

-- The records that stand. One row for each key of an agent; (incarnation, sequence) of the batch is its version.
CREATE TABLE ctai.record (
    position    bigint    NOT NULL, -- at which the hub learned it
    incarnation bigint    NOT NULL,
    sequence    bigint    NOT NULL,
    quantity    bigint,             -- minutes, count, cents or days
    epoch       bigint,             -- of the tokens below
    agent       integer   NOT NULL,
    contract_id integer   NOT NULL,
    month       integer,            -- NULL for a narrative alone
    type        ctai.fact NOT NULL,
    sex         ctai.sex,
    action      smallint  NOT NULL,
    bpi         boolean,
    under_25    boolean,
    key         uuid      NOT NULL,
    token_e     uuid,
    token_i     uuid,
    token_m     uuid,
    reference   uuid,
    scope       text      NOT NULL,
    code        text,
    narrative   text,
    PRIMARY KEY (scope, agent, key)
);
CREATE INDEX record_cell ON ctai.record (scope, contract_id, month);
-- Which numbers stand with an identity (evaluate.sql, ctai.link).
CREATE INDEX record_identity ON ctai.record (scope, token_i) INCLUDE (token_e, position)
    WHERE type = 'beneficiaire' AND token_i IS NOT NULL AND token_e IS NOT NULL;

-- What stood before: the versions that were replaced or withdrawn, and the position at which.
CREATE TABLE ctai.record_history (
    LIKE ctai.record,
    replaced_position bigint NOT NULL,
    PRIMARY KEY (scope, agent, key, replaced_position)
);
CREATE INDEX record_history_cell ON ctai.record_history (scope, contract_id, replaced_position);
CREATE INDEX record_history_position ON ctai.record_history (scope, replaced_position);

-- The second set of tokens of a record, while the linkage key of the scope is being rotated.
CREATE TABLE ctai.record_token (
    scope   text    NOT NULL,
    agent   integer NOT NULL,
    key     uuid    NOT NULL,
    epoch   bigint  NOT NULL,
    token_e uuid,
    token_i uuid,
    token_m uuid,
    PRIMARY KEY (scope, agent, key, epoch)
);

-- What the exports of an agent cover: the last that it said.
CREATE TABLE ctai.coverage (
    scope       text     NOT NULL,
    agent       integer  NOT NULL,
    contract_id integer  NOT NULL,
    action      smallint NOT NULL,
    last_month  integer,            -- of its events; NULL: the export has none
    complete    boolean  NOT NULL,  -- the last export was the whole table
    position    bigint   NOT NULL,
    PRIMARY KEY (scope, agent, contract_id, action)
);

-- The bodies of committed batches that were not taken, and why (PROTOCOL.md, "Reasons").
CREATE TABLE ctai.refusal (
    scope       text     NOT NULL,
    agent       integer  NOT NULL,
    sequence    bigint   NOT NULL,
    index       integer  NOT NULL,
    reason      smallint NOT NULL,
    PRIMARY KEY (scope, agent, sequence, index)
);
