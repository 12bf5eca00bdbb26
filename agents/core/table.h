/*
 * table: an operator's CSV file as rows of known columns: encoding, separator, header line, cells
 * trimmed and in UTF-8, and the faults of rows that any table can have (DOMAIN, "What an operator
 * has").
 *
 * UTF-8 (a BOM is skipped) when the whole file is valid UTF-8, else Windows-1252. Rows whose cells
 * are all empty are skipped. Diagnostics are emitted here for faults found here.
 */
#ifndef CTAI_TABLE_H
#define CTAI_TABLE_H

#include "csv.h"
#include "diag.h"

enum { TABLE_COLUMNS_MAX = 16, TABLE_KIND_BYTES = 4 };

typedef struct {
    const char *name;
    bool required; /* the column, not the cell */
} table_column;

typedef enum {
    TABLE_OK,
    TABLE_END,
    TABLE_UNUSABLE,  /* no table of these columns; said */
    TABLE_NO_MEMORY,
    TABLE_UNREADABLE, /* the source failed */
} table_state;

/* What a file as a whole is like. */
typedef struct {
    char first[TABLE_KIND_BYTES]; /* tell a file of another kind */
    size_t first_size;
    bool blank, utf8;
    csv_separator_scan separator;
} table_survey;

typedef struct {
    const char *file;            /* its name, for diagnostics */
    const table_column *columns;
    unsigned column_count;       /* at most TABLE_COLUMNS_MAX */
    diag_sink *sink;
    arena *from;
    csv rows;
    bool windows_1252;
    char *converted;             /* room for the cells of a row in Windows-1252, taken when first needed */
    size_t header_fields;
    unsigned long place[TABLE_COLUMNS_MAX]; /* the field of each column, from 1; 0: the file has it not */

    /* The row that table_next has read. */
    unsigned long line;
    bool in_error;               /* said; counts for nothing */
    bool unsure;                 /* rows or cells may be lost with it */
    unsigned bad_cells;          /* bit of each column whose cell cannot be read */
    text_view cells[TABLE_COLUMNS_MAX]; /* empty for an absent column; live until the next row */
} table;

/* Reads up to the header line. TABLE_OK, TABLE_UNUSABLE or TABLE_NO_MEMORY. */
table_state table_open(table *self, arena *from, const char *file, text_view bytes, const table_column *columns,
                       unsigned column_count, diag_sink *sink) __attribute__((warn_unused_result));

/* Of a file that is read in pieces, first once to know what it is like: TABLE_OK, TABLE_NO_MEMORY or TABLE_UNREADABLE. */
table_state table_survey_source(table_survey *self, arena *from, const csv_source *source) __attribute__((warn_unused_result));

/* Then as table_open does, or TABLE_UNREADABLE. */
table_state table_open_source(table *self, arena *from, const char *file, const csv_source *source, const table_survey *about,
                              const table_column *columns, unsigned column_count, diag_sink *sink)
    __attribute__((warn_unused_result));

/* Reads the next row. TABLE_OK (look at in_error), TABLE_END, TABLE_NO_MEMORY or TABLE_UNREADABLE. */
table_state table_next(table *self) __attribute__((warn_unused_result));

/* A cell of this row that stays: itself when it points into a file in memory, else a copy; at NULL with a size when memory is short. */
text_view table_keep(const table *self, text_view cell);

/* Bytes of the file that have been read. */
uint64_t table_read_bytes(const table *self);

/* Where a diagnostic about a column of a line points; column below column_count. */
diag table_where(const table *self, diag_severity severity, unsigned long line, unsigned column, const char *remedy);

#endif
