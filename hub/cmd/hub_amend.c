/*
 * hub_amend: see the header. The contract is merged from what was read; should another amendment come between, the store
 * says so, and it is read and merged again.
 */
#include "hub_amend.h"

#include <string.h>
#include <unistd.h>

#include "amendment.h"
#include "hub_commands.h"
#include "hub_definition.h"

enum { MEMORY_BYTES = 96 * 1024 * 1024, TRIES = 3, HOME_PATH_MAX = 4096 };

/* An amendment's file on its way into the database. */
typedef struct {
    cli_call *call;
    hub_base *base;
    arena *memory;
    amendment what;
    char id[RECORD_NAME_MAX + 1];
    catalogue national;
    territory places;
    store_contract *versions;
    unsigned version_count;
    contract said;        /* as amended */
    text_view definition;
} amending;

int hub_amend_unknown(cli_call *call, hub_base *base, arena *memory, const char *id)
{
    store_contract *contracts = NULL;
    unsigned count = 0;
    database_error error = store_contracts(base->store, memory, &contracts, &count);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    const char **ids = arena_take(memory, (count + 1) * sizeof *ids);
    unsigned known = 0;
    for (unsigned i = 0; ids && i < count; i++)
        if ((ids[known] = arena_text(memory, contracts[i].id)) != NULL)
            known++;
    const char *near = ids ? text_nearest(text_of(id), ids, known) : NULL;
    if (near)
        return cli_fail(call, CLI_BAD_INPUT, "aucun contrat « %s » n’est enregistré ; vouliez-vous dire « %s » ?",
                        id, near);
    return cli_fail(call, CLI_BAD_INPUT,
                    "aucun contrat « %s » n’est enregistré : « ctai-hub contract list » les montre", id);
}

static bool read_file(amending *self, text_view bytes, diag_sink *sink)
{
    return hub_definition_carried(&self->national, &self->places, self->memory, sink)
        && amendment_read(&self->what, self->memory, &self->national, cli_input(self->call, "fichier")->name, bytes, sink)
        && text_copy(self->id, sizeof self->id, self->what.contract);
}

/* The registered amendment of that number, or NULL. The first version of that number: a purge repeats it. */
static const store_contract *find_registered(const amending *self, unsigned number)
{
    for (unsigned i = 0; i < self->version_count; i++)
        if (self->versions[i].amendment == number && number > 0)
            return &self->versions[i];
    return NULL;
}

/* Is what is registered under its number the same file? */
static bool is_same(amending *self, const store_contract *registered)
{
    contract before;
    diag_sink silent = { 0 };
    return contract_read(&before, self->memory, &self->national, &self->places, self->id, registered->definition, &silent)
        && text_equal(before.amended.text, self->what.text);
}

static bool merge(amending *self)
{
    const store_contract *last = &self->versions[self->version_count - 1];
    contract again;
    diag_sink silent = { 0 };
    if (!amendment_merge(&self->what, self->memory, &self->national, &self->places, last->definition, &self->said,
                         &self->definition))
        return false;
    /* What will be read for years is read once before it is kept. */
    if (contract_read(&again, self->memory, &self->national, &self->places, self->id, self->definition, &silent)
        && text_equal(again.amended.text, self->what.text) && again.action_count == self->said.action_count)
        return true;
    yamldoc_error(&self->what.doc, NULL, NULL, "le contrat amendé ne peut pas être écrit");
    return false;
}

/* The codes of the actions that the contract did not have; for people, what they need. */
static json_t *new_actions(amending *self)
{
    contract was;
    diag_sink silent = { 0 };
    json_t *fresh = json_array();
    const store_contract *before = &self->versions[self->version_count - 1];
    bool known = contract_read(&was, self->memory, &self->national, &self->places, self->id, before->definition, &silent);
    for (unsigned i = 0; known && i < self->said.action_count; i++) {
        text_view code = self->said.actions[i].code;
        if (contract_action_find(&was, code))
            continue;
        json_array_append_new(fresh, json_stringn(code.at, code.size));
        if (!self->call->json)
            cli_say(self->call, "action nouvelle « %.*s » : « ctai-hub agent approve » en donne le droit à ses opérateurs",
                    (int)code.size, code.at);
    }
    return fresh;
}

