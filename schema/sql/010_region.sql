-- Regional reports: what of a purged contract its department's and region's sums need, and the ledger of releases.

-- What ctai.evaluate gave beside the value. NULL in evaluations that were kept before: what cannot be told from their
-- values has none in a regional report.
ALTER TABLE ctai.purge_cell
    ADD COLUMN amount     numeric,
    ADD COLUMN of_records bigint,
    ADD COLUMN rests      bigint;

-- The ledger of releases: every regional report that was made to be published, as it stood and as it was masked. It is
-- only added to: what is released next is masked with all of this before one's eyes (disclosure.h).
CREATE TABLE ctai.release (
    release     bigint      PRIMARY KEY CHECK (release >= 1), -- from 1, without a gap
    region      text        NOT NULL,
    from_month  integer,              -- both NULL: each contract's whole period
    to_month    integer,
    threshold   integer     NOT NULL, -- of the rule by which it was masked, as are the two that follow
    possible    integer     NOT NULL, -- how many values each masked cell keeps at least
    strict      boolean     NOT NULL,
    digest      bytea       NOT NULL CHECK (length(digest) = 32), -- of all that was counted, before it was masked
    name        text        NOT NULL, -- the region's
    released_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((from_month IS NULL) = (to_month IS NULL))
);
CREATE INDEX release_region ON ctai.release (region, release);

-- The position of each scope's ledger that it was counted from.
CREATE TABLE ctai.release_scope (
    release  bigint NOT NULL REFERENCES ctai.release,
    scope    text   NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (release, scope)
);

-- Contracts, departments and the region, in the report's order, from 0.
CREATE TYPE ctai.territory AS ENUM ('contrat', 'departement', 'region'); -- region_level
CREATE TABLE ctai.release_territory (
    release    bigint         NOT NULL REFERENCES ctai.release,
    territory  integer        NOT NULL,
    level      ctai.territory NOT NULL,
    department text           NOT NULL, -- '' above its level, as is contract
    contract   text           NOT NULL,
    name       text           NOT NULL,
    scope      text           NOT NULL,
    parent     integer        NOT NULL,
    PRIMARY KEY (release, territory)
);

-- What was counted, in the report's order, from 0; as in ctai.indicator.
CREATE TYPE ctai.basis AS ENUM ('personnes', 'menages', 'enregistrements', 'personne'); -- region_basis; the last: nobody
CREATE TABLE ctai.release_indicator (
    release     bigint       NOT NULL REFERENCES ctai.release,
    indicator   integer      NOT NULL,
    code        text         NOT NULL,
    label       text         NOT NULL,
    unit        text         NOT NULL,
    kind        ctai.kind    NOT NULL,
    measure     ctai.measure NOT NULL,
    types       ctai.fact[]  NOT NULL,
    details     text[],
    sex         ctai.sex,
    bpi         boolean      NOT NULL,
    under_25    boolean      NOT NULL,
    share       smallint     NOT NULL,
    not_done    boolean      NOT NULL,
    basis       ctai.basis   NOT NULL,
    is_distinct boolean      NOT NULL,
    PRIMARY KEY (release, indicator)
);

CREATE TABLE ctai.release_cell (
    release    bigint  NOT NULL REFERENCES ctai.release,
    territory  integer NOT NULL,
    indicator  integer NOT NULL,
    has_value  boolean NOT NULL,
    amount     bigint  NOT NULL,
    of_records bigint  NOT NULL,
    rests      bigint  NOT NULL,
    shown      text    NOT NULL,
    masked     boolean NOT NULL,
    by_rule    boolean NOT NULL, -- masked by the rule alone, not to protect another cell
    repeated   boolean NOT NULL, -- strict: amount and shown are those of an earlier release
    PRIMARY KEY (release, territory, indicator)
);
