/*
 * agent_grant: `ctai-agent key grant` and `key accept`: a linkage key goes from one operator to
 * another in a sealed file. Whom it is for, or from, is settled by a fingerprint that two people
 * have compared; it is never taken for granted.
 */
#include <string.h>
#include <unistd.h>

#include "agent_commands.h"
#include "agent_key.h"

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

static int write_grant(cli_call *call, const credential_grant *grant)
{
    agent_call *self = agent_call_of(call);
    char name[CREDENTIAL_NAME_MAX + 8];
    batch_buffer file;
    batch_buffer_init(&file, CREDENTIAL_FILE_MAX);
    credential_write_grant(&file, grant, &self->agent->secrets->sign);
    if (file.failed) {
        batch_buffer_release(&file);
        return agent_call_no_memory(call);
    }
    (void)snprintf(name, sizeof name, "%s.cle", grant->recipient.name);
    if (call->data != NULL)
        (void)fwrite(file.data, 1, file.size, call->data);
    else
        agent_call_deposit(self, name, &file);
    batch_buffer_release(&file);
    const char *where = call->data != NULL ? cli_value(call, "output") : name;
    (void)fprintf(call->out,
                  "Clé du périmètre %s scellée pour « %s » : %s\nElle ne s’ouvre que chez cet opérateur ; "
                  "envoyez-lui ce fichier "
                  "et lisez-lui votre empreinte au téléphone.\n",
                  grant->scope, grant->recipient.name, where);
    return CLI_DONE;
}

static int give(cli_call *call, arena *memory)
{
    const agent_home *agent = agent_call_of(call)->agent;
    const char *scope = cli_value(call, "scope");
    const token_key *keys;
    credential_grant grant = {0};
    text_view file;
    int code = agent_key_scope(call);
    if (code == CLI_DONE)
        code = agent_call_read(call, "demande", memory, &file);
    if (code != CLI_DONE)
        return code;
    credential_error error = credential_read_request(&grant.recipient, memory, file);
    if (error != CREDENTIAL_OK)
        return bad_file(call, "demande", error);
    if ((code = compare(call, cli_value(call, "to"), &grant.recipient)) != CLI_DONE)
        return code;
    unsigned count = agent_home_keys(agent, text_of(scope), &keys);
    if (count == 0)
        return cli_fail(
            call, CLI_CONFIGURATION,
            "aucune clé du périmètre « %s » ici ; le coordonnateur la crée avec « key create --scope %s »", scope,
            scope);
    agent_home_identity(agent, &grant.sender);
    (void)text_copy(grant.scope, sizeof grant.scope, text_of(scope));
    grant.epoch = keys[count - 1].epoch;
    grant.scheme = TOKEN_SCHEME_BLAKE2B;
    token_key_id(grant.key_id, &keys[count - 1]);
    if (!credential_seal_key(&grant, &keys[count - 1], agent->secrets->box.secret_key))
        return cli_fail(call, CLI_BAD_INPUT,
                        "la clé publique de cette demande ne vaut rien ; redemandez le fichier de demande");
    return write_grant(call, &grant);
}

int agent_key_grant_run(cli_call *call)
{
    arena *memory = arena_new(MEMORY_BYTES);
    int code = memory == NULL ? agent_call_no_memory(call) : give(call, memory);
    arena_destroy(&memory);
    return code;
}

/* Opens the box and keeps the key; the key is wiped by the caller. */
static int keep(cli_call *call, const credential_grant *grant, token_key *key)
{
    agent_home *agent = agent_call_of(call)->agent;
    uint8_t id[TOKEN_KEY_ID];
    agent_home_result result;
    if (grant->scheme != TOKEN_SCHEME_BLAKE2B)
        return cli_fail(call, CLI_BAD_INPUT,
                        "cette clé est d’un procédé que cette version ne connaît pas ; mettez ctai-agent à jour");
    if (!credential_open_key(key, grant, agent->secrets->box.secret_key))
        return cli_fail(
            call, CLI_PROTOCOL,
            "la clé ne s’ouvre pas : elle n’a pas été scellée pour vous par « %s » ; rien n’a été écrit",
            grant->sender.name);
    key->epoch = grant->epoch;
    token_key_id(id, key);
    if (!crypto_equal(id, grant->key_id, sizeof id))
        return cli_fail(call, CLI_PROTOCOL,
                        "la clé n’est pas celle que le fichier annonce ; rien n’a été écrit, redemandez-la");
    agent_home_error error = agent_home_add_linkage(agent, grant->scope, key, &result);
    if (error == AGENT_HOME_EXISTS)
        return cli_fail(call, CLI_CONFIGURATION,
                        "une autre clé du périmètre « %s » est déjà là ; rien n’a été changé. Voyez avec le "
                        "coordonnateur laquelle est la bonne",
                        grant->scope);
    if (error != AGENT_HOME_OK)
        return agent_call_home_failed(call, &result);
    char name[CRYPTO_FINGERPRINT_TEXT];
    agent_key_name(name, key);
    (void)fprintf(call->out, "Clé de liaison du périmètre %s reçue de « %s » (époque %lu), identifiant %s.\n",
                  grant->scope, grant->sender.name, (unsigned long)grant->epoch, name);
    return CLI_DONE;
}

static int receive(cli_call *call, arena *memory)
{
    credential_grant grant;
    credential_identity ours;
    text_view file;
    int code = agent_call_read(call, "cle", memory, &file);
    if (code != CLI_DONE)
        return code;
    credential_error error = credential_read_grant(&grant, memory, file);
    if (error != CREDENTIAL_OK)
        return bad_file(call, "cle", error);
    agent_home_identity(agent_call_of(call)->agent, &ours);
    if (strcmp(grant.recipient.name, ours.name) != 0 || !crypto_equal(grant.recipient.box, ours.box, CRYPTO_PUBLIC)
        || !crypto_equal(grant.recipient.sign, ours.sign, CRYPTO_PUBLIC))
        return cli_fail(call, CLI_NOT_ALLOWED,
                        "cette clé a été scellée pour « %s » ; demandez au coordonnateur celle qui est pour « %s »",
                        grant.recipient.name, ours.name);
    if ((code = compare(call, cli_value(call, "from"), &grant.sender)) != CLI_DONE)
        return code;
    token_key key;
    memset(&key, 0, sizeof key);
    code = keep(call, &grant, &key);
    crypto_wipe(&key, sizeof key);
    return code;
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
    credential_grant grant;
    text_view file;
    int code = agent_call_read(call, operand, memory, &file);
    if (code != CLI_DONE)
        return code;
    credential_error error = granting ? credential_read_request(other, memory, file)
                                      : credential_read_grant(&grant, memory, file);
    if (error != CREDENTIAL_OK)
        return bad_file(call, operand, error);
    if (!granting)
        *other = grant.sender;
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
