/*
 * cli: see the header. Here: the way of a call through cli_main, and what a command asks of its
 * call. Reading the words is cli_parse's, --help is cli_help's.
 */
#include "cli.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_help.h"
#include "cli_parse.h"
#include "oserror.h"
#include "outfile.h"

/*
 * Descriptors 0, 1, 2 that the caller has closed must not become some file of ours. Each is opened
 * the wrong way round, so that its use fails as it should.
 */
static void guard_standard_files(void)
{
    for (int file = 0; file <= 2; file++)
        if (fcntl(file, F_GETFD) < 0 && errno == EBADF
            && open("/dev/null", file == 0 ? O_WRONLY : O_RDONLY) != file)
            _exit(CLI_FAULT);
}

static bool ours(const char *folder)
{
    struct stat is;
    return stat(folder, &is) == 0 && S_ISDIR(is.st_mode) && (is.st_uid == geteuid() || geteuid() == 0);
}

/* The home's path, made absolute: --home, $CTAI_HOME, the default if it is ours, the user's state folder. */
static bool find_home(const cli_program *program, const char *given, const char *folder, char home[PATH_MAX])
{
    const char *variable = getenv("CTAI_HOME");
    const char *state = getenv("XDG_STATE_HOME");
    int size;
    if (!given && variable && *variable)
        given = variable;
    if (!given && program->default_home && ours(program->default_home))
        given = program->default_home;
    if (given && given[0] == '/')
        size = snprintf(home, PATH_MAX, "%s", given);
    else if (given)
        size = snprintf(home, PATH_MAX, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, given);
    else if (state && state[0] == '/')
        size = snprintf(home, PATH_MAX, "%s/%s", state, program->name);
    else {
        const char *user = getenv("HOME");
        struct passwd *entry = user && user[0] == '/' ? NULL : getpwuid(geteuid());
        user = entry ? entry->pw_dir : user;
        if (!user || user[0] != '/')
            return false;
        size = snprintf(home, PATH_MAX, "%s/.local/state/%s", user, program->name);
    }
    return size > 0 && size < PATH_MAX;
}

