/* The refusal of personal data in a text: names, numbers and days of birth however they are written, and nothing else. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "privacy.h"
#include "prose.h"
#include "told.h"

static const uint8_t key[CRYPTO_KEY] = {1, 2, 3};
static arena *memory;
static void start(void) { memory = arena_new((size_t)64 << 20); }
static void end(void) { arena_destroy(&memory); }

#define HEADER "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage\n"
static const char office[] = HEADER
    "1;9912345678;Benali;Zoé;31/01/1990;F;AFG;refugie;2022-01-01;\n"
    "2;;N'Diaye;Jean-Pierre;01/03/1990;H;GIN;refugie;2022-01-01;\n"
    "3;;De La Cruz;Maria Luisa;15/08/2004;F;AFG;refugie;2022-01-01;\n"
    "4;;Lamine;Laura;02/02/1971;F;AFG;refugie;2022-01-01;\n"
    "5;;Mai;An;29/02/2000;F;VNM;refugie;2022-01-01;\n"
    "6;;Petit;Rose;11/11/1999;F;COD;refugie;2022-01-01;\n"
    "7;;Nguyễn;Œuvré;07/07/1980;F;VNM;refugie;2022-01-01;\n"
    "8;;Ouédraogo;Grâce;21/12/1985;F;XX;pas_un_statut;;\n" /* in error: a person all the same */
    "9;;Ndoye;Awa;26/06/1977;F;SEN;refugie;2022-01-01;\n"
    "10;;A Vec;Ou;03/03/1993;F;SEN;refugie;2022-01-01;\n"
    "11;;Al Ba;Sy;04/04/1994;F;SEN;refugie;2022-01-01;\n";

static privacy_list gather(const char *file)
{
    persons people;
    privacy_list list;
    diag_sink silent = {.emit = NULL};
    ck_assert_int_eq(persons_read(&people, memory, "p.csv", text_of(file), 1, &silent, NULL, NULL), TABLE_OK);
    ck_assert(privacy_gather(&list, memory, &people, key));
    return list;
}

/* Places that are found in a text. */
static size_t scan(const char *text, told *said)
{
    privacy_list list = gather(office);
    size_t found = 0;
    told_start(said);
    ck_assert(privacy_scan(&found, memory, &list, 1, key, "t.txt", text_of(text), &said->sink));
    return found;
}

#define NAME "un nom de votre tableau"
#define GIVEN "un prénom de votre tableau"
#define NUMBER "un numéro d’étranger de votre tableau"
#define BIRTH "une date de naissance de votre tableau"

