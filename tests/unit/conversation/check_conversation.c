/*
 * Both sessions against each other, in memory and in a virtual time, from one seed: connections that die, that
 * linger while the next one speaks, messages that vanish or come twice, an agent and a hub that start anew, a
 * store that has no time, does not know the outcome of its commit, or has lost its unstable tail.
 *
 * The checker knows only the promises: what is acknowledged is committed; the store's chain is a beginning of
 * the agent's; once the faults end, every batch is committed and acknowledged; nobody stops.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "agent_session.h"
#include "hub_session.h"

enum { SCOPES = 2, BATCHES_MAX = 200, CONNECTIONS_MAX = 4096, QUEUE_MAX = 256, JOBS_MAX = 1024, BODY_BYTES = 40 };

typedef struct { uint8_t *data; size_t size; } blob;
typedef struct { blob items[QUEUE_MAX]; unsigned first, count; } queue;

typedef struct {
    bool agent_side, hub_side; /* who still holds it */
    bool settled;              /* the handshake is over */
    queue to_hub, to_agent;
    hub_session session;
} connection;

typedef struct {
    unsigned connection;
    uint64_t hub_life;
    bool load;
    unsigned scope;
    uint64_t sequence, bytes;
    uint8_t previous[CRYPTO_HASH], hash[CRYPTO_HASH];
} job;

static const char *const scope_names[SCOPES] = {"63", "03"};

static struct {
    uint64_t random, now, hub_life;
    bool faults;
    crypto_sign_pair agent_pair, hub_pair;
    /* The outbox: what is durable at the agent. */
    blob outbox[SCOPES][BATCHES_MAX + 1];
    uint8_t hashes[SCOPES][BATCHES_MAX + 1][CRYPTO_HASH];
    uint64_t queued[SCOPES], acknowledged[SCOPES], stable[SCOPES];
    agent_session session;
    /* The store. */
    uint8_t committed_hash[SCOPES][BATCHES_MAX + 1][CRYPTO_HASH];
    uint64_t committed[SCOPES], store_stable[SCOPES], ledger;
    job jobs[JOBS_MAX];
    unsigned job_first, job_count;
    connection *connections[CONNECTIONS_MAX];
    unsigned connection_count;
    arena *scratch;
    /* How often each thing came about, so that a test that tests nothing is seen. */
    uint64_t commits, acknowledgements, losses, failovers;
} world;

static uint64_t dice(uint64_t bound)
{
    uint64_t mixed = world.random += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ mixed >> 31) % bound;
}

static bool fault(uint64_t in)
{
    return world.faults && dice(in) == 0;
}

static blob copy(const void *data, size_t size)
{
    blob made = {malloc(size), size};
    ck_assert_ptr_nonnull(made.data);
    memcpy(made.data, data, size);
    return made;
}

static void push(queue *to, const void *data, size_t size)
{
    ck_assert_uint_lt(to->count, QUEUE_MAX);
    to->items[(to->first + to->count++) % QUEUE_MAX] = copy(data, size);
}

static blob pop(queue *from)
{
    blob taken = from->items[from->first];
    from->first = (from->first + 1) % QUEUE_MAX;
    from->count--;
    return taken;
}

static void empty(queue *what)
{
    while (what->count > 0)
        free(pop(what).data);
}

static connection *current(void)
{
    connection *last = world.connection_count > 0 ? world.connections[world.connection_count - 1] : NULL;
    return last != NULL && last->agent_side ? last : NULL;
}

static unsigned scope_index(text_view name)
{
    unsigned index = 0;
    while (!text_is(name, scope_names[index]))
        ck_assert_uint_lt(++index, SCOPES);
    return index;
}

/* The agent's side. */

