/* The files that people carry: cut, changed, of another kind, signed by another, with payloads that are well signed and spoilt. */
#include "hostile.h"

#include <assert.h>

#include "bundle.h"
#include "mpack.h"

enum { KINDS = 3 };
static const char *const kinds[KINDS] = {"DEMANDE", "APPROBATION", "CLE"};

static crypto_sign_pair pair, other_pair;
static arena *memory;
static batch_buffer file, good[KINDS];
static char payload[KINDS][4096];
static size_t payload_size[KINDS];

static void append(batch_buffer *to, const char *text)
{
    batch_buffer_append(to, text, strlen(text));
}

/* The armour of a payload that by signs. */
static void armour(unsigned kind, text_view of, const crypto_sign_pair *by)
{
    uint8_t signature[CRYPTO_SIGNATURE];
    static char line[65];
    static batch_buffer bytes;

    batch_buffer_init(&bytes, CREDENTIAL_FILE_MAX);
    crypto_sign_with(signature, of.at, of.size, by);
    mpack_write_array(&bytes, 2);
    mpack_write_binary(&bytes, of.at, of.size);
    mpack_write_binary(&bytes, signature, sizeof signature);
    batch_buffer_clear(&file);
    append(&file, "-----BEGIN CTAI "), append(&file, kinds[kind]), append(&file, "-----\n");
    for (size_t at = 0; at < bytes.size; at += 48) {
        crypto_base64(line, bytes.data + at, bytes.size - at < 48 ? bytes.size - at : 48);
        append(&file, line), append(&file, "\n");
    }
    append(&file, "-----END CTAI "), append(&file, kinds[kind]), append(&file, "-----\n");
    batch_buffer_release(&bytes);
}

static credential_error read_as(unsigned kind, text_view text)
{
    credential_identity identity;
    credential_approval approval;
    credential_grant grant;

    arena_clear(memory);
    credential_error error = kind == 0   ? credential_read_request(&identity, memory, text)
                             : kind == 1 ? credential_read_approval(&approval, memory, text)
                                         : credential_read_grant(&grant, memory, text);
    if (kind == 2) { /* the same as one of several: never taken where the one is not */
        credential_grant all[RECORD_TOKEN_SETS];
        unsigned count;
        credential_error several = credential_read_grants(all, &count, memory, text);
        assert(several != CREDENTIAL_OK || error == CREDENTIAL_OK);
        hostile_met(HOSTILE_CREDENTIAL, several);
    }
    hostile_met(HOSTILE_CREDENTIAL, error);
    return error;
}

static void make_good(void)
{
    credential_identity identity = {.name = "cias", .curve = {1}, .box = {3}}, second = {.name = "fit", .curve = {4}, .sign = {5}, .box = {6}};
    wire_action action = {{"axe1", 4}, {"Première", 9}, true};
    wire_contract contract = {{"c1", 2}, {"Contrat", 7}, {"63", 2}, 19691, 20056, 1, &action, 1, {{1, {1}}}};
    credential_approval approval = {.hub_curve = {9}, .address_count = 2, .addresses = {text_of("tcp://ctai.example.fr:5670"), text_of("tcp://[2001:db8::1]:1")},
                                    .agent = second, .contract_count = 1, .contracts = &contract};
    credential_grant grant = {.scope = "63", .epoch = 1, .scheme = TOKEN_SCHEME_BLAKE2B, .key_id = {1}, .box = {2}};

    memcpy(identity.sign, pair.public_key, CRYPTO_PUBLIC);
    memcpy(approval.hub_sign, pair.public_key, CRYPTO_PUBLIC);
    grant.sender = identity;
    grant.recipient = second;
    for (unsigned kind = 0; kind < KINDS; kind++)
        batch_buffer_init(&good[kind], CREDENTIAL_FILE_MAX);
    credential_write_request(&good[0], &identity, &pair);
    credential_write_approval(&good[1], &approval, &pair);
    credential_write_grant(&good[2], &grant, &pair);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        static uint8_t bytes[8192];
        mpack_reader reader;
        const char *text = (const char *) good[kind].data;
        const char *from = strchr(text, '\n') + 1, *to = strstr(from, "-----END");
        long size = crypto_base64_decode(bytes, sizeof bytes, (text_view){from, (size_t) (to - from)});
        mpack_reader_init(&reader, (text_view){(char *) bytes, (size_t) size});
        mpack_read_array_of(&reader, 2);
        text_view inside = mpack_read_binary(&reader, sizeof payload[kind]);
        memcpy(payload[kind], inside.at, inside.size);
        payload_size[kind] = inside.size;
    }
}

