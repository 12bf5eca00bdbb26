/* Numbers as offices write them, read exactly. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quantity.h"
#include "record.h"

#define H FACT_UNIT_MINUTES
#define E FACT_UNIT_CENTS
#define N FACT_UNIT_COUNT

static const struct { const char *cell; fact_unit unit; int64_t value; } good[] = {
    {"0", H, 0}, {"1", H, 60}, {"1,5", H, 90}, {"1.5", H, 90}, {"1,33", H, 80}, {"1.33", H, 80}, {"0,025", H, 2},
    {"0.0083333333", H, 0}, {"0.00833333334", H, 1}, {"0,0083333333333333333333333333333333333333", H, 0},
    {"0,00833333333333333333333333333333333333333334", H, 1}, {"0.175", H, 11}, {"2,675", H, 161}, {"1,075", H, 65},
    {"1,008333", H, 60}, {"1,0083333333333333333333333", H, 60}, {"1,0083333333333333333333334", H, 61}, {"12,991", H, 779},
    {"0,99999999999999999999", H, 60}, {"007", H, 420}, {".5", H, 30}, {"5.", H, 300}, {",25", H, 15},
    {"1 000,5", H, 60030}, {"1\xC2\xA0" "000", H, 60000}, {"1\xE2\x80\xAF" "234", H, 74040},
    {"1\xE2\x80\x89" "234", H, 74040}, {"12 345 678", H, 740740680}, {"1\t234", H, 74040},
    {"7,5 h", H, 450}, {"7.5h", H, 450}, {"7,5\xC2\xA0h", H, 450}, {"1 h", H, 60},
    {"1:20", H, 80}, {"1h20", H, 80}, {"1 h 20", H, 80}, {"0:00", H, 0}, {"00:00", H, 0}, {"0h30", H, 30}, {"100:05", H, 6005},
    {"1 000:30", H, 60030}, {"1\xE2\x80\xAFh\xE2\x80\xAF" "05", H, 65},
    {"16666666666,6666", H, 1000000000000}, {"16666666666:40", H, 1000000000000},
    {"0", E, 0}, {"12", E, 1200}, {"12,5", E, 1250}, {"12.50", E, 1250}, {"12,500", E, 1250}, {"0,01", E, 1}, {"12 €", E, 1200},
    {"12€", E, 1200}, {"1 234,50\xC2\xA0€", E, 123450}, {"10000000000", E, 1000000000000}, {"0,99000000000000000000000000", E, 99},
    {"3", N, 3}, {"2,0", N, 2}, {"3.00", N, 3}, {"007", N, 7}, {"1 000", N, 1000}, {"0", N, 0}, {"1000000000000", N, 1000000000000},
    {"000000000000000000000000000000000001", N, 1},
};

static const struct { const char *cell; fact_unit unit; quantity_error error; } bad[] = {
    {"", H, QUANTITY_NOT_A_NUMBER}, {"h", H, QUANTITY_NOT_A_NUMBER}, {"€", E, QUANTITY_NOT_A_NUMBER}, {"abc", N, QUANTITY_NOT_A_NUMBER},
    {".", H, QUANTITY_NOT_A_NUMBER}, {",", E, QUANTITY_NOT_A_NUMBER}, {"+5", N, QUANTITY_NOT_A_NUMBER}, {"1E3", N, QUANTITY_NOT_A_NUMBER},
    {"5 ,5", H, QUANTITY_NOT_A_NUMBER}, {"5, 5", H, QUANTITY_NOT_A_NUMBER}, {"0x10", N, QUANTITY_NOT_A_NUMBER},
    {"\xD9\xA1", N, QUANTITY_NOT_A_NUMBER}, {"1'000", N, QUANTITY_NOT_A_NUMBER}, {"1/2", H, QUANTITY_NOT_A_NUMBER},
    {"1,5h30", H, QUANTITY_NOT_A_NUMBER}, {"h30", H, QUANTITY_NOT_A_NUMBER}, {":30", H, QUANTITY_NOT_A_NUMBER}, {"1:20h", H, QUANTITY_NOT_A_NUMBER},
    {"5 heures", H, QUANTITY_NOT_A_NUMBER}, {"5 hh", H, QUANTITY_NOT_A_NUMBER},
    {"-1", H, QUANTITY_NEGATIVE}, {"-0", N, QUANTITY_NEGATIVE}, {"- 1", E, QUANTITY_NEGATIVE}, {"-,5", E, QUANTITY_NEGATIVE},
    {"\xE2\x88\x92" "5", N, QUANTITY_NEGATIVE}, {"-", N, QUANTITY_NOT_A_NUMBER},
    {"1.234,5", H, QUANTITY_TWO_SIGNS}, {"1,234.5", H, QUANTITY_TWO_SIGNS}, {"1.234.567", N, QUANTITY_TWO_SIGNS}, {"1,2,3", E, QUANTITY_TWO_SIGNS},
    {"5..", H, QUANTITY_TWO_SIGNS},
    {"1 2", N, QUANTITY_BAD_GROUPS}, {"1234 567", N, QUANTITY_BAD_GROUPS}, {"1 23", N, QUANTITY_BAD_GROUPS}, {"1 2345", N, QUANTITY_BAD_GROUPS},
    {"1  234", N, QUANTITY_NOT_A_NUMBER}, {"1 234 5", N, QUANTITY_BAD_GROUPS}, {"1,234 567", H, QUANTITY_NOT_A_NUMBER},
    {"5 €", H, QUANTITY_WRONG_UNIT}, {"5h", E, QUANTITY_WRONG_UNIT}, {"5 €", N, QUANTITY_WRONG_UNIT}, {"5h", N, QUANTITY_WRONG_UNIT},
    {"1:20", N, QUANTITY_WRONG_UNIT}, {"1h20", E, QUANTITY_WRONG_UNIT},
    {"1:60", H, QUANTITY_BAD_MINUTES}, {"1:5", H, QUANTITY_BAD_MINUTES}, {"1h5", H, QUANTITY_BAD_MINUTES}, {"1:", H, QUANTITY_BAD_MINUTES},
    {"1:20:30", H, QUANTITY_BAD_MINUTES}, {"1:-5", H, QUANTITY_NOT_A_NUMBER},
    {"1,005", E, QUANTITY_FRACTION}, {"0,00000000000000000001", E, QUANTITY_FRACTION}, {"2,5", N, QUANTITY_FRACTION},
    {"1000000000001", N, QUANTITY_TOO_LARGE}, {"99999999999999999999999999", N, QUANTITY_TOO_LARGE},
    {"16666666666:41", H, QUANTITY_TOO_LARGE}, {"16666666667", H, QUANTITY_TOO_LARGE}, {"10000000000,01", E, QUANTITY_TOO_LARGE},
    {"18446744073709551617", H, QUANTITY_TOO_LARGE}, {"9999999999999999999999:10", H, QUANTITY_TOO_LARGE},
};

static quantity_error read_exact(int64_t *value, const char *cell, size_t size, fact_unit unit)
{
    char *copy = malloc(size ? size : 1);
    memcpy(copy, cell, size);
    quantity_error error = quantity_read(value, (text_view){copy, size}, unit);
    free(copy);
    return error;
}

START_TEST(good_numbers_are_read_exactly)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t value = -1;
        quantity_error error = read_exact(&value, good[i].cell, strlen(good[i].cell), good[i].unit);
        ck_assert_msg(error == QUANTITY_OK && value == good[i].value, "%s: error %d, %" PRId64, good[i].cell, error, value);
    }
}
END_TEST

START_TEST(bad_numbers_are_refused_with_their_reason)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t value = -1;
        quantity_error error = read_exact(&value, bad[i].cell, strlen(bad[i].cell), bad[i].unit);
        ck_assert_msg(error == bad[i].error, "%s: error %d, not %d", bad[i].cell, error, bad[i].error);
        ck_assert_int_eq(value, -1);
        ck_assert(quantity_error_text(error)[0] && quantity_error_remedy(error, bad[i].unit)[0]);
    }
}
END_TEST

/* Any decimal of up to four places, against integers. */
START_TEST(every_short_decimal_rounds_half_up)
{
    for (int ten_thousandths = 0; ten_thousandths < 20000; ten_thousandths++) {
        char cell[16];
        int64_t value;
        snprintf(cell, sizeof cell, "%d,%04d", ten_thousandths / 10000, ten_thousandths % 10000);
        ck_assert_int_eq(read_exact(&value, cell, strlen(cell), H), QUANTITY_OK);
        ck_assert_int_eq(value, (2 * 60 * ten_thousandths + 10000) / 20000);
    }
}
END_TEST

/* Whatever the bytes, there is an answer, within bounds. */
START_TEST(noise_never_breaks_the_reader)
{
    static const char letters[] = "0123456789.,:h -+€ \xC2\xA0\xE2\x80\xAF" "eE'";
    srand(11);
    for (int round = 0; round < 200000; round++) {
        char cell[24];
        size_t size = (size_t)rand() % sizeof cell;
        for (size_t i = 0; i < size; i++)
            cell[i] = letters[(size_t)rand() % (sizeof letters - 1)];
        int64_t value = -1;
        quantity_error error = read_exact(&value, cell, size, (const fact_unit[]){H, E, N}[round % 3]);
        ck_assert(error >= QUANTITY_OK && error < QUANTITY_ERROR_COUNT);
        ck_assert((error == QUANTITY_OK) == (value >= 0 && value <= RECORD_QUANTITY_MAX));
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("quantity");
    tcase_add_test(tests, good_numbers_are_read_exactly);
    tcase_add_test(tests, bad_numbers_are_refused_with_their_reason);
    tcase_add_test(tests, every_short_decimal_rounds_half_up);
    tcase_add_test(tests, noise_never_breaks_the_reader);
    Suite *suite = suite_create("quantity");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
