/*
 * An operator that has lost its disk is given new keys, in a real database: what it had sent stands until its whole
 * table of a contract has come again; no report is double or empty in between, and past reports stay as they were.
 */
#include "storehouse.h"
#include "store_ask.h"
#include "store_replace.h"

static house_agent old, fresh;

static void enter(void)
{
    house_enter();
    house_agent_new(&old, "alpha", "63");
    house_agent_new(&fresh, "alpha", "63");
    house_add("63-a", "63");
    house_add("63-b", "63");
    house_approve(&old, "63-a", "axe1");
    house_approve(&old, "63-b", "axe1");
}

static record requests(uint8_t key, const char *of, int64_t quantity)
{
    return (record){.operation = RECORD_PUT, .key = {key}, .contract = text_of(of), .action = text_of("axe1"),
                    .type = FACT_SOLLICITATION, .month = civil_month_parse(text_of("2024-03")), .has_quantity = true,
                    .quantity = quantity};
}

static record withdrawal(uint8_t key, const char *of)
{
    return (record){.operation = RECORD_WITHDRAW, .key = {key}, .contract = text_of(of), .month = CIVIL_NONE, .type = FACT_NONE};
}

static void put(house_agent *agent, record what)
{
    store_outcome outcome = house_put(house_batch(agent, &what, 1));
    ck_assert_int_eq(outcome.stored, HUB_STORED_COMMITTED);
    ck_assert_uint_eq(outcome.refusal_count, 0);
}

/* The last batch of a whole export of a contract. */
static void put_complete(house_agent *agent, record what, const char *of, bool complete)
{
    agent->coverage_count = 1;
    agent->coverage[0] = (batch_coverage){.contract = text_of(of), .complete = complete, .action_count = 1,
                                          .actions = {text_of("axe1")}, .last_month = civil_month_parse(text_of("2024-05"))};
    put(agent, what);
    agent->coverage_count = 0;
}

static store_replaced replace(const house_agent *with)
{
    store_replaced done;
    database_error error = store_replace(house.store, &with->identity, &done);
    ck_assert_msg(error == DATABASE_OK, "%s", store_explain(house.store));
    return done;
}

/* The new machine has signed nothing, and asks where to begin. */
static void renew(house_agent *agent)
{
    store_state state;
    ck_assert_int_eq(store_load_state(house.store, agent->identity.sign, NULL, 0, house.memory, &state), DATABASE_OK);
    ck_assert_uint_eq(state.scope_count, 1);
    wire_message question = {.type = WIRE_RENEW};
    store_answer answer;
    question.renew.own = (wire_position){.scope = text_of("63"), .incarnation = 1};
    question.renew.seen = state.scopes[0].position;
    question.renew.incarnation = state.scopes[0].position.incarnation + 1;
    crypto_random(question.renew.request, WIRE_REQUEST);
    ck_assert_int_eq(store_ask(house.store, agent->identity.sign, &question, house.memory, &answer), DATABASE_OK);
    ck_assert_int_eq(answer.stored, HUB_STORED_COMMITTED);
    agent->incarnation = answer.message.granted.position.incarnation;
    agent->sequence = answer.message.granted.position.sequence;
    memcpy(agent->previous, answer.message.granted.position.hash, CRYPTO_HASH);
}

/* What a report adds up, as of a position (0: now). */
static long total(const char *of, long as_of)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT coalesce(sum(r.quantity), 0) FROM ctai.records_as_of('63', %ld) AS r JOIN ctai.contract AS c USING (contract_id)"
             " WHERE c.id = '%s'", as_of ? as_of : 1000000, of);
    return house_number(sql);
}

static long position(void)
{
    return house_number("SELECT position FROM ctai.scope WHERE scope = '63'");
}

static unsigned held(const house_agent *agent, uint8_t bucket)
{
    wire_message question = {.type = WIRE_LIST};
    store_answer answer;
    question.list.scope = text_of("63");
    question.list.bucket = bucket;
    ck_assert_int_eq(store_ask(house.store, agent->identity.sign, &question, house.memory, &answer), DATABASE_OK);
    ck_assert_int_eq(answer.stored, HUB_STORED_COMMITTED);
    return answer.message.listed.record_count;
}

