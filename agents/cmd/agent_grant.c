/*
 * agent_grant: `ctai-agent key grant` and `key accept`: a linkage key goes from one operator to
 * another in a sealed file. Whom it is for, or from, is settled by a fingerprint that two people
 * have compared; it is never taken for granted.
 */
#include <string.h>
#include <unistd.h>

#include "agent_commands.h"
#include "agent_key.h"
#include "agent_linkage.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

const cli_option agent_grant_options[] = {
    {"scope", 0, CLI_VALUE, true, "PÉRIMÈTRE", "le périmètre de la clé : 63"},
    {"to", 0, CLI_VALUE, false, "EMPREINTE",
     "l’empreinte que l’autre opérateur vous a lue ; sans elle, la question est posée"},
    {"output", 'o', CLI_OUTPUT, false, "FICHIER", "le fichier à écrire ; sinon NOM.cle dans le dossier courant"},
    {.name = NULL},
};
const cli_option agent_accept_options[] = {
    {"from", 0, CLI_VALUE, false, "EMPREINTE",
     "l’empreinte que le coordonnateur vous a lue ; sans elle, la question est posée"},
    {.name = NULL},
};

static int bad_file(cli_call *call, const char *operand, credential_error error)
{
    int code = error == CREDENTIAL_NO_MEMORY ? CLI_FAULT
        : error == CREDENTIAL_NOT_FOR_US     ? CLI_NOT_ALLOWED
                                             : CLI_BAD_INPUT;
    return cli_fail(call, code, "%s : %s", cli_value(call, operand), credential_error_text(error));
}

/* Does the fingerprint that was given agree with the file's? 0 or an exit code. */
static int compare(cli_call *call, const char *given, const credential_identity *found)
{
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    credential_fingerprint(fingerprint, found);
    if (crypto_fingerprint_equal(given, fingerprint))
        return CLI_DONE;
    return cli_fail(call, CLI_PROTOCOL,
                    "l’empreinte donnée n’est pas celle de ce fichier (« %s ») ; rien n’a été écrit. "
                    "Rappelez votre interlocuteur à un numéro que vous connaissez",
                    found->name);
}

/* "l’époque 2", "les époques 2 et 3". */
static const char *epochs_text(char text[64], uint32_t first, uint32_t last)
{
    if (first == last)
        (void)snprintf(text, 64, "époque %lu", (unsigned long)first);
    else
        (void)snprintf(text, 64, "époques %lu et %lu", (unsigned long)first, (unsigned long)last);
    return text;
}

static int write_grants(cli_call *call, const credential_grant *grants, unsigned count)
{
    agent_call *self = agent_call_of(call);
    char name[CREDENTIAL_NAME_MAX + 8], epochs[64];
    batch_buffer file;
    batch_buffer_init(&file, CREDENTIAL_FILE_MAX);
    for (unsigned i = 0; i < count; i++)
        credential_write_grant(&file, &grants[i], &self->agent->secrets->sign);
    if (file.failed) {
        batch_buffer_release(&file);
        return agent_call_no_memory(call);
    }
    (void)snprintf(name, sizeof name, "%s.cle", grants->recipient.name);
    if (call->data != NULL)
        (void)fwrite(file.data, 1, file.size, call->data);
    else
        agent_call_deposit(self, name, &file);
    batch_buffer_release(&file);
    const char *where = call->data != NULL ? cli_value(call, "output") : name;
    (void)fprintf(call->out,
                  "Clé du périmètre %s (%s) scellée pour « %s » : %s\nElle ne s’ouvre que chez cet opérateur ; "
                  "envoyez-lui ce fichier "
                  "et lisez-lui votre empreinte au téléphone.\n",
                  grants->scope, epochs_text(epochs, grants[0].epoch, grants[count - 1].epoch),
                  grants->recipient.name, where);
    return CLI_DONE;
}

/* Seals every key of the scope that is in use: one that joins during a rotation needs both. */
static int seal(cli_call *call, const agent_linkage *keys, const credential_identity *recipient)
{
    const agent_home *agent = agent_call_of(call)->agent;
    credential_grant grants[RECORD_TOKEN_SETS];
    for (unsigned i = 0; i < keys->choice.key_count; i++) {
        credential_grant *grant = &grants[i];
        *grant = (credential_grant){.recipient = *recipient, .scheme = TOKEN_SCHEME_BLAKE2B};
        agent_home_identity(agent, &grant->sender);
        (void)text_copy(grant->scope, sizeof grant->scope, text_of(keys->scope));
        if (!credential_seal_key(grant, &keys->choice.keys[i], agent->secrets->box.secret_key))
            return cli_fail(call, CLI_BAD_INPUT,
                            "la clé publique de cette demande ne vaut rien ; redemandez le fichier de demande");
    }
    return write_grants(call, grants, keys->choice.key_count);
}

