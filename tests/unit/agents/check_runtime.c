/* check_runtime: from two files to a hub in memory: queued, sent, acknowledged, refused, sent again. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enqueue.h"
#include "runtime.h"
#include "standin.h"

enum { PATIENCE_S = 120 };

static char folder[64], home_path_text[96], box_path[128];
static agent_home agent;
static outbox *box;
static standin hub;
static token_key key = {.epoch = 1, .key = {1, 2, 3}};
static runtime *loop;
static arena *memory;

static void enter(void)
{
    agent_home_result result;
    (void)snprintf(folder, sizeof folder, "/tmp/check_runtime.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(home_path_text, sizeof home_path_text, "%s/home", folder);
    (void)snprintf(box_path, sizeof box_path, "%s/etat.sqlite", home_path_text);
    ck_assert_int_eq(agent_home_create(&agent, home_path_text, "essai", &result), AGENT_HOME_OK);
    ck_assert_int_eq(agent_home_add_linkage(&agent, "63", &key, false, &result), AGENT_HOME_OK);
    ck_assert_int_eq(outbox_open(&box, box_path, NULL), OUTBOX_OK);
    standin_init(&hub);
    memory = arena_new(1 << 24);
}

static void open_loop(void)
{
    batch_buffer file;
    credential_identity identity;
    credential_approval approval;
    outbox_error error;
    agent_home_identity(&agent, &identity);
    standin_approve(&hub, &identity, &file);
    ck_assert_int_eq(credential_read_approval(&approval, memory, (text_view){(const char *)file.data, file.size}),
                     CREDENTIAL_OK);
    loop = runtime_new(&agent, box, &approval, &error);
    ck_assert_ptr_nonnull(loop);
    batch_buffer_release(&file);
    runtime_start(loop);
}

static void leave(void)
{
    char command[128];
    runtime_destroy(&loop);
    outbox_close(&box);
    agent_home_close(&agent);
    arena_destroy(&memory);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* An export of that many solicitations, from a number on, each of that count. */
static enqueue_error push(unsigned first, unsigned count, unsigned quantity, bool partial, bool allow,
                          enqueue_result *queued)
{
    static char events[600000];
    static const char persons[] = "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n1;Essai;Un;"
                                  "1990-05-05;F;AFG;refugie;2022-05-05\n";
    size_t used = (size_t)snprintf(events, sizeof events,
                                   "id_evenement;date;action;type;id_local;quantite;detail;reference\n");
    for (unsigned i = first; i < first + count; i++)
        used += (size_t)snprintf(events + used, sizeof events - used,
                                 "e%u;2024-%02u-05;axe1;sollicitation;1;%u;;\n", i, i % 12 + 1, quantity);
    export_contract contract = {.terms = &hub.contract};
    export_contribution *earlier;
    ck_assert_int_eq(trail_facts(box, TRAIL_CONTRIBUTIONS, hub.contract.id, &earlier, &contract.earlier_count), OUTBOX_OK);
    contract.earlier = earlier;
    contract.token_key_count = agent_home_keys(&agent, text_of("63"), &contract.token_keys);
    export_input input = {.persons = {"p.csv", text_of(persons)},
                          .events = {"e.csv", {events, used}},
                          .contract_count = 1,
                          .contracts = &contract,
                          .partial = partial,
                          .record_key = agent.secrets->record_key};
    export made;
    diag_sink sink = {0};
    arena *from = arena_new(1 << 28);
    ck_assert_int_eq(export_make(&made, &input, &sink, from), EXPORT_OK);
    ck_assert_uint_eq(made.counts.errors, 0);
    enqueue_error error = enqueue(box, &agent, &made, allow, queued);
    arena_destroy(&from);
    free(earlier);
    if (loop != NULL)
        ck_assert_int_eq(runtime_queued(loop), OUTBOX_OK);
    return error;
}

/* Steps until all is acknowledged; false after that many seconds. */
static bool deliver(unsigned seconds)
{
    uint64_t until = runtime_now_ms() + seconds * 1000;
    while (agent_session_pending(runtime_session(loop)) > 0 && runtime_now_ms() < until)
        runtime_step(loop, NULL, 0, 50);
    return agent_session_pending(runtime_session(loop)) == 0;
}

