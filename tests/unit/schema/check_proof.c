/* The ledger's chain, what its check finds, an export and receipts on their way: each defence has a case that it alone sees. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mpack.h"
#include "proof_file.h"

enum { FOUND_MAX = 16, BATCHES = 5 };

typedef struct {
    batch_buffer header;
    uint8_t signature[CRYPTO_SIGNATURE], hash[CRYPTO_HASH], chain[CRYPTO_HASH];
    unsigned agent;
    uint64_t sequence;
} one_batch;

static crypto_sign_pair pairs[2], hub;
static arena *memory, *scratch;
static proof_check *check;
static proof_check_finding found[FOUND_MAX];
static unsigned found_count;
static one_batch batches[BATCHES]; /* positions 2..6, after a contract; of the agents in turn */
static uint8_t contract_chain[CRYPTO_HASH];
static const char definition[] = "id: c\n";

static void tell(void *data, const proof_check_finding *finding)
{
    (void) data;
    ck_assert_uint_lt(found_count, FOUND_MAX);
    found[found_count++] = *finding;
}

static text_view bytes_of(const batch_buffer *buffer)
{
    return (text_view){(const char *) buffer->data, buffer->size};
}

static void sign_batch(one_batch *self, const batch_header *header, unsigned agent)
{
    batch_buffer_clear(&self->header);
    batch_write_header(&self->header, header);
    ck_assert(!self->header.failed);
    batch_sign(self->signature, bytes_of(&self->header), &pairs[agent]);
    batch_hash(self->hash, bytes_of(&self->header));
    self->agent = agent;
    self->sequence = header->sequence;
}

/* Each link after the other, as the entries are now. */
static void chain_up(void)
{
    uint8_t chain[CRYPTO_HASH] = {0}, hash[CRYPTO_HASH];

    ck_assert(proof_contract(hash, text_of("c"), 1, text_of(definition)));
    proof_link(chain, chain, text_of("63"), 1, PROOF_CONTRACT, hash);
    memcpy(contract_chain, chain, CRYPTO_HASH);
    for (unsigned i = 0; i < BATCHES; i++) {
        proof_link(chain, chain, text_of("63"), i + 2, PROOF_BATCH, batches[i].hash);
        memcpy(batches[i].chain, chain, CRYPTO_HASH);
    }
}

static batch_header header_of(unsigned i, uint64_t incarnation)
{
    static uint8_t bodies[3][CRYPTO_HASH];
    batch_header header = {.scope = text_of("63"), .incarnation = incarnation, .sequence = i / 2 + 1, .scheme = 1, .body_count = 3,
                           .hashes = bodies};

    memcpy(header.agent, pairs[i % 2].public_key, CRYPTO_PUBLIC);
    if (i > 1)
        memcpy(header.previous, batches[i - 2].hash, CRYPTO_HASH);
    return header;
}

static void make_check(void)
{
    arena_clear(memory);
    found_count = 0;
    check = proof_check_new(memory, scratch, tell, NULL);
    ck_assert_ptr_nonnull(check);
    ck_assert_int_eq(proof_check_agent(check, text_of("alpha")), 0);
    ck_assert_int_eq(proof_check_agent(check, text_of("beta")), 1);
    for (unsigned i = 0; i < 2; i++)
        ck_assert(proof_check_key(check, i, pairs[i].public_key));
}

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    memory = arena_new(16 << 20);
    scratch = arena_new(WIRE_SCRATCH_BYTES);
    for (unsigned i = 0; i < 2; i++)
        crypto_sign_new(&pairs[i]);
    crypto_sign_new(&hub);
    for (unsigned i = 0; i < BATCHES; i++) {
        batch_buffer_init(&batches[i].header, BATCH_HEADER_MAX);
        const batch_header header = header_of(i, 1);
        sign_batch(&batches[i], &header, i % 2);
    }
    chain_up();
    make_check();
}

static void teardown(void)
{
    for (unsigned i = 0; i < BATCHES; i++)
        batch_buffer_release(&batches[i].header);
    arena_destroy(&memory);
    arena_destroy(&scratch);
}

static void give(unsigned i, uint64_t position)
{
    proof_check_batch(check, position, bytes_of(&batches[i].header), batches[i].signature, batches[i].chain);
}

static void begin(void)
{
    ck_assert(proof_check_scope(check, text_of("63")));
}

