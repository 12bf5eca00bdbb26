/* check_lp: linear programs that can be solved by hand, and what GLPK would abort on. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lp.h"

/* x + y = 7, x - 2y >= -2; 0 <= x, y <= 10. */
static const double row_low[] = {7, -2}, row_high[] = {7, HUGE_VAL};
static const double column_low[] = {0, 0}, column_high[] = {10, 10};
static const bool whole[] = {true, true};
static const int rows[] = {0, 0, 1, 1}, columns[] = {0, 1, 0, 1};
static const double weights[] = {1, 1, 1, -2};
static const lp_problem small = {
    .row_count = 2, .column_count = 2, .row_low = row_low, .row_high = row_high, .column_low = column_low,
    .column_high = column_high, .whole = whole, .term_count = 4, .term_row = rows, .term_column = columns, .term_weight = weights,
};

START_TEST(by_hand)
{
    lp *self = lp_new(&small);
    ck_assert_ptr_nonnull(self);
    lp_cost(self, 1, -1);
    ck_assert_int_eq(lp_solve(self, false), LP_OPTIMAL);
    ck_assert_double_eq(lp_value(self, 0), 4);
    ck_assert_double_eq(lp_value(self, 1), 3);
    lp_bound(self, 0, 0, 3);
    ck_assert_int_eq(lp_solve(self, false), LP_IMPOSSIBLE);
    lp_bound(self, 0, 0, 10);
    ck_assert_int_eq(lp_solve(self, false), LP_OPTIMAL);
    lp_destroy(&self);
    ck_assert_ptr_null(self);
    lp_destroy(&self);
}
END_TEST

/* 2x + 2y = 5 has fractions alone; 2x + 3y = 5 has one whole solution. */
START_TEST(whole_numbers)
{
    const int one_row[] = {0, 0}, both[] = {0, 1};
    const double five[] = {5}, even[] = {2, 2}, mixed[] = {2, 3};
    lp_problem problem = small;
    problem.row_count = 1, problem.term_count = 2;
    problem.row_low = problem.row_high = five;
    problem.term_row = one_row, problem.term_column = both, problem.term_weight = even;
    lp *self = lp_new(&problem);
    ck_assert_ptr_nonnull(self);
    ck_assert_int_eq(lp_solve(self, false), LP_OPTIMAL);
    ck_assert_int_ne(lp_solve(self, true), LP_OPTIMAL);
    lp_destroy(&self);
    problem.term_weight = mixed;
    self = lp_new(&problem);
    ck_assert_ptr_nonnull(self);
    lp_cost(self, 0, -1);
    ck_assert_int_eq(lp_solve(self, true), LP_OPTIMAL);
    ck_assert_double_eq(lp_value(self, 0), 1);
    ck_assert_double_eq(lp_value(self, 1), 1);
    lp_destroy(&self);
}
END_TEST

/* A row and a column twice together: GLPK reports it and would abort. */
START_TEST(what_it_cannot_load)
{
    const int twice[] = {0, 0, 0, 0};
    lp_problem problem = small;
    problem.term_column = twice;
    for (unsigned i = 0; i < 3; i++)
        ck_assert_ptr_null(lp_new(&problem));
    lp *self = lp_new(&small); /* and as good as new after it */
    ck_assert_ptr_nonnull(self);
    ck_assert_int_eq(lp_solve(self, true), LP_OPTIMAL);
    lp_destroy(&self);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__)
enum { LARGE = 700, PER_ROW = 3 };

/* Every column in some rows with its neighbours: enough for GLPK to want memory while it solves. */
static lp *large(void)
{
    static double low[LARGE], high[LARGE], least[LARGE], most[LARGE], weight[LARGE * PER_ROW];
    static int row[LARGE * PER_ROW], column[LARGE * PER_ROW];
    size_t count = 0;
    for (int i = 0; i < LARGE; i++) {
        low[i] = i % 17, high[i] = HUGE_VAL, least[i] = 0, most[i] = 100;
        for (int k = 0; k < PER_ROW; k++, count++) {
            row[count] = i;
            column[count] = (i * 7 + k * k * 31) % LARGE;
            weight[count] = 1 + (i + k) % 3;
            for (int before = 0; before < k; before++)
                if (column[count - (size_t)(k - before)] == column[count]) {
                    count--;
                    break;
                }
        }
    }
    const lp_problem problem = {
        .row_count = LARGE, .column_count = LARGE, .row_low = low, .row_high = high, .column_low = least, .column_high = most,
        .term_count = count, .term_row = row, .term_column = column, .term_weight = weight,
    };
    return lp_new(&problem);
}

/* No memory in the midst of solving: LP_FAILED, dead, and the next program is as good as ever. */
START_TEST(memory_that_ends)
{
    struct rlimit before, now;
    lp *self = large();
    ck_assert_ptr_nonnull(self);
    for (unsigned i = 0; i < LARGE; i++)
        lp_cost(self, i, 1 + i % 5);
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    now = before;
    now.rlim_cur = 1 << 20; /* less than the process has: not a page more */
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &now), 0);
    lp_outcome outcome = lp_solve(self, false);
    int restored = setrlimit(RLIMIT_AS, &before);
    ck_assert_int_eq(restored, 0);
    ck_assert_int_eq(outcome, LP_FAILED);
    ck_assert(!lp_alive(self));
    lp_bound(self, 0, 0, 1); /* harmless */
    lp_cost(self, 0, 1);
    ck_assert_int_eq(lp_solve(self, false), LP_FAILED);
    lp_destroy(&self);
    self = large();
    ck_assert_ptr_nonnull(self);
    ck_assert_int_eq(lp_solve(self, false), LP_OPTIMAL);
    lp_destroy(&self);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("lp");
    TCase *group = tcase_create("programs");
    tcase_add_test(group, by_hand);
    tcase_add_test(group, whole_numbers);
    tcase_add_test(group, what_it_cannot_load);
#if !defined(__SANITIZE_ADDRESS__)
    tcase_add_test(group, memory_that_ends); /* a sanitizer's allocator does not know the limit */
#endif
    suite_add_tcase(suite, group);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
