/*
 * forget: the right to erasure, on the operator's side. Of a person who asks for it, all that waits here becomes
 * absent (the headers, signed long ago, keep the bodies' hashes), erasures are queued for the hub, and the person is
 * kept in a list of keyed hashes, so that no later export brings the records back.
 *
 * Always true: all of an erasure is in the outbox or nothing of it; what was erased is erased again whenever a hub
 * may have come back from an older copy (forget_again); nothing here tells who the people are.
 */
#ifndef CTAI_FORGET_H
#define CTAI_FORGET_H

#include "agent_home.h"
#include "export.h"
#include "outbox.h"

typedef struct {
    bool known;       /* something of that local number was sent once, or it is on the list */
    bool listed;      /* it was on the list before */
    uint64_t records; /* that the hub held of the person */
    uint64_t bodies;  /* that waited or were kept here, and are absent now */
    uint64_t queued;  /* erasures */
    size_t others;    /* further local numbers under which the same person was sent */
} forget_result;

/* Who must not come back; memory is the arena's. */
outbox_error forget_list(outbox *from, arena *memory, erasure_list *list) __attribute__((warn_unused_result));

/* Erases that person. A local number of which nothing is known: nothing is done, unless allowed. */
outbox_error forget_person(outbox *box, const agent_home *agent, text_view id_local, bool allow_unknown,
                           forget_result *result) __attribute__((warn_unused_result));

/*
 * The person may be sent again: off the list, with all that the list knows to be the same person. result->listed: it
 * was there. What was erased stays so, until an export tells it anew.
 */
outbox_error forget_undo(outbox *box, const agent_home *agent, text_view id_local, forget_result *result)
    __attribute__((warn_unused_result));

/* Before an export is queued: erases what there is of those whom it still has (export.erased), and adds to the list by what else they are known. */
outbox_error forget_found(outbox *box, const agent_home *agent, const export *made) __attribute__((warn_unused_result));

/*
 * Queues again the erasures that a hub could not read, with the batch that it put aside. Before an export is queued, as
 * forget_found.
 */
outbox_error forget_refused(outbox *box, const agent_home *agent) __attribute__((warn_unused_result));

/* Within a transaction, after an incarnation was granted: queues all erasures of the scope again. */
outbox_error forget_again(outbox *box, const agent_home *agent, text_view scope);

#endif
