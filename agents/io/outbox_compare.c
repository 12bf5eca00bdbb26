/*
 * outbox_compare: what the hub holds of a scope against `held`: digests of buckets, then the lists of those that
 * differ. A bucket's share of a contract's pages is read and written at a time, so that memory and writing stay small.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_base.h"

/* Values of `resync`. */
enum { COMPARED = 0, TO_COMPARE = 1, HAS_DIFFERED = 2 };

/* Is the scope where the hub's answer stands, with nothing under way? ABSENT: no. */
static outbox_error stands(outbox *self, text_view name, uint64_t incarnation, uint64_t sequence)
{
    outbox_scope scope;
    outbox_error error = outbox_scope_load(self, name, &scope);
    if (error != OUTBOX_OK)
        return error;
    bool same = scope.incarnation == incarnation && scope.queued == sequence && scope.acknowledged == sequence;
    return same ? OUTBOX_OK : OUTBOX_ABSENT;
}

/* Adds what is held in a contract to the digests. What the hub refused, or has from a batch not known, is not among it. */
static outbox_error digest(outbox *self, text_view contract, uint8_t digests[WIRE_BUCKETS][WIRE_DIGEST])
{
    outbox_held *held;
    const difference_entry *entry;
    outbox_error error = outbox_held_open(self, contract, &held);
    if (error != OUTBOX_OK)
        return error;
    while ((error = outbox_held_next(held, &entry)) == OUTBOX_OK) {
        if (entry->sequence == 0)
            continue;
        wire_held what = {.contract = contract, .incarnation = entry->incarnation, .sequence = entry->sequence};
        memcpy(what.key, entry->key, RECORD_KEY);
        wire_digest_toggle(digests[entry->key[0]], &what);
    }
    outbox_held_close(&held);
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}

outbox_error outbox_compare(outbox *self, text_view scope, uint64_t incarnation, uint64_t sequence,
                            const uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST], uint8_t differs[WIRE_BUCKETS / 8])
{
    uint8_t own[WIRE_BUCKETS][WIRE_DIGEST] = {{0}};
    char(*names)[RECORD_NAME_MAX + 1] = NULL;
    size_t count = 0;
    outbox_error error = stands(self, scope, incarnation, sequence);
    if (error == OUTBOX_OK)
        error = outbox_held_contracts(self, scope, &names, &count);
    for (size_t i = 0; i < count && error == OUTBOX_OK; i++)
        error = digest(self, text_of(names[i]), own);
    free(names);
    memset(differs, 0, WIRE_BUCKETS / 8);
    for (unsigned bucket = 0; bucket < WIRE_BUCKETS; bucket++)
        if (memcmp(own[bucket], digests + bucket * WIRE_DIGEST, WIRE_DIGEST) != 0)
            differs[bucket / 8] |= (uint8_t)(1U << bucket % 8);
    return error;
}

/* Entries that grow; a failure sticks. */
typedef struct {
    difference_entry *items;
    size_t count, room;
    bool failed;
} entries;

static void add(entries *to, const difference_entry *one, size_t count)
{
    if (to->count + count > to->room && !to->failed) {
        size_t room = 2 * to->room + count + OUTBOX_PAGE_ENTRIES;
        difference_entry *more = realloc(to->items, room * sizeof *more);
        to->failed = more == NULL;
        if (!to->failed) {
            to->items = more;
            to->room = room;
        }
    }
    if (to->failed)
        return;
    memcpy(to->items + to->count, one, count * sizeof *one);
    to->count += count;
}

/* One contract's share of a listing. */
typedef struct {
    outbox *box;
    const outbox_listing *listing;
    text_view contract;
    sqlite3_int64 generation;
    uint64_t known; /* see outbox_form */
    uint8_t last[RECORD_KEY]; /* of the interval of keys, included */
    entries before, after;
    uint8_t (*pages)[RECORD_KEY]; /* first keys of those that hold the interval */
    size_t page_count;
    bool changed, differs;
} share;

/* Reads a page into `before`; *beyond: it begins after the interval, and is not read. */
static outbox_error take_page(share *self, difference_entry *page, size_t count, bool *beyond)
{
    *beyond = memcmp(page[0].key, self->last, RECORD_KEY) > 0;
    if (*beyond)
        return OUTBOX_OK;
    void *more = realloc(self->pages, (self->page_count + 1) * sizeof *self->pages);
    if (more == NULL)
        return OUTBOX_NO_MEMORY;
    self->pages = more;
    memcpy(self->pages[self->page_count++], page[0].key, RECORD_KEY);
    add(&self->before, page, count);
    return self->before.failed ? OUTBOX_NO_MEMORY : OUTBOX_OK;
}