typedef struct { unsigned kind; } spoiling;

static void take_payload(void *data, text_view spoilt, spoil_hope hope, const char *what)
{
    const spoiling *self = data;
    static char copy[8192];

    memcpy(copy, spoilt.at, spoilt.size);
    armour(self->kind, (text_view){copy, spoilt.size}, &pair);
    credential_error error = read_as(self->kind, hostile_exact(file.data, file.size));
    hostile_case(error == CREDENTIAL_MALFORMED || (hope == SPOIL_MAYBE && (error == CREDENTIAL_OK || error == CREDENTIAL_BAD_SIGNATURE)),
                 "%s, payload: %s gives %u", kinds[self->kind], what, error);
}

static void payloads(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        spoiling self = {kind};
        text_view whole = {payload[kind], payload_size[kind]};
        spoil_all(whole, take_payload, &self);
        /* Signed by another than it names. */
        armour(kind, whole, &other_pair);
        hostile_case(read_as(kind, hostile_bytes(&file)) == CREDENTIAL_BAD_SIGNATURE, "%s signed by another", kinds[kind]);
        for (unsigned as = 0; as < KINDS; as++) {
            armour(kind, whole, &pair);
            credential_error error = read_as(as, hostile_bytes(&file));
            hostile_case(error == (as == kind ? CREDENTIAL_OK : CREDENTIAL_OTHER_KIND), "%s read as %s gives %u", kinds[kind], kinds[as], error);
            armour(as, whole, &pair);
            error = read_as(as, hostile_bytes(&file));
            hostile_case(error == (as == kind ? CREDENTIAL_OK : CREDENTIAL_MALFORMED), "%s in the armour of %s gives %u", kinds[kind], kinds[as], error);
        }
    }
}

static void texts(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const char *text = (const char *) good[kind].data;
        size_t size = good[kind].size, inside = (size_t) (strchr(text, '\n') + 1 - text);
        size_t end = (size_t) (strstr(text, "-----END") - text);
        for (size_t cut = 0; cut < size - 1; cut++) {
            credential_error error = read_as(kind, hostile_exact(text, cut));
            hostile_case(error == CREDENTIAL_NOT_ARMOURED, "%s cut at %zu gives %u", kinds[kind], cut, error);
        }
        static char copy[8192];
        for (size_t at = inside; at < end; at++) {
            memcpy(copy, text, size);
            copy[at] = copy[at] == 'A' ? 'B' : copy[at] == '\n' ? '!' : 'A';
            credential_error error = read_as(kind, hostile_exact(copy, size));
            bool last = at + 1 == end; /* the line end before the last line: there is none any more */
            hostile_case(last ? error == CREDENTIAL_NOT_ARMOURED : error == CREDENTIAL_MALFORMED || error == CREDENTIAL_BAD_SIGNATURE, "%s with another character at %zu gives %u", kinds[kind], at, error);
        }
        for (size_t at = 0; at < inside; at++) {
            memcpy(copy, text, size);
            copy[at] ^= 1;
            credential_error error = read_as(kind, hostile_exact(copy, size));
            hostile_case(error == CREDENTIAL_NOT_ARMOURED || error == CREDENTIAL_OTHER_KIND, "%s with another first line at %zu gives %u", kinds[kind], at, error);
        }
    }
    char *large = calloc(1, CREDENTIAL_FILE_MAX + 1);
    if (large == NULL)
        abort();
    memset(large, '\n', CREDENTIAL_FILE_MAX + 1);
    memcpy(large, good[0].data, good[0].size);
    hostile_case(read_as(0, (text_view){large, CREDENTIAL_FILE_MAX}) == CREDENTIAL_OK, "1 MiB with a good one in it");
    hostile_case(read_as(0, (text_view){large, CREDENTIAL_FILE_MAX + 1}) == CREDENTIAL_NOT_ARMOURED, "more than 1 MiB");
    free(large);
    /* Memory that does not suffice is no fault of the file. */
    for (unsigned kind = 0; kind < KINDS; kind++) {
        arena *small = arena_new(64);
        credential_identity identity;
        credential_approval approval;
        credential_grant grant;
        text_view text = hostile_bytes(&good[kind]);
        credential_error error = kind == 0   ? credential_read_request(&identity, small, text)
                                 : kind == 1 ? credential_read_approval(&approval, small, text)
                                             : credential_read_grant(&grant, small, text);
        hostile_case(error == CREDENTIAL_NO_MEMORY, "%s without memory gives %u", kinds[kind], error);
        arena_destroy(&small);
    }
}

