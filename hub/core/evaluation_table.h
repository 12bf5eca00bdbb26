/*
 * evaluation_table: the evaluation of a contract as a table of cells, and its forms: for an officer
 * at a terminal, and as CSV. Pure: writes to a stream that the caller gives; errors of the stream
 * are the caller's to test (ferror) at the end.
 */
#ifndef CTAI_EVALUATION_TABLE_H
#define CTAI_EVALUATION_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "civil.h"
#include "text.h"

typedef enum { EVALUATION_COUNTED, EVALUATION_NOT_COLLECTED, EVALUATION_NOT_DONE } evaluation_state;
/* "compte", "non_collecte", "non_fait" */
const char *evaluation_state_name(evaluation_state state);

typedef struct {
    text_view code, label;
    text_view unit;        /* for people: "personnes", "h", "€"; may be empty */
    text_view target;      /* a number without separators; empty: none */
    text_view value;       /* a number with a point, or a text; empty: none */
    bool is_text;          /* value is free text or a list */
    bool selected;         /* the contract has chosen it for this action */
    evaluation_state state;
    unsigned parent;       /* 1 + the index, in the same action, of the cell that it is a part of ("dont"); 0: of none */
    unsigned depth;        /* 0: a cell of its own; 1: a part; 2: a part of a part (evaluation_layout) */
} evaluation_cell;

typedef struct {
    text_view code;        /* "contrat" for the contract's own line */
    text_view title;
    text_view refugies_info; /* the address of its page (article 6); empty: none is known */
    unsigned cell_count;
    evaluation_cell *cells; /* in the catalogue's order */
} evaluation_action;

typedef struct {
    text_view contract, title, department;
    text_view definition;   /* the contract's text in the version used */
    civil_day first_day, last_day;
    civil_month from, to;
    unsigned version;       /* of the contract, that the report uses: the last that applies by the end of `to` */
    unsigned amendment;     /* that made this version; 0: the contract as it was first registered */
    civil_day effective_day; /* from which the amendment applies; of the first version: first_day */
    uint64_t position;      /* of the scope's ledger */
    uint64_t last_position; /* the scope's now: another than position when the report is as of the past */
    int64_t moment_s;       /* at which the ledger had reached the position, in seconds since 1970 */
    civil_day moment_day;   /* the same, as a day in Paris; CIVIL_NONE: not known */
    uint64_t erased;        /* records that stood at the position and are gone for good: not counted */
    unsigned action_count;  /* the contract's actions, then "contrat" */
    evaluation_action *actions;
} evaluation_table;

/* The version used, for people: « contrat initial », « avenant n° 2, applicable au 1er mars 2024 ». */
enum { EVALUATION_VERSION_TEXT = 96 };
void evaluation_table_version(const evaluation_table *self, char text[EVALUATION_VERSION_TEXT]);

/* In French, laid out for width columns (at least 60). */
void evaluation_table_print(const evaluation_table *self, unsigned width, FILE *to);
/* INTERFACE.md, "report --format csv". */
void evaluation_table_csv(const evaluation_table *self, FILE *to);

#endif
