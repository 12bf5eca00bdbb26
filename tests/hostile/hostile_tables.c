/* An operator's two tables: every cell that can be wrong, in every way that it can, and files that are no tables. */
#include "hostile.h"

#include "csv.h"
#include "export.h"
#include "quantity.h"

#define PERSONS_HEAD "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage\n"
#define EVENTS_HEAD "id_evenement;contrat;date;action;type;id_local;quantite;detail;reference\n"

enum { COLUMNS_MAX = 10, TEXT_MAX = 1 << 21 };

static arena *memory;
static wire_action actions[2] = {{{"axe1", 4}, {"Axe 1", 5}, true}, {{"axe2", 4}, {"Axe 2", 5}, false}};
static wire_contract terms[2];
static export made;
static erasure_list erased;
static char text[TEXT_MAX];

static const char *const person[COLUMNS_MAX] = {"p1", "1234567890", "Dupont", "Ana", "1990-01-31", "F", "SYR", "refugie", "2023-01-10", "m1"};
static const char *const event[COLUMNS_MAX] = {"e1", "c1", "2024-01-15", "axe1", "entree", "p1", "12", "", ""};

static export_error run(const char *persons, size_t persons_size, const char *events, size_t events_size, unsigned contract_count)
{
    static const uint8_t record_key[CRYPTO_KEY] = {9};
    static const token_key key = {.epoch = 1, .key = {1}};
    static export_contract contracts[2];
    static char *copies[2];
    diag_sink sink = hostile_sink();

    for (int i = 0; i < 2; i++) {
        terms[i] = (wire_contract){.id = text_of(i ? "c2" : "c1"), .title = text_of("t"), .scope = text_of("63"), .first_day = civil_from(2023 + i, 11, 30),
                                   .last_day = civil_from(2024 + i, 11, 29), .action_count = 2, .actions = actions};
        contracts[i] = (export_contract){.terms = &terms[i], .token_key_count = 1, .token_keys = &key};
        free(copies[i]);
    }
    copies[0] = malloc(persons_size + 1);
    copies[1] = malloc(events_size + 1);
    if (copies[0] == NULL || copies[1] == NULL)
        abort();
    memcpy(copies[0], persons, persons_size);
    memcpy(copies[1], events, events_size);
    arena_clear(memory);
    export_input input = {.persons = {"p.csv", {copies[0], persons_size}}, .events = {"e.csv", {copies[1], events_size}}, .contract_count = contract_count,
                          .contracts = contracts, .record_key = record_key, .erasures = erased};
    export_error error = export_make(&made, &input, &sink, memory);
    for (unsigned reason = 0; error == EXPORT_OK && reason < EXPORT_REASON_COUNT; reason++)
        if (made.counts.left_out_by[reason] > 0)
            hostile_met(HOSTILE_LEFT_OUT, reason);
    return error;
}

static size_t put_row(char *to, const char *const *cells, unsigned count, int changed, const char *by)
{
    size_t size = 0;

    for (unsigned i = 0; i < count; i++)
        size += (size_t) sprintf(to + size, "%s%s", i == 0 ? "" : ";", (int) i == changed ? by : cells[i]);
    to[size++] = '\n';
    to[size] = '\0';
    return size;
}

typedef struct { unsigned column; const char *cell; diag_severity severity; const char *says; } cell_case;

