/* Into a real database: incarnations asked for and granted, forks, what the hub holds, quarantine. */
#include "storehouse.h"
#include "store_ask.h"

static house_agent alpha;

static void enter(void)
{
    house_enter();
    house_agent_new(&alpha, "alpha", "63");
    house_add("63-a", "63");
    house_add("63-b", "63");
    house_approve(&alpha, "63-a", "axe1");
    house_approve(&alpha, "63-b", "axe1");
}

/* first: of the key's bytes; last likewise. */
static record requests(uint8_t first, uint8_t last, const char *of)
{
    record made = {.operation = RECORD_PUT, .contract = text_of(of), .action = text_of("axe1"), .type = FACT_SOLLICITATION,
                   .month = civil_month_parse(text_of("2024-03")), .has_quantity = true, .quantity = 1};
    made.key[0] = first;
    made.key[RECORD_KEY - 1] = last;
    return made;
}

static hub_stored put(house_agent *agent, uint8_t key)
{
    record what = requests(key, 0, "63-a");
    return house_put(house_batch(agent, &what, 1)).stored;
}

static store_answer ask(const house_agent *agent, wire_message question)
{
    store_answer answer;
    wire_message *kept = arena_take(house.memory, sizeof *kept);
    *kept = question;
    database_error error = store_ask(house.store, agent->identity.sign, kept, house.memory, &answer);
    ck_assert_msg(error == DATABASE_OK, "%s", store_explain(house.store));
    return answer;
}

static wire_position place_of(const house_agent *agent)
{
    wire_position made = {.scope = text_of(agent->scope), .incarnation = agent->incarnation, .sequence = agent->sequence};
    memcpy(made.hash, agent->previous, CRYPTO_HASH);
    return made;
}

static wire_message renew(const house_agent *own, wire_position seen, uint64_t wanted, uint8_t request)
{
    wire_message made = {.type = WIRE_RENEW};
    made.renew.own = place_of(own);
    made.renew.seen = seen;
    made.renew.incarnation = wanted;
    memset(made.renew.request, request, WIRE_REQUEST);
    return made;
}

/* The agent goes on from what was granted. */
static void adopt(house_agent *agent, const wire_message *granted)
{
    agent->incarnation = granted->granted.position.incarnation;
    agent->sequence = granted->granted.position.sequence;
    memcpy(agent->previous, granted->granted.position.hash, CRYPTO_HASH);
}

START_TEST(a_restored_agent_goes_on)
{
    house_agent restored;
    ck_assert_int_eq(put(&alpha, 1), HUB_STORED_COMMITTED);
    restored = alpha;
    ck_assert_int_eq(put(&alpha, 2), HUB_STORED_COMMITTED);
    ck_assert_int_eq(put(&alpha, 3), HUB_STORED_COMMITTED);
    store_answer answer = ask(&restored, renew(&restored, place_of(&alpha), 2, 7));
    ck_assert_int_eq(answer.stored, HUB_STORED_COMMITTED);
    ck_assert_uint_eq(answer.ledger_position, 5);
    const wire_message *granted = &answer.message;
    ck_assert_int_eq(granted->type, WIRE_GRANTED);
    ck_assert(granted->granted.position.incarnation == 2 && granted->granted.position.sequence == 3);
    ck_assert(granted->granted.position.stable == 3 && granted->granted.request[0] == 7);
    ck_assert_mem_eq(granted->granted.position.hash, alpha.previous, CRYPTO_HASH);
    /* Both have the first: its hash says so. */
    ck_assert_uint_eq(granted->granted.hash_count, 1);
    ck_assert_mem_eq(granted->granted.hashes[0], restored.previous, CRYPTO_HASH);
    ck_assert_str_eq(house_text("SELECT incarnation || ' ' || base || ' ' || (request = decode(repeat('07', 16), 'hex'))"
                                " FROM ctai.incarnation WHERE (scope, agent) = ('63', 1)"), "2 3 true");
    /* What comes late of before is no fork; what goes on is taken. */
    ck_assert_int_eq(put(&alpha, 4), HUB_STORED_INCARNATION);
    adopt(&restored, granted);
    ck_assert_int_eq(put(&restored, 5), HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_number("SELECT sequence FROM ctai.ledger WHERE incarnation = 2"), 4);
}
END_TEST

