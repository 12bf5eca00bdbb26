/* From rows to records: days of the contract, eligibility, beneficiaries, tokens, keys, and what stands of earlier exports. */
#include <check.h>

#include "office.h"
#include "preview.h"
#include "recordkey.h"

/* 1: under 25 until 2024-03-10; 2: CIR reaches five years on 2024-02-01; 3: signs on 2024-01-15; 4: never. */
static const char people[] = OFFICE_PERSONS
    "1;;Diallo;Awa;1999-03-10;F;GIN;refugie;2022-01-01;M1\n"
    "2;0123456789;Noorzai;Ali;1980-01-02;H;AFG;salarie;2019-02-01;M1\n"
    "3;;Tesfaye;Hodan;1990-01-02;;ETH;autre_titre;2024-01-15;\n"
    "4;;Popescu;Ana;1990-01-02;F;ROU;salarie;2022-01-01;M1\n";

static const struct { const char *rows, *records; size_t left_out, errors; } cases[] = {
    /* The contract's days are both included. */
    {"a;2023-11-30;axe1;autonomie;1;;scolarite;\n", "autonomie axe1 2023-11 I scolarite\nbeneficiaire axe1 2023-11 I F bpi -25\n", 0, 0},
    {"a;2024-11-29;axe1;autonomie;1;;scolarite;\n", "autonomie axe1 2024-11 I scolarite\nbeneficiaire axe1 2024-11 I F bpi\n", 0, 0},
    {"a;2023-11-29;axe1;autonomie;1;;scolarite;\nb;2024-11-30;axe1;autonomie;1;;scolarite;\n", "", 2, 0},
    {"a;2023-11-29;axe1;cout;;5;autre;\nb;2024-11-30;axe1;cout;;5;autre;\nc;2024-11-29;axe1;cout;;5;autre;\n", "cout axe1 2024-11 500 autre\n", 2, 0},
    /* Eligibility at the event's date. */
    {"a;2024-01-31;axe1;sollicitation;2;;;\nb;2024-02-01;axe1;sollicitation;2;;;\n", "beneficiaire axe1 2024-01 EI H\nsollicitation axe1 2024-01 1\n", 1, 0},
    {"a;2024-01-14;axe1;sollicitation;3;;;\nb;2024-01-15;axe1;sollicitation;3;;;\n", "beneficiaire axe1 2024-01 I ?\nsollicitation axe1 2024-01 1\n", 1, 0},
    {"a;2024-01-15;axe1;sollicitation;4;;;\n", "", 1, 0},
    /* under_25 is that of the first event of the action, on all months. */
    {"a;2024-03-09;axe1;sollicitation;1;;;\nb;2024-05-01;axe1;sollicitation;1;;;\nc;2024-05-01;axe2;sollicitation;1;;;\n",
     "beneficiaire axe1 2024-03 I F bpi -25\nbeneficiaire axe1 2024-05 I F bpi -25\nbeneficiaire axe2 2024-05 I F bpi\n"
     "sollicitation axe1 2024-03 1\nsollicitation axe1 2024-05 1\nsollicitation axe2 2024-05 1\n", 0, 0},
    {"a;2024-03-10;axe1;sollicitation;1;;;\n", "beneficiaire axe1 2024-03 I F bpi\nsollicitation axe1 2024-03 1\n", 0, 0},
    /* An entree before the contract needs an eligible event of the action on a day of it. */
    {"a;2023-06-01;axe1;entree;1;100;;\n", "", 1, 0},
    {"a;2023-06-01;axe1;entree;1;100;;\nb;2024-05-01;axe1;sollicitation;1;;;\n",
     "beneficiaire axe1 2023-11 I F bpi -25\nbeneficiaire axe1 2024-05 I F bpi -25\nentree axe1 2023-11 I 6000\nsollicitation axe1 2024-05 1\n", 0, 0},
    {"a;2023-06-01;axe1;niveau_debut;1;;A1;\nb;2024-05-01;axe2;sollicitation;1;;;\n", "beneficiaire axe2 2024-05 I F bpi\nsollicitation axe2 2024-05 1\n", 1, 0},
    {"a;2023-06-01;axe1;niveau_debut;1;;A1;\nb;2024-05-01;axe1;sollicitation;2;;;\n", "", 2, 0},
    {"a;2023-06-01;axe1;niveau_debut;1;;A1;\nb;2024-05-01;axe1;niveau_fin;1;;B1;\n",
     "beneficiaire axe1 2023-11 I F bpi -25\nbeneficiaire axe1 2024-05 I F bpi -25\nniveau_debut axe1 2023-11 I A1\nniveau_fin axe1 2024-05 I B1\n", 0, 0},
    {"a;2023-06-01;axe1;niveau_fin;1;;A1;\nb;2024-05-01;axe1;sollicitation;1;;;\n", "beneficiaire axe1 2024-05 I F bpi\nsollicitation axe1 2024-05 1\n", 1, 0},
    /* Neither a row in error, nor one of before, nor a follow-up of after, is such an event. */
    {"a;2023-06-01;axe1;entree;1;100;;\nb;2024-05-01;axe1;sollicitation;1;x;;\n", "", 1, 1},
    {"a;2023-06-01;axe1;entree;1;100;;\nb;2023-07-01;axe1;niveau_debut;1;;A1;\n", "", 2, 0},
    {"a;2023-06-01;axe1;entree;1;100;;\nb;2024-12-01;axe1;suivi_6_mois;1;;positif;\n",
     "beneficiaire axe1 2024-11 I F bpi\nsuivi_6_mois axe1 2024-11 I positif\n", 1, 0},
    /* The first day judges: person 3 had not signed then. */
    {"a;2023-06-01;axe1;entree;3;100;;\nb;2024-05-01;axe1;sollicitation;3;;;\n", "beneficiaire axe1 2024-05 I ?\nsollicitation axe1 2024-05 1\n", 1, 0},
    {"a;2018-06-01;axe1;entree;2;100;;\nb;2024-01-01;axe1;sollicitation;2;;;\n",
     "beneficiaire axe1 2023-11 EI H\nbeneficiaire axe1 2024-01 EI H\nentree axe1 2023-11 E 6000\nsollicitation axe1 2024-01 1\n", 0, 0},
    /* A follow-up up to seven months after the last day. */
    {"a;2024-11-30;axe1;suivi_6_mois;1;;positif;\n", "beneficiaire axe1 2024-11 I F bpi\nsuivi_6_mois axe1 2024-11 I positif\n", 0, 0},
    {"a;2025-06-29;axe1;suivi_6_mois;1;;positif;\nb;2025-06-30;axe1;suivi_6_mois;1;;positif;\n",
     "beneficiaire axe1 2024-11 I F bpi\nsuivi_6_mois axe1 2024-11 I positif\n", 1, 0},
    {"a;2024-12-01;axe1;suivi_6_mois;2;;negatif;\nb;2023-11-29;axe1;suivi_6_mois;1;;negatif;\n", "", 2, 0},
    /* A sortie takes the days since the latest entree, by the true dates. */
    {"a;2023-06-01;axe1;entree;1;;;\nb;2024-01-10;axe1;sortie;1;;autre;\n",
     "beneficiaire axe1 2023-11 I F bpi -25\nbeneficiaire axe1 2024-01 I F bpi -25\nentree axe1 2023-11 I\nsortie axe1 2024-01 I 223 autre\n", 0, 0},
    {"b;2024-01-10;axe1;sortie;1;;autre;\na;2024-01-10;axe1;entree;1;;;\n",
     "beneficiaire axe1 2024-01 I F bpi -25\nentree axe1 2024-01 I\nsortie axe1 2024-01 I 0 autre\n", 0, 0},
    {"a;2024-01-02;axe1;entree;1;;;\nb;2024-01-10;axe1;sortie;1;;autre;\nc;2024-01-05;axe1;entree;1;;;\nd;2024-01-11;axe1;entree;1;;;\n",
     "beneficiaire axe1 2024-01 I F bpi -25\nentree axe1 2024-01 I\nentree axe1 2024-01 I\nentree axe1 2024-01 I\nsortie axe1 2024-01 I 5 autre\n", 0, 0},
    {"a;2024-01-11;axe1;entree;1;;;\nb;2024-01-10;axe1;sortie;1;;autre;\n", "beneficiaire axe1 2024-01 I F bpi -25\nentree axe1 2024-01 I\n", 0, 1},
    {"a;2024-01-01;axe2;entree;1;;;\nb;2024-01-10;axe1;sortie;1;;autre;\n", "beneficiaire axe2 2024-01 I F bpi -25\nentree axe2 2024-01 I\n", 0, 1},
    {"a;2024-01-01;axe1;entree;2;;;\nb;2024-01-10;axe1;sortie;1;;autre;\n", "beneficiaire axe1 2024-01 EI H\nentree axe1 2024-01 E\n", 0, 1},
    {"a;2024-01-01;axe1;entree;1;x;;\nb;2024-01-10;axe1;sortie;1;;autre;\n", "", 0, 2},
    {"a;2024-01-01;axe1;entree;3;;;\nb;2024-01-20;axe1;sortie;3;;autre;\n", "beneficiaire axe1 2024-01 I ?\nsortie axe1 2024-01 I 19 autre\n", 1, 0},
    {"b;2030-01-10;axe1;sortie;1;;autre;\n", "", 0, 1},
    {"a;2024-01-01;axe1;entree;4;;;\nb;2024-01-10;axe1;sortie;4;;autre;\nc;2024-01-10;axe1;sortie;4;;autr;\n", "", 2, 1},
};

