/*
 * making: see making.h. Records are held as the rows that they are made of, and a `beneficiaire` record as a row of its
 * own, in the order of their keys (sorter), and are written out one at a time: an export of any size stays small.
 */
#include "making.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "earlier.h"
#include "erasure_mark.h"
#include "recordkey.h"

typedef struct {
    uint8_t e[RECORD_TOKEN_SETS][TOKEN_SIZE], i[RECORD_TOKEN_SETS][TOKEN_SIZE];
} tokens;

/* What is being read of the rows in order. */
typedef enum { READING_NOTHING, READING_RECORDS, READING_CONTRIBUTIONS } reading;

struct making {
    counting *by;
    const export_contract *contract;
    standing stands;
    pile people_tokens;
    uint32_t *token_slot; /* by person: 1 + number in people_tokens, 0: none */
    sorter rows;          /* of events_row: those of the contract, and a row for each beneficiaire record */
    size_t record_count;
    civil_day last_day;   /* on which something counts */
    sorter kept;          /* retained keys, some more than once */
    bool made, failed;
    reading reads;
    size_t next;          /* number of what comes after current */
    const events_row *row;
    earlier stood;
    const export_contribution *said;
    size_t next_kept;
    uint8_t kept_key[RECORD_KEY], zeros[RECORD_KEY];
};

/* What all records of the subject say of its age. */
static bool is_young(const making *self, uint32_t who)
{
    const subjects_row *in_action = subjects_at(self->by->who, who);
    return eligibility_is_young(persons_at(self->by->people, in_action->person)->birth, in_action->first);
}

/* Computes a person's tokens once. */
static bool add_tokens(making *self, uint32_t person_number)
{
    if (self->contract->token_key_count == 0 || self->token_slot[person_number] != 0)
        return true;
    const persons_row *who = persons_at(self->by->people, person_number);
    tokens *fresh = pile_add(&self->people_tokens);
    if (!fresh)
        return false;
    for (unsigned set = 0; set < self->contract->token_key_count; set++) {
        const token_key *key = &self->contract->token_keys[set];
        token_of_identity(fresh->i[set], key, who->identity);
        if (who->has_number)
            token_of_number(fresh->e[set], key, who->number);
    }
    self->token_slot[person_number] = (uint32_t)self->people_tokens.count;
    return true;
}

static bool name_row(void *data, const events_row *what)
{
    making *self = data;
    return standing_name(&self->stands, what);
}

/* Keeps a row with what became of it, and its person's month. */
static bool keep_row(void *data, const events_row *what)
{
    making *self = data;
    events_row kept = *what;
    bool counts = what->counted != CIVIL_NONE;
    kept.origin = counts ? MAKING_RECORD : MAKING_NOTHING;
    self->record_count += counts;
    if (counts && what->counted > self->last_day)
        self->last_day = what->counted;
    if (counts && what->person != PERSONS_NONE
        && !subjects_mark(self->by->who, what->subject, civil_month_of(what->counted)))
        return false;
    return sorter_add(&self->rows, &kept);
}

/* Where what stands says another age than the first day now gives, its `beneficiaire` record is made anew. */
static bool renew_age(void *data, uint32_t subject, const export_contribution *said)
{
    making *self = data;
    bool said_young = said->flags & EXPORT_YOUNG;
    return is_young(self, subject) == said_young || subjects_mark(self->by->who, subject, civil_month_of(said->day));
}

/* Rows of `beneficiaire` records, whose keys are made together. */
typedef struct {
    recordkey_queue keys;
    events_row rows[RECORDKEY_QUEUE];
} beneficiaries;

static bool settle_beneficiaries(making *self, beneficiaries *waiting)
{
    unsigned count = waiting->keys.count;
    recordkey_queue_make(&waiting->keys);
    for (unsigned i = 0; i < count; i++)
        if (!sorter_add(&self->rows, &waiting->rows[i]))
            return false;
    self->record_count += count;
    return true;
}

/* A row for each month of the subject. */
static bool add_months(making *self, uint32_t who, beneficiaries *waiting)
{
    const subjects *all = self->by->who;
    const subjects_row *in_action = subjects_at(all, who);
    civil_month first = civil_month_of(self->by->terms->first_day), last = civil_month_of(self->by->terms->last_day);
    for (civil_month month = first; month <= last; month++) {
        if (!subjects_marked(all, who, month))
            continue;
        if (waiting->keys.count == RECORDKEY_QUEUE && !settle_beneficiaries(self, waiting))
            return false;
        events_row *made = &waiting->rows[waiting->keys.count];
        *made = (events_row){.origin = MAKING_BENEFICIARY, .person = in_action->person, .subject = who,
                             .action = in_action->action, .day = month, .counted = CIVIL_NONE};
        recordkey_queue_beneficiary(&waiting->keys, made->key, subjects_key(all, who), month);
    }
    return true;
}

