/*
 * outbox_held: what the hub holds of us in a contract, as pages of sorted entries, and the values
 * that other modules keep here. A rewrite is a new generation of pages: the old one can be read
 * meanwhile, and goes when the new one is whole.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_base.h"

enum { ENTRY_BYTES = RECORD_KEY + CRYPTO_SHORT_HASH };
_Static_assert(sizeof(difference_entry) == ENTRY_BYTES, "entries are packed in pages as they are in memory");

struct outbox_held {
    outbox *of;
    sqlite3_stmt *pages;
    text_view page;
    size_t at; /* bytes of the page that are read */
    difference_entry entry, before;
    bool any;
};

struct outbox_keep {
    outbox *to;
    text_view contract;
    sqlite3_int64 generation;
    size_t count;
    bool any;
    uint8_t last[RECORD_KEY];
    difference_entry entries[OUTBOX_PAGE_ENTRIES];
};

static outbox_error generation_of(outbox *self, text_view contract, sqlite3_int64 *generation)
{
    outbox_error error;
    *generation = 0;
    sqlite3_stmt *row = outbox_statement(self, OUTBOX_SQL_GENERATION, &error);
    if (row == NULL)
        return error;
    outbox_bind_text(row, 1, contract);
    int result = sqlite3_step(row);
    if (result == SQLITE_ROW)
        *generation = sqlite3_column_int64(row, 0);
    sqlite3_reset(row);
    return outbox_result(self, result);
}

