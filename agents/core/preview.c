/* preview: see preview.h. Source of the columns: INTERFACE, "preview --format csv". */
#include "preview.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

const char *const preview_columns[PREVIEW_COLUMNS] = {
    "contrat", "action", "type", "mois", "cle", "jeton_e", "jeton_i", "jeton_menage", "sexe", "bpi", "moins_25",
    "minutes", "nombre", "centimes", "jours", "code", "reference",
};

typedef enum {
    CELL_CONTRACT, CELL_ACTION, CELL_TYPE, CELL_MONTH, CELL_KEY, CELL_E, CELL_I, CELL_M, CELL_SEX, CELL_BPI, CELL_UNDER_25,
    CELL_MINUTES, CELL_COUNT, CELL_CENTS, CELL_DAYS, CELL_CODE, CELL_REFERENCE
} cell;

enum { HASH_TEXT = 2 * CRYPTO_SHORT_HASH + 1, NUMBER_TEXT = 24 };
_Static_assert(5 * HASH_TEXT + CIVIL_MONTH_TEXT + NUMBER_TEXT <= PREVIEW_SCRATCH, "room for all made texts");

/* Writes 16 bytes in hexadecimal at *scratch and moves it on. */
static text_view hex(char **scratch, const uint8_t hash[CRYPTO_SHORT_HASH])
{
    char *at = *scratch;
    crypto_hex(at, hash, CRYPTO_SHORT_HASH);
    *scratch += HASH_TEXT;
    return text_of(at);
}

static void set_quantity(text_view cells[PREVIEW_COLUMNS], char *scratch, const record *what)
{
    static const cell columns[] = {
        [FACT_UNIT_MINUTES] = CELL_MINUTES, [FACT_UNIT_COUNT] = CELL_COUNT, [FACT_UNIT_CENTS] = CELL_CENTS, [FACT_UNIT_DAYS] = CELL_DAYS,
    };
    fact_unit unit = fact_rule_of(what->type)->record_unit;
    if (!what->has_quantity || unit == FACT_UNIT_NONE)
        return;
    snprintf(scratch, NUMBER_TEXT, "%" PRId64, what->quantity);
    cells[columns[unit]] = text_of(scratch);
}

void preview_cells(text_view cells[PREVIEW_COLUMNS], char scratch[PREVIEW_SCRATCH], const record *what, unsigned token_set)
{
    char *at = scratch;
    for (int i = 0; i < PREVIEW_COLUMNS; i++)
        cells[i] = (text_view){"", 0};
    cells[CELL_CONTRACT] = what->contract;
    cells[CELL_ACTION] = what->action;
    cells[CELL_TYPE] = text_of(fact_rule_of(what->type)->name);
    cells[CELL_KEY] = hex(&at, what->key);
    if (what->month != CIVIL_NONE) {
        civil_month_text(what->month, at);
        cells[CELL_MONTH] = text_of(at);
        at += CIVIL_MONTH_TEXT;
    }
    if (token_set < what->token_sets) {
        const record_tokens *tokens = &what->tokens[token_set];
        if (tokens->has_e)
            cells[CELL_E] = hex(&at, tokens->e);
        if (tokens->has_i)
            cells[CELL_I] = hex(&at, tokens->i);
        if (tokens->has_m)
            cells[CELL_M] = hex(&at, tokens->m);
    }
    if (fact_rule_of(what->type)->kind == FACT_KIND_BENEFICIARY) {
        cells[CELL_SEX] = text_of(what->sex == RECORD_SEX_F ? "F" : what->sex == RECORD_SEX_H ? "H" : "");
        cells[CELL_BPI] = text_of(what->bpi ? "oui" : "non");
        cells[CELL_UNDER_25] = text_of(what->under_25 ? "oui" : "non");
    }
    cells[CELL_CODE] = what->code;
    if (what->has_reference)
        cells[CELL_REFERENCE] = hex(&at, what->reference);
    set_quantity(cells, at, what);
}
