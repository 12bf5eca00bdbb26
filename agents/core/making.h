/*
 * making: the records of one contract out of the rows that count (DOMAIN, "What leaves: records").
 * This is where identity stops: a record gets tokens, keyed hashes, months and codes.
 */
#ifndef CTAI_MAKING_H
#define CTAI_MAKING_H

#include "export.h"
#include "standing.h"

typedef struct making making;

/*
 * Judges the rows of the contract (counting), keeps what stands of earlier exports (standing) and
 * fills the result: terms, coverage, count of records, making. unsure, partial and store: see export.h. NULL when memory
 * is short, the store failed, or what stood cannot be read.
 */
making *making_run(counting *by, const export_contract *contract, bool partial, bool unsure, spool_store *store,
                   export_result *result) __attribute__((warn_unused_result));

/* Of the record of that number. Quick when numbers ascend; zeros when it has failed. */
const uint8_t *making_key(making *self, size_t index);
void making_record(making *self, size_t index, record *to);

/* The key or contribution of that number; false after the last, or when it has failed. Quick likewise. */
bool making_retained(making *self, size_t index, uint8_t key[RECORD_KEY]);
bool making_contribution(making *self, size_t index, export_contribution *to);
/* That of the record of that number: false when it has none of its own. Quick after making_record of the same. */
bool making_own(making *self, size_t index, export_contribution *to);

/* Asked after a reading, or after making_run has failed (self is then what the result has, or NULL: memory was short): see export_failure. */
export_error making_failure(const making *self);

/* What became of the row of that key, or the row that a `beneficiaire` record of that key stands for (origin BENEFICIARY: day is its month). */
typedef enum { MAKING_RECORD, MAKING_BENEFICIARY, MAKING_NOTHING } making_origin;
bool making_find(making *self, const uint8_t key[RECORD_KEY], events_row *to);
/* The lines, ascending, of the rows on which that `beneficiaire` record rests. False when memory is short. */
bool making_lines(making *self, const events_row *of, arena_vector *lines);
/* Who and which action a subject is. */
const subjects_row *making_subject(const making *self, uint32_t subject);

#endif
