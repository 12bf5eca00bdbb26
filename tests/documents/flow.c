/* flow: see the header. */
#include "flow.h"

#include <stdint.h>
#include <string.h>

#include "events.h"
#include "persons.h"
#include "preview.h"
#include "record.h"

typedef struct { const char *name, *words; } said;

/* What becomes of each column of `personnes`. */
static const said person_columns[] = {
    {"id_local", "sert à relier une personne à ses faits ; ne sort pas. Une empreinte, sous une clé propre à l’agent, entre dans la clé des enregistrements"},
    {"numero_etranger", "ne sort pas ; donne le jeton E"},
    {"nom", "ne sort pas ; entre dans les jetons I et M"},
    {"prenom", "ne sort pas ; entre dans les jetons I et M"},
    {"date_naissance", "ne sort pas ; entre dans les jetons I et M, et donne « moins de 25 ans », oui ou non"},
    {"sexe", "sort tel quel (`F`, `H` ou non dit), sur l’enregistrement `beneficiaire` seul"},
    {"nationalite", "ne sort pas ; sert à l’éligibilité"},
    {"statut", "ne sort pas ; sert à l’éligibilité, et donne « BPI », oui ou non"},
    {"date_cir", "ne sort pas ; sert à l’éligibilité"},
    {"id_menage", "ne sort pas ; dit quelles personnes forment le ménage du jeton M"},
    {NULL, NULL},
};

static const said event_columns[] = {
    {"id_evenement", "ne sort pas ; une empreinte, sous une clé propre à l’agent, entre dans la clé des enregistrements"},
    {"contrat", "sort : l’identifiant du contrat"},
    {"date", "le **mois** sort, jamais le jour ; la durée d’une `sortie` sort en jours"},
    {"action", "sort : le code de la fiche-action"},
    {"type", "sort"},
    {"id_local", "ne sort pas (voir `personnes`)"},
    {"quantite", "sort pour les types qui en ont une : minutes, nombre ou centimes"},
    {"detail", "sort comme code, moins précis quand aucun indicateur n’a besoin de mieux (plus bas)"},
    {"reference", "ne sort pas ; une empreinte, sous une clé propre à l’agent, sort pour certains types"},
    {NULL, NULL},
};

/* The fields of a record, as `ctai-agent preview` names them. */
static const said fields[] = {
    {"contrat", "l’identifiant du contrat"},
    {"action", "le code de la fiche-action"},
    {"type", "le type de fait"},
    {"mois", "le mois du fait, jamais le jour"},
    {"cle", "une empreinte sous une clé propre à l’agent : elle dit « le même enregistrement qu’avant », et rien d’autre"},
    {"jeton_e", "BLAKE2b-128, sous la clé de liaison, du numéro d’étranger"},
    {"jeton_i", "BLAKE2b-128, sous la clé de liaison, du nom, du prénom et de la date de naissance, mis en forme"},
    {"jeton_menage", "BLAKE2b-128, sous la clé de liaison, du membre du ménage qui vient en premier dans l’ordre alphabétique"},
    {"sexe", "`F`, `H` ou non dit"},
    {"bpi", "bénéficiaire de la protection internationale : oui ou non"},
    {"moins_25", "moins de 25 ans au premier fait de l’action : oui ou non"},
    {"minutes", "une durée"},
    {"nombre", "un nombre"},
    {"centimes", "un montant"},
    {"jours", "la durée entre l’entrée et la sortie"},
    {"code", "un mot de la liste plus bas ; pour un texte, le code de l’indicateur"},
    {"reference", "une empreinte sous une clé propre à l’agent : « la même séance », « le même binôme », sans son nom"},
    {NULL, NULL},
};

static const char *const kinds[] = {
    [FACT_KIND_BENEFICIARY] = "personne, au mois", [FACT_KIND_PERSON] = "fait d’une personne",
    [FACT_KIND_HOUSEHOLD] = "fait d’un ménage", [FACT_KIND_BARE] = "fait nu, de personne", [FACT_KIND_NARRATIVE] = "texte",
};

