/* The positions of a ledger and their links: taken at each commit, made at the migration for what was there before. */
#include "proof_check.h"
#include "storehouse.h"
#include "store_audit.h"
#include "store_chain.h"

enum { ENTRIES = 7 };

static house_agent alpha, beta;
static unsigned faults;
static long entries;

static void setup(void)
{
    house_enter();
    house_agent_new(&alpha, "alpha", "63");
    house_agent_new(&beta, "beta", "63");
    house_add("63-a", "63");
    house_approve(&alpha, "63-a", "axe1");
    house_approve(&beta, "63-a", "axe1");
}

static store_outcome put(house_agent *agent, uint8_t key)
{
    const record what = {.operation = RECORD_PUT, .key = {key}, .contract = text_of("63-a"), .action = text_of("axe1"),
                         .type = FACT_SOLLICITATION, .month = civil_month_parse(text_of("2024-03")), .has_quantity = true, .quantity = 3};
    return house_put(house_batch(agent, &what, 1));
}

static void tell(void *data, const proof_check_finding *finding)
{
    char text[PROOF_CHECK_TEXT_MAX];
    (void)data;
    proof_check_text(text, finding);
    fprintf(stderr, "%s\n", text);
    faults++;
}

static bool take(void *data, const store_audit_item *item)
{
    proof_check *check = data;
    switch (item->type) {
    case STORE_AUDIT_AGENT:
        ck_assert_int_eq(proof_check_agent(check, text_of(item->identity.name)), item->agent);
        return proof_check_key(check, item->agent, item->identity.sign);
    case STORE_AUDIT_FORMER: return proof_check_key(check, item->agent, item->identity.sign);
    case STORE_AUDIT_SCOPE: return proof_check_scope(check, text_of(item->scope));
    case STORE_AUDIT_GRANT: return proof_check_grant(check, item->agent, item->incarnation, item->sequence);
    case STORE_AUDIT_BATCH:
        entries++;
        proof_check_batch(check, item->position, item->header, item->signature, item->chain);
        proof_check_row(check, item->agent, item->incarnation, item->sequence, item->hash);
        return true;
    case STORE_AUDIT_CONTRACT:
        entries++;
        proof_check_contract(check, item->position, item->id, item->version, item->definition, item->chain);
        return true;
    case STORE_AUDIT_END: proof_check_end(check, item->position, item->chain); return true;
    case STORE_AUDIT_PLACE: proof_check_place(check, item->agent, item->sequence, item->hash); return true;
    }
    return false;
}

/* The whole ledger, as the hub's audit reads it: how many findings. */
static unsigned audit(void)
{
    arena *scratch = arena_new(WIRE_SCRATCH_BYTES);
    uint64_t total;
    bool stopped;
    proof_check *check = proof_check_new(house.memory, scratch, tell, NULL);
    const store_audit_taker taker = {take, check};
    faults = 0;
    entries = 0;
    ck_assert_int_eq(store_audit(house.store, &taker, &total, &stopped), DATABASE_OK);
    ck_assert(!stopped && (long)total == house_number("SELECT sum(position) FROM ctai.scope"));
    arena_destroy(&scratch);
    return faults;
}

static void fill(void)
{
    for (uint8_t i = 0; i < 3; i++) {
        ck_assert_int_eq(put(&alpha, i).stored, HUB_STORED_COMMITTED);
        if (i == 1)
            house_add("63-b", "63");
        ck_assert_int_eq(put(&beta, i).stored, HUB_STORED_COMMITTED);
    }
    house_add("03-a", "03");
}

START_TEST(each_position_has_its_link)
{
    fill();
    ck_assert_int_eq(house_number("SELECT position - chained FROM ctai.scope WHERE scope = '63'"), 0);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.ledger AS l JOIN ctai.scope AS s USING (scope) WHERE l.chain = s.chain"), 1);
    ck_assert_uint_eq(audit(), 0);
    ck_assert_int_eq(entries, ENTRIES + 2);
}
END_TEST

