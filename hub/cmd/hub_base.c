/* hub_base: see the header. */
#include "hub_base.h"

#include <stdlib.h>
#include <string.h>

#include "identity.h"

int hub_base_environment(cli_call *call, const hub_conf *conf)
{
    if (!conf->database[0] || !getenv("PGPASSWORD"))
        return CLI_DONE;
    return cli_fail(call, CLI_CONFIGURATION,
                    "la variable PGPASSWORD porte un mot de passe, que d’autres programmes peuvent y lire : retirez-la, et "
                    "mettez-le dans un fichier (mode 600) que la variable PGPASSFILE nomme, ou dans hub.conf");
}

int hub_base_open_home(hub_base *self, cli_call *call)
{
    int code = CLI_DONE;
    char why[HUB_HOME_WHY_MAX], reason[CLUSTER_EXPLANATION_MAX];
    diag_sink sink = diag_sink_to(call->err);
    *self = (hub_base) {0};
    if (!hub_home_open(&self->home, call->home, &sink, &code, why))
        return cli_fail(call, code, "%s", why);
    if (self->home.conf.database[0]) {
        code = hub_base_environment(call, &self->home.conf);
        if (code != CLI_DONE)
            hub_base_close(self);
        return code;
    }
    identity_forget_postgres();
    cluster_error error = cluster_open(&self->cluster, self->home.home.path, reason, sizeof reason);
    if (error == CLUSTER_OK)
        return CLI_DONE;
    hub_base_close(self);
    return cli_fail(call, cluster_exit_code(error), "%s", reason);
}

void hub_base_store_options(const hub_base *self, store_use use, store_options *options)
{
    const hub_conf *conf = &self->home.conf;
    const char *login = use == STORE_INGEST ? conf->database_ingest : use == STORE_REPORT ? conf->database_report : "";
    *options = (store_options) {
        .pepper = self->home.keys->pepper,
        .conninfo = self->cluster ? cluster_conninfo(self->cluster) : conf->database,
        .use = use,
        .login = !self->cluster && login[0] ? login : NULL,
        .own_cluster = self->cluster != NULL,
        .stable_at_commit = self->home.conf.stable_at_commit,
        .stable_on_standby = self->home.conf.stable_on_standby,
    };
    memcpy(options->hub, self->home.keys->fingerprint, sizeof options->hub);
}

int hub_base_open(hub_base *self, cli_call *call)
{
    return hub_base_open_for(self, call, STORE_OWNER);
}

int hub_base_open_for(hub_base *self, cli_call *call, store_use use)
{
    int code = hub_base_open_home(self, call);
    if (code != CLI_DONE)
        return code;
    store_options options;
    hub_base_store_options(self, use, &options);
    database_error error = store_open(&self->store, &options);
    if (error == DATABASE_OK)
        return CLI_DONE;
    code = hub_base_fail(self, call, error);
    hub_base_close(self);
    return code;
}

void hub_base_close(hub_base *self)
{
    store_destroy(&self->store);
    cluster_close(&self->cluster);
    hub_home_close(&self->home);
}

int hub_base_run(cli_call *call, size_t memory_bytes, int (*run)(cli_call *call, hub_base *base, arena *memory))
{
    hub_base base;
    int code = hub_base_open(&base, call);
    if (code != CLI_DONE)
        return code;
    arena *memory = arena_new(memory_bytes);
    code = memory ? run(call, &base, memory) : hub_base_no_memory(call);
    arena_destroy(&memory);
    hub_base_close(&base);
    return code;
}

int hub_base_fail(const hub_base *self, cli_call *call, database_error error)
{
    if (error == DATABASE_NO_MEMORY || !self->store)
        return hub_base_no_memory(call);
    return cli_fail(call, database_exit_code(error), "%s", store_explain(self->store));
}

const char *hub_base_plural(uint64_t count)
{
    return count > 1 ? "s" : "";
}

int hub_base_no_memory(cli_call *call)
{
    return cli_fail(call, CLI_FAULT, "la mémoire manque ; fermez d’autres programmes et recommencez");
}

int hub_base_json(cli_call *call, json_t *what)
{
    FILE *to = cli_output(call);
    bool good = what && (json_dumpf(what, to, 0) == 0 || ferror(to)); /* what the stream could not take, cli says */
    json_decref(what);
    if (!good)
        return hub_base_no_memory(call);
    fputc('\n', to);
    return CLI_DONE;
}
