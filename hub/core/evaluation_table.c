/*
 * evaluation_table: see the header.
 *
 * At a terminal a row is: the heading's number when it changes, the label (folded onto further lines
 * when it is long, the "dont" rows indented), objectif, réalisé, unit. What nobody collected and the
 * contract did not choose is one line at the end of its action, not thirty rows of zeros.
 */
#include "evaluation_table.h"

#include <assert.h>
#include <string.h>

#include "evaluation_layout.h"
#include "french.h"
#include "plain.h"

enum { NUMBER_COLUMN = 5, TARGET_COLUMN = 10, VALUE_COLUMN = 14, UNIT_COLUMN = 15, MARGIN = 2, WIDTH_MIN = 60, WIDTH_MAX = 110 };

const char *evaluation_state_name(evaluation_state state)
{
    static const char *const names[] = {
        [EVALUATION_COUNTED] = "compte", [EVALUATION_NOT_COLLECTED] = "non_collecte", [EVALUATION_NOT_DONE] = "non_fait",
    };
    assert(state >= EVALUATION_COUNTED && state <= EVALUATION_NOT_DONE);
    return names[state];
}

static size_t indent_of(text_view label)
{
    return label.size > 5 && memcmp(label.at, "dont ", 5) == 0 ? 2 : 0;
}

static bool is_shown(const evaluation_cell *cell)
{
    return cell->state != EVALUATION_NOT_COLLECTED || cell->selected || cell->target.size > 0;
}

/* A narrative or a list: folded below its label. */
static void print_text(const evaluation_cell *cell, size_t label_columns, FILE *to)
{
    size_t indent = MARGIN + NUMBER_COLUMN + 2;
    text_view rest = cell->value;
    char words[1024];
    if (!memchr(rest.at, ' ', rest.size) && !memchr(rest.at, '\n', rest.size)) {
        text_view list = french_list(rest, words, sizeof words);
        rest = list.size > 0 ? list : rest;
    }
    while (rest.size > 0) {
        const char *end = memchr(rest.at, '\n', rest.size);
        text_view paragraph = {rest.at, end ? (size_t)(end - rest.at) : rest.size};
        plain_folded(to, paragraph, indent, label_columns + TARGET_COLUMN + VALUE_COLUMN);
        rest.at += paragraph.size + (end != NULL);
        rest.size -= paragraph.size + (end != NULL);
    }
}

static void print_cell(const evaluation_cell *cell, text_view heading, size_t label_columns, FILE *to)
{
    char number[128], target[128];
    size_t indent = indent_of(cell->label);
    text_view label = cell->label, unit = cell->unit, value = {NULL, 0};
    if (cell->state == EVALUATION_NOT_COLLECTED)
        value = text_of("non collecté"), unit = text_of("");
    else if (cell->state == EVALUATION_NOT_DONE)
        value = text_of("non fait"), unit = text_of("");
    else if (cell->value.size == 0)
        value = text_of("—"), unit = text_of("");
    else if (!cell->is_text)
        value = french_number(cell->value, text_is(unit, "euros"), number, sizeof number), unit = french_unit(unit, cell->value);
    text_view line = plain_first_line(label, label_columns - indent);
    plain_times(to, " ", MARGIN);
    plain_put(to, heading);
    plain_times(to, " ", NUMBER_COLUMN - text_width(heading) + indent);
    plain_tame(to, line);
    if (value.size > 0 || cell->target.size > 0) {
        plain_times(to, " ", label_columns - indent - text_width(line));
        plain_right(to, french_number(cell->target, false, target, sizeof target), TARGET_COLUMN);
    }
    if (value.size > 0)
        plain_right(to, value, VALUE_COLUMN);
    if (unit.size > 0 && value.size > 0) {
        fputs("  ", to);
        plain_tame(to, unit);
    }
    fputc('\n', to);
    plain_folded(to, plain_after(label, line), MARGIN + NUMBER_COLUMN + indent, label_columns - indent);
    if (cell->is_text && cell->state == EVALUATION_COUNTED && cell->value.size > 0)
        print_text(cell, label_columns, to);
}

static void print_not_collected(const evaluation_action *action, size_t width, FILE *to)
{
    static const char lead[] = "Rien n’a été collecté pour : ";
    size_t column = 0;
    for (unsigned i = 0; i < action->cell_count; i++) {
        const evaluation_cell *cell = &action->cells[i];
        if (is_shown(cell))
            continue;
        size_t size = text_width(cell->code) + 2;
        if (column == 0) {
            plain_times(to, " ", MARGIN);
            fputs(lead, to);
            column = MARGIN + text_width(text_of(lead));
        } else if (column + size > width) {
            fputs(",\n", to);
            plain_times(to, " ", MARGIN);
            column = MARGIN;
        } else {
            fputs(", ", to);
        }
        plain_put(to, cell->code);
        column += size;
    }
    if (column > 0)
        fputs(".\n", to);
}