static void make_batch(unsigned scope)
{
    uint8_t body[BODY_BYTES], body_hash[1][CRYPTO_HASH], signature[CRYPTO_SIGNATURE];
    uint64_t sequence = world.queued[scope] + 1;
    batch_header header = {.scope = text_of(scope_names[scope]), .incarnation = 1, .sequence = sequence, .scheme = 1,
                           .body_count = 1, .hashes = body_hash};
    wire_message message = {.type = WIRE_BATCH};
    text_view bodies[1] = {{(char *) body, sizeof body}};
    batch_buffer bytes, header_bytes;

    for (unsigned i = 0; i < BODY_BYTES; i++)
        body[i] = (uint8_t) dice(256);
    batch_hash(body_hash[0], bodies[0]);
    memcpy(header.agent, world.agent_pair.public_key, CRYPTO_PUBLIC);
    memcpy(header.previous, world.hashes[scope][sequence - 1], CRYPTO_HASH);
    batch_buffer_init(&header_bytes, BATCH_HEADER_MAX);
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    batch_write_header(&header_bytes, &header);
    message.batch.header = (text_view){(char *) header_bytes.data, header_bytes.size};
    batch_hash(world.hashes[scope][sequence], message.batch.header);
    batch_sign(signature, message.batch.header, &world.agent_pair);
    message.batch.signature = signature;
    message.batch.body_count = 1;
    message.batch.bodies = bodies;
    wire_write(&bytes, &message);
    ck_assert(!bytes.failed);
    world.outbox[scope][sequence] = copy(bytes.data, bytes.size);
    world.queued[scope] = sequence;
    batch_buffer_release(&header_bytes);
    batch_buffer_release(&bytes);
}

static bool own_hash(void *outbox, const char *scope, uint64_t sequence, uint8_t hash[CRYPTO_HASH])
{
    unsigned index = scope_index(text_of(scope));
    (void) outbox;
    if (sequence > world.queued[index] || sequence <= world.stable[index] / 2) /* forgets what is stable, in its time */
        return false;
    memcpy(hash, world.hashes[index][sequence], CRYPTO_HASH);
    return true;
}

static void send_hello(void)
{
    wire_position scopes[WIRE_SCOPES_MAX];
    wire_message hello;
    batch_buffer bytes;

    agent_session_hello(&world.session, &hello, scopes);
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, &hello);
    ck_assert(!bytes.failed && current() != NULL);
    push(&current()->to_hub, bytes.data, bytes.size);
    batch_buffer_release(&bytes);
}

static void agent_step(agent_event event);

static void drop_connection(void)
{
    connection *held = current();
    if (held == NULL)
        return;
    held->agent_side = false;
    empty(&held->to_agent);
    if (world.faults && dice(2) == 0)
        return; /* what is under way may still reach the hub, while the next connection speaks */
    held->hub_side = false;
    empty(&held->to_hub);
}

static void open_connection(void)
{
    ck_assert_uint_lt(world.connection_count, CONNECTIONS_MAX);
    connection *made = calloc(1, sizeof *made);
    ck_assert_ptr_nonnull(made);
    made->agent_side = made->hub_side = true;
    hub_session_init(&made->session, world.agent_pair.public_key);
    world.connections[world.connection_count++] = made;
}

static agent_event send_batch(const agent_effect *effect)
{
    unsigned scope = scope_index(text_of(effect->scope));
    const blob *message = &world.outbox[scope][effect->sequence];
    agent_event answer = {.type = AGENT_EVENT_SENT, .scope = scope_names[scope], .sequence = effect->sequence, .bytes = message->size};

    ck_assert_uint_le(effect->sequence, world.queued[scope]);
    if (message->size > effect->bytes_max) {
        answer.type = AGENT_EVENT_HELD;
    } else if (fault(50)) {
        drop_connection();
        answer.type = AGENT_EVENT_LOST;
    } else {
        push(&current()->to_hub, message->data, message->size);
        if (fault(50))
            push(&current()->to_hub, message->data, message->size);
    }
    return answer;
}

static void note_acknowledged(const agent_effect *effect)
{
    unsigned scope = scope_index(text_of(effect->scope));

    world.acknowledgements++;
    if (effect->sequence > world.acknowledged[scope])
        world.acknowledged[scope] = effect->sequence;
    if (effect->stable > world.stable[scope])
        world.stable[scope] = effect->stable;
}

