/*
 * outbox_note: what happened to a scope, kept for people by contract until a complete export of it is queued: a value
 * "kind seconds scope".
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_base.h"

static const char NOTE[] = "reprise";

outbox_error outbox_note_write(outbox *self, text_view scope, text_view contract, outbox_note_kind kind,
                               uint64_t seconds)
{
    char text[BATCH_SCOPE_MAX + 64];
    int size = snprintf(text, sizeof text, "%d %" PRIu64 " %.*s", (int)kind, seconds, (int)scope.size, scope.at);
    return outbox_set(self, NOTE, contract, (text_view){text, (size_t)size});
}

outbox_error outbox_note_write_told(outbox *self, text_view scope, outbox_note_kind kind, uint64_t seconds)
{
    wire_contract *contracts;
    unsigned count;
    arena *memory = arena_new(8 * WIRE_MESSAGE_MAX);
    outbox_error error = memory == NULL ? OUTBOX_NO_MEMORY : outbox_contracts(self, memory, &contracts, &count);
    for (unsigned i = 0; error == OUTBOX_OK && i < count; i++)
        if (text_equal(contracts[i].scope, scope))
            error = outbox_note_write(self, scope, contracts[i].id, kind, seconds);
    arena_destroy(&memory);
    return error == OUTBOX_OK ? OUTBOX_OK : outbox_fails(self, error);
}

/* Takes a note apart; false: it is none of ours. */
static bool read_note(text_view text, outbox_note *note)
{
    char numbers[48];
    char *end = NULL;
    if (!text_copy(numbers, sizeof numbers, (text_view){text.at, text.size < 47 ? text.size : 47}))
        return false;
    unsigned long kind = strtoul(numbers, &end, 10);
    if (*end != ' ' || kind == OUTBOX_NOTE_NONE || kind > OUTBOX_NOTE_NEW)
        return false;
    note->kind = (outbox_note_kind)kind;
    note->seconds = strtoull(end + 1, &end, 10);
    if (*end != ' ')
        return false;
    size_t used = (size_t)(end + 1 - numbers);
    note->scope = (text_view){text.at + used, text.size - used};
    return note->scope.size > 0 && note->scope.size <= BATCH_SCOPE_MAX;
}

outbox_error outbox_notes(outbox *self, void (*tell)(void *data, const outbox_note *note), void *data)
{
    sqlite3_stmt *row = NULL;
    int result = sqlite3_prepare_v2(self->db, "SELECT of, value FROM value WHERE name = ?1 ORDER BY of", -1, &row, NULL);
    outbox_error error = outbox_result(self, result);
    if (error == OUTBOX_OK)
        outbox_bind_text(row, 1, text_of(NOTE));
    while (error == OUTBOX_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
        outbox_note note = {.contract = outbox_column(row, 0)};
        outbox_scope scope;
        if (!read_note(outbox_column(row, 1), &note)) {
            error = outbox_result(self, SQLITE_CORRUPT);
            break;
        }
        error = outbox_scope_load(self, note.scope, &scope);
        if (error != OUTBOX_OK)
            break;
        note.compared = !scope.resync;
        tell(data, &note);
    }
    if (error == OUTBOX_OK)
        error = outbox_result(self, result);
    sqlite3_finalize(row);
    return error;
}

outbox_error outbox_note_answered(outbox *self, text_view scope, text_view contract)
{
    assert(self->in_transaction);
    outbox_scope about;
    outbox_error error = outbox_scope_load(self, scope, &about);
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    return about.resync ? OUTBOX_OK : outbox_unset(self, NOTE, contract);
}

/* The notes' contracts of a scope, for a time when none is being read. */
typedef struct {
    text_view scope;
    char (*names)[RECORD_NAME_MAX + 1];
    size_t count, room;
    bool failed;
} gathered;

static void gather(void *data, const outbox_note *note)
{
    gathered *all = data;
    if (!text_equal(note->scope, all->scope) || all->failed)
        return;
    if (all->count == all->room) {
        size_t room = 2 * all->room + 8;
        void *more = realloc(all->names, room * sizeof *all->names);
        all->failed = more == NULL;
        if (all->failed)
            return;
        all->names = more;
        all->room = room;
    }
    if (text_copy(all->names[all->count], sizeof *all->names, note->contract))
        all->count++;
}

outbox_error outbox_note_forget(outbox *self, text_view scope)
{
    gathered all = {.scope = scope};
    outbox_error error = outbox_notes(self, gather, &all);
    if (error == OUTBOX_OK && all.failed)
        error = OUTBOX_NO_MEMORY;
    for (size_t i = 0; i < all.count && error == OUTBOX_OK; i++)
        error = outbox_unset(self, NOTE, text_of(all.names[i]));
    free(all.names);
    return error == OUTBOX_OK ? OUTBOX_OK : outbox_fails(self, error);
}
