/* check_catalogue: the national list as it ships, what a wrong declaration gets, and the departments. */
#include <check.h>
#include <string.h>

#include "catalogue.h"
#include "embedded.h"
#include "territory.h"

static arena *memory;
static diag_sink sink;
static char said[16384];

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
    memory = arena_new(4 << 20);
    sink = (diag_sink){ .emit = keep };
    said[0] = '\0';
}

static void leave(void)
{
    arena_destroy(&memory);
}

static text_view embedded_text(const char *name)
{
    const embedded_file *file = embedded_find(name);
    ck_assert_ptr_nonnull(file);
    return (text_view){ (const char *)file->data, file->size };
}

/* DOMAIN.md, "Indicators", in its order. */
static const char *const national[] = {
    "1.1.total", "1.1.hommes", "1.1.femmes", "1.1.moins_25", "1.1.bpi", "1.1.bpi_hommes", "1.1.bpi_femmes",
    "1.1.bpi_moins_25", "1.2.acteurs", "1.2.heures", "1.2.outils", "2.cout_total", "2.cout_p104", "3.1.heures",
    "3.1.assidus", "3.1.progres_cecrl", "3.2.duree_moyenne_mois", "3.2.sorties_positives", "3.2.formation",
    "3.2.emploi_durable", "3.2.positives_6_mois", "3.2.suivis_6_mois", "3.3.heures", "3.3.outils", "3.3.thematiques",
    "3.4.menages", "3.5.consultations", "3.6.outils", "3.6.heures", "3.7.binomes", "3.8.sport", "3.8.culture",
};

START_TEST(test_national)
{
    catalogue all;
    ck_assert_msg(catalogue_load(&all, memory, "indicators.yaml", embedded_text("indicators.yaml"), &sink), "%s", said);
    ck_assert_uint_eq(all.count, sizeof national / sizeof *national);
    for (unsigned i = 0; i < all.count; i++) {
        ck_assert_msg(text_is(all.items[i].code, national[i]), "%s", national[i]);
        ck_assert_uint_gt(all.items[i].type_count, 0);
        bool words = all.items[i].kind == CATALOGUE_LISTE || all.items[i].kind == CATALOGUE_TEXTE;
        ck_assert(words == (all.items[i].unit.size == 0));
    }
}
END_TEST

START_TEST(test_parameters)
{
    catalogue all;
    ck_assert(catalogue_load(&all, memory, "indicators.yaml", embedded_text("indicators.yaml"), &sink));
    const catalogue_indicator *one = catalogue_find(&all, text_of("1.1.bpi_femmes"));
    ck_assert(one->kind == CATALOGUE_PERSONNES && one->bpi && !one->under_25 && one->sex == RECORD_SEX_F);
    ck_assert(one->type_count == 1 && one->types[0] == FACT_BENEFICIAIRE && one->detail_count == 0);
    one = catalogue_find(&all, text_of("2.cout_p104"));
    ck_assert(one->kind == CATALOGUE_SOMME && one->measure == FACT_UNIT_CENTS && text_is(one->details[0], "p104"));
    one = catalogue_find(&all, text_of("3.1.assidus"));
    ck_assert(one->share == 80 && one->types[0] == FACT_ENTREE && one->types[1] == FACT_PRESENCE);
    one = catalogue_find(&all, text_of("3.2.sorties_positives"));
    ck_assert_uint_eq(one->detail_count, 4);
    ck_assert(text_is(one->details[2], "emploi") && text_is(one->details[3], "formation"));
    ck_assert(!one->not_done && one->measure == FACT_UNIT_NONE);
    ck_assert(catalogue_find(&all, text_of("3.2.suivis_6_mois"))->not_done);
    ck_assert(catalogue_find(&all, text_of("3.2.positives_6_mois"))->not_done);
    ck_assert_int_eq(catalogue_find(&all, text_of("3.3.heures"))->measure, FACT_UNIT_MINUTES);
    ck_assert_int_eq(catalogue_find(&all, text_of("3.2.duree_moyenne_mois"))->measure, FACT_UNIT_DAYS);
    ck_assert_int_eq(catalogue_find(&all, text_of("3.3.outils"))->types[0], FACT_NARRATIVE);
    ck_assert_ptr_null(catalogue_find(&all, text_of("3.9")));
    ck_assert_str_eq(catalogue_kind_name(CATALOGUE_DUREE_MOYENNE), "duree_moyenne");
    ck_assert_str_eq(catalogue_measure_name(FACT_UNIT_CENTS), "centimes");
    ck_assert_str_eq(catalogue_measure_name(FACT_UNIT_NONE), "nombre");
}
END_TEST

