/*
 * progress: a bar on a terminal for work of over half a second; nothing at all elsewhere.
 */
#ifndef CTAI_PROGRESS_H
#define CTAI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
    FILE *to;           /* NULL: show nothing */
    const char *label;  /* in French */
    uint64_t started_ms, drawn_ms;
    bool shown;
} progress;

void progress_start(progress *self, FILE *to, bool terminal, const char *label);
/* total 0: unknown. Cheap enough to be called per row. */
void progress_at(progress *self, uint64_t done, uint64_t total);
/* Takes the bar off the screen. */
void progress_end(progress *self);

#endif
