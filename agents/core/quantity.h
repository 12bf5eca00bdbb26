/*
 * quantity: numbers as offices write them, read exactly, without floating point (DOMAIN,
 * "Quantities"): `1 234,5`, `.5`, `12 €`, `7,5 h`, `1:20`, `1h20`, `1 h 20`.
 */
#ifndef CTAI_QUANTITY_H
#define CTAI_QUANTITY_H

#include "fact.h"
#include "text.h"

typedef enum {
    QUANTITY_OK = 0,
    QUANTITY_NOT_A_NUMBER,
    QUANTITY_NEGATIVE,
    QUANTITY_TWO_SIGNS,     /* . and ,, or one of them twice: thousands or decimals? */
    QUANTITY_BAD_GROUPS,    /* spaces that are not between groups of three digits */
    QUANTITY_WRONG_UNIT,    /* € for hours, h for euros, any for a count */
    QUANTITY_BAD_MINUTES,   /* 1:60, 1h5 */
    QUANTITY_FRACTION,      /* of a cent or of a count */
    QUANTITY_TOO_LARGE,     /* over RECORD_QUANTITY_MAX */
    QUANTITY_ERROR_COUNT
} quantity_error;

/*
 * Reads a trimmed, non-empty cell as hours (unit MINUTES: whole minutes, a decimal rounded to the
 * nearest, half up), euros (CENTS: whole cents) or a count (COUNT). 0 <= *value <=
 * RECORD_QUANTITY_MAX on QUANTITY_OK; untouched otherwise.
 */
quantity_error quantity_read(int64_t *value, text_view cell, fact_unit unit) __attribute__((warn_unused_result));

/* For people, in French: what is wrong, and what to write. */
const char *quantity_error_text(quantity_error error);
const char *quantity_error_remedy(quantity_error error, fact_unit unit);

#endif
