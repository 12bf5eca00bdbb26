/* Conversations: what is signed wrong, comes out of order, again, too early or too much; and what a hub may say. */
#include "hostile.h"

#include "hub_session.h"
#include "mpack.h"
#include "runtime.h"

enum { CHAIN = HUB_SESSION_CREDIT_BATCHES + 4 };

static crypto_sign_pair agent_pair, hub_pair, other_pair;
static arena *scratch;
static batch_buffer frame, header_bytes;
static uint8_t chain[CHAIN + 1][CRYPTO_HASH];
static const text_view bodies[2] = {{"a body", 6}, {"another", 7}};
static uint8_t body_hashes[2][CRYPTO_HASH];

static hub_session hub;
static hub_effects told;

/* A batch and what may be wrong with it. */
typedef struct {
    batch_header header;
    const crypto_sign_pair *by;
    text_view bodies[3];
    unsigned body_count;
} parts;

static parts good(uint64_t sequence)
{
    parts made = {.by = &agent_pair, .bodies = {bodies[0], bodies[1], bodies[0]}, .body_count = 2};

    made.header = (batch_header){.scope = text_of("63"), .incarnation = 1, .sequence = sequence, .scheme = 1, .body_count = 2, .hashes = body_hashes};
    memcpy(made.header.agent, agent_pair.public_key, CRYPTO_PUBLIC);
    memcpy(made.header.previous, chain[sequence - 1], CRYPTO_HASH);
    return made;
}

/* The frame of a batch; spoil_header: which byte of the header is changed after the signing, from 1; 0: none. */
static void write_batch(const parts *from, size_t spoil_header, size_t spoil_signature)
{
    uint8_t signature[CRYPTO_SIGNATURE];
    wire_message message = {.type = WIRE_BATCH};
    text_view views[3];

    batch_buffer_clear(&header_bytes);
    batch_write_header(&header_bytes, &from->header);
    batch_sign(signature, hostile_bytes(&header_bytes), from->by);
    if (spoil_header > 0)
        header_bytes.data[spoil_header - 1] ^= 1;
    if (spoil_signature > 0)
        signature[spoil_signature - 1] ^= 1;
    memcpy(views, from->bodies, sizeof views);
    message.batch.header = hostile_bytes(&header_bytes);
    message.batch.signature = signature;
    message.batch.bodies = views;
    message.batch.body_count = from->body_count;
    batch_buffer_clear(&frame);
    wire_write(&frame, &message);
}

static void make_chain(void)
{
    batch_hash(body_hashes[0], bodies[0]);
    batch_hash(body_hashes[1], bodies[1]);
    for (uint64_t sequence = 1; sequence <= CHAIN; sequence++) {
        parts made = good(sequence);
        write_batch(&made, 0, 0);
        batch_hash(chain[sequence], hostile_bytes(&header_bytes));
    }
}

static wire_position position(uint64_t sequence)
{
    wire_position made = {.scope = text_of("63"), .incarnation = 1, .sequence = sequence};

    memcpy(made.hash, chain[sequence], CRYPTO_HASH);
    return made;
}

static void hub_step_on(hub_event event)
{
    arena_clear(scratch);
    event.scratch = scratch;
    hub_session_step(&hub, &event, 0, &told);
}

static void tell_hub(void)
{
    text_view exact = hostile_exact(frame.data, frame.size);

    hub_step_on((hub_event){.type = HUB_EVENT_MESSAGE, .message = exact});
}

static void say_hello(uint64_t version)
{
    wire_message hello = {.type = WIRE_HELLO, .hello = {.version = WIRE_VERSION}};

    batch_buffer_clear(&frame);
    wire_write(&frame, &hello);
    if (version != WIRE_VERSION) {
        batch_buffer_clear(&frame);
        mpack_write_array(&frame, 2);
        mpack_write_uint(&frame, WIRE_HELLO);
        mpack_write_uint(&frame, version);
    }
    tell_hub();
}

