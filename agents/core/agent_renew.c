#include "agent_renew.h"

#include <string.h>

#include "agent_flow.h"

bool agent_renew_is_own(const agent_event *event, const agent_session_scope *scope, uint64_t sequence,
                        const uint8_t hash[CRYPTO_HASH], bool *known)
{
    uint8_t own[CRYPTO_HASH];

    *known = true;
    if (sequence == scope->queued)
        return memcmp(hash, scope->queued_hash, CRYPTO_HASH) == 0;
    *known = event->header_hash(event->outbox, scope->scope, sequence, own);
    return *known && memcmp(hash, own, CRYPTO_HASH) == 0;
}

/* Do our batches go on from the hub's position, and have we still got the next one? */
static bool goes_on(const agent_event *event, const agent_session_scope *scope, const wire_position *at)
{
    uint8_t next[CRYPTO_HASH];
    bool known;

    if (at->sequence > scope->queued)
        return false;
    /* What we have forgotten was stable: it is the hub's word that it lay on our chain. */
    if (at->sequence > 0 && !agent_renew_is_own(event, scope, at->sequence, at->hash, &known) && known)
        return false;
    /* A standby that lost the tail was promoted: what we kept is sent again. */
    return at->sequence == scope->queued || event->header_hash(event->outbox, scope->scope, at->sequence + 1, next);
}

/*
 * The incarnation that the scope needs next; ours again when the hub has lost that grant alone. When it has lost more,
 * the numbers of ours would stand for other batches than those that we may have sent under them.
 */
static uint64_t next_incarnation(const agent_event *event, const agent_session_scope *scope, const wire_position *at)
{
    bool known;

    if (scope->incarnation > at->incarnation && !scope->lacks
        && agent_renew_is_own(event, scope, at->sequence, at->hash, &known) && goes_on(event, scope, at))
        return scope->incarnation;
    return (scope->incarnation > at->incarnation ? scope->incarnation : at->incarnation) + 1;
}

static void begin(agent_step *step, agent_session_scope *scope, uint64_t incarnation)
{
    agent_effect *effect = agent_step_emit(step, AGENT_EFFECT_BEGIN);

    scope->incarnation = incarnation;
    effect->scope = scope->scope;
    effect->incarnation = incarnation;
}

void agent_renew_retract(agent_step *step, agent_session_scope *scope, uint64_t sequence)
{
    agent_effect *effect = agent_step_emit(step, AGENT_EFFECT_RETRACT);

    if (scope->acknowledged > sequence)
        scope->acknowledged = sequence;
    if (scope->stable > sequence)
        scope->stable = sequence;
    scope->unsure = false;
    effect->scope = scope->scope;
    effect->sequence = sequence;
}

void agent_renew_judge(agent_step *step, agent_session_scope *scope, const wire_position *at)
{
    scope->welcome = true;
    if (scope->queued == 0 && at->sequence == 0) {
        if (at->incarnation != scope->incarnation)
            begin(step, scope, at->incarnation);
        scope->renewal = AGENT_RENEWAL_NONE;
        scope->committed = 0;
        return;
    }
    if (at->incarnation == scope->incarnation && !scope->lacks && goes_on(step->event, scope, at)) {
        scope->renewal = AGENT_RENEWAL_NONE;
        scope->refused_renewal = false;
        scope->committed = at->sequence;
        if (at->sequence < scope->acknowledged || scope->unsure)
            agent_renew_retract(step, scope, at->sequence);
        /* A copy of this machine may have sent what it has signed: its receipts are ours as well. */
        if (scope->sent_ever < at->sequence)
            scope->sent_ever = at->sequence;
        return;
    }
    /* Refused though we had seen the hub's place: our request is not the one that was granted. Else it may have been. */
    scope->refused_renewal = scope->refused_renewal && at->incarnation == scope->seen_incarnation
        && at->sequence == scope->seen_sequence && memcmp(at->hash, scope->seen_hash, CRYPTO_HASH) == 0;
    scope->renewal = AGENT_RENEWAL_WANTED;
    scope->wanted = next_incarnation(step->event, scope, at);
    scope->committed = scope->acknowledged;
    scope->seen_incarnation = at->incarnation;
    scope->seen_sequence = at->sequence;
    scope->seen_stable = at->stable;
    memcpy(scope->seen_hash, at->hash, CRYPTO_HASH);
}

