/* A contract's file: the one of Thiers with one thing changed, and small ones with what a file in YAML may not have. */
#include "hostile.h"

#include "contract.h"
#include "embedded.h"

enum { FILE_MAX = 1 << 17 };

static arena *lists, *memory;
static catalogue national;
static territory places;
static char thiers[FILE_MAX], changed[FILE_MAX + 4096];
static size_t thiers_size;

static bool reads(const char *text, size_t size)
{
    contract self;
    diag_sink sink = hostile_sink();

    arena_clear(memory);
    bool taken = contract_read(&self, memory, &national, &places, "c.yaml", hostile_exact(text, size), &sink);
    hostile_case(taken == (hostile_heard.errors == 0), "a contract is refused without a word");
    return taken;
}

static text_view carried(const char *name)
{
    const embedded_file *file = embedded_find(name);

    return (text_view){(const char *) file->data, file->size};
}

static bool load(void)
{
    diag_sink silent = {.emit = NULL};
    FILE *file = fopen(SOURCE_DIR "/deploy/contracts/63-thiers-2023.yaml", "r");

    if (file == NULL)
        return false;
    thiers_size = fread(thiers, 1, sizeof thiers - 1, file);
    thiers[thiers_size] = '\0';
    lists = arena_new(16 << 20);
    memory = arena_new(16 << 20);
    return fclose(file) == 0 && lists != NULL && memory != NULL && catalogue_load(&national, lists, "i", carried("indicators.yaml"), &silent)
           && territory_load(&places, lists, "r", carried("regions.yaml"), &silent);
}

/* The file with the first `find` replaced; it must be there. */
static size_t with(const char *find, const char *by)
{
    const char *at = strstr(thiers, find);

    hostile_case(at != NULL, "the contract of Thiers has not « %s »", find);
    if (at == NULL)
        return 0;
    return (size_t) snprintf(changed, sizeof changed, "%.*s%s%s", (int) (at - thiers), thiers, by, at + strlen(find));
}

typedef struct { const char *find, *by, *says; } change;

