/* check_linkage: which keys are used, for every set of keys held and every telling of the hub. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "linkage.h"

enum { EPOCHS = 5 };

/* Key number 0 of an epoch is the coordinator's, 1 somebody else's. */
static token_key key_of(unsigned epoch, unsigned number)
{
    token_key key = {.epoch = epoch};
    key.key[0] = (uint8_t)(10 * epoch + number);
    return key;
}

static batch_key told_of(unsigned epoch)
{
    token_key key = key_of(epoch, 0);
    batch_key told = {.epoch = epoch};
    token_key_id(told.id, &key);
    return told;
}

/* In base 3 from epoch 1 on: 0 not held, 1 the coordinator's, 2 another. */
static unsigned hold(unsigned code, token_key held[EPOCHS])
{
    unsigned count = 0;
    for (unsigned epoch = 1; epoch <= EPOCHS; epoch++, code /= 3)
        if (code % 3 != 0)
            held[count++] = key_of(epoch, code % 3 - 1);
    return count;
}

static bool is_ours(const token_key *held, unsigned count, unsigned epoch, bool *right)
{
    for (unsigned i = 0; i < count; i++)
        if (held[i].epoch == epoch) {
            *right = held[i].key[0] == 10 * epoch;
            return true;
        }
    return false;
}

static void check_promises(const token_key *held, unsigned count, const linkage_told *told)
{
    linkage_choice choice;
    linkage_choose(&choice, held, count, told);
    ck_assert_uint_le(choice.key_count, RECORD_TOKEN_SETS);
    ck_assert(linkage_blocks(choice.trouble) == (choice.key_count == 0));
    for (unsigned i = 0; i < choice.key_count; i++) {
        linkage_state state = linkage_state_of(&choice.keys[i], told);
        ck_assert(state == LINKAGE_OPEN || state == LINKAGE_UNKNOWN);
        ck_assert(choice.keys + i >= held && choice.keys + i < held + count);
        if (i > 0)
            ck_assert_uint_gt(choice.keys[i].epoch, choice.keys[i - 1].epoch);
        if (state == LINKAGE_UNKNOWN && told->count > 0) { /* what the hub would register next */
            ck_assert_uint_eq(told->count, 1);
            ck_assert_uint_eq(choice.keys[i].epoch, told->open[0].epoch + 1);
        }
    }
    if (told->count == 0) {
        ck_assert(choice.trouble == (count == 0 ? LINKAGE_NO_KEY : LINKAGE_FINE));
        if (count > 0)
            ck_assert_uint_eq(choice.keys[choice.key_count - 1].epoch, held[count - 1].epoch);
        return;
    }
    bool right = false, next_right = false;
    if (told->count > 1 && told->open[1].epoch != told->open[0].epoch + 1)
        return; /* no hub of this protocol; the promises hold all the same */
    bool first = is_ours(held, count, told->open[0].epoch, &right);
    bool next = told->count > 1 && is_ours(held, count, told->open[1].epoch, &next_right);
    linkage_trouble expected = count == 0 ? LINKAGE_NO_KEY
        : !first                          ? LINKAGE_LACKS_FIRST
        : !right                          ? LINKAGE_OTHER_FIRST
        : told->count == 1                ? LINKAGE_FINE
        : !next                           ? LINKAGE_LACKS_NEXT
        : !next_right                     ? LINKAGE_OTHER_NEXT
                                          : LINKAGE_FINE;
    ck_assert_int_eq(choice.trouble, expected);
    if (choice.key_count > 0)
        ck_assert_uint_eq(choice.keys[0].epoch, told->open[0].epoch); /* the one that links */
    if (expected == LINKAGE_FINE && told->count > 1)
        ck_assert_uint_eq(choice.key_count, 2);
}

START_TEST(test_promises)
{
    token_key held[EPOCHS];
    for (unsigned code = 0; code < 3 * 3 * 3 * 3 * 3; code++) {
        unsigned count = hold(code, held);
        linkage_told told = {0};
        check_promises(held, count, &told);
        for (unsigned low = 1; low <= EPOCHS; low++) {
            told = (linkage_told){.count = 1, .open = {told_of(low)}};
            check_promises(held, count, &told);
            for (unsigned high = low + 1; high <= EPOCHS; high++) {
                told = (linkage_told){.count = 2, .open = {told_of(low), told_of(high)}};
                check_promises(held, count, &told);
            }
        }
    }
}
END_TEST

START_TEST(test_states)
{
    linkage_told none = {0}, two = {.count = 2, .open = {told_of(2), told_of(3)}};
    token_key one = key_of(1, 0), right = key_of(3, 0), other = key_of(3, 1), later = key_of(4, 0);
    ck_assert_int_eq(linkage_state_of(&one, &none), LINKAGE_UNKNOWN);
    ck_assert_int_eq(linkage_state_of(&one, &two), LINKAGE_CLOSED);
    ck_assert_int_eq(linkage_state_of(&right, &two), LINKAGE_OPEN);
    ck_assert_int_eq(linkage_state_of(&other, &two), LINKAGE_OTHER);
    ck_assert_int_eq(linkage_state_of(&later, &two), LINKAGE_UNKNOWN);
    ck_assert_str_eq(linkage_state_name(LINKAGE_CLOSED), "close");
}
END_TEST

/* A contract that was told before, of an approval say, does not bring a closed epoch back. */
START_TEST(test_tellings)
{
    wire_contract contracts[] = {
        {.scope = {"63", 2}, .key_count = 1, .keys = {told_of(1)}},
        {.scope = {"63", 2}, .key_count = 1, .keys = {told_of(2)}},
        {.scope = {"63", 2}, .key_count = 0},
        {.scope = {"63", 2}, .key_count = 2, .keys = {told_of(2), told_of(3)}},
        {.scope = {"63", 2}, .key_count = 2, .keys = {told_of(1), told_of(2)}},
        {.scope = {"84", 2}, .key_count = 1, .keys = {told_of(5)}},
    };
    linkage_told told;
    linkage_read(&told, text_of("63"), contracts, 6);
    ck_assert_uint_eq(told.count, 2);
    ck_assert_uint_eq(told.open[0].epoch, 2);
    ck_assert_uint_eq(told.open[1].epoch, 3);
    linkage_read(&told, text_of("84"), contracts, 6);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(told.open[0].epoch, 5);
    linkage_read(&told, text_of("03"), contracts, 6);
    ck_assert_uint_eq(told.count, 0);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("linkage");
    TCase *cases = tcase_create("linkage");
    tcase_add_test(cases, test_promises);
    tcase_add_test(cases, test_states);
    tcase_add_test(cases, test_tellings);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
