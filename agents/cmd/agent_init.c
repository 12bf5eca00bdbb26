/* agent_init: `ctai-agent init`: the home, the keys, the request for the prefecture. */
#include <jansson.h>
#include <string.h>

#include "agent_commands.h"

const cli_option agent_init_options[] = {
    {"name", 0, CLI_VALUE, true, "NOM", "le nom de l’opérateur : lettres minuscules, chiffres, tirets"},
    {.name = NULL},
};

/* The request file, into the deposit, and what to do with it. */
static int deliver(cli_call *call, const agent_home *agent, bool fresh)
{
    credential_identity identity;
    char fingerprint[CRYPTO_FINGERPRINT_TEXT], file[CREDENTIAL_NAME_MAX + 16], path[PATH_MAX];
    batch_buffer request;
    agent_home_identity(agent, &identity);
    credential_fingerprint(fingerprint, &identity);
    (void)snprintf(file, sizeof file, "%s.demande", identity.name);
    int size = snprintf(path, sizeof path, "%s/%s", strcmp(call->folder, "/") == 0 ? "" : call->folder, file);
    if (size < 0 || (size_t)size >= sizeof path)
        return cli_fail(call, CLI_CANNOT_WRITE,
                        "le chemin du dossier courant est trop long ; placez-vous ailleurs");
    batch_buffer_init(&request, CREDENTIAL_FILE_MAX);
    credential_write_request(&request, &identity, &agent->secrets->sign);
    if (request.failed) {
        batch_buffer_release(&request);
        return agent_call_no_memory(call);
    }
    agent_call_deposit(agent_call_of(call), file, &request);
    batch_buffer_release(&request);
    if (call->json) {
        json_t *summary = json_pack("{s:s, s:s, s:s}", "nom", identity.name, "demande", path, "empreinte",
                                    fingerprint);
        (void)json_dumpf(summary, call->out, 0);
        (void)fputc('\n', call->out);
        json_decref(summary);
        return CLI_DONE;
    }
    if (!fresh)
        (void)fprintf(call->out, "Cette identité existait déjà ; seul le fichier de demande a été refait.\n");
    (void)fprintf(call->out,
                  "Demande : %s\n"
                  "Empreinte : %s\n"
                  "Envoyez ce fichier à la préfecture (il ne contient rien de secret) et lisez-lui l’empreinte au "
                  "téléphone.\n"
                  "Ensuite : ctai-agent join FICHIER, avec l’approbation qu’elle vous rendra.\n",
                  path, fingerprint);
    return CLI_DONE;
}

int agent_init_run(cli_call *call)
{
    const char *name = cli_value(call, "name");
    agent_home agent = {0};
    agent_home_result result;
    if (!credential_name_valid(text_of(name)))
        return cli_fail(
            call, CLI_USAGE,
            "« %s » ne convient pas : %d caractères au plus, lettres minuscules sans accent, chiffres et tirets "
            "(par exemple « cias-thiers »)",
            name, CREDENTIAL_NAME_MAX);
    agent_home_error error = agent_home_create(&agent, call->home, name, &result);
    bool fresh = error == AGENT_HOME_OK;
    if (error == AGENT_HOME_EXISTS) {
        /* Its request may be lost: it is made anew, and nothing else. */
        error = agent_home_open(&agent, call->home, false, &result);
        if (error == AGENT_HOME_OK && strcmp(agent.name, name) != 0) {
            int code = cli_fail(
                call, CLI_CONFIGURATION,
                "%s est déjà le dossier de « %s » ; pour un autre opérateur, indiquez un autre dossier avec --home",
                call->home, agent.name);
            agent_home_close(&agent);
            return code;
        }
    }
    if (error != AGENT_HOME_OK)
        return agent_call_home_failed(call, &result);
    int code = deliver(call, &agent, fresh);
    agent_home_close(&agent);
    return code;
}
