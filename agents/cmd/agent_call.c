#include "agent_call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"

agent_call *agent_call_of(cli_call *call)
{
    return (agent_call *)call;
}

int agent_call_home_failed(cli_call *call, const agent_home_result *result)
{
    char text[PATH_MAX + 512];
    int code = CLI_CONFIGURATION;
    agent_home_explain(result, text, sizeof text);
    if (result->error == AGENT_HOME_MEMORY)
        code = CLI_FAULT;
    else if (result->error == AGENT_HOME_HOME && result->home_reason == HOME_FOREIGN)
        code = CLI_NOT_ALLOWED;
    else if (result->error == AGENT_HOME_HOME && result->home_reason == HOME_LOCKED)
        code = CLI_LATER;
    else if (result->error == AGENT_HOME_HOME && result->home_reason == HOME_SYSTEM && result->system_error != EBADMSG
             && result->system_error != ENOTDIR) /* these: a secret that is damaged, a home that is none */
        code = CLI_CANNOT_WRITE;
    return cli_fail(call, code, "%s", text);
}

int agent_call_outbox_failed(cli_call *call, outbox_error error)
{
    int code = CLI_FAULT;
    if (error == OUTBOX_CANNOT_WRITE || error == OUTBOX_CANNOT_OPEN)
        code = CLI_CANNOT_WRITE;
    else if (error == OUTBOX_LOOSE || error == OUTBOX_NEWER)
        code = CLI_CONFIGURATION;
    else if (error == OUTBOX_IN_USE)
        code = CLI_LATER;
    return cli_fail(call, code, "%s : %s", call->home, outbox_error_text(error));
}

int agent_call_no_memory(cli_call *call)
{
    return cli_fail(call, CLI_FAULT, "la mémoire manque ; fermez d’autres programmes et recommencez");
}

void agent_call_deposit(agent_call *self, const char *name, const batch_buffer *content)
{
    (void)fprintf(self->deposit, "%s\n", name);
    (void)fwrite(content->data, 1, content->size, self->deposit);
}

int agent_call_read(cli_call *call, const char *operand, arena *from, text_view *content)
{
    const cli_file *named = cli_input(call, operand);
    cli_file file = *named;
    input read;
    *content = (text_view){NULL, 0};
    if (!input_read(&file, &read))
        return cli_bad_file(call, &file);
    int code = CLI_DONE;
    if (read.size > CREDENTIAL_FILE_MAX)
        code = cli_fail(call, CLI_BAD_INPUT,
                        "%s : ce fichier est bien trop long pour en être un ; vérifiez son nom", file.name);
    char *kept = code == CLI_DONE ? arena_text(from, input_view(&read)) : NULL;
    if (code == CLI_DONE && kept == NULL)
        code = agent_call_no_memory(call);
    *content = (text_view){kept, kept == NULL ? 0 : read.size};
    input_release(&read);
    return code;
}

void agent_call_join(char *to, size_t size, const text_view *names, size_t count)
{
    size_t used = 0;
    to[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        const char *before = i == 0 ? "" : i + 1 == count ? " et " : ", ";
        int more = snprintf(to + used, size - used, "%s%.*s", before, (int)names[i].size, names[i].at);
        used += more > 0 ? (size_t)more : size;
    }
}

void agent_call_count(FILE *to, uint64_t count, const char *one, const char *many)
{
    (void)fprintf(to, "%" PRIu64 " %s", count, count < 2 ? one : many);
}
