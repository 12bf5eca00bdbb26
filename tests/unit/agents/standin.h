/*
 * standin: a hub in memory for the tests of the agent's loop: a ROUTER under CURVE on loopback, in a
 * thread, that checks batches as PROTOCOL.md says, keeps what it holds, and acknowledges. What it
 * shall do wrong is set before it starts.
 */
#ifndef CTAI_STANDIN_H
#define CTAI_STANDIN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "credential.h"
#include "wire.h"

enum { STANDIN_HELD_MAX = 20000, STANDIN_IDENTITY = 5, STANDIN_CHAIN = 256, STANDIN_LISTED = 7 };

/* A record that it holds: the batch that brought it, and what it counts. */
typedef struct {
    uint8_t key[RECORD_KEY];
    uint64_t incarnation, sequence;
    int64_t quantity;
} standin_record;

/* What it would lose with its disk. */
typedef struct {
    uint64_t incarnation, sequence, base;
    uint8_t request[WIRE_REQUEST];
    uint8_t hashes[STANDIN_CHAIN][CRYPTO_HASH]; /* by sequence */
    unsigned held_count;
    standin_record held[STANDIN_HELD_MAX];
} standin_state;

typedef struct {
    /* What it is. */
    crypto_box_pair curve;
    crypto_sign_pair sign;
    wire_contract contract;
    wire_action action;
    char address[64];
    /* What it does wrong. */
    bool silent; /* takes batches and answers nothing */
    int refuse_index; /* the body of that index of the first batch; -1: none */
    bool tells_stable;
    int loses_grants; /* grants, and the answer is lost: so often */
    /* What it has. */
    atomic_ulong batches, hellos, wrong;
    uint8_t agent[CRYPTO_PUBLIC]; /* who sent the last batch */
    standin_state has;
    atomic_uint renewals, surveys, lists;
    batch_coverage coverage; /* complete and counts alone */
    atomic_uint coverage_told;
    /* Its workings. */
    void *context, *router;
    pthread_t thread;
    atomic_bool ending;
} standin;

static inline void standin_must(bool done)
{
    if (!done)
        abort();
}

static inline standin_record *standin_find(standin *self, const uint8_t key[RECORD_KEY])
{
    for (unsigned i = 0; i < self->has.held_count; i++)
        if (memcmp(self->has.held[i].key, key, RECORD_KEY) == 0)
            return &self->has.held[i];
    return NULL;
}

static inline void standin_put(standin *self, const record *what, const batch_header *by)
{
    standin_record *to = standin_find(self, what->key);
    if (to == NULL)
        to = &self->has.held[self->has.held_count++];
    *to = (standin_record){.incarnation = by->incarnation, .sequence = by->sequence, .quantity = what->quantity};
    memcpy(to->key, what->key, RECORD_KEY);
}

static inline void standin_withdraw(standin *self, const uint8_t key[RECORD_KEY])
{
    standin_record *gone = standin_find(self, key);
    if (gone == NULL)
        self->wrong++;
    else
        *gone = self->has.held[--self->has.held_count];
}

static inline void standin_send(standin *self, const uint8_t *identity, size_t size, const wire_message *message)
{
    batch_buffer bytes;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, message);
    self->wrong += bytes.failed;
    zmq_send(self->router, identity, size, ZMQ_SNDMORE);
    zmq_send(self->router, bytes.data, bytes.size, 0);
    batch_buffer_release(&bytes);
}

static inline wire_position standin_position(standin *self)
{
    wire_position position = {.scope = self->contract.scope,
                              .incarnation = self->has.incarnation,
                              .sequence = self->has.sequence,
                              .stable = self->tells_stable ? self->has.sequence : 0};
    memcpy(position.hash, self->has.hashes[self->has.sequence], CRYPTO_HASH);
    return position;
}

