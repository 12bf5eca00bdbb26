/*
 * region_xlsx: see the header. A sheet has the indicators under the scheme's headings as rows, and as columns the territory
 * itself and those that it is the sum of. A department with many contracts has several sheets.
 */
#include "region_xlsx.h"

#include "french.h"
#include "region_form.h"
#include "spreadsheet.h"

enum { CODE, LABEL, UNIT, FIRST, PARTS_MAX = 40, LINE_MAX_BYTES = 1024, NAME_BYTES = 256 };

static void put_cell(spreadsheet *to, const region_document *self, unsigned column, const region_cell *cell)
{
    char words[LINE_MAX_BYTES];

    if (!cell) {
        spreadsheet_text(to, column, text_of(""), SPREADSHEET_QUIET);
        return;
    }
    const catalogue_indicator *what = &self->table->indicators[cell->indicator].what;
    if (cell->masked) {
        spreadsheet_text(to, column, text_of("masqué"), SPREADSHEET_STATE);
    } else if (!cell->has_value) {
        spreadsheet_text(to, column, text_of("—"), SPREADSHEET_STATE);
    } else if (what->kind == CATALOGUE_TEXTE || what->kind == CATALOGUE_LISTE) {
        text_view list = what->kind == CATALOGUE_LISTE ? french_list(cell->shown, words, sizeof words) : cell->shown;
        spreadsheet_text(to, column, list.size > 0 ? list : cell->shown, SPREADSHEET_PROSE);
    } else {
        spreadsheet_number(to, column, cell->shown, spreadsheet_look_of(what->unit));
    }
}

/* The columns of a sheet: territories, the sum first. */
typedef struct {
    unsigned count;
    unsigned territories[PARTS_MAX + 1];
} sheet_columns;

static bool has_any(const region_document *self, const sheet_columns *columns, unsigned indicator)
{
    for (unsigned i = 0; i < columns->count; i++)
        if (region_table_cell(self->table, columns->territories[i], indicator))
            return true;
    return false;
}

static void put_rows(const region_document *self, const sheet_columns *columns, spreadsheet *to)
{
    for (unsigned s = 0; s < self->section_count; s++) {
        const region_section *section = &self->sections[s];
        spreadsheet_next_row(to);
        spreadsheet_text(to, CODE, section->code, SPREADSHEET_BAND);
        spreadsheet_text(to, LABEL, section->title, SPREADSHEET_BAND);
        for (unsigned i = UNIT; i < FIRST + columns->count; i++)
            spreadsheet_text(to, i, text_of(""), SPREADSHEET_BAND);
        for (unsigned i = 0; i < section->indicator_count; i++) {
            unsigned indicator = section->indicators[i];
            const catalogue_indicator *what = &self->table->indicators[indicator].what;
            if (!has_any(self, columns, indicator))
                continue;
            spreadsheet_next_row(to);
            spreadsheet_text(to, CODE, what->code, SPREADSHEET_QUIET);
            spreadsheet_label(to, LABEL, what->label, region_page_depth(self, section, i));
            spreadsheet_text(to, UNIT, what->unit, SPREADSHEET_QUIET);
            for (unsigned k = 0; k < columns->count; k++)
                put_cell(to, self, FIRST + k, region_table_cell(self->table, columns->territories[k], indicator));
        }
    }
}

static void name_column(const region_document *self, unsigned territory, char to[NAME_BYTES])
{
    const region_territory *one = &self->table->territories[territory];
    text_view code = one->level == REGION_CONTRACT ? one->contract : one->level == REGION_DEPARTMENT ? one->department : one->region;

    if (one->level == REGION_CONTRACT)
        text_copy(to, NAME_BYTES, code);
    else
        snprintf(to, NAME_BYTES, "%.*s (%.*s)", (int)(one->name.size < 200 ? one->name.size : 200), one->name.at ? one->name.at : "",
                 (int)(code.size < 20 ? code.size : 20), code.at ? code.at : "");
}

