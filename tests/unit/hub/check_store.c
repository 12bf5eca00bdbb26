/* Batches into a real database: what is committed, what is refused and why, what stands, and what a report then says. */
#include "report.h"
#include "storehouse.h"

static house_agent alpha, beta;

/* Two agents: alpha has both actions of 63-a and one of 63-b, beta one of 63-a. */
static void enter(void)
{
    house_enter();
    house_agent_new(&alpha, "alpha", "63");
    house_agent_new(&beta, "beta", "63");
    house_add("63-a", "63");
    house_add("63-b", "63");
    house_approve(&alpha, "63-a", "axe1");
    house_approve(&alpha, "63-a", "axe2");
    house_approve(&alpha, "63-b", "axe1");
    house_approve(&beta, "63-a", "axe1");
}

/* key is the first byte of the record's. */
static record put(uint8_t key, fact_type type)
{
    record made = {.operation = RECORD_PUT, .key = {key}, .contract = text_of("63-a"), .action = text_of("axe1"), .type = type,
                   .month = civil_month_parse(text_of("2024-03"))};
    return made;
}

static record withdrawal(uint8_t key)
{
    record made = {.operation = RECORD_WITHDRAW, .key = {key}, .contract = text_of("63-a"), .month = CIVIL_NONE, .type = FACT_NONE};
    return made;
}

/* person 0: no number. */
static record beneficiary(uint8_t key, uint8_t identity, uint8_t person)
{
    record made = put(key, FACT_BENEFICIAIRE);
    made.token_sets = 1;
    made.tokens[0] = (record_tokens){.epoch = 1, .has_e = person > 0, .has_i = true, .e = {person}, .i = {identity}};
    made.sex = RECORD_SEX_F;
    return made;
}

static record requests(uint8_t key, int64_t count)
{
    record made = put(key, FACT_SOLLICITATION);
    made.has_quantity = true;
    made.quantity = count;
    return made;
}

static record cost(uint8_t key, int64_t cents)
{
    record made = put(key, FACT_COUT);
    made.has_quantity = true;
    made.quantity = cents;
    made.code = text_of("p104");
    return made;
}

/* Its chain begins anew: the next batch is its first. */
static void rewind_chain(house_agent *agent)
{
    agent->sequence = 0;
    memset(agent->previous, 0, CRYPTO_HASH);
}

static hub_stored put_one(house_agent *agent, record what)
{
    return house_put(house_batch(agent, &what, 1)).stored;
}

START_TEST(a_batch_is_committed_whole)
{
    const record records[] = {beneficiary(1, 11, 21), requests(2, 7), cost(3, 1234)};
    store_batch batch = house_batch(&alpha, records, 3);
    store_outcome outcome = house_put(batch);
    ck_assert_int_eq(outcome.stored, HUB_STORED_COMMITTED);
    ck_assert_uint_eq(outcome.refusal_count, 0);
    ck_assert(text_is(outcome.position.scope, "63") && outcome.position.incarnation == 1 && outcome.position.sequence == 1);
    ck_assert_uint_eq(outcome.position.stable, 1);
    ck_assert_mem_eq(outcome.position.hash, alpha.previous, CRYPTO_HASH);
    ck_assert_uint_eq(outcome.ledger_position, 3); /* after the two contracts */
    ck_assert_str_eq(house_text("SELECT string_agg(type || ' ' || month || ' ' || coalesce(quantity, 0), ', ' ORDER BY key)"
                                " FROM ctai.record WHERE (scope, agent, position, incarnation, sequence, contract_id, action)"
                                " = ('63', 1, 3, 1, 1, 1, 1)"),
                     "beneficiaire 202403 0, sollicitation 202403 7, cout 202403 1234");
    ck_assert_str_eq(house_text("SELECT sex || ' ' || bpi || ' ' || under_25 || ' ' || epoch FROM ctai.record WHERE type = 'beneficiaire'"),
                     "F false false 1");
    char sql[256], hash[2 * CRYPTO_HASH + 1];
    crypto_hex(hash, alpha.previous, CRYPTO_HASH);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM ctai.ledger WHERE (scope, position, agent, sequence) = ('63', 3, 1, 1)"
             " AND header_hash = '\\x%s' AND length(header) = %zu AND length(signature) = 64", hash, batch.header_bytes.size);
    ck_assert_int_eq(house_number(sql), 1);
    ck_assert_int_eq(house_number("SELECT position FROM ctai.scope WHERE scope = '63'"), 3);
}
END_TEST