static const struct { const char *text, *said; } refused[] = {
    {"Madame Benali a trouvé un emploi.", "t.txt:1:8: erreur : " NAME},
    {"madame BENALI", NAME},
    {"l’atelier de ben-ali", NAME},
    {"Ben Ali", NAME},
    {"BE NALI", NAME},
    {"Bénàlï", NAME},
    {"Be\u0301nali", NAME},
    {"Ben\u00ADali", NAME},
    {"Ben\u200Bali", NAME},
    {"avec d’Zoé", GIVEN},
    {"Premier.\nAvec zoe, puis", "t.txt:2:6: erreur : " GIVEN},
    {"ZOÉ", GIVEN},
    {"(Zoé)", GIVEN},
    {"«Zoé»", GIVEN},
    {"zoe_benali@exemple.fr", GIVEN},
    {"benalizoe@exemple.fr", NAME},
    {"zoebenali2", NAME},
    {"N’Diaye", NAME},
    {"n'diaye", NAME},
    {"NDIAYE", NAME},
    {"N Diaye", NAME},
    {"N'doye", NAME},
    {"N’Doye", NAME},
    {"Jean Pierre", GIVEN},
    {"jeanpierre", GIVEN},
    {"Jean-\nPierre", GIVEN},
    {"avec Jean seul", GIVEN},
    {"de la cruz", NAME},
    {"DELACRUZ", NAME},
    {"Cruz", NAME},
    {"maria-luisa", GIVEN},
    {"Lamine", NAME},
    {"La Mine", NAME},
    {"laura est venue", GIVEN},
    {"Mai An", NAME},
    {"An Mai est venue", NAME},
    {"Mme Petit a dit", NAME},
    {"avec Rose", GIVEN},
    {"petit rose", NAME},
    {"NGUYEN", NAME},
    {"Oeuvre", GIVEN},
    {"ŒUVRÉ", GIVEN},
    {"Ouedraogo", NAME},
    {"Grâce a réussi", GIVEN},
    {"al-ba", NAME},
    {"Sy Al", NAME},
    {"n° 9912345678", "t.txt:1:4: erreur : " NUMBER},
    {"99 12 34 56 78", NUMBER},
    {"99.12.34.56.78", NUMBER},
    {"9912-345-678", NUMBER},
    {"99\u00A012\u202F345678", NUMBER},
    {"99\n12345678", NUMBER},
    {"AGDREF9912345678.", NUMBER},
    {"6399123456781", NUMBER},
    {"９９１２３４５６７８", NUMBER},
    {"née le 31/01/1990 à", "t.txt:1:8: erreur : " BIRTH},
    {"31/1/1990", BIRTH},
    {"31-1-90", BIRTH},
    {"31.01.1990", BIRTH},
    {"31 01 1990", BIRTH},
    {"31 / 01 / 1990", BIRTH},
    {"1990-01-31", BIRTH},
    {"1990/1/31", BIRTH},
    {"31011990", BIRTH},
    {"19900131", BIRTH},
    {"31 janvier 1990", BIRTH},
    {"31 JANVIER 1990", BIRTH},
    {"31 janv. 1990", BIRTH},
    {"le 31 janv 90", BIRTH},
    {"trente et un janvier mil neuf cent quatre-vingt-dix", "t.txt:1:1: erreur : " BIRTH},
    {"Trente-et-un janvier mille neuf cent quatre vingt dix", BIRTH},
    {"trente et un janvier dix-neuf cent nonante", BIRTH},
    {"trente et un janvier 1990", BIRTH},
    {"31 janvier mil neuf cent quatre-vingt-dix", BIRTH},
    {"trente et un janvier quatre-vingt-dix", BIRTH},
    {"1er mars 1990", BIRTH},
    {"1ᵉʳ mars 1990", BIRTH},
    {"le premier mars 1990", BIRTH},
    {"le premier du mois de mars de l’an mil neuf cent quatre-vingt-dix", BIRTH},
    {"1 mars 90", BIRTH},
    {"quinze août deux mille quatre", BIRTH},
    {"QUINZE AOUT DEUX MILLE QUATRE", BIRTH},
    {"quinze aout deux mil quatre", BIRTH},
    {"deux février mil neuf cent soixante et onze", BIRTH},
    {"deux fevrier mil neuf cent septante et un", BIRTH},
    {"vingt-neuf février deux mille", BIRTH},
    {"onze novembre mil neuf cent quatre-vingt-dix-neuf", BIRTH},
    {"sept juillet mil neuf cent quatre-vingts", BIRTH},
    {"vingt-et-un décembre mil neuf cent quatre-vingt-cinq", BIRTH},
    {"26 juin 1977", BIRTH},
};

START_TEST(what_tells_a_person_is_found)
{
    told said;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ck_assert_msg(scan(refused[i].text, &said) >= 1, "%s", refused[i].text);
        ck_assert_msg(strstr(told_text(&said), refused[i].said) != NULL, "%s: %s", refused[i].text, said.text);
        told_end(&said);
    }
}
END_TEST

