/* The sealed keys of a hub: whole with the right code, refused in every other case. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "armour.h"
#include "bundle.h"
#include "credential.h"
#include "mpack.h"

static bundle made, opened;
static arena *from;
static batch_buffer file;

static void enter(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    memset(&made, 0, sizeof made);
    memset(&opened, 0, sizeof opened);
    crypto_box_new(&made.curve);
    crypto_sign_new(&made.sign);
    crypto_random(made.pepper, sizeof made.pepper);
    made.stable_at_commit = true;
    made.address_count = 2;
    ck_assert(endpoint_parse(&made.addresses[0], text_of("tcp://ctai.exemple.fr:5670")));
    ck_assert(endpoint_parse(&made.addresses[1], text_of("tcp://[2001:db8::1]:5671")));
    bundle_code_new(&made);
    from = arena_new(1 << 20);
    batch_buffer_init(&file, BUNDLE_FILE_MAX);
    ck_assert_int_eq(bundle_seal(&made, &file), BUNDLE_OK);
}

static void leave(void)
{
    arena_destroy(&from);
    batch_buffer_release(&file);
}

static text_view text(void)
{
    return (text_view) {(const char *) file.data, file.size};
}

static bool has_keys(const bundle *self)
{
    static const bundle none;
    return memcmp(&self->curve, &none.curve, sizeof none.curve) != 0 || memcmp(&self->sign, &none.sign, sizeof none.sign) != 0
        || memcmp(self->pepper, none.pepper, sizeof none.pepper) != 0 || memcmp(self->key, none.key, sizeof none.key) != 0
        || memcmp(self->inside, none.inside, sizeof none.inside) != 0;
}

static bundle_error open_with(const char *code)
{
    bundle_sealed sealed;
    ck_assert_int_eq(bundle_read(&sealed, from, text()), BUNDLE_OK);
    ck_assert(bundle_code_take(&opened, text_of(code)));
    return bundle_open(&opened, &sealed);
}

START_TEST(it_opens_with_its_code)
{
    static const bundle none;
    ck_assert_int_eq(open_with(made.code), BUNDLE_OK);
    ck_assert_mem_eq(&opened.curve, &made.curve, sizeof made.curve);
    ck_assert_mem_eq(&opened.sign, &made.sign, sizeof made.sign);
    ck_assert_mem_eq(opened.pepper, made.pepper, sizeof made.pepper);
    ck_assert(opened.stable_at_commit);
    ck_assert_uint_eq(opened.address_count, 2);
    ck_assert_str_eq(opened.addresses[1].host, "[2001:db8::1]");
    ck_assert_uint_eq(opened.addresses[1].port, 5671);
    ck_assert_mem_eq(opened.inside, none.inside, sizeof none.inside); /* nothing is left in the open */
    ck_assert_mem_eq(made.inside, none.inside, sizeof none.inside);
    ck_assert_mem_eq(made.key, none.key, sizeof none.key);
}
END_TEST

START_TEST(another_code_opens_nothing)
{
    char wrong[BUNDLE_CODE_TEXT];
    memcpy(wrong, made.code, sizeof wrong);
    wrong[BUNDLE_CODE_TEXT - 2] = wrong[BUNDLE_CODE_TEXT - 2] == '9' ? '0' : (char) (wrong[BUNDLE_CODE_TEXT - 2] + 1);
    ck_assert_int_eq(open_with(wrong), BUNDLE_WRONG_CODE);
    ck_assert(!has_keys(&opened));
    ck_assert_uint_eq(opened.address_count, 0);
}
END_TEST

