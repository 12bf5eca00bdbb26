/* region_form: see the header. */
#include "region_form.h"

#include <string.h>

#include "french.h"
#include "plain.h"

enum { WIDTH_MIN = 60, WIDTH_MAX = 110, VALUE_COLUMN = 16, UNIT_COLUMN = 16, MARGIN = 4 };

const char *region_form_state(const region_cell *cell)
{
    return cell->masked ? "masque" : "publie";
}

static bool is_text(const region_indicator *indicator)
{
    return indicator->what.kind == CATALOGUE_TEXTE || indicator->what.kind == CATALOGUE_LISTE;
}

void region_form_csv(const region_table *self, FILE *to)
{
    fputs(REGION_FORM_HEADER "\n", to);
    for (unsigned i = 0; i < self->cell_count; i++) {
        const region_cell *cell = &self->cells[i];
        const region_territory *where = &self->territories[cell->territory];
        const region_indicator *what = &self->indicators[cell->indicator];
        plain_csv(where->region, false, to), fputc(',', to);
        plain_csv(where->department, false, to), fputc(',', to);
        plain_csv(where->contract, false, to), fputc(',', to);
        plain_csv(what->what.code, false, to), fputc(',', to);
        plain_csv(what->what.label, true, to), fputc(',', to);
        plain_csv(cell->masked ? text_of("") : cell->shown, is_text(what), to), fputc(',', to);
        fprintf(to, "%s,", region_form_state(cell));
        plain_csv(what->what.unit, true, to);
        fputc('\n', to);
    }
}

void region_form_period(const region_table *self, char text[REGION_FORM_PERIOD_MAX])
{
    int from_year = self->from / 12, to_year = self->to / 12;
    if (self->from == CIVIL_NONE)
        snprintf(text, REGION_FORM_PERIOD_MAX, "toute la durée de chaque contrat");
    else if (from_year == to_year && self->from % 12 == 0 && self->to % 12 == 11)
        snprintf(text, REGION_FORM_PERIOD_MAX, "année %d", from_year);
    else if (self->from == self->to)
        snprintf(text, REGION_FORM_PERIOD_MAX, "%s %d", french_month(self->from), from_year);
    else if (from_year == to_year)
        snprintf(text, REGION_FORM_PERIOD_MAX, "de %s à %s %d", french_month(self->from), french_month(self->to), from_year);
    else
        snprintf(text, REGION_FORM_PERIOD_MAX, "de %s %d à %s %d", french_month(self->from), from_year, french_month(self->to), to_year);
}

static void print_cell(const region_table *self, const region_cell *cell, size_t label_columns, FILE *to)
{
    char number[FRENCH_NUMBER_MAX], words[1024];
    const catalogue_indicator *what = &self->indicators[cell->indicator].what;
    bool text = is_text(&self->indicators[cell->indicator]) && !cell->masked && cell->has_value;
    text_view value = text_of("—"), unit = text_of("");
    if (cell->masked)
        value = text_of("· masqué");
    else if (text)
        value = text_of("");
    else if (cell->has_value)
        value = french_number(cell->shown, text_is(what->unit, "euros"), number, sizeof number), unit = french_unit(what->unit, cell->shown);
    text_view line = plain_first_line(what->label, label_columns);
    plain_times(to, " ", MARGIN);
    plain_tame(to, line);
    size_t used = text_width(line) + text_width(value);
    if (value.size > 0) {
        plain_times(to, " ", used < label_columns + VALUE_COLUMN ? label_columns + VALUE_COLUMN - used : 1);
        plain_put(to, value);
    }
    if (unit.size > 0) {
        fputs("  ", to);
        plain_tame(to, unit);
    }
    fputc('\n', to);
    plain_paragraphs(to, plain_after(what->label, line), MARGIN + 2, label_columns - 2);
    if (!text)
        return;
    text_view list = what->kind == CATALOGUE_LISTE ? french_list(cell->shown, words, sizeof words) : cell->shown;
    plain_paragraphs(to, list.size > 0 ? list : cell->shown, MARGIN + 2, label_columns + VALUE_COLUMN);
}

