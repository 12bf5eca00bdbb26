/* hub_contract_show: `ctai-hub contract show`: what is registered, for people and as JSON. */
#include <inttypes.h>
#include <jansson.h>

#include "contract_reader.h"
#include "hub_amend.h"
#include "hub_commands.h"
#include "hub_contract_show.h"
#include "hub_definition.h"
#include "hub_timeliness.h"

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
    if (!amount->known)
        return json_null();
    return json_sprintf("%" PRId64 ".%02d", amount->cents / 100, (int)(amount->cents % 100));
}

static json_t *day_json(civil_day day)
{
    char text[CIVIL_DAY_TEXT];
    civil_day_text(day, text);
    return json_string(text);
}

static void set_text(json_t *object, const char *key, text_view text)
{
    json_object_set_new(object, key, text_json(text));
}

/* A text, or null when it is empty. */
static void set_text_or_null(json_t *object, const char *key, text_view text)
{
    json_object_set_new(object, key, text.size > 0 ? text_json(text) : json_null());
}

json_t *hub_contract_show_head(const store_contract *one)
{
    json_t *head = json_object(), *actions = json_array();
    for (unsigned i = 0; i < one->action_count; i++) {
        json_t *action = json_object();
        set_text(action, "code", one->actions[i].code);
        set_text(action, "titre", one->actions[i].title);
        json_array_append_new(actions, action);
    }
    set_text(head, "id", one->id);
    set_text(head, "titre", one->title);
    set_text(head, "departement", one->department);
    set_text(head, "region", one->region);
    set_text(head, "perimetre", one->scope);
    json_object_set_new(head, "premier_jour", day_json(one->first_day));
    json_object_set_new(head, "dernier_jour", day_json(one->last_day));
    json_object_set_new(head, "version", json_integer(one->version));
    json_object_set_new(head, "avenant", one->amendment > 0 ? json_integer(one->amendment) : json_null());
    json_object_set_new(head, "applicable_le", day_json(one->effective_day));
    json_object_set_new(head, "enregistre_le", json_string(one->registered));
    json_object_set_new(head, "position", json_integer((json_int_t)one->position));
    json_object_set_new(head, "actions", actions);
    return head;
}

static json_t *targets_json(const contract_target *targets, unsigned count)
{
    json_t *all = json_object();
    for (unsigned i = 0; i < count; i++) /* the codes are constants, which end in a NUL */
        json_object_set_new(all, targets[i].indicator.at, json_integer((json_int_t)targets[i].value));
    return all;
}

static json_t *actors_json(const contract_actor *actors, unsigned count)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < count; i++) {
        json_t *actor = json_object();
        set_text(actor, "nom", actors[i].name);
        set_text_or_null(actor, "agent", actors[i].agent);
        json_object_set_new(actor, "a_determiner", json_boolean(actors[i].undetermined));
        json_array_append_new(all, actor);
    }
    return all;
}

static json_t *line_json(const char *label_key, text_view label, const contract_amount *amount)
{
    json_t *line = json_object();
    set_text(line, label_key, label);
    json_object_set_new(line, "montant", amount_json(amount));
    return line;
}

static json_t *action_json(const contract_action *from)
{
    json_t *action = json_object(), *lines = json_array();
    for (unsigned i = 0; i < from->line_count; i++)
        json_array_append_new(lines, line_json("libelle", from->lines[i].label, &from->lines[i].amount));
    set_text(action, "code", from->code);
    set_text(action, "titre", from->title);
    json_object_set_new(action, "operateurs", actors_json(from->operators, from->operator_count));
    json_object_set_new(action, "partenaires", actors_json(from->partners, from->partner_count));
    json_object_set_new(action, "objectifs", targets_json(from->targets, from->target_count));
    json_object_set_new(action, "cout", amount_json(&from->cost));
    json_object_set_new(action, "lignes", lines);
    json_object_set_new(action, "indicateurs", texts_json(from->selected, from->selected_count));
    set_text_or_null(action, "refugies_info", from->refugies_info);
    return action;
}

static json_t *indicators_json(const catalogue *own)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < own->count; i++) {
        json_t *indicator = json_object();
        set_text(indicator, "code", own->items[i].code);
        set_text(indicator, "libelle", own->items[i].label);
        set_text(indicator, "unite", own->items[i].unit);
        json_object_set_new(indicator, "compte", json_string(catalogue_kind_name(own->items[i].kind)));
        set_text_or_null(indicator, "variante_de", own->items[i].variant_of);
        json_array_append_new(all, indicator);
    }
    return all;
}

