/*
 * hub_serve: `ctai-hub serve`: the daemon. It owns the home (its lock); threads: this one (socket and
 * sessions), libzmq's, the ZAP handler, the writers, the watch, the consolidator's.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "consolidator.h"
#include "hub_base.h"
#include "hub_commands.h"
#include "hub_link.h"
#include "logline.h"
#include "oserror.h"
#include "watch.h"

/* A descriptor that is readable once somebody asks us to end. Before any thread is made, so for all of them. */
static int catch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int bind_failed(cli_call *call, const endpoint *listen)
{
    int error = errno;
    char text[ENDPOINT_TEXT];
    endpoint_text(listen, text);
    if (error == EADDRINUSE)
        return cli_fail(call, CLI_CONFIGURATION,
                        "l’adresse %s est déjà prise par un autre programme : arrêtez-le, ou changez « listen » dans "
                        "hub.conf", text);
    if (error == EADDRNOTAVAIL || error == ENODEV || error == EINVAL || error == EAFNOSUPPORT)
        return cli_fail(call, CLI_CONFIGURATION,
                        "l’adresse %s n’est pas une adresse de cette machine : corrigez « listen » dans "
                        "hub.conf", text);
    if (error == EACCES || error == EPERM)
        return cli_fail(call, CLI_CONFIGURATION,
                        "le port de %s est réservé : choisissez-en un au-dessus de 1023 dans hub.conf "
                        "(« listen »)", text);
    return cli_fail(call, CLI_FAULT, "impossible d’écouter à %s : %s", text, oserror_text(error));
}

/* Whom the watch tells. */
typedef struct {
    hub_link *link;
    const hub_base *base;
    consolidator *cells;
} listener;

static void changed(void *whom)
{
    hub_link_changed(((listener *) whom)->link);
    consolidator_wake(((listener *) whom)->cells);
}

/* A private cluster that somebody has killed is started again: to open it once more does that. */
static void away(void *whom)
{
    const hub_base *base = ((listener *) whom)->base;
    cluster *again = NULL;
    char why[CLUSTER_EXPLANATION_MAX];
    if (base->cluster && cluster_open(&again, base->home.home.path, why, sizeof why) != CLUSTER_OK)
        logline(LOGLINE_ERROR, "the private cluster cannot be started: %s", why);
    cluster_close(&again);
}

static int run(cli_call *call, hub_base *self, hub_link *link, consolidator *cells, watch *seen, int stop)
{
    listener whom = {link, self, cells};
    if (!hub_home_write_endpoint(&self->home, hub_link_endpoint(link)))
        logline(LOGLINE_WARNING, "the bound address cannot be written to the home");
    if (!watch_start(seen, changed, away, &whom))
        return cli_fail(call, CLI_FAULT, "un fil d’exécution n’a pas pu démarrer");
    logline(LOGLINE_NOTICE, "ready: listening on %s, fingerprint %s", hub_link_endpoint(link),
            self->home.keys->fingerprint);
    logline_notify("READY=1");
    bool good = hub_link_run(link, stop);
    watch_stop(seen);
    logline_notify("STOPPING=1");
    logline(LOGLINE_NOTICE, "stopping");
    if (good)
        return CLI_DONE;
    return cli_fail(call, CLI_FAULT,
                    "l’enregistrement des envois a échoué plusieurs fois de suite ; rien n’est perdu, les "
                    "agents les gardent. Voyez le journal");
}

static int serve(cli_call *call, hub_base *self, int stop)
{
    char why[DATABASE_EXPLANATION_MAX];
    database_error error = DATABASE_NO_MEMORY;
    store_options options;
    hub_base_store_options(self, STORE_INGEST, &options);
    gate *who = gate_new();
    watch *seen = who ? watch_new(&options, who, &error, why, sizeof why) : NULL;
    hub_link *link = NULL;
    consolidator *cells = NULL;
    int code = CLI_DONE;
    if (!seen)
        code = cli_fail(call, who ? database_exit_code(error) : CLI_FAULT, "%s",
                        who ? why : "la mémoire manque");
    if (code == CLI_DONE && !(cells = consolidator_new(&options)))
        code = cli_fail(call, CLI_FAULT, "un fil d’exécution n’a pas pu démarrer");
    options.committed = consolidator_wake;
    options.whom = cells;
    if (code == CLI_DONE) {
        link = hub_link_new(&(hub_link_options) {
            .listen = &self->home.conf.listen,
            .keys = self->home.keys,
            .who = who,
            .writers = self->home.conf.writers,
            .store = &options,
        });
        code = link ? run(call, self, link, cells, seen, stop) : bind_failed(call, &self->home.conf.listen);
    }
    watch_destroy(&seen);
    hub_link_destroy(&link);
    consolidator_destroy(&cells);
    gate_destroy(&who);
    return code;
}

/* The home's lock: one serve a home. */
static int take_lock(cli_call *call, hub_base *self)
{
    char why[HUB_HOME_WHY_MAX];
    home_error error = home_take(&self->home.home);
    if (error == HOME_OK)
        return CLI_DONE;
    home_explain(error, call->home, why, sizeof why);
    return cli_fail(call, CLI_CONFIGURATION, "%s", why);
}

/*
 * What is large goes back to the system as soon as it is freed, and few threads keep heaps of their own: the hub's
 * memory then follows what is inside, and does not stay at the most that there ever was.
 */
static void keep_memory_small(void)
{
    enum { LARGE_BYTES = 64 * 1024, HEAPS = 2 };
    (void) mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void) mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
    (void) mallopt(M_ARENA_MAX, HEAPS);
}

int hub_serve_run(cli_call *call)
{
    hub_base self;
    keep_memory_small();
    int stop = catch_signals();
    if (stop < 0)
        return cli_fail(call, CLI_FAULT, "un appel au système a échoué : %s", oserror_text(errno));
    int code = hub_base_open_home(&self, call);
    if (code == CLI_DONE) {
        code = take_lock(call, &self);
        if (code == CLI_DONE)
            code = serve(call, &self, stop);
        hub_base_close(&self);
    }
    close(stop);
    if (code == CLI_DONE)
        logline(LOGLINE_NOTICE, "stopped");
    return code;
}