/* A session that has committed up to that sequence. */
static void open_hub(uint64_t sequence)
{
    hub_session_loaded loaded = {.position = position(sequence)};

    hub_session_init(&hub, agent_pair.public_key);
    say_hello(WIRE_VERSION);
    hub_step_on((hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_COMMITTED, .scope_count = 1, .scopes = &loaded});
}

/* The first message that goes out is REFUSED for that reason. */
static bool refused_for(wire_refusal reason)
{
    for (unsigned i = 0; i < told.count; i++)
        if (told.items[i].type == HUB_EFFECT_SEND) {
            hostile_met(HOSTILE_REFUSAL, told.items[i].message.refused.reason);
            return told.items[i].message.type == WIRE_REFUSED && told.items[i].message.refused.reason == reason;
        }
    return false;
}

static bool is_stored(void)
{
    return told.count == 1 && told.items[0].type == HUB_EFFECT_STORE;
}

static void batches_with_one_fault(void)
{
    open_hub(0);
    parts first = good(1);
    write_batch(&first, 0, 0);
    tell_hub();
    hostile_case(is_stored(), "the good batch is refused");
    size_t header_size = header_bytes.size;
    for (size_t i = 1; i <= CRYPTO_SIGNATURE; i++) {
        open_hub(0);
        write_batch(&first, 0, i);
        tell_hub();
        hostile_case(refused_for(WIRE_REFUSAL_SIGNATURE), "byte %zu of the signature", i);
    }
    for (size_t i = 1; i <= header_size; i++) {
        open_hub(0);
        write_batch(&first, i, 0);
        tell_hub();
        hostile_case(refused_for(WIRE_REFUSAL_SIGNATURE), "byte %zu of the header", i);
    }
    for (unsigned which = 0; which < 2; which++)
        for (size_t i = 0; i < bodies[which].size; i++) {
            char spoilt[8];
            parts made = good(1);
            memcpy(spoilt, bodies[which].at, bodies[which].size);
            spoilt[i] ^= 1;
            made.bodies[which].at = spoilt;
            open_hub(0);
            write_batch(&made, 0, 0);
            tell_hub();
            hostile_case(refused_for(WIRE_REFUSAL_MALFORMED) && told.items[0].message.refused.sequence == 1, "byte %zu of body %u", i, which);
        }
    for (unsigned count = 0; count <= 3; count++) {
        parts made = good(1);
        made.body_count = count;
        open_hub(0);
        write_batch(&made, 0, 0);
        tell_hub();
        hostile_case(count == 2 ? is_stored() : refused_for(WIRE_REFUSAL_MALFORMED), "%u bodies for 2", count);
    }
    parts other = good(1);
    other.by = &other_pair;
    open_hub(0);
    write_batch(&other, 0, 0);
    tell_hub();
    hostile_case(refused_for(WIRE_REFUSAL_SIGNATURE), "signed by another");
    other = good(1);
    memcpy(other.header.agent, other_pair.public_key, CRYPTO_PUBLIC);
    open_hub(0);
    write_batch(&other, 0, 0);
    tell_hub();
    hostile_case(refused_for(WIRE_REFUSAL_SIGNATURE), "another agent's batch, signed by us");
}