static const char *find(const said *all, const char *name)
{
    for (; all->name; all++)
        if (strcmp(all->name, name) == 0)
            return all->words;
    return NULL;
}

static size_t count(const said *all)
{
    size_t many = 0;
    while (all[many].name)
        many++;
    return many;
}

/* A table of columns: each of the program's has words here, and none here is without a column. */
static bool write_columns(FILE *to, const said *words, const char *(*name)(unsigned))
{
    unsigned number = 0;
    fputs("| colonne | ce qu’elle devient |\n| --- | --- |\n", to);
    for (; name(number); number++) {
        const char *fate = find(words, name(number));
        if (!fate) {
            fprintf(stderr, "flow: no words for the column %s\n", name(number));
            return false;
        }
        fprintf(to, "| `%s` | %s |\n", name(number), fate);
    }
    return number == count(words);
}

static bool write_fields(FILE *to)
{
    fputs("| champ | ce qu’il dit |\n| --- | --- |\n", to);
    for (unsigned i = 0; i < PREVIEW_COLUMNS; i++) {
        const char *words = find(fields, preview_columns[i]);
        if (!words) {
            fprintf(stderr, "flow: no words for the field %s\n", preview_columns[i]);
            return false;
        }
        fprintf(to, "| `%s` | %s |\n", preview_columns[i], words);
    }
    fputs("| (texte) | le texte lui-même, pour le type `narrative` seul |\n", to);
    return count(fields) == PREVIEW_COLUMNS;
}

/* --- what a record of a type may carry, asked of record_check --- */

enum { MONTH = 1, TOKEN_E = 2, TOKEN_I = 4, TOKEN_M = 8, SEX = 16, BPI = 32, UNDER_25 = 64, QUANTITY = 128, CODE = 256, REFERENCE = 512,
       TEXT = 1024, ALL = 2047 };

static bool may_be(fact_type type, unsigned carried)
{
    const fact_rule *rule = fact_rule_of(type);
    record what = {.operation = RECORD_PUT, .contract = text_of("c"), .action = text_of("a"), .type = type, .month = CIVIL_NONE};
    if (carried & MONTH)
        what.month = 2023 * 12;
    if (carried & (TOKEN_E | TOKEN_I | TOKEN_M)) {
        what.token_sets = 1;
        what.tokens[0] = (record_tokens){.epoch = 1, .has_e = (carried & TOKEN_E) != 0, .has_i = (carried & TOKEN_I) != 0,
                                         .has_m = (carried & TOKEN_M) != 0};
    }
    if (carried & SEX)
        what.sex = RECORD_SEX_F;
    what.bpi = (carried & BPI) != 0;
    what.under_25 = (carried & UNDER_25) != 0;
    what.has_quantity = (carried & QUANTITY) != 0;
    if (carried & CODE)
        what.code = text_of(rule->codes ? rule->codes[0].leaves_as : "code");
    what.has_reference = (carried & REFERENCE) != 0;
    if (carried & TEXT)
        what.text = text_of("texte");
    return record_check(&what) == RECORD_OK;
}

/* Which fields a record of the type has always, and which it may have. */
static bool learn(fact_type type, unsigned *always, unsigned *sometimes)
{
    *always = ALL;
    *sometimes = 0;
    for (unsigned carried = 0; carried <= ALL; carried++)
        if (may_be(type, carried)) {
            *always &= carried;
            *sometimes |= carried;
        }
    return *sometimes != 0;
}

static const char *mark(unsigned field, unsigned always, unsigned sometimes)
{
    return always & field ? "oui" : sometimes & field ? "selon" : "";
}

static const char *unit_of(const fact_rule *rule)
{
    static const char *const units[] = {
        [FACT_UNIT_NONE] = "", [FACT_UNIT_MINUTES] = "minutes", [FACT_UNIT_COUNT] = "nombre", [FACT_UNIT_CENTS] = "centimes",
        [FACT_UNIT_DAYS] = "jours",
    };
    return units[rule->record_unit];
}

