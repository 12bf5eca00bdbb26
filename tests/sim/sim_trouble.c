/* sim_trouble: see the header. */
#include "sim_trouble.h"

#include <string.h>

#include "sim_agent.h"
#include "sim_hub.h"
#include "sim_net.h"
#include "sim_stage.h"
#include "sim_store.h"

enum { ALL_ACTIONS = (1 << SIM_ACTIONS) - 1 };

static uint64_t duration_ms, push_every_ms, trouble_every_ms, standby_held_until;
static unsigned first_agents;
static bool terms_changed, has_restores, has_clones, has_revocations, has_replacements, has_terms;

uint64_t trouble_duration_ms(void)
{
    return duration_ms;
}

bool trouble_changed_terms(void)
{
    return terms_changed;
}

/* Some troubles are of this seed, others not. */
static unsigned odds(unsigned most)
{
    return sim_chance(SIM_WORLD, 350) ? (unsigned)sim_between(SIM_WORLD, 1, most) : 0;
}

static void make_odds(void)
{
    sim.odds = (sim_odds){
        .drop = odds(30), .duplicate = odds(30), .send_fails = odds(20), .late = odds(60), .no_detail = odds(300),
        .refuse = odds(300), .disk_full = odds(20), .disk_fsync = odds(20), .disk_io = odds(5),
        .db_away = odds(200), .db_slow = odds(100), .db_fails = odds(100), .db_lost = odds(200), .db_warned = odds(100),
        .db_fault = odds(100), .db_full = odds(50), .db_misfit = sim_chance(SIM_WORLD, 100) ? odds(40) : 0,
    };
}

void trouble_make_world(void)
{
    bool many = sim_chance(SIM_WORLD, 15), large = !many && sim_chance(SIM_WORLD, 8);
    terms_changed = false;
    standby_held_until = 0;
    first_agents = many ? (unsigned)sim_between(SIM_WORLD, 20, 100) : (unsigned)sim_between(SIM_WORLD, 1, large ? 2 : 5);
    sim.contract_count = (unsigned)sim_between(SIM_WORLD, 1, SIM_CONTRACTS_MAX);
    sim.scope_count = (unsigned)sim_between(SIM_WORLD, 1, sim.contract_count);
    sim.fact_count = large ? 2500 : (unsigned)sim_between(SIM_WORLD, 3, many ? 8 : 40);
    sim.push_all = large;
    sim.stable_at_commit = sim_chance(SIM_WORLD, 500);
    sim.strong_crypto = sim.seed % 16 == 0;
    sim.other_key = sim_chance(SIM_WORLD, 15);
    make_odds();
    has_restores = sim_chance(SIM_WORLD, 300);
    has_clones = !has_restores && sim_chance(SIM_WORLD, 150);
    has_revocations = sim_chance(SIM_WORLD, 100);
    has_replacements = sim_chance(SIM_WORLD, 100);
    has_terms = sim_chance(SIM_WORLD, 250);
    duration_ms = sim_between(SIM_WORLD, 20, large || many ? 60 : 200) * 1000;
    push_every_ms = sim_between(SIM_WORLD, 2, 40) * 1000;
    trouble_every_ms = sim_between(SIM_WORLD, 1, 15) * 1000;
    store_sim_reset();
    stage_make_world(&has_restores, has_clones, has_terms);
}

static void change(base_change what)
{
    base_commit(&what);
}

static void admit(unsigned identity)
{
    change((base_change){.kind = BASE_ADMIT, .agent = identity});
    for (unsigned k = 0; k < sim.contract_count; k++)
        change((base_change){.kind = BASE_RIGHT, .agent = identity, .contract = k, .rights = ALL_ACTIONS});
}

void trouble_begin(void)
{
    for (unsigned k = 0; k < sim.contract_count; k++)
        change((base_change){.kind = BASE_TERMS, .contract = k, .first_month = 1, .last_month = 9});
    for (unsigned i = 0; i < first_agents; i++)
        admit(agent_identity(agent_add()));
    base_replicate(UINT64_MAX);
    sim.faults = true;
    for (unsigned i = 0; i < SIM_HUBS; i++)
        hub_start(i);
    for (unsigned i = 0; i < sim.agent_count; i++) {
        sim_later(sim_below(SIM_FAULT, 2000), SIM_EVENT_AGENT_UP, i, 0);
        sim_later(sim_below(SIM_FAULT, push_every_ms), SIM_EVENT_PUSH, i, 0);
    }
    sim_later(500, SIM_EVENT_STANDBY, 0, 0);
    sim_later(sim_below(SIM_FAULT, 2 * trouble_every_ms), SIM_EVENT_FAULT, 0, 0);
    stage_begin(duration_ms);
}