static void give_contract(void)
{
    proof_check_contract(check, 1, text_of("c"), 1, text_of(definition), contract_chain);
}

static void end(void)
{
    proof_check_end(check, BATCHES + 1, batches[BATCHES - 1].chain);
    proof_check_finish(check);
}

static void run_all(void)
{
    begin();
    give_contract();
    for (unsigned i = 0; i < BATCHES; i++)
        give(i, i + 2);
    end();
}

/* The one finding: what, where; its sentence names both. */
static void must_find(proof_check_fault fault, uint64_t position)
{
    char text[PROOF_CHECK_TEXT_MAX], place[64];

    ck_assert_uint_eq(found_count, 1);
    ck_assert_int_eq(found[0].fault, fault);
    ck_assert_uint_eq(found[0].position, position);
    proof_check_text(text, &found[0]);
    (void) snprintf(place, sizeof place, "périmètre 63, position %u : ", (unsigned) position);
    ck_assert_msg(strncmp(text, place, strlen(place)) == 0, "%s", text);
    ck_assert_uint_eq(proof_check_total(check).faults, fault == PROOF_CHECK_LOST ? 0 : 1);
}

START_TEST(a_good_ledger)
{
    run_all();
    ck_assert_uint_eq(found_count, 0);
    proof_check_totals all = proof_check_total(check);
    ck_assert(all.scopes == 1 && all.batches == BATCHES && all.contracts == 1 && all.records == 3 * BATCHES && all.faults == 0);
}
END_TEST

/* The link as PROTOCOL.md writes it, byte by byte. */
START_TEST(the_bytes_of_a_link)
{
    static const uint8_t hash[CRYPTO_HASH] = {1}, previous[CRYPTO_HASH] = {2};
    uint8_t bytes[] = "\x96\xac" "ctai-chain-1" "\xc4\x20" "................................" "\xa2" "63" "\xcd\x01\x2c" "\x01" "\xc4\x20"
                      "................................";
    uint8_t chain[CRYPTO_HASH], expected[CRYPTO_HASH];

    memcpy(bytes + 16, previous, CRYPTO_HASH);
    memcpy(bytes + sizeof bytes - 1 - CRYPTO_HASH, hash, CRYPTO_HASH);
    crypto_digest(expected, NULL, 0, bytes, sizeof bytes - 1);
    proof_link(chain, previous, text_of("63"), 300, PROOF_BATCH, hash);
    ck_assert_mem_eq(chain, expected, CRYPTO_HASH);
    ck_assert(!proof_contract(chain, text_of("c"), 0, text_of("x")) && !proof_contract(chain, text_of("é"), 1, text_of("x")));
}
END_TEST

START_TEST(a_gap_and_a_repetition)
{
    begin();
    give_contract();
    give(0, 2);
    give(2, 4);
    end();
    must_find(PROOF_CHECK_GAP, 3);
    ck_assert_uint_eq(found[0].other, 4);
    make_check();
    begin();
    give_contract();
    give(0, 2);
    give(0, 2);
    end();
    must_find(PROOF_CHECK_ORDER, 2);
}
END_TEST

START_TEST(what_a_signature_shows)
{
    batches[2].header.data[batches[2].header.size - 1] ^= 1;
    run_all();
    must_find(PROOF_CHECK_SIGNATURE, 4);
    ck_assert_str_eq(found[0].agent, "alpha");
    make_check();
    batches[2].header.data[batches[2].header.size - 1] ^= 1;
    memcpy(batches[2].signature, batches[4].signature, CRYPTO_SIGNATURE);
    run_all();
    must_find(PROOF_CHECK_SIGNATURE, 4);
    make_check();
    crypto_sign_new(&pairs[0]); /* whom nobody knows */
    const batch_header header = header_of(2, 1);
    sign_batch(&batches[2], &header, 0);
    chain_up();
    run_all();
    must_find(PROOF_CHECK_STRANGER, 4);
}
END_TEST

