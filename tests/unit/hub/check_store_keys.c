/*
 * The rotation of a linkage key in a real database: what agents are told of it, when an epoch may be closed, and that no
 * cell of any report changes on the way. Each batch is one transaction, so the state after each is that after a crash.
 */
#include "storehouse.h"
#include "store_replace.h"
#include "store_status.h"

enum { ID = 0x4b }; /* of the house's agents' keys */

static house_agent alpha, beta, gone;

/* Alpha pushes for two contracts, beta and gone for one. */
static void enter(void)
{
    house_enter();
    house_agent_new(&alpha, "alpha", "63");
    house_agent_new(&beta, "beta", "63");
    house_agent_new(&gone, "gone", "63");
    house_add("63-a", "63");
    house_add("63-b", "63");
    house_approve(&alpha, "63-a", "axe1");
    house_approve(&alpha, "63-b", "axe1");
    house_approve(&beta, "63-a", "axe1");
    house_approve(&gone, "63-a", "axe1");
}

/* The keys that an agent holds from now on: of epochs first..last. */
static void hold(house_agent *agent, uint32_t first, uint32_t last)
{
    agent->key_count = 0;
    for (uint32_t epoch = first; epoch <= last; epoch++) {
        batch_key *key = &agent->keys[agent->key_count++];
        *key = (batch_key){.epoch = epoch};
        memset(key->id, ID + (int)epoch - 1, TOKEN_KEY_ID);
    }
}

static record put(uint8_t key, const char *of, fact_type type)
{
    return (record){.operation = RECORD_PUT, .key = {key}, .contract = text_of(of), .action = text_of("axe1"), .type = type,
                    .month = civil_month_parse(text_of("2024-03"))};
}

/* The tokens of a person under all keys that the agent holds; number, identity, household 0: none. */
static record with_tokens(record what, const house_agent *agent, uint8_t number, uint8_t identity, uint8_t household)
{
    what.token_sets = agent->key_count;
    for (unsigned i = 0; i < agent->key_count; i++) {
        uint8_t epoch = (uint8_t)agent->keys[i].epoch;
        what.tokens[i] = (record_tokens){.epoch = epoch, .has_e = number > 0, .has_i = identity > 0, .has_m = household > 0,
                                         .e = {number, epoch}, .i = {identity, epoch}, .m = {household, epoch}};
    }
    return what;
}

/* One of a person's or household's records; 0: no such token. */
typedef struct {
    house_agent *agent;
    const char *contract;
    uint8_t key, number, identity, household;
    fact_type type;
} fact;

static record record_of(const fact *from)
{
    record made = with_tokens(put(from->key, from->contract, from->type), from->agent, from->number, from->identity, from->household);
    if (from->type == FACT_BENEFICIAIRE)
        made.sex = from->identity % 2 ? RECORD_SEX_F : RECORD_SEX_H;
    if (from->type == FACT_SUIVI_6_MOIS)
        made.code = text_of("positif");
    return made;
}

static store_outcome say(const fact *from)
{
    record made = record_of(from);
    store_outcome outcome = house_put(house_batch(from->agent, &made, 1));
    ck_assert_int_eq(outcome.stored, HUB_STORED_COMMITTED);
    ck_assert_uint_eq(outcome.refusal_count, 0);
    return outcome;
}

/*
 * One person known by number to all; one by number to alpha and by name to beta; one by name alone to both; a name
 * of two numbers, ambiguous; a household of both.
 */
static const fact facts[] = {
    {&alpha, "63-a", 1, 21, 11, 0, FACT_BENEFICIAIRE}, {&beta, "63-a", 1, 21, 11, 0, FACT_BENEFICIAIRE},
    {&alpha, "63-a", 2, 22, 12, 0, FACT_BENEFICIAIRE}, {&beta, "63-a", 2, 0, 12, 0, FACT_BENEFICIAIRE},
    {&beta, "63-a", 3, 0, 12, 0, FACT_SUIVI_6_MOIS},   {&alpha, "63-b", 3, 0, 13, 0, FACT_BENEFICIAIRE},
    {&alpha, "63-a", 4, 0, 13, 0, FACT_BENEFICIAIRE},  {&beta, "63-a", 4, 0, 13, 0, FACT_BENEFICIAIRE},
    {&alpha, "63-b", 5, 23, 14, 0, FACT_BENEFICIAIRE}, {&alpha, "63-a", 6, 24, 14, 0, FACT_BENEFICIAIRE},
    {&beta, "63-a", 6, 0, 14, 0, FACT_BENEFICIAIRE},   {&alpha, "63-a", 7, 0, 0, 31, FACT_LOGEMENT_PERENNE},
    {&beta, "63-a", 7, 0, 0, 31, FACT_LOGEMENT_PERENNE}, {&alpha, "63-b", 8, 23, 0, 0, FACT_SUIVI_6_MOIS},
};
enum { FACTS = sizeof facts / sizeof *facts };

