/*
 * civil: see civil.h. Days are counted with the proleptic Gregorian calendar in 400-year cycles
 * of 146,097 days, the year beginning on 1 March so that the leap day comes last.
 */
#include "civil.h"

#include <assert.h>
#include <stdio.h>

enum { DAYS_IN_CYCLE = 146097, EPOCH_SHIFT = 719468 /* days from 0000-03-01 to 1970-01-01 */ };

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

civil_day civil_from(int year, int month, int day)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return CIVIL_NONE;
    int from_march = (month + 9) % 12; /* March is 0 */
    int y = year - (month <= 2);
    int cycle = y / 400, year_of_cycle = y % 400;
    int day_of_year = (153 * from_march + 2) / 5 + day - 1;
    int day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    return cycle * DAYS_IN_CYCLE + day_of_cycle - EPOCH_SHIFT;
}

void civil_split(civil_day day, int *year, int *month, int *day_of_month)
{
    assert(day != CIVIL_NONE);
    int days = day + EPOCH_SHIFT;
    int cycle = days / DAYS_IN_CYCLE, day_of_cycle = days % DAYS_IN_CYCLE;
    int year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 - day_of_cycle / (DAYS_IN_CYCLE - 1)) / 365;
    int day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    int from_march = (5 * day_of_year + 2) / 153;
    *day_of_month = day_of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = cycle * 400 + year_of_cycle + (*month <= 2);
}

/* The number that count digits at text make, or -1. */
static int digits(const char *text, int count)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

civil_day civil_parse_iso(text_view text)
{
    if (text.size != 10 || text.at[4] != '-' || text.at[7] != '-')
        return CIVIL_NONE;
    return civil_from(digits(text.at, 4), digits(text.at + 5, 2), digits(text.at + 8, 2));
}

civil_day civil_parse(text_view text)
{
    if (text.size == 10 && text.at[2] == '/' && text.at[5] == '/')
        return civil_from(digits(text.at + 6, 4), digits(text.at + 3, 2), digits(text.at, 2));
    return civil_parse_iso(text);
}

civil_month civil_month_parse(text_view text)
{
    if (text.size != 7 || text.at[4] != '-')
        return CIVIL_NONE;
    int year = digits(text.at, 4), month = digits(text.at + 5, 2);
    return year < 1 || month < 1 || month > 12 ? CIVIL_NONE : year * 12 + month - 1;
}

civil_month civil_month_of(civil_day day)
{
    assert(day != CIVIL_NONE);
    /* C. Neri, L. Schneider, "Euclidean affine functions and their application to calendar algorithms", 2022: no division but by constants of powers of two. */
    uint32_t quarters = 4 * (uint32_t)(day + EPOCH_SHIFT) + 3, century = quarters / DAYS_IN_CYCLE;
    uint64_t product = UINT64_C(2939745) * (quarters % DAYS_IN_CYCLE | 3);
    uint32_t day_of_year = (uint32_t)product / 2939745 / 4; /* from 1 March */
    civil_month year = (civil_month)(100 * century + (uint32_t)(product >> 32));
    return year * 12 + (civil_month)((2141 * day_of_year + 197913) >> 16) - 1; /* from 3 for March to 14 for February */
}

civil_day civil_month_first(civil_month month)
{
    return civil_from(month / 12, month % 12 + 1, 1);
}

civil_day civil_anniversary(civil_day day, int years)
{
    return civil_add_months(day, years * 12);
}

civil_day civil_add_months(civil_day day, int months)
{
    int year, month, day_of_month;
    civil_split(day, &year, &month, &day_of_month);
    civil_month wanted = year * 12 + month - 1 + months;
    civil_day same = civil_from(wanted / 12, wanted % 12 + 1, day_of_month);
    return same != CIVIL_NONE ? same : civil_month_first(wanted + 1);
}

void civil_day_text(civil_day day, char text[CIVIL_DAY_TEXT])
{
    int year, month, day_of_month;
    civil_split(day, &year, &month, &day_of_month);
    snprintf(text, CIVIL_DAY_TEXT, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100,
             (unsigned)day_of_month % 100);
}

void civil_month_text(civil_month month, char text[CIVIL_MONTH_TEXT])
{
    unsigned year = (unsigned)(month / 12) % 10000, of_year = (unsigned)(month % 12) + 1;
    char *at = text;
    for (unsigned place = 1000; place > 0; place /= 10)
        *at++ = (char)('0' + year / place % 10);
    *at++ = '-';
    *at++ = (char)('0' + of_year / 10 % 10);
    *at++ = (char)('0' + of_year % 10);
    *at = '\0';
}
