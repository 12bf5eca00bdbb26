/*
 * recordkey: the keyed hashes by which the hub knows what a record stands for, without learning it:
 * BLAKE2b-128 under a key of the agent's own over domain-separated, length-prefixed parts. Stable:
 * the same row, person or reference has the same hash in every export.
 */
#ifndef CTAI_RECORDKEY_H
#define CTAI_RECORDKEY_H

#include "crypto_many.h"
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

/*
 * Keys that are made together, in a third of the time: a recordkey_queue_ function of each kind notes what is to be hashed
 * (the texts may go), and recordkey_queue_make writes all of them where they belong, each as the function above would.
 * It holds what follows from the secret, and texts of the rows: its memory is wiped by whoever gave it.
 */
enum { RECORDKEY_QUEUE = 32, RECORDKEY_PARTS = 5, RECORDKEY_PART_MAX = 192, RECORDKEY_MESSAGE = RECORDKEY_PARTS * (4 + RECORDKEY_PART_MAX) };
typedef struct {
    const uint8_t *secret;
    crypto_many_start start;
    unsigned count;              /* below RECORDKEY_QUEUE whenever one is added */
    uint8_t *to[RECORDKEY_QUEUE];
    text_view messages[RECORDKEY_QUEUE];
    size_t used;                 /* of bytes: one message behind the other */
    char bytes[RECORDKEY_QUEUE * RECORDKEY_MESSAGE];
} recordkey_queue;

void recordkey_queue_init(recordkey_queue *self, const uint8_t *secret);
void recordkey_queue_event(recordkey_queue *self, uint8_t *key, text_view contract, text_view id_evenement);
void recordkey_queue_beneficiary(recordkey_queue *self, uint8_t *key, const uint8_t subject[RECORD_KEY], civil_month month);
void recordkey_queue_reference(recordkey_queue *self, uint8_t *reference, text_view contract, text_view action, fact_type type, text_view name);
void recordkey_queue_make(recordkey_queue *self);

#endif
