/* privacy_hash: how privacy names what it looks for; for its own files alone. */
#ifndef CTAI_PRIVACY_HASH_H
#define CTAI_PRIVACY_HASH_H

#include "privacy.h"
#include "privacy_pieces.h"

enum {
    PRIVACY_WORDS_MAX = 8,     /* of a nom or a prenom */
    PRIVACY_JOINED_MAX = 2048, /* bytes of what is hashed; what is longer is cut, on both sides alike */
};

typedef enum {
    PRIVACY_FORM_NAME,  /* a name in one word, whether it has spaces or hyphens or not */
    PRIVACY_FORM_BOTH,  /* nom and prenom written as one word */
    PRIVACY_FORM_APART, /* a name of several words, as it is cut */
    PRIVACY_FORM_PAIR,  /* a word of nom beside one of prenom */
    PRIVACY_FORM_NUMBER,
    PRIVACY_FORM_BIRTH, /* yyyy-mm-dd */
} privacy_form;

void privacy_hash(uint8_t hash[7], const uint8_t *record_key, privacy_form form, const text_view *parts, size_t count);

#endif
