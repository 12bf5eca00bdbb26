/*
 * The hub's session: the input is a sequence of events: what an agent (ours, with all that can be wrong) sends, before
 * HELLO and after, and what the store answers. The store here is truthful unless the input makes it fail: it commits
 * what is next, and knows what it has.
 */
#include "chain.h"
#include "hub_session.h"

enum {
    ASKED_MAX = HUB_SESSION_CREDIT_BATCHES + 1, /* by one session of the store at a time */
    STEPS_MAX = 64,
    MANY_SCOPES = WIRE_SCOPES_MAX + 2,
};

typedef struct {
    bool load;
    unsigned scope;
    uint64_t sequence, bytes;
    uint8_t hash[CRYPTO_HASH], previous[CRYPTO_HASH];
    uint64_t incarnation;
} asked;

static hub_session session;
static hub_effects effects;
static arena *scratch;
static batch_buffer frame, written;

/* The store: what it has, and what it is asked. */
static struct { uint64_t sequence; uint8_t hash[CRYPTO_HASH]; } committed[CHAIN_SCOPES + 1];
static asked queue[ASKED_MAX];
static unsigned queue_count;
static uint64_t ledger;

static void check_message(const wire_message *message)
{
    batch_buffer_clear(&written);
    wire_write(&written, message);
    assert(!written.failed);
}

static void check_store(const hub_event *event, const hub_effect *effect)
{
    uint8_t hash[CRYPTO_HASH];
    const wire_message *message = &effect->message;

    assert(event->type == HUB_EVENT_MESSAGE && session.state == HUB_SESSION_OPEN);
    assert(batch_verify(message->batch.signature, message->batch.header, chain_agent.public_key));
    assert(memcmp(effect->header.agent, chain_agent.public_key, CRYPTO_PUBLIC) == 0);
    assert(effect->bytes == event->message.size);
    for (unsigned i = 0; i < effect->header.body_count && i < message->batch.body_count; i++)
        if (message->batch.bodies[i].at != NULL) {
            batch_hash(hash, message->batch.bodies[i]);
            assert(memcmp(hash, effect->header.hashes[i], CRYPTO_HASH) == 0);
        }
    assert(queue_count < ASKED_MAX);
    asked *ask = &queue[queue_count++];
    *ask = (asked){.scope = chain_scope_of(effect->header.scope), .sequence = effect->header.sequence,
                   .bytes = effect->bytes, .incarnation = effect->header.incarnation};
    assert(ask->scope < CHAIN_SCOPES); /* no other was ever loaded */
    batch_hash(ask->hash, message->batch.header);
    memcpy(ask->previous, effect->header.previous, CRYPTO_HASH);
}

/* Only what the store has said is acknowledged, and only when it has said so. */
static void check_ack(const hub_event *event, const hub_effect *effect)
{
    const wire_position *at = &effect->receipt.position;
    unsigned scope = chain_scope_of(at->scope);

    assert(event->type == HUB_EVENT_STORED || event->type == HUB_EVENT_STATE);
    assert(memcmp(effect->receipt.agent, chain_agent.public_key, CRYPTO_PUBLIC) == 0);
    assert(at->sequence > 0);
    if (scope <= CHAIN_SCOPES)
        assert(at->sequence == committed[scope].sequence && memcmp(at->hash, committed[scope].hash, CRYPTO_HASH) == 0);
    batch_buffer_clear(&written);
    wire_write_receipt(&written, &effect->receipt);
    assert(!written.failed && written.size <= WIRE_RECEIPT_MAX);
}

static void check_session(void)
{
    uint64_t batches = 0, bytes = 0;
    bool loading = false;

    for (unsigned i = 0; i < queue_count; i++) {
        loading |= queue[i].load;
        batches += !queue[i].load;
        bytes += queue[i].load ? 0 : queue[i].bytes;
    }
    if (session.state == HUB_SESSION_CLOSED) /* what the store still says is nobody's any more */
        return;
    assert(session.outstanding_batches == batches && session.outstanding_bytes == bytes);
    assert(batches <= HUB_SESSION_CREDIT_BATCHES && (batches <= 1 || bytes <= HUB_SESSION_CREDIT_BYTES));
    assert(session.loading == loading);
    assert(session.strikes < HUB_SESSION_STRIKES_MAX);
    assert(session.scope_count <= WIRE_SCOPES_MAX);
    for (unsigned i = 0; i < session.scope_count; i++) {
        const hub_session_scope *scope = &session.scopes[i];
        assert(scope->stable <= scope->sequence && scope->sequence <= scope->handed);
        assert(scope->handed - scope->sequence <= HUB_SESSION_CREDIT_BATCHES);
    }
}

