/*
 * hub_base: what nearly every command of the hub stands on: the home, the private cluster when there
 * is one, and the store. Commands of a home run beside a running `serve`: they share the database, and
 * a change tells every hub on it (store_changed).
 */
#ifndef CTAI_HUB_BASE_H
#define CTAI_HUB_BASE_H

#include <jansson.h>

#include "arena.h"
#include "cli.h"
#include "cluster.h"
#include "hub_home.h"
#include "store.h"

typedef struct {
    hub_home home;
    cluster *cluster; /* NULL: the database is somebody else's */
    store *store;
} hub_base;

/* Opens all of it. 0, or the exit code, when it has said why on call->err; then nothing is open. */
int hub_base_open(hub_base *self, cli_call *call) __attribute__((warn_unused_result));
/* The same with a store that works as another role than the owner's. */
int hub_base_open_for(hub_base *self, cli_call *call, store_use use) __attribute__((warn_unused_result));
void hub_base_close(hub_base *self);

/* Without the store, for commands that open their own (serve): conninfo and keys are then in options. */
int hub_base_open_home(hub_base *self, cli_call *call) __attribute__((warn_unused_result));
void hub_base_store_options(const hub_base *self, store_use use, store_options *options);

/* Refuses a password in the environment of a hub that has a database of others. 0 or an exit code, said. */
int hub_base_environment(cli_call *call, const hub_conf *conf) __attribute__((warn_unused_result));

/* Opens all of it, runs what a command does there with an arena of that many bytes, and closes. The exit code. */
int hub_base_run(cli_call *call, size_t memory_bytes, int (*run)(cli_call *call, hub_base *base, arena *memory));

/* Says what the store says of its last failure, and gives the exit code. */
int hub_base_fail(const hub_base *self, cli_call *call, database_error error);
/* The ending of a French noun after a count: "s" from two on. */
const char *hub_base_plural(uint64_t count);
/* Says that memory is short: 70. */
int hub_base_no_memory(cli_call *call);
/* Writes what (taken over; NULL: memory was short) to the call's output as a line. 0 or 70. */
int hub_base_json(cli_call *call, json_t *what);

#endif
