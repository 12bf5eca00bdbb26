/*
 * export: the whole way of an operator's two files to records, as `check`, `preview` and `push` use
 * it: personnes + evenements -> table -> eligibility -> records. Identity stops here: what comes
 * out are records (see record.h) and keyed hashes.
 *
 * An export is the rows of one contract. One call makes the exports of one contract (the one that
 * the command names, or the only one served: rows that name another are left out) or of several
 * (the column `contrat` says whose a row is). The two files are read once for all of them.
 *
 * Always true: records come in strictly ascending order of key; each passes record_check when the
 * contract's token keys were given; a row in error has no part in any record; what an earlier
 * export said of a row that is now in error is in `retained` and stays in `contributions`. Records
 * and counts of a complete export follow from its two files alone, whatever earlier ones held.
 * No diagnostic holds the content of a cell.
 */
#ifndef CTAI_EXPORT_H
#define CTAI_EXPORT_H

#include "arena.h"
#include "batch.h"
#include "diag.h"
#include "eligibility.h"
#include "record.h"
#include "wire.h"

/* A whole file in memory, as the io layer maps it; it must stay there as long as the export. */
typedef struct {
    const char *name; /* as the user wrote it, for diagnostics */
    text_view bytes;
} export_file;

enum {
    /* contribution.flags */
    EXPORT_MOVED = 1, /* an entree or niveau_debut of before the contract's first day */
    EXPORT_YOUNG = 2, /* the beneficiary record that rests on it says under_25 */
};

/*
 * What the agent keeps of each event that it counted, per contract, to say later what a row in
 * error or a partial export must not withdraw. 16-byte keyed hashes (see recordkey.h), no identity.
 */
typedef struct {
    uint8_t event[RECORD_KEY];   /* the key of the event's record */
    uint8_t subject[RECORD_KEY]; /* who in which action; zeros for a type without a person */
    civil_day day;               /* the day on which it counted */
    uint8_t flags;
} export_contribution;

/* What the caller knows of one contract to export. */
typedef struct {
    const wire_contract *terms;
    unsigned token_key_count;      /* of the contract's scope, epochs ascending; 0: records without tokens, for `check` alone */
    const token_key *token_keys;   /* at most RECORD_TOKEN_SETS */
    size_t earlier_count;          /* contributions that stand from earlier exports, in any order; 0 for `preview` of a first export */
    const export_contribution *earlier;
} export_contract;

typedef struct {
    export_file persons, events;
    unsigned contract_count;       /* 1: the column `contrat` only leaves out others' rows; more: it is needed */
    const export_contract *contracts;
    bool partial;                  /* holds only additions: earlier contributions stay unless a row replaces them */
    const uint8_t *record_key;     /* CRYPTO_KEY bytes, the agent's own; key of all keys, references and content hashes */
    /* Told now and then how far the reading is, in bytes of both files; NULL: nobody asks. */
    void (*progress)(void *data, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_data;
} export_input;

/* Why a right row is not counted: first the reasons of eligibility.h, then these. */
typedef enum {
    EXPORT_LEFT_OUT_OF_DAYS = ELIGIBILITY_COUNT, /* before or after the contract's days */
    EXPORT_LEFT_OUT_CONTRACT,                    /* of another contract */
    EXPORT_REASON_COUNT
} export_reason;

/* Rows are of both files; a person's row in error counts, and each of that person's events. */
typedef struct {
    size_t person_rows, event_rows; /* read, empty lines apart */
    size_t ready;                   /* records of all contracts */
    size_t left_out, errors;        /* rows */
    size_t left_out_by[EXPORT_REASON_COUNT];
} export_counts;

/* One contract's export. Arrays live in the arena. */
typedef struct {
    const wire_contract *terms;
    batch_coverage coverage;       /* contract, complete (not partial, not unsure), allowed actions, last month of a counted event */
    size_t record_count;
    /*
     * Keys, ascending, that are not among the records and must not be withdrawn. Everything else
     * that the hub holds of this agent and contract, narratives apart, is to be withdrawn (unless
     * export.unsure).
     */
    size_t retained_count;
    const uint8_t (*retained)[RECORD_KEY];
    /* Replaces all that stood of the contract, with the push that it belongs to; ascending by event. */
    size_t contribution_count;
    const export_contribution *contributions;
    struct making *making;         /* behind export_record */
} export_result;

typedef struct {
    export_counts counts;
    /*
     * Some row could not even be identified (unclosed quote, over-long row, NUL in its number): a
     * push withdraws nothing this time. Said in a warning.
     */
    bool unsure;
    unsigned result_count;         /* as the input's contracts, in their order */
    export_result *results;
} export;

typedef enum {
    EXPORT_OK = 0,
    EXPORT_UNUSABLE,  /* one of the files as a whole (no header, a column missing...): diagnostics say why; nothing is made */
    EXPORT_NO_MEMORY, /* the arena's limit or the machine's */
} export_error;

/*
 * Reads both files and makes the records. On EXPORT_OK *self is filled, and lives as long as the
 * arena, the input's contracts, keys and files. Errors of rows are not errors of the call: see
 * counts.errors. The sink gets diagnostics in the order of discovery.
 */
export_error export_make(export *self, const export_input *input, diag_sink *sink, arena *from) __attribute__((warn_unused_result));

/* The key of record index (below record_count) of a result: RECORD_KEY bytes. */
const uint8_t *export_key(const export_result *self, size_t index);

/* Record index of a result; views point into the contract's terms and constants. */
void export_record(const export_result *self, size_t index, record *to);

/* For people, in French: why rows were left out ("statut : demandeur d’asile"). */
const char *export_reason_text(unsigned reason);

#endif
