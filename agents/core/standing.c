/* standing: see standing.h. */
#include "standing.h"

#include <string.h>

#include "departed.h"
#include "earlier.h"
#include "recordkey.h"

/* A present person in an action. */
typedef struct {
    uint8_t key[RECORD_KEY];
    uint32_t person;
    uint8_t action;
} present;

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
static bool collect_orphans(standing *self)
{
    const counting *by = self->by;
    size_t count = by->rows->orphans.count;
    self->orphans = arena_take(by->from, (count + 1) * RECORD_KEY);
    lookup_init(&self->orphan_keys, by->from);
    if (!self->orphans)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const events_orphan *orphan = pile_at(&by->rows->orphans, i);
        recordkey_event(self->orphans[i], by->who->record_key, by->terms->id, orphan->id);
        if (!lookup_add(&self->orphan_keys, hash_of(self->orphans[i]), i))
            return false;
    }
    return true;
}

static bool is_orphan(const standing *self, const uint8_t key[RECORD_KEY])
{
    lookup_walk walk = lookup_start(&self->orphan_keys, hash_of(key));
    for (uint32_t found; (found = lookup_next(&walk)) != LOOKUP_NONE;)
        if (memcmp(self->orphans[found], key, RECORD_KEY) == 0)
            return true;
    return false;
}

/* The keys of all present people in the actions that may be pushed. */
static bool collect_people(standing *self)
{
    const counting *by = self->by;
    const wire_contract *terms = by->terms;
    for (uint32_t i = 0; i < by->people->people.count; i++) {
        const persons_row *who = persons_at(by->people, i);
        for (unsigned action = 0; action < terms->action_count && !who->in_error; action++) {
            uint32_t number = (uint32_t)self->people.count;
            if (!terms->actions[action].allowed)
                continue;
            present *fresh = pile_add(&self->people);
            if (!fresh)
                return false;
            *fresh = (present){.person = i, .action = (uint8_t)action};
            recordkey_subject(fresh->key, by->who->record_key, terms->id, terms->actions[action].code, who->id);
            if (!lookup_add(&self->by_key, hash_of(fresh->key), number))
                return false;
        }
    }
    return true;
}

static const present *find_present(const standing *self, const export_contribution *said)
{
    if (!has_subject(said))
        return NULL;
    lookup_walk walk = lookup_start(&self->by_key, hash_of(said->subject));
    for (uint32_t found; (found = lookup_next(&walk)) != LOOKUP_NONE;) {
        const present *known = pile_at(&self->people, found);
        if (memcmp(known->key, said->subject, RECORD_KEY) == 0)
            return known;
    }
    return NULL;
}

bool standing_begin(standing *self, const counting *by, const export_contract *contract, bool partial, bool unsure,
                    spool_store *store)
{
    *self = (standing){.by = by, .contract = contract, .partial = partial, .unsure = unsure};
    pile_init(&self->people, by->from, sizeof(present));
    lookup_init(&self->by_key, by->from);
    sorter_init(&self->named, by->from, store, RECORD_KEY);
    return contract->earlier_count == 0 || (collect_orphans(self) && collect_people(self));
}

bool standing_name(standing *self, const events_row *what)
{
    return !self->partial || self->contract->earlier_count == 0 || sorter_add(&self->named, what->key);
}

/* May an earlier fact that the file does not name count today? Its subject, or SUBJECTS_NONE. */
static uint32_t subject_of_part(const standing *self, const export_contribution *said)
{
    const counting *by = self->by;
    const present *who = find_present(self, said);
    if (!who || is_orphan(self, said->event) || is_erased(by, said) || said->day < by->terms->first_day
        || said->day > by->terms->last_day
        || persons_eligibility(persons_at(by->people, who->person), said->day) != ELIGIBILITY_YES)
        return SUBJECTS_NONE;
    return subjects_of(by->who, who->person, who->action);
}

bool standing_part(standing *self, standing_tell *tell, void *data)
{
    if (!self->partial || self->contract->earlier_count == 0)
        return true;
    if ((!self->named.ended && !sorter_end(&self->named)) || !sorter_start(&self->named))
        return false;
    const uint8_t *name = sorter_next(&self->named);
    earlier stood;
    earlier_start(&stood, self->contract);
    for (const export_contribution *said; (said = earlier_next(&stood)) != NULL;) {
        while (name && memcmp(name, said->event, RECORD_KEY) < 0)
            name = sorter_next(&self->named);
        if (name && memcmp(name, said->event, RECORD_KEY) == 0)
            continue;
        uint32_t subject = subject_of_part(self, said);
        if (subject != SUBJECTS_NONE && !tell(data, subject, said))
            return false;
    }
    self->unreadable |= stood.failed;
    return !sorter_failed(&self->named) && !stood.failed && !arena_short(self->by->from);
}

static bool count_one(void *data, uint32_t subject, const export_contribution *said)
{
    const standing *self = data;
    subjects_at(self->by->who, subject)->anchored |= !(said->flags & EXPORT_MOVED);
    subjects_count(self->by->who, subject, said->day);
    return true;
}

bool standing_count(standing *self)
{
    return standing_part(self, count_one, self);
}

bool standing_keeps(const standing *self, const export_contribution *said, const events_row *row)
{
    bool keep_all = self->partial || self->unsure;
    bool stands = row ? row->in_error || (self->unsure && row->counted == CIVIL_NONE)
                      : keep_all || is_orphan(self, said->event);
    return stands && !is_erased(self->by, said);
}

uint32_t standing_subject(const standing *self, const export_contribution *said)
{
    const present *who = find_present(self, said);
    return who ? subjects_find(self->by->who, who->person, who->action) : SUBJECTS_NONE;
}
