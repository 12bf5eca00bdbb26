/*
 * outbox_proof: the receipts that the outbox keeps as evidence of what the hub has signed: some hundreds of each scope,
 * the newest all.
 *
 * Always true: those that are held are of one history (PROTOCOL.md, "The ledger's chain"): one for a sequence, and a
 * later sequence has a later position.
 */
#ifndef CTAI_OUTBOX_PROOF_H
#define CTAI_OUTBOX_PROOF_H

#include "outbox.h"
#include "proof_receipts.h"

typedef struct {
    uint64_t sequence, position;
    const uint8_t *chain;     /* CRYPTO_HASH bytes */
    text_view receipt;        /* as the hub has signed it */
    const uint8_t *signature; /* CRYPTO_SIGNATURE bytes */
    proof_receipt_state state;
    uint64_t seconds;         /* since 1970: when it came to that state; not read by keep */
} outbox_proof;

/* Within a transaction: keeps one, HELD in the place of that of its sequence, or AGAINST. */
outbox_error outbox_proof_keep(outbox *self, const char *scope, const outbox_proof *what);
/* Within a transaction: those that are held for sequences after that one count no more: LOST or SUPERSEDED. */
outbox_error outbox_proof_leave(outbox *self, const char *scope, uint64_t after, proof_receipt_state state);

/* The nearest that is held, at the sequence or before it, or above: after it. ABSENT: there is none. */
outbox_error outbox_proof_near(outbox *self, const char *scope, uint64_t sequence, bool above, uint64_t *at,
                               uint64_t *position, uint8_t chain[CRYPTO_HASH]) __attribute__((warn_unused_result));

/* All, by scope and sequence; views live during the call; tell gives false when memory is short. */
outbox_error outbox_proofs(outbox *self, bool (*tell)(void *data, const outbox_proof *what), void *data)
    __attribute__((warn_unused_result));

#endif
