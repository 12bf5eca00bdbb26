/*
 * hub_replace: `ctai-hub agent replace`: gives a known operator the keys of a new request (its disk is lost, or two
 * machines have its keys), and writes its approval. Its rights stay; its records stand until it has sent all anew.
 */
#include <jansson.h>
#include <string.h>

#include "hub_agent.h"
#include "hub_approval.h"
#include "hub_commands.h"
#include "store_replace.h"

const cli_option hub_replace_options[] = {
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT, .value = "FICHIER",
     .help = "le fichier d’approbation (NOM.approbation)"},
    {.name = NULL},
};

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

/* The request has to be of the same name: it is what the operator calls itself in its approval and its batches. */
static int check_name(const hub_approval *self)
{
    const char *name = cli_value(self->call, "nom");
    if (strcmp(name, self->identity.name) == 0)
        return CLI_DONE;
    return cli_fail(self->call, CLI_BAD_INPUT,
                    "cette demande est celle de « %s », pas de « %s » : l’opérateur doit refaire la sienne par « ctai-agent init "
                    "--name %s » dans un dossier neuf", self->identity.name, name, name);
}

/* Both fingerprints, before anything changes. */
static int show(const hub_approval *self)
{
    char before[CRYPTO_FINGERPRINT_TEXT], after[CRYPTO_FINGERPRINT_TEXT];
    store_agent known;
    const char *name = self->identity.name;
    database_error error = store_agent_find(self->base->store, name, self->memory, &known);
    if (error == DATABASE_NOT_FOUND)
        return hub_agent_unknown(self->call, self->base, self->memory, name);
    if (error != DATABASE_OK)
        return hub_base_fail(self->base, self->call, error);
    credential_fingerprint(before, &known.identity);
    credential_fingerprint(after, &self->identity);
    cli_say(self->call, "clés actuelles de « %s » : empreinte %s", name, before);
    cli_say(self->call, "clés de la demande      : empreinte %s", after);
    cli_say(self->call, "comparez la seconde avec celle que l’opérateur vous lit");
    return CLI_DONE;
}

static int tell(const hub_approval *self, const store_replaced *done)
{
    cli_call *call = self->call;
    char before[CRYPTO_FINGERPRINT_TEXT], after[CRYPTO_FINGERPRINT_TEXT];
    credential_fingerprint(before, &done->before);
    credential_fingerprint(after, &self->identity);
    if (call->json) {
        json_t *summary = json_pack("{s:s, s:s, s:s, s:b, s:i, s:s, s:s}", "nom", self->identity.name, "empreinte", after,
                                    "empreinte_precedente", before, "change", done->changed, "contrats_attendus",
                                    (int) done->contracts, "empreinte_hub", self->base->home.keys->fingerprint, "approbation",
                                    hub_approval_path(self));
        if (!summary)
            return hub_base_no_memory(call);
        json_dumpf(summary, call->out, 0);
        fputc('\n', call->out);
        json_decref(summary);
        return CLI_DONE;
    }
    FILE *to = call->out;
    if (done->changed)
        fprintf(to, "L’agent « %s » a de nouvelles clés%s ; les anciennes ne valent plus, et ne reviendront pas.\n",
                self->identity.name, done->was_revoked ? ", et de nouveau accès au hub" : "");
    else
        fprintf(to, "L’agent « %s » avait déjà ces clés : rien n’a changé, l’approbation est écrite à nouveau.\n",
                self->identity.name);
    if (done->contracts)
        fprintf(to, "Ce qu’il avait envoyé compte encore, jusqu’à son prochain envoi complet : %u contrat%s attendu%s.\n",
                done->contracts, hub_base_plural(done->contracts), hub_base_plural(done->contracts));
    fprintf(to, "Approbation : %s. Rendez ce fichier à l’opérateur ; il verra l’empreinte du hub :\n%s\n",
            hub_approval_path(self), self->base->home.keys->fingerprint);
    return CLI_DONE;
}

static int run(cli_call *call, hub_base *base, arena *memory)
{
    hub_approval self = {.call = call, .base = base, .memory = memory};
    store_replaced done;
    int code = hub_approval_read(&self);
    if (code == CLI_DONE)
        code = check_name(&self);
    if (code == CLI_DONE)
        code = show(&self);
    if (code == CLI_DONE)
        code = hub_approval_find_addresses(&self);
    if (code != CLI_DONE)
        return code;
    database_error error = store_replace(base->store, &self.identity, &done);
    if (error == DATABASE_CONFLICT)
        return cli_fail(call, CLI_PROTOCOL, "%s", store_explain(base->store));
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    code = hub_approval_give(&self);
    return code == CLI_DONE ? tell(&self, &done) : code;
}

int hub_replace_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, run);
}