/* A stolen dump holds no token: only what the pepper, outside the database, makes of it. */
START_TEST(tokens_are_peppered)
{
    uint8_t pepper[CRYPTO_KEY], stored[CRYPTO_SHORT_HASH];
    const record person = beneficiary(1, 11, 21);
    ck_assert_int_eq(put_one(&alpha, person), HUB_STORED_COMMITTED);
    memset(pepper, 9, sizeof pepper);
    crypto_short_hash(stored, pepper, sizeof pepper, person.tokens[0].e, TOKEN_SIZE);
    char sql[128], hex[2 * CRYPTO_SHORT_HASH + 1];
    crypto_hex(hex, stored, sizeof stored);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM ctai.record WHERE token_e = '%s'", hex);
    ck_assert_int_eq(house_number(sql), 1);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record WHERE token_e::text LIKE '15%00' OR token_i::text LIKE '0b%00'"), 0);
}
END_TEST

/* Its WELCOME was read before they were committed, and their acknowledgements never came: this one is the word on them. */
START_TEST(what_was_refused_is_said_again_with_a_batch_that_comes_again)
{
    record records[2] = {requests(1, 7), requests(2, 8)};
    records[1].action = text_of("axe9");
    store_batch one = house_batch(&alpha, records, 2), two = house_batch(&alpha, &records[1], 1);
    ck_assert_uint_eq(house_put(one).refusal_count + house_put(two).refusal_count, 2);
    store_outcome again = house_put(one);
    ck_assert(again.stored == HUB_STORED_AGAIN && again.refusal_count == 2);
    ck_assert(again.refusals[0].index == 1 && again.refusals[0].reason == RECORD_UNKNOWN_ACTION && again.refusals[1].sequence == 2);
}
END_TEST

START_TEST(a_batch_that_comes_again_changes_nothing)
{
    const record first = requests(1, 7), second = requests(1, 8);
    store_batch one = house_batch(&alpha, &first, 1), two = house_batch(&alpha, &second, 1);
    ck_assert_int_eq(house_put(one).stored, HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_put(two).stored, HUB_STORED_COMMITTED);
    store_outcome again = house_put(one);
    ck_assert_int_eq(again.stored, HUB_STORED_AGAIN);
    ck_assert(again.position.sequence == 2 && again.ledger_position == 4 && again.refusal_count == 0);
    ck_assert_mem_eq(again.position.hash, alpha.previous, CRYPTO_HASH);
    ck_assert_int_eq(house_number("SELECT quantity FROM ctai.record"), 8);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.ledger"), 2);
}
END_TEST

/* The second copy of a cloned machine. */
START_TEST(another_batch_of_a_number_is_a_fork)
{
    house_agent clone = alpha;
    ck_assert_int_eq(put_one(&alpha, requests(1, 7)), HUB_STORED_COMMITTED);
    ck_assert_int_eq(put_one(&clone, requests(1, 9)), HUB_STORED_FORK);
    /* Its chain goes on from a header that the hub has not. */
    ck_assert_int_eq(put_one(&clone, requests(1, 10)), HUB_STORED_FORK);
    ck_assert_int_eq(house_number("SELECT quantity FROM ctai.record"), 7);
    /* From now on neither is heard, in any scope. */
    ck_assert_int_eq(put_one(&alpha, requests(1, 8)), HUB_STORED_FORK);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.agent WHERE forked_at IS NOT NULL AND name = 'alpha'"), 1);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.ledger"), 1);
    ck_assert_int_eq(put_one(&beta, requests(1, 8)), HUB_STORED_COMMITTED);
}
END_TEST

START_TEST(the_next_of_the_granted_incarnation_is_taken_alone)
{
    house_agent ahead = alpha;
    (void)house_batch(&ahead, NULL, 0);
    ck_assert_int_eq(put_one(&ahead, requests(1, 7)), HUB_STORED_SEQUENCE);
    house_agent reborn = alpha;
    reborn.incarnation = 2;
    store_outcome outcome = house_put(house_batch(&reborn, NULL, 0));
    ck_assert_int_eq(outcome.stored, HUB_STORED_INCARNATION);
    ck_assert(outcome.position.incarnation == 1 && outcome.position.sequence == 0);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.ledger"), 0);
}
END_TEST

