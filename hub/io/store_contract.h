/*
 * store_contract: the contracts that the hub serves, each with its versions (an amendment makes the
 * next one; reports as of an earlier position see the earlier one). Each change takes a position of
 * the scope and tells the hubs on the database (store_changed).
 */
#ifndef CTAI_STORE_CONTRACT_H
#define CTAI_STORE_CONTRACT_H

#include "contract.h"
#include "store.h"

typedef struct {
    text_view id, scope, title, department, region;
    civil_day first_day, last_day;  /* both included */
    unsigned version;               /* from 1 */
    char registered[32];            /* ISO 8601, UTC, seconds: of that version */
    uint64_t position;              /* of the scope at which it was registered */
    unsigned action_count;
    wire_action *actions;           /* allowed is false */
    text_view definition;           /* as it was registered; not from store_contracts */
    unsigned amendment;             /* that made this version; 0: none */
    civil_day effective_day;        /* from which it applies; with no amendment first_day */
} store_contract;

/*
 * Registers a contract that contract_read took without error; definition is the file's text. The very same text
 * again changes nothing: DATABASE_OK with *added false. DATABASE_CONFLICT: another contract has that id.
 */
database_error store_contract_add(store *self, const contract *what, text_view definition, bool *added) __attribute__((warn_unused_result));

/* A version to register: what its text says. */
typedef struct {
    const contract *what;
    text_view definition;
} store_contract_text;

/*
 * Registers count versions of one contract (from 1) in one transaction: after the version base, which has to be the last;
 * base 0: a new contract, and store_contract_add's answers. DATABASE_CONFLICT: the last is another by now, or the
 * contract was purged.
 */
database_error store_contract_register(store *self, const store_contract_text *texts, unsigned count, unsigned base, bool *added)
    __attribute__((warn_unused_result));

/* All versions of a contract, without their actions, in order. DATABASE_NOT_FOUND. */
database_error store_contract_versions(store *self, const char *id, arena *from, store_contract **versions, unsigned *count)
    __attribute__((warn_unused_result));

/* All contracts in their last version, by id. */
database_error store_contracts(store *self, arena *from, store_contract **contracts, unsigned *count) __attribute__((warn_unused_result));
/* One. DATABASE_NOT_FOUND. */
database_error store_contract_find(store *self, const char *id, arena *from, store_contract *one) __attribute__((warn_unused_result));

#endif
