/* french: see the header. */
#include "french.h"

#include <stdio.h>
#include <string.h>

text_view french_number(text_view number, bool euros, char *to, size_t capacity)
{
    size_t whole = 0, size = 0;
    while (whole < number.size && number.at[whole] >= '0' && number.at[whole] <= '9')
        whole++;
    if (whole == 0 || whole * 4 + number.size + 4 > capacity)
        return number;
    for (size_t i = 0; i < number.size; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) {
            memcpy(to + size, FRENCH_THIN, sizeof FRENCH_THIN - 1);
            size += sizeof FRENCH_THIN - 1;
        }
        to[size++] = number.at[i] == '.' ? ',' : number.at[i];
    }
    if (euros && number.size == whole + 2)
        to[size++] = '0';
    return (text_view){to, size};
}

text_view french_unit(text_view unit, text_view value)
{
    bool singular = value.size > 0 && (value.at[0] == '0' || value.at[0] == '1') && (value.size == 1 || value.at[1] == '.');
    if (singular && unit.size > 1 && unit.at[unit.size - 1] == 's' && !text_is(unit, "mois"))
        unit.size--;
    return unit;
}

const char *french_month(civil_month month)
{
    static const char *const names[] = {"janvier", "février", "mars", "avril", "mai", "juin", "juillet",
                                        "août", "septembre", "octobre", "novembre", "décembre"};
    return names[month % 12];
}

void french_day(civil_day day, char to[FRENCH_DAY_MAX])
{
    int year, month, day_of_month;

    civil_split(day, &year, &month, &day_of_month);
    snprintf(to, FRENCH_DAY_MAX, "%d%s %s %d", day_of_month, day_of_month == 1 ? "er" : "", french_month(civil_month_of(day)), year);
}

/* "de mars", "d’avril" */
static const char *of(civil_month month)
{
    return strchr("ao", french_month(month)[0]) ? "d’" : "de ";
}

void french_months(civil_month from, civil_month until, char to[FRENCH_MONTHS_MAX])
{
    const char *first = french_month(from), *last = french_month(until);

    if (from == until)
        snprintf(to, FRENCH_MONTHS_MAX, "%s %d", first, (int)(from / 12));
    else if (from / 12 == until / 12)
        snprintf(to, FRENCH_MONTHS_MAX, "%s%s à %s %d", of(from), first, last, (int)(until / 12));
    else
        snprintf(to, FRENCH_MONTHS_MAX, "%s%s %d à %s %d", of(from), first, (int)(from / 12), last, (int)(until / 12));
}

/* "9.25" as 925, exactly; false when it is no such number, or too large for what is asked of it. */
static bool hundredths(text_view number, uint64_t *value)
{
    uint64_t sum = 0;
    size_t at = 0, decimals = 0;

    while (at < number.size && number.at[at] >= '0' && number.at[at] <= '9' && sum < UINT64_MAX / 100000000)
        sum = sum * 10 + (uint64_t)(number.at[at++] - '0');
    if (at == 0)
        return false;
    if (at < number.size && number.at[at] == '.')
        for (at++; decimals < 2 && at < number.size && number.at[at] >= '0' && number.at[at] <= '9'; decimals++)
            sum = sum * 10 + (uint64_t)(number.at[at++] - '0');
    for (; decimals < 2; decimals++)
        sum *= 10;
    *value = sum;
    return at == number.size;
}

bool french_percent(text_view part, text_view whole, unsigned *percent)
{
    uint64_t above, below;

    if (!hundredths(part, &above) || !hundredths(whole, &below) || below == 0)
        return false;
    uint64_t value = (above * 100 + below / 2) / below;
    *percent = value < 1000000 ? (unsigned)value : 1000000;
    return true;
}

/* The themes of sessions as people write them. */
static const char *theme_name(text_view code)
{
    static const struct { const char *code, *name; } themes[] = {
        {"laicite", "laïcité"},         {"egalite", "égalité femmes-hommes"},
        {"citoyennete", "citoyenneté"}, {"parentalite", "parentalité"},
        {"liens_societe", "liens avec la société d’accueil"}, {"autre", "autres"},
        {"francais", "français"},       {"numerique", "numérique"},
    };
    for (size_t i = 0; i < sizeof themes / sizeof *themes; i++)
        if (text_is(code, themes[i].code))
            return themes[i].name;
    return NULL;
}

text_view french_list(text_view list, char *to, size_t capacity)
{
    size_t size = 0;
    while (list.size > 0) {
        const char *end = memchr(list.at, ';', list.size);
        text_view code = {list.at, end ? (size_t)(end - list.at) : list.size};
        const char *name = theme_name(code);
        text_view word = name ? text_of(name) : code;
        if (size + word.size + 2 > capacity)
            return (text_view){NULL, 0};
        if (size > 0)
            to[size++] = ',', to[size++] = ' ';
        memcpy(to + size, word.at, word.size);
        size += word.size;
        list.at += code.size + (end != NULL);
        list.size -= code.size + (end != NULL);
    }
    return (text_view){to, size};
}
