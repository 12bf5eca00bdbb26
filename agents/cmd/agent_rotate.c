/*
 * agent_rotate: `ctai-agent key rotate`: the coordinator makes the next epoch of a scope's linkage key; with --close,
 * once all operators have sent their records under both, ends the one before.
 */
#include <jansson.h>
#include <string.h>

#include "agent_commands.h"
#include "agent_key.h"
#include "agent_linkage.h"
#include "agent_wait.h"
#include "closing.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

const cli_option agent_rotate_options[] = {
    {"scope", 0, CLI_VALUE, true, "PÉRIMÈTRE", "le périmètre de la clé : 63"},
    {"close", 0, CLI_FLAG, false, NULL, "clôt l’ancienne époque, quand tous les opérateurs ont suivi"},
    {"wait", 0, CLI_VALUE, false, "SECONDES", "combien de temps attendre la réponse du hub (30)"},
    {.name = NULL},
};

typedef struct {
    agent_wait wait; /* first */
    batch_key closes; /* with --close: the epoch that is to end */
    unsigned long failures; /* of the loop's outbox, before */
} rotation;

static int cannot(cli_call *call, const agent_linkage *keys)
{
    if (keys->choice.trouble == LINKAGE_NO_KEY && keys->told.count == 0)
        return cli_fail(call, CLI_CONFIGURATION,
                        "aucune clé du périmètre « %s » ici : c’est au coordonnateur, qui la tient, de la renouveler",
                        keys->scope);
    return agent_linkage_refuse(call, keys);
}

static void tell_made(cli_call *call, const char *scope, const token_key *before, const token_key *made)
{
    char name[CRYPTO_FINGERPRINT_TEXT];
    agent_key_name(name, made);
    if (call->json) {
        json_t *summary = json_pack("{s:s, s:I, s:s, s:I}", "perimetre", scope, "epoque", (json_int_t)made->epoch,
                                    "identifiant", name, "epoque_precedente", (json_int_t)before->epoch);
        (void)json_dumpf(summary, call->out, 0);
        (void)fputc('\n', call->out);
        json_decref(summary);
        return;
    }
    (void)fprintf(call->out,
                  "Nouvelle clé de liaison du périmètre %s créée (époque %lu), identifiant %s. L’époque %lu reste en "
                  "usage.\n"
                  "1. Remettez-la à chaque opérateur : ctai-agent key grant --scope %s FICHIER.demande\n"
                  "2. Chacun la prend (key accept) et envoie l’export entier de chacun de ses contrats (push) ; vous "
                  "aussi.\n"
                  "3. Quand tous l’ont fait : ctai-agent key rotate --scope %s --close\n"
                  "Sauvegardez le dossier %s.\n",
                  scope, (unsigned long)made->epoch, name, (unsigned long)before->epoch, scope, scope, call->home);
}

/* Makes and keeps the next key. */
static int add_epoch(rotation *self, const agent_linkage *keys)
{
    cli_call *call = self->wait.call;
    const token_key before = {.epoch = keys->choice.keys[keys->choice.key_count - 1].epoch};
    if (keys->choice.key_count > 1)
        return cli_fail(call, CLI_CONFIGURATION,
                        "la rotation précédente n’est pas finie : les époques %lu et %lu sont en usage ; rien n’a été "
                        "changé. Quand tous les opérateurs ont suivi : ctai-agent key rotate --scope %s --close",
                        (unsigned long)keys->choice.keys[0].epoch, (unsigned long)before.epoch, keys->scope);
    if (before.epoch == UINT32_MAX)
        return cli_fail(call, CLI_CONFIGURATION, "il n’y a plus d’époque après celle-ci");
    token_key made = {.epoch = before.epoch + 1};
    agent_home_result result;
    crypto_random(made.key, sizeof made.key);
    agent_home_error error = agent_home_add_linkage(agent_call_of(call)->agent, keys->scope, &made, false, &result);
    if (error == AGENT_HOME_OK)
        tell_made(call, keys->scope, &before, &made);
    crypto_wipe(&made, sizeof made);
    if (error != AGENT_HOME_OK)
        return agent_call_home_failed(call, &result);
    if (runtime_told(self->wait.loop) == 0)
        cli_say(call, "le hub n’a pas pu être consulté : si une autre clé y est déjà en usage, « key list » le dira "
                      "après le prochain envoi");
    return CLI_DONE;
}

/* Queues the closing of the older epoch. */
static int queue_closing(rotation *self, const agent_linkage *keys)
{
    cli_call *call = self->wait.call;
    agent_call *own = agent_call_of(call);
    outbox_error ignored;
    if (keys->told.count < 2 && keys->choice.key_count > 1)
        return cli_fail(call, CLI_CONFIGURATION,
                        "le hub ne connaît pas encore l’époque %lu : envoyez d’abord vos exports (push), puis les "
                        "autres opérateurs les leurs",
                        (unsigned long)keys->choice.keys[1].epoch);
    if (keys->told.count < 2)
        return cli_fail(call, CLI_CONFIGURATION,
                        "aucune rotation n’est en cours dans le périmètre « %s » : une seule époque y est en usage",
                        keys->scope);
    self->closes = keys->told.open[0];
    self->failures = runtime_failures(self->wait.loop, &ignored);
    outbox_error error = closing_queue(own->box, own->agent, text_of(keys->scope), &self->closes);
    if (error == OUTBOX_OK)
        error = runtime_queued(self->wait.loop);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    runtime_start(self->wait.loop);
    return CLI_DONE;
}