START_TEST(who_has_no_right_is_told_why)
{
    house_agent stranger, elsewhere = alpha;
    house_agent_new(&stranger, "gamma", "63");
    ck_assert_int_eq(put_one(&stranger, requests(1, 7)), HUB_STORED_NO_RIGHT);
    elsewhere.scope = "03"; /* unknown, then known but not to it */
    ck_assert_int_eq(put_one(&elsewhere, requests(1, 7)), HUB_STORED_SCOPE);
    house_add("03-c", "03");
    rewind_chain(&elsewhere);
    ck_assert_int_eq(put_one(&elsewhere, requests(1, 7)), HUB_STORED_SCOPE);
    ck_assert_int_eq(put_one(&alpha, requests(1, 7)), HUB_STORED_COMMITTED);
    ck_assert_int_eq(store_agent_revoke(house.store, "alpha"), DATABASE_OK);
    ck_assert_int_eq(put_one(&alpha, requests(2, 7)), HUB_STORED_NO_RIGHT);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record"), 1); /* what it has sent stays */
}
END_TEST

START_TEST(a_scope_has_one_linkage_key_an_epoch)
{
    ck_assert_int_eq(put_one(&alpha, beneficiary(1, 11, 21)), HUB_STORED_COMMITTED);
    beta.keys[0].id[0] = 1;
    ck_assert_int_eq(put_one(&beta, beneficiary(1, 11, 21)), HUB_STORED_KEY);
    /* A good key of a new epoch beside a bad one of the old is not taken either. */
    rewind_chain(&beta);
    beta.key_count = 2;
    beta.keys[1] = (batch_key){.epoch = 2, .id = {5}};
    record person = beneficiary(1, 11, 21);
    person.token_sets = 2;
    person.tokens[1] = person.tokens[0];
    person.tokens[1].epoch = 2;
    ck_assert_int_eq(put_one(&beta, person), HUB_STORED_KEY);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.scope_key"), 1);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record WHERE agent = 2"), 0);
    /* With the scope's own key of both epochs it goes on; the second set is kept beside. */
    rewind_chain(&beta);
    beta.keys[0] = alpha.keys[0];
    ck_assert_int_eq(put_one(&beta, person), HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record WHERE (scope, agent, epoch, epoch2) = ('63', 2, 1, 2)"
                                  " AND token_e2 = token_e AND token_i2 = token_i"), 1);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.scope_key"), 2);
    person.token_sets = 1; /* one set again: the other goes */
    beta.key_count = 1;
    ck_assert_int_eq(put_one(&beta, person), HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record WHERE epoch2 IS NOT NULL"), 0);
    /* What stood before has kept both. */
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record_history WHERE (epoch, epoch2) = (1, 2) AND token_i2 = token_i"), 1);
}
END_TEST

/* A body with some of its bytes changed: at the first place where `what` stands. */
static text_view changed(const record *from, const void *what, size_t size, const void *by)
{
    text_view body = house_body(from);
    char *bytes = arena_take(house.memory, body.size + 1), *at;
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, body.at, body.size);
    at = memmem(bytes, body.size, what, size);
    ck_assert_ptr_nonnull(at);
    memcpy(at, by, size);
    return (text_view){bytes, body.size};
}

