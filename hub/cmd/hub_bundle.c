/*
 * hub_bundle: `ctai-hub bundle`: the keys of this hub, sealed for a second one on the same database, or for this one
 * when it has lost its machine. The code that
 * opens them is shown to the person at the terminal, once: it is in no file, no log, no output.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "hub_base.h"
#include "hub_commands.h"
#include "hub_join.h"
#include "oserror.h"
#include "terminal.h"

const cli_option hub_bundle_options[] = {
    {.name = "output", .letter = 'o', .kind = CLI_OUTPUT_PRIVATE, .required = true, .value = "FICHIER",
     .help = "le trousseau à écrire"},
    {.name = NULL},
};

static int fill(cli_call *call, const hub_home *from, bundle *to)
{
    char addresses[HUB_CONF_ADDRESSES_MAX][ENDPOINT_TEXT];
    to->address_count = hub_home_addresses(from, addresses);
    if (to->address_count == 0)
        return cli_fail(call, CLI_CONFIGURATION,
                        "le port du hub n’est pas encore connu : lancez « ctai-hub serve » une fois, ou écrivez "
                        "« address = tcp://NOM:PORT » dans hub.conf");
    for (unsigned i = 0; i < to->address_count; i++)
        if (!endpoint_parse(&to->addresses[i], text_of(addresses[i])) || to->addresses[i].any_host)
            return cli_fail(call, CLI_CONFIGURATION, "l’adresse %s ne dit pas où joindre ce hub : écrivez "
                            "« address = tcp://NOM:PORT » dans hub.conf", addresses[i]);
    to->curve = from->keys->curve;
    to->sign = from->keys->sign;
    memcpy(to->pepper, from->keys->pepper, sizeof to->pepper);
    to->stable_at_commit = from->conf.stable_at_commit;
    return CLI_DONE;
}

static int show_code(cli_call *call, const bundle *made)
{
    char text[512];
    snprintf(text, sizeof text,
             "\nCode du trousseau :\n\n    %s\n\nIl ne sera plus jamais affiché. Notez-le sur papier, et portez-le autrement que "
             "le fichier :\nqui a les deux a les clés du hub.\n\n", made->code);
    bool shown = terminal_show(text);
    int error = errno;
    crypto_wipe(text, sizeof text);
    return shown ? CLI_DONE : cli_fail(call, CLI_CANNOT_WRITE, "le code n’a pas pu être montré : %s", oserror_text(error));
}

static void tell(cli_call *call, const hub_home *from)
{
    const char *path = cli_value(call, "output");
    if (call->json) {
        json_t *summary = json_pack("{s:s, s:s}", "trousseau", path, "empreinte", from->keys->fingerprint);
        json_dumpf(summary, call->out, 0);
        fputc('\n', call->out);
        json_decref(summary);
        return;
    }
    fprintf(call->out,
            "Trousseau scellé : %s\n"
            "Empreinte du hub : %s\n",
            path, from->keys->fingerprint);
    if (from->conf.database[0])
        fprintf(call->out,
                "Sur la machine du second hub : ctai-hub init --join %s --database CONNEXION\n"
                "(la même base que celle-ci), puis effacez le trousseau des deux machines.\n", path);
    else
        fputs("La base de ce hub est la sienne, dans son dossier : un second hub ne peut pas s’y joindre.\n", call->out);
    fprintf(call->out,
            "Pour le rendre après une perte, avec une sauvegarde : ctai-hub init --join %s --restore SAUVEGARDE.\n"
            "Gardé pour cela, le trousseau va au coffre, et son code ailleurs ; la sauvegarde, à part des deux.\n", path);
}

static int seal(cli_call *call, const hub_home *from, bundle *made)
{
    batch_buffer text;
    int code = fill(call, from, made);
    if (code != CLI_DONE)
        return code;
    bundle_code_new(made);
    batch_buffer_init(&text, BUNDLE_FILE_MAX);
    if (bundle_seal(made, &text) == BUNDLE_OK)
        fwrite(text.data, 1, text.size, cli_output(call));
    else
        code = hub_base_no_memory(call);
    batch_buffer_release(&text);
    if (code == CLI_DONE)
        code = show_code(call, made);
    if (code == CLI_DONE && call->data)
        tell(call, from);
    return code;
}

int hub_bundle_run(cli_call *call)
{
    hub_home from;
    char why[HUB_HOME_WHY_MAX];
    diag_sink sink = diag_sink_to(call->err);
    int code = CLI_DONE;
    if (!hub_home_open(&from, call->home, &sink, &code, why))
        return cli_fail(call, code, "%s", why);
    bundle *made = NULL;
    if (!terminal_there())
        code = cli_fail(call, CLI_USAGE,
                        "pas de terminal où montrer le code du trousseau : lancez la commande depuis un terminal");
    else if (!(made = hub_join_new()))
        code = hub_base_no_memory(call);
    else
        code = seal(call, &from, made);
    hub_join_forget(&made);
    hub_home_close(&from);
    return code;
}