START_TEST(what_was_sent_stands_until_all_has_come_again)
{
    put(&old, requests(1, "63-a", 10));
    put(&old, requests(2, "63-a", 20));
    put_complete(&old, requests(3, "63-b", 5), "63-b", true);
    long before = position();
    store_replaced done = replace(&fresh);
    ck_assert(done.changed && done.contracts == 2 && !done.was_revoked);
    ck_assert_mem_eq(done.before.sign, old.identity.sign, CRYPTO_PUBLIC);
    ck_assert_str_eq(house_text("SELECT incarnation || ' ' || base || ' ' || (request IS NULL) FROM ctai.incarnation"), "2 3 true");
    /* The old keys are nobody's. */
    record late = requests(9, "63-a", 99);
    ck_assert_int_eq(house_put(house_batch(&old, &late, 1)).stored, HUB_STORED_NO_RIGHT);
    renew(&fresh);
    ck_assert_uint_eq(fresh.incarnation, 3);
    /* Several batches, additions at first: nothing of them counts yet, nothing is twice or gone. */
    put(&fresh, requests(101, "63-a", 11));
    put_complete(&fresh, requests(102, "63-a", 21), "63-a", false);
    put(&fresh, requests(103, "63-b", 6));
    put(&fresh, requests(104, "63-a", 1000));
    put(&fresh, withdrawal(104, "63-a"));
    put(&fresh, withdrawal(1, "63-a")); /* not its own to take away: it does not know the key */
    ck_assert(total("63-a", 0) == 30 && total("63-b", 0) == 5);
    ck_assert(held(&fresh, 101) == 1 && held(&fresh, 104) == 0 && held(&fresh, 1) == 0);
    /* The whole table of one contract: in one moment. */
    put_complete(&fresh, requests(105, "63-a", 2), "63-a", true);
    long after = position();
    ck_assert(total("63-a", 0) == 34 && total("63-b", 0) == 5);
    ck_assert(total("63-a", after - 1) == 30 && total("63-a", before) == 30 && total("63-a", before - 2) == 10);
    ck_assert(held(&fresh, 101) == 1 && held(&fresh, 1) == 0 && held(&fresh, 3) == 0 && held(&fresh, 103) == 1);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record_history WHERE replaced_position > 7"), 2);
    /* From now on it is as ever there; the other contract still waits. */
    put(&fresh, requests(101, "63-a", 12));
    put(&fresh, withdrawal(102, "63-a"));
    ck_assert(total("63-a", 0) == 14 && total("63-b", 0) == 5);
    put_complete(&fresh, requests(106, "63-b", 1), "63-b", true);
    ck_assert(total("63-a", 0) == 14 && total("63-b", 0) == 7);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.replacement"), 0);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record_staged"), 0);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record"), 4);
}
END_TEST

/* A key may come back: the operator has kept what makes them. And it may have moved to another contract. */
START_TEST(equal_keys_are_one_record)
{
    put(&old, requests(1, "63-a", 10));
    put(&old, requests(2, "63-a", 20));
    (void)replace(&fresh);
    renew(&fresh);
    put(&fresh, requests(1, "63-a", 11));
    put(&fresh, requests(5, "63-b", 50)); /* of which it had sent nothing: stands at once */
    ck_assert(total("63-a", 0) == 30 && total("63-b", 0) == 50);
    put(&fresh, requests(5, "63-a", 51)); /* was a mistake: of the first contract */
    ck_assert(total("63-a", 0) == 30 && total("63-b", 0) == 0);
    put(&fresh, requests(1, "63-b", 12)); /* and back: replaces the old record of the key, too */
    ck_assert(total("63-a", 0) == 20 && total("63-b", 0) == 12);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record_staged"), 1);
    put(&fresh, requests(2, "63-a", 22));
    put_complete(&fresh, requests(7, "63-a", 1), "63-a", true);
    ck_assert(total("63-a", 0) == 51 + 22 + 1 && total("63-b", 0) == 12);
}
END_TEST

/* A second set of tokens, while the linkage key is being rotated. */
START_TEST(second_tokens_go_and_stay_with_their_records)
{
    record person = {.operation = RECORD_PUT, .key = {1}, .contract = text_of("63-a"), .action = text_of("axe1"),
                     .type = FACT_BENEFICIAIRE, .month = civil_month_parse(text_of("2024-03")), .sex = RECORD_SEX_F,
                     .token_sets = 2, .tokens = {{.epoch = 1, .has_i = true, .i = {1}}, {.epoch = 2, .has_i = true, .i = {2}}}};
    old.key_count = fresh.key_count = 2;
    old.keys[1] = fresh.keys[1] = (batch_key){.epoch = 2, .id = {5}};
    put(&old, person);
    (void)replace(&fresh);
    renew(&fresh);
    person.key[0] = 2;
    put(&fresh, person);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record_staged WHERE epoch2 = 2 AND token_i2 <> token_i"), 1);
    person.key[0] = 3;
    put_complete(&fresh, person, "63-a", true);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record WHERE epoch2 = 2 AND token_i2 <> token_i"), 2);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record_history WHERE epoch2 = 2 AND token_i2 <> token_i"), 1);
}
END_TEST

