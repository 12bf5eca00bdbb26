/* Months as text: what the formatting of the C library gives. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "civil.h"

START_TEST(every_month_is_written)
{
    for (int year = 1; year <= 9999; year++)
        for (int month = 1; month <= 12; month++) {
            char text[CIVIL_MONTH_TEXT], wanted[16];
            civil_month_text(year * 12 + month - 1, text);
            snprintf(wanted, sizeof wanted, "%04d-%02d", year, month);
            ck_assert_str_eq(text, wanted);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("civil_text");
    TCase *tests = tcase_create("civil_text");
    tcase_add_test(tests, every_month_is_written);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