static void print_action(const evaluation_action *action, size_t width, FILE *to)
{
    size_t label_columns = width - MARGIN - NUMBER_COLUMN - TARGET_COLUMN - VALUE_COLUMN - UNIT_COLUMN;
    bool whole = text_is(action->code, "contrat");
    fputc('\n', to);
    plain_times(to, "─", width);
    fputc('\n', to);
    if (whole) {
        plain_folded(to, text_of("CONTRAT · toutes les actions ensemble, chaque personne comptée une fois"), 0, width);
    } else {
        size_t used = text_width(action->code) + 3;
        text_view line = plain_first_line(action->title, used < width ? width - used : 1);
        plain_put(to, action->code);
        fputs(" · ", to);
        plain_tame(to, line);
        fputc('\n', to);
        plain_folded(to, plain_after(action->title, line), MARGIN, width - MARGIN);
        plain_times(to, " ", MARGIN);
        plain_tame(to, action->refugies_info.size > 0 ? action->refugies_info : text_of("Sans adresse sur refugies.info (article 6)."));
        fputc('\n', to);
    }
    plain_times(to, " ", MARGIN + NUMBER_COLUMN + label_columns);
    plain_right(to, text_of("Objectif"), TARGET_COLUMN);
    plain_right(to, text_of("Réalisé"), VALUE_COLUMN);
    fputc('\n', to);
    text_view heading = {NULL, 0};
    for (unsigned i = 0; i < action->cell_count; i++) {
        const evaluation_cell *cell = &action->cells[i];
        if (!is_shown(cell))
            continue;
        text_view now = evaluation_heading(cell->code);
        print_cell(cell, text_equal(now, heading) ? text_of("") : now, label_columns, to);
        heading = now;
    }
    print_not_collected(action, width, to);
}

void evaluation_table_version(const evaluation_table *self, char text[EVALUATION_VERSION_TEXT])
{
    int year, month, day;
    if (self->amendment == 0) {
        snprintf(text, EVALUATION_VERSION_TEXT, "contrat initial");
        return;
    }
    civil_split(self->effective_day, &year, &month, &day);
    snprintf(text, EVALUATION_VERSION_TEXT, "avenant n° %u, applicable au %d%s %s %d", self->amendment, day, day == 1 ? "er" : "",
             french_month(civil_month_of(self->effective_day)), year);
}

/* The same however far the ledger has come since: a report as of the past is the one that was printed then. */
static void print_period(const evaluation_table *self, size_t columns, FILE *to)
{
    char line[256 + EVALUATION_VERSION_TEXT], version[EVALUATION_VERSION_TEXT];
    evaluation_table_version(self, version);
    snprintf(line, sizeof line, "Période évaluée : de %s %d à %s %d · %s · position %llu du registre", french_month(self->from),
             (int)(self->from / 12), french_month(self->to), (int)(self->to / 12), version, (unsigned long long)self->position);
    plain_folded(to, text_of(line), 0, columns);
}

static void put_day(civil_day day, FILE *to)
{
    int year, month, day_of_month;
    civil_split(day, &year, &month, &day_of_month);
    fprintf(to, "%02d/%02d/%04d", day_of_month, month, year);
}

void evaluation_table_print(const evaluation_table *self, unsigned width, FILE *to)
{
    size_t columns = width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
    fputs("ÉVALUATION DU CONTRAT (article 7)\n", to);
    plain_folded(to, self->title, 0, columns);
    plain_put(to, self->contract);
    fputs(" · département ", to);
    plain_put(to, self->department);
    fputs(" · du ", to);
    put_day(self->first_day, to);
    fputs(" au ", to);
    put_day(self->last_day, to);
    fputc('\n', to);
    print_period(self, columns, to);
    for (unsigned i = 0; i < self->action_count; i++)
        print_action(&self->actions[i], columns, to);
}

void evaluation_table_csv(const evaluation_table *self, FILE *to)
{
    fputs("contrat,action,indicateur,libelle,objectif,realise,unite,statut\n", to);
    for (unsigned i = 0; i < self->action_count; i++) {
        const evaluation_action *action = &self->actions[i];
        for (unsigned j = 0; j < action->cell_count; j++) {
            const evaluation_cell *cell = &action->cells[j];
            plain_csv(self->contract, false, to), fputc(',', to);
            plain_csv(action->code, false, to), fputc(',', to);
            plain_csv(cell->code, false, to), fputc(',', to);
            plain_csv(cell->label, true, to), fputc(',', to);
            plain_csv(cell->target, false, to), fputc(',', to);
            plain_csv(cell->value, cell->is_text, to), fputc(',', to);
            plain_csv(cell->unit, true, to), fputc(',', to);
            fprintf(to, "%s\n", evaluation_state_name(cell->state));
        }
    }
}