static void out_of_order(void)
{
    static const hub_session_state states[] = {HUB_SESSION_EXPECT_HELLO, HUB_SESSION_LOADING};

    for (unsigned s = 0; s < 2; s++) {
        parts made = good(1);
        hub_session_init(&hub, agent_pair.public_key);
        if (states[s] == HUB_SESSION_LOADING)
            say_hello(WIRE_VERSION);
        write_batch(&made, 0, 0);
        tell_hub();
        hostile_case(refused_for(WIRE_REFUSAL_SEQUENCE), "a batch before WELCOME (%u)", s);
    }
    for (uint64_t has = 0; has <= 6; has++)
        for (uint64_t sequence = 1; sequence <= CHAIN; sequence++) {
            parts made = good(sequence);
            open_hub(has);
            write_batch(&made, 0, 0);
            tell_hub();
            bool next = sequence <= has + 1; /* and what was committed before comes to the store again */
            hostile_case(next ? is_stored() : refused_for(WIRE_REFUSAL_SEQUENCE), "batch %u at %u", (unsigned) sequence, (unsigned) has);
            parts later = made;
            later.header.incarnation = 2;
            open_hub(has);
            write_batch(&later, 0, 0);
            tell_hub();
            hostile_case(refused_for(WIRE_REFUSAL_INCARNATION), "batch %u at %u of incarnation 2", (unsigned) sequence, (unsigned) has);
            later = made;
            later.header.scope = text_of("03");
            open_hub(has);
            write_batch(&later, 0, 0);
            tell_hub();
            hostile_case(refused_for(WIRE_REFUSAL_SCOPE), "batch %u at %u of another scope", (unsigned) sequence, (unsigned) has);
        }
    /* Passed over without a word after a refusal. */
    parts far = good(5), next = good(1);
    open_hub(0);
    write_batch(&far, 0, 0);
    tell_hub();
    write_batch(&next, 0, 0);
    tell_hub();
    hostile_case(told.count == 0, "a batch after a refused one is not passed over");
    /* The same again while it is in the store's hands; another of its number goes there, to be judged. */
    open_hub(0);
    write_batch(&next, 0, 0);
    tell_hub();
    tell_hub();
    hostile_case(told.count == 0, "a batch twice in a row");
}

static void too_much(void)
{
    open_hub(0);
    for (uint64_t sequence = 1; sequence <= HUB_SESSION_CREDIT_BATCHES + 1; sequence++) {
        parts made = good(sequence);
        write_batch(&made, 0, 0);
        tell_hub();
        hostile_case(sequence <= HUB_SESSION_CREDIT_BATCHES ? is_stored() : refused_for(WIRE_REFUSAL_BUSY), "batch %u beyond the credit", (unsigned) sequence);
    }
    wire_message survey = {.type = WIRE_SURVEY, .survey = {{"63", 2}}};
    open_hub(0);
    for (unsigned i = 0; i < 2; i++) {
        batch_buffer_clear(&frame);
        wire_write(&frame, &survey);
        tell_hub();
        hostile_case(i == 0 ? told.items[0].type == HUB_EFFECT_ASK : refused_for(WIRE_REFUSAL_BUSY), "question %u at once", i);
    }
    survey.survey.scope = text_of("99");
    open_hub(0);
    batch_buffer_clear(&frame);
    wire_write(&frame, &survey);
    tell_hub();
    hostile_case(refused_for(WIRE_REFUSAL_SCOPE), "a question of another scope");
    hub_session_init(&hub, agent_pair.public_key);
    tell_hub();
    hostile_case(refused_for(WIRE_REFUSAL_SEQUENCE), "a question before HELLO");
    /* What no honest agent sends, until the connection is cut. */
    for (uint64_t version = 2; version < 40; version++) {
        hub_session_init(&hub, agent_pair.public_key);
        say_hello(version);
        hostile_case(refused_for(WIRE_REFUSAL_VERSION) && told.count == 2, "version %u", (unsigned) version);
    }
    open_hub(0);
    for (unsigned i = 1; i <= HUB_SESSION_STRIKES_MAX; i++) {
        say_hello(9);
        bool cut = told.items[told.count - 1].type == HUB_EFFECT_CUT;
        hostile_case(refused_for(WIRE_REFUSAL_VERSION) && cut == (i == HUB_SESSION_STRIKES_MAX), "strike %u", i);
    }
    say_hello(WIRE_VERSION);
    hostile_case(told.count == 0, "a word after the cut");
}

