/*
 * token: the pseudonyms of persons and households (scheme 1: keyed BLAKE2b-128) under the linkage
 * key of a scope. The hub never has such a key.
 */
#ifndef CTAI_TOKEN_H
#define CTAI_TOKEN_H

#include "civil.h"
#include "crypto.h"
#include "text.h"

enum {
    TOKEN_SIZE = 16,
    TOKEN_KEY_ID = 16,
    TOKEN_NUMBER_DIGITS = 10,
    TOKEN_IDENTITY_MAX = 1024, /* bytes of fold(nom)|fold(prenom)|date with the NUL */
    TOKEN_SCHEME_BLAKE2B = 1,
    TOKEN_SCHEME_OPRF = 2, /* reserved: RFC 9497, ristretto255-SHA512 */
};

typedef struct {
    uint32_t epoch; /* from 1 */
    uint8_t key[CRYPTO_KEY];
} token_key;

/* Names the key without giving it away: BLAKE2b-128(key K, "ctai:key-id:1"). */
void token_key_id(uint8_t id[TOKEN_KEY_ID], const token_key *key);

/* fold(nom) "|" fold(prenom) "|" yyyy-mm-dd; its length, or -1 when it does not fit or is not UTF-8. */
long token_identity(char to[TOKEN_IDENTITY_MAX], text_view family_name, text_view given_name, civil_day birth);

void token_of_number(uint8_t token[TOKEN_SIZE], const token_key *key, const char digits[TOKEN_NUMBER_DIGITS]); /* E */
void token_of_identity(uint8_t token[TOKEN_SIZE], const token_key *key, text_view identity);                    /* I */
void token_of_household(uint8_t token[TOKEN_SIZE], const token_key *key, text_view smallest_identity);          /* M */

#endif
