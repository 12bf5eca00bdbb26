/*
 * The consolidator's threads on a real database: what was marked while nobody ran is caught up with; what is committed
 * reaches its cell without being asked for; a huge contract, a lost connection, another hub and the end do no harm; and no
 * writer ever waits for it.
 */
#include <poll.h>
#include <time.h>

#include "consolidator.h"
#include "store_standing.h"
#include "storehouse.h"

enum { PATIENCE_MS = 20 * 1000 };

static house_agent alpha;
static consolidator *cells;

static store_options options(void)
{
    static uint8_t pepper[CRYPTO_KEY];
    store_options made = {.conninfo = house.conninfo, .use = STORE_INGEST, .pepper = pepper, .hub = "this-hub"};
    return made;
}

static void begin(consolidator **to)
{
    const store_options with = options();
    *to = consolidator_new(&with);
    ck_assert_ptr_nonnull(*to);
}

static void enter(void)
{
    house_enter();
    house_add("63-a", "63");
    house_add("63-b", "63");
    house_agent_new(&alpha, "alpha", "63");
    house_approve(&alpha, "63-a", "axe1");
    house_approve(&alpha, "63-b", "axe1");
}

static void leave(void)
{
    consolidator_destroy(&cells);
    house_leave();
}

static uint64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
}

/* Until a question is answered so; fails after a while. */
static void await(const char *sql, long wanted)
{
    long got = 0;
    for (uint64_t until = now_ms() + PATIENCE_MS; now_ms() < until; poll(NULL, 0, 2))
        if ((got = house_number(sql)) == wanted)
            return;
    ck_abort_msg("%s: %ld, not %ld", sql, got, wanted);
}

static void put(const char *of, uint8_t number, int64_t quantity)
{
    const record one = {.operation = RECORD_PUT, .key = {number, (uint8_t)of[3]}, .contract = text_of(of), .action = text_of("axe1"),
                        .month = civil_month_parse(text_of("2024-03")), .type = FACT_SOLLICITATION, .has_quantity = true,
                        .quantity = quantity};
    ck_assert_int_eq(house_put(house_batch(&alpha, &one, 1)).stored, HUB_STORED_COMMITTED);
}

#define CELL(contract) \
    "SELECT coalesce((SELECT value FROM ctai.cell JOIN ctai.contract USING (contract_id) WHERE id = '" contract "' AND action = 1" \
    " AND indicator = 'L.demarches'), '-1')"
#define MARKS "SELECT count(*) FROM ctai.mark"
#define WRONG "SELECT count(*) FROM ctai.cells_wrong()"

START_TEST(catches_up)
{
    put("63-a", 1, 5);
    put("63-b", 1, 7);
    ck_assert_int_gt(house_number(MARKS), 0);
    ck_assert_int_eq(house_number("SELECT count(*) FROM ctai.cell"), 0);
    begin(&cells);
    await(MARKS, 0);
    ck_assert_int_eq(house_number(CELL("63-a")), 5);
    ck_assert_int_eq(house_number(CELL("63-b")), 7);
    consolidator_destroy(&cells);
    put("63-a", 2, 1);
    ck_assert_int_eq(house_number(MARKS), 1);
    begin(&cells);
    await(MARKS, 0);
    ck_assert_int_eq(house_number(CELL("63-a")), 6);
    ck_assert_int_eq(house_number(WRONG), 0);
}
END_TEST

/* Woken, it does not wait for its next look; not woken, it looks by itself. */
START_TEST(comes_when_it_is_called)
{
    begin(&cells);
    await(MARKS, 0);
    uint64_t slowest = 0, begun = now_ms();
    for (uint8_t number = 1; number <= 20; number++) {
        uint64_t sent = now_ms();
        put("63-a", number, 1);
        consolidator_wake(cells);
        await(CELL("63-a"), number);
        slowest = now_ms() - sent > slowest ? now_ms() - sent : slowest;
    }
    ck_assert_msg(now_ms() - begun < 20 * CONSOLIDATOR_POLL_MS / 2, "20 times in %llu ms, the slowest in %llu",
                  (unsigned long long)(now_ms() - begun), (unsigned long long)slowest);
    put("63-a", 21, 1);
    await(CELL("63-a"), 21);
    ck_assert_int_eq(house_number(WRONG), 0);
}
END_TEST

/* A contract whose cells cannot be written for long holds up itself alone; the end cancels what waits. */
START_TEST(huge_beside_small)
{
    put("63-b", 9, 0); /* the first of a linkage key touches all */
    begin(&cells);
    await(MARKS, 0);
    house_run("UPDATE ctai.standing SET took_us = 9000000 WHERE contract_id = (SELECT contract_id FROM ctai.contract WHERE id = '63-b')");
    house_run("UPDATE ctai.standing SET took_us = 0 WHERE contract_id = (SELECT contract_id FROM ctai.contract WHERE id = '63-a')");
    house_run("BEGIN; SELECT FROM ctai.standing AS s JOIN ctai.contract USING (contract_id) WHERE id = '63-b' FOR UPDATE OF s");
    put("63-b", 1, 3);
    consolidator_wake(cells);
    await("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", 1);
    put("63-a", 1, 4);
    consolidator_wake(cells);
    await(CELL("63-a"), 4);
    ck_assert_int_eq(house_number(CELL("63-b")), 0);
    uint64_t begun = now_ms();
    consolidator_destroy(&cells);
    ck_assert_uint_lt(now_ms() - begun, 5000);
    ck_assert_int_gt(house_number(MARKS), 0);
    house_run("ROLLBACK");
    begin(&cells);
    await(MARKS, 0);
    ck_assert_int_eq(house_number(CELL("63-b")), 3);
}
END_TEST

