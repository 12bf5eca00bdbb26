/*
 * csv: rows of fields out of the bytes of a CSV file (RFC 4180: quoted fields may hold separators,
 * line ends and doubled quotes), LF or CRLF, one row at a time, whatever the encoding as long as it
 * extends ASCII.
 *
 * Always true: memory is bounded by CSV_ROW_MAX whatever the file holds; every byte is looked at
 * once; after a fault the parser goes on with the next row. A quote inside an unquoted field is an
 * ordinary character.
 */
#ifndef CTAI_CSV_H
#define CTAI_CSV_H

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

typedef struct {
    const char *start, *at, *end;
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
    text_view fields[CSV_FIELDS_MAX]; /* into the file or, until the next row, into the parser */
    bool out_of_memory;
} csv;

/* The separator that the first line which is not empty uses most, quoted parts apart: ; or , or tab; ; when none. */
char csv_separator(text_view file);

void csv_init(csv *self, arena *from, text_view file, char separator);

/*
 * Reads the next row. False at the end of the file, or when memory is short (out_of_memory). An
 * empty line is a row of one empty field. With CSV_FIELD_TOO_LONG or CSV_ROW_TOO_LONG the fields
 * from fault_field on are not usable.
 */
bool csv_next(csv *self) __attribute__((warn_unused_result));

#endif
