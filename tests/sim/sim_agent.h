/*
 * sim_agent: the agents: processes of the production runtime, session, outbox and queueing, each on a disk of its
 * own, with an operator who changes a table of facts and pushes it. An identity is a set of keys: a clone is a second
 * process with the same one.
 */
#ifndef CTAI_SIM_AGENT_H
#define CTAI_SIM_AGENT_H

#include "agent_home.h"
#include "agent_session.h"
#include "outbox.h"
#include "sim_disk.h"
#include "wire.h"

void agent_reset(void);
/* A new process with a new identity and an empty disk. */
unsigned agent_add(void);
/* A new process with another's identity and what is on its disk. */
unsigned agent_clone(unsigned from);

/* A new process with new keys, an empty disk and the table of another. */
unsigned agent_replace(unsigned from);

void agent_start(unsigned agent);  /* also: tries to */
/* Ends the process, with the power or without; it comes up again later when after_ms is not SIM_NEVER. */
void agent_kill(unsigned agent, bool power, uint64_t after_ms);
void agent_stall(unsigned agent, uint64_t for_ms);
/* Keeps a copy of the disk; puts it back (false: there is none). */
void agent_back_up(unsigned agent);
bool agent_restore(unsigned agent);
void agent_forget_backups(void);

/* Events. */
void agent_alarm_clock(unsigned agent, uint64_t tag);
void agent_wake(unsigned agent, uint64_t at_ms);
/* True when it was accepted; the last one is, unless the disk goes under it. */
bool agent_pushes(unsigned agent, bool last);
/* A person tells it to try again. */
void agent_try_again(unsigned agent);

/* An alarm about it was noted in the database. */
void agent_alarm(int identity, wire_refusal reason);

/* Asked by others. */
unsigned agent_current(void); /* whose code runs */
bool agent_is_up(unsigned agent);
const agent_session *agent_session_of(unsigned agent); /* NULL: it is not up */
unsigned agent_identity(unsigned agent);
bool agent_is_restored(unsigned agent);
bool agent_is_uncertain(unsigned agent); /* what it has accepted cannot be told before its next whole push */
bool agent_is_cloned(unsigned agent);  /* either of the two */
bool agent_is_revoked(unsigned agent);
void agent_set_revoked(unsigned agent);
uint64_t agent_fork_alarms(unsigned identity);
bool agent_is_idle(unsigned agent); /* nothing is to be sent, or it has stopped */
outbox *agent_outbox(unsigned agent); /* NULL: it is not up */
const sim_content *agent_table(unsigned agent, unsigned contract); /* SIM_FACTS_MAX */
unsigned agent_identity_count(void);
void agent_identity_keys(unsigned identity, uint8_t sign[CRYPTO_PUBLIC], uint8_t curve[CRYPTO_PUBLIC]);
int agent_identity_by_sign(const uint8_t sign[CRYPTO_PUBLIC]);
const uint8_t *agent_curve_key(unsigned agent);

#endif
