/* contract_action: the actions (fiches-action) of a contract: who, for how many, at what cost, counted how. */
#include <string.h>

#include "contract_reader.h"

enum { ACTORS_MAX = 64, LINES_MAX = 64, ADDRESS_MAX = 500 };

static const contract_party *find_party(const contract *self, text_view code)
{
    for (unsigned i = 0; i < self->party_count; i++)
        if (text_equal(self->parties[i].code, code))
            return &self->parties[i];
    return NULL;
}

/* The party that a key names, by its code; NULL, said so, when there is none. */
static const contract_party *read_reference(contract_reader *self, yamldoc_map *map, const char *key)
{
    const contract *into = self->into;
    const yamldoc_node *at = yamldoc_value(map, key, YAMLDOC_OPTIONAL);
    text_view code;
    if (!at || !yamldoc_name(map, key, YAMLDOC_REQUIRED, RECORD_NAME_MAX, &code))
        return NULL;
    const contract_party *party = find_party(into, code);
    if (party)
        return party;
    const char *codes[CONTRACT_PARTIES_MAX];
    for (unsigned i = 0; i < into->party_count; i++)
        codes[i] = into->parties[i].code.at; /* copies in the arena, which end in a NUL */
    const char *near = text_nearest(code, codes, into->party_count);
    if (near)
        yamldoc_error(self->doc, at, key, "aucune partie n’a ce code ; vouliez-vous dire « %s » ?", near);
    else
        yamldoc_error(self->doc, at, key,
                      "aucune partie n’a ce code : déclarez-la sous « parties », ou donnez son « nom »");
    return NULL;
}

/* One of partie, nom, a_determiner, and who declares for it. */
static bool read_actor(contract_reader *self, const yamldoc_node *item, bool is_operator, contract_actor *actor)
{
    yamldoc_map map;
    unsigned long errors = self->doc->sink->count[DIAG_ERROR];
    if (!yamldoc_map_open(&map, self->doc, item, "un opérateur ou un partenaire"))
        return false;
    static const char *const way_keys[] = { "partie", "nom", "a_determiner" };
    unsigned ways = 0;
    for (unsigned i = 0; i < 3; i++)
        ways += yamldoc_value(&map, way_keys[i], YAMLDOC_OPTIONAL) != NULL;
    const contract_party *party = read_reference(self, &map, "partie");
    const contract_party *declarer = read_reference(self, &map, "declare_par");
    if (party) {
        actor->name = party->name;
        actor->agent = party->agent;
    }
    (void)!yamldoc_text(&map, "nom", YAMLDOC_OPTIONAL, CONTRACT_NAME_MAX, &actor->name);
    actor->undetermined = yamldoc_text(&map, "a_determiner", YAMLDOC_OPTIONAL, CONTRACT_NAME_MAX, &actor->name);
    if (ways != 1)
        yamldoc_error(self->doc, item, NULL,
                      "donnez une seule de ces clés : « partie », « nom » ou « a_determiner »");
    if (declarer && declarer->agent.size == 0)
        yamldoc_error(self->doc, item, "declare_par",
                      "cette partie n’a pas d’agent : elle ne peut pas déclarer pour un autre");
    else if (declarer)
        actor->agent = declarer->agent;
    yamldoc_map_close(&map);
    bool good = self->doc->sink->count[DIAG_ERROR] == errors;
    if (good && is_operator && !actor->undetermined && actor->agent.size == 0)
        yamldoc_warn(self->doc, item, NULL,
                     "cet opérateur n’a pas d’agent et personne ne déclare pour lui (« declare_par »)");
    return good;
}

static unsigned read_actors(contract_reader *self, yamldoc_map *map, const char *key, bool is_operator,
                            contract_actor **actors)
{
    const yamldoc_node *list = yamldoc_list(map, key, is_operator ? YAMLDOC_REQUIRED : YAMLDOC_OPTIONAL,
                                            is_operator, ACTORS_MAX);
    unsigned count = 0;
    *actors = contract_reader_take(self, list, sizeof **actors);
    for (const yamldoc_node *item = *actors ? list->first : NULL; item; item = item->next) {
        contract_actor *actor = &(*actors)[count];
        *actor = (contract_actor){ 0 };
        bool good = read_actor(self, item, is_operator, actor);
        for (unsigned i = 0; i < count && good; i++)
            if (text_equal((*actors)[i].name, actor->name)) {
                yamldoc_error(self->doc, item, key, "celui-ci est donné deux fois");
                good = false;
            }
        count += good;
    }
    return count;
}

