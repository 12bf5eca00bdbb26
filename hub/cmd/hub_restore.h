/* hub_restore: a backup into the database of the hub whose it is; for `restore` and for `init --join --restore`. */
#ifndef CTAI_HUB_RESTORE_H
#define CTAI_HUB_RESTORE_H

#include "backup_manifest.h"
#include "hub_base.h"

enum { HUB_RESTORE_MEMORY_BYTES = 32 * 1024 * 1024 };

/*
 * Is the file of that option or operand a whole backup of the hub with the home's keys, of a schema known here? 0, or
 * the exit code, said why.
 */
int hub_restore_verify(cli_call *call, const hub_base *base, const char *name, arena *memory, backup_manifest *manifest);

/*
 * A verified one takes the place of what the database holds, if that is nothing or may be replaced. 0,
 * or the exit code, said why. The store is opened anew.
 */
int hub_restore_load(cli_call *call, hub_base *base, const char *name, bool replace, arena *memory,
                     const backup_manifest *manifest);

#endif
