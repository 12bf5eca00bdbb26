/* catalogue: see catalogue.h. What a kind of count asks of its types is one row of a table. */
#include "catalogue.h"

#include <assert.h>

static const char *const kind_names[CATALOGUE_KIND_COUNT] = {
    [CATALOGUE_PERSONNES] = "personnes", [CATALOGUE_MENAGES] = "menages", [CATALOGUE_REFERENCES] = "references",
    [CATALOGUE_SOMME] = "somme", [CATALOGUE_HEURES] = "heures", [CATALOGUE_ASSIDUITE] = "assiduite",
    [CATALOGUE_PROGRES] = "progres", [CATALOGUE_DUREE_MOYENNE] = "duree_moyenne", [CATALOGUE_LISTE] = "liste",
    [CATALOGUE_TEXTE] = "texte",
};

/* What a kind of count asks of its declaration. */
typedef struct {
    bool types;        /* declares its types; else they are fixed: */
    fact_type fixed[2];
    bool details;      /* may choose details */
    bool filters;      /* counts persons: sexe, bpi, moins_25 */
    bool unit;         /* must have a unit */
    bool not_done;
} demand;

static const demand demands[CATALOGUE_KIND_COUNT] = {
    [CATALOGUE_PERSONNES] = { true, { FACT_NONE, FACT_NONE }, true, true, true, true },
    [CATALOGUE_MENAGES] = { true, { FACT_NONE, FACT_NONE }, false, false, true, true },
    [CATALOGUE_REFERENCES] = { true, { FACT_NONE, FACT_NONE }, true, false, true, true },
    [CATALOGUE_SOMME] = { true, { FACT_NONE, FACT_NONE }, true, false, true, true },
    [CATALOGUE_HEURES] = { true, { FACT_NONE, FACT_NONE }, true, false, true, true },
    [CATALOGUE_ASSIDUITE] = { false, { FACT_ENTREE, FACT_PRESENCE }, false, true, true, true },
    [CATALOGUE_PROGRES] = { false, { FACT_NIVEAU_DEBUT, FACT_NIVEAU_FIN }, false, true, true, true },
    [CATALOGUE_DUREE_MOYENNE] = { false, { FACT_SORTIE, FACT_NONE }, true, false, true, true },
    [CATALOGUE_LISTE] = { true, { FACT_NONE, FACT_NONE }, true, false, false, true },
    [CATALOGUE_TEXTE] = { false, { FACT_NARRATIVE, FACT_NONE }, false, false, false, false },
};

/* Why a kind cannot count a type; NULL when it can. */
static const char *misfit(catalogue_kind kind, fact_type type)
{
    const fact_rule *rule = fact_rule_of(type);
    switch (kind) {
    case CATALOGUE_PERSONNES:
        return rule->kind == FACT_KIND_PERSON || rule->kind == FACT_KIND_BENEFICIARY ? NULL
            : "les faits de ce type quittent l’opérateur sans la personne : on ne peut pas compter des personnes";
    case CATALOGUE_MENAGES:
        return rule->kind == FACT_KIND_HOUSEHOLD ? NULL : "les faits de ce type n’ont pas de ménage";
    case CATALOGUE_REFERENCES:
        return rule->reference_leaves ? NULL
            : "les faits de ce type n’ont pas de référence (séance, binôme, événement)";
    case CATALOGUE_SOMME:
        if (rule->record_unit == FACT_UNIT_MINUTES && rule->reference_leaves)
            return "ces durées sont celles de séances : utilisez « compte: heures », qui compte chaque séance une fois";
        return rule->record_unit == FACT_UNIT_NONE || rule->record_unit == FACT_UNIT_DAYS
            ? "les faits de ce type n’ont pas de quantité à additionner" : NULL;
    case CATALOGUE_HEURES:
        return rule->record_unit == FACT_UNIT_MINUTES ? NULL : "les faits de ce type n’ont pas de durée";
    case CATALOGUE_LISTE:
        return rule->codes ? NULL : "les faits de ce type n’ont pas de détail";
    default:
        return NULL;
    }
}

