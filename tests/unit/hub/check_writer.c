/*
 * The writer's thread: every job comes back once, in order; what waits is committed together; one bad batch
 * does not hold up the others; a store that fails for good is told; what comes next is read meanwhile. The store stands aside.
 */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store_rows.h"
#include "store_status.h"
#include "writer.h"

struct store { int unused; };
static atomic_int commits, most_together, away, told, read_before;
static store_meanwhile meanwhile;
static atomic_bool held, everything_is_bad, everything_is_poison;
static uint64_t bad_sequence, poison_sequence;

database_error store_open(store **self, const store_options *options)
{
    *self = calloc(1, sizeof(store));
    return DATABASE_OK;
}

void store_destroy(store **self)
{
    free(*self);
    *self = NULL;
}

const char *store_explain(const store *self)
{
    return "";
}

database_error store_load_state(store *self, const uint8_t agent[CRYPTO_PUBLIC], const wire_position *hello,
                                unsigned hello_count, arena *from, store_state *state)
{
    while (held)
        poll(NULL, 0, 1);
    return agent[0] == 9 ? DATABASE_NOT_FOUND : DATABASE_OK;
}

/* One that is gone, one that nobody can read, one that ends before its time. */
static text_view bodies[] = {{NULL, 0}, {"\xc1", 1}, {"\x93\x01", 2}};

static void check_reading(const store_reading *reading, unsigned body_count)
{
    ck_assert_uint_eq(reading->count, body_count > 0 ? body_count - 1 : 0);
    for (unsigned i = 0; i < reading->count; i++) {
        ck_assert_uint_eq(reading->records[i].index, 1 + i);
        ck_assert_int_eq(reading->reasons[i], RECORD_UNREADABLE);
    }
    read_before++;
}

void store_set_meanwhile(store *self, store_meanwhile what)
{
    meanwhile = what;
}

database_error store_put(store *self, const store_batch *batches, unsigned count, arena *scratch,
                         store_outcome *outcomes)
{
    meanwhile.work(meanwhile.whom);
    for (unsigned i = 0; i < count; i++)
        if (batches[i].reading)
            check_reading(batches[i].reading, batches[i].body_count);
    for (unsigned i = 0; i < count; i++) {
        if (batches[i].header->sequence == bad_sequence || everything_is_bad)
            return DATABASE_FAULT;
        if ((batches[i].header->sequence == poison_sequence || everything_is_poison) && batches[i].quarantine == STORE_QUARANTINE_NONE)
            return DATABASE_DATA;
    }
    if (away)
        return DATABASE_LATER;
    commits++;
    if ((int) count > most_together)
        most_together = (int) count;
    for (unsigned i = 0; i < count; i++) {
        outcomes[i].stored = HUB_STORED_COMMITTED;
        outcomes[i].position.sequence = batches[i].header->sequence;
        outcomes[i].quarantined = batches[i].quarantine != STORE_QUARANTINE_NONE;
        if (outcomes[i].quarantined)
            ck_assert(text_is(batches[i].message, "the whole message"));
        for (unsigned k = 0; k < i; k++)
            if (memcmp(batches[k].header->agent, batches[i].header->agent, CRYPTO_PUBLIC) == 0)
                ck_assert_uint_lt(batches[k].header->sequence, batches[i].header->sequence);
    }
    return DATABASE_OK;
}

database_error store_ask(store *self, const uint8_t agent[CRYPTO_PUBLIC], const wire_message *question, arena *from,
                         store_answer *answer)
{
    if (away)
        return DATABASE_LATER;
    answer->stored = agent[0] == 9 ? HUB_STORED_FORK : HUB_STORED_COMMITTED;
    answer->ledger_position = question->list.bucket;
    return DATABASE_OK;
}

database_error store_status_note_contact(store *self, const uint8_t agent[CRYPTO_PUBLIC])
{
    return DATABASE_OK;
}

