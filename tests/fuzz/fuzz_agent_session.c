/*
 * The agent's session: the input is a sequence of events: what the link and the outbox tell, and what a hub sends: ours,
 * one whose word is signed with another key, or one that says anything. The outbox here is truthful.
 */
#include "agent_session.h"
#include "chain.h"
#include "mpack.h"

enum { STEPS_MAX = 96, RECEIPT_VARIANTS = 7, SCOPES = CHAIN_SCOPES + 1 };

typedef enum { RECEIPT_GOOD, RECEIPT_SIGNER, RECEIPT_AGENT, RECEIPT_INCARNATION, RECEIPT_HASH, RECEIPT_STABLE,
               RECEIPT_RENEWED /* of a batch of incarnation 2 */ } receipt_variant;

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

/* The outbox: what is queued, from where it is kept, what the session was told of; where the incarnation was granted. */
static uint64_t queued[SCOPES], kept_from[SCOPES], acknowledged[SCOPES], incarnation[SCOPES], base[SCOPES];
static uint8_t base_hash[SCOPES][CRYPTO_HASH];
/* The SEND_BATCH that is not answered. */
static unsigned wanted_scope;
static uint64_t wanted_sequence, wanted_max;
static bool wanted;
/* The RENEW that was sent last, and the grant, comparison or list that waits to be durable. */
static uint8_t request;
static unsigned renew_scope, adopt_scope, work_scope;
static wire_position adopt_at;
static bool adopting, comparing, reconciling;
/* The last SURVEY or LIST. */
static unsigned question_scope, question_bucket;
static uint8_t question_after[RECORD_KEY];
static bool question_has_after;

static void make_receipts(void)
{
    static batch_buffer buffer;

    for (int v = 0; v < RECEIPT_VARIANTS; v++)
        for (unsigned s = 0; s <= CHAIN_SCOPES; s++)
            for (uint64_t q = 1; q <= CHAIN_MAX; q++) {
                wire_receipt said = {.position = {.scope = text_of(chain_scopes[s]), .incarnation = v == RECEIPT_INCARNATION || v == RECEIPT_RENEWED ? 2 : 1,
                                                  .sequence = q, .stable = v == RECEIPT_STABLE ? q : 0}, .ledger_position = q};
                batch_buffer *to = fuzz_buffer(&buffer, WIRE_RECEIPT_MAX);
                memcpy(said.agent, v == RECEIPT_AGENT ? chain_other.public_key : chain_agent.public_key, CRYPTO_PUBLIC);
                memcpy(said.position.hash, chain_at(s, q, v == RECEIPT_HASH ? CHAIN_FORK : v == RECEIPT_RENEWED ? CHAIN_INCARNATION : CHAIN_GOOD)->hash, CRYPTO_HASH);
                wire_write_receipt(to, &said);
                receipt *made = &receipts[v][s][q];
                memcpy(made->bytes, to->data, to->size);
                made->size = to->size;
                crypto_sign_with(made->signature, to->data, to->size, v == RECEIPT_SIGNER ? &chain_other : &chain_hub);
            }
}

/* The hash of the outbox's batch of that sequence; of the granted position itself at its start. */
static const uint8_t *hash_of(unsigned scope, uint64_t sequence)
{
    if (incarnation[scope] == 1 || sequence == 0)
        return chain_hash(scope, sequence);
    return sequence == base[scope] ? base_hash[scope] : chain_at(scope, sequence, CHAIN_INCARNATION)->hash;
}

static bool own_hash(void *outbox, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    unsigned which = chain_scope_of(text_of(scope));

    if (which >= SCOPES || sequence < base[which] || (sequence < kept_from[which] && sequence != base[which]) || sequence > queued[which])
        return false;
    memcpy(hash, hash_of(which, sequence), CRYPTO_HASH);
    return true;
}

/* The hub's own key has signed it, for us, of a batch that we have sent. */
static void check_acknowledged(const agent_effect *effect)
{
    wire_receipt said;
    unsigned scope = chain_scope_of(text_of(effect->scope));

    assert(scope < SCOPES && effect->stable <= effect->sequence && effect->sequence <= queued[scope]);
    assert(crypto_verify(effect->receipt_signature, effect->receipt.at, effect->receipt.size, chain_hub.public_key));
    assert(wire_read_receipt(&said, effect->receipt));
    assert(memcmp(said.agent, chain_agent.public_key, CRYPTO_PUBLIC) == 0 && said.position.sequence == effect->sequence);
    assert(text_is(said.position.scope, effect->scope));
    assert(said.position.incarnation == incarnation[scope]);
    assert(memcmp(said.position.hash, hash_of(scope, effect->sequence), CRYPTO_HASH) == 0);
    if (effect->stable >= kept_from[scope]) /* the outbox forgets */
        kept_from[scope] = effect->stable + 1;
}