static void agent_step(agent_event event)
{
    agent_effects effects;
    bool again = true;

    while (again) {
        again = false;
        event.scratch = world.scratch;
        event.header_hash = own_hash;
        agent_session_step(&world.session, &event, world.now, &effects);
        for (unsigned i = 0; i < effects.count; i++) {
            const agent_effect *effect = &effects.items[i];
            switch (effect->type) {
            case AGENT_EFFECT_CONNECT: drop_connection(); open_connection(); break;
            case AGENT_EFFECT_DISCONNECT: drop_connection(); break;
            case AGENT_EFFECT_SEND_HELLO: send_hello(); break;
            case AGENT_EFFECT_SEND_BATCH: event = send_batch(effect); again = true; break;
            case AGENT_EFFECT_ACKNOWLEDGED: note_acknowledged(effect); break;
            case AGENT_EFFECT_RETRACT: world.acknowledged[scope_index(text_of(effect->scope))] = effect->sequence; break;
            case AGENT_EFFECT_CONTRACTS:
            case AGENT_EFFECT_REPORT: break;
            /* One machine, whose hub keeps what it called stable: its chain always goes on. */
            case AGENT_EFFECT_BEGIN: case AGENT_EFFECT_SEND_RENEW: case AGENT_EFFECT_ADOPT: case AGENT_EFFECT_SEND_SURVEY:
            case AGENT_EFFECT_COMPARE: case AGENT_EFFECT_SEND_LIST: case AGENT_EFFECT_RECONCILE:
            case AGENT_EFFECT_CONTRADICTED: case AGENT_EFFECT_RESYNCED: ck_abort_msg("effect %d", (int) effect->type);
            }
        }
        if (world.session.state == AGENT_SESSION_STOPPED)
            ck_abort_msg("stopped: %d, refusal %d", (int) world.session.stop, (int) world.session.refusal);
        ck_assert_int_eq(agent_session_trouble(&world.session, "63"), world.session.stop);
    }
}

static void agent_simple(agent_event_type type)
{
    agent_step((agent_event){.type = type});
}

static void start_agent(void)
{
    agent_session_init(&world.session, world.agent_pair.public_key, world.hub_pair.public_key, dice(1 << 30));
    for (unsigned s = 0; s < SCOPES; s++)
        if (world.queued[s] > 0)
            ck_assert(agent_session_add_scope(&world.session, scope_names[s], 1, world.queued[s],
                                              world.hashes[s][world.queued[s]], world.acknowledged[s], world.stable[s]));
    drop_connection();
    agent_simple(AGENT_EVENT_START);
}

static void queue_batch(void)
{
    unsigned scope = (unsigned) dice(SCOPES);
    if (world.queued[scope] == BATCHES_MAX)
        return;
    make_batch(scope);
    agent_step((agent_event){.type = AGENT_EVENT_QUEUED, .scope = scope_names[scope], .incarnation = 1,
                             .sequence = world.queued[scope], .hash = world.hashes[scope][world.queued[scope]]});
}

/* The hub's side. */

static void hub_send(connection *to, const wire_message *message)
{
    batch_buffer bytes;

    if (!to->agent_side || fault(40)) /* a ROUTER drops in silence */
        return;
    batch_buffer_init(&bytes, WIRE_MESSAGE_MAX);
    wire_write(&bytes, message);
    ck_assert(!bytes.failed);
    push(&to->to_agent, bytes.data, bytes.size);
    batch_buffer_release(&bytes);
}

static void hub_ack(connection *to, const hub_effect *effect)
{
    wire_message message = {.type = WIRE_ACK};
    uint8_t signature[CRYPTO_SIGNATURE];
    batch_buffer receipt;

    batch_buffer_init(&receipt, WIRE_RECEIPT_MAX);
    wire_write_receipt(&receipt, &effect->receipt);
    ck_assert(!receipt.failed);
    crypto_sign_with(signature, receipt.data, receipt.size, &world.hub_pair);
    message.ack.receipt = (text_view){(char *) receipt.data, receipt.size};
    message.ack.signature = signature;
    hub_send(to, &message);
    batch_buffer_release(&receipt);
}

static job *add_job(unsigned index)
{
    ck_assert_uint_lt(world.job_count, JOBS_MAX);
    job *added = &world.jobs[(world.job_first + world.job_count++) % JOBS_MAX];
    *added = (job){.connection = index, .hub_life = world.hub_life};
    return added;
}

static void hub_step(unsigned index, hub_event event)
{
    static hub_effects effects;
    connection *from = world.connections[index];

    event.scratch = world.scratch;
    hub_session_step(&from->session, &event, world.now, &effects);
    ck_assert_uint_le(from->session.outstanding_batches, HUB_SESSION_CREDIT_BATCHES);
    for (unsigned i = 0; i < effects.count; i++) {
        const hub_effect *effect = &effects.items[i];
        switch (effect->type) {
        case HUB_EFFECT_LOAD: add_job(index)->load = true; break;
        case HUB_EFFECT_SEND: hub_send(from, &effect->message); break;
        case HUB_EFFECT_ACK: hub_ack(from, effect); break;
        case HUB_EFFECT_STORE: {
            job *added = add_job(index);
            added->scope = scope_index(effect->header.scope);
            added->sequence = effect->header.sequence;
            added->bytes = effect->bytes;
            memcpy(added->previous, effect->header.previous, CRYPTO_HASH);
            batch_hash(added->hash, effect->message.batch.header);
            break;
        }
        case HUB_EFFECT_CUT: ck_abort_msg("an honest agent was cut"); break;
        case HUB_EFFECT_ASK: ck_abort_msg("nothing was restored here"); break;
        case HUB_EFFECT_ALARM: ck_abort_msg("an honest agent raised alarm %d", (int) effect->reason); break;
        }
    }
}

