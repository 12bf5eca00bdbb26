/*
 * credential: the three files that people carry between an operator and the prefecture, or between
 * two operators: request (.demande), approval (.approbation), grant of a linkage key (.cle). Each is
 * signed MessagePack in a text armour that survives mail (armour.h).
 */
#ifndef CTAI_CREDENTIAL_H
#define CTAI_CREDENTIAL_H

#include "armour.h"
#include "wire.h"

enum {
    CREDENTIAL_NAME_MAX = 40,      /* bytes of an agent's name: [a-z0-9-] */
    CREDENTIAL_FILE_MAX = 1 << 20, /* bytes of a file */
    CREDENTIAL_ADDRESSES_MAX = 8,
    CREDENTIAL_ADDRESS_MAX = 256,
    CREDENTIAL_BOX = CRYPTO_HASH + CRYPTO_KEY + CRYPTO_SEAL_OVERHEAD, /* hash of what binds it, then the key */
};

/* What an agent shows of itself. Its fingerprint covers the name and all three keys. */
typedef struct {
    char name[CREDENTIAL_NAME_MAX + 1];
    uint8_t curve[CRYPTO_PUBLIC], sign[CRYPTO_PUBLIC], box[CRYPTO_PUBLIC];
} credential_identity;

typedef struct {
    uint8_t hub_curve[CRYPTO_PUBLIC], hub_sign[CRYPTO_PUBLIC];
    unsigned address_count;
    text_view addresses[CREDENTIAL_ADDRESSES_MAX]; /* at least one: "tcp://192.0.2.1:5670" */
    credential_identity agent;                     /* for whom */
    unsigned contract_count;
    wire_contract *contracts;
} credential_approval;

typedef struct {
    credential_identity sender, recipient;
    char scope[BATCH_SCOPE_MAX + 1];
    uint32_t epoch;
    unsigned scheme;
    uint8_t key_id[TOKEN_KEY_ID];
    uint8_t box[CREDENTIAL_BOX];
} credential_grant;

typedef enum {
    CREDENTIAL_OK = 0,
    CREDENTIAL_NOT_ARMOURED,  /* not such a file, or cut */
    CREDENTIAL_OTHER_KIND,    /* another kind */
    CREDENTIAL_MALFORMED,
    CREDENTIAL_BAD_SIGNATURE,
    CREDENTIAL_NOT_FOR_US,    /* a grant's or approval's recipient is somebody else (for callers: readers do not know who we are) */
    CREDENTIAL_NO_MEMORY,
    CREDENTIAL_MIXED,         /* grants of one file that differ in sender, recipient or scope, or whose epochs do not ascend */
} credential_error;

/* 1 to 40 bytes of [a-z0-9-], the first no hyphen. */
bool credential_name_valid(text_view name);

/* Writers append the whole file's text. The signature is the sender's or hub's. */
void credential_write_request(batch_buffer *to, const credential_identity *self, const crypto_sign_pair *sign);
void credential_write_approval(batch_buffer *to, const credential_approval *approval, const crypto_sign_pair *hub_sign);
void credential_write_grant(batch_buffer *to, const credential_grant *grant, const crypto_sign_pair *sender_sign);

/* Readers check armour, form and signature; views and arrays come from the arena. */
credential_error credential_read_request(credential_identity *self, arena *from, text_view file) __attribute__((warn_unused_result));
credential_error credential_read_approval(credential_approval *approval, arena *from, text_view file) __attribute__((warn_unused_result));
credential_error credential_read_grant(credential_grant *grant, arena *from, text_view file) __attribute__((warn_unused_result));
/*
 * All grants of a file (one for each open epoch of a scope, one after another): *count of them, from 1, of one sender,
 * recipient and scope, epochs ascending. More than RECORD_TOKEN_SETS: MALFORMED.
 */
credential_error credential_read_grants(credential_grant grants[RECORD_TOKEN_SETS], unsigned *count, arena *from, text_view file) __attribute__((warn_unused_result));

/*
 * Makes and opens the box of a grant, bound to sender, recipient, scope, epoch, scheme and key id. Sealing sets
 * epoch, key_id and box from the other fields and key; opening requires that all of them agree with what was sealed.
 */
bool credential_seal_key(credential_grant *grant, const token_key *key, const uint8_t sender_box_secret[CRYPTO_SECRET]) __attribute__((warn_unused_result));
bool credential_open_key(token_key *key, const credential_grant *grant, const uint8_t recipient_box_secret[CRYPTO_SECRET]) __attribute__((warn_unused_result));

/*
 * The signed payload of a file of that kind, of at most bytes_max bytes; both lie in the arena. What the payload says, and
 * whether the signature is its sender's, is the caller's to see.
 */
typedef struct { text_view payload; const uint8_t *signature; } credential_envelope;
credential_error credential_open(credential_envelope *found, arena *from, armour_kind kind, size_t bytes_max, text_view file) __attribute__((warn_unused_result));

/* An identity as a part of what others write and read: an array of its four fields. */
void credential_write_identity(batch_buffer *to, const credential_identity *identity);
void credential_read_identity(mpack_reader *reader, credential_identity *identity);

void credential_fingerprint(char text[CRYPTO_FINGERPRINT_TEXT], const credential_identity *identity);
void credential_hub_fingerprint(char text[CRYPTO_FINGERPRINT_TEXT], const uint8_t curve[CRYPTO_PUBLIC], const uint8_t sign[CRYPTO_PUBLIC]);

/* For people, in French. */
const char *credential_error_text(credential_error error);

#endif