static inline void standin_welcome(standin *self, const uint8_t *identity, size_t size)
{
    wire_position position = standin_position(self);
    wire_message welcome = {.type = WIRE_WELCOME};
    welcome.welcome.version = WIRE_VERSION;
    welcome.welcome.software = text_of("standin");
    welcome.welcome.credit_batches = 8;
    welcome.welcome.credit_bytes = 8 * 1024 * 1024;
    welcome.welcome.contract_count = 1;
    welcome.welcome.contracts = &self->contract;
    welcome.welcome.scope_count = 1;
    welcome.welcome.scopes = &position;
    self->hellos++;
    standin_send(self, identity, size, &welcome);
}

/* Checks and keeps a batch; false when it is wrong. */
static inline bool standin_take(standin *self, const wire_message *message, arena *memory)
{
    batch_header header;
    if (!batch_read_header(&header, memory, message->batch.header) || header.body_count != message->batch.body_count
        || !batch_verify(message->batch.signature, message->batch.header, header.agent))
        return false;
    memcpy(self->agent, header.agent, CRYPTO_PUBLIC);
    if (header.incarnation != self->has.incarnation)
        return false;
    if (header.sequence <= self->has.sequence)
        return true;
    if (header.sequence != self->has.sequence + 1
        || memcmp(header.previous, self->has.hashes[self->has.sequence], CRYPTO_HASH) != 0)
        return false;
    record before;
    for (unsigned i = 0; i < header.body_count; i++) {
        record what;
        record_reason reason;
        uint8_t hash[CRYPTO_HASH];
        batch_hash(hash, message->batch.bodies[i]);
        if (memcmp(hash, header.hashes[i], CRYPTO_HASH) != 0
            || !batch_read_body(&what, message->batch.bodies[i], &reason)
            || batch_check_body(&header, &what, i == 0 ? NULL : &before) != RECORD_OK)
            return false;
        before = what;
        if (self->refuse_index == (int)i && header.sequence == 1)
            continue;
        if (what.operation == RECORD_PUT)
            standin_put(self, &what, &header);
        else
            standin_withdraw(self, what.key);
    }
    if (header.coverage_count > 0) {
        self->coverage = header.coverage[0];
        self->coverage_told++;
    }
    standin_must(header.sequence < STANDIN_CHAIN);
    self->has.sequence = header.sequence;
    batch_hash(self->has.hashes[header.sequence], message->batch.header);
    self->batches++;
    return true;
}

static inline void standin_acknowledge(standin *self, const uint8_t *identity, size_t size,
                                       const uint8_t agent[CRYPTO_PUBLIC])
{
    wire_receipt receipt = {.position = standin_position(self), .ledger_position = self->has.sequence};
    wire_record_refusal refusal = {.sequence = 1,
                                   .index = self->refuse_index < 0 ? 0 : (uint32_t)self->refuse_index,
                                   .reason = RECORD_BAD_MONTH};
    uint8_t signature[CRYPTO_SIGNATURE];
    batch_buffer bytes;
    batch_buffer_init(&bytes, WIRE_RECEIPT_MAX);
    memcpy(receipt.agent, agent, CRYPTO_PUBLIC);
    wire_write_receipt(&bytes, &receipt);
    crypto_sign_with(signature, bytes.data, bytes.size, &self->sign);
    wire_message ack = {.type = WIRE_ACK};
    ack.ack.receipt = (text_view){(const char *)bytes.data, bytes.size};
    ack.ack.signature = signature;
    ack.ack.refusal_count = self->refuse_index >= 0 && self->has.sequence == 1 ? 1 : 0;
    ack.ack.refusals = &refusal;
    standin_send(self, identity, size, &ack);
    batch_buffer_release(&bytes);
}

