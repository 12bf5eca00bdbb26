/*
 * prose: a text that somebody wrote for a report (a narrative), out of a file as offices make them: in UTF-8, else
 * Windows-1252, like the tables; line ends LF, without white space at its ends, within the bound of a record.
 */
#ifndef CTAI_PROSE_H
#define CTAI_PROSE_H

#include "arena.h"
#include "diag.h"
#include "record.h"

typedef struct {
    text_view whole; /* with the white space at its ends: what lines and columns are counted in */
    text_view text;  /* without: 1 to RECORD_TEXT_MAX bytes, a part of whole */
} prose;

/*
 * Reads it into the arena. False, said on the sink: it is empty, too long, of another kind of file, or has a control
 * character (line ends and tabs apart); or, not said, memory is short (arena_short). Views live in the arena.
 */
bool prose_read(prose *self, arena *from, const char *file, text_view bytes, diag_sink *sink)
    __attribute__((warn_unused_result));

/* Where the byte of that offset stands: line and character of the line, both from 1. */
void prose_place(text_view whole, size_t offset, unsigned long *line, unsigned long *column);

#endif