/* The pages that hold keys of the interval. */
static outbox_error read_pages(share *self)
{
    uint8_t first[RECORD_KEY] = {(uint8_t)self->listing->bucket};
    difference_entry *page = NULL;
    size_t count = 0;
    bool beyond = false;
    if (self->listing->after != NULL)
        memcpy(first, self->listing->after, RECORD_KEY);
    outbox_error error = outbox_held_page_of(self->box, self->contract, self->generation, first, &page, &count);
    if (error == OUTBOX_ABSENT)
        error = outbox_held_page_after(self->box, self->contract, self->generation, NULL, &page, &count);
    while (error == OUTBOX_OK && !beyond) {
        memcpy(first, page[0].key, RECORD_KEY);
        error = take_page(self, page, count, &beyond);
        free(page);
        page = NULL;
        if (error == OUTBOX_OK && !beyond)
            error = outbox_held_page_after(self->box, self->contract, self->generation, first, &page, &count);
    }
    free(page);
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}

static bool in_interval(const share *self, const uint8_t key[RECORD_KEY])
{
    if (key[0] != self->listing->bucket || memcmp(key, self->last, RECORD_KEY) > 0)
        return false;
    return self->listing->after == NULL || memcmp(key, self->listing->after, RECORD_KEY) > 0;
}

/* The hub has a record that we hold: by the same batch, or what does it say? */
static void merge_both(share *self, const difference_entry *own, const wire_held *hub)
{
    static const uint8_t unknown[CRYPTO_SHORT_HASH];
    difference_entry entry = *own;
    entry.incarnation = hub->incarnation;
    entry.sequence = hub->sequence;
    bool same = own->incarnation == hub->incarnation && own->sequence == hub->sequence;
    /* Of before the batches were written down beside the entries: ours, if it is from our own first chain. */
    bool ours = own->sequence == 0 && hub->incarnation == 1 && hub->sequence <= self->known;
    if (!same && !ours && memcmp(own->content, unknown, CRYPTO_SHORT_HASH) != 0) {
        memset(entry.content, 0, CRYPTO_SHORT_HASH);
        self->differs = true;
    }
    self->changed = self->changed || !same;
    add(&self->after, &entry, 1);
}

static void merge_hub_only(share *self, const wire_held *hub)
{
    difference_entry entry = {.incarnation = hub->incarnation, .sequence = hub->sequence};
    memcpy(entry.key, hub->key, RECORD_KEY);
    add(&self->after, &entry, 1);
    self->changed = self->differs = true;
}

/* The hub has it not: refused, as we know, or lost. */
static void merge_own_only(share *self, const difference_entry *own)
{
    static const uint8_t unknown[CRYPTO_SHORT_HASH];
    if (own->sequence == 0 && memcmp(own->content, unknown, CRYPTO_SHORT_HASH) == 0)
        add(&self->after, own, 1);
    else
        self->changed = self->differs = true;
}

static const wire_held *next_listed(const share *self, unsigned *at)
{
    while (*at < self->listing->record_count && !text_equal(self->listing->records[*at].contract, self->contract))
        ++*at;
    return *at < self->listing->record_count ? &self->listing->records[*at] : NULL;
}

static void merge(share *self)
{
    unsigned at = 0;
    const wire_held *hub = next_listed(self, &at);
    for (size_t i = 0; i < self->before.count; i++) {
        const difference_entry *own = &self->before.items[i];
        for (; hub != NULL && memcmp(hub->key, own->key, RECORD_KEY) < 0; at++, hub = next_listed(self, &at))
            merge_hub_only(self, hub);
        if (!in_interval(self, own->key)) {
            add(&self->after, own, 1);
        } else if (hub != NULL && memcmp(hub->key, own->key, RECORD_KEY) == 0) {
            merge_both(self, own, hub);
            at++;
            hub = next_listed(self, &at);
        } else {
            merge_own_only(self, own);
        }
    }
    for (; hub != NULL; at++, hub = next_listed(self, &at))
        merge_hub_only(self, hub);
}

static outbox_error write_pages(share *self)
{
    /* Also for a contract of which we knew nothing, or not of which scope it is. */
    outbox_error error =
        outbox_held_save_generation(self->box, self->listing->scope, self->contract, self->generation);
    for (size_t i = 0; i < self->page_count && error == OUTBOX_OK; i++)
        error = outbox_held_forget_page(self->box, self->contract, self->generation, self->pages[i]);
    for (size_t at = 0; at < self->after.count && error == OUTBOX_OK; at += OUTBOX_PAGE_ENTRIES) {
        size_t left = self->after.count - at;
        error = outbox_held_add_page(self->box, self->contract, self->generation, self->after.items + at,
                                     left < OUTBOX_PAGE_ENTRIES ? left : OUTBOX_PAGE_ENTRIES);
    }
    return error;
}

