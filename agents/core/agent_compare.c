#include "agent_compare.h"

#include <string.h>

#include "agent_flow.h"

static bool is_idle(const agent_session_scope *scope)
{
    return scope->welcome && scope->stop == AGENT_STOP_NONE && scope->renewal == AGENT_RENEWAL_NONE
           && scope->acknowledged == scope->queued && scope->committed == scope->queued;
}

void agent_compare_pump(agent_step *step)
{
    agent_session *self = step->session;

    if (self->state != AGENT_SESSION_FLOWING || self->asking)
        return;
    for (unsigned i = 0; i < self->scope_count; i++) {
        agent_session_scope *scope = &self->scopes[i];
        if (scope->resync == AGENT_RESYNC_NONE || !is_idle(scope))
            continue;
        bool listing = scope->resync == AGENT_RESYNC_LISTING;
        self->asking = true;
        agent_effect *effect = agent_step_emit(step, listing ? AGENT_EFFECT_SEND_LIST : AGENT_EFFECT_SEND_SURVEY);
        effect->scope = scope->scope;
        if (listing) {
            effect->bucket = scope->bucket;
            effect->after = scope->has_after ? scope->after : NULL;
        } else {
            scope->resync = AGENT_RESYNC_SURVEYING;
        }
        return;
    }
}

/*
 * The scope whose question of that kind is answered; NULL: none, or the answer does not stand for our last
 * batch: then the comparison begins anew.
 */
static agent_session_scope *answered(agent_step *step, agent_resync kind, text_view name, uint64_t incarnation,
                                     uint64_t sequence)
{
    agent_session *self = step->session;
    agent_session_scope *scope = agent_step_find(self, name);

    if (self->state != AGENT_SESSION_FLOWING || scope == NULL || scope->resync != kind || !self->asking)
        return NULL;
    if (incarnation == scope->incarnation && sequence == scope->queued && is_idle(scope))
        return scope;
    self->asking = false;
    scope->resync = AGENT_RESYNC_WANTED;
    if (is_idle(scope)) {
        agent_step_restart(step); /* the hub is elsewhere: its position tells where */
    } else {
        agent_flow_arm(step, true);
        agent_flow_pump(step);
    }
    return NULL;
}

void agent_compare_digests(agent_step *step, const wire_message *digests)
{
    agent_session_scope *scope = answered(step, AGENT_RESYNC_SURVEYING, digests->digests.scope,
                                          digests->digests.incarnation, digests->digests.sequence);

    if (scope == NULL)
        return;
    agent_effect *effect = agent_step_emit(step, AGENT_EFFECT_COMPARE);
    effect->scope = scope->scope;
    effect->digests = digests->digests.digests;
}

/* The first bucket that is still to be listed, or the end of it. */
static void next_bucket(agent_step *step, agent_session_scope *scope)
{
    scope->has_after = false;
    for (unsigned bucket = 0; bucket < WIRE_BUCKETS; bucket++)
        if ((scope->differs[bucket / 8] >> bucket % 8 & 1) != 0) {
            scope->resync = AGENT_RESYNC_LISTING;
            scope->bucket = bucket;
            return;
        }
    scope->resync = AGENT_RESYNC_NONE;
    agent_step_emit(step, AGENT_EFFECT_RESYNCED)->scope = scope->scope;
}

void agent_compare_compared(agent_step *step)
{
    agent_session *self = step->session;
    agent_session_scope *scope = agent_step_find(self, text_of(step->event->scope));

    if (self->state != AGENT_SESSION_FLOWING || scope == NULL || scope->resync != AGENT_RESYNC_SURVEYING
        || !self->asking)
        return;
    self->asking = false;
    memcpy(scope->differs, step->event->differs, sizeof scope->differs);
    next_bucket(step, scope);
    agent_flow_arm(step, true);
    agent_flow_pump(step);
}

void agent_compare_listed(agent_step *step, const wire_message *listed)
{
    agent_session *self = step->session;
    const agent_session_scope *asked = agent_step_find(self, listed->listed.scope);

    /* An answer to a question of before a HELLO: the one of now is still to come. */
    if (asked == NULL || listed->listed.bucket != asked->bucket || (listed->listed.after != NULL) != asked->has_after
        || (asked->has_after && memcmp(listed->listed.after, asked->after, RECORD_KEY) != 0))
        return;
    agent_session_scope *scope = answered(step, AGENT_RESYNC_LISTING, listed->listed.scope, listed->listed.incarnation,
                                          listed->listed.sequence);
    if (scope == NULL)
        return;
    agent_effect *effect = agent_step_emit(step, AGENT_EFFECT_RECONCILE);
    effect->scope = scope->scope;
    effect->bucket = scope->bucket;
    effect->after = listed->listed.after;
    effect->more = listed->listed.more && listed->listed.record_count > 0;
    effect->record_count = listed->listed.record_count;
    effect->records = listed->listed.records;
    scope->has_more = effect->more;
    if (effect->more)
        memcpy(scope->last, listed->listed.records[listed->listed.record_count - 1].key, RECORD_KEY);
}

void agent_compare_reconciled(agent_step *step)
{
    agent_session *self = step->session;
    agent_session_scope *scope = agent_step_find(self, text_of(step->event->scope));

    if (self->state != AGENT_SESSION_FLOWING || scope == NULL || scope->resync != AGENT_RESYNC_LISTING || !self->asking)
        return;
    self->asking = false;
    if (scope->has_more) {
        scope->has_after = true;
        memcpy(scope->after, scope->last, RECORD_KEY);
    } else {
        scope->differs[scope->bucket / 8] &= (uint8_t) ~(1U << scope->bucket % 8);
        next_bucket(step, scope);
    }
    agent_flow_arm(step, true);
    agent_flow_pump(step);
}
