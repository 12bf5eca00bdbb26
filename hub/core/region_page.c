/*
 * region_page: see the header.
 *
 * Head; what masking means; the first heading's counts side by side, a bar for each department; the region under the scheme's
 * headings; then each department with its share of the region, and its contracts, each behind a summary that opens it.
 */
#include "region_page.h"

#include <string.h>

#include "evaluation_layout.h"
#include "french.h"
#include "page.h"
#include "region_form.h"

enum { COMPARED_MAX = 6, DEPTH_MAX = 3, WORDS_MAX = 64 };

unsigned region_page_depth(const region_document *self, const region_section *section, unsigned place)
{
    const region_indicator *all = self->table->indicators, *part = &all[section->indicators[place]];

    for (unsigned k = place; k > 0 && !part->is_distinct; k--) {
        const region_indicator *whole = &all[section->indicators[k - 1]];
        if (whole->is_distinct || !evaluation_layout_is_part(&part->what, &whole->what))
            continue;
        unsigned depth = 1 + region_page_depth(self, section, k - 1);
        return depth < DEPTH_MAX ? depth : DEPTH_MAX;
    }
    return 0;
}

bool region_page_is_idle(const region_cell *cell)
{
    return !cell->masked && (!cell->has_value || text_is(cell->shown, "0"));
}

void region_page_rule(const region_document *self, char text[REGION_PAGE_RULE_MAX])
{
    snprintf(text, REGION_PAGE_RULE_MAX,
             "« Masqué » : la cellule porte sur moins de %u personnes, ménages ou faits, ou elle permettrait d’en déduire une qui l’est. Ce"
             " n’est pas un zéro.", self->table->threshold);
}

static bool is_text(const region_indicator *indicator)
{
    return indicator->what.kind == CATALOGUE_TEXTE || indicator->what.kind == CATALOGUE_LISTE;
}

/* Do the departments' values add up to the region's? */
static bool is_sum(const region_indicator *indicator)
{
    return indicator->what.kind < CATALOGUE_DUREE_MOYENNE && !indicator->is_distinct;
}

static bool is_number(const region_cell *cell)
{
    return cell && !cell->masked && cell->has_value;
}

static void put_head(const region_document *self, FILE *to)
{
    const region_table *table = self->table;
    char period[REGION_FORM_PERIOD_MAX];

    region_form_period(table, period);
    fputs("<header>\n<p class=\"over\">Rapport régional des contrats territoriaux d’accueil et d’intégration</p>\n<h1>", to);
    page_words(to, table->name);
    fputs("</h1>\n<dl class=\"facts\">\n<div><dt>Période</dt><dd><strong>", to);
    page_words(to, text_of(period));
    fputs("</strong></dd></div>\n<div><dt>Région</dt><dd>", to);
    page_text(to, table->code);
    fputs("</dd></div>\n<div><dt>Publication</dt><dd>", to);
    page_words(to, self->standing);
    fputs("</dd></div>\n", to);
    if (self->scheme) {
        fputs("<div><dt>Rubriques</dt><dd>", to);
        page_words(to, self->scheme->title);
        fprintf(to, " (%u-%u)%s</dd></div>\n", self->scheme->first_year, self->scheme->last_year,
                self->scheme->to_confirm ? ", à confirmer par la région" : "");
    }
    fputs("</dl>\n</header>\n", to);
}

static void put_nav(const region_table *table, FILE *to)
{
    fputs("<nav aria-label=\"Sommaire\">\n<ul>\n<li><a href=\"#regard\">D’un département à l’autre</a></li>\n"
          "<li><a href=\"#region\">La région</a></li>\n", to);
    for (unsigned i = 0; i < table->territory_count; i++) {
        if (table->territories[i].level != REGION_DEPARTMENT)
            continue;
        fprintf(to, "<li><a href=\"#d-%u\">", i);
        page_words(to, table->territories[i].name);
        fputs("</a></li>\n", to);
    }
    fputs("</ul>\n</nav>\n", to);
}

static void put_number(const region_table *table, const region_cell *cell, FILE *to)
{
    if (cell->masked)
        fputs("<span class=\"mask\">masqué</span>", to);
    else if (!cell->has_value)
        fputs("<span aria-hidden=\"true\">—</span><span class=\"vh\">sans valeur</span>", to);
    else
        page_number(to, cell->shown, table->indicators[cell->indicator].what.unit);
}

static unsigned region_of(const region_table *table)
{
    return table->territory_count - 1;
}

