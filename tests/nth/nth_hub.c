/*
 * nth_hub: what the hub keeps, with each allocation and each call of the database failing in turn: batches, the
 * state of an agent, agents and rights, contracts, what is noted for `status`; and the making of the schema.
 */
#include "nth.h"
#include "nth_database.h"
#include "nth_tables.h"
#include "proof_check.h"
#include "store_audit.h"
#include "store_ask.h"
#include "store_backup.h"
#include "store_purge.h"
#include "store_replace.h"
#include "store_standing.h"
#include "store_status.h"
#include "store_timeliness.h"

static const nth_kind everything[] = {NTH_MEMORY, NTH_ARENA, NTH_QUERY_MEMORY, NTH_QUERY_CLASH, NTH_QUERY_FULL, NTH_QUERY_FAULT,
                                      NTH_QUERY_LOST, NTH_QUERY_LOST_AFTER, NTH_QUERY_LOST_FOR_GOOD, NTH_KIND_COUNT};

/* All but the batches with fewer of them, unless NTH_ALL is set. */
static const nth_kind some[] = {NTH_MEMORY, NTH_ARENA, NTH_QUERY_FULL, NTH_QUERY_LOST_AFTER, NTH_KIND_COUNT};

/* The schema is made of many statements, all in one transaction. */
static const nth_kind few[] = {NTH_MEMORY, NTH_QUERY_LOST_AFTER, NTH_KIND_COUNT};

enum { SCRATCH = 16 << 20 };

static house_agent alpha, beta;

/* Each failure of the server or the connection has its own value; short memory, here or in libpq, is said or passes. */
static bool fits(nth_kind kind, int error)
{
    switch (kind) {
    case NTH_MEMORY:
    case NTH_ARENA:
        return error == DATABASE_NO_MEMORY;
    case NTH_QUERY_MEMORY:
        return error == DATABASE_NO_MEMORY || error == DATABASE_LATER;
    case NTH_QUERY_FULL: /* LATER: no connection */
        return error == DATABASE_FULL || error == DATABASE_LATER;
    case NTH_QUERY_FAULT:
        return error == DATABASE_FAULT || error == DATABASE_LATER;
    default:
        return error == DATABASE_LATER;
    }
}

static void enter(void)
{
    house_enter();
    house_run("SET client_min_messages TO error");
    house_run(nth_tables);
    house_run("ALTER SYSTEM SET fsync = off"); /* its disk is not what is tested */
    house_run("ALTER SYSTEM SET autovacuum = off");
    house_run("SELECT pg_reload_conf()");
    house_agent_new(&alpha, "alpha", "63");
    house_agent_new(&beta, "beta", "63");
    house_add("63-a", "63");
    house_approve(&alpha, "63-a", "axe1");
    house_approve(&alpha, "63-a", "axe2");
    house_approve(&beta, "63-a", "axe1");
}

/* What a run needs, made while nothing fails; the store is the run's own. */
static store *open_store(void)
{
    store *made = NULL;
    nth_pause(true);
    must(house_open(&made, "this-hub", false) == DATABASE_OK);
    nth_pause(false);
    return made;
}

static void drive(const char *name, int (*run)(void), const nth_kind *kinds)
{
    const nth_case what = {name, restore, run, fits, state, settle, false};
    house_run("SELECT public.nth_keep()");
    nth_drive(&what, getenv("NTH_ALL") ? everything : kinds);
    restore();
}

/* Batches. */

static record put(uint8_t key, fact_type type, int64_t quantity)
{
    record made = {.operation = RECORD_PUT, .key = {key}, .contract = text_of("63-a"), .action = text_of("axe1"), .type = type,
                   .month = civil_month_parse(text_of("2024-03")), .has_quantity = quantity > 0, .quantity = quantity};
    return made;
}

static record beneficiary(uint8_t key, unsigned sets)
{
    record made = put(key, FACT_BENEFICIAIRE, 0);
    made.token_sets = sets;
    for (unsigned i = 0; i < sets; i++)
        made.tokens[i] = (record_tokens){.epoch = i + 1, .has_e = true, .has_i = true, .e = {key}, .i = {key}};
    made.sex = RECORD_SEX_F;
    return made;
}

static store_batch batches[3];
static house_agent earlier; /* alpha after its first batch, as a backup has it */

/*
 * One that is there before; then one that replaces, withdraws and is refused in part, one of a new key, and one of
 * another agent that has the new key too and closes the old one.
 */
