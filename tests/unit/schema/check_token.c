/* Names folded, tokens, fingerprints, boxes and signatures. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "fold.h"
#include "token.h"

static const struct { const char *name, *folded; } folds[] = {
    {"", ""},
    {"DUPONT", "dupont"},
    {" Jean-Pierre  ", "jeanpierre"},
    {"O'Neill", "oneill"},
    {"N’Guessan", "nguessan"},
    {"Éloïse", "eloise"},
    {"E\xCC\x81loi\xCC\x88se", "eloise"}, /* the same, decomposed */
    {"Straße", "strasse"},
    {"STRASSE", "strasse"},
    {"Łukasz", "lukasz"},
    {"Søren", "soren"},
    {"Đặng", "dang"},
    {"Þór Guðrún", "thorgudrun"},
    {"Ħal", "hal"},
    {"İbrahim", "ibrahim"},
    {"Yıldız", "yildiz"},
    {"Əliyev", "eliyev"},
    {"Ŋaba", "naba"},
    {"Æsir Œuvre", "aesiroeuvre"},
    {"ﬁlip", "filip"},           /* a ligature of compatibility */
    {"Ｋｉｍ", "kim"},            /* full width */
    {"Олена", "олена"},
    {"Йосип", "иосип"},          /* the breve is a mark */
    {"Χρήστος", "χρηστοσ"},      /* the final sigma folds */
    {"محمد", "محمد"},
    {"مُحَمَّد", "محمد"},        /* vowel signs are marks */
    {"Anne 2", "anne2"},
};

START_TEST(names_fold_as_the_domain_says)
{
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
        char folded[100];
        long size = fold_name(folded, sizeof folded, text_of(folds[i].name));
        ck_assert_msg(size >= 0 && strcmp(folded, folds[i].folded) == 0, "%s -> %s, not %s", folds[i].name, folded,
                      folds[i].folded);
        ck_assert_int_eq(size, (long)strlen(folded));
    }
}
END_TEST

START_TEST(folding_never_writes_past_its_end)
{
    char folded[4];
    ck_assert_int_eq(fold_name(folded, sizeof folded, text_of("abc")), 3);
    ck_assert_int_eq(fold_name(folded, sizeof folded, text_of("abcd")), -1);
    ck_assert_int_eq(fold_name(folded, sizeof folded, text_of("\xC3\xA9t\xC3\xA9s")), -1);
    ck_assert_int_eq(fold_name(folded, sizeof folded, text_of("\xE9")), -1);
}
END_TEST

START_TEST(an_identity_is_names_and_day)
{
    char identity[TOKEN_IDENTITY_MAX];
    long size = token_identity(identity, text_of("Diallo"), text_of("Aïssatou"), civil_from(1994, 3, 7));
    ck_assert_str_eq(identity, "diallo|aissatou|1994-03-07");
    ck_assert_int_eq(size, (long)strlen(identity));
    char *long_name = malloc(2000);
    memset(long_name, 'a', 2000);
    ck_assert_int_eq(token_identity(identity, (text_view){long_name, 2000}, text_of("b"), 0), -1);
    ck_assert_int_eq(token_identity(identity, (text_view){long_name, 600}, (text_view){long_name, 600}, 0), -1);
    free(long_name);
}
END_TEST

START_TEST(tokens_are_those_of_an_independent_calculation)
{
    /* hashlib.blake2b(message, digest_size=16, key=bytes(range(32))).hexdigest() */
    token_key key = {.epoch = 1};
    for (int i = 0; i < CRYPTO_KEY; i++)
        key.key[i] = (uint8_t)i;
    uint8_t token[TOKEN_SIZE];
    char hex[2 * TOKEN_SIZE + 1];
    token_of_number(token, &key, "0123456789");
    crypto_hex(hex, token, sizeof token);
    ck_assert_str_eq(hex, "46dd26ea2faf222718b1549f7a28619a");
    token_of_identity(token, &key, text_of("diallo|aissatou|1994-03-07"));
    crypto_hex(hex, token, sizeof token);
    ck_assert_str_eq(hex, "7e76d3230dbd3c1aa796cd0858e0199c");
    token_of_household(token, &key, text_of("diallo|aissatou|1994-03-07"));
    crypto_hex(hex, token, sizeof token);
    ck_assert_str_eq(hex, "7310fa1a1e5d859ab177a510b3ee4e5c");
    token_key_id(token, &key);
    crypto_hex(hex, token, sizeof token);
    ck_assert_str_eq(hex, "19fca9bffd5d10d027804ca94ee1f446");
}
END_TEST

