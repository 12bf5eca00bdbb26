/*
 * explain: whom and what a record key of this agent concerns: the way back from what the hub sees to the rows of the
 * operator's own tables. For the operator's eyes, on its own machine: what it gives is personal data.
 */
#ifndef CTAI_EXPLAIN_H
#define CTAI_EXPLAIN_H

#include "events.h"
#include "export.h"

typedef struct {
    const wire_contract *terms;
    text_view action;             /* empty: the row's cannot be read */
    fact_type type;               /* FACT_NONE: likewise */
    civil_month month;            /* CIVIL_NONE: the row does not count */
    const persons_row *who;       /* NULL: nobody */
    bool counts;                  /* the tables make that record now */
    size_t line_count;            /* rows of `evenements` that it is made of */
    const uint32_t *lines;
} explain_answer;

typedef enum { EXPLAIN_FOUND, EXPLAIN_UNKNOWN, EXPLAIN_NO_MEMORY } explain_result;

/*
 * Looks a key up in an export: among its records, then among the rows that make none (left out, in error), then among the
 * `beneficiaire` records that its people could have. Views live as long as the export; lines are the arena's. record_key:
 * the one that the export was made with.
 */
explain_result explain_key(explain_answer *to, arena *from, const export *made, const uint8_t *record_key,
                           const uint8_t key[RECORD_KEY]) __attribute__((warn_unused_result));

#endif