START_TEST(rows_count_on_their_day)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char events[1000];
        office *one = office_new();
        snprintf(events, sizeof events, "%s%s", OFFICE_EVENTS, cases[i].rows);
        office_expect(one, people, events, cases[i].records, cases[i].left_out, cases[i].errors);
        office_free(one);
    }
}
END_TEST

START_TEST(reasons_are_said_and_counted)
{
    office *one = office_new();
    ck_assert_int_eq(office_make(one, people, OFFICE_EVENTS "a;2022-01-01;axe1;sollicitation;1;;;\nb;2024-03-01;axe1;sollicitation;2;;;\n"
                                                            "c;2024-01-01;axe1;sollicitation;3;;;\nd;2024-01-01;axe1;sollicitation;4;;;\n"),
                     EXPORT_OK);
    const export_counts *counts = &one->made.counts;
    ck_assert_uint_eq(counts->left_out, 4);
    ck_assert_uint_eq(counts->left_out_by[EXPORT_LEFT_OUT_OF_DAYS], 1);
    ck_assert_uint_eq(counts->left_out_by[ELIGIBILITY_CIR_OVER], 1);
    ck_assert_uint_eq(counts->left_out_by[ELIGIBILITY_CIR_LATER], 1);
    ck_assert_uint_eq(counts->left_out_by[ELIGIBILITY_EUROPEAN], 1);
    ck_assert(office_said(one, "e.csv:2:2: écarté : [date] fait hors des jours du contrat"));
    ck_assert(office_said(one, "e.csv:5:5: écarté : [id_local] personne ressortissante de l’Union européenne"));
    ck_assert_uint_eq(counts->person_rows, 4);
    ck_assert_uint_eq(counts->event_rows, 4);
    ck_assert_int_eq(one->made.results[0].coverage.last_month, CIVIL_NONE);
    for (unsigned i = 0; i < EXPORT_REASON_COUNT; i++)
        ck_assert(export_reason_text(i)[0]);
    office_free(one);
}
END_TEST

