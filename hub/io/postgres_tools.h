/*
 * postgres_tools: PostgreSQL's own programs (initdb, pg_ctl): where they are, and one run of one of
 * them, away from the terminal's signals.
 */
#ifndef CTAI_POSTGRES_TOOLS_H
#define CTAI_POSTGRES_TOOLS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The folder that holds initdb, pg_ctl and postgres of that major version ("15"), or of the newest one when it is
 * NULL: Debian's /usr/lib/postgresql/VERSION/bin, else what pg_config says. False when there is none.
 */
bool postgres_tools_find(const char *version, char folder[PATH_MAX]) __attribute__((warn_unused_result));

/*
 * Runs folder/arguments[0] (ended by NULL) in the folder where, in a process group of its own, with messages in
 * English, and waits. Its exit code, or -1 (errno). words gets the end of what it said on both outputs, white space trimmed.
 */
int postgres_tools_run(const char *folder, const char *where, const char *const *arguments, char *words, size_t words_size)
    __attribute__((warn_unused_result));

#endif
