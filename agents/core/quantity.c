/*
 * quantity: see quantity.h. A cell is cut into an integer part and decimals, both as digits; the
 * integer part becomes a number with a bound, the decimals are worked on digit by digit, so that
 * any number of them is exact.
 */
#include "quantity.h"

#include <assert.h>

#include "record.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_sign(char c)
{
    return c == '.' || c == ',';
}

/* Takes a word off the end of the text, with one white-space character before it. */
static bool take_unit(text_view *text, const char *unit)
{
    text_view word = text_of(unit);
    if (text->size < word.size)
        return false;
    text_view end = {text->at + text->size - word.size, word.size};
    if (!text_equal(end, word))
        return false;
    text->size -= word.size;
    *text = text_trim(*text);
    return true;
}

/*
 * Reads digits, in groups of three where white space stands between them, from the start of text
 * and moves it on. Numbers past the bound stay just above it.
 */
static quantity_error take_whole(text_view *text, int64_t *number, size_t *digit_count)
{
    *number = 0;
    *digit_count = 0;
    size_t in_group = 0;
    bool grouped = false;
    while (text->size > 0) {
        if (is_digit(text->at[0])) {
            if (*number <= RECORD_QUANTITY_MAX)
                *number = *number * 10 + (text->at[0] - '0');
            (*digit_count)++;
            in_group++;
            text->at++;
            text->size--;
            continue;
        }
        size_t space = text_leading_space(*text);
        if (space == 0 || text->size == space || !is_digit(text->at[space]))
            break;
        if (in_group == 0 || in_group > 3 || (grouped && in_group != 3))
            return QUANTITY_BAD_GROUPS;
        grouped = true;
        in_group = 0;
        text->at += space;
        text->size -= space;
    }
    return grouped && in_group != 3 ? QUANTITY_BAD_GROUPS : QUANTITY_OK;
}

/* floor(0.decimals * factor + 1/2), exactly: the long multiplication, from the last digit. */
static int64_t rounded_share(text_view decimals, int factor)
{
    int carry = 0, first_digit = 0;
    for (size_t i = decimals.size; i-- > 0;) {
        int product = (decimals.at[i] - '0') * factor + carry;
        first_digit = product % 10;
        carry = product / 10;
    }
    return carry + (first_digit >= 5);
}

static bool has_fraction_past(text_view decimals, size_t kept)
{
    for (size_t i = kept; i < decimals.size; i++)
        if (decimals.at[i] != '0')
            return true;
    return false;
}

static quantity_error scale(int64_t *value, int64_t whole, text_view decimals, fact_unit unit)
{
    int factor = unit == FACT_UNIT_MINUTES ? 60 : unit == FACT_UNIT_CENTS ? 100 : 1;
    size_t exact_decimals = unit == FACT_UNIT_CENTS ? 2 : 0;
    if (unit != FACT_UNIT_MINUTES && has_fraction_past(decimals, exact_decimals))
        return QUANTITY_FRACTION;
    if (whole > RECORD_QUANTITY_MAX)
        return QUANTITY_TOO_LARGE;
    int64_t scaled = whole * factor + rounded_share(decimals, factor);
    if (scaled > RECORD_QUANTITY_MAX)
        return QUANTITY_TOO_LARGE;
    *value = scaled;
    return QUANTITY_OK;
}

/* "20" of "1:20": two digits below 60 and nothing else. */
static quantity_error read_minutes(int64_t *value, int64_t hours, text_view text)
{
    if (text.size > 0 && !is_digit(text.at[0]))
        return QUANTITY_NOT_A_NUMBER;
    if (text.size != 2 || !is_digit(text.at[1]) || text.at[0] > '5')
        return QUANTITY_BAD_MINUTES;
    if (hours > RECORD_QUANTITY_MAX)
        return QUANTITY_TOO_LARGE;
    int64_t minutes = hours * 60 + (text.at[0] - '0') * 10 + (text.at[1] - '0');
    if (minutes > RECORD_QUANTITY_MAX)
        return QUANTITY_TOO_LARGE;
    *value = minutes;
    return QUANTITY_OK;
}

/* What a rest that is neither decimals nor nothing is: says the most helpful error. */
static quantity_error explain_rest(text_view rest)
{
    for (size_t i = 0; i < rest.size; i++)
        if (is_sign(rest.at[i]))
            return QUANTITY_TWO_SIGNS;
    return QUANTITY_NOT_A_NUMBER;
}

