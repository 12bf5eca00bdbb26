/* Frames: every spoilt form of every message, at the codec, at an open hub session and at an agent that flows. */
#include "hostile.h"

#include "hub_session.h"
#include "mpack.h"

static arena *scratch;
static batch_buffer buffer, again;

static const uint8_t mark[CRYPTO_HASH] = {0xab, 1, 2, 3};
static wire_action actions[2] = {{{"axe1", 4}, {"Première", 9}, true}, {{"axe2", 4}, {"", 0}, false}};
static wire_contract contracts[2] = {{{"c1", 2}, {"Contrat", 7}, {"63", 2}, 19691, 20056, 2, actions, 2, {{1, {1}}, {2, {2}}}},
                                    {{"c2", 2}, {"d", 1}, {"03", 2}, 19691, 19691, 0, actions, 0, {{0}}}};

static wire_position position(const char *scope, uint64_t sequence)
{
    wire_position made = {.scope = text_of(scope), .incarnation = 1, .sequence = sequence, .stable = sequence / 2};

    if (sequence > 0)
        memcpy(made.hash, mark, sizeof mark);
    return made;
}

static bool at_hub(text_view frame)
{
    static uint8_t agent[CRYPTO_PUBLIC] = {1};
    hub_session session;
    hub_effects effects;
    hub_session_loaded loaded = {.position = position("63", 0)};
    wire_message hello = {.type = WIRE_HELLO, .hello = {.version = WIRE_VERSION}};
    static batch_buffer bytes;

    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, &hello);
    hub_session_init(&session, agent);
    hub_session_step(&session, &(hub_event){.type = HUB_EVENT_MESSAGE, .message = hostile_bytes(&bytes), .scratch = scratch}, 0, &effects);
    hub_session_step(&session, &(hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_COMMITTED, .scope_count = 1, .scopes = &loaded}, 0, &effects);
    batch_buffer_release(&bytes);
    arena_clear(scratch);
    hub_session_step(&session, &(hub_event){.type = HUB_EVENT_MESSAGE, .message = frame, .scratch = scratch}, 0, &effects);
    arena_clear(scratch);
    if (effects.count != 2 || effects.items[0].type != HUB_EFFECT_SEND || effects.items[1].type != HUB_EFFECT_ALARM || session.strikes != 1)
        return false;
    hostile_met(HOSTILE_REFUSAL, effects.items[0].message.refused.reason);
    return effects.items[0].message.type == WIRE_REFUSED && effects.items[0].message.refused.reason == WIRE_REFUSAL_MALFORMED;
}

static bool no_hash(void *outbox, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    (void) outbox;
    return false;
}

static bool at_agent(text_view frame)
{
    static const uint8_t key[CRYPTO_PUBLIC] = {1};
    agent_session session;
    agent_effects effects;
    wire_message welcome = {.type = WIRE_WELCOME, .welcome = {.version = WIRE_VERSION, .credit_batches = 1, .credit_bytes = 1}};
    static batch_buffer bytes;

    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, &welcome);
    agent_session_init(&session, key, key, 1);
    agent_session_step(&session, &(agent_event){.type = AGENT_EVENT_START}, 1, &effects);
    agent_session_step(&session, &(agent_event){.type = AGENT_EVENT_CONNECTED}, 2, &effects);
    agent_session_step(&session, &(agent_event){.type = AGENT_EVENT_MESSAGE, .message = hostile_bytes(&bytes), .scratch = scratch, .header_hash = no_hash}, 3, &effects);
    batch_buffer_release(&bytes);
    arena_clear(scratch);
    if (session.state != AGENT_SESSION_FLOWING)
        return false;
    agent_session_step(&session, &(agent_event){.type = AGENT_EVENT_MESSAGE, .message = frame, .scratch = scratch, .header_hash = no_hash}, 4, &effects);
    arena_clear(scratch);
    hostile_met(HOSTILE_STOP, session.stop);
    return session.state == AGENT_SESSION_STOPPED && session.stop == AGENT_STOP_WRONG_HUB;
}

