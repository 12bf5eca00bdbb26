/*
 * comparison: two evaluations side by side (two contracts, two periods, two positions of the ledger): actions are paired by
 * their code, indicators by theirs, and what one of the two alone has stands alone. Pure; its forms write to a stream that
 * the caller gives, whose errors are the caller's to test (ferror).
 */
#ifndef CTAI_COMPARISON_H
#define CTAI_COMPARISON_H

#include "arena.h"
#include "evaluation_table.h"

enum { COMPARISON_NUMBER_MAX = 32 }; /* bytes of a difference as text, with the NUL */

typedef struct {
    const evaluation_cell *a, *b;  /* NULL: that evaluation has no such indicator; never both */
    char difference[COMPARISON_NUMBER_MAX]; /* réalisé of b less that of a, as the CSV writes numbers; empty: one of them has none */
} comparison_row;

typedef struct {
    text_view code;                /* "contrat": the contracts' own line, the last */
    const evaluation_action *a, *b; /* NULL as above */
    unsigned row_count;
    comparison_row *rows;          /* in a's order, then what b alone has, each after what precedes it there */
} comparison_action;

typedef struct {
    const evaluation_table *a, *b;
    unsigned action_count;
    comparison_action *actions;    /* likewise */
} comparison;

/* Pairs them; both must outlive it. False: memory is short. */
bool comparison_make(comparison *self, const evaluation_table *a, const evaluation_table *b, arena *from)
    __attribute__((warn_unused_result));

/*
 * b less a, of numbers as evaluation cells have them (digits, at most one point), exactly, with as many decimals as it takes
 * (fixed_decimals: at least those of the two). Empty: one of them is no such number, or is too large.
 */
void comparison_subtract(text_view a, text_view b, bool fixed_decimals, char to[COMPARISON_NUMBER_MAX]);

/* In French, laid out for width columns (at least 96). */
void comparison_print(const comparison *self, unsigned width, FILE *to);
/* Header action,indicateur,libelle,unite,objectif_a,realise_a,statut_a,objectif_b,realise_b,statut_b,ecart. */
void comparison_csv(const comparison *self, FILE *to);

#endif
