/* The rows of events: each rule of the vocabulary, from a cell to a record or an error. */
#include <check.h>

#include "office.h"

static const char people[] = OFFICE_PERSONS
    "1;0123456789;Diallo;Awa;1990-01-02;F;GIN;refugie;2022-01-01;M1\n"
    "2;;Kovalenko;Olena;2005-05-05;;UKR;protection_temporaire;;\n"
    "3;;Bad;Row;1990-13-02;F;GIN;refugie;2022-01-01;\n";

#define BENEFICIARY "beneficiaire axe1 2024-01 EI F bpi\n"

/* One row each: its records (NULL: an error) and what is said. */
static const struct { const char *row, *records, *said; } cases[] = {
    {"e1;2024-01-31;axe1;entree;1;120;;", BENEFICIARY "entree axe1 2024-01 E 7200\n", ""},
    {"e1;31/01/2024;axe1;entree;1;;;", BENEFICIARY "entree axe1 2024-01 E\n", ""},
    {"e1;2024-01-31;axe1;entree;2;1,33;;", "beneficiaire axe1 2024-01 I ? -25\nentree axe1 2024-01 I 80\n", ""},
    {"e1;2024-01-31;axe1;entree;1;;detail lu nulle part;reference", BENEFICIARY "entree axe1 2024-01 E\n", ""},
    {"e1;2024-01-31;axe1;suivi_6_mois;1;pas lu;positif;", BENEFICIARY "suivi_6_mois axe1 2024-01 E positif\n", ""},
    {"e1;2024-01-31;axe1;seance;personne;2h30;francais;Lundi", "seance axe1 2024-01 150 francais ref\n", ""},
    {"e1;2024-01-31;axe1;presence;1;2:30;;Lundi", BENEFICIARY "presence axe1 2024-01 E 150\n", ""},
    {"e1;2024-01-31;axe1;niveau_debut;1;;infra_A1;", BENEFICIARY "niveau_debut axe1 2024-01 E infra_A1\n", ""},
    {"e1;2024-01-31;axe1;niveau_fin;1;;C2;", BENEFICIARY "niveau_fin axe1 2024-01 E C2\n", ""},
    {"e1;2024-01-31;axe1;logement_perenne;1;;;", BENEFICIARY "logement_perenne axe1 2024-01 M\n", ""},
    {"e1;2024-01-31;axe1;consultation_medicale;1;;;", BENEFICIARY "consultation_medicale axe1 2024-01 1\n", ""},
    {"e1;2024-01-31;axe1;consultation_medicale;1;3,0;;", BENEFICIARY "consultation_medicale axe1 2024-01 3\n", ""},
    {"e1;2024-01-31;axe1;outil_numerique;1;0;;", BENEFICIARY "outil_numerique axe1 2024-01 0\n", ""},
    {"e1;2024-01-31;axe1;binome_mentorat;1;;;Paire", BENEFICIARY "binome_mentorat axe1 2024-01 ref\n", ""},
    {"e1;2024-01-31;axe1;evenement_sportif;1;;;Match", BENEFICIARY "evenement_sportif axe1 2024-01 ref\n", ""},
    {"e1;2024-01-31;axe1;evenement_culturel;1;;;Musée", BENEFICIARY "evenement_culturel axe1 2024-01 ref\n", ""},
    {"e1;2024-01-31;axe1;sollicitation;1;12;;", BENEFICIARY "sollicitation axe1 2024-01 12\n", ""},
    {"e1;2024-01-31;axe1;autonomie;1;;scolarite;", "autonomie axe1 2024-01 E scolarite\n" BENEFICIARY, ""},
    {"e1;2024-01-31;axe1;acteurs_formes;;1 000;;", "acteurs_formes axe1 2024-01 1000\n", ""},
    {"e1;2024-01-31;axe1;formation_acteurs;;7,5 h;;Module", "formation_acteurs axe1 2024-01 450 ref\n", ""},
    {"e1;2024-01-31;axe1;cout;;1 234,5 €;p104;", "cout axe1 2024-01 123450 p104\n", ""},
    {";2024-01-31;axe1;entree;1;;;", NULL, "[id_evenement] la cellule est vide"},
    {"e1;;axe1;entree;1;;;", NULL, "e.csv:2:2: erreur : [date] la cellule est vide"},
    {"e1;2024-02-30;axe1;entree;1;;;", NULL, "[date] ce n’est pas une date"},
    {"e1;2024-1-31;axe1;entree;1;;;", NULL, "[date] ce n’est pas une date"},
    {"e1;31/01/24;axe1;entree;1;;;", NULL, "[date] ce n’est pas une date"},
    {"e1;2024-01-31;;entree;1;;;", NULL, "[action] la cellule est vide"},
    {"e1;2024-01-31;Axe1;entree;1;;;", NULL, "[action] le contrat n’a pas cette action ; vouliez-vous dire « axe1 »"},
    {"e1;2024-01-31;contrat;entree;1;;;", NULL, "[action] le contrat n’a pas cette action"},
    {"e1;2024-01-31;axe3;entree;1;;;", NULL, "l’approbation de la préfecture ne couvre pas"},
    {"e1;2024-01-31;axe1;;1;;;", NULL, "[type] la cellule est vide"},
    {"e1;2024-01-31;axe1;Entrée;1;;;", NULL, "vouliez-vous dire « entree »"},
    {"e1;2024-01-31;axe1;beneficiaire;1;;;", NULL, "[type] ce type de fait n’existe pas"},
    {"e1;2024-01-31;axe1;narrative;1;;;", NULL, "[type] ce type de fait n’existe pas"},
    {"e1;2024-01-31;axe1;entree;;;;", NULL, "[id_local] la cellule est vide"},
    {"e1;2024-01-31;axe1;entree;9;;;", NULL, "[id_local] cette personne n’est pas dans la table"},
    {"e1;2024-01-31;axe1;entree;3;;;", NULL, "[id_local] la ligne de cette personne est en erreur"},
    {"e1;2024-01-31;axe1;entree;1;-1;;", NULL, "[quantite] le nombre est négatif"},
    {"e1;2024-01-31;axe1;entree;1;deux;;", NULL, "[quantite] ce n’est pas un nombre"},
    {"e1;2024-01-31;axe1;entree;1;1.234,5;;", NULL, "[quantite] le nombre a plusieurs points"},
    {"e1;2024-01-31;axe1;presence;1;;;S", NULL, "[quantite] la cellule est vide"},
    {"e1;2024-01-31;axe1;presence;1;2;;", NULL, "[reference] la cellule est vide"},
    {"e1;2024-01-31;axe1;presence;1;2 €;;S", NULL, "[quantite] l’unité"},
    {"e1;2024-01-31;axe1;seance;;2;;S", NULL, "[detail] la cellule est vide"},
    {"e1;2024-01-31;axe1;seance;;2;Francais;S", NULL, "vouliez-vous dire « francais »"},
    {"e1;2024-01-31;axe1;seance;;2;français;S", NULL, "vouliez-vous dire « francais »"},
    {"e1;2024-01-31;axe1;niveau_debut;1;;a1;", NULL, "[detail] ce type de fait n’a pas ce détail"},
    {"e1;2024-01-31;axe1;cout;;12,345;p104;", NULL, "[quantite] le nombre a plus de décimales"},
    {"e1;2024-01-31;axe1;cout;;;p104;", NULL, "[quantite] la cellule est vide"},
    {"e1;2024-01-31;axe1;acteurs_formes;;2,5;;", NULL, "[quantite] le nombre a plus de décimales"},
    {"e1;2024-01-31;axe1;sortie;1;;autre;", NULL, "n’a pas d’entrée dans cette action"},
    {"e1;2024-01-31;axe1;entree;1;;;;de trop", NULL, "plus de cellules que de colonnes"},
};

