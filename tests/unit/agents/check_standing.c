/* What a second export must not withdraw, and what it makes anew. Also whole exports of noise, and short memory. */
#include <check.h>

#include "office.h"
#include "recordkey.h"

static const char people[] = OFFICE_PERSONS "1;;Diallo;Awa;1999-03-10;F;GIN;refugie;2022-01-01;\n2;;Noorzai;Ali;1980-01-02;H;AFG;salarie;2022-01-01;\n";
static const char people_bad_1[] = OFFICE_PERSONS "1;;Diallo;Awa;1999-13-10;F;GIN;refugie;2022-01-01;\n2;;Noorzai;Ali;1980-01-02;H;AFG;salarie;2022-01-01;\n";
static const char people_without_1[] = OFFICE_PERSONS "2;;Noorzai;Ali;1980-01-02;H;AFG;salarie;2022-01-01;\n";
static const char people_never_1[] = OFFICE_PERSONS "1;;Diallo;Awa;1999-03-10;F;GIN;etudiant;2022-01-01;\n2;;Noorzai;Ali;1980-01-02;H;AFG;salarie;2022-01-01;\n";

/* The key of a thing spelt "event:a" or "who:axe1:1:2024-01". */
static void key_of(const office *one, const char *name, uint8_t key[RECORD_KEY])
{
    char action[20], person[20], month[20];
    if (sscanf(name, "event:%19s", person) == 1) {
        recordkey_event(key, one->record_key, text_of("c1"), text_of(person));
        return;
    }
    ck_assert_int_eq(sscanf(name, "who:%19[^:]:%19[^:]:%19s", action, person, month), 3);
    uint8_t who[RECORD_KEY];
    recordkey_subject(who, one->record_key, text_of("c1"), text_of(action), text_of(person));
    recordkey_beneficiary(key, one->record_key, who, civil_month_parse(text_of(month)));
}

static bool is_retained(const office_key *all, size_t count, const uint8_t key[RECORD_KEY])
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(all[i], key, RECORD_KEY) == 0)
            return true;
    return false;
}

/* What the export made stands at the next. */
static void keep_earlier(office *one)
{
    one->contracts[0].earlier = office_contributions(one, 0, &one->contracts[0].earlier_count);
}

typedef struct {
    const char *first_persons, *first, *second_persons, *second;
    bool partial;
    const char *records;     /* of the second export */
    const char *retained[5]; /* exactly */
    size_t contributions;
} story;

