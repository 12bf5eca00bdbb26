/*
 * nth_agent: an agent's way from two files to what the hub has acknowledged, with each allocation, SQLite call
 * and file operation failing in turn.
 */
#include "standin.h" /* first: it has names that nth_office.h gives to what the tests share */

#include "closing.h"
#include "nth_office.h"
#include "runtime.h"

/* Opening a new one. */

START_TEST(test_open)
{
    static const nth_case what = {"open", forget_box, run_open, outbox_fits, box_state, NULL, false};
    nth_drive(&what, everything);
}
END_TEST

START_TEST(test_first_push)
{
    static const nth_case what = {"first push", take_kept, run_push, outbox_fits, box_state, NULL, false};
    forget_box();
    ck_assert_int_eq(run_open(), 0);
    copy_file(box_path, kept_path);
    write_files(0, 40, 3);
    nth_drive(&what, everything);
}
END_TEST

START_TEST(test_second_push)
{
    static const nth_case what = {"second push", take_kept, run_push, outbox_fits, box_state, NULL, false};
    forget_box();
    write_files(0, 40, 3);
    ck_assert_int_eq(run_push(), 0);
    copy_file(box_path, kept_path);
    write_files(10, 40, 4); /* some gone, some new, the others changed */
    nth_drive(&what, everything);
}
END_TEST

/* An erasure; and the push after it, whose files still have the person, also under another local number. */

static int run_forget(void)
{
    outbox *box;
    forget_result done;
    outbox_error error = outbox_open(&box, box_path, NULL);
    if (error == OUTBOX_OK)
        error = forget_person(box, &agent, text_of("2"), false, &done);
    if (error == OUTBOX_OK)
        must(done.known);
    outbox_close(&box);
    return (int)error;
}

START_TEST(test_forget)
{
    static const nth_case what = {"forget", take_kept, run_forget, outbox_fits, box_state, NULL, false};
    forget_box();
    write_files(0, 40, 3);
    ck_assert_int_eq(run_push(), 0);
    write_files(10, 40, 4);
    ck_assert_int_eq(run_push(), 0);
    copy_file(box_path, kept_path);
    nth_drive(&what, everything);
}
END_TEST

/* In between: what the files still have of the person is taken out first; then the push keeps whom the table names. */
START_TEST(test_push_after_forget)
{
    static const nth_case what = {"push after forget", take_kept, run_push, outbox_fits, box_state, NULL, true};
    forget_box();
    write_files(0, 40, 3);
    ck_assert_int_eq(run_push(), 0);
    ck_assert_int_eq(run_forget(), 0);
    char *two = strstr(persons, "\n2;");
    ck_assert_ptr_nonnull(two);
    two[1] = '7'; /* the same person: by the identity */
    for (char *at = events; (at = strstr(at, ";sollicitation;2;")) != NULL;)
        at[15] = '7';
    copy_file(box_path, kept_path);
    nth_drive(&what, everything);
}
END_TEST

static int run_again(void)
{
    outbox *box;
    outbox_error error = outbox_open(&box, box_path, NULL);
    if (error == OUTBOX_OK)
        error = outbox_begin(box);
    if (error == OUTBOX_OK) {
        (void)forget_again(box, &agent, text_of("63"));
        error = outbox_commit(box);
    }
    outbox_close(&box);
    return (int)error;
}

/* Not the failures after which the writing may be there: a second time queues a second time (a grant is taken once). */
START_TEST(test_forget_again)
{
    static const nth_kind kinds[] = {NTH_MEMORY, NTH_ARENA, NTH_KIND_COUNT};
    static const nth_case what = {"forget again", take_kept, run_again, outbox_fits, box_state, NULL, false};
    forget_box();
    write_files(0, 40, 3);
    ck_assert_int_eq(run_push(), 0);
    ck_assert_int_eq(run_forget(), 0);
    copy_file(box_path, kept_path);
    nth_drive(&what, kinds);
}
END_TEST

/* The hub's word, and what is told of contracts, in one transaction. */

static int run_acknowledge(void)
{
    static const uint8_t signature[CRYPTO_SIGNATURE];
    static const wire_record_refusal refusals[] = {{1, 0, RECORD_BAD_MONTH}, {1, 7, RECORD_NO_RIGHT}};
    outbox *box;
    outbox_tally tally = {0};
    outbox_receipt receipt = {.scope = "63", .sequence = 1, .stable = 1, .ledger_position = 5, .receipt = text_of("receipt"),
                              .signature = signature, .chain = signature, .refusal_count = 2, .refusals = refusals};
    outbox_error error = outbox_open(&box, box_path, NULL);
    if (error == OUTBOX_OK)
        error = outbox_begin(box);
    if (error == OUTBOX_OK) {
        (void)outbox_acknowledge(box, &receipt, &tally);
        (void)outbox_set(box, "contact", text_of(""), text_of("17"));
        (void)outbox_set_contracts(box, &contract, 1);
        error = outbox_commit(box);
    }
    if (error == OUTBOX_OK)
        must(tally.refused == 2 || tally.refused == 0); /* 0: it was written down, then something failed */
    outbox_close(&box);
    return (int)error;
}

