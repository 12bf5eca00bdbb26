/*
 * hub_restore: `ctai-hub restore FILE`: a backup into the database of the hub whose it is. Nothing is touched before the
 * file is verified to its last byte and the database is found to be one that may be replaced; then all of it takes the
 * place of what was there in one transaction.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "hub_base.h"
#include "hub_commands.h"
#include "hub_contents.h"
#include "hub_restore.h"
#include "identity.h"
#include "migrate.h"

const cli_option hub_restore_options[] = {
    {.name = "replace", .kind = CLI_FLAG, .help = "remplace ce que la base contient"},
    {.name = NULL},
};

/* The home, and its lock: a serve of this home would go on with what is no more. */
static int open_home(cli_call *call, hub_base *self)
{
    int code = CLI_DONE;
    char why[HUB_HOME_WHY_MAX];
    diag_sink sink = diag_sink_to(call->err);
    if (!hub_home_open(&self->home, call->home, &sink, &code, why))
        return cli_fail(call, code, "%s", why);
    home_error error = home_take(&self->home.home);
    if (error == HOME_OK)
        return CLI_DONE;
    if (error == HOME_LOCKED)
        return cli_fail(call, CLI_CONFIGURATION, "« ctai-hub serve » tourne : arrêtez-le avant de rendre une sauvegarde");
    home_explain(error, call->home, why, sizeof why);
    return cli_fail(call, CLI_CONFIGURATION, "%s", why);
}

int hub_restore_verify(cli_call *call, const hub_base *self, const char *name, arena *memory, backup_manifest *manifest)
{
    char why[BACKUP_WHY_MAX];
    progress shown;
    const cli_file *file = cli_input(call, name);
    if (!file->file)
        return cli_bad_file(call, file);
    progress_start(&shown, call->err, call->terminal, "Vérification");
    backup_error error = backup_verify(file->file, memory, self->home.keys->fingerprint, self->home.keys->sign.public_key,
                                       manifest, &shown, why);
    progress_end(&shown);
    if (error != BACKUP_OK)
        return cli_fail(call, backup_exit_code(error), "%s : %s", file->name, why);
    for (unsigned i = 0; i < manifest->file_count; i++)
        if (!migrate_carries(manifest->files[i].name, manifest->files[i].checksum))
            return cli_fail(call, CLI_CONFIGURATION,
                            "%s : la sauvegarde vient d’une version plus récente du programme (%.*s ; %.*s) : installez-la",
                            file->name, (int)manifest->program.size, manifest->program.at, (int)manifest->files[i].name.size,
                            manifest->files[i].name.at);
    return CLI_DONE;
}

static database_error open_store(hub_base *self, bool claim)
{
    store_options options;
    hub_base_store_options(self, STORE_OWNER, &options);
    options.claim = claim;
    database_error error = store_open(&self->store, &options);
    return error;
}

/* The database, made anew when a home has lost its own. One of nobody becomes ours, one of another hub stays its own. */
static int open_database(cli_call *call, hub_base *self)
{
    char why[CLUSTER_EXPLANATION_MAX], data[PATH_MAX];
    if (!self->home.conf.database[0]) {
        identity_forget_postgres();
        cluster_error failed = CLUSTER_OK;
        if (home_path(&self->home.home, "postgres", data) && access(data, F_OK) != 0)
            failed = cluster_create(self->home.home.path, why, sizeof why);
        if (failed == CLUSTER_OK)
            failed = cluster_open(&self->cluster, self->home.home.path, why, sizeof why);
        if (failed != CLUSTER_OK)
            return cli_fail(call, cluster_exit_code(failed), "%s", why);
    }
    int code = hub_base_environment(call, &self->home.conf);
    if (code != CLI_DONE)
        return code;
    database_error error = open_store(self, true);
    return error == DATABASE_OK ? CLI_DONE : hub_base_fail(self, call, error);
}

