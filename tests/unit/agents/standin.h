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

enum { STANDIN_HELD_MAX = 20000, STANDIN_IDENTITY = 5 };

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
    /* What it has. */
    atomic_ulong batches, hellos, wrong;
    uint8_t agent[CRYPTO_PUBLIC]; /* who sent the last batch */
    uint64_t sequence;
    uint8_t hash[CRYPTO_HASH];
    unsigned held_count;
    uint8_t held[STANDIN_HELD_MAX][RECORD_KEY];
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

static inline void standin_put(standin *self, const uint8_t key[RECORD_KEY])
{
    for (unsigned i = 0; i < self->held_count; i++)
        if (memcmp(self->held[i], key, RECORD_KEY) == 0)
            return;
    memcpy(self->held[self->held_count++], key, RECORD_KEY);
}

static inline void standin_withdraw(standin *self, const uint8_t key[RECORD_KEY])
{
    for (unsigned i = 0; i < self->held_count; i++)
        if (memcmp(self->held[i], key, RECORD_KEY) == 0) {
            memcpy(self->held[i], self->held[--self->held_count], RECORD_KEY);
            return;
        }
    self->wrong++;
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
                              .incarnation = 1,
                              .sequence = self->sequence,
                              .stable = self->tells_stable ? self->sequence : 0};
    memcpy(position.hash, self->hash, CRYPTO_HASH);
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
    if (header.sequence <= self->sequence)
        return true;
    if (header.sequence != self->sequence + 1 || memcmp(header.previous, self->hash, CRYPTO_HASH) != 0)
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
            standin_put(self, what.key);
        else
            standin_withdraw(self, what.key);
    }
    if (header.coverage_count > 0) {
        self->coverage = header.coverage[0];
        self->coverage_told++;
    }
    self->sequence = header.sequence;
    batch_hash(self->hash, message->batch.header);
    self->batches++;
    return true;
}

static inline void standin_acknowledge(standin *self, const uint8_t *identity, size_t size,
                                       const uint8_t agent[CRYPTO_PUBLIC])
{
    wire_receipt receipt = {.position = standin_position(self), .ledger_position = self->sequence};
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
    ack.ack.refusal_count = self->refuse_index >= 0 && self->sequence == 1 ? 1 : 0;
    ack.ack.refusals = &refusal;
    standin_send(self, identity, size, &ack);
    batch_buffer_release(&bytes);
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
        if (message.hello.scope_count > 0 && message.hello.scopes[0].stable < self->sequence)
            standin_acknowledge(self, identity, size, self->agent);
    } else if (message.type != WIRE_BATCH || self->silent)
        self->wrong += message.type != WIRE_BATCH;
    else if (!standin_take(self, &message, memory))
        self->wrong++;
    else
        standin_acknowledge(self, identity, size, self->agent);
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
