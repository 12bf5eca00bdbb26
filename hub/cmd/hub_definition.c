/* hub_definition: see the header. */
#include "hub_definition.h"

#include "definition.h"
#include "hub_base.h"

bool hub_definition_carried(catalogue *national, territory *places, arena *memory, diag_sink *sink)
{
    return definition_carried(national, places, memory, sink);
}

bool hub_definition_read(contract *self, arena *memory, const char *file, text_view bytes, diag_sink *sink)
{
    return definition_read(self, memory, file, bytes, sink);
}

void hub_definition_sum_up(const diag_sink *sink, FILE *to, const char *name)
{
    unsigned long errors = sink->count[DIAG_ERROR], doubts = sink->count[DIAG_WARNING];
    if (errors == 0 && doubts == 0)
        fprintf(to, "%s : rien à signaler.\n", name);
    else
        fprintf(to, "%s : %lu erreur%s, %lu avertissement%s.\n", name, errors, hub_base_plural(errors), doubts,
                hub_base_plural(doubts));
}

int hub_definition_file(cli_call *call, const char *name, arena *memory, text_view *bytes)
{
    const cli_file *file = cli_input(call, name);
    if (!file->file)
        return cli_bad_file(call, file);
    /* One byte over the limit is enough for yamldoc to say that there are too many. */
    char *text = arena_take(memory, YAMLDOC_BYTES_MAX + 1);
    if (!text)
        return cli_fail(call, CLI_FAULT, "la mémoire manque");
    size_t size = fread(text, 1, YAMLDOC_BYTES_MAX + 1, file->file);
    if (ferror(file->file))
        return cli_bad_file(call, file);
    *bytes = (text_view){ text, size };
    return CLI_DONE;
}
