/*
 * disclosure_model: a regional table and the releases before it as one system of linear relations: what everybody knows of
 * the unknown cells. A variable stands for each number of each release (and for some that nobody publishes: implied
 * complements, the persons of a scope in a department); rows tie them: contracts, departments and region; men, women,
 * all; BPI and under 25 and their crossings; parts and wholes; distinct persons; a release and the ones before it. The
 * records' own values satisfy every row: a relation that they contradict is left out.
 */
#ifndef CTAI_DISCLOSURE_MODEL_H
#define CTAI_DISCLOSURE_MODEL_H

#include "disclosure.h"

#define DISCLOSURE_NOWHERE UINT32_MAX /* no department, no cell */

enum {
    DISCLOSURE_REACH = 30,     /* a possible value is looked for within so many units of the true one */
    DISCLOSURE_UNKNOWN = 3000, /* with more masked cells in all releases, only those tied to the table are attacked again */
};

typedef struct {
    double truth;        /* in persons, minutes, ... */
    double unit;         /* the step that counts as another value; whole numbers: 1 */
    unsigned release;    /* whose cell it is, 0 .. release_count - 1 */
    unsigned cell;       /* in that release, or DISCLOSURE_NOWHERE */
    unsigned department; /* of the model; DISCLOSURE_NOWHERE: of the region */
    unsigned family;     /* indicators that are tied by their definitions */
    bool whole;          /* a count */
    bool in_block;       /* masked with a masked total: it may be zero */
    bool implied;        /* no cell, but must be protected as if it were a masked one */
    bool excused;        /* of an earlier release, and this one does not make it better known */
    bool far;            /* of an earlier release that nothing ties to the table: keeps its true value */
    unsigned asked;      /* with so many changes of masks the auditor asked for it in its family in vain; and one more */
    uint64_t seen;       /* counts: bit 30 + d: a possible table has it at truth + d */
    double least, most;  /* likewise, the extremes */
} disclosure_variable;

typedef struct {
    unsigned first, count; /* of the terms */
    bool equal;            /* sum of weight * value is 0; else at least 0 */
    double slack;          /* the sum in truth */
} disclosure_row;

typedef struct {
    unsigned variable;
    double weight;
} disclosure_term;

typedef struct {
    region_table *table;                 /* the last release: the one to mask */
    const region_table *const *earlier;
    unsigned release_count;
    const disclosure_options *options;
    arena *from;
    arena_vector variables, rows, terms; /* disclosure_variable, disclosure_row, disclosure_term */
    unsigned *first;                     /* [variable], and one more: where its rows begin in `in` */
    disclosure_term *in;                 /* a row (in place of the variable), and the weight there */
    unsigned **variable_of;              /* [release][cell] or DISCLOSURE_NOWHERE */
    unsigned indicator_count;            /* different codes in all releases */
    const region_indicator **indicators;
    unsigned **indicator_of;             /* [release][indicator] */
    unsigned *family_of;                 /* [indicator] */
    bool *relaxed;                       /* [family]: the reader is not told which cells the rule masks, see disclosure.h */
    unsigned department_count, family_count;
    text_view *departments;              /* codes */
    unsigned changes;                    /* of masks and of what the reader is told; bounds are the same while it is */
    bool is_short;                       /* memory was short while building */
} disclosure_model;

/* Builds it; options and tables must live on. False: memory is short. */
bool disclosure_model_init(disclosure_model *self, region_table *table, const region_table *const *earlier,
                           unsigned earlier_count, const disclosure_options *options, arena *from)
    __attribute__((warn_unused_result));

/* Release i: the earlier ones, then the table. */
const region_table *disclosure_model_release(const disclosure_model *self, unsigned i);
disclosure_variable *disclosure_model_variable(const disclosure_model *self, unsigned i);
/* The variable's cell, or NULL. */
const region_cell *disclosure_model_cell(const disclosure_model *self, const disclosure_variable *of);

/* Does it count all beneficiaries (those among whom the distinct persons of a scope are)? */
bool disclosure_model_is_everybody(const region_indicator *indicator);

/* What a reader who knows which cells the rule masks knows of it by itself; equal bounds: published. */
void disclosure_model_bounds(const disclosure_model *self, const disclosure_variable *of, double *low, double *high);
/* The same, were it masked to protect another. */
void disclosure_model_bounds_masked(const disclosure_model *self, const disclosure_variable *of, double *low, double *high);

/* Must it keep several values, and has it not been shown yet that it does? */
bool disclosure_model_is_open(const disclosure_model *self, const disclosure_variable *of);
/* How many values it is known to keep. */
unsigned disclosure_model_values(const disclosure_model *self, const disclosure_variable *of);

/* A possible table has it at truth + change. */
void disclosure_model_note(disclosure_variable *of, double change);
/* Is one known? Of what has fractions: as far, or further. */
bool disclosure_model_has(const disclosure_variable *of, double change);

/* Masks a cell of the table with what is part of it; returns how many were masked. */
unsigned disclosure_model_mask(disclosure_model *self, region_cell *cell);
/* After masks changed in a territory of a release: which cells may be zero. */
void disclosure_model_blocks(disclosure_model *self, unsigned release, unsigned territory);

/* For the builders: a row is begun, gets terms, and is kept if the records' own values satisfy it. */
void disclosure_model_row(disclosure_model *self);
void disclosure_model_term(disclosure_model *self, unsigned variable, double weight);
/* want_equal: keep it only as an equation; if_equal: make it one when it happens to be. True: it was kept. */
bool disclosure_model_end(disclosure_model *self, bool want_equal, bool if_equal);
/* A new variable with no cell; DISCLOSURE_NOWHERE when memory is short. */
unsigned disclosure_model_add(disclosure_model *self, const disclosure_variable *like);

/* The parts of the builder, one file each: rows inside a release, and between releases. */
void disclosure_tables_add(disclosure_model *self, unsigned release);
void disclosure_distinct_add(disclosure_model *self, unsigned release);
void disclosure_releases_add(disclosure_model *self);
/* Bounds the work: with too many unknown numbers, releases that no row ties to the table stay as they were shown to be. */
void disclosure_releases_limit(disclosure_model *self);

#endif
