/* An erasure in the outbox: what becomes absent, what is queued for the hub, who is on the list; and what stays. */
#include "enqueue.h"
#include "forget.h"
#include "office.h"
#include "outbox_bench.h"
#include "recordkey.h"
#include "wire.h"

#define ZOHRA "P1;1234567890;Aarabi;Zohra;12/03/1999;F;AFG;refugie;01/02/2023;M1\n"
#define KARIM "P2;2234567890;Belkacem;Karim;04/05/1980;H;AFG;refugie;01/02/2023;M1\n"
#define FACTS \
    "e1;15/01/2024;axe1;entree;P1;10;;\n" \
    "e2;16/01/2024;axe2;consultation_medicale;P1;2;;\n"
#define OTHERS "e3;15/01/2024;axe1;entree;P2;10;;\n"

enum { MONTHS = 13, KEPT_MAX = 64 };

static office *at;
static agent_home_secrets secrets;
static agent_home agent = {.name = "essai", .secrets = &secrets};
static text_view bodies[KEPT_MAX]; /* of the batch that was read last */
static arena *memory;

static void open_all(void)
{
    enter();
    at = office_new();
    at->actions[2].allowed = true;
    memory = arena_new((size_t)16 << 20);
    crypto_sign_new(&secrets.sign);
    memcpy(secrets.record_key, at->record_key, CRYPTO_KEY);
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_set_contracts(box, at->terms, 1), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
}

static void close_all(void)
{
    arena_destroy(&memory);
    office_free(at);
    leave();
}

/* Pushes an office's two tables. */
static enqueue_result push(const char *p_rows, const char *e_rows)
{
    char first[2048], second[2048];
    enqueue_result queued;
    export_contribution *earlier;
    snprintf(first, sizeof first, OFFICE_PERSONS "%s", p_rows);
    snprintf(second, sizeof second, OFFICE_EVENTS "%s", e_rows);
    ck_assert_int_eq(forget_list(box, memory, &at->erasures), OUTBOX_OK);
    ck_assert_int_eq(trail_facts(box, TRAIL_CONTRIBUTIONS, text_of("c1"), &earlier, &at->contracts[0].earlier_count), OUTBOX_OK);
    at->contracts[0].earlier = earlier;
    ck_assert_int_eq(office_make(at, first, second), EXPORT_OK);
    ck_assert_int_eq(enqueue(box, &agent, &at->made, true, &queued), ENQUEUE_OK);
    free(earlier);
    return queued;
}

static forget_result forget(const char *id)
{
    forget_result done;
    ck_assert_int_eq(forget_person(box, &agent, text_of(id), false, &done), OUTBOX_OK);
    return done;
}

/* Reads the batch of that sequence: how many bodies; the header's bytes in *header. */
static unsigned read_batch(uint64_t sequence, text_view *header)
{
    batch_buffer bytes;
    wire_message message;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    ck_assert_int_eq(outbox_message(box, "63", sequence, &bytes), OUTBOX_OK);
    char *kept = arena_text(memory, (text_view){(const char *)bytes.data, bytes.size});
    ck_assert(wire_read(&message, memory, (text_view){kept, bytes.size}));
    ck_assert(batch_verify(message.batch.signature, message.batch.header, secrets.sign.public_key));
    ck_assert_uint_le(message.batch.body_count, KEPT_MAX);
    memcpy(bodies, message.batch.bodies, sizeof *bodies * message.batch.body_count);
    if (header != NULL)
        *header = message.batch.header;
    batch_buffer_release(&bytes);
    return message.batch.body_count;
}

static bool erases(uint64_t sequence, const uint8_t key[RECORD_KEY])
{
    unsigned count = read_batch(sequence, NULL);
    for (unsigned i = 0; i < count; i++) {
        record what;
        record_reason reason;
        ck_assert(bodies[i].at != NULL && batch_read_body(&what, bodies[i], &reason));
        ck_assert_int_eq(what.operation, RECORD_ERASE);
        if (memcmp(what.key, key, RECORD_KEY) == 0)
            return true;
    }
    return false;
}

