/* Names folded, tokens, fingerprints and the three files that people carry. */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "fold.h"
#include "mpack.h"
#include "vectors.h"

static const char *const names[] = {
    "DUPONT", "Élise", "Marie-Thérèse", "O’Brien", "D'ALEMBERT", "de  La   Tour", "Œuvré", "ŒUVRÉ", "Ægir", "Straße", "STRASSE",
    "groß", "ẞ", "ﬁancé", "ﬀ ﬃ ﬅ", "İbrahim", "ISPARTALI", "ısparta", "Yıldız", "YILDIZ", "Şükrü", "Əliyev", "Đặng",
    "Nguyễn Thị Ánh", "Nguyê\u0303n Thi\u0323 A\u0301nh", "Łódź", "Ørsted", "Þórður", "Ðuro", "ŋ", "Ħamrun", "ĦAMRUN", "Ǆ ǅ ǆ", "ŉ", "ǰ",
    "محمد عبد الله", "مُحَمَّد", "فاطمة‌زهرا", "Олександр", "Ґалаґан", "Йосиф", "Её", "Σίσυφος", "ΣΊΣΥΦΟΣ", "ΐ", "김철수",
    "\u1100\u1175\u11b7\u110e\u1165\u11af\u1109\u116e", "ＤＵＰＯＮＴ　１２", "ｱﾝﾅ", "アンナ", "がぎ", "王小明", "豈", "अनीता", "สมชาย", "ᲗᲔᲐ",
    "თეა", "Ꭰ", "ꭰ", "Ա Աղասի", "և", "𝔄𝔟", "K Å", "x²", "½", "٣", "Ⅷ", "①", "a\u00adb", "a\u200db", "\u0301", "🙂", "", "Zoë2",
    "ÅÄÖ åäö", "Čapek Škvorecký", "Ţ Ț ţ ț", "\u0130\u0307",
};

void vectors_fold(void)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char folded[256], name[24];
        long size = fold_name(folded, sizeof folded, text_of(names[i]));
        if (size < 0)
            vectors_fault(names[i], "cannot be folded");
        (void) snprintf(name, sizeof name, "fold-%zu", i + 1);
        vectors_open(name);
        vectors_text_field("text", text_of(names[i]));
        vectors_hex_field("hex", names[i], strlen(names[i]));
        vectors_text_field("folded", text_of(folded));
        vectors_close(false);
    }
}

static token_key scope_key(uint32_t epoch, uint8_t seed)
{
    token_key key = {.epoch = epoch};

    memset(key.key, seed, sizeof key.key);
    return key;
}

static void token_head(const char *name, const token_key *key)
{
    vectors_open(name);
    vectors_hex_field("key", key->key, CRYPTO_KEY);
}

void vectors_tokens(void)
{
    static const struct { const char *family, *given, *birth; } people[] = {
        {"DIALLO", "Awa", "1990-01-02"}, {"Diallo", "AWA", "1990-01-02"}, {"Nguyễn", "Thị Ánh", "2001-12-31"},
        {"Yıldız", "İbrahim", "1985-02-28"}, {"O’Brien-Straße", "Zoë", "1976-02-29"},
    };
    static const char *const numbers[] = {"0123456789", "9999999999", "6300000001"};
    token_key key = scope_key(1, 0x4b), other = scope_key(2, 0x4c);
    uint8_t token[TOKEN_SIZE];
    char name[24], identity[TOKEN_IDENTITY_MAX];

    for (int i = 0; i < 2; i++) {
        token_key_id(token, i == 0 ? &key : &other);
        token_head(i == 0 ? "key-id-1" : "key-id-2", i == 0 ? &key : &other);
        vectors_hex_field("key_id", token, sizeof token);
        vectors_close(false);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        token_of_number(token, &key, numbers[i]);
        (void) snprintf(name, sizeof name, "E-%zu", i + 1);
        token_head(name, &key);
        vectors_text_field("digits", text_of(numbers[i]));
        vectors_hex_field("E", token, sizeof token);
        vectors_close(false);
    }
    for (size_t i = 0; i < sizeof people / sizeof *people; i++) {
        long size = token_identity(identity, text_of(people[i].family), text_of(people[i].given),
                                   civil_parse_iso(text_of(people[i].birth)));
        assert(size > 0);
        (void) snprintf(name, sizeof name, "I-%zu", i + 1);
        token_head(name, &key);
        vectors_text_field("nom", text_of(people[i].family));
        vectors_text_field("prenom", text_of(people[i].given));
        vectors_text_field("date_naissance", text_of(people[i].birth));
        vectors_text_field("identity", text_of(identity));
        token_of_identity(token, &key, (text_view){identity, (size_t) size});
        vectors_hex_field("I", token, sizeof token);
        token_of_household(token, &key, (text_view){identity, (size_t) size});
        vectors_hex_field("M", token, sizeof token);
        vectors_close(false);
    }
}