/* Each is an error that says this. */
static const change errors[] = {
    {"id: 63-thiers-2023", "id: 63/thiers", "[id]"}, {"id: 63-thiers-2023", "id: \"\"", "[id]"}, {"id: 63-thiers-2023", "", "il manque la clé « id »"},
    {"id: 63-thiers-2023", "id: [a]", "[id]"}, {"id: 63-thiers-2023", "id: {a: b}", "[id]"}, {"id: 63-thiers-2023", "ident: 63", "clé inconnue"},
    {"titre: CTAI", "titre: \"a\\nb\"\nx: CTAI", "[titre]"}, {"titre: CTAI", "titr: CTAI", "clé inconnue"}, {"titre: CTAI", "titré: CTAI", "clé inconnue ; vouliez-vous dire"},
    {"departement: \"63\"", "departement: \"99\"", "[departement] ce n’est le code INSEE d’aucun département"},
    {"region: \"84\"", "region: \"99\"", "[region] ce n’est le code INSEE d’aucune région"}, {"region: \"84\"", "region: \"11\"", "est dans la région"},
    {"perimetre: \"63\"", "perimetre: \"6 3\"", "[perimetre]"}, {"premier_jour: 2023-11-30", "premier_jour: 2023-11-31", "[premier_jour]"},
    {"premier_jour: 2023-11-30", "premier_jour: 2025-11-30", "[dernier_jour] le dernier jour est avant le premier"},
    {"premier_jour: 2023-11-30", "premier_jour: hier", "[premier_jour]"}, {"dernier_jour: 2024-11-29", "dernier_jour:", "[dernier_jour]"},
    {"role: coordonnateur", "role: coordinateur", "[role]"}, {"role: coordonnateur", "role: xyzzy", "[role]"}, {"role: coordonnateur", "rol: coordonnateur", "clé inconnue"},
    {"agent: cias}", "agent: CIAS}", "nom d’agent incorrect"}, {"agent: cecler}", "agent: cias}", "cet agent est déjà celui d’une autre partie"},
    {"code: cecler,", "code: cias,", "cette partie est déclarée deux fois"}, {"parties:", "partis:", "clé inconnue"},
    {"partie: cecler", "partie: ceclr", "aucune partie n’a ce code ; vouliez-vous dire"}, {"partie: cecler", "partie: zzzzzzzzzz", "aucune partie n’a ce code : déclarez-la"},
    {"partie: cecler", "partie: cias", "celui-ci est donné deux fois"}, {"- partie: cecler", "- {partie: cecler, nom: X}", "donnez une seule de ces clés"},
    {"- partie: cecler", "- {}", "donnez une seule"}, {"- partie: cecler", "- cecler", "doit être une suite de clés"},
    {"- partie: cecler", "- {nom: Autre, declare_par: communaute}", "cette partie n’a pas d’agent"},
    {"montant: 40 000", "montant: quarante", "[montant]"}, {"montant: 40 000", "montant: -1", "[montant]"}, {"montant: 40 000", "montant: 1 23", "[montant]"},
    {"montant: 40 000", "montant: 1,234", "[montant]"}, {"montant: 40 000", "montant: 99999999999999999", "[montant]"}, {"montant: 40 000", "montant: [1]", "[montant]"},
    {"montant: 40 000", "montant: 184467440737095517", "[montant]"},
    {"jusqu_au: 2024-06", "jusqu_au: 2024-13", "[jusqu_au]"}, {"jusqu_au: 2024-06", "jusqu_au: juin", "[jusqu_au]"},
    {"- 1.1.hommes", "- 1.1.homes", "cet indicateur n’existe pas ; vouliez-vous dire"}, {"- 1.1.hommes", "- zzzzzzzzzzzz", "cet indicateur n’existe ni dans"},
    {"- 1.1.hommes", "- 1.1.total", "cet indicateur est donné deux fois"}, {"- 1.1.hommes", "- [a]", "un simple mot ou texte est attendu dans cette liste"},
    {"code: axe2", "code: axe1", "cette action est déclarée deux fois"}, {"code: axe2", "code: contrat", "« contrat » désigne le contrat entier"},
    {"1.1.total: 30", "1.1.total: x", "[1.1.total]"}, {"1.1.total: 30", "1.9: 30", "clé inconnue"}, {"1.1.total: 30", "1.1.total: -3", "[1.1.total]"},
    {"jusqu_au: 2024-06", "jusqu_au: *a", "les renvois (« * ») ne sont pas admis"}, {"jusqu_au: 2024-06", "jusqu_au: &a 2024-06", "les ancres"},
    {"jusqu_au: 2024-06", "jusqu_au: !!str 2024-06", "les ancres"}, {"titre: CTAI", "titre: \"a\\0b\"\nx: CTAI", "caractère de contrôle interdit"},
    {"titre: CTAI", "titre: \"\\e[2J\"\nx: CTAI", "caractère de contrôle interdit"}, {"titre: CTAI", "titre: a: b\nx: CTAI", "deux-points inattendu"},
    {"titre: CTAI", "titre: 'CTAI", ""}, {"titre: CTAI", "titre: \"CTAI", ""}, {"titre: CTAI", "titre: [CTAI", ""}, {"titre: CTAI", "titre: @CTAI", "ne peut pas commencer une valeur"},
    {"titre: CTAI", "titre CTAI", ""}, {"titre: CTAI", "  titre: CTAI", ""}, {"titre: CTAI", "- titre: CTAI", ""}, {"titre: CTAI", "titre: - CTAI", "tiret inattendu"},
    {"titre: CTAI", "\ttitre: CTAI", ""}, {"titre: CTAI", "titre: a\ntitre: CTAI", "cette clé est donnée deux fois"}, {"titre: CTAI", "{a: b}: c\ntitre: CTAI", "une clé doit être un simple mot"},
    {"titre: CTAI", "\"\": c\ntitre: CTAI", "clé vide"}, {"titre: CTAI", "--- \ntitre: CTAI", ""}, {"parties:", "...\n---\nparties:", ""},
    {"titre: CTAI", "titre: \xff", "ce n’est pas un texte en UTF-8"}, {"titre: CTAI", "titre: \x01", "caractère de contrôle interdit"}, {"titre: CTAI", "titre: \x7f", "caractère de contrôle interdit"},
    {"  - Sous-préfecture de Thiers", "  - a\n  b: c", "ne correspond à aucun élément de la liste"}, {"pilotage:\n  - Sous", "pilotage: Sous\nx:\n  - Sous", "liste attendue"},
    {"pilotage:", "parties: []\npilotage:", "cette clé est donnée deux fois"}, {"parties:", "parties: []\nx:", "cette liste doit avoir au moins"},
    {"activites:", "activites: [x]\n    y:", "une ligne d’activité"}, {"lignes:", "lignes: [x]\n      y:", "une ligne de coût"},
    {"jusqu_au: 2024-06", "zz\302\240: 1", "clé inconnue"}, {"objectifs:", "refugies_info: https://example.org/\n    objectifs:", "adresse d’une page de https://refugies.info/"},
    {"titre: CTAI", "conservation: 0\ntitre: CTAI", "[conservation]"}, {"titre: CTAI", "conservation: 1.5\ntitre: CTAI", "[conservation]"},
};

