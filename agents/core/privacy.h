/*
 * privacy: the refusal of personal data in what people write: a text that holds a name, a foreigner's number or a birth
 * date of the operator's own `personnes` is found out, however it is written (DOMAIN, "Narratives"). What is known of the
 * people are keyed hashes alone, which the agent keeps from push to push.
 *
 * Of each person the list has: each word of nom and prenom, and each whole one (De La Cruz, Ben Ali: together, apart or with
 * hyphens); both in one word; the number; the day of birth. A word of one or two letters, or one that French texts are full
 * of (privacy_pieces.h), counts beside another name of the same person alone.
 *
 * Pure. No diagnostic quotes what it has found.
 */
#ifndef CTAI_PRIVACY_H
#define CTAI_PRIVACY_H

#include "arena.h"
#include "diag.h"
#include "persons.h"

typedef enum { PRIVACY_FAMILY_NAME, PRIVACY_GIVEN_NAME, PRIVACY_NUMBER, PRIVACY_BIRTH, PRIVACY_KIND_COUNT } privacy_kind;

/* The outbox keeps these as they are in memory. */
typedef struct {
    uint8_t hash[7]; /* of what tells the person; first, so that entries sort by it */
    uint8_t kind;
    uint8_t person[8]; /* the first bytes of the hash of id_local (erasure_of_id): what goes when the person does */
} privacy_entry;
_Static_assert(sizeof(privacy_entry) == 16, "entries are kept as they are in memory");

/* Ascending by bytes, each once. */
typedef struct {
    size_t count;
    const privacy_entry *entries;
} privacy_list;

/* What tells the people of a table, rows in error among them; in the arena. record_key: CRYPTO_KEY bytes. False when memory is short. */
bool privacy_gather(privacy_list *to, arena *from, const persons *people, const uint8_t *record_key)
    __attribute__((warn_unused_result));

/* The earlier list with the fresh one: of people who are in both, the fresh one alone counts. False when memory is short. */
bool privacy_renew(privacy_list *to, arena *from, const privacy_list *earlier, const privacy_list *fresh)
    __attribute__((warn_unused_result));

/*
 * Looks for the people of the lists in a text: an error for each place (at most PRIVACY_TOLD_MAX, and how many more), a
 * warning for another number of ten figures. *found: places. False when memory is short.
 */
enum { PRIVACY_TOLD_MAX = 20 };
bool privacy_scan(size_t *found, arena *from, const privacy_list *lists, size_t list_count, const uint8_t *record_key,
                  const char *file, text_view whole, diag_sink *sink) __attribute__((warn_unused_result));

#endif
