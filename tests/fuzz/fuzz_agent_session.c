/*
 * The agent's session: the input is a sequence of events: what the link and the outbox tell, and what a hub sends: ours,
 * one whose word is signed with another key, or one that says anything. The outbox here is truthful.
 */
#include "agent_session.h"
#include "chain.h"

enum { STEPS_MAX = 96, RECEIPT_VARIANTS = 6 };

typedef enum { RECEIPT_GOOD, RECEIPT_SIGNER, RECEIPT_AGENT, RECEIPT_INCARNATION, RECEIPT_HASH, RECEIPT_STABLE } receipt_variant;

typedef struct {
    uint8_t bytes[WIRE_RECEIPT_MAX], signature[CRYPTO_SIGNATURE];
    size_t size;
} receipt;

/* Signed once: the hub's word on each sequence of each scope, right and wrong. */
static receipt receipts[RECEIPT_VARIANTS][CHAIN_SCOPES + 1][CHAIN_MAX + 1];

static agent_session session;
static agent_effects effects;
static arena *scratch;
static batch_buffer frame;
static uint64_t now;

/* The outbox: what is queued, from where it is kept, what the session was told of. */
static uint64_t queued[CHAIN_SCOPES], kept_from[CHAIN_SCOPES], acknowledged[CHAIN_SCOPES];
static bool known[CHAIN_SCOPES];
/* The SEND_BATCH that is not answered. */
static unsigned wanted_scope;
static uint64_t wanted_sequence, wanted_max;
static bool wanted;

static void make_receipts(void)
{
    static batch_buffer buffer;

    for (int v = 0; v < RECEIPT_VARIANTS; v++)
        for (unsigned s = 0; s <= CHAIN_SCOPES; s++)
            for (uint64_t q = 1; q <= CHAIN_MAX; q++) {
                wire_receipt said = {.position = {.scope = text_of(chain_scopes[s]), .incarnation = v == RECEIPT_INCARNATION ? 2 : 1,
                                                  .sequence = q, .stable = v == RECEIPT_STABLE ? q : 0}, .ledger_position = q};
                batch_buffer *to = fuzz_buffer(&buffer, WIRE_RECEIPT_MAX);
                memcpy(said.agent, v == RECEIPT_AGENT ? chain_other.public_key : chain_agent.public_key, CRYPTO_PUBLIC);
                memcpy(said.position.hash, chain_at(s, q, v == RECEIPT_HASH ? CHAIN_FORK : CHAIN_GOOD)->hash, CRYPTO_HASH);
                wire_write_receipt(to, &said);
                receipt *made = &receipts[v][s][q];
                memcpy(made->bytes, to->data, to->size);
                made->size = to->size;
                crypto_sign_with(made->signature, to->data, to->size, v == RECEIPT_SIGNER ? &chain_other : &chain_hub);
            }
}

static bool own_hash(void *outbox, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    unsigned which = chain_scope_of(text_of(scope));

    assert(which < CHAIN_SCOPES && sequence >= 1);
    if (sequence < kept_from[which] || sequence > queued[which])
        return false;
    memcpy(hash, chain_hash(which, sequence), CRYPTO_HASH);
    return true;
}

/* The hub's own key has signed it, for us, of a batch that we have sent. */
static void check_acknowledged(const agent_effect *effect)
{
    wire_receipt said;
    unsigned scope = chain_scope_of(text_of(effect->scope));

    assert(scope < CHAIN_SCOPES && effect->stable <= effect->sequence && effect->sequence <= queued[scope]);
    assert(crypto_verify(effect->receipt_signature, effect->receipt.at, effect->receipt.size, chain_hub.public_key));
    assert(wire_read_receipt(&said, effect->receipt));
    assert(memcmp(said.agent, chain_agent.public_key, CRYPTO_PUBLIC) == 0 && said.position.sequence == effect->sequence);
    assert(text_is(said.position.scope, effect->scope));
    assert(memcmp(said.position.hash, chain_hash(scope, effect->sequence), CRYPTO_HASH) == 0);
    if (effect->stable >= kept_from[scope]) /* the outbox forgets */
        kept_from[scope] = effect->stable + 1;
}