START_TEST(each_refusal_of_a_record_has_its_reason)
{
    record most = cost(3, RECORD_QUANTITY_MAX), fields = put(1, FACT_SEANCE), late = requests(6, 1), early = requests(7, 1);
    record stranger = requests(8, 1), no_action = requests(9, 1), no_right = requests(10, 1), epoch = beneficiary(4, 11, 21);
    fields.has_quantity = fields.has_reference = true;
    fields.code = text_of("autre");
    epoch.tokens[0].epoch = 2;
    late.month = civil_month_parse(text_of("2025-01"));
    early.month = civil_month_parse(text_of("2023-12"));
    stranger.contract = text_of("63-c");
    no_action.action = text_of("axe3");
    no_right.contract = text_of("63-b");
    no_right.action = text_of("axe2");
    record sent_twice = requests(11, 1), elsewhere = withdrawal(12), unknown = withdrawal(13);
    elsewhere.contract = text_of("63-c");
    const record type = cost(0, 1), code = cost(2, 1);
    const text_view bodies[] = {
        changed(&type, "cout", 4, "cuot"),
        changed(&fields, "seance", 6, "sortie"),
        changed(&code, "p104", 4, "p105"),
        changed(&most, "\x00\x00\x00\xe8\xd4\xa5\x10\x00", 8, "\x00\x00\x00\xe8\xd4\xa5\x10\x01"),
        house_body(&epoch),
        text_of("this is no record"),
        house_body(&late), house_body(&early), house_body(&stranger), house_body(&no_action), house_body(&no_right),
        house_body(&sent_twice), house_body(&sent_twice), house_body(&elsewhere), house_body(&unknown),
    };
    static const record_reason expected[] = {
        RECORD_BAD_TYPE, RECORD_BAD_FIELDS, RECORD_BAD_CODE, RECORD_BAD_QUANTITY, RECORD_BAD_TOKENS, RECORD_UNREADABLE,
        RECORD_BAD_MONTH, RECORD_BAD_MONTH, RECORD_UNKNOWN_CONTRACT, RECORD_UNKNOWN_ACTION, RECORD_NO_RIGHT,
        RECORD_OK, RECORD_DUPLICATE_KEY, RECORD_UNKNOWN_CONTRACT, RECORD_OK,
    };
    unsigned count = sizeof bodies / sizeof *bodies, at = 0;
    store_outcome outcome = house_put(house_sign(&alpha, bodies, count));
    ck_assert_int_eq(outcome.stored, HUB_STORED_COMMITTED); /* the mark moves on all the same */
    for (unsigned i = 0; i < count; i++) {
        if (expected[i] == RECORD_OK)
            continue;
        ck_assert_msg(at < outcome.refusal_count && outcome.refusals[at].index == i && outcome.refusals[at].reason == expected[i] &&
                      outcome.refusals[at].sequence == 1, "body %u: expected %d, got [%u] %d", i, expected[i],
                      at < outcome.refusal_count ? outcome.refusals[at].index : 999,
                      at < outcome.refusal_count ? (int)outcome.refusals[at].reason : -1);
        at++;
    }
    ck_assert_uint_eq(outcome.refusal_count, at);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.refusal WHERE (scope, agent, sequence) = ('63', 1, 1)"), at);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record"), 1);
}
END_TEST

/* A right that one agent has is not another's. */
START_TEST(rights_are_an_agents_own)
{
    record other = requests(1, 1);
    other.action = text_of("axe2");
    store_outcome outcome = house_put(house_batch(&beta, &other, 1));
    ck_assert(outcome.stored == HUB_STORED_COMMITTED && outcome.refusal_count == 1);
    ck_assert_int_eq(outcome.refusals[0].reason, RECORD_NO_RIGHT);
    /* Nor does it replace or withdraw another's record of the same key. */
    ck_assert_int_eq(put_one(&alpha, requests(1, 7)), HUB_STORED_COMMITTED);
    ck_assert_int_eq(put_one(&beta, requests(1, 8)), HUB_STORED_COMMITTED);
    ck_assert_int_eq(put_one(&beta, withdrawal(1)), HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_number("SELECT sum(quantity) FROM ctai.record"), 7);
}
END_TEST

