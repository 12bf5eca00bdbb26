#include "agent_linkage.h"

#include <string.h>

#include "agent_key.h"
#include "closing.h"
#include "enqueue.h"

void agent_linkage_find(agent_linkage *self, const agent_home *agent, text_view scope, const wire_contract *contracts,
                        unsigned count)
{
    memset(self, 0, sizeof *self);
    (void)text_copy(self->scope, sizeof self->scope, scope);
    self->held_count = agent_home_keys(agent, scope, &self->held);
    linkage_read(&self->told, scope, contracts, count);
    linkage_choose(&self->choice, self->held, self->held_count, &self->told);
}

int agent_linkage_load(agent_linkage *self, cli_call *call, const char *scope, arena *memory)
{
    agent_call *own = agent_call_of(call);
    wire_contract *contracts;
    unsigned count;
    outbox_error error = outbox_contracts(own->box, memory, &contracts, &count);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    agent_linkage_find(self, own->agent, text_of(scope), contracts, count);
    return CLI_DONE;
}

unsigned agent_linkage_all(agent_linkage *scopes, const agent_home *agent, const wire_contract *contracts,
                           unsigned count)
{
    const agent_home_secrets *secrets = agent->secrets;
    unsigned found = 0;
    for (unsigned i = 0; i < secrets->linkage_count + count && found < AGENT_HOME_LINKAGE_MAX; i++) {
        text_view scope = i < secrets->linkage_count ? text_of(secrets->linkage_scope[i])
                                                     : contracts[i - secrets->linkage_count].scope;
        bool seen = false;
        for (unsigned k = 0; k < found; k++)
            seen = seen || text_is(scope, scopes[k].scope);
        if (!seen)
            agent_linkage_find(&scopes[found++], agent, scope, contracts, count);
    }
    return found;
}

/* The identifier of the hub's key of an epoch; empty when it has told of none. */
static void hub_name(char name[CRYPTO_FINGERPRINT_TEXT], const agent_linkage *self, uint32_t epoch)
{
    name[0] = '\0';
    for (unsigned i = 0; i < self->told.count; i++)
        if (self->told.open[i].epoch == epoch)
            crypto_fingerprint(name, self->told.open[i].id, TOKEN_KEY_ID);
}

static void our_name(char name[CRYPTO_FINGERPRINT_TEXT], const agent_linkage *self, uint32_t epoch)
{
    name[0] = '\0';
    for (unsigned i = 0; i < self->held_count; i++)
        if (self->held[i].epoch == epoch)
            agent_key_name(name, &self->held[i]);
}

bool agent_linkage_sentence(const agent_linkage *self, char text[AGENT_LINKAGE_TEXT])
{
    char theirs[CRYPTO_FINGERPRINT_TEXT], ours[CRYPTO_FINGERPRINT_TEXT];
    unsigned long epoch = self->choice.epoch;
    hub_name(theirs, self, self->choice.epoch);
    our_name(ours, self, self->choice.epoch);
    switch (self->choice.trouble) {
    case LINKAGE_FINE:
        break;
    case LINKAGE_NO_KEY:
        if (epoch == 0)
            break;
        (void)snprintf(text, AGENT_LINKAGE_TEXT,
                       "la clé de liaison du périmètre « %s » manque ici, et d’autres l’emploient déjà (époque %lu, "
                       "identifiant %s). Faites-vous la remettre par le coordonnateur : ctai-agent key accept "
                       "FICHIER.cle ; n’en créez pas une autre",
                       self->scope, epoch, theirs);
        return true;
    case LINKAGE_OTHER_FIRST:
        (void)snprintf(text, AGENT_LINKAGE_TEXT,
                       "le hub relie le périmètre « %s » par une autre clé que la vôtre : époque %lu, identifiant %s "
                       "chez lui, %s ici. Rien ne part avec votre clé : une personne compterait deux fois. Comparez "
                       "ces identifiants au téléphone avec le coordonnateur, puis prenez la clé qu’il vous remettra "
                       "(ctai-agent key accept)",
                       self->scope, epoch, theirs, ours);
        return true;
    case LINKAGE_LACKS_FIRST:
        (void)snprintf(text, AGENT_LINKAGE_TEXT,
                       "le hub relie le périmètre « %s » par l’époque %lu de la clé de liaison (identifiant %s), que "
                       "cette machine n’a pas. Rien ne part sans elle : une personne compterait deux fois. Demandez-la "
                       "au coordonnateur, puis : ctai-agent key accept FICHIER.cle",
                       self->scope, epoch, theirs);
        return true;
    case LINKAGE_OTHER_NEXT:
        (void)snprintf(text, AGENT_LINKAGE_TEXT,
                       "périmètre « %s » : la nouvelle clé que le hub connaît (époque %lu, identifiant %s) n’est pas la "
                       "vôtre (%s), qui reste de côté. Comparez ces identifiants au téléphone avec le coordonnateur, "
                       "puis prenez la clé qu’il vous remettra (ctai-agent key accept)",
                       self->scope, epoch, theirs, ours);
        return true;
    case LINKAGE_LACKS_NEXT:
        (void)snprintf(text, AGENT_LINKAGE_TEXT,
                       "une nouvelle clé de liaison du périmètre « %s » est en usage (époque %lu, identifiant %s) et "
                       "manque ici. Demandez-la au coordonnateur (ctai-agent key accept FICHIER.cle), puis renvoyez "
                       "l’export entier de chaque contrat",
                       self->scope, epoch, theirs);
        return true;
    }
    text[0] = '\0';
    return false;
}

