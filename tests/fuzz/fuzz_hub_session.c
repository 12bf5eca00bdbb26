/*
 * The hub's session: the input is a sequence of events: what an agent (ours, with all that can be wrong) sends, before
 * HELLO and after, and what the store answers. The store here is truthful unless the input makes it fail: it commits
 * what is next, and knows what it has.
 */
#include "admission_chain.h"
#include "chain.h"

enum {
    ASKED_MAX = HUB_SESSION_CREDIT_BATCHES + 2, /* by one session of the store at a time: batches, LOAD, ASK */
    WANTED_MAX = 9, /* incarnations beyond make no new behaviour */
    STEPS_MAX = 64,
    MANY_SCOPES = WIRE_SCOPES_MAX + 2,
};

typedef enum { ASKED_LOAD, ASKED_BATCH, ASKED_QUESTION } asked_kind;

typedef struct {
    asked_kind kind;
    unsigned scope;
    uint64_t sequence, bytes;
    uint8_t hash[CRYPTO_HASH];
    batch_header header;   /* of a batch; its place in the chain alone */
    wire_message question; /* RENEW, SURVEY, LIST; without views */
    uint8_t after[RECORD_KEY];
    bool quarantine;
} asked;

static hub_session session;
static hub_effects effects;
static arena *scratch;
static batch_buffer frame, written;

/* The store: what it has, and what it is asked. */
typedef struct {
    wire_position place;
    uint64_t base;                   /* where the present incarnation was granted */
    uint8_t request[WIRE_REQUEST];
    uint64_t left[WANTED_MAX + 1];   /* where each incarnation was left, when another was granted; else UINT64_MAX */
    uint8_t ledger[CHAIN_MAX + 1][CRYPTO_HASH];
} shelf;
static shelf shelves[CHAIN_SCOPES + 1];
static asked queue[ASKED_MAX];
static unsigned queue_count;
static uint64_t ledger;
static bool forked;

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
    *ask = (asked){.kind = ASKED_BATCH, .scope = chain_scope_of(effect->header.scope), .sequence = effect->header.sequence,
                   .bytes = effect->bytes, .header = effect->header, .quarantine = effect->quarantine};
    assert(ask->scope < CHAIN_SCOPES); /* no other was ever loaded */
    assert(!ask->quarantine || (effect->header.body_count == 0 && effect->header.coverage_count == 0));
    batch_hash(ask->hash, message->batch.header);
}

static void check_question(const hub_event *event, const hub_effect *effect)
{
    const wire_message *message = &effect->message;
    text_view name = message->type == WIRE_RENEW ? message->renew.own.scope
                     : message->type == WIRE_SURVEY ? message->survey.scope : message->list.scope;

    assert(message->type == WIRE_RENEW || message->type == WIRE_SURVEY || message->type == WIRE_LIST);
    assert(event->type == HUB_EVENT_MESSAGE && session.state == HUB_SESSION_OPEN && queue_count < ASKED_MAX);
    asked *ask = &queue[queue_count++];
    *ask = (asked){.kind = ASKED_QUESTION, .scope = chain_scope_of(name), .question = *message};
    assert(ask->scope < CHAIN_SCOPES);
    if (message->type == WIRE_LIST && message->list.after != NULL) {
        memcpy(ask->after, message->list.after, RECORD_KEY);
        ask->question.list.after = ask->after;
    }
}

/* Only what the store has said is acknowledged, and only when it has said so. */
static void check_ack(const hub_event *event, const hub_effect *effect)
{
    const wire_position *at = &effect->receipt.position;
    unsigned scope = chain_scope_of(at->scope);

    assert(event->type == HUB_EVENT_STORED || event->type == HUB_EVENT_STATE || event->type == HUB_EVENT_CHANGED);
    assert(memcmp(effect->receipt.agent, chain_agent.public_key, CRYPTO_PUBLIC) == 0);
    assert(at->sequence > 0);
    if (scope <= CHAIN_SCOPES)
        assert(at->incarnation == shelves[scope].place.incarnation && at->sequence == shelves[scope].place.sequence
               && memcmp(at->hash, shelves[scope].place.hash, CRYPTO_HASH) == 0);
    batch_buffer_clear(&written);
    wire_write_receipt(&written, &effect->receipt);
    assert(!written.failed && written.size <= WIRE_RECEIPT_MAX);
}

