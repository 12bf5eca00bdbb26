/* erasure_mark: see erasure_mark.h. */
#include "erasure_mark.h"

#include <string.h>

#include "recordkey.h"

static const uint8_t unknown[CRYPTO_SHORT_HASH];

static bool known(const uint8_t hash[CRYPTO_SHORT_HASH])
{
    return memcmp(hash, unknown, CRYPTO_SHORT_HASH) != 0;
}

static bool equal(const uint8_t a[CRYPTO_SHORT_HASH], const uint8_t b[CRYPTO_SHORT_HASH])
{
    return known(a) && memcmp(a, b, CRYPTO_SHORT_HASH) == 0;
}

void erasure_of_row(erasure_person *to, const uint8_t *record_key, const persons_row *row)
{
    erasure_of_id(to, record_key, row->id);
    if (row->identity.size > 0)
        recordkey_person(to->identity, record_key, "identity", row->identity);
    if (row->has_number)
        recordkey_person(to->number, record_key, "number", (text_view){row->number, TOKEN_NUMBER_DIGITS});
}

/* The people who are looked for, by each of their hashes. */
typedef struct {
    arena_vector people; /* of erasure_person */
    lookup by_hash;
} sought;

static uint64_t number_of(const uint8_t hash[CRYPTO_SHORT_HASH])
{
    uint64_t number;
    memcpy(&number, hash, sizeof number);
    return number; /* keyed already */
}

static bool seek(sought *self, const erasure_person *who)
{
    const uint8_t *hashes[] = {who->id, who->identity, who->number};
    uint32_t number = (uint32_t)self->people.count;
    erasure_person *fresh = number < LOOKUP_NONE - 1 ? arena_vector_add(&self->people) : NULL;
    if (!fresh)
        return false;
    *fresh = *who;
    for (int i = 0; i < 3; i++)
        if (known(hashes[i]) && !lookup_add(&self->by_hash, number_of(hashes[i]), number))
            return false;
    return true;
}

/*
 * By local number or foreigner's number; or by identity, unless the person of that identity is known by another
 * foreigner's number.
 */
static bool is_sought(const sought *self, const erasure_person *who)
{
    const uint8_t *hashes[] = {who->id, who->number, who->identity};
    const erasure_person *people = self->people.items;
    bool alike = false, another = false;
    for (int i = 0; i < 3; i++) {
        if (!known(hashes[i]))
            continue;
        lookup_walk walk = lookup_start(&self->by_hash, number_of(hashes[i]));
        for (uint32_t found; (found = lookup_next(&walk)) != LOOKUP_NONE;) {
            const erasure_person *one = &people[found];
            if (equal(one->id, who->id) || equal(one->number, who->number))
                return true;
            bool same_name = equal(one->identity, who->identity);
            alike |= same_name;
            another |= same_name && known(one->number) && known(who->number);
        }
    }
    return alike && !another;
}

/* One look at all rows; *more: somebody was found, who may make another one known. */
static bool look(sought *self, persons *people, const erasure_person *rows, bool *more)
{
    *more = false;
    for (uint32_t i = 0; i < people->people.count; i++) {
        persons_row *row = persons_at(people, i);
        if (row->erased || !is_sought(self, &rows[i]))
            continue;
        row->erased = *more = true;
        if (!seek(self, &rows[i]))
            return false;
    }
    return true;
}

bool erasure_mark(const erasure_list *self, persons *people, const uint8_t *record_key, erasure_list *found)
{
    *found = (erasure_list){0};
    if (self->count == 0 || people->people.count == 0)
        return true;
    sought all;
    arena_vector_init(&all.people, people->from, sizeof(erasure_person));
    lookup_init(&all.by_hash, people->from);
    for (size_t i = 0; i < self->count; i++)
        if (!seek(&all, &self->people[i]))
            return false;
    erasure_person *rows = arena_take(people->from, people->people.count * sizeof *rows);
    erasure_person *marked = arena_take(people->from, people->people.count * sizeof *marked);
    if (!rows || !marked)
        return false;
    for (uint32_t i = 0; i < people->people.count; i++)
        erasure_of_row(&rows[i], record_key, persons_at(people, i));
    for (bool more = true; more;)
        if (!look(&all, people, rows, &more))
            return false;
    for (uint32_t i = 0; i < people->people.count; i++)
        if (persons_at(people, i)->erased)
            marked[found->count++] = rows[i];
    found->people = marked;
    persons_settle_households(people);
    return true;
}
