/* hub_region_json: see the header. */
#include "hub_region_json.h"

#include <stdlib.h>
#include <string.h>

#include "hub_form.h"
#include "region_form.h"

static json_t *text(text_view what)
{
    return json_stringn(what.at ? what.at : "", what.size);
}

/* A number as a number, exactly as written; a text as a text; null when there is none, or it is masked. */
static json_t *value(const region_table *table, const region_cell *cell)
{
    catalogue_kind kind = table->indicators[cell->indicator].what.kind;
    char digits[64];
    if (cell->masked || !cell->has_value)
        return json_null();
    if (kind == CATALOGUE_TEXTE || kind == CATALOGUE_LISTE || !text_copy(digits, sizeof digits, cell->shown))
        return text(cell->shown);
    return strchr(digits, '.') ? json_real(strtod(digits, NULL)) : json_integer(strtoll(digits, NULL, 10));
}

static json_t *scheme(const region_scheme *self)
{
    return self ? json_pack("{so, si, si, sb}", "titre", text(self->title), "de", (int)self->first_year, "a", (int)self->last_year,
                            "a_confirmer", self->to_confirm) : json_null();
}

static json_t *sections(const hub_regional *made)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < made->section_count; i++) {
        const region_section *one = &made->sections[i];
        json_t *codes = json_array();
        for (unsigned k = 0; k < one->indicator_count; k++)
            json_array_append_new(codes, text(made->table.indicators[one->indicators[k]].what.code));
        json_array_append_new(list, json_pack("{so, so, so}", "code", one->code.size > 0 ? text(one->code) : json_null(), "titre",
                                              text(one->title), "indicateurs", codes));
    }
    return list;
}

static json_t *territories(const region_table *table)
{
    static const char *const levels[] = {"contrat", "departement", "region"};
    json_t *list = json_array();
    unsigned at = 0;
    for (unsigned i = 0; i < table->territory_count; i++) {
        const region_territory *one = &table->territories[i];
        json_t *cells = json_array();
        for (; at < table->cell_count && table->cells[at].territory == i; at++) {
            const region_cell *cell = &table->cells[at];
            const catalogue_indicator *what = &table->indicators[cell->indicator].what;
            json_array_append_new(cells, json_pack("{so, so, so, ss, so}", "code", text(what->code), "libelle", text(what->label), "realise",
                                                   value(table, cell), "statut", region_form_state(cell), "unite", text(what->unit)));
        }
        json_array_append_new(list, json_pack("{ss, so, so, so, so}", "niveau", levels[one->level], "departement",
                                              one->department.size > 0 ? text(one->department) : json_null(), "contrat",
                                              one->contract.size > 0 ? text(one->contract) : json_null(), "nom", text(one->name),
                                              "indicateurs", cells));
    }
    return list;
}

int hub_region_json(cli_call *call, const hub_regional *made, FILE *to)
{
    const region_table *table = &made->table;
    json_t *notes = json_array();
    for (unsigned i = 0; i < made->note_count; i++)
        json_array_append_new(notes, text(made->notes[i]));
    json_t *root = json_pack(
        "{s{so, so}, s{so, so}, sb, so, so, si, so, so, so, so}", "region", "code", text(table->code), "nom", text(table->name), "periode",
        "de", hub_form_month_json(table->from), "a", hub_form_month_json(table->to), "brouillon", table->draft, "publication",
        made->number > 0 ? json_integer((json_int_t)made->number) : json_null(), "publiee_le",
        made->number > 0 ? json_string(made->released_at) : json_null(), "seuil", (int)table->threshold, "schema", scheme(made->scheme),
        "rubriques", sections(made), "territoires", territories(table), "remarques", notes);
    /* What the stream could not take, cli says. */
    bool good = root && (json_dumpf(root, to, JSON_REAL_PRECISION(15) | JSON_INDENT(1)) == 0 || ferror(to));
    json_decref(root);
    fputc('\n', to);
    return good ? CLI_DONE : hub_base_no_memory(call);
}
