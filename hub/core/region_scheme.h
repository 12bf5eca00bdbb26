/*
 * region_scheme: a region's own scheme (schéma régional) as data: its title, its years and its headings, each naming the
 * indicators that inform it; and the indicators of a report under those headings. The syntax is described at the head of
 * deploy/regions/84.yaml. Pure.
 */
#ifndef CTAI_REGION_SCHEME_H
#define CTAI_REGION_SCHEME_H

#include "region_table.h"
#include "yamldoc.h"

enum { REGION_SCHEME_HEADINGS_MAX = 60, REGION_SCHEME_INDICATORS_MAX = 100, REGION_SCHEME_TITLE_MAX = 200 };

typedef struct {
    text_view code, title;
    unsigned indicator_count;
    text_view *indicators; /* codes */
} region_heading;

typedef struct {
    text_view region, title;
    unsigned first_year, last_year;
    bool to_confirm; /* the region has not confirmed it yet */
    unsigned heading_count;
    region_heading *headings;
} region_scheme;

/*
 * Reads a file for a region: every fault is an error on the sink. False when there was one, or memory is short. Texts are
 * in the arena.
 */
bool region_scheme_read(region_scheme *self, arena *from, text_view region, const char *file, text_view bytes, diag_sink *sink)
    __attribute__((warn_unused_result));

/* A part of a report: some of its indicators, in the report's order but for the headings' own. */
typedef struct {
    text_view code, title;     /* code: empty for what no heading names */
    unsigned indicator_count;  /* from 1 */
    unsigned *indicators;      /* into table->indicators */
} region_section;

/*
 * The table's indicators under the scheme's headings, then those that none names, as « Autres indicateurs ». Without a
 * scheme (NULL): under the national list's headings. NULL when memory is short.
 */
region_section *region_scheme_arrange(const region_scheme *self, const region_table *table, arena *from, unsigned *count)
    __attribute__((warn_unused_result));

#endif