static bool write_types(FILE *to)
{
    fputs("| type | ce que c’est | nature | mois | E | I | M | sexe | BPI | −25 | quantité | code | réf. | texte |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n", to);
    for (int type = 0; type < FACT_TYPE_COUNT; type++) {
        const fact_rule *rule = fact_rule_of((fact_type)type);
        unsigned always, sometimes;
        if (!learn((fact_type)type, &always, &sometimes)) {
            fprintf(stderr, "flow: no record of the type %s would be taken\n", rule->name);
            return false;
        }
        fprintf(to, "| `%s` | %s | %s |", rule->name, rule->label, kinds[rule->kind]);
        for (unsigned field = MONTH; field <= TEXT; field <<= 1) {
            const char *cell = mark(field, always, sometimes);
            if (field == QUANTITY && *cell)
                fprintf(to, " %s%s |", unit_of(rule), strcmp(cell, "selon") == 0 ? " (selon)" : "");
            else
                fprintf(to, " %s%s|", cell, *cell ? " " : "");
        }
        fputs("\n", to);
    }
    return true;
}

static void write_codes(FILE *to)
{
    fputs("| type | `detail` dans le tableau | code qui sort |\n| --- | --- | --- |\n", to);
    for (int type = 0; type < FACT_TYPE_COUNT; type++) {
        const fact_rule *rule = fact_rule_of((fact_type)type);
        for (const fact_code *code = rule->codes; code && code->detail; code++)
            fprintf(to, "| `%s` | `%s` | `%s`%s |\n", rule->name, code->detail, code->leaves_as,
                    strcmp(code->detail, code->leaves_as) == 0 ? "" : " (moins précis)");
    }
}

/* --- what is the same in every version of the tables --- */

static const char head[] =
    "# Flux de données : ce qui sort, et ce qui ne sort pas\n"
    "\n"
    "Cette page est **produite par le programme** (`make_flow`, dans `tests/documents/`), à partir des tables dont il se sert\n"
    "lui-même ; ce que porte chaque type est demandé au contrôle que font l’agent et le hub. Un essai\n"
    "(`tests/unit/agents/check_flow.c`) échoue si elle ne dit plus ce qui est. On ne la retouche pas : on la refait.\n"
    "\n"
    "Pour le voir sur vos propres données, avant tout envoi : `ctai-agent preview --persons … --events …`.\n"
    "\n"
    "## Le chemin\n"
    "\n"
    "```\n"
    "chez l’opérateur                                                              à la préfecture\n"
    "personnes, evenements -> éligibilité -> enregistrements -> file d’attente  ==CURVE==>  hub -> PostgreSQL -> évaluation\n"
    "                                        l’identité s’arrête ici\n"
    "```\n"
    "\n"
    "Les tableaux ne quittent pas la machine de l’opérateur. L’agent en tire des enregistrements ; rien d’autre ne sort. Le hub\n"
    "ne garde pas même les jetons reçus, mais leur empreinte sous une clé à lui, le poivre, qui n’est ni dans la base ni dans\n"
    "ses sauvegardes.\n"
    "\n"
    "## Ce que l’agent lit\n"
    "\n"
    "### `personnes`\n"
    "\n";

static const char after_columns[] =
    "\n"
    "Toute autre colonne est ignorée. Une ligne d’une personne non éligible à la date du fait ne produit rien : ni elle, ni le\n"
    "fait qu’elle existe, ne sort.\n"
    "\n"
    "## Ce qui sort : les champs\n"
    "\n";

static const char before_types[] =
    "\n"
    "## Ce qui sort : type par type\n"
    "\n"
    "« oui » : toujours ; « selon » : quand il y a lieu ; vide : **jamais**, le hub refuserait l’enregistrement. Le contrat,\n"
    "l’action, le type et la clé y sont toujours. Un fait d’une personne porte un seul jeton, E s’il y en a un, sinon I. Le temps\n"
    "d’un changement de clé de liaison, les jetons sont là deux fois, une sous chaque clé.\n"
    "\n";

static const char before_codes[] =
    "\n"
    "Les consultations médicales, les événements, le mentorat et les séances ne portent donc **aucun jeton** : on les compte, on\n"
    "ne peut pas dire de qui.\n"
    "\n"
    "## Ce qui sort : les codes\n"
    "\n";

