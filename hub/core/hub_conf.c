/* hub_conf: a table of names, each with how its value is taken. Errors: diagnostics with the line. */
#include "hub_conf.h"

#include <string.h>

static const char *set_database(hub_conf *self, text_view value)
{
    if (text_is(value, "private"))
        value = text_of("");
    else if (value.size == 0)
        return "il manque la base : « private », ou une chaîne de connexion de PostgreSQL";
    return text_copy(self->database, sizeof self->database, value) ? NULL
        : "la chaîne de connexion est trop longue";
}

static const char *set_login(char to[HUB_CONF_DATABASE_MAX], text_view value)
{
    return text_copy(to, HUB_CONF_DATABASE_MAX, value) ? NULL : "la chaîne de connexion est trop longue";
}

static const char *set_database_ingest(hub_conf *self, text_view value)
{
    return set_login(self->database_ingest, value);
}

static const char *set_database_report(hub_conf *self, text_view value)
{
    return set_login(self->database_report, value);
}

static const char *set_listen(hub_conf *self, text_view value)
{
    return endpoint_parse(&self->listen, value) ? NULL
        : "l’adresse d’écoute doit avoir la forme tcp://ADRESSE:PORT";
}

static const char *set_web(hub_conf *self, text_view value)
{
    /* The form is that of an endpoint without its scheme. */
    char whole[HUB_CONF_WEB_MAX + 8] = "tcp://";
    endpoint parsed;
    if (!text_copy(self->web, sizeof self->web, value) || !text_copy(whole + 6, sizeof whole - 6, value)
        || !endpoint_parse(&parsed, text_of(whole))) {
        self->web[0] = '\0';
        return "l’adresse des pages doit avoir la forme ADRESSE:PORT";
    }
    return NULL;
}

bool hub_conf_announce(hub_conf *self, const endpoint *address)
{
    for (unsigned i = 0; i < self->address_count; i++)
        if (self->addresses[i].port == address->port && strcmp(self->addresses[i].host, address->host) == 0)
            return true;
    if (self->address_count == HUB_CONF_ADDRESSES_MAX)
        return false;
    self->addresses[self->address_count++] = *address;
    return true;
}

static const char *set_address(hub_conf *self, text_view value)
{
    endpoint added;
    if (!endpoint_parse(&added, value) || added.any_host || added.port == 0)
        return "une adresse annoncée aux agents doit avoir la forme tcp://NOM:PORT, avec un nom et un port "
               "précis";
    return hub_conf_announce(self, &added) ? NULL : "il y a trop d’adresses";
}

static const char *set_writers(hub_conf *self, text_view value)
{
    unsigned number = 0;
    for (size_t i = 0; i < value.size && i < 3; i++)
        number = value.at[i] >= '0' && value.at[i] <= '9' ? 10 * number + (unsigned) (value.at[i] - '0') : 1000;
    if (value.size > 2 || number < 1 || number > HUB_CONF_WRITERS_MAX)
        return "le nombre d’écrivains doit être un entier de 1 à 16";
    self->writers = number;
    return NULL;
}

static const char *set_stable(hub_conf *self, text_view value)
{
    if (!text_is(value, "commit") && !text_is(value, "standby") && !text_is(value, "later"))
        return "« stable » vaut « commit » (dès l’enregistrement), « standby » (quand la base secondaire l’a) ou "
               "« later » (quand la sauvegarde l’a)";
    self->stable_at_commit = text_is(value, "commit");
    self->stable_on_standby = text_is(value, "standby");
    return NULL;
}

static const char *set_threshold(hub_conf *self, text_view value)
{
    unsigned number = 0;
    for (size_t i = 0; i < value.size && i < 5; i++)
        number = value.at[i] >= '0' && value.at[i] <= '9' ? 10 * number + (unsigned) (value.at[i] - '0') : 100000;
    if (value.size == 0 || value.size > 4 || number < HUB_CONF_THRESHOLD_MIN || number > HUB_CONF_THRESHOLD_MAX)
        return "le seuil du secret doit être un entier de 3 à 1000";
    self->threshold = number;
    return NULL;
}

static const char *set_strict(hub_conf *self, text_view value)
{
    if (!text_is(value, "yes") && !text_is(value, "no"))
        return "« strict » vaut « yes » ou « no »";
    self->strict = text_is(value, "yes");
    return NULL;
}