static const cell_case persons_cases[] = {
    {0, "", DIAG_ERROR, "[id_local] la cellule est vide"}, {1, "123456789", DIAG_WARNING, "neuf chiffres"}, {1, "9,9E+09", DIAG_WARNING, "écriture scientifique"},
    {1, "12345678901", DIAG_WARNING, "dix chiffres"}, {1, "123456789a", DIAG_WARNING, "dix chiffres"}, {1, "\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5", DIAG_WARNING, "dix chiffres"},
    {1, "E9", DIAG_WARNING, "dix chiffres"}, {1, "123456789012345678901234567890123456", DIAG_WARNING, "dix chiffres"},
    {2, "", DIAG_ERROR, "[nom] la cellule est vide"}, {3, "", DIAG_ERROR, "[prenom] la cellule est vide"}, {4, "", DIAG_ERROR, "[date_naissance] la cellule est vide"},
    {4, "1990-02-30", DIAG_ERROR, "[date_naissance] ce n’est pas une date"}, {4, "31/04/1990", DIAG_ERROR, "ce n’est pas une date"}, {4, "1990", DIAG_ERROR, "ce n’est pas une date"},
    {4, "01/01/90", DIAG_ERROR, "ce n’est pas une date"}, {4, "1990-1-1", DIAG_ERROR, "ce n’est pas une date"}, {4, "32874", DIAG_ERROR, "ce n’est pas une date"},
    {4, "00/01/1990", DIAG_ERROR, "ce n’est pas une date"}, {4, "01/13/1990", DIAG_ERROR, "ce n’est pas une date"}, {4, "29/02/2023", DIAG_ERROR, "ce n’est pas une date"},
    {5, "f", DIAG_ERROR, "[sexe] le sexe n’est ni F"}, {5, "M", DIAG_ERROR, "[sexe]"}, {5, "Femme", DIAG_ERROR, "[sexe]"}, {5, "1", DIAG_ERROR, "[sexe]"},
    {6, "", DIAG_ERROR, "[nationalite] la cellule est vide"}, {6, "Syrie", DIAG_ERROR, "[nationalite] ce n’est pas un code de pays"}, {6, "XX", DIAG_ERROR, "[nationalite]"},
    {6, "syr", DIAG_ERROR, "[nationalite]"}, {6, "S", DIAG_ERROR, "[nationalite]"}, {7, "", DIAG_ERROR, "[statut] la cellule est vide"},
    {7, "refugié", DIAG_ERROR, "[statut] ce statut n’existe pas ; vouliez-vous dire « refugie »"}, {7, "zzzzzzzzzzzzzzzzzzz", DIAG_ERROR, "les statuts vont de"},
    {8, "2023-13-01", DIAG_ERROR, "[date_cir] ce n’est pas une date"}, {8, "hier", DIAG_ERROR, "[date_cir]"},
    {2, "...", DIAG_WARNING, NULL}, {2, "\"a\"b", DIAG_ERROR, "du texte suit le guillemet"}, {2, "a;b", DIAG_ERROR, "la ligne a plus de cellules que de colonnes"},
};

static const cell_case events_cases[] = {
    {0, "", DIAG_ERROR, "[id_evenement] la cellule est vide"}, {1, "c9", DIAG_LEFT_OUT, "[contrat]"}, {2, "", DIAG_ERROR, "[date] la cellule est vide"},
    {2, "2024-02-30", DIAG_ERROR, "[date] ce n’est pas une date"}, {2, "15.01.2024", DIAG_ERROR, "[date]"}, {2, "2024/01/15", DIAG_ERROR, "[date]"}, {2, "0", DIAG_ERROR, "[date]"},
    {2, "2022-01-15", DIAG_LEFT_OUT, ""}, {2, "2030-01-15", DIAG_LEFT_OUT, ""}, {3, "", DIAG_ERROR, "[action] la cellule est vide"},
    {3, "axe2", DIAG_ERROR, "[action] l’approbation de la préfecture ne couvre pas cette action"}, {3, "axe11", DIAG_ERROR, "le contrat n’a pas cette action ; vouliez-vous dire"},
    {3, "zzzzzzz", DIAG_ERROR, "le contrat n’a pas cette action"}, {4, "", DIAG_ERROR, "[type] la cellule est vide"}, {4, "entrée", DIAG_ERROR, "ce type de fait n’existe pas ; vouliez-vous dire « entree »"},
    {4, "beneficiaire", DIAG_ERROR, "ce type de fait n’existe pas"}, {4, "narrative", DIAG_ERROR, "ce type de fait n’existe pas"}, {4, "zzzzzzzzzzzzzzzz", DIAG_ERROR, "ce type de fait n’existe pas"},
    {5, "", DIAG_ERROR, "[id_local] la cellule est vide"}, {5, "p9", DIAG_ERROR, "cette personne n’est pas dans la table"}, {5, "P1", DIAG_ERROR, "cette personne n’est pas dans la table"},
    {6, "x", DIAG_ERROR, "ce n’est pas un nombre"}, {6, "-1", DIAG_ERROR, "le nombre est négatif"}, {6, "1,2.3", DIAG_ERROR, "plusieurs points ou virgules"}, {6, "1 23", DIAG_ERROR, "groupes de trois chiffres"},
    {6, "12 €", DIAG_ERROR, "l’unité n’est pas celle"}, {6, "1:60", DIAG_ERROR, "les minutes ne vont pas"}, {6, "1h5", DIAG_ERROR, "les minutes ne vont pas"}, {6, "99999999999999999999", DIAG_ERROR, "trop grand"},
    {6, "1e3", DIAG_ERROR, "ce n’est pas un nombre"}, {6, "NaN", DIAG_ERROR, "ce n’est pas un nombre"}, {6, "0x10", DIAG_ERROR, "ce n’est pas un nombre"}, {6, "=1+1", DIAG_ERROR, "ce n’est pas un nombre"},
    {4, "sortie", DIAG_ERROR, "[detail] la cellule est vide"}, {4, "seance", DIAG_ERROR, "[detail] la cellule est vide"}, {4, "presence", DIAG_ERROR, "[reference] la cellule est vide"},
    {0, "e\"1", DIAG_NOTE, NULL}, {0, "\"e\"1", DIAG_ERROR, "du texte suit le guillemet"},
};

