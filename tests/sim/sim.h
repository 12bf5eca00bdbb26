/*
 * sim: a whole world in one process and one thread, from one 64-bit seed: agents (production sessions, runtime,
 * outbox over a simulated disk), hubs (production talk, sessions, writers over a simulated PostgreSQL), the network
 * between them, clocks, operators, administrators, and what goes wrong.
 *
 * Always true: nothing here reads a clock, a random source, the environment or an address in memory to
 * decide something: the same seed gives the same trace. What is not the product's own code stands in for what the
 * product does not own: libzmq, the disk, PostgreSQL, threads, time.
 *
 * The checker (sim_check) is told what operators were promised and what the database committed, and knows
 * nothing of how the product does it.
 */
#ifndef CTAI_SIM_H
#define CTAI_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "crypto.h"
#include "record.h"

enum {
    SIM_AGENTS_MAX = 128,  /* processes, clones and replacements included */
    SIM_HUBS = 2,
    SIM_CONTRACTS_MAX = 3,
    SIM_ACTIONS = 3,
    SIM_SCOPES_MAX = 3,
    SIM_FACTS_MAX = 3000,  /* of an operator in one contract */
    SIM_PERSONS = 16,      /* whose facts they are: fact n is of person n modulo this */
    SIM_MONTHS = 12,       /* that facts speak of; a contract holds some of them */
    SIM_FRAME_MAX = 4 * 1024 * 1024,
};

#define SIM_NEVER UINT64_MAX

/* Rare branches: the report of a run shows how often each was taken, and none may be zero over the normal run. */
#define SIM_COUNTERS(X) \
    X(push_accepted) X(push_partial) X(push_refused_withdrawals) X(push_failed) X(push_failed_done) X(push_unknown) X(push_retained) \
    X(kill_process) X(kill_power) X(kill_inside_write) X(disk_full) X(disk_fsync_error) X(disk_io_error) \
    X(disk_torn) X(disk_lost_write) X(open_failed) X(restored) X(cloned) X(stalled) X(wall_jump) \
    X(net_dropped) X(net_duplicated) X(net_cut) X(net_late) X(net_late_other_hub) X(net_partition) X(net_refused) \
    X(net_no_detail) X(net_send_failed) X(connection_cut_by_hub) X(key_refused) \
    X(hub_killed) X(hub_stopped) X(hub_merged_commit) X(hub_alarm) X(hub_fork_alarm) \
    X(db_away) X(db_slow) X(db_failed) X(db_fault) X(db_full) X(db_commit_lost_done) X(db_commit_lost_undone) \
    X(db_commit_warned) X(db_failover) X(db_failover_tail_lost) X(db_again) X(db_sequence) X(db_incarnation) \
    X(db_fork) X(db_no_right) X(db_scope) X(db_key) X(db_quarantined) X(db_refusals) X(db_replaced) X(db_withdrawn) X(db_erased) X(forgotten) X(db_stable_later) \
    X(contract_changed) X(right_changed) X(revoked) X(replaced) X(notice_lost) \
    X(agent_stopped) X(agent_resent) X(busy_answered) \
    X(ack_refusals) X(db_granted) X(db_granted_again) X(db_renewal_stale) X(db_renewal_fork) X(db_forked_refused) X(db_surveyed) X(db_listed) \
    X(said_renew) X(said_survey) X(said_list) X(said_granted) X(said_digests) X(said_listed) X(said_contracts) \
    X(second_restore) X(stage_tail) X(stage_restore) X(stage_right) X(stage_promotion) X(late_after_grant) X(renew_late) X(renew_fatal) X(survey_fatal) X(grant_lost)

enum {
#define SIM_COUNTER_NAME(name) SIM_COUNT_##name,
    SIM_COUNTERS(SIM_COUNTER_NAME)
#undef SIM_COUNTER_NAME
    SIM_COUNTER_COUNT
};

/* Streams of chance, so that more of one kind leaves the others as they were. */
typedef enum {
    SIM_WORLD, SIM_NET, SIM_DISK, SIM_BASE, SIM_OPERATOR, SIM_FAULT, SIM_CRYPTO, SIM_STAGE, SIM_ERASURE, SIM_STREAMS
} sim_stream;

