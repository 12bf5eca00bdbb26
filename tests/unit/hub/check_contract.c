/* check_contract: the contract of Thiers says what DOMAIN.md has it say; what is wrong is found, in its place. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "embedded.h"

static arena *memory;
static diag_sink sink;
static char said[65536];
static catalogue national;
static territory places;
static char *thiers;

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

static void enter(void)
{
    memory = arena_new(16 << 20);
    sink = (diag_sink){ .emit = keep };
    said[0] = '\0';
    ck_assert(catalogue_load(&national, memory, "indicators.yaml", embedded_text("indicators.yaml"), &sink));
    ck_assert(territory_load(&places, memory, "regions.yaml", embedded_text("regions.yaml"), &sink));
    FILE *file = fopen(SOURCE_DIR "/deploy/contracts/63-thiers-2023.yaml", "r");
    ck_assert_ptr_nonnull(file);
    thiers = calloc(1, 1 << 17);
    ck_assert_uint_gt(fread(thiers, 1, (1 << 17) - 1, file), 1000);
    fclose(file);
}

static void leave(void)
{
    free(thiers);
    arena_destroy(&memory);
}

static bool read_text(contract *self, const char *text)
{
    said[0] = '\0';
    return contract_read(self, memory, &national, &places, "c.yaml", text_of(text), &sink);
}

/* The line, from 1, of the nth line of the contract that begins, after white space, with text. */
static unsigned long line_of(const char *text, int nth)
{
    unsigned long line = 1;
    for (const char *at = thiers; at && *at; line++) {
        const char *word = at + strspn(at, " -");
        if (strncmp(word, text, strlen(text)) == 0 && nth-- == 0)
            return line;
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    ck_abort_msg("no line %s", text);
}

START_TEST(test_six_doubts)
{
    contract self;
    char expected[2048];
    static const char address[] =
        "avertissement : [refugies_info] cette action n’a pas d’adresse sur refugies.info : l’article 6 demande de l’y référencer.\n";
    ck_assert_msg(read_text(&self, thiers), "%s", said);
    snprintf(expected, sizeof expected,
             "c.yaml:%lu:15: avertissement : [conservation] le contrat ne dit pas combien de mois ses données sont gardées après "
             "le dernier jour : elles ne seront jamais purgées.\n"
             "c.yaml:%lu:5: %s"
             "c.yaml:%lu:14: avertissement : [total] le total indiqué est de 51 345 €, mais les lignes font 52 945 €.\n"
             "c.yaml:%lu:5: %s"
             "c.yaml:%lu:14: avertissement : [cout] le coût prévu de cette action est inconnu.\n"
             "c.yaml:%lu:5: %s",
             line_of("dernier_jour: ", 0), line_of("code: axe1", 0), address, line_of("total: 51 345", 0), line_of("code: axe2", 0),
             address, line_of("total: inconnu", 0), line_of("code: axe3", 0), address);
    ck_assert_str_eq(said, expected);
    ck_assert_uint_eq(sink.count[DIAG_ERROR], 0);
    ck_assert_uint_eq(sink.count[DIAG_WARNING], 6);
}
END_TEST

START_TEST(test_thiers)
{
    contract self;
    ck_assert(read_text(&self, thiers));
    ck_assert(text_is(self.id, "63-thiers-2023") && text_is(self.scope, "63") && text_is(self.department, "63") && text_is(self.region, "84"));
    ck_assert(self.first_day == civil_from(2023, 11, 30) && self.last_day == civil_from(2024, 11, 29));
    ck_assert_uint_eq(self.action_count, 3);
    ck_assert_int_eq(self.retention_months, 0);
    static const int64_t targets[] = { 30, 20, 5 };
    static const char *const titles[] = { "Accompagnement social renforcé individuel et collectif", "Apprentissage du français",
                                          "Accès à la formation professionnelle et à l’emploi" };
    for (unsigned i = 0; i < 3; i++) {
        const contract_action *action = &self.actions[i];
        char code[8];
        snprintf(code, sizeof code, "axe%u", i + 1);
        ck_assert(text_is(action->code, code) && contract_action_find(&self, text_of(code)) == action);
        ck_assert(text_is(action->title, titles[i]));
        ck_assert(action->target_count == 1 && action->targets[0].value == targets[i]);
        ck_assert(text_is(action->targets[0].indicator, "1.1.total"));
        ck_assert_int_eq(action->cost_until, civil_month_parse(text_of("2024-06")));
    }
    ck_assert_ptr_null(contract_action_find(&self, text_of("axe4")));
    ck_assert_uint_eq(self.target_count, 0);
    ck_assert_uint_eq(self.own.count, 5);
    ck_assert(text_is(self.own.items[0].code, "L.sollicitations") && text_is(self.own.items[4].code, "L.assiduite"));
    ck_assert(self.own.items[4].kind == CATALOGUE_ASSIDUITE && self.own.items[4].share == 80);
    ck_assert_uint_eq(self.reader_count, 5);
}
END_TEST

START_TEST(test_money_of_thiers)
{
    contract self;
    ck_assert(read_text(&self, thiers));
    ck_assert_uint_eq(self.money_count, 3);
    ck_assert(self.money[0].amount.known && self.money[0].amount.cents == 4000000);
    ck_assert(text_is(self.money[0].programme, "104") && text_is(self.money[0].action, "12") && text_is(self.money[0].sub_action, "02"));
    ck_assert_uint_eq(self.money[0].activity_count, 2);
    ck_assert(text_is(self.money[0].activities[0].code, "010402020101") && !self.money[0].activities[0].amount.known);
    ck_assert_int_eq(self.money[1].amount.cents, 633500);
    ck_assert_int_eq(self.money[2].amount.cents, 2835400);
    ck_assert(self.actions[0].cost.known && self.actions[0].cost.cents == 1489200);
    ck_assert(self.actions[1].cost.known && self.actions[1].cost.cents == 5134500 && self.actions[1].line_count == 3);
    ck_assert(self.actions[2].has_cost && !self.actions[2].cost.known && self.actions[2].cost.cents == 0);
    ck_assert(text_is(self.actions[2].cost.note, "illisible dans le contrat signé"));
}
END_TEST

START_TEST(test_operators_of_thiers)
{
    contract self;
    ck_assert(read_text(&self, thiers));
    const contract_action *axes = self.actions;
    ck_assert(contract_is_operator(&axes[0], text_of("cias")) && contract_is_operator(&axes[0], text_of("cecler")));
    ck_assert(!contract_is_operator(&axes[0], text_of("fit")) && !contract_is_operator(&axes[0], text_of("")));
    ck_assert(contract_is_partner(&axes[0], text_of("ccas-thiers")));
    ck_assert_uint_eq(axes[1].operator_count, 3);
    ck_assert(axes[1].operators[1].undetermined && axes[1].operators[1].agent.size == 0);
    ck_assert(text_is(axes[1].operators[2].name, "FJT Atrium") && text_is(axes[1].operators[2].agent, "fit"));
    ck_assert(contract_is_operator(&axes[1], text_of("fit")) && !contract_is_operator(&axes[1], text_of("cias")));
    ck_assert(contract_is_partner(&axes[1], text_of("cias")));
    ck_assert(axes[2].operator_count == 1 && contract_is_operator(&axes[2], text_of("cecler")));
    ck_assert_uint_eq(axes[0].selected_count, 18);
    ck_assert_uint_eq(axes[1].selected_count, 13);
    ck_assert_uint_eq(axes[2].selected_count, 17);
    ck_assert(text_is(axes[2].selected[16], "L.assiduite"));
}
END_TEST

/* The contract of Thiers with its first `what` replaced. */
static char *with(const char *what, const char *by)
{
    static char changed[1 << 18];
    char *at = strstr(thiers, what);
    ck_assert_msg(at != NULL, "no %s", what);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - thiers), thiers, by, at + strlen(what));
    return changed;
}