static int give(cli_call *call, arena *memory)
{
    const char *scope = cli_value(call, "scope");
    credential_identity recipient;
    agent_linkage keys;
    text_view file;
    char text[AGENT_LINKAGE_TEXT];
    int code = agent_key_scope(call);
    if (code == CLI_DONE)
        code = agent_call_read(call, "demande", memory, &file);
    if (code != CLI_DONE)
        return code;
    credential_error error = credential_read_request(&recipient, memory, file);
    if (error != CREDENTIAL_OK)
        return bad_file(call, "demande", error);
    if ((code = compare(call, cli_value(call, "to"), &recipient)) != CLI_DONE
        || (code = agent_linkage_load(&keys, call, scope, memory)) != CLI_DONE)
        return code;
    if (keys.choice.trouble == LINKAGE_NO_KEY && keys.told.count == 0)
        return cli_fail(
            call, CLI_CONFIGURATION,
            "aucune clé du périmètre « %s » ici ; le coordonnateur la crée avec « key create --scope %s »", scope,
            scope);
    if (linkage_blocks(keys.choice.trouble))
        return agent_linkage_refuse(call, &keys);
    if (agent_linkage_sentence(&keys, text))
        cli_say(call, "attention : %s", text);
    return seal(call, &keys, &recipient);
}

int agent_key_grant_run(cli_call *call)
{
    arena *memory = arena_new(MEMORY_BYTES);
    int code = memory == NULL ? agent_call_no_memory(call) : give(call, memory);
    arena_destroy(&memory);
    return code;
}

/* Opens the box of one grant into key, which the caller wipes; 0 or an exit code. */
static int open_box(cli_call *call, const credential_grant *grant, token_key *key)
{
    agent_home *agent = agent_call_of(call)->agent;
    if (grant->scheme != TOKEN_SCHEME_BLAKE2B)
        return cli_fail(call, CLI_BAD_INPUT,
                        "cette clé est d’un procédé que cette version ne connaît pas ; mettez ctai-agent à jour");
    if (!credential_open_key(key, grant, agent->secrets->box.secret_key))
        return cli_fail(
            call, CLI_PROTOCOL,
            "la clé ne s’ouvre pas : elle n’a pas été scellée pour vous par « %s » ; rien n’a été écrit",
            grant->sender.name);
    return CLI_DONE;
}

/* May the key be kept, by what is held and what the hub has told? 0 or an exit code; *replace: in the place of a wrong one. */
static int judge(cli_call *call, const agent_linkage *before, const token_key *key, bool *replace)
{
    char name[CRYPTO_FINGERPRINT_TEXT];
    linkage_state state = linkage_state_of(key, &before->told);
    agent_key_name(name, key);
    *replace = state == LINKAGE_OPEN;
    if (state == LINKAGE_OTHER)
        return cli_fail(call, CLI_PROTOCOL,
                        "la clé de ce fichier (périmètre %s, époque %lu, identifiant %s) n’est pas celle que le hub "
                        "connaît pour cette époque ; rien n’a été écrit. Comparez les identifiants au téléphone avec "
                        "le coordonnateur (« ctai-agent key list » chez lui)",
                        before->scope, (unsigned long)key->epoch, name);
    for (unsigned i = 0; i < before->held_count && !*replace; i++)
        if (before->held[i].epoch == key->epoch && !crypto_equal(before->held[i].key, key->key, CRYPTO_KEY))
            return cli_fail(call, CLI_CONFIGURATION,
                            "une autre clé du périmètre « %s » est déjà là (époque %lu) ; rien n’a été changé. Voyez "
                            "avec le coordonnateur laquelle est la bonne",
                            before->scope, (unsigned long)key->epoch);
    return CLI_DONE;
}