static outbox_error reconcile(outbox *self, const outbox_listing *listing, text_view contract, uint64_t known,
                              bool *differs)
{
    share work = {.box = self, .listing = listing, .contract = contract, .known = known};
    memset(work.last, 0xff, RECORD_KEY);
    work.last[0] = (uint8_t)listing->bucket;
    if (listing->more)
        memcpy(work.last, listing->records[listing->record_count - 1].key, RECORD_KEY);
    outbox_error error = outbox_held_generation(self, contract, &work.generation);
    if (error == OUTBOX_OK)
        error = read_pages(&work);
    if (error == OUTBOX_OK)
        merge(&work);
    if (error == OUTBOX_OK && work.after.failed)
        error = OUTBOX_NO_MEMORY;
    if (error == OUTBOX_OK && work.changed)
        error = write_pages(&work);
    *differs = *differs || work.differs;
    free(work.before.items);
    free(work.after.items);
    free(work.pages);
    return error;
}

/* Has the contract of that record come before it in the listing, or is it one that we know of? */
static bool is_new_contract(const outbox_listing *listing, unsigned index, char (*names)[RECORD_NAME_MAX + 1],
                            size_t count)
{
    text_view contract = listing->records[index].contract;
    for (size_t i = 0; i < count; i++)
        if (text_is(contract, names[i]))
            return false;
    for (unsigned i = index; i > 0; i--)
        if (text_equal(contract, listing->records[i - 1].contract))
            return false;
    return true;
}

static outbox_error set_resync(outbox *self, text_view scope, int value)
{
    outbox_error error;
    sqlite3_stmt *set = outbox_statement(self, OUTBOX_SQL_RESYNC, &error);
    if (set == NULL)
        return outbox_fails(self, error);
    outbox_bind_text(set, 1, scope);
    sqlite3_bind_int64(set, 2, value);
    return outbox_run(self, set);
}

/* Two columns of a scope that the comparison alone reads. */
static outbox_error load(outbox *self, text_view scope, uint64_t *known, int *resync)
{
    sqlite3_stmt *row = NULL;
    int result = sqlite3_prepare_v2(self->db, "SELECT coalesce(known, 0), resync FROM scope WHERE name = ?1", -1, &row,
                                    NULL);
    if (result == SQLITE_OK) {
        outbox_bind_text(row, 1, scope);
        result = sqlite3_step(row);
    }
    *known = result == SQLITE_ROW ? outbox_column_number(row, 0) : 0;
    *resync = result == SQLITE_ROW ? sqlite3_column_int(row, 1) : COMPARED;
    sqlite3_finalize(row);
    return outbox_result(self, result);
}

outbox_error outbox_reconcile(outbox *self, const outbox_listing *listing)
{
    assert(self->in_transaction);
    char(*names)[RECORD_NAME_MAX + 1] = NULL;
    size_t count = 0;
    uint64_t known = 0;
    int resync = COMPARED;
    bool differs = false;
    outbox_error error = stands(self, listing->scope, listing->incarnation, listing->sequence);
    if (error == OUTBOX_ABSENT)
        return error;
    if (error == OUTBOX_OK)
        error = load(self, listing->scope, &known, &resync);
    if (error == OUTBOX_OK)
        error = outbox_held_contracts(self, listing->scope, &names, &count);
    for (size_t i = 0; i < count && error == OUTBOX_OK; i++)
        error = reconcile(self, listing, text_of(names[i]), known, &differs);
    for (unsigned i = 0; i < listing->record_count && error == OUTBOX_OK; i++)
        if (is_new_contract(listing, i, names, count))
            error = reconcile(self, listing, listing->records[i].contract, known, &differs);
    free(names);
    if (error == OUTBOX_OK && differs && resync != HAS_DIFFERED)
        error = set_resync(self, listing->scope, HAS_DIFFERED);
    return error == OUTBOX_OK ? OUTBOX_OK : outbox_fails(self, error);
}

outbox_error outbox_resynced(outbox *self, text_view scope)
{
    assert(self->in_transaction);
    uint64_t known;
    int resync;
    outbox_error error = load(self, scope, &known, &resync);
    if (error == OUTBOX_OK && resync == TO_COMPARE)
        error = outbox_note_forget(self, scope);
    return error == OUTBOX_OK ? set_resync(self, scope, COMPARED) : outbox_fails(self, error);
}
