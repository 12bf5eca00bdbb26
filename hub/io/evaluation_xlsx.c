/*
 * evaluation_xlsx: see the header.
 *
 * A sheet has the rows of the evaluation's tables (instruction, annex): all of them, in the national list's order under its
 * headings, also those that nobody collected; then « Ensemble », then « Lisez-moi » with what stands around the cells.
 */
#include "evaluation_xlsx.h"

#include <string.h>

#include "evaluation_layout.h"
#include "french.h"
#include "spreadsheet.h"

enum { CODE, LABEL, TARGET, VALUE, UNIT, SHARE, COMMENT, COLUMNS };

static const double widths[COLUMNS] = {22, 56, 10, 17, 14, 19, 44};
enum { LINE_MAX_BYTES = 2048, KEYS_SHOWN = 20 };

static bool is_whole(const evaluation_action *action)
{
    return text_is(action->code, "contrat");
}

static const char *comment_of(const evaluation_cell *cell)
{
    if (cell->state == EVALUATION_NOT_DONE)
        return "Aucun suivi six mois après la sortie n’a été transmis.";
    if (cell->state != EVALUATION_NOT_COLLECTED)
        return "";
    return evaluation_form_shows(cell) ? "Retenu par le contrat : aucun opérateur n’a transmis de quoi le renseigner."
                                       : "Non retenu ici par le contrat.";
}

static void put_value(spreadsheet *to, const evaluation_cell *cell)
{
    if (cell->state == EVALUATION_NOT_COLLECTED)
        spreadsheet_text(to, VALUE, text_of("non collecté"), SPREADSHEET_STATE);
    else if (cell->state == EVALUATION_NOT_DONE)
        spreadsheet_text(to, VALUE, text_of("non fait"), SPREADSHEET_STATE);
    else if (cell->value.size == 0)
        spreadsheet_text(to, VALUE, text_of("—"), SPREADSHEET_STATE);
    else
        spreadsheet_number(to, VALUE, cell->value, spreadsheet_look_of(cell->unit));
}

static void put_share(spreadsheet *to, const evaluation_action *action, const evaluation_cell *cell)
{
    char words[EVALUATION_FORM_SHARE_MAX];
    int share = evaluation_form_share(action, cell, words);
    spreadsheet_look look = SPREADSHEET_PERCENT_TARGET;

    if (cell->target.size == 0)
        look = cell->depth > 1 ? SPREADSHEET_PERCENT_PART : SPREADSHEET_PERCENT_TOTAL;
    if (share >= 0)
        spreadsheet_percent(to, SHARE, (unsigned)share, look);
    else
        spreadsheet_text(to, SHARE, text_of(""), SPREADSHEET_QUIET);
}

/* A narrative in its cell's place, over the columns of numbers; one that is higher than a row goes on in the next. */
static void put_told(spreadsheet *to, const evaluation_cell *cell)
{
    char words[1024];
    double width = 0;
    bool is_list = !memchr(cell->value.at, ' ', cell->value.size) && !memchr(cell->value.at, '\n', cell->value.size);
    text_view list = is_list ? french_list(cell->value, words, sizeof words) : text_of("");
    text_view rest = text_trim(list.size > 0 ? list : cell->value);

    for (int i = TARGET; i <= COMMENT; i++)
        width += widths[i];
    for (bool first = true; rest.size > 0; first = false) {
        text_view part = spreadsheet_fit(rest, width);
        if (!first) {
            spreadsheet_next_row(to);
            spreadsheet_text(to, CODE, text_of(""), SPREADSHEET_QUIET);
            spreadsheet_label(to, LABEL, text_of(""), 0);
        }
        spreadsheet_across(to, TARGET, COMMENT, part, SPREADSHEET_PROSE);
        rest = text_trim((text_view){rest.at + part.size, rest.size - part.size});
    }
}

static void put_cell(spreadsheet *to, const evaluation_action *action, const evaluation_cell *cell)
{
    spreadsheet_next_row(to);
    spreadsheet_text(to, CODE, cell->code, SPREADSHEET_QUIET);
    if (cell->target.size > 0)
        spreadsheet_text(to, LABEL, cell->label, SPREADSHEET_STRONG);
    else
        spreadsheet_label(to, LABEL, cell->label, cell->depth);
    if (cell->is_text && cell->state == EVALUATION_COUNTED && cell->value.size > 0) {
        put_told(to, cell);
        return;
    }
    if (cell->target.size > 0)
        spreadsheet_number(to, TARGET, cell->target, SPREADSHEET_COUNT);
    else
        spreadsheet_text(to, TARGET, text_of(""), SPREADSHEET_QUIET);
    put_value(to, cell);
    spreadsheet_text(to, UNIT, cell->is_text ? text_of("") : cell->unit, SPREADSHEET_QUIET);
    put_share(to, action, cell);
    spreadsheet_text(to, COMMENT, text_of(comment_of(cell)), SPREADSHEET_QUIET);
}