/* Nobody takes it. */
static void refuse(text_view frame, const char *type, const char *what)
{
    wire_message message;
    bool taken = wire_read(&message, scratch, frame);

    arena_clear(scratch);
    bool hub = at_hub(frame), agent = at_agent(frame);
    hostile_case(!taken && hub && agent, "%s: %s%s%s%s", type, what, taken ? " (codec)" : "", hub ? "" : " (hub)", agent ? "" : " (agent)");
}

static void take_spoilt(void *data, text_view spoilt, spoil_hope hope, const char *what)
{
    wire_message message;

    if (hope == SPOIL_NEVER) {
        refuse(spoilt, data, what);
        return;
    }
    bool same = true;
    /* Of a HELLO of another version no more than that is read. */
    if (wire_read(&message, scratch, spoilt) && (message.type != WIRE_HELLO || message.hello.version == WIRE_VERSION)) {
        batch_buffer_clear(&again);
        wire_write(&again, &message);
        same = !again.failed && again.size == spoilt.size && memcmp(again.data, spoilt.at, spoilt.size) == 0;
    }
    arena_clear(scratch);
    hostile_case(same, "%s: %s is taken, and written otherwise", (const char *) data, what);
}

static void spoil(const char *type, const wire_message *message)
{
    batch_buffer_clear(&buffer);
    wire_write(&buffer, message);
    text_view good = hostile_bytes(&buffer);
    wire_message read;
    bool taken = !buffer.failed && wire_read(&read, scratch, good);

    arena_clear(scratch);
    hostile_case(taken, "%s: the good one is refused", type);
    if (taken)
        spoil_all(good, take_spoilt, (void *) (uintptr_t) type);
}

static void from_agent(void)
{
    static const uint8_t signature[CRYPTO_SIGNATURE], after[RECORD_KEY] = {7, 1};
    wire_position positions[2] = {position("63", 300), position("03", 0)};
    text_view bodies[3] = {{"body", 4}, {NULL, 0}, {"", 0}};
    wire_message hello = {.type = WIRE_HELLO, .hello = {WIRE_VERSION, {"ctai-agent", 10}, 2, positions}};
    wire_message batch = {.type = WIRE_BATCH, .batch = {{"header", 6}, signature, 3, bodies}};
    wire_message renew = {.type = WIRE_RENEW, .renew = {position("63", 9), position("63", 4), 2, {1, 2}}};
    wire_message survey = {.type = WIRE_SURVEY, .survey = {{"63", 2}}};
    wire_message list = {.type = WIRE_LIST, .list = {{"63", 2}, 7, after}};

    spoil("HELLO", &hello);
    spoil("BATCH", &batch);
    spoil("RENEW", &renew);
    spoil("SURVEY", &survey);
    spoil("LIST", &list);
}

static void from_hub(void)
{
    static const uint8_t signature[CRYPTO_SIGNATURE], digests[WIRE_BUCKETS * WIRE_DIGEST], hashes[2][CRYPTO_HASH] = {{1}, {2}};
    wire_position positions[1] = {position("63", 12)};
    wire_record_refusal refusals[2] = {{3, 0, RECORD_BAD_MONTH}, {200, 1023, RECORD_NO_RIGHT}};
    wire_held records[2] = {{{7, 1}, {"c1", 2}, 1, 5}, {{7, 2}, {"c2", 2}, 2, 300}};
    wire_message welcome = {.type = WIRE_WELCOME, .welcome = {WIRE_VERSION, {"ctai-hub", 8}, 8, 8 << 20, 2, contracts, 1, positions}};
    wire_message ack = {.type = WIRE_ACK, .ack = {{"receipt", 7}, signature, 2, refusals}};
    wire_message told = {.type = WIRE_CONTRACTS, .contracts = {1, contracts}};
    wire_message refused = {.type = WIRE_REFUSED, .refused = {WIRE_REFUSAL_FORK, {"63", 2}, 300}};
    wire_message granted = {.type = WIRE_GRANTED, .granted = {{1}, position("63", 4), 2, hashes}};
    wire_message survey = {.type = WIRE_DIGESTS, .digests = {{"63", 2}, 1, 4, digests}};
    wire_message listed = {.type = WIRE_LISTED, .listed = {{"63", 2}, 1, 4, 7, NULL, true, 2, records}};

    spoil("WELCOME", &welcome);
    spoil("ACK", &ack);
    spoil("CONTRACTS", &told);
    spoil("REFUSED", &refused);
    spoil("GRANTED", &granted);
    spoil("DIGESTS", &survey);
    spoil("LISTED", &listed);
}