static bool starts_negative(text_view cell)
{
    static const char minus_sign[] = "\xE2\x88\x92"; /* U+2212 */
    if (cell.size > 1 && cell.at[0] == '-')
        return is_digit(cell.at[1]) || is_sign(cell.at[1]) ||
               text_leading_space((text_view){cell.at + 1, cell.size - 1}) > 0;
    return cell.size > 3 && text_equal((text_view){cell.at, 3}, text_of(minus_sign));
}

/* "12,5" with its integer part already taken: decimals and the end. */
static quantity_error read_decimals(int64_t *value, int64_t whole, size_t digit_count, text_view rest,
                                    fact_unit unit)
{
    text_view decimals = {rest.at, 0};
    if (rest.size > 0 && is_sign(rest.at[0])) {
        decimals.at++;
        while (decimals.size + 1 < rest.size && is_digit(decimals.at[decimals.size]))
            decimals.size++;
        rest.at += decimals.size + 1;
        rest.size -= decimals.size + 1;
        if (rest.size > 0)
            return explain_rest(rest);
    }
    if (rest.size > 0 || digit_count + decimals.size == 0)
        return QUANTITY_NOT_A_NUMBER;
    return scale(value, whole, decimals, unit);
}

quantity_error quantity_read(int64_t *value, text_view cell, fact_unit unit)
{
    assert(unit == FACT_UNIT_MINUTES || unit == FACT_UNIT_CENTS || unit == FACT_UNIT_COUNT);
    if (starts_negative(cell))
        return QUANTITY_NEGATIVE;
    text_view text = cell;
    bool hours = take_unit(&text, "h");
    bool euros = !hours && take_unit(&text, "€");
    if ((hours && unit != FACT_UNIT_MINUTES) || (euros && unit != FACT_UNIT_CENTS))
        return QUANTITY_WRONG_UNIT;
    int64_t whole;
    size_t digit_count;
    quantity_error error = take_whole(&text, &whole, &digit_count);
    if (error != QUANTITY_OK)
        return error;
    text_view rest = text_trim(text);
    bool clock = digit_count > 0 && rest.size > 0 && (rest.at[0] == ':' || rest.at[0] == 'h');
    if (!clock)
        return read_decimals(value, whole, digit_count, text, unit);
    if (unit != FACT_UNIT_MINUTES)
        return QUANTITY_WRONG_UNIT;
    return hours ? QUANTITY_NOT_A_NUMBER
                 : read_minutes(value, whole, text_trim((text_view){rest.at + 1, rest.size - 1}));
}

const char *quantity_error_text(quantity_error error)
{
    static const char *const texts[QUANTITY_ERROR_COUNT] = {
        [QUANTITY_OK] = "nombre lu",
        [QUANTITY_NOT_A_NUMBER] = "ce n’est pas un nombre",
        [QUANTITY_NEGATIVE] = "le nombre est négatif",
        [QUANTITY_TWO_SIGNS] = "le nombre a plusieurs points ou virgules",
        [QUANTITY_BAD_GROUPS] = "les espaces ne séparent pas des groupes de trois chiffres",
        [QUANTITY_WRONG_UNIT] = "l’unité n’est pas celle de ce type de fait",
        [QUANTITY_BAD_MINUTES] = "les minutes ne vont pas de 00 à 59",
        [QUANTITY_FRACTION] = "le nombre a plus de décimales que l’unité n’en permet",
        [QUANTITY_TOO_LARGE] = "le nombre est trop grand",
    };
    assert(error >= 0 && error < QUANTITY_ERROR_COUNT);
    return texts[error];
}

const char *quantity_error_remedy(quantity_error error, fact_unit unit)
{
    if (error == QUANTITY_TWO_SIGNS)
        return "Gardez un seul signe, celui des décimales";
    switch (unit) {
    case FACT_UNIT_MINUTES:
        return "Écrivez des heures : 1,5 ou 1:30 ou 1h30";
    case FACT_UNIT_CENTS:
        return "Écrivez des euros, avec deux décimales au plus : 1234,50";
    default:
        return "Écrivez un nombre entier : 3";
    }
}
