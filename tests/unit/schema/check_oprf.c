/* The oblivious function against the RFCs' published numbers (schema/vectors/oprf.json), and against those who cheat. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "oprf.h"

enum { BATCH = 8, WIDE = 256 };

typedef struct {
    size_t count, input_size[BATCH];
    uint8_t input[BATCH][64], blind[BATCH][OPRF_SCALAR], blinded[BATCH][OPRF_ELEMENT], evaluated[BATCH][OPRF_ELEMENT];
    uint8_t output[BATCH][OPRF_OUTPUT];
} batch;

static size_t bytes_of(uint8_t *to, size_t capacity, const json_t *hex)
{
    const char *text = json_string_value(hex);
    ck_assert_ptr_nonnull(text);
    size_t size = strlen(text) / 2;
    ck_assert_uint_le(size, capacity);
    for (size_t i = 0; i < size; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0}, *end;
        to[i] = (uint8_t)strtoul(pair, &end, 16);
        ck_assert_int_eq(*end, 0);
    }
    return size;
}

static void exactly(uint8_t *to, size_t size, const json_t *object, const char *name)
{
    ck_assert_uint_eq(bytes_of(to, size, json_object_get(object, name)), size);
}

static json_t *vectors(void)
{
    json_error_t error;
    json_t *all = json_load_file(SOURCE_DIR "/schema/vectors/oprf.json", 0, &error);
    ck_assert_msg(all != NULL, "%s", error.text);
    return all;
}

static text_view view(const uint8_t *at, size_t size)
{
    return (text_view){(const char *)at, size};
}

static void read_batch(batch *all, const json_t *vector)
{
    json_t *inputs = json_object_get(vector, "input");
    all->count = json_array_size(inputs);
    ck_assert_uint_le(all->count, BATCH);
    for (size_t i = 0; i < all->count; i++) {
        all->input_size[i] = bytes_of(all->input[i], sizeof all->input[i], json_array_get(inputs, i));
        bytes_of(all->blind[i], OPRF_SCALAR, json_array_get(json_object_get(vector, "blind"), i));
        bytes_of(all->blinded[i], OPRF_ELEMENT, json_array_get(json_object_get(vector, "blinded"), i));
        bytes_of(all->evaluated[i], OPRF_ELEMENT, json_array_get(json_object_get(vector, "evaluated"), i));
        bytes_of(all->output[i], OPRF_OUTPUT, json_array_get(json_object_get(vector, "output"), i));
    }
}

static void holds(const json_t *vector)
{
    const char *name = json_string_value(json_object_get(vector, "name"));
    bool verifiable = strcmp(json_string_value(json_object_get(vector, "mode")), "VOPRF") == 0;
    oprf_mode mode = verifiable ? OPRF_MODE_VERIFIABLE : OPRF_MODE_PLAIN;
    uint8_t seed[OPRF_SEED], info[64], secret[OPRF_SCALAR], result[OPRF_OUTPUT];
    oprf_key key;
    batch all;
    read_batch(&all, vector);
    exactly(seed, sizeof seed, vector, "seed");
    exactly(secret, sizeof secret, vector, "secret");
    size_t info_size = bytes_of(info, sizeof info, json_object_get(vector, "info"));
    ck_assert(oprf_key_derive(&key, mode, seed, view(info, info_size)));
    ck_assert_msg(memcmp(key.secret, secret, sizeof secret) == 0, "%s: key", name);
    for (size_t i = 0; i < all.count; i++) {
        text_view input = view(all.input[i], all.input_size[i]);
        ck_assert(oprf_blind(result, mode, input, all.blind[i]));
        ck_assert_msg(memcmp(result, all.blinded[i], OPRF_ELEMENT) == 0, "%s: blinded", name);
        ck_assert(oprf_blind_evaluate(result, &key, all.blinded[i]));
        ck_assert_msg(memcmp(result, all.evaluated[i], OPRF_ELEMENT) == 0, "%s: evaluated", name);
        ck_assert(oprf_finalize(result, input, all.blind[i], all.evaluated[i]));
        ck_assert_msg(memcmp(result, all.output[i], OPRF_OUTPUT) == 0, "%s: output", name);
        memset(result, 0, sizeof result);
        ck_assert(oprf_evaluate(result, &key, input));
        ck_assert_msg(memcmp(result, all.output[i], OPRF_OUTPUT) == 0, "%s: evaluate", name);
    }
    if (verifiable) {
        uint8_t public_key[OPRF_ELEMENT], random[OPRF_SCALAR], expected[OPRF_PROOF], proof[OPRF_PROOF];
        exactly(public_key, sizeof public_key, vector, "public");
        exactly(random, sizeof random, vector, "random");
        exactly(expected, sizeof expected, vector, "proof");
        ck_assert_msg(memcmp(key.public_key, public_key, sizeof public_key) == 0, "%s: public key", name);
        ck_assert(oprf_prove(proof, &key, all.blinded, all.evaluated, all.count, random));
        ck_assert_msg(memcmp(proof, expected, sizeof proof) == 0, "%s: proof", name);
        ck_assert(oprf_verify(expected, public_key, all.blinded, all.evaluated, all.count));
    }
}

START_TEST(rfc_9497_has_these_numbers)
{
    json_t *all = vectors();
    size_t plain = 0, verifiable = 0, index;
    json_t *vector;
    json_array_foreach(all, index, vector) {
        const char *mode = json_string_value(json_object_get(vector, "mode"));
        if (!mode)
            continue;
        *(strcmp(mode, "OPRF") == 0 ? &plain : &verifiable) += 1;
        holds(vector);
    }
    ck_assert_uint_eq(plain, 2);
    ck_assert_uint_eq(verifiable, 3);
    json_decref(all);
}
END_TEST

START_TEST(rfc_9380_has_these_numbers)
{
    json_t *all = vectors();
    size_t seen = 0, index;
    json_t *vector;
    json_array_foreach(all, index, vector) {
        if (strcmp(json_string_value(json_object_get(vector, "name")), "expand") != 0)
            continue;
        uint8_t expected[WIDE], result[WIDE];
        size_t size = bytes_of(expected, sizeof expected, json_object_get(vector, "output"));
        text_view message = text_of(json_string_value(json_object_get(vector, "message")));
        ck_assert(oprf_expand(result, size, message, text_of(json_string_value(json_object_get(vector, "domain")))));
        ck_assert_msg(memcmp(result, expected, size) == 0, "%.10s, %zu", message.at, size);
        seen++;
    }
    ck_assert_uint_eq(seen, 10);
    json_decref(all);
}
END_TEST

/* RFC 9380 gives at most 255 blocks, and a domain's length has one byte. */
START_TEST(the_expander_has_bounds)
{
    static uint8_t to[OPRF_EXPAND_MAX + 1];
    static char domain[OPRF_DOMAIN_MAX + 1];
    memset(domain, 'd', sizeof domain);
    ck_assert(oprf_expand(to, 1, text_of(""), text_of("d")));
    ck_assert(oprf_expand(to, OPRF_EXPAND_MAX, text_of(""), (text_view){domain, OPRF_DOMAIN_MAX}));
    ck_assert_int_eq(to[OPRF_EXPAND_MAX], 0);
    ck_assert(!oprf_expand(to, OPRF_EXPAND_MAX + 1, text_of(""), text_of("d")));
    ck_assert(!oprf_expand(to, 0, text_of(""), text_of("d")));
    ck_assert(!oprf_expand(to, 1, text_of(""), text_of("")));
    ck_assert(!oprf_expand(to, 1, text_of(""), (text_view){domain, OPRF_DOMAIN_MAX + 1}));
}
END_TEST

