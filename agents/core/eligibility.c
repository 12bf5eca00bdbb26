/* eligibility: see eligibility.h. */
#include "eligibility.h"

#include <assert.h>

const char *const eligibility_statut_names[STATUT_COUNT] = {
    [STATUT_REFUGIE] = "refugie",
    [STATUT_PROTECTION_SUBSIDIAIRE] = "protection_subsidiaire",
    [STATUT_APATRIDE] = "apatride",
    [STATUT_PROTECTION_TEMPORAIRE] = "protection_temporaire",
    [STATUT_VIE_PRIVEE_FAMILIALE] = "vie_privee_familiale",
    [STATUT_SALARIE] = "salarie",
    [STATUT_ETRANGER_MALADE] = "etranger_malade",
    [STATUT_AUTRE_TITRE] = "autre_titre",
    [STATUT_ETUDIANT] = "etudiant",
    [STATUT_DEMANDEUR_ASILE] = "demandeur_asile",
    [STATUT_MINEUR_NON_ACCOMPAGNE] = "mineur_non_accompagne",
    [STATUT_SANS_TITRE] = "sans_titre",
};

eligibility_statut eligibility_statut_find(text_view name)
{
    for (int statut = 0; statut < STATUT_COUNT; statut++)
        if (text_is(name, eligibility_statut_names[statut]))
            return (eligibility_statut)statut;
    return STATUT_NONE;
}

bool eligibility_is_bpi(eligibility_statut statut)
{
    return statut == STATUT_REFUGIE || statut == STATUT_PROTECTION_SUBSIDIAIRE || statut == STATUT_APATRIDE;
}

/* What the statut alone says: YES when a day may be eligible. */
static eligibility by_statut(eligibility_statut statut)
{
    switch (statut) {
    case STATUT_ETUDIANT:
        return ELIGIBILITY_STUDENT;
    case STATUT_DEMANDEUR_ASILE:
        return ELIGIBILITY_ASYLUM_SEEKER;
    case STATUT_MINEUR_NON_ACCOMPAGNE:
        return ELIGIBILITY_MINOR;
    case STATUT_SANS_TITRE:
        return ELIGIBILITY_UNLAWFUL;
    default:
        assert(statut >= 0 && statut < STATUT_COUNT);
        return ELIGIBILITY_YES;
    }
}

bool eligibility_never(eligibility_statut statut, bool european)
{
    return european || by_statut(statut) != ELIGIBILITY_YES;
}

/* Is day before the same day years later? A limit past the calendar's end is never reached. */
static bool is_before_anniversary(civil_day day, civil_day of, int years)
{
    assert(of != CIVIL_NONE);
    /* Years have 365 or 366 days, and who is born on 29 February waits a day more: mostly that is enough to know. */
    if (day < of + 365 * years || day > of + 366 * years + 1)
        return day < of + 365 * years;
    civil_day limit = civil_anniversary(of, years);
    return limit == CIVIL_NONE || day < limit;
}

eligibility eligibility_on(eligibility_statut statut, bool european, civil_day cir, civil_day day)
{
    eligibility reason = by_statut(statut);
    if (reason != ELIGIBILITY_YES)
        return reason;
    if (european)
        return ELIGIBILITY_EUROPEAN;
    if (statut == STATUT_PROTECTION_TEMPORAIRE)
        return ELIGIBILITY_YES;
    if (cir == CIVIL_NONE)
        return ELIGIBILITY_NO_CIR;
    if (day < cir)
        return ELIGIBILITY_CIR_LATER;
    return is_before_anniversary(day, cir, ELIGIBILITY_CIR_YEARS) ? ELIGIBILITY_YES : ELIGIBILITY_CIR_OVER;
}

bool eligibility_is_young(civil_day birth, civil_day day)
{
    return is_before_anniversary(day, birth, ELIGIBILITY_YOUNG_YEARS);
}

const char *eligibility_text(eligibility reason)
{
    static const char *const texts[ELIGIBILITY_COUNT] = {
        [ELIGIBILITY_YES] = "dans le public du contrat",
        [ELIGIBILITY_EUROPEAN] = "personne ressortissante de l’Union européenne",
        [ELIGIBILITY_STUDENT] = "personne au statut d’étudiant",
        [ELIGIBILITY_ASYLUM_SEEKER] = "personne en demande d’asile",
        [ELIGIBILITY_MINOR] = "mineur non accompagné",
        [ELIGIBILITY_UNLAWFUL] = "personne sans titre de séjour",
        [ELIGIBILITY_NO_CIR] = "personne sans date de signature du CIR",
        [ELIGIBILITY_CIR_LATER] = "CIR pas encore signé à cette date",
        [ELIGIBILITY_CIR_OVER] = "CIR signé depuis cinq ans ou plus à cette date",
    };
    assert(reason >= 0 && reason < ELIGIBILITY_COUNT);
    return texts[reason];
}
