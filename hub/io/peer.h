/*
 * peer: the connections that have spoken to the hub, each with its session. The link's thread alone
 * uses it.
 *
 * Always true: one peer for each routing id; at most one peer of a key has said HELLO and stays, the
 * one that said it last (the others are being cut); a connection is cut only after its descriptor has been seen to be
 * still the same connection, since the system gives descriptors out again.
 */
#ifndef CTAI_PEER_H
#define CTAI_PEER_H

#include <sys/socket.h>

#include "admission.h"
#include "hub_session.h"

enum {
    PEER_MAX = 8192,
    PEER_OF_KEY_MAX = 4,               /* connections of one key that are not being cut */
    PEER_CUT_DELAY_MS = 200,           /* what was sent before a cut has so long to leave */
    PEER_BLIND_MS_MAX = 10 * 60 * 1000, /* a silent peer whose connection cannot be seen is forgotten */
};

typedef struct {
    uint64_t number;              /* never used again: names the session in jobs */
    uint32_t routing;             /* the ROUTER's id, its last four bytes */
    uint8_t curve[CRYPTO_PUBLIC];
    char name[CREDENTIAL_NAME_MAX + 1];
    hub_session session;
    bool greeted;                 /* has said HELLO */
    bool leaving;                 /* says nothing more, hears nothing more; cut at cut_ms */
    uint64_t cut_ms, heard_ms;
    uint8_t contracts[CRYPTO_HASH]; /* digest of what it was last told of its contracts */
    int socket;                   /* descriptor of the connection; -1: not known */
    struct sockaddr_storage remote;
    socklen_t remote_size;
} peer;

typedef struct peer_table peer_table;

peer_table *peer_table_new(void);
void peer_table_destroy(peer_table **self);

unsigned peer_count(const peer_table *self);
peer *peer_at(const peer_table *self, unsigned index);
peer *peer_by_routing(const peer_table *self, uint32_t routing);
peer *peer_by_number(const peer_table *self, uint64_t number);

/* A new peer for an admitted agent. NULL: there are PEER_MAX, or PEER_OF_KEY_MAX of its key, or memory is short. */
peer *peer_add(peer_table *self, uint32_t routing, const admission_entry *who, uint64_t now_ms);

/* It has said HELLO: the key's other peers begin to leave. */
void peer_greet(peer_table *self, peer *who, uint64_t now_ms);

/* The peer's connection is this descriptor, if its remote address is the one that libzmq tells. */
void peer_see(peer *self, int descriptor, const char *address, uint64_t now_ms);

/* It will be cut after what was sent to it has left. */
void peer_leave(peer *self, uint64_t now_ms);

/* Shuts a connection that has no peer (yet), under the same condition as peer_see. */
void peer_shut(int descriptor, const char *address);

/*
 * Cuts those whose time has come, and forgets those whose connection is gone. Gives the milliseconds until it
 * needs to be called again, at most limit_ms.
 */
int peer_sweep(peer_table *self, uint64_t now_ms, int limit_ms);

#endif