START_TEST(the_blind_does_not_change_what_comes_out)
{
    for (int mode = OPRF_MODE_PLAIN; mode <= OPRF_MODE_VERIFIABLE; mode++) {
        oprf_key key;
        uint8_t direct[OPRF_OUTPUT];
        oprf_key_new(&key, (oprf_mode)mode);
        ck_assert(oprf_evaluate(direct, &key, text_of("ctai")));
        for (int i = 0; i < 5; i++) {
            uint8_t blind[OPRF_SCALAR], blinded[OPRF_ELEMENT], evaluated[OPRF_ELEMENT], output[OPRF_OUTPUT];
            oprf_scalar_new(blind);
            ck_assert(oprf_blind(blinded, (oprf_mode)mode, text_of("ctai"), blind));
            ck_assert(oprf_blind_evaluate(evaluated, &key, blinded));
            ck_assert(oprf_finalize(output, text_of("ctai"), blind, evaluated));
            ck_assert_mem_eq(output, direct, OPRF_OUTPUT);
            ck_assert(oprf_finalize(output, text_of("ctaj"), blind, evaluated));
            ck_assert_mem_ne(output, direct, OPRF_OUTPUT);
        }
        oprf_key_wipe(&key);
        static const oprf_key wiped;
        ck_assert_mem_eq(&key, &wiped, sizeof key);
    }
}
END_TEST