static uint64_t last(void)
{
    outbox_scope scope;
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    return scope.queued;
}

static void event_key(uint8_t key[RECORD_KEY], const char *id)
{
    recordkey_event(key, at->record_key, text_of("c1"), text_of(id));
}

START_TEST(bodies_become_absent_and_nothing_else)
{
    uint8_t key[RECORD_KEY];
    text_view before, after;
    ck_assert_uint_eq(push(ZOHRA KARIM, FACTS OTHERS).added, 6);
    unsigned count = read_batch(1, &before);
    text_view were[KEPT_MAX];
    memcpy(were, bodies, sizeof were);
    forget_result done = forget("P1");
    ck_assert(done.known && !done.listed);
    ck_assert_uint_eq(done.records, 4);
    ck_assert_uint_eq(done.bodies, 4);
    ck_assert_uint_eq(done.queued, 2 + 3 * MONTHS); /* facts; actions times months */
    ck_assert_uint_eq(read_batch(1, &after), count);
    ck_assert(text_equal(before, after));
    unsigned absent = 0;
    for (unsigned i = 0; i < count; i++) {
        absent += bodies[i].at == NULL;
        ck_assert(bodies[i].at == NULL || text_equal(bodies[i], were[i]));
    }
    ck_assert_uint_eq(absent, 4);
    event_key(key, "e2");
    ck_assert(erases(2, key));
    event_key(key, "e3");
    ck_assert(!erases(2, key));
    ck_assert_uint_eq(last(), 2);
    /* Again: nothing more. */
    done = forget("P1");
    ck_assert(done.listed && done.queued == 0 && last() == 2);
    reopen();
    enqueue_result queued = push(ZOHRA KARIM, FACTS OTHERS);
    ck_assert_uint_eq(queued.added + queued.changed + queued.withdrawn, 0);
    ck_assert_uint_eq(queued.unchanged, 2);
    ck_assert_uint_eq(last(), 2);
}
END_TEST

START_TEST(what_stood_before_is_erased)
{
    uint8_t key[RECORD_KEY];
    (void)push(ZOHRA KARIM, FACTS OTHERS);
    (void)push(KARIM, OTHERS); /* withdrawn: in the hub's history */
    forget_result done = forget("P1");
    ck_assert_uint_eq(done.records, 0);
    event_key(key, "e1");
    ck_assert(erases(last(), key));
    uint8_t subject[RECORD_KEY];
    recordkey_subject(subject, at->record_key, text_of("c1"), text_of("axe2"), text_of("P1"));
    recordkey_beneficiary(key, at->record_key, subject, civil_month_of(civil_from(2024, 1, 16)));
    ck_assert(erases(last(), key));
}
END_TEST

START_TEST(a_row_that_is_another_persons_now_is_told_anew)
{
    uint8_t key[RECORD_KEY];
    (void)push(ZOHRA KARIM, FACTS OTHERS);
    (void)push(ZOHRA KARIM, "e1;15/01/2024;axe1;entree;P2;10;;\n" OTHERS);
    forget_result done = forget("P1");
    event_key(key, "e1");
    ck_assert(erases(last(), key));
    ck_assert_uint_eq(done.records, 1);
    enqueue_result queued = push(ZOHRA KARIM, "e1;15/01/2024;axe1;entree;P2;10;;\n" OTHERS);
    ck_assert_uint_eq(queued.added, 1);
    ck_assert_uint_eq(queued.unchanged, 2);
}
END_TEST

