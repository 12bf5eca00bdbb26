/* agent_join: `ctai-agent join`: takes the prefecture's approval. */
#include <jansson.h>
#include <string.h>

#include "agent_commands.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

static int bad_file(cli_call *call, credential_error error)
{
    int code = error == CREDENTIAL_NO_MEMORY ? CLI_FAULT : CLI_BAD_INPUT;
    return cli_fail(call, code, "%s : %s", cli_value(call, "approbation"), credential_error_text(error));
}

/* Is it for us, and of the hub that we know? 0 or an exit code. */
static int verify(cli_call *call, const credential_approval *approval, arena *memory)
{
    const agent_home *agent = agent_call_of(call)->agent;
    credential_identity ours;
    agent_home_identity(agent, &ours);
    if (strcmp(approval->agent.name, ours.name) != 0
        || !crypto_equal(approval->agent.curve, ours.curve, CRYPTO_PUBLIC)
        || !crypto_equal(approval->agent.sign, ours.sign, CRYPTO_PUBLIC)
        || !crypto_equal(approval->agent.box, ours.box, CRYPTO_PUBLIC))
        return cli_fail(call, CLI_NOT_ALLOWED,
                        "cette approbation a été faite pour un autre agent, ou pour d’anciennes clés de « %s » ; "
                        "demandez à la préfecture celle de votre fichier de demande",
                        ours.name);
    credential_approval before;
    agent_home_result result;
    agent_home_error error = agent_home_approval(agent, &before, memory, &result);
    if (error == AGENT_HOME_NO_APPROVAL)
        return CLI_DONE;
    if (error != AGENT_HOME_OK)
        return agent_call_home_failed(call, &result);
    if (!crypto_equal(before.hub_curve, approval->hub_curve, CRYPTO_PUBLIC)
        || !crypto_equal(before.hub_sign, approval->hub_sign, CRYPTO_PUBLIC))
        return cli_fail(
            call, CLI_PROTOCOL,
            "cette approbation vient d’un autre hub que celui que vous avez rejoint ; rien n’a été changé. "
            "Appelez la préfecture avant d’aller plus loin");
    return CLI_DONE;
}

/* The contracts known before, with the approval's in place of those of the same id. */
static int merge(cli_call *call, const credential_approval *approval, arena *memory)
{
    outbox *box = agent_call_of(call)->box;
    wire_contract *known, *merged = arena_take(memory, WIRE_CONTRACTS_MAX * sizeof *merged);
    unsigned known_count, count = 0;
    if (merged == NULL)
        return agent_call_no_memory(call);
    outbox_error error = outbox_contracts(box, memory, &known, &known_count);
    for (unsigned i = 0; i < approval->contract_count && count < WIRE_CONTRACTS_MAX; i++)
        merged[count++] = approval->contracts[i];
    for (unsigned i = 0; error == OUTBOX_OK && i < known_count && count < WIRE_CONTRACTS_MAX; i++) {
        bool there = false;
        for (unsigned k = 0; k < approval->contract_count; k++)
            there = there || text_equal(known[i].id, approval->contracts[k].id);
        if (!there)
            merged[count++] = known[i];
    }
    if (error == OUTBOX_OK)
        error = outbox_begin(box);
    if (error == OUTBOX_OK) {
        (void)outbox_set_contracts(box, merged, count);
        error = outbox_commit(box);
    }
    return error == OUTBOX_OK ? CLI_DONE : agent_call_outbox_failed(call, error);
}

static void tell_json(cli_call *call, const credential_approval *approval, const char *fingerprint)
{
    json_t *contracts = json_array();
    for (unsigned i = 0; i < approval->contract_count; i++) {
        const wire_contract *contract = &approval->contracts[i];
        json_t *actions = json_array();
        for (unsigned k = 0; k < contract->action_count; k++)
            if (contract->actions[k].allowed)
                json_array_append_new(actions,
                                      json_stringn(contract->actions[k].code.at, contract->actions[k].code.size));
        json_array_append_new(contracts,
                              json_pack("{s:s%, s:s%, s:o}", "contrat", contract->id.at, contract->id.size,
                                        "perimetre", contract->scope.at, contract->scope.size, "actions", actions));
    }
    json_t *summary = json_pack("{s:s, s:o}", "empreinte_hub", fingerprint, "contrats", contracts);
    (void)json_dumpf(summary, call->out, 0);
    (void)fputc('\n', call->out);
    json_decref(summary);
}

static void tell(cli_call *call, const credential_approval *approval, const char *fingerprint)
{
    (void)fprintf(call->out, "Empreinte du hub : %s\n", fingerprint);
    for (unsigned i = 0; i < approval->contract_count; i++) {
        const wire_contract *contract = &approval->contracts[i];
        text_view allowed[WIRE_ACTIONS_MAX];
        size_t count = 0;
        char actions[1024];
        for (unsigned k = 0; k < contract->action_count && count < WIRE_ACTIONS_MAX; k++)
            if (contract->actions[k].allowed)
                allowed[count++] = contract->actions[k].code;
        agent_call_join(actions, sizeof actions, allowed, count);
        (void)fprintf(call->out, "Contrat %.*s (périmètre %.*s), %.*s : %s\n", (int)contract->id.size,
                      contract->id.at, (int)contract->scope.size, contract->scope.at, (int)contract->title.size,
                      contract->title.at, count == 0 ? "aucune action" : actions);
    }
    (void)fprintf(call->out,
                  "Comparez cette empreinte au téléphone avec celle que lit la préfecture ; si elle diffère, "
                  "n’envoyez rien.\n");
}

static int take(cli_call *call, arena *memory)
{
    agent_call *self = agent_call_of(call);
    text_view file;
    credential_approval approval;
    agent_home_result result;
    int code = agent_call_read(call, "approbation", memory, &file);
    if (code != CLI_DONE)
        return code;
    credential_error error = credential_read_approval(&approval, memory, file);
    if (error != CREDENTIAL_OK)
        return bad_file(call, error);
    if ((code = verify(call, &approval, memory)) != CLI_DONE || (code = merge(call, &approval, memory)) != CLI_DONE)
        return code;
    if (agent_home_keep_approval(self->agent, file, &result) != AGENT_HOME_OK)
        return agent_call_home_failed(call, &result);
    if (self->serving != NULL) {
        runtime_towards(self->serving->loop, &approval);
        runtime_start(self->serving->loop);
    }
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    credential_hub_fingerprint(fingerprint, approval.hub_curve, approval.hub_sign);
    if (call->json)
        tell_json(call, &approval, fingerprint);
    else
        tell(call, &approval, fingerprint);
    return CLI_DONE;
}

int agent_join_run(cli_call *call)
{
    arena *memory = arena_new(MEMORY_BYTES);
    int code = memory == NULL ? agent_call_no_memory(call) : take(call, memory);
    arena_destroy(&memory);
    return code;
}