START_TEST(test_wrong)
{
    static const struct { const char *what, *by, *says; } cases[] = {
        { "id: 63-thiers-2023", "id: thiers été", "[id] code incorrect" },
        { "\nid: 63-thiers-2023", "\n", "il manque la clé « id »" },
        { "departement: \"63\"", "departement: \"20\"", "d’aucun département" },
        { "region: \"84\"", "region: \"85\"", "d’aucune région" },
        { "region: \"84\"", "region: \"76\"", "le département 63 (Puy-de-Dôme) est dans la région 84" },
        { "perimetre: \"63\"", "perimetre: le-perimetre-de-liaison-de-ce-departement", "[perimetre] code incorrect : 1 à 32" },
        { "premier_jour: 2023-11-30", "premier_jour: 2024-11-30", "[dernier_jour] le dernier jour est avant le premier" },
        { "premier_jour: 2023-11-30", "premier_jour: 2023-11-31", "[premier_jour] date attendue" },
        { "\ntitre:", "\ntitr:", "clé inconnue « titr » ; vouliez-vous dire « titre » ?" },
        { "\npilotage:", "\nsurprise: 1\npilotage:", "clé inconnue « surprise »" },
        { "code: axe2", "code: axe1", "cette action est déclarée deux fois" },
        { "code: axe2", "code: contrat", "désigne le contrat entier" },
        { "code: axe2", "code: a b", "[code] code incorrect" },
        { "- 3.1.heures", "- 3.1.heure", "vouliez-vous dire « 3.1.heures » ?" },
        { "- 3.1.heures", "- 3.1.assidus", "cet indicateur est donné deux fois" },
        { "- 3.1.heures", "- [a]", "un simple mot" },
        { "code: L.assiduite", "code: 1.1.total", "indicateur de la liste nationale" },
        { "code: L.assiduite", "code: L.sollicitations", "déclaré deux fois" },
        { "types: [sollicitation]", "types: [solicitation]", "vouliez-vous dire « sollicitation » ?" },
        { "compte: somme", "compte: sommes", "vouliez-vous dire « somme » ?" },
        { "details: [scolarite]", "details: [ecole]", "code inconnu de ces types" },
        { "- partie: cecler", "- partie: ceclre", "vouliez-vous dire « cecler » ?" },
        { "- partie: cecler", "- partie: cias", "celui-ci est donné deux fois" },
        { "- partie: cecler", "- {partie: cecler, nom: CeCler}", "une seule de ces clés" },
        { "declare_par: fit", "declare_par: prefecture", "n’a pas d’agent" },
        { "1.1.total: 30", "1.1.totale: 30", "vouliez-vous dire « 1.1.total » ?" },
        { "1.1.total: 30", "1.1.bpi: 30", "clé inconnue « 1.1.bpi »" },
        { "1.1.total: 30", "1.1.total: trente", "nombre entier attendu" },
        { "montant: 4 500", "montant: 4.500", "[montant] montant en euros attendu" },
        { "agent: fit", "agent: FIT", "nom d’agent incorrect" },
        { "agent: fit", "agent: cias", "déjà celui d’une autre partie" },
        { "code: fit", "code: cias", "cette partie est déclarée deux fois" },
        { "role: coordonnateur", "role: chef", "coordonnateur, signataire, operateur, partenaire" },
        { "    titre: Apprentissage", "    refugies_info: https://example.org/x\n    titre: Apprentissage", "refugies.info" },
        { "    titre: Apprentissage", "    refugies_info: https://refugies.info/\n    titre: Apprentissage", "refugies.info" },
        { "    titre: Apprentissage", "    refugies_info: http://refugies.info/fr/x\n    titre: Apprentissage", "refugies.info" },
        { "    titre: Apprentissage", "    refugies_info: https://refugies.info.org/x\n    titre: Apprentissage", "refugies.info" },
        { "    titre: Apprentissage", "    refugies_info: https://refugies.info/é\n    titre: Apprentissage", "refugies.info" },
        { "    titre: Apprentissage", "    refugies_info: 'https://refugies.info/\"x'\n    titre: Apprentissage", "refugies.info" },
        { "dernier_jour: 2024-11-29", "dernier_jour: 2024-11-29\nconservation: 0", "de 1 à 240" },
        { "jusqu_au: 2024-06", "jusqu_au: juin 2024", "[jusqu_au] mois attendu" },
    };
    contract self;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(!read_text(&self, with(cases[i].what, cases[i].by)), "%s", cases[i].by);
        ck_assert_msg(strstr(said, cases[i].says) != NULL, "no « %s » in: %s", cases[i].says, said);
    }
}
END_TEST