START_TEST(who_is_unknown)
{
    forget_result done;
    (void)push(KARIM, OTHERS);
    done = forget("P1");
    ck_assert(!done.known);
    ck_assert_int_eq(forget_list(box, memory, &at->erasures), OUTBOX_OK);
    ck_assert_uint_eq(at->erasures.count, 0);
    ck_assert_int_eq(forget_person(box, &agent, text_of("P1"), true, &done), OUTBOX_OK);
    ck_assert(!done.known && done.queued == 0);
    ck_assert_uint_eq(push(ZOHRA KARIM, FACTS OTHERS).added, 0);
    ck_assert_uint_eq(at->made.counts.left_out_by[EXPORT_LEFT_OUT_ERASED], 2);
    ck_assert_int_eq(forget_undo(box, &agent, text_of("P2"), &done), OUTBOX_OK);
    ck_assert(!done.listed);
}
END_TEST

START_TEST(the_way_back_is_of_the_whole_person)
{
    forget_result done;
    (void)push(ZOHRA KARIM, FACTS OTHERS);
    (void)forget("P1");
    (void)push("Q1;1234567890;Arabi;Zora;12/03/1999;F;AFG;refugie;01/02/2023;\n" KARIM, OTHERS); /* found by her number */
    ck_assert_int_eq(forget_list(box, memory, &at->erasures), OUTBOX_OK);
    ck_assert_uint_eq(at->erasures.count, 3); /* the bare local number, the row of then, the row of now */
    ck_assert_int_eq(forget_undo(box, &agent, text_of("Q1"), &done), OUTBOX_OK);
    ck_assert(done.listed);
    ck_assert_int_eq(forget_list(box, memory, &at->erasures), OUTBOX_OK);
    ck_assert_uint_eq(at->erasures.count, 0);
    ck_assert_uint_eq(push(ZOHRA KARIM, FACTS OTHERS).added, 4);
    /* And gone again, with what was told since. */
    ck_assert_uint_eq(forget("P1").records, 4);
}
END_TEST

/* A hub has put the batch aside: its erasures are owed. */
START_TEST(what_could_not_be_read_is_told_again)
{
    uint8_t key[RECORD_KEY];
    wire_record_refusal refusals[2 + 3 * MONTHS];
    outbox_tally tally = {0};
    (void)push(ZOHRA KARIM, FACTS OTHERS);
    (void)forget("P1");
    ck_assert_uint_eq(last(), 2);
    for (unsigned i = 0; i < 2 + 3 * MONTHS; i++)
        refusals[i] = (wire_record_refusal){2, i, RECORD_UNREADABLE};
    acknowledge(2, 2, refusals, 2 + 3 * MONTHS, &tally);
    ck_assert_uint_eq(push(ZOHRA KARIM, FACTS OTHERS).unchanged, 2);
    ck_assert_uint_eq(last(), 3);
    event_key(key, "e1");
    ck_assert(erases(3, key));
    ck_assert_uint_eq(push(ZOHRA KARIM, FACTS OTHERS).unchanged, 2);
    ck_assert_uint_eq(last(), 3);
}
END_TEST

START_TEST(all_of_it_is_told_again)
{
    uint8_t key[RECORD_KEY];
    (void)push(ZOHRA KARIM, FACTS OTHERS);
    (void)forget("P1");
    uint64_t before = last();
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(forget_again(box, &agent, text_of("84")), OUTBOX_OK);
    ck_assert_int_eq(forget_again(box, &agent, text_of("63")), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    ck_assert_uint_eq(last(), before + 1);
    event_key(key, "e1");
    ck_assert(erases(last(), key));
    ck_assert_uint_eq(read_batch(last(), NULL), 2 + 3 * MONTHS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forget");
    TCase *cases = tcase_create("forget");
    tcase_add_checked_fixture(cases, open_all, close_all);
    tcase_add_test(cases, bodies_become_absent_and_nothing_else);
    tcase_add_test(cases, what_stood_before_is_erased);
    tcase_add_test(cases, a_row_that_is_another_persons_now_is_told_anew);
    tcase_add_test(cases, who_is_unknown);
    tcase_add_test(cases, the_way_back_is_of_the_whole_person);
    tcase_add_test(cases, what_could_not_be_read_is_told_again);
    tcase_add_test(cases, all_of_it_is_told_again);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
