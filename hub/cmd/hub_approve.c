/*
 * hub_approve: `ctai-hub agent approve`: admits an operator by its request, and writes the approval that
 * it takes with `ctai-agent join`. Approving again gives further actions or contracts; the approval then
 * holds all of the agent's contracts.
 */
#include <jansson.h>
#include <string.h>

#include "credential.h"
#include "hub_base.h"
#include "hub_commands.h"
#include "hub_operators.h"
#include "identity.h"
#include "oserror.h"
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

enum { MEMORY_BYTES = 64 * 1024 * 1024, FILE_NAME_MAX = CREDENTIAL_NAME_MAX + 16 };

typedef struct {
    cli_call *call;
    hub_base *base;
    arena *memory;
    credential_identity identity;
    store_contract contract;
    unsigned action_count;
    const char *actions[WIRE_ACTIONS_MAX];
    unsigned address_count;
    char addresses[HUB_CONF_ADDRESSES_MAX][ENDPOINT_TEXT];
} approval;

/* The request: who asks. */
static int read_request(approval *self)
{
    cli_call *call = self->call;
    const cli_file *file = cli_input(call, "demande");
    if (!file->file)
        return cli_bad_file(call, file);
    char *text = arena_take(self->memory, CREDENTIAL_FILE_MAX + 1);
    if (!text)
        return hub_base_no_memory(call);
    size_t size = fread(text, 1, CREDENTIAL_FILE_MAX + 1, file->file);
    if (ferror(file->file))
        return cli_bad_file(call, file);
    if (size > CREDENTIAL_FILE_MAX)
        return cli_fail(call, CLI_BAD_INPUT, "%s est trop long pour une demande", file->name);
    credential_error error = credential_read_request(&self->identity, self->memory, (text_view) {text, size});
    if (error == CREDENTIAL_OK)
        return CLI_DONE;
    return cli_fail(call, error == CREDENTIAL_NO_MEMORY ? CLI_FAULT : CLI_BAD_INPUT, "%s : %s", file->name,
                    credential_error_text(error));
}

static int unknown_contract(approval *self, const char *id)
{
    store_contract *known = NULL;
    unsigned count = 0;
    database_error error = store_contracts(self->base->store, self->memory, &known, &count);
    if (error != DATABASE_OK)
        return hub_base_fail(self->base, self->call, error);
    const char **ids = arena_take(self->memory, (count + 1) * sizeof *ids);
    for (unsigned i = 0; ids && i < count; i++)
        if (!(ids[i] = arena_text(self->memory, known[i].id)))
            return hub_base_no_memory(self->call);
    const char *near = ids ? text_nearest(text_of(id), ids, count) : NULL;
    if (near)
        return cli_fail(self->call, CLI_BAD_INPUT,
                        "le contrat « %s » n’est pas enregistré ; vouliez-vous dire « %s » ?", id, near);
    return cli_fail(self->call, CLI_BAD_INPUT,
                    "le contrat « %s » n’est pas enregistré : commencez par « ctai-hub contract add FICHIER »",
                    id);
}

static int read_contract(approval *self)
{
    const char *id = cli_value(self->call, "contract");
    database_error error = store_contract_find(self->base->store, id, self->memory, &self->contract);
    if (error == DATABASE_NOT_FOUND)
        return unknown_contract(self, id);
    return error == DATABASE_OK ? CLI_DONE : hub_base_fail(self->base, self->call, error);
}