/* What our own writers refuse to write. */
static void writers(void)
{
    static const char *const names[] = {"", "-a", "A", "é", "a b", "a_b", "01234567890123456789012345678901234567890"};
    static const char *const addresses[] = {"", "tcp://", "udp://a:1", "tcp://a b:1", "tcp://é:1", "TCP://a:1", "tcp://a\t:1"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        credential_identity identity = {0};
        bool whole = text_copy(identity.name, sizeof identity.name, text_of(names[i]));
        batch_buffer_clear(&file);
        credential_write_request(&file, &identity, &pair);
        hostile_case(!credential_name_valid(text_of(names[i])) && (!whole || file.failed), "the name %zu", i);
    }
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        credential_approval approval = {.address_count = 1, .addresses = {text_of(addresses[i])}, .agent = {.name = "a"}};
        batch_buffer_clear(&file);
        credential_write_approval(&file, &approval, &pair);
        hostile_case(file.failed, "the address %zu", i);
    }
    for (unsigned count = 0; count <= 9; count += 9) {
        credential_approval approval = {.address_count = count, .agent = {.name = "a"}};
        batch_buffer_clear(&file);
        credential_write_approval(&file, &approval, &pair);
        hostile_case(file.failed, "%u addresses", count);
    }
    credential_grant grants[] = {{.scope = "63", .epoch = 0, .scheme = 1}, {.scope = "63", .epoch = 1, .scheme = 2}, {.scope = "6 3", .epoch = 1, .scheme = 1}};
    for (size_t i = 0; i < sizeof grants / sizeof *grants; i++) {
        snprintf(grants[i].sender.name, sizeof grants[i].sender.name, "a");
        snprintf(grants[i].recipient.name, sizeof grants[i].recipient.name, "b");
        batch_buffer_clear(&file);
        credential_write_grant(&file, &grants[i], &pair);
        hostile_case(file.failed, "the grant %zu", i);
    }
    for (int error = CREDENTIAL_OK; error <= CREDENTIAL_NO_MEMORY; error++)
        hostile_case(credential_error_text((credential_error) error)[0] != '\0', "no words for %d", error);
}

/* The box of a grant: every byte of it, and each thing that it is bound to. */
static void boxes(void)
{
    crypto_box_pair sender, recipient;
    token_key key = {.epoch = 7, .key = {1, 2, 3}}, opened;
    credential_grant grant = {.scope = "63", .scheme = TOKEN_SCHEME_BLAKE2B}, spoilt;

    crypto_box_new(&sender);
    crypto_box_new(&recipient);
    snprintf(grant.sender.name, sizeof grant.sender.name, "cias");
    snprintf(grant.recipient.name, sizeof grant.recipient.name, "fit");
    memcpy(grant.sender.box, sender.public_key, CRYPTO_PUBLIC);
    memcpy(grant.recipient.box, recipient.public_key, CRYPTO_PUBLIC);
    bool sealed = credential_seal_key(&grant, &key, sender.secret_key);
    hostile_case(sealed && credential_open_key(&opened, &grant, recipient.secret_key) && memcmp(opened.key, key.key, CRYPTO_KEY) == 0, "the good box");
    for (size_t i = 0; i < CREDENTIAL_BOX; i++) {
        spoilt = grant;
        spoilt.box[i] ^= 1;
        hostile_case(!credential_open_key(&opened, &spoilt, recipient.secret_key), "byte %zu of a box", i);
    }
    for (unsigned what = 0; what < 8; what++) {
        spoilt = grant;
        switch (what) {
        case 0: spoilt.epoch++; break;
        case 1: spoilt.scope[0] = '7'; break;
        case 2: spoilt.key_id[0] ^= 1; break;
        case 3: spoilt.sender.name[0] = 'x'; break;
        case 4: spoilt.recipient.name[0] = 'x'; break;
        case 5: spoilt.sender.sign[0] ^= 1; break;
        case 6: spoilt.scheme = 2; break;
        default: spoilt.sender.name[0] = '\0'; break;
        }
        hostile_case(!credential_open_key(&opened, &spoilt, recipient.secret_key), "a box bound to something else (%u)", what);
    }
    hostile_case(!credential_open_key(&opened, &grant, sender.secret_key), "a box opened by another");
    grant.scope[0] = ' ';
    hostile_case(!credential_seal_key(&grant, &key, sender.secret_key), "a box for a scope that is no name");
}