static const char *set_publisher(hub_conf *self, text_view value)
{
    return text_copy(self->publisher, sizeof self->publisher, value) ? NULL : "le nom de qui publie est trop long";
}

static const char *set_homepage(hub_conf *self, text_view value)
{
    bool web = value.size == 0 || (value.size > 8 && memcmp(value.at, "https://", 8) == 0) || (value.size > 7 && memcmp(value.at, "http://", 7) == 0);
    for (size_t i = 0; i < value.size; i++)
        web &= value.at[i] > ' ' && (unsigned char) value.at[i] < 0x7F && !strchr("<>\"{}|\\^`", value.at[i]);
    return web && text_copy(self->homepage, sizeof self->homepage, value) ? NULL : "cette adresse doit être de la forme https://site/chemin";
}

static const struct {
    const char *name;
    const char *(*set)(hub_conf *self, text_view value); /* NULL, or what is wrong */
    bool repeats;
} entries[] = {
    { "database", set_database, false },
    { "database_ingest", set_database_ingest, false },
    { "database_report", set_database_report, false },
    { "listen", set_listen, false },
    { "web", set_web, false },
    { "address", set_address, true },
    { "writers", set_writers, false },
    { "stable", set_stable, false },
    { "threshold", set_threshold, false },
    { "strict", set_strict, false },
    { "publisher", set_publisher, false },
    { "homepage", set_homepage, false },
};
enum { ENTRY_COUNT = sizeof entries / sizeof *entries };

void hub_conf_init(hub_conf *self)
{
    *self = (hub_conf) { .writers = 2, .stable_at_commit = true, .threshold = 11 };
    bool parsed = endpoint_parse(&self->listen, text_of(HUB_CONF_LISTEN_DEFAULT));
    (void) parsed;
}

static int find_entry(text_view name)
{
    for (int i = 0; i < ENTRY_COUNT; i++)
        if (text_is(name, entries[i].name))
            return i;
    return -1;
}

/* No value may end a line, or hide another behind a NUL. */
static bool is_one_line(text_view value)
{
    for (size_t i = 0; i < value.size; i++)
        if ((unsigned char) value.at[i] < ' ' && value.at[i] != '\t')
            return false;
    return true;
}

bool hub_conf_set(hub_conf *self, const char *name, text_view value, const char **reason)
{
    int entry = find_entry(text_of(name));
    if (entry < 0)
        *reason = "ce nom n’est pas connu";
    else if (!is_one_line(value) || !text_is_utf8(value))
        *reason = "la valeur doit tenir sur une ligne, en UTF-8, sans caractère de commande";
    else
        *reason = entries[entry].set(self, value);
    return *reason == NULL;
}

static void unknown_name(diag_sink *sink, diag where, text_view name)
{
    const char *names[ENTRY_COUNT];
    for (int i = 0; i < ENTRY_COUNT; i++)
        names[i] = entries[i].name;
    const char *near = text_nearest(name, names, ENTRY_COUNT);
    if (near)
        diag_emitf(sink, &where, "ce nom n’est pas connu ; vouliez-vous dire « %s » ?", near);
    else
        diag_emitf(sink, &where, "ce nom n’est pas connu");
}

static void read_line(hub_conf *self, text_view line, diag where, bool *seen, diag_sink *sink)
{
    line = text_trim(line);
    if (line.size == 0 || line.at[0] == '#')
        return;
    const char *equals = memchr(line.at, '=', line.size);
    if (!equals) {
        where.remedy = "écrivez « nom = valeur », ou # au début d’un commentaire";
        diag_emitf(sink, &where, "cette ligne n’a pas la forme « nom = valeur »");
        return;
    }
    text_view name = text_trim((text_view) { line.at, (size_t) (equals - line.at) });
    text_view value = text_trim((text_view) { equals + 1, (size_t) (line.at + line.size - equals - 1) });
    int entry = find_entry(name);
    if (entry < 0) {
        unknown_name(sink, where, name);
        return;
    }
    where.field = entries[entry].name;
    const char *reason = NULL;
    if (seen[entry] && !entries[entry].repeats)
        diag_emitf(sink, &where, "ce nom a déjà une valeur plus haut");
    else if (!hub_conf_set(self, entries[entry].name, value, &reason))
        diag_emitf(sink, &where, "%s", reason);
    seen[entry] = true;
}

