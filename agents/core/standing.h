/*
 * standing: what earlier exports of a contract said and this one does not replace: the
 * contributions of rows that are now in error, and, of a partial export, all that it does not name
 * (INTERFACE: "A row in error is not sent and does not withdraw what an earlier export said of it").
 *
 * A contribution that stands and whose person is in the present table, eligible on its day, takes
 * part: it makes its month's `beneficiaire`, counts for the person's first day and anchors entries.
 */
#ifndef CTAI_STANDING_H
#define CTAI_STANDING_H

#include "counting.h"

typedef struct {
    const export_contribution *said;
    uint32_t subject; /* SUBJECTS_NONE: its person is not in the present table, or the type has none */
    bool takes_part;
} standing_item;

typedef struct {
    arena_vector items; /* of standing_item */
} standing;

/*
 * Finds what stands, and lets it take part. Between counting_settle_exits and counting_decide.
 * keep_all: of rows that are not in the file too. False when memory is short.
 */
bool standing_gather(standing *self, const counting *by, const export_contract *contract, bool keep_all)
    __attribute__((warn_unused_result));

/*
 * After counting_decide, when the file is not sure: what rows that are now left out said stands as
 * well, without taking part.
 */
bool standing_keep_left_out(standing *self, const counting *by, const export_contract *contract)
    __attribute__((warn_unused_result));

#endif
