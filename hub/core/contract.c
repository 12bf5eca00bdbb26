/*
 * contract: see contract.h. Here: the contract as a whole, its parties and its money. Its actions are
 * read by contract_action.c.
 */
#include "contract.h"

#include <inttypes.h>
#include <stdio.h>

#include "contract_reader.h"
#include "credential.h"

enum { MONEY_MAX = 64, ACTIVITIES_MAX = 32, READERS_MAX = 64, CODE_MAX = 3, LONG_DAYS = 5 * 366, FOLLOW_UP_MONTHS = 7 };

void *contract_reader_room(contract_reader *self, size_t count, size_t item_size)
{
    void *items = arena_take(self->doc->from, count * item_size);
    if (!items && !self->failed) {
        self->failed = true;
        yamldoc_error(self->doc, NULL, NULL, "la mémoire manque pour lire ce fichier");
    }
    return items;
}

void *contract_reader_take(contract_reader *self, const yamldoc_node *list, size_t item_size)
{
    return list && list->count > 0 ? contract_reader_room(self, list->count, item_size) : NULL;
}

bool contract_reader_amount(yamldoc_map *map, const char *key, yamldoc_need need, contract_amount *to,
                            const yamldoc_node **at)
{
    const yamldoc_node *node = yamldoc_value(map, key, need);
    *to = (contract_amount){ 0 };
    if (at)
        *at = node;
    (void)!yamldoc_text(map, "note", YAMLDOC_OPTIONAL, CONTRACT_NAME_MAX, &to->note);
    if (!node)
        return false;
    if (node->kind == YAMLDOC_SCALAR && text_is(node->text, "inconnu"))
        return true;
    to->known = yamldoc_euros(map, key, need, &to->cents);
    return to->known;
}

void contract_reader_euros(int64_t cents, char text[CONTRACT_READER_EUROS])
{
    char digits[24], grouped[32];
    int count = snprintf(digits, sizeof digits, "%" PRId64, cents / 100), at = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            grouped[at++] = ' ';
        grouped[at++] = digits[i];
    }
    grouped[at] = '\0';
    if (cents % 100 != 0)
        snprintf(text, CONTRACT_READER_EUROS, "%s,%02d €", grouped, (int)(cents % 100));
    else
        snprintf(text, CONTRACT_READER_EUROS, "%s €", grouped);
}

void contract_reader_targets(contract_reader *self, yamldoc_map *map, contract_target *targets, unsigned *count)
{
    static const char *const with_target[CONTRACT_TARGETS_MAX] = { "1.1.total", "1.2.acteurs" };
    const yamldoc_node *node = yamldoc_value(map, "objectifs", YAMLDOC_OPTIONAL);
    yamldoc_map values;
    *count = 0;
    if (!node || !yamldoc_map_open(&values, self->doc, node, "la liste des objectifs"))
        return;
    for (unsigned i = 0; i < CONTRACT_TARGETS_MAX; i++) {
        contract_target target = { .indicator = text_of(with_target[i]) };
        if (yamldoc_integer(&values, with_target[i], YAMLDOC_OPTIONAL, 0, 1000000, &target.value))
            targets[(*count)++] = target;
    }
    yamldoc_map_close(&values);
}

