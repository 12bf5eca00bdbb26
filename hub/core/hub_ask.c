/*
 * hub_ask: what an agent asks of the store: an incarnation (RENEW), what the hub holds of it (SURVEY, LIST); see
 * hub_step.h. One question at a time: an answer may be large, and the next is asked after it.
 */
#include <string.h>

#include "hub_step.h"

static text_view scope_of(const wire_message *question)
{
    switch (question->type) {
    case WIRE_RENEW: return question->renew.own.scope;
    case WIRE_SURVEY: return question->survey.scope;
    default: return question->list.scope;
    }
}

void hub_ask_take(hub_step *step, const wire_message *question)
{
    hub_session *self = step->session;
    text_view scope = scope_of(question);

    if (self->state != HUB_SESSION_OPEN) {
        hub_step_refuse(step, WIRE_REFUSAL_SEQUENCE, hub_step_nowhere, 0);
    } else if (hub_step_scope(self, scope) == NULL) {
        hub_step_refuse(step, WIRE_REFUSAL_SCOPE, scope, 0);
    } else if (self->asking) {
        hub_step_refuse(step, WIRE_REFUSAL_BUSY, scope, 0);
    } else {
        self->asking = true;
        hub_step_emit(step, HUB_EFFECT_ASK)->message = *question;
    }
}

/* From the granted position on, whatever came before. */
static void grant(hub_session_scope *scope, const wire_position *position)
{
    scope->incarnation = position->incarnation;
    scope->sequence = scope->handed = position->sequence;
    scope->stable = position->stable;
    memcpy(scope->hash, position->hash, CRYPTO_HASH);
    scope->halted = false;
}

void hub_ask_answered(hub_step *step)
{
    hub_session *self = step->session;
    const hub_event *event = step->event;
    hub_session_scope *scope = hub_step_scope(self, text_of(event->scope));

    if (!self->asking)
        return;
    self->asking = false;
    if (event->stored == HUB_STORED_NO_RIGHT) {
        hub_step_revoke(step);
    } else if (self->state == HUB_SESSION_FORKED) {
        return;
    } else if (event->stored == HUB_STORED_FORK) {
        hub_step_alarm(step, WIRE_REFUSAL_FORK, text_of(event->scope), 0);
        hub_step_fork(step, text_of(event->scope), 0);
    } else if (event->stored != HUB_STORED_COMMITTED) {
        hub_step_refuse(step, hub_step_refusal_of(event->stored), text_of(event->scope), 0);
    } else {
        if (event->answer->type == WIRE_GRANTED && scope != NULL)
            grant(scope, &event->answer->granted.position);
        hub_step_emit(step, HUB_EFFECT_SEND)->message = *event->answer;
    }
}