static json_t *parties_json(const contract *said)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < said->party_count; i++) {
        json_t *party = json_object();
        set_text(party, "code", said->parties[i].code);
        set_text(party, "nom", said->parties[i].name);
        set_text_or_null(party, "agent", said->parties[i].agent);
        json_array_append_new(all, party);
    }
    return all;
}

/* All that the registered text says, over what the database holds. */
static json_t *contract_json(const store_contract *one, const contract *said)
{
    json_t *whole = hub_contract_show_head(one), *actions = json_array(), *money = json_array();
    for (unsigned i = 0; i < said->action_count; i++)
        json_array_append_new(actions, action_json(&said->actions[i]));
    for (unsigned i = 0; i < said->money_count; i++)
        json_array_append_new(money, line_json("source", said->money[i].source, &said->money[i].amount));
    json_object_set_new(whole, "parties", parties_json(said));
    json_object_set_new(whole, "pilotage", texts_json(said->readers, said->reader_count));
    json_object_set_new(whole, "financements", money);
    json_object_set_new(whole, "actions", actions);
    json_object_set_new(whole, "indicateurs", indicators_json(&said->own));
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
    fprintf(to, "  du %s au %s compris ; département %.*s, région %.*s, périmètre de liaison %.*s\n", first, last,
            TEXT(one->department), TEXT(one->region), TEXT(one->scope));
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

/* The contract's history: the initial one and its amendments. */
static void say_versions(FILE *to, const store_contract *versions, unsigned count)
{
    char day[CIVIL_DAY_TEXT];
    for (unsigned i = 0; count > 1 && i < count; i++) {
        civil_day_text(versions[i].effective_day, day);
        if (versions[i].amendment == 0)
            fprintf(to, "  contrat initial, enregistré le %.10s\n", versions[i].registered);
        else
            fprintf(to, "  avenant n° %u, applicable au %s, enregistré le %.10s\n", versions[i].amendment, day, versions[i].registered);
    }
}

static void say_contract(FILE *to, const store_contract *one, const contract *said, const store_contract *versions, unsigned count)
{
    say_head(to, one);
    say_versions(to, versions, count);
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

static json_t *versions_json(const store_contract *versions, unsigned count)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(all, json_pack("{si, so, so, ss, sI}", "version", (int)versions[i].version, "avenant",
                                             versions[i].amendment > 0 ? json_integer(versions[i].amendment) : json_null(),
                                             "applicable_le", day_json(versions[i].effective_day), "enregistre_le",
                                             versions[i].registered, "position", (json_int_t)versions[i].position));
    return all;
}

static int say_all(cli_call *call, hub_base *base, arena *memory, const store_contract *one, const contract *said)
{
    store_contract *versions = NULL;
    unsigned count = 0;
    store_timeliness sent;
    timeliness reached;
    const char *id = cli_value(call, "contrat");
    database_error error = store_contract_versions(base->store, id, memory, &versions, &count);
    if (error == DATABASE_OK)
        error = store_timeliness_read(base->store, id, NULL, true, memory, &sent);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    const store_timeliness_contract *mine = &sent.contracts[0];
    if (sent.contract_count != 1 || !timeliness_of(&reached, memory, said, &mine->known, sent.today))
        return hub_base_no_memory(call);
    if (call->json) {
        json_t *whole = contract_json(one, said);
        json_object_set_new(whole, "versions", versions_json(versions, count));
        hub_timeliness_json(whole, &reached);
        return hub_base_json(call, whole);
    }
    FILE *to = cli_output(call);
    say_contract(to, one, said, versions, count);
    hub_timeliness_print(to, &reached);
    return CLI_DONE;
}

static int show(cli_call *call, hub_base *base, arena *memory)
{
    store_contract one;
    contract said;
    diag_sink silent = { 0 }; /* its doubts were told when it was registered */
    const char *id = cli_value(call, "contrat");
    database_error error = store_contract_find(base->store, id, memory, &one);
    if (error == DATABASE_NOT_FOUND)
        return hub_amend_unknown(call, base, memory, id);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    if (!hub_definition_read(&said, memory, id, one.definition, &silent))
        return cli_fail(call, CLI_FAULT, "le texte enregistré du contrat « %s » ne peut plus être lu", id);
    return say_all(call, base, memory, &one, &said);
}

int hub_contract_show_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, show);
}
