/*
 * agent_linkage: the linkage keys of a scope as this home and the hub have them, and what people must be told where
 * the two differ: somebody has not been given a key, or another key than the coordinator's is about.
 */
#ifndef CTAI_AGENT_LINKAGE_H
#define CTAI_AGENT_LINKAGE_H

#include <jansson.h>

#include "agent_call.h"
#include "linkage.h"

enum { AGENT_LINKAGE_TEXT = 1024 }; /* bytes of a sentence */

typedef struct {
    char scope[BATCH_SCOPE_MAX + 1];
    const token_key *held; /* in the home; epochs ascending */
    unsigned held_count;
    linkage_told told;
    linkage_choice choice;
} agent_linkage;

/* Of one scope, by the contracts as the hub last told them. */
void agent_linkage_find(agent_linkage *self, const agent_home *agent, text_view scope, const wire_contract *contracts,
                        unsigned count);
/* The same with the contracts of the outbox; 0 or an exit code, said. memory is for these. */
int agent_linkage_load(agent_linkage *self, cli_call *call, const char *scope, arena *memory)
    __attribute__((warn_unused_result));

/* All scopes in which a key is held, or in which we have a contract; scopes holds AGENT_HOME_LINKAGE_MAX. How many. */
unsigned agent_linkage_all(agent_linkage *scopes, const agent_home *agent, const wire_contract *contracts,
                           unsigned count);

/* What the trouble is and what to do, in French; false, and no text: there is none (or no key was ever there). */
bool agent_linkage_sentence(const agent_linkage *self, char text[AGENT_LINKAGE_TEXT]);
/* Says why nothing may be made under these keys; the exit code. */
int agent_linkage_refuse(cli_call *call, const agent_linkage *self);

/* "Périmètre 63, époque 1, ouverte : identifiant ...", a line for each key held and for each that is missing. */
void agent_linkage_tell(const agent_linkage *self, FILE *out, const char *lead);
/* The same for programs: added to the arrays of keys held and keys missing. */
void agent_linkage_json(const agent_linkage *self, json_t *held, json_t *missing);

/*
 * One line for each contract of the scope whose records at the hub still lack a key that is in use now, by what its last
 * complete push told; and what became of a closing.
 */
outbox_error agent_linkage_tell_left(const agent_linkage *self, outbox *box, const wire_contract *contracts,
                                     unsigned count, FILE *out, const char *lead) __attribute__((warn_unused_result));

#endif
