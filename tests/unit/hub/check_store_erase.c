/*
 * Erasures into a real database: the records go from what stands, history, staging and quarantine; others stay; reports
 * of before say how many are gone; the ledger is what it was.
 */
#include "report.h"
#include "store_ask.h"
#include "store_replace.h"
#include "storehouse.h"
#include "wire.h"

static house_agent alpha, beta;

static void enter(void)
{
    house_enter();
    house_agent_new(&alpha, "alpha", "63");
    house_agent_new(&beta, "beta", "63");
    house_add("63-a", "63");
    house_add("63-b", "63");
    house_approve(&alpha, "63-a", "axe1");
    house_approve(&beta, "63-a", "axe1");
}

static record beneficiary(uint8_t key, uint8_t identity, uint8_t person)
{
    record made = {.operation = RECORD_PUT, .key = {key, [15] = 0xe5}, .contract = text_of("63-a"), .action = text_of("axe1"),
                   .type = FACT_BENEFICIAIRE, .month = civil_month_parse(text_of("2024-03")), .token_sets = 1, .sex = RECORD_SEX_F};
    made.tokens[0] = (record_tokens){.epoch = 1, .has_e = person > 0, .has_i = true, .e = {person}, .i = {identity}};
    return made;
}

static record without_fields(record_operation operation, uint8_t key, const char *of)
{
    return (record){.operation = operation, .key = {key, [15] = 0xe5}, .contract = text_of(of), .month = CIVIL_NONE,
                    .type = FACT_NONE};
}

static record erasure(uint8_t key)
{
    return without_fields(RECORD_ERASE, key, "63-a");
}

static store_outcome put(house_agent *agent, record what)
{
    store_outcome outcome = house_put(house_batch(agent, &what, 1));
    ck_assert_int_eq(outcome.stored, HUB_STORED_COMMITTED);
    return outcome;
}

static long gone(long as_of)
{
    evaluation_table table;
    char position[32];
    snprintf(position, sizeof position, "%ld", as_of);
    const report_query query = {.contract = "63-a", .from = CIVIL_NONE, .to = CIVIL_NONE, .as_of = position};
    ck_assert_int_eq(report_read(house.store, &query, house.memory, &table), DATABASE_OK);
    return (long)table.erased;
}

static long rows(const char *table)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM ctai.%s", table);
    return house_number(sql);
}

START_TEST(records_go_from_history_too)
{
    put(&alpha, beneficiary(1, 11, 21)); /* position 3 */
    put(&alpha, beneficiary(2, 12, 22));
    put(&alpha, beneficiary(1, 13, 21));
    put(&alpha, without_fields(RECORD_WITHDRAW, 2, "63-a")); /* 6 */
    put(&beta, beneficiary(1, 11, 21));
    const char *ledger = house_text("SELECT md5(string_agg(l::text, '|' ORDER BY position)) FROM ctai.ledger AS l WHERE position <= 7");
    ck_assert_uint_eq(put(&alpha, erasure(1)).refusal_count, 0); /* 8 */
    ck_assert_int_eq(rows("record"), 1);
    ck_assert_int_eq(rows("record_history"), 1);
    put(&alpha, erasure(2));
    ck_assert_int_eq(rows("record_history"), 0);
    ck_assert_str_eq(ledger, house_text("SELECT md5(string_agg(l::text, '|' ORDER BY position)) FROM ctai.ledger AS l WHERE position <= 7"));
    static const long expected[] = {[2] = 0, [3] = 1, [4] = 2, [5] = 2, [6] = 1, [7] = 1, [8] = 0, [9] = 0};
    for (long at = 2; at <= 9; at++)
        ck_assert_msg(gone(at) == expected[at], "at %ld: %ld", at, gone(at));
    /* Again, and of what never was: nothing. What comes later counts. */
    put(&alpha, erasure(1));
    put(&alpha, erasure(9));
    ck_assert_int_eq(gone(7), 1);
    put(&alpha, beneficiary(1, 11, 21));
    ck_assert_int_eq(rows("record"), 2);
    ck_assert_int_eq(gone(12), 0);
}
END_TEST

START_TEST(an_erasure_needs_no_right_but_a_contract)
{
    put(&alpha, beneficiary(1, 11, 21));
    store_outcome unknown = put(&alpha, without_fields(RECORD_ERASE, 1, "63-c"));
    ck_assert_uint_eq(unknown.refusal_count, 1);
    ck_assert_int_eq(unknown.refusals[0].reason, RECORD_UNKNOWN_CONTRACT);
    ck_assert_uint_eq(put(&alpha, without_fields(RECORD_ERASE, 1, "63-b")).refusal_count, 0); /* none there */
    ck_assert_int_eq(rows("record"), 1);
    house_approve(&alpha, "63-b", "axe1");
    house_run("DELETE FROM ctai.agent_right WHERE contract_id = (SELECT contract_id FROM ctai.contract WHERE id = '63-a')");
    ck_assert_uint_eq(put(&alpha, without_fields(RECORD_WITHDRAW, 1, "63-a")).refusal_count, 1);
    ck_assert_uint_eq(put(&alpha, erasure(1)).refusal_count, 0);
    ck_assert_int_eq(rows("record"), 0);
}
END_TEST

