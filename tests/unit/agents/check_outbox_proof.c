/* The receipts that an outbox keeps as evidence: which of them count, and that they are not too many. */
#include "outbox_bench.h"
#include "outbox_proof.h"

static crypto_sign_pair sign;
static unsigned states[PROOF_RECEIPT_AGAINST + 1];
static uint64_t last_held;

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    crypto_sign_new(&sign);
    enter();
}

static outbox_proof proof_of(uint64_t sequence, proof_receipt_state state)
{
    static uint8_t chain[CRYPTO_HASH], signature[CRYPTO_SIGNATURE];
    chain[0] = (uint8_t)sequence;
    return (outbox_proof){.sequence = sequence, .position = 10 * sequence, .chain = chain, .receipt = text_of("receipt"),
                          .signature = signature, .state = state};
}

static void hold(const char *scope, uint64_t first, uint64_t last, proof_receipt_state state)
{
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    for (uint64_t i = first; i <= last; i++) {
        outbox_proof one = proof_of(i, state);
        ck_assert_int_eq(outbox_proof_keep(box, scope, &one), OUTBOX_OK);
    }
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
}

static void leave_after(const char *scope, uint64_t after, proof_receipt_state state)
{
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_proof_leave(box, scope, after, state), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
}

/* The nearest, or 0; its position and link are those of its sequence. */
static uint64_t near(const char *scope, uint64_t sequence, bool above)
{
    uint64_t at = 0, position = 0;
    uint8_t chain[CRYPTO_HASH];
    outbox_error error = outbox_proof_near(box, scope, sequence, above, &at, &position, chain);
    if (error == OUTBOX_ABSENT)
        return 0;
    ck_assert_int_eq(error, OUTBOX_OK);
    ck_assert(position == 10 * at && chain[0] == (uint8_t)at);
    return at;
}

static bool count_one(void *data, const outbox_proof *what)
{
    (void)data;
    states[what->state]++;
    if (what->state == PROOF_RECEIPT_HELD)
        last_held = what->sequence;
    ck_assert(what->receipt.size == 7 && what->seconds > 1700000000);
    return true;
}

static void count_all(void)
{
    memset(states, 0, sizeof states);
    last_held = 0;
    ck_assert_int_eq(outbox_proofs(box, count_one, NULL), OUTBOX_OK);
}

START_TEST(the_nearest_that_is_held)
{
    ck_assert_uint_eq(near("63", 5, false) + near("63", 5, true), 0);
    hold("63", 3, 3, PROOF_RECEIPT_HELD);
    hold("63", 7, 8, PROOF_RECEIPT_HELD);
    hold("84", 5, 5, PROOF_RECEIPT_HELD);
    hold("63", 5, 5, PROOF_RECEIPT_AGAINST);
    reopen();
    ck_assert_uint_eq(near("63", 5, false), 3);
    ck_assert_uint_eq(near("63", 5, true), 7);
    ck_assert_uint_eq(near("63", 7, false), 7);
    ck_assert_uint_eq(near("63", 7, true), 8);
    ck_assert_uint_eq(near("63", 2, false) + near("63", 8, true), 0);
    count_all();
    ck_assert(states[PROOF_RECEIPT_HELD] == 4 && states[PROOF_RECEIPT_AGAINST] == 1);
    hold("63", 7, 7, PROOF_RECEIPT_HELD); /* comes twice */
    count_all();
    ck_assert_uint_eq(states[PROOF_RECEIPT_HELD], 4);
}
END_TEST

START_TEST(what_the_hub_has_lost_counts_no_more)
{
    hold("63", 1, 6, PROOF_RECEIPT_HELD);
    hold("84", 9, 9, PROOF_RECEIPT_HELD);
    leave_after("63", 4, PROOF_RECEIPT_LOST);
    ck_assert_uint_eq(near("63", 9, false), 4);
    hold("63", 5, 5, PROOF_RECEIPT_HELD); /* sent again */
    count_all();
    ck_assert(states[PROOF_RECEIPT_HELD] == 6 && states[PROOF_RECEIPT_LOST] == 2);
    leave_after("63", 0, PROOF_RECEIPT_SUPERSEDED);
    count_all();
    ck_assert(states[PROOF_RECEIPT_HELD] == 1 && states[PROOF_RECEIPT_LOST] == 2 && states[PROOF_RECEIPT_SUPERSEDED] == 5);
}
END_TEST

/* Some hundreds of a scope: the newest all, the oldest still there, fewer between. */
START_TEST(not_too_many)
{
    hold("63", 1, 5000, PROOF_RECEIPT_HELD);
    hold("63", 1, 400, PROOF_RECEIPT_AGAINST);
    count_all();
    ck_assert_uint_le(states[PROOF_RECEIPT_HELD], 512);
    ck_assert_uint_ge(states[PROOF_RECEIPT_HELD], 128);
    ck_assert_uint_eq(states[PROOF_RECEIPT_AGAINST], 128);
    ck_assert_uint_eq(last_held, 5000);
    for (uint64_t i = 5000; i > 4873; i--)
        ck_assert_uint_eq(near("63", i, false), i);
    ck_assert_uint_le(near("63", 0, true), 1024);
    leave_after("63", 0, PROOF_RECEIPT_LOST);
    count_all();
    ck_assert_uint_eq(states[PROOF_RECEIPT_HELD] + states[PROOF_RECEIPT_LOST] + states[PROOF_RECEIPT_AGAINST], 128);
}
END_TEST