/* All cells of both contracts as of a position (0: now), as one text. */
static const char *cells(uint64_t position)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "SELECT string_agg(c || ' ' || action || ' ' || indicator || ' ' || coalesce(value, '') || ' ' || state, E'\n'"
             " ORDER BY c, action, indicator)"
             " FROM unnest(ARRAY['63-a', '63-b']) AS c, ctai.report(c, NULL, NULL, coalesce(nullif(%lu, 0), "
             " (SELECT position FROM ctai.scope)))", (unsigned long)position);
    return house_text(sql);
}

static const char *total(void)
{
    return house_text("SELECT value FROM ctai.report('63-a', NULL, NULL, (SELECT position FROM ctai.scope))"
                      " WHERE action = 'contrat' AND indicator = '1.1.total'");
}

static record closing(uint32_t epoch)
{
    record made = {.operation = RECORD_CLOSE, .epoch = epoch, .month = CIVIL_NONE, .type = FACT_NONE};
    memset(made.key, ID + (int)epoch - 1, TOKEN_KEY_ID);
    return made;
}

/* Asks to close an epoch; RECORD_OK: it is closed. */
static record_reason close_epoch(house_agent *agent, uint32_t epoch)
{
    const record what = closing(epoch);
    store_outcome outcome = house_put(house_batch(agent, &what, 1));
    ck_assert_int_eq(outcome.stored, HUB_STORED_COMMITTED);
    return outcome.refusal_count > 0 ? outcome.refusals[0].reason : RECORD_OK;
}

START_TEST(no_cell_changes_from_one_key_to_the_next)
{
    enum { STEPS = 4 * FACTS };
    const char *before = NULL;
    uint64_t positions[STEPS] = {0};
    unsigned steps = 0;
    for (unsigned i = 0; i < FACTS; i++)
        positions[0] = say(&facts[i]).ledger_position;
    before = cells(0);
    ck_assert_str_eq(total(), "5"); /* 21, 22, name 13, 24, and the ambiguous one of name 14 */
    steps = 1;
    for (uint32_t epoch = 1; epoch <= 2; epoch++) { /* rotated, and once more */
        hold(&alpha, epoch, epoch + 1);
        hold(&beta, epoch, epoch + 1);
        for (unsigned i = 0; i < FACTS; i++) {
            /* The header of the first of these batches registers the new epoch. */
            ck_assert_int_eq(close_epoch(i % 2 ? &alpha : &beta, epoch), RECORD_EPOCH_IN_USE);
            ck_assert_msg(strcmp(cells(0), before) == 0, "a cell has changed");
            positions[steps++] = say(&facts[i * 5 % FACTS]).ledger_position;
            ck_assert_msg(strcmp(cells(0), before) == 0, "a cell has changed");
        }
        ck_assert_int_eq(close_epoch(&alpha, epoch), RECORD_OK);
        ck_assert_msg(strcmp(cells(0), before) == 0, "a cell has changed");
        ck_assert_int_eq(close_epoch(&alpha, epoch), RECORD_BAD_TOKENS); /* it is closed */
        ck_assert_int_eq(close_epoch(&alpha, epoch + 1), RECORD_BAD_TOKENS); /* it is the only one */
        hold(&alpha, epoch + 1, epoch + 1); /* alpha lets the old key go; beta goes on with both */
        for (unsigned i = 0; i < FACTS; i++)
            if (facts[i].agent == &alpha) {
                positions[steps++] = say(&facts[i]).ledger_position;
                ck_assert_msg(strcmp(cells(0), before) == 0, "a cell has changed");
            }
    }
    for (unsigned i = 0; i < steps; i++)
        ck_assert_msg(strcmp(cells(positions[i]), before) == 0, "a cell has changed"); /* nor do those of any time before */
    ck_assert_str_eq(house_text("SELECT string_agg(epoch || ' ' || (closed_position IS NULL), ', ' ORDER BY epoch)"
                                " FROM ctai.scope_key"), "1 false, 2 false, 3 true");
}
END_TEST

