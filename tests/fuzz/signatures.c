/*
 * A stand-in for Ed25519 (see CMakeLists.txt): what is fuzzed with it is the sessions and the codec, not libsodium, and
 * a real verification would cost a hundred times what a step does. Keyed by the public key alone: right and wrong
 * signatures are told apart just as well.
 */
#include <string.h>

#include "crypto.h"

void __wrap_crypto_sign_with(uint8_t signature[CRYPTO_SIGNATURE], const void *data, size_t size, const crypto_sign_pair *by);
bool __wrap_crypto_verify(const uint8_t signature[CRYPTO_SIGNATURE], const void *data, size_t size, const uint8_t public_key[CRYPTO_PUBLIC]);

static uint64_t mix(uint64_t state, uint64_t word)
{
    state = (state ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return state ^ state >> 29;
}

static uint64_t mix_bytes(uint64_t state, const uint8_t *bytes, size_t size)
{
    uint64_t word;

    for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        state = mix(state, word);
    }
    word = 0;
    if (size > 0)
        memcpy(&word, bytes, size);
    return mix(state, word ^ (uint64_t) size << 56);
}

static void sign(uint8_t signature[CRYPTO_SIGNATURE], const void *data, size_t size, const uint8_t public_key[CRYPTO_PUBLIC])
{
    uint64_t state = mix_bytes(mix_bytes(1, public_key, CRYPTO_PUBLIC), data, size);

    for (size_t i = 0; i < CRYPTO_SIGNATURE; i += sizeof state) {
        state = mix(state, i);
        memcpy(signature + i, &state, sizeof state);
    }
}

void __wrap_crypto_sign_with(uint8_t signature[CRYPTO_SIGNATURE], const void *data, size_t size, const crypto_sign_pair *by)
{
    sign(signature, data, size, by->public_key);
}

bool __wrap_crypto_verify(const uint8_t signature[CRYPTO_SIGNATURE], const void *data, size_t size, const uint8_t public_key[CRYPTO_PUBLIC])
{
    uint8_t right[CRYPTO_SIGNATURE];

    sign(right, data, size, public_key);
    return memcmp(signature, right, sizeof right) == 0;
}
