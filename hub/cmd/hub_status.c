/* hub_status: `ctai-hub status`: the database, each scope's position, the agents, refusals, alarms. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "hub_base.h"
#include "hub_commands.h"
#include "hub_status_keys.h"
#include "store_agent.h"
#include "store_status.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

typedef struct {
    cli_call *call;
    const hub_base *base;
    char listen[ENDPOINT_TEXT];
    store_status said;
    unsigned agent_count;
    store_agent *agents;
} status;

/* When it was last heard: by a HELLO, or by a batch after it. */
static const char *contact_of(const status *self, const store_agent *agent)
{
    const char *last = "";
    for (unsigned i = 0; i < self->said.contact_count; i++)
        if (strcmp(self->said.contacts[i].agent, agent->identity.name) == 0)
            last = self->said.contacts[i].contacted;
    for (unsigned i = 0; i < agent->scope_count; i++)
        if (strcmp(agent->scopes[i].last_received, last) > 0)
            last = agent->scopes[i].last_received;
    return last;
}

static json_t *scopes_json(const store_status *said)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < said->scope_count; i++) {
        const store_status_scope *scope = &said->scopes[i];
        json_t *one = json_pack("{s:s, s:I, s:i, s:I, s:s}", "perimetre", scope->scope, "position",
                                (json_int_t) scope->position, "contrats", (int) scope->contracts, "lots_non_stables",
                                (json_int_t) scope->unstable, "dernier_lot", scope->last_received);
        hub_status_keys_add(one, scope);
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *agents_json(const status *self)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < self->agent_count; i++) {
        const store_agent *agent = &self->agents[i];
        json_t *scopes = json_array();
        for (unsigned k = 0; k < agent->scope_count; k++)
            json_array_append_new(scopes, json_pack("{s:s, s:I, s:I, s:I, s:i, s:s}", "perimetre",
                                                    agent->scopes[k].scope, "lots",
                                                    (json_int_t) agent->scopes[k].sequence, "stables",
                                                    (json_int_t) agent->scopes[k].stable, "enregistrements",
                                                    (json_int_t) agent->scopes[k].records, "quarantaine",
                                                    (int) agent->scopes[k].quarantined, "dernier_lot",
                                                    agent->scopes[k].last_received));
        json_array_append_new(all, json_pack("{s:s, s:b, s:b, s:s, s:o}", "nom", agent->identity.name, "revoque",
                                             agent->revoked, "deux_machines", agent->forked_at[0] != '\0',
                                             "dernier_contact", contact_of(self, agent), "perimetres", scopes));
    }
    return all;
}

static json_t *refusals_json(const store_status *said)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < said->refusal_count; i++) {
        const store_status_refusal *one = &said->refusals[i];
        json_array_append_new(all, json_pack("{s:s, s:s, s:i, s:s, s:I, s:I}", "agent", one->agent,
                                             "perimetre", one->scope, "numero",
                                             (int) one->reason, "raison", record_reason_text(one->reason),
                                             "enregistrements",
                                             (json_int_t) one->count, "dernier_lot",
                                             (json_int_t) one->last_sequence));
    }
    return all;
}

static json_t *alarms_json(const store_status *said)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < said->alarm_count; i++) {
        const store_status_alarm *one = &said->alarms[i];
        json_array_append_new(all, json_pack("{s:s, s:s, s:i, s:s, s:I, s:I, s:s, s:s}", "agent", one->agent,
                                             "perimetre", one->scope, "numero",
                                             (int) one->reason, "raison", wire_refusal_text(one->reason), "lot",
                                             (json_int_t) one->sequence,
                                             "fois", (json_int_t) one->times, "premiere", one->first,
                                             "derniere", one->last));
    }
    return all;
}

static int tell_json(const status *self)
{
    json_t *summary =
        json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:I}, s:o, s:o, s:o, s:o}", "dossier",
                  self->base->home.home.path, "empreinte",
                  self->base->home.keys->fingerprint, "ecoute", self->listen, "base", "genre",
                  self->base->cluster ? "propre" : "externe", "nom",
                  self->said.database, "version", self->said.server, "octets",
                  (json_int_t) self->said.database_bytes, "perimetres",
                  scopes_json(&self->said), "agents", agents_json(self), "refus", refusals_json(&self->said),
                  "alarmes", alarms_json(&self->said));
    return hub_base_json(self->call, summary);
}

static const char *or_never(const char *moment)
{
    return moment[0] ? moment : "jamais";
}

