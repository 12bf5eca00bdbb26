/* Statements that the server keeps, COPY in pieces, arrays in binary form: against a real server. */
#include "storehouse.h"

#include "database_array.h"
#include "database_copy.h"

static long ask(const char *sql)
{
    database_result *result = NULL;
    ck_assert_int_eq(database_repeat(&house.reader, sql, NULL, 0, &result), DATABASE_OK);
    long number = (long)database_integer(result, 0, 0);
    database_release(&result);
    return number;
}

START_TEST(a_statement_is_kept_once)
{
    char sql[64];
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < DATABASE_PREPARED_MAX + 10; i++) {
            snprintf(sql, sizeof sql, "SELECT %u", i);
            ck_assert_int_eq(ask(sql), i);
        }
    ck_assert_int_eq(house_number("SELECT count(*) FROM pg_prepared_statements"), DATABASE_PREPARED_MAX);
}
END_TEST

/* Lost by the server, or no longer fit: the connection is given up, and the next one keeps it anew. */
START_TEST(a_statement_that_was_lost_is_told)
{
    database_result *result = NULL;
    ck_assert_int_eq(ask("SELECT 1"), 1);
    house_run("DEALLOCATE ALL");
    ck_assert_int_eq(database_repeat(&house.reader, "SELECT 1", NULL, 0, &result), DATABASE_LATER);
    ck_assert_ptr_null(result);
    ck_assert(!database_alive(&house.reader));
    ck_assert_int_eq(database_open(&house.reader, house.conninfo), DATABASE_OK);
    ck_assert_int_eq(ask("SELECT 1"), 1);
    house_run("CREATE TEMPORARY TABLE one (a integer); INSERT INTO one VALUES (7)");
    ck_assert_int_eq(ask("SELECT * FROM pg_temp.one"), 7);
    house_run("ALTER TABLE pg_temp.one ALTER a TYPE text");
    ck_assert_int_eq(database_repeat(&house.reader, "SELECT * FROM pg_temp.one", NULL, 0, &result), DATABASE_LATER);
    ck_assert_ptr_null(result);
    ck_assert_int_eq(database_open(&house.reader, house.conninfo), DATABASE_OK);
}
END_TEST

/* An error of the statement itself is told as what it is, and the statement is not kept. */
START_TEST(a_statement_that_cannot_be_is_told)
{
    ck_assert_int_eq(database_repeat(&house.reader, "SELECT FROM ctai.nothing_such", NULL, 0, NULL), DATABASE_FAULT);
    ck_assert_int_eq(database_repeat(&house.reader, "SELECT 1 / 0", NULL, 0, NULL), DATABASE_DATA);
    ck_assert(database_alive(&house.reader));
    ck_assert_int_eq(ask("SELECT 2"), 2);
}
END_TEST

static const char copy_sql[] = "COPY pg_temp.many (number, flag, hash, said) FROM STDIN (FORMAT binary)";

/* apart: the end is sent before it is waited for. */
static database_error copy(unsigned rows, bool apart)
{
    database_copy to;
    uint8_t hash[CRYPTO_SHORT_HASH] = {0};
    char text[40];
    database_copy_init(&to, &house.reader, copy_sql);
    for (unsigned i = 0; i < rows; i++) {
        hash[0] = (uint8_t)i;
        snprintf(text, sizeof text, "ligne %u", i);
        database_copy_row(&to, 4);
        database_copy_bigint(&to, (int64_t)i - 5);
        database_copy_flag(&to, i % 2);
        database_copy_hash(&to, hash);
        if (i % 3)
            database_copy_text(&to, text_of(text));
        else
            database_copy_null(&to);
    }
    if (apart)
        database_copy_finish(&to);
    return database_copy_end(&to);
}

/* Also more than goes out in one piece. */
START_TEST(rows_arrive)
{
    enum { MANY = 20000 };
    house_run("CREATE TEMPORARY TABLE many (number bigint, flag boolean, hash uuid, said text CHECK (said <> 'ligne 19999'))");
    ck_assert_int_eq(copy(0, _i), DATABASE_OK);
    ck_assert_int_eq(copy(10, _i), DATABASE_OK);
    ck_assert_int_eq(house_number("SELECT sum(number) FROM many"), -5);
    ck_assert_int_eq(copy(MANY, _i), DATABASE_DATA); /* the last row is not taken: none is */
    ck_assert_int_eq(house_number("SELECT count(*) FROM many"), 10);
    ck_assert_int_eq(copy(MANY - 1, _i), DATABASE_OK);
    ck_assert_int_eq(house_number("SELECT count(*) FROM many WHERE said = 'ligne ' || number + 5 AND flag = (number % 2 = 0)"),
                     10 - 4 + (MANY - 1) - (MANY - 1 + 2) / 3);
    house_run("DROP TABLE many");
    ck_assert_int_eq(copy(MANY, _i), DATABASE_FAULT); /* no such table: nothing was begun */
    ck_assert_int_eq(house_number("SELECT 3"), 3);
}
END_TEST

static long count_of(unsigned hashes)
{
    database_hashes all;
    database_result *result = NULL;
    database_hashes_init(&all);
    for (unsigned i = 0; i < hashes; i++) {
        const uint8_t one[CRYPTO_SHORT_HASH] = {(uint8_t)i, [15] = 1};
        database_hashes_add(&all, one);
    }
    const database_parameter parameter = database_hashes_end(&all);
    ck_assert_int_eq(database_query(&house.reader, "SELECT cardinality($1::uuid[]) + 1000 * count(DISTINCT one) FROM unnest($1::uuid[]) AS one",
                                    &parameter, 1, &result), DATABASE_OK);
    long number = (long)database_integer(result, 0, 0);
    database_release(&result);
    database_hashes_release(&all);
    return number;
}

START_TEST(arrays_of_hashes_are_read)
{
    ck_assert_int_eq(count_of(0), 0);
    ck_assert_int_eq(count_of(1), 1001);
    ck_assert_int_eq(count_of(200), 200200);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("database");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, house_enter, house_leave);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, a_statement_is_kept_once);
    tcase_add_test(all, a_statement_that_was_lost_is_told);
    tcase_add_test(all, a_statement_that_cannot_be_is_told);
    tcase_add_loop_test(all, rows_arrive, 0, 2);
    tcase_add_test(all, arrays_of_hashes_are_read);
    suite_add_tcase(suite, all);
    return house_main(suite);
}