START_TEST(test_acknowledge)
{
    static const nth_case what = {"acknowledge", take_kept, run_acknowledge, outbox_fits, box_state, NULL, false};
    forget_box();
    write_files(0, 40, 3);
    ck_assert_int_eq(run_push(), 0);
    copy_file(box_path, kept_path);
    nth_drive(&what, everything);
}
END_TEST

/* A closing of an epoch, and what waited under a wrong key. */

static const token_key another = {.epoch = 1, .key = {9}};

static int run_close(void)
{
    outbox *box;
    batch_key key = {.epoch = 1};
    outbox_error error = outbox_open(&box, box_path, NULL);
    token_key_id(key.id, &another);
    if (error == OUTBOX_OK)
        error = closing_queue(box, &agent, text_of("63"), &key);
    outbox_close(&box);
    return (int)error;
}

START_TEST(test_close)
{
    static const nth_case what = {"closing", take_kept, run_close, outbox_fits, box_state, NULL, false};
    forget_box();
    write_files(0, 5, 3);
    ck_assert_int_eq(run_push(), 0);
    copy_file(box_path, kept_path);
    nth_drive(&what, everything);
}
END_TEST

static int run_rekey(void)
{
    outbox *box;
    bool found;
    uint64_t batches = 0;
    batch_key key = {.epoch = 1};
    token_key_id(key.id, &another);
    outbox_error error = outbox_open(&box, box_path, NULL);
    if (error == OUTBOX_OK)
        error = outbox_misnamed(box, text_of("63"), &key, &found);
    if (error == OUTBOX_OK)
        error = outbox_begin(box);
    if (error == OUTBOX_OK) {
        (void)outbox_rekey(box, &secrets.sign, text_of("63"), &key, &batches);
        error = outbox_commit(box);
    }
    must(error != OUTBOX_OK || (batches > 0) == found); /* not found: it was written down, then something failed */
    outbox_close(&box);
    return (int)error;
}

START_TEST(test_rekey)
{
    static const nth_case what = {"another key", take_kept, run_rekey, outbox_fits, box_state, NULL, false};
    forget_box();
    write_files(0, 12, 3);
    ck_assert_int_eq(run_push(), 0);
    write_files(3, 12, 4);
    ck_assert_int_eq(run_push(), 0);
    ck_assert_int_eq(run_close(), 0);
    copy_file(box_path, kept_path);
    nth_drive(&what, everything);
}
END_TEST

/* What is read is right, or an error: never something else. */

static void count_refusal(void *data, const outbox_refusal *refusal)
{
    *(uint64_t *)data += refusal->records;
}

static outbox_error read_all(outbox *box, arena *from, batch_buffer *message)
{
    outbox_scope scopes[4];
    unsigned count = 0;
    uint64_t pending = 0, refused = 0, seconds = 0;
    uint8_t hash[CRYPTO_HASH];
    wire_contract *told = NULL;
    agent_stop stop;
    wire_refusal refusal;
    outbox_error error = outbox_scopes(box, scopes, 4, &count);
    must(error != OUTBOX_OK || (count == 1 && scopes[0].queued == 2 && scopes[0].acknowledged == 1));
    if (error == OUTBOX_OK && (error = outbox_pending(box, &pending)) == OUTBOX_OK)
        must(pending > 10);
    if (error == OUTBOX_OK && (error = outbox_refusals(box, count_refusal, &refused)) == OUTBOX_OK)
        must(refused == 2);
    if (error == OUTBOX_OK && (error = outbox_header_hash(box, "63", 2, hash)) == OUTBOX_OK)
        must(memcmp(hash, scopes[0].queued_hash, sizeof hash) == 0);
    if (error == OUTBOX_OK && (error = outbox_message(box, "63", 2, message)) == OUTBOX_OK) {
        wire_message batch;
        if (wire_read(&batch, from, (text_view){(const char *)message->data, message->size}))
            must(batch.type == WIRE_BATCH);
        else
            error = OUTBOX_NO_MEMORY;
    }
    if (error == OUTBOX_OK && (error = outbox_contracts(box, from, &told, &count)) == OUTBOX_OK)
        must(count == 1 && text_is(told[0].id, "63-essai") && told[0].action_count == 1);
    if (error == OUTBOX_OK && (error = runtime_last_contact(box, &seconds, &stop, &refusal)) == OUTBOX_OK)
        must(seconds == 17);
    return error;
}

