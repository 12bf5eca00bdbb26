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

typedef struct {
    const export_contribution *said;
    uint32_t subject; /* SUBJECTS_NONE: its person is not in the present table, or the type has none */
    bool in_error;    /* its row is, in this file */
    bool takes_part;
} standing_item;

typedef struct {
    arena_vector items; /* of standing_item */
} standing;

/*
 * Finds what stands, and lets it take part. Between counting_settle_exits and counting_decide.
 * partial: what the file does not name stands and takes part; unsure: it stands. False when memory is short.
 */
bool standing_gather(standing *self, const counting *by, const export_contract *contract, bool partial, bool unsure)
    __attribute__((warn_unused_result));

/*
 * After counting_decide, when the file is not sure: what rows that are now left out said stands as
 * well, without taking part.
 */
bool standing_keep_left_out(standing *self, const counting *by, const export_contract *contract)
    __attribute__((warn_unused_result));

#endif