/* What the store says of a batch, a HELLO and a question, and what the agent hears of it. */
static void store_answers(void)
{
    static const struct { hub_stored stored; wire_refusal reason; } answers[] = {
        {HUB_STORED_FORK, WIRE_REFUSAL_FORK}, {HUB_STORED_SEQUENCE, WIRE_REFUSAL_SEQUENCE}, {HUB_STORED_NO_RIGHT, WIRE_REFUSAL_REVOKED},
        {HUB_STORED_SCOPE, WIRE_REFUSAL_SCOPE}, {HUB_STORED_KEY, WIRE_REFUSAL_KEY}, {HUB_STORED_INCARNATION, WIRE_REFUSAL_INCARNATION},
        {HUB_STORED_LATER, WIRE_REFUSAL_BUSY},
    };
    wire_message survey = {.type = WIRE_SURVEY, .survey = {{"63", 2}}};
    parts first = good(1);

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        hub_stored stored = answers[i].stored;
        open_hub(0);
        write_batch(&first, 0, 0);
        tell_hub();
        hub_step_on((hub_event){.type = HUB_EVENT_STORED, .stored = stored, .scope = "63", .sequence = 1, .bytes = frame.size});
        hostile_case(refused_for(answers[i].reason), "the store says %u of a batch", stored);
        open_hub(0);
        batch_buffer_clear(&frame);
        wire_write(&frame, &survey);
        tell_hub();
        hub_step_on((hub_event){.type = HUB_EVENT_ANSWERED, .stored = stored, .scope = "63"});
        hostile_case(refused_for(answers[i].reason), "the store says %u of a question", stored);
        hub_session_init(&hub, agent_pair.public_key);
        say_hello(WIRE_VERSION);
        hub_step_on((hub_event){.type = HUB_EVENT_STATE, .stored = stored});
        bool known = stored == HUB_STORED_FORK || stored == HUB_STORED_NO_RIGHT;
        hostile_case(refused_for(known ? answers[i].reason : WIRE_REFUSAL_BUSY), "the store says %u of a HELLO", stored);
        hub_step_on((hub_event){.type = HUB_EVENT_CHANGED, .stored = stored});
    }
    open_hub(0);
    hub_step_on((hub_event){.type = HUB_EVENT_REVOKED});
    hostile_case(refused_for(WIRE_REFUSAL_REVOKED) && hub.state == HUB_SESSION_CLOSED, "revoked");
}

/* The agent. */

static agent_session session;
static agent_effects effects;

static bool own_hash(void *data, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    (void) data;
    memcpy(hash, chain[sequence], CRYPTO_HASH);
    return sequence <= CHAIN;
}

/* The receipt that the agent holds: for sequence 2, or with held_above for 3. */
static bool holds_receipt, held_above;
static uint64_t held_position;
static uint8_t held_chain;

static bool held_receipt(void *of, const char *scope, uint64_t sequence, bool above, uint64_t *at, uint64_t *where,
                         uint8_t link[CRYPTO_HASH])
{
    (void)of, (void)scope;
    *at = held_above ? 3 : 2;
    *where = held_position;
    memset(link, held_chain, CRYPTO_HASH);
    return holds_receipt && above == (*at > sequence);
}

static void agent_step_on(agent_event event)
{
    arena_clear(scratch);
    event.scratch = scratch;
    event.header_hash = own_hash;
    event.held_receipt = held_receipt;
    agent_session_step(&session, &event, 1000, &effects);
}

static void tell_agent(const wire_message *message)
{
    batch_buffer_clear(&frame);
    wire_write(&frame, message);
    agent_step_on((agent_event){.type = AGENT_EVENT_MESSAGE, .message = hostile_exact(frame.data, frame.size)});
}

