/* A folder of files: whole or not at all, and never in the place of what is somebody else's. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outfolder.h"

static char place[64], target[96];

static void enter(void)
{
    snprintf(place, sizeof place, "/tmp/check_outfolder-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place));
    snprintf(target, sizeof target, "%s/donnees", place);
}

static void leave(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", place);
    ck_assert_int_eq(system(command), 0);
}

static const char *content(const char *name)
{
    static char text[64];
    char path[160];
    snprintf(path, sizeof path, "%s/%s", target, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static unsigned entries(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count < 2 ? 0 : count - 2;
}

START_TEST(a_folder_is_written_and_replaced)
{
    const outfolder_file first[] = {{"a.csv", "un", 2}, {"b.json", "", 0}}, second[] = {{"a.csv", "deux", 4}, {"b.json", "{}", 2}};
    ck_assert_int_eq(outfolder_write(target, first, 2), 0);
    ck_assert_str_eq(content("a.csv"), "un");
    ck_assert_str_eq(content("b.json"), "");
    char slashed[128];
    snprintf(slashed, sizeof slashed, "%s//", target);
    ck_assert_int_eq(outfolder_write(slashed, second, 2), 0);
    ck_assert_str_eq(content("a.csv"), "deux");
    ck_assert_uint_eq(entries(place), 1);
    ck_assert_uint_eq(entries(target), 2);
}
END_TEST

START_TEST(what_is_not_ours_stays)
{
    const outfolder_file files[] = {{"a.csv", "un", 2}};
    char path[160];
    ck_assert_int_eq(mkdir(target, 0755), 0);
    ck_assert_int_eq(outfolder_write(target, files, 1), 0); /* an empty folder is nobody's */
    snprintf(path, sizeof path, "%s/notes", target);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    const outfolder_file other[] = {{"a.csv", "deux", 4}};
    ck_assert_int_eq(outfolder_write(target, other, 1), ENOTEMPTY);
    ck_assert_str_eq(content("a.csv"), "un");
    ck_assert_uint_eq(entries(place), 1);
    snprintf(path, sizeof path, "%s/fichier", place);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_int_ne(outfolder_write(path, files, 1), 0); /* a file is no folder */
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(names_are_plain)
{
    static const char *const names[] = {"", ".", "..", ".a", "a/b", "../a", "/a",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const outfolder_file files[] = {{"a.csv", "x", 1}, {names[i], "x", 1}};
        ck_assert_int_eq(outfolder_write(target, files, 2), EINVAL);
    }
    const outfolder_file twice[] = {{"a.csv", "x", 1}, {"a.csv", "y", 1}};
    ck_assert_int_eq(outfolder_write(target, twice, 2), EEXIST);
    const outfolder_file good[] = {{"a.csv", "x", 1}};
    char nowhere[128];
    snprintf(nowhere, sizeof nowhere, "%s/nulle/part", place);
    ck_assert_int_eq(outfolder_write(nowhere, good, 1), ENOENT);
    ck_assert_uint_eq(entries(place), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outfolder");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, enter, leave);
    tcase_add_test(all, a_folder_is_written_and_replaced);
    tcase_add_test(all, what_is_not_ours_stays);
    tcase_add_test(all, names_are_plain);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
