/* check_amendment: what an amendment makes of a contract, and what it may not do to it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "amendment.h"
#include "embedded.h"

static arena *memory;
static diag_sink sink;
static char said[65536];
static catalogue national;
static territory places;
static char *thiers, *example;
static text_view definition;
static contract merged;

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

static text_view embedded_text(const char *name)
{
    const embedded_file *file = embedded_find(name);
    ck_assert_ptr_nonnull(file);
    return (text_view){ (const char *)file->data, file->size };
}

static char *text_of_file(const char *path)
{
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    char *text = calloc(1, 1 << 17);
    ck_assert_uint_gt(fread(text, 1, (1 << 17) - 1, file), 1000);
    fclose(file);
    return text;
}

static void enter(void)
{
    memory = arena_new(256 << 20);
    sink = (diag_sink){ .emit = keep };
    said[0] = '\0';
    ck_assert(catalogue_load(&national, memory, "indicators.yaml", embedded_text("indicators.yaml"), &sink));
    ck_assert(territory_load(&places, memory, "regions.yaml", embedded_text("regions.yaml"), &sink));
    thiers = text_of_file(SOURCE_DIR "/deploy/contracts/63-thiers-2023.yaml");
    example = text_of_file(SOURCE_DIR "/deploy/contracts/63-thiers-2023-avenant-1.yaml");
}

static void leave(void)
{
    free(thiers);
    free(example);
    arena_destroy(&memory);
}

#define HEAD(number, day) "contrat: 63-thiers-2023\navenant: " number "\ndate: " day "\n"

static bool alone(const char *text)
{
    amendment self;
    said[0] = '\0';
    return amendment_read(&self, memory, &national, "a.yaml", text_of(text), &sink);
}

/* Reads, and merges with before; definition and merged are of the result. */
static bool amend(text_view before, const char *text)
{
    amendment self;
    said[0] = '\0';
    return amendment_read(&self, memory, &national, "a.yaml", text_of(text), &sink)
        && amendment_merge(&self, memory, &national, &places, before, &merged, &definition);
}

#define ck_said(part) ck_assert_msg(strstr(said, part) != NULL, "no « %s » in: %s", part, said)
#define ck_refused(what, part) do { ck_assert_msg(!(what), "taken"); ck_said(part); } while (0)

/* What is registered reads as the contract that was merged. */
static void check_definition(const char *text)
{
    contract again;
    diag_sink silent = { 0 };
    ck_assert(contract_read(&again, memory, &national, &places, "d.yaml", definition, &silent));
    ck_assert(text_equal(again.title, merged.title) && again.last_day == merged.last_day && again.first_day == merged.first_day);
    ck_assert(again.action_count == merged.action_count && again.own.count == merged.own.count);
    ck_assert(again.money_count == merged.money_count && again.party_count == merged.party_count);
    ck_assert(again.amended.number == merged.amended.number && again.amended.day == merged.amended.day);
    ck_assert(text_equal(again.amended.text, text_of(text)));
    for (unsigned i = 0; i < again.action_count; i++) {
        const contract_action *one = &again.actions[i], *other = &merged.actions[i];
        ck_assert(text_equal(one->code, other->code) && text_equal(one->title, other->title));
        ck_assert(one->operator_count == other->operator_count && one->selected_count == other->selected_count);
        ck_assert(one->target_count == other->target_count && one->line_count == other->line_count);
        ck_assert(one->cost.known == other->cost.known && one->cost.cents == other->cost.cents);
    }
}

START_TEST(the_example_amends_the_contract)
{
    ck_assert_msg(amend(text_of(thiers), example), "%s", said);
    ck_assert_uint_eq(merged.amended.number, 1);
    ck_assert_int_eq(merged.amended.day, civil_from(2024, 6, 1));
    ck_assert_int_eq(merged.last_day, civil_from(2025, 5, 31));
    ck_assert_int_eq(merged.first_day, civil_from(2023, 11, 30));
    ck_assert_uint_eq(merged.action_count, 4);
    ck_assert(text_is(merged.actions[3].code, "axe4") && merged.actions[3].targets[0].value == 8);
    ck_assert(merged.actions[2].targets[0].value == 12 && merged.actions[0].targets[0].value == 30);
    /* What the amendment does not name has not moved. */
    ck_assert(text_is(merged.actions[2].title, "Accès à la formation professionnelle et à l’emploi"));
    ck_assert(merged.actions[1].line_count == 3 && merged.own.count == 5 && merged.money_count == 3 && merged.party_count == 6);
    check_definition(example);
}
END_TEST