/* The records of who cannot follow are persons of their own from the close on, and listed. */
START_TEST(what_a_revoked_agent_has_left_is_unlinked_and_listed)
{
    const fact of_gone = {&gone, "63-a", 9, 0, 12, 0, FACT_BENEFICIAIRE}, again = {&gone, "63-a", 10, 0, 12, 0, FACT_SUIVI_6_MOIS};
    for (unsigned i = 0; i < FACTS; i++)
        say(&facts[i]);
    say(&of_gone);
    say(&again);
    const char *before = cells(0);
    ck_assert_str_eq(total(), "5");
    hold(&alpha, 1, 2);
    hold(&beta, 1, 2);
    for (unsigned i = 0; i < FACTS; i++)
        say(&facts[i]);
    ck_assert_int_eq(close_epoch(&alpha, 1), RECORD_EPOCH_IN_USE);
    ck_assert_str_eq(house_text("SELECT name || ' ' || records FROM ctai.records_without('63', 2) JOIN ctai.agent USING (agent)"), "gone 2");
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.records_without('63', 1)"), 0);
    ck_assert_int_eq(store_agent_revoke(house.store, "gone"), DATABASE_OK);
    ck_assert_msg(strcmp(cells(0), before) == 0, "a cell has changed");
    long position = house_number("SELECT position FROM ctai.scope");
    ck_assert_int_eq(close_epoch(&alpha, 1), RECORD_OK);
    ck_assert_str_eq(total(), "6"); /* the person of name 12 is two now: one is the revoked agent's, with both its records */
    ck_assert_str_eq(house_text("SELECT value FROM ctai.report('63-a', NULL, NULL, (SELECT position FROM ctai.scope))"
                                " WHERE action = 'contrat' AND indicator = '3.2.suivis_6_mois'"), "2");
    ck_assert_str_eq(house_text("SELECT name || ' ' || records FROM ctai.records_without('63', 2) JOIN ctai.agent USING (agent)"), "gone 2");
    ck_assert_msg(strcmp(cells((uint64_t)position), before) == 0, "a cell has changed");
}
END_TEST

/* One that is active and late is taken; its records are linked once they come under the new key. */
START_TEST(who_is_late_is_taken_and_unlinked_until_it_follows)
{
    const fact late = {&gone, "63-a", 9, 21, 11, 0, FACT_BENEFICIAIRE};
    say(&facts[0]);
    hold(&alpha, 1, 2);
    say(&facts[0]);
    ck_assert_int_eq(close_epoch(&alpha, 1), RECORD_OK);
    ck_assert_str_eq(total(), "1");
    say(&late); /* under the closed key */
    ck_assert_str_eq(total(), "2");
    ck_assert_str_eq(house_text("SELECT name || ' ' || records FROM ctai.records_without('63', 2) JOIN ctai.agent USING (agent)"), "gone 1");
    hold(&gone, 2, 2);
    say(&late);
    ck_assert_str_eq(total(), "1");
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.records_without('63', 2)"), 0);
    /* With another key of the closed epoch it is refused as ever. */
    gone.keys[0] = (batch_key){.epoch = 1, .id = {9}};
    record other = record_of(&late);
    ck_assert_int_eq(house_put(house_batch(&gone, &other, 1)).stored, HUB_STORED_KEY);
}
END_TEST

