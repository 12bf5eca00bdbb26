/*
 * hub_step: one step of a hub_session while it is being made: what its parts (hub_session: HELLO and what
 * changes; hub_batch: batches; hub_ask: questions) share, and nobody else sees.
 */
#ifndef CTAI_HUB_STEP_H
#define CTAI_HUB_STEP_H

#include "hub_session.h"

typedef struct {
    hub_session *session;
    const hub_event *event;
    hub_effects *effects;
} hub_step;

extern const text_view hub_step_nowhere; /* no scope */

/* A new effect, all zero but its type. */
hub_effect *hub_step_emit(hub_step *step, hub_effect_type type);

/* REFUSED; sequence 0: of no batch. */
void hub_step_refuse(hub_step *step, wire_refusal reason, text_view scope, uint64_t sequence);
void hub_step_alarm(hub_step *step, wire_refusal reason, text_view scope, uint64_t sequence);

/* What no honest agent sends: a few times it is told so, then it is cut. */
void hub_step_strike(hub_step *step, wire_refusal reason, text_view scope, uint64_t sequence);

/* The agent's right is gone: tells it, and cuts. */
void hub_step_revoke(hub_step *step);

/* Two machines have its key: tells it now, and at each message from now on. */
void hub_step_fork(hub_step *step, text_view scope, uint64_t sequence);

/* A receipt for position: its batch stands at ledger_position, where the ledger's chain is chain. */
void hub_step_acknowledge(hub_step *step, const wire_position *position, uint64_t ledger_position,
                          const uint8_t chain[CRYPTO_HASH], unsigned refusal_count, const wire_record_refusal *refusals);

/* NULL: the agent has no such scope. */
hub_session_scope *hub_step_scope(hub_session *self, text_view name);

/* The REFUSED that tells an agent what the store said; BUSY for what passes. */
wire_refusal hub_step_refusal_of(hub_stored stored);

/* hub_batch. */
void hub_batch_take(hub_step *step, const wire_message *batch);
void hub_batch_stored(hub_step *step);

/* hub_ask. */
void hub_ask_take(hub_step *step, const wire_message *question);
void hub_ask_answered(hub_step *step);

#endif
