/* check_logline: log lines and the progress bar, as they come out. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logline.h"
#include "progress.h"

static FILE *caught;
static int standard_error;

static void enter(void)
{
    caught = tmpfile();
    ck_assert_ptr_nonnull(caught);
    fflush(stderr);
    standard_error = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(caught), STDERR_FILENO), 0);
    unsetenv("JOURNAL_STREAM");
}

/* What was written since, with standard error given back. */
static const char *written(void)
{
    static char text[8192];
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    rewind(caught);
    text[fread(text, 1, sizeof text - 1, caught)] = '\0';
    fclose(caught);
    return text;
}

START_TEST(test_line)
{
    char expected[256];
    logline(LOGLINE_WARNING, "batch %d of %s", 3, "cecler");
    snprintf(expected, sizeof expected, "check_logline[%ld] warning: batch 3 of cecler\n", (long)getpid());
    ck_assert_str_eq(written(), expected);
}
END_TEST

START_TEST(test_no_forged_lines)
{
    logline(LOGLINE_INFO, "from a peer: %s", "a\nctai-hub[1] error: b\x1b[31m\x7f");
    const char *text = written();
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
    ck_assert_ptr_null(strchr(text, '\x1b'));
}
END_TEST

START_TEST(test_long)
{
    char much[5000];
    memset(much, 'x', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    logline(LOGLINE_ERROR, "%s", much);
    const char *text = written();
    ck_assert_uint_lt(strlen(text), 1025);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
}
END_TEST

START_TEST(test_journal)
{
    struct stat is;
    char stream[64];
    ck_assert_int_eq(fstat(STDERR_FILENO, &is), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)is.st_dev, (unsigned long long)is.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    logline(LOGLINE_NOTICE, "ready");
    setenv("JOURNAL_STREAM", "1:2", 1); /* of somebody else's standard error */
    logline(LOGLINE_NOTICE, "again");
    const char *text = written();
    ck_assert_int_eq(strncmp(text, "<5>ready\ncheck_logline[", 23), 0);
}
END_TEST

START_TEST(test_progress_elsewhere)
{
    progress bar;
    progress_start(&bar, stderr, false, "Lecture");
    for (unsigned i = 0; i < 1000; i++)
        progress_at(&bar, i, 1000);
    progress_end(&bar);
    ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(test_progress_on_a_terminal)
{
    progress bar;
    progress_start(&bar, stderr, true, "Lecture");
    progress_at(&bar, 1, 4);
    progress_end(&bar);
    progress_start(&bar, stderr, true, "Lecture");
    bar.started_ms -= 600;
    progress_at(&bar, 1, 4);
    uint64_t drawn_ms = bar.drawn_ms;
    progress_at(&bar, 2, 4); /* too soon, unless the machine is slow */
    bool soon = bar.drawn_ms == drawn_ms || bar.drawn_ms - drawn_ms < 100;
    progress_end(&bar);
    progress_end(&bar);
    const char *text = written();
    ck_assert_ptr_nonnull(strstr(text, "Lecture [#######.......................]  25 %"));
    ck_assert(!soon || strstr(text, "50 %") == NULL);
    ck_assert_str_eq(text + strlen(text) - 4, "\r\033[K");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("logline");
    TCase *cases = tcase_create("logline");
    tcase_add_checked_fixture(cases, enter, NULL);
    tcase_add_test(cases, test_line);
    tcase_add_test(cases, test_no_forged_lines);
    tcase_add_test(cases, test_long);
    tcase_add_test(cases, test_journal);
    tcase_add_test(cases, test_progress_elsewhere);
    tcase_add_test(cases, test_progress_on_a_terminal);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
