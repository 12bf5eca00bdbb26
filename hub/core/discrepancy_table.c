/*
 * discrepancy_table: see the header.
 *
 * At a terminal each kind has a heading with the count of its matters and what there is to do, then each row with its
 * finding and keys: as many of these as a line holds, the count of the others after them (the CSV has all).
 */
#include "discrepancy_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "french.h"
#include "plain.h"

enum { MARGIN = 2, KEY_COLUMNS = 33, WIDTH_MIN = 60, WIDTH_MAX = 110, SENTENCE_MAX = 400 };

static const struct { const char *name, *title, *one, *many; } kinds[DISCREPANCY_KIND_COUNT] = {
    [DISCREPANCY_SEX] = {"sexe", "Sexe déclaré différemment dans une action", "personne", "personnes"},
    [DISCREPANCY_SEX_CONTRACT] = {"sexe_contrat", "Sexe déclaré différemment d’une action à l’autre", "personne", "personnes"},
    [DISCREPANCY_IDENTITY] = {"identite", "Identités ambiguës", "identité", "identités"},
    [DISCREPANCY_FOLLOW_UP] = {"suivi_6_mois", "Sorties sans suivi à six mois", "sortie", "sorties"},
    [DISCREPANCY_LATE] = {"retard", "Opérateurs en retard", "opérateur", "opérateurs"},
    [DISCREPANCY_ADDRESS] = {"refugies_info", "Actions sans adresse sur refugies.info (article 6)", "action", "actions"},
};

static const char *const remedies[DISCREPANCY_KIND_COUNT] = {
    [DISCREPANCY_SEX] = "Vérifier le sexe dans le dossier de la personne (« ctai-agent explain CLÉ » dit lequel), le corriger, renvoyer l’export.",
    [DISCREPANCY_SEX_CONTRACT] =
        "Vérifier le sexe dans le dossier de la personne (« ctai-agent explain CLÉ » dit lequel), le corriger, renvoyer l’export.",
    [DISCREPANCY_IDENTITY] = "Vérifier le numéro d’étranger dans le dossier (« ctai-agent explain CLÉ » dit lequel) : le corriger s’il est "
                             "faux, l’ajouter s’il manque, renvoyer l’export. De vrais homonymes restent listés.",
    [DISCREPANCY_FOLLOW_UP] = "Prendre des nouvelles de la personne (« ctai-agent explain CLÉ » dit laquelle), déclarer un « suivi_6_mois », "
                              "positif ou négatif, renvoyer l’export.",
    [DISCREPANCY_LATE] = "Faire envoyer par l’opérateur l’export complet de ses tables (« ctai-agent push »).",
    [DISCREPANCY_ADDRESS] = "Référencer l’action sur refugies.info, puis donner son adresse (« refugies_info ») dans le fichier du contrat.",
};

const char *discrepancy_kind_name(discrepancy_kind kind)
{
    assert(kind < DISCREPANCY_KIND_COUNT);
    return kinds[kind].name;
}

const char *discrepancy_kind_title(discrepancy_kind kind)
{
    assert(kind < DISCREPANCY_KIND_COUNT);
    return kinds[kind].title;
}

unsigned discrepancy_table_matters(const discrepancy_table *self, discrepancy_kind kind)
{
    unsigned count = 0, last = 0;
    for (unsigned i = 0; i < self->count; i++)
        if (self->rows[i].kind == kind && self->rows[i].matter != last) {
            last = self->rows[i].matter;
            count++;
        }
    return count;
}

static void say_month(FILE *to, civil_month month)
{
    fprintf(to, "%s %d", french_month(month), (int)(month / 12));
}

/* "d’avril", "de mai" */
static const char *of_month(civil_month month)
{
    return memchr("ao", *french_month(month), 2) ? "d’" : "de ";
}

static void say_sex(const discrepancy_row *row, FILE *to)
{
    if (row->says_f && row->says_h) {
        fputs("Déclare cette personne tantôt femme, tantôt homme.", to);
        return;
    }
    fprintf(to, "Déclare cette personne %s ; %s la déclare %s.", row->says_f ? "femme" : "homme",
            row->kind == DISCREPANCY_SEX ? "un autre opérateur de l’action" : "une autre action du contrat",
            row->says_f ? "homme" : "femme");
}

static void say_finding(const discrepancy_row *row, FILE *to)
{
    switch (row->kind) {
    case DISCREPANCY_SEX:
    case DISCREPANCY_SEX_CONTRACT:
        say_sex(row, to);
        break;
    case DISCREPANCY_IDENTITY:
        fprintf(to, "Mêmes nom, prénom et date de naissance avec %u numéros d’étranger différents dans le périmètre%s.", row->numbers,
                row->unlinked ? " ; ce qui est envoyé sans numéro n’est rattaché à aucun" : "");
        break;
    case DISCREPANCY_FOLLOW_UP:
        fprintf(to, "Sortie %s", of_month(row->month));
        say_month(to, row->month);
        fputs(" sans suivi à six mois, attendu en ", to);
        say_month(to, row->due);
        fputc('.', to);
        break;
    case DISCREPANCY_LATE:
        if (row->month == CIVIL_NONE) {
            fputs("N’a encore rien déclaré dans ce contrat", to);
        } else {
            fputs("N’a rien déclaré après ", to);
            say_month(to, row->month);
        }
        fputs(" ; attendu jusqu’à ", to);
        say_month(to, row->due);
        fputc('.', to);
        break;
    default:
        fputs("L’action n’a pas d’adresse sur refugies.info.", to);
    }
}

