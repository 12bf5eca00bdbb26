/*
 * linkage: which of the linkage keys held are to be used in a scope, by what the hub says of its epochs
 * (PROTOCOL.md, "Linkage keys"), and what of that people must know. Pure.
 *
 * Always true: what is used are neighbours among the keys held, epochs ascending, at most RECORD_TOKEN_SETS;
 * never one that the hub has closed, knows under another key id, or would not register next; and when the hub has
 * told of epochs, the lowest of them is the first one used, for by that one the hub links: records without it would
 * count people twice.
 */
#ifndef CTAI_LINKAGE_H
#define CTAI_LINKAGE_H

#include "wire.h"

/* What the hub says of a key that is held. */
typedef enum {
    LINKAGE_UNKNOWN, /* it has not met this epoch (yet), or has told of none */
    LINKAGE_OPEN,
    LINKAGE_CLOSED,
    LINKAGE_OTHER, /* it has another key id for this epoch */
} linkage_state;

/* What keeps keys from being used, the worst first. */
typedef enum {
    LINKAGE_FINE,
    LINKAGE_NO_KEY,        /* none is held */
    LINKAGE_OTHER_FIRST,   /* the hub links by another key of this epoch than ours: nothing may be sent */
    LINKAGE_LACKS_FIRST,   /* the hub links by this epoch, and we have none of it: nothing may be sent */
    LINKAGE_OTHER_NEXT,    /* the next epoch of the hub is of another key than ours, which is left aside */
    LINKAGE_LACKS_NEXT,    /* the hub knows of a next epoch, and we have no key of it */
} linkage_trouble;

typedef struct {
    const token_key *keys;   /* what is to be used, among the keys held */
    unsigned key_count;      /* 0 when nothing may be sent */
    linkage_trouble trouble;
    uint32_t epoch;          /* that the trouble is about */
} linkage_choice;

/* The epochs that are open at the hub, ascending; none: it has told of none. */
typedef struct {
    unsigned count;
    batch_key open[RECORD_TOKEN_SETS];
} linkage_told;

/* held: a scope's keys, epochs strictly ascending. */
void linkage_choose(linkage_choice *choice, const token_key *held, unsigned held_count, const linkage_told *told);

linkage_state linkage_state_of(const token_key *key, const linkage_told *told);

/* Does the trouble keep records from being made? */
bool linkage_blocks(linkage_trouble trouble);

/*
 * What the contracts of a scope tell. They were told at different times, maybe (an approval is of its day): the one that
 * is further on counts (whose lowest epoch is higher, else whose highest is).
 */
void linkage_read(linkage_told *told, text_view scope, const wire_contract *contracts, unsigned count);

/* "ouverte", "close", "inconnue", "autre". */
const char *linkage_state_name(linkage_state state);

#endif