/* Each is a doubt. */
static const change warnings[] = {
    {"titre: CTAI", "conservation: 7\ntitre: CTAI", "ils seraient purgés avant d’être comptés"},
    {"dernier_jour: 2024-11-29", "dernier_jour: 2034-11-29", "ce contrat dure plus de cinq ans"}, {"role: coordonnateur", "role: operateur", "aucune partie n’est coordonnatrice"},
    {"role: signataire", "role: coordonnateur", "plusieurs parties sont coordonnatrices"}, {"montant: 40 000", "montant: inconnu", "ce montant est inconnu"},
    {"libelle: Accompagnement global, montant: inconnu", "libelle: Accompagnement global, montant: 50 000", ""},
    {"libelle: Apprentissage de la langue, montant: inconnu, note: répartition non indiquée}\n      - {code: \"010402020103\", libelle: Accompagnement global, montant: inconnu",
     "libelle: Apprentissage de la langue, montant: 1}\n      - {code: \"010402020103\", libelle: Accompagnement global, montant: 2", "mais ses lignes font"},
    {"      - partie: cecler", "      - partie: communaute", "personne ne déclare pour lui"},
    {"      lignes:\n        - {libelle: CIAS, montant: 4 500}", "      total: 10\n      lignes:\n        - {libelle: CIAS, montant: inconnu}", "mais les lignes connues font déjà"},
    {"jusqu_au: 2024-06", "jusqu_au: 2022-06", "ce mois est avant le début du contrat"}, {"- 1.1.hommes\n", "\n", "sont obligatoires pour chaque action"},
};

static void changes(void)
{
    hostile_case(reads(thiers, thiers_size), "the contract of Thiers");
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        bool taken = reads(changed, with(errors[i].find, errors[i].by));
        hostile_case(!taken && hostile_hears(errors[i].says), "%s -> %s: says %s", errors[i].find, errors[i].by, hostile_heard.all);
    }
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
        bool taken = reads(changed, with(warnings[i].find, warnings[i].by));
        hostile_case(taken && hostile_hears(warnings[i].says), "%s -> %s: says %s", warnings[i].find, warnings[i].by, hostile_heard.all);
    }
}

