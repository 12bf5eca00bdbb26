/*
 * batch: records on their way. A batch is a signed header, which covers the hash of each body, the
 * previous header's hash, the linkage keys in use and what the export covers; and the bodies, each
 * with a salt of its own, which can be taken out later without breaking chain or signature.
 * The byte form is PROTOCOL.md's: canonical MessagePack. Owner of that form together with wire.
 */
#ifndef CTAI_BATCH_H
#define CTAI_BATCH_H

#include "arena.h"
#include "batch_buffer.h"
#include "batch_key.h"
#include "crypto.h"
#include "record.h"

enum {
    BATCH_BODIES_MAX = 1024,
    BATCH_COVERAGE_MAX = 64,
    BATCH_ACTIONS_MAX = 32,
    BATCH_SCOPE_MAX = 32,            /* bytes of a scope's name */
    BATCH_BODY_MAX = 16 * 1024,      /* bytes */
    BATCH_HEADER_MAX = 128 * 1024,   /* bytes */
};

typedef struct {
    text_view contract;
    bool complete;               /* the operator's whole table of the contract, not additions */
    civil_month last_month;      /* of the export's events; CIVIL_NONE when it has none */
    unsigned action_count;
    text_view actions[BATCH_ACTIONS_MAX];
} batch_coverage;

typedef struct {
    uint8_t agent[CRYPTO_PUBLIC];    /* its Ed25519 key */
    text_view scope;
    uint64_t incarnation, sequence;  /* from 1 */
    uint8_t previous[CRYPTO_HASH];   /* hash of the header before; zeros for the first */
    unsigned scheme;                 /* of the tokens */
    unsigned key_count;              /* 0 (no token in the batch)..RECORD_TOKEN_SETS */
    batch_key keys[RECORD_TOKEN_SETS];
    unsigned coverage_count;
    batch_coverage *coverage;
    unsigned body_count;             /* 0..BATCH_BODIES_MAX */
    uint8_t (*hashes)[CRYPTO_HASH];  /* one for each body, in order */
} batch_header;

/* Appends the body of a record: its bytes with that salt. Fails for a record that a reader would not take. */
void batch_write_body(batch_buffer *to, const record *what, const uint8_t salt[CRYPTO_SALT]);
/* Appends the header's bytes. Fails for a header that a reader would not take. */
void batch_write_header(batch_buffer *to, const batch_header *header);
/* Hash of a body's or header's bytes, as the header and the chain hold it. */
void batch_hash(uint8_t hash[CRYPTO_HASH], text_view bytes);
void batch_sign(uint8_t signature[CRYPTO_SIGNATURE], text_view header_bytes, const crypto_sign_pair *by);
bool batch_verify(const uint8_t signature[CRYPTO_SIGNATURE], text_view header_bytes, const uint8_t agent[CRYPTO_PUBLIC]);

/*
 * Reads a header or a body; views point into bytes, arrays come from the arena. False when a byte
 * differs from the canonical form, a bound is passed, or memory is short.
 * Bodies also pass record_check: *reason says why a body was not taken.
 */
bool batch_read_header(batch_header *header, arena *from, text_view bytes) __attribute__((warn_unused_result));
/* Of a header that batch_read_header did not take: its fields 0 to 5, if these are right; all else of it is zero. */
bool batch_read_envelope(batch_header *header, text_view bytes) __attribute__((warn_unused_result));
bool batch_read_body(record *what, text_view bytes, record_reason *reason) __attribute__((warn_unused_result));

/*
 * Does a body fit its batch: the token sets that the header announces, keys that ascend? before is the last body
 * of a smaller index that is there, or NULL. RECORD_OK, RECORD_BAD_TOKENS or RECORD_DUPLICATE_KEY.
 */
record_reason batch_check_body(const batch_header *header, const record *what, const record *before) __attribute__((warn_unused_result));

/* Gives a body its salt, in place of the one that it was written with. */
void batch_salt_body(uint8_t *body, const uint8_t salt[CRYPTO_SALT]);

/* Hash of what a record says, salt apart: equal exactly when nothing changed (32-byte key of the agent's own). */
void batch_content_hash(uint8_t hash[CRYPTO_SHORT_HASH], const record *what, const uint8_t key[CRYPTO_KEY]);

/* The same of bodies, written with a salt of zeros: all at once, which is quicker. */
void batch_content_hashes(uint8_t (*hashes)[CRYPTO_SHORT_HASH], const text_view *bodies, unsigned count, const uint8_t key[CRYPTO_KEY]);

/* batch_hash of each body, likewise. */
void batch_hash_bodies(uint8_t (*hashes)[CRYPTO_HASH], const text_view *bodies, unsigned count);

#endif