/* An agent that was given new keys: its new records may still wait, and those of before have keys that nobody knows. */
START_TEST(an_earlier_life_goes_by_its_people)
{
    house_agent fresh;
    store_replaced done;
    store_state state;
    put(&alpha, beneficiary(1, 11, 21));
    put(&alpha, beneficiary(2, 11, 0));  /* her, before her number was known */
    put(&alpha, beneficiary(3, 11, 33)); /* another person of her name */
    put(&alpha, beneficiary(4, 14, 24));
    put(&beta, beneficiary(1, 11, 21));
    house_agent_new(&fresh, "alpha", "63");
    ck_assert_int_eq(store_replace(house.store, &fresh.identity, &done), DATABASE_OK);
    ck_assert_int_eq(store_load_state(house.store, fresh.identity.sign, NULL, 0, house.memory, &state), DATABASE_OK);
    wire_message question = {.type = WIRE_RENEW};
    store_answer answer;
    question.renew.own = (wire_position){.scope = text_of("63"), .incarnation = 1};
    question.renew.seen = state.scopes[0].position;
    question.renew.incarnation = state.scopes[0].position.incarnation + 1;
    crypto_random(question.renew.request, WIRE_REQUEST);
    ck_assert_int_eq(store_ask(house.store, fresh.identity.sign, &question, house.memory, &answer), DATABASE_OK);
    fresh.incarnation = answer.message.granted.position.incarnation;
    fresh.sequence = answer.message.granted.position.sequence;
    memcpy(fresh.previous, answer.message.granted.position.hash, CRYPTO_HASH);
    put(&fresh, beneficiary(201, 11, 21));
    ck_assert_int_eq(rows("record_staged"), 1);
    put(&fresh, erasure(201));
    ck_assert_int_eq(rows("record_staged"), 0);
    ck_assert_int_eq(rows("record"), 3); /* the other two of before, and the other operator's */
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record AS r JOIN ctai.agent AS a USING (agent) WHERE a.name = 'alpha'"), 2);
    ck_assert_int_eq(gone(7), 2);
}
END_TEST

/* Is the key anywhere in what is in quarantine? */
static bool in_quarantine(uint8_t key)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM ctai.quarantine WHERE position('\\x%02x0000000000000000000000000000e5'::bytea IN message) > 0",
             key);
    return house_number(sql) > 0;
}

START_TEST(quarantined_batches_are_emptied)
{
    const record two[] = {beneficiary(1, 11, 21), beneficiary(2, 12, 22)};
    store_batch batch = house_batch(&alpha, two, 2);
    wire_message message = {.type = WIRE_BATCH};
    batch_buffer bytes;
    message.batch.header = batch.header_bytes;
    message.batch.signature = batch.signature;
    message.batch.body_count = 2;
    text_view bodies[] = {batch.bodies[0], batch.bodies[1]};
    message.batch.bodies = bodies;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, &message);
    batch.quarantine = STORE_QUARANTINE_DATA;
    batch.message = house_keep(&bytes);
    ck_assert(house_put(batch).quarantined);
    /* One that holds the key where no message can be read. */
    record third = beneficiary(1, 11, 21);
    store_batch broken = house_batch(&alpha, &third, 1);
    broken.quarantine = STORE_QUARANTINE_HEADER;
    broken.message = broken.bodies[0];
    ck_assert(house_put(broken).quarantined);
    third = beneficiary(3, 11, 21);
    store_batch other = house_batch(&alpha, &third, 1);
    other.quarantine = STORE_QUARANTINE_DATA;
    other.message = other.bodies[0];
    ck_assert(house_put(other).quarantined);
    ck_assert(in_quarantine(1) && in_quarantine(2));
    put(&alpha, erasure(1));
    ck_assert(!in_quarantine(1) && in_quarantine(3));
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.quarantine WHERE length(message) = 1"), 2);
    batch_buffer_release(&bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_erase");
    TCase *cases = tcase_create("erasures");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, enter, house_leave);
    tcase_add_test(cases, records_go_from_history_too);
    tcase_add_test(cases, an_erasure_needs_no_right_but_a_contract);
    tcase_add_test(cases, an_earlier_life_goes_by_its_people);
    tcase_add_test(cases, quarantined_batches_are_emptied);
    suite_add_tcase(suite, cases);
    return house_main(suite);
}