START_TEST(amendments_follow_each_other)
{
    static const char second[] = HEAD("2", "01/09/2024")
        "objet: 'Un : deux \"trois\"'\nactions:\n  - code: axe4\n    titre: \"Autre : titre\"\nindicateurs:\n  - code: L.visites\n"
        "    libelle: Visites\n    unite: visites\n    compte: somme\n    types: [sollicitation]\n";
    ck_assert_msg(amend(text_of(thiers), example), "%s", said);
    text_view first = definition;
    ck_assert_msg(amend(first, second), "%s", said);
    ck_assert(text_is(merged.actions[3].title, "Autre : titre") && merged.actions[3].targets[0].value == 8);
    ck_assert(merged.own.count == 6 && text_is(merged.own.items[5].code, "L.visites"));
    ck_assert(merged.last_day == civil_from(2025, 5, 31) && merged.actions[2].targets[0].value == 12);
    ck_assert(text_is(merged.amended.subject, "Un : deux \"trois\""));
    check_definition(second);
    ck_refused(amend(first, HEAD("3", "2024-09-01") "titre: X\n"), "a.yaml:2:10: erreur : [avenant] le prochain avenant de ce contrat porte le numéro 2");
    ck_refused(amend(first, HEAD("2", "2024-05-31") "titre: X\n"), "a.yaml:3:7: erreur : [date] l’avenant n° 1 s’applique depuis le 2024-06-01");
}
END_TEST

START_TEST(what_every_kind_of_key_does)
{
    ck_assert(amend(text_of(thiers), HEAD("1", "2023-12-01") "titre: Nouveau nom\nconservation: 24\nobjectifs: {1.1.total: 60}\n"
                    "pilotage: [Un lecteur]\nfinancements:\n  - {source: État, montant: inconnu}\n"));
    ck_assert(text_is(merged.title, "Nouveau nom") && merged.retention_months == 24 && merged.target_count == 1);
    ck_assert(merged.reader_count == 1 && merged.money_count == 1 && !merged.money[0].amount.known);
    ck_assert(amend(text_of(thiers), HEAD("1", "2023-12-01") "actions:\n  - code: axe1\n    operateurs:\n      - partie: fit\n"
                    "    partenaires: []\n    indicateurs: [1.1.total]\n    cout: {total: 100}\n"
                    "    refugies_info: https://refugies.info/fr/dispositif/1\n"));
    const contract_action *action = &merged.actions[0];
    ck_assert(action->operator_count == 1 && action->partner_count == 0 && action->selected_count == 1 && action->cost.cents == 10000);
    ck_assert(action->targets[0].value == 30 && text_is(action->refugies_info, "https://refugies.info/fr/dispositif/1"));
    /* An own indicator is replaced whole, in its place. */
    ck_assert(amend(text_of(thiers), HEAD("1", "2023-12-01") "indicateurs:\n  - code: L.assiduite\n    libelle: Assidus à 90 %\n"
                    "    unite: personnes\n    compte: assiduite\n    seuil: 90\n"));
    ck_assert(merged.own.count == 5 && merged.own.items[4].share == 90);
}
END_TEST

START_TEST(nothing_disappears)
{
    static const char *const removals[] = { "supprime: oui", "retiree: oui" };
    char text[512];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(text, sizeof text, HEAD("1", "2024-06-01") "actions:\n  - code: axe1\n    %s\n", removals[i]);
        ck_refused(alone(text), "une action d’un contrat ne disparaît pas par un avenant");
        snprintf(text, sizeof text, HEAD("1", "2024-06-01") "indicateurs:\n  - code: L.assiduite\n    %s\n", removals[i]);
        ck_refused(alone(text), "un indicateur d’un contrat ne disparaît pas par un avenant");
        ck_assert_msg(strstr(said, "clé inconnue") == NULL && strstr(said, "il manque") == NULL, "%s", said);
    }
}
END_TEST

