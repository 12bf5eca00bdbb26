/* Bodies, whole batches with their chain, and receipts. */
#include <assert.h>
#include <string.h>

#include "raw.h"

static const uint8_t salt[CRYPTO_SALT] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static record_reason last_reason;

static bool body_round(text_view bytes, batch_buffer *again, arena *scratch)
{
    record what;

    (void) scratch;
    if (!batch_read_body(&what, bytes, &last_reason))
        return false;
    /* The salt is not a part of the record: it stands after the array's and the binary's first bytes. */
    batch_write_body(again, &what, (const uint8_t *) bytes.at + 3);
    return true;
}

static record put(fact_type type)
{
    record made = {.operation = RECORD_PUT, .type = type, .contract = text_of("thiers-2023"), .action = text_of("axe1"),
                   .month = civil_month_parse(text_of("2023-11"))};

    memset(made.key, type + 1, sizeof made.key);
    if (fact_rule_of(type)->has_reference) {
        made.has_reference = true;
        memset(made.reference, 0xee, sizeof made.reference);
    }
    return made;
}

static void with_token(record *what, uint32_t epoch, const char *which)
{
    record_tokens *tokens = &what->tokens[what->token_sets++];

    tokens->epoch = epoch;
    for (; *which != '\0'; which++) {
        tokens->has_e |= *which == 'E';
        tokens->has_i |= *which == 'I';
        tokens->has_m |= *which == 'M';
    }
    memset(tokens->e, tokens->has_e ? 0xe0 + (int) epoch : 0, TOKEN_SIZE);
    memset(tokens->i, tokens->has_i ? 0x10 + (int) epoch : 0, TOKEN_SIZE);
    memset(tokens->m, tokens->has_m ? 0x30 + (int) epoch : 0, TOKEN_SIZE);
}

static void with_quantity(record *what, int64_t quantity)
{
    what->has_quantity = true;
    what->quantity = quantity;
}

static record beneficiary(const char *tokens, unsigned sets)
{
    record made = put(FACT_BENEFICIAIRE);

    for (unsigned i = 1; i <= sets; i++)
        with_token(&made, i, tokens);
    made.sex = RECORD_SEX_F;
    made.bpi = true;
    return made;
}

static void good_body(const char *name, const record *what)
{
    batch_buffer bytes;

    batch_buffer_init(&bytes, BATCH_BODY_MAX);
    batch_write_body(&bytes, what, salt);
    vectors_good("body", name, vectors_bytes(&bytes), body_round);
    batch_buffer_release(&bytes);
}

/* Types whose record has no other field than one token, a code or a quantity. */
static void good_simple(void)
{
    static const struct { fact_type type; const char *token, *code; int64_t quantity; } simple[] = {
        {FACT_ENTREE, "I", NULL, 3600}, {FACT_SORTIE, "E", "emploi_durable", 120}, {FACT_SUIVI_6_MOIS, "I", "positif", -1},
        {FACT_SEANCE, "", "francais", 90}, {FACT_PRESENCE, "E", NULL, 90}, {FACT_NIVEAU_DEBUT, "I", "infra_A1", -1},
        {FACT_NIVEAU_FIN, "I", "B1", -1}, {FACT_LOGEMENT_PERENNE, "M", NULL, -1},
        {FACT_CONSULTATION_MEDICALE, "", NULL, 1}, {FACT_OUTIL_NUMERIQUE, "", NULL, 3}, {FACT_BINOME_MENTORAT, "", NULL, -1},
        {FACT_EVENEMENT_SPORTIF, "", NULL, -1}, {FACT_EVENEMENT_CULTUREL, "", NULL, -1}, {FACT_SOLLICITATION, "", NULL, 2},
        {FACT_AUTONOMIE, "E", "scolarite", -1}, {FACT_ACTEURS_FORMES, "", NULL, 12}, {FACT_FORMATION_ACTEURS, "", NULL, 480},
        {FACT_COUT, "", "p104", RECORD_QUANTITY_MAX},
    };

    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        record what = put(simple[i].type);
        what.has_reference = fact_rule_of(simple[i].type)->reference_leaves;
        if (simple[i].token[0] != '\0')
            with_token(&what, 1, simple[i].token);
        what.code = text_of(simple[i].code);
        if (simple[i].quantity >= 0)
            with_quantity(&what, simple[i].quantity);
        good_body(fact_rule_of(simple[i].type)->name, &what);
    }
}

