/*
 * hub_approve: `ctai-hub agent approve`: admits an operator by its request, and writes the approval that
 * it takes with `ctai-agent join`. Approving again gives further actions or contracts; the approval then
 * holds all of the agent's contracts.
 */
#include <jansson.h>
#include <string.h>

#include "hub_approval.h"
#include "hub_commands.h"
#include "hub_operators.h"
#include "store_agent.h"
#include "store_contract.h"

const cli_option hub_approve_options[] = {
    {.name = "contract", .kind = CLI_VALUE, .required = true, .value = "CONTRAT", .help = "le contrat"},
    {.name = "action", .kind = CLI_VALUE, .required = true, .value = "ACTION[,ACTION]",
     .help = "les actions dont il enverra les faits"},
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT, .value = "FICHIER",
     .help = "le fichier d’approbation (NOM.approbation)"},
    {.name = NULL},
};

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

typedef struct {
    hub_approval common; /* the request, the approval */
    store_contract contract;
    unsigned action_count;
    const char *actions[WIRE_ACTIONS_MAX];
} approval;

static int unknown_contract(approval *self, const char *id)
{
    store_contract *known = NULL;
    unsigned count = 0;
    database_error error = store_contracts(self->common.base->store, self->common.memory, &known, &count);
    if (error != DATABASE_OK)
        return hub_base_fail(self->common.base, self->common.call, error);
    const char **ids = arena_take(self->common.memory, (count + 1) * sizeof *ids);
    for (unsigned i = 0; ids && i < count; i++)
        if (!(ids[i] = arena_text(self->common.memory, known[i].id)))
            return hub_base_no_memory(self->common.call);
    const char *near = ids ? text_nearest(text_of(id), ids, count) : NULL;
    if (near)
        return cli_fail(self->common.call, CLI_BAD_INPUT,
                        "le contrat « %s » n’est pas enregistré ; vouliez-vous dire « %s » ?", id, near);
    return cli_fail(self->common.call, CLI_BAD_INPUT,
                    "le contrat « %s » n’est pas enregistré : commencez par « ctai-hub contract add FICHIER »",
                    id);
}

static int read_contract(approval *self)
{
    const char *id = cli_value(self->common.call, "contract");
    database_error error = store_contract_find(self->common.base->store, id, self->common.memory, &self->contract);
    if (error == DATABASE_NOT_FOUND)
        return unknown_contract(self, id);
    return error == DATABASE_OK ? CLI_DONE : hub_base_fail(self->common.base, self->common.call, error);
}

static int take_action(approval *self, text_view code)
{
    const char *codes[WIRE_ACTIONS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < self->contract.action_count && count < WIRE_ACTIONS_MAX; i++)
        if (!(codes[count++] = arena_text(self->common.memory, self->contract.actions[i].code)))
            return hub_base_no_memory(self->common.call);
    const char *found = NULL;
    for (unsigned i = 0; i < count; i++)
        if (text_is(code, codes[i]))
            found = codes[i];
    if (!found) {
        const char *near = text_nearest(code, codes, count);
        return cli_fail(self->common.call, CLI_BAD_INPUT, "le contrat %s n’a pas d’action « %.*s »%s%s%s",
                        cli_value(self->common.call, "contract"),
                        (int) code.size, code.at, near ? " ; vouliez-vous dire « " : "", near ? near : "",
                        near ? " » ?" : "");
    }
    for (unsigned i = 0; i < self->action_count; i++)
        if (strcmp(self->actions[i], found) == 0)
            return CLI_DONE;
    self->actions[self->action_count++] = found;
    return CLI_DONE;
}

/* "axe1,axe3" */
static int read_actions(approval *self)
{
    const char *at = cli_value(self->common.call, "action");
    for (;;) {
        size_t size = strcspn(at, ",");
        text_view code = text_trim((text_view) {at, size});
        if (code.size == 0)
            return cli_fail(self->common.call, CLI_USAGE,
                            "--action : donnez les codes des actions, séparés par des virgules");
        int code_of = take_action(self, code);
        if (code_of != CLI_DONE)
            return code_of;
        if (at[size] == '\0')
            return CLI_DONE;
        at += size + 1;
    }
}