START_TEST(coverage_tells_actions_and_the_last_month)
{
    office *one = office_new();
    ck_assert_int_eq(office_make(one, people, OFFICE_EVENTS "a;2024-05-01;axe1;sollicitation;1;;;\nb;2024-11-01;axe1;sollicitation;4;;;\n"), EXPORT_OK);
    const batch_coverage *coverage = &one->made.results[0].coverage;
    ck_assert(coverage->complete && text_is(coverage->contract, "c1"));
    ck_assert_uint_eq(coverage->action_count, 2);
    ck_assert(text_is(coverage->actions[1], "axe2"));
    ck_assert_int_eq(coverage->last_month, civil_month_parse(text_of("2024-05")));
    office_free(one);
}
END_TEST

/* The record of a type, which is there once. */
static record find(office *one, fact_type type)
{
    record what = {0};
    int found = 0;
    for (size_t i = 0; i < one->made.results[0].record_count; i++) {
        record next;
        export_record(&one->made.results[0], i, &next);
        if (next.type == type) {
            what = next;
            found++;
        }
    }
    ck_assert_int_eq(found, 1);
    return what;
}

START_TEST(tokens_are_those_of_the_domain_in_each_epoch)
{
    office *one = office_new();
    one->contracts[0].token_key_count = 2;
    ck_assert_int_eq(office_make(one, people, OFFICE_EVENTS "a;2024-01-01;axe1;logement_perenne;2;;;\nb;2024-01-01;axe1;autonomie;2;;scolarite;\n"), EXPORT_OK);
    (void)office_records(one, 0);
    record beneficiary = find(one, FACT_BENEFICIAIRE), fact = find(one, FACT_AUTONOMIE), home = find(one, FACT_LOGEMENT_PERENNE);
    for (unsigned set = 0; set < 2; set++) {
        uint8_t e[TOKEN_SIZE], i[TOKEN_SIZE], m[TOKEN_SIZE];
        token_of_number(e, &one->keys[set], "0123456789");
        token_of_identity(i, &one->keys[set], text_of("noorzai|ali|1980-01-02"));
        token_of_household(m, &one->keys[set], text_of("diallo|awa|1999-03-10"));
        ck_assert_mem_eq(beneficiary.tokens[set].e, e, TOKEN_SIZE);
        ck_assert_mem_eq(beneficiary.tokens[set].i, i, TOKEN_SIZE);
        ck_assert_mem_eq(fact.tokens[set].e, e, TOKEN_SIZE);
        ck_assert_mem_eq(home.tokens[set].m, m, TOKEN_SIZE);
        ck_assert_uint_eq(beneficiary.tokens[set].epoch, set + 1);
        ck_assert(!fact.tokens[set].has_i && !home.tokens[set].has_e && !home.tokens[set].has_i);
    }
    one->contracts[0].token_key_count = 0;
    ck_assert_int_eq(office_make(one, people, OFFICE_EVENTS "a;2024-01-01;axe1;logement_perenne;2;;;\n"), EXPORT_OK);
    ck_assert_uint_eq(one->made.counts.ready, 2);
    ck_assert_uint_eq(find(one, FACT_BENEFICIAIRE).token_sets, 0);
    office_free(one);
}
END_TEST

