/* bundle: see the header. */
#include "bundle.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "armour.h"
#include "mpack.h"

#define FILE_DOMAIN "ctai-hub-1"
#define INSIDE_DOMAIN "ctai-hub-cles-1"

enum {
    CODE_GROUPS = 6,
    GROUP_DIGITS = 5,
    GROUP_VALUES = 100000,
    CODE_DIGITS = CODE_GROUPS * GROUP_DIGITS,
    FILE_FIELDS = 4,
    INSIDE_FIELDS = 8,
    DOMAIN_MAX = 32,
    BOX_MAX = BUNDLE_INSIDE_MAX + CRYPTO_WRAP_OVERHEAD,
    CONTEXT_BYTES = sizeof FILE_DOMAIN - 1 + CRYPTO_SALT,
};
_Static_assert(BUNDLE_CODE_TEXT == CODE_DIGITS + CODE_GROUPS, "hyphens between the groups, and the NUL");

void bundle_code_new(bundle *self)
{
    for (int i = 0; i < CODE_GROUPS; i++)
        (void) snprintf(self->code + (GROUP_DIGITS + 1) * i, GROUP_DIGITS + 2, "%05u%s",
                        (unsigned) crypto_random_below(GROUP_VALUES), i + 1 < CODE_GROUPS ? "-" : "");
}

bool bundle_code_take(bundle *self, text_view typed)
{
    unsigned digits = 0, at = 0;
    for (size_t i = 0; i < typed.size; i++) {
        char c = typed.at[i];
        if (c == ' ' || c == '-')
            continue;
        if (c < '0' || c > '9' || digits == CODE_DIGITS) {
            digits = 0;
            break;
        }
        if (digits > 0 && digits % GROUP_DIGITS == 0)
            self->code[at++] = '-';
        self->code[at++] = c;
        digits++;
    }
    if (digits != CODE_DIGITS) {
        crypto_wipe(self->code, sizeof self->code);
        return false;
    }
    self->code[at] = '\0';
    return true;
}

/* What the box is bound to, and the hash of the file covers: the domain and the salt, of fixed size. */
static text_view make_context(uint8_t context[CONTEXT_BYTES], const uint8_t salt[CRYPTO_SALT])
{
    memcpy(context, FILE_DOMAIN, sizeof FILE_DOMAIN - 1);
    memcpy(context + sizeof FILE_DOMAIN - 1, salt, CRYPTO_SALT);
    return (text_view) {(const char *) context, CONTEXT_BYTES};
}

static void hash_file(uint8_t hash[CRYPTO_HASH], const uint8_t salt[CRYPTO_SALT], text_view box)
{
    uint8_t all[CONTEXT_BYTES + BOX_MAX];
    make_context(all, salt);
    assert(box.size <= BOX_MAX);
    memcpy(all + CONTEXT_BYTES, box.at, box.size);
    crypto_digest(hash, NULL, 0, all, CONTEXT_BYTES + box.size);
}

static size_t write_inside(bundle *self)
{
    batch_buffer to = {.data = self->inside, .capacity = sizeof self->inside, .limit = sizeof self->inside};
    char address[ENDPOINT_TEXT];
    assert(self->address_count >= 1 && self->address_count <= HUB_CONF_ADDRESSES_MAX);
    mpack_write_array(&to, INSIDE_FIELDS);
    mpack_write_string(&to, text_of(INSIDE_DOMAIN), DOMAIN_MAX);
    mpack_write_binary(&to, self->curve.public_key, sizeof self->curve.public_key);
    mpack_write_binary(&to, self->curve.secret_key, sizeof self->curve.secret_key);
    mpack_write_binary(&to, self->sign.public_key, sizeof self->sign.public_key);
    mpack_write_binary(&to, self->sign.secret_key, sizeof self->sign.secret_key);
    mpack_write_binary(&to, self->pepper, sizeof self->pepper);
    mpack_write_bool(&to, self->stable_at_commit);
    mpack_write_array(&to, self->address_count);
    for (unsigned i = 0; i < self->address_count; i++) {
        endpoint_text(&self->addresses[i], address);
        mpack_write_string(&to, text_of(address), ENDPOINT_TEXT - 1);
    }
    assert(!to.failed); /* 8 addresses of 255 bytes and the keys fit */
    return to.size;
}

static void forget(bundle *self)
{
    crypto_wipe(self->key, sizeof self->key);
    crypto_wipe(self->inside, sizeof self->inside);
}

bundle_error bundle_seal(bundle *self, batch_buffer *to)
{
    uint8_t salt[CRYPTO_SALT], context[CONTEXT_BYTES], box[BOX_MAX], hash[CRYPTO_HASH], bytes[BUNDLE_FILE_MAX];
    batch_buffer file = {.data = bytes, .capacity = sizeof bytes, .limit = sizeof bytes};
    crypto_random(salt, sizeof salt);
    if (!crypto_stretch(self->key, self->code, salt))
        return BUNDLE_NO_MEMORY;
    size_t size = write_inside(self);
    crypto_wrap(box, self->inside, size, make_context(context, salt), self->key);
    forget(self);
    size += CRYPTO_WRAP_OVERHEAD;
    hash_file(hash, salt, (text_view) {(const char *) box, size});
    mpack_write_array(&file, FILE_FIELDS);
    mpack_write_string(&file, text_of(FILE_DOMAIN), DOMAIN_MAX);
    mpack_write_binary(&file, salt, sizeof salt);
    mpack_write_binary(&file, box, size);
    mpack_write_binary(&file, hash, sizeof hash);
    assert(!file.failed);
    armour_write(to, ARMOUR_HUB, (text_view) {(const char *) file.data, file.size});
    return to->failed ? BUNDLE_NO_MEMORY : BUNDLE_OK;
}