/* The sum of the lines; false when one of them is unknown. */
static bool read_lines(contract_reader *self, yamldoc_map *map, contract_action *action, int64_t *sum)
{
    const yamldoc_node *list = yamldoc_list(map, "lignes", YAMLDOC_OPTIONAL, 1, LINES_MAX);
    bool all_known = list != NULL;
    *sum = 0;
    action->lines = contract_reader_take(self, list, sizeof *action->lines);
    for (const yamldoc_node *item = action->lines ? list->first : NULL; item; item = item->next) {
        yamldoc_map entry;
        contract_line *line = &action->lines[action->line_count];
        yamldoc_map_open(&entry, self->doc, item, "une ligne de coût");
        bool good = yamldoc_text(&entry, "libelle", YAMLDOC_REQUIRED, CONTRACT_NAME_MAX, &line->label);
        good = contract_reader_amount(&entry, "montant", YAMLDOC_REQUIRED, &line->amount, NULL) && good;
        yamldoc_map_close(&entry);
        all_known = all_known && good && line->amount.known;
        *sum += line->amount.cents;
        action->line_count += good;
    }
    return all_known;
}

/* What it costs, and whether its lines add up to it. An amount that is not known stays so. */
static void read_cost(contract_reader *self, yamldoc_map *of, const yamldoc_node *action_at,
                      contract_action *action)
{
    const yamldoc_node *node = yamldoc_value(of, "cout", YAMLDOC_OPTIONAL), *at = NULL;
    yamldoc_map map;
    int64_t sum;
    action->cost_until = CIVIL_NONE;
    if (!node) {
        yamldoc_warn(self->doc, action_at, "cout", "le coût prévu de cette action n’est pas indiqué");
        return;
    }
    if (!yamldoc_map_open(&map, self->doc, node, "le coût"))
        return;
    unsigned long errors = self->doc->sink->count[DIAG_ERROR];
    (void)!yamldoc_month(&map, "jusqu_au", YAMLDOC_OPTIONAL, &action->cost_until);
    if (action->cost_until != CIVIL_NONE && self->into->first_day != CIVIL_NONE
        && action->cost_until < civil_month_of(self->into->first_day))
        yamldoc_warn(self->doc, node, "jusqu_au", "ce mois est avant le début du contrat");
    bool stated = contract_reader_amount(&map, "total", YAMLDOC_OPTIONAL, &action->cost, &at);
    bool added = read_lines(self, &map, action, &sum);
    yamldoc_map_close(&map);
    if (self->doc->sink->count[DIAG_ERROR] != errors)
        return;
    action->has_cost = true;
    char total[CONTRACT_READER_EUROS], lines[CONTRACT_READER_EUROS];
    contract_reader_euros(action->cost.cents, total);
    contract_reader_euros(sum, lines);
    if (!stated && added)
        action->cost = (contract_amount){ .known = true, .cents = sum, .note = action->cost.note };
    else if (!action->cost.known)
        yamldoc_warn(self->doc, at ? at : node, "cout", "le coût prévu de cette action est inconnu");
    else if (added && sum != action->cost.cents)
        yamldoc_warn(self->doc, at, "total", "le total indiqué est de %s, mais les lignes font %s", total, lines);
    else if (!added && sum > action->cost.cents)
        yamldoc_warn(self->doc, at, "total", "le total indiqué est de %s, mais les lignes connues font déjà %s",
                     total, lines);
}

void contract_reader_unknown(contract_reader *self, const yamldoc_node *item, const char *key, text_view code)
{
    const char *codes[3 * CATALOGUE_INDICATORS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < self->national->count; i++)
        codes[count++] = self->national->items[i].code.at; /* copies in an arena, which end in a NUL */
    for (unsigned i = 0; i < self->into->own.count; i++)
        codes[count++] = self->into->own.items[i].code.at;
    const char *near = text_nearest(code, codes, count);
    if (near)
        yamldoc_error(self->doc, item, key, "cet indicateur n’existe pas ; vouliez-vous dire « %s » ?", near);
    else
        yamldoc_error(self->doc, item, key, "cet indicateur n’existe ni dans la liste nationale ni dans ce contrat");
}

static bool is_selected(const yamldoc_node *list, text_view code)
{
    for (const yamldoc_node *item = list->first; item; item = item->next)
        if (item->kind == YAMLDOC_SCALAR && text_equal(item->text, code))
            return true;
    return false;
}

/* Those about the public and the money go with every action (the national guide to the indicators). */
static bool is_mandatory(text_view code)
{
    return (code.size > 4 && memcmp(code.at, "1.1.", 4) == 0) || (code.size > 2 && memcmp(code.at, "2.", 2) == 0);
}

/* Adds to selected the variants of an indicator: chosen by themselves, or with it. */
static void select_variants(const contract *self, text_view of, const yamldoc_node *list, contract_action *action)
{
    for (unsigned i = 0; i < self->own.count; i++) {
        const catalogue_indicator *one = &self->own.items[i];
        if (one->variant_of.size > 0 && text_equal(one->variant_of, of) && (is_selected(list, one->code) || is_selected(list, of)))
            action->selected[action->selected_count++] = one->code;
    }
}

/* Adds to selected, in the order of a catalogue, those of its codes that the list holds, each with its variants after it. */
static void select_from(contract_reader *self, const catalogue *from, const yamldoc_node *list,
                        contract_action *action, const char **missing)
{
    for (unsigned i = 0; i < from->count; i++) {
        if (from->items[i].variant_of.size > 0)
            continue;
        if (is_selected(list, from->items[i].code))
            action->selected[action->selected_count++] = from->items[i].code;
        else if (!*missing && from == self->national && is_mandatory(from->items[i].code))
            *missing = from->items[i].code.at;
        select_variants(self->into, from->items[i].code, list, action);
    }
}