static int keep(cli_call *call, const agent_linkage *before, const credential_grant *grant, const token_key *key,
                bool replace)
{
    agent_home_result result;
    char name[CRYPTO_FINGERPRINT_TEXT];
    agent_home_error error = agent_home_add_linkage(agent_call_of(call)->agent, grant->scope, key, replace, &result);
    if (error != AGENT_HOME_OK)
        return agent_call_home_failed(call, &result);
    agent_key_name(name, key);
    (void)fprintf(call->out, "Clé de liaison du périmètre %s reçue de « %s » (époque %lu), identifiant %s.\n",
                  before->scope, grant->sender.name, (unsigned long)key->epoch, name);
    return CLI_DONE;
}

/* What waits under another key than this one, which the hub knows, would be refused for ever: it is told anew. */
static int put_right(cli_call *call, const char *scope, const token_key *key)
{
    agent_call *own = agent_call_of(call);
    batch_key right = {.epoch = key->epoch};
    bool found;
    uint64_t batches = 0;
    token_key_id(right.id, key);
    outbox_error error = outbox_misnamed(own->box, text_of(scope), &right, &found);
    if (error == OUTBOX_OK && found && own->serving != NULL)
        return cli_fail(call, CLI_LATER,
                        "des envois préparés avec une autre clé attendent dans le périmètre « %s », et le hub ne les "
                        "prendra pas. Arrêtez le service (serve), recommencez, puis relancez-le ; rien n’a été changé",
                        scope);
    if (error == OUTBOX_OK && found)
        error = outbox_begin(own->box);
    if (error == OUTBOX_OK && found) {
        (void)outbox_rekey(own->box, &own->agent->secrets->sign, text_of(scope), &right, &batches);
        error = outbox_commit(own->box);
    }
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    if (found)
        cli_say(call, "ce qui attendait sous une autre clé ne partira pas : envoyez l’export actuel, entier, de chaque "
                      "contrat (ctai-agent push)");
    return CLI_DONE;
}

/* Keeps all keys of the file, or none. */
static int take(cli_call *call, const credential_grant *grants, unsigned count, token_key keys[RECORD_TOKEN_SETS],
                const agent_linkage *before)
{
    bool replace[RECORD_TOKEN_SETS], past[RECORD_TOKEN_SETS];
    unsigned past_count = 0;
    int code = CLI_DONE;
    for (unsigned i = 0; i < count && code == CLI_DONE; i++)
        code = open_box(call, &grants[i], &keys[i]);
    for (unsigned i = 0; i < count && code == CLI_DONE; i++) {
        past[i] = linkage_state_of(&keys[i], &before->told) == LINKAGE_CLOSED;
        past_count += past[i];
        code = past[i] ? CLI_DONE : judge(call, before, &keys[i], &replace[i]);
    }
    if (code == CLI_DONE && past_count == count)
        return cli_fail(call, CLI_BAD_INPUT,
                        "cette clé est d’une époque close (%lu) : le hub relie le périmètre « %s » par l’époque %lu. "
                        "Demandez au coordonnateur la clé actuelle ; rien n’a été écrit",
                        (unsigned long)keys[count - 1].epoch, before->scope,
                        (unsigned long)before->told.open[0].epoch);
    for (unsigned i = 0; i < count && code == CLI_DONE; i++)
        if (!past[i] && replace[i]) /* the hub knows it */
            code = put_right(call, before->scope, &keys[i]);
    for (unsigned i = 0; i < count && code == CLI_DONE; i++)
        if (past[i])
            cli_say(call, "l’époque %lu est close : sa clé est laissée de côté", (unsigned long)keys[i].epoch);
        else
            code = keep(call, before, &grants[i], &keys[i], replace[i]);
    return code;
}

/* What is still missing, or what to do now. */
static int tell_next(cli_call *call, const char *scope, unsigned held_before, arena *memory)
{
    agent_linkage now;
    char text[AGENT_LINKAGE_TEXT];
    int code = agent_linkage_load(&now, call, scope, memory);
    if (code != CLI_DONE)
        return code;
    if (agent_linkage_sentence(&now, text))
        cli_say(call, "attention : %s", text);
    else if (held_before > 0 && now.held_count > held_before)
        (void)fprintf(call->out,
                      "Envoyez maintenant l’export actuel, entier, de chaque contrat de ce périmètre (ctai-agent push).\n");
    return CLI_DONE;
}