START_TEST(a_receipt_names_the_place_of_its_batch)
{
    store_state state;
    const store_outcome first = put(&alpha, 1);
    ck_assert_uint_eq(first.ledger_position, 2);
    ck_assert_uint_eq(put(&beta, 1).ledger_position, 3);
    ck_assert_int_eq(store_load_state(house.store, alpha.identity.sign, NULL, 0, house.memory, &state), DATABASE_OK);
    ck_assert_uint_eq(state.scopes[0].ledger_position, 2); /* whatever came since */
    ck_assert_mem_eq(state.scopes[0].chain, first.chain, CRYPTO_HASH);
    ck_assert(memcmp(first.chain, (uint8_t[CRYPTO_HASH]){0}, CRYPTO_HASH) != 0);
}
END_TEST

/* As a migration finds it: entries without links, which are made, and are the same as those of the commits. */
START_TEST(links_that_are_owed_are_made)
{
    store *second = NULL;
    fill();
    const char *last = house_text("SELECT chain FROM ctai.scope WHERE scope = '63'");
    for (int from = 0; from < ENTRIES; from += 3) {
        char sql[1024];
        snprintf(sql, sizeof sql,
                 "ALTER TABLE ctai.ledger DROP CONSTRAINT ledger_linked;"
                 "UPDATE ctai.ledger SET chain = NULL WHERE position > %d;"
                 "UPDATE ctai.contract_version SET chain = NULL WHERE position > %d OR contract_id = 3;"
                 "UPDATE ctai.scope SET chained = %d, chain = coalesce((SELECT chain FROM ctai.ledger WHERE position = %d),"
                 " decode(repeat('00', 32), 'hex')) WHERE scope = '63';"
                 "UPDATE ctai.scope SET chained = 0, chain = decode(repeat('00', 32), 'hex') WHERE scope = '03';"
                 "ALTER TABLE ctai.ledger ADD CONSTRAINT ledger_linked CHECK (chain IS NOT NULL) NOT VALID", from, from, from, from);
        house_run(sql);
        ck_assert_uint_gt(audit(), 0);
        ck_assert_int_eq(house_open(&second, "this-hub", false), DATABASE_OK);
        store_destroy(&second);
        ck_assert_uint_eq(audit(), 0);
        ck_assert_str_eq(house_text("SELECT chain FROM ctai.scope WHERE scope = '63'"), last);
    }
}
END_TEST

/* Also at the next commit, should another program have come between. */
START_TEST(a_commit_catches_up)
{
    fill();
    house_run("UPDATE ctai.scope SET chained = 2, chain = (SELECT chain FROM ctai.ledger WHERE position = 2) WHERE scope = '63'");
    ck_assert_int_eq(put(&alpha, 9).stored, HUB_STORED_COMMITTED);
    ck_assert_uint_eq(audit(), 0);
    ck_assert_int_eq(entries, ENTRIES + 3);
}
END_TEST

START_TEST(no_link_over_a_gap)
{
    store *second = NULL;
    fill();
    house_run("DELETE FROM ctai.ledger WHERE position = 4; UPDATE ctai.scope SET chained = 0, chain = decode(repeat('00', 32), 'hex')");
    ck_assert_int_eq(house_open(&second, "this-hub", false), DATABASE_FAULT);
    ck_assert_ptr_nonnull(strstr(store_explain(second), "position 4"));
    store_destroy(&second);
}
END_TEST

/* An older program's rows are refused by the table. */
START_TEST(no_batch_without_a_link)
{
    ck_assert_int_eq(database_run(&house.reader, "INSERT INTO ctai.ledger (scope, position, agent, incarnation, sequence, header_hash, header,"
                                  " signature, received_at) VALUES ('63', 9, 1, 1, 9, '', '', '', now())"), DATABASE_DATA);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_chain");
    TCase *tests = tcase_create("chain");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, house_leave);
    tcase_add_test(tests, each_position_has_its_link);
    tcase_add_test(tests, a_receipt_names_the_place_of_its_batch);
    tcase_add_test(tests, links_that_are_owed_are_made);
    tcase_add_test(tests, a_commit_catches_up);
    tcase_add_test(tests, no_link_over_a_gap);
    tcase_add_test(tests, no_batch_without_a_link);
    suite_add_tcase(suite, tests);
    return house_main(suite);
}