static int take_action(approval *self, text_view code)
{
    const char *codes[WIRE_ACTIONS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < self->contract.action_count && count < WIRE_ACTIONS_MAX; i++)
        if (!(codes[count++] = arena_text(self->memory, self->contract.actions[i].code)))
            return hub_base_no_memory(self->call);
    const char *found = NULL;
    for (unsigned i = 0; i < count; i++)
        if (text_is(code, codes[i]))
            found = codes[i];
    if (!found) {
        const char *near = text_nearest(code, codes, count);
        return cli_fail(self->call, CLI_BAD_INPUT, "le contrat %s n’a pas d’action « %.*s »%s%s%s",
                        cli_value(self->call, "contract"),
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
    const char *at = cli_value(self->call, "action");
    for (;;) {
        size_t size = strcspn(at, ",");
        text_view code = text_trim((text_view) {at, size});
        if (code.size == 0)
            return cli_fail(self->call, CLI_USAGE,
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
    const credential_identity *asks = &self->identity;
    database_error error = store_agent_find(self->base->store, asks->name, self->memory, &known);
    if (error == DATABASE_NOT_FOUND)
        return CLI_DONE;
    if (error != DATABASE_OK)
        return hub_base_fail(self->base, self->call, error);
    const credential_identity *is = &known.identity;
    if (memcmp(is->curve, asks->curve, CRYPTO_PUBLIC) != 0 || memcmp(is->sign, asks->sign, CRYPTO_PUBLIC) != 0
        || memcmp(is->box, asks->box, CRYPTO_PUBLIC) != 0)
        return cli_fail(self->call, CLI_PROTOCOL,
                        "l’agent « %s » est déjà admis avec d’autres clés : appelez l’opérateur avant d’aller "
                        "plus loin ; s’il a refait ses clés, révoquez l’ancien agent et admettez-le sous un autre nom",
                        asks->name);
    if (known.revoked)
        return cli_fail(self->call, CLI_NOT_ALLOWED,
                        "l’agent « %s » a été révoqué : l’opérateur doit faire une nouvelle demande, sous un "
                        "autre nom",
                        asks->name);
    return CLI_DONE;
}

static int find_addresses(approval *self)
{
    self->address_count = hub_home_addresses(&self->base->home, self->addresses);
    if (self->address_count)
        return CLI_DONE;
    return cli_fail(self->call, CLI_CONFIGURATION,
                    "le port du hub n’est pas encore connu : lancez « ctai-hub serve » une fois, ou écrivez "
                    "« address = tcp://NOM:PORT » dans hub.conf");
}

static int write_approval(approval *self, batch_buffer *to)
{
    const hub_keys *keys = self->base->home.keys;
    credential_approval what = {.address_count = self->address_count, .agent = self->identity};
    memcpy(what.hub_curve, keys->curve.public_key, CRYPTO_PUBLIC);
    memcpy(what.hub_sign, keys->sign.public_key, CRYPTO_PUBLIC);
    for (unsigned i = 0; i < self->address_count; i++)
        what.addresses[i] = text_of(self->addresses[i]);
    database_error error =
        store_agent_contracts(self->base->store, self->identity.name, self->memory, &what.contracts,
                              &what.contract_count);
    if (error != DATABASE_OK)
        return hub_base_fail(self->base, self->call, error);
    credential_write_approval(to, &what, &keys->sign);
    return to->failed ? cli_fail(self->call, CLI_FAULT, "l’approbation n’a pas pu être écrite") : CLI_DONE;
}

static int place(approval *self, const batch_buffer *text, char file[FILE_NAME_MAX])
{
    cli_call *call = self->call;
    snprintf(file, FILE_NAME_MAX, "%s.approbation", self->identity.name);
    if (cli_given(call, "output")) {
        fwrite(text->data, 1, text->size, cli_output(call));
        return CLI_DONE;
    }
    int error = identity_place(call, file, text->data, text->size);
    if (error == 0)
        return CLI_DONE;
    return cli_fail(call, CLI_CANNOT_WRITE,
                    "l’agent est admis, mais %s n’a pas pu être écrit dans %s (%s) : recommencez dans un "
                    "autre dossier, ou avec -o", file, call->folder, oserror_text(error));
}

static void tell(const approval *self, const char *file)
{
    cli_call *call = self->call;
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    credential_fingerprint(fingerprint, &self->identity);
    const char *path = cli_value(call, "output") ? cli_value(call, "output") : file;
    if (call->json) {
        json_t *actions = json_array(), *addresses = json_array();
        for (unsigned i = 0; i < self->address_count; i++)
            json_array_append_new(addresses, json_string(self->addresses[i]));
        for (unsigned i = 0; i < self->action_count; i++)
            json_array_append_new(actions, json_string(self->actions[i]));
        json_t *summary = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "nom", self->identity.name, "empreinte",
                                    fingerprint, "empreinte_hub",
                                    self->base->home.keys->fingerprint, "approbation", path, "contrat",
                                    cli_value(call, "contract"), "actions",
                                    actions, "adresses", addresses);
        json_dumpf(summary, call->out, 0);
        fputc('\n', call->out);
        json_decref(summary);
        return;
    }
    fprintf(call->out, "Agent « %s » admis pour le contrat %s :", self->identity.name,
            cli_value(call, "contract"));
    for (unsigned i = 0; i < self->action_count; i++)
        fprintf(call->out, "%s %s", i ? "," : "", self->actions[i]);
    fprintf(call->out,
            "\nApprobation : %s (adresse%s :", path, self->address_count > 1 ? "s" : "");
    for (unsigned i = 0; i < self->address_count; i++)
        fprintf(call->out, "%s %s", i ? "," : "", self->addresses[i]);
    fprintf(call->out,
            ")\nRendez ce fichier à l’opérateur ; il ne contient rien de secret. Il verra l’empreinte du "
            "hub :\n%s\n", self->base->home.keys->fingerprint);
}

/* The fingerprint is shown first, whatever becomes of the rest. */
static void show(const approval *self)
{
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    credential_fingerprint(fingerprint, &self->identity);
    cli_say(self->call, "demande de « %s », empreinte %s : comparez-la avec celle que l’opérateur vous lit",
            self->identity.name, fingerprint);
}

static int approve(approval *self)
{
    int (*const steps[])(approval *) = {read_request, read_contract, read_actions, check_known, find_addresses};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int code = steps[i](self);
        if (code != CLI_DONE)
            return code;
        if (i == 0)
            show(self);
    }
    hub_operators_warn(self->call, &self->contract, self->identity.name, self->actions, self->action_count,
                       self->memory);
    database_error error = store_agent_approve(self->base->store, &self->identity,
                                               cli_value(self->call, "contract"), self->actions,
                                               self->action_count);
    if (error == DATABASE_CONFLICT)
        return cli_fail(self->call, CLI_PROTOCOL, "%s", store_explain(self->base->store));
    if (error != DATABASE_OK)
        return hub_base_fail(self->base, self->call, error);
    batch_buffer text;
    char file[FILE_NAME_MAX];
    batch_buffer_init(&text, CREDENTIAL_FILE_MAX);
    int code = write_approval(self, &text);
    if (code == CLI_DONE)
        code = place(self, &text, file);
    if (code == CLI_DONE)
        tell(self, file);
    batch_buffer_release(&text);
    return code;
}

static int run(cli_call *call, hub_base *base, arena *memory)
{
    return approve(&(approval) {.call = call, .base = base, .memory = memory});
}

int hub_approve_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, run);
}