static void step(hub_event event)
{
    static uint64_t now;
    bool closed = session.state == HUB_SESSION_CLOSED;

    arena_clear(scratch);
    event.scratch = scratch;
    hub_session_step(&session, &event, now++, &effects);
    assert(effects.count <= HUB_SESSION_EFFECTS_MAX && (!closed || effects.count == 0));
    for (unsigned i = 0; i < effects.count; i++) {
        const hub_effect *effect = &effects.items[i];
        switch (effect->type) {
        case HUB_EFFECT_LOAD:
            assert(effect->message.type == WIRE_HELLO && queue_count < ASKED_MAX);
            queue[queue_count++] = (asked){.load = true};
            break;
        case HUB_EFFECT_SEND: check_message(&effect->message); break;
        case HUB_EFFECT_ACK: check_ack(&event, effect); break;
        case HUB_EFFECT_STORE: check_store(&event, effect); break;
        case HUB_EFFECT_CUT: assert(session.state == HUB_SESSION_CLOSED && i + 1 == effects.count); break;
        case HUB_EFFECT_ALARM: assert(effect->scope.size <= BATCH_SCOPE_MAX); break;
        }
    }
    check_session();
}

static void tell(text_view bytes)
{
    step((hub_event){.type = HUB_EVENT_MESSAGE, .message = bytes});
}

/* A good message of which some bytes are changed. */
static void tell_spoilt(fuzz_tape *tape, text_view bytes)
{
    unsigned count = fuzz_below(tape, 4);

    batch_buffer_clear(&frame);
    batch_buffer_append(&frame, bytes.at, bytes.size);
    for (unsigned i = 0; i < count; i++) {
        size_t at = fuzz_byte(tape) | (size_t) fuzz_below(tape, 2) << 8;
        frame.data[at % frame.size] = fuzz_byte(tape);
    }
    tell(fuzz_written(&frame));
}


/* Mostly the one after what is handed, to come far. */
static void tell_batch(fuzz_tape *tape, chain_variant variant, bool spoilt)
{
    unsigned scope = fuzz_below(tape, CHAIN_SCOPES + 1);
    uint64_t sequence = 1;

    for (unsigned i = 0; i < session.scope_count; i++)
        if (text_is(text_of(session.scopes[i].scope), chain_scopes[scope]))
            sequence = session.scopes[i].handed + 1;
    unsigned where = fuzz_byte(tape);
    if (where >= 128)
        sequence = where % 2 ? where / 2 % CHAIN_MAX + 1 : sequence - 1;
    if (sequence < 1 || sequence > CHAIN_MAX)
        return;
    text_view bytes = chain_at(scope, sequence, variant)->message;
    if (spoilt)
        tell_spoilt(tape, bytes);
    else
        tell(bytes);
}

static void tell_hello(fuzz_tape *tape)
{
    wire_position positions[CHAIN_SCOPES + 1];
    wire_message message = {.type = WIRE_HELLO};
    unsigned named = fuzz_byte(tape);

    message.hello.version = named == 255 ? 2 : WIRE_VERSION;
    message.hello.scopes = positions;
    for (unsigned scope = 0; scope <= CHAIN_SCOPES; scope++) {
        if ((named >> scope & 1) == 0)
            continue;
        wire_position *at = &positions[message.hello.scope_count++];
        uint64_t sequence = fuzz_below(tape, CHAIN_MAX + 1);
        *at = (wire_position){.scope = text_of(chain_scopes[scope]), .incarnation = 1 + (named >> 7), .sequence = sequence,
                              .stable = sequence / 2};
        memcpy(at->hash, chain_hash(scope, sequence), CRYPTO_HASH);
        if (sequence > 0 && (named & 64) != 0)
            at->hash[0] ^= 1;
    }
    batch_buffer_clear(&frame);
    wire_write(&frame, &message);
    assert(!frame.failed);
    tell(fuzz_written(&frame));
}

static wire_position position(unsigned scope)
{
    wire_position at = {.scope = text_of(chain_scopes[scope]), .incarnation = 1, .sequence = committed[scope].sequence,
                        .stable = committed[scope].sequence / 2};

    memcpy(at.hash, committed[scope].hash, CRYPTO_HASH);
    return at;
}

static void answer_load(fuzz_tape *tape)
{
    static const char many[MANY_SCOPES][4] = {"s00", "s01", "s02", "s03", "s04", "s05", "s06", "s07", "s08",
                                              "s09", "s10", "s11", "s12", "s13", "s14", "s15", "s16", "s17"};
    static const wire_record_refusal refusal = {1, 2, RECORD_BAD_CODE};
    hub_session_loaded loaded[MANY_SCOPES] = {{.ledger_position = 0}};
    unsigned how = fuzz_byte(tape), count = how % 8 < 3 ? how % 8 : CHAIN_SCOPES;
    hub_event event = {.type = HUB_EVENT_STATE, .stored = HUB_STORED_COMMITTED, .scopes = loaded,
                       .contract_count = count, .contracts = chain_contracts};

    if (how >= 240)
        event.stored = (hub_stored) (how % (HUB_STORED_LATER + 1));
    if (how == 128)
        count = MANY_SCOPES;
    event.scope_count = count;
    for (unsigned i = 0; i < count; i++) {
        if (count == MANY_SCOPES) {
            loaded[i].position = (wire_position){.scope = text_of(many[i]), .incarnation = 1};
        } else {
            loaded[i].position = position(i);
            loaded[i].refusal_count = committed[i].sequence > 0 && (how & 16) != 0;
        }
        loaded[i].ledger_position = ledger;
        loaded[i].refusals = &refusal;
    }
    step(event);
}

