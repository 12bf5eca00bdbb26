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
} counting;

/*
 * Gives each valid event of a person its subject, and each sortie its days; a sortie with no entree
 * of that person and action on its day or before is in error. False when memory is short.
 */
bool counting_settle_exits(const counting *self) __attribute__((warn_unused_result));

/* Marks the subjects that have an eligible event on a day of the contract. */
void counting_anchor(const counting *self);

/* Fills event.counted and the subjects' first days; says who is left out and why. After counting_anchor. */
void counting_decide(const counting *self);

/* Does the event count on another day than its own, before the contract (entree, niveau_debut)? */
bool counting_was_moved(const counting *self, const events_row *what);

#endif
