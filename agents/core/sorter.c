/* sorter: see sorter.h. Sorting moves no item: what is sorted is the first 8 bytes of each key with its item's number. */
#include "sorter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 512, BUCKET_MAX = 16, BITS_MAX = 13 };
_Static_assert(SORTER_RUN % CHUNK == 0, "a run is whole chunks");

typedef struct sorter_place {
    uint64_t prefix;
    const char *item;
} sorter_place;

struct sorter_run {
    spool_reader from;
    uint64_t prefix;
    const char *item; /* its next */
};

void sorter_init(sorter *self, arena *from, spool_store *store, size_t item_size)
{
    assert(item_size >= SORTER_KEY);
    *self = (sorter){.from = from, .item_size = item_size};
    arena_vector_init(&self->chunks, from, sizeof(char *));
    arena_vector_init(&self->ends, from, sizeof(uint64_t));
    spool_init(&self->runs, from, store, item_size);
}

static uint64_t prefix_of(const char *item)
{
    uint64_t prefix;
    memcpy(&prefix, item, sizeof prefix);
    return __builtin_bswap64(prefix);
}

static char *held_at(const sorter *self, size_t number)
{
    return ((char *const *)self->chunks.items)[number / CHUNK] + number % CHUNK * self->item_size;
}

static int compare(const sorter_place *a, const sorter_place *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    return memcmp(a->item, b->item, SORTER_KEY);
}

static int by_place(const void *a, const void *b)
{
    return compare(a, b);
}

static void sort_few(sorter_place *all, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        sorter_place one = all[i];
        size_t at = i;
        for (; at > 0 && compare(&one, &all[at - 1]) < 0; at--)
            all[at] = all[at - 1];
        all[at] = one;
    }
}

/* The memory that sorting takes, once. */
static bool make_room(sorter *self)
{
    size_t room = self->held == SORTER_RUN ? SORTER_RUN : self->held + 1; /* a shorter one is the last, and then the only one */
    if (self->starts)
        return true;
    self->starts = arena_take(self->from, (((size_t)1 << BITS_MAX) + 1) * sizeof *self->starts);
    self->order = arena_take(self->from, room * sizeof *self->order);
    self->spare = arena_take(self->from, room * sizeof *self->spare);
    self->no_memory = !self->starts || !self->order || !self->spare;
    return !self->no_memory;
}

/* Puts what is held in order: into buckets by the first bits of the key, then each bucket for itself. */
static bool sort_held(sorter *self)
{
    unsigned bits = 1;
    while (bits < BITS_MAX && ((size_t)4 << bits) < self->held)
        bits++;
    size_t buckets = (size_t)1 << bits;
    if (!make_room(self))
        return false;
    memset(self->starts, 0, (buckets + 1) * sizeof *self->starts);
    for (size_t i = 0; i < self->held; i++) {
        const char *item = held_at(self, i);
        self->spare[i] = (sorter_place){prefix_of(item), item};
        self->starts[(self->spare[i].prefix >> (64 - bits)) + 1]++;
    }
    for (size_t i = 0; i < buckets; i++)
        self->starts[i + 1] += self->starts[i];
    for (size_t i = 0; i < self->held; i++)
        self->order[self->starts[self->spare[i].prefix >> (64 - bits)]++] = self->spare[i];
    for (size_t i = 0, start = 0; i < buckets; start = self->starts[i++]) {
        size_t count = self->starts[i] - start;
        if (count > BUCKET_MAX)
            qsort(self->order + start, count, sizeof *self->order, by_place);
        else
            sort_few(self->order + start, count);
    }
    return true;
}

/* What is held becomes a run. */
static bool write_run(sorter *self)
{
    if (!sort_held(self))
        return false;
    for (size_t i = 0; i < self->held; i++)
        if (!spool_add(&self->runs, self->order[i].item))
            return false;
    uint64_t *end = arena_vector_add(&self->ends);
    self->no_memory = end == NULL;
    if (end)
        *end = self->runs.count;
    self->held = 0;
    return end != NULL;
}

bool sorter_add(sorter *self, const void *item)
{
    assert(!self->ended);
    if (sorter_failed(self) || (self->held == SORTER_RUN && !write_run(self)))
        return false;
    if (self->held == self->chunks.count * CHUNK) {
        char *items = arena_take(self->from, CHUNK * self->item_size);
        char **chunk = items ? arena_vector_add(&self->chunks) : NULL;
        self->no_memory = chunk == NULL;
        if (!chunk)
            return false;
        *chunk = items;
    }
    memcpy(held_at(self, self->held++), item, self->item_size);
    self->count++;
    return true;
}

bool sorter_end(sorter *self)
{
    assert(!self->ended);
    self->ended = true;
    return !sorter_failed(self) && sort_held(self);
}

static bool is_before(const sorter_run *a, const sorter_run *b)
{
    return a->prefix != b->prefix ? a->prefix < b->prefix : memcmp(a->item, b->item, SORTER_KEY) < 0;
}

/* Puts the head of that place where it belongs among those below. */
static void sink(sorter *self, size_t at)
{
    sorter_run *moving = self->heads[at];
    for (size_t child; (child = 2 * at + 1) < self->head_count; at = child) {
        if (child + 1 < self->head_count && is_before(self->heads[child + 1], self->heads[child]))
            child++;
        if (!is_before(self->heads[child], moving))
            break;
        self->heads[at] = self->heads[child];
    }
    self->heads[at] = moving;
}

/* Takes the run's next; false when it has none. */
static bool advance(sorter *self, sorter_run *run)
{
    if (run->from.of)
        run->item = spool_next(&run->from);
    else
        run->item = self->next_held < self->held ? self->order[self->next_held++].item : NULL;
    if (run->item)
        run->prefix = prefix_of(run->item);
    return run->item != NULL;
}

static bool make_heads(sorter *self)
{
    self->all = arena_take(self->from, (self->ends.count + 1) * sizeof *self->all);
    self->heads = arena_take(self->from, (self->ends.count + 1) * sizeof *self->heads);
    self->no_memory = !self->all || !self->heads;
    for (size_t i = 0; i < self->ends.count && !sorter_failed(self); i++)
        self->all[i].from.room = spool_room(&self->runs);
    return !sorter_failed(self);
}

bool sorter_start(sorter *self)
{
    assert(self->ended);
    const uint64_t *ends = self->ends.items;
    if (sorter_failed(self) || (!self->heads && !make_heads(self)))
        return false;
    self->head_count = self->next_held = 0;
    self->taken = false;
    for (size_t i = 0; i <= self->ends.count; i++) {
        if (i < self->ends.count)
            spool_read(&self->all[i].from, &self->runs, i > 0 ? ends[i - 1] : 0, ends[i], self->all[i].from.room);
        if (advance(self, &self->all[i]))
            self->heads[self->head_count++] = &self->all[i];
    }
    for (size_t i = self->head_count / 2; i-- > 0;)
        sink(self, i);
    return !sorter_failed(self);
}

const void *sorter_next(sorter *self)
{
    if (self->taken && self->head_count > 0) {
        if (!advance(self, self->heads[0]))
            self->heads[0] = self->heads[--self->head_count];
        if (self->head_count > 0)
            sink(self, 0);
    }
    self->taken = true;
    return self->head_count > 0 && !sorter_failed(self) ? self->heads[0]->item : NULL;
}

bool sorter_failed(const sorter *self)
{
    return self->no_memory || spool_failed(&self->runs);
}

bool sorter_lost(const sorter *self)
{
    return self->runs.lost;
}