START_TEST(what_is_replaced_or_withdrawn_goes_to_history)
{
    ck_assert_int_eq(put_one(&alpha, requests(1, 7)), HUB_STORED_COMMITTED);   /* position 3 */
    ck_assert_int_eq(put_one(&alpha, requests(1, 8)), HUB_STORED_COMMITTED);   /* 4 */
    ck_assert_int_eq(put_one(&alpha, withdrawal(1)), HUB_STORED_COMMITTED);    /* 5 */
    ck_assert_int_eq(put_one(&alpha, requests(1, 9)), HUB_STORED_COMMITTED);   /* 6 */
    ck_assert_str_eq(house_text("SELECT string_agg(quantity || ' ' || position || '-' || replaced_position, ', ' ORDER BY position)"
                                " FROM ctai.record_history"), "7 3-4, 8 4-5");
    for (int position = 3; position <= 6; position++) {
        char sql[128];
        static const int standing[] = {7, 8, 0, 9};
        snprintf(sql, sizeof sql, "SELECT coalesce(sum(quantity), 0) FROM ctai.records_as_of('63', %d)", position);
        ck_assert_int_eq(house_number(sql), standing[position - 3]);
    }
    /* A withdrawal counts in its contract alone. */
    record elsewhere = withdrawal(1);
    elsewhere.contract = text_of("63-b");
    ck_assert_int_eq(put_one(&alpha, elsewhere), HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record"), 1);
}
END_TEST

START_TEST(coverage_is_the_last_word)
{
    alpha.coverage_count = 2;
    alpha.coverage[0] = (batch_coverage){.contract = text_of("63-a"), .complete = true, .action_count = 2,
                                         .actions = {text_of("axe1"), text_of("axe2")}, .last_month = civil_month_parse(text_of("2024-05"))};
    alpha.coverage[1] = (batch_coverage){.contract = text_of("63-b"), .complete = false, .action_count = 2,
                                         .actions = {text_of("axe1"), text_of("axe2")}, .last_month = CIVIL_NONE};
    ck_assert_int_eq(house_put(house_batch(&alpha, NULL, 0)).stored, HUB_STORED_COMMITTED);
    static const char sql[] = "SELECT string_agg(contract_id || '.' || action || ' ' || coalesce(last_month, 0) || ' ' || complete || ' ' ||"
                              " position, ', ' ORDER BY contract_id, action) FROM ctai.coverage";
    /* axe2 of 63-b is not alpha's */
    ck_assert_str_eq(house_text(sql), "1.1 202405 true 3, 1.2 202405 true 3, 2.1 0 false 3");
    alpha.coverage_count = 1;
    alpha.coverage[0].complete = false;
    alpha.coverage[0].action_count = 1;
    alpha.coverage[0].last_month = civil_month_parse(text_of("2024-06"));
    ck_assert_int_eq(house_put(house_batch(&alpha, NULL, 0)).stored, HUB_STORED_COMMITTED);
    ck_assert_str_eq(house_text(sql), "1.1 202406 false 4, 1.2 202405 true 3, 2.1 0 false 3");
}
END_TEST

START_TEST(several_batches_in_one_call)
{
    house_add("03-c", "03");
    house_agent far, clone = alpha;
    house_agent_new(&far, "delta", "03");
    house_approve(&far, "03-c", "axe1");
    record there = requests(1, 5);
    there.contract = text_of("03-c");
    const record a1 = requests(1, 1), a2 = requests(1, 2), a3 = requests(1, 3), b1 = requests(1, 10), fork = requests(1, 99);
    store_batch batches[8] = {house_batch(&alpha, &a1, 1), house_batch(&beta, &b1, 1), house_batch(&far, &there, 1),
                              house_batch(&alpha, &a2, 1), house_batch(&clone, &fork, 1)};
    batches[5] = batches[0];
    batches[6] = house_batch(&alpha, &a3, 1);
    batches[7] = house_batch(&clone, &fork, 1);
    static const hub_stored expected[8] = {HUB_STORED_COMMITTED, HUB_STORED_COMMITTED, HUB_STORED_COMMITTED, HUB_STORED_COMMITTED,
                                           HUB_STORED_FORK, HUB_STORED_FORK, HUB_STORED_FORK, HUB_STORED_FORK};
    store_outcome outcomes[8];
    ck_assert_int_eq(store_put(house.store, batches, 8, house.memory, outcomes), DATABASE_OK);
    for (unsigned i = 0; i < 8; i++)
        ck_assert_msg(outcomes[i].stored == expected[i], "batch %u: %d", i, outcomes[i].stored);
    ck_assert_uint_eq(outcomes[0].ledger_position, 3);
    ck_assert_uint_eq(outcomes[1].ledger_position, 4);
    ck_assert_uint_eq(outcomes[2].ledger_position, 2); /* its scope's own, after its contract */
    ck_assert_uint_eq(outcomes[3].ledger_position, 5);
    ck_assert_str_eq(house_text("SELECT string_agg(scope || ' ' || quantity, ', ' ORDER BY scope, agent) FROM ctai.record"),
                     "03 5, 63 2, 63 10");
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record_history"), 1);
}
END_TEST

START_TEST(a_full_batch_and_absent_bodies)
{
    enum { MANY = BATCH_BODIES_MAX };
    text_view *bodies = arena_take(house.memory, sizeof *bodies * MANY);
    ck_assert_ptr_nonnull(bodies);
    for (unsigned i = 0; i < MANY; i++) {
        record one = beneficiary(0, 0, 0);
        for (unsigned byte = 0; byte < 2; byte++)
            one.key[byte] = one.tokens[0].i[byte] = (uint8_t)(i >> (8 - 8 * byte));
        bodies[i] = house_body(&one);
    }
    store_batch batch = house_sign(&alpha, bodies, MANY);
    text_view *left = arena_take(house.memory, sizeof *left * MANY);
    ck_assert_ptr_nonnull(left);
    memcpy(left, bodies, sizeof *left * MANY);
    left[0] = left[500] = left[MANY - 1] = (text_view){NULL, 0}; /* erased since it was signed */
    batch.bodies = left;
    store_outcome outcome = house_put(batch);
    ck_assert(outcome.stored == HUB_STORED_COMMITTED && outcome.refusal_count == 0);
    ck_assert_int_eq(house_number("SELECT count(DISTINCT token_i) FROM ctai.record"), MANY - 3);
}
END_TEST

/* Texts that need care on their way into an array. */
START_TEST(narratives_come_whole)
{
    static const char *const texts[] = {"{\"a\\b\",NULL}", "NULL", "deux\nlignes, « l’été »", "'; DROP TABLE ctai.record; --"};
    for (unsigned i = 0; i < 4; i++) {
        record told = put((uint8_t)(i + 1), FACT_NARRATIVE);
        told.month = CIVIL_NONE;
        told.code = text_of("1.2.outils");
        told.text = text_of(texts[i]);
        ck_assert_int_eq(put_one(&alpha, told), HUB_STORED_COMMITTED);
        ck_assert_str_eq(house_text("SELECT narrative FROM ctai.record ORDER BY position DESC LIMIT 1"), texts[i]);
    }
}
END_TEST

START_TEST(the_state_of_an_agent)
{
    store_state state;
    ck_assert_int_eq(store_load_state(house.store, alpha.identity.sign, NULL, 0, house.memory, &state), DATABASE_OK);
    ck_assert_uint_eq(state.scope_count, 1);
    ck_assert(text_is(state.scopes[0].position.scope, "63") && state.scopes[0].position.incarnation == 1);
    ck_assert(state.scopes[0].position.sequence == 0 && state.scopes[0].position.stable == 0 && state.scopes[0].ledger_position == 0);
    ck_assert_uint_eq(state.contract_count, 2);
    record stranger = requests(1, 1);
    stranger.contract = text_of("63-c");
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(put_one(&alpha, stranger), HUB_STORED_COMMITTED);
    const wire_position hello = {.scope = text_of("63"), .incarnation = 1, .sequence = 3, .stable = 1};
    ck_assert_int_eq(store_load_state(house.store, alpha.identity.sign, &hello, 1, house.memory, &state), DATABASE_OK);
    const hub_session_loaded *scope = &state.scopes[0];
    ck_assert(scope->position.sequence == 3 && scope->position.stable == 3 && scope->ledger_position == 5);
    ck_assert_mem_eq(scope->position.hash, alpha.previous, CRYPTO_HASH);
    ck_assert_uint_eq(scope->refusal_count, 2); /* of the batches that it has no receipt for */
    ck_assert(scope->refusals[0].sequence == 2 && scope->refusals[1].sequence == 3 && scope->refusals[0].index == 0);
    ck_assert_int_eq(scope->refusals[0].reason, RECORD_UNKNOWN_CONTRACT);
    ck_assert_int_eq(store_load_state(house.store, alpha.identity.sign, &hello, 0, house.memory, &state), DATABASE_OK);
    ck_assert_uint_eq(state.scopes[0].refusal_count, 3);
    ck_assert_int_eq(store_load_state(house.store, alpha.identity.sign, NULL, 0, house.memory, &state), DATABASE_OK);
    ck_assert(state.scopes[0].refusal_count == 0 && state.scopes[0].position.sequence == 3); /* nobody has said HELLO */
    /* All that a window of batches can have. */
    house_run("INSERT INTO ctai.refusal SELECT '63', 1, 100 + n / 1024, n % 1024, 1 FROM generate_series(0, 8191) AS n");
    const wire_position before = {.scope = text_of("63"), .incarnation = 1, .sequence = 3, .stable = 3};
    ck_assert_int_eq(store_load_state(house.store, alpha.identity.sign, &before, 1, house.memory, &state), DATABASE_OK);
    ck_assert_uint_eq(state.scopes[0].refusal_count, 8192);
    house_agent nobody;
    house_agent_new(&nobody, "gamma", "63");
    ck_assert_int_eq(store_load_state(house.store, nobody.identity.sign, NULL, 0, house.memory, &state), DATABASE_NOT_FOUND);
    store_agent found;
    ck_assert_int_eq(store_agent_find(house.store, "alpha", house.memory, &found), DATABASE_OK);
    ck_assert(found.scopes[0].sequence == 3 && found.scopes[0].records == 0 && strlen(found.scopes[0].last_received) == 20);
}
END_TEST

/* A connection that is lost is a passing fault at most; what was sent again is taken once. */
START_TEST(a_lost_connection_is_made_anew)
{
    const record one = requests(1, 7);
    store_batch batch = house_batch(&alpha, &one, 1);
    store_outcome outcome;
    house_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
    database_error error = store_put(house.store, &batch, 1, house.memory, &outcome);
    ck_assert(error == DATABASE_LATER && outcome.stored == HUB_STORED_LATER);
    ck_assert_int_eq(house_put(batch).stored, HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_put(batch).stored, HUB_STORED_AGAIN);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record"), 1);
}
END_TEST

/* The next batch meets a fault of the server in the middle of its transaction, or at COMMIT. */
static void arm(const char *when, const char *what)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s; RETURN NULL; END $$;"
             "CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON ctai.coverage %s FOR EACH ROW EXECUTE FUNCTION public.fault()", what, when);
    house_run(sql);
}

