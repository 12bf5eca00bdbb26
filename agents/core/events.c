/* events: see events.h. */
#include "events.h"

#include <assert.h>
#include <string.h>

#include "export_terms.h"
#include "quantity.h"
#include "recordkey.h"

static const table_column columns_of_one[EVENTS_COLUMN_COUNT] = {
    [EVENTS_ID] = {"id_evenement", true},
    [EVENTS_CONTRACT] = {"contrat", false},
    [EVENTS_DATE] = {"date", true},
    [EVENTS_ACTION] = {"action", true},
    [EVENTS_TYPE] = {"type", true},
    [EVENTS_PERSON] = {"id_local", false},
    [EVENTS_QUANTITY] = {"quantite", false},
    [EVENTS_DETAIL] = {"detail", false},
    [EVENTS_REFERENCE] = {"reference", false},
};

enum {
    PROGRESS_ROWS = 1024,
    CANDIDATES_MAX = 64,
    EXACT_BYTES = 8 * 1024 * 1024, /* of a file that large, not every number is kept to know it when it comes again */
    ROW_BYTES = 48,                /* of such a file, about */
};

enum { TOGETHER = RECORDKEY_QUEUE / 2 }; /* each row has a key, and perhaps a reference */

/* The last rows, whose keys are made together. */
typedef struct events_waiting {
    recordkey_queue keys;
    unsigned count;
    events_row rows[TOGETHER];
    events_repeat *repeats[TOGETHER]; /* what has the same key, or NULL */
} events_waiting;

/* The reading of the table. */
typedef struct {
    events *all;
    table *rows;
    const events_setting *setting;
    events_row *what;
    bool failed; /* the row is in error: said */
    bool no_memory;
} row;

static diag at_column(const row *at, diag_severity severity, events_column which, const char *remedy)
{
    return table_where(at->rows, severity, at->rows->line, which, remedy);
}

static void fail(row *at, events_column which, const char *message, const char *remedy)
{
    diag where = at_column(at, DIAG_ERROR, which, remedy);
    where.message = message;
    diag_emit(at->rows->sink, &where);
    at->failed = true;
}

/* An unknown code: names the nearest of those that there are. */
static void fail_code(row *at, events_column which, const char *message, const char *const *candidates,
                      size_t count)
{
    const char *nearest = text_nearest(at->rows->cells[which], candidates, count);
    diag where = at_column(at, DIAG_ERROR, which, NULL);
    if (nearest)
        diag_emitf(at->rows->sink, &where, "%s ; vouliez-vous dire « %s » ?", message, nearest);
    else
        diag_emitf(at->rows->sink, &where, "%s", message);
    at->failed = true;
}

/* Is the cell there? Says so when it is not; a cell that cannot be read has been told of. */
static bool is_filled(row *at, events_column which)
{
    if (at->rows->cells[which].size > 0)
        return true;
    if (at->rows->bad_cells >> which & 1)
        return false;
    if (at->rows->place[which] == 0)
        fail(at, which, "la colonne manque au fichier, et ce type de fait en a besoin", NULL);
    else
        fail(at, which, "la cellule est vide",
             at->rows->columns[which].required ? "Elle est obligatoire"
                                               : "Elle est obligatoire pour ce type de fait");
    return false;
}

static const wire_contract *terms(const row *at)
{
    return at->setting->contracts[at->what->contract];
}

static const fact_rule *rule_of(const row *at)
{
    return fact_rule_of((fact_type)at->what->type);
}

static void read_date(row *at)
{
    if (!is_filled(at, EVENTS_DATE))
        return;
    at->what->day = civil_parse(at->rows->cells[EVENTS_DATE]);
    if (at->what->day == CIVIL_NONE)
        fail(at, EVENTS_DATE, "ce n’est pas une date du calendrier", "Écrivez 31/01/2024 ou 2024-01-31");
}

