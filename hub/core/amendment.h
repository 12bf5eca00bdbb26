/*
 * amendment: an amendment (avenant, article 8) to a contract, read from its file, and the contract that it makes of the
 * one before it. The syntax is described at the head of deploy/contracts/63-thiers-2023-avenant-1.yaml.
 *
 * Always true of a merged contract: it was checked wholly, by the rules of a new one; no action and no own indicator
 * of the contract has gone (what they counted remains due); id, place, scope and first day are what they were. Its
 * definition is one text that holds all of the contract and, last, the amendment's file as it was registered: it reads
 * as a contract (contract.amended), and is what the ledger's chain binds.
 */
#ifndef CTAI_AMENDMENT_H
#define CTAI_AMENDMENT_H

#include "contract.h"

typedef struct {
    text_view contract;  /* whose it is */
    unsigned number;     /* from 1 */
    civil_day day;       /* from which it applies */
    text_view subject;   /* may be empty */
    text_view text;      /* the file's bytes */
    yamldoc doc;
} amendment;

/* Is it an amendment's file rather than a contract's? Says nothing; false when it is no document. */
bool amendment_is(arena *from, text_view bytes);

/*
 * Reads an amendment's file by itself: what can be said without its contract. Faults are errors on the sink; true when
 * there is none. The texts, and bytes, are the arena's and the caller's: they, file and sink outlive the amendment.
 */
bool amendment_read(amendment *self, arena *from, const catalogue *national, const char *file, text_view bytes,
                    diag_sink *sink) __attribute__((warn_unused_result));

/*
 * The contract as amended: into, and *definition, its text, in the arena. before is the text of the contract's last version.
 * Faults and doubts are told of the amendment's file alone (the contract's own were told when it was registered); with
 * a fault: false.
 */
bool amendment_merge(amendment *self, arena *from, const catalogue *national, const territory *places, text_view before,
                     contract *into, text_view *definition) __attribute__((warn_unused_result));

#endif