START_TEST(a_request_is_answered_again_until_it_is_used)
{
    ck_assert_int_eq(put(&alpha, 1), HUB_STORED_COMMITTED);
    house_agent restored = alpha;
    wire_message request = renew(&restored, place_of(&alpha), 2, 7);
    store_answer first = ask(&restored, request), again = ask(&restored, request);
    ck_assert_int_eq(again.stored, HUB_STORED_COMMITTED);
    ck_assert_uint_eq(again.message.granted.position.incarnation, 2);
    ck_assert_uint_eq(again.message.granted.hash_count, 1);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.incarnation"), 1);
    adopt(&restored, &first.message);
    ck_assert_int_eq(put(&restored, 2), HUB_STORED_COMMITTED);
    ck_assert_int_eq(ask(&restored, request).stored, HUB_STORED_SEQUENCE);
    /* One that has not seen where the hub is. */
    request = renew(&restored, place_of(&alpha), 3, 8);
    ck_assert_int_eq(ask(&restored, request).stored, HUB_STORED_SEQUENCE);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.agent WHERE forked_at IS NOT NULL"), 0);
}
END_TEST

/* Two machines with one key: the second to ask finds both stopped, at every hub. */
START_TEST(the_second_of_two_machines_stops_both)
{
    ck_assert_int_eq(put(&alpha, 1), HUB_STORED_COMMITTED);
    house_agent restored = alpha;
    ck_assert_int_eq(put(&alpha, 2), HUB_STORED_COMMITTED);
    store_answer answer = ask(&restored, renew(&restored, place_of(&alpha), 2, 7));
    adopt(&restored, &answer.message);
    ck_assert_int_eq(put(&restored, 3), HUB_STORED_COMMITTED);
    store *other = NULL;
    ck_assert_int_eq(house_open(&other, "this-hub", false), DATABASE_OK);
    ck_assert_int_eq(store_listen(other), DATABASE_OK);
    wire_message second = renew(&alpha, place_of(&restored), 3, 9);
    second.renew.own.stable = alpha.sequence; /* it holds the receipts */
    ck_assert_int_eq(ask(&alpha, second).stored, HUB_STORED_FORK);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.agent WHERE forked_at IS NOT NULL"), 1);
    ck_assert_int_eq(house_number("SELECT incarnation FROM ctai.agent_scope"), 2);
    ck_assert_int_eq(put(&restored, 4), HUB_STORED_FORK);
    ck_assert_int_eq(ask(&restored, renew(&restored, place_of(&restored), 3, 9)).stored, HUB_STORED_FORK);
    wire_message survey = {.type = WIRE_SURVEY};
    survey.survey.scope = text_of("63");
    ck_assert_int_eq(ask(&restored, survey).stored, HUB_STORED_FORK);
    store_state state;
    ck_assert_int_eq(store_load_state(house.store, alpha.identity.sign, NULL, 0, house.memory, &state), DATABASE_OK);
    ck_assert(state.forked && state.scope_count == 0 && state.contract_count == 0);
    bool changed = false;
    ck_assert_int_eq(store_changed(other, &changed), DATABASE_OK);
    ck_assert(changed);
    store_destroy(&other);
}
END_TEST

