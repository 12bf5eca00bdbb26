-- What the administrator asks after (ctai-hub status): when an agent was last heard, and what was wrong
-- with what it said. Few rows: one an agent, and one for each agent, reason and scope.

CREATE TABLE ctai.agent_contact (
    agent        integer     PRIMARY KEY REFERENCES ctai.agent,
    contacted_at timestamptz NOT NULL
);

CREATE TABLE ctai.alarm (
    agent    integer     NOT NULL REFERENCES ctai.agent,
    reason   smallint    NOT NULL,           -- of a message (PROTOCOL.md, "Reasons")
    scope    text        NOT NULL,           -- '' when it concerns none
    sequence bigint      NOT NULL,           -- of the last batch concerned; 0: none
    times    bigint      NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agent, reason, scope)
);
