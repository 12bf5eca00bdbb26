/*
 * hub_dossier: `ctai-hub contract export`, `import`: a contract's definition with all its amendments, from a hub to
 * another. What is imported is checked and merged anew, as if each had been registered there in its turn.
 */
#include <string.h>

#include "amendment.h"
#include "dossier.h"
#include "hub_amend.h"
#include "hub_commands.h"
#include "hub_definition.h"

enum { MEMORY_BYTES = 512 * 1024 * 1024, LABEL_MAX = 4096 };

const cli_option hub_export_options[] = {
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT, .value = "FICHIER", .help = "écrit dans ce fichier, en entier ou pas du tout"},
    {0},
};

typedef struct {
    cli_call *call;
    hub_base *base;
    arena *memory;
    catalogue national;
    territory places;
    dossier what;
    char id[RECORD_NAME_MAX + 1];
    contract *said;              /* the versions of the file: the initial one, then as each amendment makes it */
    store_contract_text *texts;
} moving;

/* Doubts were told where it was registered first. */
static void errors_alone(diag_sink *sink, const diag *what)
{
    if (what->severity == DIAG_ERROR)
        diag_print(sink->data, what);
}

static int no_longer_readable(cli_call *call, const char *id)
{
    return cli_fail(call, CLI_FAULT, "le texte enregistré du contrat « %s » ne peut plus être lu", id);
}

/* The registered versions as a dossier. 0 or an exit code, said. */
static int pack(moving *self, const store_contract *versions, unsigned count)
{
    diag_sink silent = { 0 };
    if (!hub_definition_carried(&self->national, &self->places, self->memory, &silent))
        return hub_base_no_memory(self->call);
    self->what = (dossier){ .id = versions[0].id, .initial = versions[0].definition,
                            .amendments = arena_take(self->memory, sizeof *self->what.amendments * count) };
    if (!self->what.amendments)
        return hub_base_no_memory(self->call);
    for (unsigned i = 1; i < count; i++) {
        contract said;
        if (!contract_read(&said, self->memory, &self->national, &self->places, self->id, versions[i].definition, &silent))
            return no_longer_readable(self->call, self->id);
        self->what.amendments[self->what.amendment_count++] = said.amended.text;
    }
    return CLI_DONE;
}

static json_t *dossier_json(const dossier *what)
{
    json_t *amendments = json_array();
    for (unsigned i = 0; i < what->amendment_count; i++)
        json_array_append_new(amendments, json_stringn(what->amendments[i].at, what->amendments[i].size));
    return json_pack("{si, so, so, so}", "export", 1, "contrat", json_stringn(what->id.at, what->id.size), "initial",
                     json_stringn(what->initial.at, what->initial.size), "avenants", amendments);
}

static int export(cli_call *call, hub_base *base, arena *memory)
{
    moving it = { .call = call, .base = base, .memory = memory };
    const char *id = cli_value(call, "contrat");
    store_contract *versions = NULL;
    unsigned count = 0;
    text_view text;
    database_error error = store_contract_versions(base->store, id, memory, &versions, &count);
    if (error == DATABASE_NOT_FOUND)
        return hub_amend_unknown(call, base, memory, id);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    (void)text_copy(it.id, sizeof it.id, versions[0].id);
    int code = pack(&it, versions, count);
    if (code != CLI_DONE)
        return code;
    if (call->json)
        return hub_base_json(call, dossier_json(&it.what));
    if (!dossier_write(&it.what, memory, &text))
        return cli_fail(call, CLI_FAULT, "le contrat « %s » et ses avenants sont trop gros pour un fichier (1 Mio)", id);
    fwrite(text.at, 1, text.size, cli_output(call));
    return CLI_DONE;
}

/* Reads every version that the file gives, each from the one before. */
static bool unpack(moving *self, diag_sink *sink)
{
    unsigned count = self->what.amendment_count;
    const char *name = cli_input(self->call, "fichier")->name;
    self->said = arena_take(self->memory, sizeof *self->said * (count + 1));
    self->texts = arena_take(self->memory, sizeof *self->texts * (count + 1));
    char *label = arena_take(self->memory, LABEL_MAX);
    if (!self->said || !self->texts || !label)
        return false;
    snprintf(label, LABEL_MAX, "%s (contrat initial)", name);
    if (!contract_read(&self->said[0], self->memory, &self->national, &self->places, label, self->what.initial, sink))
        return false;
    self->texts[0] = (store_contract_text){ &self->said[0], self->what.initial };
    for (unsigned i = 0; i < count; i++) {
        amendment one;
        char *amendment_label = arena_take(self->memory, LABEL_MAX);
        text_view definition = { NULL, 0 };
        if (!amendment_label)
            return false;
        snprintf(amendment_label, LABEL_MAX, "%s (avenant n° %u)", name, i + 1);
        if (!amendment_read(&one, self->memory, &self->national, amendment_label, self->what.amendments[i], sink)
            || !amendment_merge(&one, self->memory, &self->national, &self->places, self->texts[i].definition, &self->said[i + 1],
                                &definition))
            return false;
        self->texts[i + 1] = (store_contract_text){ &self->said[i + 1], definition };
    }
    return self->said[0].amended.number == 0 && text_equal(self->said[0].id, self->what.id);
}

