/* What pages are made of: nothing from outside becomes markup; French typography; bars and numbers. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "evaluation_form.h"
#include "french.h"
#include "page.h"

static char *written;
static size_t written_bytes;
static FILE *to;

static void enter(void)
{
    to = open_memstream(&written, &written_bytes);
}

static const char *said(void)
{
    fflush(to);
    return written;
}

static void leave(void)
{
    fclose(to);
    free(written);
    written = NULL;
}

static void again(void)
{
    leave();
    enter();

}

START_TEST(text_is_never_markup)
{
    page_text(to, text_of("<script>alert(\"1\")</script> & 'x'"));
    ck_assert_str_eq(said(), "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;");
}
END_TEST

START_TEST(what_xml_cannot_hold_is_a_space)
{
    static const struct { const char *text, *shown; } tries[] = {
        {"a\x1b[2Jb", "a [2Jb"}, {"a\tb\rc", "a b c"}, {"a\x7f", "a "}, {"\xC2\x9B" "x", " x"}, {"\xEF\xBF\xBF", " "}, {"\xEF\xBF\xBE.", " ."},
        {"\xff\xfe", "  "}, {"\xE2\x82", "  "}, {"\xED\xA0\x80", "   "}, {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"}, {"\xEF\xBF\xBD", "\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        page_text(to, text_of(tries[i].text));
        ck_assert_str_eq(said(), tries[i].shown);
        again();
    }
    page_text(to, (text_view){"a\0b", 3});
    ck_assert_str_eq(said(), "a b");
}
END_TEST

START_TEST(prose_is_paragraphs_of_french)
{
    page_prose(to, text_of("\n cias : Un guide ; l'atelier « sens » à 80 % !\nDeux.\n\n\n  fit : <b>Rien</b>. \n"));
    ck_assert_str_eq(said(), "<div class=\"prose\" dir=\"auto\"><p>cias\u00A0: Un guide\u202F; l’atelier «\u00A0sens\u00A0» à 80\u202F%\u202F!<br />\n"
                             "Deux.</p><p>fit\u00A0: &lt;b&gt;Rien&lt;/b&gt;.</p></div>");
    again();
    page_prose(to, text_of(" \n "));
    ck_assert_str_eq(said(), "<div class=\"prose\" dir=\"auto\"></div>");
    again();
    page_words(to, text_of("'a' l'été 5' d'"));
    ck_assert_str_eq(said(), "&#39;a&#39; l’été 5&#39; d&#39;");
}
END_TEST

START_TEST(numbers_and_units)
{
    static const struct { const char *number, *unit, *shown; } tries[] = {
        {"12345", "personnes", "12\u202F345\u00A0<span class=\"unit\">personnes</span>"},
        {"1", "personnes", "1\u00A0<span class=\"unit\">personne</span>"},
        {"1234.5", "euros", "1\u202F234,50\u00A0<span class=\"unit\">€</span>"},
        {"7.3", "mois", "7,3\u00A0<span class=\"unit\">mois</span>"},
        {"3", "", "3"},
        {"<3>", "<u>s", "&lt;3&gt;\u00A0<span class=\"unit\">&lt;u&gt;s</span>"},
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        page_number(to, text_of(tries[i].number), text_of(tries[i].unit));
        ck_assert_str_eq(said(), tries[i].shown);
        again();
    }
}
END_TEST

START_TEST(bars_say_in_words_what_they_show)
{
    page_bar(to, 57, true, "57 % du total");
    ck_assert_ptr_nonnull(strstr(said(), "aria-hidden=\"true\""));
    ck_assert_ptr_nonnull(strstr(said(), "class=\"fill\" width=\"57\""));
    ck_assert_ptr_nonnull(strstr(said(), "class=\"share\">57 % du total<"));
    ck_assert_ptr_null(strstr(said(), "notch"));
    again();
    page_bar(to, 240, false, "240 %");
    ck_assert_ptr_nonnull(strstr(said(), "class=\"fill\" width=\"100\""));
    ck_assert_ptr_nonnull(strstr(said(), "notch"));
}
END_TEST

START_TEST(only_https_is_a_link)
{
    page_link(to, text_of("https://refugies.info/fr/dispositif/1?a=\"b\"&c"));
    ck_assert_str_eq(said(), "<a href=\"https://refugies.info/fr/dispositif/1?a=&quot;b&quot;&amp;c\">refugies.info/fr/dispositif/1?a=&quot;b&quot;&amp;c</a>");
    again();
    page_link(to, text_of("javascript:alert(1)"));
    ck_assert_str_eq(said(), "javascript:alert(1)");
}
END_TEST

START_TEST(the_mark_at_the_foot_is_a_plain_name_or_none)
{
    page_begin(to, text_of("A < B"), text_of("63-thiers-2023"));
    ck_assert_ptr_nonnull(strstr(said(), "<title>A &lt; B</title>"));
    ck_assert_ptr_nonnull(strstr(said(), "content: \"63-thiers-2023\""));
    again();
    page_begin(to, text_of("A"), text_of("x\"; } </style><b>"));
    ck_assert_ptr_null(strstr(said(), "<b>"));
    ck_assert_ptr_null(strstr(said(), "@bottom-left"));
}
END_TEST

START_TEST(days_months_and_percents)
{
    char day[FRENCH_DAY_MAX], months[FRENCH_MONTHS_MAX];
    unsigned percent;
    french_day(civil_from(2024, 3, 1), day);
    ck_assert_str_eq(day, "1er mars 2024");
    french_day(civil_from(2024, 11, 29), day);
    ck_assert_str_eq(day, "29 novembre 2024");
    french_months(civil_month_parse(text_of("2023-11")), civil_month_parse(text_of("2024-08")), months);
    ck_assert_str_eq(months, "de novembre 2023 à août 2024");
    french_months(civil_month_parse(text_of("2024-04")), civil_month_parse(text_of("2024-08")), months);
    ck_assert_str_eq(months, "d’avril à août 2024");
    french_months(civil_month_parse(text_of("2024-04")), civil_month_parse(text_of("2024-04")), months);
    ck_assert_str_eq(months, "avril 2024");
    ck_assert(french_percent(text_of("31"), text_of("30"), &percent) && percent == 103);
    ck_assert(french_percent(text_of("1"), text_of("200"), &percent) && percent == 1); /* half up */
    ck_assert(french_percent(text_of("13371.3"), text_of("15588.15"), &percent) && percent == 86);
    ck_assert(french_percent(text_of("0"), text_of("5"), &percent) && percent == 0);
    ck_assert(!french_percent(text_of("1"), text_of("0"), &percent));
    ck_assert(!french_percent(text_of(""), text_of("5"), &percent));
    ck_assert(!french_percent(text_of("1"), text_of("5.123"), &percent));
    ck_assert(!french_percent(text_of("x"), text_of("5"), &percent));
    ck_assert(!french_percent(text_of("99999999999999999999"), text_of("1"), &percent));
    ck_assert(french_percent(text_of("100000000000"), text_of("1"), &percent) && percent == 1000000);
}
END_TEST

