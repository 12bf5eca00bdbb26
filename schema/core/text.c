/* text: views of bytes; see text.h. The one owner, with fold, of libunistring. */
#include "text.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>
#include <uniwidth.h>

text_view text_of(const char *string)
{
    return string ? (text_view){string, strlen(string)} : (text_view){NULL, 0};
}

bool text_equal(text_view a, text_view b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

bool text_is(text_view a, const char *string)
{
    /* Nearly all that are asked for differ in the first byte. */
    return (a.size == 0 || (string && *a.at == *string)) && text_equal(a, text_of(string));
}

int text_compare(text_view a, text_view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.at, b.at, common) : 0;
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

static bool is_space(ucs4_t character)
{
    return uc_is_property_white_space(character) || character == 0xFEFF;
}

size_t text_leading_space(text_view text)
{
    if (text.size == 0)
        return 0;
    unsigned char first = (unsigned char)text.at[0];
    if (first < 0x80)
        return first == ' ' || (first >= '\t' && first <= '\r') ? 1 : 0;
    ucs4_t character;
    int size = u8_mbtoucr(&character, (const uint8_t *)text.at, text.size);
    return size > 0 && is_space(character) ? (size_t)size : 0;
}

static text_class class_of(ucs4_t character)
{
    if (uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L))
        return TEXT_LETTER;
    if (uc_is_general_category_withtable(character, UC_CATEGORY_MASK_Nd))
        return TEXT_DIGIT;
    if (uc_is_general_category_withtable(character, UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_Cf))
        return TEXT_MARK;
    if (is_space(character))
        return TEXT_SPACE;
    return uc_is_general_category_withtable(character, UC_CATEGORY_MASK_Pd) ? TEXT_HYPHEN : TEXT_OTHER;
}

text_character text_next(text_view text)
{
    ucs4_t character;
    assert(text.size > 0);
    int size = u8_mbtoucr(&character, (const uint8_t *)text.at, text.size);
    if (size <= 0)
        return (text_character){.size = 1, .class = TEXT_OTHER};
    text_character found = {.size = (size_t)size, .class = class_of(character)};
    found.upper = found.class == TEXT_LETTER && uc_is_general_category_withtable(character, UC_CATEGORY_MASK_Lu | UC_CATEGORY_MASK_Lt);
    if (found.class == TEXT_DIGIT)
        found.digit = uc_decimal_value(character);
    return found;
}

/* Bytes of the white-space character that text ends with; 0 if none. */
static size_t trailing_space(text_view text)
{
    size_t start = text.size;
    while (start > 0 && text.size - start < 4) {
        start--;
        if (((unsigned char)text.at[start] & 0xC0) != 0x80)
            break;
    }
    text_view last = {text.at + start, text.size - start};
    return text_leading_space(last) == last.size ? last.size : 0;
}

text_view text_trim(text_view text)
{
    /* Most begin and end with a letter or digit of ASCII. */
    if (text.size > 0 && text.at[0] > ' ' && text.at[0] <= '~' && text.at[text.size - 1] > ' ' && text.at[text.size - 1] <= '~')
        return text;
    for (size_t size; (size = text_leading_space(text)) > 0;) {
        text.at += size;
        text.size -= size;
    }
    for (size_t size; text.size > 0 && (size = trailing_space(text)) > 0;)
        text.size -= size;
    return text;
}