static int say_done(amending *self, bool added, unsigned version)
{
    cli_call *call = self->call;
    char day[CIVIL_DAY_TEXT];
    civil_day_text(self->what.day, day);
    json_t *fresh = added ? new_actions(self) : json_array();
    if (call->json)
        return hub_base_json(call, json_pack("{ss, sI, sI, ss, sb, so}", "contrat", self->id, "avenant",
                                             (json_int_t)self->what.number, "version", (json_int_t)version, "date", day, "ajoute",
                                             (int)added, "actions_nouvelles", fresh));
    json_decref(fresh);
    if (added)
        fprintf(call->out, "Avenant n° %u du contrat « %s » enregistré : il s’applique à partir du %s.\n", self->what.number,
                self->id, day);
    else
        fprintf(call->out, "Avenant n° %u du contrat « %s » : déjà enregistré, rien n’a changé.\n", self->what.number, self->id);
    return CLI_DONE;
}

/* One attempt. *again: another amendment came between. */
static int try_to(amending *self, bool *again)
{
    cli_call *call = self->call;
    const diag_sink *sink = self->what.doc.sink;
    *again = false;
    database_error error = store_contract_versions(self->base->store, self->id, self->memory, &self->versions,
                                                   &self->version_count);
    if (error == DATABASE_NOT_FOUND)
        return hub_amend_unknown(call, self->base, self->memory, self->id);
    if (error != DATABASE_OK)
        return hub_base_fail(self->base, call, error);
    const store_contract *registered = find_registered(self, self->what.number);
    if (registered && is_same(self, registered))
        return say_done(self, false, registered->version);
    if (registered)
        return cli_fail(call, CLI_BAD_INPUT, "un autre avenant n° %u du contrat « %s » est déjà enregistré : « ctai-hub contract "
                        "export %s » le montre ; le prochain porte le numéro %u", self->what.number, self->id, self->id,
                        self->versions[self->version_count - 1].amendment + 1);
    if (!merge(self)) {
        hub_definition_sum_up(sink, call->err, self->what.doc.file);
        return cli_fail(call, CLI_BAD_INPUT, "l’avenant n’a pas été enregistré : corrigez les erreurs");
    }
    bool added = false;
    unsigned base = self->versions[self->version_count - 1].version;
    error = store_contract_register(self->base->store, &(store_contract_text){ &self->said, self->definition }, 1, base, &added);
    if (error == DATABASE_CONFLICT)
        *again = true;
    if (error != DATABASE_OK)
        return *again ? CLI_BAD_INPUT : hub_base_fail(self->base, call, error);
    return say_done(self, true, base + 1);
}

static int amend(cli_call *call, hub_base *base, arena *memory)
{
    amending it = { .call = call, .base = base, .memory = memory };
    text_view bytes;
    diag_sink sink = diag_sink_to(call->err);
    int code = hub_definition_file(call, "fichier", memory, &bytes);
    if (code != CLI_DONE)
        return code;
    const char *name = cli_input(call, "fichier")->name;
    if (!amendment_is(memory, bytes))
        cli_say(call, "%s n’a pas les clés « contrat » et « avenant » d’un avenant", name);
    if (!read_file(&it, bytes, &sink)) {
        hub_definition_sum_up(&sink, call->err, name);
        return cli_fail(call, CLI_BAD_INPUT, "l’avenant n’a pas été enregistré : corrigez les erreurs");
    }
    bool again = true;
    for (unsigned i = 0; again && i < TRIES; i++)
        code = try_to(&it, &again);
    return again ? hub_base_fail(base, call, DATABASE_CONFLICT) : code;
}

/* Its faults are told on the sink, once: what was said of it alone is said again with its contract. */
bool hub_amend_check(cli_call *call, arena *memory, text_view bytes, diag_sink *sink, contract *said, bool *alone)
{
    amending it = { .call = call, .memory = memory };
    hub_base base;
    char conf[HOME_PATH_MAX];
    *alone = false;
    bool good = read_file(&it, bytes, sink);
    *said = (contract){ .id = it.what.contract, .amended = { .number = it.what.number, .day = it.what.day } };
    int size = snprintf(conf, sizeof conf, "%s/hub.conf", call->home);
    if (!good)
        return false;
    *alone = true;
    if (size < 0 || (size_t)size >= sizeof conf || access(conf, R_OK) != 0 || hub_base_open(&base, call) != CLI_DONE)
        return true;
    if (store_contract_versions(base.store, it.id, memory, &it.versions, &it.version_count) == DATABASE_OK) {
        const store_contract *registered = find_registered(&it, it.what.number);
        *alone = false;
        if (!registered || !is_same(&it, registered))
            good = merge(&it);
    }
    hub_base_close(&base);
    return good;
}

int hub_contract_amend_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, amend);
}