static const char *const accepted[] = {
    "",
    "L’atelier de français a réuni douze personnes, dont cinq femmes, de janvier à mai 2024.",
    "Un petit groupe, grâce à la mairie, a vu la mine et de la rose ; il l’aura fait en mai, l’an deux.",
    "La mine d’or de la région, avec ou sans aide : il a lu, il n’a pas ri.",
    "Le 31 janvier 2024, puis le 1er mars 2024 et le 15/08/2005 ; de 1990 à 2004, en janvier 1990, 30 janvier 1990.",
    "Trente et un participants ; quatre-vingt-dix heures ; mil neuf cent euros ; deux mille quatre cents.",
    "Tél. : 4 73 80 12 ; 12 500 euros ; 1 234 567 habitants ; 99.12 ; 34.56 ; 78.",
    "An 2024. Mai : reprise. Maison, maintien, rosée, petitement, cruzeiro, zoéde.",
    "En avec eux. Al. Ba. Sy. Les bals de la Saint-Sylvestre.",
    "Il s’agit d’une méthode d’apprentissage (FLE) : un livret d’accueil, un jeu de cartes, une vidéo de 12 minutes.",
    "Jean. Des jeans à Pierrefort.",
    "trente et un mars 1990",
};

START_TEST(ordinary_texts_pass)
{
    told said;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        bool known = strstr(accepted[i], "Jean.") != NULL; /* a name by itself */
        ck_assert_msg(scan(accepted[i], &said) == known, "%s: %s", accepted[i], told_text(&said));
        ck_assert_uint_eq(said.sink.count[DIAG_WARNING], 0);
        told_end(&said);
    }
}
END_TEST

START_TEST(another_number_is_a_doubt)
{
    static const char *const texts[] = {"04 73 80 12 34", "0473801234", "04.73.80.12.34", "le 9900000000"};
    told said;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_uint_eq(scan(texts[i], &said), 0);
        ck_assert_msg(said.sink.count[DIAG_WARNING] == 1, "%s", texts[i]);
        told_end(&said);
    }
}
END_TEST

START_TEST(each_place_is_told_once_and_none_is_quoted)
{
    told said;
    char many[4000] = "";
    ck_assert_uint_eq(scan("Zoé Benali, née le 31/01/1990 (9912345678), et Maria Luisa De La Cruz.", &said), 6);
    ck_assert(strstr(told_text(&said), "Zo") == NULL && strstr(said.text, "1990") == NULL && strstr(said.text, "99") == NULL);
    told_end(&said);
    for (int i = 0; i < 30; i++)
        strcat(many, "Benali. ");
    privacy_list list = gather(office);
    size_t found = 0;
    told_start(&said);
    ck_assert(privacy_scan(&found, memory, &list, 1, key, "t", text_of(many), &said.sink));
    ck_assert_uint_eq(found, 30);
    ck_assert_uint_eq(said.sink.count[DIAG_ERROR], PRIVACY_TOLD_MAX + 1);
    ck_assert_ptr_nonnull(strstr(told_text(&said), "et 10 autres endroits"));
    told_end(&said);
}
END_TEST

static bool finds(const privacy_list *list, const char *text)
{
    size_t found = 0;
    diag_sink silent = {.emit = NULL};
    ck_assert(privacy_scan(&found, memory, list, 1, key, "t", text_of(text), &silent));
    return found > 0;
}

START_TEST(a_partial_table_replaces_its_own_people)
{
    privacy_list all, earlier = gather(HEADER "1;;Benali;Karim;31/01/1990;H;AFG;refugie;;\n2;;Diallo;Awa;01/02/1990;F;GIN;refugie;;\n");
    privacy_list fresh = gather(HEADER "2;;Kouyaté;Awa;01/02/1990;F;GIN;refugie;;\n3;;Sangaré;Ali;01/03/1990;H;GIN;refugie;;\n");
    ck_assert(privacy_renew(&all, memory, &earlier, &fresh));
    ck_assert(finds(&all, "Benali") && finds(&all, "Kouyaté") && finds(&all, "Sangaré") && finds(&all, "Awa"));
    ck_assert(!finds(&all, "Diallo"));
    privacy_list none = {0};
    ck_assert(privacy_renew(&all, memory, &none, &none) && all.count == 0 && !finds(&all, "Benali"));
}
END_TEST

