/*
 * enqueue: from the exports just made to batches in the outbox: what is new, changed or withdrawn
 * since the last push becomes signed, numbered, chained batches, in one transaction with what the
 * hub then holds and what stands of each export.
 *
 * Always true: after a crash at any moment either all of a push is in the outbox or nothing of it;
 * the last batch of a contract's push carries the statement of what the export covers, so that the
 * statement is committed after all that it speaks of; a push that changes nothing adds no batch,
 * unless the statement differs from the one last told; texts (narrate.h) are none of an export's business. What the files still have of people
 * who were erased is taken out and erased at the hub first, in a transaction of its own, whatever becomes of the push.
 */
#ifndef CTAI_ENQUEUE_H
#define CTAI_ENQUEUE_H

#include "agent_home.h"
#include "export.h"
#include "outbox.h"
#include "trail.h"

typedef enum {
    ENQUEUE_OK = 0,
    ENQUEUE_TOO_MANY_WITHDRAWALS, /* see .refused; nothing is queued, of any contract */
    ENQUEUE_OUTBOX, /* see .outbox; likewise */
} enqueue_error;

typedef struct {
    uint64_t added, changed, withdrawn, unchanged; /* records, of all contracts */
    uint64_t batches;
    /* With TOO_MANY_WITHDRAWALS: the contract, what it would withdraw and what the hub holds. */
    text_view contract;
    uint64_t would_withdraw, held;
    outbox_error outbox;
} enqueue_result;

/* Gives a contract (terms are there) what stands of its earlier exports, for export_make; reading lives as long as the export, and is then closed. */
outbox_error enqueue_earlier(outbox *from, export_contract *of, trail_reading *reading) __attribute__((warn_unused_result));

/*
 * Was the contract's last complete push made without one of these keys? Not when there was none, nor where the keys of
 * then are not known.
 */
outbox_error enqueue_lacks_keys(outbox *from, text_view contract, const token_key *keys, unsigned count, bool *lacks)
    __attribute__((warn_unused_result));

/* Queues the results of an export, under the linkage keys that its tokens were made with. */
enqueue_error enqueue(outbox *to, const agent_home *agent, const export *made, bool allow_withdrawals,
                      enqueue_result *result) __attribute__((warn_unused_result));

#endif