/* The store: one job after the other. */

static wire_position store_position(unsigned scope)
{
    wire_position made = {.scope = text_of(scope_names[scope]), .incarnation = 1, .sequence = world.committed[scope],
                          .stable = world.store_stable[scope]};
    memcpy(made.hash, world.committed_hash[scope][made.sequence], CRYPTO_HASH);
    return made;
}

static hub_stored commit(const job *what)
{
    uint64_t committed = world.committed[what->scope];

    if (what->sequence <= committed)
        return memcmp(world.committed_hash[what->scope][what->sequence], what->hash, CRYPTO_HASH) == 0 ? HUB_STORED_AGAIN
                                                                                                       : HUB_STORED_FORK;
    if (what->sequence > committed + 1)
        return HUB_STORED_SEQUENCE;
    if (memcmp(world.committed_hash[what->scope][committed], what->previous, CRYPTO_HASH) != 0)
        return HUB_STORED_FORK;
    if (fault(30))
        return HUB_STORED_LATER;
    memcpy(world.committed_hash[what->scope][what->sequence], what->hash, CRYPTO_HASH);
    world.committed[what->scope]++;
    world.ledger++;
    world.commits++;
    if (dice(4) == 0 && what->sequence > world.store_stable[what->scope] + 3)
        world.store_stable[what->scope] = what->sequence - 3;
    return fault(30) ? HUB_STORED_LATER : HUB_STORED_COMMITTED; /* committed, and the answer was lost */
}

static void do_job(void)
{
    job what = world.jobs[world.job_first];
    world.job_first = (world.job_first + 1) % JOBS_MAX;
    world.job_count--;
    hub_session_loaded loaded[SCOPES];
    hub_event event = {.type = HUB_EVENT_STATE, .scope_count = SCOPES, .scopes = loaded};

    if (what.load) {
        event.stored = fault(20) ? HUB_STORED_LATER : HUB_STORED_COMMITTED;
        for (unsigned s = 0; s < SCOPES; s++)
            loaded[s] = (hub_session_loaded){.position = store_position(s), .ledger_position = world.ledger};
    } else {
        event = (hub_event){.type = HUB_EVENT_STORED, .stored = commit(&what), .scope = scope_names[what.scope],
                            .sequence = what.sequence, .bytes = what.bytes};
        event.position = store_position(what.scope);
        event.ledger_position = world.ledger;
    }
    if (what.hub_life == world.hub_life && world.connections[what.connection]->hub_side)
        hub_step(what.connection, event);
}

/* Faults and time. */

static void restart_hub(void)
{
    world.hub_life++;
    for (unsigned i = 0; i < world.connection_count; i++) {
        world.connections[i]->hub_side = false;
        empty(&world.connections[i]->to_hub);
    }
    if (current() != NULL) {
        drop_connection();
        agent_simple(AGENT_EVENT_LOST);
    }
}

/* A standby without the unstable tail is promoted: connections to the database are lost with it. */
static void fail_over(void)
{
    for (unsigned s = 0; s < SCOPES; s++)
        if (world.committed[s] > world.store_stable[s])
            world.committed[s] -= dice(world.committed[s] - world.store_stable[s] + 1);
    world.failovers++;
    if (dice(2) == 0)
        restart_hub();
}

static void settle(void)
{
    connection *fresh = current();
    if (fresh == NULL || fresh->settled)
        return;
    fresh->settled = true;
    if (!fault(10)) {
        agent_simple(AGENT_EVENT_CONNECTED);
        return;
    }
    drop_connection();
    agent_simple(dice(2) == 0 ? AGENT_EVENT_LOST : AGENT_EVENT_NO_DETAIL);
}