START_TEST(who_may_not_ask_is_told_why)
{
    house_agent stranger, elsewhere = alpha;
    house_agent_new(&stranger, "gamma", "63");
    elsewhere.scope = "03";
    for (int i = 0; i < 3; i++) {
        wire_message of_ours = {.type = i == 1 ? WIRE_SURVEY : WIRE_LIST}, of_another = of_ours;
        of_ours.survey.scope = of_ours.list.scope = text_of("63");
        of_another.survey.scope = of_another.list.scope = text_of("03");
        if (i == 0) {
            of_ours = renew(&stranger, place_of(&stranger), 2, 1);
            of_another = renew(&elsewhere, place_of(&elsewhere), 2, 1);
        }
        ck_assert_int_eq(ask(&stranger, of_ours).stored, HUB_STORED_NO_RIGHT);
        ck_assert_int_eq(ask(&elsewhere, of_another).stored, HUB_STORED_SCOPE);
    }
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.incarnation"), 0);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.agent_scope"), 0);
}
END_TEST

START_TEST(hashes_go_up_to_the_bound)
{
    house_run("INSERT INTO ctai.agent_scope (scope, agent, sequence, stable) VALUES ('63', 1, 2000, 0)");
    house_run("INSERT INTO ctai.ledger SELECT '63', 100 + n, 1, 1, n, decode(lpad(to_hex(n), 64, '0'), 'hex'), '', '', now(), decode(repeat('00', 32), 'hex')"
              " FROM generate_series(1, 2000) AS n");
    house_agent own = alpha;
    own.sequence = 1900;
    wire_message request = renew(&own, (wire_position){.scope = text_of("63"), .incarnation = 1, .sequence = 2000}, 2, 1);
    request.renew.own.stable = 300;
    store_answer answer = ask(&own, request);
    ck_assert_int_eq(answer.stored, HUB_STORED_COMMITTED);
    ck_assert_uint_eq(answer.message.granted.hash_count, WIRE_CHAIN_MAX);
    ck_assert(answer.message.granted.hashes[0][31] == (301 & 0xff) && answer.message.granted.hashes[0][30] == 301 >> 8);
    request.renew.own.stable = 1895;
    request.renew.request[0] = 1;
    ck_assert_uint_eq(ask(&own, request).message.granted.hash_count, 5);
}
END_TEST

/* What an agent compares with. */
START_TEST(digests_and_lists_say_what_stands)
{
    enum { COUNT = 60 };
    record records[COUNT];
    for (unsigned i = 0; i < COUNT; i++)
        records[i] = requests((uint8_t)(i < 30 ? 7 : 200), (uint8_t)i, i % 2 ? "63-b" : "63-a");
    ck_assert_int_eq(house_put(house_batch(&alpha, records, COUNT)).stored, HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_put(house_batch(&alpha, records + 10, 1)).stored, HUB_STORED_COMMITTED);
    uint8_t expected[WIRE_BUCKETS][WIRE_DIGEST];
    memset(expected, 0, sizeof expected);
    for (unsigned i = 0; i < COUNT; i++) {
        wire_held held = {.contract = records[i].contract, .incarnation = 1, .sequence = i == 10 ? 2 : 1};
        memcpy(held.key, records[i].key, RECORD_KEY);
        wire_digest_toggle(expected[records[i].key[0]], &held);
    }
    wire_message question = {.type = WIRE_SURVEY};
    question.survey.scope = text_of("63");
    store_answer answer = ask(&alpha, question);
    ck_assert_int_eq(answer.stored, HUB_STORED_COMMITTED);
    ck_assert(answer.message.digests.incarnation == 1 && answer.message.digests.sequence == 2);
    ck_assert(text_is(answer.message.digests.scope, "63"));
    ck_assert_mem_eq(answer.message.digests.digests, expected, sizeof expected);
    question = (wire_message){.type = WIRE_LIST};
    question.list.scope = text_of("63");
    question.list.bucket = 7;
    answer = ask(&alpha, question);
    ck_assert(answer.message.listed.record_count == 30 && !answer.message.listed.more && answer.message.listed.bucket == 7);
    for (unsigned i = 0; i < 30; i++) {
        const wire_held *held = &answer.message.listed.records[i];
        ck_assert_mem_eq(held->key, records[i].key, RECORD_KEY);
        ck_assert(text_equal(held->contract, records[i].contract) && held->incarnation == 1);
        ck_assert_uint_eq(held->sequence, i == 10 ? 2 : 1);
    }
    question.list.after = records[20].key;
    answer = ask(&alpha, question);
    ck_assert_uint_eq(answer.message.listed.record_count, 9);
    ck_assert_mem_eq(answer.message.listed.records[0].key, records[21].key, RECORD_KEY);
    question.list.bucket = 8;
    question.list.after = NULL;
    ck_assert_uint_eq(ask(&alpha, question).message.listed.record_count, 0);
}
END_TEST

