/* sim_world: one seed: the world is made, troubled, healed, and asked what it has. */
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim_agent.h"
#include "sim_base.h"
#include "sim_check.h"
#include "sim_hub.h"
#include "sim_net.h"
#include "sim_stage.h"
#include "sim_trouble.h"

enum { REST_MS_MAX = 60 * 60 * 1000, SETTLE_MS = 70 * 1000 }; /* three rounds of what the hubs find out by themselves */

sim_world sim;

typedef struct {
    uint64_t at_ms, order, tag;
    sim_event_kind kind;
    unsigned who;
} event;

static event *events; /* a heap: the next one first */
static size_t event_count, event_capacity;
static uint64_t next_order;
static char broken[256];

const fact_type sim_types[3] = {FACT_COUT, FACT_PRESENCE, FACT_ACTEURS_FORMES};
const char *const sim_actions[SIM_ACTIONS] = {"axe1", "axe2", "axe3"};
static uint8_t record_keys[SIM_CONTRACTS_MAX][SIM_FACTS_MAX][RECORD_KEY];

/* Chance: SplitMix64 (Steele, Lea, Flood 2014), a stream for each purpose. */
uint64_t sim_random(sim_stream stream)
{
    uint64_t mixed = sim.chance[stream] += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

uint64_t sim_below(sim_stream stream, uint64_t bound)
{
    return sim_random(stream) % bound;
}

bool sim_chance(sim_stream stream, unsigned per_thousand)
{
    return per_thousand > 0 && sim_below(stream, 1000) < per_thousand;
}

uint64_t sim_between(sim_stream stream, uint64_t least, uint64_t most)
{
    return least + sim_below(stream, most - least + 1);
}

/* The trace. */

static void mix(uint64_t value)
{
    sim.hash = (sim.hash ^ value) * UINT64_C(0x9fb21c651e98df25);
    sim.hash ^= sim.hash >> 29;
}

void sim_trace(const char *what, uint64_t a, uint64_t b, uint64_t c)
{
    mix(sim.now_ms);
    for (const char *at = what; *at; at++)
        mix((uint8_t)*at);
    mix(a);
    mix(b);
    mix(c);
    if (sim.trace)
        fprintf(sim.trace, "%9llu %s %llu %llu %llu\n", (unsigned long long)sim.now_ms, what, (unsigned long long)a,
                (unsigned long long)b, (unsigned long long)c);
}

void sim_trace_text(const char *what, const char *text)
{
    if (sim.trace)
        fprintf(sim.trace, "%9llu %s %s\n", (unsigned long long)sim.now_ms, what, text);
}

void sim_trace_bytes(const char *what, uint64_t a, const void *data, size_t size)
{
    const uint8_t *at = data;
    size_t left = size;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        mix(word);
    }
    for (; left > 0; left--)
        mix(*at++);
    sim_trace(what, a, size, size > 1 ? ((const uint8_t *)data)[1] : 0);
}

void sim_broken(const char *format, ...)
{
    va_list arguments;
    if (sim.failed)
        return;
    sim.failed = true;
    va_start(arguments, format);
    vsnprintf(broken, sizeof broken, format, arguments);
    va_end(arguments);
    sim_trace_text("BROKEN", broken);
}

const char *sim_broken_text(void)
{
    return broken;
}

/* The future. */

static bool before(const event *a, const event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void sim_later(uint64_t delay_ms, sim_event_kind kind, unsigned who, uint64_t tag)
{
    if (event_count == event_capacity) {
        event_capacity = event_capacity ? 2 * event_capacity : 1024;
        events = realloc(events, event_capacity * sizeof *events);
        if (!events)
            abort();
    }
    event made = {.at_ms = sim.now_ms + delay_ms, .order = next_order++, .tag = tag, .kind = kind, .who = who};
    size_t at = event_count++;
    for (; at > 0 && before(&made, &events[(at - 1) / 2]); at = (at - 1) / 2)
        events[at] = events[(at - 1) / 2];
    events[at] = made;
}

static event take_event(void)
{
    event first = events[0], last = events[--event_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= event_count)
            break;
        if (child + 1 < event_count && before(&events[child + 1], &events[child]))
            child++;
        if (!before(&events[child], &last))
            break;
        events[at] = events[child];
        at = child;
    }
    events[at] = last;
    return first;
}