int agent_linkage_refuse(cli_call *call, const agent_linkage *self)
{
    char text[AGENT_LINKAGE_TEXT];
    if (agent_linkage_sentence(self, text))
        return cli_fail(call,
                        self->choice.trouble == LINKAGE_OTHER_FIRST || self->choice.trouble == LINKAGE_OTHER_NEXT
                            ? CLI_NOT_ALLOWED
                            : CLI_CONFIGURATION,
                        "%s", text);
    return cli_fail(call, CLI_CONFIGURATION,
                    "la clé de liaison du périmètre « %s » manque. Envoyez votre fichier de demande au "
                    "coordonnateur, puis prenez en compte "
                    "la clé qu’il vous rendra : ctai-agent key accept FICHIER.cle. (Si vous êtes le "
                    "coordonnateur : ctai-agent key create --scope %s)",
                    self->scope, self->scope);
}

static bool is_held(const agent_linkage *self, uint32_t epoch)
{
    for (unsigned i = 0; i < self->held_count; i++)
        if (self->held[i].epoch == epoch)
            return true;
    return false;
}

void agent_linkage_tell(const agent_linkage *self, FILE *out, const char *lead)
{
    static const char *const states[] = {
        [LINKAGE_UNKNOWN] = "que le hub ne connaît pas encore",
        [LINKAGE_OPEN] = "ouverte",
        [LINKAGE_CLOSED] = "close",
        [LINKAGE_OTHER] = "qui n’est pas celle du hub",
    };
    char name[CRYPTO_FINGERPRINT_TEXT];
    for (unsigned i = 0; i < self->held_count; i++) {
        agent_key_name(name, &self->held[i]);
        (void)fprintf(out, "%s %s, époque %lu, %s : identifiant %s\n", lead, self->scope,
                      (unsigned long)self->held[i].epoch, states[linkage_state_of(&self->held[i], &self->told)], name);
    }
    for (unsigned i = 0; i < self->told.count; i++) {
        if (is_held(self, self->told.open[i].epoch))
            continue;
        hub_name(name, self, self->told.open[i].epoch);
        (void)fprintf(out, "%s %s, époque %lu, ouverte, qui manque ici : identifiant %s\n", lead, self->scope,
                      (unsigned long)self->told.open[i].epoch, name);
    }
}

void agent_linkage_json(const agent_linkage *self, json_t *held, json_t *missing)
{
    char name[CRYPTO_FINGERPRINT_TEXT];
    for (unsigned i = 0; i < self->held_count; i++) {
        agent_key_name(name, &self->held[i]);
        json_array_append_new(held, json_pack("{s:s, s:I, s:s, s:s}", "perimetre", self->scope, "epoque",
                                              (json_int_t)self->held[i].epoch, "identifiant", name, "etat",
                                              linkage_state_name(linkage_state_of(&self->held[i], &self->told))));
    }
    for (unsigned i = 0; i < self->told.count; i++) {
        if (is_held(self, self->told.open[i].epoch))
            continue;
        hub_name(name, self, self->told.open[i].epoch);
        json_array_append_new(missing, json_pack("{s:s, s:I, s:s}", "perimetre", self->scope, "epoque",
                                                 (json_int_t)self->told.open[i].epoch, "identifiant", name));
    }
}

outbox_error agent_linkage_tell_left(const agent_linkage *self, outbox *box, const wire_contract *contracts,
                                     unsigned count, FILE *out, const char *lead)
{
    outbox_error error = OUTBOX_OK;
    for (unsigned i = 0; i < count && error == OUTBOX_OK; i++) {
        bool lacks = false;
        if (text_is(contracts[i].scope, self->scope))
            error = enqueue_lacks_keys(box, contracts[i].id, self->choice.keys, self->choice.key_count, &lacks);
        if (lacks)
            (void)fprintf(out,
                          "%scontrat %.*s : ce que le hub tient de vous ne porte pas encore la nouvelle clé de liaison "
                          "; envoyez l’export actuel, entier (push)\n",
                          lead, (int)contracts[i].id.size, contracts[i].id.at);
    }
    closing_state closing = {0};
    if (error == OUTBOX_OK && self->told.count > 1)
        error = closing_load(box, text_of(self->scope), &closing);
    if (closing.epoch != 0 && closing.epoch == self->told.open[0].epoch && closing.reason == RECORD_EPOCH_IN_USE)
        (void)fprintf(out,
                      "%spérimètre %s : l’époque %lu n’a pas pu être close, des opérateurs n’ont pas encore renvoyé "
                      "leurs exports\n",
                      lead, self->scope, (unsigned long)closing.epoch);
    return error;
}