/* Opens a file for reading and remembers why it could not: the command says so, if it still matters. */
static void open_input(cli_file *file, const char *name)
{
    struct stat is;
    file->name = name;
    int opened = strcmp(name, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                        : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (opened >= 0 && fstat(opened, &is) == 0 && S_ISDIR(is.st_mode)) {
        close(opened);
        file->error = EISDIR;
        return;
    }
    file->file = opened >= 0 ? fdopen(opened, "r") : NULL;
    if (!file->file) {
        file->error = errno;
        if (opened >= 0)
            close(opened);
    }
}

/* False, said so: standard input cannot be read twice. */
static bool open_inputs(cli_call *call)
{
    const cli_command *command = call->command;
    int standard = 0;
    for (int i = 0; command->options && command->options[i].name; i++)
        if (command->options[i].kind == CLI_INPUT && call->values[i]) {
            open_input(&call->files[i], call->values[i]);
            standard += strcmp(call->values[i], "-") == 0;
        }
    for (int i = 0; i < call->operand_count; i++)
        if (command->operands[i].kind == CLI_INPUT) {
            open_input(&call->operand_files[i], call->operands[i]);
            standard += strcmp(call->operands[i], "-") == 0;
        }
    if (standard > 1)
        cli_say(call, "l’entrée standard (« - ») ne peut servir qu’une fois");
    return standard <= 1;
}

static void close_inputs(cli_call *call)
{
    for (int i = 0; i < CLI_OPTIONS_MAX; i++)
        if (call->files[i].file)
            fclose(call->files[i].file);
    for (int i = 0; i < CLI_OPERANDS_MAX; i++)
        if (call->operand_files[i].file)
            fclose(call->operand_files[i].file);
}

static bool is_output(cli_option_kind kind)
{
    return kind == CLI_OUTPUT || kind == CLI_OUTPUT_PRIVATE;
}

/* The name of the file to write, and its kind; NULL when none was given, or it is standard output. */
static const char *output_name(const cli_call *call, cli_option_kind *kind)
{
    const cli_command *command = call->command;
    const char *name = NULL;
    for (int i = 0; command->options && command->options[i].name; i++)
        if (is_output(command->options[i].kind) && call->values[i]) {
            *kind = command->options[i].kind;
            name = call->values[i];
        }
    for (int i = 0; i < call->operand_count; i++)
        if (is_output(command->operands[i].kind)) {
            *kind = command->operands[i].kind;
            name = call->operands[i];
        }
    return name && strcmp(name, "-") != 0 ? name : NULL;
}

static int cannot_write(cli_call *call)
{
    cli_option_kind kind;
    const char *reason = oserror_text(errno);
    return cli_fail(call, CLI_CANNOT_WRITE, "impossible d’écrire le fichier %s : %s", output_name(call, &kind), reason);
}

static bool open_output(cli_call *call)
{
    cli_option_kind kind;
    const char *name = output_name(call, &kind);
    if (!name)
        return true;
    call->output = outfile_open(name, kind == CLI_OUTPUT_PRIVATE);
    if (!call->output)
        return cannot_write(call) == CLI_DONE;
    call->data = outfile_stream(call->output);
    int memory = memfd_create("ctai-summary", MFD_CLOEXEC);
    FILE *held = memory >= 0 ? fdopen(memory, "w+") : NULL;
    if (held)
        call->out = held;
    else if (memory >= 0)
        close(memory);
    return true;
}

/* Lets what was held back of standard output go, unless the file that it speaks of could not be written. */
static void release_summary(cli_call *call, bool wanted)
{
    char chunk[4096];
    FILE *held = call->out;
    size_t size;
    if (held == stdout)
        return;
    call->out = stdout;
    if (fflush(held) == 0 && fseek(held, 0, SEEK_SET) == 0)
        while (wanted && (size = fread(chunk, 1, sizeof chunk, held)) > 0)
            fwrite(chunk, 1, size, call->out);
    fclose(held);
}

int cli_put_output(cli_call *call)
{
    if (!call->output)
        return 0;
    errno = 0;
    bool put = outfile_commit(&call->output);
    call->data = NULL;
    return put ? 0 : errno ? errno : EIO;
}

/* Puts the file of -o in its place when there is something to keep of it; the command's summary comes after. */
static int close_output(cli_call *call, int code)
{
    struct stat is;
    if (call->output) {
        bool keep = code == CLI_DONE
            || (code == CLI_BAD_INPUT && fflush(call->data) == 0 && fstat(fileno(call->data), &is) == 0
                && is.st_size > 0);
        if (!keep)
            outfile_abandon(&call->output);
        else if (!outfile_commit(&call->output))
            code = cannot_write(call);
        call->data = NULL;
    }
    release_summary(call, code != CLI_CANNOT_WRITE);
    return code;
}

/* Has all that was written arrived? */
static bool arrived(FILE *stream)
{
    errno = 0;
    if (fflush(stream) != 0)
        return false;
    return !ferror(stream);
}

static int flush_standard(cli_call *call, int code)
{
    if (arrived(call->out) || (code != CLI_DONE && code != CLI_BAD_INPUT))
        return code;
    /* A reader that has seen enough (head) needs no message. */
    if (errno == EPIPE)
        return CLI_CANNOT_WRITE;
    return cli_fail(call, CLI_CANNOT_WRITE, "impossible d’écrire sur la sortie standard : %s", oserror_text(errno));
}

int cli_run_call(cli_call *call)
{
    int code = call->command->run(call);
    if (call->data && !arrived(call->data) && (code == CLI_DONE || code == CLI_BAD_INPUT))
        code = cannot_write(call);
    code = flush_standard(call, code);
    fflush(call->err);
    return code;
}

/* Do standard output and standard error come out at the same place? */
static bool one_terminal(void)
{
    struct stat out, err;
    return isatty(STDOUT_FILENO) == 1 && fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0
        && out.st_rdev == err.st_rdev;
}

static int run(cli_call *call, const char *given_home)
{
    char folder[PATH_MAX], home[PATH_MAX];
    if (!getcwd(folder, sizeof folder)) {
        folder[0] = '/';
        folder[1] = '\0';
    }
    if (!find_home(call->program, given_home, folder, home))
        return cli_fail(call, CLI_CONFIGURATION, "aucun dossier de travail : indiquez-en un avec --home");
    call->home = home;
    call->folder = folder;
    call->terminal = isatty(STDERR_FILENO) == 1;
    call->together = call->terminal && one_terminal();
    int code = CLI_USAGE;
    if (open_inputs(call))
        code = !open_output(call) ? CLI_CANNOT_WRITE
            : call->program->dispatch ? call->program->dispatch(call) : cli_run_call(call);
    close_inputs(call);
    return flush_standard(call, close_output(call, code));
}

int cli_main(const cli_program *program, int argc, char **argv)
{
    guard_standard_files();
    /* A closed pipe is an error of the write, so that it has an exit code. */
    signal(SIGPIPE, SIG_IGN);
    cli_call call = { .program = program, .out = stdout, .err = stderr };
    const char *home = NULL;
    if (argc < 2) {
        cli_help_program(stderr, program);
        return CLI_USAGE;
    }
    switch (cli_parse(&call, argc, argv, &home)) {
    case CLI_PARSE_HELP:
        if (call.command)
            cli_help_command(stdout, program, call.command);
        else
            cli_help_program(stdout, program);
        return flush_standard(&call, CLI_DONE);
    case CLI_PARSE_VERSION:
        printf("%s %s\n", program->name, program->version);
        return flush_standard(&call, CLI_DONE);
    case CLI_PARSE_RUN:
        return run(&call, home);
    case CLI_PARSE_WRONG:
        return CLI_USAGE;
    }
    return CLI_USAGE;
}

const char *cli_value(const cli_call *call, const char *name)
{
    int index = cli_option_index(call->command, name);
    if (index >= 0)
        return call->values[index];
    index = cli_operand_index(call->command, name);
    assert(index >= 0);
    return call->operands[index];
}

bool cli_given(const cli_call *call, const char *name)
{
    return cli_value(call, name) != NULL;
}

const cli_file *cli_input(const cli_call *call, const char *name)
{
    int index = cli_option_index(call->command, name);
    if (index >= 0) {
        assert(call->command->options[index].kind == CLI_INPUT);
        return call->values[index] ? &call->files[index] : NULL;
    }
    index = cli_operand_index(call->command, name);
    assert(index >= 0 && call->command->operands[index].kind == CLI_INPUT);
    return call->operands[index] ? &call->operand_files[index] : NULL;
}

FILE *cli_output(cli_call *call)
{
    return call->data ? call->data : call->out;
}

static void say(cli_call *call, const char *format, va_list args)
{
    fprintf(call->err, "%s : ", call->program->name);
    vfprintf(call->err, format, args);
    fputc('\n', call->err);
}

int cli_fail(cli_call *call, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(call, format, args);
    va_end(args);
    return code;
}

void cli_say(cli_call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(call, format, args);
    va_end(args);
}

int cli_bad_file(cli_call *call, const cli_file *file)
{
    int error = file->error ? file->error : errno;
    const char *name = strcmp(file->name, "-") == 0 ? "l’entrée standard" : file->name;
    return cli_fail(call, CLI_BAD_INPUT, "impossible de lire %s : %s", name, oserror_text(error));
}