static const char *severity_mark(diag_severity severity)
{
    static const char *const marks[] = {[DIAG_NOTE] = "0 [", [DIAG_WARNING] = "1 [", [DIAG_LEFT_OUT] = "2 [", [DIAG_ERROR] = "3 ["};

    return marks[severity];
}

static void cells(void)
{
    char persons[4096], events[4096], row[3000];

    put_row(row, person, 10, -1, NULL);
    snprintf(persons, sizeof persons, PERSONS_HEAD "%s", row);
    put_row(row, event, 9, -1, NULL);
    snprintf(events, sizeof events, EVENTS_HEAD "%s", row);
    hostile_case(run(persons, strlen(persons), events, strlen(events), 1) == EXPORT_OK && made.counts.ready == 2 && hostile_heard.size == 0, "the good tables: %s", hostile_heard.all);
    for (size_t i = 0; i < sizeof persons_cases / sizeof *persons_cases; i++) {
        const cell_case *one = &persons_cases[i];
        char spoilt[4096];
        put_row(row, person, 10, (int) one->column, one->cell);
        snprintf(spoilt, sizeof spoilt, PERSONS_HEAD "%s", row);
        export_error error = run(spoilt, strlen(spoilt), events, strlen(events), 1);
        bool counted = error == EXPORT_OK && (one->severity == DIAG_ERROR) == (made.counts.errors > 0) && (one->severity == DIAG_ERROR) == (made.counts.ready == 0);
        hostile_case(counted && (one->says == NULL || (hostile_hears(one->says) && hostile_hears(severity_mark(one->severity)))), "personnes, column %u « %s »: %s",
                     one->column, one->cell, hostile_heard.all);
    }
    for (size_t i = 0; i < sizeof events_cases / sizeof *events_cases; i++) {
        const cell_case *one = &events_cases[i];
        char spoilt[4096];
        put_row(row, event, 9, (int) one->column, one->cell);
        snprintf(spoilt, sizeof spoilt, EVENTS_HEAD "%s", row);
        export_error error = run(persons, strlen(persons), spoilt, strlen(spoilt), 1);
        bool left_out = one->severity == DIAG_LEFT_OUT;
        bool counted = error == EXPORT_OK && (one->severity == DIAG_ERROR) == (made.counts.errors > 0) && left_out == (made.counts.left_out > 0)
                       && (left_out || one->severity == DIAG_ERROR) == (made.counts.ready == 0);
        hostile_case(counted && (one->says == NULL || (hostile_hears(one->says) && hostile_hears(severity_mark(one->severity)))), "evenements, column %u « %s »: %s",
                     one->column, one->cell, hostile_heard.all);
    }
    for (size_t length = 100; length < 1900; length += 100) {
        char spoilt[4096], name[2000];
        memset(name, 'x', length);
        name[length] = '\0';
        put_row(row, person, 10, 2, name);
        snprintf(spoilt, sizeof spoilt, PERSONS_HEAD "%s", row);
        bool fits = length < TOKEN_IDENTITY_MAX - 20 /* the rest is another name and a date */;
        hostile_case(run(spoilt, strlen(spoilt), events, strlen(events), 1) == EXPORT_OK && fits == (made.counts.errors == 0) && fits != hostile_hears("trop longs"), "a name of %zu bytes", length);
    }
    /* A NUL in each cell, a byte that Windows-1252 has not, and the file cut after each byte. */
    size_t size = strlen(events), head = strlen(EVENTS_HEAD);
    for (size_t at = head; at < size; at++) {
        memcpy(text, events, size);
        text[at] = '\0';
        hostile_case(run(persons, strlen(persons), text, size, 1) == EXPORT_OK && (made.counts.errors == 1 || at + 1 == size), "a NUL at %zu of the events: %s", at, hostile_heard.all);
        text[at] = '\x81';
        (void) run(persons, strlen(persons), text, size, 1);
        hostile_case(events[at] == ';' || events[at] == '\n' || made.counts.errors == 1, "the byte 81 at %zu of the events", at);
    }
    for (size_t cut = 0; cut < size; cut++) {
        export_error error = run(persons, strlen(persons), events, cut, 1);
        bool expected = cut < head - 1 ? error != EXPORT_NO_MEMORY : error == EXPORT_OK;
        hostile_case(expected && (error != EXPORT_UNUSABLE || hostile_heard.errors > 0), "events cut at %zu", cut);
        error = run(persons, cut < strlen(persons) ? cut : strlen(persons), events, size, 1);
        hostile_case(error != EXPORT_NO_MEMORY && (error != EXPORT_UNUSABLE || hostile_heard.errors > 0), "persons cut at %zu", cut);
    }
}