static bool over(const agent_wait *wait, uint64_t now_ms)
{
    const rotation *self = (const rotation *)wait;
    outbox_error ignored;
    return self->closes.epoch == 0 || agent_wait_settled(runtime_session(wait->loop)) || now_ms >= wait->deadline_ms
        || runtime_failures(wait->loop, &ignored) != self->failures;
}

static int tell_closed(cli_call *call, const char *scope, uint32_t epoch)
{
    if (call->json) {
        json_t *summary = json_pack("{s:s, s:I}", "perimetre", scope, "epoque_close", (json_int_t)epoch);
        (void)json_dumpf(summary, call->out, 0);
        (void)fputc('\n', call->out);
        json_decref(summary);
    } else {
        (void)fprintf(call->out,
                      "Époque %lu du périmètre %s close : le hub relie désormais par l’époque %lu. Au prochain envoi "
                      "de chacun, les jetons de l’ancienne disparaissent du hub.\n",
                      (unsigned long)epoch, scope, (unsigned long)epoch + 1);
    }
    return CLI_DONE;
}

static int refused(cli_call *call, const char *scope, const closing_state *closing)
{
    if (closing->reason == RECORD_EPOCH_IN_USE)
        return cli_fail(call, CLI_LATER,
                        "l’époque %lu reste ouverte : des opérateurs n’ont pas encore renvoyé tous leurs "
                        "enregistrements sous la nouvelle clé. Demandez à la préfecture lesquels (« ctai-hub status »), "
                        "faites-leur prendre la clé (key accept) et envoyer l’export entier de chacun de leurs contrats, "
                        "puis recommencez",
                        (unsigned long)closing->epoch);
    return cli_fail(call, CLI_NOT_ALLOWED, "le hub a refusé de clore l’époque %lu du périmètre « %s » : %s",
                    (unsigned long)closing->epoch, scope, record_reason_text(closing->reason));
}

/* What the hub has answered to the closing. */
static int end_closing(rotation *self, arena *memory)
{
    cli_call *call = self->wait.call;
    agent_call *own = agent_call_of(call);
    const char *scope = cli_value(call, "scope");
    closing_state closing;
    agent_linkage keys;
    wire_contract *contracts;
    unsigned count;
    outbox_error failure, error = closing_load(own->box, text_of(scope), &closing);
    if (error == OUTBOX_OK)
        error = outbox_contracts(own->box, memory, &contracts, &count);
    if (error == OUTBOX_OK && runtime_failures(self->wait.loop, &failure) != self->failures)
        error = failure;
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    agent_linkage_find(&keys, own->agent, text_of(scope), contracts, count);
    /* One that was queued before, and taken while this one was on its way, has closed the epoch as well. */
    bool gone = keys.told.count > 0 && keys.told.open[0].epoch > self->closes.epoch;
    if (!gone && closing.waits)
        return agent_wait_trouble(call, self->wait.loop);
    if (!gone && closing.reason != RECORD_OK)
        return refused(call, scope, &closing);
    error = closing_done(own->box, text_of(scope), self->closes.epoch, contracts, count);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    return tell_closed(call, scope, self->closes.epoch);
}

static int end(agent_wait *wait)
{
    rotation *self = (rotation *)wait;
    if (self->closes.epoch == 0)
        return CLI_DONE;
    arena *memory = arena_new(MEMORY_BYTES);
    int code = memory == NULL ? agent_call_no_memory(wait->call) : end_closing(self, memory);
    arena_destroy(&memory);
    return code;
}

static int make(agent_wait *wait)
{
    rotation *self = (rotation *)wait;
    cli_call *call = wait->call;
    agent_linkage keys;
    wait->over = over;
    wait->end = end;
    arena *memory = arena_new(MEMORY_BYTES);
    int code = memory == NULL ? agent_call_no_memory(call)
                              : agent_linkage_load(&keys, call, cli_value(call, "scope"), memory);
    if (code == CLI_DONE && keys.choice.trouble != LINKAGE_FINE)
        code = cannot(call, &keys);
    else if (code == CLI_DONE)
        code = cli_given(call, "close") ? queue_closing(self, &keys) : add_epoch(self, &keys);
    arena_destroy(&memory);
    return code;
}

int agent_key_rotate_run(cli_call *call)
{
    uint64_t seconds;
    int code = agent_key_scope(call);
    if (code != CLI_DONE)
        return code;
    if (!agent_wait_read(call, &seconds))
        return cli_fail(call, CLI_USAGE, "--wait demande un nombre de secondes, de 0 à %d", AGENT_WAIT_S_MAX);
    return agent_wait_run(call, seconds, sizeof(rotation), make);
}
