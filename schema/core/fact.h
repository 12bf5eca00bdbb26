/*
 * fact: the vocabulary of what is counted: one table of the types of fact, from which the reading
 * of tables, the records, the wire's checks, the preview and the documents follow (DOMAIN, "What
 * an operator has" and "What leaves").
 */
#ifndef CTAI_FACT_H
#define CTAI_FACT_H

#include <stdbool.h>

#include "text.h"

/* In the wire's order: a number is never used again for another type. */
typedef enum {
    FACT_BENEFICIAIRE,
    FACT_ENTREE,
    FACT_SORTIE,
    FACT_SUIVI_6_MOIS,
    FACT_SEANCE,
    FACT_PRESENCE,
    FACT_NIVEAU_DEBUT,
    FACT_NIVEAU_FIN,
    FACT_LOGEMENT_PERENNE,
    FACT_CONSULTATION_MEDICALE,
    FACT_OUTIL_NUMERIQUE,
    FACT_BINOME_MENTORAT,
    FACT_EVENEMENT_SPORTIF,
    FACT_EVENEMENT_CULTUREL,
    FACT_SOLLICITATION,
    FACT_AUTONOMIE,
    FACT_ACTEURS_FORMES,
    FACT_FORMATION_ACTEURS,
    FACT_COUT,
    FACT_NARRATIVE,
    FACT_TYPE_COUNT,
    FACT_NONE = -1,
} fact_type;

/* What a record of the type may say of whom. */
typedef enum {
    FACT_KIND_BENEFICIARY, /* tokens I and E, sex, bpi, under_25; made, never a row of a file */
    FACT_KIND_PERSON,      /* one token: E if there is one, else I */
    FACT_KIND_HOUSEHOLD,   /* token M */
    FACT_KIND_BARE,        /* no token, no sex, no age */
    FACT_KIND_NARRATIVE,   /* an indicator's code and a text; no month */
} fact_kind;

typedef enum { FACT_UNIT_NONE, FACT_UNIT_MINUTES, FACT_UNIT_COUNT, FACT_UNIT_CENTS, FACT_UNIT_DAYS } fact_unit;

typedef enum {
    FACT_QUANTITY_NONE,     /* a value is ignored */
    FACT_QUANTITY_OPTIONAL, /* empty: none */
    FACT_QUANTITY_ONE,      /* empty: 1 */
    FACT_QUANTITY_REQUIRED,
} fact_quantity;

/* A code of the column "detail", and the code that leaves in its place. */
typedef struct {
    const char *detail;
    const char *leaves_as;
} fact_code;

typedef struct {
    const char *name;       /* in files, on the wire and in the database */
    const char *label;      /* for people, in French: "présence à une séance" */
    fact_kind kind;
    bool from_file;         /* may be the "type" of a row */
    bool has_person;        /* a row names a person */
    fact_unit unit;         /* of the column "quantite" */
    fact_quantity quantity;
    fact_unit record_unit;  /* of the quantity that a record carries (sortie: days) */
    const fact_code *codes; /* NULL-ended, or NULL: the type has no detail */
    bool has_reference;     /* a row must have one */
    bool reference_leaves;  /* as a keyed hash */
} fact_rule;

/* The rule of a type; type must be one. */
const fact_rule *fact_rule_of(fact_type type);

/* The type of that name, FACT_NONE when there is none. */
fact_type fact_find(text_view name);

/* The code of that detail for the type, or NULL. */
const fact_code *fact_code_find(fact_type type, text_view detail);

/* May a record of the type carry this code on the wire (is it some detail's leaves_as)? */
bool fact_code_leaves(fact_type type, text_view code);

/* The rank of a CEFR level (infra_A1 = 0 ... C2 = 6), -1 when it is none. */
int fact_level(text_view code);

#endif