START_TEST(test_wrong)
{
    static const struct { const char *keys, *says; } cases[] = {
        { "compte: personnes, types: [sortie], details: [formation_qualifiante]", "sous le nom « formation »" },
        { "compte: personnes, types: [sortie], details: [emploi_durabel]", "vouliez-vous dire « emploi_durable » ?" },
        { "compte: personnes, types: [sortie], details: [autre, autre]", "donné deux fois" },
        { "compte: personnes, types: [seance]", "sans la personne" },
        { "compte: personnes, types: [sorties]", "vouliez-vous dire « sortie » ?" },
        { "compte: personnes, types: [sortie, sortie]", "ce type est donné deux fois" },
        { "compte: personnes, types: []", "au moins 1 élément" },
        { "compte: personnes", "il manque la clé « types »" },
        { "compte: personnes, types: [entree], details: [autre]", "n’a pas de détail" },
        { "compte: personne, types: [sortie]", "vouliez-vous dire « personnes » ?" },
        { "compte: menages, types: [sortie]", "n’ont pas de ménage" },
        { "compte: references, types: [presence]", "pas de référence" },
        { "compte: somme, types: [sortie]", "pas de quantité" },
        { "compte: somme, types: [seance]", "compte: heures" },
        { "compte: somme, types: [cout, sollicitation]", "la même unité" },
        { "compte: heures, types: [cout]", "pas de durée" },
        { "compte: assiduite", "il manque la clé « seuil »" },
        { "compte: assiduite, seuil: 101", "de 1 à 100" },
        { "compte: assiduite, seuil: 80, types: [presence]", "clé inconnue « types »" },
        { "compte: somme, types: [cout], sexe: F", "clé inconnue « sexe »" },
        { "compte: personnes, types: [beneficiaire], sexe: X", "F, H" },
        { "compte: personnes, types: [beneficiaire], bpi: vrai", "non, oui" },
        { "compte: liste, types: [seance]", "il manque la clé « details »" },
        { "compte: texte, types: [narrative]", "clé inconnue « types »" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        catalogue all;
        char text[512];
        said[0] = '\0';
        snprintf(text, sizeof text, "indicateurs:\n  - {code: x, libelle: y, unite: z, %s}\n", cases[i].keys);
        ck_assert_msg(!catalogue_load(&all, memory, "f", text_of(text), &sink), "%s", text);
        ck_assert_msg(strstr(said, cases[i].says) != NULL, "%s: %s", text, said);
        ck_assert_msg(strncmp(said, "f:2:", 4) == 0, "%s", said);
    }
}
END_TEST

START_TEST(test_codes)
{
    catalogue all;
    ck_assert(!catalogue_load(&all, memory, "f", text_of("indicateurs:\n  - {code: x, libelle: y, compte: texte}\n"
                              "  - {code: x, libelle: y, compte: texte}\n  - {code: 'é', libelle: y, compte: texte}\n"
                              "  - {code: z, libelle: y, compte: progres}\n"), &sink));
    ck_assert_ptr_nonnull(strstr(said, "f:3:5: erreur : [code] cet indicateur est déclaré deux fois"));
    ck_assert_ptr_nonnull(strstr(said, "f:4:12: erreur : [code] code incorrect"));
    ck_assert_ptr_nonnull(strstr(said, "f:5:5: erreur : il manque la clé « unite »"));
    ck_assert_uint_eq(all.count, 1);
}
END_TEST

START_TEST(test_territory)
{
    territory places;
    ck_assert_msg(territory_load(&places, memory, "regions.yaml", embedded_text("regions.yaml"), &sink), "%s", said);
    ck_assert_uint_eq(places.region_count, 18);
    ck_assert_uint_eq(places.department_count, 101);
    ck_assert(text_is(territory_department_find(&places, text_of("63"))->name, "Puy-de-Dôme"));
    ck_assert(text_is(territory_department_find(&places, text_of("2A"))->region, "94"));
    ck_assert(text_is(territory_department_find(&places, text_of("976"))->region, "06"));
    ck_assert(text_is(territory_region_find(&places, text_of("84"))->name, "Auvergne-Rhône-Alpes"));
    ck_assert_ptr_null(territory_department_find(&places, text_of("20")));
    unsigned of_84 = 0;
    for (unsigned i = 0; i < places.department_count; i++)
        of_84 += text_is(places.departments[i].region, "84");
    ck_assert_uint_eq(of_84, 12);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("catalogue");
    TCase *cases = tcase_create("catalogue");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, test_national);
    tcase_add_test(cases, test_parameters);
    tcase_add_test(cases, test_wrong);
    tcase_add_test(cases, test_codes);
    tcase_add_test(cases, test_territory);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
