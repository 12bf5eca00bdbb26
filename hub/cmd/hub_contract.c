/*
 * hub_contract: `ctai-hub contract check`, `add`. Check needs no home and no database, but for an amendment's file, which
 * it checks with its contract when the home has it. What is wrong or
 * doubtful is a line each: for check on standard output (with --json, in the summary there and as lines
 * on standard error), for add on standard error.
 */
#include <inttypes.h>
#include <jansson.h>

#include "amendment.h"
#include "hub_amend.h"
#include "hub_base.h"
#include "hub_commands.h"
#include "hub_definition.h"
#include "store_contract.h"

enum { MEMORY_BYTES = 32 * 1024 * 1024 };

/* Diagnostics as lines, and as items of a JSON list when there is one. */
typedef struct {
    FILE *lines;
    json_t *list;
} findings;

static void keep(diag_sink *sink, const diag *what)
{
    static const char *const names[DIAG_SEVERITY_COUNT] = { "note", "avertissement", "ecarte", "erreur" };
    const findings *self = sink->data;
    diag_print(self->lines, what);
    if (!self->list)
        return;
    json_t *item = json_object();
    json_object_set_new(item, "gravite", json_string(names[what->severity]));
    json_object_set_new(item, "fichier", what->file ? json_string(what->file) : json_null());
    json_object_set_new(item, "ligne", json_integer((json_int_t)what->line));
    json_object_set_new(item, "colonne", json_integer((json_int_t)what->column));
    json_object_set_new(item, "cle", what->field ? json_string(what->field) : json_null());
    json_object_set_new(item, "message", json_string(what->message));
    json_object_set_new(item, "remede", what->remedy ? json_string(what->remedy) : json_null());
    json_array_append_new(self->list, item);
}

/* A contract's registered text, once amended, is no file of a contract: it would start without its amendments. */
static bool is_initial(const contract *said, const char *name, diag_sink *sink)
{
    if (said->amended.number > 0)
        diag_emit(sink, &(diag){ .severity = DIAG_ERROR, .file = name, .field = "avenant",
                                 .message = "c’est le texte d’un contrat déjà amendé",
                                 .remedy = "Enregistrez le contrat initial, puis ses avenants (« contract amend », « contract import »)" });
    return said->amended.number == 0;
}

static int check(cli_call *call, arena *memory)
{
    text_view bytes;
    contract said;
    int code = hub_definition_file(call, "fichier", memory, &bytes);
    if (code != CLI_DONE)
        return code;
    const char *name = cli_input(call, "fichier")->name;
    findings found = { .lines = call->json ? call->err : call->out, .list = call->json ? json_array() : NULL };
    diag_sink sink = { .emit = keep, .data = &found };
    bool amends = amendment_is(memory, bytes), alone = false, good;
    if (amends)
        good = hub_amend_check(call, memory, bytes, &sink, &said, &alone);
    else
        good = hub_definition_read(&said, memory, name, bytes, &sink) && is_initial(&said, name, &sink);
    if (call->json) {
        json_t *id = good ? json_stringn(said.id.at, said.id.size) : json_null();
        json_t *summary = json_object();
        json_object_set_new(summary, "fichier", json_string(name));
        json_object_set_new(summary, "contrat", id);
        json_object_set_new(summary, "avenant", amends && good ? json_integer(said.amended.number) : json_null());
        json_object_set_new(summary, "erreurs", json_integer((json_int_t)sink.count[DIAG_ERROR]));
        json_object_set_new(summary, "avertissements", json_integer((json_int_t)sink.count[DIAG_WARNING]));
        json_object_set_new(summary, "messages", found.list);
        code = hub_base_json(call, summary);
    } else
        hub_definition_sum_up(&sink, call->out, name);
    if (alone)
        cli_say(call, "le contrat n’est pas dans le hub de ce poste : l’avenant a été vérifié seul, sans le contrat qu’il modifie");
    return code != CLI_DONE ? code : good ? CLI_DONE : CLI_BAD_INPUT;
}

static int add_to(cli_call *call, hub_base *base, const contract *said, text_view bytes)
{
    bool added = false;
    database_error error = store_contract_add(base->store, said, bytes, &added);
    if (error == DATABASE_CONFLICT)
        return cli_fail(call, CLI_BAD_INPUT,
                        "un autre contrat « %.*s » est déjà enregistré : « ctai-hub contract show %.*s » le montre",
                        (int)said->id.size, said->id.at, (int)said->id.size, said->id.at);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    if (call->json) {
        json_t *summary = json_object();
        json_object_set_new(summary, "contrat", json_stringn(said->id.at, said->id.size));
        json_object_set_new(summary, "ajoute", json_boolean(added));
        json_object_set_new(summary, "actions", json_integer(said->action_count));
        return hub_base_json(call, summary);
    }
    if (added)
        fprintf(call->out, "Contrat « %.*s » enregistré : %u action%s.\n", (int)said->id.size, said->id.at,
                said->action_count, hub_base_plural(said->action_count));
    else
        fprintf(call->out, "Contrat « %.*s » : déjà enregistré, rien n’a changé.\n", (int)said->id.size,
                said->id.at);
    return CLI_DONE;
}

static int add(cli_call *call, arena *memory)
{
    text_view bytes;
    contract said;
    int code = hub_definition_file(call, "fichier", memory, &bytes);
    if (code != CLI_DONE)
        return code;
    const char *name = cli_input(call, "fichier")->name;
    diag_sink sink = diag_sink_to(call->err);
    if (amendment_is(memory, bytes))
        return cli_fail(call, CLI_BAD_INPUT, "%s est un avenant : « ctai-hub contract amend » l’enregistre", name);
    if (!hub_definition_read(&said, memory, name, bytes, &sink) || !is_initial(&said, name, &sink)) {
        hub_definition_sum_up(&sink, call->err, name);
        return cli_fail(call, CLI_BAD_INPUT, "le contrat n’a pas été enregistré : corrigez les erreurs");
    }
    hub_base base;
    code = hub_base_open(&base, call);
    if (code != CLI_DONE)
        return code;
    code = add_to(call, &base, &said, bytes);
    hub_base_close(&base);
    return code;
}

static int with_memory(cli_call *call, int (*run)(cli_call *call, arena *memory))
{
    arena *memory = arena_new(MEMORY_BYTES);
    int code = memory ? run(call, memory) : hub_base_no_memory(call);
    arena_destroy(&memory);
    return code;
}

int hub_contract_check_run(cli_call *call)
{
    return with_memory(call, check);
}

int hub_contract_add_run(cli_call *call)
{
    return with_memory(call, add);
}
