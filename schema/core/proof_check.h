/*
 * proof_check: verifies ledgers entry by entry, from genesis: every batch signed by a key of a known agent, each
 * agent's chain of headers, the ledger's own chain, and receipts of agents beside it. The hub's audit feeds it from its
 * tables, ctai-verify from an exported file; what it finds is told through one function.
 *
 * Always true: nothing is believed that is not signed or derived here; in each scope the first broken link is told, and
 * what comes after it is passed over. Memory comes from the arena that it was made with.
 *
 * The order of calls: agents with their keys, receipts; then for each scope proof_check_scope, its grants, its entries
 * in ascending order of positions, proof_check_end.
 */
#ifndef CTAI_PROOF_CHECK_H
#define CTAI_PROOF_CHECK_H

#include "credential.h"
#include "proof.h"

enum { PROOF_CHECK_TEXT_MAX = 512 };

typedef enum {
    PROOF_CHECK_GAP,         /* the position is not there; the next one that is: other */
    PROOF_CHECK_ORDER,       /* an entry comes at a position that has been passed */
    PROOF_CHECK_UNREADABLE,  /* a header, or a version of a contract, that is none */
    PROOF_CHECK_FOREIGN,     /* a header of another scope */
    PROOF_CHECK_STRANGER,    /* its key is no agent's */
    PROOF_CHECK_SIGNATURE,   /* that key has not signed it */
    PROOF_CHECK_SEQUENCE,    /* it is not the agent's next one; which it should be: other */
    PROOF_CHECK_PREVIOUS,    /* the header before it is not the one in the ledger */
    PROOF_CHECK_INCARNATION, /* was not granted there */
    PROOF_CHECK_LINK,        /* the entry's link is not what entry and links before make */
    PROOF_CHECK_ROW,         /* a table says of the entry what its header does not say (the hub's audit alone) */
    PROOF_CHECK_PLACE,       /* a table says that the agent has come to another batch, other, than the ledger (the hub's audit alone) */
    PROOF_CHECK_END,         /* the ledger ends elsewhere than it says; where it says: other */
    PROOF_CHECK_CUT,         /* an agent holds a receipt for a position beyond the end */
    PROOF_CHECK_REWRITTEN,   /* an agent holds a receipt for another entry, or another history, at the position */
    PROOF_CHECK_LOST,        /* either, but the agent wrote down that the hub had declared it lost: a warning */
} proof_check_fault;

typedef struct {
    proof_check_fault fault;
    const char *scope;
    uint64_t position, other;
    const char *agent;  /* its name; NULL: none is concerned */
    uint64_t sequence;  /* of its batch or receipt */
} proof_check_finding;

/* A sentence in French, without its full stop, that names the scope and the position. */
void proof_check_text(char text[PROOF_CHECK_TEXT_MAX], const proof_check_finding *finding);

typedef struct proof_check proof_check;

/* tell is called with each finding; scratch (of WIRE_SCRATCH_BYTES at least) is cleared again and again. NULL when memory is short. */
proof_check *proof_check_new(arena *memory, arena *scratch, void (*tell)(void *data, const proof_check_finding *finding), void *data)
    __attribute__((warn_unused_result));

/* An agent; its number, from 0, or -1 when memory is short. Then its signing keys, present and former. */
long proof_check_agent(proof_check *self, text_view name) __attribute__((warn_unused_result));
bool proof_check_key(proof_check *self, long agent, const uint8_t sign[CRYPTO_PUBLIC]) __attribute__((warn_unused_result));
/* After the keys: the agent that has or had that signing key, or -1. */
long proof_check_find(proof_check *self, const uint8_t sign[CRYPTO_PUBLIC]);

/* What a receipt says, whose signature has been verified; lost: the agent has written down that the hub declared it so. */
typedef struct {
    long agent;
    text_view scope; /* outlives the check */
    uint64_t sequence, position;
    uint8_t hash[CRYPTO_HASH], chain[CRYPTO_HASH]; /* of the header; of the ledger there */
    bool lost;
} proof_check_receipt;
bool proof_check_hold(proof_check *self, const proof_check_receipt *receipt) __attribute__((warn_unused_result));

/* False: no scope's name, or memory is short. */
bool proof_check_scope(proof_check *self, text_view scope) __attribute__((warn_unused_result));
/* An incarnation after the first, granted to the agent when its last sequence was base. */
bool proof_check_grant(proof_check *self, long agent, uint64_t incarnation, uint64_t base) __attribute__((warn_unused_result));
void proof_check_batch(proof_check *self, uint64_t position, text_view header, const uint8_t signature[CRYPTO_SIGNATURE],
                       const uint8_t chain[CRYPTO_HASH]);
void proof_check_contract(proof_check *self, uint64_t position, text_view id, uint64_t version, text_view definition,
                          const uint8_t chain[CRYPTO_HASH]);
/* A table's row of the batch that was last handed over; nothing of it is part of the proof. */
void proof_check_row(proof_check *self, long agent, uint64_t incarnation, uint64_t sequence, const uint8_t hash[CRYPTO_HASH]);
/* At the end: how far a table says that an agent's batches have come. Likewise. */
void proof_check_place(proof_check *self, long agent, uint64_t sequence, const uint8_t hash[CRYPTO_HASH]);
/* The position and the link at which the scope's ledger ends. */
void proof_check_end(proof_check *self, uint64_t position, const uint8_t chain[CRYPTO_HASH]);

/* After the last scope: receipts for scopes that were not there. */
void proof_check_finish(proof_check *self);

typedef struct {
    uint64_t scopes, batches, contracts, records, receipts; /* that were verified; receipts: compared */
    uint64_t faults;   /* findings but for LOST */
    uint64_t warnings; /* LOST */
} proof_check_totals;
proof_check_totals proof_check_total(const proof_check *self);

/* The scope as it was last: its position and link so far. */
uint64_t proof_check_position(const proof_check *self);

#endif
