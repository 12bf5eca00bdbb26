/*
 * diag: what is wrong or doubtful in somebody's input: where, what, and what to do; in French,
 * for people. A diagnostic never quotes the content of a cell: it may be a person's.
 */
#ifndef CTAI_DIAG_H
#define CTAI_DIAG_H

#include <stddef.h>
#include <stdio.h>

typedef enum {
    DIAG_NOTE,     /* worth knowing */
    DIAG_WARNING,  /* doubtful; used all the same, or a part of it not used */
    DIAG_LEFT_OUT, /* right, but not counted here (not eligible, outside the contract) */
    DIAG_ERROR,    /* wrong; counts for nothing */
    DIAG_SEVERITY_COUNT
} diag_severity;

typedef struct {
    diag_severity severity;
    const char *file;    /* as the user named it; NULL when there is none */
    unsigned long line;  /* from 1; 0: the whole file */
    unsigned long column; /* from 1: the field of a table, the character of another file; 0: the line */
    const char *field;   /* the column's or key's name, or NULL */
    const char *message; /* what is wrong: a sentence's text without the full stop */
    const char *remedy;  /* what to do, likewise, or NULL */
} diag;

/* Where diagnostics go. emit may be NULL (count only). Counts are kept by diag_emit. */
typedef struct diag_sink {
    void (*emit)(struct diag_sink *self, const diag *what);
    void *data;
    unsigned long count[DIAG_SEVERITY_COUNT];
} diag_sink;

void diag_emit(diag_sink *sink, const diag *what);

/* Emits with a printf-made message (at most 500 bytes, cut beyond). */
void diag_emitf(diag_sink *sink, const diag *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Writes "FILE:LINE:COLUMN: erreur : [FIELD] MESSAGE. REMEDY." and a newline; parts that are
 * absent are left out with their separators.
 */
void diag_print(FILE *to, const diag *what);

/* A sink whose emit prints to the FILE * in data. */
diag_sink diag_sink_to(FILE *to);

#endif
