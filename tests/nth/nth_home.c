/* nth_home: the files of an agent's home and an operator's file, with each allocation and file operation failing in turn. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_home.h"
#include "input.h"
#include "nth.h"

static const nth_kind of_files[] = {NTH_MEMORY, NTH_ARENA, NTH_FILE, NTH_KIND_COUNT};
static const char events[] = "id_evenement;date;action;type;id_local;quantite;detail;reference\ne1;2024-01-05;axe1;sollicitation;1;3;;\n";
static char folder[64];

/* In what is run, where Check's own memory would fail. */
static void must(bool good)
{
    if (!good)
        abort();
}

static void remove_all(const char *path)
{
    char command[160];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    ck_assert_int_eq(system(command), 0);
}

static void enter(void)
{
    (void)snprintf(folder, sizeof folder, "%s/nth_home.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void leave(void)
{
    remove_all(folder);
}

/* The files of a home. */

static char home_path_text[96];

static void no_home(void)
{
    remove_all(home_path_text);
}

/* Is there an identity, and which files has it? */
static void home_state(batch_buffer *to)
{
    static const char *const names[] = {"nom", "cle-transport", "cle-signature", "cle-boite", "cle-enregistrements",
                                        "cle-liaison.63.1", "approbation"};
    char path[160];
    struct stat about;
    (void)snprintf(path, sizeof path, "%s/nom", home_path_text);
    if (stat(path, &about) != 0)
        return; /* what an init has begun counts for nothing */
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", home_path_text, names[i]);
        if (stat(path, &about) == 0)
            batch_buffer_append(to, names[i], strlen(names[i]));
    }
}

static bool home_fits(nth_kind kind, int error)
{
    return kind == NTH_FILE || kind == NTH_ARENA ? error == AGENT_HOME_HOME || error == AGENT_HOME_MEMORY
                                                 : error == AGENT_HOME_MEMORY;
}

static int run_create(void)
{
    agent_home made = {0};
    agent_home_result result;
    agent_home_error error = agent_home_create(&made, home_path_text, "essai", &result);
    /* The identity may be whole although its folder could not be flushed: then it is there. */
    if (error == AGENT_HOME_EXISTS)
        error = agent_home_open(&made, home_path_text, true, &result);
    agent_home_close(&made);
    return (int)error;
}

START_TEST(test_home)
{
    static const nth_case what = {"home: made", no_home, run_create, home_fits, home_state, NULL, false};
    (void)snprintf(home_path_text, sizeof home_path_text, "%s/home", folder);
    nth_drive(&what, of_files);
}
END_TEST

static void new_home(void)
{
    no_home();
    ck_assert_int_eq(run_create(), 0);
}

static int run_linkage(void)
{
    agent_home open = {0};
    agent_home_result result;
    static const token_key key = {.epoch = 1, .key = {1}};
    agent_home_error error = agent_home_open(&open, home_path_text, true, &result);
    if (error == AGENT_HOME_OK)
        error = agent_home_add_linkage(&open, "63", &key, false, &result);
    agent_home_close(&open);
    return (int)error;
}

START_TEST(test_linkage)
{
    static const nth_case what = {"home: a key added", new_home, run_linkage, home_fits, home_state, NULL, false};
    (void)snprintf(home_path_text, sizeof home_path_text, "%s/home", folder);
    nth_drive(&what, of_files);
}
END_TEST

static int run_approval(void)
{
    agent_home open = {0};
    agent_home_result result;
    agent_home_error error = agent_home_open(&open, home_path_text, true, &result);
    if (error == AGENT_HOME_OK)
        error = agent_home_keep_approval(&open, text_of("approbation"), &result);
    agent_home_close(&open);
    return (int)error;
}

START_TEST(test_approval)
{
    static const nth_case what = {"home: approval kept", new_home, run_approval, home_fits, home_state, NULL, false};
    (void)snprintf(home_path_text, sizeof home_path_text, "%s/home", folder);
    nth_drive(&what, of_files);
}
END_TEST

/* An operator's file: read whole, or an error. */

static int run_input(void)
{
    char path[128];
    input text;
    (void)snprintf(path, sizeof path, "%s/evenements.csv", folder);
    cli_file file = {.file = fopen(path, "r")};
    must(file.file != NULL);
    int error = input_read(&file, &text) ? 0 : file.error;
    if (error == 0)
        must(text.size == strlen(events) && memcmp(text.data, events, text.size) == 0);
    input_release(&text);
    fclose(file.file);
    return error;
}

static bool input_fits(nth_kind kind, int error)
{
    return error == (kind == NTH_FILE ? EIO : ENOMEM);
}

static void nothing(void)
{
}

static void no_state(batch_buffer *to)
{
}

START_TEST(test_input)
{
    static const nth_case what = {"input", nothing, run_input, input_fits, no_state, NULL, false};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/evenements.csv", folder);
    FILE *to = fopen(path, "w");
    fputs(events, to);
    fclose(to);
    nth_drive(&what, of_files);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    nth_start();
    Suite *suite = suite_create("nth_home");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, enter, leave);
    tcase_set_timeout(all, 600);
    tcase_add_test(all, test_home);
    tcase_add_test(all, test_linkage);
    tcase_add_test(all, test_approval);
    tcase_add_test(all, test_input);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    nth_tell();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