START_TEST(keys_stand_for_rows_whatever_they_say)
{
    office *one = office_new();
    ck_assert_int_eq(office_make(one, people, OFFICE_EVENTS "a;2024-01-01;axe1;sollicitation;1;;;\n"), EXPORT_OK);
    record event = find(one, FACT_SOLLICITATION), who = find(one, FACT_BENEFICIAIRE);
    uint8_t key[RECORD_KEY];
    recordkey_event(key, one->record_key, text_of("c1"), text_of("a"));
    ck_assert_mem_eq(event.key, key, RECORD_KEY);
    ck_assert_int_eq(office_make(one, OFFICE_PERSONS "1;1111111111;Autre;Nom;1960-03-10;H;ML;apatride;2022-01-01;\n",
                                 OFFICE_EVENTS "a;2024-01-31;axe1;outil_numerique;1;7;;\n"), EXPORT_OK);
    ck_assert_mem_eq(find(one, FACT_OUTIL_NUMERIQUE).key, event.key, RECORD_KEY);
    ck_assert_mem_eq(find(one, FACT_BENEFICIAIRE).key, who.key, RECORD_KEY);
    one->record_key[0]++;
    ck_assert_int_eq(office_make(one, people, OFFICE_EVENTS "a;2024-01-01;axe1;sollicitation;1;;;\n"), EXPORT_OK);
    ck_assert_mem_ne(find(one, FACT_SOLLICITATION).key, event.key, RECORD_KEY);
    office_free(one);
}
END_TEST

