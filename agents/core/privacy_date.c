/* privacy_date: see privacy_date.h. A number in words is read as far as it goes on: units, tens, hundreds, thousands. */
#include "privacy_date.h"

#include <string.h>

typedef struct {
    const char *word;
    int value;
} numeral;

static const numeral units[] = {
    {"un", 1}, {"une", 1}, {"deux", 2}, {"trois", 3}, {"quatre", 4}, {"cinq", 5}, {"six", 6}, {"sept", 7},
    {"huit", 8}, {"neuf", 9}, {"dix", 10}, {"onze", 11}, {"douze", 12}, {"treize", 13}, {"quatorze", 14},
    {"quinze", 15}, {"seize", 16}, {NULL, 0},
};
static const numeral tens[] = {
    {"vingt", 20}, {"vingts", 20}, {"trente", 30}, {"quarante", 40}, {"cinquante", 50}, {"soixante", 60}, {"septante", 70},
    {"huitante", 80}, {"octante", 80}, {"nonante", 90}, {NULL, 0},
};
static const numeral months[] = {
    {"janvier", 1}, {"janv", 1}, {"jan", 1}, {"fevrier", 2}, {"fevr", 2}, {"fev", 2}, {"mars", 3}, {"avril", 4},
    {"avr", 4}, {"mai", 5}, {"juin", 6}, {"juillet", 7}, {"juil", 7}, {"aout", 8}, {"septembre", 9},
    {"sept", 9}, {"octobre", 10}, {"oct", 10}, {"novembre", 11}, {"nov", 11}, {"decembre", 12}, {"dec", 12},
    {NULL, 0},
};

enum { YEAR_MIN = 1850, YEAR_MAX = 2199 };

static const privacy_piece *piece_at(const privacy_pieces *text, size_t at)
{
    return at < text->count ? &text->pieces[at] : NULL;
}

static bool is_word(const privacy_pieces *text, size_t at, const char *word)
{
    const privacy_piece *piece = piece_at(text, at);
    return piece && !piece->number && text_is(piece->folded, word);
}

/* The value of the word there; 0: it is none of these. */
static int value_of(const privacy_pieces *text, size_t at, const numeral *words)
{
    for (; words->word; words++)
        if (is_word(text, at, words->word))
            return words->value;
    return 0;
}

/* 1 to 16, and dix-sept to dix-neuf; *at moves on. 0: none. */
static int read_below_20(const privacy_pieces *text, size_t *at)
{
    int value = value_of(text, *at, units);
    if (value == 0)
        return 0;
    ++*at;
    int more = value == 10 ? value_of(text, *at, units) : 0;
    if (more < 7 || more > 9)
        return value;
    ++*at;
    return value + more;
}

static int read_below_100(const privacy_pieces *text, size_t *at)
{
    int value = value_of(text, *at, tens);
    bool eighty = is_word(text, *at, "quatre") && value_of(text, *at + 1, tens) == 20;
    if (!eighty && value == 0)
        return read_below_20(text, at);
    *at += eighty ? 2 : 1;
    value = eighty ? 80 : value;
    size_t next = *at + is_word(text, *at, "et");
    int more = read_below_20(text, &next);
    bool more_fits = more > 0 && (value == 60 || value == 80 ? more < 20 : more < 10);
    if (!more_fits)
        return value;
    *at = next;
    return value + more;
}

static bool is_hundred(const privacy_pieces *text, size_t at)
{
    return is_word(text, at, "cent") || is_word(text, at, "cents");
}

static bool is_thousand(const privacy_pieces *text, size_t at)
{
    return is_word(text, at, "mil") || is_word(text, at, "mille");
}

/* Up to 9999: "mil neuf cent quatre-vingt-dix", "dix-neuf cent ...", "deux mille quatre". */
static int read_year_words(const privacy_pieces *text, size_t *at)
{
    int value = 0, part = read_below_100(text, at);
    if (is_thousand(text, *at)) {
        value = (part == 0 ? 1 : part) * 1000;
        ++*at;
        part = read_below_100(text, at);
    }
    if (is_hundred(text, *at)) {
        value += (part == 0 ? 1 : part) * 100;
        ++*at;
        part = read_below_100(text, at);
    }
    return value + part;
}

static int number_of(const privacy_piece *piece)
{
    int value = 0;
    for (size_t i = 0; i < piece->folded.size && i < 8; i++)
        value = value * 10 + (piece->folded.at[i] - '0');
    return value;
}