START_TEST(replaced_before_it_had_sent_all)
{
    put(&old, requests(1, "63-a", 10));
    (void)replace(&fresh);
    renew(&fresh);
    put(&fresh, requests(101, "63-a", 11));
    house_agent third;
    house_agent_new(&third, "alpha", "63");
    store_replaced done = replace(&third);
    ck_assert_uint_eq(done.contracts, 1);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record_staged"), 0);
    ck_assert_int_eq(total("63-a", 0), 10);
    renew(&third);
    put_complete(&third, requests(201, "63-a", 12), "63-a", true);
    ck_assert_int_eq(total("63-a", 0), 12);
}
END_TEST

/* Of a forked agent, and of a revoked one, new keys are the way back. */
START_TEST(new_keys_end_a_fork_and_a_revocation)
{
    put(&old, requests(1, "63-a", 10));
    house_run("UPDATE ctai.agent SET forked_at = now()");
    store_replaced done = {0};
    ck_assert_int_eq(store_replace(house.store, &old.identity, &done), DATABASE_CONFLICT); /* the same keys are no way back */
    ck_assert(replace(&fresh).changed);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.agent WHERE forked_at IS NOT NULL"), 0);
    ck_assert(!replace(&fresh).changed); /* the approval was lost: again */
    ck_assert_int_eq(store_agent_revoke(house.store, "alpha"), DATABASE_OK);
    ck_assert_int_eq(store_replace(house.store, &fresh.identity, &done), DATABASE_CONFLICT);
    house_agent third;
    house_agent_new(&third, "alpha", "63");
    ck_assert(replace(&third).was_revoked);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.agent WHERE status = 'active' AND revoked_at IS NULL"), 1);
    renew(&third);
    put_complete(&third, requests(1, "63-a", 11), "63-a", true);
    ck_assert_int_eq(total("63-a", 0), 11);
    store_agent agent;
    ck_assert_int_eq(store_agent_find(house.store, "alpha", house.memory, &agent), DATABASE_OK);
    ck_assert(agent.replaced_at[0] && !agent.forked_at[0] && !agent.revoked_at[0]);
    ck_assert(agent.scopes[0].awaited == 0 && agent.scopes[0].incarnation == 4);
}
END_TEST

START_TEST(keys_never_come_back)
{
    store_replaced done;
    house_agent other;
    house_agent_new(&other, "beta", "63");
    house_approve(&other, "63-a", "axe1");
    ck_assert_int_eq(store_replace(house.store, &(credential_identity){.name = "gamma"}, &done), DATABASE_NOT_FOUND);
    house_agent thief = fresh;
    memcpy(thief.identity.box, other.identity.box, CRYPTO_PUBLIC);
    ck_assert_int_eq(store_replace(house.store, &thief.identity, &done), DATABASE_CONFLICT);
    (void)replace(&fresh);
    /* The former ones: neither for their agent, nor for another, nor for a new one. */
    ck_assert_int_eq(store_replace(house.store, &old.identity, &done), DATABASE_CONFLICT);
    memcpy(other.identity.curve, old.identity.curve, CRYPTO_PUBLIC);
    ck_assert_int_eq(store_replace(house.store, &other.identity, &done), DATABASE_CONFLICT);
    house_agent newcomer;
    house_agent_new(&newcomer, "delta", "63");
    memcpy(newcomer.identity.sign, old.identity.sign, CRYPTO_PUBLIC);
    const char *action = "axe1";
    ck_assert_int_eq(store_agent_approve(house.store, &newcomer.identity, "63-a", &action, 1), DATABASE_CONFLICT);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.agent_former"), 1);
    /* Nothing was sent: no incarnation begins, nothing is waited for. */
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.incarnation"), 0);
    put(&fresh, requests(1, "63-a", 1));
    ck_assert_int_eq(total("63-a", 0), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_replace");
    TCase *cases = tcase_create("replacement");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, enter, house_leave);
    tcase_add_test(cases, what_was_sent_stands_until_all_has_come_again);
    tcase_add_test(cases, equal_keys_are_one_record);
    tcase_add_test(cases, second_tokens_go_and_stay_with_their_records);
    tcase_add_test(cases, replaced_before_it_had_sent_all);
    tcase_add_test(cases, new_keys_end_a_fork_and_a_revocation);
    tcase_add_test(cases, keys_never_come_back);
    suite_add_tcase(suite, cases);
    return house_main(suite);
}