/* The sealed keys of a hub. */
static void bundles(void)
{
    static bundle self;
    static const char *const codes[] = {"", "1", "12345-12345-12345-12345-12345-1234", "12345-12345-12345-12345-12345-123456", "a2345-12345-12345-12345-12345-12345",
                                        "12345_12345_12345_12345_12345_12345", "\xc2\xa0" "12345-12345-12345-12345-12345-12345", "-----"};
    static char copy[BUNDLE_FILE_MAX + 8];
    bundle_sealed sealed;
    batch_buffer text;

    crypto_box_new(&self.curve);
    crypto_sign_new(&self.sign);
    self.address_count = 1;
    bool addressed = endpoint_parse(&self.addresses[0], text_of("tcp://ctai.example.fr:5670"));
    bundle_code_new(&self);
    batch_buffer_init(&text, BUNDLE_FILE_MAX);
    hostile_case(addressed && bundle_seal(&self, &text) == BUNDLE_OK && bundle_read(&sealed, memory, hostile_bytes(&text)) == BUNDLE_OK, "the good bundle");
    size_t inside = (size_t) (strchr((char *) text.data, '\n') + 1 - (char *) text.data);
    size_t end = text.size - strlen("-----END CTAI HUB-----\n");
    for (size_t cut = 0; cut + 1 < text.size; cut++) {
        arena_clear(memory);
        hostile_case(bundle_read(&sealed, memory, hostile_exact(text.data, cut)) == BUNDLE_NOT_ARMOURED, "a bundle cut at %zu", cut);
    }
    for (size_t at = inside; at + 1 < end; at++) {
        memcpy(copy, text.data, text.size);
        copy[at] = copy[at] == 'A' ? 'B' : copy[at] == '\n' ? '!' : 'A';
        arena_clear(memory);
        hostile_case(bundle_read(&sealed, memory, hostile_exact(copy, text.size)) == BUNDLE_DAMAGED, "a bundle with another character at %zu", at);
    }
    for (unsigned kind = 0; kind < KINDS; kind++)
        hostile_case(bundle_read(&sealed, memory, hostile_bytes(&good[kind])) == BUNDLE_OTHER_KIND && read_as(kind, hostile_bytes(&text)) == CREDENTIAL_OTHER_KIND,
                     "a bundle for a %s, and the other way round", kinds[kind]);
    memset(copy, '\n', sizeof copy);
    hostile_case(bundle_read(&sealed, memory, (text_view){copy, BUNDLE_FILE_MAX + 1}) == BUNDLE_NOT_ARMOURED, "a bundle of more than 16 KiB");
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        hostile_case(!bundle_code_take(&self, text_of(codes[i])) && self.code[0] == '\0', "the code %zu", i);
    batch_buffer_release(&text);
}

void hostile_credentials(void)
{
    hostile_pair(&pair, 1);
    hostile_pair(&other_pair, 2);
    memory = arena_new(4 << 20);
    batch_buffer_init(&file, CREDENTIAL_FILE_MAX);
    make_good();
    payloads();
    texts();
    writers();
    boxes();
    bundles();
    for (unsigned kind = 0; kind < KINDS; kind++)
        batch_buffer_release(&good[kind]);
    batch_buffer_release(&file);
    arena_destroy(&memory);
}
