/*
 * region_form: a regional table as CSV, and for an officer at a terminal. Pure: writes to a stream that the caller gives;
 * errors of the stream are the caller's to test (ferror) at the end. What is masked is never written.
 */
#ifndef CTAI_REGION_FORM_H
#define CTAI_REGION_FORM_H

#include <stdio.h>

#include "region_scheme.h"

/* INTERFACE.md, "region --format csv". */
#define REGION_FORM_HEADER "region,departement,contrat,indicateur,libelle,realise,statut,unite"
void region_form_csv(const region_table *self, FILE *to);

/* "publie" or "masque". */
const char *region_form_state(const region_cell *cell);

/* "de janvier à mars 2024", "2024", "toute la durée de chaque contrat". */
enum { REGION_FORM_PERIOD_MAX = 96 };
void region_form_period(const region_table *self, char text[REGION_FORM_PERIOD_MAX]);

/* How the report names itself: "publication no 3 du 2024-07-01" or a draft. */
enum { REGION_FORM_STANDING_MAX = 160 };

/*
 * In French, laid out for width columns (at least 60). standing: what kind of report it is, a line; scheme may be NULL;
 * sections are those of region_scheme_arrange.
 */
void region_form_print(const region_table *self, const char *standing, const region_scheme *scheme, const region_section *sections,
                       unsigned section_count, unsigned width, FILE *to);

#endif
