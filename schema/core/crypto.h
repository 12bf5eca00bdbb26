/*
 * crypto: the one owner of libsodium. Hashes are BLAKE2b (RFC 7693), signatures Ed25519 (RFC 8032),
 * sealed boxes X25519 + XSalsa20-Poly1305, CURVE keys X25519 (RFC 7748), secrets that people type
 * Argon2id (RFC 9106), what lies under a key of one's own XChaCha20-Poly1305. (crypto_hash and
 * crypto_sign are names of libsodium itself: ours are crypto_digest and crypto_sign_with.)
 */
#ifndef CTAI_CRYPTO_H
#define CTAI_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum {
    CRYPTO_KEY = 32,        /* a symmetric key, bytes */
    CRYPTO_PUBLIC = 32,     /* a public key of any of the three kinds */
    CRYPTO_SIGN_SECRET = 64,
    CRYPTO_SECRET = 32,     /* a secret key of CURVE or of a box */
    CRYPTO_SIGNATURE = 64,
    CRYPTO_HASH = 32,
    CRYPTO_SHORT_HASH = 16,
    CRYPTO_SALT = 16,
    CRYPTO_SEAL_OVERHEAD = 40, /* nonce 24 + tag 16 */
    CRYPTO_WRAP_OVERHEAD = 40, /* likewise */
    CRYPTO_FINGERPRINT_TEXT = 48, /* 8 groups of 5 digits, 7 hyphens, NUL */
};

typedef struct { uint8_t public_key[CRYPTO_PUBLIC]; uint8_t secret_key[CRYPTO_SIGN_SECRET]; } crypto_sign_pair;
typedef struct { uint8_t public_key[CRYPTO_PUBLIC]; uint8_t secret_key[CRYPTO_SECRET]; } crypto_box_pair;

/* Must succeed once before anything else: 0, or -1 when the library cannot start. */
int crypto_start(void) __attribute__((warn_unused_result));
/* libsodium's; is it at least the one that the program is tested with? */
const char *crypto_version(void);
bool crypto_version_good(void);

void crypto_random(void *to, size_t size);
/* Likewise, many bytes: ChaCha20's keystream under a key that the system gives for these alone, which nobody keeps. */
void crypto_random_many(void *to, size_t size);
/* A number from 0 to below - 1, each as likely. */
uint32_t crypto_random_below(uint32_t below);

/* BLAKE2b-128 and BLAKE2b-256; key may be NULL (unkeyed), else key_size is 16 to 64. */
void crypto_short_hash(uint8_t to[CRYPTO_SHORT_HASH], const uint8_t *key, size_t key_size, const void *data, size_t size);
void crypto_digest(uint8_t to[CRYPTO_HASH], const uint8_t *key, size_t key_size, const void *data, size_t size);

/* BLAKE2b-256 of what comes piece by piece; or, begun with a key, BLAKE2b-128: what crypto_short_hash gives of all of it. */
typedef struct { _Alignas(64) uint8_t state[384]; } crypto_running;
void crypto_running_begin(crypto_running *self);
void crypto_running_add(crypto_running *self, const void *data, size_t size);
void crypto_running_end(crypto_running *self, uint8_t to[CRYPTO_HASH]);
void crypto_running_begin_short(crypto_running *self, const uint8_t key[CRYPTO_KEY]);
void crypto_running_end_short(crypto_running *self, uint8_t to[CRYPTO_SHORT_HASH]);

/*
 * Poly1305 (RFC 8439) of what comes piece by piece: is it what came before? The key is drawn at random for the readings of
 * one content, and neither it nor a mark is ever shown or kept: then two contents of up to 2 GiB have the same mark with a
 * chance below 2^-75, whoever chose them. It takes a fraction of a hash's time.
 */
enum { CRYPTO_MARK = 16 };
typedef struct { _Alignas(64) uint8_t state[256]; } crypto_marking;
void crypto_marking_begin(crypto_marking *self, const uint8_t key[CRYPTO_KEY]);
void crypto_marking_add(crypto_marking *self, const void *data, size_t size);
void crypto_marking_end(crypto_marking *self, uint8_t to[CRYPTO_MARK]);

