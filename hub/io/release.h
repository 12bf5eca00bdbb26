/*
 * release: the ledger of releases: every regional report that was made to be published, as it stood and as it was masked.
 *
 * Always true: releases are numbered from 1 without a gap and never change; who enters one has held the ledger's lock since
 * before the records were read, so no two are made at once, and each was masked with all before it in view.
 */
#ifndef CTAI_RELEASE_H
#define CTAI_RELEASE_H

#include "disclosure.h"
#include "region.h"

enum { RELEASE_MOMENT_TEXT = 24 };

typedef struct {
    uint64_t number;
    char released_at[RELEASE_MOMENT_TEXT]; /* ISO 8601, UTC, to the second */
    disclosure_options options;            /* by which it was masked */
    uint8_t digest[CRYPTO_HASH];           /* of what was counted, before it was masked */
    region_table table;
} release;

/*
 * Begins a transaction in which a release may be entered, of one snapshot: waits for whoever is making one. End it with
 * database_commit or database_rollback.
 */
database_error release_begin(database *connection) __attribute__((warn_unused_result));

/* The releases of a region, in their order. Texts and arrays are in the arena. */
database_error release_read(database *connection, text_view region, arena *from, release **releases, unsigned *count)
    __attribute__((warn_unused_result));

/* Of a table as it was read, before it is masked; false: memory is short. */
bool release_digest(const region_table *table, uint8_t digest[CRYPTO_HASH]) __attribute__((warn_unused_result));

/*
 * Enters a masked table as the next release: fills number, released_at and the rest of entered. Only what disclosure control
 * has let pass.
 */
database_error release_enter(database *connection, const region_reading *reading, const disclosure_options *options,
                             const uint8_t digest[CRYPTO_HASH], release *entered) __attribute__((warn_unused_result));

#endif