bool discrepancy_table_word(discrepancy_table *self, arena *from)
{
    for (unsigned i = 0; i < self->count; i++) {
        char sentence[SENTENCE_MAX];
        FILE *to = fmemopen(sentence, sizeof sentence, "w");
        if (!to)
            return false;
        say_finding(&self->rows[i], to);
        fclose(to);
        char *kept = arena_text(from, text_of(sentence));
        if (!kept)
            return false;
        self->rows[i].finding = text_of(kept);
        self->rows[i].remedy = text_of(remedies[self->rows[i].kind]);
    }
    return true;
}

static void print_keys(const discrepancy_row *row, size_t columns, FILE *to)
{
    unsigned shown = (unsigned)((columns - MARGIN - 7) / KEY_COLUMNS);
    if (row->key_count == 0)
        return;
    if (shown > row->key_count || shown == 0)
        shown = shown ? row->key_count : 1;
    plain_times(to, " ", MARGIN + 4);
    for (unsigned i = 0; i < shown; i++) {
        fputs(i > 0 ? " " : "", to);
        plain_put(to, row->keys[i]);
    }
    if (shown < row->key_count) {
        fputc('\n', to);
        plain_times(to, " ", MARGIN + 4);
        fprintf(to, row->key_count - shown > 1 ? "et %u autres clés" : "et %u autre clé", row->key_count - shown);
    }
    fputc('\n', to);
}

static void print_row(const discrepancy_row *row, bool begins, size_t columns, FILE *to)
{
    if (begins)
        fprintf(to, "%*s%u.", MARGIN, "", row->matter);
    else
        plain_times(to, " ", MARGIN);
    fputs(begins ? " " : "   ", to);
    plain_tame(to, row->action);
    if (row->operator_name.size > 0) {
        fputs(" · ", to);
        plain_tame(to, row->operator_name);
    }
    if (row->month != CIVIL_NONE) {
        fputs(" · ", to);
        say_month(to, row->month);
    }
    fputc('\n', to);
    plain_folded(to, row->finding, MARGIN + 4, columns - MARGIN - 4);
    print_keys(row, columns, to);
}

static void print_kind(const discrepancy_table *self, discrepancy_kind kind, size_t columns, FILE *to)
{
    unsigned matters = discrepancy_table_matters(self, kind), last = 0;
    char line[160];
    if (matters == 0)
        return;
    fputc('\n', to);
    plain_times(to, "─", columns);
    fputc('\n', to);
    snprintf(line, sizeof line, "%s : %u %s", kinds[kind].title, matters, matters > 1 ? kinds[kind].many : kinds[kind].one);
    plain_folded(to, text_of(line), 0, columns);
    plain_folded(to, text_of(remedies[kind]), MARGIN, columns - MARGIN);
    for (unsigned i = 0; i < self->count; i++)
        if (self->rows[i].kind == kind) {
            print_row(&self->rows[i], self->rows[i].matter != last, columns, to);
            last = self->rows[i].matter;
        }
}

void discrepancy_table_print(const discrepancy_table *self, unsigned width, FILE *to)
{
    size_t columns = width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
    char line[256];
    fputs("À RÉGLER ENTRE LES PARTIES\n", to);
    plain_folded(to, self->title, 0, columns);
    snprintf(line, sizeof line, "%.*s · de %s %d à %s %d · vu en %s %d · position %llu du registre", (int)self->contract.size,
             self->contract.at ? self->contract.at : "", french_month(self->from), (int)(self->from / 12), french_month(self->to),
             (int)(self->to / 12), french_month(self->at), (int)(self->at / 12), (unsigned long long)self->position);
    plain_folded(to, text_of(line), 0, columns);
    if (self->count == 0)
        fputs("\nRien à régler.\n", to);
    for (unsigned kind = 0; kind < DISCREPANCY_KIND_COUNT; kind++)
        print_kind(self, (discrepancy_kind)kind, columns, to);
}

static void csv_month(civil_month month, FILE *to)
{
    char text[CIVIL_MONTH_TEXT] = "";
    if (month != CIVIL_NONE)
        civil_month_text(month, text);
    fprintf(to, "%s,", text);
}

void discrepancy_table_csv(const discrepancy_table *self, FILE *to)
{
    fputs("contrat,action,operateur,type,affaire,mois,cles,constat,remede\n", to);
    for (unsigned i = 0; i < self->count; i++) {
        const discrepancy_row *row = &self->rows[i];
        plain_csv(self->contract, false, to), fputc(',', to);
        plain_csv(row->action, false, to), fputc(',', to);
        plain_csv(row->operator_name, false, to), fputc(',', to);
        fprintf(to, "%s,%u,", kinds[row->kind].name, row->matter);
        csv_month(row->month, to);
        for (unsigned k = 0; k < row->key_count; k++) {
            fputs(k > 0 ? " " : "", to);
            plain_put(to, row->keys[k]);
        }
        fputc(',', to);
        plain_csv(row->finding, true, to), fputc(',', to);
        plain_csv(row->remedy, true, to), fputc('\n', to);
    }
}
