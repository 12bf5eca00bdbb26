/* hub_contract_show: `ctai-hub contract list`, `show`: what is registered, for people and as JSON. */
#include <inttypes.h>
#include <jansson.h>

#include "contract_reader.h"
#include "hub_base.h"
#include "hub_commands.h"
#include "hub_definition.h"
#include "store_contract.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

static json_t *text_json(text_view text)
{
    return json_stringn(text.size > 0 ? text.at : "", text.size);
}

static json_t *texts_json(const text_view *texts, unsigned count)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(all, text_json(texts[i]));
    return all;
}

/* Euros, exactly, as a text: "1234.50"; null when it is not known. */
static json_t *amount_json(const contract_amount *amount)
{
    return amount->known ? json_sprintf("%" PRId64 ".%02d", amount->cents / 100, (int)(amount->cents % 100)) : json_null();
}

static json_t *day_json(civil_day day)
{
    char text[CIVIL_DAY_TEXT];
    civil_day_text(day, text);
    return json_string(text);
}

static json_t *head_json(const store_contract *one)
{
    json_t *actions = json_array();
    for (unsigned i = 0; i < one->action_count; i++)
        json_array_append_new(actions, json_pack("{s:o, s:o}", "code", text_json(one->actions[i].code), "titre", text_json(one->actions[i].title)));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:s, s:I, s:o}", "id", text_json(one->id), "titre", text_json(one->title),
                     "departement", text_json(one->department), "region", text_json(one->region), "perimetre", text_json(one->scope),
                     "premier_jour", day_json(one->first_day), "dernier_jour", day_json(one->last_day), "version", (int)one->version,
                     "enregistre_le", one->registered, "position", (json_int_t)one->position, "actions", actions);
}

static json_t *targets_json(const contract_target *targets, unsigned count)
{
    json_t *all = json_object();
    for (unsigned i = 0; i < count; i++)
        json_object_set_new(all, targets[i].indicator.at, json_integer((json_int_t)targets[i].value)); /* constants: end in a NUL */
    return all;
}

static json_t *actors_json(const contract_actor *actors, unsigned count)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(all, json_pack("{s:o, s:o, s:b}", "nom", text_json(actors[i].name), "agent",
                                             actors[i].agent.size > 0 ? text_json(actors[i].agent) : json_null(), "a_determiner",
                                             (int)actors[i].undetermined));
    return all;
}

static json_t *action_json(const contract_action *action)
{
    json_t *lines = json_array();
    for (unsigned i = 0; i < action->line_count; i++)
        json_array_append_new(lines, json_pack("{s:o, s:o}", "libelle", text_json(action->lines[i].label), "montant",
                                               amount_json(&action->lines[i].amount)));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "code", text_json(action->code), "titre", text_json(action->title),
                     "operateurs", actors_json(action->operators, action->operator_count), "partenaires",
                     actors_json(action->partners, action->partner_count), "objectifs", targets_json(action->targets, action->target_count),
                     "cout", amount_json(&action->cost), "lignes", lines, "indicateurs", texts_json(action->selected, action->selected_count),
                     "refugies_info", action->refugies_info.size > 0 ? text_json(action->refugies_info) : json_null());
}

