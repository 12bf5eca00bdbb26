/*
 * csv: rows of fields out of the bytes of a CSV file (RFC 4180: quoted fields may hold separators,
 * line ends and doubled quotes), LF or CRLF, one row at a time, whatever the encoding as long as it
 * extends ASCII.
 *
 * The file is either whole in memory or read piece by piece through a window, which holds the row at
 * hand; what it gives is the same.
 *
 * Always true: memory is bounded by CSV_ROW_MAX whatever the file holds; every byte is looked at
 * once; after a fault the parser goes on with the next row. A quote inside an unquoted field is an
 * ordinary character.
 */
#ifndef CTAI_CSV_H
#define CTAI_CSV_H

#include <stdint.h>

#include "arena.h"

enum {
    CSV_FIELDS_MAX = 1024,      /* of a row */
    CSV_FIELD_MAX = 64 * 1024,  /* bytes */
    CSV_ROW_MAX = 1024 * 1024,  /* bytes */
};

/* What is wrong with a row, as bits. */
typedef enum {
    CSV_FIELD_TOO_LONG = 1,
    CSV_ROW_TOO_LONG = 2,
    CSV_TOO_MANY_FIELDS = 4, /* those after the first CSV_FIELDS_MAX are lost */
    CSV_BAD_QUOTE = 8,       /* something follows the quote that closes a field */
    CSV_UNCLOSED_QUOTE = 16, /* the file ends inside a quoted field */
} csv_fault;

/* A file that is read in pieces, from its start to its end. */
typedef struct {
    /* Reads at most room bytes from that place on: how many, 0 at the end of the file, -1 when it cannot be read. */
    long (*read)(void *data, uint64_t at, char *to, size_t room);
    void *data;
} csv_source;

typedef struct {
    const char *start, *at, *end; /* of what is in memory */
    const csv_source *source;     /* NULL: all is in memory */
    char *window;                 /* start, when there is a source; it grows with the longest row */
    size_t window_size;
    uint64_t before;              /* bytes of the file before start */
    const char *row, *field;      /* where they begin, or what is left of them in memory */
    uint64_t row_at, field_at;    /* bytes of the file before them */
    bool at_end, unreadable;      /* of the source */
    char separator;
    unsigned long next_line; /* of the byte at */
    arena *from;
    char *unescaped;         /* CSV_ROW_MAX bytes, taken when first needed */
    size_t unescaped_size;

    /* The row that csv_next has read. */
    unsigned long line;      /* its first, from 1 */
    unsigned faults;         /* of csv_fault */
    unsigned long fault_line, fault_field; /* of the first fault; field from 1 */
    size_t count;
    text_view fields[CSV_FIELDS_MAX]; /* into the file in memory or, until the next row, into the parser */
    bool out_of_memory;
} csv;

/* The separator that the first line which is not empty uses most, quoted parts apart: ; or , or tab; ; when none. */
char csv_separator(text_view file);

/* The same of a file that comes in pieces. */
enum { CSV_SEPARATORS = 3 };
typedef struct {
    size_t counts[CSV_SEPARATORS];
    char before;
    bool quoted, filled, done;
} csv_separator_scan;
void csv_separator_begin(csv_separator_scan *self);
void csv_separator_add(csv_separator_scan *self, text_view piece);
char csv_separator_end(const csv_separator_scan *self);

void csv_init(csv *self, arena *from, text_view file, char separator);

enum { CSV_WINDOW = 64 * 1024 }; /* bytes of a file that are read at once */

/* Of a file that is read from that byte on, at first through a window of that many bytes (more than 1). */
void csv_init_source(csv *self, arena *from, const csv_source *source, uint64_t first, size_t window_bytes, char separator);

/*
 * Reads the next row. False at the end of the file, when memory is short (out_of_memory) or the source fails (unreadable). An
 * empty line is a row of one empty field. With CSV_FIELD_TOO_LONG or CSV_ROW_TOO_LONG the fields
 * from fault_field on are not usable.
 */
bool csv_next(csv *self) __attribute__((warn_unused_result));

#endif
