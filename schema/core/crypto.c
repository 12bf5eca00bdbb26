/* crypto: see crypto.h. */
#include "crypto.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

_Static_assert(CRYPTO_SIGNATURE == crypto_sign_BYTES, "Ed25519");
_Static_assert(CRYPTO_SIGN_SECRET == crypto_sign_SECRETKEYBYTES, "Ed25519");
_Static_assert(CRYPTO_SECRET == crypto_box_SECRETKEYBYTES, "X25519");
_Static_assert(CRYPTO_SALT == crypto_pwhash_argon2id_SALTBYTES, "Argon2id");
_Static_assert(CRYPTO_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "XChaCha20-Poly1305");
_Static_assert(CRYPTO_WRAP_OVERHEAD == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "XChaCha20-Poly1305");
_Static_assert(CRYPTO_SEAL_OVERHEAD == crypto_box_NONCEBYTES + crypto_box_MACBYTES, "box");

int crypto_start(void)
{
    return sodium_init() < 0 ? -1 : 0;
}

const char *crypto_version(void)
{
    return sodium_version_string();
}

bool crypto_version_good(void)
{
    return sodium_library_version_major() > 10 || (sodium_library_version_major() == 10 && sodium_library_version_minor() >= 3);
}

void crypto_random(void *to, size_t size)
{
    randombytes_buf(to, size);
}

void crypto_random_many(void *to, size_t size)
{
    uint8_t seed[randombytes_SEEDBYTES];
    randombytes_buf(seed, sizeof seed);
    randombytes_buf_deterministic(to, size, seed);
    sodium_memzero(seed, sizeof seed);
}

uint32_t crypto_random_below(uint32_t below)
{
    return randombytes_uniform(below);
}

static void blake2b(uint8_t *to, size_t to_size, const uint8_t *key, size_t key_size, const void *data, size_t size)
{
    assert(key ? key_size >= 16 && key_size <= 64 : key_size == 0);
    int failed = crypto_generichash(to, to_size, data, size, key, key_size);
    assert(!failed);
}

void crypto_short_hash(uint8_t to[CRYPTO_SHORT_HASH], const uint8_t *key, size_t key_size, const void *data, size_t size)
{
    blake2b(to, CRYPTO_SHORT_HASH, key, key_size, data, size);
}

void crypto_digest(uint8_t to[CRYPTO_HASH], const uint8_t *key, size_t key_size, const void *data, size_t size)
{
    blake2b(to, CRYPTO_HASH, key, key_size, data, size);
}

/* libsodium's state, in the room that the header gives it. */
static crypto_generichash_state *state_of(crypto_running *self)
{
    _Static_assert(sizeof self->state >= sizeof(crypto_generichash_state), "the state has room");
    return (crypto_generichash_state *)(void *)self->state;
}

void crypto_running_begin(crypto_running *self)
{
    int failed = crypto_generichash_init(state_of(self), NULL, 0, CRYPTO_HASH);
    assert(!failed);
}

void crypto_running_add(crypto_running *self, const void *data, size_t size)
{
    int failed = crypto_generichash_update(state_of(self), data, size);
    assert(!failed);
}

void crypto_running_end(crypto_running *self, uint8_t to[CRYPTO_HASH])
{
    int failed = crypto_generichash_final(state_of(self), to, CRYPTO_HASH);
    assert(!failed);
}

void crypto_running_begin_short(crypto_running *self, const uint8_t key[CRYPTO_KEY])
{
    int failed = crypto_generichash_init(state_of(self), key, CRYPTO_KEY, CRYPTO_SHORT_HASH);
    assert(!failed);
}

void crypto_running_end_short(crypto_running *self, uint8_t to[CRYPTO_SHORT_HASH])
{
    int failed = crypto_generichash_final(state_of(self), to, CRYPTO_SHORT_HASH);
    assert(!failed);
}

static crypto_onetimeauth_state *marks_of(crypto_marking *self)
{
    _Static_assert(sizeof self->state >= sizeof(crypto_onetimeauth_state), "the state has room");
    _Static_assert(CRYPTO_KEY == crypto_onetimeauth_KEYBYTES && CRYPTO_MARK == crypto_onetimeauth_BYTES, "Poly1305");
    return (crypto_onetimeauth_state *)(void *)self->state;
}

void crypto_marking_begin(crypto_marking *self, const uint8_t key[CRYPTO_KEY])
{
    int failed = crypto_onetimeauth_init(marks_of(self), key);
    assert(!failed);
}

void crypto_marking_add(crypto_marking *self, const void *data, size_t size)
{
    int failed = crypto_onetimeauth_update(marks_of(self), data, size);
    assert(!failed);
}

void crypto_marking_end(crypto_marking *self, uint8_t to[CRYPTO_MARK])
{
    int failed = crypto_onetimeauth_final(marks_of(self), to);
    assert(!failed);
}

void crypto_mask(void *data, size_t size, const uint8_t key[CRYPTO_KEY], uint64_t block)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES]; /* each key is used for one purpose alone */
    _Static_assert(CRYPTO_KEY == crypto_stream_chacha20_KEYBYTES, "ChaCha20");
    int failed = crypto_stream_chacha20_xor_ic(data, data, size, nonce, block, key);
    assert(!failed);
}

void crypto_sign_new(crypto_sign_pair *pair)
{
    int failed = crypto_sign_keypair(pair->public_key, pair->secret_key);
    assert(!failed);
}

void crypto_box_new(crypto_box_pair *pair)
{
    int failed = crypto_box_keypair(pair->public_key, pair->secret_key);
    assert(!failed);
}