/* More than a page of digests, more than a message of a list; and the message can be written. */
START_TEST(large_buckets_come_in_parts)
{
    house_run("INSERT INTO ctai.agent_scope (scope, agent, sequence) VALUES ('63', 1, 9)");
    house_run("INSERT INTO ctai.record (position, incarnation, sequence, agent, contract_id, type, action, key, scope)"
              " SELECT 1, 1, 9, 1, 1, 'narrative', 1, lpad(to_hex(n), 32, '0')::uuid, '63' FROM generate_series(1, 20000) AS n");
    wire_message question = {.type = WIRE_SURVEY};
    question.survey.scope = text_of("63");
    uint8_t expected[WIRE_DIGEST] = {0};
    store_answer answer = ask(&alpha, question);
    for (unsigned n = 1; n <= 20000; n++) {
        wire_held held = {.contract = text_of("63-a"), .incarnation = 1, .sequence = 9};
        held.key[RECORD_KEY - 1] = (uint8_t)n;
        held.key[RECORD_KEY - 2] = (uint8_t)(n >> 8);
        wire_digest_toggle(expected, &held);
    }
    ck_assert_mem_eq(answer.message.digests.digests, expected, WIRE_DIGEST);
    question = (wire_message){.type = WIRE_LIST};
    question.list.scope = text_of("63");
    answer = ask(&alpha, question);
    ck_assert(answer.message.listed.record_count == WIRE_LISTED_MAX && answer.message.listed.more);
    batch_buffer bytes;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, &answer.message);
    ck_assert(!bytes.failed);
    batch_buffer_release(&bytes);
    question.list.after = answer.message.listed.records[WIRE_LISTED_MAX - 1].key;
    answer = ask(&alpha, question);
    ck_assert(answer.message.listed.record_count == 20000 - WIRE_LISTED_MAX && !answer.message.listed.more);
}
END_TEST

/* A batch whose number alone can be committed. */
START_TEST(quarantine_moves_the_mark_and_keeps_the_message)
{
    ck_assert_int_eq(put(&alpha, 1), HUB_STORED_COMMITTED);
    const record what[] = {requests(2, 0, "63-a"), requests(3, 0, "63-a"), requests(4, 0, "63-a")};
    store_batch batch = house_batch(&alpha, what, 3);
    text_view *bodies = arena_take(house.memory, 3 * sizeof *bodies);
    memcpy(bodies, batch.bodies, 3 * sizeof *bodies);
    bodies[1] = (text_view){NULL, 0};
    batch.bodies = bodies;
    batch.quarantine = STORE_QUARANTINE_DATA;
    batch.message = text_of("the message");
    store_outcome outcome = house_put(batch);
    ck_assert(outcome.stored == HUB_STORED_COMMITTED && outcome.quarantined);
    ck_assert_uint_eq(outcome.refusal_count, 2); /* one body was absent */
    ck_assert(outcome.refusals[1].index == 2 && outcome.refusals[1].reason == RECORD_UNREADABLE);
    ck_assert_str_eq(house_text("SELECT sequence || ' ' || why || ' ' || convert_from(message, 'UTF8') FROM ctai.quarantine"),
                     "2 data the message");
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record"), 1);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.refusal"), 2);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.ledger"), 2);
    ck_assert_int_eq(house_put(batch).stored, HUB_STORED_AGAIN);
    ck_assert_int_eq(put(&alpha, 5), HUB_STORED_COMMITTED); /* it blocks nothing */
    batch_header envelope = {.scope = text_of("63"), .incarnation = 1, .sequence = 4};
    memcpy(envelope.agent, alpha.identity.sign, CRYPTO_PUBLIC);
    memcpy(envelope.previous, alpha.previous, CRYPTO_HASH);
    batch.header = &envelope;
    batch.header_bytes = text_of("a header of another version");
    batch.quarantine = STORE_QUARANTINE_HEADER;
    ck_assert_int_eq(house_put(batch).stored, HUB_STORED_COMMITTED);
    ck_assert_str_eq(house_text("SELECT why FROM ctai.quarantine WHERE sequence = 4"), "header");
}
END_TEST