bundle_error bundle_read(bundle_sealed *sealed, arena *from, text_view file)
{
    static const bundle_error errors[] = {
        [ARMOUR_OK] = BUNDLE_OK,
        [ARMOUR_NONE] = BUNDLE_NOT_ARMOURED,
        [ARMOUR_OTHER_KIND] = BUNDLE_OTHER_KIND,
        [ARMOUR_DAMAGED] = BUNDLE_DAMAGED,
        [ARMOUR_NO_MEMORY] = BUNDLE_NO_MEMORY,
    };
    text_view bytes;
    mpack_reader reader;
    uint8_t hash[CRYPTO_HASH];
    if (file.size > BUNDLE_FILE_MAX)
        return BUNDLE_NOT_ARMOURED;
    bundle_error error = errors[armour_read(&bytes, from, ARMOUR_HUB, file)];
    if (error != BUNDLE_OK)
        return error;
    mpack_reader_init(&reader, bytes);
    mpack_read_array_of(&reader, FILE_FIELDS);
    mpack_read_literal(&reader, FILE_DOMAIN);
    sealed->salt = mpack_read_fixed(&reader, CRYPTO_SALT);
    sealed->box = mpack_read_binary(&reader, BOX_MAX);
    const uint8_t *said = mpack_read_fixed(&reader, CRYPTO_HASH);
    if (!mpack_read_done(&reader) || sealed->box.size < CRYPTO_WRAP_OVERHEAD)
        return BUNDLE_DAMAGED;
    hash_file(hash, sealed->salt, sealed->box);
    return crypto_equal(hash, said, CRYPTO_HASH) ? BUNDLE_OK : BUNDLE_DAMAGED;
}

static bool read_inside(bundle *self, size_t size)
{
    mpack_reader reader;
    mpack_reader_init(&reader, (text_view) {(const char *) self->inside, size});
    mpack_read_array_of(&reader, INSIDE_FIELDS);
    mpack_read_literal(&reader, INSIDE_DOMAIN);
    mpack_read_bytes(&reader, self->curve.public_key, sizeof self->curve.public_key);
    mpack_read_bytes(&reader, self->curve.secret_key, sizeof self->curve.secret_key);
    mpack_read_bytes(&reader, self->sign.public_key, sizeof self->sign.public_key);
    mpack_read_bytes(&reader, self->sign.secret_key, sizeof self->sign.secret_key);
    mpack_read_bytes(&reader, self->pepper, sizeof self->pepper);
    self->stable_at_commit = mpack_read_bool(&reader);
    self->address_count = mpack_read_array(&reader, HUB_CONF_ADDRESSES_MAX);
    if (self->address_count < 1)
        mpack_read_fail(&reader);
    for (unsigned i = 0; i < self->address_count; i++)
        if (!endpoint_parse(&self->addresses[i], mpack_read_string(&reader, ENDPOINT_TEXT - 1))
            || self->addresses[i].any_host || self->addresses[i].port == 0)
            mpack_read_fail(&reader);
    return mpack_read_done(&reader);
}

bundle_error bundle_open(bundle *self, const bundle_sealed *sealed)
{
    uint8_t context[CONTEXT_BYTES];
    bundle_error error = BUNDLE_OK;
    if (!crypto_stretch(self->key, self->code, sealed->salt))
        error = BUNDLE_NO_MEMORY;
    else if (!crypto_unwrap(self->inside, (const uint8_t *) sealed->box.at, sealed->box.size,
                            make_context(context, sealed->salt), self->key))
        error = BUNDLE_WRONG_CODE;
    else if (!read_inside(self, sealed->box.size - CRYPTO_WRAP_OVERHEAD))
        error = BUNDLE_DAMAGED;
    forget(self);
    if (error != BUNDLE_OK) {
        crypto_wipe(&self->curve, sizeof self->curve);
        crypto_wipe(&self->sign, sizeof self->sign);
        crypto_wipe(self->pepper, sizeof self->pepper);
        self->address_count = 0;
    }
    return error;
}

const char *bundle_error_text(bundle_error error)
{
    switch (error) {
    case BUNDLE_OK: return "aucune erreur";
    case BUNDLE_NOT_ARMOURED: return "ce n’est pas le trousseau d’un hub, ou il est coupé";
    case BUNDLE_OTHER_KIND: return "ce fichier est d’une autre sorte (demande, approbation ou clé) : il faut le trousseau d’un hub";
    case BUNDLE_DAMAGED: return "le trousseau est abîmé ; refaites-en un sur le premier hub";
    case BUNDLE_WRONG_CODE: return "ce n’est pas le code de ce trousseau";
    case BUNDLE_NO_MEMORY: return "la mémoire manque";
    }
    return "erreur inconnue";
}
