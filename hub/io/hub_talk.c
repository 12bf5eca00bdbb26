/* hub_talk: see the header. Errors: whoever says something impossible is cut; short memory cuts too. */
#include "hub_talk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "logline.h"

/* A ROUTER's own ids: a zero, then four bytes. Others were chosen by the peer, and are not taken. */
enum { ROUTING_ID_BYTES = 5, RECHECK_MS = 2000 };

/* The message is done with: there is room for another. */
static void dispose(hub_talk *self, parcel *message)
{
    if (message->connection)
        sluice_done(self->network, message->connection, zmq_msg_size(&message->frame));
    parcel_give(&self->pool, message);
}

bool hub_talk_init(hub_talk *self, void *router, sluice *network, const hub_link_options *options)
{
    *self = (hub_talk) { .router = router, .network = network, .keys = options->keys, .who = options->who };
    batch_buffer_init(&self->message, WIRE_MESSAGE_MAX);
    batch_buffer_init(&self->receipt, WIRE_RECEIPT_MAX);
    batch_buffer_init(&self->contracts, WIRE_MESSAGE_MAX);
    self->answers = job_queue_new();
    self->peers = peer_table_new(network);
    if (!self->answers || !self->peers)
        return false;
    assert(options->writers >= 1 && options->writers <= HUB_CONF_WRITERS_MAX);
    for (; self->writer_count < options->writers; self->writer_count++) {
        self->writers[self->writer_count] = writer_new(options->store, self->answers);
        if (!self->writers[self->writer_count])
            return false;
    }
    return true;
}

void hub_talk_release(hub_talk *self)
{
    for (unsigned i = 0; i < self->writer_count; i++)
        writer_destroy(&self->writers[i]);
    self->writer_count = 0;
    if (self->answers) {
        job *list = job_queue_take(self->answers);
        while (list) {
            job *next = list->next;
            dispose(self, (parcel *) list);
            list = next;
        }
    }
    job_queue_destroy(&self->answers);
    peer_table_destroy(&self->peers);
    parcel_pool_release(&self->pool);
    batch_buffer_release(&self->message);
    batch_buffer_release(&self->receipt);
    batch_buffer_release(&self->contracts);
}

/* All jobs of an agent go to one writer: its key is as good as random. */
static void give(hub_talk *self, const peer *from, parcel *what)
{
    what->job.session = from->number;
    memcpy(what->job.agent, from->session.agent, CRYPTO_PUBLIC);
    writer_give(self->writers[from->session.agent[0] % self->writer_count], &what->job);
}