START_TEST(a_fault_of_the_server_leaves_nothing_and_is_sorted)
{
    static const struct { const char *when, *what; database_error error; } cases[] = {
        {"", "RAISE EXCEPTION USING ERRCODE = '53100'", DATABASE_FULL},
        {"", "RAISE EXCEPTION USING ERRCODE = '40P01'", DATABASE_LATER},
        {"", "RAISE EXCEPTION USING ERRCODE = 'XX001'", DATABASE_FAULT},
        {"", "PERFORM pg_terminate_backend(pg_backend_pid())", DATABASE_LATER},
        {"DEFERRABLE INITIALLY DEFERRED", "RAISE EXCEPTION USING ERRCODE = '40001'", DATABASE_LATER},
        {"DEFERRABLE INITIALLY DEFERRED", "PERFORM pg_terminate_backend(pg_backend_pid())", DATABASE_LATER},
    };
    alpha.coverage_count = 1;
    alpha.coverage[0] = (batch_coverage){.contract = text_of("63-a"), .action_count = 1, .actions = {text_of("axe1")}, .last_month = CIVIL_NONE};
    const record other = requests(1, 1), one = requests(2, 7);
    store_batch batches[] = {house_batch(&beta, &other, 1), house_batch(&alpha, &one, 1)};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        store_outcome outcomes[2];
        arm(cases[i].when, cases[i].what);
        ck_assert_int_eq(store_put(house.store, batches, 2, house.memory, outcomes), cases[i].error);
        ck_assert(outcomes[0].stored == HUB_STORED_LATER && outcomes[1].stored == HUB_STORED_LATER);
        ck_assert(store_explain(house.store)[0] != '\0');
        ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.ledger"), 0);
        ck_assert_int_eq(house_number("SELECT position FROM ctai.scope"), 2);
        house_run("DROP FUNCTION public.fault() CASCADE");
    }
    store_outcome outcomes[2];
    ck_assert_int_eq(store_put(house.store, batches, 2, house.memory, outcomes), DATABASE_OK);
    ck_assert(outcomes[0].stored == HUB_STORED_COMMITTED && outcomes[1].stored == HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record"), 2);
}
END_TEST

