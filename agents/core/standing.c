/* standing: see standing.h. */
#include "standing.h"

#include <string.h>

#include "departed.h"
#include "recordkey.h"

/* A subject that stands, looked for among the present people. */
typedef struct {
    const uint8_t *key;
    uint32_t subject;
} wanted;

static uint64_t hash_of(const uint8_t key[RECORD_KEY])
{
    uint64_t hash;
    memcpy(&hash, key, sizeof hash);
    return hash; /* keyed already */
}

static bool has_subject(const export_contribution *said)
{
    static const uint8_t none[RECORD_KEY] = {0};
    return memcmp(said->subject, none, sizeof none) != 0;
}

/* Was its person erased? Then nothing of it stands. */
static bool is_erased(const counting *by, const export_contribution *said)
{
    return has_subject(said) && departed_has(by->result->erased_subjects, by->result->erased_subject_count, said->subject);
}

/* The keys that rows of an unknown contract would have in this one. */
static bool collect_orphans(const counting *by, lookup *keys, uint8_t (**orphans)[RECORD_KEY])
{
    size_t count = by->rows->orphans.count;
    *orphans = arena_take(by->from, (count + 1) * RECORD_KEY);
    lookup_init(keys, by->from);
    if (!*orphans)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const events_orphan *orphan = pile_at(&by->rows->orphans, i);
        recordkey_event((*orphans)[i], by->who->record_key, by->terms->id, orphan->id);
        if (!lookup_add(keys, hash_of((*orphans)[i]), i))
            return false;
    }
    return true;
}

static bool is_orphan(const lookup *keys, uint8_t (*orphans)[RECORD_KEY], const uint8_t key[RECORD_KEY])
{
    lookup_walk walk = lookup_start(keys, hash_of(key));
    for (uint32_t found; (found = lookup_next(&walk)) != LOOKUP_NONE;)
        if (memcmp(orphans[found], key, RECORD_KEY) == 0)
            return true;
    return false;
}

static bool add_item(standing *self, const export_contribution *said, bool in_error)
{
    standing_item *item = arena_vector_add(&self->items);
    if (item)
        *item = (standing_item){.said = said, .subject = SUBJECTS_NONE, .in_error = in_error};
    return item != NULL;
}

/* Picks the contributions that stand. */
static bool pick(standing *self, const counting *by, const export_contract *contract, bool keep_all)
{
    lookup orphan_keys;
    uint8_t(*orphans)[RECORD_KEY];
    if (!collect_orphans(by, &orphan_keys, &orphans))
        return false;
    for (size_t i = 0; i < contract->earlier_count; i++) {
        const export_contribution *said = &contract->earlier[i];
        uint32_t row = events_find(by->rows, said->event);
        bool in_error = row != LOOKUP_NONE ? events_at(by->rows, row)->in_error
                                           : is_orphan(&orphan_keys, orphans, said->event);
        bool stands = in_error || (row == LOOKUP_NONE && keep_all);
        if (stands && !is_erased(by, said) && !add_item(self, said, in_error))
            return false;
    }
    return true;
}

/* The wanted subject of that key, NULL when none is. */
static wanted *find_wanted(const pile *all, const lookup *keys, const uint8_t key[RECORD_KEY])
{
    lookup_walk walk = lookup_start(keys, hash_of(key));
    for (uint32_t found; (found = lookup_next(&walk)) != LOOKUP_NONE;) {
        wanted *known = pile_at(all, found);
        if (memcmp(known->key, key, RECORD_KEY) == 0)
            return known;
    }
    return NULL;
}

/* Looks for the wanted keys among all present people in the actions that may be pushed. */
static bool search_people(const counting *by, const pile *all, const lookup *keys)
{
    const wire_contract *terms = by->terms;
    for (uint32_t i = 0; i < by->people->people.count; i++) {
        const persons_row *who = persons_at(by->people, i);
        for (unsigned action = 0; action < terms->action_count && !who->in_error; action++) {
            uint8_t key[RECORD_KEY];
            if (!terms->actions[action].allowed)
                continue;
            recordkey_subject(key, by->who->record_key, terms->id, terms->actions[action].code, who->id);
            wanted *found = find_wanted(all, keys, key);
            if (!found)
                continue;
            found->subject = subjects_of(by->who, i, (uint8_t)action);
            if (found->subject == SUBJECTS_NONE)
                return false;
        }
    }
    return true;
}

/* Gives each item its subject, where the person is in the present table. */
static bool resolve(standing *self, const counting *by)
{
    standing_item *items = self->items.items;
    pile all;
    lookup keys;
    pile_init(&all, by->from, sizeof(wanted));
    lookup_init(&keys, by->from);
    for (size_t i = 0; i < self->items.count; i++) {
        const uint8_t *key = items[i].said->subject;
        if (!has_subject(items[i].said) || find_wanted(&all, &keys, key))
            continue;
        uint32_t number = (uint32_t)all.count;
        wanted *fresh = pile_add(&all);
        if (!fresh || !lookup_add(&keys, hash_of(key), number))
            return false;
        *fresh = (wanted){.key = key, .subject = SUBJECTS_NONE};
    }
    if (all.count > 0 && !search_people(by, &all, &keys))
        return false;
    for (size_t i = 0; i < self->items.count; i++) {
        const wanted *found = has_subject(items[i].said) ? find_wanted(&all, &keys, items[i].said->subject) : NULL;
        items[i].subject = found ? found->subject : SUBJECTS_NONE;
    }
    return true;
}

static void take_part(const standing *self, const counting *by)
{
    standing_item *items = self->items.items;
    for (size_t i = 0; i < self->items.count; i++) {
        civil_day day = items[i].said->day;
        if (items[i].in_error || items[i].subject == SUBJECTS_NONE || day < by->terms->first_day ||
            day > by->terms->last_day)
            continue;
        subjects_row *who = subjects_at(by->who, items[i].subject);
        if (persons_eligibility(persons_at(by->people, who->person), day) != ELIGIBILITY_YES)
            continue;
        items[i].takes_part = true;
        who->anchored |= !(items[i].said->flags & EXPORT_MOVED);
        subjects_count(by->who, items[i].subject, day);
    }
}

bool standing_gather(standing *self, const counting *by, const export_contract *contract, bool partial,
                     bool unsure)
{
    arena_vector_init(&self->items, by->from, sizeof(standing_item));
    if (contract->earlier_count == 0)
        return true;
    if (!pick(self, by, contract, partial || unsure) || !resolve(self, by))
        return false;
    if (partial)
        take_part(self, by);
    return true;
}

bool standing_keep_left_out(standing *self, const counting *by, const export_contract *contract)
{
    for (size_t i = 0; i < contract->earlier_count; i++) {
        uint32_t row = events_find(by->rows, contract->earlier[i].event);
        const events_row *what = row != LOOKUP_NONE ? events_at(by->rows, row) : NULL;
        if (what && !what->in_error && what->counted == CIVIL_NONE && !is_erased(by, &contract->earlier[i]) &&
            !add_item(self, &contract->earlier[i], false))
            return false;
    }
    return true;
}
