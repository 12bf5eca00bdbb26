/*
 * privacy_date: the days that a French text tells, in figures (31/01/1990, 31-1-90, 1990-01-31, 31011990) or in words (1er mars
 * 1990, trente et un janvier mil neuf cent quatre-vingt-dix), whatever the case, accents and hyphens.
 */
#ifndef CTAI_PRIVACY_DATE_H
#define CTAI_PRIVACY_DATE_H

#include "civil.h"
#include "privacy_pieces.h"

enum { PRIVACY_DATE_READINGS = 4 };

typedef struct {
    unsigned count; /* 0: no day */
    civil_day days[PRIVACY_DATE_READINGS]; /* a year of two figures may be of two centuries */
    size_t pieces[PRIVACY_DATE_READINGS];  /* that tell it, from 1 */
} privacy_date;

/* What the pieces from that one on tell, if it begins with a day. */
privacy_date privacy_date_at(const privacy_pieces *text, size_t first);

#endif