static void make_batches(void)
{
    enum { THIRD = STOREHOUSE_BODIES };
    const record first[] = {beneficiary(1, 1), put(2, FACT_SOLLICITATION, 7), put(3, FACT_SOLLICITATION, 8)};
    record second[] = {put(2, FACT_SOLLICITATION, 9), put(3, FACT_SOLLICITATION, 1), put(4, FACT_SOLLICITATION, 1),
                       put(5, FACT_NARRATIVE, 0)};
    record third[THIRD] = {beneficiary(1, 2), beneficiary(6, 2)}; /* so many that the new ones go in by COPY */
    record other[] = {beneficiary(1, 2), {.operation = RECORD_CLOSE, .epoch = 1, .month = CIVIL_NONE, .type = FACT_NONE}};
    static text_view actions[2];
    ck_assert_int_eq(house_put(house_batch(&alpha, first, 3)).stored, HUB_STORED_COMMITTED);
    earlier = alpha;
    second[1].operation = RECORD_WITHDRAW;
    second[1].type = FACT_NONE;
    second[1].month = CIVIL_NONE;
    second[1].has_quantity = false;
    second[2].month = civil_month_parse(text_of("2025-03")); /* refused */
    second[3].month = CIVIL_NONE;
    second[3].code = text_of("L.inconnu"); /* refused by the catalogue */
    second[3].text = text_of("Texte d’essai");
    actions[0] = text_of("axe1");
    actions[1] = text_of("axe2");
    alpha.coverage_count = 1;
    alpha.coverage[0] = (batch_coverage){.contract = text_of("63-a"), .complete = true, .action_count = 2,
                                         .last_month = civil_month_parse(text_of("2024-06"))};
    memcpy(alpha.coverage[0].actions, actions, sizeof actions);
    batches[0] = house_batch(&alpha, second, 4);
    alpha.coverage_count = 0;
    alpha.key_count = 2;
    beta.key_count = 2;
    alpha.keys[1] = beta.keys[1] = (batch_key){.epoch = 2, .id = {5}};
    memcpy(other[1].key, beta.keys[0].id, TOKEN_KEY_ID);
    for (unsigned i = 2; i < THIRD; i++)
        third[i] = put((uint8_t)(i + 5), FACT_SOLLICITATION, i);
    batches[1] = house_batch(&alpha, third, THIRD);
    batches[2] = house_batch(&beta, other, 2);
}

static int run_put(void)
{
    store_outcome outcomes[3];
    store *own = open_store();
    arena *scratch = arena_new(SCRATCH);
    database_error error = DATABASE_NO_MEMORY;
    if (scratch) {
        error = store_put(own, batches, 3, scratch, outcomes);
        for (int i = 0; i < 3; i++) {
            bool is_in = outcomes[i].stored == HUB_STORED_COMMITTED || outcomes[i].stored == HUB_STORED_AGAIN;
            must(error == DATABASE_OK ? is_in && outcomes[i].stored == outcomes[0].stored : outcomes[i].stored == HUB_STORED_LATER);
        }
        if (error == DATABASE_OK && outcomes[0].stored == HUB_STORED_COMMITTED)
            must(outcomes[0].refusal_count == 2 && outcomes[1].position.sequence == 3 && outcomes[2].position.sequence == 1
                 && outcomes[2].refusal_count == 0);
    }
    arena_destroy(&scratch);
    store_destroy(&own);
    return (int)error;
}

START_TEST(test_put)
{
    make_batches();
    drive("batches", run_put, everything);
}
END_TEST

static int run_load(void)
{
    store *own = open_store();
    arena *scratch = arena_new(SCRATCH);
    store_state found;
    database_error error = DATABASE_NO_MEMORY;
    if (scratch)
        error = store_load_state(own, alpha.identity.sign, &(wire_position){0}, 0, scratch, &found);
    if (error == DATABASE_OK)
        must(found.scope_count == 1 && found.scopes[0].position.sequence == 3 && found.scopes[0].refusal_count == 2
             && found.contract_count == 1 && found.contracts[0].action_count == 2
             && found.contracts[0].key_count == 1 && found.contracts[0].keys[0].epoch == 2);
    arena_destroy(&scratch);
    store_destroy(&own);
    return (int)error;
}

START_TEST(test_load)
{
    make_batches();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(house_put(batches[i]).stored, HUB_STORED_COMMITTED);
    drive("state of an agent", run_load, some);
}
END_TEST

/* The ledger verified, and the links that a migration finds owed. */

static void tell(void *data, const proof_check_finding *finding)
{
    (void)data;
    fprintf(stderr, "position %llu: %d\n", (unsigned long long)finding->position, (int)finding->fault);
    abort(); /* a failure of ours is no finding */
}

