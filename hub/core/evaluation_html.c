/*
 * evaluation_html: see the header.
 *
 * Head; what was reached for whom, a card for each fiche-action; what is not complete; then each fiche-action on sheets of its
 * own, and the contract as a whole. Rows stand in the national list's order under its headings; a narrative stands in its cell's
 * place; what nobody collected and the contract did not choose is one sentence below the table.
 */
#include "evaluation_html.h"

#include <string.h>

#include "evaluation_layout.h"
#include "french.h"
#include "page.h"

static bool is_whole(const evaluation_action *action)
{
    return text_is(action->code, "contrat");
}

static void put_title(const evaluation_action *action, FILE *to)
{
    if (is_whole(action))
        fputs("Ensemble du contrat", to);
    else
        page_words(to, action->title);
}

static void begin_fact(const char *label, FILE *to)
{
    fprintf(to, "<div><dt>%s</dt><dd>", label);
}

static void end_fact(FILE *to)
{
    fputs("</dd></div>\n", to);
}

static void put_facts(const evaluation_form *self, FILE *to)
{
    const evaluation_table *table = self->table;
    char first[FRENCH_DAY_MAX], last[FRENCH_DAY_MAX], months[FRENCH_MONTHS_MAX], version[EVALUATION_VERSION_TEXT];

    french_day(table->first_day, first);
    french_day(table->last_day, last);
    french_months(table->from, table->to, months);
    fputs("<dl class=\"facts\">\n", to);
    begin_fact("Période évaluée", to), fprintf(to, "<strong>%s</strong>", months), end_fact(to);
    begin_fact("Contrat", to), page_text(to, table->contract), end_fact(to);
    begin_fact("Durée du contrat", to), fprintf(to, "du %s au %s", first, last), end_fact(to);
    begin_fact("Département", to);
    if (self->department.size > 0)
        page_text(to, self->department), fputs(" (", to);
    page_text(to, table->department);
    fputs(self->department.size > 0 ? ")" : "", to), end_fact(to);
    evaluation_table_version(table, version);
    begin_fact("Version du contrat", to), page_words(to, text_of(version)), end_fact(to);
    begin_fact("État des données", to);
    if (table->moment_day != CIVIL_NONE)
        french_day(table->moment_day, first), fprintf(to, "au %s, ", first);
    fprintf(to, "position %llu du registre", (unsigned long long)table->position), end_fact(to);
    fputs("</dl>\n", to);
}

static void put_head(const evaluation_form *self, FILE *to)
{
    fputs("<header>\n<p class=\"over\">Évaluation du contrat (article 7)</p>\n<h1>", to);
    page_words(to, self->table->title);
    fputs("</h1>\n", to);
    put_facts(self, to);
    fputs("</header>\n<nav aria-label=\"Sommaire\">\n<ul>\n<li><a href=\"#essentiel\">L’essentiel</a></li>\n", to);
    for (unsigned i = 0; i < self->table->action_count; i++) {
        fprintf(to, "<li><a href=\"#fiche-%u\">", i + 1);
        put_title(&self->table->actions[i], to);
        fputs("</a></li>\n", to);
    }
    fputs("</ul>\n</nav>\n", to);
}

static const evaluation_cell *find(const evaluation_action *action, const char *code)
{
    for (unsigned i = 0; i < action->cell_count; i++)
        if (text_is(action->cells[i].code, code))
            return &action->cells[i];
    return NULL;
}

/* "16 femmes, 6 hommes, 11 BPI, 4 de moins de 25 ans" */
static void put_public(const evaluation_action *action, FILE *to)
{
    static const struct { const char *code, *one, *many; } parts[] = {
        {"1.1.femmes", "femme", "femmes"}, {"1.1.hommes", "homme", "hommes"}, {"1.1.bpi", "BPI", "BPI"},
        {"1.1.moins_25", "de moins de 25 ans", "de moins de 25 ans"},
    };
    char number[FRENCH_NUMBER_MAX];
    bool first = true;

    fputs("<p class=\"soft\">", to);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const evaluation_cell *cell = find(action, parts[i].code);
        if (!cell || cell->state != EVALUATION_COUNTED || cell->value.size == 0)
            continue;
        fputs(first ? "dont " : ", ", to);
        page_text(to, french_number(cell->value, false, number, sizeof number));
        bool one = text_is(cell->value, "0") || text_is(cell->value, "1");
        fprintf(to, FRENCH_NO_BREAK "%s", one ? parts[i].one : parts[i].many);
        first = false;
    }
    fputs("</p>\n", to);
}