/* By the ways that the runtime takes: a receipt, a retraction. */
START_TEST(with_what_they_acknowledge)
{
    outbox_tally tally = {0};
    const uint8_t bytes[CRYPTO_SIGNATURE] = {0};
    for (unsigned i = 0; i < 3; i++)
        queue(&sign, 2);
    for (uint64_t sequence = 1; sequence <= 3; sequence++) {
        outbox_receipt receipt = {.scope = "63", .sequence = sequence, .ledger_position = 40 + sequence, .receipt = text_of("receipt"),
                                  .signature = bytes, .chain = bytes};
        ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
        ck_assert_int_eq(outbox_acknowledge(box, &receipt, &tally), OUTBOX_OK);
        ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    }
    ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
    ck_assert_int_eq(outbox_retract(box, "63", 1, &tally), OUTBOX_OK);
    ck_assert_int_eq(outbox_commit(box), OUTBOX_OK);
    count_all();
    ck_assert(states[PROOF_RECEIPT_HELD] == 1 && states[PROOF_RECEIPT_LOST] == 2 && last_held == 1);
    acknowledge(2, 0, NULL, 0, &tally); /* of a program that asks for no evidence */
    count_all();
    ck_assert_uint_eq(states[PROOF_RECEIPT_HELD], 1);
}
END_TEST

static bool refuse(void *data, const outbox_proof *what)
{
    (void)data;
    (void)what;
    return false;
}

/* Rows that are not what was written are evidence of nothing; and who reads may want no more. */
START_TEST(what_was_not_written)
{
    static const struct { const char *sql; bool near; } wrong[] = {
        {"UPDATE proof SET chain = x'00'", true},
        {"UPDATE proof SET chain = zeroblob(33)", true},
        {"UPDATE proof SET signature = zeroblob(63)", true},
        {"UPDATE proof SET receipt = zeroblob(257)", true},
        {"UPDATE proof SET state = 4", false}, /* which is not held */
        {"UPDATE proof SET state = -1", false},
        {"ALTER TABLE proof RENAME TO away; CREATE VIEW proof AS SELECT abs(-9223372036854775807 - 1) AS sequence, 1 AS position,"
         " x'' AS chain, x'' AS receipt, x'' AS signature, 0 AS state, 1 AS seconds, scope, number FROM away", true},
        {"DROP TABLE proof", true},
    };
    uint64_t at, position;
    uint8_t chain[CRYPTO_HASH];
    hold("63", 3, 3, PROOF_RECEIPT_HELD);
    ck_assert_int_eq(outbox_proofs(box, refuse, NULL), OUTBOX_NO_MEMORY);
    count_all();
    ck_assert_uint_eq(states[PROOF_RECEIPT_HELD], 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        outbox_proof other = proof_of(4, PROOF_RECEIPT_HELD);
        bool there = strstr(wrong[i].sql, "TABLE") == NULL;
        spoil(wrong[i].sql);
        ck_assert_msg(outbox_proofs(box, count_one, NULL) == OUTBOX_DAMAGED, "%s", wrong[i].sql);
        outbox_error error = outbox_proof_near(box, "63", 3, false, &at, &position, chain);
        ck_assert_msg(error == (wrong[i].near ? OUTBOX_DAMAGED : OUTBOX_ABSENT), "%s", wrong[i].sql);
        ck_assert_int_eq(outbox_begin(box), OUTBOX_OK);
        ck_assert_int_eq(outbox_proof_keep(box, "63", &other), there ? OUTBOX_OK : OUTBOX_DAMAGED);
        ck_assert_int_eq(outbox_proof_leave(box, "63", 0, PROOF_RECEIPT_LOST), there ? OUTBOX_OK : OUTBOX_DAMAGED);
        if (there)
            outbox_rollback(box);
        else
            ck_assert_int_eq(outbox_commit(box), OUTBOX_DAMAGED);
        spoil(strstr(wrong[i].sql, "VIEW") != NULL ? "DROP VIEW proof; ALTER TABLE away RENAME TO proof" : "");
        if (there) {
            spoil("DELETE FROM proof");
            hold("63", 3, 3, PROOF_RECEIPT_HELD);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outbox_proof");
    TCase *tests = tcase_create("receipts");
    tcase_add_checked_fixture(tests, setup, leave);
    tcase_add_test(tests, the_nearest_that_is_held);
    tcase_add_test(tests, what_the_hub_has_lost_counts_no_more);
    tcase_add_test(tests, not_too_many);
    tcase_add_test(tests, with_what_they_acknowledge);
    tcase_add_test(tests, what_was_not_written);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
