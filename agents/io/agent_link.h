/*
 * agent_link: the agent's sockets, and the owner of libzmq there: one DEALER under CURVE towards one
 * of the hub's addresses, and the events of its connection.
 *
 * Always true: every connect makes a fresh socket, to the next address; that socket never tries again
 * by itself, and tells at most one ending (LOST, REFUSED_KEY or NO_DETAIL), after which it is gone
 * with all that it held. Who retries, and when, is the session's matter.
 */
#ifndef CTAI_AGENT_LINK_H
#define CTAI_AGENT_LINK_H

#include <poll.h>

#include "crypto.h"
#include "text.h"

typedef struct agent_link agent_link;

typedef enum {
    AGENT_LINK_QUIET, /* nothing more for now */
    AGENT_LINK_CONNECTED, /* the CURVE handshake has succeeded */
    AGENT_LINK_LOST, /* the connection is gone, or could not be made */
    AGENT_LINK_REFUSED_KEY, /* the hub knows our key not, or not any more (ZAP 400) */
    AGENT_LINK_NO_DETAIL, /* the handshake came to nothing: most often another key than expected */
    AGENT_LINK_MESSAGE, /* a frame */
} agent_link_event_type;

typedef struct {
    agent_link_event_type type;
    text_view
        message; /* MESSAGE: lives until the next call; empty when the peer sent several frames as one message */
} agent_link_event;

/* Our CURVE pair (copied by libzmq alone, at each connect; it must outlive the link). NULL when there is no memory. */
agent_link *agent_link_new(const crypto_box_pair *curve);
void agent_link_destroy(agent_link **self);

/*
 * Where the hub is and who: at most 8 addresses of 256 bytes, its CURVE public key. Takes effect with
 * the next connect.
 */
void agent_link_towards(agent_link *self, const text_view *addresses, unsigned count,
                        const uint8_t hub[CRYPTO_PUBLIC]);

/* A fresh socket to the next address. What goes wrong comes as an event. */
void agent_link_connect(agent_link *self);
/* Drops the socket; no event of it comes after. */
void agent_link_disconnect(agent_link *self);

/* One frame, without waiting; false when it could not be handed to the socket. */
bool agent_link_send(agent_link *self, text_view message) __attribute__((warn_unused_result));

/* The next event, without waiting. */
agent_link_event agent_link_next(agent_link *self);

/*
 * Waits at most timeout_ms (-1: without end) for an event or one of the others (at most 60, as poll),
 * whose revents it sets.
 */
void agent_link_wait(agent_link *self, struct pollfd *others, unsigned count, int timeout_ms);

/* "libzmq 4.3.4, libsodium 1.0.18": those that run; false when one is older than what the program is tested with. */
bool agent_link_versions(char *text, size_t size);

#endif
