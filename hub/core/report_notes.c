/* report_notes: see the header. */
#include "report_notes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum { SENTENCE_MAX = 1000 };

void report_notes_init(report_notes *self, arena *from)
{
    arena_vector_init(&self->notes, from, sizeof(report_note));
}

bool report_notes_add(report_notes *self, report_note_kind kind, text_view action, const char *format, ...)
{
    char sentence[SENTENCE_MAX], whole[SENTENCE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    text_copy(whole, sizeof whole, text_of(sentence)); /* a sentence that was cut ends in a whole character */
    const char *kept = arena_text(self->notes.from, text_of(whole)), *code = arena_text(self->notes.from, action);
    report_note *note = kept && code ? arena_vector_add(&self->notes) : NULL;
    if (note)
        *note = (report_note){.kind = kind, .action = text_of(code), .text = text_of(kept)};
    return note != NULL;
}

const report_note *report_notes_next(const report_notes *self, report_note_kind kind, text_view action, size_t *at)
{
    const report_note *notes = self->notes.items;

    while (*at < self->notes.count) {
        const report_note *note = &notes[(*at)++];
        if (note->kind == kind && text_equal(note->action, action))
            return note;
    }
    return NULL;
}

size_t report_notes_count(const report_notes *self, report_note_kind kind)
{
    const report_note *notes = self->notes.items;
    size_t count = 0;

    for (size_t i = 0; i < self->notes.count; i++)
        count += notes[i].kind == kind;
    return count;
}

const char *report_notes_title(report_note_kind kind)
{
    static const char *const titles[] = {
        [REPORT_NOTE_LATE] = "Transmissions à compléter",
        [REPORT_NOTE_SETTLE] = "À régler entre les parties",
        [REPORT_NOTE_KNOW] = "À savoir",
    };
    assert(kind >= 0 && kind < REPORT_NOTE_KINDS);
    return titles[kind];
}