static void deliver_to_hub(void)
{
    unsigned start = (unsigned) dice(8);
    for (unsigned i = 0; i < world.connection_count && i < 8; i++) {
        unsigned index = world.connection_count - 1 - (start + i) % (world.connection_count < 8 ? world.connection_count : 8);
        connection *from = world.connections[index];
        if (!from->hub_side || from->to_hub.count == 0)
            continue;
        blob message = pop(&from->to_hub);
        arena_clear(world.scratch);
        hub_step(index, (hub_event){.type = HUB_EVENT_MESSAGE, .message = {(char *) message.data, message.size}});
        free(message.data);
        return;
    }
}

static void deliver_to_agent(void)
{
    connection *from = current();
    if (from == NULL || from->to_agent.count == 0)
        return;
    blob message = pop(&from->to_agent);
    arena_clear(world.scratch);
    agent_step((agent_event){.type = AGENT_EVENT_MESSAGE, .message = {(char *) message.data, message.size}});
    free(message.data);
}

static void tick(void)
{
    if (world.session.deadline_ms == UINT64_MAX)
        return;
    if (world.session.deadline_ms > world.now)
        world.now = world.session.deadline_ms;
    agent_simple(AGENT_EVENT_TICK);
}

static void some_fault(void)
{
    switch (dice(6)) {
    case 0: fail_over(); break;
    case 1: start_agent(); break;
    case 2: restart_hub(); break;
    default:
        world.losses++;
        if (current() != NULL) {
            drop_connection();
            agent_simple(AGENT_EVENT_LOST);
        }
    }
}

static void check_promises(void)
{
    for (unsigned s = 0; s < SCOPES; s++) {
        ck_assert_uint_le(world.committed[s], world.queued[s]);
        ck_assert_uint_le(world.store_stable[s], world.committed[s]);
        ck_assert_uint_le(world.stable[s], world.store_stable[s]);
        ck_assert_mem_eq(world.committed_hash[s][world.committed[s]], world.hashes[s][world.committed[s]], CRYPTO_HASH);
        if (world.failovers == 0)
            ck_assert_uint_le(world.acknowledged[s], world.committed[s]);
    }
}

static bool all_done(void)
{
    for (unsigned s = 0; s < SCOPES; s++)
        if (world.acknowledged[s] != world.queued[s] || world.committed[s] != world.queued[s])
            return false;
    return agent_session_pending(&world.session) == 0;
}

static void one_turn(void)
{
    uint64_t what = dice(100);

    if (what < 30)
        deliver_to_hub();
    else if (what < 60)
        deliver_to_agent();
    else if (what < 80 && world.job_count > 0)
        do_job();
    else if (what < 85)
        settle();
    else if (what < 93 && world.faults)
        queue_batch();
    else if (what >= 98)
        tick();
    if (fault(200))
        some_fault();
    check_promises();
}

static void run_world(uint64_t seed)
{
    memset(&world, 0, sizeof world);
    world.random = seed;
    world.faults = true;
    ck_assert_int_eq(crypto_start(), 0);
    crypto_sign_new(&world.agent_pair);
    crypto_sign_new(&world.hub_pair);
    world.scratch = arena_new(WIRE_SCRATCH_BYTES);
    start_agent();
    for (int i = 0; i < 3000; i++)
        one_turn();
    world.faults = false;
    for (int i = 0; i < 20000 && !all_done(); i++)
        one_turn();
    ck_assert(all_done());
    ck_assert_int_eq(agent_session_trouble(&world.session, NULL), AGENT_STOP_NONE);
    ck_assert_uint_gt(world.commits, 50);
    ck_assert_uint_gt(world.acknowledgements, 20);
    for (unsigned s = 0; s < SCOPES; s++)
        for (uint64_t i = 1; i <= world.queued[s]; i++)
            free(world.outbox[s][i].data);
    for (unsigned i = 0; i < world.connection_count; i++) {
        empty(&world.connections[i]->to_hub);
        empty(&world.connections[i]->to_agent);
        free(world.connections[i]);
    }
    arena_destroy(&world.scratch);
}

START_TEST(every_batch_arrives_once_whatever_happens)
{
    const char *seed = getenv("CTAI_SEED");

    run_world(seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t) _i);
}
END_TEST

int main(void)
{
    const char *runs = getenv("CTAI_RUNS");
    Suite *suite = suite_create("conversation");
    TCase *tests = tcase_create("conversation");

    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, every_batch_arrives_once_whatever_happens, 0, runs != NULL ? (int) strtol(runs, NULL, 10) : 40);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