/* Both the records that a replaced agent had left and those that are staged for it are waited for. */
START_TEST(an_agent_with_new_keys_is_waited_for)
{
    house_agent fresh;
    record old = record_of(&(fact){&beta, "63-a", 9, 21, 11, 0, FACT_BENEFICIAIRE});
    store_replaced done;
    say(&facts[0]);
    ck_assert_int_eq(house_put(house_batch(&beta, &old, 1)).stored, HUB_STORED_COMMITTED);
    hold(&alpha, 1, 2);
    say(&facts[0]);
    house_agent_new(&fresh, "beta", "63");
    ck_assert_int_eq(store_replace(house.store, &fresh.identity, &done), DATABASE_OK);
    fresh.incarnation = 2;
    fresh.sequence = beta.sequence;
    memcpy(fresh.previous, beta.previous, CRYPTO_HASH);
    ck_assert_int_eq(house_put(house_batch(&fresh, &old, 1)).stored, HUB_STORED_COMMITTED); /* staged, of epoch 1 */
    ck_assert_int_eq(house_number("SELECT sum(records)::bigint FROM ctai.records_without('63', 2)"), 2);
    ck_assert_int_eq(close_epoch(&alpha, 1), RECORD_EPOCH_IN_USE);
    hold(&fresh, 1, 2);
    old = record_of(&(fact){&fresh, "63-a", 9, 21, 11, 0, FACT_BENEFICIAIRE});
    ck_assert_int_eq(house_put(house_batch(&fresh, &old, 1)).stored, HUB_STORED_COMMITTED);
    ck_assert_int_eq(close_epoch(&alpha, 1), RECORD_EPOCH_IN_USE);
    fresh.coverage_count = 1;
    fresh.coverage[0] = (batch_coverage){.contract = text_of("63-a"), .complete = true, .last_month = CIVIL_NONE};
    /* The batch that ends the replacement may close the epoch itself. */
    const record last[] = {closing(1)};
    store_outcome outcome = house_put(house_batch(&fresh, last, 1));
    ck_assert(outcome.stored == HUB_STORED_COMMITTED && outcome.refusal_count == 0);
    ck_assert_str_eq(total(), "1");
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.record WHERE epoch2 = 2"), 2);
}
END_TEST

/* What `status` shows: each epoch, who has not followed, who is unlinked. */
START_TEST(status_says_who_lags)
{
    store_status said;
    char name[CRYPTO_FINGERPRINT_TEXT];
    say(&facts[0]);
    say(&facts[1]);
    say(&facts[4]);
    ck_assert_int_eq(store_status_read(house.store, house.memory, &said), DATABASE_OK);
    ck_assert(said.scope_count == 1 && said.scopes[0].key_count == 1 && said.scopes[0].behind_count == 0
              && said.scopes[0].unlinked_count == 0);
    hold(&alpha, 1, 2);
    say(&facts[0]);
    ck_assert_int_eq(store_status_read(house.store, house.memory, &said), DATABASE_OK);
    const store_status_scope *scope = &said.scopes[0];
    ck_assert(scope->key_count == 2 && scope->behind_count == 1 && scope->unlinked_count == 0);
    crypto_fingerprint(name, alpha.keys[1].id, TOKEN_KEY_ID);
    ck_assert(scope->keys[1].epoch == 2 && scope->keys[1].closed_position == 0 && scope->keys[1].closed[0] == '\0');
    ck_assert_str_eq(scope->keys[1].name, name);
    ck_assert_str_eq(scope->behind[0].agent, "beta");
    ck_assert_str_eq(scope->behind[0].contract, "63-a");
    ck_assert(scope->behind[0].records == 2 && !scope->behind[0].revoked);
    ck_assert_int_eq(store_agent_revoke(house.store, "beta"), DATABASE_OK);
    ck_assert_int_eq(close_epoch(&alpha, 1), RECORD_OK);
    ck_assert_int_eq(store_status_read(house.store, house.memory, &said), DATABASE_OK);
    scope = &said.scopes[0];
    ck_assert(scope->key_count == 2 && scope->behind_count == 0 && scope->unlinked_count == 1);
    ck_assert(scope->keys[0].closed_position == scope->position && strlen(scope->keys[0].closed) == 20);
    ck_assert(scope->unlinked[0].records == 2 && scope->unlinked[0].revoked);
}
END_TEST