/* Names. */

const uint8_t *sim_key(unsigned contract, unsigned fact)
{
    return record_keys[contract][fact];
}

int sim_fact_of(unsigned contract, const uint8_t key[RECORD_KEY])
{
    unsigned low = 0, high = sim.fact_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (memcmp(record_keys[contract][middle], key, RECORD_KEY) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sim.fact_count && memcmp(record_keys[contract][low], key, RECORD_KEY) == 0 ? (int)low : -1;
}

const char *sim_contract_name(unsigned contract)
{
    static const char *const names[SIM_CONTRACTS_MAX] = {"alpha-2023", "beta-2024", "gamma-2025"};
    return names[contract];
}

const char *sim_scope_name(unsigned scope)
{
    static const char *const names[SIM_SCOPES_MAX] = {"03", "43", "63"};
    return names[scope];
}

unsigned sim_scope_of(unsigned contract)
{
    return contract % sim.scope_count;
}

int sim_scope_find(text_view name)
{
    for (unsigned i = 0; i < sim.scope_count; i++)
        if (text_is(name, sim_scope_name(i)))
            return (int)i;
    return -1;
}

int sim_contract_find(text_view name)
{
    for (unsigned i = 0; i < sim.contract_count; i++)
        if (text_is(name, sim_contract_name(i)))
            return (int)i;
    return -1;
}

civil_month sim_month(unsigned month)
{
    return 2024 * 12 + (civil_month)month;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, RECORD_KEY);
}

static void make_keys(void)
{
    for (unsigned k = 0; k < sim.contract_count; k++) {
        for (unsigned i = 0; i < sim.fact_count; i++) {
            unsigned of[2] = {k, i};
            crypto_short_hash(record_keys[k][i], NULL, 0, of, sizeof of);
            if (sim.seed % 3 == 0)
                record_keys[k][i][0] &= 3; /* full buckets, which are listed in several parts */
        }
        qsort(record_keys[k], sim.fact_count, RECORD_KEY, by_bytes);
    }
}

/* What happens. */

static void happen(const event *what)
{
    unsigned who = what->who;
    bool same_life = hub_is_up(who % SIM_HUBS);
    switch (what->kind) {
    case SIM_EVENT_AGENT: agent_alarm_clock(who, what->tag); break;
    case SIM_EVENT_AGENT_UP: agent_start(who); break;
    case SIM_EVENT_PUSH: trouble_push(who); break;
    case SIM_EVENT_HANDSHAKE: net_handshake((unsigned)what->tag); break;
    case SIM_EVENT_MESSAGE: net_message((unsigned)what->tag); break;
    case SIM_EVENT_AGENT_LOSES: net_agent_loses((unsigned)what->tag); break;
    case SIM_EVENT_HUB_LOSES: net_hub_loses((unsigned)what->tag); break;
    case SIM_EVENT_HUB_TICK:
        if (same_life && hub_life(who) == what->tag)
            hub_tick(who);
        break;
    case SIM_EVENT_HUB_ANSWERS:
        if (same_life && hub_life(who) == what->tag)
            hub_answers(who);
        break;
    case SIM_EVENT_HUB_NOTICE:
        if (same_life && hub_life(who) == what->tag)
            hub_notice(who);
        break;
    case SIM_EVENT_HUB_WORK:
        if (same_life && hub_life(who) == what->tag >> 8)
            hub_work(who, (unsigned)(what->tag & 0xff));
        break;
    case SIM_EVENT_HUB_UP:
        if (hub_life(who) == what->tag)
            hub_start(who);
        break;
    case SIM_EVENT_STANDBY: trouble_standby(); break;
    case SIM_EVENT_FAULT: trouble_next(); break;
    case SIM_EVENT_STAGE: stage_happens(who, what->tag); break;
    }
}

