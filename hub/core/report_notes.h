/*
 * report_notes: what an evaluation's pages and workbooks say beside its cells: what is not complete, and what the parties have
 * to settle. Sentences in French for people, made by whoever knows (completeness, discrepancies); the forms lay them out.
 */
#ifndef CTAI_REPORT_NOTES_H
#define CTAI_REPORT_NOTES_H

#include "arena.h"
#include "discrepancy_table.h"

typedef enum {
    REPORT_NOTE_LATE,   /* who has not reported which months */
    REPORT_NOTE_SETTLE, /* what the parties must settle: discrepancies */
    REPORT_NOTE_KNOW,   /* what the reader must know: records erased since, a page that refugies.info does not list */
    REPORT_NOTE_KINDS
} report_note_kind;

typedef struct {
    report_note_kind kind;
    text_view action; /* code; empty: the contract as a whole */
    text_view text;   /* one sentence, with its full stop */
} report_note;

typedef struct {
    arena_vector notes; /* of report_note, in the order in which they are shown */
} report_notes;

/* Texts and notes are in the arena. */
void report_notes_init(report_notes *self, arena *from);

/* Adds one; the sentence is made as printf makes it. False: memory is short. */
bool report_notes_add(report_notes *self, report_note_kind kind, text_view action, const char *format, ...)
    __attribute__((format(printf, 4, 5), warn_unused_result));

/*
 * What the parties must settle, in as many sentences as there are actions and kinds of it, with how many and whose; who is late, and
 * what has no address, one by one. False: memory is short.
 */
bool report_notes_discrepancies(report_notes *self, const discrepancy_table *from) __attribute__((warn_unused_result));

/* Of that kind, and of that action (empty: of the contract as a whole): the next after *at, which begins at 0; NULL at the end. */
const report_note *report_notes_next(const report_notes *self, report_note_kind kind, text_view action, size_t *at);

/* How many of that kind there are, of whatever action. */
size_t report_notes_count(const report_notes *self, report_note_kind kind);

/* "Transmissions à compléter" ...: the title above the notes of a kind. */
const char *report_notes_title(report_note_kind kind);

#endif