static int run_read(void)
{
    outbox *box;
    arena *from = NULL;
    batch_buffer message;
    batch_buffer_init(&message, WIRE_MESSAGE_MAX);
    outbox_error error = outbox_open(&box, box_path, NULL);
    if (error == OUTBOX_OK) {
        from = arena_new((size_t)64 << 20);
        error = from == NULL ? OUTBOX_NO_MEMORY : read_all(box, from, &message);
    }
    batch_buffer_release(&message);
    arena_destroy(&from);
    outbox_close(&box);
    return (int)error;
}

START_TEST(test_read)
{
    static const nth_case what = {"read", take_kept, run_read, outbox_fits, box_state, NULL, false};
    forget_box();
    write_files(0, 40, 3);
    ck_assert_int_eq(run_push(), 0);
    write_files(10, 40, 4);
    ck_assert_int_eq(run_push(), 0);
    ck_assert_int_eq(run_acknowledge(), 0);
    copy_file(box_path, kept_path);
    nth_drive(&what, everything);
}
END_TEST

/* The loop against a hub in memory: whatever fails once, all is acknowledged in the end, without a restart. */

static standin hub;
static credential_approval approval;

static void new_hub(void)
{
    if (hub.context != NULL)
        standin_stop(&hub);
    hub.address[0] = '\0';
    hub.batches = hub.hellos = hub.wrong = 0;
    memset(&hub.has, 0, sizeof hub.has);
    hub.has.incarnation = 1;
    standin_start(&hub);
    approval.addresses[0] = text_of(hub.address);
    take_kept();
}

static int run_loop(void)
{
    outbox *box;
    outbox_error error = outbox_open(&box, box_path, NULL);
    runtime *loop = error == OUTBOX_OK ? runtime_new(&agent, box, &approval, &error) : NULL;
    if (loop != NULL) {
        uint64_t until = runtime_now_ms() + 500 * 1000; /* of the fast clock */
        outbox_error last = OUTBOX_OK;
        runtime_start(loop);
        while (agent_session_pending(runtime_session(loop)) > 0 && runtime_failures(loop, &last) == 0
               && runtime_now_ms() < until)
            runtime_step(loop, NULL, 0, 50);
        (void)runtime_failures(loop, &last);
        error = last; /* a push ends here, and says so */
        if (error == OUTBOX_OK)
            must(agent_session_pending(runtime_session(loop)) == 0);
    }
    runtime_destroy(&loop);
    outbox_close(&box);
    return (int)error;
}

/* What the hub has and what is acknowledged; when the agent last heard of it, or why it stopped, does not count. */
static void loop_state(batch_buffer *to)
{
    outbox *box = NULL;
    outbox_scope scope = {0};
    ck_assert_int_eq(outbox_open(&box, box_path, NULL), OUTBOX_OK);
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    batch_buffer_append(to, &scope.acknowledged, sizeof scope.acknowledged);
    batch_buffer_append(to, &scope.records_acknowledged, sizeof scope.records_acknowledged);
    outbox_close(&box);
    ck_assert_uint_eq(hub.wrong, 0);
}

static bool loop_fits(nth_kind kind, int error)
{
    return error == OUTBOX_NO_MEMORY || error == OUTBOX_CANNOT_WRITE || error == OUTBOX_CANNOT_OPEN;
}

START_TEST(test_loop)
{
    static const nth_kind kinds[] = {NTH_MEMORY, NTH_ARENA, NTH_SQLITE, NTH_DISK, NTH_KIND_COUNT};
    static const nth_case what = {"loop", new_hub, run_loop, loop_fits, loop_state, NULL, false};
    credential_identity identity = {.name = "essai"};
    crypto_box_new(&secrets.curve);
    crypto_box_new(&secrets.box);
    agent_home_identity(&agent, &identity);
    standin_init(&hub);
    hub.tells_stable = true;
    contract = hub.contract;
    forget_box();
    write_files(0, 20, 3);
    ck_assert_int_eq(run_push(), 0);
    copy_file(box_path, kept_path);
    approval = (credential_approval){.address_count = 1, .agent = identity, .contract_count = 1, .contracts = &hub.contract};
    memcpy(approval.hub_curve, hub.curve.public_key, CRYPTO_PUBLIC);
    memcpy(approval.hub_sign, hub.sign.public_key, CRYPTO_PUBLIC);
    nth_drive(&what, kinds);
    standin_stop(&hub);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    nth_start();
    nth_sqlite_start();
    Suite *suite = suite_create("nth_agent");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, enter, leave);
    tcase_set_timeout(all, 600);
    tcase_add_test(all, test_open);
    tcase_add_test(all, test_first_push);
    tcase_add_test(all, test_second_push);
    tcase_add_test(all, test_forget);
    tcase_add_test(all, test_push_after_forget);
    tcase_add_test(all, test_forget_again);
    tcase_add_test(all, test_acknowledge);
    tcase_add_test(all, test_close);
    tcase_add_test(all, test_rekey);
    tcase_add_test(all, test_read);
    tcase_add_test(all, test_loop);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    nth_tell();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
