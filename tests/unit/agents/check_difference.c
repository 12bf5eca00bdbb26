/* check_difference: the merge of what was made with what is held, and its guard. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "difference.h"

typedef struct {
    uint8_t key, content;
} small;

static difference_entry wide(small from)
{
    difference_entry entry = {.sequence = 0};
    entry.key[15] = from.key;
    entry.content[0] = from.content;
    return entry;
}

/* Merges; retained keys are those above 200. Tells of each key in told. */
static void merge(difference *self, bool complete, const small *made, size_t made_count, const small *held,
                  size_t held_count, difference_kind told[256])
{
    size_t m = 0, h = 0;
    difference_init(self, complete);
    for (int i = 0; i < 256; i++)
        told[i] = DIFFERENCE_KIND_COUNT;
    while (m < made_count || h < held_count) {
        difference_entry one = {.sequence = 0}, other = {.sequence = 0};
        if (m < made_count)
            one = wide(made[m]);
        if (h < held_count)
            other = wide(held[h]);
        int order = difference_order(m < made_count ? one.key : NULL, h < held_count ? &other : NULL);
        uint8_t key = order <= 0 ? one.key[15] : other.key[15];
        ck_assert_int_eq(told[key], DIFFERENCE_KIND_COUNT); /* each key once */
        told[key] = difference_take(self, order <= 0 ? one.content : NULL, order >= 0 ? &other : NULL, key > 200);
        m += order <= 0;
        h += order >= 0;
    }
}

START_TEST(test_kinds)
{
    const small made[] = {{1, 1}, {2, 1}, {3, 1}, {9, 1}}, held[] = {{2, 1}, {3, 2}, {4, 1}, {201, 1}};
    difference self;
    difference_kind told[256];
    merge(&self, true, made, 4, held, 4, told);
    ck_assert_int_eq(told[1], DIFFERENCE_NEW);
    ck_assert_int_eq(told[2], DIFFERENCE_UNCHANGED);
    ck_assert_int_eq(told[3], DIFFERENCE_CHANGED);
    ck_assert_int_eq(told[4], DIFFERENCE_WITHDRAWN);
    ck_assert_int_eq(told[9], DIFFERENCE_NEW);
    ck_assert_int_eq(told[201], DIFFERENCE_KEPT);
    ck_assert_uint_eq(self.held, 4);
    merge(&self, false, made, 4, held, 4, told);
    ck_assert_int_eq(told[4], DIFFERENCE_KEPT);
    ck_assert_uint_eq(self.count[DIFFERENCE_WITHDRAWN], 0);
    merge(&self, true, NULL, 0, held, 4, told);
    ck_assert_uint_eq(self.count[DIFFERENCE_WITHDRAWN], 3);
    merge(&self, true, made, 4, NULL, 0, told);
    ck_assert_uint_eq(self.count[DIFFERENCE_NEW], 4);
}
END_TEST

static bool too_much(unsigned long withdrawn, unsigned long held)
{
    difference self = {.complete = true, .held = held};
    self.count[DIFFERENCE_WITHDRAWN] = withdrawn;
    return difference_withdraws_too_much(&self);
}

START_TEST(test_guard)
{
    ck_assert(!too_much(0, 0));
    ck_assert(!too_much(10, 10));
    ck_assert(too_much(11, 11));
    ck_assert(too_much(11, 21));
    ck_assert(!too_much(11, 22)); /* half is not more than half */
    ck_assert(!too_much(12, 24));
    ck_assert(too_much(13, 24));
}
END_TEST

/* Against the definition, on random sets. */
START_TEST(test_random)
{
    srandom(7);
    for (int round = 0; round < 2000; round++) {
        small made[200], held[200];
        size_t made_count = 0, held_count = 0;
        int made_at[256], held_at[256];
        for (int key = 0; key < 200; key++) {
            made_at[key] = held_at[key] = -1;
            if (random() % 3 == 0)
                made[made_count++] = (small){(uint8_t)key, (uint8_t)(made_at[key] = (int)(random() % 2))};
            if (random() % 3 == 0)
                held[held_count++] = (small){(uint8_t)key, (uint8_t)(held_at[key] = (int)(random() % 2))};
        }
        difference self;
        difference_kind told[256];
        merge(&self, true, made, made_count, held, held_count, told);
        for (int key = 0; key < 200; key++) {
            difference_kind right = made_at[key] < 0 && held_at[key] < 0 ? DIFFERENCE_KIND_COUNT
                : held_at[key] < 0                                       ? DIFFERENCE_NEW
                : made_at[key] < 0                                       ? DIFFERENCE_WITHDRAWN
                : made_at[key] == held_at[key]                           ? DIFFERENCE_UNCHANGED
                                                                         : DIFFERENCE_CHANGED;
            ck_assert_int_eq(told[key], right);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("difference");
    TCase *cases = tcase_create("difference");
    tcase_add_test(cases, test_kinds);
    tcase_add_test(cases, test_guard);
    tcase_add_test(cases, test_random);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
