/* Which linkage keys a scope takes, and which epoch may be closed. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "admission_keys.h"

/* The key of an epoch; version: another one of the same epoch. */
static batch_key key(uint32_t epoch, uint8_t version)
{
    return (batch_key){.epoch = epoch, .id = {version, (uint8_t)epoch}};
}

static admission_key known(uint32_t epoch, bool closed)
{
    return (admission_key){.key = key(epoch, 1), .scheme = TOKEN_SCHEME_BLAKE2B, .closed = closed};
}

static batch_header naming(unsigned count, batch_key first, batch_key second)
{
    return (batch_header){.scheme = TOKEN_SCHEME_BLAKE2B, .key_count = count, .keys = {first, second}};
}

/* How many are to be registered; -1: refused. */
static int take(const admission_key *of, size_t count, batch_header header)
{
    unsigned fresh = 9;
    return admission_keys_take(of, count, &header, &fresh) ? (int)fresh : -1;
}

START_TEST(the_first_ever_may_be_any)
{
    ck_assert_int_eq(take(NULL, 0, naming(0, key(1, 1), key(2, 1))), 0);
    ck_assert_int_eq(take(NULL, 0, naming(1, key(1, 1), key(2, 1))), 1);
    ck_assert_int_eq(take(NULL, 0, naming(1, key(7, 1), key(2, 1))), 1);
    ck_assert_int_eq(take(NULL, 0, naming(2, key(7, 1), key(8, 1))), 2);
    ck_assert_int_eq(take(NULL, 0, naming(2, key(7, 1), key(9, 1))), -1); /* a gap */
    ck_assert_int_eq(take(NULL, 0, naming(1, key(UINT32_MAX, 1), key(0, 0))), 1);
}
END_TEST

START_TEST(an_epoch_has_one_key)
{
    const admission_key of[] = {known(1, true), known(2, false)};
    ck_assert_int_eq(take(of, 2, naming(1, key(2, 1), key(0, 0))), 0);
    ck_assert_int_eq(take(of, 2, naming(1, key(2, 2), key(0, 0))), -1);
    ck_assert_int_eq(take(of, 2, naming(1, key(1, 2), key(0, 0))), -1); /* were it closed */
    ck_assert_int_eq(take(of, 2, naming(2, key(2, 2), key(3, 1))), -1);
    ck_assert_int_eq(take(of, 2, naming(2, key(1, 2), key(2, 1))), -1);
    batch_header header = naming(1, key(2, 1), key(0, 0));
    header.scheme = TOKEN_SCHEME_OPRF;
    ck_assert_int_eq(take(of, 2, header), -1);
}
END_TEST

START_TEST(epochs_come_one_after_another_two_at_a_time)
{
    const admission_key one[] = {known(3, false)}, two[] = {known(3, false), known(4, false)},
                        later[] = {known(3, true), known(4, false)};
    ck_assert_int_eq(take(one, 1, naming(2, key(3, 1), key(4, 1))), 1);
    ck_assert_int_eq(take(one, 1, naming(1, key(4, 1), key(0, 0))), 1);
    ck_assert_int_eq(take(one, 1, naming(1, key(2, 1), key(0, 0))), -1);
    ck_assert_int_eq(take(one, 1, naming(2, key(3, 1), key(5, 1))), -1);
    ck_assert_int_eq(take(one, 1, naming(2, key(4, 1), key(5, 1))), -1); /* three would be open */
    ck_assert_int_eq(take(two, 2, naming(2, key(3, 1), key(4, 1))), 0);
    ck_assert_int_eq(take(two, 2, naming(2, key(4, 1), key(5, 1))), -1);
    ck_assert_int_eq(take(later, 2, naming(2, key(4, 1), key(5, 1))), 1);
    /* Who has not followed is taken all the same. */
    ck_assert_int_eq(take(later, 2, naming(1, key(3, 1), key(0, 0))), 0);
    ck_assert_int_eq(take(later, 2, naming(2, key(3, 1), key(4, 1))), 0);
}
END_TEST

/* The epoch that must be there before; 0: it may not be closed. */
static uint32_t close_of(const admission_key *of, size_t count, batch_key which)
{
    uint32_t next = 0;
    return admission_keys_close(of, count, &which, &next) ? next : 0;
}

START_TEST(the_older_of_two_is_closed)
{
    const admission_key of[] = {known(3, true), known(4, false), known(5, false)};
    ck_assert_uint_eq(close_of(of, 3, key(4, 1)), 5);
    ck_assert_uint_eq(close_of(of, 3, key(4, 2)), 0);
    ck_assert_uint_eq(close_of(of, 3, key(5, 1)), 0);
    ck_assert_uint_eq(close_of(of, 3, key(3, 1)), 0);
    ck_assert_uint_eq(close_of(of, 3, key(6, 1)), 0);
    ck_assert_uint_eq(close_of(of, 2, key(4, 1)), 0); /* the only one that is open */
    ck_assert_uint_eq(close_of(of, 1, key(3, 1)), 0);
    ck_assert_uint_eq(close_of(NULL, 0, key(1, 1)), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission_keys");
    TCase *cases = tcase_create("keys");
    tcase_add_test(cases, the_first_ever_may_be_any);
    tcase_add_test(cases, an_epoch_has_one_key);
    tcase_add_test(cases, epochs_come_one_after_another_two_at_a_time);
    tcase_add_test(cases, the_older_of_two_is_closed);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