/*
 * Makes bytes unreadable without the key, and readable again: exclusive or with ChaCha20's keystream from that block of 64
 * bytes on (whole blocks, or a last one that is cut). Under one key no block may be used for two contents. What lies there
 * can be changed by others: it is for what only the memory of this process is too small for.
 */
enum { CRYPTO_MASK_BLOCK = 64 };
void crypto_mask(void *data, size_t size, const uint8_t key[CRYPTO_KEY], uint64_t block);

void crypto_sign_new(crypto_sign_pair *pair);
void crypto_box_new(crypto_box_pair *pair); /* also for CURVE */
void crypto_sign_with(uint8_t signature[CRYPTO_SIGNATURE], const void *data, size_t size, const crypto_sign_pair *by);
bool crypto_verify(const uint8_t signature[CRYPTO_SIGNATURE], const void *data, size_t size, const uint8_t public_key[CRYPTO_PUBLIC]);

/* A box from one to another: to holds size + CRYPTO_SEAL_OVERHEAD bytes (nonce, then box). */
bool crypto_seal(uint8_t *to, const void *data, size_t size, const uint8_t recipient[CRYPTO_PUBLIC], const uint8_t sender_secret[CRYPTO_SECRET]) __attribute__((warn_unused_result));
/* to holds size - CRYPTO_SEAL_OVERHEAD bytes; false when it was not sealed by sender for recipient. */
bool crypto_open(uint8_t *to, const uint8_t *box, size_t size, const uint8_t sender[CRYPTO_PUBLIC], const uint8_t recipient_secret[CRYPTO_SECRET]) __attribute__((warn_unused_result));

/*
 * A key from a secret that people type: Argon2id, 4 passes over 64 MiB. For ever the same: what lies under such
 * a key has no parameters of its own. False when there is no memory.
 */
bool crypto_stretch(uint8_t key[CRYPTO_KEY], const char *secret, const uint8_t salt[CRYPTO_SALT]) __attribute__((warn_unused_result));
/* Under a key: to holds size + CRYPTO_WRAP_OVERHEAD bytes (nonce, then box). context is bound to it, and not in it. */
void crypto_wrap(uint8_t *to, const void *data, size_t size, text_view context, const uint8_t key[CRYPTO_KEY]);
/* to holds size - CRYPTO_WRAP_OVERHEAD bytes; false when key and context are not those, or a byte has changed. */
bool crypto_unwrap(uint8_t *to, const uint8_t *box, size_t size, text_view context, const uint8_t key[CRYPTO_KEY]) __attribute__((warn_unused_result));

bool crypto_equal(const void *a, const void *b, size_t size); /* in constant time */
void crypto_wipe(void *data, size_t size);
/* Keeps it out of swap and of core files; false (with errno) when the system refuses. */
bool crypto_lock(void *data, size_t size) __attribute__((warn_unused_result));

/*
 * What two people read to each other on the telephone: BLAKE2b-256("ctai-fingerprint-1" || data)
 * as 8 groups of 5 decimal digits joined by hyphens
 * (group i = big-endian bytes 4i..4i+3 modulo 100000).
 */
void crypto_fingerprint(char text[CRYPTO_FINGERPRINT_TEXT], const void *data, size_t size);
/* Has it the digits of a fingerprint, spaces and hyphens apart? */
bool crypto_fingerprint_valid(const char *text);
/* Do the digits of two fingerprints agree, spaces and hyphens apart? Constant time. */
bool crypto_fingerprint_equal(const char *a, const char *b);

/* Lower-case hexadecimal with a NUL: to holds 2 * size + 1. */
void crypto_hex(char *to, const void *data, size_t size);
/* Standard base64 with padding. to holds crypto_base64_size(size), NUL included. */
size_t crypto_base64_size(size_t size);
void crypto_base64(char *to, const void *data, size_t size);
/* Bytes decoded (white space is skipped), or -1 when it is not base64 or does not fit. */
long crypto_base64_decode(uint8_t *to, size_t capacity, text_view text);

#endif
