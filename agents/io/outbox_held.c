/*
 * outbox_held: what the hub holds of us in a contract, as pages of sorted entries. A rewrite is a new generation of pages: the old one can be read
 * meanwhile, and goes when the new one is whole.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_base.h"

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
    text_view scope, contract;
    sqlite3_int64 generation;
    size_t count;
    bool any;
    uint8_t last[RECORD_KEY];
    difference_entry entries[OUTBOX_PAGE_ENTRIES];
};

outbox_error outbox_held_generation(outbox *self, text_view contract, sqlite3_int64 *generation)
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

outbox_error outbox_held_save_generation(outbox *self, text_view scope, text_view contract, sqlite3_int64 generation)
{
    outbox_error error;
    sqlite3_stmt *save = outbox_statement(self, OUTBOX_SQL_GENERATION_SAVE, &error);
    if (save == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(save, 1, contract);
    sqlite3_bind_int64(save, 2, generation);
    outbox_bind_text(save, 3, scope);
    return outbox_run(self, save);
}

outbox_error outbox_held_contracts(outbox *self, text_view scope, char (**names)[RECORD_NAME_MAX + 1], size_t *count)
{
    outbox_error error;
    size_t room = 0;
    *names = NULL;
    *count = 0;
    sqlite3_stmt *row = outbox_statement(self, OUTBOX_SQL_GENERATIONS_OF, &error);
    if (row == NULL)
        return error;
    outbox_bind_text(row, 1, scope);
    int result;
    while (error == OUTBOX_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
        if (*count == room) {
            void *more = realloc(*names, (room = 2 * room + 8) * sizeof **names);
            error = more == NULL ? OUTBOX_NO_MEMORY : OUTBOX_OK;
            if (more != NULL)
                *names = more;
        }
        if (error == OUTBOX_OK && !text_copy((*names)[*count], sizeof **names, outbox_column(row, 0)))
            error = outbox_result(self, SQLITE_CORRUPT);
        else if (error == OUTBOX_OK)
            (*count)++;
    }
    if (error == OUTBOX_OK)
        error = outbox_result(self, result);
    sqlite3_reset(row);
    if (error != OUTBOX_OK) {
        free(*names);
        *names = NULL;
    }
    return error;
}

/* A copy of the page on which the statement stands, and its end. */
static outbox_error copy_page(outbox *self, sqlite3_stmt *row, int result, difference_entry **entries, size_t *count)
{
    outbox_error error = outbox_result(self, result);
    text_view page = {NULL, 0};
    if (result == SQLITE_ROW) {
        page = outbox_column(row, 1);
        if (page.size == 0 || page.size % OUTBOX_ENTRY_BYTES != 0)
            error = outbox_result(self, SQLITE_CORRUPT);
    } else if (error == OUTBOX_OK) {
        error = OUTBOX_ABSENT;
    }
    *count = page.size / OUTBOX_ENTRY_BYTES;
    *entries = error == OUTBOX_OK ? malloc(page.size) : NULL;
    if (*entries != NULL)
        memcpy(*entries, page.at, page.size);
    else if (error == OUTBOX_OK)
        error = OUTBOX_NO_MEMORY;
    sqlite3_reset(row);
    return error;
}

outbox_error outbox_held_page_after(outbox *self, text_view contract, sqlite3_int64 generation, const uint8_t *after,
                                    difference_entry **entries, size_t *count)
{
    outbox_error error;
    *entries = NULL;
    sqlite3_stmt *row = outbox_statement(self, OUTBOX_SQL_PAGE_AFTER, &error);
    if (row == NULL)
        return error;
    outbox_bind_text(row, 1, contract);
    sqlite3_bind_int64(row, 2, generation);
    outbox_bind_blob(row, 3, after, after == NULL ? 0 : RECORD_KEY);
    return copy_page(self, row, sqlite3_step(row), entries, count);
}

