/* Messages of each type, good and bad. What is inside a BATCH or an ACK has files of its own. */
#include <string.h>

#include "raw.h"

batch_buffer raw = {.limit = 1 << 20};

static const uint8_t signature[CRYPTO_SIGNATURE] = {1, 2, 3};

static bool message_round(text_view bytes, batch_buffer *again, arena *scratch)
{
    wire_message message;

    if (!wire_read(&message, scratch, bytes))
        return false;
    wire_write(again, &message);
    return true;
}

static void good(const char *type, const char *name, const wire_message *message)
{
    batch_buffer bytes;

    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, message);
    vectors_good(type, name, vectors_bytes(&bytes), message_round);
    batch_buffer_release(&bytes);
}

static void bad(const char *type, const char *name, const char *reason)
{
    vectors_bad(type, name, reason, 0, raw_done(), message_round);
}

static wire_position position(const char *scope, uint64_t incarnation, uint64_t sequence, uint64_t stable)
{
    wire_position made = {.scope = text_of(scope), .incarnation = incarnation, .sequence = sequence, .stable = stable};

    if (sequence > 0)
        memset(made.hash, 0xab, sizeof made.hash);
    return made;
}

static void put_position(const char *scope, uint64_t incarnation, uint64_t sequence, uint8_t hash, uint64_t stable)
{
    A(5), S(scope), U(incarnation), U(sequence), B(hash, 32), U(stable);
}

static void good_ones(void)
{
    wire_position positions[] = {position("63", 1, 300, 299), position("03", 2, 0, 0), position("2A", 1, INT64_MAX, 0)};
    wire_action actions[] = {{text_of("axe1"), text_of("Accompagnement social renforcé"), true},
                             {text_of("axe2"), text_of(""), false}};
    wire_contract contracts[] = {
        {text_of("thiers-2023"), text_of("CTAI de Thiers Dore et Montagne"), text_of("63"), civil_from(2023, 11, 30),
         civil_from(2024, 11, 29), 2, actions, 2, {{4, {0x51}}, {UINT32_MAX, {0x52}}}},
        {text_of("x"), text_of(""), text_of("63"), civil_from(2024, 2, 29), civil_from(2024, 2, 29), 0, NULL, 0, {{0}}}};
    text_view bodies[] = {text_of("body"), {NULL, 0}, text_of("")};
    wire_record_refusal refusals[] = {{12, 0, RECORD_BAD_MONTH}, {12, 1023, RECORD_DUPLICATE_KEY}};
    wire_message message = {.type = WIRE_HELLO};

    message.hello.version = 1;
    good("HELLO", "hello-empty", &message);
    message.hello.software = text_of("ctai-agent 0.1.0");
    message.hello.scopes = positions;
    message.hello.scope_count = 3;
    good("HELLO", "hello", &message);

    message = (wire_message){.type = WIRE_BATCH};
    message.batch.header = text_of("header");
    message.batch.signature = signature;
    good("BATCH", "batch-empty", &message);
    message.batch.bodies = bodies;
    message.batch.body_count = 3;
    good("BATCH", "batch-with-an-absent-body", &message);

    message = (wire_message){.type = WIRE_WELCOME};
    message.welcome.version = 1;
    message.welcome.software = text_of("ctai-hub 0.1.0");
    message.welcome.credit_batches = 8;
    message.welcome.credit_bytes = 8 * 1024 * 1024;
    good("WELCOME", "welcome-empty", &message);
    message.welcome.contracts = contracts;
    message.welcome.contract_count = 2;
    message.welcome.scopes = positions;
    message.welcome.scope_count = 2;
    good("WELCOME", "welcome", &message);

    message = (wire_message){.type = WIRE_ACK};
    message.ack.receipt = text_of("receipt");
    message.ack.signature = signature;
    good("ACK", "ack", &message);
    message.ack.refusals = refusals;
    message.ack.refusal_count = 2;
    good("ACK", "ack-with-refusals", &message);

    message = (wire_message){.type = WIRE_CONTRACTS};
    good("CONTRACTS", "contracts-empty", &message);
    message.contracts.contracts = contracts;
    message.contracts.contract_count = 2;
    good("CONTRACTS", "contracts", &message);

    message = (wire_message){.type = WIRE_REFUSED};
    message.refused.reason = WIRE_REFUSAL_BUSY;
    good("REFUSED", "refused", &message);
    message.refused.reason = WIRE_REFUSAL_FORK;
    message.refused.scope = text_of("63");
    message.refused.sequence = 70000;
    good("REFUSED", "refused-batch", &message);
}

