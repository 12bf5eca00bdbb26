/* counting: see counting.h. */
#include "counting.h"

#include <stdlib.h>

static bool is_ours(const counting *self, const events_row *what)
{
    return what->contract == self->contract && !what->in_error;
}

/* Of a person who was erased: counts for nothing, nor makes another row count. */
static bool is_erased(const counting *self, const events_row *what)
{
    return what->person != PERSONS_NONE && persons_at(self->people, what->person)->erased;
}

static bool takes_part(const counting *self, const events_row *what)
{
    return is_ours(self, what) && !is_erased(self, what);
}

static bool is_in_contract(const counting *self, civil_day day)
{
    return day >= self->terms->first_day && day <= self->terms->last_day;
}

/* A subject's entry on a day, as one number: by subject, then by day. */
static uint64_t entry_of(uint32_t subject, civil_day day)
{
    return (uint64_t)subject << 32 | ((uint32_t)day ^ UINT32_C(0x80000000));
}

static int by_number(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return (first > second) - (first < second);
}

/* The entries of all subjects, in ascending order. */
static uint64_t *collect_entries(const counting *self, size_t count)
{
    uint64_t *entries = arena_take(self->from, (count + 1) * sizeof *entries);
    size_t filled = 0;
    for (uint32_t i = 0; entries && i < self->rows->rows.count; i++) {
        const events_row *what = events_at(self->rows, i);
        if (takes_part(self, what) && what->type == FACT_ENTREE)
            entries[filled++] = entry_of(what->subject, what->day);
    }
    if (entries)
        qsort(entries, count, sizeof *entries, by_number);
    return entries;
}

/* Days since the latest entry of the subject on that day or before; -1: there is none. */
static int64_t days_since_entry(const uint64_t *entries, size_t count, const events_row *exit)
{
    uint64_t wanted = entry_of(exit->subject, exit->day);
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle] <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || entries[low - 1] >> 32 != exit->subject)
        return -1;
    return (int64_t)(wanted - entries[low - 1]);
}

static void refuse_exit(const counting *self, events_row *exit)
{
    diag where = events_where(self->rows, DIAG_ERROR, exit, EVENTS_TYPE,
                              "Ajoutez l’entrée, ou corrigez sa date ou celle de la sortie");
    where.message = "la personne n’a pas d’entrée dans cette action à cette date ou avant";
    diag_emit(self->sink, &where);
    exit->in_error = true;
    self->counts->errors++;
}

bool counting_settle_exits(const counting *self)
{
    size_t entry_count = 0, exit_count = 0;
    for (uint32_t i = 0; i < self->rows->rows.count; i++) {
        events_row *what = events_at(self->rows, i);
        if (!takes_part(self, what) || what->person == PERSONS_NONE)
            continue;
        what->subject = subjects_of(self->who, what->person, what->action);
        if (what->subject == SUBJECTS_NONE)
            return false;
        entry_count += what->type == FACT_ENTREE;
        exit_count += what->type == FACT_SORTIE;
    }
    if (exit_count == 0)
        return true;
    const uint64_t *entries = collect_entries(self, entry_count);
    if (!entries)
        return false;
    for (uint32_t i = 0; i < self->rows->rows.count; i++) {
        events_row *what = events_at(self->rows, i);
        if (!takes_part(self, what) || what->type != FACT_SORTIE)
            continue;
        what->quantity = days_since_entry(entries, entry_count, what);
        what->has_quantity = true;
        if (what->quantity < 0)
            refuse_exit(self, what);
    }
    return true;
}

static eligibility judge(const counting *self, const events_row *what, civil_day day)
{
    return persons_eligibility(persons_at(self->people, what->person), day);
}

void counting_anchor(const counting *self)
{
    for (uint32_t i = 0; i < self->rows->rows.count; i++) {
        const events_row *what = events_at(self->rows, i);
        if (!takes_part(self, what) || what->person == PERSONS_NONE || !is_in_contract(self, what->day))
            continue;
        subjects_row *who = subjects_at(self->who, what->subject);
        if (!who->anchored)
            who->anchored = judge(self, what, what->day) == ELIGIBILITY_YES;
    }
}

/* The day on which the event would count; CIVIL_NONE when none of the contract's. */
static civil_day day_in_contract(const counting *self, const events_row *what)
{
    const wire_contract *terms = self->terms;
    if (is_in_contract(self, what->day))
        return what->day;
    bool begins = what->type == FACT_ENTREE || what->type == FACT_NIVEAU_DEBUT;
    if (what->day < terms->first_day)
        return begins && subjects_at(self->who, what->subject)->anchored ? terms->first_day : CIVIL_NONE;
    civil_day limit = civil_add_months(terms->last_day, COUNTING_FOLLOW_UP_MONTHS);
    return what->type == FACT_SUIVI_6_MOIS && what->day <= limit ? terms->last_day : CIVIL_NONE;
}

static void leave_out(const counting *self, const events_row *what, unsigned reason)
{
    bool days = reason == EXPORT_LEFT_OUT_OF_DAYS;
    diag where = events_where(self->rows, DIAG_LEFT_OUT, what, days ? EVENTS_DATE : EVENTS_PERSON, NULL);
    where.message = export_reason_text(reason);
    diag_emit(self->sink, &where);
    self->counts->left_out++;
    self->counts->left_out_by[reason]++;
}

void counting_decide(const counting *self)
{
    for (uint32_t i = 0; i < self->rows->rows.count; i++) {
        events_row *what = events_at(self->rows, i);
        if (!is_ours(self, what))
            continue;
        if (is_erased(self, what)) {
            leave_out(self, what, EXPORT_LEFT_OUT_ERASED);
            continue;
        }
        civil_day day = day_in_contract(self, what);
        unsigned reason = EXPORT_LEFT_OUT_OF_DAYS;
        if (day != CIVIL_NONE)
            reason = what->person == PERSONS_NONE ? ELIGIBILITY_YES : judge(self, what, day);
        if (reason != ELIGIBILITY_YES) {
            leave_out(self, what, reason);
            continue;
        }
        what->counted = day;
        if (what->person != PERSONS_NONE)
            subjects_count(self->who, what->subject, day);
    }
}

bool counting_was_moved(const counting *self, const events_row *what)
{
    return what->day < self->terms->first_day;
}