START_TEST(what_is_wrong_is_said_in_its_place)
{
    ck_refused(alone(HEAD("1", "2024-06-01")), "a.yaml:1:1: erreur : cet avenant ne change rien au contrat");
    ck_refused(alone(HEAD("1", "2024-06-01") "premier_jour: 2023-01-01\n"), "a.yaml:4:15: erreur : [premier_jour] un avenant ne change ni");
    ck_refused(alone(HEAD("1", "2024-06-01") "id: autre\nperimetre: \"69\"\n"), "[perimetre] un avenant ne change ni");
    ck_refused(alone(HEAD("0", "2024-06-01") "titre: X\n"), "[avenant]");
    ck_refused(alone(HEAD("1", "2024-13-01") "titre: X\n"), "[date]");
    ck_refused(alone(HEAD("1", "2024-06-01") "titres: X\n"), "clé inconnue « titres » ; vouliez-vous dire « titre » ?");
    ck_refused(alone(HEAD("1", "2024-06-01") "actions:\n  - code: axe1\n"), "cette action n’a que son code");
    ck_refused(alone(HEAD("1", "2024-06-01") "actions:\n  - code: axe1\n    titre: A\n  - code: axe1\n    titre: B\n"), "ce code est donné deux fois");
    ck_refused(alone(HEAD("1", "2024-06-01") "actions:\n  - code: axe1\n    objectif: 3\n"), "vouliez-vous dire « objectifs » ?");
    ck_refused(alone("contrat: 63-thiers-2023\ndate: 2024-06-01\ntitre: X\n"), "il manque la clé « avenant »");
    ck_refused(amend(text_of(thiers), "contrat: autre\navenant: 1\ndate: 2024-06-01\ntitre: X\n"), "a.yaml:1:10: erreur : [contrat] cet avenant est celui d’un autre contrat");
    ck_refused(amend(text_of(thiers), HEAD("1", "2023-11-29") "titre: X\n"), "a.yaml:3:7: erreur : [date] le contrat ne commence que le 2023-11-30");
    ck_refused(amend(text_of(thiers), HEAD("1", "2024-11-30") "titre: X\n"), "[date] l’avenant s’appliquerait après le dernier jour du contrat (2024-11-29)");
    ck_refused(amend(text_of(thiers), HEAD("1", "2024-06-01") "dernier_jour: 2023-10-01\n"), "a.yaml:4:15: erreur : [dernier_jour] le dernier jour est avant le premier");
    ck_refused(amend(text_of(thiers), HEAD("1", "2024-06-01") "actions:\n  - code: axe9\n    titre: Nouvelle\n"), "a.yaml:5:5: erreur : il manque la clé « operateurs »");
    ck_refused(amend(text_of(thiers), HEAD("1", "2024-06-01") "actions:\n  - code: axe1\n    indicateurs: [L.sollicitation]\n"), "a.yaml:6:19: erreur : [indicateurs] cet indicateur n’existe pas ; vouliez-vous dire « L.sollicitations »");
}
END_TEST

/* The contract's own file is right: what no longer goes together is the amendment's fault. */
START_TEST(a_party_that_is_still_named_cannot_go)
{
    static const char text[] = HEAD("1", "2024-06-01")
        "parties:\n  - {code: cias, nom: CIAS, role: coordonnateur, agent: cias}\n  - {code: fit, nom: FIT, role: operateur, agent: fit}\n"
        "  - {code: ville-thiers, nom: Ville, role: signataire, agent: ccas-thiers}\n";
    ck_refused(amend(text_of(thiers), text), "a.yaml:5:3: erreur : [partie] aucune partie n’a ce code");
    ck_said("du contrat enregistré qui le demande");
    ck_assert_ptr_null(strstr(said, "\n:")); /* every line names the file */
}
END_TEST

