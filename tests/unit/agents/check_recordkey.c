/* Record keys made together are those made one by one, whatever their number, kind and length. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "recordkey.h"

static uint8_t secret[CRYPTO_KEY];

/* A copy of exactly that many bytes, gone when the key is noted: the queue must not need it any more. */
static char *text_bytes(size_t size)
{
    char *bytes = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)('a' + rand() % 26);
    return bytes;
}

/* Notes one of any kind, and makes the same by itself. */
static void note(recordkey_queue *all, uint8_t *to, uint8_t *alone, size_t size)
{
    char *bytes = text_bytes(size);
    text_view text = {bytes, size};
    uint8_t subject[RECORD_KEY];
    crypto_random(subject, sizeof subject);
    switch (rand() % 3) {
    case 0:
        recordkey_queue_event(all, to, text_of("63-thiers-2023"), text);
        recordkey_event(alone, secret, text_of("63-thiers-2023"), text);
        break;
    case 1:
        recordkey_queue_beneficiary(all, to, subject, (civil_month)(12 * 2020 + size % 60));
        recordkey_beneficiary(alone, secret, subject, (civil_month)(12 * 2020 + size % 60));
        break;
    default:
        recordkey_queue_reference(all, to, text, text_of("axe1"), FACT_SEANCE, text);
        recordkey_reference(alone, secret, text, text_of("axe1"), FACT_SEANCE, text);
    }
    memset(bytes, 0, size);
    free(bytes);
}

START_TEST(together_is_one_by_one)
{
    static recordkey_queue all;
    uint8_t made[RECORDKEY_QUEUE][RECORD_KEY], alone[RECORDKEY_QUEUE][RECORD_KEY];
    srand(11);
    crypto_random(secret, sizeof secret);
    recordkey_queue_init(&all, secret);
    for (unsigned count = 0; count <= RECORDKEY_QUEUE; count++)
        for (int round = 0; round < 20; round++) {
            memset(made, 0, sizeof made);
            memset(alone, 0, sizeof alone);
            for (unsigned i = 0; i < count; i++)
                note(&all, made[i], alone[i], (size_t)rand() % (round % 2 ? 20 : 600));
            ck_assert_uint_eq(all.count, count);
            recordkey_queue_make(&all);
            ck_assert_uint_eq(all.count, 0);
            ck_assert_mem_eq(made, alone, sizeof made);
        }
}
END_TEST

START_TEST(every_length_is_right)
{
    static recordkey_queue all;
    uint8_t made[2][RECORD_KEY], alone[2][RECORD_KEY];
    recordkey_queue_init(&all, secret);
    for (size_t size = 0; size < 700; size++) {
        note(&all, made[0], alone[0], size);
        note(&all, made[1], alone[1], size);
        recordkey_queue_make(&all);
        ck_assert_mem_eq(made, alone, sizeof made);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recordkey");
    TCase *tests = tcase_create("recordkey");
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    tcase_add_test(tests, together_is_one_by_one);
    tcase_add_test(tests, every_length_is_right);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