static int say_done(const moving *self, unsigned added)
{
    cli_call *call = self->call;
    unsigned amendments = self->what.amendment_count;
    if (call->json)
        return hub_base_json(call, json_pack("{ss, si, si}", "contrat", self->id, "avenants", (int)amendments, "ajoutes", (int)added));
    if (added == 0)
        fprintf(call->out, "Contrat « %s » : déjà enregistré avec ses avenants, rien n’a changé.\n", self->id);
    else if (added == amendments + 1)
        fprintf(call->out, "Contrat « %s » enregistré, avec %u avenant%s.\n", self->id, amendments, hub_base_plural(amendments));
    else
        fprintf(call->out, "Contrat « %s » : %u avenant%s de plus enregistré%s.\n", self->id, added, hub_base_plural(added),
                hub_base_plural(added));
    return CLI_DONE;
}

static int conflict(const moving *self, unsigned number)
{
    if (number == 0)
        return cli_fail(self->call, CLI_BAD_INPUT, "un autre contrat « %s » est déjà enregistré ici : rien n’a changé", self->id);
    return cli_fail(self->call, CLI_BAD_INPUT, "l’avenant n° %u du contrat « %s » enregistré ici n’est pas celui du fichier : rien n’a changé",
                    number, self->id);
}

/* What the hub has of it is compared to the byte; what it lacks at the end is registered, all or nothing. */
static int compare_and_register(moving *self, const store_contract *versions, unsigned count)
{
    dossier here = self->what;
    if (count > 0) {
        moving registered = { .call = self->call, .memory = self->memory };
        memcpy(registered.id, self->id, sizeof registered.id);
        int code = pack(&registered, versions, count);
        if (code != CLI_DONE)
            return code;
        here = registered.what;
        if (!text_equal(here.initial, self->what.initial))
            return conflict(self, 0);
        for (unsigned i = 0; i < here.amendment_count && i < self->what.amendment_count; i++)
            if (!text_equal(here.amendments[i], self->what.amendments[i]))
                return conflict(self, i + 1);
    }
    unsigned all = self->what.amendment_count + 1;
    if (count >= all)
        return say_done(self, 0);
    bool added = false;
    database_error error = store_contract_register(self->base->store, self->texts + count, all - count,
                                                   count > 0 ? versions[count - 1].version : 0, &added);
    return error == DATABASE_OK ? say_done(self, added ? all - count : 0) : hub_base_fail(self->base, self->call, error);
}

static int import(cli_call *call, hub_base *base, arena *memory)
{
    moving it = { .call = call, .base = base, .memory = memory };
    diag_sink sink = { .emit = errors_alone, .data = call->err };
    const char *name = cli_input(call, "fichier")->name;
    text_view bytes;
    int code = hub_definition_file(call, "fichier", memory, &bytes);
    if (code != CLI_DONE)
        return code;
    if (!hub_definition_carried(&it.national, &it.places, memory, &sink) || !dossier_read(&it.what, memory, name, bytes, &sink)
        || !unpack(&it, &sink)) {
        if (arena_short(memory))
            return hub_base_no_memory(call);
        return cli_fail(call, CLI_BAD_INPUT, "%s n’est pas l’export d’un contrat qui puisse être enregistré : rien n’a changé", name);
    }
    (void)text_copy(it.id, sizeof it.id, it.what.id);
    store_contract *versions = NULL;
    unsigned count = 0;
    database_error error = store_contract_versions(base->store, it.id, memory, &versions, &count);
    if (error != DATABASE_OK && error != DATABASE_NOT_FOUND)
        return hub_base_fail(base, call, error);
    return compare_and_register(&it, versions, count);
}

int hub_contract_export_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, export);
}

int hub_contract_import_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, import);
}
