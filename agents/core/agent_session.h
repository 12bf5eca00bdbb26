/*
 * agent_session: the agent's side of the conversation (PROTOCOL.md) as a pure state machine:
 * step(session, event, now) -> effects. It has no clock, socket, file, database or allocation;
 * nothing else decides on retries, acknowledgements or order.
 *
 * Always true: a batch is sent only after the outbox has told of it (QUEUED), in order of sequence
 * per scope, within the hub's credit, and under the incarnation that the hub has granted; within an
 * incarnation `acknowledged` only grows, and only by a receipt that the hub's key has signed for this
 * agent and whose hash is that of the outbox's own batch; what the outbox could not write down of it
 * is taken back (UNKEPT), as is what the hub has lost (RETRACT). At most one SEND_BATCH is under way: its answer (SENT, HELD or MISSING)
 * brings the next one, and at most one question to the hub (RENEW, SURVEY or LIST), so that the
 * effects of a step are few, however much is queued.
 *
 * A scope whose chain does not go on from the hub's position asks for an incarnation (renewal), and
 * compares what the hub holds (resync) once all that it has is acknowledged; other scopes flow on.
 *
 * Errors: a trouble that may pass or that is mended at the hub leaves the session trying (WAITING,
 * PAUSED), one that needs a person here makes it STOPPED; all show in `stop`, or for one scope alone
 * in agent_session_trouble.
 */
#ifndef CTAI_AGENT_SESSION_H
#define CTAI_AGENT_SESSION_H

#include "wire.h"

enum {
    AGENT_SESSION_EFFECTS_MAX = WIRE_SCOPES_MAX + 8,
    AGENT_SESSION_WINDOW_MAX = 32,          /* batches outstanding, whatever the credit */
    AGENT_SESSION_CONNECT_TIMEOUT_MS = 10 * 1000,
    AGENT_SESSION_ACK_TIMEOUT_MS = 10 * 1000, /* also of a WELCOME */
    AGENT_SESSION_HELLO_TRIES = 3,          /* without an answer: then a fresh connection */
    AGENT_SESSION_RETRY_MS_MIN = 250,       /* back-off, doubled up to the maximum */
    AGENT_SESSION_RETRY_MS_MAX = 60 * 1000,
    AGENT_SESSION_UNKEPT_MS = 8 * 1000,     /* the least back-off after the outbox could not write */
    AGENT_SESSION_WRONG_KEY_FAILURES = 3,   /* in a row: the hub has another key than expected */
};

typedef enum {
    AGENT_SESSION_OFFLINE,    /* nothing to say, or start not yet called */
    AGENT_SESSION_CONNECTING, /* the link tries */
    AGENT_SESSION_GREETING,   /* HELLO is sent, WELCOME awaited */
    AGENT_SESSION_FLOWING,    /* batches go out, acknowledgements come in */
    AGENT_SESSION_PAUSED,     /* connected; the hub asked for patience: HELLO again after the back-off */
    AGENT_SESSION_WAITING,    /* not connected; back-off before the next try */
    AGENT_SESSION_STOPPED,    /* needs a person; see agent_session.stop */
} agent_session_state;

/* Why a session waits or has stopped. */
typedef enum {
    AGENT_STOP_NONE,
    AGENT_STOP_UNREACHABLE,  /* no connection yet (exit 69) */
    AGENT_STOP_WRONG_HUB,    /* another key than the approval's, or broke the protocol (76) */
    AGENT_STOP_NOT_ADMITTED, /* key unknown or revoked (77) */
    AGENT_STOP_NO_RIGHT,     /* scope or linkage key refused (77) */
    AGENT_STOP_FORK,         /* the hub has seen two machines with our keys (76) */
    AGENT_STOP_PROTOCOL,     /* the hub finds our messages wrong (76) */
    AGENT_STOP_HISTORY,      /* a receipt contradicts one that we hold: the hub shows another history (76) */
} agent_stop;

/* A new incarnation of a scope. */
typedef enum {
    AGENT_RENEWAL_NONE,
    AGENT_RENEWAL_WANTED,    /* to be asked for */
    AGENT_RENEWAL_ASKED,     /* RENEW is sent */
} agent_renewal;

