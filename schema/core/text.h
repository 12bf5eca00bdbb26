/* text: a view of bytes that somebody else owns; most often UTF-8, never assumed to end in NUL. */
#ifndef CTAI_TEXT_H
#define CTAI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *at; /* NULL only when size is 0 */
    size_t size;    /* bytes */
} text_view;

/* The view of a NUL-terminated string; of NULL, the empty view. */
text_view text_of(const char *string);

bool text_equal(text_view a, text_view b);
bool text_is(text_view a, const char *string);

/* Byte order (UTF-8's order is that of the code points): <0, 0, >0. */
int text_compare(text_view a, text_view b);

/* Without white space of any kind (Unicode White_Space, U+FEFF) at both ends. */
text_view text_trim(text_view text);

/* Is it made of ASCII letters, digits, hyphens, full stops and underscores alone? Empty: yes. */
bool text_is_plain(text_view text);

/* Is it well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong, at most U+10FFFF)? */
bool text_is_utf8(text_view text);

/* Bytes of the white-space character that text begins with; 0 if it begins with none. */
size_t text_leading_space(text_view text);

/* What a character is, to somebody who looks for words and numbers. */
typedef enum {
    TEXT_LETTER,
    TEXT_DIGIT,   /* decimal, of any script */
    TEXT_MARK,    /* combines with the letter before, or cannot be seen (soft hyphen, joiners) */
    TEXT_SPACE,
    TEXT_HYPHEN,  /* hyphens and dashes */
    TEXT_OTHER,
} text_class;
typedef struct {
    size_t size; /* bytes, from 1 */
    text_class class;
    bool upper;  /* a capital letter */
    int digit;   /* its value, 0 to 9; of TEXT_DIGIT alone */
} text_character;

/* The character that text, which is not empty, begins with; a byte that begins none is TEXT_OTHER. */
text_character text_next(text_view text);

/*
 * The candidate nearest to text by edit distance (case and accents ignored), for "did you mean";
 * NULL when none is near enough (distance at most a third of the longer one).
 */
const char *text_nearest(text_view text, const char *const *candidates, size_t count);

/* Columns that it takes on a terminal (Unicode UAX #11; control characters take none). */
size_t text_width(text_view text);

/* Copies at most size - 1 bytes and a NUL; false when it was cut (never inside a character). */
bool text_copy(char *to, size_t size, text_view from);

#endif
