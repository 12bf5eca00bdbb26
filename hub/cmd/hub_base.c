/* hub_base: see the header. */
#include "hub_base.h"

#include <string.h>

#include "identity.h"

int hub_base_open_home(hub_base *self, cli_call *call)
{
    int code = CLI_DONE;
    char why[HUB_HOME_WHY_MAX], reason[CLUSTER_EXPLANATION_MAX];
    diag_sink sink = diag_sink_to(call->err);
    *self = (hub_base) {0};
    if (!hub_home_open(&self->home, call->home, &sink, &code, why))
        return cli_fail(call, code, "%s", why);
    if (self->home.conf.database[0])
        return CLI_DONE;
    identity_forget_postgres();
    cluster_error error = cluster_open(&self->cluster, self->home.home.path, reason, sizeof reason);
    if (error == CLUSTER_OK)
        return CLI_DONE;
    hub_base_close(self);
    return cli_fail(call, cluster_exit_code(error), "%s", reason);
}

void hub_base_store_options(const hub_base *self, store_options *options)
{
    *options = (store_options) {
        .conninfo = self->cluster ? cluster_conninfo(self->cluster) : self->home.conf.database,
        .stable_at_commit = self->home.conf.stable_at_commit,
    };
    memcpy(options->pepper, self->home.keys->pepper, sizeof options->pepper);
    memcpy(options->hub, self->home.keys->fingerprint, sizeof options->hub);
}

int hub_base_open(hub_base *self, cli_call *call)
{
    int code = hub_base_open_home(self, call);
    if (code != CLI_DONE)
        return code;
    store_options options;
    hub_base_store_options(self, &options);
    database_error error = store_open(&self->store, &options);
    crypto_wipe(&options, sizeof options);
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

int hub_base_fail(const hub_base *self, cli_call *call, database_error error)
{
    return cli_fail(call, database_exit_code(error), "%s",
                    self->store ? store_explain(self->store) : "la mémoire manque");
}
