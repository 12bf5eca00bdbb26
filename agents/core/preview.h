/*
 * preview: a record as the row that `ctai-agent preview --format csv` shows (INTERFACE): every
 * field derived from a person or an event that would leave.
 */
#ifndef CTAI_PREVIEW_H
#define CTAI_PREVIEW_H

#include "record.h"

enum {
    PREVIEW_COLUMNS = 17,
    PREVIEW_SCRATCH = 512, /* bytes that preview_cells needs for texts it makes */
};

/* The header's names, in order: contrat, action, type, mois, cle, jeton_e ... reference. */
extern const char *const preview_columns[PREVIEW_COLUMNS];

/*
 * The cells of a record, in the order of preview_columns; empty where it has none. token_set: which
 * of the record's token sets is shown (below what->token_sets, or 0 when there is none). Cells point into
 * the record, constants, and scratch. No cell needs quoting: codes, ids and digits alone.
 */
void preview_cells(text_view cells[PREVIEW_COLUMNS], char scratch[PREVIEW_SCRATCH], const record *what, unsigned token_set);

#endif
