/*
 * outbox: the agent's durable memory, and the owner of SQLite: the batches that it has signed, what
 * the hub holds of it, what the hub has acknowledged and refused, the contracts as last told. One
 * file of the home, one process, one connection, synchronous to the disk.
 *
 * Always true: a batch is here before it is first sent, and stays until the hub has called it
 * stable (under the number that it has by the last incarnation granted); what a push adds is there wholly or not at all; sequence numbers have no gap. Nothing in
 * it tells a name, a birth date, a foreigner's number or a local number.
 *
 * Each function leaves the memory unchanged when it fails. Between begin and commit one failed write
 * makes commit fail: write on, test once at the end. DAMAGED is told once in the log; the program
 * shall stop.
 *
 * The storage beneath is SQLite's VFS: a test or a simulator names another one in open (a disk that
 * fills, fails or forgets).
 */
#ifndef CTAI_OUTBOX_H
#define CTAI_OUTBOX_H

#include "batch.h"
#include "difference.h"
#include "wire.h"

enum {
    OUTBOX_PAGE_ENTRIES = 1000, /* of what the hub holds, in one row of the database */
    OUTBOX_BODIES_MAX = 1024 * 1024, /* bytes of a batch's bodies: a message stays far below WIRE_MESSAGE_MAX */
    OUTBOX_VALUE_MAX = 512 * 1024 * 1024, /* bytes of a value or of a contract's contributions */
    OUTBOX_REFUSALS_MAX = 50 * 1000, /* that are kept, in a scope: about that many of the newest */
};

typedef struct outbox outbox;

typedef enum {
    OUTBOX_OK = 0,
    OUTBOX_ABSENT, /* there is no such thing (a batch, a value, a further entry) */
    OUTBOX_CANNOT_WRITE, /* disk or quota full, read-only, or the disk fails; nothing of it is left */
    OUTBOX_CANNOT_OPEN, /* the file cannot be opened or made */
    OUTBOX_LOOSE, /* the file's mode gives others a right */
    OUTBOX_IN_USE, /* another process has it */
    OUTBOX_DAMAGED, /* its content is not what we wrote */
    OUTBOX_NEWER, /* made by a later version of the program */
    OUTBOX_NO_MEMORY,
} outbox_error;

/* What is known of a scope. Before its first batch: incarnation 1, all else 0. */
typedef struct {
    char scope[BATCH_SCOPE_MAX + 1];
    uint64_t incarnation;
    uint64_t queued; /* the last sequence */
    uint8_t queued_hash[CRYPTO_HASH]; /* of its header */
    uint64_t acknowledged, stable; /* sequences */
    uint64_t ledger_position; /* of the last acknowledgement */
    uint64_t records_queued; /* since ever, withdrawals included */
    uint64_t records_acknowledged; /* of these */
    uint64_t base_sequence; /* where the present incarnation was granted; 0: it is the first */
    uint8_t base_hash[CRYPTO_HASH];
    bool resync; /* what the hub holds is still to be compared with `held` */
} outbox_scope;

/* The hub's signed word. */
typedef struct {
    const char *scope;
    uint64_t sequence, stable, ledger_position;
    text_view receipt;
    const uint8_t *signature; /* CRYPTO_SIGNATURE bytes */
    const uint8_t *chain; /* CRYPTO_HASH bytes: of the ledger at that position; NULL: the receipt is no evidence */
    unsigned refusal_count;
    const wire_record_refusal *refusals;
} outbox_receipt;

/* What an acknowledgement has moved. */
typedef struct {
    uint64_t records; /* newly committed at the hub, refused ones included */
    uint64_t refused; /* of these */
    uint64_t reasons[RECORD_REASON_COUNT];
} outbox_tally;

/* path: of the file, made with mode 0600 when it is not there; vfs: NULL for the system's disk. */
outbox_error outbox_open(outbox **self, const char *path, const char *vfs) __attribute__((warn_unused_result));
/* An open transaction is rolled back. Harmless on NULL. */
void outbox_close(outbox **self);

