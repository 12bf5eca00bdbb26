/* The schema of a database: made once, whoever else makes it; refused when another version of the program made it. */
#include <sys/wait.h>

#include "migrate.h"
#include "storehouse.h"

/* A new, empty database of the house's cluster. */
static const char *empty_database(const char *name)
{
    char *conninfo = arena_take(house.memory, sizeof house.conninfo + 64);
    char sql[64];
    snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s", name);
    house_run(sql);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
    house_run(sql);
    snprintf(conninfo, sizeof house.conninfo + 64, "%s dbname=%s", house.conninfo, name); /* the last word counts */
    return conninfo;
}

static database_error open_as(const char *conninfo, const char *hub, bool claim)
{
    store *self = NULL;
    store_options options = {.conninfo = conninfo, .claim = claim};
    snprintf(options.hub, sizeof options.hub, "%s", hub);
    database_error error = store_open(&self, &options);
    store_destroy(&self);
    return error;
}

START_TEST(nothing_is_done_twice)
{
    const char *before = house_text("SELECT md5(string_agg(name || applied_at, ',' ORDER BY name)) FROM ctai.migration");
    ck_assert_int_eq(migrate_run(&house.reader), DATABASE_OK);
    ck_assert_str_eq(house_text("SELECT md5(string_agg(name || applied_at, ',' ORDER BY name)) FROM ctai.migration"), before);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.migration WHERE name = 'indicators.yaml'"), 1);
}
END_TEST

START_TEST(functions_are_made_anew_when_one_changed)
{
    house_run("UPDATE ctai.migration SET checksum = 'old' WHERE name = 'evaluate.sql'");
    house_run("DROP FUNCTION ctai.as_hours(numeric)");
    house_run("CREATE FUNCTION ctai.of_an_older_version() RETURNS integer LANGUAGE sql AS 'SELECT 1'");
    ck_assert_int_eq(migrate_run(&house.reader), DATABASE_OK);
    ck_assert_str_eq(house_text("SELECT ctai.as_hours(90)"), "1.5");
    ck_assert_int_eq(house_number("SELECT count(*) FROM pg_proc WHERE proname = 'of_an_older_version'"), 0);
}
END_TEST

START_TEST(another_text_of_a_migration_is_refused)
{
    house_run("BEGIN");
    house_run("UPDATE ctai.migration SET checksum = 'other' WHERE name = '001_base.sql'");
    house_run("COMMIT");
    ck_assert_int_eq(migrate_run(&house.reader), DATABASE_CONFIGURATION);
    ck_assert_ptr_nonnull(strstr(house.reader.explanation, "001_base.sql"));
    store *self = NULL;
    ck_assert_int_eq(house_open(&self, "this-hub", false), DATABASE_CONFIGURATION);
    store_destroy(&self);
    house_run("DELETE FROM ctai.migration WHERE name = '001_base.sql'");
    /* Now it is new to the database, where its tables stand: an error, and nothing changed. */
    ck_assert_int_eq(migrate_run(&house.reader), DATABASE_FAULT);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.migration WHERE name = '001_base.sql'"), 0);
    ck_assert_int_gt(house_number("SELECT count(*) FROM pg_proc WHERE pronamespace = 'ctai'::regnamespace"), 5);
}
END_TEST

START_TEST(a_newer_database_is_refused)
{
    house_run("INSERT INTO ctai.migration (name, checksum) VALUES ('999_later.sql', '')");
    ck_assert_int_eq(migrate_run(&house.reader), DATABASE_CONFIGURATION);
    ck_assert_ptr_nonnull(strstr(house.reader.explanation, "plus récente"));
    house_run("DELETE FROM ctai.migration WHERE name = '999_later.sql'");
    ck_assert_int_eq(migrate_run(&house.reader), DATABASE_OK);
}
END_TEST