static void read_action(row *at)
{
    if (!is_filled(at, EVENTS_ACTION))
        return;
    const wire_contract *contract = terms(at);
    for (unsigned i = 0; i < contract->action_count; i++) {
        if (!text_equal(contract->actions[i].code, at->rows->cells[EVENTS_ACTION]))
            continue;
        at->what->action = (uint8_t)i;
        if (!contract->actions[i].allowed)
            fail(at, EVENTS_ACTION, "l’approbation de la préfecture ne couvre pas cette action",
                 "Demandez-la à la préfecture");
        return;
    }
    char names[WIRE_ACTIONS_MAX][RECORD_NAME_MAX + 1];
    const char *candidates[WIRE_ACTIONS_MAX];
    unsigned count = 0;
    for (; count < contract->action_count && count < WIRE_ACTIONS_MAX; count++) {
        text_copy(names[count], sizeof names[count], contract->actions[count].code);
        candidates[count] = names[count];
    }
    fail_code(at, EVENTS_ACTION, "le contrat n’a pas cette action", candidates, count);
}

/* FACT_NONE when the row's type is none that a file may hold. */
static fact_type read_type(row *at)
{
    if (!is_filled(at, EVENTS_TYPE))
        return FACT_NONE;
    fact_type type = fact_find(at->rows->cells[EVENTS_TYPE]);
    if (type != FACT_NONE && fact_rule_of(type)->from_file)
        return type;
    const char *candidates[FACT_TYPE_COUNT];
    size_t count = 0;
    for (int i = 0; i < FACT_TYPE_COUNT; i++)
        if (fact_rule_of((fact_type)i)->from_file)
            candidates[count++] = fact_rule_of((fact_type)i)->name;
    fail_code(at, EVENTS_TYPE, "ce type de fait n’existe pas", candidates, count);
    return FACT_NONE;
}

static void read_person(row *at)
{
    at->what->person = PERSONS_NONE;
    if (!rule_of(at)->has_person || !is_filled(at, EVENTS_PERSON))
        return;
    uint32_t found = persons_find(at->setting->people, at->rows->cells[EVENTS_PERSON]);
    if (found == PERSONS_NONE)
        fail(at, EVENTS_PERSON, "cette personne n’est pas dans la table des personnes", NULL);
    else if (persons_at(at->setting->people, found)->in_error)
        fail(at, EVENTS_PERSON, "la ligne de cette personne est en erreur",
             "Corrigez d’abord la table des personnes");
    at->what->person = found;
}

static void read_quantity(row *at)
{
    const fact_rule *rule = rule_of(at);
    text_view cell = at->rows->cells[EVENTS_QUANTITY];
    if (rule->quantity == FACT_QUANTITY_NONE)
        return;
    if (cell.size == 0) {
        at->what->has_quantity = rule->quantity == FACT_QUANTITY_ONE;
        at->what->quantity = rule->quantity == FACT_QUANTITY_ONE;
        if (rule->quantity == FACT_QUANTITY_REQUIRED)
            (void)is_filled(at, EVENTS_QUANTITY);
        return;
    }
    quantity_error error = quantity_read(&at->what->quantity, cell, rule->unit);
    at->what->has_quantity = true;
    if (error != QUANTITY_OK)
        fail(at, EVENTS_QUANTITY, quantity_error_text(error), quantity_error_remedy(error, rule->unit));
}

static void read_detail(row *at)
{
    const fact_rule *rule = rule_of(at);
    at->what->code = -1;
    if (!rule->codes || !is_filled(at, EVENTS_DETAIL))
        return;
    const fact_code *found = fact_code_find((fact_type)at->what->type, at->rows->cells[EVENTS_DETAIL]);
    if (found) {
        at->what->code = (int8_t)(found - rule->codes);
        return;
    }
    const char *candidates[CANDIDATES_MAX];
    size_t count = 0;
    for (const fact_code *code = rule->codes; code->detail && count < CANDIDATES_MAX; code++)
        candidates[count++] = code->detail;
    fail_code(at, EVENTS_DETAIL, "ce type de fait n’a pas ce détail", candidates, count);
}

static void read_reference(row *at)
{
    const fact_rule *rule = rule_of(at);
    if (!rule->has_reference || !is_filled(at, EVENTS_REFERENCE) || !rule->reference_leaves || at->failed)
        return;
    const wire_contract *contract = terms(at);
    recordkey_queue_reference(&at->all->waiting->keys, at->what->reference, contract->id,
                              contract->actions[at->what->action].code, (fact_type)at->what->type,
                              at->rows->cells[EVENTS_REFERENCE]);
}

