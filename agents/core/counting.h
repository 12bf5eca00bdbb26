/*
 * counting: which rows of a contract count, and on which day (DOMAIN, "Dates and the contract",
 * "A sortie"): sorties find their entree, events outside the contract's days are moved or left out,
 * the others are judged by eligibility on their day.
 */
#ifndef CTAI_COUNTING_H
#define CTAI_COUNTING_H

#include "events.h"
#include "export_terms.h"
#include "subjects.h"

enum { COUNTING_FOLLOW_UP_MONTHS = 7 }; /* a suivi_6_mois may come that long after the last day */

/* What is told of each row of the contract, in the order of the file; false: stop. */
typedef bool counting_tell(void *data, const events_row *what);

typedef struct {
    const wire_contract *terms;
    unsigned contract;     /* its index in the events */
    events *rows;
    const persons *people;
    subjects *who;
    arena *from;
    diag_sink *sink;
    export_counts *counts; /* left_out, left_out_by and errors are added to */
    const export_result *result; /* its erased subjects are known already */
    arena_vector entries;  /* uint64_t: subject and day of each entree; by counting_settle, ascending */
    bool settled;
} counting;

/*
 * Finds each sortie its entree: one with no entree of that person and action on its day or before is in error, and said to be.
 * Marks the subjects that have an eligible event on a day of the contract. Each row is told of. False when memory is
 * short, the rows cannot be read, or tell has said so.
 */
bool counting_settle(counting *self, counting_tell *tell, void *data) __attribute__((warn_unused_result));

/*
 * After counting_settle, and when whatever else anchors subjects has done so: tells each row with its subject, a sortie's
 * days, and the day on which it counts, or CIVIL_NONE; says who is left out and why; fills the subjects' first days. False likewise.
 */
bool counting_decide(counting *self, counting_tell *tell, void *data) __attribute__((warn_unused_result));

/* Does the event count on another day than its own, before the contract (entree, niveau_debut)? */
bool counting_was_moved(const counting *self, const events_row *what);

#endif