/* What would be lost, scope by scope. */
static void tell_positions(cli_call *call, const store_backup_target *target, const backup_manifest *manifest)
{
    for (unsigned i = 0; i < target->scope_count; i++) {
        uint64_t held = 0;
        for (unsigned k = 0; k < manifest->scope_count; k++)
            if (strcmp(target->scopes[i].scope, manifest->scopes[k].scope) == 0)
                held = manifest->scopes[k].position;
        cli_say(call, "périmètre %s : la base est à la position %" PRIu64 " de son registre, la sauvegarde à la position %" PRIu64,
                target->scopes[i].scope, target->scopes[i].position, held);
    }
}

static int check_target(cli_call *call, const store_backup_target *target, const backup_manifest *manifest, bool replace)
{
    if (target->users > 0)
        return cli_fail(call, CLI_CONFIGURATION,
                        "%u connexion%s d’un hub ou d’une autre commande %s encore de cette base : arrêtez-les (un second hub "
                        "aussi)", target->users, hub_base_plural(target->users), target->users > 1 ? "se servent" : "se sert");
    if (target->empty)
        return CLI_DONE;
    tell_positions(call, target, manifest);
    if (replace)
        return CLI_DONE;
    return cli_fail(call, CLI_CONFIGURATION,
                    "la base n’est pas vide ; rien n’a changé. Pour mettre la sauvegarde à sa place : --replace (gardez d’abord "
                    "ce qu’elle a par « ctai-hub backup »)");
}

int hub_restore_load(cli_call *call, hub_base *self, const char *name, bool replace, arena *memory,
                     const backup_manifest *manifest)
{
    char why[BACKUP_WHY_MAX];
    store_backup_target target;
    progress shown;
    database_error error = store_backup_look(self->store, memory, &target);
    int code = error == DATABASE_OK ? check_target(call, &target, manifest, replace) : hub_base_fail(self, call, error);
    store_destroy(&self->store);
    if (code == CLI_DONE) {
        progress_start(&shown, call->err, call->terminal, "Restauration");
        backup_error failed = backup_load(cli_input(call, name)->file, manifest, &target, &shown, why);
        progress_end(&shown);
        if (failed != BACKUP_OK)
            code = cli_fail(call, backup_exit_code(failed), "%s", why);
    }
    if (target.service >= 0)
        close(target.service);
    if (code != CLI_DONE)
        return code;
    error = open_store(self, false); /* brings an older schema up to date */
    return error == DATABASE_OK ? CLI_DONE : hub_base_fail(self, call, error);
}

static int tell(cli_call *call, const backup_manifest *manifest)
{
    const char *name = cli_input(call, "fichier")->name;
    if (call->json)
        return hub_base_json(call, hub_contents_json(manifest, name));
    fprintf(call->out, "Sauvegarde rendue : %s\n", name);
    hub_contents_tell(manifest, call->out);
    if (manifest->setting_count)
        fputs("Réglages d’alors, à comparer avec hub.conf (qui n’a pas changé) :\n", call->out);
    for (unsigned i = 0; i < manifest->setting_count; i++)
        fprintf(call->out, "  %.*s\n", (int)manifest->settings[i].size, manifest->settings[i].at);
    fputs("Ensuite :\n"
          "  1. ctai-hub serve : les agents renvoient d’eux-mêmes ce qu’ils ont gardé depuis ;\n"
          "  2. demandez à chaque opérateur un envoi complet (push) : il rétablit ce que son agent avait déjà oublié ;\n"
          "  3. refaites ce qui a été fait ici depuis la sauvegarde : contrats, admissions, révocations, purges.\n",
          call->out);
    return CLI_DONE;
}

int hub_restore_run(cli_call *call)
{
    hub_base self = {.home = {.home = {.folder = -1, .lock = -1}}};
    backup_manifest manifest;
    arena *memory = arena_new(HUB_RESTORE_MEMORY_BYTES);
    int code = memory ? open_home(call, &self) : hub_base_no_memory(call);
    if (code == CLI_DONE)
        code = hub_restore_verify(call, &self, "fichier", memory, &manifest);
    if (code == CLI_DONE)
        code = open_database(call, &self);
    if (code == CLI_DONE)
        code = hub_restore_load(call, &self, "fichier", cli_given(call, "replace"), memory, &manifest);
    if (code == CLI_DONE)
        code = tell(call, &manifest);
    hub_base_close(&self);
    arena_destroy(&memory);
    return code;
}
