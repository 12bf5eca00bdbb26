/* check_control: a call goes from one process to the one that serves, with its files, and its output comes back. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "control_form.h"
#include "input.h"
#include "logline.h"

enum { LATER_MS = 300, PATIENCE = 6000 }; /* steps of 10 ms */

static char folder[64];
static home ours;
static pid_t server;

static int echo(cli_call *call)
{
    char line[256] = "";
    const cli_file *file = cli_input(call, "from");
    if (file == NULL)
        return cli_fail(call, CLI_USAGE, "no file");
    if (file->file == NULL)
        return cli_bad_file(call, file);
    while (fgets(line, sizeof line, file->file) != NULL)
        (void)fputs(line, cli_output(call));
    (void)fprintf(call->out, "%s %s %s %d\n", call->folder, cli_given(call, "flag") ? "flag" : "-",
                  cli_value(call, "word"), call->json);
    return 7;
}

static int much(cli_call *call)
{
    for (int i = 0; i < 100000; i++)
        (void)fprintf(call->out, "line %d of many, more than a pipe holds\n", i);
    return 0;
}

static int nothing(cli_call *call)
{
    return 0;
}

static const cli_option options[] = {
    {.name = "from", .kind = CLI_INPUT},
    {.name = "flag", .kind = CLI_FLAG},
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT},
    {.name = NULL},
};
static const cli_operand operands[] = {{.name = "word", .kind = CLI_VALUE, .required = true}, {.name = NULL}};
static const cli_command commands[] = {
    {.name = "echo", .run = echo, .options = options, .operands = operands},
    {.name = "much", .run = much},
    {.name = "wait", .run = nothing},
    {.name = NULL},
};
static const cli_program program = {.name = "test", .version = "1", .commands = commands};
static const cli_program other = {.name = "test", .version = "2", .commands = commands};

/* The serving process. "wait" is answered later; the deposit gets the command's name. */
typedef struct {
    control *door;
    control_call *pending;
    uint64_t since;
    int gone;
} serving;

static int run(void *data, control_call *call)
{
    serving *self = data;
    (void)fprintf(call->deposit, "%s", call->call.command->name);
    if (strcmp(call->call.command->name, "wait") != 0)
        return cli_run_call(&call->call);
    self->pending = call;
    return CONTROL_PENDING;
}

static void gone(void *data, control_call *call)
{
    serving *self = data;
    if (self->pending == call)
        self->pending = NULL;
    self->gone++;
}

static void serve(void)
{
    serving self = {.door = control_open(&ours, &program)};
    if (self.door == NULL)
        _exit(1);
    for (uint64_t now = 0;; now += 20) {
        struct pollfd watched[CONTROL_WATCHES_MAX];
        unsigned count = control_watch(self.door, watched);
        const control_handler handler = {.run = run, .gone = gone, .data = &self};
        bool waited = self.pending != NULL;
        (void)poll(watched, count, 20);
        control_work(self.door, watched, count, now, &handler);
        if (!waited)
            self.since = now;
        else if (self.pending != NULL && now - self.since > LATER_MS) {
            control_answer(self.door, self.pending, 42);
            self.pending = NULL;
        }
    }
}

/* Until somebody listens. */
static void wait_served(void)
{
    struct sockaddr_un address;
    socklen_t size = control_form_address(&ours, &address);
    bool served = false;
    for (int i = 0; i < PATIENCE && !served; i++) {
        int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        served = connect(probe, (const struct sockaddr *)&address, size) == 0;
        close(probe);
        if (!served)
            usleep(10000);
    }
    ck_assert(served);
}

static void enter_long(bool far)
{
    char path[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "/tmp/check_control.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/home", folder);
    for (int i = 0; far && i < 4; i++)
        (void)snprintf(path + strlen(path), sizeof path - strlen(path),
                       "/a-folder-whose-name-is-quite-long-indeed-%d", i);
    ck_assert_int_eq(home_make(path), HOME_OK);
    ck_assert_int_eq(home_open(&ours, path), HOME_OK);
    server = fork();
    if (server == 0)
        serve();
    wait_served();
}

static void enter(void)
{
    enter_long(false);
}

static void enter_far(void)
{
    enter_long(true);
}

static void leave(void)
{
    char command[128];
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    home_close(&ours);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void read_back(FILE *from, char *to, size_t size)
{
    rewind(from);
    size_t got = fread(to, 1, size - 1, from);
    to[got] = '\0';
}

static cli_call make_call(const cli_program *of, const char *command)
{
    cli_call call = {.program = of,
                     .command = cli_find(of, command),
                     .home = ours.path,
                     .folder = "/here",
                     .out = tmpfile(),
                     .err = tmpfile()};
    return call;
}

static void close_call(cli_call *call)
{
    fclose(call->out);
    fclose(call->err);
}

static int memory(void)
{
    int made = memfd_create("deposit", MFD_CLOEXEC);
    ck_assert_int_ge(made, 0);
    return made;
}

START_TEST(test_call)
{
    char text[256];
    int code = -1, deposit = memory(), ends[2];
    cli_call call = make_call(&program, "echo");
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "from a pipe\n", 12), 12);
    close(ends[1]);
    call.values[0] = "-";
    call.files[0] = (cli_file){.name = "-", .file = fdopen(ends[0], "r")};
    input_settle(&call.files[0]);
    call.values[1] = "";
    call.operands[0] = "mot";
    call.operand_count = 1;
    call.json = true;
    call.data = tmpfile();
    ck_assert_int_eq(control_ask(&ours, &call, deposit, &code), CONTROL_ANSWERED);
    ck_assert_int_eq(code, 7);
    read_back(call.out, text, sizeof text);
    ck_assert_str_eq(text, "/here flag mot 1\n");
    read_back(call.data, text, sizeof text);
    ck_assert_str_eq(text, "from a pipe\n");
    ck_assert_int_eq(pread(deposit, text, sizeof text, 0), 4);
    ck_assert_int_eq(memcmp(text, "echo", 4), 0);
    fclose(call.files[0].file);
    fclose(call.data);
    close_call(&call);
    close(deposit);
}
END_TEST

