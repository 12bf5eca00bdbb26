/*
 * hub_link: the hub's side of the network: a ROUTER socket with CURVE, one session for each agent that
 * speaks, and the writers behind them. It carries out what the sessions say, and decides nothing.
 *
 * Always true: only the thread of hub_link_run touches the socket; who speaks is the ZAP User-Id of
 * the message's own payload frame, never a field of it; a message of a key that the gate does not
 * know any more, or of more than one frame, is not processed and its connection is cut. What agents have sent and
 * the hub is not done with is bounded by the sluice, whoever sends it and however.
 */
#ifndef CTAI_HUB_LINK_H
#define CTAI_HUB_LINK_H

#include "gate.h"
#include "hub_home.h"
#include "store.h"

enum {
    HUB_LINK_HANDSHAKE_MS = 2000,
    HUB_LINK_HEARTBEAT_MS = 10 * 1000,
    HUB_LINK_HEARTBEAT_TIMEOUT_MS = 300 * 1000, /* what waits at the sluice holds heartbeats back; TCP sees who is gone */
    HUB_LINK_HEARTBEAT_TTL_MS = 30 * 1000,
    HUB_LINK_KERNEL_BYTES = 128 * 1024, /* of a connection inside, each way */
    HUB_LINK_MESSAGES_WAITING = 32, /* of a connection, each way: above a session's credit */
    HUB_LINK_LINGER_MS = 1000,      /* at the end, for the last acknowledgements */
};

typedef struct {
    const endpoint *listen;
    const hub_keys *keys;  /* outlives the link */
    gate *who;             /* likewise */
    unsigned writers;
    const store_options *store;
} hub_link_options;

typedef struct hub_link hub_link;

/*
 * Binds, with the ZAP handler running. NULL with errno: EADDRINUSE, EADDRNOTAVAIL, EACCES, ENODEV... or ENOMEM.
 * Descriptors: the soft limit is raised to the hard one.
 */
hub_link *hub_link_new(const hub_link_options *options);
void hub_link_destroy(hub_link **self);

/* What it has bound, with the real port: "tcp://0.0.0.0:5670". */
const char *hub_link_endpoint(const hub_link *self);

/*
 * Serves until stop (a descriptor) is readable: then what the writers have in hand is finished and
 * acknowledged. False: the store has failed for good.
 */
bool hub_link_run(hub_link *self, int stop);

/* From any thread: the gate, contracts or rights have changed. */
void hub_link_changed(hub_link *self);

/* "libzmq 4.3.4, czmq 4.2.1, libsodium 1.0.18": those that run; false when one is older than what the program is tested with. */
bool hub_link_versions(char *text, size_t size);

#endif