/* Its own doubts were told when it was registered. */
START_TEST(doubts_are_the_amendments_alone)
{
    ck_assert(amend(text_of(thiers), HEAD("1", "2024-06-01") "titre: Nouveau nom\n"));
    ck_assert_str_eq(said, "");
    ck_assert(amend(text_of(thiers), HEAD("1", "2024-06-01") "dernier_jour: 2024-08-31\nconservation: 24\n"));
    ck_said("a.yaml:4:15: avertissement : [dernier_jour] le contrat finit plus tôt");
}
END_TEST

START_TEST(every_text_comes_back_to_the_byte)
{
    static const char *const ends[] = {
        "\n", "", "\r\n", "\n\n# après\n", "\n# \"guillemets\" \\ et\ttabulation\n", "\n#\xc2\x85" "# \xe2\x80\xa8# \xef\xbb\xbf\n",
    };
    char text[512];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(text, sizeof text, "%s" HEAD("1", "2024-06-01") "titre: 'C''est \"ça\" : # non'%s", i == 5 ? "\xef\xbb\xbf" : "", ends[i]);
        ck_assert_msg(amend(text_of(thiers), text), "%zu: %s", i, said);
        check_definition(text);
        ck_assert(text_is(merged.title, "C'est \"ça\" : # non"));
    }
}
END_TEST

START_TEST(which_file_it_is)
{
    ck_assert(amendment_is(memory, text_of(example)) && !amendment_is(memory, text_of(thiers)));
    ck_assert(!amendment_is(memory, text_of("")) && !amendment_is(memory, text_of("- a\n")) && !amendment_is(memory, text_of("\x01")));
    ck_assert(amend(text_of(thiers), example) && !amendment_is(memory, definition)); /* a registered text is a contract's */
}
END_TEST

/* Cut anywhere, or with a byte changed, it is taken or refused; nothing else. */
START_TEST(damaged_files)
{
    char text[4096];
    size_t size = strlen(example);
    ck_assert_uint_lt(size, sizeof text);
    for (size_t i = 0; i < size; i += 7) {
        memcpy(text, example, size + 1);
        if (i % 2)
            text[i] = "\n:- {}[]\"'#x"[i % 12];
        else
            text[i] = '\0';
        if (amend(text_of(thiers), text))
            check_definition(text);
        else
            ck_assert(said[0] != '\0');
        arena_clear(memory);
        ck_assert(catalogue_load(&national, memory, "indicators.yaml", embedded_text("indicators.yaml"), &sink));
        ck_assert(territory_load(&places, memory, "regions.yaml", embedded_text("regions.yaml"), &sink));
    }
}
END_TEST

/* Whatever memory there is, it is done or said. */
START_TEST(short_of_memory)
{
    unsigned done = 0, refused = 0;
    for (size_t bytes = 1 << 14; bytes < (1 << 20); bytes += 3000) {
        arena *small = arena_new(bytes);
        amendment self;
        said[0] = '\0';
        ck_assert_ptr_nonnull(small);
        if (amendment_read(&self, small, &national, "a.yaml", text_of(example), &sink)
            && amendment_merge(&self, small, &national, &places, text_of(thiers), &merged, &definition)) {
            done++;
        } else {
            refused++;
            ck_said("la mémoire manque");
        }
        arena_destroy(&small);
    }
    ck_assert(done > 0 && refused > 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("amendment");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, the_example_amends_the_contract);
    tcase_add_test(cases, amendments_follow_each_other);
    tcase_add_test(cases, what_every_kind_of_key_does);
    tcase_add_test(cases, nothing_disappears);
    tcase_add_test(cases, what_is_wrong_is_said_in_its_place);
    tcase_add_test(cases, a_party_that_is_still_named_cannot_go);
    tcase_add_test(cases, doubts_are_the_amendments_alone);
    tcase_add_test(cases, every_text_comes_back_to_the_byte);
    tcase_add_test(cases, which_file_it_is);
    tcase_add_test(cases, damaged_files);
    tcase_add_test(cases, short_of_memory);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