/* A row for each `beneficiaire` record, and the tokens of all people of whom something is said. */
static bool add_beneficiaries(making *self)
{
    const subjects *all = self->by->who;
    beneficiaries *waiting = arena_take(self->by->from, sizeof *waiting);
    if (!waiting)
        return false;
    recordkey_queue_init(&waiting->keys, all->record_key);
    for (uint32_t who = 0; who < all->all.count; who++) {
        const subjects_row *in_action = subjects_at(all, who);
        if (in_action->months && (!add_tokens(self, in_action->person) || !add_months(self, who, waiting)))
            return false;
    }
    return settle_beneficiaries(self, waiting) && sorter_end(&self->rows);
}

/* Of whom something counts, in the order of the table. */
static bool fill_people(const making *self, export_result *result)
{
    const persons *people = self->by->people;
    erasure_person *all = arena_take(self->by->from, (people->people.count + 1) * sizeof *all);
    bool *counts = arena_take(self->by->from, people->people.count + 1);
    if (!all || !counts)
        return false;
    for (uint32_t i = 0; i < self->by->who->all.count; i++) {
        const subjects_row *who = subjects_at(self->by->who, i);
        counts[who->person] |= who->first != CIVIL_NONE;
    }
    for (uint32_t i = 0; i < people->people.count; i++)
        if (counts[i])
            erasure_of_row(&all[result->people.count++], self->by->who->record_key, persons_at(people, i));
    result->people.people = all;
    return true;
}

static void fill_coverage(const making *self, bool complete, batch_coverage *coverage)
{
    const wire_contract *terms = self->by->terms;
    *coverage = (batch_coverage){.contract = terms->id, .complete = complete, .last_month = CIVIL_NONE};
    for (unsigned i = 0; i < terms->action_count; i++)
        if (terms->actions[i].allowed)
            coverage->actions[coverage->action_count++] = terms->actions[i].code;
    if (self->last_day != CIVIL_NONE)
        coverage->last_month = civil_month_of(self->last_day);
}

/* Begins to read the rows in order, for one purpose. */
static void start(making *self, reading purpose)
{
    self->reads = purpose;
    self->next = 0;
    self->failed = !sorter_start(&self->rows) || self->failed;
    self->row = self->failed ? NULL : sorter_next(&self->rows);
    if (purpose == READING_CONTRIBUTIONS) {
        earlier_start(&self->stood, self->contract);
        self->said = earlier_next(&self->stood);
    }
}

/* The contribution of a row that counts. */
static void write_contribution(const making *self, const events_row *what, export_contribution *to)
{
    *to = (export_contribution){.day = what->counted, .flags = counting_was_moved(self->by, what) ? EXPORT_MOVED : 0};
    memcpy(to->event, what->key, RECORD_KEY);
    if (what->person == PERSONS_NONE)
        return;
    memcpy(to->subject, subjects_key(self->by->who, what->subject), RECORD_KEY);
    to->flags |= is_young(self, what->subject) ? EXPORT_YOUNG : 0;
}

/* One that stands, with what its `beneficiaire` record now says; subject: its own, if it is there. */
static void write_standing(const making *self, const export_contribution *said, uint32_t subject, export_contribution *to)
{
    *to = *said;
    if (subject != SUBJECTS_NONE && subjects_marked(self->by->who, subject, civil_month_of(said->day)))
        to->flags = (uint8_t)((said->flags & ~EXPORT_YOUNG) | (is_young(self, subject) ? EXPORT_YOUNG : 0));
}

/* The next contribution, of the rows merged with what stood, both ascending. *stood: it is one that did. */
static bool next_contribution(making *self, export_contribution *to, bool *stood)
{
    while (self->row || self->said) {
        const events_row *row = self->row;
        const export_contribution *said = self->said;
        int order = !row ? 1 : !said ? -1 : memcmp(row->key, said->event, RECORD_KEY);
        bool counts = order <= 0 && row->origin == MAKING_RECORD;
        *stood = order >= 0 && standing_keeps(&self->stands, said, order == 0 ? row : NULL);
        if (counts)
            write_contribution(self, row, to);
        if (*stood)
            write_standing(self, said, standing_subject(&self->stands, said), to);
        if (order >= 0)
            self->said = earlier_next(&self->stood);
        if (order <= 0)
            self->row = sorter_next(&self->rows);
        if (counts || *stood)
            return true;
    }
    return false;
}