/* Connected, with three batches sent. */
static void open_agent(void)
{
    wire_position at = position(0);
    wire_message welcome = {.type = WIRE_WELCOME, .welcome = {.version = WIRE_VERSION, .credit_batches = 8, .credit_bytes = 8 << 20, .scope_count = 1, .scopes = &at}};

    agent_session_init(&session, agent_pair.public_key, hub_pair.public_key, 1);
    if (!agent_session_add_scope(&session, "63", 1, 3, chain[3], 0, 0))
        abort();
    agent_step_on((agent_event){.type = AGENT_EVENT_START});
    agent_step_on((agent_event){.type = AGENT_EVENT_CONNECTED});
    tell_agent(&welcome);
    for (uint64_t sequence = 1; sequence <= 3; sequence++)
        agent_step_on((agent_event){.type = AGENT_EVENT_SENT, .scope = "63", .sequence = sequence, .bytes = 100});
}

static void tell_receipt(const wire_receipt *receipt, const crypto_sign_pair *by, size_t spoil_receipt, size_t spoil_signature)
{
    static batch_buffer bytes;
    uint8_t signature[CRYPTO_SIGNATURE];
    wire_message ack = {.type = WIRE_ACK};

    batch_buffer_init(&bytes, WIRE_RECEIPT_MAX);
    wire_write_receipt(&bytes, receipt);
    crypto_sign_with(signature, bytes.data, bytes.size, by);
    if (spoil_receipt > 0)
        bytes.data[spoil_receipt - 1] ^= 1;
    if (spoil_signature > 0)
        signature[spoil_signature - 1] ^= 1;
    ack.ack.receipt = hostile_bytes(&bytes);
    ack.ack.signature = signature;
    open_agent();
    session.scopes[0].stable = holds_receipt ? session.scopes[0].queued : 0; /* what is held was called stable */
    tell_agent(&ack);
    hostile_met(HOSTILE_STOP, session.stop);
    batch_buffer_release(&bytes);
}

static bool is_wrong_hub(void)
{
    return session.state == AGENT_SESSION_STOPPED && session.stop == AGENT_STOP_WRONG_HUB && session.scopes[0].acknowledged == 0;
}

static void receipts(void)
{
    wire_receipt receipt = {.position = position(2), .ledger_position = 7};
    static batch_buffer bytes;

    memcpy(receipt.agent, agent_pair.public_key, CRYPTO_PUBLIC);
    batch_buffer_init(&bytes, WIRE_RECEIPT_MAX);
    wire_write_receipt(&bytes, &receipt);
    size_t size = bytes.size;
    batch_buffer_release(&bytes);
    tell_receipt(&receipt, &hub_pair, 0, 0);
    hostile_case(session.scopes[0].acknowledged == 2, "the good receipt does not count");
    for (size_t i = 1; i <= size; i++) {
        tell_receipt(&receipt, &hub_pair, i, 0);
        hostile_case(is_wrong_hub(), "byte %zu of a receipt", i);
    }
    for (size_t i = 1; i <= CRYPTO_SIGNATURE; i++) {
        tell_receipt(&receipt, &hub_pair, 0, i);
        hostile_case(is_wrong_hub(), "byte %zu of a receipt's signature", i);
    }
    tell_receipt(&receipt, &other_pair, 0, 0);
    hostile_case(is_wrong_hub(), "a receipt of another hub");
    tell_receipt(&receipt, &agent_pair, 0, 0);
    hostile_case(is_wrong_hub(), "a receipt that the agent signs itself");
    wire_receipt wrong = receipt;
    memcpy(wrong.agent, other_pair.public_key, CRYPTO_PUBLIC);
    tell_receipt(&wrong, &hub_pair, 0, 0);
    hostile_case(is_wrong_hub(), "a receipt for another agent");
    wrong = receipt;
    wrong.position.scope = text_of("03");
    tell_receipt(&wrong, &hub_pair, 0, 0);
    hostile_case(is_wrong_hub(), "a receipt of another scope");
    /* Signed by the hub's key, for our batch: and another history than the one of which we hold a receipt. */
    for (unsigned i = 0; i < 4; i++) {
        held_position = i == 0 ? 8 : 7;
        held_chain = i == 1;
        held_above = i == 2;
        holds_receipt = true;
        tell_receipt(&receipt, &hub_pair, 0, 0);
        hostile_case((session.stop == AGENT_STOP_HISTORY) == (i < 3) && session.scopes[0].acknowledged == (i < 3 ? 0 : 2),
                     "a receipt beside one that is held (%u)", i);
    }
    holds_receipt = false;
    /* Signed by the hub's key, and not of our chain: it counts for nothing. */
    static const struct { uint64_t incarnation, sequence; bool other_hash; } elsewhere[] = {{2, 2, false}, {1, 4, false}, {1, 2, true}, {3, 9, true}};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        wrong = receipt;
        wrong.position = position(elsewhere[i].sequence);
        wrong.position.incarnation = elsewhere[i].incarnation;
        wrong.position.hash[0] ^= elsewhere[i].other_hash;
        tell_receipt(&wrong, &hub_pair, 0, 0);
        hostile_case(session.scopes[0].acknowledged == 0 && session.state != AGENT_SESSION_FLOWING, "a receipt off the chain (%zu)", i);
    }
}

