/* The table of persons: what is an error, what a warning, what is used. */
#include <check.h>

#include "persons.h"
#include "told.h"

static arena *memory;
static void start(void) { memory = arena_new((size_t)64 << 20); }
static void end(void) { arena_destroy(&memory); }

#define HEADER "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage\n"

static table_state read(persons *self, told *said, const char *file)
{
    return persons_read(self, memory, "p.csv", text_of(file), 1, &said->sink, NULL, NULL);
}

/* One row: is it in error, and what is said of it? */
static const struct { const char *row; bool in_error; const char *said; } rows[] = {
    {"1;;Diallo;Awa;1990-01-02;F;GIN;refugie;2022-01-01;", false, ""},
    {"1;;Diallo;Awa;02/01/1990;;GN;protection_temporaire;;M1", false, ""},
    {" 1 ;; Diallo ; Awa ; 02/01/1990 ; H ; XXA ; apatride ; 2022-01-01 ; ", false, ""},
    {"1;;Diallo;Awa;1990-01-02;F;FRA;etudiant;;", false, ""},
    {";;Diallo;Awa;1990-01-02;F;GIN;refugie;;", true, "p.csv:2:1: erreur : [id_local] la cellule est vide"},
    {"1;;;Awa;1990-01-02;F;GIN;refugie;;", true, "p.csv:2:3: erreur : [nom]"},
    {"1;;Diallo;\xC2\xA0;1990-01-02;F;GIN;refugie;;", true, "[prenom] la cellule est vide"},
    {"1;;Diallo;Awa;;F;GIN;refugie;;", true, "[date_naissance] la cellule est vide"},
    {"1;;Diallo;Awa;1990-02-30;F;GIN;refugie;;", true, "[date_naissance] ce n’est pas une date"},
    {"1;;Diallo;Awa;1/2/1990;F;GIN;refugie;;", true, "[date_naissance] ce n’est pas une date"},
    {"1;;Diallo;Awa;1990-01-02;f;GIN;refugie;;", true, "[sexe]"},
    {"1;;Diallo;Awa;1990-01-02;M;GIN;refugie;;", true, "[sexe]"},
    {"1;;Diallo;Awa;1990-01-02;F;;refugie;;", true, "[nationalite] la cellule est vide"},
    {"1;;Diallo;Awa;1990-01-02;F;gin;refugie;;", true, "[nationalite] ce n’est pas un code"},
    {"1;;Diallo;Awa;1990-01-02;F;GIN;;;", true, "[statut] la cellule est vide"},
    {"1;;Diallo;Awa;1990-01-02;F;GIN;Refugié;;", true, "vouliez-vous dire « refugie »"},
    {"1;;Diallo;Awa;1990-01-02;F;GIN;zzz;;", true, "[statut] ce statut n’existe pas"},
    {"1;;Diallo;Awa;1990-01-02;F;GIN;refugie;oui;", true, "[date_cir] ce n’est pas une date"},
    {"1;;Diallo;Awa;1990-01-02;F;GIN;refugie;2022-13-01;", true, "[date_cir]"},
    {"1;;Diallo;Awa;1990-01-02;F;UKR;protection_temporaire;x;", true, "[date_cir]"},
    {"1;;!!!;???;1990-01-02;F;GIN;refugie;;", false, "avertissement : [nom] le nom et le prénom n’ont ni lettre"},
    {"1;123456789;Diallo;Awa;1990-01-02;F;GIN;refugie;;", false, "avertissement : [numero_etranger] le numéro n’a que neuf chiffres"},
    {"1;9,9E+09;Diallo;Awa;1990-01-02;F;GIN;refugie;;", false, "écriture scientifique"},
    {"1;9.9e9;Diallo;Awa;1990-01-02;F;GIN;refugie;;", false, "écriture scientifique"},
    {"1;12345678901;Diallo;Awa;1990-01-02;F;GIN;refugie;;", false, "n’est pas un numéro d’étranger de dix chiffres"},
    {"1;123456789a;Diallo;Awa;1990-01-02;F;GIN;refugie;;", false, "n’est pas un numéro d’étranger de dix chiffres"},
    {"1;1234567890 1234567890 1234567890 1234567890;Diallo;Awa;1990-01-02;F;GIN;refugie;;", false, "dix chiffres"},
    {"1;\xD9\xA1\xD9\xA2\xD9\xA3\xD9\xA4\xD9\xA5;Diallo;Awa;1990-01-02;F;GIN;refugie;;", false, "dix chiffres"},
};