/* The keys that stand and are not made anew: of each event, and of the `beneficiaire` record that rests on it. */
static bool keep_standing(making *self)
{
    static const uint8_t nobody[RECORD_KEY] = {0};
    export_contribution said;
    bool stood, added = true;
    start(self, READING_CONTRIBUTIONS);
    while (added && next_contribution(self, &said, &stood)) {
        if (!stood)
            continue;
        added = sorter_add(&self->kept, said.event);
        civil_month month = civil_month_of(said.day);
        uint32_t subject = standing_subject(&self->stands, &said);
        bool made = subject != SUBJECTS_NONE && subjects_marked(self->by->who, subject, month);
        if (!added || made || memcmp(said.subject, nobody, sizeof nobody) == 0)
            continue;
        uint8_t key[RECORD_KEY];
        recordkey_beneficiary(key, self->by->who->record_key, said.subject, month);
        added = sorter_add(&self->kept, key);
    }
    self->reads = READING_NOTHING;
    return added && !self->failed && !self->stood.failed && !sorter_failed(&self->rows);
}

static bool judge(making *self, bool partial, bool unsure, spool_store *store)
{
    counting *by = self->by;
    return standing_begin(&self->stands, by, self->contract, partial, unsure, store) && counting_settle(by, name_row, self)
        && standing_count(&self->stands) && counting_decide(by, keep_row, self) && standing_part(&self->stands, renew_age, self)
        && add_beneficiaries(self) && (self->contract->earlier_count == 0 || keep_standing(self)) && sorter_end(&self->kept)
        && sorter_start(&self->kept);
}

making *making_run(counting *by, const export_contract *contract, bool partial, bool unsure, spool_store *store,
                   export_result *result)
{
    making *self = arena_take(by->from, sizeof *self);
    if (!self)
        return NULL;
    self->by = by;
    self->contract = contract;
    self->last_day = CIVIL_NONE;
    sorter_init(&self->rows, by->from, store, sizeof(events_row));
    sorter_init(&self->kept, by->from, store, RECORD_KEY);
    pile_init(&self->people_tokens, by->from, sizeof(tokens));
    self->token_slot = arena_take(by->from, (by->people->people.count + 1) * sizeof *self->token_slot);
    result->making = self;
    if (!self->token_slot || !judge(self, partial, unsure, store) || !fill_people(self, result))
        return NULL;
    fill_coverage(self, !partial && !unsure, &result->coverage);
    result->terms = by->terms;
    result->token_key_count = contract->token_key_count;
    result->token_keys = contract->token_keys;
    result->record_count = self->record_count;
    result->asked = contract;
    self->made = true;
    return self;
}

export_error making_failure(const making *self)
{
    if (!self)
        return EXPORT_NO_MEMORY;
    const sorter *all[] = {&self->rows, &self->kept, &self->stands.named};
    bool failed = self->failed, lost = false, unreadable = self->stood.failed || self->stands.unreadable;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        failed = failed || sorter_failed(all[i]);
        lost = lost || sorter_lost(all[i]);
    }
    if (lost)
        return EXPORT_NO_STORE;
    return unreadable ? EXPORT_UNREADABLE : failed || !self->made ? EXPORT_NO_MEMORY : EXPORT_OK;
}

/* Goes to the record of that number: its row, or NULL when the reading has failed. */
static const events_row *go_to(making *self, size_t index)
{
    assert(index < self->record_count);
    if (self->reads != READING_RECORDS || index + 1 < self->next)
        start(self, READING_RECORDS);
    else if (index + 1 == self->next)
        return self->row;
    else if (self->next > 0 && self->row)
        self->row = sorter_next(&self->rows);
    for (; self->row; self->row = sorter_next(&self->rows))
        if (self->row->origin != MAKING_NOTHING && self->next++ == index)
            break;
    self->failed |= self->row == NULL;
    return self->row;
}

const uint8_t *making_key(making *self, size_t index)
{
    const events_row *row = go_to(self, index);
    return row ? row->key : self->zeros;
}

bool making_retained(making *self, size_t index, uint8_t key[RECORD_KEY])
{
    if (index < self->next_kept) {
        sorter_start(&self->kept);
        self->next_kept = 0;
    }
    while (self->next_kept <= index) {
        const uint8_t *found = sorter_next(&self->kept);
        while (found && self->next_kept > 0 && memcmp(found, self->kept_key, RECORD_KEY) == 0)
            found = sorter_next(&self->kept);
        if (!found)
            return false;
        memcpy(self->kept_key, found, RECORD_KEY);
        self->next_kept++;
    }
    memcpy(key, self->kept_key, RECORD_KEY);
    return true;
}

