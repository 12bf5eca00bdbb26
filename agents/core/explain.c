/* explain: see explain.h. */
#include "explain.h"

#include <string.h>

#include "departed.h"
#include "making.h"
#include "recordkey.h"

/* Of a record that the export makes. */
static explain_result of_record(explain_answer *to, arena *from, const export *made, const export_result *in,
                                const events_row *row)
{
    arena_vector lines;
    arena_vector_init(&lines, from, sizeof(uint32_t));
    bool of_month = row->origin == MAKING_BENEFICIARY;
    *to = (explain_answer){.terms = in->terms, .action = in->terms->actions[row->action].code, .counts = true};
    to->type = of_month ? FACT_BENEFICIAIRE : (fact_type)row->type;
    to->month = of_month ? row->day : civil_month_of(row->counted);
    to->who = row->person == PERSONS_NONE ? NULL : persons_at(made->people, row->person);
    if (of_month && !making_lines(in->making, row, &lines))
        return EXPLAIN_NO_MEMORY;
    uint32_t *line = of_month ? NULL : arena_vector_add(&lines);
    if (!of_month && !line)
        return EXPLAIN_NO_MEMORY;
    if (line)
        *line = row->line;
    to->lines = lines.items;
    to->line_count = lines.count;
    return EXPLAIN_FOUND;
}

/* Of a row that is there and makes no record. */
static explain_result of_row(explain_answer *to, arena *from, const export *made, const events_row *what)
{
    uint32_t *line = arena_take(from, sizeof *line);
    const wire_contract *terms = made->results[what->contract].terms;
    if (!line)
        return EXPLAIN_NO_MEMORY;
    *line = what->line;
    *to = (explain_answer){.terms = terms, .type = FACT_NONE, .month = CIVIL_NONE, .line_count = 1, .lines = line};
    if (what->in_error)
        return EXPLAIN_FOUND;
    to->type = (fact_type)what->type;
    to->action = terms->actions[what->action].code;
    to->who = what->person == PERSONS_NONE ? NULL : persons_at(made->people, what->person);
    return EXPLAIN_FOUND;
}

/* The month of a subject's `beneficiaire` record of that key; CIVIL_NONE: none has it. */
static civil_month find_month(const wire_contract *terms, const uint8_t *record_key, const uint8_t subject[RECORD_KEY],
                              const uint8_t key[RECORD_KEY])
{
    departed_key keys[64];
    size_t months = departed_months(terms);
    for (size_t at = 0; at < months; at += sizeof keys / sizeof *keys) {
        size_t count = departed_beneficiary(keys, sizeof keys / sizeof *keys, at, record_key, terms, subject);
        for (size_t i = 0; i < count; i++)
            if (memcmp(keys[i], key, RECORD_KEY) == 0)
                return civil_month_of(terms->first_day) + (civil_month)(at + i);
    }
    return CIVIL_NONE;
}

/* Of a `beneficiaire` record that the table's people could have, and have not now. */
static explain_result of_people(explain_answer *to, const export *made, const wire_contract *terms, const uint8_t *record_key,
                                const uint8_t key[RECORD_KEY])
{
    for (uint32_t i = 0; i < made->people->people.count; i++)
        for (unsigned k = 0; k < terms->action_count; k++) {
            const persons_row *who = persons_at(made->people, i);
            uint8_t subject[RECORD_KEY];
            recordkey_subject(subject, record_key, terms->id, terms->actions[k].code, who->id);
            civil_month month = find_month(terms, record_key, subject, key);
            if (month == CIVIL_NONE)
                continue;
            *to = (explain_answer){.terms = terms, .action = terms->actions[k].code, .type = FACT_BENEFICIAIRE, .month = month,
                                   .who = who};
            return EXPLAIN_FOUND;
        }
    return EXPLAIN_UNKNOWN;
}

explain_result explain_key(explain_answer *to, arena *from, const export *made, const uint8_t *record_key,
                           const uint8_t key[RECORD_KEY])
{
    explain_result result = EXPLAIN_UNKNOWN;
    for (unsigned i = 0; i < made->result_count; i++) {
        events_row row;
        making *in = made->results[i].making;
        if (making_find(in, key, &row))
            return row.origin == MAKING_NOTHING ? of_row(to, from, made, &row) : of_record(to, from, made, &made->results[i], &row);
        if (making_failure(in) != EXPORT_OK)
            return EXPLAIN_NO_MEMORY;
    }
    for (unsigned i = 0; i < made->result_count && result == EXPLAIN_UNKNOWN; i++)
        result = of_people(to, made, made->results[i].terms, record_key, key);
    return result;
}