bool hub_conf_read(hub_conf *self, const char *file, text_view text, diag_sink *sink)
{
    bool seen[ENTRY_COUNT] = {0};
    unsigned long errors = sink->count[DIAG_ERROR];
    hub_conf_init(self);
    diag where = { .severity = DIAG_ERROR, .file = file, .line = 1 };
    for (size_t at = 0; at < text.size; where.line++) {
        const char *end = memchr(text.at + at, '\n', text.size - at);
        size_t size = end ? (size_t) (end - text.at) - at : text.size - at;
        read_line(self, (text_view) { text.at + at, size }, where, seen, sink);
        at += size + 1;
    }
    return sink->count[DIAG_ERROR] == errors;
}

void hub_conf_write(const hub_conf *self, FILE *to)
{
    char address[ENDPOINT_TEXT];
    fputs("# Configuration du hub CTAI (ctai-hub). Un nom et sa valeur par ligne ; une ligne qui\n"
          "# commence par # est un commentaire. « ctai-hub serve » la lit à son démarrage.\n\n"
          "# La base de données : « private » (un PostgreSQL propre au hub, dans ce dossier), ou une\n"
          "# chaîne de connexion de PostgreSQL.\n", to);
    fprintf(to, "database = %s\n\n", self->database[0] ? self->database : "private");
    fputs("# Pour une base donnée : d’autres connexions, sous des rôles qui ont moins de droits, pour enregistrer les\n"
          "# envois (membre de ctai_ingest) et pour lire les évaluations (membre de ctai_report). Sans elles, le hub\n"
          "# quitte ses droits par SET ROLE : database_ingest = service=ctai-ingest\n", to);
    if (self->database_ingest[0])
        fprintf(to, "database_ingest = %s\n", self->database_ingest);
    if (self->database_report[0])
        fprintf(to, "database_report = %s\n", self->database_report);
    endpoint_text(&self->listen, address);
    fputs("\n# L’adresse à laquelle le hub attend les agents : tcp://ADRESSE:PORT (* : toutes).\n", to);
    fprintf(to, "listen = %s\n\n", address);
    fputs("# Les adresses que les agents reçoivent dans leur approbation, si elles diffèrent de la précédente\n"
          "# (une par ligne) : address = tcp://ctai.exemple.gouv.fr:5670. Quand plusieurs hubs servent une même\n"
          "# base, chacun les donne toutes : un agent essaie la suivante quand l’une ne répond pas.\n", to);
    for (unsigned i = 0; i < self->address_count; i++) {
        endpoint_text(&self->addresses[i], address);
        fprintf(to, "address = %s\n", address);
    }
    fputs("\n# L’adresse des pages, derrière le serveur du site : web = 127.0.0.1:8080\n", to);
    if (self->web[0])
        fprintf(to, "web = %s\n", self->web);
    fputs("\n# Le nombre de connexions qui enregistrent les envois (1 à 16).\n", to);
    fprintf(to, "writers = %u\n\n", self->writers);
    fputs("# Quand un agent peut-il oublier un envoi : commit (dès l’enregistrement), standby (quand la base\n"
          "# secondaire l’a écrit ; le rôle du hub doit être membre de pg_monitor), ou later (dès qu’une sauvegarde,\n"
          "# ctai-hub backup, le contient).\n", to);
    fprintf(to, "stable = %s\n", self->stable_at_commit ? "commit" : self->stable_on_standby ? "standby" : "later");
    fprintf(to, "\n# Les rapports régionaux masquent ce qui porte sur moins de personnes, de ménages ou de faits que ce seuil (3 à\n"
            "# 1000), et ce qui permettrait de le déduire. Avec strict = yes, ils répètent un nombre déjà publié tant qu’il n’a\n"
            "# pas bougé d’autant que le seuil.\nthreshold = %u\nstrict = %s\n", self->threshold, self->strict ? "yes" : "no");
    fputs("\n# Qui publie les données ouvertes (ctai-hub publish), et leur page : publisher = Préfecture du Puy-de-Dôme,\n"
          "# homepage = https://www.data.gouv.fr/...\n", to);
    if (self->publisher[0])
        fprintf(to, "publisher = %s\n", self->publisher);
    if (self->homepage[0])
        fprintf(to, "homepage = %s\n", self->homepage);
}
