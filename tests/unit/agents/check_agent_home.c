/* check_agent_home: identity, approval and linkage keys in the files of a home. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_home.h"
#include "standin.h"

static char folder[64], path[96];
static agent_home self;
static agent_home_result result;

static void enter(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/check_agent_home.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/home", folder);
    ck_assert_int_eq(agent_home_create(&self, path, "essai", &result), AGENT_HOME_OK);
}

static void leave(void)
{
    char command[128];
    agent_home_close(&self);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void reopen(void)
{
    agent_home_close(&self);
    ck_assert_int_eq(agent_home_open(&self, path, true, &result), AGENT_HOME_OK);
}

static void in_home(char to[PATH_MAX], const char *name)
{
    (void)snprintf(to, PATH_MAX, "%s/%s", path, name);
}

START_TEST(test_identity)
{
    credential_identity before, after;
    agent_home other;
    agent_home_identity(&self, &before);
    ck_assert_str_eq(before.name, "essai");
    ck_assert_int_eq(agent_home_create(&other, path, "autre", &result), AGENT_HOME_EXISTS);
    ck_assert_int_eq(agent_home_open(&other, path, true, &result), AGENT_HOME_HOME);
    ck_assert_int_eq(result.home_reason, HOME_LOCKED);
    ck_assert_int_eq(agent_home_open(&other, path, false, &result), AGENT_HOME_OK);
    agent_home_identity(&other, &after);
    ck_assert_int_eq(memcmp(&before, &after, sizeof before), 0);
    agent_home_close(&other);
    agent_home_close(&other);
    reopen();
    agent_home_identity(&self, &after);
    ck_assert_int_eq(memcmp(&before, &after, sizeof before), 0);
}
END_TEST

START_TEST(test_modes)
{
    static const char *const names[] = {"cle-transport", "cle-signature", "cle-boite", "cle-enregistrements",
                                        "nom"};
    agent_home_close(&self);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char file[PATH_MAX], text[PATH_MAX + 256];
        struct stat is;
        in_home(file, names[i]);
        ck_assert_int_eq(stat(file, &is), 0);
        ck_assert_uint_eq(is.st_mode & 0777, 0600);
        chmod(file, 0644);
        ck_assert_int_eq(agent_home_open(&self, path, true, &result), AGENT_HOME_HOME);
        ck_assert_int_eq(result.home_reason, HOME_LOOSE);
        agent_home_explain(&result, text, sizeof text);
        ck_assert_ptr_nonnull(strstr(text, names[i]));
        chmod(file, 0600);
    }
    reopen();
}
END_TEST

/* Keys without the name: an init that was cut off, made anew; anything else there is left alone. */
START_TEST(test_cut_off)
{
    char file[PATH_MAX];
    credential_identity before, after;
    agent_home_identity(&self, &before);
    agent_home_close(&self);
    in_home(file, "nom");
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_int_eq(agent_home_open(&self, path, true, &result), AGENT_HOME_HOME);
    ck_assert_int_eq(result.home_reason, HOME_MISSING);
    in_home(file, "photo.jpg");
    close(open(file, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(agent_home_create(&self, path, "essai", &result), AGENT_HOME_HOME);
    unlink(file);
    ck_assert_int_eq(agent_home_create(&self, path, "essai", &result), AGENT_HOME_OK);
    agent_home_identity(&self, &after);
    ck_assert_int_ne(memcmp(before.sign, after.sign, CRYPTO_PUBLIC), 0);
    reopen();
}
END_TEST

START_TEST(test_linkage)
{
    const token_key *keys;
    token_key one = {.epoch = 1, .key = {1}}, two = {.epoch = 2, .key = {2}}, three = {.epoch = 10, .key = {3}},
              wrong = {.epoch = 2, .key = {9}};
    ck_assert_uint_eq(agent_home_keys(&self, text_of("63"), &keys), 0);
    ck_assert_int_eq(agent_home_add_linkage(&self, "63", &two, false, &result), AGENT_HOME_OK);
    ck_assert_int_eq(agent_home_add_linkage(&self, "63.a-b_c", &one, false, &result), AGENT_HOME_OK);
    ck_assert_int_eq(agent_home_add_linkage(&self, "03", &one, false, &result), AGENT_HOME_OK);
    ck_assert_int_eq(agent_home_add_linkage(&self, "63", &one, false, &result), AGENT_HOME_OK);
    ck_assert_int_eq(agent_home_add_linkage(&self, "63", &two, false, &result), AGENT_HOME_OK);
    ck_assert_int_eq(agent_home_add_linkage(&self, "63", &wrong, false, &result), AGENT_HOME_EXISTS);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(agent_home_keys(&self, text_of("63"), &keys), 2);
        ck_assert_uint_eq(keys[0].epoch, 1);
        ck_assert_uint_eq(keys[1].epoch, 2);
        ck_assert_uint_eq(keys[1].key[0], 2);
        ck_assert_uint_eq(agent_home_keys(&self, text_of("63.a-b_c"), &keys), 1);
        ck_assert_uint_eq(agent_home_keys(&self, text_of("6"), &keys), 0);
        reopen();
    }
    ck_assert_int_eq(agent_home_add_linkage(&self, "63", &three, false, &result), AGENT_HOME_OK);
    ck_assert_uint_eq(agent_home_keys(&self, text_of("63"), &keys), 3);
    ck_assert_uint_eq(keys[2].epoch, 10);
    ck_assert_int_eq(agent_home_add_linkage(&self, "63", &wrong, true, &result), AGENT_HOME_OK);
    token_key four = {.epoch = 11, .key = {4}};
    ck_assert_int_eq(agent_home_add_linkage(&self, "63", &four, false, &result), AGENT_HOME_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(agent_home_keys(&self, text_of("63"), &keys), 3); /* the latest */
        ck_assert_uint_eq(keys[0].epoch, 2);
        ck_assert_uint_eq(keys[0].key[0], 9); /* the one that replaced */
        ck_assert_uint_eq(keys[1].epoch, 10);
        ck_assert_uint_eq(keys[2].epoch, 11);
        ck_assert_uint_eq(keys[2].key[0], 4);
        reopen();
    }
    char file[PATH_MAX];
    in_home(file, "cle-liaison.63.1");
    ck_assert_int_eq(access(file, F_OK), -1);
}
END_TEST

START_TEST(test_linkage_full)
{
    for (unsigned i = self.secrets->linkage_count; i < AGENT_HOME_LINKAGE_MAX; i++) {
        char scope[16];
        token_key more = {.epoch = 1 + i};
        (void)snprintf(scope, sizeof scope, "scope-%u", i);
        ck_assert_int_eq(agent_home_add_linkage(&self, scope, &more, false, &result), AGENT_HOME_OK);
    }
    token_key more = {.epoch = 999};
    ck_assert_int_eq(agent_home_add_linkage(&self, "84", &more, false, &result), AGENT_HOME_FULL);
    ck_assert_int_eq(agent_home_add_linkage(&self, "scope-3", &(token_key){.epoch = 4}, false, &result), AGENT_HOME_OK);
    reopen();
}
END_TEST

START_TEST(test_approval)
{
    static standin hub;
    credential_identity identity;
    credential_approval approval;
    batch_buffer file;
    arena *memory = arena_new(1 << 24);
    standin_init(&hub);
    (void)snprintf(hub.address, sizeof hub.address, "tcp://192.0.2.1:5670");
    agent_home_identity(&self, &identity);
    standin_approve(&hub, &identity, &file);
    ck_assert_int_eq(agent_home_approval(&self, &approval, memory, &result), AGENT_HOME_NO_APPROVAL);
    ck_assert_int_eq(agent_home_keep_approval(&self, (text_view){(const char *)file.data, file.size}, &result),
                     AGENT_HOME_OK);
    reopen();
    ck_assert_int_eq(agent_home_approval(&self, &approval, memory, &result), AGENT_HOME_OK);
    ck_assert_uint_eq(approval.address_count, 1);
    ck_assert(text_is(approval.addresses[0], "tcp://192.0.2.1:5670"));
    ck_assert_int_eq(agent_home_keep_approval(&self, (text_view){(const char *)file.data, file.size / 2}, &result),
                     AGENT_HOME_OK);
    ck_assert_int_eq(agent_home_approval(&self, &approval, memory, &result), AGENT_HOME_DAMAGED);
    batch_buffer_release(&file);
    arena_destroy(&memory);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("agent_home");
    TCase *cases = tcase_create("agent_home");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, test_identity);
    tcase_add_test(cases, test_modes);
    tcase_add_test(cases, test_cut_off);
    tcase_add_test(cases, test_linkage);
    tcase_add_test(cases, test_linkage_full);
    tcase_add_test(cases, test_approval);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