void trouble_push(unsigned agent)
{
    if (!sim.faults)
        return;
    agent_pushes(agent, false);
    sim_later(sim_below(SIM_FAULT, 2 * push_every_ms) + 1, SIM_EVENT_PUSH, agent, 0);
}

/* What the standby has is stable. */
static void mark_stable(void)
{
    bool moved = false;
    for (unsigned i = 0; i < agent_identity_count(); i++)
        for (unsigned k = 0; k < sim.scope_count; k++) {
            const base_place *there = &base_standby()->agents[i].places[k], *here = &base_now()->agents[i].places[k];
            uint64_t up_to = there->sequence;
            if (up_to <= here->stable || up_to > here->sequence)
                continue;
            sim_count(db_stable_later);
            change((base_change){.kind = BASE_STABLE, .agent = i, .scope = k, .stable_up_to = up_to});
            moved = true;
        }
    if (moved)
        hub_notify(sim_chance(SIM_BASE, 100));
}

void trouble_standby(void)
{
    if (!sim.stable_at_commit && sim.now_ms >= standby_held_until) {
        base_replicate(sim.faults ? sim_below(SIM_BASE, 1 + 2 * base_lag()) : UINT64_MAX);
        if (sim_chance(SIM_BASE, 500))
            mark_stable();
    }
    sim_later(200 + sim_below(SIM_BASE, 4000), SIM_EVENT_STANDBY, 0, 0);
}

/* One trouble. */

static unsigned some_agent(void)
{
    return (unsigned)sim_below(SIM_FAULT, sim.agent_count);
}

static uint64_t some_seconds(uint64_t most)
{
    return 1000 * sim_below(SIM_FAULT, most) + sim_below(SIM_FAULT, 1000);
}

static void kill_some_agent(void)
{
    unsigned which = some_agent();
    if (!agent_is_up(which))
        return;
    if (sim_chance(SIM_FAULT, 600)) {
        sim_disk_fuse(which, (unsigned)sim_between(SIM_FAULT, 1, 60));
        return;
    }
    agent_kill(which, sim_chance(SIM_FAULT, 500), some_seconds(30));
}

static void change_terms(void)
{
    unsigned contract = (unsigned)sim_below(SIM_FAULT, sim.contract_count);
    if (!has_terms)
        return;
    terms_changed = true;
    if (sim_chance(SIM_FAULT, 500)) {
        sim_count(contract_changed);
        change((base_change){.kind = BASE_TERMS, .contract = contract, .first_month = (unsigned)sim_between(SIM_FAULT, 0, 3),
                             .last_month = (unsigned)sim_between(SIM_FAULT, 6, 11)});
    } else {
        sim_count(right_changed);
        change((base_change){.kind = BASE_RIGHT, .agent = agent_identity(some_agent()), .contract = contract,
                             .rights = (unsigned)sim_below(SIM_FAULT, ALL_ACTIONS + 1)});
    }
    hub_notify(sim_chance(SIM_FAULT, 200));
}

void trouble_set_rights(unsigned agent, unsigned contract, unsigned rights, bool heard)
{
    terms_changed = true;
    change((base_change){.kind = BASE_RIGHT, .agent = agent_identity(agent), .contract = contract, .rights = rights});
    hub_notify(!heard);
}

void trouble_hold_standby(uint64_t for_ms)
{
    if (sim.now_ms >= standby_held_until)
        base_replicate(UINT64_MAX);
    if (standby_held_until < sim.now_ms + for_ms)
        standby_held_until = sim.now_ms + for_ms;
}

bool trouble_promote_held(void)
{
    if (sim.now_ms > standby_held_until)
        return false;
    standby_held_until = 0;
    sim_count(db_failover);
    base_fail_over();
    hub_notify(false);
    return true;
}

static void revoke(void)
{
    unsigned which = some_agent();
    if (!has_revocations || agent_is_revoked(which))
        return;
    sim_count(revoked);
    for (unsigned i = 0; i < sim.agent_count; i++)
        if (agent_identity(i) == agent_identity(which))
            agent_set_revoked(i);
    change((base_change){.kind = BASE_REVOKE, .agent = agent_identity(which)});
    base_replicate(UINT64_MAX); /* a revocation that a promotion undoes is the administrator's to repeat */
    hub_notify(sim_chance(SIM_FAULT, 200));
}

/* The operator has lost its disk, or two machines had its keys: new keys, by the administrator. */
static void replace(void)
{
    unsigned which = some_agent();
    if (!has_replacements || agent_is_revoked(which) || sim.agent_count >= SIM_AGENTS_MAX)
        return;
    unsigned by = agent_replace(which);
    change((base_change){.kind = BASE_REPLACE, .agent = agent_identity(which), .by = agent_identity(by)});
    base_replicate(UINT64_MAX);
    for (unsigned i = 0; i < sim.agent_count; i++)
        if (agent_identity(i) == agent_identity(which))
            agent_set_revoked(i);
    hub_notify(sim_chance(SIM_FAULT, 200));
    sim_later(some_seconds(20), SIM_EVENT_AGENT_UP, by, 0);
    sim_later(some_seconds(40), SIM_EVENT_PUSH, by, 0);
}