static void check_session(void)
{
    uint64_t batches = 0, bytes = 0;
    bool loading = false, asking = false;

    for (unsigned i = 0; i < queue_count; i++) {
        loading |= queue[i].kind == ASKED_LOAD;
        asking |= queue[i].kind == ASKED_QUESTION;
        batches += queue[i].kind == ASKED_BATCH;
        bytes += queue[i].kind == ASKED_BATCH ? queue[i].bytes : 0;
    }
    if (session.state == HUB_SESSION_CLOSED) /* what the store still says is nobody's any more */
        return;
    assert(session.outstanding_batches == batches && session.outstanding_bytes == bytes);
    assert(batches <= HUB_SESSION_CREDIT_BATCHES && (batches <= 1 || bytes <= HUB_SESSION_CREDIT_BYTES));
    assert(session.loading == loading && session.asking == asking);
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
            queue[queue_count++].kind = ASKED_LOAD;
            break;
        case HUB_EFFECT_SEND: check_message(&effect->message); break;
        case HUB_EFFECT_ACK: check_ack(&event, effect); break;
        case HUB_EFFECT_STORE: check_store(&event, effect); break;
        case HUB_EFFECT_ASK: check_question(&event, effect); break;
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

static void tell_written(const wire_message *message)
{
    batch_buffer_clear(&frame);
    wire_write(&frame, message);
    if (!frame.failed)
        tell(fuzz_written(&frame));
}

/* Own position and seen position: those of the store, or not. */
static void tell_renew(fuzz_tape *tape)
{
    wire_message message = {.type = WIRE_RENEW};
    unsigned choice = fuzz_byte(tape), own = fuzz_byte(tape), scope = choice % (CHAIN_SCOPES + 1);
    const shelf *at = &shelves[scope];

    message.renew.own = (wire_position){.scope = text_of(chain_scopes[scope]), .incarnation = 1 + (own >> 6), .sequence = own % (CHAIN_MAX + 1)};
    message.renew.own.stable = message.renew.own.sequence / (1 + choice % 3);
    memcpy(message.renew.own.hash, chain_hash(scope, message.renew.own.sequence), CRYPTO_HASH);
    message.renew.seen = at->place;
    message.renew.seen.scope = message.renew.own.scope;
    if (message.renew.seen.incarnation == 0)
        message.renew.seen.incarnation = 1;
    if ((choice & 64) != 0 && message.renew.seen.sequence > 0)
        message.renew.seen.hash[1] ^= 1;
    message.renew.seen.stable = 0;
    message.renew.incarnation = message.renew.seen.incarnation + (choice >= 224 ? 0 : 1);
    message.renew.request[0] = (uint8_t) (1 + (choice >> 4 & 1));
    tell_written(&message);
}

static void tell_question(fuzz_tape *tape)
{
    unsigned choice = fuzz_byte(tape);
    static const uint8_t after[RECORD_KEY] = {5, 7};
    text_view scope = text_of(chain_scopes[choice % (CHAIN_SCOPES + 1)]);
    wire_message survey = {.type = WIRE_SURVEY, .survey = {scope}};
    wire_message list = {.type = WIRE_LIST, .list = {scope, 5, choice & 32 ? after : NULL}};

    tell_written(choice & 16 ? &survey : &list);
}

static wire_position position(unsigned scope)
{
    wire_position at = shelves[scope].place;

    at.stable = at.sequence / 2;
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
                       .contract_count = how & 32 ? count : 0, .contracts = chain_contracts};

    if (how >= 240)
        event.stored = (hub_stored) (how % (HUB_STORED_LATER + 1));
    if (forked)
        event.stored = HUB_STORED_FORK;
    if (how == 128)
        count = MANY_SCOPES;
    event.scope_count = count;
    for (unsigned i = 0; i < count; i++) {
        if (count == MANY_SCOPES) {
            loaded[i].position = (wire_position){.scope = text_of(many[i]), .incarnation = 1};
        } else {
            loaded[i].position = position(i);
            loaded[i].refusal_count = shelves[i].place.sequence > 0 && (how & 16) != 0;
        }
        loaded[i].ledger_position = ledger;
        loaded[i].refusals = &refusal;
    }
    step(event);
}

static void put(shelf *at, uint64_t sequence, const uint8_t hash[CRYPTO_HASH])
{
    at->place.sequence = sequence;
    memcpy(at->place.hash, hash, CRYPTO_HASH);
    memcpy(at->ledger[sequence], hash, CRYPTO_HASH);
    ledger++;
}