/* Steps until the session says of its trouble what is wanted, or the hub is met. */
static bool comes_to(agent_stop trouble, bool met)
{
    uint64_t until = runtime_now_ms() + PATIENCE_S * 1000;
    while ((agent_session_trouble(runtime_session(loop), NULL) != trouble || runtime_met(loop) != met) && runtime_now_ms() < until)
        runtime_step(loop, NULL, 0, 50);
    return agent_session_trouble(runtime_session(loop), NULL) == trouble && runtime_met(loop) == met;
}

START_TEST(test_whole_way)
{
    enqueue_result queued;
    outbox_scope scope;
    standin_start(&hub);
    open_loop();
    /* 2,500 events of one person: 12 months of beneficiaire. */
    ck_assert_int_eq(push(0, 2500, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert_uint_eq(queued.added, 2512);
    ck_assert_uint_eq(queued.batches, 3);
    ck_assert(deliver(PATIENCE_S));
    ck_assert_uint_eq(hub.wrong, 0);
    ck_assert_uint_eq(hub.has.held_count, 2512);
    ck_assert_uint_eq(hub.coverage_told, 1);
    ck_assert_uint_eq(runtime_tally(loop)->records, 2512);
    /* The same again: nothing; some changed; some gone. */
    ck_assert_int_eq(push(0, 2500, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert_uint_eq(queued.unchanged, 2512);
    ck_assert_uint_eq(queued.batches, 0);
    ck_assert_int_eq(push(0, 2500, 4, false, false, &queued), ENQUEUE_OK);
    ck_assert_uint_eq(queued.changed, 2500);
    ck_assert_int_eq(push(0, 2400, 4, false, false, &queued), ENQUEUE_OK);
    ck_assert_uint_eq(queued.withdrawn, 100);
    ck_assert(deliver(PATIENCE_S));
    ck_assert_uint_eq(hub.wrong, 0);
    ck_assert_uint_eq(hub.has.held_count, 2412);
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    ck_assert_uint_eq(scope.acknowledged, scope.queued);
    standin_stop(&hub);
}
END_TEST

START_TEST(test_guard_and_partial)
{
    enqueue_result queued;
    outbox_scope scope;
    ck_assert_int_eq(push(0, 100, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert_int_eq(push(0, 20, 3, false, false, &queued), ENQUEUE_TOO_MANY_WITHDRAWALS);
    ck_assert_uint_eq(queued.would_withdraw, 80);
    ck_assert_uint_eq(queued.held, 112);
    ck_assert_int_eq(outbox_scope_load(box, text_of("63"), &scope), OUTBOX_OK);
    ck_assert_uint_eq(scope.queued, 1);
    ck_assert_int_eq(push(200, 5, 3, true, false, &queued), ENQUEUE_OK);
    ck_assert_uint_eq(queued.added, 5);
    ck_assert_uint_eq(queued.withdrawn, 0);
    ck_assert_int_eq(push(0, 20, 3, false, true, &queued), ENQUEUE_OK);
    ck_assert_uint_eq(queued.withdrawn, 85);
    standin_start(&hub);
    open_loop();
    ck_assert(deliver(PATIENCE_S));
    ck_assert_uint_eq(hub.wrong, 0);
    ck_assert_uint_eq(hub.has.held_count, 32);
    standin_stop(&hub);
}
END_TEST

/* No hub at first; then one that acknowledges nothing; then a good one at the same address. */
START_TEST(test_hub_comes_and_goes)
{
    enqueue_result queued;
    standin_start(&hub);
    standin_stop(&hub);
    open_loop();
    ck_assert_int_eq(push(0, 50, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert(comes_to(AGENT_STOP_UNREACHABLE, false));
    ck_assert(!deliver(1));
    hub.silent = true;
    standin_start(&hub);
    ck_assert(comes_to(AGENT_STOP_NONE, true));
    ck_assert(!deliver(1));
    standin_stop(&hub);
    hub.silent = false;
    standin_start(&hub);
    ck_assert(deliver(PATIENCE_S));
    ck_assert_uint_eq(hub.has.held_count, 62);
    ck_assert_uint_eq(hub.wrong, 0);
    /* And a program that starts anew goes on where it was. */
    runtime_destroy(&loop);
    open_loop();
    ck_assert_int_eq(push(0, 51, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert(deliver(PATIENCE_S));
    ck_assert_uint_eq(hub.has.held_count, 63);
    standin_stop(&hub);
}
END_TEST

START_TEST(test_wrong_hub)
{
    enqueue_result queued;
    standin_start(&hub);
    standin_stop(&hub);
    open_loop();
    crypto_box_new(&hub.curve);
    standin_start(&hub);
    ck_assert_int_eq(push(0, 5, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert(comes_to(AGENT_STOP_WRONG_HUB, false));
    ck_assert_int_eq(runtime_stop_code(AGENT_STOP_WRONG_HUB), 76);
    standin_stop(&hub);
}
END_TEST

/* A record that the hub refuses is told again by the next export, and by no more than that. */
START_TEST(test_refused)
{
    enqueue_result queued;
    hub.refuse_index = 4;
    hub.tells_stable = true;
    standin_start(&hub);
    open_loop();
    ck_assert_int_eq(push(0, 50, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert(deliver(PATIENCE_S));
    ck_assert_uint_eq(runtime_tally(loop)->refused, 1);
    ck_assert_uint_eq(runtime_tally(loop)->reasons[RECORD_BAD_MONTH], 1);
    ck_assert_uint_eq(hub.has.held_count, 61);
    ck_assert_int_eq(push(0, 50, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert_uint_eq(queued.changed, 1);
    ck_assert(deliver(PATIENCE_S));
    ck_assert_uint_eq(hub.has.held_count, 62);
    ck_assert_int_eq(push(0, 50, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert_uint_eq(queued.unchanged, 62);
    ck_assert_uint_eq(hub.wrong, 0);
    standin_stop(&hub);
}
END_TEST

/* --- an agent and a hub whose chains have come apart --- */

static void copy_file(const char *from, const char *to)
{
    char command[320];
    (void)snprintf(command, sizeof command, "cp -p '%s' '%s'", from, to);
    ck_assert_int_eq(system(command), 0);
}

/* Ends the program, changes its outbox's file, and starts it again. */
static void close_all(void)
{
    runtime_destroy(&loop);
    outbox_close(&box);
}

static void open_all(void)
{
    ck_assert_int_eq(outbox_open(&box, box_path, NULL), OUTBOX_OK);
    open_loop();
}

/* Steps until the session has nothing to settle any more. */
static bool settle(unsigned seconds)
{
    uint64_t until = runtime_now_ms() + seconds * 1000;
    const agent_session *session = runtime_session(loop);
    while ((agent_session_pending(session) > 0 || agent_session_settling(session) || session->state != AGENT_SESSION_FLOWING)
           && runtime_now_ms() < until)
        runtime_step(loop, NULL, 0, 50);
    return agent_session_pending(session) == 0 && !agent_session_settling(session);
}

/* After a push of events 0..count - 1 the hub holds exactly them. */
static void check_hub(unsigned count, int64_t quantity)
{
    enqueue_result queued;
    unsigned counted = 0;
    ck_assert_int_eq(push(0, count, (unsigned)quantity, false, true, &queued), ENQUEUE_OK);
    ck_assert(settle(PATIENCE_S));
    ck_assert_uint_eq(hub.wrong, 0);
    ck_assert_uint_eq(hub.has.held_count, count + 12);
    for (unsigned i = 0; i < hub.has.held_count; i++)
        counted += hub.has.held[i].quantity == quantity;
    ck_assert_uint_eq(counted, count);
}

static void count_notes(void *data, const outbox_note *note)
{
    unsigned *counts = data;
    counts[note->kind]++;
}

static unsigned notes(outbox_note_kind kind)
{
    unsigned counts[OUTBOX_NOTE_NEW + 1] = {0};
    ck_assert_int_eq(outbox_notes(box, count_notes, counts), OUTBOX_OK);
    return counts[kind];
}

/* 0: as it was; 1: with an export before it hears of the hub; 2: without an outbox; 3: that, with such an export. */
START_TEST(test_restored_home)
{
    char copy[160];
    enqueue_result queued;
    hub.tells_stable = true;
    hub.loses_grants = _i == 1;
    (void)snprintf(copy, sizeof copy, "%s/old.sqlite", folder);
    standin_start(&hub);
    open_loop();
    ck_assert_int_eq(push(0, 600, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert(deliver(PATIENCE_S));
    close_all();
    copy_file(box_path, copy);
    open_all();
    ck_assert_int_eq(push(0, 1500, 4, false, false, &queued), ENQUEUE_OK);
    ck_assert(deliver(PATIENCE_S));
    ck_assert_int_eq(push(0, 1400, 5, false, false, &queued), ENQUEUE_OK);
    ck_assert(deliver(PATIENCE_S));
    close_all();
    if (_i < 2)
        copy_file(copy, box_path);
    else
        unlink(box_path);
    ck_assert_int_eq(outbox_open(&box, box_path, NULL), OUTBOX_OK);
    if (_i % 2 == 1)
        ck_assert_int_eq(push(0, 900, 6, false, false, &queued), ENQUEUE_OK);
    open_loop();
    ck_assert(settle(PATIENCE_S));
    ck_assert_uint_ge(hub.renewals, 1);
    ck_assert_uint_gt(hub.lists, 0);
    ck_assert_uint_eq(hub.has.incarnation, 2);
    ck_assert_uint_eq(notes(_i == 2 ? OUTBOX_NOTE_NEW : OUTBOX_NOTE_RESTORED), 1);
    check_hub(1200, 7);
    ck_assert_uint_eq(notes(OUTBOX_NOTE_RESTORED) + notes(OUTBOX_NOTE_NEW), 0);
    unsigned lists = hub.lists;
    close_all(); /* and it is settled for good */
    open_all();
    check_hub(1201, 7);
    ck_assert_uint_eq(hub.lists, lists);
    standin_stop(&hub);
}
END_TEST

/* A hub restored from an older copy: 0: of what it had not called stable; 1: of what the agent has forgotten. */
START_TEST(test_restored_hub)
{
    static standin_state copy;
    enqueue_result queued;
    standin_start(&hub);
    open_loop();
    ck_assert_int_eq(push(0, 600, 3, false, false, &queued), ENQUEUE_OK);
    ck_assert(deliver(PATIENCE_S));
    copy = hub.has;
    hub.tells_stable = _i == 1;
    ck_assert_int_eq(push(0, 700, 4, false, false, &queued), ENQUEUE_OK);
    ck_assert(deliver(PATIENCE_S));
    ck_assert_int_eq(push(0, 650, 4, false, false, &queued), ENQUEUE_OK);
    ck_assert(deliver(PATIENCE_S));
    standin_stop(&hub);
    hub.has = copy;
    standin_start(&hub);
    ck_assert_int_eq(push(0, 660, 4, false, false, &queued), ENQUEUE_OK);
    ck_assert(settle(PATIENCE_S));
    ck_assert_uint_eq(hub.wrong, 0);
    ck_assert_uint_eq(hub.renewals, _i);
    ck_assert_uint_eq(notes(OUTBOX_NOTE_HUB_LOST), _i);
    if (_i == 0)
        ck_assert_uint_eq(hub.has.held_count, 672); /* all was sent again */
    check_hub(700, 5);
    ck_assert_uint_eq(notes(OUTBOX_NOTE_HUB_LOST), 0);
    standin_stop(&hub);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("runtime");
    TCase *cases = tcase_create("runtime");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_whole_way);
    tcase_add_test(cases, test_guard_and_partial);
    tcase_add_test(cases, test_hub_comes_and_goes);
    tcase_add_test(cases, test_wrong_hub);
    tcase_add_test(cases, test_refused);
    tcase_add_loop_test(cases, test_restored_home, 0, 4);
    tcase_add_loop_test(cases, test_restored_hub, 0, 2);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