/* Nothing counted, and nothing hidden: not worth a row of a contract. */
static bool is_idle(const region_cell *cell)
{
    return !cell->masked && (!cell->has_value || text_is(cell->shown, "0"));
}

static void print_section(const region_table *self, unsigned territory, const region_section *section, size_t label_columns,
                          unsigned *idle, FILE *to)
{
    bool led = false;
    for (unsigned i = 0; i < section->indicator_count; i++) {
        const region_cell *cell = region_table_cell(self, territory, section->indicators[i]);
        if (!cell)
            continue;
        if (is_idle(cell) && self->territories[territory].level != REGION_WHOLE) {
            ++*idle;
            continue;
        }
        if (!led) {
            fputs("  ", to);
            plain_tame(to, section->title);
            fputc('\n', to);
        }
        led = true;
        print_cell(self, cell, label_columns, to);
    }
}

static void print_territory(const region_table *self, unsigned territory, const region_section *sections, unsigned section_count,
                            unsigned width, FILE *to)
{
    const region_territory *one = &self->territories[territory];
    static const char *const kinds[] = {"Contrat", "Département", "Région"};
    text_view code = one->level == REGION_CONTRACT ? one->contract : one->level == REGION_DEPARTMENT ? one->department : one->region;
    unsigned idle = 0;
    fputc('\n', to);
    plain_times(to, one->level == REGION_CONTRACT ? "─" : "━", width);
    fprintf(to, "\n%s ", kinds[one->level]);
    plain_tame(to, code);
    fputs(" · ", to);
    plain_tame(to, one->name);
    fputc('\n', to);
    for (unsigned i = 0; i < section_count; i++)
        print_section(self, territory, &sections[i], width - MARGIN - VALUE_COLUMN - UNIT_COLUMN, &idle, to);
    if (idle > 0)
        fputs("  Les indicateurs qui ne sont pas montrés ici sont à zéro ou sans valeur.\n", to);
}

static bool has_masked(const region_table *self)
{
    bool masked = false;
    for (unsigned i = 0; i < self->cell_count && !masked; i++)
        masked = self->cells[i].masked;
    return masked;
}

void region_form_print(const region_table *self, const char *standing, const region_scheme *scheme, const region_section *sections,
                       unsigned section_count, unsigned width, FILE *to)
{
    char line[512], period[REGION_FORM_PERIOD_MAX];
    width = width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
    region_form_period(self, period);
    snprintf(line, sizeof line, "RAPPORT RÉGIONAL · %.*s (%.*s)", (int)self->name.size, self->name.at, (int)self->code.size, self->code.at);
    plain_paragraphs(to, text_of(line), 0, width);
    if (scheme) {
        snprintf(line, sizeof line, "%.*s (%u-%u)%s", (int)scheme->title.size, scheme->title.at, scheme->first_year, scheme->last_year,
                 scheme->to_confirm ? " ; rubriques à confirmer par la région" : "");
        plain_paragraphs(to, text_of(line), 0, width);
    }
    snprintf(line, sizeof line, "Période%s: %s", FRENCH_NO_BREAK, period);
    plain_paragraphs(to, text_of(line), 0, width);
    plain_paragraphs(to, text_of(standing), 0, width);
    if (has_masked(self)) {
        snprintf(line, sizeof line, "« · masqué »%s: la cellule porte sur moins de %u personnes, ménages ou faits, ou elle permettrait d’en "
                 "déduire une qui l’est ; ce n’est pas un zéro.", FRENCH_NO_BREAK, self->threshold);
        plain_paragraphs(to, text_of(line), 0, width);
    }
    for (unsigned i = 0; i < self->territory_count; i++)
        print_territory(self, i, sections, section_count, width, to);
}
