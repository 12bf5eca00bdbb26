/* hub_status_keys: see the header. */
#include "hub_status_keys.h"

#include <inttypes.h>

#include "hub_base.h"

static json_t *lags_json(const store_status_lag *lags, unsigned count)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(all, json_pack("{s:s, s:b, s:s, s:I}", "agent", lags[i].agent, "revoque", lags[i].revoked, "contrat",
                                             lags[i].contract, "enregistrements", (json_int_t)lags[i].records));
    return all;
}

void hub_status_keys_add(json_t *to, const store_status_scope *scope)
{
    json_t *keys = json_array();
    for (unsigned i = 0; i < scope->key_count; i++) {
        const store_status_key *one = &scope->keys[i];
        json_array_append_new(keys, json_pack("{s:I, s:s, s:s, s:s, s:I}", "epoque", (json_int_t)one->epoch, "identifiant", one->name,
                                              "depuis", one->since, "close_le", one->closed, "close_a_la_position",
                                              (json_int_t)one->closed_position));
    }
    json_object_set_new(to, "cles", keys);
    json_object_set_new(to, "retards", lags_json(scope->behind, scope->behind_count));
    json_object_set_new(to, "non_rattaches", lags_json(scope->unlinked, scope->unlinked_count));
}

static void tell_lags(const store_status_lag *lags, unsigned count, FILE *to)
{
    for (unsigned i = 0; i < count; i++)
        fprintf(to, "      %s%s, contrat %s : %" PRIu64 " enregistrement%s\n", lags[i].agent, lags[i].revoked ? " (révoqué)" : "",
                lags[i].contract, lags[i].records, hub_base_plural(lags[i].records));
}

void hub_status_keys_tell(const store_status_scope *scope, FILE *to)
{
    for (unsigned i = 0; i < scope->key_count; i++) {
        const store_status_key *one = &scope->keys[i];
        fprintf(to, "    clé de liaison, époque %" PRIu64 " : identifiant %s, depuis %s", one->epoch, one->name, one->since);
        if (one->closed_position)
            fprintf(to, ", close le %s (position %" PRIu64 ")", one->closed, one->closed_position);
        fputc('\n', to);
    }
    if (scope->behind_count) {
        fprintf(to, "    n’ont pas encore suivi, sous l’époque %" PRIu64 " :\n", scope->keys[scope->key_count - 1].epoch);
        tell_lags(scope->behind, scope->behind_count, to);
    }
    if (scope->unlinked_count) {
        fputs("    comptés sans être rattachés aux personnes des autres, faute de la clé en usage :\n", to);
        tell_lags(scope->unlinked, scope->unlinked_count, to);
    }
}