static void tell_agents(const status *self, FILE *to)
{
    fputs(self->agent_count ? "\nAgents :\n" : "\nAucun agent n’est admis.\n", to);
    for (unsigned i = 0; i < self->agent_count; i++) {
        const store_agent *agent = &self->agents[i];
        fprintf(to, "  %s%s, dernier contact : %s\n", agent->identity.name,
                agent->revoked ? " (révoqué)" : agent->forked_at[0] ? " (arrêté : deux machines ont ses clés)" : "",
                or_never(contact_of(self, agent)));
        for (unsigned k = 0; k < agent->scope_count; k++) {
            fprintf(to, "    périmètre %s : %" PRIu64 " lot%s, %" PRIu64 " enregistrement%s, dernier lot : %s\n",
                    agent->scopes[k].scope,
                    agent->scopes[k].sequence, hub_base_plural(agent->scopes[k].sequence),
                    agent->scopes[k].records, hub_base_plural(agent->scopes[k].records),
                    or_never(agent->scopes[k].last_received));
            if (agent->scopes[k].quarantined)
                fprintf(to, "      en quarantaine : %u lot%s\n", agent->scopes[k].quarantined,
                        hub_base_plural(agent->scopes[k].quarantined));
        }
    }
}

static void tell_troubles(const store_status *said, FILE *to)
{
    if (said->refusal_count)
        fputs("\nEnregistrements refusés :\n", to);
    for (unsigned i = 0; i < said->refusal_count; i++)
        fprintf(to, "  %s, périmètre %s : %" PRIu64 " (%s)\n", said->refusals[i].agent,
                said->refusals[i].scope, said->refusals[i].count,
                record_reason_text(said->refusals[i].reason));
    if (said->alarm_count)
        fputs("\nAlarmes :\n", to);
    for (unsigned i = 0; i < said->alarm_count; i++) {
        const store_status_alarm *one = &said->alarms[i];
        fprintf(to, "  %s%s%s, %" PRIu64 " fois, dernière le %s : %s\n", one->agent,
                one->scope[0] ? ", périmètre " : "", one->scope, one->times,
                one->last, wire_refusal_text(one->reason));
    }
}

static void tell_scope(const store_status_scope *scope, FILE *to)
{
    fprintf(to, "  %s : position %" PRIu64 ", contrats : %u, dernier lot : %s\n", scope->scope, scope->position,
            scope->contracts, or_never(scope->last_received));
    if (scope->unstable)
        fprintf(to, "    enregistré%s et pas encore stable%s (les agents les gardent) : %" PRIu64 " lot%s\n",
                hub_base_plural(scope->unstable), hub_base_plural(scope->unstable), scope->unstable,
                hub_base_plural(scope->unstable));
    hub_status_keys_tell(scope, to);
}

static int tell(const status *self)
{
    FILE *to = cli_output(self->call);
    const store_status *said = &self->said;
    fprintf(to, "Dossier : %s\nEmpreinte : %s\nÉcoute : %s\nBase : %s %s (PostgreSQL %s), %.1f Mio\n",
            self->base->home.home.path,
            self->base->home.keys->fingerprint, self->listen, said->database,
            self->base->cluster ? "propre au hub" : "externe",
            said->server, (double) said->database_bytes / (1024.0 * 1024.0));
    fputs(said->scope_count ? "\nPérimètres :\n" : "\nAucun contrat n’est enregistré.\n", to);
    for (unsigned i = 0; i < said->scope_count; i++)
        tell_scope(&said->scopes[i], to);
    tell_agents(self, to);
    tell_troubles(said, to);
    return CLI_DONE;
}

static int gather(status *self, arena *memory)
{
    endpoint bound = self->base->home.conf.listen, last;
    if (bound.port == 0 && hub_home_read_endpoint(&self->base->home, &last))
        bound.port = last.port;
    endpoint_text(&bound, self->listen);
    database_error error = store_status_read(self->base->store, memory, &self->said);
    if (error == DATABASE_OK)
        error = store_agents(self->base->store, false, memory, &self->agents, &self->agent_count);
    return error == DATABASE_OK ? CLI_DONE : hub_base_fail(self->base, self->call, error);
}

static int run(cli_call *call, hub_base *base, arena *memory)
{
    status self = {.call = call, .base = base};
    int code = gather(&self, memory);
    if (code != CLI_DONE)
        return code;
    return call->json ? tell_json(&self) : tell(&self);
}

int hub_status_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, run);
}