static uint64_t hash_of_key(const uint8_t key[RECORD_KEY])
{
    uint64_t hash;
    memcpy(&hash, key, sizeof hash);
    return hash; /* keyed already */
}

/* The number of that which has the key, among those that the hash leads to; LOOKUP_NONE: there is none. */
static uint32_t find_repeat(const events *self, const lookup *in, uint64_t hash, const uint8_t key[RECORD_KEY])
{
    lookup_walk walk = lookup_start(in, hash);
    uint32_t found;
    while ((found = lookup_next(&walk)) != LOOKUP_NONE) {
        const events_repeat *known = pile_at(&self->repeated, found);
        if (memcmp(known->key, key, RECORD_KEY) == 0)
            break;
    }
    return found;
}

/* Makes the keys of the rows that wait, and adds the rows to all others. */
static bool settle_waiting(events *self)
{
    events_waiting *waiting = self->waiting;
    bool good = true;
    recordkey_queue_make(&waiting->keys);
    for (unsigned i = 0; i < waiting->count && good; i++) {
        if (waiting->repeats[i])
            memcpy(waiting->repeats[i]->key, waiting->rows[i].key, RECORD_KEY);
        good = spool_add(&self->rows, &waiting->rows[i]);
    }
    waiting->count = 0;
    return good;
}

static events_repeat *add_repeat(events *self, uint64_t hash, uint32_t line)
{
    uint32_t number = (uint32_t)self->repeated.count;
    events_repeat *fresh = number < LOOKUP_NONE - 1 ? pile_add(&self->repeated) : NULL;
    if (!fresh || !lookup_add(&self->by_number, hash, number))
        return NULL;
    fresh->line = line;
    return fresh;
}

/* Every row of a number that comes twice is in error; the first is found out only now. */
static void refuse_duplicate(row *at, uint32_t number)
{
    events_repeat *first = pile_at(&at->all->repeated, number);
    diag where = at_column(at, DIAG_ERROR, EVENTS_ID, "Chaque fait a un numéro à lui");
    diag_emitf(at->rows->sink, &where, "cet id_evenement est déjà à la ligne %lu", (unsigned long)first->line);
    at->failed = true;
    if (first->in_error)
        return;
    where.line = first->line;
    diag_emitf(at->rows->sink, &where, "cet id_evenement revient à la ligne %lu", at->rows->line);
    first->in_error = true;
    at->all->any_repeated = true;
    at->all->error_count++;
    at->no_memory = !lookup_add(&at->all->by_key, hash_of_key(first->key), number);
}

static void read_cells(row *at)
{
    read_date(at);
    read_action(at);
    fact_type type = read_type(at);
    at->what->type = (int8_t)type;
    if (type == FACT_NONE)
        return;
    read_person(at);
    read_quantity(at);
    read_detail(at);
    read_reference(at);
}

/*
 * Begins the new event of the row; the number of the first that has the same, LOOKUP_NONE: none. No row waits for its key
 * where there may be an earlier one, which is known by it.
 */
static uint32_t begin_event(row *at, unsigned contract)
{
    events *self = at->all;
    events_waiting *waiting = self->waiting;
    text_view id = at->rows->cells[EVENTS_ID], contract_id = at->setting->contracts[contract]->id;
    uint64_t hash = lookup_hash(self->seed + contract, id);
    bool may_repeat = !self->again || repeats_has(self->again, lookup_hash(self->seed, id));
    lookup_walk same = lookup_start(&self->by_number, hash);
    bool seems_known = may_repeat && lookup_next(&same) != LOOKUP_NONE;
    if (seems_known)
        at->no_memory = !settle_waiting(self);
    events_row *what = at->what = &waiting->rows[waiting->count];
    *what = (events_row){.contract = (uint16_t)contract, .line = (uint32_t)at->rows->line, .person = PERSONS_NONE,
                         .subject = PERSONS_NONE, .day = CIVIL_NONE, .counted = CIVIL_NONE};
    uint32_t first = LOOKUP_NONE;
    if (!seems_known) {
        recordkey_queue_event(&waiting->keys, what->key, contract_id, id);
    } else {
        recordkey_event(what->key, at->setting->record_key, contract_id, id);
        first = find_repeat(self, &self->by_number, hash, what->key);
    }
    events_repeat *fresh = may_repeat && first == LOOKUP_NONE ? add_repeat(self, hash, what->line) : NULL;
    waiting->repeats[waiting->count] = fresh;
    at->no_memory |= may_repeat && first == LOOKUP_NONE && !fresh;
    return first;
}