static void put_card(const evaluation_action *action, unsigned number, FILE *to)
{
    const evaluation_cell *total = find(action, "1.1.total");
    char words[EVALUATION_FORM_SHARE_MAX], figure[FRENCH_NUMBER_MAX];
    int share = total ? evaluation_form_share(action, total, words) : -1;

    fprintf(to, "<li>\n<h3><a href=\"#fiche-%u\">", number);
    put_title(action, to);
    fputs("</a></h3>\n<p class=\"big\">", to);
    if (!total || total->state != EVALUATION_COUNTED || total->value.size == 0) {
        fputs("—<span> aucun bénéficiaire n’a été transmis</span></p>\n</li>\n", to);
        return;
    }
    page_text(to, french_number(total->value, false, figure, sizeof figure));
    fprintf(to, "<span> %s", text_is(total->value, "0") || text_is(total->value, "1") ? "bénéficiaire" : "bénéficiaires");
    if (total->target.size > 0) {
        fputs(", objectif" FRENCH_NO_BREAK, to);
        page_text(to, french_number(total->target, false, figure, sizeof figure));
    }
    fputs("</span></p>\n", to);
    if (share >= 0) {
        fputs("<p>", to);
        page_bar(to, (unsigned)share, false, words);
        fputs("</p>\n", to);
    }
    put_public(action, to);
    fputs("</li>\n", to);
}

/* The notes of an action (empty: of the contract) under the titles of their kinds. */
static void put_notes(const evaluation_form *self, text_view action, FILE *to)
{
    for (int kind = 0; self->notes && kind < REPORT_NOTE_KINDS; kind++) {
        size_t at = 0;
        const report_note *note = report_notes_next(self->notes, (report_note_kind)kind, action, &at);
        if (!note)
            continue;
        fprintf(to, "<div class=\"care\">\n<h3>%s</h3>\n<ul class=\"notes\">\n", report_notes_title((report_note_kind)kind));
        for (; note; note = report_notes_next(self->notes, (report_note_kind)kind, action, &at)) {
            fputs("<li>", to);
            page_words(to, note->text);
            fputs("</li>\n", to);
        }
        fputs("</ul>\n", to);
        if (kind == REPORT_NOTE_SETTLE) {
            fputs("<p class=\"soft\">Le détail, par opérateur, est dans le classeur (feuille «" FRENCH_NO_BREAK "À régler" FRENCH_NO_BREAK
                  "») et dans <code>ctai-hub discrepancies ", to);
            page_text(to, self->table->contract);
            fputs("</code>.</p>\n", to);
        }
        fputs("</div>\n", to);
    }
}

static void put_essentials(const evaluation_form *self, FILE *to)
{
    const evaluation_table *table = self->table;

    fputs("<section id=\"essentiel\" aria-labelledby=\"t-essentiel\">\n<h2 id=\"t-essentiel\">L’essentiel</h2>\n"
          "<p>Étrangers éligibles bénéficiaires, par fiche-action. Une personne suivie dans plusieurs actions compte dans chacune, et une"
          " seule fois dans l’ensemble du contrat.</p>\n<ul class=\"cards\">\n", to);
    for (unsigned i = 0; i < table->action_count; i++)
        put_card(&table->actions[i], i + 1, to);
    fputs("</ul>\n", to);
    if (table->erased > 0)
        fprintf(to, "<p class=\"care\">%llu %s à cette position : effacés depuis, ils ne sont plus comptés.</p>\n",
                (unsigned long long)table->erased, table->erased < 2 ? "enregistrement de plus comptait" : "enregistrements de plus comptaient");
    put_notes(self, text_of(""), to);
    fputs("</section>\n", to);
}

static void put_value(const evaluation_cell *cell, FILE *to)
{
    if (cell->state == EVALUATION_NOT_COLLECTED)
        fputs("<span class=\"none\">non collecté</span>", to);
    else if (cell->state == EVALUATION_NOT_DONE)
        fputs("<span class=\"none\">non fait</span>", to);
    else if (cell->value.size == 0)
        fputs("<span aria-hidden=\"true\">—</span><span class=\"vh\">sans valeur</span>", to);
    else
        page_number(to, cell->value, cell->unit);
}