static void read_party(contract_reader *self, const yamldoc_node *item)
{
    static const char *const roles[] = { "coordonnateur", "signataire", "operateur", "partenaire" };
    contract *into = self->into;
    contract_party party = { 0 };
    yamldoc_map map;
    unsigned role = 0;
    if (!yamldoc_map_open(&map, self->doc, item, "une partie"))
        return;
    bool good = yamldoc_name(&map, "code", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &party.code);
    good = yamldoc_text(&map, "nom", YAMLDOC_REQUIRED, CONTRACT_NAME_MAX, &party.name) && good;
    good = yamldoc_choice(&map, "role", YAMLDOC_REQUIRED, roles, 4, &role) && good;
    if (yamldoc_text(&map, "agent", YAMLDOC_OPTIONAL, CREDENTIAL_NAME_MAX, &party.agent)
        && !credential_name_valid(party.agent)) {
        yamldoc_error(self->doc, item, "agent",
                      "nom d’agent incorrect : lettres minuscules sans accent, chiffres et tirets");
        good = false;
    }
    yamldoc_map_close(&map);
    party.role = (contract_role)role;
    for (unsigned i = 0; i < into->party_count && good; i++) {
        if (text_equal(into->parties[i].code, party.code)) {
            yamldoc_error(self->doc, item, "code", "cette partie est déclarée deux fois");
            good = false;
        } else if (party.agent.size > 0 && text_equal(into->parties[i].agent, party.agent)) {
            yamldoc_error(self->doc, item, "agent", "cet agent est déjà celui d’une autre partie");
            good = false;
        }
    }
    if (good)
        into->parties[into->party_count++] = party;
}

void contract_reader_parties(contract_reader *self, yamldoc_map *top, yamldoc_need need)
{
    contract *into = self->into;
    const yamldoc_node *list = yamldoc_list(top, "parties", need, 1, CONTRACT_PARTIES_MAX);
    into->parties = contract_reader_take(self, list, sizeof *into->parties);
    for (const yamldoc_node *item = into->parties ? list->first : NULL; item; item = item->next)
        read_party(self, item);
    unsigned coordinators = 0;
    for (unsigned i = 0; i < into->party_count; i++)
        coordinators += into->parties[i].role == CONTRACT_COORDINATOR;
    if (list && coordinators != 1)
        yamldoc_warn(self->doc, list, "parties",
                     coordinators ? "plusieurs parties sont coordonnatrices" : "aucune partie n’est coordonnatrice");

    list = yamldoc_list(top, "pilotage", YAMLDOC_OPTIONAL, 0, READERS_MAX);
    into->readers = contract_reader_take(self, list, sizeof *into->readers);
    for (const yamldoc_node *item = into->readers ? list->first : NULL; item; item = item->next)
        if (yamldoc_item_text(self->doc, item, CONTRACT_NAME_MAX, &into->readers[into->reader_count]))
            into->reader_count++;
}

/* The budget's lines of a funder, and whether they go with its amount. */
static void read_activities(contract_reader *self, yamldoc_map *map, contract_money *money,
                            const yamldoc_node *amount_at)
{
    const yamldoc_node *list = yamldoc_list(map, "activites", YAMLDOC_OPTIONAL, 0, ACTIVITIES_MAX);
    int64_t sum = 0;
    bool all_known = list && list->count > 0;
    money->activities = contract_reader_take(self, list, sizeof *money->activities);
    for (const yamldoc_node *item = money->activities ? list->first : NULL; item; item = item->next) {
        yamldoc_map entry;
        contract_activity *activity = &money->activities[money->activity_count];
        yamldoc_map_open(&entry, self->doc, item, "une ligne d’activité");
        bool good = yamldoc_name(&entry, "code", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &activity->code);
        good = yamldoc_text(&entry, "libelle", YAMLDOC_REQUIRED, CONTRACT_NAME_MAX, &activity->label) && good;
        good = contract_reader_amount(&entry, "montant", YAMLDOC_REQUIRED, &activity->amount, NULL) && good;
        yamldoc_map_close(&entry);
        sum += activity->amount.cents;
        all_known = all_known && activity->amount.known;
        money->activity_count += good;
    }
    if (money->amount.known && amount_at && (all_known ? sum != money->amount.cents : sum > money->amount.cents)) {
        char stated[CONTRACT_READER_EUROS], added[CONTRACT_READER_EUROS];
        contract_reader_euros(money->amount.cents, stated);
        contract_reader_euros(sum, added);
        yamldoc_warn(self->doc, amount_at, "montant", "le montant indiqué est de %s, mais ses lignes font %s",
                     stated, added);
    }
}

