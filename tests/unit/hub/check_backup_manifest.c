/* backup_manifest: what is written is read back; every change of it is found out; nothing is believed of a stranger's. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "backup_manifest.h"
#include "mutate.h"

static crypto_sign_pair hub, other;
static backup_manifest_scope scopes[] = {{"63", 412}, {"69", 7}};
static backup_manifest_file files[] = {{{"001_base.sql", 12}, {1, 2, 3}}, {{"008_backup.sql", 14}, {0xff}}};
static text_view settings[] = {{"listen = tcp://*:5670", 21}, {"stable = later", 14}};

static backup_manifest example(void)
{
    backup_manifest made = {
        .fingerprint = "12345-12345-12345-12345-12345-12345-12345-12345", .made = "2026-03-02T04:05:06Z",
        .program = text_of("0.1.0"), .server = text_of("15.4 (Debian 15.4-1)"), .scope_count = 2, .scopes = scopes,
        .file_count = 2, .files = files, .setting_count = 2, .settings = settings, .contracts = 3, .agents = 4,
        .records = 123456, .dump_bytes = 987654321, .dump_digest = {9, 8, 7},
    };
    return made;
}

/* The text as bytes that the caller frees. */
static text_view written(const backup_manifest *from, const crypto_sign_pair *by)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(to);
    ck_assert(backup_manifest_write(from, by, to));
    fclose(to);
    return (text_view){text, size};
}

static void enter(void)
{
    ck_assert_int_eq(crypto_start(), 0);
    crypto_sign_new(&hub);
    crypto_sign_new(&other);
}

START_TEST(test_round_trip)
{
    backup_manifest from = example(), back;
    text_view text = written(&from, &hub);
    arena *memory = arena_new(1 << 20);
    text_view tail = {text.at + text.size - BACKUP_MANIFEST_TAIL, BACKUP_MANIFEST_TAIL};
    ck_assert_uint_eq(backup_manifest_size(tail), text.size);
    ck_assert_int_eq(backup_manifest_read(&back, memory, text, hub.public_key), BACKUP_MANIFEST_OK);
    ck_assert_str_eq(back.fingerprint, from.fingerprint);
    ck_assert_str_eq(back.made, from.made);
    ck_assert(text_equal(back.program, from.program) && text_equal(back.server, from.server));
    ck_assert_uint_eq(back.scope_count, 2);
    ck_assert_str_eq(back.scopes[1].scope, "69");
    ck_assert_uint_eq(back.scopes[0].position, 412);
    ck_assert_uint_eq(back.file_count, 2);
    ck_assert(text_is(back.files[1].name, "008_backup.sql") && back.files[1].checksum[0] == 0xff);
    ck_assert_uint_eq(back.setting_count, 2);
    ck_assert(text_is(back.settings[1], "stable = later"));
    ck_assert(back.contracts == 3 && back.agents == 4 && back.records == 123456 && back.dump_bytes == 987654321);
    ck_assert_mem_eq(back.dump_digest, from.dump_digest, CRYPTO_HASH);
    ck_assert_int_eq(backup_manifest_read(&back, memory, text, other.public_key), BACKUP_MANIFEST_FORGED);
    ck_assert_str_eq(back.fingerprint, from.fingerprint);
    arena_destroy(&memory);
    free((void *)(uintptr_t)text.at);
}
END_TEST

/* What is signed by the hub and is no manifest of this form: each is refused, whoever has signed it. */
START_TEST(test_refused)
{
    static const char *const bodies[] = {
        "", "ctai-hub-sauvegarde-2\n", "ctai-hub-sauvegarde-1\nsurprise = 1\n", "ctai-hub-sauvegarde-1\nempreinte\n",
        "ctai-hub-sauvegarde-1\nperimetre = 12\n", "ctai-hub-sauvegarde-1\nperimetre = 12 63'; DROP SCHEMA ctai; --\n",
        "ctai-hub-sauvegarde-1\nperimetre = -1 63\n", "ctai-hub-sauvegarde-1\nperimetre = 1 \n",
        "ctai-hub-sauvegarde-1\nperimetre = 1 123456789012345678901234567890123\n", "ctai-hub-sauvegarde-1\noctets = \n",
        "ctai-hub-sauvegarde-1\noctets = 1234567890123456789\n", "ctai-hub-sauvegarde-1\nschema = 00 001_base.sql\n",
        "ctai-hub-sauvegarde-1\nsomme = zz\n", "ctai-hub-sauvegarde-1\nempreinte = 1\n",
    };
    arena *memory = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        uint8_t signature[CRYPTO_SIGNATURE];
        char hex[2 * CRYPTO_SIGNATURE + 1], text[1024];
        backup_manifest back;
        crypto_sign_with(signature, bodies[i], strlen(bodies[i]), &hub);
        crypto_hex(hex, signature, sizeof signature);
        int size = snprintf(text, sizeof text, "%ssignature = %s\n", bodies[i], hex);
        size += snprintf(text + size, sizeof text - (size_t)size, "fin = %010d\n", size + BACKUP_MANIFEST_TAIL);
        ck_assert_msg(backup_manifest_read(&back, memory, (text_view){text, (size_t)size}, hub.public_key)
                      == BACKUP_MANIFEST_UNREADABLE, "%s", bodies[i]);
    }
    ck_assert_uint_eq(backup_manifest_size(text_of("fin = 0000000017\n")), 0);
    ck_assert_uint_eq(backup_manifest_size(text_of("fin = 9999999999\n")), 0);
    ck_assert_uint_eq(backup_manifest_size(text_of("fin = 00000000a8\n")), 0);
    ck_assert_uint_eq(backup_manifest_size(text_of("fin = 0000000018")), 0);
    arena_destroy(&memory);
}
END_TEST

static bool again(text_view bytes, batch_buffer *to, arena *scratch)
{
    backup_manifest back;
    if (backup_manifest_read(&back, scratch, bytes, hub.public_key) != BACKUP_MANIFEST_OK)
        return false;
    text_view text = written(&back, &hub);
    batch_buffer_append(to, text.at, text.size);
    free((void *)(uintptr_t)text.at);
    return true;
}

START_TEST(test_every_change)
{
    backup_manifest from = example();
    text_view text = written(&from, &hub);
    mutate_all(again, (const uint8_t *)text.at, text.size);
    free((void *)(uintptr_t)text.at);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backup_manifest");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_unchecked_fixture(cases, enter, NULL);
    tcase_add_test(cases, test_round_trip);
    tcase_add_test(cases, test_refused);
    tcase_add_test(cases, test_every_change);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