/* The departments' values of one indicator, the longest bar for the highest. */
static void put_compared(const region_table *table, unsigned indicator, FILE *to)
{
    text_view highest = text_of("0");
    unsigned percent;
    char words[WORDS_MAX];

    for (unsigned i = 0; i < table->territory_count; i++) {
        const region_cell *cell = region_table_cell(table, i, indicator);
        if (table->territories[i].level == REGION_DEPARTMENT && is_number(cell) &&
            (text_is(highest, "0") || (french_percent(cell->shown, highest, &percent) && percent > 100)))
            highest = cell->shown;
    }
    fputs("<li>\n<table>\n<caption><strong>", to);
    page_words(to, table->indicators[indicator].what.label);
    fputs("</strong></caption>\n<thead>\n<tr><th scope=\"col\">Département</th><th scope=\"col\" class=\"n\">Réalisé</th>"
          "<th scope=\"col\" class=\"b\">Part de la région</th></tr>\n</thead>\n<tbody>\n", to);
    const region_cell *whole = region_table_cell(table, region_of(table), indicator);
    for (unsigned i = 0; i < table->territory_count; i++) {
        const region_cell *cell = region_table_cell(table, i, indicator);
        if (table->territories[i].level != REGION_DEPARTMENT || !cell)
            continue;
        fputs("<tr><th scope=\"row\">", to);
        page_words(to, table->territories[i].name);
        fputs("</th><td class=\"n\">", to);
        put_number(table, cell, to);
        fputs("</td><td class=\"b\">", to);
        words[0] = '\0';
        if (is_number(whole) && is_sum(&table->indicators[indicator]) && is_number(cell) && french_percent(cell->shown, whole->shown, &percent))
            snprintf(words, sizeof words, "%u" FRENCH_THIN "%%", percent);
        if (is_number(cell) && french_percent(cell->shown, highest, &percent))
            page_bar(to, percent, false, words);
        fputs("</td></tr>\n", to);
    }
    fputs("</tbody>\n</table>\n</li>\n", to);
}

static void put_overview(const region_document *self, FILE *to)
{
    unsigned shown = 0;
    char rule[REGION_PAGE_RULE_MAX];

    region_page_rule(self, rule);
    fputs("<section id=\"regard\" aria-labelledby=\"t-regard\">\n<h2 id=\"t-regard\">D’un département à l’autre</h2>\n<p>", to);
    page_words(to, text_of(rule));
    fputs("</p>\n", to);
    for (unsigned i = 0; i < self->note_count; i++) {
        fputs("<p class=\"soft\">", to);
        page_words(to, self->notes[i]);
        fputs("</p>\n", to);
    }
    fputs("<ul class=\"compared\">\n", to);
    for (unsigned i = 0; self->section_count > 0 && i < self->sections[0].indicator_count && shown < COMPARED_MAX; i++) {
        unsigned indicator = self->sections[0].indicators[i];
        if (self->table->indicators[indicator].what.kind >= CATALOGUE_DUREE_MOYENNE)
            continue;
        put_compared(self->table, indicator, to);
        shown++;
    }
    fputs(shown > 0 ? "</ul>\n</section>\n" : "<li>Rien à comparer.</li></ul>\n</section>\n", to);
}

static void put_cell(const region_document *self, const region_cell *cell, unsigned depth, FILE *to)
{
    const region_table *table = self->table;
    const region_indicator *indicator = &table->indicators[cell->indicator];
    const region_cell *whole = region_table_cell(table, region_of(table), cell->indicator);
    char words[1024];
    unsigned percent;

    fprintf(to, "<tr class=\"plain\"><th scope=\"row\" class=\"d%u\">", depth);
    page_words(to, indicator->what.label);
    fputs("</th>", to);
    if (is_text(indicator) && !cell->masked && cell->has_value) {
        text_view list = indicator->what.kind == CATALOGUE_LISTE ? french_list(cell->shown, words, sizeof words) : cell->shown;
        fputs("<td colspan=\"2\">", to);
        page_prose(to, list.size > 0 ? list : cell->shown);
        fputs("</td></tr>\n", to);
        return;
    }
    fputs("<td class=\"n\">", to);
    put_number(table, cell, to);
    fputs("</td><td class=\"s\">", to);
    if (cell->territory != region_of(table) && is_sum(indicator) && is_number(cell) && is_number(whole) &&
        french_percent(cell->shown, whole->shown, &percent)) {
        snprintf(words, sizeof words, "%u" FRENCH_THIN "%% de la région", percent);
        page_bar(to, percent, true, words);
    }
    fputs("</td></tr>\n", to);
}

