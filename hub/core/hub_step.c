/* hub_step: see the header. */
#include "hub_step.h"

#include <assert.h>
#include <string.h>

const text_view hub_step_nowhere = {NULL, 0};

hub_effect *hub_step_emit(hub_step *step, hub_effect_type type)
{
    hub_effects *effects = step->effects;

    assert(effects->count < HUB_SESSION_EFFECTS_MAX);
    memset(&effects->items[effects->count], 0, sizeof effects->items[effects->count]);
    effects->items[effects->count].type = type;
    return &effects->items[effects->count++];
}

void hub_step_refuse(hub_step *step, wire_refusal reason, text_view scope, uint64_t sequence)
{
    hub_effect *effect = hub_step_emit(step, HUB_EFFECT_SEND);

    effect->message.type = WIRE_REFUSED;
    effect->message.refused.reason = reason;
    effect->message.refused.scope = scope;
    effect->message.refused.sequence = sequence;
}

void hub_step_alarm(hub_step *step, wire_refusal reason, text_view scope, uint64_t sequence)
{
    hub_effect *effect = hub_step_emit(step, HUB_EFFECT_ALARM);

    effect->reason = reason;
    effect->scope = scope;
    effect->sequence = sequence;
}

static void cut(hub_step *step)
{
    step->session->state = HUB_SESSION_CLOSED;
    (void) hub_step_emit(step, HUB_EFFECT_CUT);
}

void hub_step_strike(hub_step *step, wire_refusal reason, text_view scope, uint64_t sequence)
{
    hub_step_refuse(step, reason, scope, sequence);
    hub_step_alarm(step, reason, scope, sequence);
    if (++step->session->strikes >= HUB_SESSION_STRIKES_MAX)
        cut(step);
}

void hub_step_revoke(hub_step *step)
{
    hub_step_refuse(step, WIRE_REFUSAL_REVOKED, hub_step_nowhere, 0);
    cut(step);
}

void hub_step_fork(hub_step *step, text_view scope, uint64_t sequence)
{
    step->session->state = HUB_SESSION_FORKED;
    hub_step_refuse(step, WIRE_REFUSAL_FORK, scope, sequence);
}

void hub_step_acknowledge(hub_step *step, const wire_position *position, uint64_t ledger_position,
                          const uint8_t chain[CRYPTO_HASH], unsigned refusal_count, const wire_record_refusal *refusals)
{
    hub_effect *effect = hub_step_emit(step, HUB_EFFECT_ACK);

    memcpy(effect->receipt.agent, step->session->agent, CRYPTO_PUBLIC);
    effect->receipt.position = *position;
    effect->receipt.ledger_position = ledger_position;
    memcpy(effect->receipt.chain, chain, CRYPTO_HASH);
    effect->refusal_count = refusal_count;
    effect->refusals = refusals;
}

hub_session_scope *hub_step_scope(hub_session *self, text_view name)
{
    for (unsigned i = 0; i < self->scope_count; i++)
        if (text_is(name, self->scopes[i].scope))
            return &self->scopes[i];
    return NULL;
}

wire_refusal hub_step_refusal_of(hub_stored stored)
{
    switch (stored) {
    case HUB_STORED_FORK: return WIRE_REFUSAL_FORK;
    case HUB_STORED_SEQUENCE: return WIRE_REFUSAL_SEQUENCE;
    case HUB_STORED_SCOPE: return WIRE_REFUSAL_SCOPE;
    case HUB_STORED_KEY: return WIRE_REFUSAL_KEY;
    case HUB_STORED_INCARNATION: return WIRE_REFUSAL_INCARNATION;
    case HUB_STORED_NO_RIGHT: return WIRE_REFUSAL_REVOKED;
    case HUB_STORED_COMMITTED:
    case HUB_STORED_AGAIN:
    case HUB_STORED_LATER: break;
    }
    return WIRE_REFUSAL_BUSY;
}