/* Every statut, nationality and date that is not eligible; sorties; doubles; several contracts. */
static void rows(void)
{
    static const struct { const char *persons, *events; size_t left_out, errors; const char *says; } table[] = {
        {"p1;;A;B;1990-01-01;F;FRA;salarie;2023-01-01;\n", "e1;;2024-01-15;axe1;entree;p1;;;\n", 1, 0, ""},
        {"p1;;A;B;1990-01-01;F;MAR;etudiant;2023-01-01;\n", "e1;;2024-01-15;axe1;entree;p1;;;\n", 1, 0, ""},
        {"p1;;A;B;1990-01-01;F;MAR;demandeur_asile;;\n", "e1;;2024-01-15;axe1;entree;p1;;;\n", 1, 0, ""},
        {"p1;;A;B;1990-01-01;F;MAR;mineur_non_accompagne;;\n", "e1;;2024-01-15;axe1;entree;p1;;;\n", 1, 0, ""},
        {"p1;;A;B;1990-01-01;F;MAR;sans_titre;;\n", "e1;;2024-01-15;axe1;entree;p1;;;\n", 1, 0, ""},
        {"p1;;A;B;1990-01-01;F;MAR;salarie;;\n", "e1;;2024-01-15;axe1;entree;p1;;;\n", 1, 0, ""},
        {"p1;;A;B;1990-01-01;F;MAR;salarie;2024-06-01;\n", "e1;;2024-01-15;axe1;entree;p1;;;\n", 1, 0, ""},
        {"p1;;A;B;1990-01-01;F;MAR;salarie;2019-01-15;\n", "e1;;2024-01-15;axe1;entree;p1;;;\n", 1, 0, ""},
        {"p1;;A;B;1990-01-01;F;MAR;salarie;2023-01-01;\n", "e1;;2024-01-15;axe1;sortie;p1;;abandon;\n", 0, 1, ""},
        {"p1;;A;B;1990-01-01;F;MAR;salarie;2023-01-01;\n", "e1;;2024-01-15;axe1;entree;p1;;;\ne1;;2024-01-16;axe1;entree;p1;;;\n", 0, 2, "cet id_evenement est déjà à la ligne"},
        {"p1;;A;B;1990-01-01;F;MAR;salarie;2023-01-01;\np1;;C;D;1990-01-01;F;MAR;salarie;2023-01-01;\n", "", 0, 2, "cet id_local est déjà à la ligne"},
        {"p1;;A;B;1990-01-01;F;MAR;salarie;2023-01-01;\np2;;a;b;1990-01-01;F;MAR;salarie;2023-01-01;\n", "", 0, 0, ""},
        {"p1;1234567890;A;B;1990-01-01;F;MAR;salarie;2023-01-01;\np2;1234567890;C;D;1991-01-01;F;MAR;salarie;2023-01-01;\n", "", 0, 0, ""},
        {"p1;;A;B;1990-01-01;X;MAR;salarie;2023-01-01;\n", "e1;;2024-01-15;axe1;entree;p1;;;\n", 0, 2, "la ligne de cette personne est en erreur"},
        {"p1;;...;-;1990-01-01;F;MAR;salarie;2023-01-01;\n", "", 0, 0, "ni lettre ni chiffre"},
        {"", "e1;;2024-01-15;axe1;cout;;12,345;p104;\n", 0, 1, "plus de décimales"}, {"", "e1;;2024-01-15;axe1;cout;;1 h;p104;\n", 0, 1, "l’unité"},
        {"", "e1;;2024-01-15;axe1;sollicitation;;1,5;;\n", 0, 1, "plus de décimales"}, {"", "e1;;2024-01-15;axe1;sollicitation;;1 h;;\n", 0, 1, "l’unité"},
        {"", "e1;;2024-01-15;axe1;cout;;12;p105;\n", 0, 1, "ce type de fait n’a pas ce détail ; vouliez-vous dire"}, {"", "e1;;2024-01-15;axe1;cout;;12;zzzzzzzzzz;\n", 0, 1, "ce type de fait n’a pas ce détail"},
        {"", "e1;;2024-01-15;axe1;cout;;;p104;\n", 0, 1, "[quantite] la cellule est vide"}, {"", "e1;;2024-01-15;axe1;seance;;1;francais;\n", 0, 1, "[reference] la cellule est vide"},
        {"", "e1;c9;2024-01-15;axe1;cout;;\"1\"2;p104;\n", 0, 1, "du texte suit"}, {"", "e1;;2024-01-15;axe1;cout;;\"1\n", 0, 1, "jamais fermé"},
    };
    static const char long_events[] = "id_evenement;date;action;type\ne1;2024-01-15;axe1;entree\ne2;2024-01-15;axe1;cout\n";
    static char persons[4096], events[4096];

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        snprintf(persons, sizeof persons, PERSONS_HEAD "%s", table[i].persons);
        snprintf(events, sizeof events, EVENTS_HEAD "%s", table[i].events);
        export_error error = run(persons, strlen(persons), events, strlen(events), 1);
        hostile_case(error == EXPORT_OK && made.counts.left_out == table[i].left_out && made.counts.errors == table[i].errors && hostile_hears(table[i].says),
                     "rows %zu: %zu left out, %zu errors: %s", i, made.counts.left_out, made.counts.errors, hostile_heard.all);
    }
    static const uint8_t record_key[CRYPTO_KEY] = {9};
    erasure_person gone;
    erasure_of_id(&gone, record_key, text_of("p1"));
    erased = (erasure_list){1, &gone};
    snprintf(persons, sizeof persons, PERSONS_HEAD "p1;;A;B;1990-01-01;F;MAR;salarie;2023-01-01;\n");
    snprintf(events, sizeof events, EVENTS_HEAD "e1;;2024-01-15;axe1;entree;p1;;;\ne2;;2024-01-15;axe1;sortie;p1;;abandon;\n");
    hostile_case(run(persons, strlen(persons), events, strlen(events), 1) == EXPORT_OK && made.counts.left_out == 2 && made.counts.errors == 0, "an erased person");
    erased = (erasure_list){0, NULL};
    hostile_case(run(persons, strlen(persons), long_events, strlen(long_events), 1) == EXPORT_OK && made.counts.errors == 2 && hostile_hears("la colonne manque au fichier"), "columns that a type needs");
    hostile_case(run(persons, strlen(persons), long_events, strlen(long_events), 2) == EXPORT_UNUSABLE && hostile_hears("la colonne « contrat » manque"), "two contracts without the column");
    snprintf(events, sizeof events, EVENTS_HEAD "e1;c3;2024-01-15;axe1;entree;p1;;;\ne2;;2024-01-15;axe1;entree;p1;;;\ne3;zzzzzzz;2024-01-15;axe1;entree;p1;;;\ne4;c2;2025-01-15;axe1;entree;p1;;;\n");
    hostile_case(run(persons, strlen(persons), events, strlen(events), 2) == EXPORT_OK && made.counts.errors == 3 && hostile_hears("ce n’est pas un contrat de cet opérateur"), "contracts that are none");
}

