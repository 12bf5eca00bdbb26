/* Requests, approvals and grants: they survive mail, and nothing in them can be changed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credential.h"

typedef struct { credential_identity shown; crypto_sign_pair sign; crypto_box_pair curve, box; } party;

static party sender, recipient, stranger;
static crypto_sign_pair hub_sign;
static arena *from;
static batch_buffer file;

static void make(party *self, const char *name)
{
    crypto_sign_new(&self->sign);
    crypto_box_new(&self->curve);
    crypto_box_new(&self->box);
    (void) snprintf(self->shown.name, sizeof self->shown.name, "%s", name);
    memcpy(self->shown.sign, self->sign.public_key, CRYPTO_PUBLIC);
    memcpy(self->shown.curve, self->curve.public_key, CRYPTO_PUBLIC);
    memcpy(self->shown.box, self->box.public_key, CRYPTO_PUBLIC);
}

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    make(&sender, "cias");
    make(&recipient, "cecler-63");
    make(&stranger, "fit");
    crypto_sign_new(&hub_sign);
    from = arena_new(8 << 20);
    batch_buffer_init(&file, 4 << 20);
}

static void teardown(void)
{
    arena_destroy(&from);
    batch_buffer_release(&file);
}

static text_view written(void)
{
    ck_assert(!file.failed);
    return (text_view){(char *) file.data, file.size};
}

static text_view request(void)
{
    batch_buffer_clear(&file);
    credential_write_request(&file, &sender.shown, &sender.sign);
    return written();
}

static credential_approval approval(void)
{
    static wire_action actions[1];
    static wire_contract contracts[1];
    credential_approval made = {.address_count = 2, .agent = sender.shown, .contract_count = 1, .contracts = contracts};

    actions[0] = (wire_action){text_of("axe1"), text_of("Accompagnement"), true};
    contracts[0] = (wire_contract){text_of("thiers-2023"), text_of("CTAI de Thiers"), text_of("63"),
                                   civil_from(2023, 11, 30), civil_from(2024, 11, 29), 1, actions, 1, {{1, {7}}}};
    made.addresses[0] = text_of("tcp://192.0.2.1:5670");
    made.addresses[1] = text_of("tcp://hub.example:5670");
    memcpy(made.hub_sign, hub_sign.public_key, CRYPTO_PUBLIC);
    memset(made.hub_curve, 8, CRYPTO_PUBLIC);
    return made;
}

static credential_grant grant(token_key *key)
{
    credential_grant made = {.sender = sender.shown, .recipient = recipient.shown, .scope = "63", .scheme = 1};

    *key = (token_key){.epoch = 3};
    memset(key->key, 0x5a, sizeof key->key);
    ck_assert(credential_seal_key(&made, key, sender.box.secret_key));
    return made;
}

static bool same_identity(const credential_identity *a, const credential_identity *b)
{
    return strcmp(a->name, b->name) == 0 && memcmp(a->curve, b->curve, CRYPTO_PUBLIC) == 0
           && memcmp(a->sign, b->sign, CRYPTO_PUBLIC) == 0 && memcmp(a->box, b->box, CRYPTO_PUBLIC) == 0;
}

START_TEST(a_request_is_read_as_it_was_written)
{
    credential_identity read;

    ck_assert_int_eq(credential_read_request(&read, from, request()), CREDENTIAL_OK);
    ck_assert(same_identity(&read, &sender.shown));
}
END_TEST

START_TEST(an_approval_is_read_as_it_was_written)
{
    credential_approval made = approval(), read;

    credential_write_approval(&file, &made, &hub_sign);
    ck_assert_int_eq(credential_read_approval(&read, from, written()), CREDENTIAL_OK);
    ck_assert(same_identity(&read.agent, &sender.shown));
    ck_assert_uint_eq(read.address_count, 2);
    ck_assert(text_is(read.addresses[1], "tcp://hub.example:5670"));
    ck_assert_mem_eq(read.hub_curve, made.hub_curve, CRYPTO_PUBLIC);
    ck_assert_uint_eq(read.contract_count, 1);
    ck_assert(text_is(read.contracts[0].id, "thiers-2023"));
    ck_assert(read.contracts[0].actions[0].allowed);
}
END_TEST

START_TEST(a_grant_is_opened_by_its_recipient_alone)
{
    token_key key, opened;
    credential_grant made = grant(&key), read;

    credential_write_grant(&file, &made, &sender.sign);
    ck_assert_int_eq(credential_read_grant(&read, from, written()), CREDENTIAL_OK);
    ck_assert_str_eq(read.scope, "63");
    ck_assert_uint_eq(read.epoch, 3);
    ck_assert(credential_open_key(&opened, &read, recipient.box.secret_key));
    ck_assert_uint_eq(opened.epoch, 3);
    ck_assert_mem_eq(opened.key, key.key, CRYPTO_KEY);
    ck_assert(!credential_open_key(&opened, &read, stranger.box.secret_key));
    ck_assert_uint_eq(opened.epoch, 0);
}
END_TEST

START_TEST(a_box_is_bound_to_all_that_the_grant_says)
{
    token_key key, opened;
    credential_grant made = grant(&key);
    const uint8_t *opener = recipient.box.secret_key;

    switch (_i) {
    case 0: made.sender.curve[0] ^= 1; break;
    case 1: made.sender.name[0] = 'd'; break;
    case 2: made.recipient.sign[0] ^= 1; break;
    case 3: made.scope[0] = '7'; break;
    case 4: made.epoch++; break;
    case 5: made.scheme = 2; break;
    case 6: made.key_id[0] ^= 1; break;
    case 7: made.box[CREDENTIAL_BOX - 1] ^= 1; break;
    case 8: made.sender = stranger.shown; break;
    case 9: made.recipient = stranger.shown; opener = stranger.box.secret_key; break;
    }
    ck_assert(!credential_open_key(&opened, &made, opener));
}
END_TEST

/* The file's text as another program may hand it on. */
static text_view through_mail(text_view text, const char *before, const char *line_start, const char *line_end, const char *after)
{
    static char mailed[1 << 16];
    size_t size = 0;

    size += (size_t) snprintf(mailed, sizeof mailed, "%s", before);
    while (text.size > 0) {
        const char *end = memchr(text.at, '\n', text.size);
        size_t line = (size_t) (end - text.at);
        size += (size_t) snprintf(mailed + size, sizeof mailed - size, "%s%.*s%s", line_start, (int) line, text.at, line_end);
        text.at += line + 1;
        text.size -= line + 1;
    }
    size += (size_t) snprintf(mailed + size, sizeof mailed - size, "%s", after);
    return (text_view){mailed, size};
}

