/*
 * eligibility: does a person belong to the public of the contracts on a day (DOMAIN, "The public";
 * article 2 of the contract): a national of a country outside the European Union, lawfully
 * resident, who signed the CIR less than five years before; displaced people (temporary
 * protection) need no CIR.
 */
#ifndef CTAI_ELIGIBILITY_H
#define CTAI_ELIGIBILITY_H

#include <stdbool.h>

#include "civil.h"
#include "text.h"

enum { ELIGIBILITY_CIR_YEARS = 5, ELIGIBILITY_YOUNG_YEARS = 25 };

/* `statut`, in the order of DOMAIN. */
typedef enum {
    STATUT_REFUGIE,
    STATUT_PROTECTION_SUBSIDIAIRE,
    STATUT_APATRIDE,
    STATUT_PROTECTION_TEMPORAIRE,
    STATUT_VIE_PRIVEE_FAMILIALE,
    STATUT_SALARIE,
    STATUT_ETRANGER_MALADE,
    STATUT_AUTRE_TITRE,
    STATUT_ETUDIANT,
    STATUT_DEMANDEUR_ASILE,
    STATUT_MINEUR_NON_ACCOMPAGNE,
    STATUT_SANS_TITRE,
    STATUT_COUNT,
    STATUT_NONE = -1,
} eligibility_statut;

/* Eligible, or why not. */
typedef enum {
    ELIGIBILITY_YES,
    ELIGIBILITY_EUROPEAN,      /* a national of a member state */
    ELIGIBILITY_STUDENT,
    ELIGIBILITY_ASYLUM_SEEKER,
    ELIGIBILITY_MINOR,         /* unaccompanied */
    ELIGIBILITY_UNLAWFUL,
    ELIGIBILITY_NO_CIR,
    ELIGIBILITY_CIR_LATER,     /* signed after that day */
    ELIGIBILITY_CIR_OVER,      /* signed five years before, or more */
    ELIGIBILITY_COUNT
} eligibility;

/* The names of the statuts in files, by eligibility_statut, for "did you mean". */
extern const char *const eligibility_statut_names[STATUT_COUNT];

/* The statut of that name, STATUT_NONE when there is none. */
eligibility_statut eligibility_statut_find(text_view name);

/* Is it one of the BPI (international protection)? */
bool eligibility_is_bpi(eligibility_statut statut);

/* Not eligible on any day: by statut or as an EU national. Such people do not count in a household. */
bool eligibility_never(eligibility_statut statut, bool european);

/* cir: the day the CIR was signed, or CIVIL_NONE. */
eligibility eligibility_on(eligibility_statut statut, bool european, civil_day cir, civil_day day);

/* Is the person under 25 on that day (the 25th birthday of 29 February is 1 March)? */
bool eligibility_is_young(civil_day birth, civil_day day);

/* Why not, for people, in French. */
const char *eligibility_text(eligibility reason);

#endif