/* One transaction at a time. Every function that says "within a transaction" asserts that there is one. */
outbox_error outbox_begin(outbox *self) __attribute__((warn_unused_result));
outbox_error outbox_commit(outbox *self) __attribute__((warn_unused_result));
void outbox_rollback(outbox *self);
/* Within a transaction: makes its commit fail with that error, for a caller that cannot go on. */
void outbox_spoil(outbox *self, outbox_error error);

outbox_error outbox_scope_load(outbox *self, text_view scope, outbox_scope *to) __attribute__((warn_unused_result));
/* All scopes that have a batch, at most capacity, in the order of their names. */
outbox_error outbox_scopes(outbox *self, outbox_scope *to, unsigned capacity, unsigned *count)
    __attribute__((warn_unused_result));

/*
 * Within a transaction: adds the scope's next batch. bodies: packed by outbox_pack; record_count of
 * them. The sequence must be the next one (asserted).
 */
outbox_error outbox_append(outbox *self, text_view scope, uint64_t sequence, text_view header,
                           const uint8_t signature[CRYPTO_SIGNATURE], text_view bodies, unsigned record_count);
/* Appends one body to a packed blob. */
void outbox_pack(batch_buffer *packed, text_view body);

/* The BATCH message of that sequence, appended to a cleared buffer. ABSENT when it is gone or never was. */
outbox_error outbox_message(outbox *self, const char *scope, uint64_t sequence, batch_buffer *message)
    __attribute__((warn_unused_result));
/*
 * The hash of its header, or of the position at which the present incarnation was granted (0: zeros). ABSENT before
 * that position, after the last batch, and when nothing here tells it any more.
 */
outbox_error outbox_header_hash(outbox *self, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
    __attribute__((warn_unused_result));

/*
 * Within a transaction: writes a receipt down, keeps the refusals, forgets what is stable. A record
 * that was refused counts as held with a content of zeros, so that the next export tells it again; a closing that was
 * refused is written down by itself (OUTBOX_CLOSING), and is not in the tally.
 * The tally is added to, not overwritten.
 */
outbox_error outbox_acknowledge(outbox *self, const outbox_receipt *receipt, outbox_tally *tally);

/* --- a new incarnation (PROTOCOL.md, "Incarnations"), in outbox_renew.c --- */

/* Within a transaction: the scope's first batch will be of that incarnation; nothing when it has one. */
outbox_error outbox_begin_scope(outbox *self, text_view scope, uint64_t incarnation);

/*
 * Within a transaction: the request for an incarnation, written down: that of before when it was made for the same
 * position of the hub (then *wanted becomes what it asked for), unless anew; else a new one.
 */
outbox_error outbox_request(outbox *self, const wire_position *seen, bool anew, uint64_t *wanted,
                            uint8_t request[WIRE_REQUEST]);

/* What the hub has granted. */
typedef struct {
    const uint8_t *request; /* WIRE_REQUEST bytes */
    wire_position at;
    unsigned hash_count;
    const uint8_t (*hashes)[CRYPTO_HASH]; /* of its headers after our `acknowledged` */
} outbox_grant;

/*
 * Within a transaction: takes a granted incarnation: batches that are not at the hub are signed anew after the granted
 * position, their bodies unchanged; the scope is to be compared; *to is the scope as it then is. ABSENT, and nothing
 * changed: the request is not the one written down. seconds: now, since 1970, for the note to people.
 */
outbox_error outbox_adopt(outbox *self, const crypto_sign_pair *sign, const outbox_grant *grant, uint64_t seconds,
                          outbox_scope *to);

/* --- batches that wait under a wrong linkage key, in outbox_rekey.c --- */

/* Does a batch that waits name another key of that epoch, which the hub therefore never takes? */
outbox_error outbox_misnamed(outbox *self, text_view scope, const batch_key *right, bool *found)
    __attribute__((warn_unused_result));
/*
 * Within a transaction, with no session under way: takes the records with tokens out of these batches (the next export
 * tells them anew) and signs the batches anew with what comes after them. *batches: of those.
 */
outbox_error outbox_rekey(outbox *self, const crypto_sign_pair *sign, text_view scope, const batch_key *right,
                          uint64_t *batches);

/* --- what the hub holds, compared, in outbox_compare.c --- */

/*
 * Which buckets' digests differ from those of what is held in the scope? differs: WIRE_BUCKETS bits, bucket b in byte
 * b / 8 at bit b % 8. ABSENT: the digests do not stand for the scope's last batch, acknowledged.
 */
outbox_error outbox_compare(outbox *self, text_view scope, uint64_t incarnation, uint64_t sequence,
                            const uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST], uint8_t differs[WIRE_BUCKETS / 8])
    __attribute__((warn_unused_result));