static bool take(void *data, const store_audit_item *item)
{
    proof_check *check = data;
    if (item->type == STORE_AUDIT_AGENT)
        return proof_check_agent(check, text_of(item->identity.name)) >= 0 && proof_check_key(check, item->agent, item->identity.sign);
    if (item->type == STORE_AUDIT_SCOPE)
        return proof_check_scope(check, text_of(item->scope));
    if (item->type == STORE_AUDIT_BATCH)
        proof_check_batch(check, item->position, item->header, item->signature, item->chain);
    if (item->type == STORE_AUDIT_CONTRACT)
        proof_check_contract(check, item->position, item->id, item->version, item->definition, item->chain);
    if (item->type == STORE_AUDIT_END)
        proof_check_end(check, item->position, item->chain);
    return true;
}

static int run_audit(void)
{
    uint64_t total;
    bool stopped = false;
    store *own = open_store();
    arena *memory = arena_new(SCRATCH), *scratch = arena_new(WIRE_SCRATCH_BYTES);
    proof_check *check = memory && scratch ? proof_check_new(memory, scratch, tell, NULL) : NULL;
    const store_audit_taker taker = {take, check};
    database_error error = check ? store_audit(own, &taker, &total, &stopped) : DATABASE_NO_MEMORY;
    if (error == DATABASE_OK && stopped)
        error = DATABASE_NO_MEMORY;
    if (error == DATABASE_OK)
        must(total == 5 && proof_check_total(check).batches == 4 && proof_check_total(check).contracts == 1);
    arena_destroy(&scratch);
    arena_destroy(&memory);
    store_destroy(&own);
    return (int)error;
}

static int run_links(void)
{
    store *own = NULL;
    database_error error = house_open(&own, "this-hub", false);
    store_destroy(&own);
    return (int)error;
}

START_TEST(test_proof)
{
    make_batches();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(house_put(batches[i]).stored, HUB_STORED_COMMITTED);
    drive("ledger verified", run_audit, some);
    house_run("UPDATE ctai.scope SET chained = 0, chain = decode(repeat('00', 32), 'hex')");
    drive("links made", run_links, some);
}
END_TEST

/* What an agent asks: a new incarnation, what the hub holds of it; and new keys. */

static wire_message question;

static int run_ask(void)
{
    store_answer answer;
    store *own = open_store();
    arena *scratch = arena_new(SCRATCH);
    database_error error = scratch ? store_ask(own, alpha.identity.sign, &question, scratch, &answer) : DATABASE_NO_MEMORY;
    if (error == DATABASE_OK)
        must(answer.stored == HUB_STORED_COMMITTED);
    arena_destroy(&scratch);
    store_destroy(&own);
    return (int)error;
}

static wire_position place_of(const house_agent *agent)
{
    wire_position made = {.scope = text_of("63"), .incarnation = 1, .sequence = agent->sequence};
    memcpy(made.hash, agent->previous, CRYPTO_HASH);
    return made;
}

START_TEST(test_ask)
{
    make_batches();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(house_put(batches[i]).stored, HUB_STORED_COMMITTED);
    question = (wire_message){.type = WIRE_RENEW};
    question.renew.own = place_of(&earlier);
    question.renew.seen = place_of(&alpha);
    question.renew.incarnation = 2;
    memset(question.renew.request, 7, WIRE_REQUEST);
    drive("incarnation granted", run_ask, some);
    question = (wire_message){.type = WIRE_SURVEY, .survey = {text_of("63")}};
    drive("what is held, surveyed", run_ask, some);
    question = (wire_message){.type = WIRE_LIST, .list = {text_of("63"), 1, NULL}};
    drive("what is held, listed", run_ask, some);
}
END_TEST

static house_agent renewed;

static int run_replace(void)
{
    store_replaced done;
    store *own = open_store();
    database_error error = store_replace(own, &renewed.identity, &done);
    store_destroy(&own);
    return (int)error;
}

START_TEST(test_replace)
{
    make_batches();
    house_agent_new(&renewed, "alpha", "63");
    drive("agent given new keys", run_replace, some);
}
END_TEST

/* Agents. */

static house_agent fresh;

static int run_approve(void)
{
    static const char *const actions[] = {"axe1", "axe2"};
    store *own = open_store();
    database_error error = store_agent_approve(own, &fresh.identity, "63-a", actions, 2);
    store_destroy(&own);
    return (int)error;
}

static int run_revoke(void)
{
    store *own = open_store();
    database_error error = store_agent_revoke(own, "alpha");
    store_destroy(&own);
    return (int)error;
}

