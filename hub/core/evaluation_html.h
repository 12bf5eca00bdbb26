/* evaluation_html: the evaluation of a contract as one page, to read, to print, to hand on (INTERFACE, "report --format html"). */
#ifndef CTAI_EVALUATION_HTML_H
#define CTAI_EVALUATION_HTML_H

#include "evaluation_form.h"

/* The same form is the same page, to the byte. Errors of the stream are the caller's to test at the end. */
void evaluation_html(const evaluation_form *self, FILE *to);

#endif
