/*
 * postgres_tools: PostgreSQL's own programs (initdb, pg_ctl; pg_dump, pg_restore, psql): where they are, and one run
 * of one of them, away from the terminal's signals.
 */
#ifndef CTAI_POSTGRES_TOOLS_H
#define CTAI_POSTGRES_TOOLS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

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

/*
 * The folder that holds pg_dump, pg_restore and psql for a server of that major version (15): the same version's if it
 * is there, else the newest above it. False when there is none.
 */
bool postgres_tools_find_client(int server, char folder[PATH_MAX]) __attribute__((warn_unused_result));

/* A client program that runs: what it reads and writes is ours. */
typedef struct {
    pid_t child;
    int in;   /* its standard input, to write to; -1: it reads a file */
    int out;  /* its standard output, to read from */
    int said; /* what it says on its standard error */
} postgres_tools_job;

/*
 * Starts folder/arguments[0] (ended by NULL), as above. It reads the file input (from where it stands), or what is
 * written to job->in when input is -1; service is a file of connection settings (database_service), which the program
 * finds under the name "ctai": "--dbname=service=ctai". Both stay the caller's. False with errno. It dies with us: its input ends.
 */
bool postgres_tools_start(postgres_tools_job *job, const char *folder, const char *const *arguments, int input, int service)
    __attribute__((warn_unused_result));

/*
 * Closes our ends and waits. Its exit code, or 128 (a signal). words gets the beginning of what it said on its
 * standard error.
 */
int postgres_tools_end(postgres_tools_job *job, char *words, size_t words_size) __attribute__((warn_unused_result));

#endif