/* What is no table at all. */
static void files(void)
{
    static const struct { const char *bytes; size_t size; const char *says; } wrong[] = {
        {"", 0, "le fichier est vide"}, {"\xef\xbb\xbf", 3, ""}, {"\xff\xfei\0d\0", 6, "UTF-16"}, {"\xfe\xff\0i\0d", 6, "UTF-16"}, {"PK\x03\x04zzzz", 8, "classeur"},
        {"\n\n\n", 3, "le fichier est vide"}, {";;\n", 3, ""}, {"id\0local;a\n", 11, "caractères nuls"}, {"a;b\rc;d\r", 8, "retour chariot"}, {"\"a;b\n", 5, "ne se lit pas"},
        {"a;b;c\n1;2;3\n", 12, "manque"}, {"id_evenement;date;action;typ\n", 29, "lui ressemble"}, {"id_evenement;date;action;type;type\n", 35, "deux fois"},
        {"<html>\n", 7, "manque"}, {"{\"a\": 1}\n", 9, "manque"}, {"\x89PNG\r\n", 6, "manque"}, {"%PDF-1.4\n", 9, "manque"},
    };
    static const char persons[] = PERSONS_HEAD "p1;;A;B;1990-01-01;F;MAR;salarie;2023-01-01;\n";

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        export_error error = run(persons, sizeof persons - 1, wrong[i].bytes, wrong[i].size, 1);
        hostile_case(error == EXPORT_UNUSABLE && hostile_heard.errors > 0 && hostile_hears(wrong[i].says), "no events %zu: %s", i, hostile_heard.all);
        error = run(wrong[i].bytes, wrong[i].size, EVENTS_HEAD, sizeof EVENTS_HEAD - 1, 1);
        hostile_case(error == EXPORT_UNUSABLE && hostile_heard.errors > 0, "no persons %zu: %s", i, hostile_heard.all);
    }
    /* Too long: a cell, a row, a row of too many cells. */
    size_t size = (size_t) snprintf(text, sizeof text, EVENTS_HEAD "e1;;2024-01-15;axe1;");
    memset(text + size, 'x', CSV_FIELD_MAX + 1);
    size += CSV_FIELD_MAX + 1;
    text[size++] = '\n';
    hostile_case(run(persons, sizeof persons - 1, text, size, 1) == EXPORT_OK && made.counts.errors == 1 && hostile_hears("trop longue"), "a cell of 64 KiB and a byte");
    size = sizeof EVENTS_HEAD - 1;
    for (unsigned i = 0; i < CSV_ROW_MAX / 1000 + 2; i++) {
        memset(text + size, 'x', 1000);
        text[size + 999] = ';';
        size += 1000;
    }
    text[size++] = '\n';
    hostile_case(run(persons, sizeof persons - 1, text, size, 1) == EXPORT_OK && made.counts.errors == 1 && made.unsure, "a row of more than 1 MiB");
    size = sizeof EVENTS_HEAD - 1;
    memcpy(text, EVENTS_HEAD, size);
    memset(text + size, ';', CSV_FIELDS_MAX + 1);
    text[size] = 'e';
    size += CSV_FIELDS_MAX + 1;
    text[size++] = '\n';
    hostile_case(run(persons, sizeof persons - 1, text, size, 1) == EXPORT_OK && made.counts.errors == 1, "a row of 1,025 cells");
    arena *small = arena_new(2048);
    arena *kept = memory;
    memory = small;
    hostile_case(run(persons, sizeof persons - 1, EVENTS_HEAD, sizeof EVENTS_HEAD - 1, 1) == EXPORT_NO_MEMORY, "little memory");
    memory = kept;
    arena_destroy(&small);
}

