/* Contracts and agents in a real database: registering, approving, revoking, and what agents are told. */
#include <poll.h>

#include "storehouse.h"

static database_error approve(const house_agent *agent, const char *of, const char *action)
{
    return store_agent_approve(house.store, &agent->identity, of, &action, 1);
}

START_TEST(a_contract_is_registered_whole)
{
    house_add("63-essai", "63");
    store_contract one;
    ck_assert_int_eq(store_contract_find(house.store, "63-essai", house.memory, &one), DATABASE_OK);
    ck_assert(text_is(one.id, "63-essai") && text_is(one.scope, "63") && text_is(one.title, "Contrat d’essai"));
    ck_assert(text_is(one.department, "63") && text_is(one.region, "84"));
    ck_assert(one.first_day == civil_from(2024, 1, 1) && one.last_day == civil_from(2024, 12, 31));
    ck_assert(one.version == 1 && one.position == 1 && strlen(one.registered) == 20);
    ck_assert_uint_eq(one.action_count, 2);
    ck_assert(text_is(one.actions[0].code, "axe1") && text_is(one.actions[0].title, "Première action") && !one.actions[0].allowed);
    ck_assert(text_is(one.actions[1].code, "axe2"));
    ck_assert(text_is(one.definition, house_contract_text("63-essai", "63", "Contrat d’essai")));
    ck_assert_int_eq(house_number("SELECT position FROM ctai.scope WHERE scope = '63'"), 1);
    ck_assert_str_eq(house_text("SELECT string_agg(action || ' ' || indicator || ' ' || target, ', ' ORDER BY action)"
                                " FROM ctai.contract_target"), "0 1.1.total 40, 1 1.1.total 30, 2 1.2.acteurs 4");
    ck_assert_str_eq(house_text("SELECT string_agg(action || ' ' || indicator, ', ' ORDER BY action, indicator COLLATE \"C\")"
                                " FROM ctai.contract_selected"), "1 1.1.total, 1 3.1.heures, 1 L.demarches, 2 1.1.total");
    ck_assert_str_eq(house_text("SELECT code || ' ' || kind || ' ' || types::text FROM ctai.indicator"
                                " WHERE (contract_id, version) = (1, 1)"), "L.demarches somme {sollicitation}");
}
END_TEST

START_TEST(the_same_text_again_changes_nothing)
{
    bool added = true;
    house_add("63-essai", "63");
    ck_assert_int_eq(house_add_text(house_contract_text("63-essai", "63", "Contrat d’essai"), &added), DATABASE_OK);
    ck_assert(!added);
    ck_assert_int_eq(house_number("SELECT position FROM ctai.scope"), 1);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.contract_version"), 1);
}
END_TEST

START_TEST(another_text_of_an_id_is_a_conflict)
{
    bool added = true;
    house_add("63-essai", "63");
    ck_assert_int_eq(house_add_text(house_contract_text("63-essai", "63", "Autre titre"), &added), DATABASE_CONFLICT);
    ck_assert(!added);
    ck_assert_ptr_nonnull(strstr(store_explain(house.store), "contract amend"));
    /* Also in another scope, of which nothing is left. */
    ck_assert_int_eq(house_add_text(house_contract_text("63-essai", "03", "Contrat d’essai"), &added), DATABASE_CONFLICT);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.scope WHERE scope = '03'"), 0);
    ck_assert_int_eq(house_number("SELECT position FROM ctai.scope"), 1);
}
END_TEST

