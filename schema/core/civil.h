/*
 * civil: days and months of the Gregorian calendar, without clock or time zone.
 *
 * A civil_day is the number of days since 1970-01-01, a civil_month is year * 12 + (month - 1):
 * both can be compared and subtracted.
 */
#ifndef CTAI_CIVIL_H
#define CTAI_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

typedef int32_t civil_day;
typedef int32_t civil_month;

#define CIVIL_NONE INT32_MIN /* no such day or month */

enum { CIVIL_DAY_TEXT = 11, CIVIL_MONTH_TEXT = 8 }; /* buffer sizes with the NUL */

/* The day, or CIVIL_NONE when there is none (31 April, month 13, year outside 1..9999). */
civil_day civil_from(int year, int month, int day);
void civil_split(civil_day day, int *year, int *month, int *day_of_month);

/* "2024-01-31" or "31/01/2024", exactly; else CIVIL_NONE. */
civil_day civil_parse(text_view text);
/* "2024-01-31" alone. */
civil_day civil_parse_iso(text_view text);
/* "2024-01" alone. */
civil_month civil_month_parse(text_view text);

civil_month civil_month_of(civil_day day);
civil_day civil_month_first(civil_month month);

/* The same day years later; of 29 February in a year without one, 1 March (DOMAIN: 5th and 25th). */
civil_day civil_anniversary(civil_day day, int years);
/* The same day months later; past the month's end, the first of the next. */
civil_day civil_add_months(civil_day day, int months);

/* ISO texts, NUL-terminated. */
void civil_day_text(civil_day day, char text[CIVIL_DAY_TEXT]);
void civil_month_text(civil_month month, char text[CIVIL_MONTH_TEXT]);

#endif