START_TEST(parts_of_keys_never_run_into_each_other)
{
    uint8_t secret[CRYPTO_KEY] = {3}, a[RECORD_KEY], b[RECORD_KEY];
    char text[400];
    memset(text, 'x', sizeof text);
    recordkey_event(a, secret, text_of("c1"), text_of("23"));
    recordkey_event(b, secret, text_of("c12"), text_of("3"));
    ck_assert_mem_ne(a, b, RECORD_KEY);
    recordkey_subject(a, secret, text_of("c"), text_of("a"), text_of("1"));
    recordkey_narrative(b, text_of("c"), text_of("a"), text_of("1"));
    ck_assert_mem_ne(a, b, RECORD_KEY);
    ck_assert(recordkey_is_narrative(b) && !recordkey_is_narrative(a));
    recordkey_narrative(a, text_of("c"), text_of("a1"), text_of(""));
    ck_assert_mem_ne(a, b, RECORD_KEY);
    b[0] ^= 1;
    ck_assert(!recordkey_is_narrative(b));
    recordkey_event(a, secret, text_of("c"), (text_view){text, 399});
    recordkey_event(b, secret, text_of("c"), (text_view){text, 400});
    ck_assert_mem_ne(a, b, RECORD_KEY);
}
END_TEST

START_TEST(preview_shows_what_leaves)
{
    office *one = office_new();
    char scratch[PREVIEW_SCRATCH], line[1000];
    text_view cells[PREVIEW_COLUMNS];
    ck_assert_int_eq(office_make(one, people, OFFICE_EVENTS "a;2024-01-01;axe1;seance;;1:30;francais;S\nb;2024-01-01;axe1;sollicitation;2;4;;\n"
                                                            "c;2024-01-01;axe1;cout;;4;p104;\n"), EXPORT_OK);
    static const fact_type types[] = {FACT_SEANCE, FACT_SOLLICITATION, FACT_COUT, FACT_BENEFICIAIRE};
    static const char *const expected[] = {
        "c1|axe1|seance|2024-01|#|||||||90||||francais|#|", "c1|axe1|sollicitation|2024-01|#||||||||4|||||",
        "c1|axe1|cout|2024-01|#|||||||||400||p104||", "c1|axe1|beneficiaire|2024-01|#|#|#||H|non|non|||||||"};
    for (int i = 0; i < 4; i++) {
        record what = find(one, types[i]);
        size_t used = 0;
        preview_cells(cells, scratch, &what, 0);
        for (int k = 0; k < PREVIEW_COLUMNS; k++)
            used += (size_t)snprintf(line + used, sizeof line - used, "%.*s|", cells[k].size == 32 ? 1 : (int)cells[k].size,
                                     cells[k].size == 32 ? "#" : cells[k].at);
        ck_assert_str_eq(line, expected[i]);
    }
    ck_assert_str_eq(preview_columns[0], "contrat");
    ck_assert_str_eq(preview_columns[16], "reference");
    office_free(one);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("making");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, rows_count_on_their_day);
    tcase_add_test(tests, reasons_are_said_and_counted);
    tcase_add_test(tests, coverage_tells_actions_and_the_last_month);
    tcase_add_test(tests, tokens_are_those_of_the_domain_in_each_epoch);
    tcase_add_test(tests, keys_stand_for_rows_whatever_they_say);
    tcase_add_test(tests, parts_of_keys_never_run_into_each_other);
    tcase_add_test(tests, preview_shows_what_leaves);
    Suite *suite = suite_create("making");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
