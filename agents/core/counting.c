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

/* Days since the latest entry of the subject on that day or before; -1: there is none. */
static int64_t days_since_entry(const counting *self, const events_row *exit)
{
    const uint64_t *entries = self->entries.items;
    uint64_t wanted = entry_of(exit->subject, exit->day);
    size_t low = 0, high = self->entries.count;
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

static void refuse_exit(const counting *self, const events_row *exit)
{
    diag where = events_where(self->rows, DIAG_ERROR, exit, EVENTS_TYPE,
                              "Ajoutez l’entrée, ou corrigez sa date ou celle de la sortie");
    where.message = "la personne n’a pas d’entrée dans cette action à cette date ou avant";
    diag_emit(self->sink, &where);
    self->counts->errors++;
}

/*
 * Reads the next row of the contract, with its subject; once entries are known also a sortie's days, below 0 and the row in
 * error when there is no entree. 1: a row, 0: no more, -1: memory is short, or the rows cannot be read.
 */
static int next_row(const counting *self, events_walk *walk, events_row *what)
{
    do {
        if (!events_next(walk, what))
            return spool_failed(&self->rows->rows) ? -1 : 0;
    } while (what->contract != self->contract);
    if (!takes_part(self, what) || what->person == PERSONS_NONE)
        return 1;
    what->subject = subjects_of(self->who, what->person, what->action);
    if (what->subject == SUBJECTS_NONE)
        return -1;
    if (what->type == FACT_SORTIE && self->settled) {
        what->quantity = days_since_entry(self, what);
        what->has_quantity = true;
        what->in_error = what->quantity < 0;
    }
    return 1;
}

static eligibility judge(const counting *self, const events_row *what, civil_day day)
{
    return persons_eligibility(persons_at(self->people, what->person), day);
}

/* Marks the subject of an eligible event on a day of the contract. */
static void anchor(const counting *self, const events_row *what)
{
    if (!takes_part(self, what) || what->person == PERSONS_NONE || !is_in_contract(self, what->day))
        return;
    subjects_row *who = subjects_at(self->who, what->subject);
    if (!who->anchored)
        who->anchored = judge(self, what, what->day) == ELIGIBILITY_YES;
}

static bool add_entry(counting *self, const events_row *what)
{
    uint64_t *entry = arena_vector_add(&self->entries);
    if (entry)
        *entry = entry_of(what->subject, what->day);
    return entry != NULL;
}

/* Looks at all sorties, whose entrees are known now. */
static bool settle_exits(counting *self)
{
    events_walk walk;
    events_row what;
    int more;
    events_start(&walk, self->rows);
    while ((more = next_row(self, &walk, &what)) > 0) {
        if (what.type != FACT_SORTIE)
            continue;
        if (what.quantity < 0)
            refuse_exit(self, &what);
        anchor(self, &what);
    }
    return more == 0;
}

bool counting_settle(counting *self, counting_tell *tell, void *data)
{
    events_walk walk;
    events_row what;
    int more;
    bool exits = false;
    arena_vector_init(&self->entries, self->from, sizeof(uint64_t));
    events_start(&walk, self->rows);
    while ((more = next_row(self, &walk, &what)) > 0) {
        if (!tell(data, &what))
            return false;
        if (what.type == FACT_ENTREE && takes_part(self, &what) && !add_entry(self, &what))
            return false;
        exits |= what.type == FACT_SORTIE;
        if (what.type != FACT_SORTIE)
            anchor(self, &what);
    }
    if (self->entries.count > 0)
        qsort(self->entries.items, self->entries.count, sizeof(uint64_t), by_number);
    self->settled = true;
    return more == 0 && (!exits || settle_exits(self));
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

/* The day on which the row counts, or why it does not, said. */
static civil_day decide(const counting *self, const events_row *what)
{
    if (is_erased(self, what)) {
        leave_out(self, what, EXPORT_LEFT_OUT_ERASED);
        return CIVIL_NONE;
    }
    civil_day day = day_in_contract(self, what);
    unsigned reason = EXPORT_LEFT_OUT_OF_DAYS;
    if (day != CIVIL_NONE)
        reason = what->person == PERSONS_NONE ? ELIGIBILITY_YES : judge(self, what, day);
    if (reason == ELIGIBILITY_YES)
        return day;
    leave_out(self, what, reason);
    return CIVIL_NONE;
}

bool counting_decide(counting *self, counting_tell *tell, void *data)
{
    events_walk walk;
    events_row what;
    int more;
    events_start(&walk, self->rows);
    while ((more = next_row(self, &walk, &what)) > 0) {
        if (is_ours(self, &what))
            what.counted = decide(self, &what);
        if (what.counted != CIVIL_NONE && what.person != PERSONS_NONE)
            subjects_count(self->who, what.subject, what.counted);
        if (!tell(data, &what))
            return false;
    }
    return more == 0;
}

bool counting_was_moved(const counting *self, const events_row *what)
{
    return what->day < self->terms->first_day;
}
