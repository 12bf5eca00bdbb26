/*
 * page: the pages that the hub writes for people to read and print: one file each, whole without a network or a script, in a
 * neutral theme of their own (page_style.c), as XHTML that an HTML parser reads alike.
 *
 * What comes from outside goes through page_text, page_prose or page_number alone: nothing in it can become markup, and what
 * XML or a browser would not take (control characters, non-characters) is replaced. Errors of the stream are the caller's to
 * test at the end.
 */
#ifndef CTAI_PAGE_H
#define CTAI_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "text.h"

/* The style sheet of all pages: screen from 320 px on, and print on A4. */
extern const char page_style[];

/* The head, the open body and a link past the navigation (to the element of id "contenu"). mark, which may be empty, is printed at the foot of each sheet if it is a plain name. */
void page_begin(FILE *to, text_view title, text_view mark);
void page_end(FILE *to);

/* Text, also within double quotes. */
void page_text(FILE *to, text_view text);

/* The same, French spaces and apostrophes as typography wants them: labels, names, sentences. */
void page_words(FILE *to, text_view text);

/* Free text: a paragraph for each blank line, its lines kept, French spaces made unbreakable, whatever direction it is written in. */
void page_prose(FILE *to, text_view text);

/* A number and its unit, so that a column of them is aligned; euros with their cents. */
void page_number(FILE *to, text_view number, text_view unit);

/*
 * A bar of that percent (over 100 it is full and ends in a notch), hidden from screen readers: words, which are shown beside
 * it, say the same. is_part: a quieter colour, for a share of a total.
 */
void page_bar(FILE *to, unsigned percent, bool is_part, const char *words);

/* A link to a page of refugies.info or another address; text when it is no https address. */
void page_link(FILE *to, text_view address);

#endif
