/*
 * store_ask: what an agent asks of the store beside its batches (PROTOCOL.md, "Incarnations"): RENEW is
 * answered in one transaction, under the locks of a batch; SURVEY and LIST from one snapshot, in bounded memory.
 */
#ifndef CTAI_STORE_ASK_H
#define CTAI_STORE_ASK_H

#include "store.h"

/* The answer, in the terms of HUB_EVENT_ANSWERED. */
typedef struct {
    hub_stored stored;       /* COMMITTED (here it is), SEQUENCE, FORK, SCOPE, NO_RIGHT, LATER */
    wire_message message;    /* COMMITTED: GRANTED, DIGESTS or LISTED; arrays in the arena, the scope's name is the question's */
    uint64_t ledger_position; /* COMMITTED: of the scope */
} store_answer;

/*
 * question: a WIRE_RENEW, WIRE_SURVEY or WIRE_LIST of the agent with that Ed25519 key. Returns DATABASE_OK, or why the
 * answer is LATER. A grant whose COMMIT was lost is LATER too: the same request is answered again.
 */
database_error store_ask(store *self, const uint8_t agent[CRYPTO_PUBLIC], const wire_message *question, arena *from,
                         store_answer *answer) __attribute__((warn_unused_result));

#endif