/* Well signed, well linked, and not what the agent's own chain says. */
START_TEST(what_the_agents_chain_shows)
{
    static const proof_check_fault faults[] = {PROOF_CHECK_SEQUENCE, PROOF_CHECK_PREVIOUS, PROOF_CHECK_FOREIGN, PROOF_CHECK_INCARNATION,
                                               PROOF_CHECK_UNREADABLE};
    batch_header header = header_of(2, _i == 3 ? 2 : 1);
    if (_i == 0)
        header.sequence = 3;
    if (_i == 1)
        header.previous[0] ^= 1;
    if (_i == 2)
        header.scope = text_of("03");
    sign_batch(&batches[2], &header, 0);
    if (_i == 4) {
        batches[2].header.data[3] ^= 1; /* of its domain */
        batch_sign(batches[2].signature, bytes_of(&batches[2].header), &pairs[0]);
        batch_hash(batches[2].hash, bytes_of(&batches[2].header));
    }
    chain_up();
    run_all();
    must_find(faults[_i], 4);
}
END_TEST

/* An incarnation that was granted after the sequence before is none of the hub's inventions. */
START_TEST(a_granted_incarnation)
{
    for (uint64_t base = 0; base < 3; base++) {
        const batch_header header = header_of(4, 3);
        sign_batch(&batches[4], &header, 0);
        chain_up();
        make_check();
        begin();
        ck_assert(proof_check_grant(check, 1, 3, 2) && proof_check_grant(check, 0, 3, base) && proof_check_grant(check, 0, 2, base));
        give_contract();
        for (unsigned i = 0; i < BATCHES; i++)
            give(i, i + 2);
        end();
        if (base == 2)
            ck_assert_uint_eq(found_count, 0);
        else
            must_find(PROOF_CHECK_INCARNATION, 6);
    }
}
END_TEST

START_TEST(what_a_link_shows)
{
    batches[1].chain[9] ^= 1;
    run_all();
    must_find(PROOF_CHECK_LINK, 3);
    make_check();
    batches[1].chain[9] ^= 1;
    begin();
    proof_check_contract(check, 1, text_of("c"), 1, text_of("id: d\n"), contract_chain);
    end();
    must_find(PROOF_CHECK_LINK, 1);
    make_check();
    begin();
    proof_check_contract(check, 1, text_of("c"), 0, text_of(definition), contract_chain);
    end();
    must_find(PROOF_CHECK_UNREADABLE, 1);
}
END_TEST

START_TEST(where_it_ends)
{
    begin();
    give_contract();
    give(0, 2);
    end();
    must_find(PROOF_CHECK_END, 3);
    ck_assert_uint_eq(found[0].other, BATCHES + 1);
    make_check();
    begin();
    give_contract();
    proof_check_end(check, 1, batches[0].chain);
    must_find(PROOF_CHECK_END, 1);
}
END_TEST

START_TEST(what_the_rows_say)
{
    begin();
    give_contract();
    give(0, 2);
    proof_check_row(check, 0, 1, 1, batches[0].hash);
    ck_assert_uint_eq(found_count, 0);
    proof_check_place(check, 0, 1, batches[0].hash);
    ck_assert_uint_eq(found_count, 0);
    proof_check_place(check, 1, 1, batches[0].hash);
    must_find(PROOF_CHECK_PLACE, 2);
    for (unsigned i = 0; i < 4; i++) {
        make_check();
        begin();
        give_contract();
        give(0, 2);
        proof_check_row(check, i == 0 ? 1 : 0, i == 1 ? 2 : 1, i == 2 ? 2 : 1, i == 3 ? batches[1].hash : batches[0].hash);
        must_find(PROOF_CHECK_ROW, 2);
    }
}
END_TEST

/* A receipt for the batch i, spoilt in one way. */
static proof_check_receipt receipt_of(unsigned i, int spoilt)
{
    proof_check_receipt made = {.agent = batches[i].agent, .scope = text_of(spoilt == 5 ? "84" : "63"), .sequence = batches[i].sequence + (spoilt == 1),
                                .position = i + 2 + (spoilt == 2 ? 1 : spoilt == 6 ? 10 : 0)};

    memcpy(made.hash, batches[i].hash, CRYPTO_HASH);
    memcpy(made.chain, batches[i].chain, CRYPTO_HASH);
    made.hash[0] ^= spoilt == 3;
    made.chain[0] ^= spoilt == 4;
    return made;
}