static int receive(cli_call *call, arena *memory)
{
    credential_grant grants[RECORD_TOKEN_SETS];
    const credential_grant *grant = grants;
    credential_identity ours;
    agent_linkage before;
    unsigned count;
    text_view file;
    int code = agent_call_read(call, "cle", memory, &file);
    if (code != CLI_DONE)
        return code;
    credential_error error = credential_read_grants(grants, &count, memory, file);
    if (error != CREDENTIAL_OK)
        return bad_file(call, "cle", error);
    agent_home_identity(agent_call_of(call)->agent, &ours);
    if (strcmp(grant->recipient.name, ours.name) != 0 || !crypto_equal(grant->recipient.box, ours.box, CRYPTO_PUBLIC)
        || !crypto_equal(grant->recipient.sign, ours.sign, CRYPTO_PUBLIC))
        return cli_fail(call, CLI_NOT_ALLOWED,
                        "cette clé a été scellée pour « %s » ; demandez au coordonnateur celle qui est pour « %s »",
                        grant->recipient.name, ours.name);
    if ((code = compare(call, cli_value(call, "from"), &grant->sender)) != CLI_DONE
        || (code = agent_linkage_load(&before, call, grant->scope, memory)) != CLI_DONE)
        return code;
    token_key keys[RECORD_TOKEN_SETS];
    unsigned held_before = before.held_count;
    memset(keys, 0, sizeof keys);
    code = take(call, grants, count, keys, &before);
    crypto_wipe(keys, sizeof keys);
    return code == CLI_DONE ? tell_next(call, grant->scope, held_before, memory) : code;
}

int agent_key_accept_run(cli_call *call)
{
    arena *memory = arena_new(MEMORY_BYTES);
    int code = memory == NULL ? agent_call_no_memory(call) : receive(call, memory);
    arena_destroy(&memory);
    return code;
}

/* Whose fingerprint is the question about? */
static int find_other(cli_call *call, bool granting, arena *memory, credential_identity *other)
{
    const char *operand = granting ? "demande" : "cle";
    credential_grant grants[RECORD_TOKEN_SETS];
    unsigned count;
    text_view file;
    int code = agent_call_read(call, operand, memory, &file);
    if (code != CLI_DONE)
        return code;
    credential_error error = granting ? credential_read_request(other, memory, file)
                                      : credential_read_grants(grants, &count, memory, file);
    if (error != CREDENTIAL_OK)
        return bad_file(call, operand, error);
    if (!granting)
        *other = grants->sender;
    return CLI_DONE;
}

static int ask(cli_call *call, bool granting, const credential_identity *other, const char *fingerprint)
{
    char answer[16];
    if (granting)
        (void)fprintf(call->err, "Remettre la clé du périmètre %s à « %s », empreinte %s ?\n",
                      cli_value(call, "scope"), other->name, fingerprint);
    else
        (void)fprintf(call->err, "Accepter la clé de « %s », empreinte %s ?\n", other->name, fingerprint);
    (void)fprintf(call->err, "Est-ce bien l’empreinte qui vous a été lue au téléphone ? (o/n) ");
    (void)fflush(call->err);
    if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'o' || answer[0] == 'O'))
        return CLI_DONE;
    return cli_fail(call, CLI_PROTOCOL, "rien n’a été écrit");
}

int agent_key_confirm(cli_call *call, char fingerprint[CRYPTO_FINGERPRINT_TEXT])
{
    bool granting = strcmp(call->command->name, "key grant") == 0;
    const char *option = granting ? "to" : "from";
    credential_identity other;
    if (cli_given(call, option) && !crypto_fingerprint_valid(cli_value(call, option)))
        return cli_fail(call, CLI_USAGE,
                        "--%s : une empreinte a 40 chiffres, en huit groupes de cinq ; recopiez-la entière", option);
    if (cli_given(call, option))
        return CLI_DONE;
    arena *memory = arena_new(MEMORY_BYTES);
    int code = memory == NULL ? agent_call_no_memory(call) : find_other(call, granting, memory, &other);
    arena_destroy(&memory);
    if (code != CLI_DONE)
        return code;
    credential_fingerprint(fingerprint, &other);
    if (!call->terminal || isatty(STDIN_FILENO) != 1)
        return cli_fail(call, CLI_USAGE,
                        "pas de terminal pour poser la question : faites-vous lire l’empreinte de « %s » et "
                        "donnez-la avec --%s EMPREINTE",
                        other.name, option);
    if ((code = ask(call, granting, &other, fingerprint)) != CLI_DONE)
        return code;
    for (int i = 0; call->command->options[i].name != NULL; i++)
        if (strcmp(call->command->options[i].name, option) == 0)
            call->values[i] = fingerprint;
    return CLI_DONE;
}
