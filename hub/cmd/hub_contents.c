/* hub_contents: see the header. */
#include "hub_contents.h"

#include <inttypes.h>

#include "hub_base.h"

static const struct { const char *code, *words; } left_out[] = {
    {"poivre", "le poivre (pepper.key), sans lequel les jetons reçus ne se rapprochent plus des anciens"},
    {"cles_du_hub", "les clés du hub (curve.key, sign.key), sans lesquelles aucun agent ne le reconnaît"},
    {"connexion_base", "les lignes « database » de hub.conf, qui peuvent porter un mot de passe"},
    {"roles_postgresql", "les rôles de PostgreSQL et leurs mots de passe"},
    {"cles_de_liaison", "les clés de liaison et les fichiers des opérateurs, que le hub n’a jamais"},
};

json_t *hub_contents_json(const backup_manifest *manifest, const char *file)
{
    json_t *scopes = json_array(), *out = json_array();
    for (unsigned i = 0; i < manifest->scope_count; i++)
        json_array_append_new(scopes, json_pack("{s:s, s:I}", "perimetre", manifest->scopes[i].scope, "position",
                                                (json_int_t)manifest->scopes[i].position));
    for (unsigned i = 0; i < sizeof left_out / sizeof *left_out; i++)
        json_array_append_new(out, json_string(left_out[i].code));
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:[s, s, s, s], s:o}", "fichier", file, "empreinte",
                     manifest->fingerprint, "faite", manifest->made, "octets", (json_int_t)manifest->dump_bytes, "contrats",
                     (json_int_t)manifest->contracts, "agents", (json_int_t)manifest->agents, "enregistrements",
                     (json_int_t)manifest->records, "perimetres", scopes, "contient", "enregistrements", "registre", "contrats",
                     "admissions", "exclut", out);
}

void hub_contents_tell(const backup_manifest *manifest, FILE *to)
{
    fprintf(to, "Hub %s, le %s.\nContient : %" PRIu64 " contrat%s, %" PRIu64 " agent%s admis, %" PRIu64
            " enregistrement%s avec leur histoire, le registre des envois, les réglages de hub.conf.\n",
            manifest->fingerprint, manifest->made, manifest->contracts, hub_base_plural(manifest->contracts), manifest->agents,
            hub_base_plural(manifest->agents), manifest->records, hub_base_plural(manifest->records));
    for (unsigned i = 0; i < manifest->scope_count; i++)
        fprintf(to, "  périmètre %s : position %" PRIu64 "\n", manifest->scopes[i].scope, manifest->scopes[i].position);
    fputs("Ne contient pas :\n", to);
    for (unsigned i = 0; i < sizeof left_out / sizeof *left_out; i++)
        fprintf(to, "  - %s%s\n", left_out[i].words, i + 1 < sizeof left_out / sizeof *left_out ? " ;" : ".");
}
