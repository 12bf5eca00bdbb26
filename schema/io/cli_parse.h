/* cli_parse: an argument vector read against a program's tables of commands and options (for cli alone). */
#ifndef CTAI_CLI_PARSE_H
#define CTAI_CLI_PARSE_H

#include "cli.h"

typedef enum {
    CLI_PARSE_RUN,     /* call->command, values, operands, json are set */
    CLI_PARSE_HELP,    /* --help; call->command is NULL for the program's own */
    CLI_PARSE_VERSION,
    CLI_PARSE_WRONG,   /* said so on call->err */
} cli_parsed;

/* Fills in call, whose program and err are set; *home is --home's value or NULL. Opens nothing. */
cli_parsed cli_parse(cli_call *call, int argc, char **argv, const char **home);

/* The index of the option, or operand, of that name in a table that may be NULL; -1 when there is none. */
int cli_option_index(const cli_command *command, const char *name);
int cli_operand_index(const cli_command *command, const char *name);

#endif