/* Bounds and doubles that no small change of a good message makes; written by hand, item by item. */
static void put_position(const char *scope, uint64_t incarnation, uint64_t sequence, bool marked, uint64_t stable)
{
    static const uint8_t zeros[CRYPTO_HASH];

    mpack_write_array(&buffer, 5);
    mpack_write_string(&buffer, text_of(scope), SIZE_MAX);
    mpack_write_uint(&buffer, incarnation);
    mpack_write_uint(&buffer, sequence);
    mpack_write_binary(&buffer, marked ? mark : zeros, CRYPTO_HASH);
    mpack_write_uint(&buffer, stable);
}

static void start(unsigned fields, uint64_t type)
{
    batch_buffer_clear(&buffer);
    mpack_write_array(&buffer, fields);
    mpack_write_uint(&buffer, type);
}

static void done(const char *type, const char *what)
{
    hostile_case(!buffer.failed, "%s: %s cannot be written", type, what);
    refuse(hostile_exact(buffer.data, buffer.size), type, what);
}

static void hello_with(const char *scope, uint64_t incarnation, uint64_t sequence, bool marked, uint64_t stable, const char *what)
{
    start(4, WIRE_HELLO);
    mpack_write_uint(&buffer, WIRE_VERSION);
    mpack_write_string(&buffer, text_of("x"), SIZE_MAX);
    mpack_write_array(&buffer, 1);
    put_position(scope, incarnation, sequence, marked, stable);
    done("HELLO", what);
}

static void bad_positions(void)
{
    hello_with("63", 0, 1, true, 0, "incarnation 0");
    hello_with("63", 1, 1, false, 0, "a sequence without a hash");
    hello_with("63", 1, 0, true, 0, "a hash without a sequence");
    hello_with("63", 1, 1, true, 2, "stable beyond the sequence");
    hello_with("", 1, 0, false, 0, "a scope without a name");
    hello_with("63/1", 1, 0, false, 0, "a scope with a slash");
    hello_with("63 ", 1, 0, false, 0, "a scope with a space");
    hello_with("é", 1, 0, false, 0, "a scope with an accent");
    hello_with("012345678901234567890123456789012", 1, 0, false, 0, "a scope of 33 bytes");
    start(4, WIRE_HELLO);
    mpack_write_uint(&buffer, WIRE_VERSION);
    mpack_write_string(&buffer, text_of("x"), SIZE_MAX);
    mpack_write_array(&buffer, 2);
    put_position("63", 1, 0, false, 0);
    put_position("63", 1, 0, false, 0);
    done("HELLO", "a scope twice");
    start(4, WIRE_HELLO);
    mpack_write_uint(&buffer, WIRE_VERSION);
    mpack_write_string(&buffer, text_of("x"), SIZE_MAX);
    mpack_write_array(&buffer, 17);
    for (unsigned i = 0; i < 17; i++) {
        char name[4] = {'s', (char) ('a' + i), '\0'};
        put_position(name, 1, 0, false, 0);
    }
    done("HELLO", "17 scopes");
    start(4, WIRE_HELLO);
    mpack_write_uint(&buffer, WIRE_VERSION);
    mpack_write_string(&buffer, text_of("01234567890123456789012345678901234567890123456789012345678901234"), SIZE_MAX);
    mpack_write_array(&buffer, 0);
    done("HELLO", "software of 65 bytes");
}