/* What can go wrong in this seed, per thousand of the occasions (0: never). */
typedef struct {
    unsigned drop, duplicate, send_fails, late, no_detail, refuse, cut;
    unsigned disk_full, disk_fsync, disk_io;
    unsigned db_away, db_slow, db_fails, db_lost, db_warned, db_fault, db_full, db_misfit;
    unsigned renew_late, renew_fatal, grant_lost; /* in staged worlds */
} sim_odds;

typedef struct {
    uint64_t seed, now_ms, wall_ms;
    uint64_t chance[SIM_STREAMS];
    uint64_t hash;             /* of the trace so far */
    FILE *trace;               /* or NULL */
    uint64_t *counters;        /* SIM_COUNTER_COUNT, of the whole run */
    bool faults;               /* the safety phase */
    bool failed;               /* a promise was broken: see sim_broken */
    sim_odds odds;
    bool staged;               /* see sim_stage */
    bool push_all;             /* pushes often change everything */
    bool strong_crypto;        /* real Ed25519 */
    bool quarantined;          /* a batch was put aside: its records come with the next push */
    bool other_key;            /* some agents were given other linkage keys: not all can go on */
    bool stable_at_commit;
    unsigned agent_count, contract_count, scope_count, fact_count;
} sim_world;

extern sim_world sim;

#define sim_count(name) (sim.counters[SIM_COUNT_##name]++)

/* Chance: a number, one below a bound (>= 1), an event of so many in a thousand. */
uint64_t sim_random(sim_stream stream);
uint64_t sim_below(sim_stream stream, uint64_t bound);
bool sim_chance(sim_stream stream, unsigned per_thousand);
uint64_t sim_between(sim_stream stream, uint64_t least, uint64_t most);

/* One line of the trace: what, and numbers; strings are literals or names. */
void sim_trace(const char *what, uint64_t a, uint64_t b, uint64_t c);
void sim_trace_text(const char *what, const char *text);
/* Also mixes bytes into the trace's hash. */
void sim_trace_bytes(const char *what, uint64_t a, const void *data, size_t size);

/* A promise was broken: the first one is kept and printed. */
void sim_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *sim_broken_text(void);

/* The future: events in order of time, then of asking. */
typedef enum {
    SIM_EVENT_AGENT,      /* who: wakes when tag is still its alarm */
    SIM_EVENT_AGENT_UP,   /* who: the process is started again */
    SIM_EVENT_PUSH,       /* who: the operator pushes */
    SIM_EVENT_HANDSHAKE,  /* tag: connection */
    SIM_EVENT_MESSAGE,    /* tag: message */
    SIM_EVENT_AGENT_LOSES, SIM_EVENT_HUB_LOSES, /* tag: connection */
    SIM_EVENT_HUB_TICK, SIM_EVENT_HUB_ANSWERS, SIM_EVENT_HUB_NOTICE, SIM_EVENT_HUB_UP, /* who: hub; tag: its life */
    SIM_EVENT_HUB_WORK,   /* who: hub; tag: its life and the writer */
    SIM_EVENT_STANDBY,
    SIM_EVENT_FAULT,      /* the next trouble of the safety phase */
    SIM_EVENT_STAGE,      /* who: agent; tag: which part of which piece */
} sim_event_kind;
void sim_later(uint64_t delay_ms, sim_event_kind kind, unsigned who, uint64_t tag);

/* A fact as an operator has it. value is never used twice in a world; 0: there is no such fact. */
typedef struct {
    uint64_t value;
    uint8_t type, action, month; /* of sim_types; of the contract; of SIM_MONTHS */
} sim_content;

extern const fact_type sim_types[3];
const uint8_t *sim_key(unsigned contract, unsigned fact); /* ascending by fact */
int sim_fact_of(unsigned contract, const uint8_t key[RECORD_KEY]); /* -1: nobody's */
const char *sim_contract_name(unsigned contract);
const char *sim_scope_name(unsigned scope);
unsigned sim_scope_of(unsigned contract);
int sim_scope_find(text_view name);
int sim_contract_find(text_view name);
extern const char *const sim_actions[SIM_ACTIONS];
civil_month sim_month(unsigned month);

/* Runs one seed; true when all promises were kept. */
bool sim_run(uint64_t seed, FILE *trace, uint64_t *counters, uint64_t *hash);

#endif