static bool is_number(const privacy_piece *piece, size_t least, size_t most)
{
    return piece && piece->number && piece->folded.size >= least && piece->folded.size <= most;
}

/* Adds a day if it is one; of two figures, the year is of either century. */
static void add_day(privacy_date *to, int year, bool short_year, int month, int day, size_t pieces)
{
    const int years[2] = {short_year ? 1900 + year : year, 2000 + year};
    for (int i = 0; i < (short_year ? 2 : 1); i++) {
        civil_day found = years[i] >= YEAR_MIN && years[i] <= YEAR_MAX ? civil_from(years[i], month, day) : CIVIL_NONE;
        if (found == CIVIL_NONE || to->count == PRIVACY_DATE_READINGS)
            continue;
        to->days[to->count] = found;
        to->pieces[to->count++] = pieces;
    }
}

/* 31/01/1990, 31-1-90, 31 01 1990, 1990-01-31. */
static void read_figures(privacy_date *to, const privacy_pieces *text, size_t first)
{
    const privacy_piece *a = piece_at(text, first), *b = piece_at(text, first + 1), *c = piece_at(text, first + 2);
    if (!is_number(a, 1, 4) || !is_number(b, 1, 2) || !is_number(c, 1, 4) || !b->joined || !c->joined)
        return;
    if (a->folded.size == 4 && c->folded.size <= 2)
        add_day(to, number_of(a), false, number_of(b), number_of(c), 3);
    else if (a->folded.size <= 2 && c->folded.size == 4)
        add_day(to, number_of(c), false, number_of(b), number_of(a), 3);
    else if (a->folded.size <= 2 && c->folded.size == 2 && b->mark != 0 && c->mark != 0)
        add_day(to, number_of(c), true, number_of(b), number_of(a), 3);
}

/* 31011990, 19900131. */
static void read_glued(privacy_date *to, const privacy_pieces *text, size_t first)
{
    const privacy_piece *piece = piece_at(text, first);
    if (!is_number(piece, 8, 8))
        return;
    int all = number_of(piece);
    add_day(to, all % 10000, false, all / 10000 % 100, all / 1000000, 1);
    add_day(to, all / 10000, false, all / 100 % 100, all % 100, 1);
}

/* Passes over "du mois de", "de l’an". */
static size_t skip(const privacy_pieces *text, size_t at)
{
    static const numeral fillers[] = {{"du", 1}, {"de", 1}, {"mois", 1}, {"l", 1}, {"d", 1}, {"an", 1}, {"annee", 1}, {NULL, 0}};
    for (int most = 4; most > 0 && value_of(text, at, fillers) != 0; most--)
        at++;
    return at;
}

/* Is the word there the end of a number that begins before it (trente et un)? */
static bool goes_on(const privacy_pieces *text, size_t at)
{
    if (at > 1 && is_word(text, at - 1, "et"))
        at--;
    return at > 0 && value_of(text, at - 1, tens) != 0;
}

/* 1er, premier, 31, trente et un; *at moves on. 0: none. */
static int read_day(const privacy_pieces *text, size_t *at)
{
    const privacy_piece *piece = piece_at(text, *at);
    int day = 0;
    if (is_word(text, *at, "premier")) {
        day = 1;
        ++*at;
    } else if (is_number(piece, 1, 2)) {
        day = number_of(piece);
        *at += is_word(text, *at + 1, "er") ? 2 : 1;
    } else {
        day = goes_on(text, *at) ? 0 : read_below_100(text, at);
    }
    return day <= 31 ? day : 0;
}

/* A day, a month by its name, a year. */
static void read_named(privacy_date *to, const privacy_pieces *text, size_t first)
{
    size_t at = first;
    int day = read_day(text, &at);
    if (day == 0)
        return;
    at = skip(text, at);
    int month = value_of(text, at, months);
    if (month == 0)
        return;
    at = skip(text, at + 1);
    const privacy_piece *piece = piece_at(text, at);
    if (is_number(piece, 4, 4) || is_number(piece, 2, 2)) {
        add_day(to, number_of(piece), piece->folded.size == 2, month, day, at + 1 - first);
    } else {
        int year = read_year_words(text, &at);
        if (year > 0)
            add_day(to, year, year < 100, month, day, at - first);
    }
}

privacy_date privacy_date_at(const privacy_pieces *text, size_t first)
{
    privacy_date found = {.count = 0};
    read_figures(&found, text, first);
    read_glued(&found, text, first);
    read_named(&found, text, first);
    return found;
}
