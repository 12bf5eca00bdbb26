/*
 * As whom the hub runs. What concerns root is tested when the test is run by root and there is a user
 * `ctai-hub` or `postgres`; else it passes over it.
 */
#include <check.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hand_over.h"
#include "identity.h"
#include "outfile.h"

static char root_folder[PATH_MAX]; /* 0700, of whoever runs the test */
static struct passwd *user;

static void setup(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(root_folder, sizeof root_folder, "%s/check identité XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root_folder));
    user = getpwnam("ctai-hub");
    if (!user)
        user = getpwnam("postgres");
}

static void teardown(void)
{
    char command[PATH_MAX + 32];
    snprintf(command, sizeof command, "rm -rf '%s'", root_folder);
    ck_assert_int_eq(system(command), 0);
}

static bool is_root(void)
{
    return geteuid() == 0 && user;
}

/* Commands under test. */

static int say_who(cli_call *call)
{
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    fprintf(cli_output(call), "%d %d %d %d %d %d %s", (int) getuid(), (int) geteuid(), (int) getgid(),
            setuid(0) == 0 && getuid() != 0,
            prctl(PR_GET_DUMPABLE), (int) core.rlim_cur, getenv("HOME"));
    return CLI_DONE;
}

static int fail_badly(cli_call *call)
{
    return CLI_BAD_INPUT;
}

static int place_file(cli_call *call)
{
    return identity_place(call, "agent.approbation", "bonjour", 7) == 0 ? CLI_DONE : CLI_CANNOT_WRITE;
}

static int place_elsewhere(cli_call *call)
{
    static const char *const names[] = { "../agent", "/etc/agent", ".hidden", "" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (identity_place(call, names[i], "x", 1) == 0)
            return CLI_FAULT;
    return CLI_DONE;
}

static int abort_badly(cli_call *call)
{
    fputs("half", cli_output(call));
    fflush(cli_output(call));
    _exit(CLI_FAULT);
}

/* A call of a command in a home. */
typedef struct {
    cli_program program;
    cli_command command;
    cli_call call;
    char home[PATH_MAX];
} stage;

static void prepare(stage *self, cli_run *run, const char *home)
{
    memset(self, 0, sizeof *self);
    snprintf(self->home, sizeof self->home, "%s", home);
    self->program = (cli_program) { .name = "check" };
    self->command = (cli_command) { .name = "check", .run = run };
    self->call = (cli_call) { .program = &self->program, .command = &self->command, .home = self->home,
                             .out = tmpfile(), .err = tmpfile(),
                              .folder = root_folder };
    ck_assert_ptr_nonnull(self->call.out);
    ck_assert_ptr_nonnull(self->call.err);
}

/* In a process of its own, since identities are given up for good. */
static int run(stage *self, unsigned flags)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int code = identity_run(&self->call, flags);
        fflush(NULL);
        _exit(code);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void read_back(FILE *from, char *text, size_t size)
{
    rewind(from);
    text[fread(text, 1, size - 1, from)] = '\0';
}

static void path_of(char path[PATH_MAX], const char *name)
{
    ck_assert_int_lt(snprintf(path, PATH_MAX, "%s/%s", root_folder, name), PATH_MAX);
}

START_TEST(anyone_runs_as_they_are)
{
    stage self;
    char text[200], expected[40];
    if (geteuid() == 0 && user) {
        /* As somebody who is not root. */
        ck_assert_int_eq(chown(root_folder, user->pw_uid, user->pw_gid), 0);
        ck_assert_int_eq(setgroups(0, NULL), 0);
        ck_assert_int_eq(setresgid(user->pw_gid, user->pw_gid, user->pw_gid), 0);
        ck_assert_int_eq(setresuid(user->pw_uid, user->pw_uid, user->pw_uid), 0);
    }
    prepare(&self, say_who, root_folder);
    ck_assert_int_eq(run(&self, IDENTITY_NEW_HOME), CLI_DONE);
    read_back(self.call.out, text, sizeof text);
    snprintf(expected, sizeof expected, "%d %d", (int) geteuid(), (int) geteuid());
    ck_assert_int_eq(strncmp(text, expected, strlen(expected)), 0);
    prepare(&self, place_file, root_folder);
    ck_assert_int_eq(run(&self, IDENTITY_PLACES), CLI_DONE);
    prepare(&self, place_elsewhere, root_folder);
    ck_assert_int_eq(run(&self, IDENTITY_PLACES), CLI_DONE);
    char path[PATH_MAX];
    struct stat is;
    path_of(path, "agent.approbation");
    ck_assert_int_eq(stat(path, &is), 0);
    ck_assert_int_eq(is.st_size, 7);
    teardown();
}
END_TEST

START_TEST(root_becomes_the_owner_for_good)
{
    if (!is_root())
        return;
    stage self;
    char text[300], expected[300], home[PATH_MAX];
    path_of(home, "dossier à nous");
    prepare(&self, say_who, home);
    ck_assert_int_eq(run(&self, IDENTITY_NEW_HOME), CLI_DONE);
    read_back(self.call.out, text, sizeof text);
#if defined(__SANITIZE_ADDRESS__)
    const int dumpable = 1; /* the leak checker needs to look */
#else
    const int dumpable = 0;
#endif
    snprintf(expected, sizeof expected, "%d %d %d 0 %d 0 %s", (int) user->pw_uid, (int) user->pw_uid,
             (int) user->pw_gid, dumpable, user->pw_dir);
    ck_assert_str_eq(text, expected);
    /* One line says that the closed folder above was opened to it, and to it alone. */
    read_back(self.call.err, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, root_folder));
    struct stat is;
    ck_assert_int_eq(stat(home, &is), 0);
    ck_assert_uint_eq(is.st_uid, user->pw_uid);
    ck_assert_uint_eq(is.st_mode & 07777, 0700);
    ck_assert_int_eq(stat(root_folder, &is), 0);
    ck_assert_uint_eq(is.st_mode & 07, 0);
    /* Again: the home is there, nothing more is to be said. */
    prepare(&self, say_who, home);
    ck_assert_int_eq(run(&self, 0), CLI_DONE);
    read_back(self.call.err, text, sizeof text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(failed_init_leaves_nothing)
{
    if (!is_root())
        return;
    stage self;
    char home[PATH_MAX];
    struct stat is;
    path_of(home, "home");
    prepare(&self, fail_badly, home);
    ck_assert_int_eq(run(&self, IDENTITY_NEW_HOME), CLI_BAD_INPUT);
    ck_assert_int_ne(stat(home, &is), 0);
    ck_assert_int_eq(mkdir(home, 0755), 0);
    prepare(&self, fail_badly, home);
    ck_assert_int_eq(run(&self, IDENTITY_NEW_HOME), CLI_BAD_INPUT);
    ck_assert_int_eq(stat(home, &is), 0);
    ck_assert_uint_eq(is.st_uid, 0);
}
END_TEST

START_TEST(homes_of_root_and_of_nobody_are_refused)
{
    if (!is_root())
        return;
    stage self;
    char text[500], home[PATH_MAX];
    path_of(home, "absent");
    prepare(&self, say_who, home);
    ck_assert_int_eq(run(&self, 0), CLI_CONFIGURATION);
    ck_assert_int_eq(mkdir(home, 0700), 0);
    prepare(&self, say_who, home);
    ck_assert_int_eq(run(&self, 0), CLI_CONFIGURATION);
    read_back(self.call.err, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "root"));
    /* A folder with something in it is not taken over. */
    char file[PATH_MAX + 8];
    snprintf(file, sizeof file, "%s/x", home);
    ck_assert_int_eq(mkdir(file, 0700), 0);
    prepare(&self, say_who, home);
    ck_assert_int_eq(run(&self, IDENTITY_NEW_HOME), CLI_CANNOT_WRITE);
    struct stat is;
    ck_assert_int_eq(stat(home, &is), 0);
    ck_assert_uint_eq(is.st_uid, 0);
}
END_TEST

START_TEST(files_are_put_in_place_by_root)
{
    if (!is_root())
        return;
    stage self;
    char home[PATH_MAX], path[PATH_MAX];
    struct stat is;
    path_of(home, "home");
    prepare(&self, place_file, home);
    ck_assert_int_eq(run(&self, IDENTITY_NEW_HOME | IDENTITY_PLACES), CLI_DONE);
    path_of(path, "agent.approbation");
    ck_assert_int_eq(stat(path, &is), 0);
    ck_assert_uint_eq(is.st_uid, 0);
    prepare(&self, place_elsewhere, home);
    ck_assert_int_eq(run(&self, IDENTITY_PLACES), CLI_DONE);
    /* A command that was not said to place files cannot. */
    prepare(&self, place_file, home);
    ck_assert_int_eq(unlink(path), 0);
    path_of(path, "rapport");
    self.call.output = outfile_open(path, false);
    self.call.data = outfile_stream(self.call.output);
    ck_assert_int_eq(run(&self, 0), CLI_CANNOT_WRITE);
    outfile_abandon(&self.call.output);
}
END_TEST

START_TEST(output_is_whole_or_not_at_all)
{
    if (!is_root())
        return;
    stage self;
    char home[PATH_MAX], path[PATH_MAX];
    struct stat is;
    path_of(home, "home");
    prepare(&self, say_who, home);
    ck_assert_int_eq(run(&self, IDENTITY_NEW_HOME), CLI_DONE);
    path_of(path, "rapport.csv");
    prepare(&self, abort_badly, home);
    self.call.output = outfile_open(path, false);
    self.call.data = outfile_stream(self.call.output);
    ck_assert_int_eq(run(&self, 0), CLI_FAULT);
    outfile_abandon(&self.call.output);
    ck_assert_int_ne(stat(path, &is), 0);
    prepare(&self, say_who, home);
    self.call.output = outfile_open(path, false);
    self.call.data = outfile_stream(self.call.output);
    ck_assert_int_eq(run(&self, 0), CLI_DONE);
    ck_assert(outfile_commit(&self.call.output));
    ck_assert_int_eq(stat(path, &is), 0);
    ck_assert_int_gt(is.st_size, 10);
}
END_TEST

START_TEST(postgres_environment_is_forgotten)
{
    ck_assert_int_eq(setenv("PGHOST", "elsewhere", 1), 0);
    ck_assert_int_eq(setenv("PGPASSWORD", "x", 1), 0);
    ck_assert_int_eq(setenv("PG", "x", 1), 0);
    ck_assert_int_eq(setenv("XPG", "stays", 1), 0);
    identity_forget_postgres();
    ck_assert_ptr_null(getenv("PGHOST"));
    ck_assert_ptr_null(getenv("PGPASSWORD"));
    ck_assert_ptr_null(getenv("PG"));
    ck_assert_str_eq(getenv("XPG"), "stays");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("identity");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, root_becomes_the_owner_for_good);
    tcase_add_test(all, failed_init_leaves_nothing);
    tcase_add_test(all, homes_of_root_and_of_nobody_are_refused);
    tcase_add_test(all, files_are_put_in_place_by_root);
    tcase_add_test(all, output_is_whole_or_not_at_all);
    tcase_add_test(all, postgres_environment_is_forgotten);
    suite_add_tcase(suite, all);
    TCase *given_up = tcase_create("given_up");
    tcase_add_checked_fixture(given_up, setup, NULL); /* it cleans up with the rights that it has left */
    tcase_add_test(given_up, anyone_runs_as_they_are);
    suite_add_tcase(suite, given_up);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
