/* admission_chain: see the header. There are no errors: each question has an answer. */
#include "admission_chain.h"

#include <assert.h>
#include <string.h>

hub_stored admission_chain_batch(const wire_position *place, const batch_header *header, const uint8_t hash[CRYPTO_HASH],
                                 const uint8_t *committed)
{
    /* First of all: a batch of a superseded incarnation may be a late one, whatever else is true of it. */
    if (header->incarnation != place->incarnation)
        return HUB_STORED_INCARNATION;
    if (header->sequence <= place->sequence)
        return committed && memcmp(committed, hash, CRYPTO_HASH) == 0 ? HUB_STORED_AGAIN : HUB_STORED_FORK;
    if (header->sequence != place->sequence + 1)
        return HUB_STORED_SEQUENCE;
    return memcmp(header->previous, place->hash, CRYPTO_HASH) == 0 ? HUB_STORED_COMMITTED : HUB_STORED_FORK;
}

static bool has_seen(const wire_position *seen, const wire_position *place)
{
    return seen->incarnation == place->incarnation && seen->sequence == place->sequence
        && memcmp(seen->hash, place->hash, CRYPTO_HASH) == 0;
}

/*
 * Does it hold receipts for all that its incarnation had brought when that was left? Then it was there, and another went on.
 * What it has signed proves nothing: one that was restored once more, or set up anew, may have signed as many without sending them.
 */
static bool was_there(const admission_chain_past *past, const wire_position *own)
{
    return past->left > 0 && own->stable >= past->left;
}

admission_chain_verdict admission_chain_renewal(const admission_chain_past *past, const wire_message *renew)
{
    const wire_position *own = &renew->renew.own, *place = &past->place;

    assert(renew->type == WIRE_RENEW);
    if (past->is_same && place->sequence == past->base)
        return ADMISSION_CHAIN_AGAIN;
    /* Before the question of a fork: one who has not seen the place may speak of the past. */
    if (!has_seen(&renew->renew.seen, place) || renew->renew.incarnation <= place->incarnation)
        return ADMISSION_CHAIN_STALE;
    if (past->superseded && was_there(past, own))
        return ADMISSION_CHAIN_FORK;
    return ADMISSION_CHAIN_GRANT;
}

void admission_chain_shared(const wire_position *place, const wire_position *own, uint64_t *first, unsigned *count)
{
    uint64_t last = own->sequence < place->sequence ? own->sequence : place->sequence;
    uint64_t shared = last > own->stable ? last - own->stable : 0;

    *first = own->stable + 1;
    *count = shared < WIRE_CHAIN_MAX ? (unsigned) shared : WIRE_CHAIN_MAX;
}