START_TEST(contracts_come_by_id_and_take_positions_of_their_scope)
{
    house_add("63-b", "63");
    house_add("03-a", "03");
    house_add("63-a", "63");
    store_contract *all = NULL;
    unsigned count = 0;
    ck_assert_int_eq(store_contracts(house.store, house.memory, &all, &count), DATABASE_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert(text_is(all[0].id, "03-a") && text_is(all[1].id, "63-a") && text_is(all[2].id, "63-b"));
    ck_assert(all[0].position == 1 && all[1].position == 2 && all[2].position == 1);
    ck_assert(all[1].action_count == 2 && text_is(all[1].actions[1].code, "axe2"));
    store_contract none;
    ck_assert_int_eq(store_contract_find(house.store, "63-c", house.memory, &none), DATABASE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(store_explain(house.store), "63-c"));
    ck_assert_int_eq(store_contract_find(house.store, "63-\xff", house.memory, &none), DATABASE_NOT_FOUND);
}
END_TEST

/* The contract of Thiers, read before root becomes another user, who may not see the folder of the sources. */
static char thiers[1 << 15];

static void read_thiers(void)
{
    FILE *file = fopen(SOURCE_DIR "/deploy/contracts/63-thiers-2023.yaml", "r");
    if (!file)
        return;
    size_t size = fread(thiers, 1, sizeof thiers - 1, file);
    thiers[size] = '\0';
    fclose(file);
}

START_TEST(the_contract_of_thiers_is_registered)
{
    const char *text = thiers;
    ck_assert_str_ne(text, "");
    contract what;
    diag_sink silent = {0};
    bool added = false;
    ck_assert(contract_read(&what, house.memory, &house.national, &house.places, "t", text_of(text), &silent));
    ck_assert_int_eq(store_contract_add(house.store, &what, text_of(text), &added), DATABASE_OK);
    ck_assert(added);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.contract_selected"), 48);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.indicator WHERE contract_id = 1"), 5);
    ck_assert_int_eq(house_number("SELECT sum(target) FROM ctai.contract_target"), 55);
}
END_TEST

START_TEST(an_agent_is_admitted_and_given_more)
{
    house_agent alpha;
    house_agent_new(&alpha, "alpha", "63");
    house_add("63-essai", "63");
    house_add("63-autre", "63");
    const char *const both[] = {"axe2", "axe1"};
    ck_assert_int_eq(store_agent_approve(house.store, &alpha.identity, "63-essai", both, 2), DATABASE_OK);
    ck_assert_int_eq(approve(&alpha, "63-autre", "axe2"), DATABASE_OK);
    ck_assert_int_eq(approve(&alpha, "63-autre", "axe2"), DATABASE_OK); /* again: nothing new */
    store_agent found;
    ck_assert_int_eq(store_agent_find(house.store, "alpha", house.memory, &found), DATABASE_OK);
    ck_assert_mem_eq(&found.identity, &alpha.identity, sizeof alpha.identity);
    ck_assert(!found.revoked && strlen(found.admitted) == 20 && found.revoked_at[0] == '\0');
    ck_assert_uint_eq(found.right_count, 3);
    ck_assert_str_eq(found.rights[0].contract, "63-autre");
    ck_assert_str_eq(found.rights[1].contract, "63-essai");
    ck_assert_str_eq(found.rights[1].action, "axe1");
    ck_assert_str_eq(found.rights[2].action, "axe2");
    ck_assert_uint_eq(found.scope_count, 1);
    ck_assert_str_eq(found.scopes[0].scope, "63");
    ck_assert(found.scopes[0].sequence == 0 && found.scopes[0].records == 0 && found.scopes[0].last_received[0] == '\0');
    ck_assert_int_eq(store_agent_find(house.store, "beta", house.memory, &found), DATABASE_NOT_FOUND);
    ck_assert_int_eq(store_agent_find(house.store, "\xff", house.memory, &found), DATABASE_NOT_FOUND);
}
END_TEST

START_TEST(what_cannot_be_approved_leaves_nothing)
{
    house_agent alpha;
    house_agent_new(&alpha, "alpha", "63");
    house_add("63-essai", "63");
    const char *const actions[] = {"axe1", "axe9"};
    ck_assert_int_eq(store_agent_approve(house.store, &alpha.identity, "63-essai", actions, 2), DATABASE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(store_explain(house.store), "axe9"));
    ck_assert_int_eq(approve(&alpha, "63-rien", "axe1"), DATABASE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(store_explain(house.store), "63-rien"));
    ck_assert_int_eq(approve(&alpha, "\xff", "axe1"), DATABASE_NOT_FOUND);
    ck_assert_int_eq(approve(&alpha, "63-essai", "\xff"), DATABASE_NOT_FOUND);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.agent"), 0);
}
END_TEST