void crypto_sign_with(uint8_t signature[CRYPTO_SIGNATURE], const void *data, size_t size, const crypto_sign_pair *by)
{
    int failed = crypto_sign_detached(signature, NULL, data, size, by->secret_key);
    assert(!failed);
}

bool crypto_verify(const uint8_t signature[CRYPTO_SIGNATURE], const void *data, size_t size,
                   const uint8_t public_key[CRYPTO_PUBLIC])
{
    return crypto_sign_verify_detached(signature, data, size, public_key) == 0;
}

bool crypto_seal(uint8_t *to, const void *data, size_t size, const uint8_t recipient[CRYPTO_PUBLIC],
                 const uint8_t sender_secret[CRYPTO_SECRET])
{
    crypto_random(to, crypto_box_NONCEBYTES);
    return crypto_box_easy(to + crypto_box_NONCEBYTES, data, size, to, recipient, sender_secret) == 0;
}

bool crypto_open(uint8_t *to, const uint8_t *box, size_t size, const uint8_t sender[CRYPTO_PUBLIC],
                 const uint8_t recipient_secret[CRYPTO_SECRET])
{
    if (size < CRYPTO_SEAL_OVERHEAD)
        return false;
    return crypto_box_open_easy(to, box + crypto_box_NONCEBYTES, size - crypto_box_NONCEBYTES, box, sender,
                                recipient_secret) == 0;
}

enum { STRETCH_PASSES = 4, STRETCH_BYTES = 64 * 1024 * 1024 };

bool crypto_stretch(uint8_t key[CRYPTO_KEY], const char *secret, const uint8_t salt[CRYPTO_SALT])
{
    return crypto_pwhash_argon2id(key, CRYPTO_KEY, secret, strlen(secret), salt, STRETCH_PASSES, STRETCH_BYTES,
                                  crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0;
}

enum { WRAP_NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES };

void crypto_wrap(uint8_t *to, const void *data, size_t size, text_view context, const uint8_t key[CRYPTO_KEY])
{
    crypto_random(to, WRAP_NONCE);
    int failed = crypto_aead_xchacha20poly1305_ietf_encrypt(to + WRAP_NONCE, NULL, data, size, (const uint8_t *)context.at,
                                                            context.size, NULL, to, key);
    assert(!failed);
}

bool crypto_unwrap(uint8_t *to, const uint8_t *box, size_t size, text_view context, const uint8_t key[CRYPTO_KEY])
{
    if (size < CRYPTO_WRAP_OVERHEAD)
        return false;
    return crypto_aead_xchacha20poly1305_ietf_decrypt(to, NULL, NULL, box + WRAP_NONCE, size - WRAP_NONCE,
                                                      (const uint8_t *)context.at, context.size, box, key) == 0;
}

bool crypto_equal(const void *a, const void *b, size_t size)
{
    return sodium_memcmp(a, b, size) == 0;
}

void crypto_wipe(void *data, size_t size)
{
    sodium_memzero(data, size);
}

bool crypto_lock(void *data, size_t size)
{
    return sodium_mlock(data, size) == 0;
}

enum { FINGERPRINT_GROUPS = 8, FINGERPRINT_DIGITS = 40 };

void crypto_fingerprint(char text[CRYPTO_FINGERPRINT_TEXT], const void *data, size_t size)
{
    static const char domain[] = "ctai-fingerprint-1";
    crypto_generichash_state state;
    uint8_t digest[CRYPTO_HASH];
    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    crypto_generichash_update(&state, (const uint8_t *)domain, sizeof domain - 1);
    crypto_generichash_update(&state, data, size);
    crypto_generichash_final(&state, digest, sizeof digest);
    for (int i = 0; i < FINGERPRINT_GROUPS; i++) {
        const uint8_t *at = digest + 4 * i;
        uint32_t word = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        snprintf(text + 6 * i, 7, "%05u%s", (unsigned)(word % 100000), i + 1 < FINGERPRINT_GROUPS ? "-" : "");
    }
}

/* The digits alone; false unless there are exactly as many as a fingerprint has. */
static bool fingerprint_digits(char digits[FINGERPRINT_DIGITS], const char *text)
{
    int count = 0;
    for (; *text; text++) {
        if (*text == ' ' || *text == '-')
            continue;
        if (*text < '0' || *text > '9' || count == FINGERPRINT_DIGITS)
            return false;
        digits[count++] = *text;
    }
    return count == FINGERPRINT_DIGITS;
}

bool crypto_fingerprint_valid(const char *text)
{
    char digits[FINGERPRINT_DIGITS];
    return fingerprint_digits(digits, text);
}

bool crypto_fingerprint_equal(const char *a, const char *b)
{
    char a_digits[FINGERPRINT_DIGITS], b_digits[FINGERPRINT_DIGITS];
    return fingerprint_digits(a_digits, a) && fingerprint_digits(b_digits, b) &&
           crypto_equal(a_digits, b_digits, FINGERPRINT_DIGITS);
}

void crypto_hex(char *to, const void *data, size_t size)
{
    sodium_bin2hex(to, 2 * size + 1, data, size);
}

size_t crypto_base64_size(size_t size)
{
    return sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
}

void crypto_base64(char *to, const void *data, size_t size)
{
    sodium_bin2base64(to, crypto_base64_size(size), data, size, sodium_base64_VARIANT_ORIGINAL);
}

long crypto_base64_decode(uint8_t *to, size_t capacity, text_view text)
{
    size_t size = 0;
    if (text.size == 0)
        return 0;
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.at[i] > '~') /* libsodium takes some of these for letters */
            return -1;
    if (sodium_base642bin(to, capacity, text.at, text.size, " \t\r\n", &size, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return -1;
    return (long)size;
}
