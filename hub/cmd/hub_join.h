/*
 * hub_join: what `ctai-hub init --join` takes from the first hub: its bundle, opened with the code that the
 * person types, or that stands in a file.
 */
#ifndef CTAI_HUB_JOIN_H
#define CTAI_HUB_JOIN_H

#include "bundle.h"
#include "cli.h"
#include "hub_conf.h"

/*
 * Reads the bundle of --join and opens it with the code of --code, or of the terminal. *joined (locked memory) is then
 * the caller's, to be given back with hub_join_forget. 0 or an exit code, said: 64, 65, 70, 77, 78.
 */
int hub_join_read(cli_call *call, bundle **joined) __attribute__((warn_unused_result));

/* Takes over what this hub shares with the first: both are announced, this one first. 0 or an exit code, said. */
int hub_join_configure(cli_call *call, const bundle *joined, hub_conf *conf, const endpoint *own)
    __attribute__((warn_unused_result));

/* A bundle in locked memory, all zeros; NULL: memory was short. Wipes it and gives it back. */
bundle *hub_join_new(void);
void hub_join_forget(bundle **joined);

#endif
