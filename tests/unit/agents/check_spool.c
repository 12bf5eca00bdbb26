/* What an export keeps when memory is too small for it: items in a row (spool), in the order of their keys (sorter), blocks on disk
 * (spill), and which of very many came twice (repeats). */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto.h"
#include "repeats.h"
#include "sorter.h"
#include "spill.h"

enum { MANY = 100 * 1000, STORE_BLOCKS = 4096 };

static arena *memory;
static void start(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    memory = arena_new((size_t)512 << 20);
}
static void end(void) { arena_destroy(&memory); }

/* A store in memory, of which a call may fail. */
typedef struct {
    spool_store store;
    char *blocks[STORE_BLOCKS];
    uint64_t count, calls, fails; /* fails: number of the call from which on all fail; 0: none */
} shelf;

static bool shelf_put(spool_store *store, const void *block, uint64_t *number)
{
    shelf *self = (shelf *)store;
    if (++self->calls == self->fails || self->count == STORE_BLOCKS)
        return false;
    self->blocks[self->count] = malloc(SPOOL_BLOCK);
    memcpy(self->blocks[self->count], block, SPOOL_BLOCK);
    *number = self->count++;
    return true;
}

static bool shelf_get(spool_store *store, uint64_t number, void *block)
{
    shelf *self = (shelf *)store;
    if (++self->calls == self->fails)
        return false;
    memcpy(block, self->blocks[number], SPOOL_BLOCK);
    return true;
}

static void shelf_clear(shelf *self, uint64_t fails)
{
    for (uint64_t i = 0; i < self->count; i++)
        free(self->blocks[i]);
    *self = (shelf){.store = {.put = shelf_put, .get = shelf_get}, .fails = fails};
}

typedef struct {
    uint8_t key[SORTER_KEY];
    uint32_t number;
    char filling[52];
} item;

static item made(uint32_t number)
{
    item one = {.number = number};
    uint64_t hash = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    memcpy(one.key, &hash, sizeof hash);
    memset(one.filling, (int)number, sizeof one.filling);
    return one;
}

/* Whole, and from a place on, twice. */
static void check_spool(spool *self, uint32_t count)
{
    char *room = spool_room(self);
    for (uint32_t first = 0; first <= count; first += count / 3 + 1) {
        spool_reader reader;
        spool_read(&reader, self, first, count, room);
        bool same = true;
        for (uint32_t i = first; i < count; i++) {
            const item *got = spool_next(&reader), wanted = made(i);
            same = same && got && memcmp(got, &wanted, sizeof wanted) == 0;
        }
        ck_assert(same && spool_next(&reader) == NULL && !spool_failed(self));
    }
}

START_TEST(a_spool_gives_what_it_got)
{
    static shelf store;
    static const uint32_t counts[] = {0, 1, SPOOL_BLOCK / sizeof(item), SPOOL_BLOCK / sizeof(item) + 1, 5000, MANY};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (int stored = 0; stored < 2; stored++) {
            spool self;
            shelf_clear(&store, 0);
            arena_clear(memory);
            spool_init(&self, memory, stored ? &store.store : NULL, sizeof(item));
            bool added = true;
            for (uint32_t k = 0; k < counts[i]; k++) {
                item one = made(k);
                added = added && spool_add(&self, &one);
            }
            ck_assert(added && self.count == counts[i]);
            check_spool(&self, counts[i]);
            ck_assert(stored ? (store.count > 0) == (counts[i] == MANY) : store.count == 0);
            ck_assert(!stored || arena_used(memory) < (size_t)(SPOOL_MEMORY_BLOCKS + 16) * SPOOL_BLOCK);
        }
    }
    shelf_clear(&store, 0);
}
END_TEST

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, SORTER_KEY);
}

/* Adds items, of some keys several, and reads them in order, twice. False: it failed, and said so. */
static bool sort(sorter *self, const item *all, const item *sorted, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!sorter_add(self, &all[i]))
            return false;
    if (!sorter_end(self))
        return false;
    for (int time = 0; time < 2; time++) {
        uint64_t numbers = 0;
        if (!sorter_start(self))
            return false;
        for (uint32_t i = 0; i < count; i++) {
            const item *got = sorter_next(self);
            if (!got && sorter_failed(self))
                return false;
            ck_assert_msg(got && memcmp(got->key, sorted[i].key, SORTER_KEY) == 0, "item %u of %u", i, count);
            numbers += got->number;
        }
        ck_assert(sorter_next(self) == NULL);
        if (sorter_failed(self))
            return false;
        ck_assert_uint_eq(numbers, (uint64_t)count * (count - 1) / 2);
    }
    return true;
}

START_TEST(a_sorter_gives_what_it_got_in_order)
{
    static shelf store;
    static const uint32_t counts[] = {1, 2, 700, SORTER_RUN, SORTER_RUN + 1, MANY};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (int kind = 0; kind < 4; kind++) { /* of good keys, of some that come again, of one alone; without a store */
            item *all = malloc(counts[i] * sizeof *all), *sorted = malloc(counts[i] * sizeof *all);
            for (uint32_t k = 0; k < counts[i]; k++) {
                item other = made(kind == 1 ? k % 1000 : 0);
                sorted[k] = made(k);
                if (kind == 1 || kind == 2)
                    memcpy(sorted[k].key, other.key, SORTER_KEY);
                all[k] = sorted[k];
            }
            qsort(sorted, counts[i], sizeof *sorted, by_key);
            sorter self;
            shelf_clear(&store, 0);
            arena_clear(memory);
            sorter_init(&self, memory, kind == 3 ? NULL : &store.store, sizeof(item));
            ck_assert(sort(&self, all, sorted, counts[i]));
            ck_assert((store.count > 0) == (kind < 3 && counts[i] > SORTER_RUN));
            free(all);
            free(sorted);
        }
    }
    shelf_clear(&store, 0);
}
END_TEST