START_TEST(names_and_keys_are_one_agents)
{
    house_agent alpha, other;
    house_agent_new(&alpha, "alpha", "63");
    house_add("63-essai", "63");
    house_approve(&alpha, "63-essai", "axe1");
    house_agent_new(&other, "alpha", "63"); /* the name, with other keys */
    ck_assert_int_eq(approve(&other, "63-essai", "axe1"), DATABASE_CONFLICT);
    house_agent_new(&other, "beta", "63"); /* another name, with one of its keys */
    memcpy(other.identity.box, alpha.identity.box, CRYPTO_PUBLIC);
    ck_assert_int_eq(approve(&other, "63-essai", "axe1"), DATABASE_CONFLICT);
    ck_assert_ptr_nonnull(strstr(store_explain(house.store), "alpha"));
    ck_assert_int_eq(store_agent_revoke(house.store, "alpha"), DATABASE_OK);
    ck_assert_int_eq(approve(&alpha, "63-essai", "axe1"), DATABASE_CONFLICT);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.agent"), 1);
}
END_TEST

START_TEST(revoking_is_final_and_may_be_repeated)
{
    house_agent alpha;
    house_agent_new(&alpha, "alpha", "63");
    house_add("63-essai", "63");
    house_approve(&alpha, "63-essai", "axe1");
    ck_assert_int_eq(store_agent_revoke(house.store, "alpha"), DATABASE_OK);
    const char *when = house_text("SELECT revoked_at FROM ctai.agent");
    ck_assert_int_eq(store_agent_revoke(house.store, "alpha"), DATABASE_OK);
    ck_assert_str_eq(house_text("SELECT revoked_at FROM ctai.agent"), when);
    ck_assert_int_eq(store_agent_revoke(house.store, "beta"), DATABASE_NOT_FOUND);
    store_agent *all = NULL;
    unsigned count = 0;
    ck_assert_int_eq(store_agents(house.store, true, house.memory, &all, &count), DATABASE_OK);
    ck_assert(count == 1 && all[0].revoked && all[0].right_count == 0);
    store_state state;
    ck_assert_int_eq(store_load_state(house.store, alpha.identity.sign, NULL, 0, house.memory, &state), DATABASE_NOT_FOUND);
}
END_TEST

START_TEST(an_agent_is_told_of_its_contracts_alone)
{
    house_agent alpha, beta;
    house_agent_new(&alpha, "alpha", "63");
    house_agent_new(&beta, "beta", "63");
    house_add("63-b", "63");
    house_add("63-a", "63");
    house_add("63-c", "63");
    house_approve(&alpha, "63-b", "axe2");
    house_approve(&alpha, "63-a", "axe1");
    house_approve(&beta, "63-c", "axe1");
    wire_contract *told = NULL;
    unsigned count = 0;
    ck_assert_int_eq(store_agent_contracts(house.store, "alpha", house.memory, &told, &count), DATABASE_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert(text_is(told[0].id, "63-a") && text_is(told[1].id, "63-b") && text_is(told[0].scope, "63"));
    ck_assert(text_is(told[0].title, "Contrat d’essai") && told[0].first_day == civil_from(2024, 1, 1));
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(told[i].action_count, 2);
        ck_assert(text_is(told[i].actions[0].code, "axe1") && text_is(told[i].actions[1].title, "Seconde action"));
        ck_assert(told[i].actions[0].allowed == (i == 0) && told[i].actions[1].allowed == (i == 1));
    }
    ck_assert_int_eq(store_agent_contracts(house.store, "gamma", house.memory, &told, &count), DATABASE_NOT_FOUND);
    store_state state;
    ck_assert_int_eq(store_load_state(house.store, beta.identity.sign, NULL, 0, house.memory, &state), DATABASE_OK);
    ck_assert(state.contract_count == 1 && text_is(state.contracts[0].id, "63-c"));
}
END_TEST