static void quantities(void)
{
    static const struct { const char *cell; fact_unit unit; quantity_error error; } table[] = {
        {"a", FACT_UNIT_COUNT, QUANTITY_NOT_A_NUMBER}, {"-1", FACT_UNIT_COUNT, QUANTITY_NEGATIVE}, {"\xe2\x88\x92""1", FACT_UNIT_COUNT, QUANTITY_NEGATIVE},
        {"1.2.3", FACT_UNIT_CENTS, QUANTITY_TWO_SIGNS}, {"1,2,3", FACT_UNIT_CENTS, QUANTITY_TWO_SIGNS}, {"1.234,5", FACT_UNIT_CENTS, QUANTITY_TWO_SIGNS},
        {"1 2", FACT_UNIT_COUNT, QUANTITY_BAD_GROUPS}, {"1234 567", FACT_UNIT_COUNT, QUANTITY_BAD_GROUPS}, {"1 h", FACT_UNIT_CENTS, QUANTITY_WRONG_UNIT},
        {"1 €", FACT_UNIT_MINUTES, QUANTITY_WRONG_UNIT}, {"1 h", FACT_UNIT_COUNT, QUANTITY_WRONG_UNIT}, {"1:61", FACT_UNIT_MINUTES, QUANTITY_BAD_MINUTES},
        {"1:2", FACT_UNIT_MINUTES, QUANTITY_BAD_MINUTES}, {"0,001", FACT_UNIT_CENTS, QUANTITY_FRACTION}, {"1,5", FACT_UNIT_COUNT, QUANTITY_FRACTION},
        {"10000000000000", FACT_UNIT_COUNT, QUANTITY_TOO_LARGE}, {"99999999999999999999999", FACT_UNIT_CENTS, QUANTITY_TOO_LARGE}, {"99999999999999999999:00", FACT_UNIT_MINUTES, QUANTITY_TOO_LARGE},
    };
    static const char bytes[] = "0123456789 ,.:hH€eE+-/()'\"x";

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t value = -7;
        quantity_error error = quantity_read(&value, hostile_exact(table[i].cell, strlen(table[i].cell)), table[i].unit);
        hostile_met(HOSTILE_QUANTITY, error);
        hostile_case(error == table[i].error && value == -7 && quantity_error_text(error)[0] != '\0', "« %s » gives %u", table[i].cell, error);
    }
    /* Every text of two of these bytes: a number within bounds, or an error and no number. */
    for (size_t i = 0; i + 1 < sizeof bytes; i++)
        for (size_t j = 0; j + 1 < sizeof bytes; j++) {
            char cell[2] = {bytes[i], bytes[j]};
            int64_t value = -7;
            quantity_error error = quantity_read(&value, hostile_exact(cell, 2), FACT_UNIT_MINUTES);
            hostile_case(error == QUANTITY_OK ? value >= 0 && value <= RECORD_QUANTITY_MAX : value == -7, "« %c%c » gives %u", cell[0], cell[1], error);
        }
}