database_error store_status_note_alarm(store *self, const uint8_t agent[CRYPTO_PUBLIC], wire_refusal reason,
                                       text_view scope, uint64_t sequence)
{
    return DATABASE_OK;
}

static job_queue *answers;
static writer *tested;
enum { JOBS_MAX = 128, PATIENCE_MS = 60 * 1000 };
static job jobs[JOBS_MAX];
static unsigned job_count;

static void tell(void *whom)
{
    (*(atomic_int *) whom)++;
}

static void setup(void)
{
    store_options options = {.conninfo = "", .committed = tell, .whom = &told};
    commits = most_together = away = told = read_before = 0;
    held = everything_is_bad = everything_is_poison = false;
    bad_sequence = poison_sequence = 0;
    job_count = 0;
    answers = job_queue_new();
    tested = writer_new(&options, answers);
    ck_assert_ptr_nonnull(tested);
}

static void teardown(void)
{
    writer_destroy(&tested);
    for (job *left = job_queue_take(answers); left; left = left->next)
        ;
    job_queue_destroy(&answers);
    for (unsigned i = 0; i < job_count; i++)
        arena_destroy(&jobs[i].scratch);
}

static job *next_job(job_type type, uint8_t agent)
{
    ck_assert_uint_lt(job_count, JOBS_MAX);
    job *made = &jobs[job_count];
    *made = (job) {.type = type, .session = job_count, .scratch = arena_new(1 << 20)};
    made->agent[0] = made->header.agent[0] = agent;
    job_count++;
    return made;
}

static job *next_batch(uint8_t agent, uint64_t sequence)
{
    job *made = next_job(JOB_STORE, agent);
    made->header.scope = text_of("63");
    made->header.sequence = sequence;
    made->bytes = 1000;
    made->frame = text_of("the whole message");
    return made;
}

static void give_batch(uint8_t agent, uint64_t sequence)
{
    writer_give(tested, next_batch(agent, sequence));
}

/* Whom was told of commits: not before the answers, so a while after them. */
static void await_told(int count)
{
    for (int waited = 0; told < count && waited < PATIENCE_MS; waited++)
        poll(NULL, 0, 1);
    ck_assert_int_eq(told, count);
}

/* All jobs, as they came back. */
static void collect(job **back)
{
    unsigned count = 0;
    while (count < job_count) {
        job *list = job_queue_wait(answers, PATIENCE_MS);
        ck_assert_ptr_nonnull(list);
        for (; list; list = list->next)
            back[count++] = list;
    }
}

START_TEST(what_waits_is_committed_together_and_comes_back_in_order)
{
    job *back[JOBS_MAX];
    held = true;
    writer_give(tested, next_job(JOB_LOAD, 1));
    for (uint64_t sequence = 1; sequence <= 40; sequence++)
        give_batch((uint8_t) (1 + sequence % 4), sequence);
    writer_give(tested, next_job(JOB_LOAD, 9));
    writer_give(tested, next_job(JOB_ALARM, 1));
    held = false;
    collect(back);
    for (unsigned i = 0; i < job_count; i++)
        ck_assert_uint_eq(back[i]->session, i);
    for (unsigned i = 1; i <= 40; i++) {
        ck_assert_int_eq(back[i]->outcome.stored, HUB_STORED_COMMITTED);
        ck_assert_uint_eq(back[i]->outcome.position.sequence, i);
    }
    ck_assert_int_eq(back[0]->stored, HUB_STORED_COMMITTED);
    ck_assert_int_eq(back[41]->stored, HUB_STORED_NO_RIGHT);
    ck_assert_int_gt(most_together, 8);
    ck_assert_int_le(most_together, WRITER_MERGE_BATCHES);
    await_told(commits);
}
END_TEST

