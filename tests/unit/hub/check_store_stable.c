/*
 * What is committed becomes stable when a standby has it on its disk: in a real database, with pg_receivewal as the
 * standby, which tells how far it has written.
 */
#include <signal.h>
#include <sys/wait.h>

#include "database.h"
#include "logline.h"
#include "storehouse.h"
#include "store_stable.h"

enum { PATIENCE = 1200 }; /* steps of 50 ms */

static house_agent alpha;
static store *hub, *other;
static store_stable *looking;
static pid_t standby;

/* Once: the house's server shall let a standby connect. */
static void open_to_standbys(void)
{
    char why[CLUSTER_EXPLANATION_MAX] = "";
    database admin;
    ck_assert_int_eq(database_open(&admin, house.conninfo), DATABASE_OK);
    ck_assert_int_eq(database_run(&admin, "ALTER SYSTEM SET max_wal_senders = 4"), DATABASE_OK);
    database_close(&admin);
    cluster_close(&house.cluster);
    ck_assert_msg(cluster_open(&house.cluster, house.folder, why, sizeof why) == CLUSTER_OK, "%s", why);
    snprintf(house.conninfo, sizeof house.conninfo, "%s", cluster_conninfo(house.cluster));
}

static store *open_later(void)
{
    store *made = NULL;
    store_options options = {.conninfo = house.conninfo, .stable_on_standby = true};
    snprintf(options.hub, sizeof options.hub, "this-hub");
    ck_assert_int_eq(store_open(&made, &options), DATABASE_OK);
    return made;
}

static void enter(void)
{
    house_enter();
    house_agent_new(&alpha, "alpha", "63");
    house_add("63-a", "63");
    house_approve(&alpha, "63-a", "axe1");
    hub = open_later();
    other = open_later();
    looking = store_stable_new();
    ck_assert_ptr_nonnull(looking);
    standby = 0;
}

static void stop_standby(void)
{
    if (standby > 0) {
        kill(standby, SIGTERM);
        waitpid(standby, NULL, 0);
    }
    standby = 0;
}

static void leave(void)
{
    stop_standby();
    store_stable_destroy(&looking);
    store_destroy(&hub);
    store_destroy(&other);
    house_leave();
}

static void start_standby(void)
{
    char folder[128], connection[sizeof house.conninfo + 16];
    snprintf(folder, sizeof folder, "%s/wal-XXXXXX", house.folder);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(connection, sizeof connection, "%s", house.conninfo);
    standby = fork();
    ck_assert_int_ge(standby, 0);
    if (standby == 0) {
        execl("/usr/lib/postgresql/15/bin/pg_receivewal", "pg_receivewal", "-D", folder, "--synchronous", "-s", "1", "-d",
              connection, (char *)NULL);
        _exit(127);
    }
    long connected = 0;
    for (int i = 0; i < PATIENCE && connected == 0; i++, usleep(50 * 1000))
        connected = house_number("SELECT count(*) FROM pg_stat_replication WHERE flush_lsn IS NOT NULL");
    ck_assert_int_eq(connected, 1);
}

static void put(void)
{
    record what = {.operation = RECORD_PUT, .key = {1}, .contract = text_of("63-a"), .action = text_of("axe1"),
                   .type = FACT_SOLLICITATION, .month = civil_month_parse(text_of("2024-03")), .has_quantity = true, .quantity = 1};
    store_outcome outcome;
    store_batch batch = house_batch(&alpha, &what, 1);
    ck_assert_int_eq(store_put(hub, &batch, 1, house.memory, &outcome), DATABASE_OK);
    ck_assert_int_eq(outcome.stored, HUB_STORED_COMMITTED);
    ck_assert_uint_eq(outcome.position.stable, (uint64_t)house_number("SELECT stable FROM ctai.agent_scope"));
}

static store_stable_state look(store *by)
{
    store_stable_state state;
    database_error error = store_stable_look(looking, by, &state);
    ck_assert_msg(error == DATABASE_OK, "%s", store_explain(by));
    return state;
}

/* Looks until it comes to that. */
static bool comes_to(store_stable_state wanted)
{
    bool there = false;
    for (int i = 0; i < PATIENCE && !(there = look(hub) == wanted); i++)
        usleep(50 * 1000);
    return there;
}

static long stable(void)
{
    return house_number("SELECT coalesce(max(stable), 0) FROM ctai.agent_scope");
}