static void put_heading(spreadsheet *to, text_view heading)
{
    bool own = heading.size == 0 || text_is(heading, "L");

    spreadsheet_next_row(to);
    spreadsheet_text(to, CODE, own ? text_of("") : heading, SPREADSHEET_BAND);
    spreadsheet_text(to, LABEL, text_of(evaluation_heading_title(heading)), SPREADSHEET_BAND);
    for (unsigned i = TARGET; i < COLUMNS; i++)
        spreadsheet_text(to, i, text_of(""), SPREADSHEET_BAND);
}

static void put_line(spreadsheet *to, const char *line)
{
    spreadsheet_next_row(to);
    spreadsheet_text(to, 0, text_of(line), SPREADSHEET_SUBTITLE);
}

/* "Opérateurs : CIAS ; CeCler. Coût prévu : 14 892,00 €." */
static void put_operators(spreadsheet *to, const contract_action *said)
{
    char line[LINE_MAX_BYTES], number[32], french[FRENCH_NUMBER_MAX];
    FILE *text = fmemopen(line, sizeof line, "w");

    if (!text)
        return;
    if (said->operator_count > 0)
        fputs(said->operator_count > 1 ? "Opérateurs" FRENCH_NO_BREAK ": " : "Opérateur" FRENCH_NO_BREAK ": ", text);
    for (unsigned i = 0; i < said->operator_count; i++)
        fprintf(text, "%s%.*s%s", i > 0 ? FRENCH_THIN "; " : "", (int)said->operators[i].name.size, said->operators[i].name.at,
                said->operators[i].undetermined ? " (à déterminer)" : "");
    if (said->has_cost && said->cost.known) {
        snprintf(number, sizeof number, "%lld.%02d", (long long)(said->cost.cents / 100), (int)(said->cost.cents % 100));
        text_view cost = french_number(text_of(number), true, french, sizeof french);
        fprintf(text, "   ·   Coût prévu" FRENCH_NO_BREAK ": %.*s" FRENCH_NO_BREAK "€", (int)cost.size, cost.at);
    } else if (said->has_cost) {
        fputs("   ·   Coût prévu" FRENCH_NO_BREAK ": inconnu", text);
    }
    if (fclose(text) == 0 || line[0])
        line[sizeof line - 1] = '\0', put_line(to, line);
}

static void period_line(const evaluation_table *table, char to[LINE_MAX_BYTES])
{
    char months[FRENCH_MONTHS_MAX], day[FRENCH_DAY_MAX], version[EVALUATION_VERSION_TEXT], known[FRENCH_DAY_MAX + 16] = "";

    french_months(table->from, table->to, months);
    evaluation_table_version(table, version);
    if (table->moment_day != CIVIL_NONE) {
        french_day(table->moment_day, day);
        snprintf(known, sizeof known, "au %s, ", day);
    }
    snprintf(to, LINE_MAX_BYTES, "%.*s   ·   Période évaluée" FRENCH_NO_BREAK ": %s   ·   %s   ·   État %sposition %llu du registre",
             (int)(table->contract.size < 100 ? table->contract.size : 100), table->contract.at ? table->contract.at : "", months, version,
             known, (unsigned long long)table->position);
}

static void put_head(const evaluation_form *self, const evaluation_action *action, spreadsheet *to)
{
    static const char *const heads[COLUMNS] = {"Code", "Indicateur", "Objectif", "Réalisé", "Unité", "Part", "Commentaire"};
    const contract_action *said = is_whole(action) ? NULL : evaluation_form_action(self, action->code);
    char line[LINE_MAX_BYTES];

    spreadsheet_next_row(to);
    spreadsheet_text(to, 0, is_whole(action) ? text_of("Ensemble du contrat") : action->title, SPREADSHEET_TITLE);
    period_line(self->table, line);
    put_line(to, line);
    if (is_whole(action))
        put_line(to, "Toutes les actions réunies ; chaque personne compte une seule fois : ce n’est pas la somme des feuilles.");
    else if (said)
        put_operators(to, said);
    spreadsheet_next_row(to);
    for (unsigned i = 0; i < COLUMNS; i++)
        spreadsheet_text(to, i, text_of(heads[i]), i == TARGET || i == VALUE || i == SHARE ? SPREADSHEET_HEAD_NUMBER : SPREADSHEET_HEAD);
    spreadsheet_freeze(to, LABEL + 1);
}