/* Whichever call of the store fails: the sorter says so, and gives nothing wrong. */
START_TEST(a_store_that_fails_is_told)
{
    static shelf store;
    item *all = malloc(MANY * sizeof *all), *sorted = malloc(MANY * sizeof *all);
    for (uint32_t k = 0; k < MANY; k++)
        all[k] = sorted[k] = made(k);
    qsort(sorted, MANY, sizeof *sorted, by_key);
    uint64_t fails = 1;
    for (bool whole = false; !whole; fails += 97) {
        sorter self;
        shelf_clear(&store, fails);
        arena_clear(memory);
        sorter_init(&self, memory, &store.store, sizeof(item));
        whole = sort(&self, all, sorted, MANY);
        ck_assert(whole == (store.calls < fails) && whole != sorter_lost(&self));
    }
    ck_assert_uint_gt(fails, 500);
    shelf_clear(&store, 0);
    free(all);
    free(sorted);
}
END_TEST

START_TEST(little_memory_is_told)
{
    item *all = malloc(MANY * sizeof *all);
    for (uint32_t k = 0; k < MANY; k++)
        all[k] = made(k);
    bool whole = false;
    for (size_t limit = 0; !whole; limit += (size_t)300 << 10) {
        sorter self;
        arena_destroy(&memory);
        memory = arena_new(limit);
        sorter_init(&self, memory, NULL, sizeof(item));
        bool added = true;
        for (uint32_t k = 0; k < MANY && added; k++)
            added = sorter_add(&self, &all[k]);
        whole = added && sorter_end(&self) && sorter_start(&self);
        ck_assert(whole != sorter_failed(&self) && !sorter_lost(&self));
    }
    free(all);
}
END_TEST

/* The bytes of the one file of the home that has no name. */
static size_t read_unnamed(const char *folder, char *to, size_t room)
{
    DIR *open_files = opendir("/proc/self/fd");
    size_t got = 0;
    for (struct dirent *entry; (entry = readdir(open_files)) != NULL;) {
        char link[300], target[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
        ssize_t size = readlink(link, target, sizeof target - 1);
        target[size > 0 ? size : 0] = '\0';
        if (size > 0 && strncmp(target, folder, strlen(folder)) == 0 && strstr(target, "(deleted)"))
            got = (size_t)pread(atoi(entry->d_name), to, room, 0);
    }
    closedir(open_files);
    return got;
}

START_TEST(a_spill_is_unreadable_and_without_a_name)
{
    char path[] = "/tmp/ctai-spill-XXXXXX", block[SPOOL_BLOCK], again[SPOOL_BLOCK];
    home folder;
    ck_assert_ptr_nonnull(mkdtemp(path));
    ck_assert_int_eq(home_open(&folder, path), HOME_OK);
    spill *self = spill_new(&folder);
    ck_assert_ptr_nonnull(self);
    spool_store *store = spill_store(self);
    uint64_t numbers[3];
    for (int i = 0; i < 3; i++) {
        memset(block, 'A' + i, sizeof block);
        ck_assert(store->put(store, block, &numbers[i]));
    }
    for (int i = 2; i >= 0; i--) {
        memset(block, 'A' + i, sizeof block);
        ck_assert(store->get(store, numbers[i], again));
        ck_assert_mem_eq(block, again, sizeof block);
    }
    static char raw[4 * SPOOL_BLOCK];
    size_t size = read_unnamed(path, raw, sizeof raw), counts[256] = {0}, most = 0;
    ck_assert_uint_eq(size, 3 * SPOOL_BLOCK);
    for (size_t i = 0; i < size; i++)
        if (++counts[(uint8_t)raw[i]] > most)
            most = counts[(uint8_t)raw[i]];
    ck_assert_uint_lt(most, size / 128); /* of 256 values none is twice as frequent as it should be */
    ck_assert(memcmp(raw, raw + SPOOL_BLOCK, SPOOL_BLOCK) != 0);
    spill_destroy(&self);
    ck_assert_ptr_null(self);
    home_close(&folder);
    ck_assert_int_eq(rmdir(path), 0); /* nothing was left in it */
}
END_TEST

START_TEST(what_came_twice_is_known)
{
    repeats self;
    ck_assert(repeats_init(&self, memory, MANY));
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t hash = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
        repeats_add(&self, hash * UINT64_C(0xBF58476D1CE4E5B9));
        if (i % 10 == 0)
            repeats_add(&self, hash * UINT64_C(0xBF58476D1CE4E5B9));
    }
    size_t missed = 0, wrong = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t hash = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
        bool said = repeats_has(&self, hash * UINT64_C(0xBF58476D1CE4E5B9));
        missed += i % 10 == 0 && !said;
        wrong += i % 10 != 0 && said;
    }
    ck_assert_uint_eq(missed, 0);
    ck_assert_uint_lt(wrong, MANY / 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spool");
    TCase *tests = tcase_create("spool");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, start, end);
    tcase_add_test(tests, a_spool_gives_what_it_got);
    tcase_add_test(tests, a_sorter_gives_what_it_got_in_order);
    tcase_add_test(tests, a_store_that_fails_is_told);
    tcase_add_test(tests, little_memory_is_told);
    tcase_add_test(tests, a_spill_is_unreadable_and_without_a_name);
    tcase_add_test(tests, what_came_twice_is_known);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