START_TEST(a_code_is_thirty_digits_however_they_are_typed)
{
    char other[BUNDLE_CODE_TEXT];
    ck_assert_uint_eq(strlen(made.code), BUNDLE_CODE_TEXT - 1);
    for (size_t i = 0; i < BUNDLE_CODE_TEXT - 1; i++)
        ck_assert(i % 6 == 5 ? made.code[i] == '-' : made.code[i] >= '0' && made.code[i] <= '9');
    memcpy(other, made.code, sizeof other);
    bundle_code_new(&made);
    ck_assert_str_ne(other, made.code);
    ck_assert(bundle_code_take(&opened, text_of("01234 56789 01234 56789 01234 56789")));
    ck_assert_str_eq(opened.code, "01234-56789-01234-56789-01234-56789");
    ck_assert(bundle_code_take(&opened, text_of("012345678901234567890123456789")));
    ck_assert_str_eq(opened.code, "01234-56789-01234-56789-01234-56789");
    static const char *const wrong[] = {"", "-", "01234-56789-01234-56789-01234-5678", "01234-56789-01234-56789-01234-567890",
                                        "o1234-56789-01234-56789-01234-56789", "01234-56789-01234-56789-01234-5678\xd9\xa1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!bundle_code_take(&opened, text_of(wrong[i])), "%s", wrong[i]);
        ck_assert_str_eq(opened.code, "");
    }
}
END_TEST

/* Every bit of the file but those of its last line's end. */
START_TEST(no_bit_may_change)
{
    char *copy = malloc(file.size);
    ck_assert_ptr_nonnull(copy);
    for (size_t bit = 0; bit < 8 * (file.size - 1); bit++) {
        bundle_sealed sealed;
        memcpy(copy, file.data, file.size);
        copy[bit / 8] = (char) (copy[bit / 8] ^ 1 << bit % 8);
        arena_clear(from);
        ck_assert_msg(bundle_read(&sealed, from, (text_view) {copy, file.size}) != BUNDLE_OK, "bit %zu", bit);
    }
    for (size_t size = 0; size < file.size - 1; size++) {
        bundle_sealed sealed;
        arena_clear(from);
        ck_assert_msg(bundle_read(&sealed, from, (text_view) {(const char *) file.data, size}) != BUNDLE_OK, "%zu", size);
    }
    free(copy);
}
END_TEST

/* A forger can put the hash right: the box does not open then. */
START_TEST(a_forged_hash_helps_nobody)
{
    text_view bytes;
    mpack_reader reader;
    uint8_t salt[CRYPTO_SALT], box[BUNDLE_FILE_MAX], hashed[BUNDLE_FILE_MAX], hash[CRYPTO_HASH];
    ck_assert_int_eq(armour_read(&bytes, from, ARMOUR_HUB, text()), ARMOUR_OK);
    mpack_reader_init(&reader, bytes);
    mpack_read_array_of(&reader, 4);
    mpack_read_literal(&reader, "ctai-hub-1");
    mpack_read_bytes(&reader, salt, sizeof salt);
    text_view sealed_box = mpack_read_binary(&reader, sizeof box);
    ck_assert(!reader.failed);
    memcpy(box, sealed_box.at, sealed_box.size);
    switch (_i) {
    case 0: salt[0] ^= 1; break;                   /* another key */
    case 1: box[0] ^= 1; break;                    /* the nonce */
    case 2: box[30] ^= 1; break;                   /* the content */
    case 3: box[sealed_box.size - 1] ^= 1; break;  /* the proof */
    }
    memcpy(hashed, "ctai-hub-1", 10);
    memcpy(hashed + 10, salt, sizeof salt);
    memcpy(hashed + 10 + sizeof salt, box, sealed_box.size);
    crypto_digest(hash, NULL, 0, hashed, 10 + sizeof salt + sealed_box.size);
    batch_buffer forged;
    batch_buffer_init(&forged, BUNDLE_FILE_MAX);
    mpack_write_array(&forged, 4);
    mpack_write_string(&forged, text_of("ctai-hub-1"), 32);
    mpack_write_binary(&forged, salt, sizeof salt);
    mpack_write_binary(&forged, box, sealed_box.size);
    mpack_write_binary(&forged, hash, sizeof hash);
    batch_buffer_clear(&file);
    armour_write(&file, ARMOUR_HUB, (text_view) {(const char *) forged.data, forged.size});
    batch_buffer_release(&forged);
    ck_assert_int_eq(open_with(made.code), BUNDLE_WRONG_CODE);
    ck_assert(!has_keys(&opened));
}
END_TEST

