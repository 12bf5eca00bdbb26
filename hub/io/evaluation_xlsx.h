/* evaluation_xlsx: the evaluation of a contract as a workbook, a sheet for each fiche-action (INTERFACE, "report --format xlsx"). */
#ifndef CTAI_EVALUATION_XLSX_H
#define CTAI_EVALUATION_XLSX_H

#include "evaluation_form.h"

/*
 * The same form is the same bytes. folder: of what the library needs while it works (spreadsheet.h). False: errno says why;
 * errors of the stream are the caller's to test.
 */
bool evaluation_xlsx(const evaluation_form *self, const char *folder, FILE *to) __attribute__((warn_unused_result));

#endif