static int run_agents(void)
{
    store *own = open_store();
    arena *scratch = arena_new(SCRATCH);
    store_agent *all, one;
    wire_contract *contracts;
    unsigned count;
    database_error error = scratch ? store_agents(own, false, scratch, &all, &count) : DATABASE_NO_MEMORY;
    if (error == DATABASE_OK)
        must(count == 2 && all[0].right_count == 2);
    if (error == DATABASE_OK && (error = store_agent_find(own, "beta", scratch, &one)) == DATABASE_OK)
        must(one.right_count == 1);
    if (error == DATABASE_OK && (error = store_agent_contracts(own, "alpha", scratch, &contracts, &count)) == DATABASE_OK)
        must(count == 1);
    arena_destroy(&scratch);
    store_destroy(&own);
    return (int)error;
}

START_TEST(test_agents)
{
    house_agent_new(&fresh, "gamma", "63");
    drive("agent approved", run_approve, some);
    drive("agent revoked", run_revoke, everything);
    drive("agents read", run_agents, some);
}
END_TEST

/* Contracts. */

static contract added, amended; /* a contract and its amendment, at once */
static const char *added_text;

static int run_contract(void)
{
    store *own = open_store();
    bool is_new;
    const store_contract_text texts[] = {{&added, text_of(added_text)}, {&amended, text_of("avenant")}};
    database_error error = store_contract_register(own, texts, 2, 0, &is_new);
    store_destroy(&own);
    return (int)error;
}

static int run_contracts(void)
{
    store *own = open_store();
    arena *scratch = arena_new(SCRATCH);
    store_contract *all, one;
    unsigned count;
    database_error error = scratch ? store_contracts(own, scratch, &all, &count) : DATABASE_NO_MEMORY;
    if (error == DATABASE_OK)
        must(count == 1 && all[0].action_count == 2);
    if (error == DATABASE_OK && (error = store_contract_find(own, "63-a", scratch, &one)) == DATABASE_OK)
        must(one.definition.size > 100);
    store_timeliness sent;
    if (error == DATABASE_OK && (error = store_timeliness_read(own, NULL, "2024-09-01", true, scratch, &sent)) == DATABASE_OK)
        must(sent.contract_count == 1 && sent.contracts[0].known.begin_count == 2);
    arena_destroy(&scratch);
    store_destroy(&own);
    return (int)error;
}

START_TEST(test_contracts)
{
    added_text = house_contract_text("63-b", "03", "Un autre contrat");
    house_read(&added, added_text);
    amended = added;
    amended.amended = (contract_amended){.number = 1, .day = civil_from(2024, 6, 1)};
    drive("contract added", run_contract, some);
    drive("contracts read", run_contracts, some);
}
END_TEST

/* What `status` tells. */

static int run_status(void)
{
    store *own = open_store();
    arena *scratch = arena_new(SCRATCH);
    store_status status;
    database_error error = DATABASE_NO_MEMORY;
    if (scratch)
        error = store_status_read(own, scratch, &status);
    if (error == DATABASE_OK)
        must(status.scope_count == 1 && status.alarm_count == 1 && status.contact_count >= 1
             && status.scopes[0].key_count == 2 && status.scopes[0].unlinked_count == 1);
    arena_destroy(&scratch);
    store_destroy(&own);
    return (int)error;
}

static int run_contact(void)
{
    store *own = open_store();
    database_error error = store_status_note_contact(own, beta.identity.sign);
    store_destroy(&own);
    return (int)error;
}

START_TEST(test_status)
{
    ck_assert_int_eq(store_status_note_contact(house.store, alpha.identity.sign), DATABASE_OK);
    ck_assert_int_eq(store_status_note_alarm(house.store, alpha.identity.sign, WIRE_REFUSAL_FORK, text_of("63"), 3), DATABASE_OK);
    make_batches();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(house_put(batches[i]).stored, HUB_STORED_COMMITTED);
    const record late = beneficiary(9, 1); /* under the closed key alone */
    beta.key_count = 1;
    ck_assert_int_eq(house_put(house_batch(&beta, &late, 1)).stored, HUB_STORED_COMMITTED);
    drive("status read", run_status, some);
    drive("contact noted", run_contact, everything);
}
END_TEST

/* The standing cells: marks go with the cells that were evaluated for them, or stay. */

static int run_consolidate(void)
{
    store *own = open_store();
    store_standing_mark marks[4];
    unsigned count = 0;
    bool done = true;
    database_error error = store_standing_marked(own, marks, 4, &count);
    for (unsigned i = 0; error == DATABASE_OK && done && i < count; i++)
        error = store_standing_consolidate(own, marks[i].contract_id, &done);
    must(done || error != DATABASE_OK);
    store_destroy(&own);
    return (int)error;
}