/* What WELCOME says of the keys; that a change of them is heard; which position a closing has among refusals. */
START_TEST(agents_learn_which_keys_are_open)
{
    store *other = NULL;
    store_state state;
    bool changed = false;
    ck_assert_int_eq(house_open(&other, "this-hub", false), DATABASE_OK);
    ck_assert_int_eq(store_listen(other), DATABASE_OK);
    for (unsigned step = 0; step < 4; step++) {
        static const struct { uint32_t first, last; } open[] = {{0, 0}, {1, 1}, {1, 2}, {2, 2}};
        ck_assert_int_eq(store_load_state(house.store, beta.identity.sign, NULL, 0, house.memory, &state), DATABASE_OK);
        const wire_contract *told = &state.contracts[0];
        ck_assert_uint_eq(told->key_count, open[step].last ? open[step].last - open[step].first + 1 : 0);
        for (unsigned i = 0; i < told->key_count; i++) {
            ck_assert_uint_eq(told->keys[i].epoch, open[step].first + i);
            ck_assert_uint_eq(told->keys[i].id[TOKEN_KEY_ID - 1], ID + open[step].first + i - 1);
        }
        if (step == 0) {
            say(&facts[0]);
        } else if (step == 1) {
            hold(&alpha, 1, 2);
            say(&facts[0]);
        } else if (step == 2) {
            record three[] = {closing(1), closing(1), put(0x60, "63-a", FACT_COUT)};
            three[0].key[0] = 1; /* no key of this id */
            three[2].has_quantity = true;
            text_view bodies[3];
            three[2].code = text_of("p104");
            three[2].month += 24;
            for (unsigned i = 0; i < 3; i++)
                bodies[i] = house_body(&three[i]);
            store_outcome outcome = house_put(house_sign(&alpha, bodies, 3));
            ck_assert_uint_eq(outcome.refusal_count, 2);
            ck_assert(outcome.refusals[0].index == 0 && outcome.refusals[0].reason == RECORD_BAD_TOKENS);
            ck_assert(outcome.refusals[1].index == 2 && outcome.refusals[1].reason == RECORD_BAD_MONTH);
        }
        if (step < 3) {
            changed = false;
            for (unsigned i = 0; !changed && i < 6000; i++, usleep(10000))
                ck_assert_int_eq(store_changed(other, &changed), DATABASE_OK);
            ck_assert_msg(changed, "step %u", step);
        }
    }
    /* A batch that says nothing new of the keys is no change. */
    say(&facts[0]);
    usleep(100000);
    ck_assert_int_eq(store_changed(other, &changed), DATABASE_OK);
    ck_assert(!changed);
    store_destroy(&other);
}
END_TEST

/* A fault in the middle of the close leaves the epoch open, and nothing of the batch. */
START_TEST(a_close_is_whole_or_not_at_all)
{
    say(&facts[0]);
    hold(&alpha, 1, 2);
    say(&facts[0]);
    const char *before = cells(0);
    const record what = closing(1);
    store_batch batch = house_batch(&alpha, &what, 1);
    house_run("CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$;"
              "CREATE CONSTRAINT TRIGGER fault AFTER UPDATE ON ctai.scope_key DEFERRABLE INITIALLY DEFERRED"
              " FOR EACH ROW EXECUTE FUNCTION public.fault()");
    store_outcome outcome;
    ck_assert_int_eq(store_put(house.store, &batch, 1, house.memory, &outcome), DATABASE_LATER);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.scope_key WHERE closed_position IS NULL"), 2);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.ledger"), 2);
    ck_assert_msg(strcmp(cells(0), before) == 0, "a cell has changed");
    house_run("DROP FUNCTION public.fault() CASCADE");
    outcome = house_put(batch);
    ck_assert(outcome.stored == HUB_STORED_COMMITTED && outcome.refusal_count == 0);
    ck_assert_int_eq(house_put(batch).stored, HUB_STORED_AGAIN);
    ck_assert_msg(strcmp(cells(0), before) == 0, "a cell has changed");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_keys");
    TCase *cases = tcase_create("rotation");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, enter, house_leave);
    tcase_add_test(cases, no_cell_changes_from_one_key_to_the_next);
    tcase_add_test(cases, what_a_revoked_agent_has_left_is_unlinked_and_listed);
    tcase_add_test(cases, who_is_late_is_taken_and_unlinked_until_it_follows);
    tcase_add_test(cases, an_agent_with_new_keys_is_waited_for);
    tcase_add_test(cases, status_says_who_lags);
    tcase_add_test(cases, agents_learn_which_keys_are_open);
    tcase_add_test(cases, a_close_is_whole_or_not_at_all);
    suite_add_tcase(suite, cases);
    return house_main(suite);
}