static void begin_table(const region_territory *one, FILE *to)
{
    static const char *const kinds[] = {"Contrat", "Département", "Région"};

    fprintf(to, "<table>\n<caption>%s : ", kinds[one->level]);
    page_words(to, one->name);
    fputs("</caption>\n<thead>\n<tr><th scope=\"col\">Indicateur</th><th scope=\"col\" class=\"n r\">Réalisé</th><th scope=\"col\" class=\"s\">", to);
    fputs(one->level == REGION_WHOLE ? "<span class=\"vh\">Part</span>" : "Part de la région", to);
    fputs("</th></tr>\n</thead>\n", to);
}

/* The territory's cells under the headings; what is idle is left out but for the region. */
static void put_table(const region_document *self, unsigned territory, FILE *to)
{
    const region_table *table = self->table;
    const region_territory *one = &table->territories[territory];
    bool idle = false, any = false;

    begin_table(one, to);
    for (unsigned s = 0; s < self->section_count; s++) {
        const region_section *section = &self->sections[s];
        bool open = false;
        for (unsigned i = 0; i < section->indicator_count; i++) {
            const region_cell *cell = region_table_cell(table, territory, section->indicators[i]);
            bool quiet = cell && region_page_is_idle(cell) && one->level != REGION_WHOLE;
            idle |= quiet;
            if (!cell || quiet)
                continue;
            if (!open) {
                fputs("<tbody>\n<tr class=\"group\"><th colspan=\"3\" scope=\"rowgroup\">", to);
                page_words(to, section->title);
                fputs("</th></tr>\n", to);
            }
            open = any = true;
            put_cell(self, cell, region_page_depth(self, section, i), to);
        }
        fputs(open ? "</tbody>\n" : "", to);
    }
    fputs(any ? "</table>\n" : "<tbody><tr><td colspan=\"3\">Aucun indicateur à montrer.</td></tr></tbody>\n</table>\n", to);
    if (idle)
        fputs("<p class=\"soft\">Les indicateurs qui ne sont pas montrés ici sont à zéro ou sans valeur.</p>\n", to);
}

static void put_contracts(const region_document *self, unsigned department, FILE *to)
{
    const region_table *table = self->table;

    for (unsigned i = 0; i < department; i++) {
        if (table->territories[i].level != REGION_CONTRACT || table->territories[i].parent != department)
            continue;
        fputs("<details>\n<summary>Contrat ", to);
        page_text(to, table->territories[i].contract);
        fputs(" : ", to);
        page_words(to, table->territories[i].name);
        fputs("</summary>\n", to);
        put_table(self, i, to);
        fputs("</details>\n", to);
    }
}

static void put_department(const region_document *self, unsigned territory, FILE *to)
{
    const region_territory *one = &self->table->territories[territory];

    fprintf(to, "<section class=\"fiche\" id=\"d-%u\" aria-labelledby=\"t-%u\">\n<h2 id=\"t-%u\"><span class=\"code\">Département ", territory,
            territory, territory);
    page_text(to, one->department);
    fputs("<br /></span>", to);
    page_words(to, one->name);
    fputs("</h2>\n", to);
    put_table(self, territory, to);
    put_contracts(self, territory, to);
    fputs("</section>\n", to);
}

void region_page(const region_document *self, FILE *to)
{
    const region_table *table = self->table;
    char title[512], period[REGION_FORM_PERIOD_MAX], mark[80];

    region_form_period(table, period);
    snprintf(title, sizeof title, "Rapport régional, %.*s, %s", (int)(table->name.size < 200 ? table->name.size : 200),
             table->name.at ? table->name.at : "", period);
    snprintf(mark, sizeof mark, "region-%.*s%s", (int)(table->code.size < 20 ? table->code.size : 20), table->code.at ? table->code.at : "",
             table->draft ? "-brouillon" : "");
    page_begin(to, text_of(title), text_of(mark));
    put_head(self, to);
    put_nav(table, to);
    fputs("<main id=\"contenu\" tabindex=\"-1\">\n", to);
    put_overview(self, to);
    fputs("<section class=\"fiche\" id=\"region\" aria-labelledby=\"t-region\">\n<h2 id=\"t-region\">La région</h2>\n", to);
    if (table->territory_count > 0)
        put_table(self, region_of(table), to);
    fputs("</section>\n", to);
    for (unsigned i = 0; i < table->territory_count; i++)
        if (table->territories[i].level == REGION_DEPARTMENT)
            put_department(self, i, to);
    fprintf(to, "</main>\n<footer>\n<p>%s Établi par <span lang=\"en\">ctai-hub</span> à partir des enregistrements pseudonymisés des"
                " opérateurs.</p>\n</footer>\n",
            table->draft ? "Brouillon : il n’est pas inscrit au registre des publications et ne se publie pas."
                         : "Rapport inscrit au registre des publications : il peut être publié.");
    page_end(to);
}
