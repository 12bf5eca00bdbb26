/*
 * disclosure: statistical disclosure control of a regional table: which cells may not be published, so that nobody who
 * reads the release, all earlier ones and this code can tell what a few people did.
 *
 * Always true after DISCLOSURE_DONE: each cell that rests on 1 .. threshold - 1 is masked; where the total of a block is
 * masked its whole block is, zeros included; each masked cell, of this release and of the earlier ones that it is linked
 * to, and each implied complement (not BPI, 25 and over, in all, among BPI, men and women) that rests on as few keeps at
 * least `values` possible values for a reader who knows the published cells of all releases, the rule and the threshold,
 * and even which cells the rule alone masks. That was proved value by value, with a whole possible table for each. Where
 * this last knowledge leaves too few values whatever is masked (nine small contracts in a department of ten persons; a
 * threshold of 5), it is taken from the reader for the indicators concerned: he then knows only that it is masked.
 * The same tables give the same masks: no clock, no chance, no limit by time.
 */
#ifndef CTAI_DISCLOSURE_H
#define CTAI_DISCLOSURE_H

#include "arena.h"
#include "region_table.h"

enum { DISCLOSURE_THRESHOLD = 11, DISCLOSURE_VALUES = 5 };

typedef struct {
    unsigned threshold; /* from 2; cells that rest on 1 .. threshold - 1 are masked */
    unsigned values;    /* possible values that a masked cell keeps, from 2 */
    bool strict;        /* repeat a published number until it has moved by the threshold */
} disclosure_options;

typedef enum {
    DISCLOSURE_DONE,
    DISCLOSURE_REFUSED, /* a masked cell stays too well known: the table must not be published */
    DISCLOSURE_SHORT,   /* memory is short; the masks mean nothing */
} disclosure_outcome;

typedef struct {
    unsigned masked, primary; /* cells: in all; by the rule alone (threshold, blocks) */
    unsigned relaxed;         /* families of indicators for which the reader is not told which cells the rule masks */
    unsigned repeated;        /* strict: cells that repeat an earlier value */
    const region_cell *cell;  /* REFUSED: one that is too well known, of the table or of an earlier release */
    const region_table *release; /* REFUSED: that cell's table */
    unsigned values;          /* REFUSED: how many values it may have, as far as was found */
} disclosure_result;

/*
 * Sets masked, primary and, with strict, amount, shown and repeated of all the table's cells (what they were before is
 * not read). earlier: the releases of the same region before this one, in the order of their publication, drafts left
 * out, each with masked and primary as it was released, and with amount, rests and has_value of all its cells, the
 * masked ones too, as they stood then (the ledger of releases keeps them; they are never written out). A release is of a
 * quarter, a calendar year, or whole contracts (from and to CIVIL_NONE). Contracts are found again by department and id,
 * departments by code, indicators by code. A relation between two releases (a count since the start does not fall, a
 * quarter is part of its year) that the records contradict is not used for that cell.
 * Small tables are attacked with all releases; where over 3000 cells are masked in all, only with those that something ties
 * to the table (the last of its period, its parts, what it is part of): the others keep what was shown when they came out.
 * Texts that it makes and what it needs for its work are in the arena, some hundreds of bytes for each cell of all the
 * releases; GLPK takes memory of its own, and bounds it.
 */
disclosure_outcome disclosure_control(region_table *table, const region_table *const *earlier, unsigned earlier_count,
                                      const disclosure_options *options, arena *from, disclosure_result *result)
    __attribute__((warn_unused_result));

#endif
