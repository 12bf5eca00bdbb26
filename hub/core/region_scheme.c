/* region_scheme: see the header. */
#include "region_scheme.h"

#include "evaluation_layout.h"

enum { YEAR_MIN = 1990, YEAR_MAX = 2100 };

static void read_codes(region_heading *to, yamldoc *doc, const yamldoc_node *list)
{
    to->indicators = list ? arena_take(doc->from, sizeof *to->indicators * (list->count + 1)) : NULL;
    if (list && !to->indicators)
        yamldoc_error(doc, list, NULL, "la mémoire manque pour lire ce fichier");
    for (const yamldoc_node *item = to->indicators ? list->first : NULL; item; item = item->next) {
        text_view code;
        if (!yamldoc_item_name(doc, item, RECORD_NAME_MAX, &code))
            continue;
        bool again = false;
        for (unsigned i = 0; i < to->indicator_count; i++)
            again |= text_equal(to->indicators[i], code);
        if (again)
            yamldoc_error(doc, item, "indicateurs", "cet indicateur est nommé deux fois");
        else
            to->indicators[to->indicator_count++] = code;
    }
}

static void read_headings(region_scheme *self, yamldoc *doc, const yamldoc_node *list)
{
    self->headings = list ? arena_take(doc->from, sizeof *self->headings * (list->count + 1)) : NULL;
    if (list && !self->headings)
        yamldoc_error(doc, list, NULL, "la mémoire manque pour lire ce fichier");
    for (const yamldoc_node *item = self->headings ? list->first : NULL; item; item = item->next) {
        yamldoc_map map;
        region_heading *one = &self->headings[self->heading_count];
        if (!yamldoc_map_open(&map, doc, item, "une rubrique"))
            continue;
        bool named = yamldoc_name(&map, "code", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &one->code);
        named &= yamldoc_text(&map, "titre", YAMLDOC_REQUIRED, REGION_SCHEME_TITLE_MAX, &one->title);
        read_codes(one, doc, yamldoc_list(&map, "indicateurs", YAMLDOC_REQUIRED, 1, REGION_SCHEME_INDICATORS_MAX));
        yamldoc_map_close(&map);
        for (unsigned i = 0; i < self->heading_count && named; i++)
            if (text_equal(self->headings[i].code, one->code)) {
                yamldoc_error(doc, item, "code", "cette rubrique est donnée deux fois");
                named = false;
            }
        self->heading_count += named;
    }
}

bool region_scheme_read(region_scheme *self, arena *from, text_view region, const char *file, text_view bytes, diag_sink *sink)
{
    yamldoc doc;
    yamldoc_map top;
    int64_t first = 0, last = 0;
    unsigned long errors = sink->count[DIAG_ERROR];
    *self = (region_scheme){0};
    if (!yamldoc_load(&doc, from, file, bytes, sink))
        return false;
    yamldoc_map_open(&top, &doc, doc.root, "le schéma d’une région");
    const yamldoc_node *at = yamldoc_value(&top, "region", YAMLDOC_REQUIRED);
    if (yamldoc_name(&top, "region", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &self->region) && !text_equal(self->region, region))
        yamldoc_error(&doc, at, "region", "ce fichier doit être celui de la région « %.*s »", (int)region.size, region.at);
    (void)yamldoc_text(&top, "titre", YAMLDOC_REQUIRED, REGION_SCHEME_TITLE_MAX, &self->title);
    bool years = yamldoc_integer(&top, "de", YAMLDOC_REQUIRED, YEAR_MIN, YEAR_MAX, &first);
    if (yamldoc_integer(&top, "a", YAMLDOC_REQUIRED, YEAR_MIN, YEAR_MAX, &last) && years && last < first)
        yamldoc_error(&doc, yamldoc_value(&top, "a", YAMLDOC_REQUIRED), "a", "le schéma finit avant de commencer");
    self->first_year = (unsigned)first;
    self->last_year = (unsigned)last;
    (void)yamldoc_flag(&top, "a_confirmer", YAMLDOC_OPTIONAL, &self->to_confirm);
    read_headings(self, &doc, yamldoc_list(&top, "rubriques", YAMLDOC_REQUIRED, 1, REGION_SCHEME_HEADINGS_MAX));
    yamldoc_map_close(&top);
    return sink->count[DIAG_ERROR] == errors;
}

static void add(region_section *to, unsigned indicator, bool *named)
{
    to->indicators[to->indicator_count++] = indicator;
    named[indicator] = true;
}

/* Under the heading of their codes: the last section when it is of that heading, else one more. */
static unsigned arrange_nationally(const region_table *table, region_section *sections)
{
    unsigned count = 0;
    for (unsigned i = 0; i < table->indicator_count; i++) {
        text_view heading = evaluation_heading(table->indicators[i].what.code);
        unsigned at = 0;
        while (at < count && !text_equal(sections[at].code, heading))
            at++;
        if (at == count) {
            sections[count++] = (region_section){.code = heading, .title = text_of(evaluation_heading_title(heading)),
                                                 .indicators = sections[at].indicators};
        }
        sections[at].indicators[sections[at].indicator_count++] = i;
    }
    return count;
}

static unsigned arrange_by_scheme(const region_scheme *self, const region_table *table, region_section *sections, bool *named)
{
    unsigned count = 0;
    for (unsigned h = 0; h < self->heading_count; h++) {
        const region_heading *heading = &self->headings[h];
        region_section *to = &sections[count];
        to->code = heading->code;
        to->title = heading->title;
        for (unsigned k = 0; k < heading->indicator_count; k++)
            for (unsigned i = 0; i < table->indicator_count; i++)
                if (text_equal(table->indicators[i].what.code, heading->indicators[k]) && to->indicator_count < table->indicator_count)
                    add(to, i, named);
        count += to->indicator_count > 0;
    }
    region_section *rest = &sections[count];
    rest->code = text_of("");
    rest->title = text_of("Autres indicateurs");
    for (unsigned i = 0; i < table->indicator_count; i++)
        if (!named[i])
            add(rest, i, named);
    return count + (rest->indicator_count > 0);
}

region_section *region_scheme_arrange(const region_scheme *self, const region_table *table, arena *from, unsigned *count)
{
    unsigned most = self ? self->heading_count + 1 : table->indicator_count;
    region_section *sections = arena_take(from, sizeof *sections * (most + 1));
    bool *named = arena_take(from, sizeof *named * (table->indicator_count + 1));
    *count = 0;
    for (unsigned i = 0; sections && i < most; i++) {
        sections[i].indicators = arena_take(from, sizeof *sections[i].indicators * (table->indicator_count + 1));
        if (!sections[i].indicators)
            return NULL;
    }
    if (!sections || !named)
        return NULL;
    *count = self ? arrange_by_scheme(self, table, sections, named) : arrange_nationally(table, sections);
    return sections;
}
