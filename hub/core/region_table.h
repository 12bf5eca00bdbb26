/*
 * region_table: the cells of a regional report: for one period, each indicator of each contract, the sums over the contracts
 * of a department and over all of the region, and the distinct persons where contracts share a linkage scope. The same table
 * is what disclosure control masks, what the forms write, and what the ledger of releases keeps.
 *
 * Always true: territories come department by department, each department's contracts before the department, the region
 * last; cells come territory by territory, in the indicators' order; texts are in the arena of whoever filled it.
 */
#ifndef CTAI_REGION_TABLE_H
#define CTAI_REGION_TABLE_H

#include "catalogue.h"
#include "civil.h"

/* The indicator that counts each person once over the contracts of a scope, in departments and the region alone. */
#define REGION_DISTINCT "1.1.distinct"

typedef enum { REGION_CONTRACT, REGION_DEPARTMENT, REGION_WHOLE } region_level;

typedef struct {
    region_level level;
    text_view region, department, contract; /* codes and id; empty above their level */
    text_view name;                         /* the contract's title, the department's or the region's name */
    text_view scope;                        /* of a contract: where its people are linked */
    unsigned parent;                        /* the territory it is summed into; the region: itself */
} region_territory;

/* On whom a cell rests, for the threshold (DOMAIN and the catalogue: indicators' kinds). */
typedef enum {
    REGION_RESTS_ON_PERSONS,    /* the value is a count of distinct persons, or is computed from theirs */
    REGION_RESTS_ON_HOUSEHOLDS,
    REGION_RESTS_ON_RECORDS,    /* bare facts, which have no token */
    REGION_RESTS_ON_NOBODY,     /* money, narratives */
} region_basis;

typedef struct {
    catalogue_indicator what; /* code, label, unit, kind, types, details, filters */
    region_basis basis;
    bool is_distinct;         /* REGION_DISTINCT */
} region_indicator;

typedef struct {
    unsigned territory, indicator;
    bool has_value;    /* false: a mean, list or text of nothing */
    int64_t amount;    /* persons, households, references, minutes, cents, units; of a mean: the sum of its days */
    int64_t rests;     /* persons, households or records on which it rests; 0: on nobody */
    int64_t of_records; /* of a mean: how many records its days are of; else 0 */
    text_view shown;   /* as CSV writes it, unmasked: a number with a point, or a text; empty: none */
    bool masked;       /* what may not be published */
    bool primary;      /* masked by the rule alone (threshold, block), not to protect another */
    bool repeated;     /* amount and shown are those of an earlier release (disclosure control that is strict) */
} region_cell;

typedef struct {
    text_view code, name;          /* of the region */
    civil_month from, to;          /* CIVIL_NONE both: each contract's whole period */
    unsigned threshold;            /* cells that rest on 1 .. threshold - 1 are masked */
    bool draft;                    /* not entered into the ledger of releases: for who prepares it, not to be published */
    unsigned territory_count, indicator_count, cell_count;
    region_territory *territories;
    region_indicator *indicators;
    region_cell *cells;
} region_table;

/* The cell of a territory and an indicator, or NULL when there is none (an indicator that the contract does not have). */
region_cell *region_table_cell(const region_table *self, unsigned territory, unsigned indicator);

#endif