static void check_session(void)
{
    uint64_t batches = 0, bytes = 0;

    for (unsigned i = 0; i < session.scope_count; i++) {
        const agent_session_scope *scope = &session.scopes[i];
        unsigned which = chain_scope_of(text_of(scope->scope));
        assert(which < CHAIN_SCOPES && scope->queued == queued[which]);
        assert(scope->stable <= scope->acknowledged && scope->acknowledged <= scope->queued);
        assert(scope->committed <= scope->sent && scope->sent <= scope->queued && scope->sent <= scope->sent_ever + scope->committed);
        assert(scope->acknowledged >= acknowledged[which]);
        acknowledged[which] = scope->acknowledged;
        assert(scope->sent - scope->committed <= AGENT_SESSION_WINDOW_MAX);
        batches += scope->sent - scope->committed;
        for (uint64_t q = scope->committed + 1; q <= scope->sent; q++)
            bytes += scope->window_bytes[q % AGENT_SESSION_WINDOW_MAX];
    }
    assert(session.outstanding_batches == batches && session.outstanding_bytes == bytes);
    assert(session.retry_ms >= AGENT_SESSION_RETRY_MS_MIN && session.retry_ms <= AGENT_SESSION_RETRY_MS_MAX);
    assert(session.hellos <= AGENT_SESSION_HELLO_TRIES);
    assert(session.state != AGENT_SESSION_STOPPED || session.deadline_ms == UINT64_MAX);
    assert((session.state == AGENT_SESSION_STOPPED) <= (session.stop != AGENT_STOP_NONE));
    /* Whatever waits for an answer has a time at which it stops waiting. */
    if (session.state == AGENT_SESSION_CONNECTING || session.state == AGENT_SESSION_GREETING
        || session.state == AGENT_SESSION_PAUSED || session.state == AGENT_SESSION_WAITING)
        assert(session.deadline_ms <= now + AGENT_SESSION_RETRY_MS_MAX);
    assert(session.state != AGENT_SESSION_FLOWING || batches == 0 || session.deadline_ms <= now + AGENT_SESSION_ACK_TIMEOUT_MS);
    assert(agent_session_pending(&session) <= CHAIN_SCOPES * CHAIN_MAX);
}

static void check_hello(void)
{
    static batch_buffer written;
    wire_message message;
    wire_position positions[WIRE_SCOPES_MAX];
    batch_buffer *to = fuzz_buffer(&written, WIRE_MESSAGE_MAX);

    agent_session_hello(&session, &message, positions);
    wire_write(to, &message);
    assert(!to->failed);
}

static void take_effect(const agent_effect *effect)
{
    switch (effect->type) {
    case AGENT_EFFECT_SEND_HELLO: check_hello(); break;
    case AGENT_EFFECT_ACKNOWLEDGED: check_acknowledged(effect); break;
    case AGENT_EFFECT_SEND_BATCH:
        assert(session.state == AGENT_SESSION_FLOWING && session.sending && effect->bytes_max > 0);
        wanted_scope = chain_scope_of(text_of(effect->scope));
        assert(wanted_scope < CHAIN_SCOPES);
        wanted_sequence = effect->sequence;
        wanted_max = effect->bytes_max;
        wanted = true;
        assert(wanted_sequence >= 1 && wanted_sequence <= queued[wanted_scope]);
        break;
    case AGENT_EFFECT_CONNECT:
    case AGENT_EFFECT_DISCONNECT:
    case AGENT_EFFECT_CONTRACTS:
    case AGENT_EFFECT_REPORT: break;
    }
}

static void step(agent_event event)
{
    arena_clear(scratch);
    event.scratch = scratch;
    event.header_hash = own_hash;
    agent_session_step(&session, &event, now, &effects);
    assert(effects.count <= AGENT_SESSION_EFFECTS_MAX);
    for (unsigned i = 0; i < effects.count; i++)
        take_effect(&effects.items[i]);
    check_session();
}

static void simple(agent_event_type type)
{
    step((agent_event){.type = type});
}

static void tell(const wire_message *message, fuzz_tape *tape, bool spoilt)
{
    batch_buffer_clear(&frame);
    wire_write(&frame, message);
    if (frame.failed)
        return;
    for (unsigned i = spoilt ? fuzz_below(tape, 4) : 0; i > 0; i--) {
        size_t at = fuzz_byte(tape);
        frame.data[at % frame.size] = fuzz_byte(tape);
    }
    step((agent_event){.type = AGENT_EVENT_MESSAGE, .message = fuzz_written(&frame)});
}

