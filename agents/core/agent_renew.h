/*
 * agent_renew: does our chain go on from the hub's position? If not, how a scope gets a new incarnation: RENEW and
 * the answer to it. Inside agent_session alone.
 */
#ifndef CTAI_AGENT_RENEW_H
#define CTAI_AGENT_RENEW_H

#include "agent_step.h"

/* The hash is that of our own header of that sequence. known: the outbox (or the session) has still got it. */
bool agent_renew_is_own(const agent_event *event, const agent_session_scope *scope, uint64_t sequence,
                        const uint8_t hash[CRYPTO_HASH], bool *known);

/* Takes the hub's position of a scope: the scope goes on after it, or is to be renewed. */
void agent_renew_judge(agent_step *step, agent_session_scope *scope, const wire_position *at);
/* Is there nothing of us at the hub, and nothing to know? */
bool agent_renew_is_blank(const wire_position *at);
/* The same of a scope of which we know nothing: what the hub has of us there is of a life before. */
void agent_renew_meet(agent_step *step, const wire_position *at);

/*
 * The hub has lost its tail, after that sequence: its receipts for that are void. What is sent again may be refused where
 * it was taken before (rights change), and that word must count.
 */
void agent_renew_retract(agent_step *step, agent_session_scope *scope, uint64_t sequence);

/* Asks for one incarnation, if one is wanted and no question is under way. */
void agent_renew_pump(agent_step *step);
/* GRANTED; and the outbox's answers to it. */
void agent_renew_granted(agent_step *step, const wire_message *granted);
void agent_renew_adopted(agent_step *step);

#endif