/* The comparison of what the hub holds in a scope. */
typedef enum {
    AGENT_RESYNC_NONE,
    AGENT_RESYNC_WANTED,     /* to be begun when nothing of the scope is under way */
    AGENT_RESYNC_SURVEYING,  /* SURVEY is sent */
    AGENT_RESYNC_LISTING,    /* bucket after bucket of those that differ */
} agent_resync;

typedef struct {
    char scope[BATCH_SCOPE_MAX + 1];
    uint64_t incarnation;
    uint64_t queued;                   /* highest sequence in the outbox */
    uint8_t queued_hash[CRYPTO_HASH];
    uint64_t acknowledged;             /* highest committed at the hub, as it has signed */
    uint64_t stable;                   /* up to here the outbox may forget, as the hub has signed */
    uint64_t committed;                /* the hub's position, by its last WELCOME or ACK; can be behind acknowledged */
    uint64_t sent;                     /* highest sent on this connection; committed..queued */
    uint64_t sent_ever;                /* highest that may have been sent, on a connection before, too */
    uint64_t window_bytes[AGENT_SESSION_WINDOW_MAX]; /* sizes of committed + 1 .. sent, by sequence modulo */
    bool unsure;                       /* the outbox, which could not be read, may hold receipts beyond `acknowledged` */
    bool welcome;                      /* the last WELCOME named it */
    bool lacks;                        /* the outbox had not a batch that the hub needs */
    agent_renewal renewal;
    uint64_t seen_incarnation, seen_sequence, seen_stable, wanted; /* in renewal: the hub's position; the incarnation asked for */
    uint8_t seen_hash[CRYPTO_HASH];
    bool refused_renewal;              /* the hub has not taken the last request */
    agent_resync resync;
    unsigned bucket;                   /* LISTING: the one asked for */
    bool has_after, has_more;          /* more: the list that is being reconciled ends before its bucket does */
    uint8_t after[RECORD_KEY];         /* LISTING: the last key listed of the bucket before */
    uint8_t last[RECORD_KEY];          /* with has_more: that of the present list */
    uint8_t differs[WIRE_BUCKETS / 8]; /* LISTING: a bit for each bucket to be listed still */
    agent_stop stop;                   /* nothing is sent for this scope alone (AGENT_STOP_NO_RIGHT) */
    wire_refusal refusal;
} agent_session_scope;

typedef struct {
    agent_session_state state;
    agent_stop stop;
    wire_refusal refusal;              /* the hub's word behind the stop, 0 when there is none */
    uint8_t agent[CRYPTO_PUBLIC], hub_sign[CRYPTO_PUBLIC]; /* Ed25519 */
    unsigned scope_count;
    agent_session_scope scopes[WIRE_SCOPES_MAX];
    uint64_t credit_batches, credit_bytes;
    uint64_t outstanding_batches, outstanding_bytes; /* sent and not committed, over all scopes */
    unsigned turn;                     /* the scope that may send next */
    bool sending;                      /* SEND_BATCH of that scope is under way */
    uint64_t held_bytes;               /* its next batch's size, when it waits for credit; else 0 */
    bool asking;                       /* a RENEW, SURVEY or LIST is not answered */
    uint64_t retry_ms;                 /* the next back-off */
    uint64_t deadline_ms;              /* when TICK means something; UINT64_MAX: never */
    uint64_t welcomed_ms;              /* when the last WELCOME came */
    unsigned hellos;                   /* sent in a row without an answer */
    unsigned restarts;                 /* times that we were told to look anew since something was committed or granted */
    unsigned no_detail_failures;
    uint64_t jitter;                   /* state of a small generator, seeded by init */
} agent_session;

