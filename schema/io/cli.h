/*
 * cli: the command line both programs share: a table of subcommands, one option table each, --help,
 * --version, messages in French, exit codes of sysexits.h (INTERFACE).
 *
 * A command never touches stdout, stderr, the environment or the working directory by itself: all
 * it needs is in its cli_call, so that it runs just the same inside a running `serve`.
 */
#ifndef CTAI_CLI_H
#define CTAI_CLI_H

#include <stdbool.h>
#include <stdio.h>

enum {
    CLI_DONE = 0,
    CLI_USAGE = 64,
    CLI_BAD_INPUT = 65,
    CLI_UNREACHABLE = 69,
    CLI_FAULT = 70,
    CLI_CANNOT_WRITE = 73,
    CLI_LATER = 75,
    CLI_PROTOCOL = 76,
    CLI_NOT_ALLOWED = 77,
    CLI_CONFIGURATION = 78,
};

enum { CLI_OPTIONS_MAX = 24, CLI_OPERANDS_MAX = 8 };

typedef enum {
    CLI_FLAG,   /* --json */
    CLI_VALUE,  /* --name NAME, --name=NAME */
    CLI_INPUT,  /* --events FILE: opened for reading by the caller's process before the command runs */
    CLI_OUTPUT, /* -o FILE, --output FILE: written whole or not at all (outfile) */
    CLI_OUTPUT_PRIVATE, /* the same, for a file that nobody else may read (0600) */
} cli_option_kind;

typedef struct {
    const char *name;  /* "events"; the long form is --events */
    char letter;       /* 'o' for -o, or 0 */
    cli_option_kind kind;
    bool required;
    const char *value; /* the value's name in the help: "FICHIER" */
    const char *help;  /* in French */
} cli_option;

typedef struct {
    const char *name;  /* "contrat" in the help: "FICHIER" */
    cli_option_kind kind; /* any but CLI_FLAG; at most one file to write a command, options included */
    bool required;
} cli_operand;

typedef struct cli_call cli_call;
typedef int cli_run(cli_call *call);

typedef struct {
    const char *name;              /* "push", "key grant" (two words are one command) */
    cli_run *run;
    const char *help;              /* one line, in French */
    const char *details;           /* paragraphs for --help, or NULL */
    const cli_option *options;     /* ended by a NULL name; --home, --json and --help are everywhere */
    const cli_operand *operands;   /* ended by a NULL name */
    unsigned flags;                /* the program's own, see its main.c */
} cli_command;

typedef struct {
    const char *name, *version, *help; /* "ctai-hub" ... */
    const cli_command *commands;       /* ended by a NULL name */
    const char *default_home;          /* "/var/lib/ctai-hub" */
    /*
     * Runs a parsed call: takes the home's lock, drops identity, or hands it to a running serve; in
     * the end somebody calls cli_run_call. NULL: cli_run_call at once. It must come back with the
     * caller's rights when call->output is there, since cli_main then puts that file in its place:
     * a dispatch that drops identity does so in a child process, which leaves by _exit.
     */
    int (*dispatch)(cli_call *call);
} cli_program;

/* A file named on the command line, opened before the command runs. */
typedef struct {
    const char *name; /* as the user wrote it; "-" is standard input */
    FILE *file;       /* CLI_INPUT: open for reading, or NULL when it could not be; CLI_OUTPUT: NULL */
    int error;        /* errno of the open that failed; EISDIR for a directory */
} cli_file;

struct cli_call {
    const cli_program *program;
    const cli_command *command;
    const char *home;   /* absolute path */
    bool json;
    FILE *out, *err;
    bool terminal;      /* err is a terminal: progress may be shown */
    bool together;      /* out is the same terminal: what is said on both is read twice */
    const char *folder; /* the user's working directory: files without a name of their own go there */
    const char *values[CLI_OPTIONS_MAX];   /* by the option's index; flags: "" when given; NULL: not given */
    cli_file files[CLI_OPTIONS_MAX];       /* CLI_INPUT options, by the option's index */
    const char *operands[CLI_OPERANDS_MAX];
    cli_file operand_files[CLI_OPERANDS_MAX];
    int operand_count;
    struct outfile *output;                /* -o FILE, or NULL; cli_main's alone */
    FILE *data;                            /* where data goes: the stream of output, or NULL: out */
};

/* The whole program: parses, prints help or usage errors, opens files, dispatches. Returns the exit code. */
int cli_main(const cli_program *program, int argc, char **argv);

/*
 * Runs the call's command where we are and sees its output off: the command's exit code, or
 * CLI_CANNOT_WRITE when what it wrote has not all arrived.
 */
int cli_run_call(cli_call *call);

/* The command of that name ("key grant"), or NULL: for a `serve` that is handed a call. */
const cli_command *cli_find(const cli_program *program, const char *name);

/* The value or NULL; has it been given? Name is that of one of the command's options or, failing that, operands. */
const char *cli_value(const cli_call *call, const char *name);
bool cli_given(const cli_call *call, const char *name);
/* The input file of such an option or operand; NULL when it was not given. */
const cli_file *cli_input(const cli_call *call, const char *name);

/*
 * Where the command's data goes: the file of -o, or call->out. The file takes its place when the command
 * returns 0, or 65 with something written. With -o, what the command says on call->out is held back until
 * then, and never comes when the file cannot be written (73): so it may speak of the file as written.
 */
FILE *cli_output(cli_call *call);

/*
 * Puts the file of -o in its place now, for a command that has something to do once it is there; what the command said
 * is let go at the end all the same. Only where cli_main runs: a dispatch that has left for another process has its
 * own way to ask for it. 0, or errno: then nothing is left behind. 0 as well when there is no such file.
 */
int cli_put_output(cli_call *call) __attribute__((warn_unused_result));

/* Prints "ctai-agent : MESSAGE" to call->err and returns code, for `return cli_fail(...)`. */
int cli_fail(cli_call *call, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A note or warning on call->err, likewise prefixed. */
void cli_say(cli_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The message for a file that could not be opened or read; returns 65 (CLI_BAD_INPUT). */
int cli_bad_file(cli_call *call, const cli_file *file);

#endif