static void send_message(hub_talk *self, peer *to, const wire_message *message, uint64_t now_ms)
{
    unsigned char id[ROUTING_ID_BYTES] = {0};
    memcpy(id + 1, &to->routing, sizeof to->routing);
    batch_buffer_clear(&self->message);
    wire_write(&self->message, message);
    if (self->message.failed) {
        logline(LOGLINE_ERROR, "agent %s: a message of type %d cannot be written", to->name,
                (int) message->type);
        peer_leave(to, now_ms);
        return;
    }
    /* It is gone, or does not read what it is sent: it comes again when it can. */
    if (!sluice_sends(self->network, to->connection, self->message.size)
        || zmq_send(self->router, id, sizeof id, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0
        || zmq_send(self->router, self->message.data, self->message.size, ZMQ_DONTWAIT) < 0)
        peer_leave(to, now_ms);
}

static void acknowledge(hub_talk *self, peer *to, const hub_effect *effect, uint64_t now_ms)
{
    uint8_t signature[CRYPTO_SIGNATURE];
    batch_buffer_clear(&self->receipt);
    wire_write_receipt(&self->receipt, &effect->receipt);
    if (self->receipt.failed) {
        logline(LOGLINE_ERROR, "agent %s: a receipt cannot be written", to->name);
        peer_leave(to, now_ms);
        return;
    }
    crypto_sign_with(signature, self->receipt.data, self->receipt.size, &self->keys->sign);
    wire_message message = { .type = WIRE_ACK };
    message.ack.receipt = (text_view) { (const char *) self->receipt.data, self->receipt.size };
    message.ack.signature = signature;
    message.ack.refusal_count = effect->refusal_count;
    message.ack.refusals = effect->refusals;
    send_message(self, to, &message, now_ms);
}

static void raise_alarm(hub_talk *self, const peer *of, const hub_effect *effect)
{
    logline(LOGLINE_WARNING, "agent %s: alarm: refusal %d, scope %.*s, sequence %llu", of->name,
            (int) effect->reason,
            (int) effect->scope.size, effect->scope.size
                ? effect->scope.at : "", (unsigned long long) effect->sequence);
    parcel *note = self->writer_count ? parcel_take(&self->pool) : NULL;
    if (!note)
        return; /* memory is short, or the writers have ended: it is in the log */
    note->job.type = JOB_ALARM;
    note->job.alarm.reason = effect->reason;
    note->job.alarm.sequence = effect->sequence;
    text_copy(note->job.alarm.scope, sizeof note->job.alarm.scope, effect->scope);
    give(self, of, note);
}

/* The message and what was read of it, to the agent's writer. */
static void hand_over(hub_talk *self, const peer *from, parcel *message, const hub_effect *effect)
{
    job *what = &message->job;
    what->type = effect->type == HUB_EFFECT_LOAD ? JOB_LOAD : effect->type == HUB_EFFECT_ASK ? JOB_ASK : JOB_STORE;
    what->message = effect->message;
    what->header = effect->header;
    what->quarantine = effect->quarantine;
    what->bytes = effect->bytes;
    what->frame = (text_view) { zmq_msg_data(&message->frame), zmq_msg_size(&message->frame) };
    give(self, from, message);
}

/* Asks the store what has become of the agent's contracts. False: short of memory. */
static bool ask_contracts(hub_talk *self, const peer *of)
{
    parcel *ask = parcel_take(&self->pool);
    if (!ask)
        return false;
    ask->job.type = JOB_CONTRACTS;
    give(self, of, ask);
    return true;
}

/*
 * The agent holds a contract of which the hub knows nothing. What it was told is void, and it is told again: the right
 * may be back by now, and then no change would follow. Once: further refusals wait for the same word.
 */
static void tell_again(hub_talk *self, peer *who, uint64_t now_ms)
{
    static const uint8_t nothing[CRYPTO_HASH];
    if (memcmp(who->contracts, nothing, sizeof nothing) == 0 || !self->writer_count)
        return;
    memset(who->contracts, 0, sizeof who->contracts);
    if (!ask_contracts(self, who))
        self->recheck_ms = now_ms + RECHECK_MS;
}

/* Carries out self->effects. A LOAD, STORE or ASK takes the parcel of the message and nulls the pointer. */
static void carry_out(hub_talk *self, peer *who, parcel **message, uint64_t now_ms)
{
    for (unsigned i = 0; i < self->effects.count; i++) {
        const hub_effect *effect = &self->effects.items[i];
        switch (effect->type) {
        case HUB_EFFECT_LOAD:
        case HUB_EFFECT_STORE:
        case HUB_EFFECT_ASK:
            assert(message && *message);
            hand_over(self, who, *message, effect);
            *message = NULL;
            break;
        case HUB_EFFECT_SEND:
            send_message(self, who, &effect->message, now_ms);
            if (effect->message.type == WIRE_REFUSED && effect->message.refused.reason == WIRE_REFUSAL_SCOPE)
                tell_again(self, who, now_ms);
            break;
        case HUB_EFFECT_ACK:
            acknowledge(self, who, effect, now_ms);
            break;
        case HUB_EFFECT_CUT:
            logline(LOGLINE_NOTICE, "agent %s: connection %llu is cut", who->name,
                    (unsigned long long) who->number);
            peer_leave(who, now_ms);
            break;
        case HUB_EFFECT_ALARM:
            raise_alarm(self, who, effect);
            break;
        }
    }
}

static void step(hub_talk *self, peer *who, const hub_event *event, parcel **message, uint64_t now_ms)
{
    hub_session_step(&who->session, event, now_ms, &self->effects);
    carry_out(self, who, message, now_ms);
}

static void revoke(hub_talk *self, peer *who, uint64_t now_ms)
{
    if (who->leaving)
        return;
    logline(LOGLINE_NOTICE, "agent %s: not admitted any more", who->name);
    hub_event event = { .type = HUB_EVENT_REVOKED };
    step(self, who, &event, NULL, now_ms);
    peer_leave(who, now_ms);
}

/* Whose message is it? By the ZAP User-Id of the payload frame: our CURVE key in hexadecimal. */
static bool sender(const zmq_msg_t *frame, uint8_t curve[CRYPTO_PUBLIC])
{
    const char *user = zmq_msg_gets(frame, "User-Id");
    if (!user || strlen(user) != 2 * CRYPTO_PUBLIC)
        return false;
    for (size_t i = 0; i < CRYPTO_PUBLIC; i++) {
        const char pair[3] = { user[2 * i], user[2 * i + 1], '\0' };
        char *end;
        curve[i] = (uint8_t) strtoul(pair, &end, 16);
        if (*end)
            return false;
    }
    return true;
}

/* The peer of the message, new or known, if its sender may speak; else it is cut, and NULL. */
static peer *admit(hub_talk *self, uint32_t routing, parcel *message, uint64_t now_ms)
{
    uint8_t curve[CRYPTO_PUBLIC];
    admission_entry entry;
    peer *known = peer_by_routing(self->peers, routing);
    bool told = sender(&message->frame, curve);
    if (known && (!told || memcmp(known->curve, curve, CRYPTO_PUBLIC) != 0)) {
        logline(LOGLINE_ERROR, "agent %s: a message of its connection is another's", known->name);
        peer_leave(known, now_ms);
        return NULL;
    }
    if (known && known->leaving)
        return NULL;
    if (!told || !gate_find(self->who, curve, &entry)
        || (known && memcmp(entry.sign, known->session.agent, CRYPTO_PUBLIC) != 0)) {
        if (known)
            revoke(self, known, now_ms);
        else
            sluice_cut(self->network, message->connection);
        return NULL;
    }
    if (!known)
        known = peer_add(self->peers, routing, message->connection, &entry);
    if (!known)
        sluice_cut(self->network, message->connection);
    return known;
}

static void process(hub_talk *self, uint32_t routing, bool single, parcel **message, uint64_t now_ms)
{
    peer *who = admit(self, routing, *message, now_ms);
    if (!who)
        return;
    if (!single) {
        logline(LOGLINE_WARNING, "agent %s: a message of several frames: cut", who->name);
        peer_leave(who, now_ms);
        return;
    }
    hub_event event = {
        .type = HUB_EVENT_MESSAGE,
        .message = { zmq_msg_data(&(*message)->frame), zmq_msg_size(&(*message)->frame) },
        .scratch = (*message)->job.scratch,
    };
    step(self, who, &event, message, now_ms);
    if (!who->greeted && (who->session.state == HUB_SESSION_LOADING
                          || who->session.state == HUB_SESSION_OPEN)) {
        logline(LOGLINE_INFO, "agent %s: connection %llu has begun", who->name,
                (unsigned long long) who->number);
        peer_greet(self->peers, who, now_ms);
    }
}

/* Reads the rest of a message that has too many frames. */
static void drain(hub_talk *self)
{
    zmq_msg_t rest;
    int more = 1;
    while (more) {
        zmq_msg_init(&rest);
        if (zmq_msg_recv(&rest, self->router, ZMQ_DONTWAIT) < 0)
            more = 0;
        else
            more = zmq_msg_more(&rest);
        zmq_msg_close(&rest);
    }
}

bool hub_talk_receive(hub_talk *self, uint64_t now_ms)
{
    zmq_msg_t id;
    zmq_msg_init(&id);
    if (zmq_msg_recv(&id, self->router, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&id);
        return false;
    }
    const unsigned char *bytes = zmq_msg_data(&id);
    bool ours = zmq_msg_size(&id) == ROUTING_ID_BYTES && bytes[0] == 0;
    uint32_t routing = 0;
    if (ours)
        memcpy(&routing, bytes + 1, sizeof routing);
    bool more = zmq_msg_more(&id);
    zmq_msg_close(&id);
    parcel *message = more ? parcel_take(&self->pool) : NULL;
    if (!message) {
        if (more)
            drain(self);
        return true;
    }
    bool received = zmq_msg_recv(&message->frame, self->router, ZMQ_DONTWAIT) >= 0;
    bool single = received && !zmq_msg_more(&message->frame);
    if (received && !single)
        drain(self);
    if (received)
        message->connection = sluice_number(self->network, zmq_msg_gets(&message->frame, "Peer-Address"));
    if (message->connection)
        sluice_received(self->network, message->connection, zmq_msg_size(&message->frame));
    if (message->connection && ours)
        process(self, routing, single, &message, now_ms);
    else if (message->connection)
        sluice_cut(self->network, message->connection);
    if (message)
        dispose(self, message);
    return true;
}

/* Is what the agent would be told of its contracts new to it? */
static bool note_contracts(hub_talk *self, peer *who, const store_state *state)
{
    uint8_t digest[CRYPTO_HASH];
    batch_buffer_clear(&self->contracts);
    wire_write_contracts(&self->contracts, state->contracts, state->contract_count);
    if (self->contracts.failed)
        return true;
    crypto_digest(digest, NULL, 0, self->contracts.data, self->contracts.size);
    if (memcmp(digest, who->contracts, CRYPTO_HASH) == 0)
        return false;
    memcpy(who->contracts, digest, CRYPTO_HASH);
    return true;
}

static void answer_load(hub_talk *self, peer *who, const job *done, uint64_t now_ms)
{
    hub_event event = {
        .type = HUB_EVENT_STATE,
        .stored = done->stored,
        .scope_count = done->state.scope_count,
        .scopes = done->state.scopes,
        .contract_count = done->state.contract_count,
        .contracts = done->state.contracts,
    };
    if (done->stored == HUB_STORED_COMMITTED)
        note_contracts(self, who, &done->state);
    step(self, who, &event, NULL, now_ms);
}

static void answer_store(hub_talk *self, peer *who, const job *done, uint64_t now_ms)
{
    char scope[BATCH_SCOPE_MAX + 1];
    text_copy(scope, sizeof scope, done->header.scope);
    hub_event event = {
        .type = HUB_EVENT_STORED,
        .stored = done->outcome.stored,
        .scope = scope,
        .sequence = done->header.sequence,
        .bytes = done->bytes,
        .position = done->outcome.position,
        .ledger_position = done->outcome.ledger_position,
        .quarantined = done->outcome.quarantined,
        .refusal_count = done->outcome.refusal_count,
        .refusals = done->outcome.refusals,
    };
    memcpy(event.chain, done->outcome.chain, CRYPTO_HASH);
    step(self, who, &event, NULL, now_ms);
}

static void answer_ask(hub_talk *self, peer *who, const job *done, uint64_t now_ms)
{
    char scope[BATCH_SCOPE_MAX + 1];
    const wire_message *asked = &done->message;
    text_copy(scope, sizeof scope,
              asked->type == WIRE_RENEW ? asked->renew.own.scope
              : asked->type == WIRE_SURVEY ? asked->survey.scope : asked->list.scope);
    hub_event event = {
        .type = HUB_EVENT_ANSWERED,
        .stored = done->answer.stored,
        .scope = scope,
        .answer = &done->answer.message,
        .ledger_position = done->answer.ledger_position,
    };
    if (done->answer.stored == HUB_STORED_COMMITTED && done->answer.message.type == WIRE_GRANTED)
        logline(LOGLINE_NOTICE, "agent %s: scope %s goes on as incarnation %llu from %llu", who->name, scope,
                (unsigned long long) done->answer.message.granted.position.incarnation,
                (unsigned long long) done->answer.message.granted.position.sequence);
    step(self, who, &event, NULL, now_ms);
}

static void answer_contracts(hub_talk *self, peer *who, const job *done, uint64_t now_ms)
{
    if (done->stored == HUB_STORED_NO_RIGHT)
        revoke(self, who, now_ms);
    else if (done->stored != HUB_STORED_COMMITTED && done->stored != HUB_STORED_FORK)
        self->recheck_ms = now_ms + RECHECK_MS;
    else if (done->stored == HUB_STORED_FORK || who->session.state == HUB_SESSION_OPEN) {
        hub_event event = {
            .type = HUB_EVENT_CHANGED,
            .stored = done->stored,
            .scope_count = done->state.scope_count,
            .scopes = done->state.scopes,
            .contract_count = done->state.contract_count,
            .contracts = done->state.contracts,
            .same_contracts = done->stored == HUB_STORED_COMMITTED && !note_contracts(self, who, &done->state),
        };
        step(self, who, &event, NULL, now_ms);
    }
}

void hub_talk_answers(hub_talk *self, uint64_t now_ms)
{
    job *list = job_queue_take(self->answers);
    while (list) {
        job *done = list;
        list = list->next;
        peer *who = peer_by_number(self->peers, done->session);
        if (who && !who->leaving && done->type == JOB_LOAD)
            answer_load(self, who, done, now_ms);
        else if (who && !who->leaving && done->type == JOB_STORE)
            answer_store(self, who, done, now_ms);
        else if (who && !who->leaving && done->type == JOB_ASK)
            answer_ask(self, who, done, now_ms);
        else if (who && !who->leaving && done->type == JOB_CONTRACTS)
            answer_contracts(self, who, done, now_ms);
        dispose(self, (parcel *) done);
    }
}

void hub_talk_recheck(hub_talk *self, uint64_t now_ms)
{
    self->recheck_ms = 0;
    for (unsigned i = 0; i < peer_count(self->peers); i++) {
        peer *who = peer_at(self->peers, i);
        admission_entry entry;
        if (who->leaving)
            continue;
        if (!gate_find(self->who, who->curve, &entry)
            || memcmp(entry.sign, who->session.agent, CRYPTO_PUBLIC) != 0) {
            revoke(self, who, now_ms);
            continue;
        }
        if (!ask_contracts(self, who)) {
            self->recheck_ms = now_ms + RECHECK_MS;
            return;
        }
    }
}

void hub_talk_finish(hub_talk *self, uint64_t now_ms)
{
    for (unsigned i = 0; i < self->writer_count; i++)
        writer_destroy(&self->writers[i]);
    self->writer_count = 0;
    hub_talk_answers(self, now_ms);
}
