/* token: see token.h. */
#include "token.h"

#include <string.h>

#include "fold.h"

void token_key_id(uint8_t id[TOKEN_KEY_ID], const token_key *key)
{
    static const char domain[] = "ctai:key-id:1";
    crypto_short_hash(id, key->key, sizeof key->key, domain, sizeof domain - 1);
}

long token_identity(char to[TOKEN_IDENTITY_MAX], text_view family_name, text_view given_name, civil_day birth)
{
    const size_t end = TOKEN_IDENTITY_MAX - CIVIL_DAY_TEXT - 2; /* room for two bars and the day */
    long family = fold_name(to, end, family_name);
    if (family < 0)
        return -1;
    char *at = to + family;
    *at++ = '|';
    long given = fold_name(at, end - (size_t)family, given_name);
    if (given < 0)
        return -1;
    at += given;
    *at++ = '|';
    civil_day_text(birth, at);
    return at - to + CIVIL_DAY_TEXT - 1;
}

/* BLAKE2b-128(key, prefix + text); text is at most TOKEN_IDENTITY_MAX bytes. */
static void token_make(uint8_t token[TOKEN_SIZE], const token_key *key, const char *prefix, text_view text)
{
    char message[16 + TOKEN_IDENTITY_MAX];
    size_t prefix_size = strlen(prefix);
    size_t size = text.size < TOKEN_IDENTITY_MAX ? text.size : TOKEN_IDENTITY_MAX;
    memcpy(message, prefix, prefix_size);
    memcpy(message + prefix_size, text.at, size);
    crypto_short_hash(token, key->key, sizeof key->key, message, prefix_size + size);
    crypto_wipe(message, prefix_size + size);
}

void token_of_number(uint8_t token[TOKEN_SIZE], const token_key *key, const char digits[TOKEN_NUMBER_DIGITS])
{
    token_make(token, key, "ctai:e:1:", (text_view){digits, TOKEN_NUMBER_DIGITS});
}

void token_of_identity(uint8_t token[TOKEN_SIZE], const token_key *key, text_view identity)
{
    token_make(token, key, "ctai:i:1:", identity);
}

void token_of_household(uint8_t token[TOKEN_SIZE], const token_key *key, text_view smallest_identity)
{
    token_make(token, key, "ctai:m:1:", smallest_identity);
}