START_TEST(what_comes_next_is_read_while_a_commit_ends)
{
    enum { COUNT = 5 };
    job *back[JOBS_MAX];
    held = true;
    writer_give(tested, next_job(JOB_LOAD, 1));
    for (uint64_t sequence = 1; sequence <= COUNT; sequence++) {
        job *large = next_batch(1, sequence);
        large->bytes = WRITER_MERGE_BYTES;
        large->message.batch.body_count = 3;
        large->message.batch.bodies = bodies;
        large->quarantine = sequence == 3; /* of which no body is taken */
        writer_give(tested, large);
    }
    held = false;
    collect(back);
    ck_assert_int_eq(commits, COUNT);
    ck_assert_int_eq(read_before, COUNT - 2);
}
END_TEST

/* A part of what was read goes with the next commit; the rest is read again when it is its turn. */
START_TEST(what_was_read_for_a_commit_that_it_is_not_in_is_forgotten)
{
    job *back[JOBS_MAX];
    static const uint64_t sequences[] = {1, 2, 1, 2, 3};
    held = true;
    writer_give(tested, next_job(JOB_LOAD, 1));
    for (unsigned i = 0; i < 5; i++) {
        job *made = next_batch(1, sequences[i]);
        made->bytes = i == 0 ? WRITER_MERGE_BYTES : 1000;
        made->message.batch.body_count = 3;
        made->message.batch.bodies = bodies;
        writer_give(tested, made);
    }
    held = false;
    collect(back);
    ck_assert_int_eq(commits, 3); /* 1; 2; 1, 2 and 3 */
    ck_assert_int_eq(read_before, 4);
}
END_TEST

START_TEST(same_batch_twice_is_not_in_one_commit)
{
    job *back[JOBS_MAX];
    held = true;
    writer_give(tested, next_job(JOB_LOAD, 1));
    give_batch(1, 1);
    give_batch(1, 2);
    give_batch(1, 1);
    held = false;
    collect(back);
    /* Two or three, as the writer wakes; never all in one, and store_put sees an agent's sequences ascend. */
    ck_assert_int_ge(commits, 2);
}
END_TEST

START_TEST(bad_batch_does_not_hold_up_the_others)
{
    job *back[JOBS_MAX];
    bad_sequence = 5;
    held = true;
    writer_give(tested, next_job(JOB_LOAD, 1));
    for (uint64_t sequence = 1; sequence <= 10; sequence++)
        give_batch((uint8_t) sequence, sequence);
    held = false;
    collect(back);
    for (unsigned i = 1; i <= 10; i++)
        ck_assert_int_eq(back[i]->outcome.stored, i == 5 ? HUB_STORED_LATER : HUB_STORED_COMMITTED);
    ck_assert(!writer_failed(tested));
}
END_TEST

START_TEST(batch_that_does_not_fit_goes_to_quarantine)
{
    job *back[JOBS_MAX];
    poison_sequence = 5;
    held = true;
    writer_give(tested, next_job(JOB_LOAD, 1));
    for (uint64_t sequence = 1; sequence <= 10; sequence++)
        give_batch(1, sequence);
    held = false;
    collect(back);
    for (unsigned i = 1; i <= 10; i++) {
        ck_assert_int_eq(back[i]->outcome.stored, HUB_STORED_COMMITTED);
        ck_assert(back[i]->outcome.quarantined == (i == 5));
    }
    ck_assert(!writer_failed(tested));
}
END_TEST

/* The tables have changed under it, say: nobody's batches are to be put aside for that. */
START_TEST(not_everything_goes_to_quarantine)
{
    job *back[JOBS_MAX];
    everything_is_poison = true;
    for (uint64_t sequence = 1; sequence <= WRITER_ASIDE_MAX + 3; sequence++)
        give_batch(_i == 0 || sequence < 5 ? 1 : 2, sequence);
    collect(back);
    for (unsigned i = 0; i < WRITER_ASIDE_MAX + 3; i++) /* of one agent alone they may well be */
        ck_assert_int_eq(back[i]->outcome.stored, _i == 0 || i < WRITER_ASIDE_MAX ? HUB_STORED_COMMITTED : HUB_STORED_LATER);
    ck_assert(writer_failed(tested) == (_i == 1));
}
END_TEST