/* Two hubs on one database, each with the same batch: one commits it, the other finds it there. */
START_TEST(two_hubs_take_a_batch_once)
{
    store *second = NULL;
    ck_assert_int_eq(house_open(&second, "this-hub", false), DATABASE_OK);
    const record one = requests(1, 7), two = requests(1, 8);
    store_batch batches[] = {house_batch(&alpha, &one, 1), house_batch(&alpha, &two, 1)};
    store_outcome outcomes[2];
    ck_assert_int_eq(house_put(batches[0]).stored, HUB_STORED_COMMITTED);
    ck_assert_int_eq(store_put(second, batches, 2, house.memory, outcomes), DATABASE_OK);
    ck_assert(outcomes[0].stored == HUB_STORED_AGAIN && outcomes[1].stored == HUB_STORED_COMMITTED);
    ck_assert_int_eq(house_put(batches[1]).stored, HUB_STORED_AGAIN);
    store_destroy(&second);
}
END_TEST

static const evaluation_cell *cell(const evaluation_table *table, const char *action, const char *code)
{
    for (unsigned i = 0; i < table->action_count; i++)
        for (unsigned j = 0; text_is(table->actions[i].code, action) && j < table->actions[i].cell_count; j++)
            if (text_is(table->actions[i].cells[j].code, code))
                return &table->actions[i].cells[j];
    ck_abort_msg("no cell %s %s", action, code);
}

static void report(evaluation_table *to, const char *as_of, bool selected)
{
    const report_query query = {.contract = "63-a", .from = CIVIL_NONE, .to = CIVIL_NONE, .as_of = as_of, .selected = selected};
    database_error error = report_read(house.store, &query, house.memory, to);
    ck_assert_msg(error == DATABASE_OK, "%s", store_explain(house.store));
}