START_TEST(a_mode_is_not_the_other)
{
    uint8_t seed[OPRF_SEED] = {1}, plain[OPRF_OUTPUT], verifiable[OPRF_OUTPUT];
    oprf_key a, b;
    ck_assert(oprf_key_derive(&a, OPRF_MODE_PLAIN, seed, text_of("")));
    ck_assert(oprf_key_derive(&b, OPRF_MODE_VERIFIABLE, seed, text_of("")));
    ck_assert_mem_ne(a.secret, b.secret, OPRF_SCALAR);
    ck_assert(oprf_key_from(&b, OPRF_MODE_VERIFIABLE, a.secret));
    ck_assert(oprf_evaluate(plain, &a, text_of("x")));
    ck_assert(oprf_evaluate(verifiable, &b, text_of("x")));
    ck_assert_mem_ne(plain, verifiable, OPRF_OUTPUT);
}
END_TEST

/* The order of the group, little endian: 2^252 + 27742317777372353535851937790883648493 (RFC 9496, 4). */
static const uint8_t order[OPRF_SCALAR] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                           0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

/* Bytes that are no element (RFC 9496, A.2): not less than the field's prime, odd, not on the curve. */
static void bad_elements(uint8_t to[4][OPRF_ELEMENT])
{
    memset(to, 0, (size_t)4 * OPRF_ELEMENT); /* to[0]: the identity */
    memset(to[1], 0xff, OPRF_ELEMENT);
    to[1][31] = 0x7f;
    to[1][0] = 0xee; /* the prime plus one */
    to[2][0] = 1;    /* negative */
    memset(to[3], 0xff, OPRF_ELEMENT);
}

START_TEST(bad_elements_are_refused)
{
    uint8_t bad[4][OPRF_ELEMENT], blind[OPRF_SCALAR], to[OPRF_OUTPUT], random[OPRF_SCALAR], proof[OPRF_PROOF], good[1][OPRF_ELEMENT];
    static const uint8_t zeros[OPRF_OUTPUT];
    oprf_key key;
    bad_elements(bad);
    oprf_key_new(&key, OPRF_MODE_VERIFIABLE);
    oprf_scalar_new(blind);
    oprf_scalar_new(random);
    ck_assert(oprf_blind(good[0], OPRF_MODE_VERIFIABLE, text_of("x"), blind));
    for (int i = 0; i < 4; i++) {
        uint8_t one[1][OPRF_ELEMENT];
        memcpy(one[0], bad[i], OPRF_ELEMENT);
        memset(to, 7, sizeof to);
        ck_assert_msg(!oprf_blind_evaluate(to, &key, bad[i]), "%d", i);
        ck_assert_mem_eq(to, zeros, OPRF_ELEMENT);
        memset(to, 7, sizeof to);
        ck_assert_msg(!oprf_finalize(to, text_of("x"), blind, bad[i]), "%d", i);
        ck_assert_mem_eq(to, zeros, OPRF_OUTPUT);
        ck_assert(!oprf_prove(proof, &key, one, good, 1, random));
        ck_assert(!oprf_prove(proof, &key, good, one, 1, random));
        ck_assert_mem_eq(proof, zeros, OPRF_PROOF);
        memset(proof, 1, sizeof proof);
        proof[31] = proof[63] = 0;
        ck_assert(!oprf_verify(proof, key.public_key, one, good, 1));
        ck_assert(!oprf_verify(proof, key.public_key, good, one, 1));
        ck_assert(!oprf_verify(proof, bad[i], good, good, 1));
    }
}
END_TEST

