/*
 * hub_session: the hub's side of the conversation with one connected agent, as a pure state
 * machine: step(session, event, now) -> effects. No clock, socket, database or allocation.
 *
 * Always true: nothing of a batch is read before its signature has been verified over its raw
 * bytes; batches go to the store in order, each once per connection unless it comes again; an
 * acknowledgement is sent only after the store has said that the batch is committed.
 *
 * The store answers LOAD, STORE and ASK of a session in the order in which it was asked. After a batch of
 * a scope was refused, the scope's further batches are passed over until the agent says HELLO again
 * (it has been told, and resumes from WELCOME), or is granted an incarnation. Whether a chain goes on,
 * or proves that two machines have one key, is for the store alone to say (admission_chain): it has the last word
 * under its locks, and makes it known to all hubs.
 */
#ifndef CTAI_HUB_SESSION_H
#define CTAI_HUB_SESSION_H

#include "wire.h"

enum {
    HUB_SESSION_CREDIT_BATCHES = 16, /* eight that are being committed together, and eight on their way */
    HUB_SESSION_CREDIT_BYTES = 8 * 1024 * 1024,
    HUB_SESSION_EFFECTS_MAX = WIRE_SCOPES_MAX + 4,
    HUB_SESSION_STRIKES_MAX = 8, /* messages that no honest agent sends: then the connection is cut */
};

typedef enum {
    HUB_SESSION_EXPECT_HELLO, /* connected, has not spoken */
    HUB_SESSION_LOADING,      /* HELLO came; the store is asked for the agent's positions */
    HUB_SESSION_OPEN,         /* WELCOME is sent */
    HUB_SESSION_FORKED,       /* two machines have its key: each message is refused (5) */
    HUB_SESSION_CLOSED,       /* refused for good; the link cuts it */
} hub_session_state;

/* A scope as the store has said, and what it has been given since. */
typedef struct {
    char scope[BATCH_SCOPE_MAX + 1];
    uint64_t incarnation, sequence, stable; /* committed */
    uint8_t hash[CRYPTO_HASH];
    uint64_t handed;                  /* highest sequence in the store's hands; sequence when there is none */
    uint8_t handed_hash[HUB_SESSION_CREDIT_BATCHES][CRYPTO_HASH]; /* of sequence + 1 .. handed, by sequence modulo */
    bool halted;                      /* a batch was refused: pass over until HELLO */
} hub_session_scope;

typedef struct {
    hub_session_state state;
    uint8_t agent[CRYPTO_PUBLIC];     /* Ed25519, of the admitted CURVE key */
    unsigned scope_count;
    hub_session_scope scopes[WIRE_SCOPES_MAX];
    uint64_t outstanding_batches, outstanding_bytes; /* handed to the store, not answered */
    bool loading;                     /* LOAD is not answered yet; in OPEN: HELLO came again */
    bool asking;                      /* ASK is not answered yet: one at a time */
    unsigned strikes;
    wire_position positions[WIRE_SCOPES_MAX]; /* of the last WELCOME: the effect points here */
} hub_session;

typedef enum {
    HUB_EVENT_MESSAGE,       /* a frame from the agent */
    HUB_EVENT_STATE,         /* the store's answer to LOAD; stored: COMMITTED (here it is), NO_RIGHT or LATER */
    HUB_EVENT_STORED,        /* the store's answer to a batch */
    HUB_EVENT_ANSWERED,      /* the store's answer to ASK; stored: COMMITTED (answer), or why not */
    HUB_EVENT_CHANGED,       /* contracts, rights or what is stable may have changed; stored: COMMITTED (here it is) or FORK */
    HUB_EVENT_REVOKED,
} hub_event_type;

/* How the store took a batch, or a question. */
typedef enum {
    HUB_STORED_COMMITTED,   /* position, ledger_position, refusals; or the answer */
    HUB_STORED_AGAIN,       /* was committed before with the same hash: acknowledge again */
    HUB_STORED_FORK,        /* two machines have the agent's key, and the database says so from now on */
    HUB_STORED_SEQUENCE,    /* not the next; of a RENEW: not the position that the hub has */
    HUB_STORED_NO_RIGHT,    /* revoked meanwhile */
    HUB_STORED_SCOPE,
    HUB_STORED_KEY,         /* another linkage key */
    HUB_STORED_INCARNATION,
    HUB_STORED_LATER,       /* passing fault: the agent shall come again */
} hub_stored;