/* What a sound store says of a batch; it is committed when it is the next. */
static hub_stored judge(const asked *ask)
{
    shelf *at = &shelves[ask->scope];

    if (forked)
        return HUB_STORED_FORK;
    hub_stored stored = admission_chain_batch(&at->place, &ask->header, ask->hash,
                                              ask->sequence <= at->place.sequence ? at->ledger[ask->sequence] : NULL);
    if (stored == HUB_STORED_COMMITTED && ask->sequence > CHAIN_MAX)
        return HUB_STORED_LATER;
    if (stored == HUB_STORED_COMMITTED)
        put(at, ask->sequence, ask->hash);
    forked |= stored == HUB_STORED_FORK;
    return stored;
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
        event.quarantined = event.stored == HUB_STORED_COMMITTED && ask->quarantine;
        event.refusal_count = event.stored == HUB_STORED_COMMITTED ? how % 3 : 0;
        for (unsigned i = 0; i < event.refusal_count; i++)
            refusals[i] = (wire_record_refusal){ask->sequence, i, RECORD_BAD_MONTH};
    }
    step(event);
}

static hub_stored judge_renewal(const asked *ask, wire_message *answer)
{
    shelf *at = &shelves[ask->scope];
    const wire_message *renew = &ask->question;
    admission_chain_past past = {.place = at->place, .base = at->base};
    uint64_t own = renew->renew.own.incarnation, first;
    unsigned count;

    past.is_same = at->place.incarnation > 1 && memcmp(at->request, renew->renew.request, WIRE_REQUEST) == 0;
    past.superseded = own < at->place.incarnation;
    for (uint64_t i = own; past.superseded && i <= WANTED_MAX && at->left[i] == UINT64_MAX; i++)
        own = i + 1;
    past.left = own <= WANTED_MAX ? at->left[own] : 0;
    admission_chain_verdict verdict = admission_chain_renewal(&past, renew);
    if (verdict == ADMISSION_CHAIN_STALE || (verdict == ADMISSION_CHAIN_GRANT && renew->renew.incarnation > WANTED_MAX))
        return HUB_STORED_SEQUENCE;
    if (verdict == ADMISSION_CHAIN_FORK) {
        forked = true;
        return HUB_STORED_FORK;
    }
    if (verdict == ADMISSION_CHAIN_GRANT) {
        at->left[at->place.incarnation] = at->place.sequence;
        at->place.incarnation = renew->renew.incarnation;
        at->base = at->place.sequence;
        memcpy(at->request, renew->renew.request, WIRE_REQUEST);
    }
    admission_chain_shared(&at->place, &renew->renew.own, &first, &count);
    assert(count == 0 || (first >= 1 && first + count - 1 <= at->place.sequence));
    answer->type = WIRE_GRANTED;
    memcpy(answer->granted.request, renew->renew.request, WIRE_REQUEST);
    answer->granted.position = position(ask->scope);
    answer->granted.hash_count = count;
    answer->granted.hashes = (const uint8_t (*)[CRYPTO_HASH]) &at->ledger[count > 0 ? first : 0];
    return HUB_STORED_COMMITTED;
}

static void answer_question(fuzz_tape *tape, const asked *ask)
{
    static const hub_stored faults[] = {HUB_STORED_LATER, HUB_STORED_SCOPE, HUB_STORED_NO_RIGHT, HUB_STORED_LATER};
    static const uint8_t digests[WIRE_BUCKETS * WIRE_DIGEST];
    static wire_held records[2] = {{{5, 9}, {"c63", 3}, 1, 1}, {{5, 10}, {"c63", 3}, 1, 2}};
    const shelf *at = &shelves[ask->scope];
    unsigned how = fuzz_byte(tape);
    wire_message message = {.type = WIRE_DIGESTS};
    hub_event event = {.type = HUB_EVENT_ANSWERED, .scope = chain_scopes[ask->scope], .stored = HUB_STORED_COMMITTED,
                       .ledger_position = ledger, .answer = &message};

    if (forked) {
        event.stored = HUB_STORED_FORK;
    } else if (how >= 240) {
        event.stored = faults[how % 4];
    } else if (ask->question.type == WIRE_RENEW) {
        event.stored = judge_renewal(ask, &message);
    } else if (ask->question.type == WIRE_SURVEY) {
        message.digests.scope = text_of(chain_scopes[ask->scope]);
        message.digests.incarnation = at->place.incarnation;
        message.digests.sequence = at->place.sequence;
        message.digests.digests = digests;
    } else {
        message.type = WIRE_LISTED;
        message.listed.scope = text_of(chain_scopes[ask->scope]);
        message.listed.incarnation = at->place.incarnation;
        message.listed.sequence = at->place.sequence;
        message.listed.bucket = ask->question.list.bucket;
        message.listed.after = ask->question.list.after != NULL ? ask->after : NULL;
        message.listed.record_count = ask->question.list.bucket == 5 && (message.listed.after == NULL || ask->after[1] < 9) ? how % 3 : 0;
        message.listed.records = records;
        message.listed.more = message.listed.record_count > 0 && (how & 16) != 0;
    }
    step(event);
}

