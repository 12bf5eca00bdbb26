/*
 * agent_step: what the parts of one step of agent_session share: the life of the connection (connect, greet, pause,
 * lose, halt) and what it tells. Inside agent_session alone.
 */
#ifndef CTAI_AGENT_STEP_H
#define CTAI_AGENT_STEP_H

#include "agent_session.h"

typedef struct {
    agent_session *session;
    const agent_event *event;
    uint64_t now;
    agent_effects *effects;
} agent_step;

/* A new effect of that type, otherwise zero. */
agent_effect *agent_step_emit(agent_step *step, agent_effect_type type);
/* Stop, of the session or a scope, has changed: once in a step, however much. */
void agent_step_report(agent_step *step);
/* Sets the session's stop, and reports it when it is another. */
void agent_step_stop(agent_step *step, agent_stop stop, wire_refusal refusal);

agent_session_scope *agent_step_find(agent_session *self, text_view name);
/* Is there a connection, or one being made? */
bool agent_step_linked(const agent_session *self);
/* Nothing is known to be on its way any more, and no answer is waited for. */
void agent_step_forget_sent(agent_session *self);

void agent_step_connect(agent_step *step);
/* The connection is of no more use: drop it and try again after the back-off. */
void agent_step_lose(agent_step *step, agent_stop stop);
/*
 * The hub does not admit us: a person must act, there. Tried again all the same, at the slowest pace: it may not have
 * heard yet that we were approved.
 */
void agent_step_bar(agent_step *step, wire_refusal refusal);
/* A person must act, here. */
void agent_step_halt(agent_step *step, agent_stop stop, wire_refusal refusal);
/* HELLO, unless several had no answer: then the connection is lost. */
void agent_step_greet(agent_step *step);
/* HELLO again after the back-off. */
void agent_step_pause(agent_step *step);
/* The hub's position is not what we took it for: HELLO, at once for the first time, then after the back-off. */
void agent_step_restart(agent_step *step);
/* Something was committed or granted. */
void agent_step_progress(agent_session *self);

#endif