/* A narrative, or a list in words, over the columns of numbers. */
static void put_told(const evaluation_cell *cell, FILE *to)
{
    char words[1024];
    bool is_list = !memchr(cell->value.at, ' ', cell->value.size) && !memchr(cell->value.at, '\n', cell->value.size);
    text_view list = is_list ? french_list(cell->value, words, sizeof words) : text_of("");

    fputs("<td colspan=\"3\">", to);
    page_prose(to, list.size > 0 ? list : cell->value);
    fputs("</td></tr>\n", to);
}

static void put_cell(const evaluation_action *action, const evaluation_cell *cell, FILE *to)
{
    bool told = cell->is_text && cell->state == EVALUATION_COUNTED && cell->value.size > 0;
    char words[EVALUATION_FORM_SHARE_MAX], target[FRENCH_NUMBER_MAX];

    fprintf(to, "<tr class=\"%s\"><th scope=\"row\" class=\"d%u\">", told ? "told" : cell->target.size > 0 ? "main" : "plain", cell->depth);
    page_words(to, cell->label);
    fputs("</th>", to);
    if (told) {
        put_told(cell, to);
        return;
    }
    fputs("<td class=\"n\">", to);
    page_text(to, french_number(cell->target, false, target, sizeof target));
    fputs("</td><td class=\"n\">", to);
    put_value(cell, to);
    fputs("</td><td class=\"s\">", to);
    int share = evaluation_form_share(action, cell, words);
    if (share >= 0)
        page_bar(to, (unsigned)share, cell->target.size == 0, words);
    fputs("</td></tr>\n", to);
}

static void put_heading(text_view heading, FILE *to)
{
    bool own = heading.size == 0 || text_is(heading, "L");

    fputs("<tbody>\n<tr class=\"group\"><th colspan=\"4\" scope=\"rowgroup\">", to);
    if (!own) {
        fputs("<span class=\"num\">", to);
        page_text(to, heading);
        fputs("</span> ", to);
    }
    fprintf(to, "%s</th></tr>\n", evaluation_heading_title(heading));
}

static void put_table(const evaluation_action *action, FILE *to)
{
    const char *open = NULL; /* the title of the heading whose rows are being written */

    fputs("<table>\n<caption>Objectif et réalisé, dans l’ordre de la liste nationale : ", to);
    put_title(action, to);
    fputs("</caption>\n<thead>\n<tr><th scope=\"col\">Indicateur</th><th scope=\"col\" class=\"n o\">Objectif</th>"
          "<th scope=\"col\" class=\"n r\">Réalisé</th><th scope=\"col\" class=\"s\">Part</th></tr>\n</thead>\n", to);
    for (unsigned i = 0; i < action->cell_count; i++) {
        const evaluation_cell *cell = &action->cells[i];
        if (!evaluation_form_shows(cell))
            continue;
        text_view heading = evaluation_heading(cell->code);
        const char *title = evaluation_heading_title(heading);
        if (title != open) {
            fputs(open ? "</tbody>\n" : "", to);
            put_heading(heading, to);
            open = title;
        }
        put_cell(action, cell, to);
    }
    fputs(open ? "</tbody>\n" : "<tbody><tr><td colspan=\"4\">Aucun indicateur à montrer.</td></tr></tbody>\n", to);
    fputs("</table>\n", to);
}

static void put_not_collected(const evaluation_action *action, FILE *to)
{
    bool first = true;

    for (unsigned i = 0; i < action->cell_count; i++) {
        const evaluation_cell *cell = &action->cells[i];
        if (evaluation_form_shows(cell))
            continue;
        fputs(first ? "<p class=\"soft\"><strong>Rien n’a été collecté</strong> pour ces indicateurs de la liste, que le contrat n’a pas"
                      " retenus ici : " : " ; ", to);
        page_words(to, cell->label);
        first = false;
    }
    fputs(first ? "" : ".</p>\n", to);
}