START_TEST(bad_scalars_are_refused)
{
    uint8_t bad[3][OPRF_SCALAR] = {{0}}, blind[OPRF_SCALAR], element[1][OPRF_ELEMENT], to[OPRF_OUTPUT], proof[OPRF_PROOF], random[OPRF_SCALAR];
    oprf_key key, none;
    memcpy(bad[1], order, OPRF_SCALAR);
    memset(bad[2], 0xff, OPRF_SCALAR);
    oprf_key_new(&key, OPRF_MODE_VERIFIABLE);
    oprf_scalar_new(blind);
    oprf_scalar_new(random);
    ck_assert(oprf_blind(element[0], OPRF_MODE_VERIFIABLE, text_of("x"), blind));
    for (int i = 0; i < 3; i++) {
        ck_assert(!oprf_key_from(&none, OPRF_MODE_PLAIN, bad[i]));
        ck_assert(!oprf_blind(to, OPRF_MODE_PLAIN, text_of("x"), bad[i]));
        ck_assert(!oprf_finalize(to, text_of("x"), bad[i], element[0]));
        ck_assert(!oprf_prove(proof, &key, element, element, 1, bad[i]));
        none = key;
        memcpy(none.secret, bad[i], OPRF_SCALAR);
        ck_assert(!oprf_blind_evaluate(to, &none, element[0]));
        ck_assert(!oprf_evaluate(to, &none, text_of("x")));
        ck_assert(!oprf_prove(proof, &none, element, element, 1, random));
        for (int half = 0; half < 2; half++) {
            memcpy(proof, random, OPRF_SCALAR);
            memcpy(proof + OPRF_SCALAR, random, OPRF_SCALAR);
            memcpy(proof + half * OPRF_SCALAR, bad[i], OPRF_SCALAR);
            ck_assert(!oprf_verify(proof, key.public_key, element, element, 1));
        }
    }
    memcpy(bad[1], order, OPRF_SCALAR);
    bad[1][0]--; /* the greatest scalar */
    ck_assert(oprf_key_from(&none, OPRF_MODE_PLAIN, bad[1]));
}
END_TEST

