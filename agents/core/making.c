/*
 * making: see making.h. Records are held as what they are made of (16 bytes of key and a number)
 * and written out one at a time, so that an export of any size stays small.
 */
#include "making.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "erasure_mark.h"
#include "recordkey.h"

typedef enum { OF_EVENT, OF_BENEFICIARY } origin;

typedef struct {
    uint8_t key[RECORD_KEY];
    uint32_t item; /* number of the event or beneficiary */
    uint32_t from; /* origin */
} entry;

/* A person with something that counts in an action and month. */
typedef struct {
    uint32_t subject;
    civil_month month;
} beneficiary;

typedef struct {
    uint8_t e[RECORD_TOKEN_SETS][TOKEN_SIZE], i[RECORD_TOKEN_SETS][TOKEN_SIZE];
} tokens;

struct making {
    const counting *by;
    const export_contract *contract;
    standing stands;
    pile beneficiaries;
    lookup by_month; /* of beneficiaries */
    pile people_tokens;
    uint32_t *token_slot; /* by person: 1 + number in people_tokens, 0: none */
    entry *entries;       /* ascending by key */
    size_t entry_count;
};

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, RECORD_KEY); /* all that is sorted here begins with its key */
}

/* The number of a subject's month among the beneficiaries; LOOKUP_NONE when it has none. */
static uint32_t find_beneficiary(const making *self, uint64_t hash, uint32_t who, civil_month month)
{
    lookup_walk walk = lookup_start(&self->by_month, hash);
    for (uint32_t found; (found = lookup_next(&walk)) != LOOKUP_NONE;) {
        const beneficiary *known = pile_at(&self->beneficiaries, found);
        if (known->subject == who && known->month == month)
            return found;
    }
    return LOOKUP_NONE;
}

static uint64_t hash_of_month(const making *self, uint32_t who, civil_month month)
{
    return lookup_hash_number(self->by->who->seed, (uint64_t)who << 32 | (uint32_t)month);
}

static bool add_beneficiary(making *self, uint32_t who, civil_day day)
{
    civil_month month = civil_month_of(day);
    uint64_t hash = hash_of_month(self, who, month);
    if (find_beneficiary(self, hash, who, month) != LOOKUP_NONE)
        return true;
    uint32_t number = (uint32_t)self->beneficiaries.count;
    beneficiary *fresh = pile_add(&self->beneficiaries);
    if (!fresh || !lookup_add(&self->by_month, hash, number))
        return false;
    *fresh = (beneficiary){.subject = who, .month = month};
    return true;
}

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

static bool is_counted(const making *self, const events_row *what)
{
    return what->contract == self->by->contract && what->counted != CIVIL_NONE;
}

/*
 * Who is a beneficiary of which months, anew: by the rows that count, and where what stands says
 * another age than the first day now gives (it is the same on all records of an action). Returns
 * the number of events that count, or -1 when memory is short.
 */
static long gather_beneficiaries(making *self)
{
    long counted = 0;
    for (uint32_t i = 0; i < self->by->rows->rows.count; i++) {
        const events_row *what = events_at(self->by->rows, i);
        if (!is_counted(self, what))
            continue;
        counted++;
        if (what->person == PERSONS_NONE)
            continue;
        if (!add_beneficiary(self, what->subject, what->counted) || !add_tokens(self, what->person))
            return -1;
    }
    const standing_item *items = self->stands.items.items;
    for (size_t i = 0; i < self->stands.items.count; i++) {
        bool said_young = items[i].said->flags & EXPORT_YOUNG;
        if (!items[i].takes_part || is_young(self, items[i].subject) == said_young)
            continue;
        uint32_t person_number = subjects_at(self->by->who, items[i].subject)->person;
        if (!add_beneficiary(self, items[i].subject, items[i].said->day) || !add_tokens(self, person_number))
            return -1;
    }
    return counted;
}

