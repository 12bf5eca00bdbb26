/*
 * agent_compare: what the hub holds of a scope against what we think it holds: digests of buckets of records, then
 * lists of those that differ, when nothing of the scope is under way. Inside agent_session alone.
 */
#ifndef CTAI_AGENT_COMPARE_H
#define CTAI_AGENT_COMPARE_H

#include "agent_step.h"

/* Asks one thing, if a scope wants to be compared, has nothing under way, and no question is. */
void agent_compare_pump(agent_step *step);
/* The hub's answers. */
void agent_compare_digests(agent_step *step, const wire_message *digests);
void agent_compare_listed(agent_step *step, const wire_message *listed);
/* The outbox's answers to these. */
void agent_compare_compared(agent_step *step);
void agent_compare_reconciled(agent_step *step);

#endif