START_TEST(rows_are_checked)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char file[1000];
        persons people;
        told said;
        told_start(&said);
        snprintf(file, sizeof file, "%s%s\n", HEADER, rows[i].row);
        ck_assert_int_eq(read(&people, &said, file), TABLE_OK);
        ck_assert_msg(people.error_count == rows[i].in_error, "%s", rows[i].row);
        ck_assert_msg(persons_at(&people, 0)->in_error == rows[i].in_error, "%s", rows[i].row);
        ck_assert_msg(strstr(told_text(&said), rows[i].said), "%s said %s", rows[i].row, said.text);
        ck_assert_msg(rows[i].said[0] || said.size == 0, "%s said %s", rows[i].row, said.text);
        ck_assert_msg(!strstr(said.text, "Diallo") && !strstr(said.text, "1234") && !strstr(said.text, "1990"), "%s", said.text);
        told_end(&said);
        arena_clear(memory);
    }
}
END_TEST

START_TEST(numbers_are_read_whatever_their_spaces)
{
    static const char *const cells[] = {"0123456789", " 0123 456 789 ", "01\xC2\xA0" "23\xE2\x80\xAF" "45 6789", "\"0123456789\n\""};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        char file[1000];
        persons people;
        told said;
        told_start(&said);
        snprintf(file, sizeof file, "%s1;%s;Diallo;Awa;1990-01-02;F;GIN;refugie;;\n", HEADER, cells[i]);
        ck_assert_int_eq(read(&people, &said, file), TABLE_OK);
        const persons_row *who = persons_at(&people, 0);
        ck_assert(who->has_number && memcmp(who->number, "0123456789", 10) == 0);
        ck_assert_str_eq(told_text(&said), "");
        told_end(&said);
    }
}
END_TEST

START_TEST(twice_the_same_id_is_an_error_of_each)
{
    persons people;
    told said;
    told_start(&said);
    ck_assert_int_eq(read(&people, &said, HEADER "1;;A;B;1990-01-02;F;GIN;refugie;;M\n2;;C;D;1990-01-02;F;GIN;refugie;;\n"
                                                 " 1;;E;F;1990-01-02;F;GIN;refugie;;M\n1;;G;H;bad;F;GIN;refugie;;\n"),
                     TABLE_OK);
    ck_assert_uint_eq(people.error_count, 3);
    ck_assert_uint_eq(people.row_count, 4);
    ck_assert(persons_at(&people, persons_find(&people, text_of("1")))->in_error);
    ck_assert(!persons_at(&people, persons_find(&people, text_of("2")))->in_error);
    ck_assert_uint_eq(persons_find(&people, text_of("3")), PERSONS_NONE);
    ck_assert_ptr_nonnull(strstr(told_text(&said), "p.csv:2:1: erreur : [id_local] cet id_local revient à la ligne 4"));
    ck_assert_ptr_nonnull(strstr(said.text, "p.csv:4:1: erreur : [id_local] cet id_local est déjà à la ligne 2"));
    ck_assert_ptr_nonnull(strstr(said.text, "p.csv:5:1: erreur : [id_local] cet id_local est déjà à la ligne 2"));
    told_end(&said);
}
END_TEST

START_TEST(namesakes_are_said_to_be_one_person)
{
    persons people;
    told said;
    told_start(&said);
    ck_assert_int_eq(read(&people, &said, HEADER "1;;Traoré;Awa;1990-01-02;F;GIN;refugie;;\n2;;TRAORE;awa;02/01/1990;F;GIN;refugie;;\n"
                                                 "3;1234567890;Traoré;Awa;1990-01-02;F;GIN;refugie;;\n4;;Traoré;Awa;1990-01-03;F;GIN;refugie;;\n"
                                                 "5;12 34 56 78 90;X;Y;1990-01-03;F;GIN;refugie;;\n6;;Traoré;Awa;1990-01-02;F;GIN;zz;;\n"),
                     TABLE_OK);
    ck_assert_ptr_nonnull(strstr(told_text(&said), "p.csv:3:3: avertissement : [nom] mêmes nom, prénom et date de naissance qu’à la ligne 2"));
    ck_assert_ptr_nonnull(strstr(said.text, "p.csv:6:2: avertissement : [numero_etranger] même numéro d’étranger qu’à la ligne 4"));
    ck_assert_uint_eq(said.sink.count[DIAG_WARNING], 2);
    told_end(&said);
}
END_TEST

