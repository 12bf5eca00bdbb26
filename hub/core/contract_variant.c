/*
 * contract_variant: the variants of indicators that a contract declares, where another of the State's programmes counts the
 * same thing otherwise: « durable » is more than six months here, six months or more there. A variant reads other details, or
 * asks for another share; all else is that of its indicator, right after which the report shows it.
 */
#include <string.h>

#include "contract_reader.h"

enum { VARIANTS_MAX = 40, PROGRAMME_MAX = 24 };

/* "3.2.emploi_durable" and "AGIR": "3.2.emploi_durable.agir". */
static bool make_code(contract_reader *self, const yamldoc_node *item, text_view base, text_view programme, text_view *to)
{
    if (base.size + 1 + programme.size > RECORD_NAME_MAX) {
        yamldoc_error(self->doc, item, "selon", "le code de cette variante aurait plus de %d caractères", RECORD_NAME_MAX);
        return false;
    }
    char *code = contract_reader_room(self, base.size + programme.size + 2, 1);
    if (!code)
        return false;
    memcpy(code, base.at, base.size);
    code[base.size] = '.';
    for (size_t i = 0; i < programme.size; i++) {
        char letter = programme.at[i];
        code[base.size + 1 + i] = (char)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
    }
    *to = (text_view){code, base.size + 1 + programme.size};
    return true;
}

static const catalogue_indicator *find_base(contract_reader *self, const yamldoc_node *item, text_view code)
{
    const catalogue_indicator *base = catalogue_find(self->national, code);
    if (!base)
        base = catalogue_find(&self->into->own, code);
    if (!base)
        contract_reader_unknown(self, item, "code", code);
    else if (base->variant_of.size > 0)
        yamldoc_error(self->doc, item, "code", "c’est déjà une variante : donnez le code de l’indicateur lui-même");
    else
        return base;
    return NULL;
}

static void read_variant(contract_reader *self, const yamldoc_node *item)
{
    catalogue *own = &self->into->own;
    yamldoc_map map;
    text_view code, programme, label = {NULL, 0};
    unsigned long errors = self->doc->sink->count[DIAG_ERROR];
    if (!yamldoc_map_open(&map, self->doc, item, "une variante"))
        return;
    bool has_code = yamldoc_name(&map, "code", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &code);
    bool has_programme = yamldoc_name(&map, "selon", YAMLDOC_REQUIRED, PROGRAMME_MAX, &programme);
    (void)!yamldoc_text(&map, "libelle", YAMLDOC_REQUIRED, CATALOGUE_LABEL_MAX, &label);
    const catalogue_indicator *base = has_code ? find_base(self, item, code) : NULL;
    if (!base)
        return; /* which of the other keys belong here cannot be told */
    catalogue_indicator variant = *base;
    variant.label = label;
    variant.variant_of = base->code;
    catalogue_vary(&variant, base, &map);
    yamldoc_map_close(&map);
    if (!has_programme || !make_code(self, item, base->code, programme, &variant.code))
        return;
    if (catalogue_find(self->national, variant.code) || catalogue_find(own, variant.code))
        yamldoc_error(self->doc, item, "selon", "cette variante est déclarée deux fois, ou son code est déjà celui d’un indicateur");
    if (self->doc->sink->count[DIAG_ERROR] == errors)
        own->items[own->count++] = variant;
}

void contract_reader_variants(contract_reader *self, yamldoc_map *top)
{
    catalogue *own = &self->into->own;
    const yamldoc_node *list = yamldoc_list(top, "variantes", YAMLDOC_OPTIONAL, 1, VARIANTS_MAX);
    catalogue_indicator *items = list ? contract_reader_room(self, own->count + list->count, sizeof *items) : NULL;
    if (!items)
        return;
    if (own->count > 0)
        memcpy(items, own->items, own->count * sizeof *items);
    own->items = items;
    for (const yamldoc_node *item = list->first; item; item = item->next)
        read_variant(self, item);
}