START_TEST(each_type_makes_its_records)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char events[1000];
        office *one = office_new();
        snprintf(events, sizeof events, "%s%s\n", OFFICE_EVENTS, cases[i].row);
        office_expect(one, people, events, cases[i].records ? cases[i].records : "", 0, 1 + (cases[i].records == NULL));
        ck_assert_msg(office_said(one, cases[i].said), "%s said %s", cases[i].row, told_text(&one->said));
        office_free(one);
    }
}
END_TEST

START_TEST(wider_codes_leave)
{
    static const char *const codes[][2] = {
        {"emploi_durable", "emploi_durable"}, {"emploi_6_mois", "emploi_6_mois"}, {"emploi_court", "emploi"}, {"creation_activite", "emploi"},
        {"formation_prequalifiante", "formation"}, {"formation_qualifiante", "formation"}, {"formation_certifiante", "formation"},
        {"formation_diplomante", "formation"}, {"abandon", "autre"}, {"demenagement", "autre"}, {"autre", "autre"}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char events[500], expected[500];
        office *one = office_new();
        snprintf(events, sizeof events, "%se1;2024-01-01;axe1;entree;1;;;\ne2;2024-01-31;axe1;sortie;1;;%s;\n", OFFICE_EVENTS, codes[i][0]);
        snprintf(expected, sizeof expected, "%sentree axe1 2024-01 E\nsortie axe1 2024-01 E 30 %s\n", BENEFICIARY, codes[i][1]);
        office_expect(one, people, events, expected, 0, 1);
        office_free(one);
    }
}
END_TEST

