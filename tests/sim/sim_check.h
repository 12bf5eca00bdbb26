/*
 * sim_check: the promises, and nothing of how they are kept. It hears what operators were told ("accepted"), what
 * went over the wire, and what the database committed; and looks at the database at the end.
 *
 *  - each fact that an operator's agent has accepted is at the hub exactly once, in its last version, and nothing else;
 *  - of a fact that was erased nothing is left, in the history either;
 *  - an acknowledgement implies a commit; what was called stable never disappears;
 *  - one hash per (agent, incarnation, sequence), versions of a record never go back, in any one history of the database;
 *  - a cloned pair is noticed and both are stopped; one that was restored, and alone, is never stopped;
 *  - at rest each outbox, as it is written down, has all acknowledged, and ends with the batch that the database ends with;
 *  - after the troubles, everything comes to rest within a bounded time.
 */
#ifndef CTAI_SIM_CHECK_H
#define CTAI_SIM_CHECK_H

#include "sim_base.h"

void check_reset(void);

/* An operator's table as the agent has accepted it: content by fact (value 0: not there), of all contracts. */
void check_said(unsigned identity, unsigned contract, unsigned fact, const sim_content *content);
/* From now on that is what the agent (a process with its own disk) has accepted. */
void check_accepted(unsigned agent, unsigned contract, unsigned fact, const sim_content *content);
/* Nothing of the fact may be left at rest, in the history either. */
void check_erased(unsigned agent, unsigned contract, unsigned fact);
/* A frame leaves an agent: what can be read, and of each number one batch. */
void check_agent_says(unsigned agent, text_view frame);
void check_started(unsigned agent);
/* An acknowledgement has left a hub. */
void check_acknowledged(unsigned identity, text_view receipt);

/* A batch comes to the database, whatever becomes of it. */
void check_arrives(unsigned identity, unsigned scope, const uint8_t hash[CRYPTO_HASH]);
void check_committed(const base_change *what);
void check_failed_over(void);
/* An agent has made a step: does it say that the hub, which is honest, shows another history? */
void check_history(unsigned agent);

/* After the drain; last: also after the last push. terms_changed: contracts or rights did, in the safety phase. */
void check_rest(bool last, bool terms_changed);

#endif
