/*
 * export_terms: what an export is made from and what it comes to, contract by contract, in the terms that
 * all its stages share (counting, standing, making) and that its users see through export.h.
 */
#ifndef CTAI_EXPORT_TERMS_H
#define CTAI_EXPORT_TERMS_H

#include "arena.h"
#include "batch.h"
#include "eligibility.h"
#include "erasure.h"
#include "record.h"
#include "wire.h"

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
    /* Contributions that stand from earlier exports, ascending by event: all of them, or how to read them. */
    size_t earlier_count;
    const export_contribution *earlier;
    /* Reads at most room of them from number first on: how many, 0 after the last, SIZE_MAX: they cannot be read. NULL: earlier has them. */
    size_t (*read_earlier)(void *data, size_t first, size_t room, export_contribution *to);
    void *earlier_data;
} export_contract;

/* Why a right row is not counted: first the reasons of eligibility.h, then these. */
typedef enum {
    EXPORT_LEFT_OUT_OF_DAYS = ELIGIBILITY_COUNT, /* before or after the contract's days */
    EXPORT_LEFT_OUT_CONTRACT,                    /* of another contract */
    EXPORT_LEFT_OUT_ERASED,                      /* of a person who was erased (erasure.h) */
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
    unsigned token_key_count;      /* under which the records have tokens, as the caller gave them */
    const token_key *token_keys;
    batch_coverage coverage;       /* contract, complete (not partial, not unsure), allowed actions, last month of a counted event */
    size_t record_count;
    /*
     * Of people who were erased and whom the table still has: their subject keys in the contract's actions, and the keys
     * that their records have or would have; both ascending, each once.
     */
    size_t erased_subject_count, erased_count;
    const uint8_t (*erased_subjects)[RECORD_KEY], (*erased)[RECORD_KEY];
    /* The people of whom something counts, as keyed hashes. */
    erasure_list people;
    const export_contract *asked;  /* what the caller knew */
    struct making *making;         /* behind export_record, export_retained and export_contribution */
} export_result;

/* For people, in French: why rows were left out ("statut : demandeur d’asile"). */
const char *export_reason_text(unsigned reason);

#endif
