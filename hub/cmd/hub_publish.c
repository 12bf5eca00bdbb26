/*
 * ctai-hub publish: a region's report as open data, in a folder that is written whole or not at all. The release is entered
 * before the folder is written: when that fails, the same call writes the same release.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hub_commands.h"
#include "hub_open_data.h"
#include "identity.h"
#include "oserror.h"
#include "region_form.h"

enum { ARENA_BYTES = 1024 * 1024 * 1024, FILE_COUNT = 4, FOLDER_OPERAND = 1 };

const cli_option hub_publish_options[] = {
    {.name = "from", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "premier mois (par défaut celui de chaque contrat)"},
    {.name = "to", .kind = CLI_VALUE, .value = "AAAA-MM", .help = "dernier mois (par défaut celui de chaque contrat)"},
    {0},
};

static char *csv_of(const region_table *table, size_t *size)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, size);
    if (!to)
        return NULL;
    region_form_csv(table, to);
    bool good = !ferror(to);
    good &= fclose(to) == 0;
    if (!good)
        free(text);
    return good ? text : NULL;
}

/* Takes what over. */
static outfolder_file file_of(const char *name, json_t *what)
{
    char *text = what ? json_dumps(what, JSON_INDENT(2)) : NULL;
    json_decref(what);
    return (outfolder_file){.name = name, .data = text, .size = text ? strlen(text) : 0};
}

static int say(cli_call *call, const hub_regional *made)
{
    const char *folder = cli_value(call, "dossier");
    if (call->json)
        return hub_base_json(call, json_pack("{ss# sI sb ss s[ssss] si si}", "region", made->table.code.at, (int)made->table.code.size,
                                             "publication", (json_int_t)made->number, "deja_inscrite", made->again, "dossier", folder, "fichiers",
                                             HUB_OPEN_DATA_TABLE, HUB_OPEN_DATA_SCHEMA, HUB_OPEN_DATA_PACKAGE, HUB_OPEN_DATA_DCAT, "cellules",
                                             (int)made->table.cell_count, "masquees", (int)made->masked));
    fprintf(call->out, "Publication n° %" PRIu64 " de la région %.*s écrite dans %s%s\n", made->number, (int)made->table.code.size,
            made->table.code.at, folder, made->again ? " (elle était déjà inscrite, et n’a pas changé)" : "");
    return CLI_DONE;
}

static int write_folder(cli_call *call, const hub_base *base, const hub_regional *made)
{
    const hub_conf *conf = &base->home.conf;
    size_t size = 0;
    char *table = csv_of(&made->table, &size);
    outfolder_file files[FILE_COUNT] = {
        {.name = HUB_OPEN_DATA_TABLE, .data = table, .size = size},
        file_of(HUB_OPEN_DATA_SCHEMA, hub_open_data_schema(conf)),
        file_of(HUB_OPEN_DATA_PACKAGE, hub_open_data_package(made, conf, size)),
        file_of(HUB_OPEN_DATA_DCAT, hub_open_data_dcat(made, conf, size)),
    };
    bool whole = true;
    for (unsigned i = 0; i < FILE_COUNT; i++)
        whole &= files[i].data != NULL;
    int error = whole ? identity_place_folder(call, FOLDER_OPERAND, files, FILE_COUNT) : 0;
    free(table);
    for (unsigned i = 1; i < FILE_COUNT; i++) {
        void *text;
        memcpy(&text, &files[i].data, sizeof text);
        free(text);
    }
    if (!whole)
        return hub_base_no_memory(call);
    if (error == ENOTEMPTY)
        return cli_fail(call, CLI_CANNOT_WRITE, "%s contient autre chose qu’une publication, et reste tel quel : nommez un autre dossier. La publication "
                        "n° %" PRIu64 " est inscrite : la même commande l’écrira", cli_value(call, "dossier"), made->number);
    if (error != 0)
        return cli_fail(call, CLI_CANNOT_WRITE, "%s ne peut pas être écrit : %s. La publication n° %" PRIu64 " est inscrite : la même commande l’écrira",
                        cli_value(call, "dossier"), oserror_text(error), made->number);
    return say(call, made);
}

int hub_publish_run(cli_call *call)
{
    hub_regional_request request;
    hub_regional made;
    hub_base base;
    arena *from = arena_new(ARENA_BYTES);
    int code = from ? hub_regional_ask(call, false, from, &request) : hub_base_no_memory(call);
    if (code == CLI_DONE)
        code = hub_base_open(&base, call);
    if (code == CLI_DONE) {
        code = hub_regional_make(call, &base, &request, from, &made);
        if (code == CLI_DONE)
            code = write_folder(call, &base, &made);
        hub_base_close(&base);
    }
    arena_destroy(&from);
    return code;
}