static void refusals(void)
{
    static const struct { wire_refusal reason; bool halts; agent_stop stop; } table[] = {
        {WIRE_REFUSAL_MALFORMED, true, AGENT_STOP_PROTOCOL}, {WIRE_REFUSAL_VERSION, true, AGENT_STOP_PROTOCOL}, {WIRE_REFUSAL_SIGNATURE, true, AGENT_STOP_PROTOCOL},
        {WIRE_REFUSAL_SEQUENCE, false, AGENT_STOP_NONE}, {WIRE_REFUSAL_FORK, true, AGENT_STOP_FORK}, {WIRE_REFUSAL_SCOPE, true, AGENT_STOP_NO_RIGHT},
        {WIRE_REFUSAL_KEY, true, AGENT_STOP_NO_RIGHT}, {WIRE_REFUSAL_REVOKED, true, AGENT_STOP_NOT_ADMITTED}, {WIRE_REFUSAL_INCARNATION, false, AGENT_STOP_NONE},
        {WIRE_REFUSAL_BUSY, false, AGENT_STOP_NONE},
    };
    static const char *const scopes[] = {NULL, "63", "99"};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (size_t s = 0; s < 3; s++)
            for (uint64_t sequence = 0; sequence < 5; sequence++) {
                wire_message message = {.type = WIRE_REFUSED, .refused = {table[i].reason, text_of(scopes[s]), sequence}};
                bool of_scope = s > 0 && (table[i].reason == WIRE_REFUSAL_SCOPE || table[i].reason == WIRE_REFUSAL_KEY);
                open_agent();
                tell_agent(&message);
                hostile_met(HOSTILE_STOP, session.stop);
                bool halted = session.state == AGENT_SESSION_STOPPED || session.stop == AGENT_STOP_NOT_ADMITTED;
                hostile_case(halted == (table[i].halts && !of_scope) && session.stop == (halted ? table[i].stop : AGENT_STOP_NONE)
                                 && session.scopes[0].stop == (of_scope && s == 1 ? AGENT_STOP_NO_RIGHT : AGENT_STOP_NONE)
                                 && session.scopes[0].acknowledged == 0,
                             "REFUSED %u of scope %zu", table[i].reason, s);
            }
}