START_TEST(what_does_not_fit_the_tables_is_told_apart)
{
    static const char *const states[] = {"22003", "XX001", "23514"};
    static const database_error expected[] = {DATABASE_DATA, DATABASE_FAULT, DATABASE_DATA};
    for (unsigned i = 0; i < 3; i++) {
        char sql[512];
        house_agent copy = alpha;
        record what = requests(1, 0, "63-a");
        store_batch batch = house_batch(&copy, &what, 1);
        store_outcome outcome;
        snprintf(sql, sizeof sql,
                 "CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '%s'; END $$;"
                 "CREATE TRIGGER fault AFTER INSERT ON ctai.record FOR EACH ROW EXECUTE FUNCTION public.fault()", states[i]);
        house_run(sql);
        ck_assert_int_eq(store_put(house.store, &batch, 1, house.memory, &outcome), expected[i]);
        ck_assert_int_eq(outcome.stored, HUB_STORED_LATER);
        batch.quarantine = STORE_QUARANTINE_DATA;
        batch.message = text_of("m");
        if (i == 2) {
            ck_assert_int_eq(store_put(house.store, &batch, 1, house.memory, &outcome), DATABASE_OK);
            ck_assert_int_eq(outcome.stored, HUB_STORED_COMMITTED);
        }
        house_run("DROP FUNCTION public.fault() CASCADE");
    }
}
END_TEST

/*
 * A warning at COMMIT is what a cancelled wait for the standby looks like: the batch may be there, here it is, but
 * nobody has confirmed it. It is no success; the next clean COMMIT that sees it is.
 */
START_TEST(a_commit_with_a_warning_is_not_a_success)
{
    record what = requests(1, 0, "63-a");
    store_batch batch = house_batch(&alpha, &what, 1);
    store_outcome outcome;
    house_run("CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS"
              " $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication due to user request'; RETURN NULL; END $$;"
              "CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON ctai.record DEFERRABLE INITIALLY DEFERRED"
              " FOR EACH ROW EXECUTE FUNCTION public.fault()");
    ck_assert_int_eq(store_put(house.store, &batch, 1, house.memory, &outcome), DATABASE_LATER);
    ck_assert_int_eq(outcome.stored, HUB_STORED_LATER);
    house_run("DROP FUNCTION public.fault() CASCADE");
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.ledger"), 1);
    ck_assert_int_eq(house_put(batch).stored, HUB_STORED_AGAIN);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record"), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_ask");
    TCase *cases = tcase_create("questions");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, enter, house_leave);
    tcase_add_test(cases, a_restored_agent_goes_on);
    tcase_add_test(cases, a_request_is_answered_again_until_it_is_used);
    tcase_add_test(cases, the_second_of_two_machines_stops_both);
    tcase_add_test(cases, who_may_not_ask_is_told_why);
    tcase_add_test(cases, hashes_go_up_to_the_bound);
    tcase_add_test(cases, digests_and_lists_say_what_stands);
    tcase_add_test(cases, large_buckets_come_in_parts);
    tcase_add_test(cases, quarantine_moves_the_mark_and_keeps_the_message);
    tcase_add_test(cases, a_commit_with_a_warning_is_not_a_success);
    tcase_add_test(cases, what_does_not_fit_the_tables_is_told_apart);
    suite_add_tcase(suite, cases);
    return house_main(suite);
}