START_TEST(without_a_standby_nothing_is_stable)
{
    ck_assert_int_eq(look(hub), STORE_STABLE_ALL);
    put();
    ck_assert_int_eq(look(hub), STORE_STABLE_ALONE);
    ck_assert_int_eq(look(hub), STORE_STABLE_ALONE);
    ck_assert_int_eq(stable(), 0);
}
END_TEST

START_TEST(what_the_standby_has_is_stable_and_all_hubs_hear_of_it)
{
    bool changed = false;
    start_standby();
    put();
    put();
    ck_assert_int_eq(store_listen(other), DATABASE_OK);
    store_stable_state state = look(hub);
    put(); /* after the note: it waits for the next */
    ck_assert(state == STORE_STABLE_MOVED || comes_to(STORE_STABLE_MOVED));
    ck_assert_int_ge(stable(), 2);
    for (int i = 0; i < PATIENCE && !changed; i++) {
        ck_assert_int_eq(store_changed(other, &changed), DATABASE_OK);
        usleep(20 * 1000);
    }
    ck_assert(changed);
    ck_assert(comes_to(STORE_STABLE_ALL));
    ck_assert_int_eq(stable(), 3);
    ck_assert_int_eq(look(hub), STORE_STABLE_ALL);
    /* Nothing is written while nothing waits: by us, that is; the server has its own reasons now and then. */
    bool still = false;
    for (int tries = 0; tries < 20 && !still; tries++) {
        const char *before = house_text("SELECT pg_current_wal_lsn()");
        ck_assert_int_eq(look(hub), STORE_STABLE_ALL);
        still = strcmp(house_text("SELECT pg_current_wal_lsn()"), before) == 0;
    }
    ck_assert(still);
}
END_TEST

/* A standby that stands still holds the mark; what came after a note is not taken for what was noted. */
START_TEST(a_standby_that_lags_holds_the_mark)
{
    start_standby();
    kill(standby, SIGSTOP);
    put();
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(look(hub), STORE_STABLE_WAITING);
        usleep(50 * 1000);
    }
    ck_assert_int_eq(stable(), 0);
    kill(standby, SIGCONT);
    ck_assert(comes_to(STORE_STABLE_MOVED));
    ck_assert_int_eq(stable(), 1);
}
END_TEST

/* Another connection may be another server, whose log has other positions: the note is made anew. */
START_TEST(a_note_is_of_one_connection)
{
    put();
    ck_assert_int_eq(look(hub), STORE_STABLE_ALONE);
    house_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = 'ctai-hub'");
    store_stable_state state;
    database_error error = store_stable_look(looking, hub, &state);
    ck_assert_int_eq(error, DATABASE_LATER); /* it finds out */
    start_standby();
    ck_assert(comes_to(STORE_STABLE_MOVED));
    ck_assert_int_eq(stable(), 1);
}
END_TEST

START_TEST(a_role_that_may_not_look_is_told)
{
    start_standby();
    put();
    house_run("DROP ROLE IF EXISTS plain");
    house_run("CREATE ROLE plain LOGIN IN ROLE ctai_ingest; GRANT CONNECT ON DATABASE postgres TO plain");
    store *plain = NULL;
    char conninfo[sizeof house.conninfo + 32];
    snprintf(conninfo, sizeof conninfo, "%s user=plain", house.conninfo);
    store_options options = {.conninfo = conninfo};
    snprintf(options.hub, sizeof options.hub, "this-hub");
    ck_assert_int_eq(store_open(&plain, &options), DATABASE_OK);
    ck_assert_int_eq(look(plain), STORE_STABLE_HIDDEN);
    store_destroy(&plain);
    house_run("DROP OWNED BY plain; DROP ROLE plain");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_stable");
    TCase *cases = tcase_create("standby");
    tcase_set_timeout(cases, 60);
    tcase_add_unchecked_fixture(cases, open_to_standbys, NULL);
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, without_a_standby_nothing_is_stable);
    tcase_add_test(cases, what_the_standby_has_is_stable_and_all_hubs_hear_of_it);
    tcase_add_test(cases, a_standby_that_lags_holds_the_mark);
    tcase_add_test(cases, a_note_is_of_one_connection);
    tcase_add_test(cases, a_role_that_may_not_look_is_told);
    suite_add_tcase(suite, cases);
    return house_main(suite);
}