/* Credentials. */

static void party(credential_identity *shown, crypto_sign_pair *sign, crypto_box_pair *box, const char *name, uint8_t seed)
{
    crypto_box_pair curve;

    *shown = (credential_identity){0};
    (void) snprintf(shown->name, sizeof shown->name, "%s", name);
    vectors_box_pair(&curve, seed);
    vectors_sign_pair(sign, (uint8_t) (seed + 1));
    vectors_box_pair(box, (uint8_t) (seed + 2));
    memcpy(shown->curve, curve.public_key, CRYPTO_PUBLIC);
    memcpy(shown->sign, sign->public_key, CRYPTO_PUBLIC);
    memcpy(shown->box, box->public_key, CRYPTO_PUBLIC);
}

static void put_identity(const char *field, const credential_identity *identity)
{
    char print[CRYPTO_FINGERPRINT_TEXT];

    credential_fingerprint(print, identity);
    vectors_field(field);
    vectors_put("{\"name\": ");
    vectors_string(text_of(identity->name));
    vectors_hex_field("curve", identity->curve, CRYPTO_PUBLIC);
    vectors_hex_field("sign", identity->sign, CRYPTO_PUBLIC);
    vectors_hex_field("box", identity->box, CRYPTO_PUBLIC);
    vectors_text_field("fingerprint", text_of(print));
    vectors_put("}");
}

/*
 * The box of a grant with a fixed nonce (crypto_seal takes a random one): NaCl's box over the hash of what binds it
 * and the key. It must be one that credential_open_key opens.
 */
static void seal_fixed(credential_grant *grant, const token_key *key, const crypto_box_pair *sender)
{
    uint8_t inside[CRYPTO_HASH + CRYPTO_KEY];
    batch_buffer bound;

    grant->epoch = key->epoch;
    token_key_id(grant->key_id, key);
    batch_buffer_init(&bound, 4096);
    mpack_write_array(&bound, 7);
    mpack_write_string(&bound, text_of("ctai-cle-lien-1"), 32);
    for (int i = 0; i < 2; i++) {
        const credential_identity *identity = i == 0 ? &grant->sender : &grant->recipient;
        mpack_write_array(&bound, 4);
        mpack_write_string(&bound, text_of(identity->name), CREDENTIAL_NAME_MAX);
        mpack_write_binary(&bound, identity->curve, CRYPTO_PUBLIC);
        mpack_write_binary(&bound, identity->sign, CRYPTO_PUBLIC);
        mpack_write_binary(&bound, identity->box, CRYPTO_PUBLIC);
    }
    mpack_write_name(&bound, text_of(grant->scope), BATCH_SCOPE_MAX);
    mpack_write_uint(&bound, grant->epoch);
    mpack_write_uint(&bound, grant->scheme);
    mpack_write_binary(&bound, grant->key_id, TOKEN_KEY_ID);
    batch_hash(inside, vectors_bytes(&bound));
    memcpy(inside + CRYPTO_HASH, key->key, CRYPTO_KEY);
    memset(grant->box, 0x42, crypto_box_NONCEBYTES);
    int sealed = crypto_box_easy(grant->box + crypto_box_NONCEBYTES, inside, sizeof inside, grant->box,
                                 grant->recipient.box, sender->secret_key);
    assert(sealed == 0);
    (void) sealed;
    batch_buffer_release(&bound);
}

static void put_file(const batch_buffer *file)
{
    vectors_text_field("file", vectors_bytes(file));
    vectors_close(false);
}