static void check_session(void)
{
    uint64_t batches = 0, bytes = 0;

    for (unsigned i = 0; i < session.scope_count; i++) {
        const agent_session_scope *scope = &session.scopes[i];
        unsigned which = chain_scope_of(text_of(scope->scope));
        if (which >= SCOPES) { /* one that the hub alone knows */
            assert(scope->queued == 0 && scope->sent == 0);
            continue;
        }
        assert(scope->queued == queued[which] && (scope->incarnation == incarnation[which] || scope->queued == 0));
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
}

/* What people are told of it. */
static void check_words(void)
{
    assert(agent_session_pending(&session) <= SCOPES * CHAIN_MAX);
    (void) agent_session_settling(&session);
    for (unsigned i = 0; i <= SCOPES; i++)
        (void) agent_session_trouble(&session, i < SCOPES ? chain_scopes[i] : NULL);
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

static const agent_session_scope *session_scope(const char *name)
{
    for (unsigned i = 0; i < session.scope_count; i++)
        if (strcmp(session.scopes[i].scope, name) == 0)
            return &session.scopes[i];
    assert(!"an effect names a scope that the session has not");
    return NULL;
}

static void check_batch(const agent_effect *effect)
{
    const agent_session_scope *scope = session_scope(effect->scope);

    assert(session.state == AGENT_SESSION_FLOWING && session.sending && effect->bytes_max > 0);
    assert(scope->welcome && scope->renewal == AGENT_RENEWAL_NONE && scope->stop == AGENT_STOP_NONE);
    assert(effect->sequence == scope->sent + 1);
    wanted_scope = chain_scope_of(text_of(effect->scope));
    assert(wanted_scope < SCOPES);
    wanted_sequence = effect->sequence;
    wanted_max = effect->bytes_max;
    wanted = true;
    assert(wanted_sequence >= 1 && wanted_sequence <= queued[wanted_scope]);
}

/* The message that the link makes of it must be one. */
static void check_renew(const agent_effect *effect)
{
    static batch_buffer written;
    wire_message message = {.type = WIRE_RENEW};
    batch_buffer *to = fuzz_buffer(&written, WIRE_MESSAGE_MAX);

    assert(session.asking && session.state == AGENT_SESSION_FLOWING);
    message.renew.own = effect->own;
    message.renew.seen = effect->at;
    message.renew.incarnation = effect->incarnation;
    wire_write(to, &message);
    /* An incarnation of 2^63 cannot be granted: no hub says the one before. */
    assert(!to->failed || effect->incarnation > MPACK_UINT_MAX);
    renew_scope = chain_scope_of(text_of(effect->scope));
    request++;
}

static void note_question(const agent_effect *effect)
{
    assert(session.asking && session.state == AGENT_SESSION_FLOWING);
    question_scope = chain_scope_of(text_of(effect->scope));
    question_bucket = effect->bucket;
    question_has_after = effect->after != NULL;
    if (question_has_after)
        memcpy(question_after, effect->after, RECORD_KEY);
}

static void take_effect(const agent_effect *effect)
{
    unsigned scope = effect->scope != NULL ? chain_scope_of(text_of(effect->scope)) : SCOPES;

    switch (effect->type) {
    case AGENT_EFFECT_SEND_HELLO: check_hello(); break;
    case AGENT_EFFECT_ACKNOWLEDGED: check_acknowledged(effect); break;
    case AGENT_EFFECT_RETRACT:
        assert(scope < SCOPES && effect->sequence < acknowledged[scope]);
        acknowledged[scope] = effect->sequence;
        break;
    case AGENT_EFFECT_SEND_BATCH: check_batch(effect); break;
    case AGENT_EFFECT_BEGIN:
        if (scope < SCOPES) {
            assert(queued[scope] == 0);
            incarnation[scope] = effect->incarnation;
        }
        break;
    case AGENT_EFFECT_SEND_RENEW: check_renew(effect); break;
    case AGENT_EFFECT_ADOPT:
        adopting = scope < SCOPES;
        adopt_scope = scope;
        adopt_at = effect->at;
        if (effect->request[0] != request)
            adopt_at.incarnation = 0; /* not ours */
        break;
    case AGENT_EFFECT_COMPARE:
        comparing = scope < SCOPES;
        work_scope = scope;
        break;
    case AGENT_EFFECT_RECONCILE:
        reconciling = scope < SCOPES;
        work_scope = scope;
        assert(!effect->more || effect->record_count > 0);
        break;
    case AGENT_EFFECT_SEND_SURVEY:
    case AGENT_EFFECT_SEND_LIST: note_question(effect); break;
    case AGENT_EFFECT_CONNECT:
    case AGENT_EFFECT_DISCONNECT:
    case AGENT_EFFECT_CONTRADICTED:
    case AGENT_EFFECT_CONTRACTS:
    case AGENT_EFFECT_RESYNCED:
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
    wire_position at = {.scope = text_of(chain_scopes[scope]), .incarnation = choice >= 248 ? 1 + choice % 4 : incarnation[scope]};

    if (choice >= 64)
        sequence = acknowledged[scope];
    at.sequence = sequence;
    memcpy(at.hash, hash_of(scope, sequence), CRYPTO_HASH);
    if (choice >= 240 && choice < 248 && sequence > 0)
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
    message.welcome.contract_count = named >> 4 & 15 ? 0 : 2;
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

    if (choice >= 128)
        for (unsigned i = 0; i < session.scope_count; i++)
            if (text_is(text_of(chain_scopes[scope]), session.scopes[i].scope) && session.scopes[i].sent > 0)
                sequence = session.scopes[i].sent;
    const receipt *said = &receipts[variant < 16 ? variant % RECEIPT_VARIANTS : incarnation[scope] > 1 ? RECEIPT_RENEWED
                                   : variant & 1 ? RECEIPT_STABLE : RECEIPT_GOOD][scope][sequence];
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

/* Mostly the answer to what was asked last. */
static void tell_granted(fuzz_tape *tape, bool spoilt)
{
    wire_message message = {.type = WIRE_GRANTED};
    unsigned choice = fuzz_byte(tape), scope = choice >= 32 && renew_scope < SCOPES ? renew_scope : choice % SCOPES;
    uint64_t sequence = choice >= 128 ? acknowledged[scope] : choice % (CHAIN_MAX + 1);

    message.granted.request[0] = (uint8_t) (request + (choice % 8 == 7));
    message.granted.position = (wire_position){.scope = text_of(chain_scopes[scope]), .incarnation = incarnation[scope] + choice % 4,
                                               .sequence = sequence, .stable = choice & 64 ? sequence : 0};
    for (unsigned i = 0; i < session.scope_count; i++)
        if (choice >= 16 && text_is(text_of(chain_scopes[scope]), session.scopes[i].scope) && session.scopes[i].wanted > 0)
            message.granted.position.incarnation = session.scopes[i].wanted;
    memcpy(message.granted.position.hash, chain_hash(scope, sequence), CRYPTO_HASH);
    message.granted.hash_count = sequence > 0 ? choice % 3 : 0;
    message.granted.hashes = (const uint8_t (*)[CRYPTO_HASH]) message.granted.position.hash;
    if (message.granted.hash_count > 1)
        message.granted.hash_count = 1;
    tell(&message, tape, spoilt);
}

static void tell_compared(fuzz_tape *tape, bool spoilt)
{
    static const uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST];
    wire_held records[2] = {{.contract = {"c63", 3}, .incarnation = 1, .sequence = 1}, {.contract = {"c63", 3}, .incarnation = 1, .sequence = 2}};
    unsigned choice = fuzz_byte(tape), scope = choice >= 16 && question_scope < SCOPES ? question_scope : choice % SCOPES;
    wire_message message = {.type = WIRE_DIGESTS};

    if ((choice & 1) != 0) {
        message.digests.scope = text_of(chain_scopes[scope]);
        message.digests.incarnation = incarnation[scope];
        message.digests.sequence = queued[scope] + (choice >= 224);
        message.digests.digests = digests;
    } else {
        message.type = WIRE_LISTED;
        message.listed.scope = text_of(chain_scopes[scope]);
        message.listed.incarnation = incarnation[scope];
        message.listed.sequence = queued[scope] + (choice >= 224);
        message.listed.bucket = question_bucket ^ (choice >> 1 & (choice >= 128));
        message.listed.after = question_has_after ? question_after : NULL;
        message.listed.record_count = choice >> 2 & 3;
        if (message.listed.record_count > 2)
            message.listed.record_count = 2;
        message.listed.records = records;
        message.listed.more = message.listed.record_count > 0 && (choice & 16) != 0;
        for (unsigned i = 0; i < 2; i++) {
            memcpy(records[i].key, question_has_after ? question_after : (const uint8_t[RECORD_KEY]){0}, RECORD_KEY);
            records[i].key[0] = (uint8_t) message.listed.bucket;
            records[i].key[1 + i] = (uint8_t) (records[i].key[1 + i] + 1);
        }
        records[1].key[1] = records[0].key[1];
    }
    tell(&message, tape, spoilt);
}

static void queue(fuzz_tape *tape)
{
    unsigned scope = fuzz_below(tape, CHAIN_SCOPES);

    if (queued[scope] == CHAIN_MAX)
        return;
    queued[scope]++;
    step((agent_event){.type = AGENT_EVENT_QUEUED, .scope = chain_scopes[scope], .incarnation = incarnation[scope],
                       .sequence = queued[scope], .hash = hash_of(scope, queued[scope])});
}

/* The outbox takes an incarnation: some of its batches are signed anew, after the position. */
static void adopt(unsigned choice)
{
    unsigned scope = adopt_scope;
    uint64_t again = choice % 3;

    adopting = false;
    if (adopt_at.incarnation == 0 || adopt_at.sequence + again > CHAIN_MAX) {
        step((agent_event){.type = AGENT_EVENT_NOT_OURS, .scope = chain_scopes[scope]});
        return;
    }
    incarnation[scope] = adopt_at.incarnation;
    base[scope] = adopt_at.sequence;
    memcpy(base_hash[scope], adopt_at.hash, CRYPTO_HASH);
    queued[scope] = adopt_at.sequence + again;
    acknowledged[scope] = adopt_at.sequence;
    kept_from[scope] = adopt_at.sequence + 1;
    step((agent_event){.type = AGENT_EVENT_ADOPTED, .scope = chain_scopes[scope], .incarnation = incarnation[scope],
                       .sequence = queued[scope], .hash = hash_of(scope, queued[scope]), .acknowledged = adopt_at.sequence,
                       .stable = adopt_at.stable});
}

/* The outbox has done what it was asked for, before anything else happens: what is durable is known at once. */
static void settle(fuzz_tape *tape)
{
    unsigned choice = adopting || comparing || reconciling ? fuzz_byte(tape) : 0;
    uint8_t differs[WIRE_BUCKETS / 8] = {0};

    if (adopting) {
        adopt(choice);
    } else if (comparing) {
        comparing = false;
        differs[choice % 4] = (uint8_t) (choice >> 4);
        step((agent_event){.type = AGENT_EVENT_COMPARED, .scope = chain_scopes[work_scope], .differs = differs});
    } else if (reconciling) {
        reconciling = false;
        step((agent_event){.type = AGENT_EVENT_RECONCILED, .scope = chain_scopes[work_scope]});
    }
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
    case 21: tell_granted(tape, spoilt); break;
    case 22: tell_compared(tape, spoilt); break;
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
    memset(base, 0, sizeof base);
    for (unsigned i = 0; i < SCOPES; i++)
        kept_from[i] = incarnation[i] = 1;
    wanted = adopting = comparing = reconciling = question_has_after = false;
    wanted_scope = renew_scope = question_scope = question_bucket = 0;
    wanted_sequence = wanted_max = 0;
    request = 0;
    now = 1000;
    agent_session_init(&session, chain_agent.public_key, chain_hub.public_key, choice);
    for (unsigned i = 0; i < choice % 4 && i < CHAIN_SCOPES; i++) {
        queued[i] = fuzz_below(tape, CHAIN_MAX);
        acknowledged[i] = queued[i] > 0 ? fuzz_below(tape, (unsigned) queued[i] + 1) : 0;
        uint64_t stable = acknowledged[i] / 2;
        kept_from[i] = stable + 1;
        assert(agent_session_add_scope(&session, chain_scopes[i], 1, queued[i], chain_hash(i, queued[i]), acknowledged[i], stable));
        if ((choice >> (4 + i) & 1) != 0)
            agent_session_want_resync(&session, chain_scopes[i]);
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
    for (unsigned i = 0; i < STEPS_MAX && fuzz_more(&tape); i++) {
        one(&tape);
        settle(&tape);
    }
    check_words();
    return 0;
}
