/* hub_form: what the commands that write a report have in common: months, the form asked for, the width of a table. */
#ifndef CTAI_HUB_FORM_H
#define CTAI_HUB_FORM_H

#include "civil.h"
#include "cli.h"
#include "hub_base.h"

/* The month that an option gives, as 2023-11; CIVIL_NONE without it. 0, or 64, said. */
int hub_form_month(cli_call *call, const char *option, civil_month *month) __attribute__((warn_unused_result));
/* --from and --to, in order. 0, or 64, said. */
int hub_form_period(cli_call *call, civil_month *from, civil_month *to) __attribute__((warn_unused_result));

/* Which of the names (ended by NULL, the first is the default, "json" is among them) --format and --json ask for. 0, or 64, said. */
int hub_form_choose(cli_call *call, const char *const *names, unsigned *form) __attribute__((warn_unused_result));

/* Columns of the terminal that to is; else 100. */
unsigned hub_form_width(FILE *to);

/* JSON of a text, and of a count or measure exactly as written; null when there is none. */
json_t *hub_form_text(text_view text);
json_t *hub_form_number(text_view text);
/* "2023-11", or null for CIVIL_NONE. */
json_t *hub_form_month_json(civil_month month);
/* Writes what (taken over; NULL: memory was short) on lines of its own. 0 or 70. */
int hub_form_json(cli_call *call, json_t *what);

#endif
