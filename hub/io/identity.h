/*
 * identity: as whom the hub runs. Called by root, it becomes the owner of its home for good before it
 * opens anything there, so that no daemon runs as root and PostgreSQL, which refuses root, can be started;
 * `init` gives the home to the user `ctai-hub` if there is one, else to `postgres`. Files that the user
 * named are open by then; what else is to be written in the user's folder is put there by the parent
 * process, which stays root (identity_place).
 */
#ifndef CTAI_IDENTITY_H
#define CTAI_IDENTITY_H

#include "cli.h"
#include "outfolder.h"

enum { IDENTITY_NEW_HOME = 1, IDENTITY_PLACES = 2 };

/*
 * Runs the call's command as the home's owner; gives its exit code. flags: IDENTITY_NEW_HOME makes the home and
 * gives it its owner first; IDENTITY_PLACES: the command may call identity_place. For anyone but root the
 * command runs as they are. Before the command: no core dumps, working directory /.
 */
int identity_run(cli_call *call, unsigned flags);

/*
 * Writes a file of that plain name (no folder) into the user's folder, whole or not at all, with the user's
 * rights. 0, or errno.
 */
int identity_place(cli_call *call, const char *name, const void *data,
                   size_t size) __attribute__((warn_unused_result));

/*
 * cli_put_output, wherever the command runs: the file of -o is in its place, before the command goes on. 0, or errno.
 */
int identity_put_output(cli_call *call) __attribute__((warn_unused_result));

/*
 * Writes a folder of files with the user's rights, whole or not at all (outfolder), at the path that the call's operand of
 * that index names, from the user's folder on. 0, or errno.
 */
int identity_place_folder(cli_call *call, int operand, const outfolder_file *files,
                          unsigned count) __attribute__((warn_unused_result));

/* Takes PG* out of the environment, which would mislead the private cluster. Before any thread. */
void identity_forget_postgres(void);

#endif