bool text_is_plain(text_view text)
{
    static const bool plain[256] = {
        ['-'] = true, ['.'] = true, ['_'] = true, ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true,
        ['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true, ['a'] = true, ['b'] = true, ['c'] = true,
        ['d'] = true, ['e'] = true, ['f'] = true, ['g'] = true, ['h'] = true, ['i'] = true, ['j'] = true, ['k'] = true,
        ['l'] = true, ['m'] = true, ['n'] = true, ['o'] = true, ['p'] = true, ['q'] = true, ['r'] = true, ['s'] = true,
        ['t'] = true, ['u'] = true, ['v'] = true, ['w'] = true, ['x'] = true, ['y'] = true, ['z'] = true, ['A'] = true,
        ['B'] = true, ['C'] = true, ['D'] = true, ['E'] = true, ['F'] = true, ['G'] = true, ['H'] = true, ['I'] = true,
        ['J'] = true, ['K'] = true, ['L'] = true, ['M'] = true, ['N'] = true, ['O'] = true, ['P'] = true, ['Q'] = true,
        ['R'] = true, ['S'] = true, ['T'] = true, ['U'] = true, ['V'] = true, ['W'] = true, ['X'] = true, ['Y'] = true,
        ['Z'] = true,
    };
    bool all = true;
    for (size_t i = 0; i < text.size; i++)
        all &= plain[(unsigned char)text.at[i]];
    return all;
}

/* Bytes up to the first that is not ASCII, or a few less. */
static size_t ascii_start(text_view text)
{
    size_t at = 0;
    uint64_t bytes;
    for (; text.size - at >= sizeof bytes; at += sizeof bytes) {
        memcpy(&bytes, text.at + at, sizeof bytes);
        if (bytes & UINT64_C(0x8080808080808080))
            return at;
    }
    while (at < text.size && (unsigned char)text.at[at] < 0x80)
        at++;
    return at;
}

bool text_is_utf8(text_view text)
{
    size_t ascii = ascii_start(text);
    return ascii == text.size || u8_check((const uint8_t *)text.at + ascii, text.size - ascii) == NULL;
}

size_t text_width(text_view text)
{
    if (text.size == 0 || !text_is_utf8(text))
        return text.size;
    int width = u8_width((const uint8_t *)text.at, text.size, "UTF-8");
    return width > 0 ? (size_t)width : 0;
}

bool text_copy(char *to, size_t size, text_view from)
{
    assert(size > 0);
    size_t kept = from.size;
    if (kept > size - 1) {
        kept = size - 1;
        while (kept > 0 && ((unsigned char)from.at[kept] & 0xC0) == 0x80)
            kept--;
    }
    if (kept > 0)
        memcpy(to, from.at, kept);
    to[kept] = '\0';
    return kept == from.size;
}

enum { NEAREST_MAX = 40 }; /* characters: longer words have no neighbours worth naming */

/* Reads the characters of a word with case and common accents taken off; -1 when it is too long or no UTF-8. */
static int plain_characters(text_view word, ucs4_t plain[NEAREST_MAX])
{
    static const char *const accents[] = {"aàâä", "cç", "eéèêë", "iîï", "oôö", "uùûü"};
    int count = 0;
    for (size_t at = 0; at < word.size;) {
        ucs4_t character;
        int size = u8_mbtoucr(&character, (const uint8_t *)word.at + at, word.size - at);
        if (size <= 0 || count == NEAREST_MAX)
            return -1;
        at += (size_t)size;
        character = uc_tolower(character);
        for (size_t row = 0; row < sizeof accents / sizeof *accents; row++)
            if (u8_strchr((const uint8_t *)accents[row], character) != NULL)
                character = (ucs4_t)accents[row][0];
        plain[count++] = character;
    }
    return count;
}

/* The edits that lead from a to b: a character more, less or another, or two neighbours swapped. */
static int edit_distance(const ucs4_t *a, int a_count, const ucs4_t *b, int b_count)
{
    int rows[3][NEAREST_MAX + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    for (int j = 0; j <= b_count; j++)
        row[j] = j;
    for (int i = 1; i <= a_count; i++) {
        int *spare = before;
        before = above;
        above = row;
        row = spare;
        row[0] = i;
        for (int j = 1; j <= b_count; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
    }
    return row[b_count];
}

const char *text_nearest(text_view text, const char *const *candidates, size_t count)
{
    ucs4_t wanted[NEAREST_MAX];
    int wanted_count = plain_characters(text, wanted);
    if (wanted_count <= 0)
        return NULL;
    const char *nearest = NULL;
    int nearest_distance = NEAREST_MAX;
    for (size_t i = 0; i < count; i++) {
        ucs4_t candidate[NEAREST_MAX];
        int candidate_count = plain_characters(text_of(candidates[i]), candidate);
        if (candidate_count <= 0)
            continue;
        int longer = candidate_count > wanted_count ? candidate_count : wanted_count;
        int distance = edit_distance(wanted, wanted_count, candidate, candidate_count);
        if (distance * 3 <= longer && distance < nearest_distance) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
