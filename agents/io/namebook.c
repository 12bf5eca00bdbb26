/* namebook: see namebook.h. Kept by contract, for each may be pushed from another table. */
#include "namebook.h"

#include <string.h>

enum {
    MEMORY_BASE = 4 * 1024 * 1024,
    MEMORY_PER_PERSON = 4 * 1024,
    MEMORY_PER_BYTE = 512, /* of names: each may be a word, which vectors hold several times while they grow */
};

static const char NAMES[] = "noms"; /* the outbox's value */

/* Reads it as it is kept; *value is released by the caller. */
static outbox_error read_list(outbox *from, text_view contract, batch_buffer *value, privacy_list *list)
{
    batch_buffer_init(value, OUTBOX_VALUE_MAX);
    outbox_error error = outbox_get(from, NAMES, contract, value);
    if (error == OUTBOX_OK && value->size % sizeof(privacy_entry) != 0)
        error = OUTBOX_DAMAGED;
    size_t count = error == OUTBOX_OK ? value->size / sizeof(privacy_entry) : 0;
    *list = (privacy_list){count, (const privacy_entry *)(const void *)value->data};
    return error;
}

static outbox_error write_list(outbox *to, text_view contract, const privacy_list *list)
{
    return outbox_set(to, NAMES, contract, (text_view){(const char *)list->entries, list->count * sizeof *list->entries});
}

/* Writes the contract's list, if it is not what is kept. */
static outbox_error keep(outbox *to, text_view contract, bool whole, const privacy_list *fresh, arena *memory)
{
    batch_buffer value;
    privacy_list earlier, now = *fresh;
    outbox_error error = read_list(to, contract, &value, &earlier);
    bool absent = error == OUTBOX_ABSENT;
    error = absent ? OUTBOX_OK : error;
    if (error == OUTBOX_OK && !whole && !privacy_renew(&now, memory, &earlier, fresh))
        error = OUTBOX_NO_MEMORY;
    bool same = !absent && earlier.count == now.count
        && (now.count == 0 || memcmp(earlier.entries, now.entries, now.count * sizeof *now.entries) == 0);
    if (error == OUTBOX_OK && !same)
        error = write_list(to, contract, &now);
    batch_buffer_release(&value);
    return error;
}

outbox_error namebook_keep(outbox *to, const agent_home *agent, const export *made)
{
    privacy_list fresh;
    size_t names = 0, rows = made->people->people.count, kept = 0;
    outbox_error error = OUTBOX_OK;
    for (uint32_t i = 0; i < rows; i++)
        names += persons_at(made->people, i)->family_name.size + persons_at(made->people, i)->given_name.size;
    for (unsigned i = 0; i < made->result_count && error == OUTBOX_OK; i++) {
        batch_buffer value;
        privacy_list earlier;
        error = read_list(to, made->results[i].terms->id, &value, &earlier);
        error = error == OUTBOX_ABSENT ? OUTBOX_OK : error;
        kept = earlier.count > kept ? earlier.count : kept;
        batch_buffer_release(&value);
    }
    arena *memory = error == OUTBOX_OK
        ? arena_new(MEMORY_BASE + rows * MEMORY_PER_PERSON + names * MEMORY_PER_BYTE
                    + made->result_count * 4 * kept * sizeof(privacy_entry))
        : NULL;
    if (memory == NULL || !privacy_gather(&fresh, memory, made->people, agent->secrets->record_key))
        error = error == OUTBOX_OK ? OUTBOX_NO_MEMORY : error;
    for (unsigned i = 0; i < made->result_count && error == OUTBOX_OK; i++)
        error = keep(to, made->results[i].terms->id, made->results[i].coverage.complete, &fresh, memory);
    arena_destroy(&memory);
    if (error != OUTBOX_OK)
        outbox_spoil(to, error);
    return error;
}

outbox_error namebook_load(outbox *from, text_view contract, arena *memory, privacy_list *list)
{
    batch_buffer value;
    privacy_list found;
    outbox_error error = read_list(from, contract, &value, &found);
    privacy_entry *kept = error == OUTBOX_OK ? arena_take(memory, (found.count + 1) * sizeof *kept) : NULL;
    if (kept != NULL && found.count > 0)
        memcpy(kept, found.entries, found.count * sizeof *kept);
    *list = (privacy_list){kept != NULL ? found.count : 0, kept};
    batch_buffer_release(&value);
    return error == OUTBOX_OK && kept == NULL ? OUTBOX_NO_MEMORY : error;
}

outbox_error namebook_forget(outbox *box, text_view contract, const erasure_person *who)
{
    batch_buffer value;
    privacy_list list;
    outbox_error error = read_list(box, contract, &value, &list);
    privacy_entry *entries = (privacy_entry *)(void *)value.data;
    size_t left = 0;
    for (size_t i = 0; i < list.count; i++)
        if (memcmp(entries[i].person, who->id, sizeof entries[i].person) != 0)
            entries[left++] = entries[i];
    if (error == OUTBOX_OK && left < list.count)
        error = write_list(box, contract, &(privacy_list){left, entries});
    batch_buffer_release(&value);
    error = error == OUTBOX_ABSENT ? OUTBOX_OK : error;
    if (error != OUTBOX_OK)
        outbox_spoil(box, error);
    return error;
}
