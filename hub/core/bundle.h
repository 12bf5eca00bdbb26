/*
 * bundle: the keys of a hub on their way to a second one that shares its identity and its database
 * (DESIGN: several hubs on one database), sealed in a file of armour HUB. What opens it is a code of
 * 30 digits that the program makes and people carry apart from the file.
 *
 * The code has log2(10^30) = 99.6 bits, too many to be tried even without the stretching (Argon2id),
 * so that a file which is found years later gives nothing away.
 *
 * The form is in PROTOCOL.md (Files). The hash in it is there to tell a damaged file from a wrong code:
 * it proves nothing, the box does.
 *
 * Always true: whole or refused; after an error the bundle holds no key.
 */
#ifndef CTAI_BUNDLE_H
#define CTAI_BUNDLE_H

#include "arena.h"
#include "batch_buffer.h"
#include "crypto.h"
#include "hub_conf.h"

enum {
    BUNDLE_CODE_TEXT = 36,     /* 6 groups of 5 digits, 5 hyphens, NUL */
    BUNDLE_INSIDE_MAX = 4096,  /* bytes of a box's content */
    BUNDLE_FILE_MAX = 16 * 1024,
};

/* All of it is secret: the caller locks it in memory, and wipes it. */
typedef struct {
    crypto_box_pair curve;
    crypto_sign_pair sign;
    uint8_t pepper[CRYPTO_KEY];
    bool stable_at_commit;
    unsigned address_count; /* 1 to HUB_CONF_ADDRESSES_MAX: where agents reach the hub that made it */
    endpoint addresses[HUB_CONF_ADDRESSES_MAX];
    char code[BUNDLE_CODE_TEXT];
    uint8_t key[CRYPTO_KEY], inside[BUNDLE_INSIDE_MAX]; /* of seal and open alone; zeros after */
} bundle;

typedef enum {
    BUNDLE_OK = 0,
    BUNDLE_NOT_ARMOURED, /* not such a file, or cut */
    BUNDLE_OTHER_KIND,   /* another of our files */
    BUNDLE_DAMAGED,
    BUNDLE_WRONG_CODE,
    BUNDLE_NO_MEMORY,
} bundle_error;

/* A new code; what somebody typed as one: false unless it has 30 digits (spaces and hyphens apart). */
void bundle_code_new(bundle *self);
bool bundle_code_take(bundle *self, text_view typed) __attribute__((warn_unused_result));

/* Appends the file's text, sealed with self's code. BUNDLE_OK or BUNDLE_NO_MEMORY. */
bundle_error bundle_seal(bundle *self, batch_buffer *to) __attribute__((warn_unused_result));

/* The parts of a file that is whole; they lie in the arena. */
typedef struct {
    text_view box;
    const uint8_t *salt;
} bundle_sealed;

/* Reads a file's text as far as this goes without the code. */
bundle_error bundle_read(bundle_sealed *sealed, arena *from, text_view file) __attribute__((warn_unused_result));
/* Opens it with self's code: self has it all, or nothing but the code. */
bundle_error bundle_open(bundle *self, const bundle_sealed *sealed) __attribute__((warn_unused_result));

/* For people, in French. */
const char *bundle_error_text(bundle_error error);

#endif