START_TEST(questions_are_answered_in_their_turn)
{
    job *back[JOBS_MAX];
    held = true;
    writer_give(tested, next_job(JOB_LOAD, 1));
    give_batch(1, 1);
    job *question = next_job(JOB_ASK, 1);
    question->message.type = WIRE_LIST;
    question->message.list.bucket = 12;
    writer_give(tested, question);
    give_batch(1, 2);
    writer_give(tested, next_job(JOB_ASK, 9));
    held = false;
    collect(back);
    for (unsigned i = 0; i < job_count; i++)
        ck_assert_uint_eq(back[i]->session, i);
    ck_assert_int_eq(back[2]->answer.stored, HUB_STORED_COMMITTED);
    ck_assert_uint_eq(back[2]->answer.ledger_position, 12);
    ck_assert_int_eq(back[4]->answer.stored, HUB_STORED_FORK);
}
END_TEST

START_TEST(store_that_fails_for_good_is_told)
{
    job *back[JOBS_MAX];
    everything_is_bad = true;
    for (uint64_t sequence = 1; sequence <= WRITER_FAULTS_MAX; sequence++)
        give_batch(1, sequence);
    collect(back);
    for (unsigned i = 0; i < WRITER_FAULTS_MAX; i++)
        ck_assert_int_eq(back[i]->outcome.stored, HUB_STORED_LATER);
    ck_assert(writer_failed(tested));
}
END_TEST

static uint64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t) at.tv_sec * 1000 + (uint64_t) at.tv_nsec / 1000000;
}

/* What becomes of a batch. */
static hub_stored give_and_wait(void)
{
    give_batch(1, 1);
    job *back = job_queue_wait(answers, PATIENCE_MS);
    ck_assert_ptr_nonnull(back);
    return back->outcome.stored;
}

START_TEST(away_means_later_at_once_and_a_back_off)
{
    bool within = false;
    for (int tries = 0; tries < 20 && !within; tries++) { /* until the machine is quick enough to come within the back-off */
        uint64_t began_ms = now_ms();
        int before = commits;
        away = 1;
        ck_assert_int_eq(give_and_wait(), HUB_STORED_LATER);
        away = 0;
        hub_stored again = give_and_wait();
        within = now_ms() - began_ms < WRITER_RETRY_MS_MIN;
        if (within) { /* the database is not asked */
            ck_assert_int_eq(again, HUB_STORED_LATER);
            ck_assert_int_eq(commits, before);
        }
        poll(NULL, 0, 2 * WRITER_RETRY_MS_MIN);
        ck_assert_int_eq(give_and_wait(), HUB_STORED_COMMITTED);
    }
    await_told(commits); /* nobody is told of what was not committed */
}
END_TEST

START_TEST(end_answers_all_that_was_given)
{
    held = true;
    writer_give(tested, next_job(JOB_LOAD, 1));
    for (uint64_t sequence = 1; sequence <= 50; sequence++)
        give_batch(1, sequence);
    held = false;
    writer_destroy(&tested);
    unsigned count = 0;
    for (job *back = job_queue_take(answers); back; back = back->next)
        count++;
    ck_assert_uint_eq(count, 51);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("writer");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, what_waits_is_committed_together_and_comes_back_in_order);
    tcase_add_test(all, what_comes_next_is_read_while_a_commit_ends);
    tcase_add_test(all, what_was_read_for_a_commit_that_it_is_not_in_is_forgotten);
    tcase_add_test(all, same_batch_twice_is_not_in_one_commit);
    tcase_add_test(all, bad_batch_does_not_hold_up_the_others);
    tcase_add_test(all, batch_that_does_not_fit_goes_to_quarantine);
    tcase_add_loop_test(all, not_everything_goes_to_quarantine, 0, 2);
    tcase_add_test(all, questions_are_answered_in_their_turn);
    tcase_add_test(all, store_that_fails_for_good_is_told);
    tcase_add_test(all, away_means_later_at_once_and_a_back_off);
    tcase_add_test(all, end_answers_all_that_was_given);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
