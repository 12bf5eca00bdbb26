/* store_base: what the files of the store share, and nobody else sees. */
#ifndef CTAI_STORE_BASE_H
#define CTAI_STORE_BASE_H

#include "catalogue.h"
#include "store.h"

struct store {
    database connection;
    store_options options;
    char *conninfo;  /* options.conninfo points here */
    char *login;     /* likewise, when the use has a connection of its own; else NULL */
    store_meanwhile meanwhile;
    bool listening;
    uint64_t connections; /* how often it has connected: which connection this is */
};

/* ISO 8601, UTC, seconds, of a timestamptz expression; '' when NULL. */
#define STORE_MOMENT(expression) \
    "coalesce(to_char(" expression " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')"

/* Tells the other hubs on the database, at COMMIT, that agents, rights or contracts have changed. */
#define STORE_NOTIFY_SQL "NOTIFY ctai_changed"

/* A copy of a cell in the arena; NULL when memory is short. */
char *store_keep(arena *from, const database_result *result, int row, int column) __attribute__((warn_unused_result));

/* "la mémoire manque", as the connection's explanation. */
database_error store_no_memory(database *connection);

/* Ends a transaction: COMMIT when error is DATABASE_OK, else ROLLBACK; gives what became of it. */
database_error store_finish(database *connection, database_error error) __attribute__((warn_unused_result));

/* Writes indicators as rows of a contract's version (0, 0: the national list), replacing what is there. */
database_error store_indicators_write(database *connection, int64_t contract_id, int64_t version, const catalogue *list)
    __attribute__((warn_unused_result));

/* The number of the agent with that Ed25519 key, without a lock. DATABASE_NOT_FOUND: unknown or revoked. */
database_error store_find_agent(database *connection, const uint8_t sign[CRYPTO_PUBLIC], int64_t *agent, bool *forked)
    __attribute__((warn_unused_result));

/* Brings the national list into the database when it has another than this program carries. */
database_error store_indicators_load(database *connection) __attribute__((warn_unused_result));

/* Reads contracts by SQL that gives: id, title, scope, first day, last day, action code, title, allowed; by contract, then rank. */
database_error store_wire_contracts(database *connection, const char *sql, const database_parameter *parameters, int count,
                                    arena *from, wire_contract **contracts, unsigned *contract_count)
    __attribute__((warn_unused_result));

/* SQL for store_wire_contracts: the contracts of which agent $1 (its number) has an action. */
extern const char store_agent_contracts_sql[];

#endif