/* All that the registered text says, over what the database holds. */
static json_t *contract_json(const store_contract *one, const contract *said)
{
    json_t *whole = head_json(one), *actions = json_array(), *money = json_array(), *own = json_array(), *parties = json_array();
    for (unsigned i = 0; i < said->action_count; i++)
        json_array_append_new(actions, action_json(&said->actions[i]));
    for (unsigned i = 0; i < said->money_count; i++)
        json_array_append_new(money, json_pack("{s:o, s:o}", "source", text_json(said->money[i].source), "montant",
                                               amount_json(&said->money[i].amount)));
    for (unsigned i = 0; i < said->own.count; i++)
        json_array_append_new(own, json_pack("{s:o, s:o, s:o, s:s}", "code", text_json(said->own.items[i].code), "libelle",
                                             text_json(said->own.items[i].label), "unite", text_json(said->own.items[i].unit), "compte",
                                             catalogue_kind_name(said->own.items[i].kind)));
    for (unsigned i = 0; i < said->party_count; i++)
        json_array_append_new(parties, json_pack("{s:o, s:o, s:o}", "code", text_json(said->parties[i].code), "nom",
                                                 text_json(said->parties[i].name), "agent",
                                                 said->parties[i].agent.size > 0 ? text_json(said->parties[i].agent) : json_null()));
    json_object_set_new(whole, "parties", parties);
    json_object_set_new(whole, "pilotage", texts_json(said->readers, said->reader_count));
    json_object_set_new(whole, "financements", money);
    json_object_set_new(whole, "actions", actions);
    json_object_set_new(whole, "indicateurs", own);
    json_object_set_new(whole, "objectifs", targets_json(said->targets, said->target_count));
    return whole;
}

#define TEXT(view) (int)(view).size, (view).at

static void say_amount(FILE *to, const contract_amount *amount)
{
    char euros[CONTRACT_READER_EUROS];
    contract_reader_euros(amount->cents, euros);
    fputs(amount->known ? euros : "inconnu", to);
    if (amount->note.size > 0)
        fprintf(to, " (%.*s)", TEXT(amount->note));
}

static void say_head(FILE *to, const store_contract *one)
{
    char first[CIVIL_DAY_TEXT], last[CIVIL_DAY_TEXT];
    civil_day_text(one->first_day, first);
    civil_day_text(one->last_day, last);
    fprintf(to, "%.*s : %.*s\n", TEXT(one->id), TEXT(one->title));
    fprintf(to, "  du %s au %s compris ; département %.*s, région %.*s, périmètre de liaison %.*s\n", first, last, TEXT(one->department),
            TEXT(one->region), TEXT(one->scope));
    fprintf(to, "  version %u, enregistrée le %s\n", one->version, one->registered);
}

static void say_actors(FILE *to, const char *label, const contract_actor *actors, unsigned count)
{
    if (count > 0)
        fprintf(to, "    %s : ", label);
    for (unsigned i = 0; i < count; i++) {
        fprintf(to, "%s%.*s", i ? " ; " : "", TEXT(actors[i].name));
        if (actors[i].undetermined)
            fputs(" (à déterminer)", to);
        else if (actors[i].agent.size > 0)
            fprintf(to, " (agent %.*s)", TEXT(actors[i].agent));
    }
    if (count > 0)
        fputc('\n', to);
}

static void say_targets(FILE *to, const char *indent, const contract_target *targets, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        fprintf(to, "%sObjectif %.*s : %" PRId64 "\n", indent, TEXT(targets[i].indicator), targets[i].value);
}

static void say_action(FILE *to, const contract_action *action)
{
    fprintf(to, "\n  %.*s : %.*s\n", TEXT(action->code), TEXT(action->title));
    say_actors(to, "Opérateurs", action->operators, action->operator_count);
    say_actors(to, "Partenaires", action->partners, action->partner_count);
    say_targets(to, "    ", action->targets, action->target_count);
    fputs("    Coût prévu : ", to);
    say_amount(to, &action->cost);
    fputc('\n', to);
    for (unsigned i = 0; i < action->line_count; i++) {
        fprintf(to, "      %.*s : ", TEXT(action->lines[i].label));
        say_amount(to, &action->lines[i].amount);
        fputc('\n', to);
    }
    fputs("    Indicateurs retenus :", to);
    for (unsigned i = 0; i < action->selected_count; i++)
        fprintf(to, " %.*s", TEXT(action->selected[i]));
    fputc('\n', to);
    if (action->refugies_info.size > 0)
        fprintf(to, "    Fiche : %.*s\n", TEXT(action->refugies_info));
}

