/*
 * The private PostgreSQL under its users: who starts it, who stops it, what a crash leaves behind. Children stand
 * for other commands of the same home. The program takes the identity of the user postgres when it is root.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster.h"
#include "database.h"

static char folder[64], home[PATH_MAX - 64], why[CLUSTER_EXPLANATION_MAX];

static void drop_identity(void)
{
    if (geteuid() != 0)
        return;
    const struct passwd *user = getpwnam("postgres");
    if (!user || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        abort();
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    return remove(path);
}

/* The process of the server, from its own file; 0 when there is none that lives. */
static pid_t server(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/postgres/postmaster.pid", home);
    FILE *file = fopen(path, "re");
    char line[32] = "";
    if (!file)
        return 0;
    pid_t process = fgets(line, sizeof line, file) ? (pid_t)strtol(line, NULL, 10) : 0;
    fclose(file);
    return process > 0 && kill(process, 0) == 0 ? process : 0;
}

/* One that nobody has waited for yet is dead, too. */
static bool has_not_died(pid_t process)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)process);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    return read && strstr(line, ") Z ") == NULL;
}

static void use_home(const char *name)
{
    snprintf(home, sizeof home, "%s/%s", folder, name);
    ck_assert_int_eq(mkdir(home, 0700), 0);
    cluster_error error = cluster_create(home, why, sizeof why);
    ck_assert_msg(error == CLUSTER_OK, "%s", why);
    ck_assert_int_eq(server(), 0);
}

static void enter(void)
{
    snprintf(folder, sizeof folder, "/tmp/check_cluster-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    use_home("home");
}

static void leave(void)
{
    ck_assert_int_eq(server(), 0); /* nothing is left behind by any test */
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static cluster *opened(void)
{
    cluster *self;
    cluster_error error = cluster_open(&self, home, why, sizeof why);
    ck_assert_msg(error == CLUSTER_OK, "%s", why);
    return self;
}

static bool answers(const cluster *self)
{
    database probe;
    bool good = database_open(&probe, cluster_conninfo(self)) == DATABASE_OK;
    if (good)
        good = database_run(&probe, "SELECT 1") == DATABASE_OK;
    database_close(&probe);
    return good;
}

START_TEST(one_user_starts_and_stops_it)
{
    cluster *self = opened();
    ck_assert(answers(self));
    ck_assert_int_ne(server(), 0);
    cluster_close(&self);
    ck_assert_ptr_null(self);
    ck_assert_int_eq(server(), 0);
    cluster_close(&self);
    self = opened();
    ck_assert(answers(self));
    cluster_close(&self);
}
END_TEST

START_TEST(it_listens_to_nobody_else)
{
    struct stat status;
    char path[PATH_MAX];
    cluster *self = opened();
    database look;
    database_result *result;
    ck_assert_int_eq(database_open(&look, cluster_conninfo(self)), DATABASE_OK);
    ck_assert_int_eq(database_query(&look,
                                    "SELECT current_setting('listen_addresses'), current_setting('server_encoding'),"
                                    " datcollate, current_setting('fsync'), current_setting('data_checksums')"
                                    " FROM pg_database WHERE datname = current_database()", NULL, 0, &result), DATABASE_OK);
    ck_assert_str_eq(database_text(result, 0, 0), "");
    ck_assert_str_eq(database_text(result, 0, 1), "UTF8");
    ck_assert_str_eq(database_text(result, 0, 2), "C");
    ck_assert_str_eq(database_text(result, 0, 3), "on");
    ck_assert_str_eq(database_text(result, 0, 4), "on");
    database_release(&result);
    database_close(&look);
    snprintf(path, sizeof path, "%s/postgres.run", home);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0700);
    snprintf(path, sizeof path, "%s/postgres.log", home);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0077, 0);
    cluster_close(&self);
}
END_TEST

/* A child that uses the cluster until it is told to end (a byte on stdin's pipe), or is killed. */
typedef struct { pid_t process; int tell; } user;

static user another_user(void)
{
    int tell[2], ready[2];
    ck_assert_int_eq(pipe2(tell, O_CLOEXEC) | pipe2(ready, O_CLOEXEC), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char byte = 0;
        cluster *self;
        close(tell[1]);
        if (cluster_open(&self, home, why, sizeof why) != CLUSTER_OK || !answers(self) || write(ready[1], &byte, 1) != 1)
            _exit(1);
        if (read(tell[0], &byte, 1) != 1)
            _exit(2);
        cluster_close(&self);
        _exit(0);
    }
    close(tell[0]);
    close(ready[1]);
    char byte;
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return (user){child, tell[1]};
}

