/*
 * region_page: a region's report as one page to read, to print, to publish (INTERFACE, "region --format html"), and what its
 * workbook is made of as well. What is masked is never written.
 */
#ifndef CTAI_REGION_PAGE_H
#define CTAI_REGION_PAGE_H

#include <stdio.h>

#include "region_scheme.h"

typedef struct {
    const region_table *table;       /* masked */
    text_view standing;              /* what kind of report it is, a line */
    civil_day day;                   /* of its release; CIVIL_NONE: a draft */
    const region_scheme *scheme;     /* or NULL */
    const region_section *sections;  /* of region_scheme_arrange */
    unsigned section_count;
    const text_view *notes;          /* sentences */
    unsigned note_count;
} region_document;

/* The same document is the same page, to the byte. Errors of the stream are the caller's to test at the end. */
void region_page(const region_document *self, FILE *to);

/* How far the indicator at that place of a section is a part ("dont") of those before it there: 0 to 3. */
unsigned region_page_depth(const region_document *self, const region_section *section, unsigned place);

/* Nothing counted, and nothing hidden: not worth a row but of the region. */
bool region_page_is_idle(const region_cell *cell);

/* "Une cellule masquée ...": what masking means, a sentence. */
enum { REGION_PAGE_RULE_MAX = 400 };
void region_page_rule(const region_document *self, char text[REGION_PAGE_RULE_MAX]);

#endif