static void good_bodies(void)
{
    record what = {.operation = RECORD_WITHDRAW, .contract = text_of("thiers-2023")};

    memset(what.key, 0x77, sizeof what.key);
    good_body("withdrawal", &what);
    what.operation = RECORD_ERASE;
    good_body("erasure", &what);
    what = (record){.operation = RECORD_CLOSE, .key = {0x51}, .epoch = 4};
    good_body("closing", &what);
    what = beneficiary("EI", 1);
    good_body("beneficiaire", &what);
    what = beneficiary("EI", 2);
    what.sex = RECORD_SEX_H;
    what.under_25 = true;
    good_body("beneficiaire-of-two-keys", &what);
    what = beneficiary("I", 1);
    what.sex = RECORD_SEX_NONE;
    what.bpi = false;
    good_body("beneficiaire-without-number-and-sex", &what);
    what = put(FACT_ENTREE);
    with_token(&what, 1, "I");
    good_body("entree-without-hours", &what);
    good_simple();
    what = put(FACT_NARRATIVE);
    what.month = CIVIL_NONE;
    what.code = text_of("1.2.outils");
    what.text = text_of("Un livret d’accueil.\nEt une exposition.");
    good_body("narrative", &what);
}

/* The first eight fields of a record up to its tokens. */
static void put_start(const char *action, const char *type, uint64_t month)
{
    raw_start(), A(15), batch_buffer_append(&raw, "\xc4\x10", 2), batch_buffer_append(&raw, salt, sizeof salt);
    U(1), B(7, 16), S("c"), S(action), S(type);
    if (month > 0)
        U(month);
    else
        N();
}

static void bad(const char *name, const char *reason, record_reason number)
{
    vectors_bad("body", name, reason, number, raw_done(), body_round);
    if (last_reason != number)
        vectors_fault(name, "is refused for another reason");
}

static void bad_body_forms(void)
{
    raw_start(), bad("body-empty", "no bytes", RECORD_UNREADABLE);
    raw_start(), A(4), B(0, 15), U(0), B(7, 16), S("c"), bad("body-salt-15", "a salt of 15 bytes", RECORD_UNREADABLE);
    raw_start(), A(4), B(0, 16), U(4), B(7, 16), S("c"), bad("body-operation-4", "no such operation", RECORD_UNREADABLE);
    raw_start(), A(4), B(0, 16), U(1), B(7, 16), S("c"), bad("body-record-cut", "a record of four fields", RECORD_UNREADABLE);
    raw_start(), A(4), B(0, 16), U(3), B(7, 16), S("c"), bad("body-closing-of-a-contract", "a closing without its epoch", RECORD_UNREADABLE);
    raw_start(), A(4), B(0, 16), U(3), B(7, 16), U(0), bad("body-closing-epoch-0", "epoch 0", RECORD_UNREADABLE);
    raw_start(), A(4), B(0, 16), U(2), B(7, 16), U(1), bad("body-erasure-epoch", "an erasure without its contract", RECORD_UNREADABLE);
    raw_start(), A(4), B(0, 16), U(0), B(7, 16), S("c"), N(), bad("body-trailing", "a byte after the end", RECORD_UNREADABLE);
    raw_start(), A(4), B(0, 16), U(0), B(7, 16), S("c/d"), bad("body-contract", "a contract that is no name", RECORD_UNREADABLE);
    put_start("a", "presence", 202313), A(1), A(4), U(1), N(), B(1, 16), N(), N(), N(), N(), U(1), N(), N(), N();
    bad("body-month-13", "month 13", RECORD_UNREADABLE);
    put_start("a", "presence", 202311), A(1), A(4), U(0), N(), B(1, 16), N(), N(), N(), N(), U(1), N(), N(), N();
    bad("body-epoch-0", "epoch 0", RECORD_UNREADABLE);
    put_start("a", "presence", 202311), A(1), A(4), U(1), N(), B(1, 15), N(), N(), N(), N(), U(1), N(), N(), N();
    bad("body-token-15", "a token of 15 bytes", RECORD_UNREADABLE);
    put_start("a", "presence", 202311), A(1), A(4), U(1), N(), B(1, 16), N(), N(), N(), N(), U(1), S(""), N(), N();
    bad("body-code-empty", "an empty code for nil", RECORD_UNREADABLE);
    put_start("a", "beneficiaire", 202311), A(1), A(4), U(1), N(), B(1, 16), N(), S("M"), F(true), F(false), N(), N(), N(), N();
    bad("body-sex-M", "a sex that is none", RECORD_UNREADABLE);
}

