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

#endif