static inline void standin_renew(standin *self, const uint8_t *identity, size_t size, const wire_message *renew)
{
    standin_state *has = &self->has;
    wire_message granted = {.type = WIRE_GRANTED};
    const wire_position *seen = &renew->renew.seen;
    self->renewals++;
    if (memcmp(has->request, renew->renew.request, WIRE_REQUEST) != 0 || has->sequence != has->base) {
        self->wrong += seen->sequence != has->sequence || seen->incarnation != has->incarnation
            || memcmp(seen->hash, has->hashes[has->sequence], CRYPTO_HASH) != 0
            || renew->renew.incarnation <= has->incarnation;
        has->incarnation = renew->renew.incarnation;
        has->base = has->sequence;
        memcpy(has->request, renew->renew.request, WIRE_REQUEST);
    }
    if (self->loses_grants-- > 0)
        return;
    uint64_t last = renew->renew.own.sequence < has->sequence ? renew->renew.own.sequence : has->sequence;
    uint64_t first = renew->renew.own.stable;
    memcpy(granted.granted.request, has->request, WIRE_REQUEST);
    granted.granted.position = standin_position(self);
    granted.granted.hash_count = last > first ? (unsigned)(last - first) : 0;
    granted.granted.hashes = (const uint8_t(*)[CRYPTO_HASH])(has->hashes + first + 1);
    standin_send(self, identity, size, &granted);
}

static inline wire_held standin_held(const standin *self, const standin_record *from)
{
    wire_held what = {.contract = self->contract.id, .incarnation = from->incarnation, .sequence = from->sequence};
    memcpy(what.key, from->key, RECORD_KEY);
    return what;
}

static inline void standin_survey(standin *self, const uint8_t *identity, size_t size)
{
    static uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST];
    wire_message answer = {.type = WIRE_DIGESTS};
    memset(digests, 0, sizeof digests);
    for (unsigned i = 0; i < self->has.held_count; i++) {
        wire_held what = standin_held(self, &self->has.held[i]);
        wire_digest_toggle(digests + what.key[0] * WIRE_DIGEST, &what);
    }
    answer.digests.scope = self->contract.scope;
    answer.digests.incarnation = self->has.incarnation;
    answer.digests.sequence = self->has.sequence;
    answer.digests.digests = digests;
    self->surveys++;
    standin_send(self, identity, size, &answer);
}

static inline int standin_order(const void *a, const void *b)
{
    return memcmp(a, b, RECORD_KEY);
}

static inline void standin_list(standin *self, const uint8_t *identity, size_t size, const wire_message *list)
{
    static wire_held records[STANDIN_HELD_MAX];
    unsigned count = 0;
    wire_message answer = {.type = WIRE_LISTED};
    for (unsigned i = 0; i < self->has.held_count; i++)
        if (self->has.held[i].key[0] == list->list.bucket
            && (list->list.after == NULL || memcmp(self->has.held[i].key, list->list.after, RECORD_KEY) > 0))
            records[count++] = standin_held(self, &self->has.held[i]);
    qsort(records, count, sizeof *records, standin_order);
    answer.listed.scope = self->contract.scope;
    answer.listed.incarnation = self->has.incarnation;
    answer.listed.sequence = self->has.sequence;
    answer.listed.bucket = list->list.bucket;
    answer.listed.after = list->list.after;
    answer.listed.more = count > STANDIN_LISTED;
    answer.listed.record_count = count > STANDIN_LISTED ? STANDIN_LISTED : count;
    answer.listed.records = records;
    self->lists++;
    standin_send(self, identity, size, &answer);
}