static void put_action(const evaluation_form *self, const evaluation_action *action, spreadsheet *to)
{
    const char *open = NULL;

    spreadsheet_sheet(to, is_whole(action) ? text_of("Ensemble") : action->code, widths, COLUMNS, self->table->contract);
    put_head(self, action, to);
    for (unsigned i = 0; i < action->cell_count; i++) {
        text_view heading = evaluation_heading(action->cells[i].code);
        const char *title = evaluation_heading_title(heading);
        if (title != open)
            put_heading(to, heading);
        open = title;
        put_cell(to, action, &action->cells[i]);
    }
}

static void put_fact(spreadsheet *to, const char *name, text_view what)
{
    spreadsheet_next_row(to);
    spreadsheet_text(to, 0, text_of(name), SPREADSHEET_STRONG);
    spreadsheet_text(to, 1, what, SPREADSHEET_PROSE);
}

static void put_facts(const evaluation_form *self, spreadsheet *to)
{
    const evaluation_table *table = self->table;
    char first[FRENCH_DAY_MAX], last[FRENCH_DAY_MAX], line[LINE_MAX_BYTES];

    french_day(table->first_day, first);
    french_day(table->last_day, last);
    put_fact(to, "Contrat", table->title);
    period_line(table, line);
    put_fact(to, "Ce rapport", text_of(line));
    snprintf(line, sizeof line, "du %s au %s", first, last);
    put_fact(to, "Durée du contrat", text_of(line));
    snprintf(line, sizeof line, "%.*s (%.*s)", (int)self->department.size, self->department.at ? self->department.at : "",
             (int)table->department.size, table->department.at ? table->department.at : "");
    put_fact(to, "Département", self->department.size > 0 ? text_of(line) : table->department);
    if (table->erased > 0) {
        snprintf(line, sizeof line, "%llu %s à cette position : effacés depuis, ils ne sont plus comptés.", (unsigned long long)table->erased,
                 table->erased < 2 ? "enregistrement de plus comptait" : "enregistrements de plus comptaient");
        put_fact(to, "Effacements", text_of(line));
    }
}

static void put_notes(const evaluation_form *self, spreadsheet *to)
{
    char line[LINE_MAX_BYTES];

    for (int kind = 0; self->notes && kind < REPORT_NOTE_KINDS; kind++) {
        const report_note *notes = self->notes->notes.items;
        if (report_notes_count(self->notes, (report_note_kind)kind) == 0)
            continue;
        spreadsheet_next_row(to);
        spreadsheet_next_row(to);
        spreadsheet_text(to, 0, text_of(report_notes_title((report_note_kind)kind)), SPREADSHEET_BAND);
        spreadsheet_text(to, 1, text_of(""), SPREADSHEET_BAND);
        for (size_t i = 0; i < self->notes->notes.count; i++) {
            if (notes[i].kind != (report_note_kind)kind)
                continue;
            text_copy(line, sizeof line, notes[i].action.size > 0 ? notes[i].action : text_of("Contrat"));
            put_fact(to, line, notes[i].text);
        }
    }
}

/* The keys, one a line, as many as a row shows. */
static void put_keys(const discrepancy_row *row, spreadsheet *to)
{
    char line[KEYS_SHOWN * 40 + 64] = "";
    size_t used = 0;

    for (unsigned i = 0; i < row->key_count && i < KEYS_SHOWN; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%.*s", i > 0 ? "\n" : "", (int)(row->keys[i].size < 36 ? row->keys[i].size : 36),
                                 row->keys[i].at);
    if (row->key_count > KEYS_SHOWN)
        snprintf(line + used, sizeof line - used, "\net %u autres : ctai-hub discrepancies", row->key_count - KEYS_SHOWN);
    spreadsheet_text(to, 5, text_of(line), SPREADSHEET_QUIET);
}

