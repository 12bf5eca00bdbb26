/* privacy_pieces: see privacy_pieces.h. */
#include "privacy_pieces.h"

#include <string.h>

#include "fold.h"

enum {
    WORD_MAX = 512,   /* bytes of a folded word; no name is as long */
    BETWEEN_MAX = 4,  /* characters between two pieces that go together */
    APOSTROPHES = 5,
};

/* What lies between two pieces. */
typedef struct {
    unsigned characters, lines;
    bool apart; /* something else than what joins */
    bool stop;  /* a full stop was the last character */
    char mark;
} between;

static bool is_one_of(text_view text, const char *const *what, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_is(text, what[i]))
            return true;
    return false;
}

static void add_between(between *self, text_view text, const text_character *next)
{
    static const char *const apostrophes[APOSTROPHES] = {"'", "’", "‘", "`", "´"};
    text_view character = {text.at, next->size};
    char c = next->size == 1 ? text.at[0] : 0;
    if (next->class == TEXT_MARK)
        return;
    self->characters++;
    self->lines += c == '\n';
    self->apart |= self->stop && next->class == TEXT_SPACE; /* the end of a sentence */
    self->stop = c == '.';
    if (next->class == TEXT_HYPHEN)
        self->mark = '-';
    else if (c == '/' || c == '.')
        self->mark = c;
    else if (next->class != TEXT_SPACE && c != ',' && c != '_' && !is_one_of(character, apostrophes, APOSTROPHES))
        self->apart = true;
}

/* The bytes from the text's start that are of one piece; 0 when it begins with none. */
static size_t piece_size(text_view text, bool *number, bool *upper)
{
    size_t size = 0;
    text_class class = TEXT_OTHER;
    while (size < text.size) {
        text_character next = text_next((text_view){text.at + size, text.size - size});
        if (size == 0 && next.class != TEXT_LETTER && next.class != TEXT_DIGIT)
            return 0;
        if (size == 0) {
            class = next.class;
            *upper = next.upper;
        } else if (next.class != class && next.class != TEXT_MARK) {
            break;
        }
        size += next.size;
    }
    *number = class == TEXT_DIGIT;
    return size;
}

/* The digits of a number in ASCII, in place of each other form. */
static size_t read_digits(char *to, text_view text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.size;) {
        text_character next = text_next((text_view){text.at + at, text.size - at});
        if (next.class == TEXT_DIGIT)
            to[count++] = (char)('0' + next.digit);
        at += next.size;
    }
    return count;
}

/* Keeps what the piece says; a word that folds to nothing, or is too long, says nothing. False when memory is short. */
static bool keep(privacy_piece *piece, arena *from, text_view text)
{
    char word[WORD_MAX];
    long size;
    if (piece->number) {
        char *digits = arena_take(from, text.size + 1);
        if (!digits)
            return false;
        piece->folded = (text_view){digits, read_digits(digits, text)};
        return true;
    }
    size = text.size < WORD_MAX ? fold_name(word, sizeof word, text) : -1;
    if (size <= 0)
        return true;
    piece->folded = (text_view){arena_text(from, (text_view){word, (size_t)size}), (size_t)size};
    return piece->folded.at != NULL;
}

bool privacy_cut(privacy_pieces *self, arena *from, text_view text)
{
    arena_vector all;
    between gap = {.apart = true};
    arena_vector_init(&all, from, sizeof(privacy_piece));
    for (size_t at = 0; at < text.size;) {
        text_view rest = {text.at + at, text.size - at};
        privacy_piece one = {.at = at};
        size_t size = piece_size(rest, &one.number, &one.upper);
        if (size == 0) {
            text_character next = text_next(rest);
            add_between(&gap, rest, &next);
            at += next.size;
            continue;
        }
        at += size;
        one.end = at;
        one.joined = !gap.apart && gap.characters <= BETWEEN_MAX && gap.lines <= 1;
        one.mark = gap.mark;
        if (!keep(&one, from, (text_view){rest.at, size}))
            return false;
        gap = (between){.apart = one.folded.size == 0};
        privacy_piece *added = one.folded.size > 0 ? arena_vector_add(&all) : NULL;
        if (added)
            *added = one;
        else if (one.folded.size > 0)
            return false;
    }
    *self = (privacy_pieces){all.count, all.items};
    return true;
}

size_t privacy_letters(text_view folded)
{
    size_t count = 0;
    for (size_t i = 0; i < folded.size; i++)
        count += ((unsigned char)folded.at[i] & 0xC0) != 0x80;
    return count;
}