static void put_sheet(const region_document *self, text_view name, const sheet_columns *columns, spreadsheet *to)
{
    double widths[FIRST + PARTS_MAX + 1] = {24, 56, 14};
    char line[LINE_MAX_BYTES], period[REGION_FORM_PERIOD_MAX], head[NAME_BYTES];

    for (unsigned i = 0; i < columns->count; i++)
        widths[FIRST + i] = 17;
    spreadsheet_sheet(to, name, widths, FIRST + columns->count, text_of("region"));
    spreadsheet_next_row(to);
    name_column(self, columns->territories[0], head);
    spreadsheet_text(to, 0, text_of(head), SPREADSHEET_TITLE);
    region_form_period(self->table, period);
    snprintf(line, sizeof line, "%s   ·   %.*s", period, (int)(self->standing.size < 400 ? self->standing.size : 400),
             self->standing.at ? self->standing.at : "");
    spreadsheet_next_row(to);
    spreadsheet_text(to, 0, text_of(line), SPREADSHEET_SUBTITLE);
    spreadsheet_next_row(to);
    spreadsheet_text(to, CODE, text_of("Code"), SPREADSHEET_HEAD);
    spreadsheet_text(to, LABEL, text_of("Indicateur"), SPREADSHEET_HEAD);
    spreadsheet_text(to, UNIT, text_of("Unité"), SPREADSHEET_HEAD);
    for (unsigned i = 0; i < columns->count; i++) {
        name_column(self, columns->territories[i], head);
        spreadsheet_text(to, FIRST + i, text_of(head), SPREADSHEET_HEAD_NUMBER);
    }
    spreadsheet_freeze(to, LABEL + 1);
    put_rows(self, columns, to);
}

/* The sheets of a territory and what it is the sum of. */
static void put_territory(const region_document *self, unsigned territory, text_view name, spreadsheet *to)
{
    const region_table *table = self->table;
    unsigned next = 0;

    do {
        sheet_columns columns = {.count = 1, .territories = {territory}};
        for (; next < territory && columns.count <= PARTS_MAX; next++)
            if (table->territories[next].parent == territory)
                columns.territories[columns.count++] = next;
        put_sheet(self, name, &columns, to);
        while (next < territory && table->territories[next].parent != territory)
            next++;
    } while (next < territory);
}

static void put_fact(spreadsheet *to, const char *name, text_view what)
{
    spreadsheet_next_row(to);
    spreadsheet_text(to, 0, text_of(name), SPREADSHEET_STRONG);
    spreadsheet_text(to, 1, what, SPREADSHEET_PROSE);
}

static void put_guide(const region_document *self, spreadsheet *to)
{
    static const double widths[] = {28, 110};
    char period[REGION_FORM_PERIOD_MAX], rule[REGION_PAGE_RULE_MAX];

    region_form_period(self->table, period);
    region_page_rule(self, rule);
    spreadsheet_sheet(to, text_of("Lisez-moi"), widths, 2, text_of("region"));
    spreadsheet_next_row(to);
    spreadsheet_text(to, 0, text_of("Rapport régional des contrats territoriaux d’accueil et d’intégration"), SPREADSHEET_TITLE);
    put_fact(to, "Région", self->table->name);
    put_fact(to, "Période", text_of(period));
    put_fact(to, "Publication", self->standing);
    if (self->scheme)
        put_fact(to, "Rubriques", self->scheme->title);
    if (self->scheme && self->scheme->to_confirm)
        put_fact(to, "", text_of("La région n’a pas encore confirmé ces rubriques."));
    put_fact(to, "masqué", text_of(rule));
    put_fact(to, "—", text_of("Rien à calculer : aucun parcours terminé, aucun texte."));
    put_fact(to, "cellule vide", text_of("Le contrat n’a pas cet indicateur."));
    for (unsigned i = 0; i < self->note_count; i++)
        put_fact(to, i == 0 ? "À savoir" : "", self->notes[i]);
}

bool region_xlsx(const region_document *self, const char *folder, FILE *to)
{
    const region_table *table = self->table;
    spreadsheet *book = spreadsheet_new(folder, table->name, text_of("Rapport régional"), self->day == CIVIL_NONE ? 0 : (int64_t)self->day * 86400);

    if (!book)
        return false;
    if (table->territory_count > 0)
        put_territory(self, table->territory_count - 1, text_of("Région"), book);
    for (unsigned i = 0; i < table->territory_count; i++)
        if (table->territories[i].level == REGION_DEPARTMENT)
            put_territory(self, i, table->territories[i].department, book);
    put_guide(self, book);
    bool good = spreadsheet_finish(book, to);
    spreadsheet_destroy(&book);
    return good;
}