START_TEST(files_survive_mail)
{
    credential_identity read;

    text_view plain = request();
    ck_assert_int_eq(credential_read_request(&read, from, through_mail(plain, "", "", "\r\n", "")), CREDENTIAL_OK);
    ck_assert_int_eq(credential_read_request(&read, from, through_mail(plain, "\xEF\xBB\xBF", "", "\n", "")), CREDENTIAL_OK);
    ck_assert_int_eq(credential_read_request(&read, from, through_mail(plain, "Bonjour,\nvoici :\n\n", "  ", " \r\n\r\n",
                                                                       "\n-- \nCordialement\n")), CREDENTIAL_OK);
    ck_assert(same_identity(&read, &sender.shown));
    /* The last line's end is not needed. */
    plain.size--;
    ck_assert_int_eq(credential_read_request(&read, from, plain), CREDENTIAL_OK);
}
END_TEST

START_TEST(lines_have_64_characters)
{
    text_view text = request();

    for (size_t at = 0; at < text.size;) {
        size_t line = (size_t) ((const char *) memchr(text.at + at, '\n', text.size - at) - (text.at + at));
        ck_assert_uint_le(line, 64);
        at += line + 1;
    }
}
END_TEST

/* Appends a grant of an epoch from the sender to the recipient. */
static void append_grant(const party *by, const party *to, const char *scope, uint32_t epoch)
{
    credential_grant made = {.sender = by->shown, .recipient = to->shown, .scheme = 1};
    token_key key = {.epoch = epoch};

    (void) snprintf(made.scope, sizeof made.scope, "%s", scope);
    memset(key.key, (int) epoch, sizeof key.key);
    ck_assert(credential_seal_key(&made, &key, by->box.secret_key));
    credential_write_grant(&file, &made, &by->sign);
}