static void put_contract(const char *id, const char *first, const char *last, unsigned action_count, const char *code, size_t title)
{
    static char long_title[600];

    memset(long_title, 'x', sizeof long_title);
    mpack_write_array(&buffer, 6);
    mpack_write_string(&buffer, text_of(id), SIZE_MAX);
    mpack_write_string(&buffer, (text_view){long_title, title}, SIZE_MAX);
    mpack_write_string(&buffer, text_of("63"), SIZE_MAX);
    mpack_write_string(&buffer, text_of(first), SIZE_MAX);
    mpack_write_string(&buffer, text_of(last), SIZE_MAX);
    mpack_write_array(&buffer, action_count);
    for (unsigned i = 0; i < action_count; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%c", code, (char) (action_count > 2 ? '0' + (int) i : '\0'));
        mpack_write_array(&buffer, 3);
        mpack_write_string(&buffer, text_of(name), SIZE_MAX);
        mpack_write_string(&buffer, text_of("t"), SIZE_MAX);
        mpack_write_bool(&buffer, true);
    }
}

static void bad_contracts(void)
{
    static const struct { const char *id, *first, *last; unsigned actions; const char *code; size_t title; const char *what; } wrong[] = {
        {"", "2024-01-01", "2024-12-31", 1, "a", 1, "an id without a name"}, {"c/1", "2024-01-01", "2024-12-31", 1, "a", 1, "an id with a slash"},
        {"c", "2024-12-31", "2024-01-01", 1, "a", 1, "days in reverse"}, {"c", "2024-02-30", "2024-12-31", 1, "a", 1, "30 February"},
        {"c", "2023-02-29", "2024-12-31", 1, "a", 1, "29 February of 2023"}, {"c", "2024-1-01", "2024-12-31", 1, "a", 1, "a day of nine bytes"},
        {"c", "01/01/2024", "2024-12-31", 1, "a", 1, "a French day"}, {"c", "0000-01-01", "2024-12-31", 1, "a", 1, "the year 0"},
        {"c", "2024-01-01", "", 1, "a", 1, "no last day"}, {"c", "2024-01-01", "2024-12-31", 2, "a", 1, "an action twice"},
        {"c", "2024-01-01", "2024-12-31", 33, "a", 1, "33 actions"}, {"c", "2024-01-01", "2024-12-31", 1, "", 1, "an action without a code"},
        {"c", "2024-01-01", "2024-12-31", 1, "a b", 1, "an action's code with a space"}, {"c", "2024-01-01", "2024-12-31", 1, "a", 513, "a title of 513 bytes"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        start(2, WIRE_CONTRACTS);
        mpack_write_array(&buffer, 1);
        put_contract(wrong[i].id, wrong[i].first, wrong[i].last, wrong[i].actions, wrong[i].code, wrong[i].title);
        done("CONTRACTS", wrong[i].what);
    }
    start(2, WIRE_CONTRACTS);
    mpack_write_array(&buffer, 2);
    put_contract("c", "2024-01-01", "2024-12-31", 0, "", 1);
    put_contract("c", "2024-01-01", "2024-12-31", 0, "", 1);
    done("CONTRACTS", "a contract twice");
    start(2, WIRE_CONTRACTS);
    mpack_write_array(&buffer, 257);
    for (unsigned i = 0; i < 257; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%u", i);
        put_contract(name, "2024-01-01", "2024-12-31", 0, "", 1);
    }
    done("CONTRACTS", "257 contracts");
}

static void ack_with(size_t receipt, uint64_t sequence, uint64_t index, uint64_t reason, const char *what)
{
    static const uint8_t zeros[WIRE_RECEIPT_MAX + 1];

    start(4, WIRE_ACK);
    mpack_write_binary(&buffer, zeros, receipt);
    mpack_write_binary(&buffer, zeros, CRYPTO_SIGNATURE);
    mpack_write_array(&buffer, 1);
    mpack_write_array(&buffer, 3);
    mpack_write_uint(&buffer, sequence);
    mpack_write_uint(&buffer, index);
    mpack_write_uint(&buffer, reason);
    done("ACK", what);
}

static void put_held(uint8_t first, uint8_t second, uint64_t sequence)
{
    uint8_t key[RECORD_KEY] = {first, second};

    mpack_write_array(&buffer, 4);
    mpack_write_binary(&buffer, key, sizeof key);
    mpack_write_string(&buffer, text_of("c"), SIZE_MAX);
    mpack_write_uint(&buffer, 1);
    mpack_write_uint(&buffer, sequence);
}

static void listed_with(uint64_t bucket, bool after, bool more, unsigned count, uint8_t first, uint8_t second, uint8_t third, uint64_t sequence, const char *what)
{
    static const uint8_t key[RECORD_KEY] = {7, 5};

    start(8, WIRE_LISTED);
    mpack_write_string(&buffer, text_of("63"), SIZE_MAX);
    mpack_write_uint(&buffer, 1);
    mpack_write_uint(&buffer, 4);
    mpack_write_uint(&buffer, bucket);
    if (after)
        mpack_write_binary(&buffer, key, sizeof key);
    else
        mpack_write_nil(&buffer);
    mpack_write_bool(&buffer, more);
    mpack_write_array(&buffer, count);
    for (unsigned i = 0; i < count; i++)
        put_held(first, i == 0 ? second : third, sequence);
    done("LISTED", what);
}

static void bad_answers(void)
{
    ack_with(257, 1, 0, 1, "a receipt of 257 bytes");
    ack_with(1, 0, 0, 1, "a refusal of sequence 0");
    ack_with(1, 1, 1024, 1, "a refusal of body 1024");
    ack_with(1, 1, 0, 0, "a refusal without a reason");
    ack_with(1, 1, 0, RECORD_REASON_COUNT, "a reason that there is not");
    for (uint64_t reason = 0; reason <= 255; reason += reason == 0 ? 11 : 61) {
        start(4, WIRE_REFUSED);
        mpack_write_uint(&buffer, reason);
        mpack_write_nil(&buffer);
        mpack_write_uint(&buffer, 0);
        done("REFUSED", "a reason that there is not");
    }
    listed_with(7, false, false, 2, 7, 5, 5, 1, "a key twice");
    listed_with(7, false, false, 2, 7, 6, 5, 1, "keys that descend");
    listed_with(7, false, false, 1, 8, 5, 5, 1, "a key of another bucket");
    listed_with(7, true, false, 1, 7, 5, 5, 1, "the key after which it goes on");
    listed_with(8, true, false, 0, 7, 5, 5, 1, "a key of another bucket to go on after");
    listed_with(7, false, true, 0, 7, 5, 5, 1, "more after nothing");
    listed_with(256, false, false, 0, 7, 5, 5, 1, "bucket 256");
    listed_with(7, false, false, 1, 7, 5, 5, 0, "a record of sequence 0");
    for (uint64_t type = 0; type < 256; type++)
        if (type == 0 || (type > WIRE_LIST && type < WIRE_WELCOME) || type > WIRE_LISTED) {
            start(1, type);
            done("no message", "of a type that there is not");
        }
}

/* The largest that a frame may be, and one byte more. */
static void large_frames(void)
{
    wire_message message;
    char *bytes = calloc(1, WIRE_MESSAGE_MAX + 1);

    if (bytes == NULL)
        abort();
    for (unsigned i = 0; i < 256; i += 5) {
        memset(bytes, (int) i, WIRE_MESSAGE_MAX + 1);
        for (unsigned more = 0; more < 2; more++) {
            text_view frame = {bytes, WIRE_MESSAGE_MAX + more};
            bool taken = wire_read(&message, scratch, frame);
            arena_clear(scratch);
            hostile_case(!taken && at_hub(frame) && at_agent(frame), "4 MiB + %u of the byte %u", more, i);
        }
    }
    free(bytes);
}

void hostile_messages(void)
{
    scratch = arena_new(WIRE_SCRATCH_BYTES);
    batch_buffer_init(&buffer, WIRE_MESSAGE_MAX);
    batch_buffer_init(&again, WIRE_MESSAGE_MAX);
    from_agent();
    from_hub();
    bad_positions();
    bad_contracts();
    bad_answers();
    large_frames();
    batch_buffer_release(&buffer);
    batch_buffer_release(&again);
    arena_destroy(&scratch);
}
