/* region_xlsx: a region's report as a workbook (INTERFACE, "region --format xlsx"): the region by department, then each department by contract. */
#ifndef CTAI_REGION_XLSX_H
#define CTAI_REGION_XLSX_H

#include <stdbool.h>

#include "region_page.h"

/* As evaluation_xlsx. What is masked is never written. */
bool region_xlsx(const region_document *self, const char *folder, FILE *to) __attribute__((warn_unused_result));

#endif
