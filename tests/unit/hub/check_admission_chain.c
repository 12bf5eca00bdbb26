/* What goes on from what the hub has, what is old, and what proves that two machines have one key. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "admission_chain.h"

static const uint8_t mine[CRYPTO_HASH] = {1}, other[CRYPTO_HASH] = {2}, last[CRYPTO_HASH] = {9};

static wire_position at(uint64_t incarnation, uint64_t sequence)
{
    wire_position made = {.scope = text_of("63"), .incarnation = incarnation, .sequence = sequence};
    if (sequence > 0)
        memcpy(made.hash, last, CRYPTO_HASH);
    return made;
}

/* A batch that names `last` as the header before. */
static hub_stored batch(wire_position place, uint64_t incarnation, uint64_t sequence, const uint8_t *committed)
{
    batch_header header = {.scope = text_of("63"), .incarnation = incarnation, .sequence = sequence};
    memcpy(header.previous, last, CRYPTO_HASH);
    return admission_chain_batch(&place, &header, mine, committed);
}

START_TEST(the_next_batch_is_taken)
{
    ck_assert_int_eq(batch(at(1, 5), 1, 6, NULL), HUB_STORED_COMMITTED);
    ck_assert_int_eq(batch(at(3, 5), 3, 6, NULL), HUB_STORED_COMMITTED);
    ck_assert_int_eq(batch(at(1, 5), 1, 7, NULL), HUB_STORED_SEQUENCE);
    wire_position elsewhere = at(1, 5);
    elsewhere.hash[0] = 8;
    ck_assert_int_eq(batch(elsewhere, 1, 6, NULL), HUB_STORED_FORK);
}
END_TEST

START_TEST(one_that_is_there_is_the_same_or_a_fork)
{
    ck_assert_int_eq(batch(at(1, 5), 1, 5, mine), HUB_STORED_AGAIN);
    ck_assert_int_eq(batch(at(1, 5), 1, 2, mine), HUB_STORED_AGAIN);
    ck_assert_int_eq(batch(at(1, 5), 1, 5, other), HUB_STORED_FORK);
    ck_assert_int_eq(batch(at(1, 5), 1, 5, NULL), HUB_STORED_FORK);
}
END_TEST

/* Of another incarnation: never a fork, never acknowledged, were it in the ledger. */
START_TEST(another_incarnation_proves_nothing)
{
    for (uint64_t sequence = 4; sequence <= 7; sequence++) {
        ck_assert_int_eq(batch(at(2, 5), 1, sequence, other), HUB_STORED_INCARNATION);
        ck_assert_int_eq(batch(at(2, 5), 1, sequence, mine), HUB_STORED_INCARNATION);
        ck_assert_int_eq(batch(at(2, 5), 3, sequence, NULL), HUB_STORED_INCARNATION);
    }
}
END_TEST

static wire_message renew(wire_position own, wire_position seen, uint64_t wanted)
{
    wire_message made = {.type = WIRE_RENEW};
    made.renew.own = own;
    made.renew.seen = seen;
    made.renew.incarnation = wanted;
    return made;
}

static admission_chain_verdict ask(admission_chain_past past, wire_message message)
{
    return admission_chain_renewal(&past, &message);
}

START_TEST(who_was_restored_is_granted)
{
    /* Behind the hub; on another chain beyond it; the hub has lost its tail; nothing signed at all. */
    ck_assert_int_eq(ask((admission_chain_past){.place = at(1, 10)}, renew(at(1, 5), at(1, 10), 2)), ADMISSION_CHAIN_GRANT);
    ck_assert_int_eq(ask((admission_chain_past){.place = at(1, 10)}, renew(at(1, 12), at(1, 10), 2)), ADMISSION_CHAIN_GRANT);
    ck_assert_int_eq(ask((admission_chain_past){.place = at(1, 0)}, renew(at(1, 5), at(1, 0), 2)), ADMISSION_CHAIN_GRANT);
    ck_assert_int_eq(ask((admission_chain_past){.place = at(1, 10)}, renew(at(1, 0), at(1, 10), 2)), ADMISSION_CHAIN_GRANT);
    /* The hub has lost the grant of incarnation 2. */
    ck_assert_int_eq(ask((admission_chain_past){.place = at(1, 10)}, renew(at(2, 12), at(1, 10), 2)), ADMISSION_CHAIN_GRANT);
    /* Restored from the same copy a second time: left behind at 10, it had come to 5. */
    ck_assert_int_eq(ask((admission_chain_past){.place = at(2, 15), .base = 10, .superseded = true, .left = 10},
                         renew(at(1, 5), at(2, 15), 3)), ADMISSION_CHAIN_GRANT);
}
END_TEST

