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
 * export said of a row that is now in error is retained and stays among the contributions. Records
 * and counts of a complete export follow from its two files alone, whatever earlier ones held.
 * No diagnostic holds the content of a cell.
 */
#ifndef CTAI_EXPORT_H
#define CTAI_EXPORT_H

#include "diag.h"
#include "export_terms.h"
#include "spool.h"
#include "csv.h"

/* A whole file in memory; it must stay there as long as the export. */
typedef struct {
    const char *name; /* as the user wrote it, for diagnostics */
    text_view bytes;
} export_file;

typedef struct {
    export_file persons, events;
    const csv_source *events_source; /* reads the events in pieces, several times; events.bytes.size says how many bytes; NULL: they are in memory */
    spool_store *store;            /* for what is too much for memory, as long as the export; NULL: memory alone */
    unsigned contract_count;       /* 1: the column `contrat` only leaves out others' rows; more: it is needed */
    const export_contract *contracts;
    bool partial;                  /* holds only additions: earlier contributions stay unless a row replaces them */
    const uint8_t *record_key;     /* CRYPTO_KEY bytes, the agent's own; key of all keys, references and content hashes */
    erasure_list erasures;         /* who must not come back; none: count 0 */
    /* Told now and then how far the reading is, in bytes of both files; NULL: nobody asks. */
    void (*progress)(void *data, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_data;
} export_input;

typedef struct {
    export_counts counts;
    /*
     * Some row could not even be identified (unclosed quote, over-long row, NUL in its number): a
     * push withdraws nothing this time. Said in a warning.
     */
    bool unsure;
    erasure_list erased;           /* rows of `personnes` that were found to be of erased people */
    unsigned result_count;         /* as the input's contracts, in their order */
    export_result *results;
    const struct persons *people;  /* the tables themselves, for what stays on the machine (privacy, explain) */
    const struct events *rows;
    spool_store *store;            /* the input's */
} export;

typedef enum {
    EXPORT_OK = 0,
    EXPORT_UNUSABLE,  /* one of the files as a whole (no header, a column missing...): diagnostics say why; nothing is made */
    EXPORT_NO_MEMORY, /* the arena's limit or the machine's */
    EXPORT_UNREADABLE, /* the source of the events failed, or what stood earlier cannot be read */
    EXPORT_NO_STORE,  /* the store failed */
} export_error;

/*
 * Reads both files and makes the records. On EXPORT_OK *self is filled, and lives as long as the
 * arena, the input's contracts, keys and files. Errors of rows are not errors of the call: see
 * counts.errors. The sink gets diagnostics in the order of discovery.
 */
export_error export_make(export *self, const export_input *input, diag_sink *sink, arena *from) __attribute__((warn_unused_result));

/*
 * A result is read from its first record, key or contribution on: they come quickly in ascending order, one kind after the
 * other. When memory is short, or the store or what stood earlier cannot be read, what is missing is zeros or left out:
 * export_failure, asked after a reading, says so, and nothing of it may be used.
 *
 * EXPORT_OK, EXPORT_NO_MEMORY, EXPORT_NO_STORE, or EXPORT_UNREADABLE: what stood earlier.
 */
export_error export_failure(const export_result *self) __attribute__((warn_unused_result));

/* The key of record index (below record_count) of a result: RECORD_KEY bytes, good until the next call. */
const uint8_t *export_key(const export_result *self, size_t index);

/* Record index of a result; views point into the contract's terms and constants. */
void export_record(const export_result *self, size_t index, record *to);

/*
 * Key number index, ascending and each once, of those that are not among the records and must not be withdrawn; false after
 * the last. Everything else that the hub holds of this agent and contract, narratives apart, is to be withdrawn (unless
 * export.unsure).
 */
bool export_retained(const export_result *self, size_t index, uint8_t key[RECORD_KEY]);

/* Contribution number index, ascending by event; false after the last. All together replace, with the push, what stood of the contract. */
bool export_contribution_at(const export_result *self, size_t index, export_contribution *to);

/*
 * That of record index, while records are read: false when it has none of its own (`beneficiaire`). Where nothing stood of
 * earlier exports (asked->earlier_count 0) these are all contributions, in their order.
 */
bool export_contribution_of(const export_result *self, size_t index, export_contribution *to);

#endif
