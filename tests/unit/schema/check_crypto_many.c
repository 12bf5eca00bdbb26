/* BLAKE2b of many messages at once: for each what libsodium gives, whatever the sizes beside it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto_many.h"

enum { MESSAGES_MAX = 11, SIZE_MAX_BYTES = 700 };

static void compare(const uint8_t *key, size_t size, const text_view *messages, size_t count)
{
    uint8_t made[MESSAGES_MAX * CRYPTO_HASH], one[CRYPTO_HASH];
    crypto_many(made, size, key, messages, count);
    for (size_t i = 0; i < count; i++) {
        if (size == CRYPTO_SHORT_HASH)
            crypto_short_hash(one, key, key ? CRYPTO_KEY : 0, messages[i].at, messages[i].size);
        else
            crypto_digest(one, key, key ? CRYPTO_KEY : 0, messages[i].at, messages[i].size);
        ck_assert_msg(memcmp(made + i * size, one, size) == 0, "message %zu of %zu, %zu bytes", i, count, messages[i].size);
    }
}

static void compare_all(const text_view *messages, size_t count)
{
    uint8_t key[CRYPTO_KEY];
    crypto_random(key, sizeof key);
    compare(NULL, CRYPTO_HASH, messages, count);
    compare(NULL, CRYPTO_SHORT_HASH, messages, count);
    compare(key, CRYPTO_HASH, messages, count);
    compare(key, CRYPTO_SHORT_HASH, messages, count);
}

/* A copy of exactly that many bytes, so that a sanitizer sees a byte read past its end. */
static text_view message_of(size_t size)
{
    char *bytes = malloc(size);
    crypto_random(bytes, size);
    return (text_view){bytes, size};
}

static void release(const text_view *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *bytes;
        memcpy(&bytes, &messages[i].at, sizeof bytes);
        free(bytes);
    }
}

START_TEST(every_size_is_right)
{
    for (size_t size = 1; size < SIZE_MAX_BYTES; size++) {
        text_view messages[] = {message_of(size), message_of(size % 130 + 1), message_of(size), message_of(size / 2 + 1)};
        compare_all(messages, 4);
        release(messages, 4);
    }
}
END_TEST

START_TEST(any_company_is_right)
{
    srand(7);
    for (int round = 0; round < 500; round++) {
        text_view messages[MESSAGES_MAX];
        size_t count = (size_t)rand() % (MESSAGES_MAX + 1);
        for (size_t i = 0; i < count; i++)
            messages[i] = message_of(1 + (size_t)rand() % (round % 2 ? SIZE_MAX_BYTES : 140));
        compare_all(messages, count);
        release(messages, count);
    }
}
END_TEST

/* RFC 8439, 2.5.2, in pieces of any sizes. */
START_TEST(a_mark_is_of_the_whole_content)
{
    static const uint8_t key[CRYPTO_KEY] = {
        0x85, 0xd6, 0xbe, 0x78, 0x57, 0x55, 0x6d, 0x33, 0x7f, 0x44, 0x52, 0xfe, 0x42, 0xd5, 0x06, 0xa8,
        0x01, 0x03, 0x80, 0x8a, 0xfb, 0x0d, 0xb2, 0xfd, 0x4a, 0xbf, 0xf6, 0xaf, 0x41, 0x49, 0xf5, 0x1b};
    static const uint8_t expected[CRYPTO_MARK] = {
        0xa8, 0x06, 0x1d, 0xc1, 0x30, 0x51, 0x36, 0xc6, 0xc2, 0x2b, 0x8b, 0xaf, 0x0c, 0x01, 0x27, 0xa9};
    static const char content[] = "Cryptographic Forum Research Group";
    for (size_t piece = 1; piece < sizeof content; piece++) {
        crypto_marking self;
        uint8_t mark[CRYPTO_MARK];
        crypto_marking_begin(&self, key);
        for (size_t at = 0, here; at < sizeof content - 1; at += here) {
            here = sizeof content - 1 - at < piece ? sizeof content - 1 - at : piece;
            crypto_marking_add(&self, content + at, here);
        }
        crypto_marking_end(&self, mark);
        ck_assert_mem_eq(mark, expected, sizeof mark);
    }
}
END_TEST

/* Salts come from it: all of its bytes are drawn, and no two calls draw the same. */
START_TEST(many_random_bytes_are_random)
{
    enum { SALTS = 512 };
    static uint8_t first[SALTS][CRYPTO_SALT], second[SALTS][CRYPTO_SALT];
    unsigned ones = 0;
    crypto_random_many(first, sizeof first);
    crypto_random_many(second, sizeof second);
    for (int i = 0; i < SALTS; i++) {
        for (int k = 0; k < SALTS; k++)
            ck_assert(memcmp(first[i], second[k], CRYPTO_SALT) != 0 && (i == k || memcmp(first[i], first[k], CRYPTO_SALT) != 0));
        for (int k = 0; k < CRYPTO_SALT; k++)
            ones += (unsigned)__builtin_popcount(first[i][k]);
    }
    ck_assert(ones > SALTS * CRYPTO_SALT * 39 / 10 && ones < SALTS * CRYPTO_SALT * 41 / 10);
}
END_TEST

START_TEST(one_start_serves_many_calls)
{
    uint8_t key[CRYPTO_KEY], made[3 * CRYPTO_HASH], whole[3 * CRYPTO_HASH];
    crypto_random(key, sizeof key);
    for (int kind = 0; kind < 4; kind++) {
        size_t size = kind % 2 ? CRYPTO_HASH : CRYPTO_SHORT_HASH;
        crypto_many_start start;
        crypto_many_begin(&start, size, kind < 2 ? key : NULL);
        for (size_t length = 1; length < 300; length++) {
            text_view messages[] = {message_of(length), message_of(300 - length), message_of(7)};
            crypto_many_of(&start, made, messages, 3);
            crypto_many(whole, size, kind < 2 ? key : NULL, messages, 3);
            ck_assert_mem_eq(made, whole, 3 * size);
            release(messages, 3);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crypto_many");
    TCase *tests = tcase_create("crypto_many");
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    tcase_add_test(tests, every_size_is_right);
    tcase_add_test(tests, any_company_is_right);
    tcase_add_test(tests, many_random_bytes_are_random);
    tcase_add_test(tests, a_mark_is_of_the_whole_content);
    tcase_add_test(tests, one_start_serves_many_calls);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
