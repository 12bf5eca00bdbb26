/*
 * postgres_program: finds and runs the programs of PostgreSQL (initdb, postgres, pg_ctl), as the
 * process's own identity, with what they say in "postgres.log" of the hub's home.
 */
#ifndef CTAI_POSTGRES_PROGRAM_H
#define CTAI_POSTGRES_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/*
 * The folder of the programs: of the version that the data folder names, or (data NULL) of the newest
 * that is installed; at last one on the PATH. False when there is none.
 */
bool postgres_program_folder(char folder[PATH_MAX], const char *data) __attribute__((warn_unused_result));

/*
 * Runs folder/words[0] with those words (NULL-ended) and waits. input, if not NULL, is its standard
 * input. Its exit code, or -1 when it could not be run or died of a signal.
 */
int postgres_program_run(const char *folder, const char *home, const char *const *words, const char *input);

#endif