static void bad_body_fields(void)
{
    put_start("a", "Presence", 202311), A(0), N(), N(), N(), U(1), N(), N(), N(), bad("body-type", "no such type", RECORD_BAD_TYPE);
    put_start("a", "beneficiaire", 202311), A(1), A(4), U(1), N(), B(1, 16), N(), N(), F(true), F(false), N(), N(), N(), N();
    bad("body-sex-nil", "a beneficiaire with nil for the sex", RECORD_BAD_FIELDS);
    put_start("a", "cout", 202311), A(0), S(""), N(), N(), U(1), S("p104"), N(), N(), bad("body-cout-sex", "a sex on a bare fact", RECORD_BAD_FIELDS);
    put_start("a", "cout", 0), A(0), N(), N(), N(), U(1), S("p104"), N(), N(), bad("body-no-month", "a fact without a month", RECORD_BAD_FIELDS);
    put_start("a", "cout", 202311), A(0), N(), N(), N(), N(), S("p104"), N(), N(), bad("body-no-quantity", "a cost without an amount", RECORD_BAD_FIELDS);
    put_start("a", "cout", 202311), A(0), N(), N(), N(), U(1), N(), N(), N(), bad("body-no-code", "a cost without a code", RECORD_BAD_FIELDS);
    put_start("a", "seance", 202311), A(0), N(), N(), N(), U(1), S("francais"), N(), N();
    bad("body-no-reference", "a session without a reference", RECORD_BAD_FIELDS);
    put_start("a", "sollicitation", 202311), A(0), N(), N(), N(), U(1), N(), B(1, 16), N();
    bad("body-reference", "a reference that the type has not", RECORD_BAD_FIELDS);
    put_start("a", "cout", 202311), A(0), N(), N(), N(), U(1), S("p104"), N(), S("x"), bad("body-text", "a text that the type has not", RECORD_BAD_FIELDS);
    put_start("a", "narrative", 202311), A(0), N(), N(), N(), N(), S("1.2.outils"), N(), S("x");
    bad("body-narrative-month", "a narrative with a month", RECORD_BAD_FIELDS);
    put_start("a", "cout", 202311), A(0), N(), N(), N(), U(1), S("p105"), N(), N(), bad("body-code", "no such code", RECORD_BAD_CODE);
    put_start("a", "sortie", 202311), A(1), A(4), U(1), N(), B(1, 16), N(), N(), N(), N(), U(1), S("emploi_court"), N(), N();
    bad("body-code-narrow", "a code that leaves as a wider one", RECORD_BAD_CODE);
    put_start("a", "cout", 202311), A(0), N(), N(), N(), U(RECORD_QUANTITY_MAX + 1), S("p104"), N(), N();
    bad("body-quantity", "a quantity above 10^12", RECORD_BAD_QUANTITY);
}