START_TEST(a_file_may_hold_the_grants_of_two_epochs)
{
    static const char between[] = "\r\nSent from my desk\r\n", begins[] = "-----BEGIN CTAI CLE-----";
    credential_grant read[RECORD_TOKEN_SETS];
    token_key key;
    unsigned count;

    append_grant(&sender, &recipient, "63", 3);
    size_t one = file.size;
    batch_buffer_append(&file, between, strlen(between));
    append_grant(&sender, &recipient, "63", 4);
    ck_assert_int_eq(credential_read_grants(read, &count, from, written()), CREDENTIAL_OK);
    ck_assert_uint_eq(count, 2);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert(credential_open_key(&key, &read[i], recipient.box.secret_key));
        ck_assert_uint_eq(key.epoch, 3 + i);
        ck_assert_uint_eq(key.key[5], 3 + i);
    }
    /* Cut after the first it is a file of one; cut within the second it is cut. */
    text_view text = written();
    for (size_t size = one; size < text.size - 1; size++) {
        credential_error error = credential_read_grants(read, &count, from, (text_view){text.at, size});
        bool begun = size >= one + strlen(between) + strlen(begins);
        ck_assert(begun ? error == CREDENTIAL_NOT_ARMOURED : error == CREDENTIAL_OK && count == 1);
        arena_clear(from);
    }
    append_grant(&sender, &recipient, "63", 5);
    ck_assert_int_eq(credential_read_grants(read, &count, from, written()), CREDENTIAL_MALFORMED);
}
END_TEST

START_TEST(grants_of_one_file_go_together)
{
    static const struct { const party *by, *to; const char *scope; uint32_t epoch; } second[] = {
        {&stranger, &recipient, "63", 4}, {&sender, &stranger, "63", 4}, {&sender, &recipient, "84", 4},
        {&sender, &recipient, "63", 3},   {&sender, &recipient, "63", 2},
    };
    credential_grant read[RECORD_TOKEN_SETS];
    unsigned count;

    append_grant(&sender, &recipient, "63", 3);
    append_grant(second[_i].by, second[_i].to, second[_i].scope, second[_i].epoch);
    ck_assert_int_eq(credential_read_grants(read, &count, from, written()), CREDENTIAL_MIXED);
}
END_TEST

START_TEST(another_kind_is_named_as_such)
{
    credential_approval read;
    credential_grant key;

    ck_assert_int_eq(credential_read_approval(&read, from, request()), CREDENTIAL_OTHER_KIND);
    ck_assert_int_eq(credential_read_grant(&key, from, request()), CREDENTIAL_OTHER_KIND);
    ck_assert_int_eq(credential_read_approval(&read, from, text_of("Bonjour")), CREDENTIAL_NOT_ARMOURED);
    ck_assert_int_eq(credential_read_approval(&read, from, text_of("")), CREDENTIAL_NOT_ARMOURED);
}
END_TEST

START_TEST(a_file_that_is_cut_anywhere_is_refused)
{
    credential_identity read;
    text_view text = request();

    for (size_t size = 0; size < text.size - 1; size++) {
        arena_clear(from);
        ck_assert_int_ne(credential_read_request(&read, from, (text_view){text.at, size}), CREDENTIAL_OK);
    }
}
END_TEST

START_TEST(a_file_that_is_changed_anywhere_is_refused)
{
    credential_identity read;
    text_view text = request();
    char *copy = malloc(text.size);

    ck_assert_ptr_nonnull(copy);
    for (size_t i = 0; i < text.size; i++) {
        memcpy(copy, text.at, text.size);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        arena_clear(from);
        credential_error error = credential_read_request(&read, from, (text_view){copy, text.size});
        bool marker_end = i == text.size - 1; /* the last line's end may be anything but a part of the line */
        if (!marker_end)
            ck_assert_int_ne(error, CREDENTIAL_OK);
    }
    free(copy);
}
END_TEST

