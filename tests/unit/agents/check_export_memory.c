/* An export with little memory: whole, or NO_MEMORY, whatever the limit; and its progress, told as the files are read. */
#include "office.h"

enum { PEOPLE = 1100, LIMIT_STEP = 24 * 1024 };

static char *persons, *events;

static void enter(void)
{
    size_t room = PEOPLE * 160 + 256, p = 0, e = 0;
    persons = malloc(room);
    events = malloc(room);
    ck_assert(persons != NULL && events != NULL);
    p += (size_t)snprintf(persons + p, room - p, OFFICE_PERSONS);
    e += (size_t)snprintf(events + e, room - e, OFFICE_EVENTS);
    for (int i = 0; i < PEOPLE; i++) {
        p += (size_t)snprintf(persons + p, room - p, "p%d;%010d;Nom%d;\xe9;1990-01-01;F;SYR;refugie;2023-06-01;m%d\n", i, i, i, i / 3);
        e += (size_t)snprintf(events + e, room - e, "e%d;2024-02-%02d;axe1;presence;p%d;1;;s%d\n", i, 1 + i % 28, i, i % 40);
    }
    ck_assert(p < room && e < room);
}

static void leave(void)
{
    free(persons);
    free(events);
}

static export_error make_within(office *self, size_t limit, void (*progress)(void *, uint64_t, uint64_t), void *data)
{
    diag_sink silent = {.emit = NULL};
    arena_destroy(&self->memory);
    self->memory = arena_new(limit);
    export_input input = {.persons = {"p.csv", text_of(persons)}, .events = {"e.csv", text_of(events)}, .contract_count = 2,
                          .contracts = self->contracts, .record_key = self->record_key, .progress = progress, .progress_data = data};
    return export_make(&self->made, &input, &silent, self->memory);
}

/* The column contrat is needed for two contracts. */
static void name_contract(void)
{
    static const char with[] = "contrat;";
    size_t size = strlen(events);
    char *named = malloc(size + PEOPLE * 8 + 64), *to = named;
    ck_assert_ptr_nonnull(named);
    const char *from = events;
    to += sprintf(to, "%s", with);
    while (*from) {
        const char *end = strchr(from, '\n') + 1;
        if (from != events)
            to += sprintf(to, "%s", from[1] % 7 == 0 ? "c3;" : "c1;");
        memcpy(to, from, (size_t)(end - from));
        to += end - from;
        from = end;
    }
    *to = '\0';
    free(events);
    events = named;
}

START_TEST(test_little_memory)
{
    office *self = office_new();
    name_contract();
    ck_assert_int_eq(make_within(self, (size_t)256 << 20, NULL, NULL), EXPORT_OK);
    size_t records = self->made.counts.ready, tried = 0;
    ck_assert_uint_gt(records, 1000);
    for (size_t limit = 0;; limit += LIMIT_STEP, tried++) {
        export_error error = make_within(self, limit, NULL, NULL);
        if (error == EXPORT_OK)
            break;
        ck_assert_int_eq(error, EXPORT_NO_MEMORY);
    }
    ck_assert_uint_eq(self->made.counts.ready, records);
    ck_assert_uint_gt(tried, 20);
    office_free(self);
}
END_TEST

/* The first bytes of memory, one by one. */
START_TEST(test_hardly_any_memory)
{
    office *self = office_new();
    name_contract();
    for (size_t limit = 0; limit < 40000; limit += 400)
        ck_assert_int_eq(make_within(self, limit, NULL, NULL), EXPORT_NO_MEMORY);
    office_free(self);
}
END_TEST

static void note(void *data, uint64_t done, uint64_t total)
{
    uint64_t *last = data;
    ck_assert_uint_le(*last, done);
    ck_assert_uint_le(done, total);
    *last = done;
}

START_TEST(test_progress)
{
    office *self = office_new();
    uint64_t last = 0;
    name_contract();
    ck_assert_int_eq(make_within(self, (size_t)256 << 20, note, &last), EXPORT_OK);
    ck_assert_uint_gt(last, 0);
    office_free(self);
}
END_TEST

/* A file of over 8 MiB, of which the export keeps no number that does not come again. */
enum { ROWS = 130 * 1000, ROW_BYTES_MAX = 96 };

static char *large_file(void)
{
    char *file = malloc((size_t)ROWS * ROW_BYTES_MAX), *to = file;
    ck_assert_ptr_nonnull(file);
    to += sprintf(to, "contrat;" OFFICE_EVENTS);
    for (int i = 0; i < ROWS; i++) {
        int number = i % 9973 == 5 ? i / 2 : i; /* some come again */
        to += sprintf(to, "%s;fait-%08d-%08d;%d-%02d-%02d;axe%d;%s;p%d;%s;;%s\n", i % 3 ? "c1" : "c2", number, number, i % 3 ? 2024 : 2025, 1 + i % 12,
                      1 + i % 29, 1 + i % 3, i % 5 ? "presence" : i % 7 ? "sortie" : "entree", i % (PEOPLE + 1), i % 11 ? "1h30" : "",
                      i % 13 ? "\"s;1\"" : "s");
    }
    ck_assert_uint_gt(to - file, 8 << 20);
    return file;
}

