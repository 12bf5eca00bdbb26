/* timeliness: see the header. */
#include "timeliness.h"

#include <assert.h>
#include <string.h>

const char *timeliness_state_name(timeliness_state state)
{
    static const char *const names[] = { "à venir", "en cours", "terminé", "clos" };
    assert(state <= TIMELINESS_CLOSED);
    return names[state];
}

static const timeliness_statement *find(const timeliness_known *known, text_view action, text_view agent)
{
    for (unsigned i = 0; i < known->statement_count; i++)
        if (text_equal(known->statements[i].action, action) && text_equal(known->statements[i].agent, agent))
            return &known->statements[i];
    return NULL;
}

static civil_month begin_of(const timeliness_known *known, const contract *of, text_view action)
{
    for (unsigned i = 0; i < known->begin_count; i++)
        if (text_equal(known->begins[i].action, action))
            return known->begins[i].first;
    return civil_month_of(of->first_day);
}

static timeliness_duty *find_duty(const timeliness *self, text_view action, text_view agent)
{
    for (unsigned i = 0; i < self->duty_count; i++)
        if (text_equal(self->duties[i].action, action) && text_equal(self->duties[i].agent, agent))
            return &self->duties[i];
    return NULL;
}

/* Months from the first on that are due and not covered. */
static unsigned lateness(const timeliness *self, civil_month first, const timeliness_statement *said)
{
    if (self->due == CIVIL_NONE)
        return 0;
    civil_month next = said && said->covers && said->last_month != CIVIL_NONE ? said->last_month + 1 : first;
    if (next < first)
        next = first;
    return next > self->due ? 0 : (unsigned)(self->due - next) + 1;
}

static void add_expected(timeliness *self, const contract *of, const contract_action *action, const contract_actor *actor,
                         const timeliness_known *known)
{
    if (actor->agent.size == 0 || find_duty(self, action->code, actor->agent))
        return;
    timeliness_duty *duty = &self->duties[self->duty_count++];
    *duty = (timeliness_duty){ .action = action->code, .agent = actor->agent, .name = actor->name, .expected = true,
                             .said = find(known, action->code, actor->agent) };
    duty->late = lateness(self, begin_of(known, of, action->code), duty->said);
    self->expected++;
    self->on_time += duty->late == 0;
    if (duty->late > self->late)
        self->late = duty->late;
}

/* ISO texts of one form: their order is that of time. */
static bool is_later(text_view one, text_view other)
{
    if (one.size == 0 || other.size == 0)
        return one.size > other.size;
    return memcmp(one.at, other.at, one.size < other.size ? one.size : other.size) > 0;
}

bool timeliness_of(timeliness *self, arena *from, const contract *said, const timeliness_known *known, civil_day today)
{
    const timeliness_statement *statements = known->statements;
    const bool closed = known->closed;
    size_t most = known->statement_count;
    civil_month last_past = civil_month_of(today) - 1, first = civil_month_of(said->first_day), last = civil_month_of(said->last_day);
    *self = (timeliness){ .due = last_past < last ? last_past : last };
    if (closed || self->due < first)
        self->due = CIVIL_NONE;
    self->state = closed ? TIMELINESS_CLOSED : today < said->first_day ? TIMELINESS_COMING
        : today > said->last_day ? TIMELINESS_ENDED : TIMELINESS_RUNNING;
    for (unsigned i = 0; i < said->action_count; i++)
        most += said->actions[i].operator_count;
    self->duties = arena_take(from, most * sizeof *self->duties + 1);
    if (!self->duties)
        return false;
    for (unsigned i = 0; i < said->action_count; i++)
        for (unsigned k = 0; k < said->actions[i].operator_count; k++)
            add_expected(self, said, &said->actions[i], &said->actions[i].operators[k], known);
    for (unsigned i = 0; i < known->statement_count; i++) {
        if (!find_duty(self, statements[i].action, statements[i].agent))
            self->duties[self->duty_count++] = (timeliness_duty){ .action = statements[i].action, .agent = statements[i].agent,
                                                                .said = &statements[i] };
        if (is_later(statements[i].received, self->received))
            self->received = statements[i].received;
    }
    return true;
}
