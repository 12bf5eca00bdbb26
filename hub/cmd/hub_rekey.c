/* hub_rekey: see the header. */
#include "hub_rekey.h"

#include "hub_definition.h"
#include "store_contract.h"

enum { PLACE = 32 }; /* coordinators of a scope that are named */

static hub_rekey_scope *scope_of(hub_rekey_scope *scopes, unsigned *count, text_view scope)
{
    for (unsigned i = 0; i < *count; i++)
        if (text_equal(scopes[i].scope, scope))
            return &scopes[i];
    scopes[*count] = (hub_rekey_scope){.scope = scope};
    return &scopes[(*count)++];
}

static void add_coordinator(hub_rekey_scope *to, text_view name)
{
    for (unsigned i = 0; i < to->coordinator_count; i++)
        if (text_equal(to->coordinators[i], name))
            return;
    if (to->coordinator_count < PLACE)
        to->coordinators[to->coordinator_count++] = name;
}

/* The coordinators that a contract names, but for the agent itself. */
static bool add_contract(hub_rekey_scope *to, const store_contract *registered, const char *agent, arena *memory)
{
    contract said;
    diag_sink silent = {0}; /* its doubts were told when it was registered */
    if (!to->coordinators)
        to->coordinators = arena_take(memory, PLACE * sizeof *to->coordinators);
    if (!to->coordinators)
        return false;
    if (!hub_definition_read(&said, memory, "contrat", registered->definition, &silent))
        return true;
    for (unsigned i = 0; i < said.party_count; i++)
        if (said.parties[i].role == CONTRACT_COORDINATOR && said.parties[i].agent.size > 0
            && !text_is(said.parties[i].agent, agent))
            add_coordinator(to, said.parties[i].agent);
    return true;
}

database_error hub_rekey_find(hub_base *base, const store_agent *agent, arena *memory, hub_rekey_scope **scopes, unsigned *count)
{
    *count = 0;
    *scopes = arena_take(memory, agent->right_count * sizeof **scopes + 1);
    bool enough = *scopes != NULL;
    for (unsigned i = 0; enough && i < agent->right_count; i++) {
        const char *id = agent->rights[i].contract;
        store_contract one;
        if (i > 0 && text_is(text_of(agent->rights[i - 1].contract), id))
            continue;
        database_error error = store_contract_find(base->store, id, memory, &one);
        if (error != DATABASE_OK && error != DATABASE_NOT_FOUND)
            return error;
        if (error == DATABASE_OK)
            enough = add_contract(scope_of(*scopes, count, one.scope), &one, agent->identity.name, memory);
    }
    return enough ? DATABASE_OK : DATABASE_NO_MEMORY;
}

json_t *hub_rekey_json(const hub_rekey_scope *scopes, unsigned count)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < count; i++) {
        json_t *names = json_array();
        for (unsigned k = 0; k < scopes[i].coordinator_count; k++)
            json_array_append_new(names, json_stringn(scopes[i].coordinators[k].at, scopes[i].coordinators[k].size));
        json_array_append_new(all, json_pack("{s:s%, s:o}", "perimetre", scopes[i].scope.at, scopes[i].scope.size, "coordonnateurs",
                                             names));
    }
    return all;
}

static void tell_one(FILE *to, const char *agent, const hub_rekey_scope *one)
{
    int size = (int)one->scope.size;
    const char *scope = one->scope.at;
    fprintf(to, "\nLa clé de liaison du périmètre %.*s est à renouveler : « %s » a pu la garder. Le hub ne l’a pas ; c’est à faire par ",
            size, scope, agent);
    if (one->coordinator_count == 0)
        fputs("un opérateur qui la tient et que vous désignez", to);
    else
        fputs("le coordonnateur", to);
    for (unsigned i = 0; i < one->coordinator_count; i++)
        fprintf(to, "%s « %.*s »", i ? " ou" : "", (int)one->coordinators[i].size, one->coordinators[i].at);
    fprintf(to,
            " :\n"
            "  1. ctai-agent key rotate --scope %.*s, puis la nouvelle clé remise à chaque autre opérateur (key grant) ;\n"
            "  2. chacun la prend (key accept) et renvoie l’export entier de ses contrats (push) : « ctai-hub status » dit qui\n"
            "     n’a pas encore suivi ;\n"
            "  3. quand tous l’ont fait : ctai-agent key rotate --scope %.*s --close\n"
            "Ce que « %s » a envoyé sera alors compté sans être rattaché aux personnes des autres ; « ctai-hub status » en dit\n"
            "le nombre.\n",
            size, scope, size, scope, agent);
}

void hub_rekey_tell(cli_call *call, const char *agent, const hub_rekey_scope *scopes, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        tell_one(call->out, agent, &scopes[i]);
}