START_TEST(test_consolidate)
{
    make_batches();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(house_put(batches[i]).stored, HUB_STORED_COMMITTED);
    drive("contract consolidated", run_consolidate, everything);
}
END_TEST

/* The end of a contract, and the database's side of a backup. */

static int run_purge(void)
{
    static const char *const ids[] = {"63-a"};
    store *own = open_store();
    arena *scratch = arena_new(SCRATCH);
    store_purged done;
    database_error error = scratch ? store_purge(own, ids, 1, true, scratch, &done) : DATABASE_NO_MEMORY;
    if (error == DATABASE_OK)
        must(done.contract_count == 1 && done.contracts[0].records == 2 + STOREHOUSE_BODIES && done.contracts[0].history == 3);
    arena_destroy(&scratch);
    store_destroy(&own);
    return error == DATABASE_CONFLICT ? DATABASE_OK : (int)error; /* it was done, and the answer lost */
}

static int run_backup(void)
{
    store *own = open_store();
    arena *scratch = arena_new(SCRATCH);
    store_backup snapshot = {.service = -1};
    backup_manifest found;
    uint64_t moved;
    database_error error = scratch ? store_backup_begin(own, scratch, &snapshot, &found) : DATABASE_NO_MEMORY;
    if (error == DATABASE_OK) {
        must(found.scope_count == 1 && found.contracts == 1 && found.agents == 2 && snapshot.service >= 0);
        store_backup_end(own, &snapshot);
        error = store_backup_stable(own, &found, &moved);
    }
    arena_destroy(&scratch);
    store_destroy(&own);
    return (int)error;
}

START_TEST(test_ends)
{
    make_batches();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(house_put(batches[i]).stored, HUB_STORED_COMMITTED);
    drive("backup begun, its content stable", run_backup, some);
    drive("contract purged", run_purge, some);
}
END_TEST

/* The schema, made in an empty database; and found there. */

static void no_schema(void)
{
    house_run("DROP SCHEMA IF EXISTS ctai CASCADE");
}

static int run_open(void)
{
    store *made = NULL;
    database_error error = house_open(&made, "this-hub", true);
    store_destroy(&made);
    return (int)error;
}

/* As a reader, by a login of its own. */
static int run_log_in(void)
{
    static const uint8_t pepper[CRYPTO_KEY];
    store *made = NULL;
    store_options options = {.conninfo = house.conninfo, .pepper = pepper, .use = STORE_REPORT, .own_cluster = true};
    snprintf(options.hub, sizeof options.hub, "this-hub");
    database_error error = store_open(&made, &options);
    store_destroy(&made);
    return (int)error;
}

/* Is it there, and whose? (It is claimed after it is made; a hub that is not its own does not use it.) */
static void schema_state(batch_buffer *to)
{
    database_result *result = NULL;
    static const char sql[] = "SELECT count(*) || ' ' || (SELECT count(*) FROM pg_proc WHERE pronamespace = to_regnamespace('ctai'))"
                              " FROM pg_tables WHERE schemaname = 'ctai'";
    ck_assert_int_eq(database_query(&house.reader, sql, NULL, 0, &result), DATABASE_OK);
    batch_buffer_append(to, database_text(result, 0, 0), strlen(database_text(result, 0, 0)));
    database_release(&result);
}

START_TEST(test_schema)
{
    static const nth_case making = {"schema made", no_schema, run_open, fits, schema_state, NULL, false};
    store_destroy(&house.store);
    nth_drive(&making, getenv("NTH_ALL") ? everything : few);
    ck_assert_int_eq(house_open(&house.store, "this-hub", true), DATABASE_OK);
    drive("store opened", run_open, some);
    drive("store opened to read", run_log_in, some);
}
END_TEST

int main(void)
{
    nth_start();
    nth_database_start();
    Suite *suite = suite_create("nth_hub");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, enter, house_leave);
    tcase_set_timeout(all, 600);
    tcase_add_test(all, test_put);
    tcase_add_test(all, test_load);
    tcase_add_test(all, test_proof);
    tcase_add_test(all, test_ask);
    tcase_add_test(all, test_replace);
    tcase_add_test(all, test_agents);
    tcase_add_test(all, test_contracts);
    tcase_add_test(all, test_status);
    tcase_add_test(all, test_consolidate);
    tcase_add_test(all, test_ends);
    tcase_add_test(all, test_schema);
    suite_add_tcase(suite, all);
    int code = house_main(suite);
    nth_tell();
    return code;
}
