/* told: what a diag_sink was told, for tests to look at: one line of text per diagnostic. */
#ifndef CTAI_TEST_TOLD_H
#define CTAI_TEST_TOLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"

typedef struct {
    diag_sink sink;
    char *text; /* NUL-terminated once told_text has been called */
    size_t size;
    FILE *to;
} told;

static inline void told_start(told *self)
{
    memset(self, 0, sizeof *self);
    self->to = open_memstream(&self->text, &self->size);
    self->sink = diag_sink_to(self->to);
}

static inline const char *told_text(told *self)
{
    fflush(self->to);
    return self->text;
}

static inline void told_end(told *self)
{
    fclose(self->to);
    free(self->text);
}

/* A copy of exactly that size without a NUL behind it, so that a sanitizer sees each byte read past the end. */
static inline char *told_exact(const char *text, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, text, size);
    return copy;
}

#endif