/* What the store has of the agent in a scope of its contracts. */
typedef struct {
    wire_position position;          /* sequence 0: nothing yet; incarnation: what the hub has granted, from 1 */
    uint64_t ledger_position;        /* of the batch of that sequence; 0: nothing yet */
    uint8_t chain[CRYPTO_HASH];      /* of the scope's ledger at it */
    unsigned refusal_count;          /* records refused in batches after the one that HELLO says is acknowledged */
    const wire_record_refusal *refusals;
} hub_session_loaded;

typedef struct {
    hub_event_type type;
    text_view message;               /* MESSAGE */
    arena *scratch;                  /* MESSAGE; effects may point into it */
    unsigned scope_count;            /* STATE, CHANGED */
    const hub_session_loaded *scopes; /* STATE, CHANGED */
    unsigned contract_count;         /* STATE, CHANGED */
    wire_contract *contracts;        /* STATE, CHANGED */
    bool same_contracts;             /* CHANGED: the agent has been told of these */
    hub_stored stored;               /* STATE, CHANGED, ANSWERED; STORED, with the following */
    const char *scope;               /* STORED, ANSWERED */
    uint64_t sequence;               /* of the batch that was handed over */
    uint64_t bytes;                  /* of its message */
    bool quarantined;                /* COMMITTED: its number alone; none of its bodies could be taken */
    wire_position position;          /* COMMITTED, AGAIN: of the agent in the scope, after the commit */
    uint64_t ledger_position;        /* of the batch of that sequence */
    uint8_t chain[CRYPTO_HASH];      /* of the scope's ledger at it */
    unsigned refusal_count;
    wire_record_refusal *refusals;
    const wire_message *answer;      /* ANSWERED, COMMITTED: GRANTED, DIGESTS or LISTED */
} hub_event;

typedef enum {
    HUB_EFFECT_LOAD,    /* message (the HELLO): ask the store for the agent's positions and contracts; answer with STATE */
    HUB_EFFECT_SEND,    /* message */
    HUB_EFFECT_ACK,     /* receipt to sign, refusals: the link signs and sends ACK */
    HUB_EFFECT_STORE,   /* header, message (the batch), bytes, quarantine: hand to the store; answer with STORED */
    HUB_EFFECT_ASK,     /* message (RENEW, SURVEY or LIST): ask the store; answer with ANSWERED */
    HUB_EFFECT_CUT,     /* shut the connection, after what was sent before */
    HUB_EFFECT_ALARM,   /* reason, scope, sequence: log, and keep for status (fork, signature, malformed) */
} hub_effect_type;

typedef struct {
    hub_effect_type type;
    wire_message message;            /* LOAD, SEND, STORE (the batch as received), ASK */
    batch_header header;             /* STORE: decoded, verified; points into the frame and scratch */
    bool quarantine;                 /* STORE: of the header no more than fields 0 to 5 could be read: commit its number alone */
    uint64_t bytes;                  /* STORE: of the whole message */
    wire_receipt receipt;            /* ACK */
    unsigned refusal_count;          /* ACK */
    const wire_record_refusal *refusals;
    wire_refusal reason;             /* ALARM */
    text_view scope;                 /* ALARM: empty when it concerns none */
    uint64_t sequence;               /* ALARM: 0 likewise */
} hub_effect;

typedef struct { unsigned count; hub_effect items[HUB_SESSION_EFFECTS_MAX]; } hub_effects;

void hub_session_init(hub_session *self, const uint8_t agent[CRYPTO_PUBLIC]);
/* effects is overwritten; pointers in it live until the next step, or as long as the event's. */
void hub_session_step(hub_session *self, const hub_event *event, uint64_t now_ms, hub_effects *effects);

#endif