START_TEST(fingerprints_can_be_read_aloud)
{
    char text[CRYPTO_FINGERPRINT_TEXT], other[CRYPTO_FINGERPRINT_TEXT], spaced[CRYPTO_FINGERPRINT_TEXT];
    crypto_fingerprint(text, "abc", 3);
    crypto_fingerprint(other, "abd", 3);
    ck_assert_uint_eq(strlen(text), CRYPTO_FINGERPRINT_TEXT - 1);
    memcpy(spaced, text, sizeof spaced);
    for (char *at = spaced; (at = strchr(at, '-')) != NULL;)
        *at = ' ';
    ck_assert(crypto_fingerprint_equal(text, spaced));
    ck_assert(!crypto_fingerprint_equal(text, other));
    ck_assert(!crypto_fingerprint_equal(text, ""));
    ck_assert(!crypto_fingerprint_equal("", ""));
    ck_assert(crypto_fingerprint_valid(text) && crypto_fingerprint_valid(spaced));
    spaced[strlen(spaced) - 1] = '\0'; /* a digit short */
    ck_assert(!crypto_fingerprint_valid(spaced) && !crypto_fingerprint_valid("") && !crypto_fingerprint_valid("x"));
    ck_assert(!crypto_fingerprint_equal(text, spaced));
}
END_TEST

START_TEST(boxes_and_signatures_hold)
{
    crypto_box_pair from, to;
    crypto_sign_pair signer;
    crypto_box_new(&from), crypto_box_new(&to), crypto_sign_new(&signer);
    uint8_t box[5 + CRYPTO_SEAL_OVERHEAD], opened[5], signature[CRYPTO_SIGNATURE];
    ck_assert(crypto_seal(box, "hello", 5, to.public_key, from.secret_key));
    ck_assert(crypto_open(opened, box, sizeof box, from.public_key, to.secret_key));
    ck_assert_mem_eq(opened, "hello", 5);
    box[30] ^= 1;
    ck_assert(!crypto_open(opened, box, sizeof box, from.public_key, to.secret_key));
    ck_assert(!crypto_open(opened, box, 3, from.public_key, to.secret_key));
    crypto_sign_with(signature, "hello", 5, &signer);
    ck_assert(crypto_verify(signature, "hello", 5, signer.public_key));
    ck_assert(!crypto_verify(signature, "hellp", 5, signer.public_key));
}
END_TEST

START_TEST(what_is_wrapped_needs_its_key_and_context)
{
    uint8_t salt[CRYPTO_SALT] = {1}, key[CRYPTO_KEY], again[CRYPTO_KEY], box[5 + CRYPTO_WRAP_OVERHEAD], back[5];
    const text_view context = text_of("lien");
    ck_assert(crypto_stretch(key, "12345", salt) && crypto_stretch(again, "12345", salt));
    ck_assert_mem_eq(key, again, sizeof key);
    crypto_wrap(box, "hello", 5, context, key);
    ck_assert(crypto_unwrap(back, box, sizeof box, context, key));
    ck_assert_mem_eq(back, "hello", 5);
    ck_assert(!crypto_unwrap(back, box, sizeof box, text_of("lieu"), key));
    ck_assert(!crypto_unwrap(back, box, CRYPTO_WRAP_OVERHEAD - 1, context, key));
    salt[0] = 2;
    ck_assert(crypto_stretch(again, "12345", salt));
    ck_assert(!crypto_unwrap(back, box, sizeof box, context, again));
    for (size_t i = 0; i < sizeof box; i++) {
        box[i] ^= 1;
        ck_assert(!crypto_unwrap(back, box, sizeof box, context, key));
        box[i] ^= 1;
    }
    for (int i = 0; i < 100; i++)
        ck_assert_uint_lt(crypto_random_below(3), 3);
}
END_TEST

START_TEST(base64_comes_back)
{
    uint8_t data[100], back[100];
    char text[200];
    crypto_random(data, sizeof data);
    ck_assert_uint_le(crypto_base64_size(sizeof data), sizeof text);
    crypto_base64(text, data, sizeof data);
    ck_assert_int_eq(crypto_base64_decode(back, sizeof back, text_of(text)), 100);
    ck_assert_mem_eq(data, back, 100);
    ck_assert_int_eq(crypto_base64_decode(back, 99, text_of(text)), -1);
    ck_assert_int_eq(crypto_base64_decode(back, 100, text_of("YWJj\r\nZGVm \n")), 6);
    ck_assert_int_eq(crypto_base64_decode(back, 100, text_of("YWJ*")), -1);
    for (int c = 0x7f; c <= 0xff; c++)
        ck_assert_int_eq(crypto_base64_decode(back, 100, text_of((char[]){'Y', 'W', 'J', (char)c, '\0'})), -1);
    ck_assert_int_eq(crypto_base64_decode(back, 100, text_of("YWJjZ")), -1);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("token");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, names_fold_as_the_domain_says);
    tcase_add_test(tests, folding_never_writes_past_its_end);
    tcase_add_test(tests, an_identity_is_names_and_day);
    tcase_add_test(tests, tokens_are_those_of_an_independent_calculation);
    tcase_add_test(tests, fingerprints_can_be_read_aloud);
    tcase_add_test(tests, boxes_and_signatures_hold);
    tcase_add_test(tests, what_is_wrapped_needs_its_key_and_context);
    tcase_add_test(tests, base64_comes_back);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