START_TEST(the_list_is_worth_nothing_without_the_key)
{
    static const uint8_t other[CRYPTO_KEY] = {9};
    privacy_list list = gather(office);
    diag_sink silent = {.emit = NULL};
    size_t found = 0;
    ck_assert(privacy_scan(&found, memory, &list, 1, other, "t", text_of("Benali"), &silent) && found == 0);
    for (size_t i = 1; i < list.count; i++)
        ck_assert_int_lt(memcmp(&list.entries[i - 1], &list.entries[i], sizeof *list.entries), 0);
}
END_TEST

/* prose */

static bool read_prose(prose *to, const char *bytes, size_t size, told *said)
{
    told_start(said);
    bool good = prose_read(to, memory, "t.txt", (text_view){bytes, size}, &said->sink);
    told_text(said);
    return good;
}

START_TEST(texts_are_read_like_tables)
{
    static const struct { const char *bytes, *text; } good[] = {
        {"Un texte.", "Un texte."},
        {"\xEF\xBB\xBF Été\r\nou\rhiver\n\n", "Été\nou\nhiver"},
        {"\xC9t\xE9 \x80\x92", "Été €’"},
        {"a\tb", "a\tb"},
    };
    static const struct { const char *bytes; size_t size; const char *said; } bad[] = {
        {"", 0, "t.txt: erreur : le texte est vide"},
        {" \n\t ", 4, "le texte est vide"},
        {"\xEF\xBB\xBF", 3, "le texte est vide"},
        {"a\0b", 3, "t.txt:1:2: erreur : un caractère de commande"},
        {"a\nb\x1B", 4, "t.txt:2:2: erreur : un caractère de commande"},
        {"a\xC2\x85z", 4, "t.txt:1:2: erreur : un caractère de commande"},
        {"a\xE2\x80\xA8z", 5, "t.txt:1:2: erreur : un caractère de commande"},
        {"\xFF\xFE" "a\0", 4, "UTF-16"},
        {"PK\x03\x04zzzz", 8, "traitement de texte"},
        {"%PDF-1.4", 8, "PDF"},
        {"{\\rtf1", 6, "traitement de texte"},
        {"a\x81", 2, "ni en UTF-8 ni en Windows-1252"},
    };
    prose read;
    told said;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(read_prose(&read, good[i].bytes, strlen(good[i].bytes), &said), "%s", said.text);
        ck_assert(text_is(read.text, good[i].text));
        told_end(&said);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert(!read_prose(&read, bad[i].bytes, bad[i].size, &said));
        ck_assert_msg(strstr(said.text, bad[i].said) != NULL, "%zu: %s", i, said.text);
        told_end(&said);
    }
}
END_TEST

START_TEST(a_text_has_a_bound)
{
    static char long_text[60000];
    prose read;
    told said;
    memset(long_text, 'a', sizeof long_text);
    long_text[RECORD_TEXT_MAX] = '\n';
    ck_assert(read_prose(&read, long_text, RECORD_TEXT_MAX + 1, &said) && read.text.size == RECORD_TEXT_MAX);
    told_end(&said);
    ck_assert(!read_prose(&read, long_text, RECORD_TEXT_MAX + 2, &said));
    ck_assert_ptr_nonnull(strstr(said.text, "trop long : 12002 octets, pour 12000 au plus"));
    told_end(&said);
    ck_assert(!read_prose(&read, long_text, sizeof long_text, &said));
    ck_assert_ptr_nonnull(strstr(said.text, "trop long : 60000 octets"));
    told_end(&said);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("privacy");
    TCase *tests = tcase_create("privacy");
    tcase_add_checked_fixture(tests, start, end);
    tcase_add_test(tests, what_tells_a_person_is_found);
    tcase_add_test(tests, ordinary_texts_pass);
    tcase_add_test(tests, another_number_is_a_doubt);
    tcase_add_test(tests, each_place_is_told_once_and_none_is_quoted);
    tcase_add_test(tests, a_partial_table_replaces_its_own_people);
    tcase_add_test(tests, the_list_is_worth_nothing_without_the_key);
    tcase_add_test(tests, texts_are_read_like_tables);
    tcase_add_test(tests, a_text_has_a_bound);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
