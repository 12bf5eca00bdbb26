/*
 * making: the records of one contract out of the rows that count (DOMAIN, "What leaves: records").
 * This is where identity stops: a record gets tokens, keyed hashes, months and codes.
 */
#ifndef CTAI_MAKING_H
#define CTAI_MAKING_H

#include "standing.h"

typedef struct making making;

/*
 * Judges the rows of the contract (counting), keeps what stands of earlier exports (standing) and
 * fills the result: terms, coverage, counts of records, retained, contributions, making. unsure and partial:
 * see export.h. NULL when memory is short.
 */
making *making_run(const counting *by, const export_contract *contract, bool partial, bool unsure, export_result *result)
    __attribute__((warn_unused_result));

const uint8_t *making_key(const making *self, size_t index);
void making_record(const making *self, size_t index, record *to);

/* What a record was made of. */
typedef struct {
    uint32_t event;    /* number of its row; LOOKUP_NONE: a `beneficiaire` */
    uint32_t subject;  /* SUBJECTS_NONE: of nobody */
    civil_month month;
} making_source;
/* False when no record has that key. */
bool making_find(const making *self, const uint8_t key[RECORD_KEY], making_source *to);
/* The rows on which the `beneficiaire` record of a subject's month rests, from number start on: the next, LOOKUP_NONE after the last. */
uint32_t making_next_row(const making *self, const making_source *of, uint32_t start);
/* Who and which action a subject is. */
const subjects_row *making_subject(const making *self, uint32_t subject);

#endif
