/*
 * agent_home: what an agent keeps in files of its home: its name, its own keys, the prefecture's
 * approval and the linkage keys that it was given. (What it sends and has sent is the outbox's.)
 *
 * Always true: a home has an identity when the file of its name is there, and that file is written
 * last; secrets live in one block of locked memory that is wiped when the home is closed; a linkage
 * key that is there is overwritten by another only where the caller says so; of a scope's keys the latest
 * AGENT_HOME_SCOPE_KEYS stay.
 *
 * Errors are home_error's; those that only an agent knows are agent_home_error's.
 */
#ifndef CTAI_AGENT_HOME_H
#define CTAI_AGENT_HOME_H

#include "credential.h"
#include "home.h"

enum {
    /* Those that may be open, and the one before: a hub that comes back from a backup may link by it again. */
    AGENT_HOME_SCOPE_KEYS = RECORD_TOKEN_SETS + 1,
    AGENT_HOME_LINKAGE_MAX = WIRE_SCOPES_MAX * AGENT_HOME_SCOPE_KEYS + 1, /* one more, before the lowest goes */
};

/* The secrets, in locked memory. */
typedef struct {
    crypto_box_pair curve, box;
    crypto_sign_pair sign;
    uint8_t record_key[CRYPTO_KEY]; /* hashes record keys, contents and references */
    unsigned linkage_count; /* sorted by scope, then epoch, so that a scope's keys are side by side */
    char linkage_scope[AGENT_HOME_LINKAGE_MAX][BATCH_SCOPE_MAX + 1];
    token_key linkage_key[AGENT_HOME_LINKAGE_MAX];
} agent_home_secrets;

typedef struct {
    home folder;
    char name[CREDENTIAL_NAME_MAX + 1];
    agent_home_secrets *secrets; /* owned; NULL after close */
} agent_home;

typedef enum {
    AGENT_HOME_OK = 0,
    AGENT_HOME_HOME, /* the folder or a file of it: see home_reason */
    AGENT_HOME_EXISTS, /* create: there is an identity; add_linkage: another key of that epoch */
    AGENT_HOME_NO_APPROVAL,
    AGENT_HOME_DAMAGED, /* a file's content is not what we wrote */
    AGENT_HOME_FULL, /* too many linkage keys */
    AGENT_HOME_MEMORY,
} agent_home_error;

typedef struct {
    agent_home_error error;
    home_error home_reason; /* with AGENT_HOME_HOME */
    int system_error; /* errno, with HOME_SYSTEM */
    char path[PATH_MAX]; /* the folder or file concerned */
} agent_home_result;

/*
 * Makes the folder and an identity of that (valid) name; takes the home. What an init that was cut
 * off has left there is made anew.
 */
agent_home_error agent_home_create(agent_home *self, const char *path, const char *name, agent_home_result *result)
    __attribute__((warn_unused_result));

/* Opens a home that has an identity; takes it when asked (HOME_LOCKED when another process has it). */
agent_home_error agent_home_open(agent_home *self, const char *path, bool take, agent_home_result *result)
    __attribute__((warn_unused_result));

/* Wipes the secrets and lets the lock go; harmless on a zeroed or closed one. */
void agent_home_close(agent_home *self);

/* What others may know of us. */
void agent_home_identity(const agent_home *self, credential_identity *identity);

/* The approval that was kept; views live in the arena. AGENT_HOME_NO_APPROVAL when there is none. */
agent_home_error agent_home_approval(const agent_home *self, credential_approval *approval, arena *from,
                                     agent_home_result *result) __attribute__((warn_unused_result));
/* Keeps the file's text, which the caller has verified. */
agent_home_error agent_home_keep_approval(agent_home *self, text_view file, agent_home_result *result)
    __attribute__((warn_unused_result));

/* The linkage keys held of a scope, epochs ascending: how many (at most AGENT_HOME_SCOPE_KEYS), and where among the secrets. */
unsigned agent_home_keys(const agent_home *self, text_view scope, const token_key **keys);

/* Keeps a linkage key, durably. The very same key again: AGENT_HOME_OK; another of that epoch: EXISTS, unless replace. */
agent_home_error agent_home_add_linkage(agent_home *self, const char *scope, const token_key *key, bool replace,
                                        agent_home_result *result) __attribute__((warn_unused_result));

/* In French, with what to do. */
void agent_home_explain(const agent_home_result *result, char *text, size_t size);

#endif