static const story stories[] = {
    /* Nothing in error: what is gone is withdrawn. */
    {people, "a;2024-01-01;axe1;sollicitation;1;;;\nb;2024-02-01;axe1;sollicitation;1;;;\n", people, "b;2024-02-01;axe1;sollicitation;1;;;\n", false,
     "beneficiaire axe1 2024-02 I F bpi -25\nsollicitation axe1 2024-02 1\n", {NULL}, 1},
    /* A row in error keeps its record and its month's beneficiary as they were said. */
    {people, "a;2024-01-01;axe1;sollicitation;1;;;\nb;2024-02-01;axe1;sollicitation;1;;;\n", people,
     "a;2024-01-01;axe1;sollicitation;1;x;;\nb;2024-02-01;axe1;sollicitation;1;;;\n", false,
     "beneficiaire axe1 2024-02 I F bpi -25\nsollicitation axe1 2024-02 1\n", {"event:a", "who:axe1:1:2024-01"}, 2},
    /* ... also when it is in error for being there twice, or has lost its person or action. */
    {people, "a;2024-01-01;axe1;sollicitation;1;;;\n", people, "a;2024-01-01;axe1;sollicitation;1;;;\na;2024-01-01;axe1;sollicitation;1;;;\n", false,
     "", {"event:a", "who:axe1:1:2024-01"}, 1},
    {people, "a;2024-01-01;axe1;sollicitation;1;;;\n", people, "a;2024-01-01;axe9;sollicitation;;;;\n", false,
     "", {"event:a", "who:axe1:1:2024-01"}, 1},
    /* ... unless a row that counts makes it anew. */
    {people, "a;2024-01-01;axe1;sollicitation;1;;;\nb;2024-01-20;axe1;sollicitation;1;;;\n", people,
     "a;2024-01-01;axe1;sollicitation;1;x;;\nb;2024-01-20;axe1;sollicitation;1;;;\n", false,
     "beneficiaire axe1 2024-01 I F bpi -25\nsollicitation axe1 2024-01 1\n", {"event:a"}, 2},
    /* It does not count for the person's first day, */
    {people, "a;2024-03-09;axe1;sollicitation;1;;;\nb;2024-05-01;axe1;sollicitation;1;;;\n", people,
     "a;bad;axe1;sollicitation;1;;;\nb;2024-05-01;axe1;sollicitation;1;;;\n", false,
     "beneficiaire axe1 2024-05 I F bpi\nsollicitation axe1 2024-05 1\n", {"event:a", "who:axe1:1:2024-03"}, 2},
    /* nor for an entree of before the contract. */
    {people, "a;2024-03-09;axe1;sollicitation;1;;;\nb;2023-05-01;axe1;entree;1;;;\n", people,
     "a;bad;axe1;sollicitation;1;;;\nb;2023-05-01;axe1;entree;1;;;\n", false,
     "", {"event:a", "who:axe1:1:2024-03"}, 1},
    {people, "a;2024-03-09;axe1;sollicitation;1;;;\nb;2023-05-01;axe1;entree;1;;;\nc;2023-05-01;axe1;niveau_debut;1;;A1;\n", people,
     "b;bad;axe1;entree;1;;;\nc;2023-05-01;axe1;niveau_debut;1;;A1;\n", false, "", {"event:b", "who:axe1:1:2023-11"}, 1},
    /* A sortie whose entree is in error is in error too, and stays. */
    {people, "a;2024-01-01;axe1;entree;1;;;\nb;2024-02-01;axe1;sortie;1;;autre;\n", people,
     "a;2024-01-01;axe1;entree;1;x;;\nb;2024-02-01;axe1;sortie;1;;autre;\n", false,
     "", {"event:a", "event:b", "who:axe1:1:2024-01", "who:axe1:1:2024-02"}, 2},
    /* The person's row in error, or gone: the beneficiary records stay as they are. */
    {people, "a;2024-01-01;axe1;sollicitation;1;;;\nb;2024-02-01;axe1;sollicitation;2;;;\n", people_bad_1,
     "a;2024-01-01;axe1;sollicitation;1;;;\nb;2024-02-01;axe1;sollicitation;2;;;\n", false,
     "beneficiaire axe1 2024-02 I H\nsollicitation axe1 2024-02 1\n", {"event:a", "who:axe1:1:2024-01"}, 2},
    {people, "a;2024-01-01;axe1;sollicitation;1;;;\n", people_without_1, "a;2024-01-01;axe1;sollicitation;1;;;\n", false, "",
     {"event:a", "who:axe1:1:2024-01"}, 1},
    /* No longer of the public: what was said stays, nothing new is said. */
    {people, "a;2024-01-01;axe1;sollicitation;1;;;\n", people_never_1, "a;2024-01-01;axe1;sollicitation;1;x;;\n", false, "",
     {"event:a", "who:axe1:1:2024-01"}, 1},
    /* A row that is left out now is withdrawn, with what rested on it. */
    {people, "a;2024-01-01;axe1;sollicitation;1;;;\n", people_never_1, "a;2024-01-01;axe1;sollicitation;1;;;\n", false, "", {NULL}, 0},
    /* A row without a person. */
    {people, "a;2024-01-01;axe1;cout;;5;autre;\n", people, "a;2024-01-01;axe1;cout;;-5;autre;\n", false, "", {"event:a"}, 1},
    /* A partial export keeps all, and makes what it adds. */
    {people, "a;2024-03-09;axe1;sollicitation;1;;;\nb;2024-03-01;axe1;cout;;5;autre;\n", people, "c;2024-05-01;axe1;sollicitation;1;;;\n", true,
     "beneficiaire axe1 2024-05 I F bpi -25\nsollicitation axe1 2024-05 1\n", {"event:a", "event:b", "who:axe1:1:2024-03"}, 3},
    /* ... with one under_25 for all months of an action: an earlier event that is added changes it everywhere. */
    {people, "a;2024-05-01;axe1;sollicitation;1;;;\n", people, "b;2024-03-09;axe1;sollicitation;1;;;\n", true,
     "beneficiaire axe1 2024-03 I F bpi -25\nbeneficiaire axe1 2024-05 I F bpi -25\nsollicitation axe1 2024-03 1\n", {"event:a"}, 2},
    {people, "a;2024-03-09;axe1;sollicitation;1;;;\n", people_without_1, "c;2024-05-01;axe1;sollicitation;2;;;\n", true,
     "beneficiaire axe1 2024-05 I H\nsollicitation axe1 2024-05 1\n", {"event:a", "who:axe1:1:2024-03"}, 2},
    /* ... a row that it names again replaces the earlier one. */
    {people, "a;2024-03-09;axe1;sollicitation;1;;;\n", people, "a;2024-05-01;axe1;sollicitation;2;;;\n", true,
     "beneficiaire axe1 2024-05 I H\nsollicitation axe1 2024-05 1\n", {NULL}, 1},
    {people, "a;2024-03-09;axe1;sollicitation;1;;;\n", people, "a;2025-05-01;axe1;sollicitation;1;;;\n", true, "", {NULL}, 0},
    /* ... an earlier event lets an entree of before the contract count. */
    {people, "a;2024-03-09;axe1;sollicitation;1;;;\n", people, "b;2023-05-01;axe1;entree;1;;;\n", true,
     "beneficiaire axe1 2023-11 I F bpi -25\nentree axe1 2023-11 I\n", {"event:a", "who:axe1:1:2024-03"}, 2},
    /* A file that is not sure withdraws nothing: not even what is left out. */
    {people, "a;2024-03-09;axe1;sollicitation;1;;;\nb;2024-03-09;axe1;sollicitation;2;;;\nd;2024-05-05;axe1;cout;;5;autre;\n", people,
     "a;2025-03-09;axe1;sollicitation;1;;;\nb;2024-03-09;axe1;sollicitation;2;;;\n\"c\"x;2024-03-09;axe1;sollicitation;1;;;\n", false,
     "beneficiaire axe1 2024-03 I H\nsollicitation axe1 2024-03 1\n", {"event:a", "event:d", "who:axe1:1:2024-03"}, 3},
};

