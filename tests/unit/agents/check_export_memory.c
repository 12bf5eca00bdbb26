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

int main(void)
{
    Suite *suite = suite_create("export_memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, enter, leave);
    tcase_add_test(tests, test_little_memory);
    tcase_add_test(tests, test_hardly_any_memory);
    tcase_add_test(tests, test_progress);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