static void read_types(catalogue_indicator *self, yamldoc_map *map)
{
    const yamldoc_node *list = yamldoc_list(map, "types", YAMLDOC_REQUIRED, 1, CATALOGUE_TYPES_MAX);
    const char *names[FACT_TYPE_COUNT];
    for (int type = 0; type < FACT_TYPE_COUNT; type++)
        names[type] = fact_rule_of((fact_type)type)->name;
    for (const yamldoc_node *item = list ? list->first : NULL; item; item = item->next) {
        unsigned type;
        if (!yamldoc_item_choice(map->doc, item, names, FACT_NARRATIVE, &type))
            continue;
        const char *why = misfit(self->kind, (fact_type)type);
        for (unsigned i = 0; i < self->type_count && !why; i++) {
            if (self->types[i] == (fact_type)type)
                why = "ce type est donné deux fois";
            else if (fact_rule_of(self->types[i])->record_unit != fact_rule_of((fact_type)type)->record_unit
                     && (self->kind == CATALOGUE_SOMME || self->kind == CATALOGUE_HEURES))
                why = "ce type n’a pas la même unité que les autres";
        }
        if (why)
            yamldoc_error(map->doc, item, "types", "%s", why);
        else
            self->types[self->type_count++] = (fact_type)type;
    }
}

/* A detail must be one that leaves, of at least one of the types. */
static void read_detail(catalogue_indicator *self, yamldoc *doc, const yamldoc_node *item)
{
    text_view detail;
    const char *names[CATALOGUE_DETAILS_MAX * CATALOGUE_TYPES_MAX];
    unsigned count = 0;
    if (!yamldoc_item_name(doc, item, RECORD_CODE_MAX, &detail))
        return;
    for (unsigned i = 0; i < self->detail_count; i++)
        if (text_equal(self->details[i], detail)) {
            yamldoc_error(doc, item, "details", "ce code est donné deux fois");
            return;
        }
    for (unsigned i = 0; i < self->type_count; i++) {
        const fact_code *code = fact_code_find(self->types[i], detail);
        if (fact_code_leaves(self->types[i], detail)) {
            self->details[self->detail_count++] = detail;
            return;
        }
        if (code) {
            yamldoc_error(doc, item, "details", "ce code quitte l’opérateur sous le nom « %s » : utilisez celui-ci",
                          code->leaves_as);
            return;
        }
        for (code = fact_rule_of(self->types[i])->codes; code && code->detail; code++)
            if (count < sizeof names / sizeof *names)
                names[count++] = code->leaves_as;
    }
    const char *near = text_nearest(detail, names, count);
    if (near)
        yamldoc_error(doc, item, "details", "code inconnu de ces types ; vouliez-vous dire « %s » ?", near);
    else
        yamldoc_error(doc, item, "details", "code inconnu de ces types");
}

static void read_details(catalogue_indicator *self, yamldoc_map *map, yamldoc_need need)
{
    const yamldoc_node *list = yamldoc_list(map, "details", need, 1, CATALOGUE_DETAILS_MAX);
    for (unsigned i = 0; i < self->type_count && list; i++)
        if (!fact_rule_of(self->types[i])->codes) {
            yamldoc_error(map->doc, list, "details", "le type « %s » n’a pas de détail",
                          fact_rule_of(self->types[i])->name);
            return;
        }
    /* Without types, which has been said, no detail can be judged. */
    for (const yamldoc_node *item = list && self->type_count > 0 ? list->first : NULL; item; item = item->next)
        read_detail(self, map->doc, item);
}

static void read_filters(catalogue_indicator *self, yamldoc_map *map)
{
    static const char *const sexes[] = { "F", "H" };
    unsigned sex;
    if (yamldoc_choice(map, "sexe", YAMLDOC_OPTIONAL, sexes, 2, &sex))
        self->sex = sex == 0 ? RECORD_SEX_F : RECORD_SEX_H;
    (void)yamldoc_flag(map, "bpi", YAMLDOC_OPTIONAL, &self->bpi);
    (void)yamldoc_flag(map, "moins_25", YAMLDOC_OPTIONAL, &self->under_25);
}