static void change_disk(void)
{
    unsigned which = some_agent();
    if (has_restores && sim_chance(SIM_FAULT, 500)) {
        if (sim_chance(SIM_FAULT, 400) || !agent_restore(which))
            agent_back_up(which);
    } else if (has_clones && sim.agent_count < SIM_AGENTS_MAX && !agent_is_cloned(which) && !agent_is_revoked(which)) {
        unsigned clone = agent_clone(which);
        sim_later(some_seconds(20), SIM_EVENT_AGENT_UP, clone, 0);
        sim_later(some_seconds(40), SIM_EVENT_PUSH, clone, 0);
        has_clones = sim_chance(SIM_FAULT, 300);
    }
}

static void trouble_hub(void)
{
    unsigned which = (unsigned)sim_below(SIM_FAULT, SIM_HUBS);
    if (!hub_is_up(which))
        return;
    uint64_t life = hub_life(which);
    if (sim_chance(SIM_FAULT, 700)) {
        sim_count(hub_killed);
        hub_kill(which);
    } else {
        hub_stop(which);
    }
    sim_later(some_seconds(30), SIM_EVENT_HUB_UP, which, life);
}

static void trouble_base(void)
{
    switch (sim_below(SIM_FAULT, 4)) {
    case 0: store_sim_away((unsigned)sim_below(SIM_FAULT, SIM_HUBS), some_seconds(20)); break;
    case 1:
        for (unsigned i = 0; i < SIM_HUBS; i++)
            store_sim_away(i, some_seconds(20));
        break;
    case 2:
        if (sim_chance(SIM_FAULT, 700))
            store_sim_slow(some_seconds(20));
        else
            store_sim_faulty((unsigned)sim_below(SIM_FAULT, SIM_HUBS), some_seconds(20));
        break;
    default:
        sim_count(db_failover);
        base_fail_over();
        hub_notify(false);
    }
}

static void trouble_net(void)
{
    unsigned hub = (unsigned)sim_below(SIM_FAULT, SIM_HUBS);
    switch (sim_below(SIM_FAULT, 4)) {
    case 0: net_block(some_agent(), hub, some_seconds(60)); break;
    case 1:
        for (unsigned i = 0; i < sim.agent_count; i++)
            net_block(i, hub, some_seconds(30));
        break;
    default: net_cut(sim_random(SIM_FAULT));
    }
}

void trouble_next(void)
{
    if (!sim.faults)
        return;
    if (sim.staged && stage_next()) {
        sim_later(sim_below(SIM_FAULT, 2 * trouble_every_ms) + 1, SIM_EVENT_FAULT, 0, 0);
        return;
    }
    switch (sim_below(SIM_FAULT, 10)) {
    case 0:
    case 1: kill_some_agent(); break;
    case 2:
        sim_count(stalled);
        agent_stall(some_agent(), some_seconds(40));
        break;
    case 3:
    case 4: trouble_net(); break;
    case 5: trouble_hub(); break;
    case 6: trouble_base(); break;
    case 7: change_terms(); break;
    case 8: change_disk(); break;
    default:
        if (sim_chance(SIM_FAULT, 300))
            revoke();
        else
            replace();
        sim_count(wall_jump);
        sim.wall_ms += sim_below(SIM_FAULT, 2) ? some_seconds(100000) : 0 - some_seconds(100000);
    }
    sim_later(sim_below(SIM_FAULT, 2 * trouble_every_ms) + 1, SIM_EVENT_FAULT, 0, 0);
}

void trouble_heal(void)
{
    sim_trace("heal", 0, 0, 0);
    sim.faults = false;
    net_heal();
    store_sim_reset();
    for (unsigned i = 0; i < SIM_HUBS; i++)
        if (!hub_is_up(i))
            hub_start(i);
    for (unsigned i = 0; i < agent_identity_count(); i++)
        for (unsigned k = 0; k < sim.contract_count; k++)
            if (base_now()->agents[i].rights[k] != ALL_ACTIONS)
                change((base_change){.kind = BASE_RIGHT, .agent = i, .contract = k, .rights = ALL_ACTIONS});
    base_replicate(UINT64_MAX);
    for (unsigned i = 0; i < SIM_HUBS; i++)
        hub_notice(i);
    for (unsigned i = 0; i < sim.agent_count; i++) {
        agent_stall(i, 0);
        sim_disk_fuse(i, 0);
        if (!agent_is_up(i))
            agent_start(i);
        else if (agent_is_cloned(i))
            agent_try_again(i); /* a person does: a promotion lost that it was forked */
    }
}
