/* territory: see territory.h. */
#include "territory.h"

enum { REGIONS_MAX = 40, DEPARTMENTS_MAX = 200, CODE_MAX = 3, NAME_MAX_BYTES = 64 };

static bool read_departments(territory *self, yamldoc *doc, const yamldoc_node *list, text_view region)
{
    bool good = list != NULL;
    for (const yamldoc_node *item = list ? list->first : NULL; item; item = item->next) {
        yamldoc_map map;
        territory_department place = { .region = region };
        if (self->department_count == DEPARTMENTS_MAX) {
            yamldoc_error(doc, item, NULL, "trop de départements");
            return false;
        }
        yamldoc_map_open(&map, doc, item, "un département");
        bool named = yamldoc_name(&map, "code", YAMLDOC_REQUIRED, CODE_MAX, &place.code)
            && yamldoc_text(&map, "nom", YAMLDOC_REQUIRED, NAME_MAX_BYTES, &place.name);
        yamldoc_map_close(&map);
        if (named && territory_department_find(self, place.code)) {
            yamldoc_error(doc, item, NULL, "ce département est donné deux fois");
            named = false;
        }
        if (named)
            self->departments[self->department_count++] = place;
        good = good && named;
    }
    return good;
}

bool territory_load(territory *self, arena *from, const char *file, text_view bytes, diag_sink *sink)
{
    yamldoc doc;
    yamldoc_map top;
    *self = (territory){ 0 };
    unsigned long errors = sink->count[DIAG_ERROR];
    if (!yamldoc_load(&doc, from, file, bytes, sink))
        return false;
    self->regions = arena_take(from, REGIONS_MAX * sizeof *self->regions);
    self->departments = arena_take(from, DEPARTMENTS_MAX * sizeof *self->departments);
    if (!self->regions || !self->departments) {
        yamldoc_error(&doc, NULL, NULL, "la mémoire manque");
        return false;
    }
    yamldoc_map_open(&top, &doc, doc.root, "le fichier");
    const yamldoc_node *list = yamldoc_list(&top, "regions", YAMLDOC_REQUIRED, 1, REGIONS_MAX);
    for (const yamldoc_node *item = list ? list->first : NULL; item; item = item->next) {
        yamldoc_map map;
        territory_region *region = &self->regions[self->region_count];
        yamldoc_map_open(&map, &doc, item, "une région");
        bool named = yamldoc_name(&map, "code", YAMLDOC_REQUIRED, CODE_MAX, &region->code)
            && yamldoc_text(&map, "nom", YAMLDOC_REQUIRED, NAME_MAX_BYTES, &region->name);
        if (named && territory_region_find(self, region->code))
            yamldoc_error(&doc, item, NULL, "cette région est donnée deux fois");
        const yamldoc_node *departments = yamldoc_list(&map, "departements", YAMLDOC_REQUIRED, 1, DEPARTMENTS_MAX);
        if (named && read_departments(self, &doc, departments, region->code))
            self->region_count++;
        yamldoc_map_close(&map);
    }
    yamldoc_map_close(&top);
    return sink->count[DIAG_ERROR] == errors;
}

const territory_region *territory_region_find(const territory *self, text_view code)
{
    for (unsigned i = 0; i < self->region_count; i++)
        if (text_equal(self->regions[i].code, code))
            return &self->regions[i];
    return NULL;
}

const territory_department *territory_department_find(const territory *self, text_view code)
{
    for (unsigned i = 0; i < self->department_count; i++)
        if (text_equal(self->departments[i].code, code))
            return &self->departments[i];
    return NULL;
}
