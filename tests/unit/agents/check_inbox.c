/* check_inbox: pairs are taken when they are whole and quiet, and moved away with what was said. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inbox.h"

static char folder[64];
static home ours;
static inbox *self;

static void enter(void)
{
    char path[96];
    (void)snprintf(folder, sizeof folder, "/tmp/check_inbox.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/home", folder);
    ck_assert_int_eq(home_make(path), HOME_OK);
    ck_assert_int_eq(home_open(&ours, path), HOME_OK);
    self = inbox_open(&ours);
    ck_assert_ptr_nonnull(self);
}

static void leave(void)
{
    char command[128];
    inbox_close(&self);
    home_close(&ours);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/home/inbox/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(text, file);
    fclose(file);
    chmod(path, 0644);
}

/* Looks from one moment on until a pair is ready or nothing has come for a while. */
static bool look(uint64_t *now_ms, inbox_pair *pair)
{
    uint64_t until = *now_ms + INBOX_LOOK_MS + 2 * INBOX_SETTLE_MS;
    for (; *now_ms < until; *now_ms += 100) {
        inbox_noticed(self, *now_ms);
        if (inbox_next(self, *now_ms, pair))
            return true;
    }
    return false;
}

static int count(const char *what)
{
    char command[512], text[32] = "";
    (void)snprintf(command, sizeof command, "ls %s/home/inbox/%s 2>/dev/null | wc -l", folder, what);
    FILE *list = popen(command, "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, list));
    pclose(list);
    return (int)strtol(text, NULL, 10);
}

START_TEST(test_pairs)
{
    inbox_pair pair;
    uint64_t now = 1000000;
    ck_assert(!look(&now, &pair));
    put("personnes-mai.csv", "a");
    put("evenements-juin.csv", "b");
    put("notes.txt", "c");
    ck_assert(!look(&now, &pair));
    put("evenements-mai.csv", "b");
    uint64_t put_at = now;
    ck_assert(look(&now, &pair));
    ck_assert_uint_ge(now - put_at, INBOX_SETTLE_MS);
    ck_assert_str_eq(pair.contract, "");
    ck_assert_ptr_nonnull(strstr(pair.events, "evenements-mai.csv"));
    ck_assert(inbox_done(self, &pair, true, "dit", 3));
    ck_assert_int_eq(count("traite/*-personnes-mai.csv"), 1);
    ck_assert_int_eq(count("traite/*-evenements-mai.csv"), 1);
    ck_assert_int_eq(count("traite/*.txt"), 1);
    ck_assert(!look(&now, &pair));
    /* The same names again do not overwrite. */
    put("personnes-mai.csv", "a");
    put("evenements-mai.csv", "b");
    ck_assert(look(&now, &pair));
    ck_assert(inbox_done(self, &pair, true, "dit", 3));
    ck_assert_int_eq(count("traite/*-personnes-mai.csv"), 2);
    char command[512];
    (void)snprintf(command, sizeof command, "test -z \"$(find %s/home/inbox -type f -path '*traite*' -perm /077)\"",
                   folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(test_growing)
{
    inbox_pair pair;
    uint64_t now = 1000000;
    put("personnes.csv", "a");
    for (int i = 0; i < 10; i++) {
        char text[12] = "xxxxxxxxxx";
        text[i] = '\0';
        put("evenements.csv", text);
        for (int k = 0; k < 10; k++, now += 100) {
            inbox_noticed(self, now);
            ck_assert(!inbox_next(self, now, &pair));
        }
    }
    ck_assert(look(&now, &pair));
}
END_TEST

START_TEST(test_contract_folder)
{
    inbox_pair pair;
    uint64_t now = 1000000;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/home/inbox/63-essai", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    put("63-essai/personnes.csv", "a");
    put("63-essai/evenements.csv", "b");
    ck_assert(look(&now, &pair));
    ck_assert_str_eq(pair.contract, "63-essai");
    ck_assert(inbox_done(self, &pair, false, NULL, 0));
    ck_assert_int_eq(count("rejete/*-personnes.csv"), 1);
    ck_assert_int_eq(count("rejete/*.txt"), 1);
    ck_assert(!look(&now, &pair)); /* what was moved away is not looked at */
}
END_TEST

/* A pair that cannot be moved is not taken again and again. */
START_TEST(test_stuck)
{
    inbox_pair pair;
    uint64_t now = 1000000;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/home/inbox/traite", folder);
    FILE *block = fopen(path, "w"); /* a file where the folder should be */
    fclose(block);
    put("personnes.csv", "a");
    put("evenements.csv", "b");
    ck_assert(look(&now, &pair));
    ck_assert(!inbox_done(self, &pair, true, "dit", 3));
    ck_assert(!look(&now, &pair));
    put("evenements.csv", "changed");
    put("personnes.csv", "changed");
    ck_assert(look(&now, &pair));
    ck_assert(!inbox_done(self, &pair, true, "dit", 3));
    unlink(path);
    now += INBOX_RETRY_MS;
    ck_assert(look(&now, &pair));
    ck_assert(inbox_done(self, &pair, true, "dit", 3));
}
END_TEST

START_TEST(test_left)
{
    inbox_pair pair;
    uint64_t now = 1000000;
    put("personnes.csv", "a");
    put("evenements.csv", "b");
    ck_assert(look(&now, &pair));
    inbox_leave(self, &pair);
    ck_assert(!look(&now, &pair));
    now += INBOX_RETRY_MS;
    ck_assert(look(&now, &pair));
    ck_assert(inbox_done(self, &pair, true, "dit", 3));
}
END_TEST

START_TEST(test_links)
{
    inbox_pair pair;
    uint64_t now = 1000000;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/home/inbox/personnes.csv", folder);
    ck_assert_int_eq(symlink("/etc/hostname", path), 0);
    put("evenements.csv", "b");
    ck_assert(!look(&now, &pair));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inbox");
    TCase *cases = tcase_create("inbox");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, test_pairs);
    tcase_add_test(cases, test_growing);
    tcase_add_test(cases, test_contract_folder);
    tcase_add_test(cases, test_stuck);
    tcase_add_test(cases, test_left);
    tcase_add_test(cases, test_links);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