/* A consolidation that is not committed yet: batches of the same contract are, and their marks stay behind it. */
START_TEST(writers_do_not_wait)
{
    put("63-a", 1, 1);
    house_run("BEGIN");
    ck_assert_str_eq(house_text("SELECT ctai.consolidate(contract_id) FROM ctai.contract WHERE id = '63-a'"), "t");
    put("63-a", 2, 1);
    put("63-a", 1, 8);
    begin(&cells); /* it does not wait either: the other one is at it */
    await("SELECT count(*) FROM ctai.mark AS m JOIN ctai.contract USING (contract_id) WHERE id = '63-b'", 0);
    house_run("COMMIT");
    ck_assert_int_gt(house_number("SELECT (SELECT count(*) FROM ctai.mark) + (" CELL("63-a") ")::bigint"), 0);
    await(MARKS, 0);
    ck_assert_int_eq(house_number(CELL("63-a")), 9);
    ck_assert_int_eq(house_number(WRONG), 0);
}
END_TEST

/* Two hubs on the database, connections that are cut, a flow of batches: in the end all stands. */
START_TEST(many_at_once)
{
    consolidator *other = NULL;
    begin(&cells);
    begin(&other);
    for (uint8_t number = 1; number <= 60; number++) {
        put(number % 3 ? "63-a" : "63-b", number, 1);
        consolidator_wake(number % 2 ? cells : other);
        if (number % 20 == 0)
            house_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%ctai.marked%' AND pid <> pg_backend_pid()");
    }
    await(MARKS, 0);
    ck_assert_int_eq(house_number(CELL("63-a")), 40);
    ck_assert_int_eq(house_number(CELL("63-b")), 20);
    ck_assert_int_eq(house_number(WRONG), 0);
    consolidator_destroy(&other);
}
END_TEST

/* A contract whose evaluation fails is put aside; the others go on. */
START_TEST(one_that_fails)
{
    char which[80];
    uint64_t wrong;
    const unsigned budget_ms = 3600 * 1000;
    house_run("CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
              " IF NEW.contract_id = (SELECT contract_id FROM ctai.contract WHERE id = '63-a') THEN RAISE EXCEPTION 'no'; END IF;"
              " RETURN NEW; END $$;"
              "CREATE TRIGGER fault BEFORE INSERT ON ctai.cell FOR EACH ROW EXECUTE FUNCTION public.fault();"
              "GRANT SELECT ON ctai.contract TO PUBLIC");
    put("63-a", 1, 1);
    put("63-b", 1, 2);
    begin(&cells);
    await(CELL("63-b"), 2);
    ck_assert_int_eq(house_number(CELL("63-a")), -1);
    consolidator_destroy(&cells);
    house_run("DROP FUNCTION public.fault() CASCADE");
    begin(&cells);
    await(MARKS, 0);
    ck_assert_int_eq(house_number(CELL("63-a")), 1);
    ck_assert_int_eq(store_standing_wrong(&house.reader, budget_ms, which, sizeof which, &wrong), DATABASE_OK);
    ck_assert_uint_eq(wrong, 0);
    house_run("UPDATE ctai.cell SET value = '9' WHERE action = 0 AND rank = 1 AND contract_id ="
              " (SELECT contract_id FROM ctai.contract WHERE id = '63-b')");
    ck_assert_int_eq(store_standing_wrong(&house.reader, budget_ms, which, sizeof which, &wrong), DATABASE_OK);
    ck_assert_uint_eq(wrong, 1);
    ck_assert_str_eq(which, "63-b");
    ck_assert_int_eq(store_standing_wrong(&house.reader, 0, which, sizeof which, &wrong), DATABASE_OK);
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* Who has worked more than its part does not look for marks again and again until that is made good, and ends when it is to. */
START_TEST(rests_when_there_is_nothing_to_do)
{
    enum { LOOKS_MAX = 2000, WATCHED_MS = 2500 }; /* some hundreds are our own, which the server tells of late */
    static const char looks[] = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
    house_run("CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.8); RETURN NEW; END $$;"
              "CREATE TRIGGER slow BEFORE INSERT ON ctai.cell FOR EACH ROW WHEN (NEW.action = 0 AND NEW.rank = 1)"
              " EXECUTE FUNCTION public.slow()");
    put("63-a", 1, 1);
    begin(&cells);
    consolidator_wake(cells);
    await(MARKS, 0);
    poll(NULL, 0, 1500);
    long before = house_number(looks);
    poll(NULL, 0, WATCHED_MS);
    ck_assert_int_lt(house_number(looks) - before, LOOKS_MAX);
    uint64_t begun = now_ms();
    consolidator_destroy(&cells);
    ck_assert_uint_lt(now_ms() - begun, 2000);
}
END_TEST

/* A database that is away when it begins, and comes. */
START_TEST(comes_back)
{
    store_options with = options();
    with.conninfo = "host=/nowhere dbname=postgres";
    consolidator *lost = consolidator_new(&with);
    ck_assert_ptr_nonnull(lost);
    consolidator_wake(lost);
    poll(NULL, 0, 50);
    uint64_t begun = now_ms();
    consolidator_destroy(&lost);
    ck_assert_ptr_null(lost);
    ck_assert_uint_lt(now_ms() - begun, 5000);
    consolidator_destroy(&lost);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consolidator");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_checked_fixture(all, enter, leave);
    tcase_add_test(all, catches_up);
    tcase_add_test(all, comes_when_it_is_called);
    tcase_add_test(all, huge_beside_small);
    tcase_add_test(all, writers_do_not_wait);
    tcase_add_test(all, many_at_once);
    tcase_add_test(all, one_that_fails);
    tcase_add_test(all, rests_when_there_is_nothing_to_do);
    tcase_add_test(all, comes_back);
    suite_add_tcase(suite, all);
    return house_main(suite);
}
