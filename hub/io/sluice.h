/*
 * sluice: the hub's gate to the network: it listens, and lets what agents send pass to the ROUTER, on loopback,
 * only as fast as the hub can take it. libzmq bounds what it keeps by messages for each connection, and a message
 * by nothing, so that a few hundred agents could make it keep gigabytes; here what is inside is counted in bytes, of
 * all connections together.
 *
 * A frame passes when there is room for it: SLUICE_OWN_BYTES for each connection (above a session's credit),
 * SLUICE_ALL_BYTES for all; else it waits in its sender's TCP, first come, first served. What has passed
 * counts until the hub says that it is done with it. The frames are encrypted from end to end; only their sizes are
 * looked at.
 *
 * Always true: never more than SLUICE_ALL_BYTES and one frame, of frames above SLUICE_SMALL_BYTES, are inside;
 * who has not shaken hands sends frames of SLUICE_STRANGER_BYTES at most, and costs no more than a descriptor before
 * it has said anything; who sends a frame that the hub never gets to see whole (one of an endless message),
 * or holds room that others wait for without sending, is cut; a connection's number is never one that the hub
 * still knows for another. The ROUTER sees each connection's number as its address (127.x.y.z).
 *
 * Errors: errno. Any thread may call what has a connection's number, and a number of the past does nothing.
 */
#ifndef CTAI_SLUICE_H
#define CTAI_SLUICE_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "wire.h"

enum {
    SLUICE_ALL_BYTES = 64 * 1024 * 1024,
    SLUICE_OWN_BYTES = 9 * 1024 * 1024,
    SLUICE_FRAME_BYTES = WIRE_MESSAGE_MAX + 64, /* of a frame with the encryption's overhead */
    SLUICE_SMALL_BYTES = 64,         /* heartbeats: they leave no trace, so are counted by their rate */
    SLUICE_STRANGER_BYTES = 4096,
    SLUICE_UNREAD_BYTES = 1024 * 1024, /* more than that an agent must not leave unread, unless it is one message */
    SLUICE_CONNECTIONS = 8192,
    SLUICE_STRANGERS = 1024,         /* connections that have not shaken hands; a further one ends the oldest */
    SLUICE_HANDSHAKE_MS = 4000,
    SLUICE_UNSEEN_MS = 5000,         /* a whole frame must have reached the hub by then */
    SLUICE_RATE = 32 * 1024,         /* bytes a second at which a frame must come while others wait for room, */
    SLUICE_GRACE_MS = 5000,          /* on the average of so long */
};

typedef struct sluice sluice;

/* Nothing runs yet. NULL when memory or descriptors are short. */
sluice *sluice_new(void);
/* Ends the thread and all connections. */
void sluice_destroy(sluice **self);

/* Listens, and begins: what comes goes to 127.0.0.1 at that port. False with errno, as bind and getaddrinfo leave it. */
bool sluice_start(sluice *self, const endpoint *listen, unsigned port) __attribute__((warn_unused_result));

/* Listens no more, and waits at most so long for connections to be ended by the ROUTER. Harmless on NULL. */
void sluice_finish(sluice *self, int patience_ms);

/* What it is bound to, with the real port: "tcp://0.0.0.0:5670". */
const char *sluice_endpoint(const sluice *self);

/* The number of the connection that the ROUTER has from that address; 0: none of ours. */
uint32_t sluice_number(sluice *self, const char *address);

/* The agent's address, for the log: "192.0.2.7", or "?". */
void sluice_address(sluice *self, uint32_t number, char text[NI_MAXHOST]);

bool sluice_lives(sluice *self, uint32_t number);
void sluice_cut(sluice *self, uint32_t number);

/* The hub has a message of so many bytes from it; later: is done with it. */
void sluice_received(sluice *self, uint32_t number, size_t bytes);
void sluice_done(sluice *self, uint32_t number, size_t bytes);

/* The hub sends so many bytes to it. False: it does not read what it is sent. */
bool sluice_sends(sluice *self, uint32_t number, size_t bytes);

/* For tests and the log: bytes inside now, and the most there ever were; connections waiting for room. */
typedef struct {
    uint64_t inside, inside_max, connections, waiting, cut;
} sluice_state;
void sluice_look(sluice *self, sluice_state *state);

#endif
