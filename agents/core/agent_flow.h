/*
 * agent_flow: which batch goes out next, within the hub's credit, and how long its receipt may take. Inside
 * agent_session alone.
 */
#ifndef CTAI_AGENT_FLOW_H
#define CTAI_AGENT_FLOW_H

#include "agent_step.h"

/* Asks for the next batch, if the hub's credit allows one and none is under way. */
void agent_flow_pump(agent_step *step);
/* The time for the next acknowledgement runs from the last progress. */
void agent_flow_arm(agent_step *step, bool progress);

/* The answers to SEND_BATCH. */
void agent_flow_sent(agent_step *step);
void agent_flow_held(agent_step *step);
void agent_flow_missing(agent_step *step);

/* Nothing more is sent for this scope alone; and for all such scopes again. */
void agent_flow_stop_scope(agent_step *step, agent_session_scope *scope, wire_refusal refusal);
void agent_flow_clear_stops(agent_step *step);

#endif
