/* sim_stage: see the header. */
#include "sim_stage.h"

#include "sim_agent.h"
#include "sim_base.h"
#include "sim_net.h"
#include "sim_trouble.h"

enum { ALL_ACTIONS = (1 << SIM_ACTIONS) - 1, LAST_MS = 8000 };

/* Parts of pieces, each an event of its own. */
enum { PROMOTE, RESTORE, TAKE_RIGHT, GIVE_RIGHT };

static bool has_restores, has_terms;

static unsigned odds(unsigned of_worlds, unsigned most)
{
    return sim_chance(SIM_STAGE, of_worlds) ? (unsigned)sim_between(SIM_STAGE, 1, most) : 0;
}

void stage_make_world(bool *restores, bool clones, bool terms)
{
    sim.staged = sim.seed % 4 == 3;
    if (!sim.staged)
        return;
    *restores = *restores || (!clones && sim_chance(SIM_STAGE, 500));
    has_restores = *restores;
    has_terms = terms;
    sim.odds.renew_late = odds(500, 600);
    sim.odds.renew_fatal = odds(500, 300);
    sim.odds.grant_lost = odds(500, 500);
}

static uint64_t within(uint64_t most_ms)
{
    return 1 + sim_below(SIM_STAGE, most_ms);
}

static unsigned some_agent(void)
{
    return (unsigned)sim_below(SIM_STAGE, sim.agent_count);
}

static void later(uint64_t delay_ms, unsigned part, unsigned agent)
{
    sim_later(delay_ms, SIM_EVENT_STAGE, agent, part);
}

void stage_begin(uint64_t duration_ms)
{
    /* What a later trouble would cover up happens at the end. */
    if (sim.staged && has_terms && duration_ms > LAST_MS && sim_chance(SIM_STAGE, 700))
        for (unsigned i = 0; i < sim.agent_count; i++)
            later(duration_ms - within(LAST_MS), TAKE_RIGHT, i);
}

/* The standby is behind by what these agents do now. */
static void stage_tail(void)
{
    uint64_t for_ms = within(20 * 1000);
    sim_count(stage_tail);
    trouble_hold_standby(for_ms + 1000);
    later(for_ms, PROMOTE, 0);
    for (unsigned i = 0; i < sim.agent_count && i < 8; i++) {
        if (has_restores && sim_chance(SIM_STAGE, 500)) {
            agent_back_up(i);
            later(within(for_ms), RESTORE, i);
        }
        agent_pushes(i, false);
    }
}

static void stage_restore(void)
{
    unsigned which = some_agent();
    sim_count(stage_restore);
    agent_back_up(which);
    agent_pushes(which, false);
    later(within(10 * 1000), RESTORE, which);
}

bool stage_next(void)
{
    if (!sim_chance(SIM_STAGE, 400))
        return false;
    switch (sim_below(SIM_STAGE, 3)) {
    case 0:
        if (sim.stable_at_commit)
            return false;
        stage_tail();
        return true;
    case 1:
        if (!has_restores)
            return false;
        stage_restore();
        return true;
    default:
        if (!has_terms)
            return false;
        later(1, TAKE_RIGHT, some_agent());
        return true;
    }
}

/* What agents send again is refused where it was taken before. */
static void promote(void)
{
    if (!trouble_promote_held())
        return;
    sim_count(stage_promotion);
    for (unsigned i = 0; has_terms && i < sim.agent_count; i++)
        if (sim_chance(SIM_STAGE, 400))
            trouble_set_rights(i, (unsigned)sim_below(SIM_STAGE, sim.contract_count),
                               (unsigned)sim_below(SIM_STAGE, ALL_ACTIONS + 1), sim_chance(SIM_STAGE, 500));
}

static void take_right(unsigned agent)
{
    sim_count(stage_right);
    for (unsigned k = 0; k < sim.contract_count; k++)
        trouble_set_rights(agent, k, 0, false);
    agent_pushes(agent, false);
    later(within(3000), GIVE_RIGHT, agent);
}

void stage_happens(unsigned agent, uint64_t part)
{
    if (!sim.faults)
        return;
    switch (part) {
    case PROMOTE: promote(); break;
    case RESTORE: (void)agent_restore(agent); break;
    case TAKE_RIGHT: take_right(agent); break;
    case GIVE_RIGHT:
        for (unsigned k = 0; k < sim.contract_count; k++)
            trouble_set_rights(agent, k, ALL_ACTIONS, false);
        break;
    default: break;
    }
}

void stage_renews(unsigned agent)
{
    sim_count(said_renew);
    if (sim.faults && sim_chance(SIM_STAGE, sim.odds.renew_fatal)) {
        sim_count(renew_fatal);
        sim_disk_fuse(agent, (unsigned)within(8));
    }
}

void stage_surveys(unsigned agent)
{
    sim_count(said_survey);
    if (sim.faults && sim_chance(SIM_STAGE, sim.odds.renew_fatal)) {
        sim_count(survey_fatal);
        sim_disk_fuse(agent, (unsigned)within(8));
    }
}

void stage_lingers(void)
{
    if (sim_chance(SIM_STAGE, 600))
        later(within(1500), PROMOTE, 0);
}

void stage_granted(unsigned identity, unsigned scope)
{
    if (sim.staged && sim.faults)
        net_let_go(identity, scope);
}

bool stage_is_ahead(const agent_session *session, unsigned identity)
{
    if (!sim.staged)
        return false;
    for (unsigned i = 0; session && i < session->scope_count; i++) {
        int scope = sim_scope_find(text_of(session->scopes[i].scope));
        if (session->scopes[i].acknowledged > base_now()->agents[identity].places[scope].sequence)
            return true;
    }
    return !session;
}

void stage_failed_over(void)
{
    if (sim.staged)
        agent_forget_backups();
}