static void read_share(catalogue_indicator *self, yamldoc_map *map)
{
    int64_t share = 0;
    (void)yamldoc_integer(map, "seuil", YAMLDOC_REQUIRED, 1, 100, &share);
    self->share = (unsigned)share;
}

static bool same_details(const catalogue_indicator *a, const catalogue_indicator *b)
{
    unsigned same = 0;
    for (unsigned i = 0; i < a->detail_count; i++)
        for (unsigned k = 0; k < b->detail_count; k++)
            same += text_equal(a->details[i], b->details[k]);
    return same == a->detail_count && same == b->detail_count;
}

void catalogue_vary(catalogue_indicator *self, const catalogue_indicator *base, yamldoc_map *map)
{
    unsigned long errors = map->doc->sink->count[DIAG_ERROR];
    if (demands[self->kind].details) {
        self->detail_count = 0;
        read_details(self, map, YAMLDOC_REQUIRED);
    } else if (self->kind == CATALOGUE_ASSIDUITE) {
        read_share(self, map);
    } else {
        yamldoc_error(map->doc, map->node, "code", "cet indicateur n’a ni détails ni seuil : il ne peut pas avoir de variante");
    }
    if (map->doc->sink->count[DIAG_ERROR] == errors && self->share == base->share && same_details(self, base))
        yamldoc_error(map->doc, map->node, "details", "cette variante compte la même chose que son indicateur");
}

/* The keys that depend on the kind. A key of another kind is unknown here, and map_close says so. */
static void read_parameters(catalogue_indicator *self, yamldoc_map *map)
{
    const demand *asks = &demands[self->kind];
    if (asks->types)
        read_types(self, map);
    for (unsigned i = 0; !asks->types && i < 2 && asks->fixed[i] != FACT_NONE; i++)
        self->types[self->type_count++] = asks->fixed[i];
    if (asks->details)
        read_details(self, map, self->kind == CATALOGUE_LISTE ? YAMLDOC_REQUIRED : YAMLDOC_OPTIONAL);
    if (asks->filters)
        read_filters(self, map);
    if (asks->not_done)
        (void)yamldoc_flag(map, "non_fait", YAMLDOC_OPTIONAL, &self->not_done);
    if (self->kind == CATALOGUE_ASSIDUITE)
        read_share(self, map);
    if (self->kind == CATALOGUE_HEURES || (self->kind == CATALOGUE_SOMME && self->type_count > 0))
        self->measure = self->type_count > 0 ? fact_rule_of(self->types[0])->record_unit : FACT_UNIT_MINUTES;
    if (self->kind == CATALOGUE_DUREE_MOYENNE)
        self->measure = FACT_UNIT_DAYS;
}

static void read_indicator(catalogue_indicator *self, yamldoc *doc, const yamldoc_node *item)
{
    yamldoc_map map;
    unsigned kind;
    if (!yamldoc_map_open(&map, doc, item, "un indicateur"))
        return;
    (void)yamldoc_name(&map, "code", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &self->code);
    (void)yamldoc_text(&map, "libelle", YAMLDOC_REQUIRED, CATALOGUE_LABEL_MAX, &self->label);
    bool known = yamldoc_choice(&map, "compte", YAMLDOC_REQUIRED, kind_names, CATALOGUE_KIND_COUNT, &kind);
    bool needs_unit = known && demands[kind].unit;
    (void)yamldoc_text(&map, "unite", needs_unit ? YAMLDOC_REQUIRED : YAMLDOC_OPTIONAL, CATALOGUE_UNIT_MAX,
                       &self->unit);
    if (!known)
        return; /* which of the other keys belong here cannot be told */
    self->kind = (catalogue_kind)kind;
    read_parameters(self, &map);
    yamldoc_map_close(&map);
}

