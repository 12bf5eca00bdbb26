/*
 * standing: what earlier exports of a contract said and this one does not replace: the
 * contributions of rows that are now in error, and, of a partial export, all that it does not name
 * (INTERFACE: "A row in error is not sent and does not withdraw what an earlier export said of it").
 *
 * A row in error counts for nothing (DOMAIN): what stands of it is left as it was said and has no
 * part in what is made, so that counts and records of a complete export follow from its files alone.
 * What a partial export does not name goes on counting. Where its person is in the present table and
 * eligible on its day, it takes part: it counts for the person's first day and anchors entries of
 * before the contract; the `beneficiaire` record of its month stays as it was said, unless a row that
 * counts, or another under_25, makes it anew.
 */
#ifndef CTAI_STANDING_H
#define CTAI_STANDING_H

#include "counting.h"
#include "sorter.h"

typedef struct {
    const counting *by;
    const export_contract *contract;
    bool partial, unsure;
    bool unreadable;                /* what stood cannot be read */
    lookup orphan_keys;
    uint8_t (*orphans)[RECORD_KEY]; /* the keys that rows of an unknown contract would have in this one */
    lookup by_key;
    pile people;                    /* the present people in the actions that may be pushed, when something stood */
    sorter named;                   /* of a partial export: the keys of its rows */
} standing;

/* False when memory is short. */
bool standing_begin(standing *self, const counting *by, const export_contract *contract, bool partial, bool unsure,
                    spool_store *store) __attribute__((warn_unused_result));

/* A row of the file; all of them, before anything else is asked. False when memory is short or the store failed. */
bool standing_name(standing *self, const events_row *what) __attribute__((warn_unused_result));

/*
 * Tells of what stands and takes part, in ascending order: in a partial export what the file does not name. said lives during
 * the call; false from tell, short memory, or what cannot be read: false.
 */
typedef bool standing_tell(void *data, uint32_t subject, const export_contribution *said);
bool standing_part(standing *self, standing_tell *tell, void *data) __attribute__((warn_unused_result));

/* Lets what takes part count for its subject's first day, and anchor it. Between counting_settle and counting_decide. */
bool standing_count(standing *self) __attribute__((warn_unused_result));

/* Does it stand, given what became of its row (NULL: the file has none)? After counting_decide. */
bool standing_keeps(const standing *self, const export_contribution *said, const events_row *row);

/* Its subject, SUBJECTS_NONE: its person is not in the present table, has nothing there, or the type has none. */
uint32_t standing_subject(const standing *self, const export_contribution *said);

#endif