/* The national list asks that it be said when the follow-up was not done. */
static void put_comments(const evaluation_action *action, FILE *to)
{
    bool missing = false, not_done = false;

    for (unsigned i = 0; i < action->cell_count; i++) {
        not_done |= action->cells[i].state == EVALUATION_NOT_DONE && action->cells[i].selected;
        missing |= action->cells[i].state == EVALUATION_NOT_COLLECTED && evaluation_form_shows(&action->cells[i]);
    }
    if (missing)
        fputs("<p class=\"soft\"><strong>Non collecté</strong> : aucun opérateur n’a transmis, pour cette période, de quoi renseigner la"
              " cellule ; le contrat a pourtant retenu l’indicateur.</p>\n", to);
    if (not_done)
        fputs("<p class=\"soft\"><strong>Non fait</strong> : aucun suivi six mois après la sortie n’a été transmis.</p>\n", to);
}

static void put_operators(const contract_action *said, FILE *to)
{
    fputs("<p class=\"who\">", to);
    fputs(said->operator_count > 1 ? "Opérateurs : " : "Opérateur : ", to);
    for (unsigned i = 0; i < said->operator_count; i++) {
        fputs(i > 0 ? " ; <strong>" : "<strong>", to);
        page_words(to, said->operators[i].name);
        fputs(said->operators[i].undetermined ? "</strong> (à déterminer)" : "</strong>", to);
    }
    fputs("</p>\n", to);
}

static void put_around(const contract_action *said, FILE *to)
{
    char number[32];

    if (said->operator_count > 0)
        put_operators(said, to);
    if (said->has_cost) {
        fputs("<p class=\"who\">Coût prévu : ", to);
        if (said->cost.known) {
            snprintf(number, sizeof number, "%lld.%02d", (long long)(said->cost.cents / 100), (int)(said->cost.cents % 100));
            page_number(to, text_of(number), text_of("euros"));
        } else {
            fputs("inconnu", to);
        }
        if (said->cost.note.size > 0)
            fputs(" (", to), page_words(to, said->cost.note), fputs(")", to);
        fputs("</p>\n", to);
    }
    if (said->refugies_info.size > 0) {
        fputs("<p class=\"who\">Fiche publique : ", to);
        page_link(to, said->refugies_info);
        fputs("</p>\n", to);
    }
}

static void put_action(const evaluation_form *self, unsigned index, FILE *to)
{
    const evaluation_action *action = &self->table->actions[index];
    const contract_action *said = is_whole(action) ? NULL : evaluation_form_action(self, action->code);

    fprintf(to, "<section class=\"fiche\" id=\"fiche-%u\" aria-labelledby=\"t-%u\">\n<h2 id=\"t-%u\">", index + 1, index + 1, index + 1);
    if (!is_whole(action))
        fputs("<span class=\"code\">Fiche-action ", to), page_text(to, action->code), fputs("<br /></span>", to);
    put_title(action, to);
    fputs("</h2>\n", to);
    if (is_whole(action))
        fputs("<p>Les mêmes comptes sur toutes les actions réunies. Chaque personne y compte une seule fois : ce n’est pas la somme des"
              " fiches-actions.</p>\n", to);
    if (said)
        put_around(said, to);
    put_table(action, to);
    put_comments(action, to);
    put_not_collected(action, to);
    if (!is_whole(action))
        put_notes(self, action->code, to);
    fputs("</section>\n", to);
}

void evaluation_html(const evaluation_form *self, FILE *to)
{
    char title[512], months[FRENCH_MONTHS_MAX];

    french_months(self->table->from, self->table->to, months);
    snprintf(title, sizeof title, "%.*s : évaluation, %s", (int)(self->table->title.size < 300 ? self->table->title.size : 300),
             self->table->title.at ? self->table->title.at : "", months);
    page_begin(to, text_of(title), self->table->contract);
    put_head(self, to);
    fputs("<main id=\"contenu\" tabindex=\"-1\">\n", to);
    put_essentials(self, to);
    for (unsigned i = 0; i < self->table->action_count; i++)
        put_action(self, i, to);
    fputs("</main>\n<footer>\n<p>Ce document montre de petits nombres : il est destiné aux parties au contrat et ne se publie pas. Il est"
          " établi par <span lang=\"en\">ctai-hub</span> à partir des enregistrements pseudonymisés des opérateurs ; les mêmes données"
          " redonnent le même document.</p>\n</footer>\n", to);
    page_end(to);
}
