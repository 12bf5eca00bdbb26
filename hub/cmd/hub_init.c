/*
 * hub_init: `ctai-hub init`: the home, the keys, the database. hub.conf comes last, so that an init which was
 * broken off is no home, and can be begun anew. With --join, keys and database are those of a first hub.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "hub_base.h"
#include "hub_commands.h"
#include "hub_join.h"
#include "hub_restore.h"
#include "identity.h"

const cli_option hub_init_options[] = {
    {.name = "database", .kind = CLI_VALUE, .value = "CONNEXION",
     .help = "une base PostgreSQL à utiliser, au lieu d’une base propre au hub"},
    {.name = "listen", .kind = CLI_VALUE, .value = "tcp://ADRESSE:PORT",
     .help = "l’adresse où attendre les agents (" HUB_CONF_LISTEN_DEFAULT ")"},
    {.name = "web", .kind = CLI_VALUE, .value = "ADRESSE:PORT",
     .help = "l’adresse des pages, derrière le serveur du site"},
    {.name = "join", .kind = CLI_INPUT, .value = "TROUSSEAU",
     .help = "le trousseau d’un hub de la même base (« ctai-hub bundle »)"},
    {.name = "code", .kind = CLI_INPUT, .value = "FICHIER",
     .help = "le fichier dont la première ligne est le code du trousseau"},
    {.name = "restore", .kind = CLI_INPUT, .value = "SAUVEGARDE",
     .help = "rend cette sauvegarde à la base (avec --join : le hub a perdu sa machine)"},
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
    if (database_names_password(conf->database))
        return cli_fail(call, CLI_USAGE,
                        "--database : pas de mot de passe sur la ligne de commande, où toute la machine peut le lire. "
                        "Mettez-le dans un fichier à vous seul (mode 600, une ligne « hôte:port:base:utilisateur:mot de "
                        "passe ») et nommez-le avec passfile=FICHIER ; considérez celui-ci comme connu, et changez-le");
    int code = hub_base_environment(call, conf);
    if (code != CLI_DONE)
        return code;
    if (cli_given(call, "code") && !cli_given(call, "join"))
        return cli_fail(call, CLI_USAGE, "--code ne va qu’avec --join");
    if (cli_given(call, "restore") && !cli_given(call, "join"))
        return cli_fail(call, CLI_USAGE,
                        "--restore ne va qu’avec --join : un hub qui se fait de nouvelles clés n’est pas celui de la sauvegarde");
    if (!cli_given(call, "join"))
        return CLI_DONE;
    if (conf->listen.port == 0)
        return cli_fail(call, CLI_USAGE, "--listen : avec --join, donnez un port précis, que les approbations nommeront");
    if (!conf->database[0] && !cli_given(call, "restore"))
        return cli_fail(call, CLI_CONFIGURATION,
                        "un hub qui en rejoint un autre se sert de la même base : donnez-la avec --database. (La base "
                        "qu’un hub tient dans son dossier n’est qu’à lui ; si sa machine est perdue, rendez-lui sa "
                        "sauvegarde avec --restore.)");
    return CLI_DONE;
}

/* The keys of the first hub, and what of its configuration is this one's too. */
static int take_bundle(cli_call *call, hub_home *self, bundle **joined)
{
    char addresses[HUB_CONF_ADDRESSES_MAX][ENDPOINT_TEXT];
    endpoint own;
    if (!cli_given(call, "join"))
        return CLI_DONE;
    int code = hub_join_read(call, joined);
    if (code != CLI_DONE)
        return code;
    if (hub_home_addresses(self, addresses) != 1 || !endpoint_parse(&own, text_of(addresses[0])))
        return cli_fail(call, CLI_FAULT, "l’adresse de ce hub n’est pas connue");
    return hub_join_configure(call, *joined, &self->conf, &own);
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
    hub_base_store_options(self, STORE_OWNER, &options);
    options.claim = !cli_given(call, "join") || cli_given(call, "restore");
    database_error error = store_open(&self->store, &options);
    if (error == DATABASE_CONFIGURATION && !options.claim)
        cli_say(call, "avec --join, --database doit mener à la base du hub qui a fait le trousseau");
    return error == DATABASE_OK ? CLI_DONE : hub_base_fail(self, call, error);
}

/* The backup takes its place in a database that was just made, or found empty. */
static int give_back_data(cli_call *call, hub_base *self)
{
    backup_manifest manifest;
    arena *memory = arena_new(HUB_RESTORE_MEMORY_BYTES);
    int code = memory ? hub_restore_verify(call, self, "restore", memory, &manifest) : hub_base_no_memory(call);
    if (code == CLI_DONE)
        code = make_database(call, self);
    if (code == CLI_DONE)
        code = hub_restore_load(call, self, "restore", false, memory, &manifest);
    arena_destroy(&memory);
    return code;
}

/* What else is to be done after a join: the other hub has to know of this one. */
static void tell_joined(cli_call *call, const hub_conf *conf)
{
    char address[ENDPOINT_TEXT];
    if (cli_given(call, "restore")) {
        fprintf(call->out, "Sauvegarde rendue : %s. Lancez ctai-hub serve ; les agents renvoient ce qu’ils ont gardé, et un envoi "
                "complet de\nchaque opérateur rétablit le reste.\n", cli_value(call, "restore"));
        return;
    }
    fputs("Ce hub partage l’identité et la base du premier. Pour que les approbations nomment les deux, hub.conf du premier "
          "doit\nporter aussi ces lignes :\n", call->out);
    for (unsigned i = 0; i < conf->address_count; i++) {
        endpoint_text(&conf->addresses[i], address);
        fprintf(call->out, "    address = %s\n", address);
    }
    fputs("Effacez le trousseau : il ne sert plus.\n", call->out);
}

static json_t *addresses_json(const hub_conf *conf)
{
    char address[ENDPOINT_TEXT];
    json_t *list = json_array();
    for (unsigned i = 0; i < conf->address_count; i++) {
        endpoint_text(&conf->addresses[i], address);
        json_array_append_new(list, json_string(address));
    }
    return list;
}

static void tell(cli_call *call, const hub_home *self)
{
    char listen[ENDPOINT_TEXT];
    endpoint_text(&self->conf.listen, listen);
    if (call->json) {
        json_t *summary = json_pack("{s:s, s:s, s:s, s:s}", "dossier", self->home.path, "empreinte",
                                    self->keys->fingerprint, "ecoute",
                                    listen, "base", self->conf.database[0] ? "externe" : "propre");
        if (cli_given(call, "join"))
            json_object_set_new(summary, "adresses", addresses_json(&self->conf));
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
    if (cli_given(call, "join"))
        tell_joined(call, &self->conf);
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
    bundle *joined = NULL;
    char why[HUB_HOME_WHY_MAX];
    int code = take_options(call, &self.home.conf);
    bool was_there = access(call->home, F_OK) == 0;
    if (code == CLI_DONE)
        code = take_bundle(call, &self.home, &joined);
    if (code == CLI_DONE)
        code = take_home(call, &self.home.home);
    if (code != CLI_DONE) {
        hub_join_forget(&joined);
        return code;
    }
    if (!hub_home_create(&self.home, joined, why))
        code = cli_fail(call, CLI_CANNOT_WRITE, "%s", why);
    hub_join_forget(&joined);
    if (code == CLI_DONE)
        code = cli_given(call, "restore") ? give_back_data(call, &self) : make_database(call, &self);
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
