/* check_cli: the command line of a small program: words, help, files, exit codes. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

static char folder[64], out[65536], err[65536];

static int run_push(cli_call *call)
{
    fprintf(call->out, "push home=%s contract=%s json=%d partial=%d", call->home,
            cli_given(call, "contract") ? cli_value(call, "contract") : "-", call->json, cli_given(call, "partial"));
    const cli_file *events = cli_input(call, "events");
    if (!events->file)
        return cli_bad_file(call, events);
    int first = fgetc(events->file);
    fprintf(call->out, " first=%c\n", first);
    return CLI_DONE;
}

static int run_grant(cli_call *call)
{
    const cli_file *request = cli_input(call, "DEMANDE");
    fprintf(cli_output(call), "scope=%s to=%s request=%s,%d\n", cli_value(call, "scope"),
            cli_given(call, "to") ? cli_value(call, "to") : "-", request->name, request->error);
    if (strcmp(cli_value(call, "scope"), "bad") == 0)
        return CLI_BAD_INPUT;
    if (strcmp(cli_value(call, "scope"), "fault") == 0)
        return cli_fail(call, CLI_FAULT, "défaut de %s", "test");
    return CLI_DONE;
}

static int run_much(cli_call *call)
{
    for (int i = 0; i < 100000; i++)
        fprintf(call->out, "%d\n", i);
    return CLI_DONE;
}

static int run_write(cli_call *call)
{
    fputs("contenu\n", cli_output(call));
    fputs("Le fichier est écrit.\n", call->out);
    return CLI_DONE;
}

static const cli_option write_options[] = {
    { "output", 'o', CLI_OUTPUT, false, "FICHIER", "le fichier à écrire" },
    { 0 },
};
static const cli_option keep_options[] = {
    { "output", 'o', CLI_OUTPUT_PRIVATE, true, "FICHIER", "le fichier à écrire" },
    { 0 },
};
static const cli_option push_options[] = {
    { "events", 0, CLI_INPUT, true, "FICHIER", "la table des événements" },
    { "contract", 0, CLI_VALUE, false, "ID", "le contrat" },
    { "partial", 0, CLI_FLAG, false, NULL, "seulement des ajouts" },
    { 0 },
};
static const cli_option grant_options[] = {
    { "scope", 0, CLI_VALUE, true, "PÉRIMÈTRE", "le périmètre de liaison" },
    { "to", 0, CLI_VALUE, false, "EMPREINTE", "l’empreinte du destinataire" },
    { "output", 'o', CLI_OUTPUT, false, "FICHIER", "le fichier à écrire" },
    { 0 },
};
static const cli_operand grant_operands[] = { { "DEMANDE", CLI_INPUT, true }, { 0 } };
static const cli_command commands[] = {
    { "push", run_push, "envoie ce qui a changé", "Premier paragraphe.\n\nSecond.", push_options, NULL, 0 },
    { "key grant", run_grant, "scelle une clé", NULL, grant_options, grant_operands, 0 },
    { "write", run_write, "écrit un fichier", NULL, write_options, NULL, 0 },
    { "keep", run_write, "écrit un fichier secret", NULL, keep_options, NULL, 0 },
    { "much", run_much, "écrit beaucoup", NULL, NULL, NULL, 0 },
    { 0 },
};
static const cli_program program = { "ctai-test", "1.2", "programme d’essai", commands, "/var/lib/ctai-none", NULL };

static void enter(void)
{
    strcpy(folder, "/tmp/check_cli.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    unsetenv("CTAI_HOME");
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "/home/invente", 1);
    FILE *file = fopen("e.csv", "w");
    fputs("abc", file);
    fclose(file);
}

static void leave(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void slurp(const char *name, char *to, size_t size)
{
    FILE *file = fopen(name, "r");
    to[0] = '\0';
    if (!file)
        return;
    to[fread(to, 1, size - 1, file)] = '\0';
    fclose(file);
}

/* The exit code of the program called in a child; line's words are split at spaces, "''" is an empty word. */
static int call_to(const char *line, const char *out_path)
{
    char copy[512], *argv[32] = { copy };
    int argc = 1;
    snprintf(copy, sizeof copy, "ctai-test%s%s", *line ? " " : "", line);
    for (char *at = copy; *at; at++)
        if (*at == ' ') {
            *at = '\0';
            argv[argc++] = strncmp(at + 1, "''", 2) == 0 ? at + 3 : at + 1;
        }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (out_path) {
            int to = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
            dup2(to, 1);
            close(to);
        } else
            close(1);
        int to = open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(to, 2);
        close(to);
        int code = cli_main(&program, argc, argv);
        fflush(NULL);
        _exit(code);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "killed by %d", WTERMSIG(status));
    slurp("stdout", out, sizeof out);
    slurp("stderr", err, sizeof err);
    return WEXITSTATUS(status);
}