bool agent_renew_is_blank(const wire_position *at)
{
    return at->sequence == 0 && at->incarnation == 1;
}

void agent_renew_meet(agent_step *step, const wire_position *at)
{
    agent_session *self = step->session;
    char name[BATCH_SCOPE_MAX + 1];

    if (agent_renew_is_blank(at))
        return; /* nothing there, and nothing to know */
    if (!text_copy(name, sizeof name, at->scope) || !agent_session_add_scope(self, name, 1, 0, NULL, 0, 0))
        return; /* more than the protocol can name: it waits for the next start */
    agent_renew_judge(step, &self->scopes[self->scope_count - 1], at);
}

static wire_position own_position(const agent_session_scope *scope)
{
    wire_position made = {.scope = text_of(scope->scope), .incarnation = scope->incarnation,
                          .sequence = scope->queued, .stable = scope->acknowledged};

    if (scope->queued > 0)
        memcpy(made.hash, scope->queued_hash, CRYPTO_HASH);
    return made;
}

void agent_renew_pump(agent_step *step)
{
    agent_session *self = step->session;

    if (self->state != AGENT_SESSION_FLOWING || self->asking)
        return;
    for (unsigned i = 0; i < self->scope_count; i++) {
        agent_session_scope *scope = &self->scopes[i];
        if (!scope->welcome || scope->stop != AGENT_STOP_NONE || scope->renewal != AGENT_RENEWAL_WANTED)
            continue;
        self->asking = true;
        scope->renewal = AGENT_RENEWAL_ASKED;
        agent_effect *effect = agent_step_emit(step, AGENT_EFFECT_SEND_RENEW);
        effect->scope = scope->scope;
        effect->incarnation = scope->wanted;
        effect->anew = scope->refused_renewal;
        effect->own = own_position(scope);
        effect->at = (wire_position){.scope = text_of(scope->scope), .incarnation = scope->seen_incarnation,
                                     .sequence = scope->seen_sequence, .stable = scope->seen_stable};
        memcpy(effect->at.hash, scope->seen_hash, CRYPTO_HASH);
        scope->refused_renewal = false;
        return;
    }
}

void agent_renew_granted(agent_step *step, const wire_message *granted)
{
    const agent_session_scope *scope = agent_step_find(step->session, granted->granted.position.scope);

    /* One that comes late, for what has been settled since. */
    if (scope == NULL || scope->renewal != AGENT_RENEWAL_ASKED)
        return;
    agent_effect *effect = agent_step_emit(step, AGENT_EFFECT_ADOPT);
    effect->scope = scope->scope;
    memcpy(effect->request, granted->granted.request, WIRE_REQUEST);
    effect->at = granted->granted.position;
    effect->hash_count = granted->granted.hash_count;
    effect->hashes = granted->granted.hashes;
}

void agent_renew_adopted(agent_step *step)
{
    agent_session *self = step->session;
    const agent_event *event = step->event;
    agent_session_scope *scope = agent_step_find(self, text_of(event->scope));

    if (scope == NULL || scope->renewal != AGENT_RENEWAL_ASKED)
        return;
    scope->incarnation = event->incarnation;
    scope->queued = event->sequence;
    memcpy(scope->queued_hash, event->hash, CRYPTO_HASH);
    scope->acknowledged = event->acknowledged;
    scope->stable = event->stable;
    scope->committed = scope->sent = scope->sent_ever = event->acknowledged;
    scope->renewal = AGENT_RENEWAL_NONE;
    scope->refused_renewal = scope->lacks = false;
    scope->resync = AGENT_RESYNC_WANTED;
    self->asking = false;
    agent_step_progress(self);
    agent_flow_arm(step, true);
    agent_flow_pump(step);
}
