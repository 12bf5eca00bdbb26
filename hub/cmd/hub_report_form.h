/* hub_report_form: what stands around an evaluation's cells in its page and its workbook, gathered. */
#ifndef CTAI_HUB_REPORT_FORM_H
#define CTAI_HUB_REPORT_FORM_H

#include "evaluation_form.h"
#include "hub_base.h"

/* Lays the table out, and gathers the rest; all is in the arena. 0, or the exit code, when it has said why on call->err. */
int hub_report_form(cli_call *call, hub_base *base, arena *memory, evaluation_table *table, evaluation_form *form) __attribute__((warn_unused_result));

#endif