/* Reads a row of the contract with that index into a new event. */
static void read_row(row *at, unsigned contract)
{
    events *self = at->all;
    events_waiting *waiting = self->waiting;
    at->failed = at->rows->in_error;
    if (!is_filled(at, EVENTS_ID)) {
        self->error_count++;
        self->unsure |= at->rows->bad_cells >> EVENTS_ID & 1;
        return;
    }
    uint32_t first = begin_event(at, contract);
    if (at->no_memory)
        return;
    if (first != LOOKUP_NONE)
        refuse_duplicate(at, first);
    read_cells(at);
    at->what->in_error = at->failed;
    self->error_count += at->failed;
    if (waiting->repeats[waiting->count])
        waiting->repeats[waiting->count]->in_error = at->failed;
    if (++waiting->count == TOGETHER && !settle_waiting(self))
        at->no_memory = true;
}

/* A row whose contract is none of ours, where the column has to say whose it is. */
static void keep_orphan(row *at)
{
    const events_setting *setting = at->setting;
    char names[CANDIDATES_MAX][RECORD_NAME_MAX + 1];
    const char *candidates[CANDIDATES_MAX];
    unsigned count = 0;
    for (; count < setting->contract_count && count < CANDIDATES_MAX; count++) {
        text_copy(names[count], sizeof names[count], setting->contracts[count]->id);
        candidates[count] = names[count];
    }
    if (is_filled(at, EVENTS_CONTRACT))
        fail_code(at, EVENTS_CONTRACT, "ce n’est pas un contrat de cet opérateur", candidates, count);
    at->all->error_count++;
    text_view id = table_keep(at->rows, at->rows->cells[EVENTS_ID]);
    at->all->unsure |= at->rows->bad_cells >> EVENTS_ID & 1;
    if (at->rows->cells[EVENTS_ID].size == 0)
        return;
    events_orphan *orphan = id.at ? pile_add(&at->all->orphans) : NULL;
    at->no_memory = orphan == NULL;
    if (orphan)
        orphan->id = id;
}

static void leave_to_other_contract(row *at)
{
    diag where = at_column(at, DIAG_LEFT_OUT, EVENTS_CONTRACT, NULL);
    where.message = export_reason_text(EXPORT_LEFT_OUT_CONTRACT);
    diag_emit(at->rows->sink, &where);
    at->all->other_contract_count++;
}

static void read_any_row(row *at)
{
    const events_setting *setting = at->setting;
    text_view named = at->rows->cells[EVENTS_CONTRACT];
    if (at->rows->unsure) {
        at->all->error_count++;
        at->all->unsure = true;
        return;
    }
    unsigned contract = 0;
    while (contract < setting->contract_count && !text_equal(setting->contracts[contract]->id, named))
        contract++;
    bool only_one = setting->contract_count == 1;
    bool unreadable = at->rows->bad_cells >> EVENTS_CONTRACT & 1;
    if (contract < setting->contract_count || (only_one && (named.size == 0 || unreadable)))
        read_row(at, only_one ? 0 : contract);
    else if (only_one && at->rows->in_error)
        at->all->error_count++;
    else if (only_one)
        leave_to_other_contract(at);
    else
        keep_orphan(at);
}

