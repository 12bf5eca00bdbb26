/* agent_key: `ctai-agent key create` and `key list`: the linkage keys that this home holds. */
#include <jansson.h>
#include <string.h>

#include "agent_commands.h"
#include "agent_key.h"
#include "agent_linkage.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

const cli_option agent_scope_options[] = {
    {"scope", 0, CLI_VALUE, true, "PÉRIMÈTRE", "le périmètre de la clé, d’ordinaire le département : 63"},
    {.name = NULL},
};

/* 1 to BATCH_SCOPE_MAX of [A-Za-z0-9._-]. */
static bool scope_valid(const char *scope)
{
    size_t size = strlen(scope);
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return size >= 1 && size <= BATCH_SCOPE_MAX && strspn(scope, allowed) == size;
}

/* Is it the scope of a contract that we serve? */
static int scope_known(cli_call *call, const char *scope, arena *memory)
{
    wire_contract *contracts;
    unsigned count;
    outbox_error error = outbox_contracts(agent_call_of(call)->box, memory, &contracts, &count);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    if (count == 0) {
        cli_say(
            call,
            "attention : la préfecture n’a pas encore été rejointe ; le périmètre « %s » n’a pas pu être vérifié",
            scope);
        return CLI_DONE;
    }
    text_view scopes[WIRE_CONTRACTS_MAX];
    size_t different = 0;
    for (unsigned i = 0; i < count; i++) {
        if (text_is(contracts[i].scope, scope))
            return CLI_DONE;
        bool seen = false;
        for (size_t k = 0; k < different; k++)
            seen = seen || text_equal(scopes[k], contracts[i].scope);
        if (!seen)
            scopes[different++] = contracts[i].scope;
    }
    char list[512];
    agent_call_join(list, sizeof list, scopes, different);
    return cli_fail(call, CLI_CONFIGURATION, "aucun de vos contrats n’est du périmètre « %s » ; les vôtres : %s",
                    scope, list);
}

int agent_key_scope(cli_call *call)
{
    const char *scope = cli_value(call, "scope");
    if (scope_valid(scope))
        return CLI_DONE;
    return cli_fail(call, CLI_USAGE,
                    "« %s » n’est pas un périmètre : %d caractères au plus, lettres, chiffres, points et tirets",
                    scope, BATCH_SCOPE_MAX);
}

void agent_key_name(char name[CRYPTO_FINGERPRINT_TEXT], const token_key *key)
{
    uint8_t id[TOKEN_KEY_ID];
    token_key_id(id, key);
    crypto_fingerprint(name, id, sizeof id);
}

static void tell(cli_call *call, const char *scope, const token_key *key)
{
    char name[CRYPTO_FINGERPRINT_TEXT];
    agent_key_name(name, key);
    if (call->json) {
        json_t *summary = json_pack("{s:s, s:I, s:s}", "perimetre", scope, "epoque", (json_int_t)key->epoch,
                                    "identifiant", name);
        (void)json_dumpf(summary, call->out, 0);
        (void)fputc('\n', call->out);
        json_decref(summary);
        return;
    }
    (void)fprintf(call->out,
                  "Clé de liaison du périmètre %s créée (époque %lu), identifiant %s.\n"
                  "Remettez-la à chaque opérateur du périmètre : ctai-agent key grant --scope %s FICHIER.demande\n"
                  "Sauvegardez le dossier %s : sans cette clé, personne ne peut plus relier les nouveaux envois "
                  "aux anciens.\n",
                  scope, (unsigned long)key->epoch, name, scope, call->home);
}

int agent_key_create_run(cli_call *call)
{
    agent_call *self = agent_call_of(call);
    const char *scope = cli_value(call, "scope");
    const token_key *held;
    int code = agent_key_scope(call);
    if (code != CLI_DONE)
        return code;
    arena *memory = arena_new(MEMORY_BYTES);
    agent_linkage keys;
    code = memory == NULL ? agent_call_no_memory(call) : scope_known(call, scope, memory);
    if (code == CLI_DONE && (code = agent_linkage_load(&keys, call, scope, memory)) == CLI_DONE
        && keys.held_count == 0 && keys.told.count > 0)
        code = agent_linkage_refuse(call, &keys);
    arena_destroy(&memory);
    if (code != CLI_DONE)
        return code;
    if (agent_home_keys(self->agent, text_of(scope), &held) > 0)
        return cli_fail(
            call, CLI_CONFIGURATION,
            "une clé du périmètre « %s » est déjà là (« ctai-agent key list » la montre) ; rien n’a été changé",
            scope);
    token_key made = {.epoch = 1};
    agent_home_result result;
    crypto_random(made.key, sizeof made.key);
    agent_home_error error = agent_home_add_linkage(self->agent, scope, &made, false, &result);
    if (error == AGENT_HOME_OK)
        tell(call, scope, &made);
    crypto_wipe(&made, sizeof made);
    return error == AGENT_HOME_OK ? CLI_DONE : agent_call_home_failed(call, &result);
}

static int list(cli_call *call, arena *memory)
{
    agent_linkage scopes[AGENT_HOME_LINKAGE_MAX];
    agent_call *own = agent_call_of(call);
    wire_contract *contracts;
    unsigned count;
    outbox_error error = outbox_contracts(own->box, memory, &contracts, &count);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    unsigned scope_count = agent_linkage_all(scopes, own->agent, contracts, count);
    json_t *held = json_array(), *missing = json_array();
    for (unsigned i = 0; i < scope_count; i++) {
        char text[AGENT_LINKAGE_TEXT];
        agent_linkage_json(&scopes[i], held, missing);
        if (!call->json)
            agent_linkage_tell(&scopes[i], call->out, "Périmètre");
        if (agent_linkage_sentence(&scopes[i], text))
            cli_say(call, "attention : %s", text);
    }
    if (call->json) {
        json_t *summary = json_pack("{s:O, s:O}", "cles", held, "manquantes", missing);
        (void)json_dumpf(summary, call->out, 0);
        (void)fputc('\n', call->out);
        json_decref(summary);
    } else if (json_array_size(held) == 0) {
        (void)fprintf(call->out,
                      "Aucune clé de liaison. Le coordonnateur la crée (« key create ») ou vous la remet (« key "
                      "accept FICHIER.cle »).\n");
    }
    json_decref(held);
    json_decref(missing);
    return CLI_DONE;
}

int agent_key_list_run(cli_call *call)
{
    arena *memory = arena_new(MEMORY_BYTES);
    int code = memory == NULL ? agent_call_no_memory(call) : list(call, memory);
    arena_destroy(&memory);
    return code;
}