static long read_large(void *data, uint64_t at, char *to, size_t room)
{
    const text_view *file = data;
    size_t size = file->size - (size_t)at;
    size = size < room ? size : room;
    if (size > 0)
        memcpy(to, file->at + at, size);
    return (long)size;
}

/* A store in memory. */
typedef struct {
    spool_store store;
    char (*blocks)[SPOOL_BLOCK];
    uint64_t count;
} shelf;

static bool put(spool_store *store, const void *block, uint64_t *number)
{
    shelf *self = (shelf *)store;
    self->blocks = realloc(self->blocks, (self->count + 1) * sizeof *self->blocks);
    memcpy(self->blocks[self->count], block, SPOOL_BLOCK);
    *number = self->count++;
    return true;
}

static bool get(spool_store *store, uint64_t number, void *block)
{
    memcpy(block, ((shelf *)store)->blocks[number], SPOOL_BLOCK);
    return true;
}

/* In pieces and with a store, or whole and in memory: the same words, counts, keys, records and contributions. */
START_TEST(test_pieces_are_the_whole)
{
    char *file = large_file();
    text_view bytes = text_of(file);
    csv_source source = {read_large, &bytes};
    shelf store = {.store = {.put = put, .get = get}};
    office *whole = office_new(), *pieces = office_new();
    export_input input = {.persons = {"p.csv", text_of(persons)}, .events = {"e.csv", bytes}, .contract_count = 2,
                          .contracts = whole->contracts, .record_key = whole->record_key};
    ck_assert_int_eq(export_make(&whole->made, &input, &whole->said.sink, whole->memory), EXPORT_OK);
    input.events_source = &source;
    input.store = &store.store;
    input.events.bytes.at = NULL;
    ck_assert_int_eq(export_make(&pieces->made, &input, &pieces->said.sink, pieces->memory), EXPORT_OK);
    ck_assert(strcmp(told_text(&whole->said), told_text(&pieces->said)) == 0);
    ck_assert(strstr(told_text(&whole->said), "cet id_evenement revient") != NULL);
    ck_assert_mem_eq(&whole->made.counts, &pieces->made.counts, sizeof whole->made.counts);
    ck_assert_uint_gt(store.count, 100);
    ck_assert_uint_lt(arena_used(pieces->memory), arena_used(whole->memory) / 2);
    bool same = true;
    for (unsigned contract = 0; contract < 2; contract++) {
        const export_result *a = &whole->made.results[contract], *b = &pieces->made.results[contract];
        ck_assert_uint_eq(a->record_count, b->record_count);
        ck_assert_uint_gt(a->record_count, 10000);
        for (size_t i = 0; i < a->record_count && same; i++) {
            record one, other;
            uint8_t hash[CRYPTO_SHORT_HASH], other_hash[CRYPTO_SHORT_HASH];
            export_record(a, i, &one);
            export_record(b, i, &other);
            batch_content_hash(hash, &one, whole->record_key);
            batch_content_hash(other_hash, &other, whole->record_key);
            same = memcmp(hash, other_hash, sizeof hash) == 0;
        }
        size_t i = 0;
        for (export_contribution one, other; export_contribution_at(a, i, &one) && same; i++)
            same = export_contribution_at(b, i, &other) && memcmp(one.event, other.event, RECORD_KEY) == 0
                && memcmp(one.subject, other.subject, RECORD_KEY) == 0 && one.day == other.day && one.flags == other.flags;
        ck_assert(same && i > 10000);
        export_contribution own, listed;
        size_t owned = 0; /* nothing stood: those of the records are all of them */
        for (size_t n = 0; n < b->record_count && same; n++) {
            record one;
            export_record(b, n, &one);
            if (!export_contribution_of(b, n, &own))
                continue;
            same = memcmp(own.event, one.key, RECORD_KEY) == 0 && export_contribution_at(a, owned++, &listed)
                && memcmp(own.event, listed.event, RECORD_KEY) == 0 && memcmp(own.subject, listed.subject, RECORD_KEY) == 0
                && own.day == listed.day && own.flags == listed.flags;
        }
        ck_assert(same);
        ck_assert_uint_eq(owned, i);
        ck_assert_int_eq(export_failure(a), EXPORT_OK);
        ck_assert_int_eq(export_failure(b), EXPORT_OK);
    }
    office_free(whole);
    office_free(pieces);
    free(store.blocks);
    free(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("export_memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, enter, leave);
    tcase_add_test(tests, test_little_memory);
    tcase_add_test(tests, test_hardly_any_memory);
    tcase_add_test(tests, test_progress);
    tcase_add_test(tests, test_pieces_are_the_whole);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