START_TEST(second_exports_keep_what_they_cannot_judge)
{
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        const story *told_story = &stories[i];
        char events[1000];
        office *one = office_new();
        snprintf(events, sizeof events, "%s%s", OFFICE_EVENTS, told_story->first);
        ck_assert_int_eq(office_make(one, told_story->first_persons, events), EXPORT_OK);
        size_t kept_count, count;
        (void)office_retained(one, 0, &kept_count);
        ck_assert_uint_eq(kept_count, 0);
        keep_earlier(one);
        one->partial = told_story->partial;
        snprintf(events, sizeof events, "%s%s", OFFICE_EVENTS, told_story->second);
        ck_assert_int_eq(office_make(one, told_story->second_persons, events), EXPORT_OK);
        const export_result *result = &one->made.results[0];
        const char *made = office_records(one, 0);
        ck_assert_msg(strcmp(made, told_story->records) == 0, "story %zu\n%s\nmade\n%s\n%s", i, told_story->second, made, told_text(&one->said));
        const office_key *kept = office_retained(one, 0, &kept_count);
        const export_contribution *all = office_contributions(one, 0, &count);
        size_t retained = 0;
        for (; retained < 5 && told_story->retained[retained]; retained++) {
            uint8_t key[RECORD_KEY];
            key_of(one, told_story->retained[retained], key);
            ck_assert_msg(is_retained(kept, kept_count, key), "story %zu: %s", i, told_story->retained[retained]);
        }
        ck_assert_msg(kept_count == retained, "story %zu: %zu retained", i, kept_count);
        ck_assert_msg(count == told_story->contributions, "story %zu: %zu contributions", i, count);
        for (size_t k = 1; k < count; k++)
            ck_assert(memcmp(all[k - 1].event, all[k].event, RECORD_KEY) < 0);
        for (size_t k = 1; k < retained; k++)
            ck_assert(memcmp(kept[k - 1], kept[k], RECORD_KEY) < 0);
        ck_assert_int_eq(result->coverage.complete, !told_story->partial && !one->made.unsure);
        office_free(one);
    }
}
END_TEST