START_TEST(other_files_are_told_apart)
{
    bundle_sealed sealed;
    credential_identity identity = {.name = "cias"};
    ck_assert_int_eq(credential_read_request(&identity, from, text()), CREDENTIAL_OTHER_KIND);
    crypto_sign_pair sign;
    crypto_sign_new(&sign);
    (void) snprintf(identity.name, sizeof identity.name, "cias");
    memcpy(identity.sign, sign.public_key, CRYPTO_PUBLIC);
    batch_buffer_clear(&file);
    credential_write_request(&file, &identity, &sign);
    ck_assert_int_eq(bundle_read(&sealed, from, text()), BUNDLE_OTHER_KIND);
    ck_assert_int_eq(bundle_read(&sealed, from, text_of("Bonjour\n")), BUNDLE_NOT_ARMOURED);
    ck_assert_int_eq(bundle_read(&sealed, from, text_of("")), BUNDLE_NOT_ARMOURED);
    for (int error = BUNDLE_OK; error <= BUNDLE_NO_MEMORY; error++)
        ck_assert_str_ne(bundle_error_text((bundle_error) error), "erreur inconnue");
}
END_TEST

START_TEST(it_survives_mail)
{
    static char mailed[2 * BUNDLE_FILE_MAX];
    size_t size = (size_t) snprintf(mailed, sizeof mailed, "Bonjour,\r\n\r\n");
    for (size_t i = 0; i < file.size; i++) {
        if (file.data[i] == '\n')
            mailed[size++] = '\r';
        mailed[size++] = (char) file.data[i];
    }
    bundle_sealed sealed;
    ck_assert_int_eq(bundle_read(&sealed, from, (text_view) {mailed, size}), BUNDLE_OK);
}
END_TEST

START_TEST(short_memory_is_told)
{
    bundle_sealed sealed;
    arena *small = arena_new(16);
    ck_assert_int_eq(bundle_read(&sealed, small, text()), BUNDLE_NO_MEMORY);
    arena_destroy(&small);
    file.limit = file.size;
    ck_assert_int_eq(bundle_seal(&made, &file), BUNDLE_NO_MEMORY);
}
END_TEST

START_TEST(eight_long_addresses_fit)
{
    made.address_count = HUB_CONF_ADDRESSES_MAX;
    for (unsigned i = 0; i < HUB_CONF_ADDRESSES_MAX; i++) {
        made.addresses[i] = (endpoint) {.port = 60000 + i};
        memset(made.addresses[i].host, 'a', sizeof made.addresses[i].host - 1);
    }
    batch_buffer_clear(&file);
    ck_assert_int_eq(bundle_seal(&made, &file), BUNDLE_OK);
    ck_assert_int_eq(open_with(made.code), BUNDLE_OK);
    ck_assert_uint_eq(opened.address_count, HUB_CONF_ADDRESSES_MAX);
    ck_assert_uint_eq(opened.addresses[7].port, 60007);
}
END_TEST

START_TEST(an_address_is_announced_once)
{
    hub_conf conf;
    hub_conf_init(&conf);
    ck_assert(hub_conf_announce(&conf, &made.addresses[0]) && hub_conf_announce(&conf, &made.addresses[1]));
    ck_assert(hub_conf_announce(&conf, &made.addresses[0]));
    ck_assert_uint_eq(conf.address_count, 2);
    for (unsigned port = 1; port <= HUB_CONF_ADDRESSES_MAX - 2; port++) {
        made.addresses[0].port = port;
        ck_assert(hub_conf_announce(&conf, &made.addresses[0]));
    }
    made.addresses[0].port = 99;
    ck_assert(!hub_conf_announce(&conf, &made.addresses[0]));
    ck_assert_uint_eq(conf.address_count, HUB_CONF_ADDRESSES_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bundle");
    TCase *tests = tcase_create("bundle");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, enter, leave);
    tcase_add_test(tests, it_opens_with_its_code);
    tcase_add_test(tests, another_code_opens_nothing);
    tcase_add_test(tests, a_code_is_thirty_digits_however_they_are_typed);
    tcase_add_test(tests, no_bit_may_change);
    tcase_add_loop_test(tests, a_forged_hash_helps_nobody, 0, 4);
    tcase_add_test(tests, other_files_are_told_apart);
    tcase_add_test(tests, it_survives_mail);
    tcase_add_test(tests, short_memory_is_told);
    tcase_add_test(tests, eight_long_addresses_fit);
    tcase_add_test(tests, an_address_is_announced_once);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
