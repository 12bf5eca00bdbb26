/* sim_office: see the header. */
#include "sim_office.h"

#include <string.h>

#include "forget.h"
#include "sim_check.h"
#include "sim_export.h"

static uint64_t next_value;

void office_reset(void)
{
    next_value = 1;
}

uint64_t office_value(void)
{
    return next_value++;
}

static sim_content new_content(void)
{
    sim_content made = {.value = next_value++};
    made.type = (uint8_t)sim_below(SIM_OPERATOR, sizeof sim_types / sizeof *sim_types);
    made.action = (uint8_t)sim_below(SIM_OPERATOR, SIM_ACTIONS);
    made.month = (uint8_t)(sim_chance(SIM_OPERATOR, 30) ? sim_below(SIM_OPERATOR, SIM_MONTHS) : sim_between(SIM_OPERATOR, 2, 8));
    return made;
}

void office_edit(unsigned identity, unsigned contract, sim_content *table, sim_content *before, uint32_t forgotten, bool *touched)
{
    uint64_t turns = sim_chance(SIM_OPERATOR, sim.push_all ? 400 : 50) ? sim.fact_count * 2 : 1 + sim_below(SIM_OPERATOR, 1 + sim.fact_count / 4);
    memset(touched, 0, sim.fact_count * sizeof *touched);
    bool bad_year = sim_chance(SIM_OPERATOR, 10); /* or a file that was cut off */
    for (unsigned i = 0; bad_year && i < sim.fact_count; i++)
        if (sim_chance(SIM_OPERATOR, 800))
            table[i].value = 0;
    for (uint64_t i = 0; i < turns; i++) {
        unsigned fact = (unsigned)sim_below(SIM_OPERATOR, sim.fact_count);
        sim_content *one = &table[fact], was = *one;
        if (forgotten >> fact % SIM_PERSONS & 1)
            continue;
        touched[fact] = true;
        if (one->value && sim_chance(SIM_OPERATOR, 250))
            one->value = 0;
        else if (before[fact].value && sim_chance(SIM_OPERATOR, 250))
            *one = before[fact]; /* a change is taken back */
        else
            *one = new_content();
        if (was.value)
            before[fact] = was;
        if (one->value)
            check_said(identity, contract, fact, one);
    }
}

outbox_error office_forgets(unsigned agent, outbox *box, const agent_home *keys, sim_content *const *table,
                            sim_content *const *before, uint32_t *forgotten)
{
    unsigned who = (unsigned)sim_below(SIM_ERASURE, SIM_PERSONS);
    forget_result done;
    if (!sim_chance(SIM_ERASURE, 40))
        return OUTBOX_OK;
    outbox_error error = forget_person(box, keys, text_of(sim_person(who)), true, &done);
    sim_trace("forget", agent, who, (uint64_t)error);
    if (error != OUTBOX_OK)
        return error;
    sim_count(forgotten);
    *forgotten |= 1u << who;
    for (unsigned k = 0; k < sim.contract_count; k++)
        for (unsigned fact = who; fact < sim.fact_count; fact += SIM_PERSONS) {
            table[k][fact] = before[k][fact] = (sim_content){0};
            check_accepted(agent, k, fact, &(sim_content){0});
            check_erased(agent, k, fact);
        }
    return OUTBOX_OK;
}