typedef enum {
    AGENT_EVENT_START,      /* there is something to send, or serve has begun; tries again at once what has stopped or waits */
    AGENT_EVENT_QUEUED,     /* scope, incarnation, sequence, hash: one more batch is durable; a new scope is added */
    AGENT_EVENT_CONNECTED,  /* the CURVE handshake has succeeded */
    AGENT_EVENT_LOST,       /* the connection is gone, or could not be made */
    AGENT_EVENT_REFUSED_KEY, /* handshake: ZAP status 400 */
    AGENT_EVENT_NO_DETAIL,  /* handshake failed without detail */
    AGENT_EVENT_MESSAGE,    /* a frame has come */
    AGENT_EVENT_SENT,       /* scope, sequence, bytes: the batch asked for is on its way */
    AGENT_EVENT_HELD,       /* scope, sequence, bytes: it is larger than bytes_max, and was not sent */
    AGENT_EVENT_MISSING,    /* scope, sequence: the outbox does not have it (any more) */
    AGENT_EVENT_ADOPTED,    /* answers ADOPT: scope, incarnation, sequence, hash, acknowledged, stable, as durable now; resync is on */
    AGENT_EVENT_NOT_OURS,   /* answers ADOPT: scope: the request is not the one that we wait for; nothing is changed */
    AGENT_EVENT_COMPARED,   /* answers COMPARE: scope, differs */
    AGENT_EVENT_RECONCILED, /* answers RECONCILE: scope: durable */
    AGENT_EVENT_UNKEPT,     /* scope: a writing has failed; incarnation, sequence, hash, acknowledged, stable: what the outbox has; hash NULL: it cannot be read */
    AGENT_EVENT_TICK,       /* now has passed deadline_ms */
} agent_event_type;

typedef struct {
    agent_event_type type;
    const char *scope;            /* QUEUED, SENT, HELD, MISSING, ADOPTED, NOT_OURS, COMPARED, RECONCILED, UNKEPT */
    uint64_t incarnation;         /* QUEUED, ADOPTED, UNKEPT */
    uint64_t sequence;            /* QUEUED, ADOPTED, UNKEPT: the last in the outbox; SENT, HELD, MISSING */
    uint64_t acknowledged, stable; /* ADOPTED, UNKEPT */
    uint64_t bytes;               /* SENT, HELD: of the whole message */
    const uint8_t *hash;          /* QUEUED, ADOPTED, UNKEPT: the header's; of the granted position when nothing comes after it */
    const uint8_t *differs;       /* COMPARED: WIRE_BUCKETS bits, bucket b in byte b / 8 at bit b % 8 */
    text_view message;            /* MESSAGE: the frame's bytes */
    arena *scratch;               /* MESSAGE: for the decoding; effects may point into it */
    /*
     * MESSAGE: gives the hash of the outbox's own header of that sequence, or of the position that the present
     * incarnation was granted at (sequence 0, zeros, for the first); false: it has none (any more), or the sequence is
     * before that position.
     */
    bool (*header_hash)(void *outbox, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH]);
    /*
     * MESSAGE: gives the nearest receipt that is held in the scope, for the sequence or one before it, or (above) for one
     * after it: its sequence, position and link; false: there is none. NULL: none is held at all.
     */
    bool (*held_receipt)(void *outbox, const char *scope, uint64_t sequence, bool above, uint64_t *at, uint64_t *position,
                         uint8_t chain[CRYPTO_HASH]);
    void *outbox;
} agent_event;

typedef enum {
    AGENT_EFFECT_CONNECT,      /* connect with a fresh socket, to the next of the hub's addresses */
    AGENT_EFFECT_DISCONNECT,   /* drop the socket and what it holds; harmless when there is none */
    AGENT_EFFECT_SEND_HELLO,   /* agent_session_hello gives the message */
    AGENT_EFFECT_SEND_BATCH,   /* scope, sequence, bytes_max: load from the outbox; answer with SENT, HELD or MISSING */
    AGENT_EFFECT_ACKNOWLEDGED, /* scope, sequence, stable, receipt, refusals: write down durably; the same may come twice */
    AGENT_EFFECT_CONTRADICTED, /* scope, sequence, ledger_position, chain, receipt: evidence against the hub: write down durably */
    AGENT_EFFECT_CONTRACTS,    /* contracts: keep them */
    AGENT_EFFECT_REPORT,       /* stop, of the session or of a scope, has changed: tell people */
    AGENT_EFFECT_RETRACT,      /* scope, sequence: the hub has lost what it had acknowledged after it, if it had: write down durably before any batch is sent */
    AGENT_EFFECT_BEGIN,        /* scope, incarnation: write down durably; the scope's first batch is of it */
    AGENT_EFFECT_SEND_RENEW,   /* scope, own, at (as seen), incarnation (wanted), anew: load or make the request, write it down durably, then send */
    AGENT_EFFECT_ADOPT,        /* scope, request, at (as granted), hashes: take it durably; answer at once, before any other event, with ADOPTED or NOT_OURS */
    AGENT_EFFECT_SEND_SURVEY,  /* scope */
    AGENT_EFFECT_COMPARE,      /* scope, digests: which buckets differ? Answer with COMPARED */
    AGENT_EFFECT_SEND_LIST,    /* scope, bucket, after */
    AGENT_EFFECT_RECONCILE,    /* scope, bucket, after, more, records: write down durably what the hub holds; answer with RECONCILED */
    AGENT_EFFECT_RESYNCED,     /* scope: write down durably that the comparison is over */
} agent_effect_type;