START_TEST(test_doubtful)
{
    static const struct { const char *what, *by, *says; } cases[] = {
        { "role: coordonnateur", "role: operateur", "aucune partie n’est coordonnatrice" },
        { "dernier_jour: 2024-11-29", "dernier_jour: 2034-11-29", "plus de cinq ans" },
        { ", declare_par: fit", "", "personne ne déclare pour lui" },
        { "    montant: 6 335", "    montant: inconnu", "ce montant est inconnu" },
        { "montant: inconnu, note: répartition non indiquée}", "montant: 41 000}", "le montant indiqué est de 40 000 €, mais ses lignes font 41 000 €" },
        { "    objectifs:\n      1.1.total: 30\n", "", "n’a pas d’objectif" },
        { "      - 1.1.bpi_femmes\n", "", "« 1.1.bpi_femmes » manque" },
        { "montant: 4 500", "montant: inconnu", "le coût prévu de cette action est inconnu" },
        { "montant: 31 443", "montant: 61 443", "les lignes font 82 945 €" },
    };
    contract self;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(read_text(&self, with(cases[i].what, cases[i].by)), "%s", said);
        ck_assert_msg(strstr(said, cases[i].says) != NULL, "no « %s » in: %s", cases[i].says, said);
    }
    ck_assert(read_text(&self, with("total: 51 345", "total: 52 945")));
    ck_assert_ptr_null(strstr(said, "[total]"));
    ck_assert(read_text(&self, with("    titre: Apprentissage", "    refugies_info: https://refugies.info/fr/dispositif/65a\n    titre: Apprentissage")));
    ck_assert(text_is(self.actions[1].refugies_info, "https://refugies.info/fr/dispositif/65a"));
}
END_TEST

