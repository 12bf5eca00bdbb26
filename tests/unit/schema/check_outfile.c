/* check_outfile: whole or not at all. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "outfile.h"

static char folder[64];

static void enter(void)
{
    strcpy(folder, "/tmp/check_outfile.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    umask(022);
}

static void leave(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static int entries(void)
{
    DIR *all = opendir(".");
    int count = 0;
    for (struct dirent *entry = readdir(all); entry; entry = readdir(all))
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(all);
    return count;
}

static void contents(const char *name, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(name, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(text, expected);
}

static mode_t mode_of(const char *name)
{
    struct stat is;
    ck_assert_int_eq(stat(name, &is), 0);
    return is.st_mode & 07777;
}

START_TEST(test_commit)
{
    outfile *out = outfile_open("a.csv", false);
    ck_assert_ptr_nonnull(out);
    fputs("un", outfile_stream(out));
    ck_assert_int_ne(access("a.csv", F_OK), 0);
    ck_assert(outfile_commit(&out));
    ck_assert_ptr_null(out);
    contents("a.csv", "un");
    ck_assert_uint_eq(mode_of("a.csv"), 0644);
    ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(test_abandon_keeps_the_old)
{
    outfile *out = outfile_open("a.csv", false);
    fputs("ancien", outfile_stream(out));
    ck_assert(outfile_commit(&out));
    out = outfile_open("a.csv", false);
    fputs("nouveau", outfile_stream(out));
    outfile_abandon(&out);
    outfile_abandon(&out);
    contents("a.csv", "ancien");
    ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(test_replace_keeps_the_mode_and_links)
{
    outfile *out = outfile_open("a.csv", false);
    ck_assert(outfile_commit(&out));
    ck_assert_int_eq(chmod("a.csv", 0600), 0);
    ck_assert_int_eq(symlink("a.csv", "lien"), 0);
    out = outfile_open("lien", false);
    fputs("par le lien", outfile_stream(out));
    ck_assert(outfile_commit(&out));
    contents("a.csv", "par le lien");
    ck_assert_uint_eq(mode_of("a.csv"), 0600);
    struct stat is;
    ck_assert_int_eq(lstat("lien", &is), 0);
    ck_assert(S_ISLNK(is.st_mode));
}
END_TEST

START_TEST(test_secret)
{
    outfile *out = outfile_open("cle", true);
    ck_assert(outfile_commit(&out));
    ck_assert_uint_eq(mode_of("cle"), 0600);
}
END_TEST

START_TEST(test_refusals)
{
    ck_assert_ptr_null(outfile_open("nulle-part/a.csv", false));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_null(outfile_open(".", false));
    ck_assert_int_eq(errno, EISDIR);
    ck_assert_ptr_null(outfile_open("", false));
    char name[400];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_ptr_null(outfile_open(name, false));
    ck_assert_int_eq(errno, ENAMETOOLONG);
    ck_assert_int_eq(entries(), 0);
}
END_TEST

START_TEST(test_device_is_not_replaced)
{
    outfile *out = outfile_open("/dev/null", false);
    ck_assert_ptr_nonnull(out);
    fputs("rien", outfile_stream(out));
    ck_assert(outfile_commit(&out));
    struct stat is;
    ck_assert_int_eq(stat("/dev/null", &is), 0);
    ck_assert(S_ISCHR(is.st_mode));
}
END_TEST

START_TEST(test_full_disk)
{
    outfile *out = outfile_open("/dev/full", false);
    ck_assert_ptr_nonnull(out);
    fputs("trop", outfile_stream(out));
    ck_assert(!outfile_commit(&out));
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_ptr_null(out);
}
END_TEST

START_TEST(test_killed_leaves_nothing)
{
    pid_t child = fork();
    if (child == 0) {
        outfile *out = outfile_open("a.csv", false);
        fputs("à moitié", outfile_stream(out));
        fflush(outfile_stream(out));
        raise(9);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(entries(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outfile");
    TCase *cases = tcase_create("outfile");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, test_commit);
    tcase_add_test(cases, test_abandon_keeps_the_old);
    tcase_add_test(cases, test_replace_keeps_the_mode_and_links);
    tcase_add_test(cases, test_secret);
    tcase_add_test(cases, test_refusals);
    tcase_add_test(cases, test_device_is_not_replaced);
    tcase_add_test(cases, test_full_disk);
    tcase_add_test(cases, test_killed_leaves_nothing);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
