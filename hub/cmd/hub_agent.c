/* hub_agent: `ctai-hub agent list`, `show`, `revoke`. (`approve` is hub_approve, `replace` hub_replace.) */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "credential.h"
#include "hub_agent.h"
#include "hub_commands.h"
#include "hub_rekey.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

/* The last of its scopes' batches, or "". */
static const char *last_received(const store_agent *agent)
{
    const char *last = "";
    for (unsigned i = 0; i < agent->scope_count; i++)
        if (strcmp(agent->scopes[i].last_received, last) > 0)
            last = agent->scopes[i].last_received;
    return last;
}

/* What the list says beside the name. */
static const char *standing(const store_agent *agent)
{
    return agent->revoked ? ", révoqué" : agent->forked_at[0] ? ", arrêté : deux machines ont ses clés" : "";
}

static json_t *agent_json(const store_agent *agent)
{
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    credential_fingerprint(fingerprint, &agent->identity);
    json_t *rights = json_array(), *scopes = json_array();
    for (unsigned i = 0; i < agent->right_count; i++)
        json_array_append_new(rights, json_pack("{s:s, s:s}", "contrat", agent->rights[i].contract, "action",
                                                agent->rights[i].action));
    for (unsigned i = 0; i < agent->scope_count; i++) {
        const store_agent_scope *scope = &agent->scopes[i];
        json_array_append_new(scopes, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:s}", "perimetre", scope->scope,
                                                "incarnation", (json_int_t) scope->incarnation, "lots",
                                                (json_int_t) scope->sequence, "stables", (json_int_t) scope->stable,
                                                "enregistrements", (json_int_t) scope->records, "en_attente",
                                                (json_int_t) scope->staged, "contrats_attendus", (int) scope->awaited,
                                                "quarantaine", (int) scope->quarantined, "dernier_lot",
                                                scope->last_received));
    }
    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "nom", agent->identity.name, "empreinte",
                     fingerprint, "revoque",
                     agent->revoked, "admis_le", agent->admitted, "revoque_le", agent->revoked_at,
                     "remplace_le", agent->replaced_at, "bifurque_le", agent->forked_at,
                     "dernier_lot", last_received(agent), "droits",
                     rights, "perimetres", scopes);
}

/* "contrat : axe1, axe3" a line, for each contract. */
static void print_rights(FILE *to, const store_agent *agent, const char *indent)
{
    for (unsigned i = 0; i < agent->right_count; i++) {
        bool same = i > 0 && strcmp(agent->rights[i - 1].contract, agent->rights[i].contract) == 0;
        if (same)
            fprintf(to, ", %s", agent->rights[i].action);
        else
            fprintf(to, "%s%s%s : %s", i ? "\n" : "", indent, agent->rights[i].contract,
                    agent->rights[i].action);
    }
    if (agent->right_count)
        fputc('\n', to);
}

static int list(cli_call *call, hub_base *base, arena *memory)
{
    store_agent *agents = NULL;
    unsigned count = 0;
    database_error error = store_agents(base->store, false, memory, &agents, &count);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    if (call->json) {
        json_t *all = json_array();
        for (unsigned i = 0; i < count; i++)
            json_array_append_new(all, agent_json(&agents[i]));
        return hub_base_json(call, json_pack("{s:o}", "agents", all));
    }
    FILE *to = cli_output(call);
    if (count == 0)
        fputs("Aucun agent n’est admis.\n", to);
    for (unsigned i = 0; i < count; i++) {
        const char *last = last_received(&agents[i]);
        fprintf(to, "%s%s (dernier lot : %s)\n", agents[i].identity.name,
                standing(&agents[i]), last[0] ? last : "jamais");
        print_rights(to, &agents[i], "  ");
    }
    return CLI_DONE;
}

