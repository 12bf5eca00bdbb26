/*
 * admission_chain: does what an agent says go on from what the hub has of it? The decisions on batches and
 * on renewals (PROTOCOL.md, "Incarnations"), from what the store has read under its locks. Pure: the store
 * makes them true in the same transaction, the simulator's store likewise.
 *
 * Always true: of one incarnation and sequence one batch is taken, the one after the place, which names the
 * place's header as the one before; an incarnation is granted at the place that the agent has seen, once.
 * What is old, a late message of a dead connection, is never taken for a fork.
 */
#ifndef CTAI_ADMISSION_CHAIN_H
#define CTAI_ADMISSION_CHAIN_H

#include "hub_session.h"

/*
 * A batch, at the agent's place in its scope: hash is that of its header, committed (CRYPTO_HASH bytes; NULL: none)
 * that of the header that the ledger has under its sequence. HUB_STORED_COMMITTED: it is the next, take it;
 * _AGAIN, _FORK (mark the agent), _SEQUENCE, _INCARNATION.
 */
hub_stored admission_chain_batch(const wire_position *place, const batch_header *header, const uint8_t hash[CRYPTO_HASH],
                                 const uint8_t *committed) __attribute__((warn_unused_result));

/* What the ledger says of the agent in the scope of a RENEW. */
typedef struct {
    wire_position place;
    uint64_t base;     /* the sequence at which the present incarnation was granted; 0 for the first */
    bool is_same;      /* the RENEW's request is the one by which it was granted */
    bool superseded;   /* an incarnation above the agent's own was granted: */
    uint64_t left;     /* the base of the first such, where the agent's own was left */
} admission_chain_past;

typedef enum {
    ADMISSION_CHAIN_GRANT, /* the incarnation that is wanted, at the place */
    ADMISSION_CHAIN_AGAIN, /* it was granted by this request, and nothing has come under it: answer as before */
    ADMISSION_CHAIN_STALE, /* the agent does not know the place: refuse (4) */
    ADMISSION_CHAIN_FORK,  /* two machines have one key: mark the agent, refuse (5) */
} admission_chain_verdict;

/* renew: a WIRE_RENEW. */
admission_chain_verdict admission_chain_renewal(const admission_chain_past *past, const wire_message *renew)
    __attribute__((warn_unused_result));

/* The sequences whose header hashes GRANTED brings: from *first, *count of them (at most WIRE_CHAIN_MAX). */
void admission_chain_shared(const wire_position *place, const wire_position *own, uint64_t *first, unsigned *count);

#endif