/* Cut or stirred anywhere, a contract is read or refused with a reason, but harms nobody. */
START_TEST(test_stirred)
{
    contract self;
    size_t size = strlen(thiers);
    char *copy = malloc(size + 1);
    unsigned state = 7;
    for (int round = 0; round < 3000; round++) {
        memcpy(copy, thiers, size + 1);
        state = state * 1103515245 + 12345;
        size_t at = (state >> 8) % size, length = (state >> 4) % 40 + 1;
        if (round % 3 == 0)
            copy[at] = '\0';
        else if (at + length < size)
            memmove(copy + at, copy + at + length, size - at - length + 1);
        arena *own = arena_new(8 << 20);
        said[0] = '\0';
        unsigned long errors = sink.count[DIAG_ERROR];
        bool good = contract_read(&self, own, &national, &places, "c.yaml", text_of(copy), &sink);
        ck_assert(good == (sink.count[DIAG_ERROR] == errors));
        arena_destroy(&own);
    }
    free(copy);
}
END_TEST

START_TEST(test_short_memory)
{
    contract self;
    for (size_t limit = 0; limit < 200000; limit += 7000) {
        arena *own = arena_new(limit);
        unsigned long errors = sink.count[DIAG_ERROR];
        said[0] = '\0';
        bool good = contract_read(&self, own, &national, &places, "c.yaml", text_of(thiers), &sink);
        ck_assert(good == (sink.count[DIAG_ERROR] == errors));
        if (!good)
            ck_assert_ptr_nonnull(strstr(said, "la mémoire manque"));
        arena_destroy(&own);
    }
}
END_TEST

static const char variants[] =
    "variantes:\n"
    "  - {code: 3.2.emploi_durable, selon: AGIR, libelle: dont six mois ou plus, details: [emploi_durable, emploi_6_mois]}\n"
    "  - {code: L.assiduite, selon: Autre_x, libelle: Assidus, seuil: 50}\n\nindicateurs:\n";