START_TEST(another_s_signature_is_refused)
{
    credential_identity read;

    credential_write_request(&file, &sender.shown, &stranger.sign);
    ck_assert_int_eq(credential_read_request(&read, from, written()), CREDENTIAL_BAD_SIGNATURE);
}
END_TEST

START_TEST(short_memory_is_told)
{
    credential_identity read;
    arena *small = arena_new(16);

    ck_assert_int_eq(credential_read_request(&read, small, request()), CREDENTIAL_NO_MEMORY);
    arena_destroy(&small);
}
END_TEST

START_TEST(what_a_reader_would_refuse_is_not_written)
{
    credential_approval made = approval();

    make(&stranger, "FIT");
    credential_write_request(&file, &stranger.shown, &stranger.sign);
    ck_assert(file.failed);
    batch_buffer_clear(&file);
    made.address_count = 0;
    credential_write_approval(&file, &made, &hub_sign);
    ck_assert(file.failed);
    batch_buffer_clear(&file);
    made.address_count = 1;
    made.addresses[0] = text_of("ipc:///etc/passwd");
    credential_write_approval(&file, &made, &hub_sign);
    ck_assert(file.failed);
}
END_TEST

START_TEST(names_are_plain)
{
    ck_assert(credential_name_valid(text_of("ccas-thiers")));
    ck_assert(!credential_name_valid(text_of("")));
    ck_assert(!credential_name_valid(text_of("-o")));
    ck_assert(!credential_name_valid(text_of("../etc")));
    ck_assert(!credential_name_valid(text_of("Cias")));
    ck_assert(!credential_name_valid(text_of("a-name-of-more-than-forty-bytes-is-too-long")));
}
END_TEST

START_TEST(a_fingerprint_covers_the_name_and_every_key)
{
    char first[CRYPTO_FINGERPRINT_TEXT], other[CRYPTO_FINGERPRINT_TEXT];
    credential_identity changed = sender.shown;

    credential_fingerprint(first, &sender.shown);
    credential_fingerprint(other, &changed);
    ck_assert_str_eq(first, other);
    switch (_i) {
    case 0: changed.name[3] = 't'; break;
    case 1: changed.curve[31] ^= 1; break;
    case 2: changed.sign[31] ^= 1; break;
    case 3: changed.box[31] ^= 1; break;
    }
    credential_fingerprint(other, &changed);
    ck_assert_str_ne(first, other);
    credential_hub_fingerprint(other, sender.shown.curve, sender.shown.sign);
    ck_assert_str_ne(first, other);
}
END_TEST

START_TEST(every_error_has_its_text)
{
    for (int error = CREDENTIAL_OK; error <= CREDENTIAL_MIXED; error++)
        ck_assert_str_ne(credential_error_text((credential_error) error), "erreur inconnue");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("credential");
    TCase *tests = tcase_create("credential");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_request_is_read_as_it_was_written);
    tcase_add_test(tests, an_approval_is_read_as_it_was_written);
    tcase_add_test(tests, a_grant_is_opened_by_its_recipient_alone);
    tcase_add_loop_test(tests, a_box_is_bound_to_all_that_the_grant_says, 0, 10);
    tcase_add_test(tests, files_survive_mail);
    tcase_add_test(tests, lines_have_64_characters);
    tcase_add_test(tests, a_file_may_hold_the_grants_of_two_epochs);
    tcase_add_loop_test(tests, grants_of_one_file_go_together, 0, 5);
    tcase_add_test(tests, another_kind_is_named_as_such);
    tcase_add_test(tests, a_file_that_is_cut_anywhere_is_refused);
    tcase_add_test(tests, a_file_that_is_changed_anywhere_is_refused);
    tcase_add_test(tests, another_s_signature_is_refused);
    tcase_add_test(tests, short_memory_is_told);
    tcase_add_test(tests, what_a_reader_would_refuse_is_not_written);
    tcase_add_test(tests, names_are_plain);
    tcase_add_loop_test(tests, a_fingerprint_covers_the_name_and_every_key, 0, 4);
    tcase_add_test(tests, every_error_has_its_text);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
