/*
 * sim_base: PostgreSQL as the hub uses it: committed transactions in an order, a primary that has all of
 * them and a standby that has a first part. Each transaction is one change; it is there wholly or not at all.
 */
#ifndef CTAI_SIM_BASE_H
#define CTAI_SIM_BASE_H

#include "sim.h"
#include "wire.h"

typedef struct {
    uint8_t key[RECORD_KEY];
    unsigned contract;
    sim_content content;
    uint64_t incarnation, sequence, position;
} base_record;

typedef struct {
    uint64_t sequence;
    uint32_t index;
    record_reason reason;
} base_refusal;

/* An incarnation that was granted, at the sequence where the one before was left. */
typedef struct {
    uint64_t incarnation, base;
    uint8_t request[WIRE_REQUEST];
} base_grant;

/* An agent in a scope. */
typedef struct {
    bool there;
    uint64_t incarnation, sequence, stable, position; /* position: of the batch of that sequence, in the scope's ledger */
    uint8_t hash[CRYPTO_HASH], chain[CRYPTO_HASH];    /* of the ledger at it */
    uint8_t history[SIM_CONTRACTS_MAX][SIM_FACTS_MAX / 8 + 1]; /* a bit for each fact of which something stood before */
    base_record *records; /* ascending by key */
    unsigned record_count, record_capacity;
    base_refusal *refusals;
    unsigned refusal_count, refusal_capacity;
    base_grant *grants;
    unsigned grant_count, grant_capacity;
} base_place;

typedef struct {
    unsigned agent;
    uint64_t position, incarnation, sequence;
    uint8_t hash[CRYPTO_HASH];
} base_ledger;

typedef struct {
    bool there, revoked, forked;
    int before; /* whose keys it had, and whose records stand until a contract's whole table has come; -1: nobody */
    unsigned rights[SIM_CONTRACTS_MAX]; /* a bit for each action */
    base_place places[SIM_SCOPES_MAX];
} base_agent;

typedef struct {
    unsigned first_month, last_month; /* both included */
} base_contract;

typedef struct {
    uint64_t position;
    uint8_t chain[CRYPTO_HASH];
    bool has_key;
    uint8_t key_id[TOKEN_KEY_ID];
    base_ledger *ledger;
    unsigned ledger_count, ledger_capacity;
} base_scope;

typedef struct {
    base_agent agents[SIM_AGENTS_MAX]; /* by identity */
    base_contract contracts[SIM_CONTRACTS_MAX];
    base_scope scopes[SIM_SCOPES_MAX];
} base;

typedef enum { BASE_NOTHING, BASE_BATCH, BASE_STABLE, BASE_TERMS, BASE_RIGHT, BASE_ADMIT, BASE_REVOKE, BASE_GRANT, BASE_FORK, BASE_REPLACE } base_kind;

/* What one transaction changes. Arrays belong to it. */
typedef struct {
    base_kind kind;
    unsigned agent, scope, contract;
    /* BATCH */
    uint64_t incarnation, sequence;
    bool stable;
    uint8_t hash[CRYPTO_HASH];
    bool has_key;
    uint8_t key_id[TOKEN_KEY_ID];
    unsigned complete; /* a bit for each contract of which the whole table has come */
    unsigned put_count, withdrawal_count, erasure_count, refusal_count;
    base_record *puts, *withdrawals, *erasures;
    base_refusal *refusals;
    uint64_t stable_up_to;              /* STABLE */
    unsigned first_month, last_month;   /* TERMS */
    unsigned rights;                    /* RIGHT */
    unsigned by;                        /* REPLACE: the identity with the new keys */
    uint8_t request[WIRE_REQUEST];      /* GRANT: with incarnation */
} base_change;

void base_reset(void);
/* The primary as it is. */
const base *base_now(void);
/* The place goes on to the ledger's next entry, which is the batch of its hash. */
void base_link(base_place *place, unsigned scope, uint64_t position, uint8_t chain[CRYPTO_HASH]);
/* The standby as it is. */
const base *base_standby(void);
/* Commits: the change is taken over (its arrays too) and a zeroed one left. */
void base_commit(base_change *what);
/* The same, and whoever waited for the standby is not told any more: it may not have it. */
void base_commit_here(base_change *what);
/* Any other commit waits: with stable_at_commit the standby has all that was before it. */
void base_wait(void);
/* The standby follows: by so many transactions at most. */
void base_replicate(uint64_t most);
/* How far the standby is behind. */
uint64_t base_lag(void);
/* The standby is the primary now; a new standby begins with all that it has. */
void base_fail_over(void);
void base_change_release(base_change *what);

const base_record *base_find(const base_place *place, const uint8_t key[RECORD_KEY]);
/* Is there that batch in the scope's ledger? NULL: no. */
const base_ledger *base_find_batch(const base *in, unsigned scope, unsigned agent, uint64_t sequence);

#endif
