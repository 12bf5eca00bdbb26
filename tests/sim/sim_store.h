/* sim_store: the hub's store over the simulated PostgreSQL: what its parts share, and its troubles. */
#ifndef CTAI_SIM_STORE_H
#define CTAI_SIM_STORE_H

#include "database.h"
#include "sim_base.h"

void store_sim_reset(void);
/* The database is away for a hub, or slow for all. */
void store_sim_away(unsigned hub, uint64_t for_ms);
void store_sim_slow(uint64_t for_ms);
/* Each transaction of a hub fails with a fault of its own. */
void store_sim_faulty(unsigned hub, uint64_t for_ms);

/* Begins a transaction: OK, or why not. */
database_error store_sim_begin(void);
/* The identity with that Ed25519 key, or -1: unknown or revoked. */
int store_sim_find_agent(const base *now, const uint8_t sign[CRYPTO_PUBLIC]);
bool store_sim_has_right(const base_agent *agent, unsigned scope);

#endif
