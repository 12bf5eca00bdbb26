/*
 * wire: the messages between agent and hub (PROTOCOL.md), one MessagePack array a frame. Reading is
 * bounded before anything is decoded: a peer is never believed about a size.
 */
#ifndef CTAI_WIRE_H
#define CTAI_WIRE_H

#include "batch.h"

enum {
    WIRE_VERSION = 1,
    WIRE_MESSAGE_MAX = 4 * 1024 * 1024, /* bytes; also the sockets' MAXMSGSIZE */
    WIRE_SCOPES_MAX = 16,
    WIRE_CONTRACTS_MAX = 256,
    WIRE_ACTIONS_MAX = BATCH_ACTIONS_MAX,
    WIRE_TITLE_MAX = 512,
    WIRE_SOFTWARE_MAX = 64,
    WIRE_REFUSALS_MAX = 8 * BATCH_BODIES_MAX, /* of records, in one ACK */
    WIRE_RECEIPT_MAX = 256,             /* bytes */
    WIRE_REQUEST = 16,                  /* bytes: names a RENEW */
    WIRE_DIGEST = 16,                   /* bytes: of the records of a bucket */
    WIRE_BUCKETS = 256,                 /* of records, by the first byte of the key */
    WIRE_CHAIN_MAX = 1024,              /* hashes in one GRANTED */
    WIRE_LISTED_MAX = 16 * 1024,        /* records in one LISTED */
    WIRE_SCRATCH_BYTES = 1024 * 1024,   /* of an arena in which one message is read */
};

typedef enum {
    WIRE_HELLO = 1,      /* agent: who I am, what I have signed */
    WIRE_BATCH = 2,      /* agent: a batch */
    WIRE_RENEW = 3,      /* agent: my chain does not go on from yours: grant me an incarnation */
    WIRE_SURVEY = 4,     /* agent: what do you hold of me in a scope? */
    WIRE_LIST = 5,       /* agent: and in one bucket of it? */
    WIRE_WELCOME = 16,   /* hub: what I have, what you may do, how much you may send */
    WIRE_ACK = 17,       /* hub: committed up to here, signed */
    WIRE_CONTRACTS = 18, /* hub: contracts or rights have changed */
    WIRE_REFUSED = 19,   /* hub: I do not take this, and why */
    WIRE_GRANTED = 20,   /* hub: go on from here under this incarnation */
    WIRE_DIGESTS = 21,   /* hub: a digest of what I hold, for each bucket */
    WIRE_LISTED = 22,    /* hub: what I hold in a bucket */
} wire_type;

/* Why a scope's or the whole conversation stops; the numbers are the wire's. */
typedef enum {
    WIRE_REFUSAL_MALFORMED = 1,   /* not a message of this protocol */
    WIRE_REFUSAL_VERSION = 2,
    WIRE_REFUSAL_SIGNATURE = 3,
    WIRE_REFUSAL_SEQUENCE = 4,    /* not the next batch: send on from the state that WELCOME gives */
    WIRE_REFUSAL_FORK = 5,        /* another batch of that number is committed: stop */
    WIRE_REFUSAL_SCOPE = 6,       /* unknown, or the agent has no contract in it */
    WIRE_REFUSAL_KEY = 7,         /* another linkage key is in use in the scope */
    WIRE_REFUSAL_REVOKED = 8,
    WIRE_REFUSAL_INCARNATION = 9, /* not the one that the hub has granted */
    WIRE_REFUSAL_BUSY = 10,       /* passing: try again later */
} wire_refusal;

typedef struct {
    text_view scope;
    uint64_t incarnation, sequence;
    uint8_t hash[CRYPTO_HASH]; /* of the header of that sequence; zeros for 0 */
    uint64_t stable;           /* up to sequence. Hub: so far the agent may forget its batches. HELLO: so far it has receipts */
} wire_position;

typedef struct {
    text_view code, title;
    bool allowed; /* this agent may push records of it */
} wire_action;

