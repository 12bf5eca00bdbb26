/* check_yamldoc: YAML of all kinds, the hostile ones too. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "yamldoc.h"

static arena *memory;
static diag_sink sink;
static char said[65536];

static void keep(diag_sink *self, const diag *what)
{
    size_t used = strlen(said);
    FILE *to = fmemopen(said + used, sizeof said - used, "w");
    if (!to)
        return;
    diag_print(to, what);
    fclose(to);
    (void)self;
}

static void enter(void)
{
    memory = arena_new(16 << 20);
    sink = (diag_sink){ .emit = keep };
    said[0] = '\0';
}

static void leave(void)
{
    arena_destroy(&memory);
}

static bool load(yamldoc *doc, const char *text)
{
    return yamldoc_load(doc, memory, "f.yaml", text_of(text), &sink);
}

#define ck_said(part) ck_assert_msg(strstr(said, part) != NULL, "no « %s » in: %s", part, said)

static void refused(const char *text, const char *says)
{
    yamldoc doc;
    said[0] = '\0';
    ck_assert_msg(!load(&doc, text), "taken: %.60s", text);
    ck_said(says);
}

START_TEST(test_tree)
{
    yamldoc doc;
    ck_assert(load(&doc, "# rien\nnom: Été\nliste:\n  - a\n  - {b: c}\nvide: []\n"));
    ck_assert_int_eq(doc.root->kind, YAMLDOC_MAP);
    ck_assert_uint_eq(doc.root->count, 3);
    const yamldoc_node *name = doc.root->first;
    ck_assert(text_is(name->text, "Été") && text_is(name->key, "nom"));
    ck_assert_uint_eq(name->line, 2);
    ck_assert_uint_eq(name->column, 6);
    const yamldoc_node *list = name->next;
    ck_assert_uint_eq(list->count, 2);
    ck_assert(text_is(list->first->text, "a"));
    ck_assert(text_is(list->first->next->first->key, "b"));
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(test_byte_order_mark_and_crlf)
{
    yamldoc doc;
    ck_assert(load(&doc, "\xef\xbb\xbfnom: a\r\nautre: b\r\n"));
    ck_assert(text_is(doc.root->first->key, "nom"));
    ck_assert(text_is(doc.root->first->text, "a"));
}
END_TEST

START_TEST(test_refused)
{
    refused("", "le fichier est vide");
    refused("# rien\n", "le fichier est vide");
    refused("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: erreur : cette clé est donnée deux fois");
    refused("{a: {b: 1, b: 2}}", "deux fois");
    refused("a: &x 1\n", "les ancres");
    refused("a: !!str 1\n", "les ancres (« & ») et les étiquettes");
    refused("a: *x\n", "les renvois");
    refused("a:\n\t- b\n", "tabulation");
    refused("a: b: c\n", "deux-points inattendu");
    refused("a: 'b\n", "Fermez les guillemets");
    refused("a: 1\n  b: 2\n", "f.yaml:2:");
    refused("- a\nb: 1\n", "f.yaml:2:");
    refused("---\na: 1\n---\nb: 2\n", "plusieurs documents");
    refused("? [a, b]\n: c\n", "une clé doit être un simple mot");
    refused("'': c\n", "clé vide");
    refused("a: \x01\n", "f.yaml:1:4: erreur : caractère de contrôle");
    refused("a: \"x\\e[31m\"\n", "f.yaml:1:4: erreur : caractère de contrôle");
    refused("\"\\0\": b\n", "f.yaml:1:1: erreur : caractère de contrôle");
    refused("a: \"\\u202e\"\n", "f.yaml:1:4: erreur : caractère de contrôle");
    refused("a: x\xe2\x80\xae\n", "f.yaml:1:5: erreur : caractère de contrôle");
    refused("a: \xc3\xa9\nb: \xe9\n", "f.yaml:2:4: erreur : ce n’est pas un texte en UTF-8");
    refused("%YAML 1.1\n%YAML 1.1\n---\na: 1\n", "f.yaml:");
    refused("\xff\xfe" "a", "UTF-8");
}
END_TEST

static unsigned stir(unsigned *state)
{
    *state = *state * 1103515245 + 12345;
    return *state >> 16;
}

START_TEST(test_binary)
{
    yamldoc doc;
    char bytes[4096];
    unsigned state = 1;
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)stir(&state);
        ck_assert(!yamldoc_load(&doc, memory, "f", (text_view){ bytes, sizeof bytes }, &sink));
        said[0] = '\0';
    }
    ck_assert(!yamldoc_load(&doc, memory, "f", (text_view){ "a: \0b\n", 6 }, &sink));
    ck_said("caractère de contrôle");
    /* What looks like YAML, cut anywhere and stirred, is taken or refused, but harms nobody. */
    static const char sample[] = "a: [b, 'c', \"d\\n\"]\ne:\n  - {f: g}\n  - |\n    h\n  - >-\n    i\n? j\n: k\n";
    for (size_t round = 0; round < 20000; round++) {
        char copy[sizeof sample];
        memcpy(copy, sample, sizeof sample);
        for (int change = 0; change < 3; change++)
            copy[stir(&state) % (sizeof sample - 1)] = sample[stir(&state) % (sizeof sample - 1)];
        said[0] = '\0';
        arena_clear(memory);
        bool taken = yamldoc_load(&doc, memory, "f", (text_view){ copy, round % sizeof sample }, &sink);
        ck_assert(taken == (said[0] == '\0'));
    }
}
END_TEST

