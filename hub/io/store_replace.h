/*
 * store_replace: new keys for an agent that is known: its operator has lost its disk, or two machines have its
 * keys. Its number, rights and records stay; its former keys are never admitted again, for nobody.
 *
 * In each scope where it has sent something its next incarnation begins. The records of before stand until it has
 * sent its whole table of their contract; what comes before that is staged (store_records.h). So no report is double in
 * between, and none is empty.
 */
#ifndef CTAI_STORE_REPLACE_H
#define CTAI_STORE_REPLACE_H

#include "credential.h"
#include "store.h"

typedef struct {
    credential_identity before; /* its keys until now */
    bool changed;               /* false: it had these keys already */
    bool was_revoked;           /* and is admitted again */
    unsigned contracts;         /* of which its whole table is waited for */
} store_replaced;

/*
 * identity: of the same name, with the new keys. One transaction; all hubs are told. DATABASE_NOT_FOUND: no such
 * agent. DATABASE_CONFLICT: one of the keys is, or was, somebody's; or the keys are the present ones of an agent
 * that is forked or revoked (the explanation says which).
 */
database_error store_replace(store *self, const credential_identity *identity, store_replaced *done)
    __attribute__((warn_unused_result));

/* Is one of the keys a former one of some agent? Then DATABASE_CONFLICT. Inside the caller's transaction. */
database_error store_replace_check_former(database *connection, const credential_identity *identity)
    __attribute__((warn_unused_result));

#endif