static void bad_body_tokens(void)
{
    put_start("a", "presence", 202311), A(0), N(), N(), N(), U(1), N(), N(), N(), bad("body-no-token", "a person's fact without a token", RECORD_BAD_TOKENS);
    put_start("a", "presence", 202311), A(1), A(4), U(1), B(2, 16), B(1, 16), N(), N(), N(), N(), U(1), N(), N(), N();
    bad("body-two-tokens", "E and I on a fact that has one of them", RECORD_BAD_TOKENS);
    put_start("a", "beneficiaire", 202311), A(1), A(4), U(1), B(2, 16), N(), N(), S("F"), F(true), F(false), N(), N(), N(), N();
    bad("body-no-I", "a beneficiaire without I", RECORD_BAD_TOKENS);
    put_start("a", "cout", 202311), A(1), A(4), U(1), N(), B(1, 16), N(), N(), N(), N(), U(1), S("p104"), N(), N();
    bad("body-cout-token", "a token on a bare fact", RECORD_BAD_TOKENS);
    put_start("a", "presence", 202311), A(2), A(4), U(2), N(), B(1, 16), N(), A(4), U(1), N(), B(1, 16), N(), N(), N(), N(), U(1), N(), N(), N();
    bad("body-epochs", "epochs that do not ascend", RECORD_BAD_TOKENS);
}

void vectors_bodies(void)
{
    good_bodies();
    bad_body_forms();
    bad_body_fields();
    bad_body_tokens();
    batch_buffer_release(&raw);
}

/* Batches. */

static bool header_round(text_view bytes, batch_buffer *again, arena *scratch)
{
    batch_header header;

    if (!batch_read_header(&header, scratch, bytes))
        return false;
    batch_write_header(again, &header);
    return true;
}

/* A batch with these bodies; gives the hash of its header. */
static void good_batch(const char *name, batch_header *header, const record *bodies, unsigned count, int absent,
                       const crypto_sign_pair *by, uint8_t hash[CRYPTO_HASH])
{
    static uint8_t hashes[4][CRYPTO_HASH];
    batch_buffer body_bytes[4], header_bytes, message_bytes;
    text_view views[4];
    uint8_t signature[CRYPTO_SIGNATURE];
    wire_message message = {.type = WIRE_BATCH};

    assert(count <= 4);
    for (unsigned i = 0; i < count; i++) {
        batch_buffer_init(&body_bytes[i], BATCH_BODY_MAX);
        batch_write_body(&body_bytes[i], &bodies[i], salt);
        views[i] = vectors_bytes(&body_bytes[i]);
        batch_hash(hashes[i], views[i]);
        if ((int) i == absent)
            views[i] = (text_view){NULL, 0};
    }
    header->body_count = count;
    header->hashes = hashes;
    batch_buffer_init(&header_bytes, BATCH_HEADER_MAX);
    batch_buffer_init(&message_bytes, WIRE_MESSAGE_MAX);
    batch_write_header(&header_bytes, header);
    batch_hash(hash, vectors_bytes(&header_bytes));
    batch_sign(signature, vectors_bytes(&header_bytes), by);
    if (!batch_verify(signature, vectors_bytes(&header_bytes), header->agent))
        vectors_fault(name, "is not well signed");
    message.batch.header = vectors_bytes(&header_bytes);
    message.batch.signature = signature;
    message.batch.bodies = views;
    message.batch.body_count = count;
    wire_write(&message_bytes, &message);

    vectors_open(name);
    vectors_put(", \"type\": \"batch\", \"good\": true");
    vectors_hex_field("seed", by->secret_key, 32); /* of Ed25519: the first half of libsodium's secret key */
    vectors_hex_field("agent", by->public_key, CRYPTO_PUBLIC);
    vectors_hex_field("header", header_bytes.data, header_bytes.size);
    vectors_value_field("value", vectors_bytes(&header_bytes));
    vectors_hex_field("hash", hash, CRYPTO_HASH);
    vectors_hex_field("signature", signature, sizeof signature);
    vectors_field("bodies");
    vectors_put("[");
    for (unsigned i = 0; i < count; i++) {
        vectors_put(i > 0 ? ", " : "");
        vectors_hex(body_bytes[i].data, body_bytes[i].size);
    }
    vectors_put("]");
    vectors_hex_field("message", message_bytes.data, message_bytes.size);
    vectors_close(false);
    for (unsigned i = 0; i < count; i++)
        batch_buffer_release(&body_bytes[i]);
    batch_buffer_release(&header_bytes);
    batch_buffer_release(&message_bytes);
}