static void links(void)
{
    agent_session_init(&session, agent_pair.public_key, hub_pair.public_key, 1);
    agent_step_on((agent_event){.type = AGENT_EVENT_START});
    agent_step_on((agent_event){.type = AGENT_EVENT_REFUSED_KEY});
    hostile_met(HOSTILE_STOP, session.stop);
    hostile_case(session.stop == AGENT_STOP_NOT_ADMITTED && session.state == AGENT_SESSION_WAITING, "ZAP status 400");
    agent_session_init(&session, agent_pair.public_key, hub_pair.public_key, 1);
    agent_step_on((agent_event){.type = AGENT_EVENT_START});
    agent_step_on((agent_event){.type = AGENT_EVENT_LOST});
    hostile_met(HOSTILE_STOP, session.stop);
    hostile_case(session.stop == AGENT_STOP_UNREACHABLE && session.state == AGENT_SESSION_WAITING, "no connection");
    for (unsigned i = 1; i <= AGENT_SESSION_WRONG_KEY_FAILURES; i++) {
        agent_step_on((agent_event){.type = AGENT_EVENT_START});
        agent_step_on((agent_event){.type = AGENT_EVENT_NO_DETAIL});
        hostile_case(session.stop == (i == AGENT_SESSION_WRONG_KEY_FAILURES ? AGENT_STOP_WRONG_HUB : AGENT_STOP_UNREACHABLE), "handshake %u without a detail", i);
    }
    open_agent();
    wire_message welcome = {.type = WIRE_WELCOME, .welcome = {.version = WIRE_VERSION, .credit_batches = 1, .credit_bytes = 1}};
    batch_buffer_clear(&frame);
    mpack_write_array(&frame, 2);
    mpack_write_uint(&frame, WIRE_WELCOME);
    mpack_write_uint(&frame, 2);
    agent_step_on((agent_event){.type = AGENT_EVENT_MESSAGE, .message = hostile_exact(frame.data, frame.size)});
    hostile_case(session.stop == AGENT_STOP_PROTOCOL && session.refusal == WIRE_REFUSAL_VERSION, "a WELCOME of version 2");
    open_agent();
    tell_agent(&welcome);
    hostile_case(session.state == AGENT_SESSION_FLOWING, "a WELCOME that nobody asked for");
    /* What only an agent says. */
    wire_message ours[] = {{.type = WIRE_HELLO, .hello = {.version = WIRE_VERSION}}, {.type = WIRE_SURVEY, .survey = {{"63", 2}}}, {.type = WIRE_LIST, .list = {{"63", 2}, 1, NULL}}};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        open_agent();
        tell_agent(&ours[i]);
        hostile_case(is_wrong_hub(), "an agent's message from the hub (%zu)", i);
    }
}

/* What a stop means to a script. */
static void codes(void)
{
    static const struct { agent_stop stop; int code; } table[] = {
        {AGENT_STOP_NONE, 75}, {AGENT_STOP_UNREACHABLE, 69}, {AGENT_STOP_WRONG_HUB, 76}, {AGENT_STOP_NOT_ADMITTED, 77}, {AGENT_STOP_NO_RIGHT, 77},
        {AGENT_STOP_FORK, 76}, {AGENT_STOP_PROTOCOL, 76}, {AGENT_STOP_HISTORY, 76},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        hostile_case(runtime_stop_code(table[i].stop) == table[i].code && (table[i].stop == AGENT_STOP_NONE || runtime_stop_text(table[i].stop)[0] != '\0'),
                     "the stop %u", table[i].stop);
}

void hostile_sessions(void)
{
    hostile_pair(&agent_pair, 1);
    hostile_pair(&hub_pair, 2);
    hostile_pair(&other_pair, 3);
    scratch = arena_new(WIRE_SCRATCH_BYTES);
    batch_buffer_init(&frame, WIRE_MESSAGE_MAX);
    batch_buffer_init(&header_bytes, BATCH_HEADER_MAX);
    make_chain();
    batches_with_one_fault();
    out_of_order();
    too_much();
    store_answers();
    receipts();
    refusals();
    links();
    codes();
    batch_buffer_release(&frame);
    batch_buffer_release(&header_bytes);
    arena_destroy(&scratch);
}
