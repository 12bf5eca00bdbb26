/*
 * region_sum: makes a regional table out of the contracts' cells: the sums over the contracts of a department and over all
 * of the region, of exact amounts, never of rounded texts. Pure.
 *
 * A mean over contracts is of all their records; a list is the union in the catalogue's order; texts follow each other, each
 * led by its contract's id. An indicator that contracts declare themselves is summed by its code where all declare it alike,
 * else it stays with the contracts. Where something that a sum needs is not known, the sum has no value, and a note says so.
 */
#ifndef CTAI_REGION_SUM_H
#define CTAI_REGION_SUM_H

#include "region_table.h"

#define REGION_SUM_NATIONAL UINT32_MAX /* in place of a contract: of the national list */

typedef struct {
    text_view id, title, department, department_name, scope;
    bool is_purged; /* its persons cannot be told any more: they are counted with no other contract's */
} region_contract;

/* A contract's cell, of its own line. */
typedef struct {
    bool known;         /* false: the value cannot be told any more */
    bool has_value;
    int64_t amount, of_records, rests;
    text_view shown;
} region_part;

typedef struct region_sum region_sum;

/*
 * contracts: by department, then id. Texts and arrays given here and below, and the table, live as long as the arena. NULL,
 * and false of the functions below: memory is short.
 */
region_sum *region_sum_new(arena *from, text_view code, text_view name, const region_contract *contracts, unsigned count)
    __attribute__((warn_unused_result));

/* An indicator, in the report's order: of the national list, then each contract's own, contract by contract. */
bool region_sum_declare(region_sum *self, uint32_t contract, const catalogue_indicator *what) __attribute__((warn_unused_result));

/* A contract's cell of an indicator that was declared; of others nothing is done. */
bool region_sum_put(region_sum *self, uint32_t contract, text_view code, const region_part *part) __attribute__((warn_unused_result));

/*
 * How many persons benefit in the contracts of a scope that are of a department (empty: of the region); where it is not
 * said, none do.
 */
bool region_sum_distinct(region_sum *self, text_view scope, text_view department, int64_t persons)
    __attribute__((warn_unused_result));

typedef enum { REGION_SUM_DONE, REGION_SUM_TOO_LARGE, REGION_SUM_SHORT } region_sum_outcome;

/* The table, but for period, threshold and draft. TOO_LARGE: a sum passes 2^63 - 1. */
region_sum_outcome region_sum_finish(region_sum *self, region_table *table) __attribute__((warn_unused_result));

/* What those who read the report must know, in French, a sentence each. */
unsigned region_sum_notes(const region_sum *self, const text_view **notes);
/* One more; false when memory is short. */
bool region_sum_note(region_sum *self, const char *format, ...) __attribute__((format(printf, 2, 3), warn_unused_result));

#endif