/* A position of the hub's: mostly what the session believes, else anything on or off our chain. */
static wire_position hub_position(fuzz_tape *tape, unsigned scope)
{
    unsigned choice = fuzz_byte(tape);
    uint64_t sequence = choice % (CHAIN_MAX + 1);
    wire_position at = {.scope = text_of(chain_scopes[scope]), .incarnation = choice == 255 ? 2 : 1};

    if (choice >= 64)
        sequence = scope < CHAIN_SCOPES ? acknowledged[scope] : 0;
    at.sequence = sequence;
    memcpy(at.hash, chain_hash(scope, sequence), CRYPTO_HASH);
    if (choice == 254 && sequence > 0)
        at.hash[0] ^= 1;
    return at;
}

static void tell_welcome(fuzz_tape *tape, bool spoilt)
{
    wire_position positions[CHAIN_SCOPES + 1];
    wire_message message = {.type = WIRE_WELCOME};
    unsigned named = fuzz_byte(tape), credit = fuzz_byte(tape);

    message.welcome.version = named == 255 ? 2 : WIRE_VERSION;
    message.welcome.credit_batches = 1 + credit % 16;
    message.welcome.credit_bytes = credit >= 128 ? 8u << 20 : 1 + (uint64_t) credit * 64;
    message.welcome.contracts = chain_contracts;
    message.welcome.contract_count = named >> 6;
    message.welcome.scopes = positions;
    for (unsigned scope = 0; scope <= CHAIN_SCOPES; scope++)
        if ((named >> scope & 1) != 0)
            positions[message.welcome.scope_count++] = hub_position(tape, scope);
    tell(&message, tape, spoilt);
}

static void tell_ack(fuzz_tape *tape, bool spoilt)
{
    wire_message message = {.type = WIRE_ACK};
    wire_record_refusal refusals[2];
    unsigned choice = fuzz_byte(tape), variant = fuzz_byte(tape), scope = choice % (CHAIN_SCOPES + 1);
    uint64_t sequence = choice / 4 % CHAIN_MAX + 1;

    if (choice >= 128 && scope < CHAIN_SCOPES)
        for (unsigned i = 0; i < session.scope_count; i++)
            if (text_is(text_of(chain_scopes[scope]), session.scopes[i].scope) && session.scopes[i].sent > 0)
                sequence = session.scopes[i].sent;
    const receipt *said = &receipts[variant >= 16 ? (variant & 1 ? RECEIPT_STABLE : RECEIPT_GOOD) : variant % RECEIPT_VARIANTS][scope][sequence];
    message.ack.receipt = (text_view){(const char *) said->bytes, said->size};
    message.ack.signature = said->signature;
    message.ack.refusals = refusals;
    message.ack.refusal_count = variant >> 6 == 3 ? 2 : 0;
    for (unsigned i = 0; i < message.ack.refusal_count; i++)
        refusals[i] = (wire_record_refusal){sequence + (variant == 255), i, RECORD_NO_RIGHT};
    tell(&message, tape, spoilt);
}

static void tell_refused(fuzz_tape *tape)
{
    wire_message message = {.type = WIRE_REFUSED};
    unsigned choice = fuzz_byte(tape);

    message.refused.reason = (wire_refusal) (1 + choice % WIRE_REFUSAL_BUSY);
    if (choice / 16 % 8 <= CHAIN_SCOPES)
        message.refused.scope = text_of(chain_scopes[choice / 16 % 8]);
    message.refused.sequence = choice % 4;
    tell(&message, tape, false);
}

static void queue(fuzz_tape *tape)
{
    unsigned scope = fuzz_below(tape, CHAIN_SCOPES);

    if (queued[scope] == CHAIN_MAX)
        return;
    queued[scope]++;
    known[scope] = true;
    step((agent_event){.type = AGENT_EVENT_QUEUED, .scope = chain_scopes[scope], .incarnation = 1, .sequence = queued[scope],
                       .hash = chain_hash(scope, queued[scope])});
}

