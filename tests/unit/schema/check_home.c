/* check_home: modes, owner, lock and secrets of the home. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "home.h"

static char folder[64];

static void enter(void)
{
    strcpy(folder, "/tmp/check_home.XXXXXX");
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

static void write_file(const char *name, const char *text, mode_t mode)
{
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, mode);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(fchmod(file, mode), 0);
    close(file);
}

START_TEST(test_make)
{
    struct stat is;
    home self;
    ck_assert_int_eq(home_open(&self, "x/y/z"), HOME_MISSING);
    ck_assert_int_eq(home_make("x/y/z"), HOME_OK);
    ck_assert_int_eq(stat("x/y/z", &is), 0);
    ck_assert_uint_eq(is.st_mode & 0777, 0700);
    ck_assert_int_eq(home_make("x/y/z"), HOME_OK);
    write_file("x/y/z/f", "f", 0600);
    ck_assert_int_eq(home_make("x/y/z"), HOME_SYSTEM);
    ck_assert_int_eq(errno, ENOTEMPTY);
    write_file("file", "f", 0600);
    ck_assert_int_eq(home_make("file"), HOME_SYSTEM);
    ck_assert_int_eq(home_open(&self, "file"), HOME_SYSTEM);
    ck_assert_int_eq(home_open(&self, "x/y/z"), HOME_OK);
    ck_assert_int_eq(self.path[0], '/');
    home_close(&self);
    home_close(&self);
}
END_TEST

START_TEST(test_loose_is_refused)
{
    home self;
    ck_assert_int_eq(home_make("h"), HOME_OK);
    ck_assert_int_eq(chmod("h", 0750), 0);
    ck_assert_int_eq(home_open(&self, "h"), HOME_LOOSE);
    ck_assert_int_eq(chmod("h", 0700), 0);
    ck_assert_int_eq(home_open(&self, "h"), HOME_OK);
    write_file("h/cle", "12345678", 0640);
    char key[8];
    ck_assert_int_eq(home_read_secret(&self, "cle", key, 8), HOME_LOOSE);
    ck_assert_int_eq(chmod("h/cle", 0600), 0);
    ck_assert_int_eq(home_read_secret(&self, "cle", key, 8), HOME_OK);
    ck_assert_int_eq(memcmp(key, "12345678", 8), 0);
    ck_assert_int_eq(home_read_secret(&self, "cle", key, 7), HOME_SYSTEM);
    ck_assert_int_eq(errno, EBADMSG);
    ck_assert_int_eq(symlink("cle", "h/lien"), 0);
    ck_assert_int_eq(home_read_secret(&self, "lien", key, 8), HOME_SYSTEM);
    ck_assert_int_eq(mkfifo("h/tube", 0600), 0);
    ck_assert_int_eq(home_read_secret(&self, "tube", key, 8), HOME_SYSTEM);
    home_close(&self);
}
END_TEST

START_TEST(test_foreign_is_refused)
{
    if (geteuid() != 0)
        return;
    home self;
    uid_t user;
    gid_t group;
    ck_assert_int_eq(home_make("h"), HOME_OK);
    ck_assert_int_eq(chmod(".", 0711), 0);
    ck_assert_int_eq(chown("h", 65534, 65534), 0);
    ck_assert_int_eq(home_open(&self, "h"), HOME_FOREIGN);
    ck_assert_int_eq(home_make("h"), HOME_FOREIGN);
    ck_assert_int_eq(home_owner("h", &user, &group), HOME_OK);
    ck_assert_uint_eq(user, 65534);
    pid_t child = fork();
    if (child == 0) {
        bool good = home_become_owner("h") == HOME_OK && geteuid() == 65534 && home_open(&self, "h") == HOME_OK
            && setuid(0) != 0;
        _exit(good ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(test_lock)
{
    home first, second;
    ck_assert_int_eq(home_make("h"), HOME_OK);
    ck_assert_int_eq(home_open(&first, "h"), HOME_OK);
    ck_assert_int_eq(home_open(&second, "h"), HOME_OK);
    ck_assert_int_eq(home_take(&first), HOME_OK);
    ck_assert_int_eq(home_take(&second), HOME_LOCKED);
    home_close(&first);
    ck_assert_int_eq(home_take(&second), HOME_OK);
    home_close(&second);
}
END_TEST

START_TEST(test_secret)
{
    home self;
    struct stat is;
    char key[5], path[PATH_MAX];
    umask(0);
    ck_assert_int_eq(home_make("h"), HOME_OK);
    ck_assert_int_eq(home_open(&self, "h"), HOME_OK);
    write_file("h/.cle.part", "reste d'un arrêt", 0644);
    ck_assert_int_eq(home_write_secret(&self, "cle", "abcde", 5), HOME_OK);
    ck_assert_int_eq(home_write_secret(&self, "cle", "fghij", 5), HOME_OK);
    ck_assert_int_eq(home_read_secret(&self, "cle", key, 5), HOME_OK);
    ck_assert_int_eq(memcmp(key, "fghij", 5), 0);
    ck_assert(home_path(&self, "cle", path));
    ck_assert_int_eq(stat(path, &is), 0);
    ck_assert_uint_eq(is.st_mode & 07777, 0600);
    ck_assert_int_ne(access("h/.cle.part", F_OK), 0);
    ck_assert_int_eq(home_read_secret(&self, "absent", key, 5), HOME_SYSTEM);
    ck_assert_int_eq(errno, ENOENT);
    home_close(&self);
}
END_TEST

START_TEST(test_explain)
{
    char text[512];
    for (home_error error = HOME_OK; error <= HOME_SYSTEM; error++) {
        errno = EACCES;
        home_explain(error, "/srv/h", text, sizeof text);
        ck_assert_ptr_nonnull(strstr(text, "/srv/h"));
    }
    ck_assert_ptr_nonnull(strstr(text, "droits"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("home");
    TCase *cases = tcase_create("home");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, test_make);
    tcase_add_test(cases, test_loose_is_refused);
    tcase_add_test(cases, test_foreign_is_refused);
    tcase_add_test(cases, test_lock);
    tcase_add_test(cases, test_secret);
    tcase_add_test(cases, test_explain);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
