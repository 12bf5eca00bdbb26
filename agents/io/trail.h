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

/* The same, read in pieces: as export_contract.read_earlier of the contract's facts that stand. */
typedef struct {
    outbox *from;
    const char *name;
    text_view contract;
    outbox_blob *blob; /* NULL: not open */
    size_t count;
    outbox_error error; /* the first */
} trail_reading;
/* The contract's id must live as long. Count is 0 when there is none. */
outbox_error trail_read_open(trail_reading *self, outbox *from, const char *name, text_view contract) __attribute__((warn_unused_result));
/* data: a trail_reading. It is opened again when the facts have been written anew meanwhile: there may be fewer. */
size_t trail_read(void *data, size_t first, size_t room, export_contribution *to);
void trail_read_close(trail_reading *self);

enum { TRAIL_FACT = 2 * RECORD_KEY + 4 + 1 };
/* A fact in the form that is kept. */
void trail_pack(uint8_t bytes[TRAIL_FACT], const export_contribution *one);
/* Within a transaction. */
outbox_error trail_set_facts(outbox *to, const char *name, text_view contract, const export_contribution *facts, size_t count);

/* Reads people; *people (NULL when there is none) is freed by the caller. */
outbox_error trail_people(outbox *from, const char *name, text_view of, erasure_person **people, size_t *count)
    __attribute__((warn_unused_result));
/* Within a transaction. */
outbox_error trail_set_people(outbox *to, const char *name, text_view of, const erasure_person *people, size_t count);
/* Within a transaction: adds people to those that are kept, each once; writes nothing when all are there. */
outbox_error trail_add_people(outbox *to, const char *name, text_view of, const erasure_person *people, size_t count);

/*
 * Within a transaction: facts (in the form that is kept) replace those that stand, and those that do not stand any more are
 * former ones; with them the export's people and actions.
 */
outbox_error trail_follow(outbox *to, const export_result *made, spool *facts, bool differ);

/* One call for each action of the contract that the agent ever pushed; *code lives during the call. */
outbox_error trail_actions(outbox *from, text_view contract, void (*tell)(void *data, text_view code), void *data)
    __attribute__((warn_unused_result));

#endif
