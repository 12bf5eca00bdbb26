/*
 * zap: the hub's own ZAP handler (ZeroMQ RFC 27): libzmq asks it about every connection; it lets in
 * the CURVE keys that the gate knows, and nobody else. A message's User-Id is then the key in
 * lower-case hexadecimal.
 *
 * Always true: what is not understood is refused; without a handler nobody comes in, because the
 * link's socket has a ZAP domain. (czmq's zauth reads its keys from disk and misses changes of the
 * same second.) One handler a process.
 */
#ifndef CTAI_ZAP_H
#define CTAI_ZAP_H

#include "gate.h"
#include "sluice.h"

/* The ZAP domain of the hub's sockets. */
#define ZAP_DOMAIN "ctai"

typedef struct zap zap;

/* Starts the thread; before any socket binds. NULL: memory, or another handler runs. Both outlive it. */
zap *zap_new(gate *who, sluice *network);
/* Ends the thread. */
void zap_destroy(zap **self);

#endif