static void good_resumptions(void)
{
    static const uint8_t hashes[2][CRYPTO_HASH] = {{1}, {2}}, after[RECORD_KEY] = {200, 1};
    static uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST];
    wire_held held[] = {{{200, 1, 1}, text_of("thiers-2023"), 1, 300}, {{200, 2}, text_of("x"), 2, 301}};
    wire_message message = {.type = WIRE_RENEW};

    message.renew.own = position("63", 1, 290, 280);
    message.renew.seen = position("63", 1, 300, 300);
    message.renew.incarnation = 2;
    memset(message.renew.request, 7, WIRE_REQUEST);
    good("RENEW", "renew", &message);
    message.renew.own = position("63", 1, 0, 0);
    good("RENEW", "renew-from-nothing", &message);

    message = (wire_message){.type = WIRE_GRANTED};
    memset(message.granted.request, 7, WIRE_REQUEST);
    message.granted.position = position("63", 2, 300, 300);
    good("GRANTED", "granted", &message);
    message.granted.hashes = hashes;
    message.granted.hash_count = 2;
    good("GRANTED", "granted-with-the-chain", &message);

    message = (wire_message){.type = WIRE_SURVEY};
    message.survey.scope = text_of("63");
    good("SURVEY", "survey", &message);
    /* Of the records listed below and of no others. */
    for (unsigned i = 0; i < 2; i++)
        wire_digest_toggle(digests + held[i].key[0] * WIRE_DIGEST, &held[i]);
    message = (wire_message){.type = WIRE_DIGESTS};
    message.digests.scope = text_of("63");
    message.digests.incarnation = 2;
    message.digests.sequence = 301;
    message.digests.digests = digests;
    good("DIGESTS", "digests", &message);

    message = (wire_message){.type = WIRE_LIST};
    message.list.scope = text_of("63");
    message.list.bucket = 200;
    good("LIST", "list", &message);
    message.list.after = after;
    good("LIST", "list-after", &message);
    message = (wire_message){.type = WIRE_LISTED};
    message.listed.scope = text_of("63");
    message.listed.incarnation = 2;
    message.listed.sequence = 301;
    message.listed.bucket = 200;
    good("LISTED", "listed-none", &message);
    message.listed.records = held;
    message.listed.record_count = 2;
    good("LISTED", "listed", &message);
    message.listed.after = after;
    message.listed.more = true;
    good("LISTED", "listed-after-and-more", &message);
}

static void bad_forms(void)
{
    raw_start(), bad("", "empty", "no bytes");
    raw_start(), N(), bad("", "nil", "not an array");
    raw_start(), X("\x81\x01\x02"), bad("", "map", "a map");
    raw_start(), A(0), bad("", "no-type", "an array without a type");
    raw_start(), A(2), U(6), A(0), bad("", "unknown-type", "no such type");
    raw_start(), A(2), X("\xff"), A(0), bad("", "negative-type", "a negative integer");
    raw_start(), A(2), X("\xcb\x40\x32\x00\x00\x00\x00\x00\x00"), A(0), bad("", "float-type", "a float");
    raw_start(), A(2), X("\xd4\x00\x12"), A(0), bad("", "extension", "an extension");
    raw_start(), X("\xdc\x00\x02"), U(18), A(0), bad("CONTRACTS", "long-array", "an array of 2 in the form for 16 and more");
    raw_start(), X("\xdd\x00\x00\x00\x02"), U(18), A(0), bad("CONTRACTS", "longer-array", "the form for 65,536 and more");
    raw_start(), A(2), X("\xcc\x12"), A(0), bad("CONTRACTS", "long-integer", "18 in the form for 128 and more");
    raw_start(), A(2), X("\xcd\x00\x12"), A(0), bad("CONTRACTS", "longer-integer", "18 in the form for 256 and more");
    raw_start(), A(2), X("\xd1\x00\x12"), A(0), bad("CONTRACTS", "signed-integer", "18 in a signed form");
    raw_start(), A(2), U(18), A(0), N(), bad("CONTRACTS", "trailing", "a byte after the end");
    raw_start(), A(3), U(18), A(0), N(), bad("CONTRACTS", "a-field-more", "three fields for two");
    raw_start(), A(1), U(18), bad("CONTRACTS", "a-field-less", "one field for two");
    raw_start(), A(2), U(18), X("\xdd\xff\xff\xff\xff"), bad("CONTRACTS", "array-bomb", "announces 2^32-1 contracts in 9 bytes");
    raw_start(), A(2), U(18), X("\xdc\x01\x00"), bad("CONTRACTS", "cut", "announces 256 contracts and ends");
}