outbox_error outbox_held_page_of(outbox *self, text_view contract, sqlite3_int64 generation,
                                 const uint8_t key[RECORD_KEY], difference_entry **entries, size_t *count)
{
    outbox_error error;
    *entries = NULL;
    sqlite3_stmt *row = outbox_statement(self, OUTBOX_SQL_PAGE_OF, &error);
    if (row == NULL)
        return error;
    outbox_bind_text(row, 1, contract);
    sqlite3_bind_int64(row, 2, generation);
    outbox_bind_blob(row, 3, key, RECORD_KEY);
    return copy_page(self, row, sqlite3_step(row), entries, count);
}

outbox_error outbox_held_forget_page(outbox *self, text_view contract, sqlite3_int64 generation,
                                     const uint8_t first_key[RECORD_KEY])
{
    outbox_error error;
    sqlite3_stmt *forget = outbox_statement(self, OUTBOX_SQL_PAGE_FORGET, &error);
    if (forget == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(forget, 1, contract);
    sqlite3_bind_int64(forget, 2, generation);
    outbox_bind_blob(forget, 3, first_key, RECORD_KEY);
    return outbox_run(self, forget);
}

outbox_error outbox_held_open(outbox *self, text_view contract, outbox_held **held)
{
    static const char sql[] = "SELECT entries FROM held WHERE contract = ?1 AND generation = ?2 ORDER BY first_key";
    sqlite3_int64 generation;
    *held = NULL;
    outbox_error error = outbox_held_generation(self, contract, &generation);
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
        if (held->page.size == 0 || held->page.size % OUTBOX_ENTRY_BYTES != 0)
            return outbox_result(held->of, SQLITE_CORRUPT);
    }
    memcpy(&held->entry, held->page.at + held->at, OUTBOX_ENTRY_BYTES);
    held->at += OUTBOX_ENTRY_BYTES;
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

outbox_error outbox_held_add_page(outbox *self, text_view contract, sqlite3_int64 generation,
                                  const difference_entry *entries, size_t count)
{
    outbox_error error;
    sqlite3_stmt *add = outbox_statement(self, OUTBOX_SQL_PAGE_ADD, &error);
    if (add == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(add, 1, contract);
    sqlite3_bind_int64(add, 2, generation);
    outbox_bind_blob(add, 3, entries[0].key, RECORD_KEY);
    outbox_bind_blob(add, 4, entries, count * OUTBOX_ENTRY_BYTES);
    return outbox_run(self, add);
}

outbox_error outbox_keep_open(outbox *self, text_view scope, text_view contract, outbox_keep **keep)
{
    assert(self->in_transaction);
    *keep = NULL;
    sqlite3_int64 before;
    outbox_error error = outbox_held_generation(self, contract, &before);
    if (error != OUTBOX_OK)
        return outbox_fails(self, error);
    outbox_keep *made = calloc(1, sizeof *made);
    if (made == NULL)
        return outbox_fails(self, OUTBOX_NO_MEMORY);
    made->to = self;
    made->scope = scope;
    made->contract = contract;
    made->generation = before + 1;
    *keep = made;
    return OUTBOX_OK;
}

static void flush(outbox_keep *keep)
{
    if (keep->count > 0)
        (void)outbox_held_add_page(keep->to, keep->contract, keep->generation, keep->entries, keep->count);
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
    (void)outbox_held_save_generation(self, ending->scope, ending->contract, ending->generation);
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

outbox_error outbox_held_set_page(outbox *self, text_view contract, sqlite3_int64 generation,
                                  const difference_entry *entries, size_t count)
{
    outbox_error error;
    sqlite3_stmt *set = outbox_statement(self, OUTBOX_SQL_PAGE_SET, &error);
    if (set == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(set, 1, contract);
    sqlite3_bind_int64(set, 2, generation);
    outbox_bind_blob(set, 3, entries[0].key, RECORD_KEY);
    outbox_bind_blob(set, 4, entries, count * OUTBOX_ENTRY_BYTES);
    return outbox_run(self, set);
}

/* Writes the entries of a page anew, as one page or, when it has grown too long, as two. */
static outbox_error replace_page(outbox *self, text_view contract, sqlite3_int64 generation,
                                 const difference_entry *entries, size_t count)
{
    size_t first = count > 2 * OUTBOX_PAGE_ENTRIES ? count / 2 : count;
    outbox_error error = outbox_held_set_page(self, contract, generation, entries, first);
    if (error == OUTBOX_OK && first < count)
        error = outbox_held_add_page(self, contract, generation, entries + first, count - first);
    return error;
}

/* Puts one among the entries, which have room for one more. The new count. */
static size_t put(difference_entry *entries, size_t count, const difference_entry *one)
{
    size_t at = 0;
    while (at < count && memcmp(entries[at].key, one->key, RECORD_KEY) < 0)
        at++;
    if (at == count || memcmp(entries[at].key, one->key, RECORD_KEY) != 0) {
        memmove(entries + at + 1, entries + at, (count - at) * sizeof *entries);
        count++;
    }
    entries[at] = *one;
    return count;
}

/* Into the pages of that generation. */
static outbox_error put_entry(outbox *self, text_view contract, sqlite3_int64 generation, const difference_entry *one)
{
    difference_entry *entries = NULL;
    size_t count = 0;
    outbox_error error = outbox_held_page_of(self, contract, generation, one->key, &entries, &count);
    if (error == OUTBOX_OK) {
        difference_entry *wider = realloc(entries, (count + 1) * sizeof *entries);
        error = wider == NULL ? OUTBOX_NO_MEMORY : OUTBOX_OK;
        entries = wider == NULL ? entries : wider;
    }
    if (error == OUTBOX_OK) {
        count = put(entries, count, one);
        error = replace_page(self, contract, generation, entries, count);
    } else if (error == OUTBOX_ABSENT) { /* before the first page, or there is none: a page of its own */
        error = outbox_held_add_page(self, contract, generation, one, 1);
    }
    free(entries);
    return error == OUTBOX_OK ? OUTBOX_OK : outbox_fails(self, error);
}

outbox_error outbox_held_spoil(outbox *self, text_view contract, const uint8_t key[RECORD_KEY])
{
    assert(self->in_transaction);
    sqlite3_int64 generation;
    difference_entry unknown = {.incarnation = 0};
    memcpy(unknown.key, key, RECORD_KEY);
    outbox_error error = outbox_held_generation(self, contract, &generation);
    return error == OUTBOX_OK ? put_entry(self, contract, generation, &unknown) : outbox_fails(self, error);
}

outbox_error outbox_held_put(outbox *self, text_view scope, text_view contract, const difference_entry *entry)
{
    assert(self->in_transaction);
    sqlite3_int64 generation;
    outbox_error error = outbox_held_generation(self, contract, &generation);
    if (error == OUTBOX_OK && generation == 0) /* nothing of the contract was ever sent */
        error = outbox_held_save_generation(self, scope, contract, ++generation);
    return error == OUTBOX_OK ? put_entry(self, contract, generation, entry) : outbox_fails(self, error);
}

outbox_error outbox_held_find(outbox *self, text_view contract, const uint8_t key[RECORD_KEY], difference_entry *entry)
{
    sqlite3_int64 generation;
    difference_entry *entries = NULL;
    size_t count = 0, at = 0;
    outbox_error error = outbox_held_generation(self, contract, &generation);
    if (error == OUTBOX_OK)
        error = outbox_held_page_of(self, contract, generation, key, &entries, &count);
    while (error == OUTBOX_OK && at < count && memcmp(entries[at].key, key, RECORD_KEY) != 0)
        at++;
    if (error == OUTBOX_OK && at < count)
        *entry = entries[at];
    else if (error == OUTBOX_OK)
        error = OUTBOX_ABSENT;
    free(entries);
    return error;
}