static void approval_vector(batch_buffer *file, arena *scratch, const credential_identity *agent)
{
    wire_action actions[] = {{text_of("axe1"), text_of("Accompagnement social renforcé"), true},
                             {text_of("axe3"), text_of("Accès à l'emploi"), false}};
    wire_contract contracts[] = {{text_of("thiers-2023"), text_of("CTAI de Thiers Dore et Montagne"), text_of("63"),
                                  civil_from(2023, 11, 30), civil_from(2024, 11, 29), 2, actions, 1, {{1, {0x51}}}}};
    credential_approval approval = {.address_count = 1, .addresses = {text_of("tcp://192.0.2.1:5670")}, .agent = *agent,
                                    .contract_count = 1, .contracts = contracts}, read;
    crypto_sign_pair hub_sign;
    crypto_box_pair hub_curve;
    char print[CRYPTO_FINGERPRINT_TEXT];

    vectors_sign_pair(&hub_sign, 0x71);
    vectors_box_pair(&hub_curve, 0x70);
    memcpy(approval.hub_sign, hub_sign.public_key, CRYPTO_PUBLIC);
    memcpy(approval.hub_curve, hub_curve.public_key, CRYPTO_PUBLIC);
    batch_buffer_clear(file);
    credential_write_approval(file, &approval, &hub_sign);
    if (credential_read_approval(&read, scratch, vectors_bytes(file)) != CREDENTIAL_OK)
        vectors_fault("approval", "is refused");
    credential_hub_fingerprint(print, approval.hub_curve, approval.hub_sign);
    vectors_open("approval");
    vectors_text_field("type", text_of("APPROBATION"));
    vectors_hex_field("hub_curve", approval.hub_curve, CRYPTO_PUBLIC);
    vectors_hex_field("hub_sign", approval.hub_sign, CRYPTO_PUBLIC);
    vectors_text_field("hub_fingerprint", text_of(print));
    put_identity("agent", agent);
    vectors_text_field("address", approval.addresses[0]);
    put_file(file);
}

void vectors_credentials(void)
{
    credential_identity cias, cecler, read;
    crypto_sign_pair cias_sign, cecler_sign;
    crypto_box_pair cias_box, cecler_box;
    token_key key = scope_key(3, 0x4b), opened;
    arena *scratch = arena_new(4 << 20);
    batch_buffer file;

    assert(scratch != NULL);
    party(&cias, &cias_sign, &cias_box, "cias", 0x11);
    party(&cecler, &cecler_sign, &cecler_box, "cecler-63", 0x21);
    batch_buffer_init(&file, CREDENTIAL_FILE_MAX);
    credential_write_request(&file, &cias, &cias_sign);
    if (credential_read_request(&read, scratch, vectors_bytes(&file)) != CREDENTIAL_OK)
        vectors_fault("request", "is refused");
    vectors_open("request");
    vectors_text_field("type", text_of("DEMANDE"));
    put_identity("identity", &cias);
    put_file(&file);
    approval_vector(&file, scratch, &cias);

    credential_grant grant = {.sender = cias, .recipient = cecler, .scope = "63", .scheme = TOKEN_SCHEME_BLAKE2B}, taken;
    seal_fixed(&grant, &key, &cias_box);
    batch_buffer_clear(&file);
    credential_write_grant(&file, &grant, &cias_sign);
    if (credential_read_grant(&taken, scratch, vectors_bytes(&file)) != CREDENTIAL_OK
        || !credential_open_key(&opened, &taken, cecler_box.secret_key)
        || memcmp(opened.key, key.key, CRYPTO_KEY) != 0)
        vectors_fault("grant", "cannot be opened");
    vectors_open("grant");
    vectors_text_field("type", text_of("CLE"));
    put_identity("sender", &cias);
    put_identity("recipient", &cecler);
    vectors_hex_field("recipient_box_secret", cecler_box.secret_key, CRYPTO_SECRET);
    vectors_text_field("scope", text_of(grant.scope));
    vectors_put(", \"epoch\": 3");
    vectors_hex_field("key_id", grant.key_id, TOKEN_KEY_ID);
    vectors_hex_field("key", key.key, CRYPTO_KEY);
    put_file(&file);
    batch_buffer_release(&file);
    arena_destroy(&scratch);
}