/* Is the name free, or the same agent's? */
static int check_known(approval *self)
{
    store_agent known;
    const credential_identity *asks = &self->common.identity;
    database_error error = store_agent_find(self->common.base->store, asks->name, self->common.memory, &known);
    if (error == DATABASE_NOT_FOUND)
        return CLI_DONE;
    if (error != DATABASE_OK)
        return hub_base_fail(self->common.base, self->common.call, error);
    const credential_identity *is = &known.identity;
    if (memcmp(is->curve, asks->curve, CRYPTO_PUBLIC) != 0 || memcmp(is->sign, asks->sign, CRYPTO_PUBLIC) != 0
        || memcmp(is->box, asks->box, CRYPTO_PUBLIC) != 0)
        return cli_fail(self->common.call, CLI_PROTOCOL,
                        "l’agent « %s » est déjà admis avec d’autres clés : appelez l’opérateur avant d’aller "
                        "plus loin ; s’il a refait ses clés, « ctai-hub agent replace %s DEMANDE » les lui donne",
                        asks->name, asks->name);
    if (known.revoked)
        return cli_fail(self->common.call, CLI_NOT_ALLOWED,
                        "l’agent « %s » a été révoqué : l’opérateur doit refaire ses clés ; « ctai-hub agent "
                        "replace %s DEMANDE » les lui donne",
                        asks->name, asks->name);
    return CLI_DONE;
}

static void tell(const approval *self)
{
    cli_call *call = self->common.call;
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    credential_fingerprint(fingerprint, &self->common.identity);
    const char *path = hub_approval_path(&self->common);
    if (call->json) {
        json_t *actions = json_array(), *addresses = json_array();
        for (unsigned i = 0; i < self->common.address_count; i++)
            json_array_append_new(addresses, json_string(self->common.addresses[i]));
        for (unsigned i = 0; i < self->action_count; i++)
            json_array_append_new(actions, json_string(self->actions[i]));
        json_t *summary = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "nom", self->common.identity.name, "empreinte",
                                    fingerprint, "empreinte_hub",
                                    self->common.base->home.keys->fingerprint, "approbation", path, "contrat",
                                    cli_value(call, "contract"), "actions",
                                    actions, "adresses", addresses);
        json_dumpf(summary, call->out, 0);
        fputc('\n', call->out);
        json_decref(summary);
        return;
    }
    fprintf(call->out, "Agent « %s » admis pour le contrat %s :", self->common.identity.name,
            cli_value(call, "contract"));
    for (unsigned i = 0; i < self->action_count; i++)
        fprintf(call->out, "%s %s", i ? "," : "", self->actions[i]);
    fprintf(call->out,
            "\nApprobation : %s (adresse%s :", path, self->common.address_count > 1 ? "s" : "");
    for (unsigned i = 0; i < self->common.address_count; i++)
        fprintf(call->out, "%s %s", i ? "," : "", self->common.addresses[i]);
    fprintf(call->out,
            ")\nRendez ce fichier à l’opérateur ; il ne contient rien de secret. Il verra l’empreinte du "
            "hub :\n%s\n", self->common.base->home.keys->fingerprint);
}

/* The fingerprint is shown first, whatever becomes of the rest. */
static void show(const approval *self)
{
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    credential_fingerprint(fingerprint, &self->common.identity);
    cli_say(self->common.call, "demande de « %s », empreinte %s : comparez-la avec celle que l’opérateur vous lit",
            self->common.identity.name, fingerprint);
}

static int approve(approval *self)
{
    int (*const steps[])(approval *) = {read_contract, read_actions, check_known};
    int code = hub_approval_read(&self->common);
    if (code == CLI_DONE)
        show(self);
    for (size_t i = 0; code == CLI_DONE && i < sizeof steps / sizeof *steps; i++)
        code = steps[i](self);
    if (code == CLI_DONE)
        code = hub_approval_find_addresses(&self->common);
    if (code != CLI_DONE)
        return code;
    hub_operators_warn(self->common.call, &self->contract, self->common.identity.name, self->actions, self->action_count,
                       self->common.memory);
    database_error error = store_agent_approve(self->common.base->store, &self->common.identity,
                                               cli_value(self->common.call, "contract"), self->actions,
                                               self->action_count);
    if (error == DATABASE_CONFLICT)
        return cli_fail(self->common.call, CLI_PROTOCOL, "%s", store_explain(self->common.base->store));
    if (error != DATABASE_OK)
        return hub_base_fail(self->common.base, self->common.call, error);
    code = hub_approval_give(&self->common);
    if (code == CLI_DONE)
        tell(self);
    return code;
}

static int run(cli_call *call, hub_base *base, arena *memory)
{
    return approve(&(approval) {.common = {.call = call, .base = base, .memory = memory}});
}

int hub_approve_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, run);
}