START_TEST(twice_the_same_number_is_an_error_of_each)
{
    office *one = office_new();
    office_expect(one, people, OFFICE_EVENTS "e1;2024-01-31;axe1;entree;1;;;\ne2;2024-01-31;axe1;entree;1;;;\n e1 ;2024-02-31;axe1;entree;1;;;\n"
                                             "e1;2024-01-31;axe1;entree;2;;;\n",
                  BENEFICIARY "entree axe1 2024-01 E\n", 0, 4);
    ck_assert(office_said(one, "e.csv:2:1: erreur : [id_evenement] cet id_evenement revient à la ligne 4"));
    ck_assert(office_said(one, "e.csv:5:1: erreur : [id_evenement] cet id_evenement est déjà à la ligne 2"));
    office_free(one);
}
END_TEST

START_TEST(references_are_compared_exactly_within_action_and_type)
{
    office *one = office_new();
    static const char events[] = OFFICE_EVENTS "e0;2024-01-31;axe1;evenement_sportif;1;;; Match \ne1;2024-01-31;axe1;evenement_sportif;1;;;Match\n"
                                               "e2;2024-01-31;axe1;evenement_sportif;1;;;match\ne3;2024-01-31;axe2;evenement_sportif;1;;;Match\n"
                                               "e4;2024-01-31;axe1;evenement_culturel;1;;;Match\n";
    ck_assert_int_eq(office_make(one, people, events), EXPORT_OK);
    uint8_t references[5][RECORD_REFERENCE];
    size_t found = 0;
    for (size_t i = 0; i < one->made.results[0].record_count; i++) {
        record what;
        export_record(&one->made.results[0], i, &what);
        if (what.has_reference)
            memcpy(references[found++], what.reference, RECORD_REFERENCE);
    }
    ck_assert_uint_eq(found, 5);
    int equal = 0;
    for (int a = 0; a < 5; a++)
        for (int b = 0; b < a; b++)
            equal += memcmp(references[a], references[b], RECORD_REFERENCE) == 0;
    ck_assert_int_eq(equal, 1);
    office_free(one);
}
END_TEST

static const char with_contracts[] =
    "id_evenement;contrat;date;action;type;id_local;quantite;detail;reference\n"
    "e1;c1;2024-01-31;axe1;entree;1;;;\n"
    "e1;c2;2025-01-31;axe1;entree;1;;;\n"
    "e2;;2024-01-31;axe1;entree;2;;;\n"
    "e3;c9;2024-01-31;axe1;entree;2;;;\n"
    "e4;c2;2025-01-31;axe9;entree;2;;;\n"
    "e5;c2;2025-03-31;axe1;sortie;1;;autre;\n"
    "e6;c1;2024-03-31;axe1;sortie;2;;autre;\n";

START_TEST(a_named_contract_leaves_the_others_rows_out)
{
    office *one = office_new();
    office_expect(one, people, with_contracts,
                  BENEFICIARY "beneficiaire axe1 2024-01 I ? -25\nbeneficiaire axe1 2024-03 I ? -25\nentree axe1 2024-01 E\nentree axe1 2024-01 I\n"
                  "sortie axe1 2024-03 I 60 autre\n", 4, 1);
    ck_assert_uint_eq(one->made.counts.left_out_by[EXPORT_LEFT_OUT_CONTRACT], 4);
    ck_assert(office_said(one, "écarté : [contrat] ligne d’un autre contrat"));
    office_free(one);
}
END_TEST

START_TEST(several_contracts_are_made_from_the_same_tables)
{
    office *one = office_new();
    one->contract_count = 2;
    ck_assert_int_eq(office_make(one, people, with_contracts), EXPORT_OK);
    ck_assert_str_eq(office_records(one, 0), BENEFICIARY "entree axe1 2024-01 E\n");
    ck_assert_str_eq(office_records(one, 1), "beneficiaire axe1 2025-01 EI F bpi\nbeneficiaire axe1 2025-03 EI F bpi\nentree axe1 2025-01 E\nsortie axe1 2025-03 E 59 autre\n");
    /* e2 and e3 name no contract, e4 no action, e6 has no entree in c1; and person 3. */
    ck_assert_uint_eq(one->made.counts.errors, 5);
    ck_assert_uint_eq(one->made.counts.left_out, 0);
    ck_assert_uint_eq(one->made.counts.ready, 6);
    ck_assert(office_said(one, "e.csv:4:2: erreur : [contrat] la cellule est vide"));
    ck_assert(office_said(one, "e.csv:5:2: erreur : [contrat] ce n’est pas un contrat"));
    ck_assert_int_eq(office_make(one, people, OFFICE_EVENTS), EXPORT_UNUSABLE);
    ck_assert(office_said(one, "la colonne « contrat » manque"));
    office_free(one);
}
END_TEST