static void answer(fuzz_tape *tape)
{
    if (queue_count == 0)
        return;
    asked first = queue[0];
    memmove(queue, queue + 1, --queue_count * sizeof *queue);
    if (first.kind == ASKED_LOAD)
        answer_load(tape);
    else if (first.kind == ASKED_QUESTION)
        answer_question(tape, &first);
    else
        answer_store(tape, &first);
}

/* Contracts, rights, or what is stable may have changed; or another hub has seen two machines. */
static void tell_change(unsigned choice)
{
    hub_session_loaded loaded[CHAIN_SCOPES];
    hub_event event = {.type = HUB_EVENT_CHANGED, .contracts = chain_contracts, .contract_count = choice & 1, .scopes = loaded,
                       .scope_count = CHAIN_SCOPES, .same_contracts = (choice & 2) != 0,
                       .stored = forked || choice == 7 ? HUB_STORED_FORK : HUB_STORED_COMMITTED};

    forked |= choice == 7;
    for (unsigned i = 0; i < CHAIN_SCOPES; i++) {
        loaded[i] = (hub_session_loaded){.position = position(i), .ledger_position = ledger};
        if ((choice & 4) != 0)
            loaded[i].position.stable = loaded[i].position.sequence;
    }
    step(event);
}

/* Another hub commits, or a standby that lost the tail is promoted. */
static void elsewhere(fuzz_tape *tape)
{
    unsigned choice = fuzz_byte(tape), scope = choice % CHAIN_SCOPES;
    shelf *at = &shelves[scope];
    uint64_t sequence = at->place.sequence;

    if (choice >= 192 && sequence > at->base)
        put(at, sequence - 1, at->ledger[sequence - 1]);
    else if (choice < 192 && sequence < CHAIN_MAX)
        put(at, sequence + 1, chain_hash(scope, sequence + 1));
}

static void one(fuzz_tape *tape)
{
    unsigned choice = fuzz_byte(tape);

    switch (choice & 31) {
    case 0: case 1: case 2: tell_hello(tape); break;
    case 3: tell(fuzz_some(tape, fuzz_byte(tape))); break;
    case 4: tell_change(choice >> 5); break;
    case 5: if (choice >> 5 == 7) step((hub_event){.type = HUB_EVENT_REVOKED}); break;
    case 6: elsewhere(tape); break;
    case 7: tell_batch(tape, (chain_variant) fuzz_below(tape, CHAIN_VARIANTS), true); break;
    case 8: case 9: case 10: tell_batch(tape, (chain_variant) fuzz_below(tape, CHAIN_VARIANTS), false); break;
    case 11: tell_batch(tape, choice & 32 ? CHAIN_GOES_ON : CHAIN_INCARNATION, false); break;
    case 12: case 13: tell_renew(tape); break;
    case 14: tell_question(tape); break;
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
    memset(shelves, 0, sizeof shelves);
    for (unsigned i = 0; i <= CHAIN_SCOPES; i++) {
        shelves[i].place = (wire_position){.scope = text_of(chain_scopes[i]), .incarnation = 1};
        for (unsigned j = 0; j <= WANTED_MAX; j++)
            shelves[i].left[j] = UINT64_MAX;
    }
    forked = false;
    queue_count = 0;
    ledger = 0;
    hub_session_init(&session, chain_agent.public_key);
    for (unsigned i = 0; i < STEPS_MAX && fuzz_more(&tape); i++)
        one(&tape);
    return 0;
}