START_TEST(a_row_that_lost_its_contract_keeps_what_it_said)
{
    static const char header[] = "id_evenement;contrat;date;action;type;id_local;quantite;detail;reference\n";
    char events[1000];
    office *one = office_new();
    one->contract_count = 2;
    snprintf(events, sizeof events, "%sa;c1;2024-01-01;axe1;sollicitation;1;;;\nb;c1;2024-01-01;axe1;cout;;5;autre;\n", header);
    ck_assert_int_eq(office_make(one, people, events), EXPORT_OK);
    size_t count;
    keep_earlier(one);
    snprintf(events, sizeof events, "%sa;;2024-01-01;axe1;sollicitation;1;;;\n", header);
    ck_assert_int_eq(office_make(one, people, events), EXPORT_OK);
    ck_assert_str_eq(office_records(one, 0), "");
    (void)office_retained(one, 0, &count);
    ck_assert_uint_eq(count, 2);
    (void)office_contributions(one, 0, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(one->made.results[1].record_count, 0);
    office_free(one);
}
END_TEST

/* Good files with random bytes changed: any answer, but a whole one. */
START_TEST(noise_makes_a_whole_export_or_none)
{
    static const char letters[] = ";;\n\r\"'0129-/axe1,. \t\0\xE9\x81\xC2\xA0";
    srand(3);
    for (int round = 0; round < 1500; round++) {
        char persons[sizeof people];
        char events[500];
        memcpy(persons, people, sizeof people);
        snprintf(events, sizeof events, "%sa;2024-01-01;axe1;entree;1;5;;\nb;2024-02-01;axe1;sortie;1;;autre;\nc;2023-02-01;axe1;niveau_debut;2;;A1;\n"
                                        "d;2024-02-01;axe1;presence;2;1h30;;\"S\"\"1\"\n", OFFICE_EVENTS);
        for (int i = rand() % 6; i > 0; i--)
            events[(size_t)rand() % strlen(events)] = letters[1 + (size_t)rand() % (sizeof letters - 2)];
        for (int i = rand() % 3; i > 0; i--)
            persons[(size_t)rand() % strlen(persons)] = letters[1 + (size_t)rand() % (sizeof letters - 2)];
        office *one = office_new();
        one->partial = round % 5 == 0;
        if (office_make(one, persons, events) == EXPORT_OK) {
            (void)office_records(one, 0);
            ck_assert_uint_le(one->made.counts.errors + one->made.counts.left_out, one->made.counts.person_rows + one->made.counts.event_rows);
            keep_earlier(one);
            ck_assert_int_eq(office_make(one, people, events), EXPORT_OK);
            (void)office_records(one, 0);
        } else {
            ck_assert(one->said.sink.count[DIAG_ERROR] > 0);
        }
        office_free(one);
    }
}
END_TEST

START_TEST(short_memory_is_told)
{
    office *one = office_new();
    int done = 0;
    for (size_t limit = 1000; limit < 2000000; limit += 9973) {
        arena_destroy(&one->memory);
        one->memory = arena_new(limit);
        export_error error = office_make(one, people, OFFICE_EVENTS "a;2024-01-01;axe1;entree;1;5;;\nb;2024-02-01;axe1;sortie;1;;autre;\n");
        ck_assert(error == EXPORT_NO_MEMORY || error == EXPORT_OK);
        done += error == EXPORT_OK;
    }
    ck_assert_int_gt(done, 0);
    office_free(one);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("standing");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, second_exports_keep_what_they_cannot_judge);
    tcase_add_test(tests, a_row_that_lost_its_contract_keeps_what_it_said);
    tcase_add_test(tests, noise_makes_a_whole_export_or_none);
    tcase_add_test(tests, short_memory_is_told);
    Suite *suite = suite_create("standing");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