/* An amendment may drop an action: its rights stay, and mean nothing while it is away. */
START_TEST(the_last_version_of_a_contract_counts)
{
    house_agent alpha;
    house_agent_new(&alpha, "alpha", "63");
    house_add("63-essai", "63");
    house_approve(&alpha, "63-essai", "axe1");
    house_run("INSERT INTO ctai.contract_version SELECT contract_id, 2, 2, now(), 'Avenant', department, region, first_day,"
              " '2025-06-30', 'avenant' FROM ctai.contract_version;"
              "INSERT INTO ctai.contract_version_action SELECT contract_id, 2, action, 1, 'Seule' FROM ctai.contract_version_action"
              " WHERE action = 2");
    wire_contract *told = NULL;
    unsigned count = 0;
    ck_assert_int_eq(store_agent_contracts(house.store, "alpha", house.memory, &told, &count), DATABASE_OK);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(approve(&alpha, "63-essai", "axe1"), DATABASE_NOT_FOUND);
    ck_assert_int_eq(approve(&alpha, "63-essai", "axe2"), DATABASE_OK);
    ck_assert_int_eq(store_agent_contracts(house.store, "alpha", house.memory, &told, &count), DATABASE_OK);
    ck_assert(count == 1 && told[0].action_count == 1 && told[0].actions[0].allowed);
    ck_assert(text_is(told[0].title, "Avenant") && told[0].last_day == civil_from(2025, 6, 30));
    store_contract one;
    ck_assert_int_eq(store_contract_find(house.store, "63-essai", house.memory, &one), DATABASE_OK);
    ck_assert(one.version == 2 && one.action_count == 1 && text_is(one.definition, "avenant"));
}
END_TEST

START_TEST(an_agent_has_as_many_scopes_as_a_message_holds)
{
    house_agent alpha;
    house_agent_new(&alpha, "alpha", "63");
    char id[32], scope[8];
    for (unsigned i = 0; i < WIRE_SCOPES_MAX + 1; i++) {
        snprintf(id, sizeof id, "contrat-%u", i);
        snprintf(scope, sizeof scope, "s%u", i);
        house_add(id, scope);
        ck_assert_int_eq(approve(&alpha, id, "axe1"), i < WIRE_SCOPES_MAX ? DATABASE_OK : DATABASE_CONFLICT);
    }
    store_state state;
    ck_assert_int_eq(store_load_state(house.store, alpha.identity.sign, NULL, 0, house.memory, &state), DATABASE_OK);
    ck_assert(state.scope_count == WIRE_SCOPES_MAX && state.contract_count == WIRE_SCOPES_MAX);
}
END_TEST

/* Does word of a change come to the listener within that time? */
static bool is_told(store *listener, int wait_ms)
{
    bool changed = false;
    struct pollfd wait = {.fd = store_socket(listener), .events = POLLIN};
    ck_assert_int_ge(wait.fd, 0);
    /* What comes may be a part of it, or the server's farewell. */
    while (!changed && poll(&wait, 1, wait_ms) > 0)
        ck_assert_int_eq(store_changed(listener, &changed), DATABASE_OK);
    return changed;
}

START_TEST(each_change_is_told)
{
    enum { SOON_MS = 10000, NOT_SO_SOON_MS = 300 };
    house_agent alpha;
    house_agent_new(&alpha, "alpha", "63");
    store *listener = NULL;
    bool added;
    ck_assert_int_eq(house_open(&listener, "this-hub", false), DATABASE_OK);
    ck_assert_int_eq(store_listen(listener), DATABASE_OK);
    ck_assert(!is_told(listener, 0));
    house_add("63-essai", "63");
    ck_assert(is_told(listener, SOON_MS));
    house_approve(&alpha, "63-essai", "axe1");
    ck_assert(is_told(listener, SOON_MS));
    ck_assert_int_eq(store_agent_revoke(house.store, "alpha"), DATABASE_OK);
    ck_assert(is_told(listener, SOON_MS));
    /* What changes nothing is not told. */
    ck_assert_int_eq(house_add_text(house_contract_text("63-essai", "63", "Contrat d’essai"), &added), DATABASE_OK);
    ck_assert_int_eq(store_agent_revoke(house.store, "beta"), DATABASE_NOT_FOUND);
    ck_assert(!is_told(listener, NOT_SO_SOON_MS));
    /* A listener whose connection was cut hears again, and takes it that something happened. */
    house_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
    ck_assert(is_told(listener, SOON_MS));
    house_add("63-autre", "63");
    ck_assert(is_told(listener, SOON_MS));
    store_destroy(&listener);
}
END_TEST