START_TEST(test_variants)
{
    contract self;
    ck_assert_msg(read_text(&self, with("\nindicateurs:\n", variants)), "%s", said);
    ck_assert_uint_eq(self.own.count, 7);
    const catalogue_indicator *one = &self.own.items[5];
    ck_assert(text_is(one->code, "3.2.emploi_durable.agir") && text_is(one->variant_of, "3.2.emploi_durable"));
    ck_assert(text_is(one->label, "dont six mois ou plus") && text_is(one->unit, "personnes") && one->kind == CATALOGUE_PERSONNES);
    ck_assert(one->detail_count == 2 && one->type_count == 1 && text_is(one->details[1], "emploi_6_mois"));
    ck_assert(text_is(self.own.items[6].code, "L.assiduite.autre_x") && self.own.items[6].share == 50);
    /* Chosen with its indicator, right after it. */
    const contract_action *action = &self.actions[2];
    unsigned at = 0;
    while (at + 1 < action->selected_count && !text_is(action->selected[at], "3.2.emploi_durable"))
        at++;
    ck_assert(text_is(action->selected[at + 1], "3.2.emploi_durable.agir"));
    ck_assert(text_is(action->selected[action->selected_count - 1], "L.assiduite.autre_x"));
    for (unsigned i = 0; i < self.actions[0].selected_count; i++)
        ck_assert(!text_is(self.actions[0].selected[i], "3.2.emploi_durable.agir"));
}
END_TEST

START_TEST(test_wrong_variants)
{
    static const struct { const char *what, *by, *says; } cases[] = {
        { "code: 3.2.emploi_durable,", "code: 3.2.emploi_durables,", "vouliez-vous dire « 3.2.emploi_durable » ?" },
        { "selon: AGIR, ", "", "selon" },
        { "selon: AGIR", "selon: Programme régional", "selon" },
        { "libelle: dont six mois ou plus, ", "", "libelle" },
        { ", details: [emploi_durable, emploi_6_mois]", "", "details" },
        { "[emploi_durable, emploi_6_mois]", "[emploi_durable]", "compte la même chose" },
        { "[emploi_durable, emploi_6_mois]", "[emploi_durables]", "code inconnu de ces types" },
        { "seuil: 50", "seuil: 80", "compte la même chose" },
        { "seuil: 50", "details: [x]", "seuil" },
        { "code: L.assiduite, selon: Autre_x, libelle: Assidus, seuil: 50", "code: 3.4.menages, selon: X, libelle: y", "ni détails ni seuil" },
        { "code: L.assiduite, selon: Autre_x, libelle: Assidus, seuil: 50", "code: 3.2.emploi_durable.agir, selon: X, libelle: y", "déjà une variante" },
        { "code: L.assiduite, selon: Autre_x, libelle: Assidus, seuil: 50",
          "code: 3.2.emploi_durable, selon: agir, libelle: y, details: [emploi]", "déclarée deux fois" },
    };
    contract self;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        const char *at = strstr(variants, cases[i].what);
        ck_assert_ptr_nonnull(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - variants), variants, cases[i].by, at + strlen(cases[i].what));
        ck_assert_msg(!read_text(&self, with("\nindicateurs:\n", text)), "%s", cases[i].by);
        ck_assert_msg(strstr(said, cases[i].says) != NULL, "no « %s » in: %s", cases[i].says, said);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("contract");
    TCase *cases = tcase_create("contract");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, test_six_doubts);
    tcase_add_test(cases, test_thiers);
    tcase_add_test(cases, test_money_of_thiers);
    tcase_add_test(cases, test_operators_of_thiers);
    tcase_add_test(cases, test_wrong);
    tcase_add_test(cases, test_doubtful);
    tcase_add_test(cases, test_variants);
    tcase_add_test(cases, test_wrong_variants);
    tcase_add_test(cases, test_stirred);
    tcase_add_test(cases, test_short_memory);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