/* A part of a bucket as the hub has listed it: from after (NULL: its start) to its end, or with more to the last record. */
typedef struct {
    text_view scope;
    uint64_t incarnation, sequence;
    unsigned bucket;
    const uint8_t *after;
    bool more;
    unsigned record_count;
    const wire_held *records;
} outbox_listing;

/*
 * Within a transaction: `held` becomes what was listed; what differed gets a content of zeros, so that the next export
 * tells or withdraws it. ABSENT, and nothing changed, as above.
 */
outbox_error outbox_reconcile(outbox *self, const outbox_listing *listing);

/* Within a transaction: the comparison is over. When nothing differed, people need do nothing: their note goes. */
outbox_error outbox_resynced(outbox *self, text_view scope);

/* --- what people should know of a contract until its next complete export, in outbox_note.c --- */

typedef enum {
    OUTBOX_NOTE_NONE,
    OUTBOX_NOTE_RESTORED, /* the hub had more of us than we knew */
    OUTBOX_NOTE_HUB_LOST, /* the hub had lost what it had confirmed */
    OUTBOX_NOTE_NEW, /* nothing was known here of what the hub has of us */
} outbox_note_kind;

typedef struct {
    text_view scope, contract;
    outbox_note_kind kind;
    uint64_t seconds; /* since 1970 */
    bool compared; /* an export made now makes all good; else the comparison with the hub is still to come */
} outbox_note;

/* One call for each contract with a note; views live during the call. */
outbox_error outbox_notes(outbox *self, void (*tell)(void *data, const outbox_note *note), void *data)
    __attribute__((warn_unused_result));
/* Within a transaction: a complete export of the contract is queued. The note goes, if the scope has been compared. */
outbox_error outbox_note_answered(outbox *self, text_view scope, text_view contract);

/* Outside of a transaction: gives the room of forgotten batches back to the disk, when there is much of it. */
void outbox_shrink(outbox *self);

/*
 * Within a transaction: the hub has lost what it had acknowledged after that sequence: receipts and refusals beyond it
 * count no more, and what comes for those batches again does. The tally is taken back as far as it goes.
 */
outbox_error outbox_retract(outbox *self, const char *scope, uint64_t sequence, outbox_tally *tally);

/* Records that are queued and not acknowledged, of all scopes. */
outbox_error outbox_pending(outbox *self, uint64_t *records) __attribute__((warn_unused_result));

/* Refused records, one call for each scope, contract and reason; views live during the call. */
typedef struct {
    text_view scope, contract; /* contract is empty when the body could not be read any more */
    record_reason reason;
    uint64_t records;
} outbox_refusal;
outbox_error outbox_refusals(outbox *self, void (*tell)(void *data, const outbox_refusal *refusal), void *data)
    __attribute__((warn_unused_result));
/* Is any record of the contract refused? */
outbox_error outbox_has_refusals(outbox *self, text_view contract, bool *has) __attribute__((warn_unused_result));
/* Within a transaction: that record is being told anew or withdrawn: its refusal is past. */
outbox_error outbox_forget_refusal(outbox *self, text_view contract, const uint8_t key[RECORD_KEY]);

/* What the hub holds of us in a contract, in ascending order of the keys. */
typedef struct outbox_held outbox_held;
outbox_error outbox_held_open(outbox *self, text_view contract, outbox_held **held)
    __attribute__((warn_unused_result));
/* The next entry; it lives until the call after. ABSENT at the end. */
outbox_error outbox_held_next(outbox_held *held, const difference_entry **entry)
    __attribute__((warn_unused_result));
void outbox_held_close(outbox_held **held);

/* One entry of it by its key; ABSENT when the hub holds none. */
outbox_error outbox_held_find(outbox *self, text_view contract, const uint8_t key[RECORD_KEY], difference_entry *entry)
    __attribute__((warn_unused_result));