static int call(const char *line)
{
    return call_to(line, "stdout");
}

#define ck_has(text, part) ck_assert_msg(strstr(text, part) != NULL, "no « %s » in: %s", part, text)

START_TEST(test_order_of_words)
{
    static const char *const lines[] = {
        "key grant --scope 63 e.csv --to 12", "key grant e.csv --to=12 --scope=63", "--json key grant --to 12 --scope 63 -- e.csv",
        "--home /h key grant --to 12 e.csv --scope 63",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_int_eq(call(lines[i]), 0);
        ck_assert_str_eq(out, "scope=63 to=12 request=e.csv,0\n");
    }
    ck_assert_int_eq(call("push --events e.csv --partial --json --contract=c"), 0);
    ck_assert_str_eq(out, "push home=/home/invente/.local/state/ctai-test contract=c json=1 partial=1 first=a\n");
}
END_TEST

START_TEST(test_usage)
{
    static const struct { const char *line, *says; } cases[] = {
        { "", "Commandes :" },
        { "pusch", "vouliez-vous dire « push »" },
        { "key", "second mot" },
        { "key garnt", "vouliez-vous dire « key grant »" },
        { "push --evnts e.csv", "vouliez-vous dire « --events »" },
        { "push", "il manque l’option --events" },
        { "push --events", "demande une valeur" },
        { "push --events --json", "demande une valeur" },
        { "push --events=", "valeur vide" },
        { "push --events e.csv --events e.csv", "deux fois" },
        { "push --events e.csv --json --json", "deux fois" },
        { "push --events e.csv --partial --partial", "deux fois" },
        { "push --events e.csv --partial=oui", "ne prend pas de valeur" },
        { "push --events e.csv --home a --home b", "deux fois" },
        { "push --events e.csv de-trop", "de trop" },
        { "push --events e.csv -x", "option inconnue « -x »" },
        { "key grant --scope 63", "il manque DEMANDE" },
        { "key grant --scope 63 ''", "DEMANDE est vide" },
        { "--jsn push", "vouliez-vous dire « --json »" },
        { "--partial push --events e.csv", "option inconnue « --partial »" },
        { "push --events e.csv -o", "option inconnue" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(call(cases[i].line) == 64, "%s", cases[i].line);
        ck_has(err, cases[i].says);
        ck_assert_str_eq(out, "");
    }
}
END_TEST

START_TEST(test_help)
{
    ck_assert_int_eq(call("--help"), 0);
    ck_has(out, "key grant");
    ck_has(out, "envoie ce qui a changé");
    ck_assert_int_eq(call("push --nonsense --help"), 0);
    ck_has(out, "--events FICHIER");
    ck_has(out, "la table des événements");
    ck_has(out, "Premier paragraphe.\n\nSecond.");
    ck_has(out, "--home DOSSIER");
    ck_assert_int_eq(call("key --help"), 0);
    ck_assert_int_eq(call("key grant -h"), 0);
    ck_has(out, "-o, --output FICHIER");
    ck_has(out, "Usage : ctai-test key grant DEMANDE --scope PÉRIMÈTRE [OPTIONS]");
    ck_assert_int_eq(call("--version"), 0);
    ck_assert_str_eq(out, "ctai-test 1.2\n");
    ck_assert_int_eq(call("push --version"), 0);
    ck_assert_str_eq(err, "");
}
END_TEST

START_TEST(test_inputs)
{
    ck_assert_int_eq(call("push --events absent.csv"), 65);
    ck_has(err, "ctai-test : impossible de lire absent.csv : ce fichier ou ce dossier n’existe pas");
    ck_assert_int_eq(call("push --events ."), 65);
    ck_has(err, "c’est un dossier");
    ck_assert_int_eq(call("key grant --scope 63 absent"), 0);
    char expected[64];
    snprintf(expected, sizeof expected, "scope=63 to=- request=absent,%d\n", ENOENT);
    ck_assert_str_eq(out, expected);
}
END_TEST

START_TEST(test_output)
{
    char text[128];
    ck_assert_int_eq(call("key grant --scope 63 e.csv -o r"), 0);
    slurp("r", text, sizeof text);
    ck_assert_str_eq(text, "scope=63 to=- request=e.csv,0\n");
    ck_assert_str_eq(out, "");
    ck_assert_int_eq(call("key grant --scope bad e.csv --output=r"), 65);
    slurp("r", text, sizeof text);
    ck_assert_str_eq(text, "scope=bad to=- request=e.csv,0\n");
    ck_assert_int_eq(call("key grant --scope fault e.csv -or"), 70);
    ck_has(err, "ctai-test : défaut de test");
    slurp("r", text, sizeof text);
    ck_assert_str_eq(text, "scope=bad to=- request=e.csv,0\n");
    ck_assert_int_eq(call("key grant --scope 63 e.csv -o nulle/part"), 73);
    ck_assert_int_eq(call("key grant --scope 63 e.csv -o ."), 73);
    ck_assert_int_eq(call("key grant --scope 63 e.csv -o /dev/full"), 73);
    ck_assert_int_eq(call("key grant --scope 63 e.csv -o -"), 0);
    ck_assert_str_eq(out, "scope=63 to=- request=e.csv,0\n");
}
END_TEST

/* What a command says of its file is true: it comes when the file is there, and not when it is not. */
START_TEST(test_summary_comes_after_its_file)
{
    char text[128];
    ck_assert_int_eq(call("write -o r"), 0);
    slurp("r", text, sizeof text);
    ck_assert_str_eq(text, "contenu\n");
    ck_assert_str_eq(out, "Le fichier est écrit.\n");
    ck_assert_int_eq(call("write -o /dev/full"), 73);
    ck_assert_str_eq(out, "");
    ck_has(err, "impossible d’écrire le fichier /dev/full");
    ck_assert_int_eq(call("write"), 0);
    ck_assert_str_eq(out, "contenu\nLe fichier est écrit.\n");
    ck_assert_int_eq(call_to("write -o r", "/dev/full"), 73);
    ck_has(err, "sortie standard");
}
END_TEST

START_TEST(test_private_output)
{
    struct stat is;
    umask(0);
    ck_assert_int_eq(call("keep -o s"), 0);
    ck_assert_int_eq(stat("s", &is), 0);
    ck_assert_int_eq(is.st_mode & 07777, 0600);
    ck_assert_int_eq(chmod("s", 0644), 0);
    ck_assert_int_eq(call("keep -o s"), 0);
    ck_assert_int_eq(stat("s", &is), 0);
    ck_assert_int_eq(is.st_mode & 07777, 0600);
    ck_assert_int_eq(call("keep"), 64);
}
END_TEST

START_TEST(test_standard_output)
{
    ck_assert_int_eq(call_to("much", "/dev/full"), 73);
    ck_has(err, "plus de place");
    ck_assert_int_eq(call_to("--version", "/dev/full"), 73);
    ck_assert_int_eq(call_to("much", NULL), 73);
    ck_assert_int_eq(call_to("--help", NULL), 73);
}
END_TEST

START_TEST(test_home)
{
    char expected[256];
    setenv("XDG_STATE_HOME", "/etat", 1);
    ck_assert_int_eq(call("push --events e.csv"), 0);
    ck_has(out, "home=/etat/ctai-test ");
    setenv("XDG_STATE_HOME", "relatif", 1);
    ck_assert_int_eq(call("push --events e.csv"), 0);
    ck_has(out, "home=/home/invente/.local/state/ctai-test ");
    setenv("CTAI_HOME", "/chez/moi", 1);
    ck_assert_int_eq(call("push --events e.csv"), 0);
    ck_has(out, "home=/chez/moi ");
    ck_assert_int_eq(call("push --events e.csv --home ici"), 0);
    snprintf(expected, sizeof expected, "home=%s/ici ", folder);
    ck_has(out, expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli");
    TCase *cases = tcase_create("cli");
    tcase_set_timeout(cases, 30);
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, test_order_of_words);
    tcase_add_test(cases, test_usage);
    tcase_add_test(cases, test_help);
    tcase_add_test(cases, test_inputs);
    tcase_add_test(cases, test_output);
    tcase_add_test(cases, test_summary_comes_after_its_file);
    tcase_add_test(cases, test_private_output);
    tcase_add_test(cases, test_standard_output);
    tcase_add_test(cases, test_home);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