void contract_reader_money(contract_reader *self, yamldoc_map *top)
{
    contract *into = self->into;
    const yamldoc_node *list = yamldoc_list(top, "financements", YAMLDOC_OPTIONAL, 0, MONEY_MAX);
    into->money = contract_reader_take(self, list, sizeof *into->money);
    for (const yamldoc_node *item = into->money ? list->first : NULL; item; item = item->next) {
        yamldoc_map map;
        const yamldoc_node *at = NULL;
        contract_money *money = &into->money[into->money_count];
        yamldoc_map_open(&map, self->doc, item, "un financement");
        bool good = yamldoc_text(&map, "source", YAMLDOC_REQUIRED, CONTRACT_NAME_MAX, &money->source);
        good = contract_reader_amount(&map, "montant", YAMLDOC_REQUIRED, &money->amount, &at) && good;
        if (good && !money->amount.known)
            yamldoc_warn(self->doc, at, "montant", "ce montant est inconnu");
        (void)!yamldoc_name(&map, "programme", YAMLDOC_OPTIONAL, RECORD_NAME_MAX, &money->programme);
        (void)!yamldoc_name(&map, "action", YAMLDOC_OPTIONAL, RECORD_NAME_MAX, &money->action);
        (void)!yamldoc_name(&map, "sous_action", YAMLDOC_OPTIONAL, RECORD_NAME_MAX, &money->sub_action);
        read_activities(self, &map, money, at);
        yamldoc_map_close(&map);
        into->money_count += good;
    }
}

static void read_place(contract_reader *self, yamldoc_map *top, const territory *places)
{
    contract *into = self->into;
    const yamldoc_node *department_at = yamldoc_value(top, "departement", YAMLDOC_OPTIONAL);
    const yamldoc_node *region_at = yamldoc_value(top, "region", YAMLDOC_OPTIONAL);
    bool has_department = yamldoc_name(top, "departement", YAMLDOC_REQUIRED, CODE_MAX, &into->department);
    bool has_region = yamldoc_name(top, "region", YAMLDOC_REQUIRED, CODE_MAX, &into->region);
    const territory_department *department = NULL;
    if (has_department)
        department = territory_department_find(places, into->department);
    if (has_department && !department)
        yamldoc_error(self->doc, department_at, "departement",
                      "ce n’est le code INSEE d’aucun département (01, 2A, 63, 971…)");
    if (has_region && !territory_region_find(places, into->region))
        yamldoc_error(self->doc, region_at, "region",
                      "ce n’est le code INSEE d’aucune région (84 : Auvergne-Rhône-Alpes)");
    else if (has_region && department && !text_equal(department->region, into->region))
        yamldoc_error(self->doc, region_at, "region", "le département %.*s (%.*s) est dans la région %.*s",
                      (int)department->code.size, department->code.at, (int)department->name.size, department->name.at,
                      (int)department->region.size, department->region.at);
}

static void read_days(contract_reader *self, yamldoc_map *top)
{
    contract *into = self->into;
    const yamldoc_node *last_at = yamldoc_value(top, "dernier_jour", YAMLDOC_OPTIONAL);
    bool first = yamldoc_day(top, "premier_jour", YAMLDOC_REQUIRED, &into->first_day);
    bool last = yamldoc_day(top, "dernier_jour", YAMLDOC_REQUIRED, &into->last_day);
    if (first && last && into->last_day < into->first_day)
        yamldoc_error(self->doc, last_at, "dernier_jour", "le dernier jour est avant le premier");
    else if (first && last && into->last_day - into->first_day > LONG_DAYS)
        yamldoc_warn(self->doc, last_at, "dernier_jour", "ce contrat dure plus de cinq ans : vérifiez l’année");
    const yamldoc_node *kept_at = yamldoc_value(top, "conservation", YAMLDOC_OPTIONAL);
    bool kept = yamldoc_integer(top, "conservation", YAMLDOC_OPTIONAL, 1, CONTRACT_RETENTION_MAX, &into->retention_months);
    if (!kept_at && last)
        yamldoc_warn(self->doc, last_at, "conservation",
                     "le contrat ne dit pas combien de mois ses données sont gardées après le dernier jour : elles ne seront jamais purgées");
    else if (kept && into->retention_months <= FOLLOW_UP_MONTHS)
        yamldoc_warn(self->doc, kept_at, "conservation",
                     "les suivis à six mois arrivent jusqu’à sept mois après le dernier jour : ils seraient purgés avant d’être comptés");
}