static void bad_hellos(void)
{
    static const char name[] = "HELLO";

    raw_start(), A(4), U(1), U(0), S("x"), A(0), bad(name, "hello-version-0", "version 0");
    raw_start(), A(4), U(1), S("1"), S("x"), A(0), bad(name, "hello-version-text", "the version is a string");
    raw_start(), A(4), U(1), U(1), X("\xa1\xff"), A(0), bad(name, "hello-not-utf8", "the software is not UTF-8");
    raw_start(), A(4), U(1), U(1), X("\xa3\xed\xa0\x80"), A(0), bad(name, "hello-surrogate", "a surrogate in UTF-8");
    raw_start(), A(4), U(1), U(1), X("\xd9\x01" "x"), A(0), bad(name, "hello-long-string", "1 byte in the form for 32 and more");
    raw_start(), A(4), U(1), U(1), X("\xc4\x01" "x"), A(0), bad(name, "hello-software-binary", "the software is a binary");
    raw_start(), A(4), U(1), U(1), S("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), A(0);
    bad(name, "hello-software-65", "software of 65 bytes");
    raw_start(), A(4), U(1), U(1), S("x"), A(17);
    for (int i = 0; i < 17; i++) {
        const char scope[] = {(char) ('a' + i), '\0'};
        put_position(scope, 1, 1, 0xab, 0);
    }
    bad(name, "hello-17-scopes", "17 scopes");
    raw_start(), A(4), U(1), U(1), S("x"), A(2), put_position("63", 1, 1, 0xab, 0), put_position("63", 1, 1, 0xab, 0);
    bad(name, "hello-scope-twice", "a scope twice");
    raw_start(), A(4), U(1), U(1), S("x"), A(1), put_position("6 3", 1, 1, 0xab, 0), bad(name, "hello-scope-space", "a space in a scope");
    raw_start(), A(4), U(1), U(1), S("x"), A(1), put_position("", 1, 1, 0xab, 0), bad(name, "hello-scope-empty", "an empty scope");
    raw_start(), A(4), U(1), U(1), S("x"), A(1), put_position("a23456789012345678901234567890123", 1, 1, 0xab, 0);
    bad(name, "hello-scope-33", "a scope of 33 bytes");
    raw_start(), A(4), U(1), U(1), S("x"), A(1), put_position("63", 0, 1, 0xab, 0), bad(name, "hello-incarnation-0", "incarnation 0");
    raw_start(), A(4), U(1), U(1), S("x"), A(1), put_position("63", 1, 1, 0, 0), bad(name, "hello-hash-zero", "zeros for the hash of sequence 1");
    raw_start(), A(4), U(1), U(1), S("x"), A(1), put_position("63", 1, 0, 0xab, 0), bad(name, "hello-hash-of-none", "a hash for sequence 0");
    raw_start(), A(4), U(1), U(1), S("x"), A(1), put_position("63", 1, 1, 0xab, 2), bad(name, "hello-stable-beyond", "stable beyond the sequence");
    raw_start(), A(4), U(1), U(1), S("x"), A(1), A(5), S("63"), U(1), X("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), B(0xab, 32), U(0);
    bad(name, "hello-sequence-2-63", "sequence 2^63");
    raw_start(), A(4), U(1), U(1), S("x"), A(1), A(5), S("63"), U(1), U(1), B(0xab, 31), U(0), bad(name, "hello-hash-31", "a hash of 31 bytes");
    raw_start(), A(4), U(1), U(1), S("x"), A(1), A(5), S("63"), U(1), U(1), X("\xc5\x00\x20" "abcdefghijklmnopqrstuvwxyzabcdef"), U(0);
    bad(name, "hello-long-binary", "32 bytes in the form for 256 and more");
}

static void bad_batches(void)
{
    static const char name[] = "BATCH";

    raw_start(), A(4), U(2), B(1, 6), B(2, 63), A(0), bad(name, "batch-signature-63", "a signature of 63 bytes");
    raw_start(), A(4), U(2), S("header"), B(2, 64), A(0), bad(name, "batch-header-text", "the header is a string");
    raw_start(), A(4), U(2), A(0), B(2, 64), A(0), bad(name, "batch-header-array", "the header is an array, not a binary");
    raw_start(), A(4), U(2), B(1, 6), B(2, 64), A(1), S("body"), bad(name, "batch-body-text", "a body is a string");
    raw_start(), A(4), U(2), B(1, 6), B(2, 64), A(1), F(false), bad(name, "batch-body-false", "a body is false");
    raw_start(), A(4), U(2), B(1, 6), B(2, 64), A(1), B(3, BATCH_BODY_MAX + 1), bad(name, "batch-body-16385", "a body of 16,385 bytes");
    raw_start(), A(4), U(2), B(1, 6), B(2, 64), A(BATCH_BODIES_MAX + 1);
    for (int i = 0; i <= BATCH_BODIES_MAX; i++)
        N();
    bad(name, "batch-1025-bodies", "1,025 bodies");
}

static void put_contract(const char *id, const char *first, const char *last)
{
    A(7), S(id), S("title"), S("63"), S(first), S(last);
}

static void put_key(uint64_t epoch)
{
    A(2), U(epoch), B(0x51, 16);
}

static void bad_contracts(void)
{
    static const char name[] = "CONTRACTS";

    raw_start(), A(2), U(18), A(1), put_contract("été", "2023-11-30", "2024-11-29"), A(0), A(0), bad(name, "contract-id", "an id that is no name");
    raw_start(), A(2), U(18), A(1), put_contract("c", "2024-11-29", "2023-11-30"), A(0), A(0), bad(name, "contract-days", "ends before it begins");
    raw_start(), A(2), U(18), A(1), put_contract("c", "2023-02-29", "2024-11-29"), A(0), A(0), bad(name, "contract-no-day", "a day that is none");
    raw_start(), A(2), U(18), A(1), put_contract("c", "30/11/2023", "2024-11-29"), A(0), A(0), bad(name, "contract-day-form", "a day in another form");
    raw_start(), A(2), U(18), A(2), put_contract("c", "2023-11-30", "2024-11-29"), A(0), A(0);
    put_contract("c", "2023-11-30", "2024-11-29"), A(0), A(0);
    bad(name, "contract-twice", "a contract twice");
    raw_start(), A(2), U(18), A(1), put_contract("c", "2023-11-30", "2024-11-29"), A(2), A(3), S("a"), S(""), F(true), A(3), S("a"), S(""), F(true), A(0);
    bad(name, "action-twice", "an action twice");
    raw_start(), A(2), U(18), A(1), put_contract("c", "2023-11-30", "2024-11-29"), A(1), A(3), S("a"), S(""), U(1), A(0);
    bad(name, "action-allowed-1", "1 for true");
    raw_start(), A(2), U(18), A(1), put_contract("c", "2023-11-30", "2024-11-29"), A(0), A(3), put_key(1), put_key(2), put_key(3);
    bad(name, "contract-three-keys", "three linkage keys");
    raw_start(), A(2), U(18), A(1), put_contract("c", "2023-11-30", "2024-11-29"), A(0), A(2), put_key(2), put_key(2);
    bad(name, "contract-epoch-twice", "an epoch twice");
    raw_start(), A(2), U(18), A(1), put_contract("c", "2023-11-30", "2024-11-29"), A(0), A(1), put_key(0);
    bad(name, "contract-epoch-0", "epoch 0");
}

static void bad_others(void)
{
    raw_start(), A(7), U(16), U(1), S("x"), U(0), U(1000), A(0), A(0), bad("WELCOME", "welcome-no-credit", "a credit of no batches");
    raw_start(), A(7), U(16), U(1), S("x"), U(8), U(0), A(0), A(0), bad("WELCOME", "welcome-no-bytes", "a credit of no bytes");
    raw_start(), A(6), U(16), U(1), S("x"), U(8), U(1000), A(0), bad("WELCOME", "welcome-short", "six fields for seven");
    raw_start(), A(4), U(17), B(1, 7), B(2, 64), A(1), A(3), U(0), U(0), U(1), bad("ACK", "ack-sequence-0", "a refusal of sequence 0");
    raw_start(), A(4), U(17), B(1, 7), B(2, 64), A(1), A(3), U(1), U(1024), U(1), bad("ACK", "ack-index-1024", "a body beyond 1,024");
    raw_start(), A(4), U(17), B(1, 7), B(2, 64), A(1), A(3), U(1), U(0), U(0), bad("ACK", "ack-reason-0", "reason 0");
    raw_start(), A(4), U(17), B(1, 7), B(2, 64), A(1), A(3), U(1), U(0), U(13), bad("ACK", "ack-reason-13", "no such reason");
    raw_start(), A(4), U(17), B(1, WIRE_RECEIPT_MAX + 1), B(2, 64), A(0), bad("ACK", "ack-receipt-257", "a receipt of 257 bytes");
    raw_start(), A(4), U(19), U(0), N(), U(0), bad("REFUSED", "refused-0", "reason 0");
    raw_start(), A(4), U(19), U(11), N(), U(0), bad("REFUSED", "refused-11", "no such reason");
    raw_start(), A(4), U(19), U(5), S(""), U(0), bad("REFUSED", "refused-scope-empty", "an empty scope for nil");
    raw_start(), A(4), U(19), U(5), N(), N(), bad("REFUSED", "refused-sequence-nil", "nil for 0");
}

static void put_held(uint8_t key, uint64_t incarnation, uint64_t sequence)
{
    A(4), B(key, 16), S("c"), U(incarnation), U(sequence);
}

static void bad_resumptions(void)
{
    raw_start(), A(5), U(3), put_position("63", 1, 1, 0xab, 0), put_position("03", 1, 2, 0xab, 0), U(2), B(7, 16);
    bad("RENEW", "renew-two-scopes", "two scopes");
    raw_start(), A(5), U(3), put_position("63", 1, 1, 0xab, 0), put_position("63", 1, 2, 0xab, 0), U(0), B(7, 16);
    bad("RENEW", "renew-incarnation-0", "incarnation 0");
    raw_start(), A(5), U(3), put_position("63", 1, 1, 0xab, 0), put_position("63", 1, 2, 0xab, 0), U(2), B(7, 15);
    bad("RENEW", "renew-request-15", "a request of 15 bytes");
    raw_start(), A(2), U(4), S(""), bad("SURVEY", "survey-scope-empty", "an empty scope");
    raw_start(), A(4), U(5), S("63"), U(256), N(), bad("LIST", "list-bucket-256", "a bucket beyond 255");
    raw_start(), A(4), U(5), S("63"), U(200), B(199, 16), bad("LIST", "list-after-elsewhere", "a key of another bucket");
    raw_start(), A(4), U(20), B(7, 16), put_position("63", 2, 1, 0xab, 0), A(1), B(1, 31);
    bad("GRANTED", "granted-hash-31", "a hash of 31 bytes");
    raw_start(), A(5), U(21), S("63"), U(1), U(1), B(0, 4095), bad("DIGESTS", "digests-4095", "digests of 4,095 bytes");
    raw_start(), A(5), U(21), S("63"), U(0), U(1), B(0, 4096), bad("DIGESTS", "digests-incarnation-0", "incarnation 0");
    raw_start(), A(8), U(22), S("63"), U(1), U(1), U(1), N(), F(false), A(1), put_held(2, 1, 1);
    bad("LISTED", "listed-elsewhere", "a key of another bucket");
    raw_start(), A(8), U(22), S("63"), U(1), U(1), U(1), N(), F(false), A(2), put_held(1, 1, 1), put_held(1, 1, 1);
    bad("LISTED", "listed-twice", "a key twice");
    raw_start(), A(8), U(22), S("63"), U(1), U(1), U(1), B(1, 16), F(false), A(1), put_held(1, 1, 1);
    bad("LISTED", "listed-not-after", "a key that is not after the one asked");
    raw_start(), A(8), U(22), S("63"), U(1), U(1), U(1), N(), F(true), A(0), bad("LISTED", "listed-more-of-none", "more after nothing");
    raw_start(), A(8), U(22), S("63"), U(1), U(1), U(1), N(), F(false), A(1), put_held(1, 1, 0);
    bad("LISTED", "listed-sequence-0", "brought by batch 0");
}

void vectors_messages(void)
{
    good_ones();
    good_resumptions();
    bad_forms();
    bad_hellos();
    bad_batches();
    bad_contracts();
    bad_others();
    bad_resumptions();
    batch_buffer_release(&raw);
}
