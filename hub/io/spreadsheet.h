/*
 * spreadsheet: workbooks (XLSX, ECMA-376) for offices, by libxlsxwriter, of which this is the only owner: sheets, typed cells
 * with a few looks, print set-up.
 *
 * Always true: text is text (a leading =, +, - or @ never makes a formula), what XML cannot hold becomes a space; sheet names
 * are legal and unique; the same calls with the same moment write the same bytes. Failure sticks: write on, and ask
 * spreadsheet_finish at the end. The library's own files are made in the folder given, nameless as soon as they are open, and the
 * workbook is put together in memory: nothing of it is left anywhere.
 */
#ifndef CTAI_SPREADSHEET_H
#define CTAI_SPREADSHEET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "text.h"

enum {
    SPREADSHEET_COLUMNS_MAX = 64,
    SPREADSHEET_TEXT_MAX = 32000, /* UTF-16 units of a cell's text: a spreadsheet takes 32,767; what is longer is cut, and ends in "…" */
    SPREADSHEET_DEPTH_MAX = 3,
};

typedef enum {
    SPREADSHEET_TITLE,   /* a sheet's title */
    SPREADSHEET_SUBTITLE,
    SPREADSHEET_HEAD,    /* of a column of texts */
    SPREADSHEET_HEAD_NUMBER, /* of a column of numbers */
    SPREADSHEET_BAND,    /* a heading over rows */
    SPREADSHEET_LABEL,   /* a row's label; wraps; its depth is set with spreadsheet_label */
    SPREADSHEET_STRONG,  /* a row's label that stands out */
    SPREADSHEET_QUIET,   /* codes, units, comments; wraps */
    SPREADSHEET_STATE,   /* in place of a number: "non collecté", "masqué" */
    SPREADSHEET_PROSE,   /* free text; wraps, from the top */
    SPREADSHEET_COUNT,   /* 1 234 */
    SPREADSHEET_HOURS,   /* 1 234,25 h */
    SPREADSHEET_EUROS,   /* 1 234,50 € */
    SPREADSHEET_MONTHS,  /* 7,3 mois */
    SPREADSHEET_PERCENT_TARGET, /* 103 % de l’objectif */
    SPREADSHEET_PERCENT_TOTAL,  /* 57 % du total */
    SPREADSHEET_PERCENT_PART,   /* 45 % de la ligne au-dessus: of a part */
    SPREADSHEET_LOOK_COUNT
} spreadsheet_look;

typedef struct spreadsheet spreadsheet;

/* moment_s: the creation date that the file states (seconds since 1970; 0: of no moment). folder: of the files of the library. NULL: memory is short. */
spreadsheet *spreadsheet_new(const char *folder, text_view title, text_view subject, int64_t moment_s) __attribute__((warn_unused_result));
void spreadsheet_destroy(spreadsheet **self);

/*
 * A new sheet, in which all that follows is written: A4 landscape, as wide as the sheet of paper. widths: of its columns, in
 * characters. foot: printed at the left of each page's foot, if it is a plain name.
 */
void spreadsheet_sheet(spreadsheet *self, text_view name, const double *widths, unsigned columns, text_view foot);

/* The next row is row 0, 1, ... of the sheet; it is as high as its texts need, as far as can be told without a font. */
void spreadsheet_next_row(spreadsheet *self);
/* The rows up to this one, and that many columns, stay in sight; this row is repeated on each page. */
void spreadsheet_freeze(spreadsheet *self, unsigned columns);

void spreadsheet_text(spreadsheet *self, unsigned column, text_view text, spreadsheet_look look);
/* A row's label, set in by its depth. */
void spreadsheet_label(spreadsheet *self, unsigned column, text_view text, unsigned depth);
/* Text across the columns first..last. */
void spreadsheet_across(spreadsheet *self, unsigned first, unsigned last, text_view text, spreadsheet_look look);
/*
 * The longest beginning of a text that one row shows in so many characters' width, ended at a blank line, a line or a space
 * where there is one; never empty unless text is.
 */
text_view spreadsheet_fit(text_view text, double width);
/* The look of a number of an indicator's unit ("heures", "euros", "mois"; else a count). */
spreadsheet_look spreadsheet_look_of(text_view unit);
/* A number as reports write it ("9.25"), typed; what is no number, or has more digits than a spreadsheet keeps (15), as text. */
void spreadsheet_number(spreadsheet *self, unsigned column, text_view number, spreadsheet_look look);
/* A share in percent, as a bar as well. */
void spreadsheet_percent(spreadsheet *self, unsigned column, unsigned percent, spreadsheet_look look);

/* Writes it, and that is its end: nothing else may be called but destroy. False: errno says why (ENOMEM, EIO, or a file's). */
bool spreadsheet_finish(spreadsheet *self, FILE *to) __attribute__((warn_unused_result));

#endif