static int end_of(user *self)
{
    int status;
    ck_assert_int_eq(write(self->tell, "", 1), 1);
    ck_assert_int_eq(waitpid(self->process, &status, 0), self->process);
    close(self->tell);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

START_TEST(the_last_user_stops_it)
{
    user other = another_user();
    pid_t process = server();
    cluster *self = opened();
    ck_assert_int_eq(server(), process);
    ck_assert_int_eq(end_of(&other), 0);
    ck_assert_int_eq(server(), process);
    ck_assert(answers(self));
    other = another_user();
    cluster_close(&self);
    ck_assert_int_eq(server(), process);
    ck_assert_int_eq(end_of(&other), 0);
    ck_assert_int_eq(server(), 0);
}
END_TEST

START_TEST(what_a_crash_left_is_taken_over)
{
    user other = another_user();
    pid_t process = server();
    kill(other.process, SIGKILL);
    waitpid(other.process, NULL, 0);
    close(other.tell);
    ck_assert_int_eq(server(), process);
    cluster *self = opened();
    ck_assert_int_eq(server(), process);
    ck_assert(answers(self));
    cluster_close(&self);
    ck_assert_int_eq(server(), 0);
}
END_TEST

START_TEST(a_server_that_died_is_started_again)
{
    cluster *self = opened();
    pid_t process = server();
    kill(process, SIGKILL);
    for (int wait = 0; wait < 1200 && has_not_died(process); wait++)
        usleep(50000);
    cluster_close(&self); /* nothing to stop */
    self = opened();
    ck_assert_int_ne(server(), process);
    ck_assert(answers(self));
    cluster_close(&self);
}
END_TEST

START_TEST(a_server_that_recovers_is_waited_for)
{
    user other = another_user();
    pid_t process = server();
    database look;
    database_result *result = NULL;
    char conninfo[PATH_MAX + 128];
    snprintf(conninfo, sizeof conninfo, "host='%s/postgres.run' port=5432 user=ctai dbname=postgres", home);
    ck_assert_int_eq(database_open(&look, conninfo), DATABASE_OK);
    ck_assert_int_eq(database_query(&look, "SELECT pg_backend_pid()", NULL, 0, &result), DATABASE_OK);
    pid_t served_by = (pid_t)database_integer(result, 0, 0);
    database_release(&result);
    kill(other.process, SIGKILL);
    waitpid(other.process, NULL, 0);
    close(other.tell);
    database witness;
    ck_assert_int_eq(database_open(&witness, conninfo), DATABASE_OK);
    kill(served_by, SIGKILL); /* PostgreSQL then ends all its processes, and recovers */
    for (int wait = 0; wait < 60000 && database_run(&witness, "SELECT 1") == DATABASE_OK; wait++)
        usleep(1000);
    database_close(&witness);
    cluster *self = opened();
    ck_assert_int_eq(server(), process);
    ck_assert(answers(self));
    database_close(&look);
    cluster_close(&self);
}
END_TEST

START_TEST(a_server_whose_socket_is_gone_is_started_again)
{
    user other = another_user();
    char path[PATH_MAX];
    kill(other.process, SIGKILL);
    waitpid(other.process, NULL, 0);
    close(other.tell);
    snprintf(path, sizeof path, "%s/postgres.run/.s.PGSQL.5432", home);
    ck_assert_int_eq(unlink(path), 0);
    cluster *self = opened();
    ck_assert(answers(self));
    cluster_close(&self);
}
END_TEST

START_TEST(users_may_come_and_go_at_once)
{
    enum { USERS = 6 };
    pid_t users[USERS];
    for (int at = 0; at < USERS; at++) {
        users[at] = fork();
        ck_assert_int_ge(users[at], 0);
        if (users[at] == 0) {
            for (int round = 0; round < 2; round++) {
                cluster *self;
                if (cluster_open(&self, home, why, sizeof why) != CLUSTER_OK || !answers(self))
                    _exit(1);
                usleep((useconds_t)(at * 30000));
                if (!answers(self))
                    _exit(2);
                cluster_close(&self);
            }
            _exit(0);
        }
    }
    for (int at = 0; at < USERS; at++) {
        int status;
        ck_assert_int_eq(waitpid(users[at], &status, 0), users[at]);
        ck_assert_msg(status == 0, "user %d: status %d", at, status);
    }
    ck_assert_int_eq(server(), 0);
}
END_TEST

START_TEST(a_long_path_has_its_socket_elsewhere)
{
    char name[130], record[PATH_MAX], elsewhere[PATH_MAX] = "";
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    use_home(name);
    cluster *self = opened();
    ck_assert(answers(self));
    snprintf(record, sizeof record, "%s/postgres.socket", home);
    FILE *file = fopen(record, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(elsewhere, sizeof elsewhere, file));
    fclose(file);
    elsewhere[strcspn(elsewhere, "\n")] = '\0';
    struct stat status;
    ck_assert_int_eq(stat(elsewhere, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0700);
    cluster *second = opened();
    ck_assert_str_eq(cluster_conninfo(second), cluster_conninfo(self));
    cluster_close(&second);
    ck_assert(answers(self));
    cluster_close(&self);
    ck_assert_int_eq(access(elsewhere, F_OK), -1);
    ck_assert_int_eq(access(record, F_OK), -1);
}
END_TEST

START_TEST(odd_characters_of_a_path_do_no_harm)
{
    use_home("l'été d\\un \"home\" $HOME;é");
    cluster *self = opened();
    ck_assert(answers(self));
    cluster_close(&self);
}
END_TEST

/* A command is called from anywhere, with any PATH: Debian's has none of PostgreSQL's own programs. */
START_TEST(neither_the_path_nor_the_working_folder_matters)
{
    char closed[PATH_MAX];
    snprintf(closed, sizeof closed, "%s/closed", folder);
    ck_assert_int_eq(mkdir(closed, 0700), 0);
    ck_assert_int_eq(chdir(closed), 0);
    ck_assert_int_eq(chmod(closed, 0), 0);
    ck_assert_int_eq(setenv("PATH", "/nonexistent", 1), 0);
    use_home("fresh");
    cluster *self = opened();
    ck_assert(answers(self));
    cluster_close(&self);
    ck_assert_int_eq(server(), 0);
}
END_TEST

START_TEST(what_cannot_be_is_said)
{
    ck_assert_int_eq(cluster_create(home, why, sizeof why), CLUSTER_EXISTS);
    ck_assert_ptr_nonnull(strstr(why, "il y a déjà"));
    cluster *self;
    char bare[PATH_MAX];
    snprintf(bare, sizeof bare, "%s/bare", folder);
    ck_assert_int_eq(mkdir(bare, 0700), 0);
    ck_assert_int_eq(cluster_open(&self, bare, why, sizeof why), CLUSTER_MISSING);
    ck_assert_ptr_null(self);
    ck_assert_ptr_nonnull(strstr(why, "ctai-hub init"));
    snprintf(bare, sizeof bare, "%s/none", folder);
    ck_assert_int_eq(cluster_create(bare, why, sizeof why), CLUSTER_SYSTEM);
}
END_TEST

START_TEST(data_of_another_version_are_not_touched)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/postgres/PG_VERSION", home);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs("9.1\n", file);
    fclose(file);
    cluster *self;
    ck_assert_int_eq(cluster_open(&self, home, why, sizeof why), CLUSTER_NO_BINARIES);
    ck_assert_ptr_nonnull(strstr(why, "PostgreSQL 9.1"));
    ck_assert_int_eq(cluster_exit_code(CLUSTER_NO_BINARIES), 78);
}
END_TEST

START_TEST(a_making_that_was_broken_off_is_begun_anew)
{
    char fresh[PATH_MAX], data[PATH_MAX];
    snprintf(fresh, sizeof fresh, "%s/postgres.new", home);
    snprintf(data, sizeof data, "%s/postgres", home);
    ck_assert_int_eq(rename(data, fresh), 0);
    ck_assert_int_eq(cluster_create(home, why, sizeof why), CLUSTER_OK);
    ck_assert_int_eq(access(fresh, F_OK), -1);
    cluster *self = opened();
    ck_assert(answers(self));
    cluster_close(&self);
}
END_TEST

int main(void)
{
    drop_identity();
    Suite *suite = suite_create("cluster");
    TCase *tests = tcase_create("cluster");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, enter, leave);
    tcase_add_test(tests, one_user_starts_and_stops_it);
    tcase_add_test(tests, it_listens_to_nobody_else);
    tcase_add_test(tests, the_last_user_stops_it);
    tcase_add_test(tests, what_a_crash_left_is_taken_over);
    tcase_add_test(tests, a_server_that_died_is_started_again);
    tcase_add_test(tests, a_server_that_recovers_is_waited_for);
    tcase_add_test(tests, a_server_whose_socket_is_gone_is_started_again);
    tcase_add_test(tests, users_may_come_and_go_at_once);
    tcase_add_test(tests, a_long_path_has_its_socket_elsewhere);
    tcase_add_test(tests, odd_characters_of_a_path_do_no_harm);
    tcase_add_test(tests, neither_the_path_nor_the_working_folder_matters);
    tcase_add_test(tests, what_cannot_be_is_said);
    tcase_add_test(tests, data_of_another_version_are_not_touched);
    tcase_add_test(tests, a_making_that_was_broken_off_is_begun_anew);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
