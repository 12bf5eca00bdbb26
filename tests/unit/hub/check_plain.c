/* Texts laid out for a terminal: where a line may end in French, and what a terminal is spared. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"

static const char *folded(const char *text, size_t indent, size_t columns)
{
    static char *bytes;
    size_t size;
    free(bytes);
    FILE *to = open_memstream(&bytes, &size);
    ck_assert_ptr_nonnull(to);
    plain_paragraphs(to, text_of(text), indent, columns);
    ck_assert_int_eq(fclose(to), 0);
    return bytes;
}

START_TEST(a_line_ends_where_french_lets_it)
{
    ck_assert_str_eq(folded("un deux trois", 0, 8), "un deux\ntrois\n");
    ck_assert_str_eq(folded("un deux ; trois", 0, 8), "un\ndeux ;\ntrois\n");
    ck_assert_str_eq(folded("déjà dit « oui » hier", 0, 12), "déjà dit\n« oui » hier\n");
    ck_assert_str_eq(folded("est-ce lui ?", 0, 11), "est-ce\nlui ?\n");
    ck_assert_str_eq(folded("cent 80 % oui", 0, 8), "cent\n80 % oui\n");
}
END_TEST

START_TEST(what_has_no_place_to_break_is_cut)
{
    ck_assert_str_eq(folded("abcdefghij", 2, 4), "  abcd\n  efgh\n  ij\n");
    ck_assert_str_eq(folded("éééééé", 0, 4), "éééé\néé\n");
    ck_assert_str_eq(folded("ab ;:!", 0, 3), "ab \n;:!\n");
}
END_TEST

START_TEST(lines_stay_apart_and_a_terminal_obeys_nothing)
{
    ck_assert_str_eq(folded("un\n\ndeux", 1, 20), " un\n deux\n");
    ck_assert_str_eq(folded("a\x1b[2Jb\xc2\x9b" "c\x7f", 0, 20), "a [2Jb c \n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plain");
    TCase *tests = tcase_create("plain");
    tcase_add_test(tests, a_line_ends_where_french_lets_it);
    tcase_add_test(tests, what_has_no_place_to_break_is_cut);
    tcase_add_test(tests, lines_stay_apart_and_a_terminal_obeys_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