/* Within a transaction: adds that entry to what is held, or puts it in the place of the one of its key. */
outbox_error outbox_held_put(outbox *self, text_view scope, text_view contract, const difference_entry *entry);

/* Within a transaction: writes all of it anew, in ascending order; what was held before goes at finish. */
typedef struct outbox_keep outbox_keep;
outbox_error outbox_keep_open(outbox *self, text_view scope, text_view contract, outbox_keep **keep)
    __attribute__((warn_unused_result));
void outbox_keep_add(outbox_keep *keep, const difference_entry *entry);
/* Ends it in either case and nulls it; a failure sticks to the transaction. */
outbox_error outbox_keep_finish(outbox_keep **keep);

/* --- erasure, in outbox_erase.c --- */

/* A contract of which the scope has or had something. */
typedef struct {
    char scope[BATCH_SCOPE_MAX + 1], contract[RECORD_NAME_MAX + 1];
} outbox_place;
/* All of them; *places is freed by the caller, NULL when there is none. */
outbox_error outbox_places(outbox *self, outbox_place **places, size_t *count) __attribute__((warn_unused_result));

/*
 * Within a transaction: the bodies of those keys (ascending) become absent in all batches of the scope; headers,
 * hashes and signatures stay. *erased is added to.
 */
outbox_error outbox_erase_bodies(outbox *self, text_view scope, const uint8_t (*keys)[RECORD_KEY], size_t count,
                                 uint64_t *erased);
/* Within a transaction: those keys (ascending) are held no more (written anew), and their refusals are past. *dropped is added to. */
outbox_error outbox_erase_held(outbox *self, const outbox_place *of, const uint8_t (*keys)[RECORD_KEY], size_t count,
                               uint64_t *dropped);

/* Keys of a contract that were refused for that reason, one call for each; key lives during the call. */
outbox_error outbox_refused(outbox *self, text_view contract, record_reason reason,
                            void (*tell)(void *data, const uint8_t key[RECORD_KEY]), void *data)
    __attribute__((warn_unused_result));

/* The value, by contract, that tells which coverage was told last: forgotten when the hub may not have it. */
#define OUTBOX_COVERAGE "couverture"

/* The value, by scope, that tells of the last closing of an epoch (closing.h): its number and the hub's reason against it. */
#define OUTBOX_CLOSING "cloture"

/*
 * Values by name: what other modules keep here in a form of their own. set is within a transaction;
 * get appends to a cleared buffer; ABSENT when there is none.
 */
outbox_error outbox_set(outbox *self, const char *name, text_view of, text_view value);
outbox_error outbox_get(outbox *self, const char *name, text_view of, batch_buffer *value)
    __attribute__((warn_unused_result));

/* A value that is read or written in pieces where it lies. Closed before the outbox is. */
typedef struct outbox_blob outbox_blob;
outbox_error outbox_blob_open(outbox *self, const char *name, text_view of, outbox_blob **blob, size_t *size)
    __attribute__((warn_unused_result));
/* Within a transaction: sets a value of that many zeros, to be written; closed before its end. */
outbox_error outbox_blob_make(outbox *self, const char *name, text_view of, size_t size, outbox_blob **blob)
    __attribute__((warn_unused_result));
/* Bytes within the size. *expired: the value was set anew since, and must be opened again. */
outbox_error outbox_blob_read(outbox_blob *self, size_t at, void *to, size_t size, bool *expired)
    __attribute__((warn_unused_result));
outbox_error outbox_blob_write(outbox_blob *self, size_t at, const void *from, size_t size) __attribute__((warn_unused_result));
void outbox_blob_close(outbox_blob **self);

/* The contracts as the hub last told them; none: count 0. Set is within a transaction. */
outbox_error outbox_set_contracts(outbox *self, const wire_contract *contracts, unsigned count);
outbox_error outbox_contracts(outbox *self, arena *from, wire_contract **contracts, unsigned *count)
    __attribute__((warn_unused_result));

/* For people, in French: what is the matter and what to do. */
const char *outbox_error_text(outbox_error error);

/* SQLite's: "3.40.1". */
const char *outbox_version(void);

#endif
