/*
 * hub_init: `ctai-hub init`: the home, the keys, the database. hub.conf comes last, so that an init which was
 * broken off is no home, and can be begun anew.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "hub_base.h"
#include "hub_commands.h"
#include "identity.h"

const cli_option hub_init_options[] = {
    {.name = "database", .kind = CLI_VALUE, .value = "CONNEXION",
     .help = "une base PostgreSQL à utiliser, au lieu d’une base propre au hub"},
    {.name = "listen", .kind = CLI_VALUE, .value = "tcp://ADRESSE:PORT",
     .help = "l’adresse où attendre les agents (" HUB_CONF_LISTEN_DEFAULT ")"},
    {.name = "web", .kind = CLI_VALUE, .value = "ADRESSE:PORT",
     .help = "l’adresse des pages, derrière le serveur du site"},
    {.name = NULL},
};

static int take_options(cli_call *call, hub_conf *conf)
{
    static const char *const names[] = {"database", "listen", "web"};
    hub_conf_init(conf);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = cli_value(call, names[i]), *reason;
        if (value && !hub_conf_set(conf, names[i], text_trim(text_of(value)), &reason))
            return cli_fail(call, CLI_USAGE, "--%s : %s", names[i], reason);
    }
    return CLI_DONE;
}

/* The folder, open, ours alone, with nothing in it but what a broken init left. 0 or an exit code. */
static int take_home(cli_call *call, home *self)
{
    char why[HUB_HOME_WHY_MAX];
    bool is_hub, is_used;
    home_error error = home_open(self, call->home);
    if (error == HOME_LOOSE || error == HOME_MISSING) {
        /* Not there, or made by somebody with an ordinary mode: fine when it is empty. */
        error = home_make(call->home);
        if (error == HOME_OK)
            error = home_open(self, call->home);
    }
    if (error == HOME_OK) {
        hub_home_look(self, &is_hub, &is_used);
        if (is_used) {
            home_close(self);
            return is_hub ? cli_fail(call, CLI_CONFIGURATION,
                                     "%s est déjà le dossier d’un hub ; rien n’a été changé", call->home)
                          : cli_fail(call, CLI_CANNOT_WRITE,
                                     "%s contient déjà autre chose : indiquez un dossier vide, ou à créer",
                                     call->home);
        }
        error = home_take(self);
    }
    if (error == HOME_OK && !hub_home_begin(self))
        error = HOME_SYSTEM;
    if (error == HOME_OK) {
        hub_home_clear(self);
        if (!hub_home_begin(self))
            error = HOME_SYSTEM;
    }
    if (error == HOME_OK)
        return CLI_DONE;
    home_explain(error, call->home, why, sizeof why);
    home_close(self);
    return cli_fail(call, error == HOME_SYSTEM ? CLI_CANNOT_WRITE : CLI_CONFIGURATION, "%s", why);
}

/* Cluster, schema, catalogue: the database becomes this hub's. */
static int make_database(cli_call *call, hub_base *self)
{
    char why[CLUSTER_EXPLANATION_MAX];
    if (!self->home.conf.database[0]) {
        identity_forget_postgres();
        cluster_error error = cluster_create(self->home.home.path, why, sizeof why);
        if (error == CLUSTER_OK)
            error = cluster_open(&self->cluster, self->home.home.path, why, sizeof why);
        if (error != CLUSTER_OK)
            return cli_fail(call, cluster_exit_code(error), "%s", why);
    }
    store_options options;
    hub_base_store_options(self, &options);
    options.claim = true;
    database_error error = store_open(&self->store, &options);
    crypto_wipe(&options, sizeof options);
    return error == DATABASE_OK ? CLI_DONE : hub_base_fail(self, call, error);
}

static void tell(cli_call *call, const hub_home *self)
{
    char listen[ENDPOINT_TEXT];
    endpoint_text(&self->conf.listen, listen);
    if (call->json) {
        json_t *summary = json_pack("{s:s, s:s, s:s, s:s}", "dossier", self->home.path, "empreinte",
                                    self->keys->fingerprint, "ecoute",
                                    listen, "base", self->conf.database[0] ? "externe" : "propre");
        json_dumpf(summary, call->out, 0);
        fputc('\n', call->out);
        json_decref(summary);
        return;
    }
    fprintf(call->out,
            "Le hub est prêt, dans %s.\n"
            "Empreinte : %s\n"
            "Les opérateurs la verront dans leur approbation : lisez-la-leur au téléphone.\n"
            "Ensuite : ctai-hub contract add CONTRAT, puis ctai-hub agent approve DEMANDE pour chaque opérateur ;\n"
            "ctai-hub serve attendra les agents à %s.\n"
            "Gardez une copie sûre des fichiers .key et hub.conf : ils ne sont pas dans la base.\n",
            self->home.path, self->keys->fingerprint, listen);
}

/* Nothing half done stays. */
static void give_back(const home *self, bool was_there)
{
    hub_home_clear(self);
    unlinkat(self->folder, "lock", 0);
    if (!was_there)
        rmdir(self->path);
}

int hub_init_run(cli_call *call)
{
    hub_base self = {0};
    char why[HUB_HOME_WHY_MAX];
    int code = take_options(call, &self.home.conf);
    bool was_there = access(call->home, F_OK) == 0;
    if (code == CLI_DONE)
        code = take_home(call, &self.home.home);
    if (code != CLI_DONE)
        return code;
    if (!hub_home_create(&self.home, why))
        code = cli_fail(call, CLI_CANNOT_WRITE, "%s", why);
    if (code == CLI_DONE)
        code = make_database(call, &self);
    if (code == CLI_DONE && !hub_home_complete(&self.home, why))
        code = cli_fail(call, CLI_CANNOT_WRITE, "%s", why);
    if (code == CLI_DONE)
        tell(call, &self.home);
    store_destroy(&self.store);
    cluster_close(&self.cluster);
    if (code != CLI_DONE)
        give_back(&self.home.home, was_there);
    hub_home_close(&self.home);
    return code;
}
