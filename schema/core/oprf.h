/*
 * oprf: an oblivious pseudorandom function after RFC 9497, suite ristretto255-SHA512, modes OPRF and VOPRF, on libsodium.
 * A server with a key k and a client with an input x compute F(k, x); the server learns nothing of x, the client nothing of k;
 * in the mode VOPRF the server also proves that it used the key of its public key. Elements, scalars and proofs are in the
 * RFC's bytes. Not in the live path: token.h keeps the scheme's number (TOKEN_SCHEME_OPRF).
 *
 * What always holds: elements from outside that are not canonical or are the identity, scalars that are not canonical or are
 * zero, and inputs past their bounds are refused (false), and what the function was to write is then zeros. Nothing
 * branches on, or is indexed by, a key, a blind, an input's bytes or a proof's randomness; copies of these are wiped.
 * An element or a scalar that honest parties make is refused with a chance of about 2^-252: a client then takes
 * another blind. crypto_start must have succeeded.
 */
#ifndef CTAI_OPRF_H
#define CTAI_OPRF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum {
    OPRF_ELEMENT = 32,
    OPRF_SCALAR = 32,
    OPRF_SEED = 32,
    OPRF_PROOF = 64,        /* two scalars: the challenge c, the answer s */
    OPRF_OUTPUT = 64,
    OPRF_INPUT_MAX = 65535, /* bytes; of a derivation's info too (two bytes hold its length: RFC 9497, 3.2.1 and 3.3.1) */
    OPRF_BATCH_MAX = 65535, /* elements under one proof (two bytes hold its number: 2.2.1) */
    OPRF_EXPAND_MAX = 255 * 64,    /* bytes that the expander gives (RFC 9380, 5.3.1) */
    OPRF_DOMAIN_MAX = 255,
};

/* The value goes into every hash: an output, a key or a proof of one mode means nothing in the other (RFC 9497, 3.1). */
typedef enum { OPRF_MODE_PLAIN = 0, OPRF_MODE_VERIFIABLE = 1 } oprf_mode;

typedef struct {
    oprf_mode mode;
    uint8_t secret[OPRF_SCALAR];      /* skS */
    uint8_t public_key[OPRF_ELEMENT]; /* pkS */
} oprf_key;

/* GenerateKeyPair. */
void oprf_key_new(oprf_key *key, oprf_mode mode);
/* A key whose secret is kept: false when it is zero or not canonical. */
bool oprf_key_from(oprf_key *key, oprf_mode mode, const uint8_t secret[OPRF_SCALAR]) __attribute__((warn_unused_result));
/* DeriveKeyPair (3.2.1): from a secret seed and a public info of 0 to OPRF_INPUT_MAX bytes. */
bool oprf_key_derive(oprf_key *key, oprf_mode mode, const uint8_t seed[OPRF_SEED], text_view info) __attribute__((warn_unused_result));
void oprf_key_wipe(oprf_key *key);

/* A scalar that is not zero: a blind, or the randomness of a proof. Never used twice. */
void oprf_scalar_new(uint8_t scalar[OPRF_SCALAR]);

/* The client (Blind, 3.3.1): what goes to the server. The blind stays with the client. */
bool oprf_blind(uint8_t blinded[OPRF_ELEMENT], oprf_mode mode, text_view input, const uint8_t blind[OPRF_SCALAR]) __attribute__((warn_unused_result));
/* The server (BlindEvaluate, without the proof): k times what came. */
bool oprf_blind_evaluate(uint8_t evaluated[OPRF_ELEMENT], const oprf_key *key, const uint8_t blinded[OPRF_ELEMENT]) __attribute__((warn_unused_result));
/*
 * The server (GenerateProof, 2.2.1): that each of evaluated[count] is the key times its blinded[count], with one
 * proof for all of them. count from 1 to OPRF_BATCH_MAX; the key's mode is OPRF_MODE_VERIFIABLE.
 */
bool oprf_prove(uint8_t proof[OPRF_PROOF], const oprf_key *key, const uint8_t (*blinded)[OPRF_ELEMENT],
                const uint8_t (*evaluated)[OPRF_ELEMENT], size_t count, const uint8_t random[OPRF_SCALAR]) __attribute__((warn_unused_result));
/* The client (VerifyProof, 2.2.2): was it the key of public_key, for each of them? */
bool oprf_verify(const uint8_t proof[OPRF_PROOF], const uint8_t public_key[OPRF_ELEMENT], const uint8_t (*blinded)[OPRF_ELEMENT],
                 const uint8_t (*evaluated)[OPRF_ELEMENT], size_t count) __attribute__((warn_unused_result));
/* The client (Finalize, 3.3.1): in the mode OPRF_MODE_VERIFIABLE only after oprf_verify said yes to the whole batch. */
bool oprf_finalize(uint8_t output[OPRF_OUTPUT], text_view input, const uint8_t blind[OPRF_SCALAR],
                   const uint8_t evaluated[OPRF_ELEMENT]) __attribute__((warn_unused_result));
/* Who has both key and input (Evaluate, 3.3.1): the same output. */
bool oprf_evaluate(uint8_t output[OPRF_OUTPUT], const oprf_key *key, text_view input) __attribute__((warn_unused_result));

/*
 * expand_message_xmd with SHA-512 (RFC 9380, 5.3.1): size bytes, 1 to OPRF_EXPAND_MAX, from a message and a domain of 1 to
 * OPRF_DOMAIN_MAX bytes.
 */
bool oprf_expand(uint8_t *to, size_t size, text_view message, text_view domain) __attribute__((warn_unused_result));

#endif