static outbox_error save_generation(outbox *self, text_view contract, sqlite3_int64 generation)
{
    outbox_error error;
    sqlite3_stmt *save = outbox_statement(self, OUTBOX_SQL_GENERATION_SAVE, &error);
    if (save == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(save, 1, contract);
    sqlite3_bind_int64(save, 2, generation);
    return outbox_run(self, save);
}

outbox_error outbox_held_open(outbox *self, text_view contract, outbox_held **held)
{
    static const char sql[] = "SELECT entries FROM held WHERE contract = ?1 AND generation = ?2 ORDER BY first_key";
    sqlite3_int64 generation;
    *held = NULL;
    outbox_error error = generation_of(self, contract, &generation);
    if (error != OUTBOX_OK)
        return error;
    outbox_held *made = calloc(1, sizeof *made);
    if (made == NULL)
        return OUTBOX_NO_MEMORY;
    made->of = self;
    error = outbox_result(self, sqlite3_prepare_v2(self->db, sql, -1, &made->pages, NULL));
    if (error != OUTBOX_OK) {
        free(made);
        return error;
    }
    /* A copy, since the caller's text may be gone at the next call; without it nothing would seem to be held. */
    error = outbox_result(self, sqlite3_bind_text64(made->pages, 1, contract.at, contract.size, SQLITE_TRANSIENT, SQLITE_UTF8));
    sqlite3_bind_int64(made->pages, 2, generation);
    *held = made;
    if (error != OUTBOX_OK)
        outbox_held_close(held);
    return error;
}

outbox_error outbox_held_next(outbox_held *held, const difference_entry **entry)
{
    if (held->at == held->page.size) {
        int result = sqlite3_step(held->pages);
        if (result != SQLITE_ROW) {
            outbox_error error = outbox_result(held->of, result);
            return error == OUTBOX_OK ? OUTBOX_ABSENT : error;
        }
        held->page = outbox_column(held->pages, 0);
        held->at = 0;
        if (held->page.size == 0 || held->page.size % ENTRY_BYTES != 0)
            return outbox_result(held->of, SQLITE_CORRUPT);
    }
    memcpy(&held->entry, held->page.at + held->at, ENTRY_BYTES);
    held->at += ENTRY_BYTES;
    if (held->any && memcmp(held->before.key, held->entry.key, RECORD_KEY) >= 0)
        return outbox_result(held->of, SQLITE_CORRUPT);
    held->any = true;
    held->before = held->entry;
    *entry = &held->entry;
    return OUTBOX_OK;
}

void outbox_held_close(outbox_held **held)
{
    if (*held == NULL)
        return;
    sqlite3_finalize((*held)->pages);
    free(*held);
    *held = NULL;
}

static outbox_error add_page(outbox *self, text_view contract, sqlite3_int64 generation,
                             const difference_entry *entries, size_t count)
{
    outbox_error error;
    sqlite3_stmt *add = outbox_statement(self, OUTBOX_SQL_PAGE_ADD, &error);
    if (add == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(add, 1, contract);
    sqlite3_bind_int64(add, 2, generation);
    outbox_bind_blob(add, 3, entries[0].key, RECORD_KEY);
    outbox_bind_blob(add, 4, entries, count * ENTRY_BYTES);
    return outbox_run(self, add);
}

outbox_error outbox_keep_open(outbox *self, text_view contract, outbox_keep **keep)
{
    assert(self->in_transaction);
    *keep = NULL;
    sqlite3_int64 before;
    outbox_error error = generation_of(self, contract, &before);
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    outbox_keep *made = calloc(1, sizeof *made);
    if (made == NULL)
        return outbox_fails(self, OUTBOX_NO_MEMORY);
    made->to = self;
    made->contract = contract;
    made->generation = before + 1;
    *keep = made;
    return OUTBOX_OK;
}

static void flush(outbox_keep *keep)
{
    if (keep->count > 0)
        (void)add_page(keep->to, keep->contract, keep->generation, keep->entries, keep->count);
    keep->count = 0;
}

void outbox_keep_add(outbox_keep *keep, const difference_entry *entry)
{
    assert(!keep->any || memcmp(keep->last, entry->key, RECORD_KEY) < 0);
    keep->any = true;
    memcpy(keep->last, entry->key, RECORD_KEY);
    keep->entries[keep->count++] = *entry;
    if (keep->count == OUTBOX_PAGE_ENTRIES)
        flush(keep);
}

outbox_error outbox_keep_finish(outbox_keep **keep)
{
    outbox_keep *ending = *keep;
    *keep = NULL;
    outbox *self = ending->to;
    outbox_error error;
    flush(ending);
    (void)save_generation(self, ending->contract, ending->generation);
    sqlite3_stmt *forget = outbox_statement(self, OUTBOX_SQL_PAGES_FORGET, &error);
    if (forget == NULL) {
        (void)outbox_fails(self, error);
    } else {
        outbox_bind_text(forget, 1, ending->contract);
        sqlite3_bind_int64(forget, 2, ending->generation);
        (void)outbox_run(self, forget);
    }
    free(ending);
    return self->failed;
}

/* Writes the entries of a page anew, as one page or, when it has grown too long, as two. */
static outbox_error replace_page(outbox *self, text_view contract, sqlite3_int64 generation,
                                 const difference_entry *entries, size_t count)
{
    size_t first = count > 2 * OUTBOX_PAGE_ENTRIES ? count / 2 : count;
    outbox_error error;
    sqlite3_stmt *set = outbox_statement(self, OUTBOX_SQL_PAGE_SET, &error);
    if (set == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(set, 1, contract);
    sqlite3_bind_int64(set, 2, generation);
    outbox_bind_blob(set, 3, entries[0].key, RECORD_KEY);
    outbox_bind_blob(set, 4, entries, first * ENTRY_BYTES);
    error = outbox_run(self, set);
    if (error == OUTBOX_OK && first < count)
        error = add_page(self, contract, generation, entries + first, count - first);
    return error;
}

/* Puts the key into a copy of the page's entries, which has room for one more. The new count. */
static size_t spoil(difference_entry *entries, size_t count, const uint8_t key[RECORD_KEY])
{
    size_t at = 0;
    while (at < count && memcmp(entries[at].key, key, RECORD_KEY) < 0)
        at++;
    if (at == count || memcmp(entries[at].key, key, RECORD_KEY) != 0) {
        memmove(entries + at + 1, entries + at, (count - at) * sizeof *entries);
        memcpy(entries[at].key, key, RECORD_KEY);
        count++;
    }
    memset(entries[at].content, 0, CRYPTO_SHORT_HASH);
    return count;
}

outbox_error outbox_held_spoil(outbox *self, text_view contract, const uint8_t key[RECORD_KEY])
{
    assert(self->in_transaction);
    sqlite3_int64 generation;
    outbox_error error = generation_of(self, contract, &generation);
    sqlite3_stmt *find = error == OUTBOX_OK ? outbox_statement(self, OUTBOX_SQL_PAGE_OF, &error) : NULL;
    if (find == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(find, 1, contract);
    sqlite3_bind_int64(find, 2, generation);
    outbox_bind_blob(find, 3, key, RECORD_KEY);
    int result = sqlite3_step(find);
    text_view page = result == SQLITE_ROW ? outbox_column(find, 1) : (text_view){NULL, 0};
    error = page.size % ENTRY_BYTES == 0 ? outbox_result(self, result) : outbox_result(self, SQLITE_CORRUPT);
    size_t count = page.size / ENTRY_BYTES;
    difference_entry *entries = error == OUTBOX_OK ? calloc(count + 1, sizeof *entries) : NULL;
    if (entries != NULL && count > 0)
        memcpy(entries, page.at, page.size);
    sqlite3_reset(find);
    if (error == OUTBOX_OK && entries == NULL)
        error = OUTBOX_NO_MEMORY;
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    if (count == 0) { /* before the first page, or there is none: a page of its own */
        spoil(entries, 0, key);
        error = add_page(self, contract, generation, entries, 1);
    } else {
        count = spoil(entries, count, key);
        error = replace_page(self, contract, generation, entries, count);
    }
    free(entries);
    return error;
}

outbox_error outbox_set(outbox *self, const char *name, text_view of, text_view value)
{
    assert(self->in_transaction);
    if (value.size > OUTBOX_VALUE_MAX)
        return outbox_fails(self, OUTBOX_NO_MEMORY);
    outbox_error error;
    sqlite3_stmt *set = outbox_statement(self, OUTBOX_SQL_VALUE_SET, &error);
    if (set == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(set, 1, text_of(name));
    outbox_bind_text(set, 2, of);
    outbox_bind_blob(set, 3, value.at, value.size);
    return outbox_run(self, set);
}

outbox_error outbox_get(outbox *self, const char *name, text_view of, batch_buffer *value)
{
    outbox_error error;
    sqlite3_stmt *get = outbox_statement(self, OUTBOX_SQL_VALUE_GET, &error);
    if (get == NULL)
        return error;
    outbox_bind_text(get, 1, text_of(name));
    outbox_bind_text(get, 2, of);
    int result = sqlite3_step(get);
    if (result == SQLITE_ROW) {
        text_view found = outbox_column(get, 0);
        batch_buffer_append(value, found.at, found.size);
        error = value->failed ? OUTBOX_NO_MEMORY : OUTBOX_OK;
    } else {
        error = outbox_result(self, result);
        error = error == OUTBOX_OK ? OUTBOX_ABSENT : error;
    }
    sqlite3_reset(get);
    return error;
}

static const char CONTRACTS[] = "contrats";

outbox_error outbox_set_contracts(outbox *self, const wire_contract *contracts, unsigned count)
{
    batch_buffer bytes;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write_contracts(&bytes, contracts, count);
    outbox_error error = bytes.failed
        ? outbox_fails(self, OUTBOX_NO_MEMORY)
        : outbox_set(self, CONTRACTS, (text_view){NULL, 0}, (text_view){(const char *)bytes.data, bytes.size});
    batch_buffer_release(&bytes);
    return error;
}

outbox_error outbox_contracts(outbox *self, arena *from, wire_contract **contracts, unsigned *count)
{
    *contracts = NULL;
    *count = 0;
    batch_buffer bytes;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    outbox_error error = outbox_get(self, CONTRACTS, (text_view){NULL, 0}, &bytes);
    if (error == OUTBOX_OK) {
        /* Views point into the bytes, so these must live as long. */
        char *kept = arena_text(from, (text_view){(const char *)bytes.data, bytes.size});
        if (kept == NULL)
            error = OUTBOX_NO_MEMORY;
        else if (!wire_read_contracts(contracts, count, from, (text_view){kept, bytes.size}))
            error = arena_short(from) ? OUTBOX_NO_MEMORY : outbox_result(self, SQLITE_CORRUPT);
    }
    batch_buffer_release(&bytes);
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}
