/*
 * trail: what the outbox keeps so that the agent can tell later whose records are whose, as keyed hashes alone: the
 * facts that stand of each export and those that stood before, the people that they were of, the contract's actions.
 * Without it nothing could be erased (forget.h): records do not say whose they are.
 */
#ifndef CTAI_TRAIL_H
#define CTAI_TRAIL_H

#include "export.h"
#include "outbox.h"

/* Names of the outbox's values, by contract. */
#define TRAIL_CONTRIBUTIONS "contributions" /* facts that stand */
#define TRAIL_FORMER "anciennes"            /* facts that stood, as long as the hub may have them in its history */
#define TRAIL_PEOPLE "personnes"            /* of whom something stands or stood */

/* Reads facts; *facts (NULL when there is none) is freed by the caller. */
outbox_error trail_facts(outbox *from, const char *name, text_view contract, export_contribution **facts, size_t *count)
    __attribute__((warn_unused_result));
/* Appends a fact in the form that is kept. */
void trail_pack(batch_buffer *to, const export_contribution *one);
/* Within a transaction. */
outbox_error trail_set_facts(outbox *to, const char *name, text_view contract, const export_contribution *facts, size_t count);

/* Reads people; *people (NULL when there is none) is freed by the caller. */
outbox_error trail_people(outbox *from, const char *name, text_view of, erasure_person **people, size_t *count)
    __attribute__((warn_unused_result));
/* Within a transaction. */
outbox_error trail_set_people(outbox *to, const char *name, text_view of, const erasure_person *people, size_t count);
/* Within a transaction: adds people to those that are kept, each once; writes nothing when all are there. */
outbox_error trail_add_people(outbox *to, const char *name, text_view of, const erasure_person *people, size_t count);

/* Within a transaction, before the contributions of an export replace those that stand. */
outbox_error trail_follow(outbox *to, const export_result *made);

/* One call for each action of the contract that the agent ever pushed; *code lives during the call. */
outbox_error trail_actions(outbox *from, text_view contract, void (*tell)(void *data, text_view code), void *data)
    __attribute__((warn_unused_result));

#endif