static void run_until(uint64_t until_ms)
{
    while (!sim.failed && event_count > 0 && events[0].at_ms <= until_ms) {
        event next = take_event();
        sim.wall_ms += next.at_ms - sim.now_ms;
        sim.now_ms = next.at_ms;
        happen(&next);
    }
    if (sim.now_ms < until_ms) {
        sim.wall_ms += until_ms - sim.now_ms;
        sim.now_ms = until_ms;
    }
}

static bool all_rest(void)
{
    for (unsigned i = 0; i < sim.agent_count; i++)
        if (!agent_is_idle(i))
            return false;
    return true;
}

static void trace_session(unsigned agent)
{
    const agent_session *session = agent_session_of(agent);
    for (unsigned i = 0; session && i < session->scope_count; i++) {
        const agent_session_scope *scope = &session->scopes[i];
        sim_trace(scope->scope, scope->stop, scope->incarnation, scope->queued);
        sim_trace("  acknowledged, committed, sent", scope->acknowledged, scope->committed, scope->sent);
    }
}

/* Everything comes to rest, or a promise is broken. */
static void drain(const char *when)
{
    uint64_t from = sim.now_ms;
    /* At rest, and still after a while: what the hubs find out by themselves is part of it. */
    for (uint64_t rest = 0; !sim.failed && rest < SETTLE_MS && sim.now_ms - from < REST_MS_MAX;) {
        run_until(sim.now_ms + 500);
        rest = all_rest() ? rest + 500 : 0;
    }
    for (unsigned i = 0; i < sim.agent_count && !sim.failed; i++) {
        const agent_session *session = agent_session_of(i);
        if (!agent_is_idle(i))
            trace_session(i);
        if (!agent_is_idle(i))
            sim_broken("%s: agent %u does not come to rest (state %d, stop %d, pending %llu)", when, i,
                       session ? (int)session->state : -1, session ? (int)session->stop : -1,
                       session ? (unsigned long long)agent_session_pending(session) : 0);
    }
    sim_trace(when, sim.now_ms - from, 0, 0);
}

static void reset(uint64_t seed, FILE *trace, uint64_t *counters)
{
    for (unsigned i = 0; i < SIM_HUBS; i++)
        hub_kill(i);
    sim_trace("end", 0, 0, 0);
    sim.trace = NULL;
    event_count = 0;
    next_order = 0;
    agent_reset();
    net_reset();
    base_reset();
    check_reset();
    event_count = 0;
    broken[0] = '\0';
    sim = (sim_world){.seed = seed, .trace = trace, .counters = counters, .now_ms = 1000, .wall_ms = UINT64_C(1732000000000)};
    for (unsigned i = 0; i < SIM_STREAMS; i++)
        sim.chance[i] = (seed + 1) * UINT64_C(0xd1342543de82ef95) + i * UINT64_C(0xaf251af3b0f025b5);
    sim_disk_reset();
}

bool sim_run(uint64_t seed, FILE *trace, uint64_t *counters, uint64_t *hash)
{
    reset(seed, trace, counters);
    hub_reset();
    trouble_make_world();
    make_keys();
    trouble_begin();
    run_until(sim.now_ms + trouble_duration_ms());
    trouble_heal();
    drain("after the troubles");
    if (!sim.failed)
        check_rest(false, trouble_changed_terms());
    bool accepted[SIM_AGENTS_MAX] = {false};
    bool all = false;
    for (unsigned round = 0; round < 2 && !all; round++) {
        all = true;
        for (unsigned i = 0; i < sim.agent_count && !sim.failed; i++)
            all = (accepted[i] = accepted[i] || agent_pushes(i, true)) && all;
        drain("after the last push");
    }
    if (!sim.failed)
        check_rest(true, trouble_changed_terms());
    sim_trace("done", sim.failed, 0, 0);
    *hash = sim.hash;
    bool good = !sim.failed;
    return good;
}