/* What a sound store says of a batch; it is committed when it is the next. */
static hub_stored judge(const asked *ask)
{
    if (ask->incarnation != 1)
        return HUB_STORED_INCARNATION;
    if (ask->sequence == committed[ask->scope].sequence + 1) {
        if (memcmp(ask->previous, committed[ask->scope].hash, CRYPTO_HASH) != 0)
            return HUB_STORED_FORK;
        committed[ask->scope].sequence++;
        memcpy(committed[ask->scope].hash, ask->hash, CRYPTO_HASH);
        ledger++;
        return HUB_STORED_COMMITTED;
    }
    if (ask->sequence > committed[ask->scope].sequence)
        return HUB_STORED_SEQUENCE;
    if (ask->sequence == committed[ask->scope].sequence)
        return memcmp(ask->hash, committed[ask->scope].hash, CRYPTO_HASH) == 0 ? HUB_STORED_AGAIN : HUB_STORED_FORK;
    return memcmp(ask->hash, chain_hash(ask->scope, ask->sequence), CRYPTO_HASH) == 0 ? HUB_STORED_AGAIN : HUB_STORED_FORK;
}

static void answer_store(fuzz_tape *tape, const asked *ask)
{
    static const hub_stored faults[] = {HUB_STORED_LATER, HUB_STORED_KEY, HUB_STORED_SCOPE, HUB_STORED_NO_RIGHT,
                                        HUB_STORED_SEQUENCE, HUB_STORED_LATER, HUB_STORED_LATER, HUB_STORED_KEY};
    static wire_record_refusal refusals[2];
    unsigned how = fuzz_byte(tape);
    hub_event event = {.type = HUB_EVENT_STORED, .scope = chain_scopes[ask->scope], .sequence = ask->sequence,
                       .bytes = ask->bytes, .refusals = refusals};

    if (how >= 224) {
        event.stored = faults[how % 8];
    } else {
        event.stored = judge(ask);
        event.position = position(ask->scope);
        event.ledger_position = ledger;
        event.refusal_count = event.stored == HUB_STORED_COMMITTED ? how % 3 : 0;
        for (unsigned i = 0; i < event.refusal_count; i++)
            refusals[i] = (wire_record_refusal){ask->sequence, i, RECORD_BAD_MONTH};
    }
    step(event);
}

static void answer(fuzz_tape *tape)
{
    if (queue_count == 0)
        return;
    asked first = queue[0];
    memmove(queue, queue + 1, --queue_count * sizeof *queue);
    if (first.load)
        answer_load(tape);
    else
        answer_store(tape, &first);
}

/* Another hub commits, or a standby that lost the tail is promoted. */
static void elsewhere(fuzz_tape *tape)
{
    unsigned choice = fuzz_byte(tape), scope = choice % CHAIN_SCOPES;
    uint64_t sequence = committed[scope].sequence;

    if (choice >= 192 && sequence > 0)
        sequence--;
    else if (choice < 192 && sequence < CHAIN_MAX)
        sequence++;
    committed[scope].sequence = sequence;
    memcpy(committed[scope].hash, chain_hash(scope, sequence), CRYPTO_HASH);
}

static void one(fuzz_tape *tape)
{
    unsigned choice = fuzz_byte(tape);

    switch (choice & 31) {
    case 0: case 1: case 2: tell_hello(tape); break;
    case 3: tell(fuzz_some(tape, fuzz_byte(tape))); break;
    case 4: step((hub_event){.type = HUB_EVENT_CHANGED, .contracts = chain_contracts, .contract_count = choice >> 5 & 1}); break;
    case 5: if (choice >> 5 == 7) step((hub_event){.type = HUB_EVENT_REVOKED}); break;
    case 6: elsewhere(tape); break;
    case 7: tell_batch(tape, (chain_variant) fuzz_below(tape, CHAIN_VARIANTS), true); break;
    case 8: case 9: case 10: tell_batch(tape, (chain_variant) fuzz_below(tape, CHAIN_VARIANTS), false); break;
    case 16: case 17: case 18: case 19: case 20: tell_batch(tape, CHAIN_GOOD, false); break;
    case 24: case 25: case 26: case 27: case 28: answer(tape); break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_tape tape = fuzz_tape_of(data, size);

    chain_start();
    (void) fuzz_arena(&scratch, WIRE_SCRATCH_BYTES);
    (void) fuzz_buffer(&frame, WIRE_MESSAGE_MAX);
    (void) fuzz_buffer(&written, WIRE_MESSAGE_MAX);
    memset(committed, 0, sizeof committed);
    queue_count = 0;
    ledger = 0;
    hub_session_init(&session, chain_agent.public_key);
    for (unsigned i = 0; i < STEPS_MAX && fuzz_more(&tape); i++)
        one(&tape);
    return 0;
}
