/*
 * timeliness: how far a contract is, and whether its operators have said what is due: by action and operator that has an
 * agent, what its exports cover, against the month before today's (or the contract's last). Pure: today is given.
 */
#ifndef CTAI_TIMELINESS_H
#define CTAI_TIMELINESS_H

#include "contract.h"

typedef enum { TIMELINESS_COMING, TIMELINESS_RUNNING, TIMELINESS_ENDED, TIMELINESS_CLOSED } timeliness_state;
/* "à venir", "en cours", "terminé", "clos" */
const char *timeliness_state_name(timeliness_state state);

/* What an agent has said of an action. */
typedef struct {
    text_view action, agent;
    bool covers;             /* a statement of what its exports cover has come; else there are records alone */
    bool complete;           /* the last export was the whole table */
    civil_month last_month;  /* that they cover; CIVIL_NONE: they hold nothing */
    text_view received;      /* when the last statement came: ISO 8601, UTC; may be empty */
    unsigned month_count;
    civil_month *months;     /* of which it has records, in order; none when they were not asked for */
} timeliness_statement;

/* From which month on an action is in the contract: its first, or that of the amendment that brought it. */
typedef struct {
    text_view action;
    civil_month first;
} timeliness_begin;

typedef struct {
    text_view action, agent;
    text_view name;          /* the operator, for people; empty: the agent is no operator's of this action */
    bool expected;           /* an operator of the action: what is late is counted */
    const timeliness_statement *said; /* NULL: nothing */
    unsigned late;           /* months that are due and not covered */
} timeliness_duty;

typedef struct {
    timeliness_state state;
    civil_month due;         /* the last month that should be covered; CIVIL_NONE: nothing is due, or the contract is closed */
    unsigned duty_count;
    timeliness_duty *duties;   /* those expected, in the contract's order; then the others, in that of statements */
    unsigned expected, on_time; /* of duties */
    unsigned late;           /* the most months that one is late */
    text_view received;      /* the last of all; may be empty */
} timeliness;

/* What is known of a contract beyond its text. */
typedef struct {
    unsigned statement_count, begin_count;
    timeliness_statement *statements;
    timeliness_begin *begins;  /* an action that is not among them begins with the contract */
    bool closed;             /* it is purged: nothing is known of its records */
} timeliness_known;

/* Points into what is given. False: memory is short. */
bool timeliness_of(timeliness *self, arena *from, const contract *said, const timeliness_known *known, civil_day today) __attribute__((warn_unused_result));

#endif
