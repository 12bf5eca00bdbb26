/* cli_help: --help of a program and of a command, in French, made from their tables (for cli alone). */
#ifndef CTAI_CLI_HELP_H
#define CTAI_CLI_HELP_H

#include "cli.h"

void cli_help_program(FILE *to, const cli_program *program);
void cli_help_command(FILE *to, const cli_program *program, const cli_command *command);

#endif