static inline void standin_hear(standin *self, const uint8_t *identity, size_t size, text_view frame)
{
    arena *memory = arena_new(256 * 1024 * 1024);
    wire_message message;
    if (!wire_read(&message, memory, frame))
        self->wrong++;
    else if (message.type == WIRE_HELLO) {
        standin_welcome(self, identity, size);
        /* An acknowledgement may have been lost with the last connection. */
        bool owed = message.hello.scope_count == 0 ? self->has.sequence > 0
                                                   : message.hello.scopes[0].stable < self->has.sequence;
        if (owed)
            standin_acknowledge(self, identity, size, self->agent);
    } else if (self->silent) {
        self->wrong += message.type != WIRE_BATCH;
    } else if (message.type == WIRE_RENEW) {
        standin_renew(self, identity, size, &message);
    } else if (message.type == WIRE_SURVEY) {
        standin_survey(self, identity, size);
    } else if (message.type == WIRE_LIST) {
        standin_list(self, identity, size, &message);
    } else if (message.type != WIRE_BATCH || !standin_take(self, &message, memory)) {
        self->wrong++;
    } else {
        standin_acknowledge(self, identity, size, self->agent);
    }
    arena_destroy(&memory);
}

static inline void *standin_run(void *data)
{
    standin *self = data;
    while (!self->ending) {
        uint8_t identity[64];
        zmq_msg_t frame;
        int size = zmq_recv(self->router, identity, sizeof identity, 0);
        if (size < 0)
            continue; /* the timeout: look whether to end */
        zmq_msg_init(&frame);
        zmq_msg_recv(&frame, self->router, 0);
        standin_hear(self, identity, (size_t)size, (text_view){zmq_msg_data(&frame), zmq_msg_size(&frame)});
        zmq_msg_close(&frame);
    }
    return NULL;
}

/* A hub with new keys and one contract, "63-essai" of scope 63, action axe1, of the year 2024. */
static inline void standin_init(standin *self)
{
    memset(self, 0, sizeof *self);
    self->refuse_index = -1;
    self->has.incarnation = 1;
    crypto_box_new(&self->curve);
    crypto_sign_new(&self->sign);
    self->action = (wire_action){.code = text_of("axe1"), .title = text_of("Accompagnement"), .allowed = true};
    self->contract = (wire_contract){.id = text_of("63-essai"),
                                     .title = text_of("Contrat d’essai"),
                                     .scope = text_of("63"),
                                     .first_day = civil_from(2024, 1, 1),
                                     .last_day = civil_from(2024, 12, 31),
                                     .action_count = 1,
                                     .actions = &self->action};
}

static inline void standin_start(standin *self)
{
    int server = 1, timeout_ms = 50, linger = 0;
    size_t size = sizeof self->address;
    self->ending = false;
    self->context = zmq_ctx_new();
    self->router = zmq_socket(self->context, ZMQ_ROUTER);
    zmq_setsockopt(self->router, ZMQ_CURVE_SERVER, &server, sizeof server);
    zmq_setsockopt(self->router, ZMQ_CURVE_SECRETKEY, self->curve.secret_key, CRYPTO_SECRET);
    zmq_setsockopt(self->router, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
    zmq_setsockopt(self->router, ZMQ_LINGER, &linger, sizeof linger);
    standin_must(zmq_bind(self->router, self->address[0] == '\0' ? "tcp://127.0.0.1:*" : self->address) == 0);
    standin_must(zmq_getsockopt(self->router, ZMQ_LAST_ENDPOINT, self->address, &size) == 0);
    standin_must(pthread_create(&self->thread, NULL, standin_run, self) == 0);
}

static inline void standin_stop(standin *self)
{
    self->ending = true;
    pthread_join(self->thread, NULL);
    zmq_close(self->router);
    zmq_ctx_term(self->context);
}

/* The approval that this hub would give. */
static inline void standin_approve(standin *self, const credential_identity *agent, batch_buffer *file)
{
    credential_approval approval = {.address_count = 1,
                                    .addresses = {text_of(self->address)},
                                    .agent = *agent,
                                    .contract_count = 1,
                                    .contracts = &self->contract};
    memcpy(approval.hub_curve, self->curve.public_key, CRYPTO_PUBLIC);
    memcpy(approval.hub_sign, self->sign.public_key, CRYPTO_PUBLIC);
    batch_buffer_init(file, CREDENTIAL_FILE_MAX);
    credential_write_approval(file, &approval, &self->sign);
    standin_must(!file->failed);
}

#endif