START_TEST(a_database_is_one_hubs)
{
    store *other = NULL;
    ck_assert_int_eq(house_open(&other, "another-hub", false), DATABASE_CONFIGURATION);
    store_destroy(&other);
    ck_assert_int_eq(house_open(&other, "another-hub", true), DATABASE_CONFIGURATION);
    store_destroy(&other);
    ck_assert_int_eq(house_open(&other, "this-hub", true), DATABASE_OK);
    store_destroy(&other);
    ck_assert_ptr_null(other);
}
END_TEST

/* Days and keys are read right whatever the site has set for its databases. */
START_TEST(the_settings_of_a_site_do_not_matter)
{
    house_agent alpha;
    house_agent_new(&alpha, "alpha", "63");
    house_add("63-essai", "63");
    house_approve(&alpha, "63-essai", "axe1");
    house_run("ALTER ROLE CURRENT_USER SET datestyle TO 'SQL, DMY'; ALTER ROLE CURRENT_USER SET bytea_output TO escape");
    store *other = NULL;
    store_contract one;
    store_agent found;
    database_error opened = house_open(&other, "this-hub", false);
    house_run("ALTER ROLE CURRENT_USER RESET ALL");
    ck_assert_int_eq(opened, DATABASE_OK);
    ck_assert_int_eq(store_contract_find(other, "63-essai", house.memory, &one), DATABASE_OK);
    ck_assert(one.last_day == civil_from(2024, 12, 31));
    ck_assert_int_eq(store_agent_find(other, "alpha", house.memory, &found), DATABASE_OK);
    ck_assert_mem_eq(&found.identity, &alpha.identity, sizeof alpha.identity);
    const record late = {.operation = RECORD_PUT, .contract = text_of("63-essai"), .action = text_of("axe1"), .type = FACT_SOLLICITATION,
                         .has_quantity = true, .quantity = 1, .month = civil_month_parse(text_of("2024-12"))};
    store_batch batch = house_batch(&alpha, &late, 1);
    store_outcome outcome;
    ck_assert_int_eq(store_put(other, &batch, 1, house.memory, &outcome), DATABASE_OK);
    ck_assert(outcome.stored == HUB_STORED_COMMITTED && outcome.refusal_count == 0);
    store_destroy(&other);
}
END_TEST

int main(void)
{
    read_thiers();
    Suite *suite = suite_create("store_terms");
    TCase *cases = tcase_create("terms");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, house_enter, house_leave);
    tcase_add_test(cases, a_contract_is_registered_whole);
    tcase_add_test(cases, the_same_text_again_changes_nothing);
    tcase_add_test(cases, another_text_of_an_id_is_a_conflict);
    tcase_add_test(cases, contracts_come_by_id_and_take_positions_of_their_scope);
    tcase_add_test(cases, the_contract_of_thiers_is_registered);
    tcase_add_test(cases, an_agent_is_admitted_and_given_more);
    tcase_add_test(cases, what_cannot_be_approved_leaves_nothing);
    tcase_add_test(cases, names_and_keys_are_one_agents);
    tcase_add_test(cases, revoking_is_final_and_may_be_repeated);
    tcase_add_test(cases, an_agent_is_told_of_its_contracts_alone);
    tcase_add_test(cases, the_last_version_of_a_contract_counts);
    tcase_add_test(cases, an_agent_has_as_many_scopes_as_a_message_holds);
    tcase_add_test(cases, each_change_is_told);
    tcase_add_test(cases, a_database_is_one_hubs);
    tcase_add_test(cases, the_settings_of_a_site_do_not_matter);
    suite_add_tcase(suite, cases);
    return house_main(suite);
}