static void faults(void)
{
    static const struct { const char *bytes; size_t size; csv_fault fault; } table[] = {
        {"\"a\"b", 4, CSV_BAD_QUOTE}, {"\"a", 2, CSV_UNCLOSED_QUOTE}, {NULL, CSV_FIELD_MAX + 1, CSV_FIELD_TOO_LONG}, {NULL, CSV_ROW_MAX + 1, CSV_ROW_TOO_LONG},
        {NULL, CSV_FIELDS_MAX + 1, CSV_TOO_MANY_FIELDS},
    };
    static csv rows;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].bytes != NULL)
            memcpy(text, table[i].bytes, table[i].size);
        else
            memset(text, table[i].fault == CSV_TOO_MANY_FIELDS ? ';' : 'x', table[i].size);
        for (size_t at = 999; table[i].fault == CSV_ROW_TOO_LONG && at < table[i].size; at += 2000)
            text[at] = ';';
        arena_clear(memory);
        csv_init(&rows, memory, hostile_exact(text, table[i].size), ';');
        bool read = csv_next(&rows);
        for (unsigned bit = 0; bit < 5; bit++)
            if ((rows.faults & 1u << bit) != 0)
                hostile_met(HOSTILE_CSV, bit);
        hostile_case(read && (rows.faults & table[i].fault) != 0 && !csv_next(&rows), "the fault %u", table[i].fault);
    }
}

void hostile_tables(void)
{
    memory = arena_new((size_t) 64 << 20);
    cells();
    rows();
    files();
    quantities();
    faults();
    arena_destroy(&memory);
}