START_TEST(a_request_that_was_granted_is_answered_again)
{
    const admission_chain_past granted = {.place = at(2, 10), .base = 10, .is_same = true, .superseded = true, .left = 10};
    /* Whatever place it was made for, and though the agent stands where its old incarnation was left. */
    ck_assert_int_eq(ask(granted, renew(at(1, 5), at(1, 10), 2)), ADMISSION_CHAIN_AGAIN);
    ck_assert_int_eq(ask(granted, renew(at(1, 12), at(2, 10), 2)), ADMISSION_CHAIN_AGAIN);
    /* Something has come under it: from another machine, for this one never heard of the grant. */
    admission_chain_past used = granted;
    used.place = at(2, 11);
    ck_assert_int_eq(ask(used, renew(at(1, 5), at(1, 10), 2)), ADMISSION_CHAIN_STALE);
}
END_TEST

START_TEST(who_has_not_seen_the_place_is_sent_back)
{
    const admission_chain_past past = {.place = at(2, 10), .base = 7, .superseded = true, .left = 7};
    wire_position wrong = at(2, 10);
    wrong.hash[5] = 1;
    ck_assert_int_eq(ask(past, renew(at(1, 5), at(2, 9), 3)), ADMISSION_CHAIN_STALE);
    ck_assert_int_eq(ask(past, renew(at(1, 5), at(1, 10), 3)), ADMISSION_CHAIN_STALE);
    ck_assert_int_eq(ask(past, renew(at(1, 5), wrong, 3)), ADMISSION_CHAIN_STALE);
    ck_assert_int_eq(ask(past, renew(at(1, 5), at(2, 10), 2)), ADMISSION_CHAIN_STALE);
    ck_assert_int_eq(ask(past, renew(at(1, 5), at(2, 10), 1)), ADMISSION_CHAIN_STALE);
    /* Though it would be a fork: it may be a late word of before. */
    ck_assert_int_eq(ask(past, renew(at(1, 8), at(2, 9), 3)), ADMISSION_CHAIN_STALE);
    ck_assert_int_eq(ask(past, renew(at(1, 5), at(2, 10), 3)), ADMISSION_CHAIN_GRANT);
}
END_TEST

START_TEST(the_superseded_that_speaks_again_is_a_second_machine)
{
    const admission_chain_past past = {.place = at(2, 10), .base = 7, .superseded = true, .left = 7};
    wire_position own = at(1, 7);
    own.stable = 7;
    ck_assert_int_eq(ask(past, renew(own, at(2, 10), 3)), ADMISSION_CHAIN_FORK);
    own = at(1, 9);
    own.stable = 8;
    ck_assert_int_eq(ask(past, renew(own, at(2, 10), 3)), ADMISSION_CHAIN_FORK);
    own.stable = 7;
    ck_assert_int_eq(ask(past, renew(own, at(2, 10), 3)), ADMISSION_CHAIN_FORK);
    /* Restored once more, it may have signed as many batches again and sent none of them. */
    own.stable = 6;
    ck_assert_int_eq(ask(past, renew(own, at(2, 10), 3)), ADMISSION_CHAIN_GRANT);
    ck_assert_int_eq(ask(past, renew(at(1, 6), at(2, 10), 3)), ADMISSION_CHAIN_GRANT);
    /* New keys, after a machine that had sent something: what was signed before the first HELLO is nobody else's. */
    const admission_chain_past empty = {.place = at(2, 10), .base = 1, .superseded = true, .left = 1};
    ck_assert_int_eq(ask(empty, renew(at(1, 0), at(2, 10), 3)), ADMISSION_CHAIN_GRANT);
    ck_assert_int_eq(ask(empty, renew(at(1, 3), at(2, 10), 3)), ADMISSION_CHAIN_GRANT);
}
END_TEST

static void shared(uint64_t place, uint64_t own, uint64_t stable, uint64_t first, unsigned count)
{
    wire_position here = at(1, place), there = at(1, own);
    uint64_t from;
    unsigned number;
    there.stable = stable;
    admission_chain_shared(&here, &there, &from, &number);
    ck_assert_uint_eq(number, count);
    if (count > 0)
        ck_assert_uint_eq(from, first);
}

START_TEST(hashes_are_of_what_both_have)
{
    shared(10, 7, 3, 4, 4);
    shared(7, 10, 3, 4, 4);
    shared(10, 10, 0, 1, 10);
    shared(10, 0, 0, 1, 0);
    shared(3, 9, 7, 8, 0); /* the hub has lost what it had called committed */
    shared(5000, 5000, 100, 101, WIRE_CHAIN_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission_chain");
    TCase *cases = tcase_create("decisions");
    tcase_add_test(cases, the_next_batch_is_taken);
    tcase_add_test(cases, one_that_is_there_is_the_same_or_a_fork);
    tcase_add_test(cases, another_incarnation_proves_nothing);
    tcase_add_test(cases, who_was_restored_is_granted);
    tcase_add_test(cases, a_request_that_was_granted_is_answered_again);
    tcase_add_test(cases, who_has_not_seen_the_place_is_sent_back);
    tcase_add_test(cases, the_superseded_that_speaks_again_is_a_second_machine);
    tcase_add_test(cases, hashes_are_of_what_both_have);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
