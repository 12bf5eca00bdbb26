/*
 * plain: texts laid out in columns for a terminal, and as fields of a CSV file. Pure: writes to a stream that the caller
 * gives; errors of the stream are the caller's to test (ferror).
 */
#ifndef CTAI_PLAIN_H
#define CTAI_PLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "text.h"

void plain_put(FILE *to, text_view text);
/* For a terminal: control characters (C0 and C1), which it might obey, become spaces. */
void plain_tame(FILE *to, text_view text);
void plain_times(FILE *to, const char *what, size_t count);
/* Text at the right end of a column of that width. */
void plain_right(FILE *to, text_view text, size_t column);

/* The part of text that fits in columns, cut at a space where French lets one cut; never empty. */
text_view plain_first_line(text_view text, size_t columns);
/* What of text comes after part, its beginning, and the spaces there. */
text_view plain_after(text_view text, text_view part);
/* Tamed, on as many lines as it takes, each after indent spaces. */
void plain_folded(FILE *to, text_view text, size_t indent, size_t columns);
/* The same of each of its lines; empty ones are left out. */
void plain_paragraphs(FILE *to, text_view text, size_t indent, size_t columns);

/* RFC 4180; free text that a spreadsheet would take for a formula gets an apostrophe before it. */
void plain_csv(text_view field, bool is_free, FILE *to);

#endif
