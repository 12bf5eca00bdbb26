/* agent_check: `ctai-agent check`: what is wrong, who is left out, what would be sent; sends nothing. */
#include <jansson.h>

#include "agent_commands.h"
#include "agent_export.h"

const cli_option agent_check_options[] = {
    {"persons", 0, CLI_INPUT, true, "FICHIER", "le tableau des personnes"},
    {"events", 0, CLI_INPUT, true, "FICHIER", "le tableau des événements"},
    {"contract", 0, CLI_VALUE, false, "CONTRAT",
     "le contrat, quand il y en a plusieurs et que les événements n’en disent rien"},
    {.name = NULL},
};

static void tell(cli_call *call, const agent_export *from)
{
    const export_counts *counts = &from->made.counts;
    if (call->json) {
        json_t *summary = json_pack("{s:I, s:I, s:I}", "prets", (json_int_t)counts->ready, "ecartes",
                                    (json_int_t)counts->left_out, "erreurs", (json_int_t)counts->errors);
        (void)json_dumpf(summary, call->out, 0);
        (void)fputc('\n', call->out);
        json_decref(summary);
        return;
    }
    agent_call_count(call->out, counts->person_rows, "personne et ", "personnes et ");
    agent_call_count(call->out, counts->event_rows, "événement lus.\n", "événements lus.\n");
    agent_call_count(call->out, counts->ready, "enregistrement prêt à partir.\n",
                     "enregistrements prêts à partir.\n");
    agent_export_tell(from, call->out);
    (void)fprintf(call->out, "Rien n’a été envoyé.\n");
}

int agent_check_run(cli_call *call)
{
    agent_export from;
    int code = agent_export_make(&from, call, AGENT_EXPORT_TOKENS_IF_ANY, false,
                                 call->json ? call->err : call->out);
    if (code == CLI_DONE) {
        tell(call, &from);
        code = agent_export_code(&from);
        if (code != CLI_DONE)
            cli_say(call, "des lignes sont en erreur ; elles ne partiraient pas");
    }
    agent_export_release(&from);
    return code;
}
