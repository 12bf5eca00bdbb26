/*
 * privacy_pieces: a text or a name as the pieces that privacy compares: words of letters, folded, and numbers, each with
 * its place and whether it goes on from the piece before it (Jean-Pierre, N’Diaye, 31/01/1990) or stands apart.
 */
#ifndef CTAI_PRIVACY_PIECES_H
#define CTAI_PRIVACY_PIECES_H

#include "arena.h"

typedef struct {
    size_t at, end;   /* bytes of the text */
    text_view folded; /* a word: fold_name of it, not empty; a number: its digits in ASCII */
    bool number;
    bool upper;       /* a word that begins with a capital */
    bool joined;      /* only white space, hyphens, apostrophes and the like lie between it and the piece before */
    char mark;        /* of that between: the last of / - . (a dash is -), or 0 */
} privacy_piece;

typedef struct {
    size_t count;
    privacy_piece *pieces;
} privacy_pieces;

/* Cuts UTF-8 text into pieces, in the arena. A word that is too long for a name is none. False when memory is short. */
bool privacy_cut(privacy_pieces *self, arena *from, text_view text) __attribute__((warn_unused_result));

/* Letters of a folded word (characters, not bytes). */
size_t privacy_letters(text_view folded);

/* How much a word that somebody may bear as a name tells of anybody. folded: by fold_name. */
typedef enum {
    PRIVACY_RARE,       /* by itself */
    PRIVACY_BY_CAPITAL, /* with a capital: Rose, Petit */
    PRIVACY_COMMON,     /* beside another name of the same person alone: articles, prepositions, months... */
} privacy_frequency;
privacy_frequency privacy_frequency_of(text_view folded);

#endif