static const char tail[] =
    "\n"
    "## Ce qui accompagne les enregistrements\n"
    "\n"
    "Un lot a un en-tête signé : la clé publique de l’agent, le périmètre, des numéros d’ordre, l’empreinte de l’en-tête précédent,\n"
    "le procédé des jetons et l’identifiant de la clé de liaison, ce que couvre l’export (contrat, actions, dernier mois, complet ou\n"
    "non) et l’empreinte salée de chaque enregistrement. Un retrait et un effacement ne portent que la clé de l’enregistrement et le\n"
    "contrat. À la connexion, l’agent dit aussi le nom et la version de son programme. Rien de cela ne dit quelque chose d’une\n"
    "personne ; l’heure et la taille d’un envoi restent visibles de qui observe le réseau.\n"
    "\n"
    "## Ce qui ne sort jamais\n"
    "\n"
    "Nom, prénom, date de naissance, numéro d’étranger, numéro de dossier, nationalité, statut (sinon « BPI », oui ou non), date du\n"
    "CIR, jour exact, composition d’un ménage, nom d’une séance, d’un événement ou d’un binôme, colonne inconnue, et tout ce qui\n"
    "concerne une personne non éligible. L’essai `tests/e2e/test_privacy.py` cherche des mots uniques, mis dans chaque champ des\n"
    "tableaux, dans ce qui passe sur le réseau déchiffré, les fichiers de la base, les journaux, la file d’attente et les fichiers\n"
    "temporaires : il n’en trouve aucun.\n"
    "\n"
    "## Ce qui reste sur la machine de l’opérateur\n"
    "\n"
    "Le dossier de l’agent (mode 0700), lisible de son seul propriétaire.\n"
    "\n"
    "| fichier | ce qu’il contient | données de personnes |\n"
    "| --- | --- | --- |\n"
    "| `nom`, `approbation`, `lock`, `controle` | le nom de l’opérateur, l’approbation de la préfecture, le verrou, la prise du service | non |\n"
    "| `cle-transport`, `cle-signature`, `cle-boite`, `cle-enregistrements` | les clés de l’agent | non, mais secrètes |\n"
    "| `cle-liaison.*` | les clés de liaison, par périmètre et époque | non, mais qui les a peut essayer des noms contre des jetons |\n"
    "| `etat.sqlite` | les lots signés jusqu’à ce qu’ils soient stables, et des empreintes à clé : de ce qui a été envoyé, de qui (numéro local, identité, numéro d’étranger) pour pouvoir l’effacer, et de qui l’a été | pseudonymes |\n"
    "| `inbox` | les tableaux que vous y déposez, et `inbox/traite`, `inbox/rejete` après leur lecture | **oui, en clair** : ce sont vos fichiers ; effacez ceux qui ne servent plus |\n"
    "\n"
    "## Ce que garde le hub\n"
    "\n"
    "| où | ce que c’est |\n"
    "| --- | --- |\n"
    "| PostgreSQL | les enregistrements, leurs versions passées, les en-têtes signés, avec l’empreinte des jetons sous le poivre |\n"
    "| `pepper.key`, `curve.key`, `sign.key` | le poivre et les clés du hub, hors de la base |\n"
    "| `hub.conf`, `endpoint`, `lock`, `postgres*` | la configuration (elle peut contenir le mot de passe de la base), l’adresse, et la base propre au hub s’il en a une |\n"
    "\n"
    "Ce sont des **données personnelles**, bien qu’elles ne portent pas de nom : voir [aipd.md](aipd.md).\n";

bool flow_write(FILE *to)
{
    fputs(head, to);
    bool good = write_columns(to, person_columns, persons_column_name);
    fputs("\n### `evenements`\n\n", to);
    good = good && write_columns(to, event_columns, events_column_name);
    fputs(after_columns, to);
    good = good && write_fields(to);
    fputs(before_types, to);
    good = good && write_types(to);
    fputs(before_codes, to);
    if (good)
        write_codes(to);
    fputs(tail, to);
    return good && !ferror(to);
}