int hub_agent_unknown(cli_call *call, hub_base *base, arena *memory, const char *name)
{
    store_agent *agents = NULL;
    unsigned count = 0;
    database_error error = store_agents(base->store, true, memory, &agents, &count);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    const char **names = arena_take(memory, (count + 1) * sizeof *names);
    for (unsigned i = 0; names && i < count; i++)
        names[i] = agents[i].identity.name;
    const char *near = names ? text_nearest(text_of(name), names, count) : NULL;
    if (near)
        return cli_fail(call, CLI_BAD_INPUT, "aucun agent ne s’appelle « %s » ; vouliez-vous dire « %s » ?",
                        name, near);
    return cli_fail(call, CLI_BAD_INPUT,
                    "aucun agent ne s’appelle « %s » : « ctai-hub agent list » les montre", name);
}

static int show(cli_call *call, hub_base *base, arena *memory)
{
    store_agent agent;
    const char *name = cli_value(call, "nom");
    database_error error = store_agent_find(base->store, name, memory, &agent);
    if (error == DATABASE_NOT_FOUND)
        return hub_agent_unknown(call, base, memory, name);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    if (call->json)
        return hub_base_json(call, agent_json(&agent));
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    credential_fingerprint(fingerprint, &agent.identity);
    FILE *to = cli_output(call);
    fprintf(to, "Agent : %s\nEmpreinte : %s\nAdmis le : %s\n", agent.identity.name, fingerprint,
            agent.admitted);
    if (agent.revoked)
        fprintf(to, "Révoqué le : %s\n", agent.revoked_at);
    if (agent.replaced_at[0])
        fprintf(to, "Nouvelles clés le : %s\n", agent.replaced_at);
    if (agent.forked_at[0])
        fprintf(to, "Arrêté le : %s (deux machines ont ses clés : voyez « ctai-hub agent replace »)\n", agent.forked_at);
    fputs("Droits :\n", to);
    print_rights(to, &agent, "  ");
    for (unsigned i = 0; i < agent.scope_count; i++) {
        const store_agent_scope *scope = &agent.scopes[i];
        fprintf(to, "Périmètre %s : %" PRIu64 " lot%s, %" PRIu64 " enregistrement%s, dernier lot : %s\n",
                scope->scope, scope->sequence, hub_base_plural(scope->sequence),
                scope->records, hub_base_plural(scope->records),
                scope->last_received[0] ? scope->last_received : "jamais");
        if (scope->incarnation > 1)
            fprintf(to, "  incarnation : %" PRIu64 "\n", scope->incarnation);
        if (scope->awaited)
            fprintf(to, "  envoi complet attendu pour %u contrat%s ; reçu%s depuis les nouvelles clés, pas encore compté%s : %" PRIu64
                    "\n", scope->awaited, hub_base_plural(scope->awaited), hub_base_plural(scope->staged),
                    hub_base_plural(scope->staged), scope->staged);
        if (scope->quarantined)
            fprintf(to, "  lot%s en quarantaine : %u\n", hub_base_plural(scope->quarantined), scope->quarantined);
    }
    return CLI_DONE;
}

static int revoke(cli_call *call, hub_base *base, arena *memory)
{
    const char *name = cli_value(call, "nom");
    store_agent agent;
    hub_rekey_scope *scopes = NULL;
    unsigned count = 0;
    database_error error = store_agent_revoke(base->store, name);
    if (error == DATABASE_NOT_FOUND)
        return hub_agent_unknown(call, base, memory, name);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    /* Done; what follows is advice. */
    error = store_agent_find(base->store, name, memory, &agent);
    if (error == DATABASE_OK)
        error = hub_rekey_find(base, &agent, memory, &scopes, &count);
    if (error != DATABASE_OK)
        cli_say(call, "attention : ses périmètres n’ont pas pu être lus ; la clé de liaison de chacun est à renouveler");
    if (call->json)
        return hub_base_json(call, json_pack("{s:s, s:b, s:o}", "nom", name, "revoque", 1, "cles_a_renouveler",
                                             hub_rekey_json(scopes, count)));
    fprintf(call->out, "L’agent « %s » n’a plus accès au hub. Ce qu’il a envoyé reste.\n", name);
    hub_rekey_tell(call, name, scopes, count);
    return CLI_DONE;
}

int hub_agent_list_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, list);
}

int hub_agent_show_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, show);
}

int hub_agent_revoke_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, revoke);
}
