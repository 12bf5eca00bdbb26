/* french: see the header. */
#include "french.h"

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