/* A proof holds for its key, its elements and their order alone; a bit more or less anywhere breaks it. */
START_TEST(a_wrong_proof_is_refused)
{
    uint8_t blinded[BATCH][OPRF_ELEMENT], evaluated[BATCH][OPRF_ELEMENT], scalar[OPRF_SCALAR], random[OPRF_SCALAR], proof[OPRF_PROOF];
    oprf_key key, other;
    oprf_key_new(&key, OPRF_MODE_VERIFIABLE);
    oprf_key_new(&other, OPRF_MODE_VERIFIABLE);
    for (size_t i = 0; i < BATCH; i++) {
        uint8_t input = (uint8_t)i;
        oprf_scalar_new(scalar);
        ck_assert(oprf_blind(blinded[i], OPRF_MODE_VERIFIABLE, view(&input, 1), scalar));
        ck_assert(oprf_blind_evaluate(evaluated[i], &key, blinded[i]));
    }
    oprf_scalar_new(random);
    ck_assert(oprf_prove(proof, &key, blinded, evaluated, BATCH, random));
    ck_assert(oprf_verify(proof, key.public_key, blinded, evaluated, BATCH));
    ck_assert(!oprf_verify(proof, key.public_key, blinded, evaluated, BATCH - 1));
    ck_assert(!oprf_verify(proof, key.public_key, blinded, evaluated, 0));
    ck_assert(!oprf_verify(proof, other.public_key, blinded, evaluated, BATCH));
    for (size_t bit = 0; bit < 8 * OPRF_PROOF; bit += 7) {
        proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_msg(!oprf_verify(proof, key.public_key, blinded, evaluated, BATCH), "bit %zu", bit);
        proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    uint8_t kept[OPRF_ELEMENT];
    memcpy(kept, evaluated[3], sizeof kept); /* one evaluation with another key, and two that changed places */
    ck_assert(oprf_blind_evaluate(evaluated[3], &other, blinded[3]));
    ck_assert(!oprf_verify(proof, key.public_key, blinded, evaluated, BATCH));
    ck_assert(oprf_prove(proof, &key, blinded, evaluated, BATCH, random));
    ck_assert(!oprf_verify(proof, key.public_key, blinded, evaluated, BATCH));
    memcpy(evaluated[3], evaluated[4], sizeof kept);
    memcpy(evaluated[4], kept, sizeof kept);
    ck_assert(oprf_prove(proof, &key, blinded, evaluated, BATCH, random));
    ck_assert(!oprf_verify(proof, key.public_key, blinded, evaluated, BATCH));
}
END_TEST

START_TEST(lengths_have_bounds)
{
    static char long_text[OPRF_INPUT_MAX + 1];
    static uint8_t many[OPRF_BATCH_MAX + 1][OPRF_ELEMENT];
    uint8_t blind[OPRF_SCALAR], element[OPRF_ELEMENT], output[OPRF_OUTPUT], seed[OPRF_SEED] = {3}, proof[OPRF_PROOF];
    text_view most = {long_text, OPRF_INPUT_MAX}, more = {long_text, OPRF_INPUT_MAX + 1}, none = {NULL, 0};
    oprf_key key;
    oprf_key_new(&key, OPRF_MODE_VERIFIABLE);
    oprf_scalar_new(blind);
    ck_assert(oprf_blind(element, OPRF_MODE_PLAIN, most, blind));
    ck_assert(oprf_finalize(output, most, blind, element));
    ck_assert(oprf_evaluate(output, &key, most));
    ck_assert(oprf_evaluate(output, &key, none));
    ck_assert(!oprf_blind(output, OPRF_MODE_PLAIN, more, blind));
    ck_assert(!oprf_finalize(output, more, blind, element));
    ck_assert(!oprf_evaluate(output, &key, more));
    ck_assert(oprf_key_derive(&key, OPRF_MODE_VERIFIABLE, seed, most));
    ck_assert(!oprf_key_derive(&key, OPRF_MODE_VERIFIABLE, seed, more));
    oprf_key_new(&key, OPRF_MODE_VERIFIABLE);
    ck_assert(!oprf_prove(proof, &key, many, many, OPRF_BATCH_MAX + 1, blind));
    ck_assert(!oprf_prove(proof, &key, many, many, 0, blind));
    ck_assert(!oprf_verify(proof, key.public_key, many, many, OPRF_BATCH_MAX + 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oprf");
    TCase *numbers = tcase_create("numbers"), *refused = tcase_create("refused");
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    tcase_add_test(numbers, rfc_9497_has_these_numbers);
    tcase_add_test(numbers, rfc_9380_has_these_numbers);
    tcase_add_test(numbers, the_blind_does_not_change_what_comes_out);
    tcase_add_test(numbers, a_mode_is_not_the_other);
    tcase_add_test(refused, the_expander_has_bounds);
    tcase_add_test(refused, bad_elements_are_refused);
    tcase_add_test(refused, bad_scalars_are_refused);
    tcase_add_test(refused, a_wrong_proof_is_refused);
    tcase_add_test(refused, lengths_have_bounds);
    suite_add_tcase(suite, numbers);
    suite_add_tcase(suite, refused);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
