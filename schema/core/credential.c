#include "credential.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "armour.h"
#include "mpack.h"

static const char *const domains[] = {
    [ARMOUR_REQUEST] = "ctai-demande-1",
    [ARMOUR_APPROVAL] = "ctai-approbation-1",
    [ARMOUR_GRANT] = "ctai-cle-1",
};

#define BOUND_DOMAIN "ctai-cle-lien-1"

enum {
    ENVELOPE_FIELDS = 2,
    REQUEST_FIELDS = 2,
    APPROVAL_FIELDS = 6,
    GRANT_FIELDS = 8,
    BOUND_FIELDS = 7,
    IDENTITY_FIELDS = 4,
    HUB_FIELDS = 2,
    DOMAIN_MAX = 32,
    SMALL_MAX = 1024,  /* bytes of an identity or of what binds a box */
};

static text_view bytes_of(const batch_buffer *buffer)
{
    return (text_view){(const char *) buffer->data, buffer->size};
}

bool credential_name_valid(text_view name)
{
    if (name.size == 0 || name.size > CREDENTIAL_NAME_MAX || name.at[0] == '-')
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

/* The text of an address of the hub: tcp:// and printable ASCII without spaces. */
static bool address_valid(text_view address)
{
    static const char scheme[] = "tcp://";

    if (address.size < sizeof scheme || address.size > CREDENTIAL_ADDRESS_MAX
        || memcmp(address.at, scheme, sizeof scheme - 1) != 0)
        return false;
    for (size_t i = 0; i < address.size; i++)
        if (address.at[i] <= ' ' || address.at[i] > '~')
            return false;
    return true;
}

credential_error credential_open(credential_envelope *found, arena *from, armour_kind kind, size_t bytes_max, text_view file)
{
    static const credential_error errors[] = {
        [ARMOUR_OK] = CREDENTIAL_OK,
        [ARMOUR_NONE] = CREDENTIAL_NOT_ARMOURED,
        [ARMOUR_OTHER_KIND] = CREDENTIAL_OTHER_KIND,
        [ARMOUR_DAMAGED] = CREDENTIAL_MALFORMED,
        [ARMOUR_NO_MEMORY] = CREDENTIAL_NO_MEMORY,
    };
    text_view bytes;
    mpack_reader reader;

    *found = (credential_envelope){0};
    if (file.size > bytes_max)
        return CREDENTIAL_NOT_ARMOURED;
    credential_error error = errors[armour_read(&bytes, from, kind, file)];
    if (error != CREDENTIAL_OK)
        return error;
    mpack_reader_init(&reader, bytes);
    mpack_read_array_of(&reader, ENVELOPE_FIELDS);
    found->payload = mpack_read_binary(&reader, bytes_max);
    found->signature = mpack_read_fixed(&reader, CRYPTO_SIGNATURE);
    return mpack_read_done(&reader) ? CREDENTIAL_OK : CREDENTIAL_MALFORMED;
}

/* What every reader ends with: the payload's form, then its signature. */
static credential_error judge(const mpack_reader *reader, const credential_envelope *found, const uint8_t signer[CRYPTO_PUBLIC])
{
    if (!mpack_read_done(reader))
        return CREDENTIAL_MALFORMED;
    if (!crypto_verify(found->signature, found->payload.at, found->payload.size, signer))
        return CREDENTIAL_BAD_SIGNATURE;
    return CREDENTIAL_OK;
}

static void begin(batch_buffer *payload, armour_kind kind, unsigned fields)
{
    batch_buffer_init(payload, CREDENTIAL_FILE_MAX);
    mpack_write_array(payload, fields);
    mpack_write_string(payload, text_of(domains[kind]), DOMAIN_MAX);
}

/* Signs the payload, appends the file's text, releases the payload. */
static void finish(batch_buffer *to, batch_buffer *payload, armour_kind kind, const crypto_sign_pair *by)
{
    uint8_t signature[CRYPTO_SIGNATURE];
    batch_buffer bytes;

    batch_buffer_init(&bytes, CREDENTIAL_FILE_MAX);
    if (!payload->failed) {
        crypto_sign_with(signature, payload->data, payload->size, by);
        mpack_write_array(&bytes, ENVELOPE_FIELDS);
        mpack_write_binary(&bytes, payload->data, payload->size);
        mpack_write_binary(&bytes, signature, sizeof signature);
    }
    if (payload->failed || bytes.failed)
        to->failed = true;
    else
        armour_write(to, kind, bytes_of(&bytes));
    batch_buffer_release(&bytes);
    batch_buffer_release(payload);
}

void credential_write_identity(batch_buffer *to, const credential_identity *identity)
{
    if (!credential_name_valid(text_of(identity->name)))
        to->failed = true;
    mpack_write_array(to, IDENTITY_FIELDS);
    mpack_write_string(to, text_of(identity->name), CREDENTIAL_NAME_MAX);
    mpack_write_binary(to, identity->curve, CRYPTO_PUBLIC);
    mpack_write_binary(to, identity->sign, CRYPTO_PUBLIC);
    mpack_write_binary(to, identity->box, CRYPTO_PUBLIC);
}

void credential_read_identity(mpack_reader *reader, credential_identity *identity)
{
    mpack_read_array_of(reader, IDENTITY_FIELDS);
    text_view name = mpack_read_string(reader, CREDENTIAL_NAME_MAX);
    if (!credential_name_valid(name) || !text_copy(identity->name, sizeof identity->name, name))
        mpack_read_fail(reader);
    mpack_read_bytes(reader, identity->curve, CRYPTO_PUBLIC);
    mpack_read_bytes(reader, identity->sign, CRYPTO_PUBLIC);
    mpack_read_bytes(reader, identity->box, CRYPTO_PUBLIC);
}

/* Request. */

void credential_write_request(batch_buffer *to, const credential_identity *self, const crypto_sign_pair *sign)
{
    batch_buffer payload;

    begin(&payload, ARMOUR_REQUEST, REQUEST_FIELDS);
    credential_write_identity(&payload, self);
    finish(to, &payload, ARMOUR_REQUEST, sign);
}

credential_error credential_read_request(credential_identity *self, arena *from, text_view file)
{
    credential_envelope found;
    mpack_reader reader;

    *self = (credential_identity){0};
    credential_error error = credential_open(&found, from, ARMOUR_REQUEST, CREDENTIAL_FILE_MAX, file);
    if (error != CREDENTIAL_OK)
        return error;
    mpack_reader_init(&reader, found.payload);
    mpack_read_array_of(&reader, REQUEST_FIELDS);
    mpack_read_literal(&reader, domains[ARMOUR_REQUEST]);
    credential_read_identity(&reader, self);
    return judge(&reader, &found, self->sign);
}

/* Approval. */

void credential_write_approval(batch_buffer *to, const credential_approval *approval, const crypto_sign_pair *hub_sign)
{
    batch_buffer payload, contracts;

    begin(&payload, ARMOUR_APPROVAL, APPROVAL_FIELDS);
    mpack_write_binary(&payload, approval->hub_curve, CRYPTO_PUBLIC);
    mpack_write_binary(&payload, approval->hub_sign, CRYPTO_PUBLIC);
    if (approval->address_count < 1 || approval->address_count > CREDENTIAL_ADDRESSES_MAX) {
        payload.failed = true;
    } else {
        mpack_write_array(&payload, approval->address_count);
        for (unsigned i = 0; i < approval->address_count; i++) {
            if (!address_valid(approval->addresses[i]))
                payload.failed = true;
            mpack_write_string(&payload, approval->addresses[i], CREDENTIAL_ADDRESS_MAX);
        }
    }
    credential_write_identity(&payload, &approval->agent);
    batch_buffer_init(&contracts, CREDENTIAL_FILE_MAX);
    wire_write_contracts(&contracts, approval->contracts, approval->contract_count);
    if (contracts.failed)
        payload.failed = true;
    else
        mpack_write_binary(&payload, contracts.data, contracts.size);
    batch_buffer_release(&contracts);
    finish(to, &payload, ARMOUR_APPROVAL, hub_sign);
}

credential_error credential_read_approval(credential_approval *approval, arena *from, text_view file)
{
    credential_envelope found;
    mpack_reader reader;

    *approval = (credential_approval){0};
    credential_error error = credential_open(&found, from, ARMOUR_APPROVAL, CREDENTIAL_FILE_MAX, file);
    if (error != CREDENTIAL_OK)
        return error;
    mpack_reader_init(&reader, found.payload);
    mpack_read_array_of(&reader, APPROVAL_FIELDS);
    mpack_read_literal(&reader, domains[ARMOUR_APPROVAL]);
    mpack_read_bytes(&reader, approval->hub_curve, CRYPTO_PUBLIC);
    mpack_read_bytes(&reader, approval->hub_sign, CRYPTO_PUBLIC);
    approval->address_count = mpack_read_array(&reader, CREDENTIAL_ADDRESSES_MAX);
    if (approval->address_count < 1)
        mpack_read_fail(&reader);
    for (unsigned i = 0; i < approval->address_count; i++) {
        approval->addresses[i] = mpack_read_string(&reader, CREDENTIAL_ADDRESS_MAX);
        if (!address_valid(approval->addresses[i]))
            mpack_read_fail(&reader);
    }
    credential_read_identity(&reader, &approval->agent);
    text_view contracts = mpack_read_binary(&reader, CREDENTIAL_FILE_MAX);
    error = judge(&reader, &found, approval->hub_sign);
    if (error != CREDENTIAL_OK)
        return error;
    if (!wire_read_contracts(&approval->contracts, &approval->contract_count, from, contracts))
        return CREDENTIAL_MALFORMED;
    return CREDENTIAL_OK;
}

/* Grant. */

void credential_write_grant(batch_buffer *to, const credential_grant *grant, const crypto_sign_pair *sender_sign)
{
    batch_buffer payload;

    begin(&payload, ARMOUR_GRANT, GRANT_FIELDS);
    credential_write_identity(&payload, &grant->sender);
    credential_write_identity(&payload, &grant->recipient);
    mpack_write_name(&payload, text_of(grant->scope), BATCH_SCOPE_MAX);
    mpack_write_uint(&payload, grant->epoch);
    mpack_write_uint(&payload, grant->scheme);
    mpack_write_binary(&payload, grant->key_id, TOKEN_KEY_ID);
    mpack_write_binary(&payload, grant->box, CREDENTIAL_BOX);
    if (grant->epoch == 0 || grant->scheme != TOKEN_SCHEME_BLAKE2B)
        payload.failed = true;
    finish(to, &payload, ARMOUR_GRANT, sender_sign);
}

credential_error credential_read_grant(credential_grant *grant, arena *from, text_view file)
{
    credential_envelope found;
    mpack_reader reader;

    *grant = (credential_grant){0};
    credential_error error = credential_open(&found, from, ARMOUR_GRANT, CREDENTIAL_FILE_MAX, file);
    if (error != CREDENTIAL_OK)
        return error;
    mpack_reader_init(&reader, found.payload);
    mpack_read_array_of(&reader, GRANT_FIELDS);
    mpack_read_literal(&reader, domains[ARMOUR_GRANT]);
    credential_read_identity(&reader, &grant->sender);
    credential_read_identity(&reader, &grant->recipient);
    text_view scope = mpack_read_name(&reader, BATCH_SCOPE_MAX);
    if (!text_copy(grant->scope, sizeof grant->scope, scope))
        mpack_read_fail(&reader);
    grant->epoch = (uint32_t) mpack_read_uint(&reader, 1, UINT32_MAX);
    grant->scheme = (unsigned) mpack_read_uint(&reader, TOKEN_SCHEME_BLAKE2B, TOKEN_SCHEME_BLAKE2B);
    mpack_read_bytes(&reader, grant->key_id, TOKEN_KEY_ID);
    mpack_read_bytes(&reader, grant->box, CREDENTIAL_BOX);
    return judge(&reader, &found, grant->sender.sign);
}

static bool same_identity(const credential_identity *a, const credential_identity *b)
{
    return strcmp(a->name, b->name) == 0 && crypto_equal(a->curve, b->curve, CRYPTO_PUBLIC)
           && crypto_equal(a->sign, b->sign, CRYPTO_PUBLIC) && crypto_equal(a->box, b->box, CRYPTO_PUBLIC);
}

credential_error credential_read_grants(credential_grant grants[RECORD_TOKEN_SETS], unsigned *count, arena *from,
                                        text_view file)
{
    if (file.size > CREDENTIAL_FILE_MAX)
        return CREDENTIAL_NOT_ARMOURED;
    for (*count = 0;; ++*count) {
        text_view rest = file;
        armour_result more = armour_skip(&rest, ARMOUR_GRANT);
        if (more == ARMOUR_DAMAGED)
            return CREDENTIAL_NOT_ARMOURED;
        if (more == ARMOUR_NONE && *count > 0)
            return CREDENTIAL_OK;
        if (*count == RECORD_TOKEN_SETS)
            return CREDENTIAL_MALFORMED;
        credential_grant *grant = &grants[*count];
        credential_error error = credential_read_grant(grant, from, file);
        if (error != CREDENTIAL_OK)
            return error;
        if (*count > 0 && (!same_identity(&grant->sender, &grants[0].sender)
                           || !same_identity(&grant->recipient, &grants[0].recipient)
                           || strcmp(grant->scope, grants[0].scope) != 0 || grant->epoch <= grants[*count - 1].epoch))
            return CREDENTIAL_MIXED;
        file = rest;
    }
}

/* Hash of all that a box is bound to; false when a field of the grant is not well formed. */
static bool bound_hash(uint8_t hash[CRYPTO_HASH], const credential_grant *grant)
{
    uint8_t bytes[SMALL_MAX];
    batch_buffer bound = {.data = bytes, .capacity = sizeof bytes, .limit = sizeof bytes};

    mpack_write_array(&bound, BOUND_FIELDS);
    mpack_write_string(&bound, text_of(BOUND_DOMAIN), DOMAIN_MAX);
    credential_write_identity(&bound, &grant->sender);
    credential_write_identity(&bound, &grant->recipient);
    mpack_write_name(&bound, text_of(grant->scope), BATCH_SCOPE_MAX);
    mpack_write_uint(&bound, grant->epoch);
    mpack_write_uint(&bound, grant->scheme);
    mpack_write_binary(&bound, grant->key_id, TOKEN_KEY_ID);
    if (bound.failed)
        return false;
    crypto_digest(hash, NULL, 0, bound.data, bound.size);
    return true;
}

bool credential_seal_key(credential_grant *grant, const token_key *key, const uint8_t sender_box_secret[CRYPTO_SECRET])
{
    uint8_t inside[CRYPTO_HASH + CRYPTO_KEY];

    grant->epoch = key->epoch;
    token_key_id(grant->key_id, key);
    if (!bound_hash(inside, grant))
        return false;
    memcpy(inside + CRYPTO_HASH, key->key, CRYPTO_KEY);
    bool sealed = crypto_seal(grant->box, inside, sizeof inside, grant->recipient.box, sender_box_secret);
    crypto_wipe(inside, sizeof inside);
    return sealed;
}

bool credential_open_key(token_key *key, const credential_grant *grant, const uint8_t recipient_box_secret[CRYPTO_SECRET])
{
    uint8_t inside[CRYPTO_HASH + CRYPTO_KEY], hash[CRYPTO_HASH], id[TOKEN_KEY_ID];

    bool opened = bound_hash(hash, grant)
                  && crypto_open(inside, grant->box, CREDENTIAL_BOX, grant->sender.box, recipient_box_secret)
                  && crypto_equal(inside, hash, CRYPTO_HASH);
    if (opened) {
        key->epoch = grant->epoch;
        memcpy(key->key, inside + CRYPTO_HASH, CRYPTO_KEY);
        token_key_id(id, key);
        opened = crypto_equal(id, grant->key_id, TOKEN_KEY_ID);
    }
    if (!opened)
        crypto_wipe(key, sizeof *key);
    crypto_wipe(inside, sizeof inside);
    return opened;
}

void credential_fingerprint(char text[CRYPTO_FINGERPRINT_TEXT], const credential_identity *identity)
{
    uint8_t bytes[SMALL_MAX];
    batch_buffer shown = {.data = bytes, .capacity = sizeof bytes, .limit = sizeof bytes};

    credential_write_identity(&shown, identity);
    assert(!shown.failed); /* an identity that was read, or made with a valid name */
    crypto_fingerprint(text, shown.data, shown.size);
}

void credential_hub_fingerprint(char text[CRYPTO_FINGERPRINT_TEXT], const uint8_t curve[CRYPTO_PUBLIC], const uint8_t sign[CRYPTO_PUBLIC])
{
    uint8_t bytes[SMALL_MAX];
    batch_buffer shown = {.data = bytes, .capacity = sizeof bytes, .limit = sizeof bytes};

    mpack_write_array(&shown, HUB_FIELDS);
    mpack_write_binary(&shown, curve, CRYPTO_PUBLIC);
    mpack_write_binary(&shown, sign, CRYPTO_PUBLIC);
    crypto_fingerprint(text, shown.data, shown.size);
}

const char *credential_error_text(credential_error error)
{
    switch (error) {
    case CREDENTIAL_OK: return "aucune erreur";
    case CREDENTIAL_NOT_ARMOURED: return "ce n’est pas un fichier de cette sorte, ou il est coupé";
    case CREDENTIAL_OTHER_KIND: return "ce fichier est d’une autre sorte (demande, approbation, clé, trousseau d’un hub ou reçus)";
    case CREDENTIAL_MALFORMED: return "le contenu du fichier est abîmé";
    case CREDENTIAL_BAD_SIGNATURE: return "la signature du fichier est fausse : il a été modifié";
    case CREDENTIAL_MIXED: return "ce fichier réunit des clés qui ne vont pas ensemble (d’autres expéditeurs, périmètres ou époques)";
    case CREDENTIAL_NOT_FOR_US: return "ce fichier est destiné à un autre agent";
    case CREDENTIAL_NO_MEMORY: return "mémoire insuffisante";
    }
    return "erreur inconnue";
}