START_TEST(a_database_of_nobody_is_not_touched)
{
    const char *conninfo = empty_database("nobody");
    database look;
    database_result *result;
    ck_assert_int_eq(open_as(conninfo, "this-hub", false), DATABASE_CONFIGURATION);
    ck_assert_int_eq(database_open(&look, conninfo), DATABASE_OK);
    ck_assert_int_eq(database_query(&look, "SELECT count(*) FROM pg_namespace WHERE nspname = 'ctai'", NULL, 0, &result), DATABASE_OK);
    ck_assert_int_eq(database_integer(result, 0, 0), 0);
    database_release(&result);
    database_close(&look);
}
END_TEST

/* Of several hubs that begin at once on an empty database, each makes or finds the schema; one of two claims wins. */
START_TEST(several_begin_at_once)
{
    enum { HUBS = 5 };
    const char *conninfo = empty_database("fresh");
    pid_t hubs[HUBS];
    int won = 0, lost = 0;
    for (int at = 0; at < HUBS; at++) {
        hubs[at] = fork();
        ck_assert_int_ge(hubs[at], 0);
        if (hubs[at] == 0) {
            database_error error = open_as(conninfo, at % 2 ? "hub-a" : "hub-b", true);
            _exit(error == DATABASE_OK ? 0 : error == DATABASE_CONFIGURATION ? 1 : 2);
        }
    }
    for (int at = 0; at < HUBS; at++) {
        int status;
        ck_assert_int_eq(waitpid(hubs[at], &status, 0), hubs[at]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
        (WEXITSTATUS(status) == 0) ? won++ : lost++;
    }
    ck_assert_msg((won == 2 && lost == 3) || (won == 3 && lost == 2), "%d won, %d lost", won, lost);
    database look;
    database_result *result;
    ck_assert_int_eq(database_open(&look, conninfo), DATABASE_OK);
    ck_assert_int_eq(database_query(&look, "SELECT count(*), count(DISTINCT code) FROM ctai.indicator", NULL, 0, &result), DATABASE_OK);
    ck_assert_int_eq(database_integer(result, 0, 0), 32);
    ck_assert_int_eq(database_integer(result, 0, 1), 32);
    database_release(&result);
    database_close(&look);
}
END_TEST

START_TEST(a_connection_says_what_is_wrong)
{
    static const struct { const char *conninfo; database_error error; } tries[] = {
        {"host=/nowhere/at/all", DATABASE_LATER},
        {"this is no connection string", DATABASE_CONFIGURATION},
        {"host=127.0.0.1 port=1 connect_timeout=2", DATABASE_LATER},
    };
    database look;
    for (unsigned at = 0; at < sizeof tries / sizeof *tries; at++) {
        ck_assert_int_eq(database_open(&look, tries[at].conninfo), tries[at].error);
        ck_assert_int_gt((int)strlen(look.explanation), 20);
        ck_assert(!database_alive(&look));
        ck_assert_int_eq(database_run(&look, "SELECT 1"), DATABASE_LATER);
        database_close(&look);
    }
    char other[sizeof house.conninfo + 64];
    snprintf(other, sizeof other, "%s dbname=absent", house.conninfo);
    ck_assert_int_eq(database_open(&look, other), DATABASE_CONFIGURATION);
    snprintf(other, sizeof other, "%s user=absent", house.conninfo);
    ck_assert_int_eq(database_open(&look, other), DATABASE_CONFIGURATION);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("migrate");
    TCase *cases = tcase_create("migrate");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, house_enter, house_leave);
    tcase_add_test(cases, nothing_is_done_twice);
    tcase_add_test(cases, functions_are_made_anew_when_one_changed);
    tcase_add_test(cases, a_newer_database_is_refused);
    tcase_add_test(cases, a_database_of_nobody_is_not_touched);
    tcase_add_test(cases, several_begin_at_once);
    tcase_add_test(cases, a_connection_says_what_is_wrong);
    tcase_add_test(cases, another_text_of_a_migration_is_refused); /* the last: it leaves the house in disorder */
    suite_add_tcase(suite, cases);
    return house_main(suite);
}