/* What is open, one by one, with the keys with which an operator's agent says whom it concerns. */
static void put_open(const evaluation_form *self, spreadsheet *to)
{
    static const double columns[] = {14, 18, 22, 14, 56, 40};
    static const char *const heads[] = {"Action", "Opérateur", "Mois", "Affaire", "Constat", "Clés (ctai-agent explain)"};
    char line[LINE_MAX_BYTES];
    const discrepancy_table *open = self->open;

    if (!open || open->count == 0)
        return;
    spreadsheet_sheet(to, text_of("À régler"), columns, 6, self->table->contract);
    spreadsheet_next_row(to);
    spreadsheet_text(to, 0, text_of("À régler entre les parties"), SPREADSHEET_TITLE);
    spreadsheet_next_row(to);
    for (unsigned i = 0; i < 6; i++)
        spreadsheet_text(to, i, text_of(heads[i]), SPREADSHEET_HEAD);
    spreadsheet_freeze(to, 0);
    for (unsigned i = 0; i < open->count; i++) {
        const discrepancy_row *row = &open->rows[i];
        if (i == 0 || open->rows[i - 1].kind != row->kind) {
            spreadsheet_next_row(to);
            spreadsheet_across(to, 0, 5, text_of(discrepancy_kind_title(row->kind)), SPREADSHEET_BAND);
            spreadsheet_next_row(to);
            spreadsheet_across(to, 0, 5, row->remedy, SPREADSHEET_QUIET);
        }
        spreadsheet_next_row(to);
        spreadsheet_text(to, 0, row->action, SPREADSHEET_PROSE);
        spreadsheet_text(to, 1, row->operator_name, SPREADSHEET_PROSE);
        if (row->month != CIVIL_NONE)
            french_months(row->month, row->month, line);
        spreadsheet_text(to, 2, row->month != CIVIL_NONE ? text_of(line) : text_of(""), SPREADSHEET_PROSE);
        snprintf(line, sizeof line, "%u", row->matter);
        spreadsheet_number(to, 3, text_of(line), SPREADSHEET_COUNT);
        spreadsheet_text(to, 4, row->finding, SPREADSHEET_PROSE);
        put_keys(row, to);
    }
}

static void put_guide(spreadsheet *to)
{
    spreadsheet_next_row(to);
    spreadsheet_next_row(to);
    spreadsheet_text(to, 0, text_of("Lire les feuilles"), SPREADSHEET_BAND);
    spreadsheet_text(to, 1, text_of(""), SPREADSHEET_BAND);
    put_fact(to, "non collecté", text_of("Aucun opérateur n’a transmis, pour cette période, d’enregistrement de ce que lit l’indicateur."));
    put_fact(to, "non fait", text_of("Le suivi six mois après la sortie n’a été fait pour personne."));
    put_fact(to, "—", text_of("Rien à calculer : aucun parcours terminé, aucun texte."));
    put_fact(to, "Part", text_of("Du réalisé dans l’objectif, ou d’une ligne « dont » dans celle dont elle est une partie."));
    put_fact(to, "Ensemble", text_of("Chaque personne y compte une seule fois, même suivie dans plusieurs actions."));
    put_fact(to, "Diffusion", text_of("Ces feuilles montrent de petits nombres : elles sont destinées aux parties au contrat et ne se publient pas."));
}

bool evaluation_xlsx(const evaluation_form *self, const char *folder, FILE *to)
{
    static const double guide[] = {28, 110};
    char subject[FRENCH_MONTHS_MAX + 32], months[FRENCH_MONTHS_MAX];
    const evaluation_table *table = self->table;

    french_months(table->from, table->to, months);
    snprintf(subject, sizeof subject, "Évaluation, %s", months);
    spreadsheet *book = spreadsheet_new(folder, table->title, text_of(subject), table->moment_s);
    if (!book)
        return false;
    for (unsigned i = 0; i < table->action_count; i++)
        put_action(self, &table->actions[i], book);
    put_open(self, book);
    spreadsheet_sheet(book, text_of("Lisez-moi"), guide, 2, table->contract);
    spreadsheet_next_row(book);
    spreadsheet_text(book, 0, text_of("Évaluation du contrat (article 7)"), SPREADSHEET_TITLE);
    put_facts(self, book);
    put_notes(self, book);
    put_guide(book);
    bool good = spreadsheet_finish(book, to);
    spreadsheet_destroy(&book);
    return good;
}
