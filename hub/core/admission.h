/*
 * admission: who may speak to the hub: a table of CURVE keys, each with the agent that it stands
 * for. A table is filled once, sealed, and never changes after; a refresh makes another one.
 *
 * Always true of a sealed table: sorted by key, no key twice, so a search is binary and any number
 * of threads may read it.
 */
#ifndef CTAI_ADMISSION_H
#define CTAI_ADMISSION_H

#include "credential.h"

enum { ADMISSION_MAX = 65536 }; /* agents of a table */

typedef struct {
    uint8_t curve[CRYPTO_PUBLIC];  /* the key of the connection */
    uint8_t sign[CRYPTO_PUBLIC];   /* Ed25519: names the agent in batches and in the store */
    char name[CREDENTIAL_NAME_MAX + 1];
    bool revoked;
} admission_entry;

typedef struct admission admission;

/* An empty table; NULL when memory is short. */
admission *admission_new(void);
void admission_destroy(admission **self);

/* Adds a copy, before the seal. False when there are too many or memory is short. */
bool admission_add(admission *self, const admission_entry *entry) __attribute__((warn_unused_result));

/*
 * Sorts. False when two entries share a CURVE or a signing key: then who speaks is not certain, and
 * the table must not be used.
 */
bool admission_seal(admission *self) __attribute__((warn_unused_result));

size_t admission_count(const admission *self);

/* Copies the entry of that key, revoked or not. False when there is none. */
bool admission_find(const admission *self, const uint8_t curve[CRYPTO_PUBLIC], admission_entry *entry);

/* Is there such a key, not revoked? */
bool admission_allows(const admission *self, const uint8_t curve[CRYPTO_PUBLIC]);

#endif
