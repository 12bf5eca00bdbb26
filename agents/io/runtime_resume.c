/*
 * runtime_resume: what the session asks for where an agent and a hub whose chains have come apart go on together. A
 * request is durable before it is sent, a grant before any batch under it is.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "forget.h"
#include "logline.h"
#include "runtime_base.h"

static void begin(runtime *self, const agent_effect *effect)
{
    if (runtime_write(self))
        (void)outbox_begin_scope(self->box, text_of(effect->scope), effect->incarnation);
}

/* Durable before what was lost is sent again: else the word on it, when it comes, would be of the past. */
static void retract(runtime *self, const agent_effect *effect)
{
    outbox_scope before;
    if (outbox_scope_load(self->box, text_of(effect->scope), &before) == OUTBOX_OK && before.acknowledged > effect->sequence)
        logline(LOGLINE_WARNING, "scope %s: the hub has lost what it had after sequence %" PRIu64, effect->scope,
                effect->sequence);
    if (runtime_write(self))
        (void)outbox_retract(self->box, effect->scope, effect->sequence, &self->tally);
    if (!self->writing || !runtime_commit(self))
        runtime_answer_lost(self);
}

/* What cannot be written or sent is as a question without an answer: the session's timeout sees to it. */
static void send_renew(runtime *self, const agent_effect *effect)
{
    wire_message renew = {.type = WIRE_RENEW};
    renew.renew.own = effect->own;
    renew.renew.seen = effect->at;
    renew.renew.incarnation = effect->incarnation;
    if (self->unkept || !runtime_write(self)) /* our own chain could not be read: then it says nothing */
        return;
    (void)outbox_request(self->box, &effect->at, effect->anew, &renew.renew.incarnation, renew.renew.request);
    if (runtime_commit(self) && !runtime_send(self, &renew))
        logline(LOGLINE_WARNING, "cannot send RENEW");
}

static void adopt(runtime *self, const agent_effect *effect)
{
    const outbox_grant grant = {
        .request = effect->request, .at = effect->at, .hash_count = effect->hash_count, .hashes = effect->hashes};
    outbox_scope scope;
    if (!runtime_write(self)) {
        runtime_answer_lost(self);
        return;
    }
    outbox_error error = outbox_adopt(self->box, &self->agent->secrets->sign, &grant, (uint64_t)time(NULL), &scope);
    if (error == OUTBOX_ABSENT) {
        (void)runtime_answer(self, AGENT_EVENT_NOT_OURS, effect->scope);
        return;
    }
    /* The hub may be a copy from before an erasure. */
    if (error == OUTBOX_OK)
        error = forget_again(self->box, self->agent, grant.at.scope);
    if (error == OUTBOX_OK)
        error = outbox_scope_load(self->box, grant.at.scope, &scope);
    if (error != OUTBOX_OK)
        outbox_spoil(self->box, error);
    if (!runtime_commit(self)) {
        runtime_answer_lost(self);
        return;
    }
    logline(LOGLINE_NOTICE, "scope %s: incarnation %" PRIu64 " after sequence %" PRIu64, scope.scope, scope.incarnation,
            scope.base_sequence);
    agent_event *answer = runtime_answer(self, AGENT_EVENT_ADOPTED, effect->scope);
    memcpy(self->answer_hash, scope.queued_hash, CRYPTO_HASH);
    answer->incarnation = scope.incarnation;
    answer->sequence = scope.queued;
    answer->acknowledged = scope.acknowledged;
    answer->stable = scope.stable;
    answer->hash = self->answer_hash;
}

static void send_survey(runtime *self, const agent_effect *effect)
{
    wire_message survey = {.type = WIRE_SURVEY};
    survey.survey.scope = text_of(effect->scope);
    if (!runtime_send(self, &survey))
        logline(LOGLINE_WARNING, "cannot send SURVEY");
}

static void send_list(runtime *self, const agent_effect *effect)
{
    wire_message list = {.type = WIRE_LIST};
    list.list.scope = text_of(effect->scope);
    list.list.bucket = effect->bucket;
    list.list.after = effect->after;
    if (!runtime_send(self, &list))
        logline(LOGLINE_WARNING, "cannot send LIST");
}

/* Where the scope stands, as the session thinks: its answer has been checked against it. */
static const agent_session_scope *scope_of(const runtime *self, const char *name)
{
    for (unsigned i = 0; i < self->session.scope_count; i++)
        if (strcmp(self->session.scopes[i].scope, name) == 0)
            return &self->session.scopes[i];
    return NULL;
}

static void compare(runtime *self, const agent_effect *effect)
{
    const agent_session_scope *scope = scope_of(self, effect->scope);
    assert(scope != NULL);
    if (self->writing && !runtime_commit(self)) { /* it must see the receipts of this step */
        runtime_answer_lost(self);
        return;
    }
    outbox_error error = outbox_compare(self->box, text_of(effect->scope), scope->incarnation, scope->queued,
                                        effect->digests, self->differs);
    if (error == OUTBOX_OK) {
        runtime_answer(self, AGENT_EVENT_COMPARED, effect->scope)->differs = self->differs;
        return;
    }
    if (error != OUTBOX_ABSENT)
        runtime_storage_failed(self, error);
    runtime_answer_lost(self);
}

static void reconcile(runtime *self, const agent_effect *effect)
{
    const agent_session_scope *scope = scope_of(self, effect->scope);
    assert(scope != NULL);
    const outbox_listing listing = {.scope = text_of(effect->scope),
                                    .incarnation = scope->incarnation,
                                    .sequence = scope->queued,
                                    .bucket = effect->bucket,
                                    .after = effect->after,
                                    .more = effect->more,
                                    .record_count = effect->record_count,
                                    .records = effect->records};
    outbox_error error = runtime_write(self) ? outbox_reconcile(self->box, &listing) : OUTBOX_CANNOT_WRITE;
    if (error == OUTBOX_OK && runtime_commit(self))
        (void)runtime_answer(self, AGENT_EVENT_RECONCILED, effect->scope);
    else
        runtime_answer_lost(self);
}

static void resynced(runtime *self, const agent_effect *effect)
{
    if (runtime_write(self))
        (void)outbox_resynced(self->box, text_of(effect->scope));
}

void runtime_resume(runtime *self, const agent_effect *effect)
{
    switch (effect->type) {
    case AGENT_EFFECT_BEGIN:
        begin(self, effect);
        return;
    case AGENT_EFFECT_RETRACT:
        retract(self, effect);
        return;
    case AGENT_EFFECT_SEND_RENEW:
        send_renew(self, effect);
        return;
    case AGENT_EFFECT_ADOPT:
        adopt(self, effect);
        return;
    case AGENT_EFFECT_SEND_SURVEY:
        send_survey(self, effect);
        return;
    case AGENT_EFFECT_COMPARE:
        compare(self, effect);
        return;
    case AGENT_EFFECT_SEND_LIST:
        send_list(self, effect);
        return;
    case AGENT_EFFECT_RECONCILE:
        reconcile(self, effect);
        return;
    case AGENT_EFFECT_RESYNCED:
        resynced(self, effect);
        return;
    default:
        return; /* the others are runtime's own */
    }
}
