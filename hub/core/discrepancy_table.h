/*
 * discrepancy_table: what the parties of a contract must settle, as a list, and its forms: for an officer at a terminal,
 * and as CSV. Pure: writes to a stream that the caller gives; errors of the stream are the caller's to test (ferror).
 *
 * A matter is one person, one exit, one operator that is late or one action without an address; it has a row for each
 * operator (and action) that can do something about it, next to each other, with the keys of that operator's own records.
 * A key tells the hub nothing: the operator's agent alone can say whom it concerns (`ctai-agent explain KEY`).
 */
#ifndef CTAI_DISCREPANCY_TABLE_H
#define CTAI_DISCREPANCY_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "civil.h"
#include "text.h"

/* In the order of the list. */
typedef enum {
    DISCREPANCY_SEX,          /* a person's records in an action state both sexes (DOMAIN, "Indicators") */
    DISCREPANCY_SEX_CONTRACT, /* those of no action do, but those of all actions together */
    DISCREPANCY_IDENTITY,     /* one identity stands with two or more foreigner's numbers in the linkage scope */
    DISCREPANCY_FOLLOW_UP,    /* an exit, six months have passed, and no follow-up of it is known */
    DISCREPANCY_LATE,         /* an operator has reported nothing of the last months, or never */
    DISCREPANCY_ADDRESS,      /* an action without its address on refugies.info (article 6) */
    DISCREPANCY_KIND_COUNT
} discrepancy_kind;

/* "sexe", "sexe_contrat", "identite", "suivi_6_mois", "retard", "refugies_info": as in the CSV. */
const char *discrepancy_kind_name(discrepancy_kind kind);
/* A heading in French for people: "Sexe déclaré différemment dans une action"... */
const char *discrepancy_kind_title(discrepancy_kind kind);

typedef struct {
    discrepancy_kind kind;
    unsigned matter;         /* from 1, ascending: rows of one number are of one matter */
    text_view action;        /* code of the action whose records, or duty, it is */
    text_view operator_name; /* the agent's name; empty: nobody's in particular (ADDRESS) */
    civil_month month;       /* of the latest record concerned; LATE: the last month reported; CIVIL_NONE: none */
    unsigned key_count;
    text_view *keys;         /* of the operator's records: 32 hexadecimal digits, ascending */
    /* What the wording is made from. */
    bool says_f, says_h;     /* SEX*: what these records of this operator state */
    unsigned numbers;        /* IDENTITY: how many numbers stand with it in the scope */
    bool unlinked;           /* IDENTITY: some record of the scope has the identity and no number: it is linked with none of them */
    civil_month due;         /* FOLLOW_UP: exit + 6 months; LATE: the month that should have been reported */
    /* Sentences in French, with their full stop (discrepancy_table_word). */
    text_view finding, remedy;
} discrepancy_row;

typedef struct {
    text_view contract, title;
    civil_month from, to;    /* of the records that were read */
    civil_month at;          /* the month that it is: what is due is due before it */
    uint64_t position;       /* of the scope's ledger */
    unsigned count;
    discrepancy_row *rows;   /* by kind, matter, then action in the contract's order and operator */
} discrepancy_table;

/* How many matters of a kind there are. */
unsigned discrepancy_table_matters(const discrepancy_table *self, discrepancy_kind kind);

/* Makes finding and remedy of every row from the other fields; texts are in the arena. False: memory is short. */
bool discrepancy_table_word(discrepancy_table *self, arena *from) __attribute__((warn_unused_result));

/* In French, laid out for width columns (at least 60). */
void discrepancy_table_print(const discrepancy_table *self, unsigned width, FILE *to);
/* Header contrat,action,operateur,type,affaire,mois,cles,constat,remede; keys are separated by a space. */
void discrepancy_table_csv(const discrepancy_table *self, FILE *to);

#endif