START_TEST(what_receipts_show)
{
    for (int lost = 0; lost < 2; lost++) {
        make_check();
        proof_check_receipt one = receipt_of(2, _i), good = receipt_of(3, 0), later = receipt_of(4, _i);
        one.lost = later.lost = lost;
        ck_assert(proof_check_hold(check, &later) && proof_check_hold(check, &one) && proof_check_hold(check, &good));
        run_all();
        ck_assert_uint_eq(proof_check_total(check).receipts, 3);
        if (_i == 0) {
            ck_assert_uint_eq(found_count, 0);
            continue;
        }
        /* Once for each agent and scope, and the first. */
        ck_assert_uint_eq(found_count, 1);
        ck_assert_int_eq(found[0].fault, lost ? PROOF_CHECK_LOST : _i > 4 ? PROOF_CHECK_CUT : PROOF_CHECK_REWRITTEN);
        ck_assert_str_eq(found[0].agent, "alpha");
        ck_assert_uint_eq(found[0].position, one.position);
        ck_assert_str_eq(found[0].scope, _i == 5 ? "84" : "63");
        ck_assert_uint_eq(proof_check_total(check).warnings, (unsigned) lost);
    }
}
END_TEST

START_TEST(receipts_in_a_file)
{
    wire_receipt receipt = {.position = {.scope = text_of("63"), .incarnation = 1, .sequence = 2}, .ledger_position = 4};
    batch_buffer bytes, text;
    uint8_t signature[CRYPTO_SIGNATURE];
    proof_receipts what = {.agent = {.name = "alpha"}, .seconds = 7, .count = 1}, again;

    memcpy(receipt.agent, pairs[0].public_key, CRYPTO_PUBLIC);
    memcpy(receipt.position.hash, batches[2].hash, CRYPTO_HASH);
    memcpy(receipt.chain, batches[2].chain, CRYPTO_HASH);
    batch_buffer_init(&bytes, WIRE_RECEIPT_MAX);
    batch_buffer_init(&text, PROOF_RECEIPTS_FILE_MAX);
    wire_write_receipt(&bytes, &receipt);
    crypto_sign_with(signature, bytes.data, bytes.size, &hub);
    proof_receipt item = {.receipt = bytes_of(&bytes), .signature = signature, .state = PROOF_RECEIPT_LOST, .seconds = 9};
    what.items = &item;
    memcpy(what.agent.sign, pairs[0].public_key, CRYPTO_PUBLIC);
    memcpy(what.hub_sign, hub.public_key, CRYPTO_PUBLIC);
    proof_receipts_write(&text, &what, &pairs[0]);
    ck_assert_int_eq(proof_receipts_read(&again, memory, bytes_of(&text)), CREDENTIAL_OK);
    ck_assert(again.count == 1 && again.seconds == 7 && again.items[0].seconds == 9 && again.items[0].state == PROOF_RECEIPT_LOST);
    ck_assert_int_eq(proof_receipts_lay(check, &again, pairs[1].public_key), PROOF_RECEIPTS_OTHER_HUB);
    ck_assert_int_eq(proof_receipts_lay(check, &again, hub.public_key), PROOF_RECEIPTS_FIT);
    run_all();
    ck_assert_uint_eq(found_count, 0);
    /* Not the agent's word, not the hub's. */
    batch_buffer_clear(&text);
    proof_receipts_write(&text, &what, &pairs[1]);
    ck_assert_int_eq(proof_receipts_read(&again, memory, bytes_of(&text)), CREDENTIAL_BAD_SIGNATURE);
    signature[3] ^= 1;
    batch_buffer_clear(&text);
    proof_receipts_write(&text, &what, &pairs[0]);
    make_check(); /* it empties the arena */
    ck_assert_int_eq(proof_receipts_read(&again, memory, bytes_of(&text)), CREDENTIAL_OK);
    ck_assert_int_eq(proof_receipts_lay(check, &again, hub.public_key), PROOF_RECEIPTS_FORGED);
    batch_buffer_release(&bytes);
    batch_buffer_release(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proof");
    TCase *tests = tcase_create("ledger");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_good_ledger);
    tcase_add_test(tests, the_bytes_of_a_link);
    tcase_add_test(tests, a_gap_and_a_repetition);
    tcase_add_test(tests, what_a_signature_shows);
    tcase_add_loop_test(tests, what_the_agents_chain_shows, 0, 5);
    tcase_add_test(tests, a_granted_incarnation);
    tcase_add_test(tests, what_a_link_shows);
    tcase_add_test(tests, where_it_ends);
    tcase_add_test(tests, what_the_rows_say);
    tcase_add_loop_test(tests, what_receipts_show, 0, 7);
    tcase_add_test(tests, receipts_in_a_file);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
