/* report_notes: see the header. */
#include "report_notes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "french.h"

enum { SENTENCE_MAX = 1000, NAMES_MAX = 500 };

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

static bool same(const discrepancy_row *a, const discrepancy_row *b)
{
    return a->kind == b->kind && text_equal(a->action, b->action);
}

/* Is row the first of its kind and action? Its like come in its kind, between other actions' rows. */
static bool is_first(const discrepancy_table *from, unsigned row)
{
    for (unsigned i = 0; i < row; i++)
        if (same(&from->rows[i], &from->rows[row]))
            return false;
    return true;
}

static bool add_name(char names[NAMES_MAX], text_view name)
{
    size_t used = strlen(names);

    for (const char *at = names; name.size > 0 && (at = memmem(at, strlen(at), name.at, name.size)) != NULL; at += name.size)
        if ((at == names || at[-1] == ' ') && (at[name.size] == ',' || at[name.size] == '\0'))
            return true;
    int size = snprintf(names + used, NAMES_MAX - used, "%s%.*s", used > 0 ? ", " : "", (int)name.size, name.at ? name.at : "");
    if (size > 0 && (size_t)size < NAMES_MAX - used)
        return true;
    names[used] = '\0'; /* the list is long enough without it */
    return false;
}

/* "Identités ambiguës : 3 (cecler, fit)." */
static bool add_group(report_notes *self, const discrepancy_table *from, unsigned first)
{
    const discrepancy_row *one = &from->rows[first];
    char names[NAMES_MAX] = "";
    unsigned matters = 0, last = 0;

    for (unsigned i = first; i < from->count; i++) {
        const discrepancy_row *row = &from->rows[i];
        if (!same(row, one))
            continue;
        matters += row->matter != last;
        last = row->matter;
        add_name(names, row->operator_name);
    }
    return report_notes_add(self, REPORT_NOTE_SETTLE, one->action, "%s" FRENCH_NO_BREAK ": %u%s%s%s.", discrepancy_kind_title(one->kind),
                            matters, names[0] ? " (" : "", names, names[0] ? ")" : "");
}

bool report_notes_discrepancies(report_notes *self, const discrepancy_table *from)
{
    bool good = true;

    for (unsigned i = 0; i < from->count && good; i++) {
        const discrepancy_row *row = &from->rows[i];
        if (row->kind == DISCREPANCY_LATE)
            good = report_notes_add(self, REPORT_NOTE_LATE, row->action, "%.*s" FRENCH_NO_BREAK ": %.*s", (int)row->operator_name.size,
                                    row->operator_name.at ? row->operator_name.at : "", (int)row->finding.size, row->finding.at);
        else if (row->kind == DISCREPANCY_ADDRESS)
            good = report_notes_add(self, REPORT_NOTE_KNOW, row->action, "%.*s", (int)row->finding.size, row->finding.at);
        else if (is_first(from, i))
            good = add_group(self, from, i);
    }
    return good;
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