typedef struct {
    agent_effect_type type;
    const char *scope;
    uint64_t sequence, stable, ledger_position;
    uint8_t chain[CRYPTO_HASH];   /* ACKNOWLEDGED, CONTRADICTED: of the ledger at that position */
    uint64_t bytes_max;           /* SEND_BATCH: of the whole message */
    text_view receipt;            /* its bytes, followed by the signature in receipt_signature */
    const uint8_t *receipt_signature;
    unsigned refusal_count;
    const wire_record_refusal *refusals;
    unsigned contract_count;
    const wire_contract *contracts;
    uint64_t incarnation;         /* BEGIN, SEND_RENEW */
    wire_position own, at;        /* SEND_RENEW; ADOPT: at alone */
    bool anew;                    /* SEND_RENEW: never the request of before */
    uint8_t request[WIRE_REQUEST]; /* ADOPT */
    unsigned hash_count;          /* ADOPT: of the hub's headers after the own position's `stable` */
    const uint8_t (*hashes)[CRYPTO_HASH];
    const uint8_t *digests;       /* COMPARE: WIRE_BUCKETS of WIRE_DIGEST bytes */
    unsigned bucket;              /* SEND_LIST, RECONCILE */
    const uint8_t *after;         /* SEND_LIST, RECONCILE: RECORD_KEY bytes, or NULL: from the bucket's start */
    bool more;                    /* RECONCILE: the records end before the bucket does */
    unsigned record_count;
    const wire_held *records;
} agent_effect;

typedef struct { unsigned count; agent_effect items[AGENT_SESSION_EFFECTS_MAX]; } agent_effects;

void agent_session_init(agent_session *self, const uint8_t agent[CRYPTO_PUBLIC], const uint8_t hub_sign[CRYPTO_PUBLIC], uint64_t jitter_seed);

/*
 * Tells of a scope as the outbox holds it, before START (zeros when it has no batch yet). False when
 * there are too many, the name is too long, or the numbers contradict each other.
 */
bool agent_session_add_scope(agent_session *self, const char *scope, uint64_t incarnation, uint64_t queued, const uint8_t queued_hash[CRYPTO_HASH], uint64_t acknowledged, uint64_t stable) __attribute__((warn_unused_result));

/* Before START, of a scope that was added: the comparison with the hub is not over. */
void agent_session_want_resync(agent_session *self, const char *scope);

/* effects is overwritten; pointers in it live until the next step, or as long as the event's message. */
void agent_session_step(agent_session *self, const agent_event *event, uint64_t now_ms, agent_effects *effects);

/* The HELLO of the present state; scopes holds WIRE_SCOPES_MAX. */
void agent_session_hello(const agent_session *self, wire_message *hello, wire_position *scopes);

/* Batches that the outbox holds and the hub has not acknowledged. */
uint64_t agent_session_pending(const agent_session *self);

/* Does a scope ask for an incarnation, or compare with the hub, or is it to, and may it? */
bool agent_session_settling(const agent_session *self);

/* What keeps a scope's batches from the hub: the session's stop, else the scope's own. NULL: the session, else any scope. */
agent_stop agent_session_trouble(const agent_session *self, const char *scope);

#endif
