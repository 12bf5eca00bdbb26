/*
 * The files that people carry. An input that begins with one byte 00 is a payload, which the fuzzer's key signs and
 * armours (what is taken must be what our writer makes); any other is a file as it stands, also as the sealed keys of a
 * hub (as far as they can be read without their code), or a code that somebody typed.
 */
#include "fuzz.h"

#include "bundle.h"
#include "credential.h"
#include "mpack.h"

enum { MEMORY_BYTES = 4 << 20, KINDS = 3 };

static crypto_sign_pair pair;
static batch_buffer file, written;

static void append_text(batch_buffer *to, const char *text)
{
    batch_buffer_append(to, text, strlen(text));
}

static void armour(text_view payload, const char *kind)
{
    static batch_buffer envelope;
    uint8_t signature[CRYPTO_SIGNATURE];
    char line[65];
    batch_buffer *bytes = fuzz_buffer(&envelope, CREDENTIAL_FILE_MAX);

    crypto_sign_with(signature, payload.at, payload.size, &pair);
    mpack_write_array(bytes, 2);
    mpack_write_binary(bytes, payload.at, payload.size);
    mpack_write_binary(bytes, signature, sizeof signature);
    (void) fuzz_buffer(&file, CREDENTIAL_FILE_MAX);
    append_text(&file, "-----BEGIN CTAI ");
    append_text(&file, kind);
    append_text(&file, "-----\n");
    for (size_t at = 0; at < bytes->size; at += 48) {
        crypto_base64(line, bytes->data + at, bytes->size - at < 48 ? bytes->size - at : 48);
        append_text(&file, line);
        append_text(&file, "\n");
    }
    append_text(&file, "-----END CTAI ");
    append_text(&file, kind);
    append_text(&file, "-----\n");
    assert(!file.failed);
}

/* All grants of a file go together, and the first is the one that a reader of one takes. */
static void read_grants(text_view text, arena *from, credential_error first, const credential_grant *one)
{
    credential_grant all[RECORD_TOKEN_SETS];
    unsigned count;

    if (credential_read_grants(all, &count, from, text) != CREDENTIAL_OK)
        return;
    assert(first == CREDENTIAL_OK && count >= 1 && count <= RECORD_TOKEN_SETS);
    assert(all[0].epoch == one->epoch && memcmp(all[0].box, one->box, CREDENTIAL_BOX) == 0);
    for (unsigned i = 1; i < count; i++)
        assert(all[i].epoch > all[i - 1].epoch && strcmp(all[i].scope, one->scope) == 0
               && memcmp(all[i].sender.sign, one->sender.sign, CRYPTO_PUBLIC) == 0
               && memcmp(all[i].recipient.box, one->recipient.box, CRYPTO_PUBLIC) == 0);
}

/* Reads it as one kind; when it is taken, writes it again with the fuzzer's key. True: taken. */
static bool read_as(unsigned kind, text_view text, arena *from)
{
    credential_identity identity;
    credential_approval approval;
    credential_grant grant;
    credential_error error;
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    token_key key;
    static const uint8_t secret[CRYPTO_SECRET] = {7};

    (void) fuzz_buffer(&written, CREDENTIAL_FILE_MAX);
    if (kind == 0) {
        error = credential_read_request(&identity, from, text);
        if (error == CREDENTIAL_OK) {
            credential_write_request(&written, &identity, &pair);
            credential_fingerprint(fingerprint, &identity);
        }
    } else if (kind == 1) {
        error = credential_read_approval(&approval, from, text);
        if (error == CREDENTIAL_OK) {
            credential_write_approval(&written, &approval, &pair);
            credential_hub_fingerprint(fingerprint, approval.hub_curve, approval.hub_sign);
        }
    } else {
        error = credential_read_grant(&grant, from, text);
        read_grants(text, from, error, &grant);
        if (error == CREDENTIAL_OK) {
            credential_write_grant(&written, &grant, &pair);
            (void) !credential_open_key(&key, &grant, secret);
        }
    }
    assert(credential_error_text(error)[0] != '\0');
    return error == CREDENTIAL_OK;
}

static void read_bundle(text_view text, arena *from)
{
    bundle_sealed sealed;
    static bundle self;

    if (bundle_read(&sealed, from, text) == BUNDLE_OK)
        assert(sealed.box.size >= CRYPTO_WRAP_OVERHEAD && sealed.box.size <= BUNDLE_INSIDE_MAX + CRYPTO_WRAP_OVERHEAD);
    if (bundle_code_take(&self, text))
        assert(strlen(self.code) == BUNDLE_CODE_TEXT - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[KINDS] = {"DEMANDE", "APPROBATION", "CLE"};
    static arena *kept;
    static bool started;

    if (!started) {
        fuzz_start();
        fuzz_pair(&pair, 1);
        started = true;
    }
    arena *from = fuzz_arena(&kept, MEMORY_BYTES);
    if (size == 0 || data[0] != 0) {
        for (unsigned kind = 0; kind < KINDS; kind++)
            if (read_as(kind, (text_view){(const char *) data, size}, from))
                assert(!written.failed);
        read_bundle((text_view){(const char *) data, size}, from);
        return 0;
    }
    /* The domain's name tells of what kind the payload may be. */
    static const char *const domains[KINDS] = {"ctai-demande-1", "ctai-approbation-1", "ctai-cle-1"};
    text_view payload = {(const char *) data + 1, size - 1};
    for (unsigned kind = 0; kind < KINDS; kind++) {
        size_t length = strlen(domains[kind]);
        if (payload.size < length + 2 || memcmp(payload.at + 2, domains[kind], length) != 0)
            continue;
        armour(payload, names[kind]);
        if (read_as(kind, fuzz_written(&file), from))
            fuzz_same(&written, fuzz_written(&file));
    }
    return 0;
}