/* Of a contract's registered text alone: what amendment_merge wrote. */
static void read_amended(contract_reader *self, yamldoc_map *top)
{
    contract_amended *to = &self->into->amended;
    const yamldoc_node *node = yamldoc_value(top, "avenant", YAMLDOC_OPTIONAL);
    yamldoc_map map;
    int64_t number = 0;
    if (!node || !yamldoc_map_open(&map, self->doc, node, "l’avenant"))
        return;
    if (yamldoc_integer(&map, "numero", YAMLDOC_REQUIRED, 1, CONTRACT_AMENDMENTS_MAX, &number))
        to->number = (unsigned)number;
    (void)!yamldoc_day(&map, "date", YAMLDOC_REQUIRED, &to->day);
    (void)!yamldoc_text(&map, "objet", YAMLDOC_OPTIONAL, WIRE_TITLE_MAX, &to->subject);
    const yamldoc_node *text = yamldoc_value(&map, "texte", YAMLDOC_REQUIRED);
    if (text && text->kind == YAMLDOC_SCALAR)
        to->text = text->text;
    yamldoc_map_close(&map);
}

bool contract_read(contract *self, arena *from, const catalogue *national, const territory *places, const char *file,
                   text_view bytes, diag_sink *sink)
{
    yamldoc doc;
    *self = (contract){ .first_day = CIVIL_NONE, .last_day = CIVIL_NONE, .amended.day = CIVIL_NONE };
    return yamldoc_load(&doc, from, file, bytes, sink) && contract_read_tree(self, national, places, &doc);
}

bool contract_read_tree(contract *self, const catalogue *national, const territory *places, yamldoc *doc)
{
    yamldoc_map top;
    const diag_sink *sink = doc->sink;
    unsigned long errors = sink->count[DIAG_ERROR];
    *self = (contract){ .first_day = CIVIL_NONE, .last_day = CIVIL_NONE, .amended.day = CIVIL_NONE };
    if (!yamldoc_map_open(&top, doc, doc->root, "le fichier d’un contrat"))
        return false;
    contract_reader reader = { .into = self, .doc = doc, .national = national };
    (void)!yamldoc_name(&top, "id", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &self->id);
    (void)!yamldoc_text(&top, "titre", YAMLDOC_REQUIRED, WIRE_TITLE_MAX, &self->title);
    read_place(&reader, &top, places);
    (void)!yamldoc_name(&top, "perimetre", YAMLDOC_REQUIRED, BATCH_SCOPE_MAX, &self->scope);
    read_days(&reader, &top);
    contract_reader_parties(&reader, &top, YAMLDOC_REQUIRED);
    contract_reader_money(&reader, &top);
    (void)!catalogue_read(&self->own, &top, YAMLDOC_OPTIONAL, national);
    contract_reader_variants(&reader, &top);
    contract_reader_actions(&reader, &top);
    contract_reader_targets(&reader, &top, self->targets, &self->target_count);
    read_amended(&reader, &top);
    yamldoc_map_close(&top);
    return sink->count[DIAG_ERROR] == errors;
}

const contract_action *contract_action_find(const contract *self, text_view code)
{
    for (unsigned i = 0; i < self->action_count; i++)
        if (text_equal(self->actions[i].code, code))
            return &self->actions[i];
    return NULL;
}

static bool is_among(const contract_actor *actors, unsigned count, text_view agent)
{
    for (unsigned i = 0; i < count && agent.size > 0; i++)
        if (text_equal(actors[i].agent, agent))
            return true;
    return false;
}

bool contract_is_operator(const contract_action *action, text_view agent)
{
    return is_among(action->operators, action->operator_count, agent);
}

bool contract_is_partner(const contract_action *action, text_view agent)
{
    return is_among(action->partners, action->partner_count, agent);
}