static void read_selected(contract_reader *self, yamldoc_map *map, contract_action *action)
{
    const yamldoc_node *list = yamldoc_list(map, "indicateurs", YAMLDOC_REQUIRED, 1, CATALOGUE_INDICATORS_MAX);
    const char *missing = NULL;
    unsigned long errors = self->doc->sink->count[DIAG_ERROR];
    action->selected = list ? contract_reader_room(self, list->count + self->into->own.count, sizeof *action->selected) : NULL;
    if (!action->selected)
        return;
    for (const yamldoc_node *item = list->first; item; item = item->next) {
        text_view code;
        if (!yamldoc_item_name(self->doc, item, RECORD_NAME_MAX, &code))
            continue;
        if (!catalogue_find(self->national, code) && !catalogue_find(&self->into->own, code))
            contract_reader_unknown(self, item, "indicateurs", code);
        for (const yamldoc_node *before = list->first; before != item; before = before->next)
            if (before->kind == YAMLDOC_SCALAR && text_equal(before->text, code)) {
                yamldoc_error(self->doc, item, "indicateurs", "cet indicateur est donné deux fois");
                break;
            }
    }
    if (self->doc->sink->count[DIAG_ERROR] != errors)
        return;
    select_from(self, self->national, list, action, &missing);
    select_from(self, &self->into->own, list, action, &missing);
    if (missing)
        yamldoc_warn(self->doc, list, "indicateurs",
                     "« %s » manque, alors que les indicateurs 1.1 et 2 sont obligatoires pour chaque action",
                     missing);
}

/* Only what an address is made of (RFC 3986), so that a page can show it as it is. */
static bool is_address(text_view text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~' || strchr("\"<>\\^`{|}", text.at[i]))
            return false;
    return true;
}

static void read_address(contract_reader *self, yamldoc_map *map, const yamldoc_node *item, contract_action *action)
{
    static const char *const sites[] = { "https://refugies.info/", "https://www.refugies.info/" };
    const yamldoc_node *at = yamldoc_value(map, "refugies_info", YAMLDOC_OPTIONAL);
    text_view address;
    if (!at) {
        yamldoc_warn(self->doc, item, "refugies_info",
                     "cette action n’a pas d’adresse sur refugies.info : l’article 6 demande de l’y référencer");
        return;
    }
    if (!yamldoc_text(map, "refugies_info", YAMLDOC_REQUIRED, ADDRESS_MAX, &address))
        return;
    for (unsigned i = 0; i < 2; i++)
        if (address.size > strlen(sites[i]) && memcmp(address.at, sites[i], strlen(sites[i])) == 0 && is_address(address))
            action->refugies_info = address;
    if (action->refugies_info.size == 0)
        yamldoc_error(self->doc, at, "refugies_info", "adresse d’une page de https://refugies.info/ attendue");
}

static void read_action(contract_reader *self, const yamldoc_node *item)
{
    contract *into = self->into;
    contract_action *action = &into->actions[into->action_count];
    yamldoc_map map;
    *action = (contract_action){ 0 };
    if (!yamldoc_map_open(&map, self->doc, item, "une action"))
        return;
    bool good = yamldoc_name(&map, "code", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &action->code);
    good = yamldoc_text(&map, "titre", YAMLDOC_REQUIRED, WIRE_TITLE_MAX, &action->title) && good;
    if (good && text_is(action->code, "contrat")) {
        yamldoc_error(self->doc, item, "code",
                      "« contrat » désigne le contrat entier dans les rapports : choisissez un autre code");
        good = false;
    }
    if (good && contract_action_find(into, action->code)) {
        yamldoc_error(self->doc, item, "code", "cette action est déclarée deux fois");
        good = false;
    }
    action->operator_count = read_actors(self, &map, "operateurs", true, &action->operators);
    action->partner_count = read_actors(self, &map, "partenaires", false, &action->partners);
    contract_reader_targets(self, &map, action->targets, &action->target_count);
    if (action->target_count == 0 && good)
        yamldoc_warn(self->doc, item, "objectifs", "cette action n’a pas d’objectif");
    read_cost(self, &map, item, action);
    read_selected(self, &map, action);
    read_address(self, &map, item, action);
    yamldoc_map_close(&map);
    into->action_count += good;
}

void contract_reader_actions(contract_reader *self, yamldoc_map *top)
{
    const yamldoc_node *list = yamldoc_list(top, "actions", YAMLDOC_REQUIRED, 1, CONTRACT_ACTIONS_MAX);
    self->into->actions = contract_reader_take(self, list, sizeof *self->into->actions);
    for (const yamldoc_node *item = self->into->actions ? list->first : NULL; item; item = item->next)
        read_action(self, item);
}
