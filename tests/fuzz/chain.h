/*
 * chain: batches of the fuzzers' agent, good and bad, made and signed once: sequence after sequence, in several
 * scopes. What they say is the same in each run.
 */
#ifndef CTAI_FUZZ_CHAIN_H
#define CTAI_FUZZ_CHAIN_H

#include "fuzz.h"
#include "wire.h"

enum { CHAIN_SCOPES = 3, CHAIN_UNKNOWN_SCOPE = CHAIN_SCOPES, CHAIN_MAX = 24 };

typedef enum {
    CHAIN_GOOD,
    CHAIN_FORK,        /* another batch of that number, after the good one before */
    CHAIN_INCARNATION, /* the good one under incarnation 2 */
    CHAIN_GOES_ON,     /* likewise, after the one before of incarnation 2 */
    CHAIN_PREVIOUS,    /* after another batch */
    CHAIN_SIGNER,      /* signed by another key */
    CHAIN_AGENT,       /* of another agent, signed by ours */
    CHAIN_HEADER,      /* a header that cannot be read beyond its chain, signed */
    CHAIN_GARBAGE,     /* a header that is none, signed */
    CHAIN_BODY,        /* a body that is not the header's */
    CHAIN_COUNT,       /* a body too few */
    CHAIN_ABSENT,      /* the good one without its bodies */
    CHAIN_VARIANTS
} chain_variant;

typedef struct {
    text_view message;        /* the whole frame */
    uint8_t hash[CRYPTO_HASH]; /* of the header */
} chain_batch;

extern const char *const chain_scopes[CHAIN_SCOPES + 1];
extern crypto_sign_pair chain_agent, chain_hub, chain_other;
/* Contracts of the scopes that are known. */
extern wire_contract chain_contracts[CHAIN_SCOPES];

/* Makes everything, the first time. */
void chain_start(void);

/* sequence 1..CHAIN_MAX, scope 0..CHAIN_SCOPES. */
const chain_batch *chain_at(unsigned scope, uint64_t sequence, chain_variant variant);
/* The hash of the good header of that sequence; zeros for 0. */
const uint8_t *chain_hash(unsigned scope, uint64_t sequence);
/* The scope of that name, or CHAIN_UNKNOWN_SCOPE + 1. */
unsigned chain_scope_of(text_view name);

#endif