/* s of token M: the smallest among those who count. */
START_TEST(households_take_the_smallest_who_counts)
{
    persons people;
    told said;
    told_start(&said);
    ck_assert_int_eq(read(&people, &said, HEADER "1;;M;B;1990-01-02;F;GIN;refugie;;M1\n2;;C;D;1990-01-02;F;GIN;refugie;;M1\n"
                                                 "3;;A;A;1990-01-02;F;GIN;etudiant;;M1\n4;;A;B;1990-01-02;F;ROU;salarie;;M1\n"
                                                 "5;;A;C;1990-99-02;F;GIN;refugie;;M1\n6;;A;D;1990-01-02;F;GIN;refugie;;M2\n"
                                                 "7;;Z;Z;1990-01-02;F;GIN;refugie;;\n8;;A;Z;1990-01-02;F;GIN;sans_titre;;M3\n"
                                                 "9;;C;D;1989-01-02;F;GIN;refugie;; M1 \n"),
                     TABLE_OK);
    static const struct { const char *id, *identity; } expected[] = {
        {"1", "c|d|1989-01-02"}, {"2", "c|d|1989-01-02"}, {"6", "a|d|1990-01-02"}, {"7", "z|z|1990-01-02"}, {"8", "a|z|1990-01-02"}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const persons_row *who = persons_at(&people, persons_find(&people, text_of(expected[i].id)));
        ck_assert(text_is(persons_household_identity(&people, who), expected[i].identity));
    }
    told_end(&said);
}
END_TEST

START_TEST(names_too_long_for_an_identity_are_an_error)
{
    char *file = malloc(100000);
    persons people;
    told said;
    told_start(&said);
    size_t size = (size_t)snprintf(file, 100000, "%s1;;", HEADER);
    memset(file + size, 'n', 2000);
    snprintf(file + size + 2000, 100, ";Awa;1990-01-02;F;GIN;refugie;;\n");
    ck_assert_int_eq(read(&people, &said, file), TABLE_OK);
    ck_assert_uint_eq(people.error_count, 1);
    ck_assert_ptr_nonnull(strstr(told_text(&said), "trop longs"));
    told_end(&said);
    free(file);
}
END_TEST

START_TEST(columns_may_come_in_any_order_and_windows_1252)
{
    persons people;
    told said;
    told_start(&said);
    ck_assert_int_eq(read(&people, &said, "statut,nom,id_local,sexe,prenom,nationalite,date_naissance\r\nrefugie,\"\xC9lo\xEFse, dite \"\"Z\"\"\",7,,Zo\xEB,AF,29/02/2000\r\n"),
                     TABLE_OK);
    const persons_row *who = persons_at(&people, persons_find(&people, text_of("7")));
    ck_assert(!who->in_error && text_is(who->identity, "eloiseditez|zoe|2000-02-29"));
    ck_assert_int_eq(who->sex, RECORD_SEX_NONE);
    ck_assert_int_eq(read(&people, &said, "id_local;nom;prenom;date_naissance;nationalite;statut\n"), TABLE_UNUSABLE);
    ck_assert_ptr_nonnull(strstr(told_text(&said), "la colonne « sexe » manque"));
    told_end(&said);
}
END_TEST

START_TEST(short_memory_is_told)
{
    for (size_t limit = 1000; limit < 400000; limit += 1777) {
        arena *small = arena_new(limit);
        persons people;
        diag_sink silent = {0};
        table_state state = persons_read(&people, small, "p", text_of(HEADER "1;;\"T\"\"r\";Awa;1990-01-02;F;GIN;refugie;;M\n"), 1, &silent, NULL, NULL);
        ck_assert(state == TABLE_NO_MEMORY || (state == TABLE_OK && people.people.count == 1));
        arena_destroy(&small);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("persons");
    tcase_add_checked_fixture(tests, start, end);
    tcase_add_test(tests, rows_are_checked);
    tcase_add_test(tests, numbers_are_read_whatever_their_spaces);
    tcase_add_test(tests, twice_the_same_id_is_an_error_of_each);
    tcase_add_test(tests, namesakes_are_said_to_be_one_person);
    tcase_add_test(tests, households_take_the_smallest_who_counts);
    tcase_add_test(tests, names_too_long_for_an_identity_are_an_error);
    tcase_add_test(tests, columns_may_come_in_any_order_and_windows_1252);
    tcase_add_test(tests, short_memory_is_told);
    Suite *suite = suite_create("persons");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
