/*
 * hub_backup: `ctai-hub backup FILE`: the database as of one snapshot, whole or not at all. With `stable = later` what it
 * holds becomes stable once the file is in its place, not before.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "hub_base.h"
#include "hub_commands.h"
#include "hub_contents.h"
#include "identity.h"
#include "oserror.h"

enum { MEMORY_BYTES = 16 * 1024 * 1024 };

/* The lines of hub.conf that say something, without those of the database, which may hold a password. */
static bool keep_settings(const hub_conf *conf, arena *memory, backup_manifest *manifest)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return false;
    hub_conf_write(conf, to);
    bool good = fclose(to) == 0 && (manifest->settings = arena_take(memory, sizeof *manifest->settings * (HUB_CONF_ADDRESSES_MAX + 16)));
    for (char *line = text, *end; good && line && *line; line = end + 1) {
        end = strchr(line, '\n');
        if (!end)
            break;
        if (end == line || *line == '#' || strncmp(line, "database", 8) == 0 ||
            manifest->setting_count == HUB_CONF_ADDRESSES_MAX + 16)
            continue;
        char *copy = arena_text(memory, (text_view){line, (size_t)(end - line)});
        manifest->settings[manifest->setting_count++] = text_of(copy);
        good = copy != NULL;
    }
    free(text);
    return good;
}

typedef struct {
    backup_manifest manifest;
    bool streamed; /* to standard output: nobody knows whether it has arrived */
    bool later;    /* stable = later */
    uint64_t moved;
} made;

static int tell(cli_call *call, const made *self)
{
    const char *name = cli_value(call, "fichier");
    FILE *to = self->streamed ? call->err : call->out;
    if (call->json) {
        json_t *summary = hub_contents_json(&self->manifest, name);
        if (!summary || json_object_set_new(summary, "places_stables", json_integer((json_int_t)self->moved)) != 0 ||
            json_dumpf(summary, to, 0) != 0) {
            json_decref(summary);
            return hub_base_no_memory(call);
        }
        json_decref(summary);
        fputc('\n', to);
        return CLI_DONE;
    }
    if (!self->streamed)
        fprintf(to, "Sauvegarde écrite : %s\n", name);
    hub_contents_tell(&self->manifest, to);
    if (self->later && self->streamed)
        fputs("Rien n’est devenu stable : le hub ne sait pas si ce qu’il a écrit sur la sortie standard est gardé.\n", to);
    else if (self->later)
        fputs("Ce qu’elle contient est désormais stable : les agents peuvent l’oublier. Mettez-la à l’abri sur une autre machine.\n", to);
    fputs("Gardez le poivre et les clés (« ctai-hub bundle ») à part : réunis à la sauvegarde, ils affaiblissent sa protection.\n",
          to);
    return CLI_DONE;
}

/* The file is complete: it takes its place, and only then is anything stable. */
static int finish(cli_call *call, hub_base *base, made *self)
{
    const char *name = cli_value(call, "fichier");
    self->streamed = strcmp(name, "-") == 0;
    self->later = !base->home.conf.stable_at_commit && !base->home.conf.stable_on_standby;
    int problem = identity_put_output(call);
    if (problem != 0)
        return cli_fail(call, CLI_CANNOT_WRITE, "impossible d’écrire le fichier %s : %s", name, oserror_text(problem));
    if (self->later && !self->streamed) {
        database_error error = store_backup_stable(base->store, &self->manifest, &self->moved);
        if (error != DATABASE_OK) {
            cli_say(call, "la sauvegarde est écrite (%s), mais rien n’est devenu stable", name);
            return hub_base_fail(base, call, error);
        }
    }
    return tell(call, self);
}

static int run(cli_call *call, hub_base *base, arena *memory)
{
    made self = {.moved = 0};
    store_backup snapshot;
    progress shown;
    char why[BACKUP_WHY_MAX];
    database_error error = store_backup_begin(base->store, memory, &snapshot, &self.manifest);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    progress_start(&shown, call->err, call->terminal, "Sauvegarde (Mio)");
    backup_error failed = keep_settings(&base->home.conf, memory, &self.manifest)
                              ? backup_write(&snapshot, &self.manifest, &base->home.keys->sign, cli_output(call), &shown, why)
                              : BACKUP_NO_MEMORY;
    progress_end(&shown);
    store_backup_end(base->store, &snapshot);
    if (failed == BACKUP_NO_MEMORY)
        return hub_base_no_memory(call);
    return failed == BACKUP_OK ? finish(call, base, &self) : cli_fail(call, backup_exit_code(failed), "%s", why);
}

int hub_backup_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, run);
}