static bool make_entries(making *self, size_t counted)
{
    size_t count = counted + self->beneficiaries.count;
    self->entries = arena_take(self->by->from, (count + 1) * sizeof *self->entries);
    if (!self->entries)
        return false;
    entry *to = self->entries;
    for (uint32_t i = 0; i < self->by->rows->rows.count; i++) {
        const events_row *what = events_at(self->by->rows, i);
        if (!is_counted(self, what))
            continue;
        *to = (entry){.item = i, .from = OF_EVENT};
        memcpy(to++->key, what->key, RECORD_KEY);
    }
    for (uint32_t i = 0; i < self->beneficiaries.count; i++) {
        const beneficiary *who = pile_at(&self->beneficiaries, i);
        *to = (entry){.item = i, .from = OF_BENEFICIARY};
        recordkey_beneficiary(to++->key, self->by->who->record_key, subjects_key(self->by->who, who->subject),
                              who->month);
    }
    self->entry_count = count;
    assert(to == self->entries + count);
    qsort(self->entries, count, sizeof *self->entries, by_key);
    return true;
}

/* A contribution that stands, with what its beneficiary record now says. */
static export_contribution still_said(const making *self, const standing_item *item)
{
    export_contribution said = *item->said;
    uint32_t who = item->subject;
    if (who == SUBJECTS_NONE)
        return said;
    civil_month month = civil_month_of(said.day);
    if (find_beneficiary(self, hash_of_month(self, who, month), who, month) == LOOKUP_NONE)
        return said;
    said.flags = (uint8_t)((said.flags & ~EXPORT_YOUNG) | (is_young(self, who) ? EXPORT_YOUNG : 0));
    return said;
}

static bool fill_contributions(const making *self, size_t counted, export_result *result)
{
    size_t standing_count = self->stands.items.count;
    export_contribution *all = arena_take(self->by->from, (counted + standing_count + 1) * sizeof *all);
    if (!all)
        return false;
    export_contribution *to = all;
    for (size_t i = 0; i < self->entry_count; i++) {
        if (self->entries[i].from != OF_EVENT)
            continue;
        const events_row *what = events_at(self->by->rows, self->entries[i].item);
        memcpy(to->event, what->key, RECORD_KEY);
        if (what->person != PERSONS_NONE)
            memcpy(to->subject, subjects_key(self->by->who, what->subject), RECORD_KEY);
        to->day = what->counted;
        to->flags = counting_was_moved(self->by, what) ? EXPORT_MOVED : 0;
        if (what->person != PERSONS_NONE && is_young(self, what->subject))
            to->flags |= EXPORT_YOUNG;
        to++;
    }
    const standing_item *items = self->stands.items.items;
    for (size_t i = 0; i < standing_count; i++)
        *to++ = still_said(self, &items[i]);
    if (standing_count > 0)
        qsort(all, counted + standing_count, sizeof *all, by_key);
    result->contributions = all;
    result->contribution_count = counted + standing_count;
    return true;
}

static bool is_made(const making *self, const uint8_t key[RECORD_KEY])
{
    return bsearch(key, self->entries, self->entry_count, sizeof *self->entries, by_key) != NULL;
}

/* The keys that stand and are not made anew: of each event, and of the beneficiary record that rests on it. */
static bool fill_retained(const making *self, export_result *result)
{
    static const uint8_t nobody[RECORD_KEY] = {0};
    const standing_item *items = self->stands.items.items;
    uint8_t(*keys)[RECORD_KEY] = arena_take(self->by->from, (self->stands.items.count * 2 + 1) * RECORD_KEY);
    if (!keys)
        return false;
    size_t count = 0;
    for (size_t i = 0; i < self->stands.items.count; i++) {
        const export_contribution *said = items[i].said;
        memcpy(keys[count++], said->event, RECORD_KEY);
        if (memcmp(said->subject, nobody, sizeof nobody) == 0)
            continue;
        recordkey_beneficiary(keys[count], self->by->who->record_key, said->subject, civil_month_of(said->day));
        count += !is_made(self, keys[count]);
    }
    qsort(keys, count, RECORD_KEY, by_key);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || memcmp(keys[kept - 1], keys[i], RECORD_KEY) != 0)
            memmove(keys[kept++], keys[i], RECORD_KEY);
    result->retained = (const uint8_t(*)[RECORD_KEY])keys;
    result->retained_count = kept;
    return true;
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
    civil_day last = CIVIL_NONE;
    for (uint32_t i = 0; i < self->by->rows->rows.count; i++) {
        const events_row *what = events_at(self->by->rows, i);
        if (is_counted(self, what) && what->counted > last)
            last = what->counted;
    }
    if (last != CIVIL_NONE)
        coverage->last_month = civil_month_of(last);
}

