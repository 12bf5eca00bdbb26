/*
 * peer: the connections that have spoken to the hub, each with its session. The link's thread alone
 * uses it.
 *
 * Always true: one peer for each routing id; at most one peer of a key has said HELLO and stays, the
 * one that said it last (the others are being cut); a peer whose connection the sluice does not know any more is
 * forgotten.
 */
#ifndef CTAI_PEER_H
#define CTAI_PEER_H

#include "admission.h"
#include "hub_session.h"
#include "sluice.h"

enum {
    PEER_MAX = 8192,
    PEER_OF_KEY_MAX = 4,               /* connections of one key that are not being cut */
    PEER_CUT_DELAY_MS = 200,           /* what was sent before a cut has so long to leave */
};

typedef struct {
    uint64_t number;              /* never used again: names the session in jobs */
    uint32_t routing;             /* the ROUTER's id, its last four bytes */
    uint8_t curve[CRYPTO_PUBLIC];
    char name[CREDENTIAL_NAME_MAX + 1];
    hub_session session;
    bool greeted;                 /* has said HELLO */
    bool leaving;                 /* says nothing more, hears nothing more; cut at cut_ms */
    uint64_t cut_ms;
    uint8_t contracts[CRYPTO_HASH]; /* digest of what it was last told of its contracts */
    uint32_t connection;          /* the sluice's number of it */
} peer;

typedef struct peer_table peer_table;

/* gate: outlives the table. NULL when memory is short. */
peer_table *peer_table_new(sluice *gate);
void peer_table_destroy(peer_table **self);

unsigned peer_count(const peer_table *self);
peer *peer_at(const peer_table *self, unsigned index);
peer *peer_by_routing(const peer_table *self, uint32_t routing);
peer *peer_by_number(const peer_table *self, uint64_t number);

/* A new peer for an admitted agent. NULL: there are PEER_MAX, or PEER_OF_KEY_MAX of its key, or memory is short. */
peer *peer_add(peer_table *self, uint32_t routing, uint32_t connection, const admission_entry *who);

/* It has said HELLO: the key's other peers begin to leave. */
void peer_greet(peer_table *self, peer *who, uint64_t now_ms);

/* It will be cut after what was sent to it has left. */
void peer_leave(peer *self, uint64_t now_ms);

/*
 * Cuts those whose time has come, and forgets those whose connection is gone. Gives the milliseconds until it
 * needs to be called again, at most limit_ms.
 */
int peer_sweep(peer_table *self, uint64_t now_ms, int limit_ms);

#endif
