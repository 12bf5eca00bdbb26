/*
 * catalogue: what is counted, and how, as data (DOMAIN, "Indicators"): the national list, from
 * indicators.yaml, and a contract's own indicators, declared in its file with the same syntax. The
 * syntax is described at the head of indicators.yaml; each kind's one definition is in evaluate.sql.
 */
#ifndef CTAI_CATALOGUE_H
#define CTAI_CATALOGUE_H

#include "fact.h"
#include "record.h"
#include "yamldoc.h"

enum {
    CATALOGUE_TYPES_MAX = 4,
    CATALOGUE_DETAILS_MAX = 16,
    CATALOGUE_INDICATORS_MAX = 200,
    CATALOGUE_LABEL_MAX = 200, /* bytes */
    CATALOGUE_UNIT_MAX = 40,
};

/* In the order of the database's type ctai.kind. */
typedef enum {
    CATALOGUE_PERSONNES,     /* distinct persons that have a record of the types and details */
    CATALOGUE_MENAGES,       /* distinct households */
    CATALOGUE_REFERENCES,    /* distinct sessions, pairs or events */
    CATALOGUE_SOMME,         /* sum of the quantities */
    CATALOGUE_HEURES,        /* sum of minutes, each session once */
    CATALOGUE_ASSIDUITE,     /* persons who attended share % of their planned hours */
    CATALOGUE_PROGRES,       /* persons who rose by at least one level */
    CATALOGUE_DUREE_MOYENNE, /* mean of days, in months */
    CATALOGUE_LISTE,         /* the details that occur, in the order of details */
    CATALOGUE_TEXTE,         /* narratives */
    CATALOGUE_KIND_COUNT
} catalogue_kind;

typedef struct {
    text_view code, label, unit;     /* label and unit in French */
    catalogue_kind kind;
    unsigned type_count;             /* the types of record that it reads; from 1 */
    fact_type types[CATALOGUE_TYPES_MAX];
    unsigned detail_count;           /* 0: all */
    text_view details[CATALOGUE_DETAILS_MAX]; /* as they leave (fact_code.leaves_as) */
    fact_unit measure;               /* of the quantities that it adds up; FACT_UNIT_NONE: it counts */
    record_sex sex;                  /* persons: RECORD_SEX_NONE: whoever */
    bool bpi, under_25;              /* persons: only those who are */
    unsigned share;                  /* ASSIDUITE: percent, 1..100; else 0 */
    bool not_done;                   /* with no record read, it was not done (`non_fait`) */
    text_view variant_of;            /* a contract's variant: the code of the indicator that it varies; else empty */
} catalogue_indicator;

typedef struct {
    unsigned count;
    catalogue_indicator *items; /* in the report's order */
} catalogue;

/* The national list from the bytes of indicators.yaml; texts are in the arena. False, said so, when something is wrong. */
bool catalogue_load(catalogue *self, arena *from, const char *file, text_view bytes, diag_sink *sink)
    __attribute__((warn_unused_result));

/*
 * Reads the value of the key `indicateurs` of an open map into self; absent (when optional): none. known, which may
 * be NULL, holds codes that may not be declared again. Whatever is wrong is said on the document's sink; false when
 * something was, or memory is short (*self then holds what was right).
 */
bool catalogue_read(catalogue *self, yamldoc_map *from, yamldoc_need need, const catalogue *known)
    __attribute__((warn_unused_result));

/*
 * What a variant of an indicator says otherwise: the key `details`, or `seuil` of a kind that asks for a share. self is a copy
 * of base. An indicator that has neither, and a variant that counts as base does, are errors, said on the document's sink.
 */
void catalogue_vary(catalogue_indicator *self, const catalogue_indicator *base, yamldoc_map *map);

/* The indicator of that code, or NULL. */
const catalogue_indicator *catalogue_find(const catalogue *self, text_view code);

/*
 * Does whole read all that part reads, in the same way of counting (kind and share): types and details among its own, a
 * choice of persons at least as narrow? True of an indicator and itself. What they add up is not compared.
 */
bool catalogue_covers(const catalogue_indicator *whole, const catalogue_indicator *part);

/* "personnes", as in the files and the database. */
const char *catalogue_kind_name(catalogue_kind kind);

/* "nombre", "minutes", "centimes", "jours": the database's name of a measure. */
const char *catalogue_measure_name(fact_unit measure);

#endif
