/* check_tableschema: the table schemas that offices' tools read say what the programs accept. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eligibility.h"
#include "fact.h"

static char *load(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, SOURCE_DIR "/schema/tables/%s", name);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    char *text = calloc(1, 1 << 16);
    ck_assert_uint_gt(fread(text, 1, (1 << 16) - 1, file), 100);
    fclose(file);
    return text;
}

/* The text between a mark and the next bracket or brace that closes it. */
static void between(const char *text, const char *mark, const char *closing, char *to, size_t size)
{
    const char *at = strstr(text, mark);
    ck_assert_msg(at != NULL, "no %s", mark);
    at += strlen(mark);
    const char *end = strstr(at, closing);
    ck_assert_ptr_nonnull(end);
    snprintf(to, size, "%.*s", (int)(end - at), at);
}

/* Holds the list exactly that many words in quotes? */
static void count_words(const char *list, unsigned expected)
{
    unsigned quotes = 0;
    for (; *list; list++)
        quotes += *list == '"';
    ck_assert_uint_eq(quotes, 2 * expected);
}

static bool has_word(const char *list, const char *word)
{
    char quoted[128];
    snprintf(quoted, sizeof quoted, "\"%s\"", word);
    return strstr(list, quoted) != NULL;
}

START_TEST(test_statuts)
{
    char *text = load("personnes.schema.json"), list[4096];
    const char *field = strstr(text, "\"name\": \"statut\"");
    ck_assert_ptr_nonnull(field);
    between(field, "\"enum\": [", "]", list, sizeof list);
    for (int statut = 0; statut < STATUT_COUNT; statut++)
        ck_assert_msg(has_word(list, eligibility_statut_names[statut]), "%s", eligibility_statut_names[statut]);
    count_words(list, STATUT_COUNT);
    free(text);
}
END_TEST

static void check_type(const char *text, const fact_rule *rule)
{
    static const char *const quantities[] = { "sans", "facultative", "1 si vide", "obligatoire" };
    static const char *const units[] = { "", "heures", "nombre", "euros", "jours" };
    char mark[128], entry[2048], codes[1024];
    snprintf(mark, sizeof mark, "{\"type\": \"%s\"", rule->name);
    between(text, mark, "}", entry, sizeof entry);
    ck_assert_msg(strstr(entry, rule->label) != NULL, "%s", rule->name);
    ck_assert_msg(strstr(entry, rule->has_person ? "\"personne\": true" : "\"personne\": false") != NULL, "%s", rule->name);
    ck_assert_msg(has_word(entry, quantities[rule->quantity]), "%s", rule->name);
    ck_assert_msg(rule->quantity == FACT_QUANTITY_NONE || has_word(entry, units[rule->unit]), "%s", rule->name);
    ck_assert_msg((strstr(entry, "\"reference\": true") != NULL) == rule->has_reference, "%s", rule->name);
    ck_assert_msg((strstr(entry, "\"details\"") != NULL) == (rule->codes != NULL), "%s", rule->name);
    if (!rule->codes)
        return;
    unsigned count = 0;
    between(entry, "\"details\": [", "]", codes, sizeof codes);
    for (const fact_code *code = rule->codes; code->detail; code++, count++)
        ck_assert_msg(has_word(codes, code->detail), "%s %s", rule->name, code->detail);
    count_words(codes, count);
}

START_TEST(test_types)
{
    char *text = load("evenements.schema.json"), list[4096];
    unsigned count = 0;
    between(strstr(text, "\"name\": \"type\""), "\"enum\": [", "]", list, sizeof list);
    for (int type = 0; type < FACT_TYPE_COUNT; type++) {
        const fact_rule *rule = fact_rule_of((fact_type)type);
        ck_assert_msg(has_word(list, rule->name) == rule->from_file, "%s", rule->name);
        if (rule->from_file)
            check_type(text, rule);
        count += rule->from_file;
    }
    count_words(list, count);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tableschema");
    TCase *cases = tcase_create("tableschema");
    tcase_add_test(cases, test_statuts);
    tcase_add_test(cases, test_types);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