START_TEST(test_bad_file_goes_along)
{
    char text[256];
    int code = -1, deposit = memory();
    cli_call call = make_call(&program, "echo");
    call.values[0] = "absent.csv";
    call.files[0] = (cli_file){.name = "absent.csv", .error = ENOENT};
    call.operands[0] = "mot";
    call.operand_count = 1;
    ck_assert_int_eq(control_ask(&ours, &call, deposit, &code), CONTROL_ANSWERED);
    ck_assert_int_eq(code, CLI_BAD_INPUT);
    read_back(call.err, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "absent.csv"));
    close_call(&call);
    close(deposit);
}
END_TEST

static void ask_for_much(void)
{
    int code = -1, deposit = memory();
    cli_call call = make_call(&program, "much");
    ck_assert_int_eq(control_ask(&ours, &call, deposit, &code), CONTROL_ANSWERED);
    ck_assert_int_eq(code, 0);
    ck_assert_int_gt(ftell(call.out), 4000000);
    close_call(&call);
    close(deposit);
}

START_TEST(test_much_output)
{
    ask_for_much();
}
END_TEST

START_TEST(test_later_and_gone)
{
    int code = -1, deposit = memory();
    cli_call call = make_call(&program, "wait");
    pid_t impatient = fork();
    if (impatient == 0) {
        (void)!control_ask(&ours, &call, deposit, &code);
        _exit(0);
    }
    char begun = '\0';
    for (int i = 0; i < PATIENCE && pread(deposit, &begun, 1, 0) <= 0; i++)
        usleep(10000);
    ck_assert_int_eq(begun, 'w'); /* it waits */
    kill(impatient, SIGKILL);
    waitpid(impatient, NULL, 0);
    ck_assert_int_eq(control_ask(&ours, &call, deposit, &code), CONTROL_ANSWERED);
    ck_assert_int_eq(code, 42);
    close_call(&call);
    close(deposit);
}
END_TEST

START_TEST(test_other_version)
{
    int code = -1, deposit = memory();
    cli_call call = make_call(&other, "much");
    ck_assert_int_eq(control_ask(&ours, &call, deposit, &code), CONTROL_OTHER);
    close_call(&call);
    close(deposit);
}
END_TEST

START_TEST(test_nobody)
{
    int code = -1, deposit = memory();
    cli_call call = make_call(&program, "much");
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    ck_assert_int_eq(control_ask(&ours, &call, deposit, &code), CONTROL_NOBODY); /* the socket is still there */
    server = fork();
    if (server == 0)
        serve(); /* takes the place of the dead one's socket */
    wait_served();
    ck_assert_int_eq(control_ask(&ours, &call, deposit, &code), CONTROL_ANSWERED);
    close_call(&call);
    close(deposit);
}
END_TEST

/* Whatever is said on the socket, the next call is heard. */
START_TEST(test_nonsense)
{
    struct sockaddr_un address;
    socklen_t size = control_form_address(&ours, &address);
    srandom(3);
    for (int i = 0; i < 300; i++) {
        char bytes[600];
        int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(client, (const struct sockaddr *)&address, size), 0);
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (char)random();
        if (i % 2 == 0)
            memcpy(bytes, "CTAI", 4);
        if (i % 4 == 0)
            memcpy(bytes + 4, "\x10\0\0\0\0\0\0\0", 8);
        (void)!send(client, bytes, (size_t)(random() % 600), MSG_NOSIGNAL);
        close(client);
    }
    ask_for_much();
}
END_TEST

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    Suite *suite = suite_create("control");
    TCase *cases = tcase_create("control"), *far = tcase_create("far");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_checked_fixture(far, enter_far, leave);
    tcase_set_timeout(cases, 60);
    tcase_set_timeout(far, 60);
    tcase_add_test(cases, test_call);
    tcase_add_test(cases, test_bad_file_goes_along);
    tcase_add_test(cases, test_much_output);
    tcase_add_test(cases, test_later_and_gone);
    tcase_add_test(cases, test_other_version);
    tcase_add_test(cases, test_nobody);
    tcase_add_test(cases, test_nonsense);
    tcase_add_test(far, test_call);
    suite_add_tcase(suite, cases);
    suite_add_tcase(suite, far);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