START_TEST(a_broken_file_makes_the_export_unsure)
{
    static const struct { const char *rows; size_t errors; bool unsure; } broken[] = {
        {"e1;2024-01-31;axe1;entree;1;;;\n\"e2\"x;2024-01-31;axe1;entree;1;;;\n", 2, true},
        {"e1;2024-01-31;axe1;entree;1;;;\ne2;2024-01-31;axe1;entree;1;;;\"abc\n", 2, true},
        {"e1;2024-01-31;axe1;entree;1;;;\ne\x81;2024-01-31;axe1;entree;1;;;\n", 2, true},
        {"e1;2024-01-31;axe1;entree;1;;;\ne2;2024-01-31;axe1;entree;1;;;\x81\n", 2, false},
        {"e1;2024-01-31;axe1;entree;1;;;\n;2024-01-31;axe1;entree;1;;;\n", 2, false},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        char events[500];
        office *one = office_new();
        snprintf(events, sizeof events, "%s%s", OFFICE_EVENTS, broken[i].rows);
        office_expect(one, people, events, BENEFICIARY "entree axe1 2024-01 E\n", 0, broken[i].errors);
        ck_assert_msg(one->made.unsure == broken[i].unsure, "%s", broken[i].rows);
        ck_assert_int_eq(one->made.results[0].coverage.complete, !broken[i].unsure);
        ck_assert_int_eq(office_said(one, "un envoi ne retirera rien"), broken[i].unsure);
        office_free(one);
    }
}
END_TEST

START_TEST(columns_that_no_row_needs_may_be_absent)
{
    office *one = office_new();
    office_expect(one, people, "type,action,date,id_evenement,quantite,detail\ncout,axe2,2024-01-31,e1,\"12,50\",autre\n",
                  "cout axe2 2024-01 1250 autre\n", 0, 1);
    office_expect(one, people, "type\taction\tdate\tid_evenement\ncout\taxe2\t2024-01-31\te1\nentree\taxe2\t2024-01-31\te2\n", "", 0, 3);
    ck_assert(office_said(one, "e.csv:2: erreur : [quantite] la colonne manque au fichier"));
    ck_assert_int_eq(office_make(one, people, "type;action;id_evenement\n"), EXPORT_UNUSABLE);
    ck_assert(office_said(one, "la colonne « date » manque"));
    ck_assert_int_eq(office_make(one, "", OFFICE_EVENTS), EXPORT_UNUSABLE);
    office_free(one);
}
END_TEST

START_TEST(no_diagnostic_shows_a_cell)
{
    office *one = office_new();
    ck_assert_int_eq(office_make(one,
                                 OFFICE_PERSONS "zqid;zqnum;zqnom;zqpre;zqbirth;zqsex;zqnat;zqstat;zqcir;zqmen\nzqid;;zqnom;zqpre;1990-01-01;F;GIN;refugie;;\n"
                                 "zqok;;zqnom;zqpre;1990-01-01;F;GIN;refugie;;zqmen\nzqok2;;zqnom;zqpre;1990-01-01;F;GIN;refugie;;zqmen;zqextra\n",
                                 OFFICE_EVENTS "zqe;zqdate;zqact;zqtype;zqloc;zqquant;zqdet;zqref\nzqe;2024-01-01;axe1;seance;zqok;zq;zq;zq\n"
                                               "zqf;2024-01-01;axe1;presence;zqok;zq;zq;zq;zqextra\nzqg;2024-01-01;axe1;autonomie;zqok;;zqdet;\n\"zqh\"zq;\n"),
                     EXPORT_OK);
    ck_assert(office_said(one, "e.csv"));
    ck_assert_msg(!office_said(one, "zq"), "%s", told_text(&one->said));
    office_free(one);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("events");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, each_type_makes_its_records);
    tcase_add_test(tests, wider_codes_leave);
    tcase_add_test(tests, twice_the_same_number_is_an_error_of_each);
    tcase_add_test(tests, references_are_compared_exactly_within_action_and_type);
    tcase_add_test(tests, a_named_contract_leaves_the_others_rows_out);
    tcase_add_test(tests, several_contracts_are_made_from_the_same_tables);
    tcase_add_test(tests, a_broken_file_makes_the_export_unsure);
    tcase_add_test(tests, columns_that_no_row_needs_may_be_absent);
    tcase_add_test(tests, no_diagnostic_shows_a_cell);
    Suite *suite = suite_create("events");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
