/*
 * closing: the word of the coordinator that ends an epoch of a scope's linkage key: a batch of one body, queued like
 * any other, and what the hub has answered to it.
 *
 * Always true: one closing of an epoch at a time waits in the outbox; its answer is written down in the transaction
 * that acknowledges it.
 */
#ifndef CTAI_CLOSING_H
#define CTAI_CLOSING_H

#include "agent_home.h"
#include "outbox.h"

/* The last closing of a scope. */
typedef struct {
    uint32_t epoch; /* 0: there was none */
    bool waits; /* the hub has not answered yet */
    record_reason reason; /* why it was refused; RECORD_OK: it waits, or the epoch is closed */
} closing_state;

outbox_error closing_load(outbox *from, text_view scope, closing_state *to) __attribute__((warn_unused_result));

/* Queues it, in a transaction of its own; nothing is done when it waits already. */
outbox_error closing_queue(outbox *to, const agent_home *agent, text_view scope, const batch_key *key)
    __attribute__((warn_unused_result));

/* The hub has closed the epoch: what it told of the scope's contracts is kept without it. contracts is changed. */
outbox_error closing_done(outbox *to, text_view scope, uint32_t epoch, wire_contract *contracts, unsigned count)
    __attribute__((warn_unused_result));

#endif