/* What an agent needs to know of a contract. */
typedef struct {
    text_view id, title, scope;
    civil_day first_day, last_day; /* both included */
    unsigned action_count;
    wire_action *actions; /* in the contract's order */
    unsigned key_count;   /* of the scope's linkage keys that are open, epochs ascending; none before the first record with a token */
    batch_key keys[RECORD_TOKEN_SETS];
} wire_contract;

typedef struct { uint64_t sequence; uint32_t index; record_reason reason; } wire_record_refusal;

typedef struct {
    uint8_t agent[CRYPTO_PUBLIC];
    wire_position position;
    uint64_t ledger_position;   /* of the scope */
    uint8_t chain[CRYPTO_HASH]; /* of the scope's ledger at that position */
} wire_receipt;

/* A record as the hub holds it: its key and the batch that brought it. */
typedef struct {
    uint8_t key[RECORD_KEY];
    text_view contract;
    uint64_t incarnation, sequence; /* from 1 */
} wire_held;

typedef struct {
    wire_type type;
    union {
        struct { unsigned version; text_view software; unsigned scope_count; wire_position *scopes; } hello;
        struct { text_view header; const uint8_t *signature; unsigned body_count; text_view *bodies; /* at NULL: absent */ } batch;
        struct { unsigned version; text_view software; unsigned credit_batches; uint64_t credit_bytes;
                 unsigned contract_count; wire_contract *contracts; unsigned scope_count; wire_position *scopes; } welcome;
        struct { text_view receipt; const uint8_t *signature; unsigned refusal_count; const wire_record_refusal *refusals; } ack;
        struct { unsigned contract_count; wire_contract *contracts; } contracts;
        struct { wire_refusal reason; text_view scope; uint64_t sequence; } refused;
        struct { wire_position own, seen; uint64_t incarnation; uint8_t request[WIRE_REQUEST]; } renew;
        struct { text_view scope; } survey;
        struct { text_view scope; unsigned bucket; const uint8_t *after; /* RECORD_KEY bytes; NULL: from its start */ } list;
        struct { uint8_t request[WIRE_REQUEST]; wire_position position; unsigned hash_count; const uint8_t (*hashes)[CRYPTO_HASH]; } granted;
        struct { text_view scope; uint64_t incarnation, sequence; const uint8_t *digests; /* WIRE_BUCKETS of WIRE_DIGEST bytes */ } digests;
        struct { text_view scope; uint64_t incarnation, sequence; unsigned bucket; const uint8_t *after; bool more;
                 unsigned record_count; wire_held *records; /* keys of the bucket, after `after`, ascending */ } listed;
    };
} wire_message;

/* Appends the message's bytes to a cleared buffer. */
void wire_write(batch_buffer *to, const wire_message *message);

/*
 * Reads one; views point into bytes, arrays come from the arena: with batch_read_header together never
 * more than WIRE_SCRATCH_BYTES. False: not a message of this protocol, or memory is short. Of a HELLO or
 * WELCOME of another version only type and version are read.
 */
bool wire_read(wire_message *message, arena *from, text_view bytes) __attribute__((warn_unused_result));

/* A receipt's bytes, signed by the hub. */
void wire_write_receipt(batch_buffer *to, const wire_receipt *receipt);
bool wire_read_receipt(wire_receipt *receipt, text_view bytes) __attribute__((warn_unused_result));

/* Adds a record to, or takes it out of, the digest of its bucket (zeros: no record). */
void wire_digest_toggle(uint8_t digest[WIRE_DIGEST], const wire_held *what);

/* The contracts alone, as an approval and the agent's state hold them. */
void wire_write_contracts(batch_buffer *to, const wire_contract *contracts, unsigned count);
bool wire_read_contracts(wire_contract **contracts, unsigned *count, arena *from, text_view bytes) __attribute__((warn_unused_result));

/* For people, in French. */
const char *wire_refusal_text(wire_refusal reason);

#endif
