/* departed: see departed.h. */
#include "departed.h"

#include <stdlib.h>
#include <string.h>

#include "recordkey.h"

enum { MONTHS_MAX = 50 * 12 }; /* whatever a hub says of a contract's days */

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, RECORD_KEY);
}

size_t departed_sort(departed_key *keys, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(keys, count, RECORD_KEY, by_key);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || memcmp(keys[kept - 1], keys[i], RECORD_KEY) != 0)
            memmove(keys[kept++], keys[i], RECORD_KEY);
    return kept;
}

bool departed_has(const uint8_t (*keys)[RECORD_KEY], size_t count, const uint8_t key[RECORD_KEY])
{
    return count > 0 && bsearch(key, keys, count, RECORD_KEY, by_key) != NULL;
}

size_t departed_months(const wire_contract *terms)
{
    civil_month months = civil_month_of(terms->last_day) - civil_month_of(terms->first_day) + 1;
    return months < 0 ? 0 : months > MONTHS_MAX ? MONTHS_MAX : (size_t)months;
}

size_t departed_beneficiary(departed_key *to, size_t room, size_t first, const uint8_t *record_key,
                            const wire_contract *terms, const uint8_t subject[RECORD_KEY])
{
    size_t months = departed_months(terms), count = 0;
    for (; count < room && first + count < months; count++)
        recordkey_beneficiary(to[count], record_key, subject,
                              civil_month_of(terms->first_day) + (civil_month)(first + count));
    return count;
}

static size_t count_erased(const persons *people)
{
    size_t count = 0;
    for (uint32_t i = 0; i < people->people.count; i++)
        count += persons_at(people, i)->erased;
    return count;
}

static bool is_theirs(const events_row *what, unsigned contract, const persons *people)
{
    return what->contract == contract && what->person != PERSONS_NONE && persons_at(people, what->person)->erased;
}

bool departed_find(export_result *result, arena *from, const wire_contract *terms, events *rows, unsigned contract,
                   const persons *people, const uint8_t *record_key)
{
    size_t who = count_erased(people), facts = 0, count = 0, subject_count = 0;
    if (who == 0)
        return true;
    events_walk walk;
    events_row what;
    events_start(&walk, rows);
    while (events_next(&walk, &what))
        facts += is_theirs(&what, contract, people);
    size_t subjects_max = who * terms->action_count, months = departed_months(terms);
    departed_key *subjects = arena_take(from, (subjects_max + 1) * sizeof *subjects);
    departed_key *keys = arena_take(from, (facts + subjects_max * months + 1) * sizeof *keys);
    if (!subjects || !keys)
        return false;
    for (uint32_t i = 0; i < people->people.count; i++)
        for (unsigned action = 0; action < terms->action_count && persons_at(people, i)->erased; action++)
            recordkey_subject(subjects[subject_count++], record_key, terms->id, terms->actions[action].code,
                              persons_at(people, i)->id);
    subject_count = departed_sort(subjects, subject_count);
    for (size_t i = 0; i < subject_count; i++)
        count += departed_beneficiary(&keys[count], months, 0, record_key, terms, subjects[i]);
    events_start(&walk, rows);
    while (events_next(&walk, &what))
        if (is_theirs(&what, contract, people))
            memcpy(keys[count++], what.key, RECORD_KEY);
    if (spool_failed(&rows->rows))
        return false;
    result->erased_subjects = (const uint8_t(*)[RECORD_KEY])subjects;
    result->erased_subject_count = subject_count;
    result->erased = (const uint8_t(*)[RECORD_KEY])keys;
    result->erased_count = departed_sort(keys, count);
    return true;
}
