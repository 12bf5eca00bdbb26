/*
 * evaluation_form: all that the page and the workbook of an evaluation show: its cells, and what stands around them. Every form
 * is made of the same; what is NULL or empty is left out.
 */
#ifndef CTAI_EVALUATION_FORM_H
#define CTAI_EVALUATION_FORM_H

#include "contract.h"
#include "evaluation_table.h"
#include "report_notes.h"

typedef struct {
    const evaluation_table *table; /* laid out (evaluation_layout) */
    const contract *said;          /* in the version used: operators, planned cost, addresses; or NULL */
    text_view department;          /* its name */
    const report_notes *notes;     /* or NULL */
    const discrepancy_table *open; /* what the parties must settle, one by one; or NULL: not known (any more) */
} evaluation_form;

/* The contract's action of that code, or NULL. */
const contract_action *evaluation_form_action(const evaluation_form *self, text_view code);

/* Is it a cell that people see in its place? What nobody collected and the contract did not choose is named in one sentence. */
bool evaluation_form_shows(const evaluation_cell *cell);

/* "40 % de l’objectif", "57 % du total", "45 % des BPI", in to; the percent, or -1 when there is nothing to compare with. */
enum { EVALUATION_FORM_SHARE_MAX = 64 };
int evaluation_form_share(const evaluation_action *action, const evaluation_cell *cell, char to[EVALUATION_FORM_SHARE_MAX]);

#endif