bool catalogue_read(catalogue *self, yamldoc_map *from, yamldoc_need need, const catalogue *known)
{
    yamldoc *doc = from->doc;
    unsigned long errors = doc->sink->count[DIAG_ERROR];
    *self = (catalogue){ 0 };
    const yamldoc_node *list = yamldoc_list(from, "indicateurs", need, 0, CATALOGUE_INDICATORS_MAX);
    if (list && list->count > 0) {
        self->items = arena_take(doc->from, list->count * sizeof *self->items);
        if (!self->items) {
            yamldoc_error(doc, NULL, NULL, "la mémoire manque pour lire ce fichier");
            return false;
        }
    }
    for (const yamldoc_node *item = list ? list->first : NULL; item; item = item->next) {
        unsigned long before = doc->sink->count[DIAG_ERROR];
        catalogue_indicator indicator = { 0 };
        read_indicator(&indicator, doc, item);
        if (indicator.code.size > 0 && catalogue_find(self, indicator.code))
            yamldoc_error(doc, item, "code", "cet indicateur est déclaré deux fois");
        else if (indicator.code.size > 0 && known && catalogue_find(known, indicator.code))
            yamldoc_error(doc, item, "code", "ce code est celui d’un indicateur de la liste nationale");
        if (doc->sink->count[DIAG_ERROR] == before)
            self->items[self->count++] = indicator;
    }
    return doc->sink->count[DIAG_ERROR] == errors;
}

bool catalogue_load(catalogue *self, arena *from, const char *file, text_view bytes, diag_sink *sink)
{
    yamldoc doc;
    yamldoc_map top;
    *self = (catalogue){ 0 };
    unsigned long errors = sink->count[DIAG_ERROR];
    if (!yamldoc_load(&doc, from, file, bytes, sink))
        return false;
    yamldoc_map_open(&top, &doc, doc.root, "le catalogue");
    bool good = catalogue_read(self, &top, YAMLDOC_REQUIRED, NULL);
    yamldoc_map_close(&top);
    return good && sink->count[DIAG_ERROR] == errors;
}

const catalogue_indicator *catalogue_find(const catalogue *self, text_view code)
{
    for (unsigned i = 0; i < self->count; i++)
        if (text_equal(self->items[i].code, code))
            return &self->items[i];
    return NULL;
}

static bool has_type(const catalogue_indicator *self, fact_type type)
{
    for (unsigned i = 0; i < self->type_count; i++)
        if (self->types[i] == type)
            return true;
    return false;
}

static bool has_detail(const catalogue_indicator *self, text_view detail)
{
    for (unsigned i = 0; i < self->detail_count; i++)
        if (text_equal(self->details[i], detail))
            return true;
    return self->detail_count == 0;
}

bool catalogue_covers(const catalogue_indicator *whole, const catalogue_indicator *part)
{
    if (whole->kind != part->kind || whole->share != part->share)
        return false;
    if (part->detail_count == 0 && whole->detail_count > 0)
        return false;
    for (unsigned i = 0; i < part->type_count; i++)
        if (!has_type(whole, part->types[i]))
            return false;
    for (unsigned i = 0; i < part->detail_count; i++)
        if (!has_detail(whole, part->details[i]))
            return false;
    return (whole->sex == RECORD_SEX_NONE || whole->sex == part->sex) && (!whole->bpi || part->bpi)
        && (!whole->under_25 || part->under_25);
}

const char *catalogue_kind_name(catalogue_kind kind)
{
    assert(kind < CATALOGUE_KIND_COUNT);
    return kind_names[kind];
}

const char *catalogue_measure_name(fact_unit measure)
{
    switch (measure) {
    case FACT_UNIT_MINUTES: return "minutes";
    case FACT_UNIT_CENTS: return "centimes";
    case FACT_UNIT_DAYS: return "jours";
    default: return "nombre";
    }
}