bool making_contribution(making *self, size_t index, export_contribution *to)
{
    bool stood;
    if (self->reads != READING_CONTRIBUTIONS || index < self->next)
        start(self, READING_CONTRIBUTIONS);
    for (; self->next <= index; self->next++)
        if (!next_contribution(self, to, &stood))
            return false;
    return true;
}

bool making_own(making *self, size_t index, export_contribution *to)
{
    const events_row *row = go_to(self, index);
    if (!row || row->origin != MAKING_RECORD)
        return false;
    write_contribution(self, row, to);
    return true;
}

/* What a record may say of whom, by the kind of its type. */
static void set_tokens(const making *self, fact_kind kind, const persons_row *who, uint32_t person_number,
                       record *to)
{
    to->token_sets = self->contract->token_key_count;
    for (unsigned set = 0; set < to->token_sets; set++) {
        const token_key *key = &self->contract->token_keys[set];
        record_tokens *tell = &to->tokens[set];
        *tell = (record_tokens){.epoch = key->epoch};
        if (kind == FACT_KIND_HOUSEHOLD) {
            tell->has_m = true;
            token_of_household(tell->m, key, persons_household_identity(self->by->people, who));
            continue;
        }
        const tokens *known = pile_at(&self->people_tokens, self->token_slot[person_number] - 1);
        tell->has_e = who->has_number;
        tell->has_i = kind == FACT_KIND_BENEFICIARY || !who->has_number;
        if (tell->has_e)
            memcpy(tell->e, known->e[set], TOKEN_SIZE);
        if (tell->has_i)
            memcpy(tell->i, known->i[set], TOKEN_SIZE);
    }
}

static void write_beneficiary(const making *self, const events_row *made, record *to)
{
    const subjects_row *in_action = subjects_at(self->by->who, made->subject);
    const persons_row *who = persons_at(self->by->people, in_action->person);
    to->type = FACT_BENEFICIAIRE;
    to->action = self->by->terms->actions[in_action->action].code;
    to->month = made->day;
    to->sex = who->sex;
    to->bpi = eligibility_is_bpi(who->statut);
    to->under_25 = is_young(self, made->subject);
    set_tokens(self, FACT_KIND_BENEFICIARY, who, in_action->person, to);
}

static void write_event(const making *self, const events_row *what, record *to)
{
    const fact_rule *rule = fact_rule_of((fact_type)what->type);
    to->type = (fact_type)what->type;
    to->action = self->by->terms->actions[what->action].code;
    to->month = civil_month_of(what->counted);
    to->has_quantity = what->has_quantity;
    to->quantity = what->has_quantity ? what->quantity : 0;
    if (what->code >= 0)
        to->code = text_of(rule->codes[what->code].leaves_as);
    to->has_reference = rule->reference_leaves;
    if (rule->reference_leaves)
        memcpy(to->reference, what->reference, RECORD_REFERENCE);
    if (rule->kind == FACT_KIND_PERSON || rule->kind == FACT_KIND_HOUSEHOLD)
        set_tokens(self, rule->kind, persons_at(self->by->people, what->person), what->person, to);
}

void making_record(making *self, size_t index, record *to)
{
    const events_row *made = go_to(self, index);
    memset(to, 0, sizeof *to);
    if (!made)
        return;
    to->operation = RECORD_PUT;
    memcpy(to->key, made->key, RECORD_KEY);
    to->contract = self->by->terms->id;
    if (made->origin == MAKING_BENEFICIARY)
        write_beneficiary(self, made, to);
    else
        write_event(self, made, to);
}

bool making_find(making *self, const uint8_t key[RECORD_KEY], events_row *to)
{
    bool found = false;
    start(self, READING_NOTHING);
    for (const events_row *row = self->row; row && memcmp(row->key, key, RECORD_KEY) <= 0; row = sorter_next(&self->rows)) {
        if (memcmp(row->key, key, RECORD_KEY) != 0 || (found && row->line > to->line))
            continue;
        *to = *row;
        found = true;
    }
    return found;
}

static int by_line(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

bool making_lines(making *self, const events_row *of, arena_vector *lines)
{
    start(self, READING_NOTHING);
    for (const events_row *row = self->row; row; row = sorter_next(&self->rows)) {
        if (row->origin != MAKING_RECORD || row->person == PERSONS_NONE || row->subject != of->subject
            || civil_month_of(row->counted) != of->day)
            continue;
        uint32_t *line = arena_vector_add(lines);
        if (!line)
            return false;
        *line = row->line;
    }
    if (lines->count > 0)
        qsort(lines->items, lines->count, sizeof(uint32_t), by_line);
    return making_failure(self) == EXPORT_OK;
}

const subjects_row *making_subject(const making *self, uint32_t subject)
{
    return subjects_at(self->by->who, subject);
}