static void chain(void)
{
    static batch_coverage coverage[2];
    crypto_sign_pair by;
    uint8_t hash[CRYPTO_HASH];
    record bodies[2] = {beneficiary("EI", 1), put(FACT_COUT)};
    batch_header header = {.scope = text_of("63"), .incarnation = 1, .sequence = 1, .scheme = 1, .coverage = coverage};

    vectors_sign_pair(&by, 0x31);
    memcpy(header.agent, by.public_key, CRYPTO_PUBLIC);
    coverage[0] = (batch_coverage){.contract = text_of("thiers-2023"), .complete = true, .action_count = 2,
                                   .actions = {text_of("axe1"), text_of("axe3")},
                                   .last_month = civil_month_parse(text_of("2024-11"))};
    coverage[1] = (batch_coverage){.contract = text_of("ambert-2024"), .last_month = CIVIL_NONE};
    header.coverage_count = 2;
    header.key_count = 1;
    header.keys[0].epoch = 1;
    memset(header.keys[0].id, 0x4d, TOKEN_KEY_ID);
    bodies[1].has_reference = false;
    bodies[1].code = text_of("autre");
    with_quantity(&bodies[1], 123456);
    memset(bodies[1].key, 0x20, RECORD_KEY);
    good_batch("batch-1", &header, bodies, 2, -1, &by, hash);

    memcpy(header.previous, hash, CRYPTO_HASH);
    header.sequence = 2;
    header.key_count = 2;
    header.keys[1].epoch = 2;
    memset(header.keys[1].id, 0x4e, TOKEN_KEY_ID);
    header.coverage_count = 0;
    bodies[0] = beneficiary("EI", 2);
    good_batch("batch-2-of-two-keys-with-an-erased-body", &header, bodies, 2, 0, &by, hash);

    memcpy(header.previous, hash, CRYPTO_HASH);
    header.sequence = 3;
    header.key_count = 0;
    good_batch("batch-3-empty", &header, NULL, 0, -1, &by, hash);
}

/* A header up to its keys. */
static void put_header(const char *domain, const char *scope, uint64_t incarnation, uint64_t sequence, uint8_t previous, uint64_t scheme)
{
    raw_start(), A(10), S(domain), B(3, 32), S(scope), U(incarnation), U(sequence), B(previous, 32), U(scheme);
}

static void bad_header(const char *name, const char *reason)
{
    vectors_bad("header", name, reason, 0, raw_done(), header_round);
}

static void bad_headers(void)
{
    put_header("ctai-batch-2", "63", 1, 1, 0, 1), A(0), A(0), A(0), bad_header("header-domain", "another domain");
    put_header("ctai-batch-1", "63", 0, 1, 0, 1), A(0), A(0), A(0), bad_header("header-incarnation-0", "incarnation 0");
    put_header("ctai-batch-1", "63", 1, 0, 0, 1), A(0), A(0), A(0), bad_header("header-sequence-0", "sequence 0");
    put_header("ctai-batch-1", "63", 1, 1, 9, 1), A(0), A(0), A(0), bad_header("header-first-previous", "the first with a header before it");
    put_header("ctai-batch-1", "63", 1, 2, 0, 1), A(0), A(0), A(0), bad_header("header-second-previous", "the second with none before it");
    put_header("ctai-batch-1", "63", 1, 1, 0, 2), A(0), A(0), A(0), bad_header("header-scheme-2", "another scheme");
    put_header("ctai-batch-1", "", 1, 1, 0, 1), A(0), A(0), A(0), bad_header("header-scope-empty", "an empty scope");
    put_header("ctai-batch-1", "63", 1, 1, 0, 1), A(3);
    for (unsigned i = 1; i <= 3; i++)
        A(2), U(i), B(1, 16);
    A(0), A(0), bad_header("header-3-keys", "three linkage keys");
    put_header("ctai-batch-1", "63", 1, 1, 0, 1), A(2), A(2), U(2), B(1, 16), A(2), U(2), B(2, 16), A(0), A(0);
    bad_header("header-epochs", "epochs that do not ascend");
    put_header("ctai-batch-1", "63", 1, 1, 0, 1), A(1), A(2), U(0), B(1, 16), A(0), A(0), bad_header("header-epoch-0", "epoch 0");
    put_header("ctai-batch-1", "63", 1, 1, 0, 1), A(0), A(2);
    for (int i = 0; i < 2; i++)
        A(4), S("c"), F(true), A(0), N();
    A(0), bad_header("header-contract-twice", "a contract covered twice");
    put_header("ctai-batch-1", "63", 1, 1, 0, 1), A(0), A(1), A(4), S("c"), F(true), A(2), S("a"), S("a"), N(), A(0);
    bad_header("header-action-twice", "an action covered twice");
    put_header("ctai-batch-1", "63", 1, 1, 0, 1), A(0), A(1), A(4), S("c"), F(true), A(0), U(0), A(0);
    bad_header("header-month-0", "a month that is none");
    put_header("ctai-batch-1", "63", 1, 1, 0, 1), A(0), A(0), A(1), B(1, 31), bad_header("header-hash-31", "a body's hash of 31 bytes");
    put_header("ctai-batch-1", "63", 1, 1, 0, 1), A(0), A(0), X("\xdc\x04\x00"), bad_header("header-cut", "announces 1,024 hashes and ends");
    put_header("ctai-batch-1", "63", 1, 1, 0, 1), A(0), A(0), A(0), N(), bad_header("header-trailing", "a byte after the end");
}