/* The link's answer to SEND_BATCH; at times one that nobody waits for. */
static void answer(fuzz_tape *tape)
{
    unsigned choice = fuzz_byte(tape);
    agent_event event = {.type = AGENT_EVENT_SENT, .scope = chain_scopes[wanted_scope], .sequence = wanted_sequence};

    if (!wanted && choice < 250)
        return;
    wanted = false;
    event.bytes = chain_at(wanted_scope, wanted_sequence > 0 ? wanted_sequence : 1, CHAIN_GOOD)->message.size;
    if (event.bytes > wanted_max)
        event.type = AGENT_EVENT_HELD;
    if (wanted_sequence < kept_from[wanted_scope] || choice == 249)
        event.type = AGENT_EVENT_MISSING;
    if (choice == 248) {
        event.type = AGENT_EVENT_HELD;
        event.bytes = WIRE_MESSAGE_MAX + 1u;
    }
    step(event);
}

static void one(fuzz_tape *tape)
{
    unsigned choice = fuzz_byte(tape);
    bool spoilt = choice >> 5 == 7;

    switch (choice & 31) {
    case 0: simple(AGENT_EVENT_START); break;
    case 1: case 2: case 3: queue(tape); break;
    case 4: case 5: simple(AGENT_EVENT_CONNECTED); break;
    case 6: simple(choice >> 5 == 6 ? AGENT_EVENT_REFUSED_KEY : AGENT_EVENT_LOST); break;
    case 7: simple(AGENT_EVENT_NO_DETAIL); break;
    case 8: now += fuzz_byte(tape) * UINT64_C(500); simple(AGENT_EVENT_TICK); break;
    case 9: now = session.deadline_ms == UINT64_MAX ? now : session.deadline_ms > now ? session.deadline_ms : now; simple(AGENT_EVENT_TICK); break;
    case 10: case 11: case 12: tell_welcome(tape, spoilt); break;
    case 13: case 14: case 15: case 16: tell_ack(tape, spoilt); break;
    case 17: tell_refused(tape); break;
    case 18: tell(&(wire_message){.type = WIRE_CONTRACTS, .contracts = {choice >> 5 & 3, chain_contracts}}, tape, spoilt); break;
    case 19: step((agent_event){.type = AGENT_EVENT_MESSAGE, .message = fuzz_some(tape, fuzz_byte(tape))}); break;
    case 20: step((agent_event){.type = AGENT_EVENT_MESSAGE, .message = chain_at(0, 1, CHAIN_GOOD)->message}); break;
    case 24: case 25: case 26: case 27: case 28: answer(tape); break;
    default: break;
    }
}

/* What the outbox held when the program started. */
static void begin(fuzz_tape *tape)
{
    unsigned choice = fuzz_byte(tape);

    memset(queued, 0, sizeof queued);
    memset(acknowledged, 0, sizeof acknowledged);
    memset(known, 0, sizeof known);
    for (unsigned i = 0; i < CHAIN_SCOPES; i++)
        kept_from[i] = 1;
    wanted = false;
    wanted_scope = 0;
    wanted_sequence = wanted_max = 0;
    now = 1000;
    agent_session_init(&session, chain_agent.public_key, chain_hub.public_key, choice);
    for (unsigned i = 0; i < choice % 4 && i < CHAIN_SCOPES; i++) {
        queued[i] = fuzz_below(tape, CHAIN_MAX);
        acknowledged[i] = queued[i] > 0 ? fuzz_below(tape, (unsigned) queued[i] + 1) : 0;
        uint64_t stable = acknowledged[i] / 2;
        kept_from[i] = stable + 1;
        known[i] = true;
        assert(agent_session_add_scope(&session, chain_scopes[i], 1, queued[i], chain_hash(i, queued[i]), acknowledged[i], stable));
    }
    check_session();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    fuzz_tape tape = fuzz_tape_of(data, size);

    chain_start();
    if (!made)
        make_receipts();
    made = true;
    (void) fuzz_arena(&scratch, WIRE_SCRATCH_BYTES);
    (void) fuzz_buffer(&frame, WIRE_MESSAGE_MAX);
    begin(&tape);
    for (unsigned i = 0; i < STEPS_MAX && fuzz_more(&tape); i++)
        one(&tape);
    return 0;
}
