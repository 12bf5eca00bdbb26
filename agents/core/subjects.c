/* subjects: see subjects.h. */
#include "subjects.h"

#include <assert.h>

#include "recordkey.h"

void subjects_init(subjects *self, arena *from, uint64_t seed, const wire_contract *terms, const persons *people,
                   const uint8_t *record_key)
{
    *self = (subjects){.from = from, .seed = seed, .terms = terms, .people = people, .record_key = record_key,
                        .first = civil_month_of(terms->first_day), .last = civil_month_of(terms->last_day)};
    pile_init(&self->all, from, sizeof(subjects_row));
    lookup_init(&self->by_pair, from);
}

static uint32_t find(const subjects *self, uint64_t hash, uint32_t person, uint8_t action)
{
    lookup_walk walk = lookup_start(&self->by_pair, hash);
    for (uint32_t found; (found = lookup_next(&walk)) != LOOKUP_NONE;) {
        const subjects_row *known = subjects_at(self, found);
        if (known->person == person && known->action == action)
            return found;
    }
    return SUBJECTS_NONE;
}

static uint64_t hash_of(const subjects *self, uint32_t person, uint8_t action)
{
    return lookup_hash_number(self->seed, (uint64_t)person << 8 | action);
}

uint32_t subjects_find(const subjects *self, uint32_t person, uint8_t action)
{
    return find(self, hash_of(self, person, action), person, action);
}

uint32_t subjects_of(subjects *self, uint32_t person, uint8_t action)
{
    uint64_t hash = hash_of(self, person, action);
    uint32_t known = find(self, hash, person, action);
    if (known != SUBJECTS_NONE)
        return known;
    uint32_t number = (uint32_t)self->all.count;
    subjects_row *fresh = number < LOOKUP_NONE - 1 ? pile_add(&self->all) : NULL;
    if (!fresh || !lookup_add(&self->by_pair, hash, number))
        return SUBJECTS_NONE;
    fresh->person = person;
    fresh->action = action;
    fresh->first = CIVIL_NONE;
    return number;
}

subjects_row *subjects_at(const subjects *self, uint32_t number)
{
    return pile_at(&self->all, number);
}

const uint8_t *subjects_key(const subjects *self, uint32_t number)
{
    subjects_row *who = subjects_at(self, number);
    if (!who->keyed)
        recordkey_subject(who->key, self->record_key, self->terms->id, self->terms->actions[who->action].code,
                          persons_at(self->people, who->person)->id);
    who->keyed = true;
    return who->key;
}

void subjects_count(const subjects *self, uint32_t number, civil_day day)
{
    subjects_row *who = subjects_at(self, number);
    if (who->first == CIVIL_NONE || day < who->first)
        who->first = day;
}

/* The number of a month among the contract's; -1: it is none of them. */
static long month_of(const subjects *self, civil_month month)
{
    return month < self->first || month > self->last ? -1 : (long)(month - self->first);
}

bool subjects_mark(subjects *self, uint32_t number, civil_month month)
{
    subjects_row *who = subjects_at(self, number);
    long at = month_of(self, month), last = self->last - self->first;
    assert(at >= 0);
    if (!who->months)
        who->months = arena_take(self->from, ((size_t)last / 64 + 1) * sizeof *who->months);
    if (who->months)
        who->months[at / 64] |= UINT64_C(1) << at % 64;
    return who->months != NULL;
}

bool subjects_marked(const subjects *self, uint32_t number, civil_month month)
{
    const subjects_row *who = subjects_at(self, number);
    long at = month_of(self, month);
    return at >= 0 && who->months && who->months[at / 64] >> at % 64 & 1;
}