making *making_run(const counting *by, const export_contract *contract, bool partial, bool unsure,
                   export_result *result)
{
    making *self = arena_take(by->from, sizeof *self);
    if (!self)
        return NULL;
    self->by = by;
    self->contract = contract;
    pile_init(&self->beneficiaries, by->from, sizeof(beneficiary));
    lookup_init(&self->by_month, by->from);
    pile_init(&self->people_tokens, by->from, sizeof(tokens));
    self->token_slot = arena_take(by->from, (by->people->people.count + 1) * sizeof *self->token_slot);
    if (!self->token_slot || !counting_settle_exits(by))
        return NULL;
    if (!standing_gather(&self->stands, by, contract, partial, unsure))
        return NULL;
    counting_anchor(by);
    counting_decide(by);
    if (unsure && !standing_keep_left_out(&self->stands, by, contract))
        return NULL;
    long counted = gather_beneficiaries(self);
    if (counted < 0 || !make_entries(self, (size_t)counted) ||
        !fill_contributions(self, (size_t)counted, result) || !fill_retained(self, result) || !fill_people(self, result))
        return NULL;
    fill_coverage(self, !partial && !unsure, &result->coverage);
    result->terms = by->terms;
    result->token_key_count = contract->token_key_count;
    result->token_keys = contract->token_keys;
    result->record_count = self->entry_count;
    result->making = self;
    return self;
}

const uint8_t *making_key(const making *self, size_t index)
{
    assert(index < self->entry_count);
    return self->entries[index].key;
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

static void write_beneficiary(const making *self, const beneficiary *made, record *to)
{
    const subjects_row *in_action = subjects_at(self->by->who, made->subject);
    const persons_row *who = persons_at(self->by->people, in_action->person);
    to->type = FACT_BENEFICIAIRE;
    to->action = self->by->terms->actions[in_action->action].code;
    to->month = made->month;
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

void making_record(const making *self, size_t index, record *to)
{
    assert(index < self->entry_count);
    const entry *made = &self->entries[index];
    memset(to, 0, sizeof *to);
    to->operation = RECORD_PUT;
    memcpy(to->key, made->key, RECORD_KEY);
    to->contract = self->by->terms->id;
    if (made->from == OF_EVENT)
        write_event(self, events_at(self->by->rows, made->item), to);
    else
        write_beneficiary(self, pile_at(&self->beneficiaries, made->item), to);
}

bool making_find(const making *self, const uint8_t key[RECORD_KEY], making_source *to)
{
    const entry *found = self->entry_count == 0
        ? NULL : bsearch(key, self->entries, self->entry_count, sizeof *self->entries, by_key);
    if (!found)
        return false;
    *to = (making_source){.event = LOOKUP_NONE, .subject = SUBJECTS_NONE};
    if (found->from == OF_BENEFICIARY) {
        const beneficiary *who = pile_at(&self->beneficiaries, found->item);
        to->subject = who->subject;
        to->month = who->month;
        return true;
    }
    const events_row *what = events_at(self->by->rows, found->item);
    to->event = found->item;
    to->subject = what->person == PERSONS_NONE ? SUBJECTS_NONE : what->subject;
    to->month = civil_month_of(what->counted);
    return true;
}

uint32_t making_next_row(const making *self, const making_source *of, uint32_t start)
{
    for (uint32_t i = start; i < self->by->rows->rows.count; i++) {
        const events_row *what = events_at(self->by->rows, i);
        if (is_counted(self, what) && what->person != PERSONS_NONE && what->subject == of->subject
            && civil_month_of(what->counted) == of->month)
            return i;
    }
    return LOOKUP_NONE;
}

const subjects_row *making_subject(const making *self, uint32_t subject)
{
    return subjects_at(self->by->who, subject);
}