START_TEST(test_deep)
{
    char *text = malloc((1 << 20) + 1);
    memset(text, '[', 1 << 20);
    text[1 << 20] = '\0';
    refused(text, "f.yaml:1:17: erreur : trop de niveaux");
    for (size_t i = 0; i < (1 << 20); i += 4)
        memcpy(text + i, "{a: ", 4);
    refused(text, "trop de niveaux");
    for (size_t i = 0; i < (1 << 20); i += 2)
        memcpy(text + i, "- ", 2);
    refused(text, "trop de niveaux");
    memset(text, '?', 1 << 20);
    text[(1 << 20) - 1] = '\n';
    yamldoc doc;
    (void)!load(&doc, text);
    free(text);
}
END_TEST

START_TEST(test_many)
{
    char *text = malloc((1 << 20) + 1);
    for (size_t i = 0; i < (1 << 20); i += 4)
        memcpy(text + i, "- a\n", 4);
    text[1 << 20] = '\0';
    refused(text, "trop de valeurs");
    size_t at = 0;
    for (int i = 0; i < 300; i++)
        at += (size_t)sprintf(text + at, "k%d: 1\n", i);
    refused(text, "f.yaml:257:1: erreur : trop de clés");
    free(text);
    char *big = malloc(10 << 20);
    memset(big, 'a', 10 << 20);
    yamldoc doc;
    said[0] = '\0';
    ck_assert(!yamldoc_load(&doc, memory, "f.yaml", (text_view){ big, 10 << 20 }, &sink));
    ck_said("f.yaml: erreur : le fichier est trop gros");
    free(big);
}
END_TEST

START_TEST(test_billion_laughs)
{
    refused("a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n", "f.yaml:1:4: erreur : les ancres");
}
END_TEST

START_TEST(test_short_memory)
{
    yamldoc doc;
    char text[4000];
    size_t at = 0;
    for (int i = 0; i < 200; i++)
        at += (size_t)sprintf(text + at, "k%d: [1, 2]\n", i);
    for (size_t limit = 0; limit < 40000; limit += 1500) {
        arena *small = arena_new(limit);
        said[0] = '\0';
        if (!yamldoc_load(&doc, small, "f.yaml", text_of(text), &sink))
            ck_said("la mémoire manque");
        arena_destroy(&small);
    }
}
END_TEST