START_TEST(a_report_says_what_stands)
{
    evaluation_table table;
    const record first[] = {beneficiary(1, 11, 21), beneficiary(2, 12, 0), requests(3, 7), cost(4, 123450)};
    record other = beneficiary(1, 11, 0); /* the same person at another operator, without the number */
    other.sex = RECORD_SEX_NONE;
    ck_assert_int_eq(house_put(house_batch(&alpha, first, 4)).stored, HUB_STORED_COMMITTED);
    ck_assert_int_eq(put_one(&beta, other), HUB_STORED_COMMITTED);
    ck_assert_int_eq(put_one(&alpha, withdrawal(2)), HUB_STORED_COMMITTED);
    report(&table, NULL, false);
    ck_assert(table.position == 5 && table.last_position == 5 && table.action_count == 3);
    ck_assert(text_is(table.actions[2].code, "contrat") && text_is(table.title, "Contrat d’essai"));
    const evaluation_cell *total = cell(&table, "axe1", "1.1.total");
    ck_assert(text_is(total->value, "1") && text_is(total->target, "30") && total->state == EVALUATION_COUNTED && total->selected);
    ck_assert(text_is(cell(&table, "contrat", "1.1.total")->target, "40"));
    ck_assert(text_is(cell(&table, "axe1", "1.1.femmes")->value, "1"));
    ck_assert(text_is(cell(&table, "axe1", "L.demarches")->value, "7"));
    ck_assert(text_is(cell(&table, "contrat", "2.cout_p104")->value, "1234.5"));
    ck_assert(cell(&table, "axe2", "1.1.total")->state == EVALUATION_NOT_COLLECTED);
    ck_assert(cell(&table, "axe2", "3.2.suivis_6_mois")->state == EVALUATION_NOT_DONE);
    report(&table, "4", false); /* before the withdrawal */
    ck_assert(text_is(cell(&table, "axe1", "1.1.total")->value, "2") && table.position == 4 && table.last_position == 5);
    report(&table, NULL, true);
    ck_assert_uint_eq(table.actions[0].cell_count, 3);
    report_query unknown = {.contract = "63-c", .from = CIVIL_NONE, .to = CIVIL_NONE};
    ck_assert_int_eq(report_read(house.store, &unknown, house.memory, &table), DATABASE_NOT_FOUND);
    unknown = (report_query){.contract = "63-a", .from = CIVIL_NONE, .to = CIVIL_NONE, .as_of = "6"};
    ck_assert_int_eq(report_read(house.store, &unknown, house.memory, &table), DATABASE_NOT_FOUND);
    unknown.as_of = "hier ?";
    ck_assert_int_eq(report_read(house.store, &unknown, house.memory, &table), DATABASE_CONFLICT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *cases = tcase_create("batches");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, enter, house_leave);
    tcase_add_test(cases, a_batch_is_committed_whole);
    tcase_add_test(cases, tokens_are_peppered);
    tcase_add_test(cases, what_was_refused_is_said_again_with_a_batch_that_comes_again);
    tcase_add_test(cases, a_batch_that_comes_again_changes_nothing);
    tcase_add_test(cases, another_batch_of_a_number_is_a_fork);
    tcase_add_test(cases, the_next_of_the_granted_incarnation_is_taken_alone);
    tcase_add_test(cases, who_has_no_right_is_told_why);
    tcase_add_test(cases, a_scope_has_one_linkage_key_an_epoch);
    tcase_add_test(cases, each_refusal_of_a_record_has_its_reason);
    tcase_add_test(cases, rights_are_an_agents_own);
    tcase_add_test(cases, what_is_replaced_or_withdrawn_goes_to_history);
    tcase_add_test(cases, coverage_is_the_last_word);
    tcase_add_test(cases, several_batches_in_one_call);
    tcase_add_test(cases, a_full_batch_and_absent_bodies);
    tcase_add_test(cases, narratives_come_whole);
    tcase_add_test(cases, the_state_of_an_agent);
    tcase_add_test(cases, a_lost_connection_is_made_anew);
    tcase_add_test(cases, a_fault_of_the_server_leaves_nothing_and_is_sorted);
    tcase_add_test(cases, two_hubs_take_a_batch_once);
    tcase_add_test(cases, a_report_says_what_stands);
    suite_add_tcase(suite, cases);
    return house_main(suite);
}
