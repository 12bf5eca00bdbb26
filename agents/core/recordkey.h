/*
 * recordkey: the keyed hashes by which the hub knows what a record stands for, without learning it:
 * BLAKE2b-128 under a key of the agent's own over domain-separated, length-prefixed parts. Stable:
 * the same row, person or reference has the same hash in every export.
 */
#ifndef CTAI_RECORDKEY_H
#define CTAI_RECORDKEY_H

#include "record.h"

/* secret: CRYPTO_KEY bytes where there is one. Texts are trimmed already. */

/* Of the record of a row of `evenements`. */
void recordkey_event(uint8_t key[RECORD_KEY], const uint8_t *secret, text_view contract, text_view id_evenement);

/* Of a person in an action: never leaves; beneficiary keys and contributions are made of it. */
void recordkey_subject(uint8_t key[RECORD_KEY], const uint8_t *secret, text_view contract, text_view action,
                       text_view id_local);

/* Of the `beneficiaire` record of a subject in a month. */
void recordkey_beneficiary(uint8_t key[RECORD_KEY], const uint8_t *secret, const uint8_t subject[RECORD_KEY],
                           civil_month month);

/* Of what tells a person (kind: "id", "identity", "number"): never leaves; see erasure.h. */
void recordkey_person(uint8_t key[CRYPTO_SHORT_HASH], const uint8_t *secret, const char *kind, text_view what);

/*
 * Of a narrative: under no secret, for it says no more than the record does. So an agent that was restored, or given new
 * keys, knows which of the records that the hub holds of it are texts, which no export brings and none may withdraw.
 */
void recordkey_narrative(uint8_t key[RECORD_KEY], text_view contract, text_view action, text_view indicator);
bool recordkey_is_narrative(const uint8_t key[RECORD_KEY]);

/* The reference that leaves in place of an operator's own name of a session, event or pair. */
void recordkey_reference(uint8_t reference[RECORD_REFERENCE], const uint8_t *secret, text_view contract,
                         text_view action, fact_type type, text_view name);

#endif