START_TEST(shares_are_of_the_target_or_of_the_whole)
{
    evaluation_cell cells[] = {
        {.code = text_of("1.1.total"), .value = text_of("31"), .target = text_of("30")},
        {.code = text_of("1.1.bpi"), .value = text_of("21"), .parent = 1, .depth = 1},
        {.code = text_of("1.1.bpi_femmes"), .value = text_of("10"), .parent = 2, .depth = 2},
        {.code = text_of("L.x"), .value = text_of("5"), .parent = 3, .depth = 3},
        {.code = text_of("L.y"), .value = text_of("5")},
        {.code = text_of("L.z"), .value = text_of("5"), .parent = 1, .state = EVALUATION_NOT_COLLECTED},
        {.code = text_of("L.t"), .value = text_of("5"), .parent = 1, .is_text = true},
        {.code = text_of("L.u"), .value = text_of("5"), .parent = 6},
    };
    static const struct { int percent; const char *words; } right[] = {
        {103, "103\u202F% de l’objectif"}, {68, "68\u202F% du total"}, {48, "48\u202F% des BPI"}, {50, "50\u202F% du sous-total"},
        {-1, ""}, {-1, ""}, {-1, ""}, {-1, ""},
    };
    evaluation_action action = {.cells = cells, .cell_count = sizeof cells / sizeof *cells};
    for (unsigned i = 0; i < action.cell_count; i++) {
        char words[EVALUATION_FORM_SHARE_MAX] = "";
        ck_assert_int_eq(evaluation_form_share(&action, &cells[i], words), right[i].percent);
        ck_assert_str_eq(words, right[i].words);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page");
    TCase *cases = tcase_create("page");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, text_is_never_markup);
    tcase_add_test(cases, what_xml_cannot_hold_is_a_space);
    tcase_add_test(cases, prose_is_paragraphs_of_french);
    tcase_add_test(cases, numbers_and_units);
    tcase_add_test(cases, bars_say_in_words_what_they_show);
    tcase_add_test(cases, only_https_is_a_link);
    tcase_add_test(cases, the_mark_at_the_foot_is_a_plain_name_or_none);
    tcase_add_test(cases, days_months_and_percents);
    tcase_add_test(cases, shares_are_of_the_target_or_of_the_whole);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