/* In each line a byte that no text has, and a key that nobody knows; and the file cut after it. */
static void each_line(void)
{
    static const char *const bytes[] = {"\x01", "\xff", "\x1b", "\xc2\x85", "\xef\xbf\xbf"};

    for (const char *line = thiers; line < thiers + thiers_size;) {
        const char *end = strchr(line, '\n');
        size_t before = (size_t) (end - thiers);
        for (size_t b = 0; b < sizeof bytes / sizeof *bytes; b++) {
            size_t size = (size_t) snprintf(changed, sizeof changed, "%.*s%s%s", (int) before, thiers, bytes[b], end);
            bool taken = reads(changed, size);
            hostile_case(b < 3 ? !taken : true, "byte %zu at %zu", b, before);
        }
        memcpy(changed, thiers, before);
        memcpy(changed + before, "\0", 1);
        memcpy(changed + before + 1, end, thiers_size - before);
        hostile_case(!reads(changed, thiers_size + 1), "a NUL at %zu", before);
        (void) reads(thiers, before);
        size_t indent = strspn(line, " ");
        if (line[indent] != '#' && line[indent] != '\n' && line[indent] != '-' && memchr(line, ':', (size_t) (end - line)) != NULL) {
            size_t size = (size_t) snprintf(changed, sizeof changed, "%.*s%.*sclef_inconnue: 1\n%s", (int) (line - thiers), thiers, (int) indent, line, line);
            hostile_case(!reads(changed, size), "an unknown key at %zu", before);
        }
        line = end + 1;
    }
}

static void put(char *to, size_t *size, const char *text)
{
    size_t more = strlen(text);

    memcpy(to + *size, text, more);
    *size += more;
}

/* Bounds. */
static void large(void)
{
    enum { LARGE = (1 << 20) + 64 };
    static char text[LARGE];
    size_t size = 0;

    memset(text, '#', sizeof text);
    hostile_case(!reads(text, sizeof text) && hostile_hears("trop gros"), "more than 1 MiB");
    hostile_case(!reads("", 0) && hostile_hears("vide"), "an empty file");
    hostile_case(!reads("# rien\n", 7), "a comment alone");
    hostile_case(!reads("a\n", 2), "a word alone");
    hostile_case(!reads("- a\n", 4), "a list alone");
    for (unsigned depth = 2; depth < 40; depth++) {
        size = 0;
        for (unsigned i = 0; i < depth; i++)
            put(text, &size, "[");
        hostile_case(!reads(text, size), "%u open brackets", depth);
        for (unsigned i = 0; i < depth; i++)
            put(text, &size, "]");
        hostile_case(!reads(text, size), "%u brackets", depth);
    }
    size = 0;
    put(text, &size, "a: [");
    for (unsigned i = 0; i < 50001; i++)
        put(text, &size, "1,");
    put(text, &size, "1]\n");
    hostile_case(!reads(text, size) && hostile_hears("trop de valeurs"), "50,001 values");
    size = 0;
    for (unsigned i = 0; i < 257; i++)
        size += (size_t) snprintf(text + size, 32, "k%u: 1\n", i);
    hostile_case(!reads(text, size) && hostile_hears("trop de clés"), "257 keys");
    hostile_case(!reads("a: b\n--- \nc: d\n", 15), "two documents");
    hostile_case(!reads("{a: b}\nc: d\n", 12) && hostile_hears("une seule suite de clés"), "a map and more");
    size = 0;
    for (unsigned i = 0; i < 65; i++)
        size += (size_t) snprintf(text + size, 64, i == 0 ? "parties:\n  - {code: p, nom: P, role: operateur}\n" : "  - {code: p%u, nom: P, role: operateur}\n", i);
    hostile_case(!reads(text, size) && hostile_hears("cette liste a trop d’éléments"), "65 parties");
    for (unsigned length = 1; length < 200; length += 3) {
        size = (size_t) snprintf(text, sizeof text, "%0*u: 1\n\001", (int) length, 7u);
        hostile_case(!reads(text, size - 1), "an unknown key of %u characters", length);
    }
    arena *small = arena_new(512);
    contract self;
    diag_sink sink = hostile_sink();
    hostile_case(!contract_read(&self, small, &national, &places, "c.yaml", (text_view){thiers, thiers_size}, &sink) && hostile_hears("la mémoire manque"), "little memory");
    arena_destroy(&small);
}

void hostile_contracts(void)
{
    if (!load()) {
        hostile_case(false, "the contract of Thiers cannot be read");
        return;
    }
    changes();
    each_line();
    large();
    arena_destroy(&lists);
    arena_destroy(&memory);
}