START_TEST(test_walk)
{
    yamldoc doc;
    yamldoc_map map;
    text_view text = { 0 };
    int64_t number = -1;
    civil_day day = 0;
    civil_month month = 0;
    bool flag = false;
    unsigned word = 9;
    static const char *const words[] = { "un", "deux" };
    ck_assert(load(&doc, "nom: \" Été \"\ncode: 63-thiers.x_1\nnombre: 40 000\neuros: 6\xc2\xa0" "335,50 €\njour: 30/11/2023\n"
                         "mois: 2024-06\noui: oui\nmot: deux\nliste: [a]\n"));
    ck_assert(yamldoc_map_open(&map, &doc, doc.root, "le fichier"));
    ck_assert(yamldoc_text(&map, "nom", YAMLDOC_REQUIRED, 10, &text) && text_is(text, "Été"));
    ck_assert(yamldoc_name(&map, "code", YAMLDOC_REQUIRED, 64, &text) && text_is(text, "63-thiers.x_1"));
    ck_assert(yamldoc_integer(&map, "nombre", YAMLDOC_REQUIRED, 0, 50000, &number) && number == 40000);
    ck_assert(yamldoc_euros(&map, "euros", YAMLDOC_REQUIRED, &number) && number == 633550);
    ck_assert(yamldoc_day(&map, "jour", YAMLDOC_REQUIRED, &day) && day == civil_from(2023, 11, 30));
    ck_assert(yamldoc_month(&map, "mois", YAMLDOC_REQUIRED, &month) && month == civil_month_parse(text_of("2024-06")));
    ck_assert(yamldoc_flag(&map, "oui", YAMLDOC_REQUIRED, &flag) && flag);
    ck_assert(yamldoc_choice(&map, "mot", YAMLDOC_REQUIRED, words, 2, &word) && word == 1);
    ck_assert_ptr_nonnull(yamldoc_list(&map, "liste", YAMLDOC_REQUIRED, 1, 1));
    ck_assert(!yamldoc_text(&map, "absent", YAMLDOC_OPTIONAL, 10, &text));
    yamldoc_map_close(&map);
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(test_walk_refuses)
{
    yamldoc doc;
    yamldoc_map map;
    text_view text;
    int64_t number;
    civil_day day;
    unsigned word;
    static const char *const words[] = { "coordonnateur", "partenaire" };
    ck_assert(load(&doc, "titer: a\nzzzzzz: b\nvide:\ncode: 'à b'\nlong: abcdef\njour: 2023-02-30\nmot: partenairre\nmot2: x\n"
                         "deux: \"a\\nb\"\nliste: a\ncarte: [b]\n"));
    yamldoc_map_open(&map, &doc, doc.root, "le fichier");
    ck_assert(!yamldoc_text(&map, "titre", YAMLDOC_REQUIRED, 10, &text));
    ck_said("f.yaml:1:1: erreur : il manque la clé « titre »");
    ck_assert(!yamldoc_text(&map, "vide", YAMLDOC_REQUIRED, 10, &text));
    ck_said("[vide] valeur vide");
    ck_assert(!yamldoc_name(&map, "code", YAMLDOC_REQUIRED, 10, &text));
    ck_said("f.yaml:4:7: erreur : [code] code incorrect");
    ck_assert(!yamldoc_text(&map, "long", YAMLDOC_REQUIRED, 5, &text));
    ck_said("texte trop long (5 octets au plus)");
    ck_assert(!yamldoc_day(&map, "jour", YAMLDOC_REQUIRED, &day));
    ck_said("f.yaml:6:7: erreur : [jour] date attendue");
    ck_assert(!yamldoc_choice(&map, "mot", YAMLDOC_REQUIRED, words, 2, &word));
    ck_said("[mot] valeur inconnue ; vouliez-vous dire « partenaire » ?\n");
    ck_assert(!yamldoc_choice(&map, "mot2", YAMLDOC_REQUIRED, words, 2, &word));
    ck_said("coordonnateur, partenaire");
    ck_assert(!yamldoc_text(&map, "deux", YAMLDOC_REQUIRED, 10, &text));
    ck_said("sur une ligne");
    ck_assert_ptr_null(yamldoc_list(&map, "liste", YAMLDOC_REQUIRED, 0, 1));
    ck_said("liste attendue");
    ck_assert(!yamldoc_integer(&map, "carte", YAMLDOC_REQUIRED, 0, 1, &number));
    ck_said("nombre entier attendu");
    yamldoc_map_close(&map);
    ck_said("f.yaml:1:1: erreur : clé inconnue « titer » ; vouliez-vous dire « titre » ?");
    ck_said("f.yaml:2:1: erreur : clé inconnue « zzzzzz ».");
    said[0] = '\0';
    ck_assert(!yamldoc_map_open(&map, &doc, doc.root->first, "la carte"));
    ck_said("la carte doit être une suite de clés");
    ck_assert(!yamldoc_text(&map, "titre", YAMLDOC_REQUIRED, 10, &text));
    yamldoc_map_close(&map);
}
END_TEST

START_TEST(test_numbers)
{
    static const struct { const char *text; int64_t integer, cents; } cases[] = {
        { "0", 0, 0 }, { "5", 5, 500 }, { "12 345", 12345, 1234500 }, { "1 234 567", 1234567, 123456700 },
        { "12,5", -1, 1250 }, { "12.05", -1, 1205 }, { "12,345", -1, -1 }, { "40.000", -1, -1 }, { "1 2", -1, -1 },
        { "1234 567", -1, -1 }, { "12 ,5", -1, -1 }, { ",5", -1, -1 }, { "5,", -1, -1 }, { "-5", -1, -1 }, { "+5", -1, -1 },
        { "1e3", -1, -1 }, { "0x10", -1, -1 }, { "1_000", -1, -1 }, { "5 €", -1, 500 }, { "€", -1, -1 }, { "1,2,3", -1, -1 },
        { "99999999999999999999999", -1, -1 }, { "9223372036854775808", -1, -1 }, { "inconnu", -1, -1 }, { "１２", -1, -1 },
        { "184467440737095517", 184467440737095517, -1 }, { "999999999999999999", 999999999999999999, -1 }, /* 2^64 cents and more */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yamldoc doc;
        yamldoc_map map;
        char text[128];
        int64_t integer = -1, cents = -1;
        snprintf(text, sizeof text, "n: \"%s\"\n", cases[i].text);
        ck_assert(load(&doc, text));
        yamldoc_map_open(&map, &doc, doc.root, "f");
        (void)!yamldoc_integer(&map, "n", YAMLDOC_REQUIRED, 0, INT64_MAX, &integer);
        (void)!yamldoc_euros(&map, "n", YAMLDOC_REQUIRED, &cents);
        ck_assert_msg(integer == cases[i].integer && cents == cases[i].cents, "%s: %ld %ld", cases[i].text, (long)integer, (long)cents);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yamldoc");
    TCase *cases = tcase_create("yamldoc");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, test_tree);
    tcase_add_test(cases, test_byte_order_mark_and_crlf);
    tcase_add_test(cases, test_refused);
    tcase_add_test(cases, test_binary);
    tcase_add_test(cases, test_deep);
    tcase_add_test(cases, test_many);
    tcase_add_test(cases, test_billion_laughs);
    tcase_add_test(cases, test_short_memory);
    tcase_add_test(cases, test_walk);
    tcase_add_test(cases, test_walk_refuses);
    tcase_add_test(cases, test_numbers);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
