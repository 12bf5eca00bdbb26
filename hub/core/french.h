/*
 * french: numbers, units, months and lists as French typography writes them for people. What programs read (CSV, JSON) is
 * written without it. Pure; texts are the caller's.
 */
#ifndef CTAI_FRENCH_H
#define CTAI_FRENCH_H

#include <stdbool.h>

#include "civil.h"
#include "text.h"

enum {
    FRENCH_NUMBER_MAX = 128, /* bytes that any number of a report takes */
    FRENCH_DAY_MAX = 32,
    FRENCH_MONTHS_MAX = 64,
};

/* U+202F, between thousands and before a semicolon's kin; U+00A0, before a colon and a unit. */
#define FRENCH_THIN "\xE2\x80\xAF"
#define FRENCH_NO_BREAK "\xC2\xA0"

/* "12345.5" as "12 345,5", and euros as "12 345,50", in to; what is not a number, or does not fit, as it is. */
text_view french_number(text_view number, bool euros, char *to, size_t capacity);

/* French has the singular below two: "1 personne", "0 ménage", "1,5 heure"; "mois" is both. */
text_view french_unit(text_view unit, text_view value);

/* "janvier" ... "décembre" */
const char *french_month(civil_month month);

/* "1er mars 2024", "29 novembre 2024" */
void french_day(civil_day day, char to[FRENCH_DAY_MAX]);

/* "de novembre 2023 à août 2024", "de mars à août 2024", "mars 2024" */
void french_months(civil_month from, civil_month until, char to[FRENCH_MONTHS_MAX]);

/*
 * part as percent of whole, both as reports write numbers ("12", "9.25"), rounded half up. False when there is no answer:
 * no number, or a whole of nothing.
 */
bool french_percent(text_view part, text_view whole, unsigned *percent) __attribute__((warn_unused_result));

/* "laicite;autre" as "laïcité, autres", in to; empty when it does not fit. */
text_view french_list(text_view list, char *to, size_t capacity);

#endif
