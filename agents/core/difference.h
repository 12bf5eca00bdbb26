/*
 * difference: what an export changes at the hub: a merge of the records just made with what the hub
 * holds of us, both in ascending order of their keys. Pure: the caller feeds it from wherever the two
 * come from, and does what it says.
 *
 * Always true: every key of either side is told exactly once, in ascending order; a key that the
 * export does not vouch for (a row in error, a partial export) is never withdrawn.
 */
#ifndef CTAI_DIFFERENCE_H
#define CTAI_DIFFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto.h"
#include "record.h"

/*
 * One record as the hub holds it: its key and the keyed hash of what it says; zeros: we do not know what the hub has of
 * it (it refused what we said, or has it from a life of ours that is forgotten). Incarnation and sequence are those of
 * the batch that brought it; 0: not known, or there is none.
 */
typedef struct {
    uint8_t key[RECORD_KEY];
    uint8_t content[CRYPTO_SHORT_HASH];
    uint64_t incarnation, sequence;
} difference_entry;

enum {
    DIFFERENCE_GUARD_RECORDS = 10, /* a push may always withdraw that many */
};

typedef enum {
    DIFFERENCE_NEW, /* to be sent */
    DIFFERENCE_CHANGED, /* to be sent again */
    DIFFERENCE_UNCHANGED,
    DIFFERENCE_WITHDRAWN, /* the export no longer has it */
    DIFFERENCE_KEPT, /* nor has it, but says nothing of it: stays as it is */
    DIFFERENCE_KIND_COUNT
} difference_kind;

typedef struct {
    bool complete; /* the export is the whole table: what it lacks is withdrawn */
    unsigned long held; /* entries of the hub's side told so far */
    unsigned long count[DIFFERENCE_KIND_COUNT];
} difference;

void difference_init(difference *self, bool complete);

/* Which side comes next? made or held is NULL when that side is at its end (not both). <0: made, >0: held, 0: both. */
int difference_order(const uint8_t made_key[RECORD_KEY], const difference_entry *held);

/* The next of both sides, as difference_order said; the caller then moves on in each side that was not NULL. */
difference_kind difference_take(difference *self, const uint8_t made_content[CRYPTO_SHORT_HASH],
                                const difference_entry *held, bool retained);

/* At the end: would it withdraw more than half of what the hub holds, and more than ten records? */
bool difference_withdraws_too_much(const difference *self);

#endif