void vectors_batches(void)
{
    chain();
    bad_headers();
    batch_buffer_release(&raw);
}

/* Receipts. */

static bool receipt_round(text_view bytes, batch_buffer *again, arena *scratch)
{
    wire_receipt receipt;

    (void) scratch;
    if (!wire_read_receipt(&receipt, bytes))
        return false;
    wire_write_receipt(again, &receipt);
    return true;
}

static void put_receipt(const char *domain, uint64_t incarnation, uint64_t sequence, uint64_t stable)
{
    raw_start(), A(9), S(domain), B(3, 32), S("63"), U(incarnation), U(sequence), B(0xab, 32), U(stable), U(100), B(0xcd, 32);
}

static void bad_receipt(const char *name, const char *reason)
{
    vectors_bad("receipt", name, reason, 0, raw_done(), receipt_round);
}

void vectors_receipts(void)
{
    crypto_sign_pair hub, agent;
    wire_receipt receipt = {.position = {.scope = text_of("63"), .incarnation = 1, .sequence = 70000, .stable = 69999},
                            .ledger_position = 1234567};
    uint8_t signature[CRYPTO_SIGNATURE];
    batch_buffer bytes;

    vectors_sign_pair(&hub, 0x71);
    vectors_sign_pair(&agent, 0x31);
    memcpy(receipt.agent, agent.public_key, CRYPTO_PUBLIC);
    memset(receipt.position.hash, 0xab, CRYPTO_HASH);
    memset(receipt.chain, 0xcd, CRYPTO_HASH);
    batch_buffer_init(&bytes, WIRE_RECEIPT_MAX);
    wire_write_receipt(&bytes, &receipt);
    crypto_sign_with(signature, bytes.data, bytes.size, &hub);
    vectors_open("receipt-signed");
    vectors_put(", \"type\": \"signature\"");
    vectors_hex_field("seed", hub.secret_key, 32);
    vectors_hex_field("hub", hub.public_key, CRYPTO_PUBLIC);
    vectors_hex_field("receipt", bytes.data, bytes.size);
    vectors_hex_field("signature", signature, sizeof signature);
    vectors_close(false);
    vectors_good("receipt", "receipt", vectors_bytes(&bytes), receipt_round);
    batch_buffer_release(&bytes);

    put_receipt("ctai-batch-1", 1, 1, 0), bad_receipt("receipt-domain", "another domain");
    put_receipt("ctai-receipt-1", 1, 0, 0), bad_receipt("receipt-sequence-0", "sequence 0");
    put_receipt("ctai-receipt-1", 0, 1, 0), bad_receipt("receipt-incarnation-0", "incarnation 0");
    put_receipt("ctai-receipt-1", 1, 1, 2), bad_receipt("receipt-stable", "stable beyond the sequence");
    put_receipt("ctai-receipt-1", 1, 1, 0), N(), bad_receipt("receipt-trailing", "a byte after the end");
    batch_buffer_release(&raw);
}