/* Looks through the numbers of a file that is read in pieces. */
static table_state find_repeats(events *self, const char *file, size_t bytes, const events_setting *setting,
                                const table_survey *about, const table_column *columns)
{
    diag_sink silent = {.emit = NULL};
    table *rows = arena_take(self->from, sizeof *rows);
    self->again = arena_take(self->from, sizeof *self->again);
    if (!rows || !self->again || !repeats_init(self->again, self->from, bytes / ROW_BYTES))
        return TABLE_NO_MEMORY;
    table_state state =
        table_open_source(rows, self->from, file, setting->source, about, columns, EVENTS_COLUMN_COUNT, &silent);
    while (state == TABLE_OK && (state = table_next(rows)) == TABLE_OK)
        if (rows->cells[EVENTS_ID].size > 0)
            repeats_add(self->again, lookup_hash(self->seed, rows->cells[EVENTS_ID]));
    return state == TABLE_END || state == TABLE_UNUSABLE ? TABLE_OK : state;
}

static table_state open_table(events *self, table *rows, const char *file, text_view bytes, const events_setting *setting,
                              const table_column *columns)
{
    table_survey about;
    if (!setting->source)
        return table_open(rows, self->from, file, bytes, columns, EVENTS_COLUMN_COUNT, setting->sink);
    table_state state = table_survey_source(&about, self->from, setting->source);
    if (state == TABLE_OK && bytes.size > EXACT_BYTES)
        state = find_repeats(self, file, bytes.size, setting, &about, columns);
    if (state != TABLE_OK)
        return state;
    return table_open_source(rows, self->from, file, setting->source, &about, columns, EVENTS_COLUMN_COUNT, setting->sink);
}

table_state events_read(events *self, arena *from, const char *file, text_view bytes,
                        const events_setting *setting)
{
    assert(setting->contract_count > 0 && setting->contract_count <= EVENTS_CONTRACTS_MAX);
    *self = (events){.from = from, .seed = setting->seed};
    spool_init(&self->rows, from, setting->store, sizeof(events_row));
    pile_init(&self->orphans, from, sizeof(events_orphan));
    pile_init(&self->repeated, from, sizeof(events_repeat));
    lookup_init(&self->by_number, from);
    lookup_init(&self->by_key, from);
    self->waiting = arena_take(from, sizeof *self->waiting);
    table *rows = arena_take(from, sizeof *rows);
    table_column *columns = arena_take(from, sizeof columns_of_one);
    self->room = spool_room(&self->rows);
    if (!rows || !columns || !self->room || !self->waiting)
        return TABLE_NO_MEMORY;
    recordkey_queue_init(&self->waiting->keys, setting->record_key);
    memcpy(columns, columns_of_one, sizeof columns_of_one);
    columns[EVENTS_CONTRACT].required = setting->contract_count > 1;
    table_state state = open_table(self, rows, file, bytes, setting, columns);
    self->table = rows;
    row at = {.all = self, .rows = rows, .setting = setting};
    while (state == TABLE_OK && (state = table_next(rows)) == TABLE_OK) {
        if (self->row_count++ % PROGRESS_ROWS == 0 && setting->progress)
            setting->progress(setting->progress_data, table_read_bytes(rows));
        read_any_row(&at);
        if (at.no_memory)
            return TABLE_NO_MEMORY;
    }
    if (state != TABLE_END)
        return state;
    return settle_waiting(self) ? TABLE_OK : TABLE_NO_MEMORY;
}

diag events_where(const events *self, diag_severity severity, const events_row *what, events_column which,
                  const char *remedy)
{
    return table_where(self->table, severity, what->line, which, remedy);
}

void events_start(events_walk *self, events *of)
{
    self->of = of;
    spool_read(&self->from, &of->rows, 0, of->rows.count, of->room);
}

bool events_next(events_walk *self, events_row *to)
{
    const events_row *found = spool_next(&self->from);
    if (!found)
        return false;
    *to = *found;
    if (self->of->any_repeated && !to->in_error) {
        uint32_t known = find_repeat(self->of, &self->of->by_key, hash_of_key(to->key), to->key);
        to->in_error = known != LOOKUP_NONE;
    }
    return true;
}

const char *events_column_name(unsigned number)
{
    return number < EVENTS_COLUMN_COUNT ? columns_of_one[number].name : NULL;
}