static void say_contract(FILE *to, const store_contract *one, const contract *said)
{
    say_head(to, one);
    say_targets(to, "  ", said->targets, said->target_count);
    fputs("\n  Financements\n", to);
    for (unsigned i = 0; i < said->money_count; i++) {
        fprintf(to, "    %.*s : ", TEXT(said->money[i].source));
        say_amount(to, &said->money[i].amount);
        fputc('\n', to);
    }
    for (unsigned i = 0; i < said->action_count; i++)
        say_action(to, &said->actions[i]);
    if (said->own.count > 0)
        fputs("\n  Indicateurs propres au contrat\n", to);
    for (unsigned i = 0; i < said->own.count; i++)
        fprintf(to, "    %.*s : %.*s\n", TEXT(said->own.items[i].code), TEXT(said->own.items[i].label));
    fputs("\n  Pilotage :", to);
    for (unsigned i = 0; i < said->reader_count; i++)
        fprintf(to, "%s %.*s", i ? " ;" : "", TEXT(said->readers[i]));
    fputc('\n', to);
}

static int print_json(cli_call *call, json_t *what)
{
    if (!what)
        return cli_fail(call, CLI_FAULT, "la mémoire manque");
    json_dumpf(what, cli_output(call), 0);
    fputc('\n', cli_output(call));
    json_decref(what);
    return CLI_DONE;
}

static int list(cli_call *call, hub_base *base, arena *memory)
{
    store_contract *contracts = NULL;
    unsigned count = 0;
    database_error error = store_contracts(base->store, memory, &contracts, &count);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    if (call->json) {
        json_t *all = json_array();
        for (unsigned i = 0; i < count; i++)
            json_array_append_new(all, head_json(&contracts[i]));
        return print_json(call, json_pack("{s:o}", "contrats", all));
    }
    if (count == 0)
        fputs("Aucun contrat n’est enregistré : « ctai-hub contract add » en enregistre un.\n", cli_output(call));
    for (unsigned i = 0; i < count; i++) {
        say_head(cli_output(call), &contracts[i]);
        fputs("  actions :", cli_output(call));
        for (unsigned k = 0; k < contracts[i].action_count; k++)
            fprintf(cli_output(call), " %.*s", TEXT(contracts[i].actions[k].code));
        fputc('\n', cli_output(call));
    }
    return CLI_DONE;
}

/* Says that there is no such contract, with the nearest that there is. */
static int unknown_contract(cli_call *call, hub_base *base, arena *memory, const char *id)
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
        return cli_fail(call, CLI_BAD_INPUT, "aucun contrat « %s » n’est enregistré ; vouliez-vous dire « %s » ?", id, near);
    return cli_fail(call, CLI_BAD_INPUT, "aucun contrat « %s » n’est enregistré : « ctai-hub contract list » les montre", id);
}

static int show(cli_call *call, hub_base *base, arena *memory)
{
    store_contract one;
    contract said;
    diag_sink silent = { 0 }; /* its doubts were told when it was registered */
    const char *id = cli_value(call, "contrat");
    database_error error = store_contract_find(base->store, id, memory, &one);
    if (error == DATABASE_NOT_FOUND)
        return unknown_contract(call, base, memory, id);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    if (!hub_definition_read(&said, memory, id, one.definition, &silent))
        return cli_fail(call, CLI_FAULT, "le texte enregistré du contrat « %s » ne peut plus être lu", id);
    if (call->json)
        return print_json(call, contract_json(&one, &said));
    say_contract(cli_output(call), &one, &said);
    return CLI_DONE;
}

static int with_store(cli_call *call, int (*run)(cli_call *call, hub_base *base, arena *memory))
{
    hub_base base;
    int code = hub_base_open(&base, call);
    if (code != CLI_DONE)
        return code;
    arena *memory = arena_new(MEMORY_BYTES);
    code = memory ? run(call, &base, memory) : cli_fail(call, CLI_FAULT, "la mémoire manque");
    arena_destroy(&memory);
    hub_base_close(&base);
    return code;
}

int hub_contract_list_run(cli_call *call)
{
    return with_store(call, list);
}

int hub_contract_show_run(cli_call *call)
{
    return with_store(call, show);
}
