/*
 * hub_doctor: `ctai-hub doctor`: the health of this hub: its files, its machine, its database, the way of the agents to it.
 * Nothing is changed; it works beside a running `serve`, and when the database does not answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checkup.h"
#include "doctor.h"
#include "hub_base.h"
#include "hub_commands.h"
#include "hub_link.h"
#include "identity.h"
#include "reach.h"

enum { FILES_WANTED = 4096, TCP_TIMEOUT_MS = 2000, BACKUP_DAYS = 7 };

typedef struct {
    cli_call *call;
    hub_home home;
    cluster *cluster;
    database connection;
    checkup found;
    bool open, answers;           /* the home; the database */
    bool serves;                  /* somebody has the home's lock */
    char home_why[HUB_HOME_WHY_MAX], why[CLUSTER_EXPLANATION_MAX];
} patient;

/* --- what the checks look at --- */

static void open_database(patient *self)
{
    database_error error = DATABASE_OK;
    if (hub_base_environment(self->call, &self->home.conf) != CLI_DONE) {
        snprintf(self->why, sizeof self->why, "la variable PGPASSWORD porte un mot de passe ; retirez-la");
        return;
    }
    if (!self->home.conf.database[0]) {
        identity_forget_postgres();
        if (cluster_open(&self->cluster, self->home.home.path, self->why, sizeof self->why) != CLUSTER_OK)
            return;
    }
    error = database_open(&self->connection, self->cluster ? cluster_conninfo(self->cluster) : self->home.conf.database);
    if (error == DATABASE_OK)
        error = checkup_read(&self->connection, &self->found);
    self->answers = error == DATABASE_OK;
    if (!self->answers)
        snprintf(self->why, sizeof self->why, "%s", self->connection.explanation);
}

static void open_all(patient *self)
{
    int code;
    diag_sink sink = diag_sink_to(self->call->err);
    self->open = hub_home_open(&self->home, self->call->home, &sink, &code, self->home_why);
    if (!self->open)
        return;
    self->serves = home_taken(&self->home.home);
    open_database(self);
}

static void close_all(patient *self)
{
    database_close(&self->connection);
    cluster_close(&self->cluster);
    hub_home_close(&self->home);
}

/* --- the checks --- */

static void look_at_files(doctor *to, void *of)
{
    const patient *self = of;
    doctor_files(to, self->call->home);
}

static void look_at_limits(doctor *to, void *of)
{
    doctor_limits(to, FILES_WANTED);
}

static void look_at_clock(doctor *to, void *of)
{
    const patient *self = of;
    doctor_clock(to);
    if (self->answers)
        doctor_clock_against(to, self->found.clock, "de la base de données");
}

static void look_at_disk(doctor *to, void *of)
{
    const patient *self = of;
    doctor_disk(to, self->call->home);
}

static void look_at_configuration(doctor *to, void *of)
{
    const patient *self = of;
    if (!self->open)
        doctor_say(to, DOCTOR_WRONG, self->call->home, "corrigez d’abord ce qui précède ; à défaut, remettez le fichier depuis une sauvegarde",
                   "le hub ne s’ouvre pas : %s", self->home_why);
    else
        doctor_fine(to, "hub.conf se lit, les clés sont là ; empreinte du hub : %s", self->home.keys->fingerprint);
}

static void look_at_versions(doctor *to, void *of)
{
    const patient *self = of;
    char text[200];
    bool good = hub_link_versions(text, sizeof text);
    doctor_say(to, good ? DOCTOR_OK : DOCTOR_DOUBT, NULL, good ? NULL : "mettez à jour les paquets du système", "ctai-hub %s, %s%s%s%s",
               CTAI_VERSION, text, self->answers ? ", PostgreSQL " : "", self->answers ? self->found.server : "",
               good ? "" : " : une bibliothèque est plus ancienne que celles avec lesquelles le programme est éprouvé");
    if (self->answers && self->found.server_number < 150000)
        doctor_say(to, DOCTOR_WRONG, NULL, "installez PostgreSQL 15 ou plus récent", "PostgreSQL %s est trop ancien", self->found.server);
}

static void look_at_database(doctor *to, void *of)
{
    const patient *self = of;
    const checkup *found = &self->found;
    if (!self->open)
        return;
    if (!self->answers) {
        doctor_say(to, DOCTOR_WRONG, self->home.conf.database[0] ? "hub.conf, database" : self->call->home,
                   "voyez le journal de PostgreSQL, la place sur son disque, et la ligne database de hub.conf ; les agents gardent ce "
                   "qu’ils ont à envoyer", "la base de données ne répond pas : %s", self->why);
        return;
    }
    if (!found->durable)
        doctor_say(to, DOCTOR_WRONG, "postgresql.conf", "remettez fsync, full_page_writes et synchronous_commit à on",
                   "la base confirme des écritures qui ne sont pas sur le disque : une coupure de courant perdrait des envois confirmés");
    if (!found->utf8)
        doctor_say(to, DOCTOR_WRONG, NULL, "refaites la base avec l’encodage UTF8", "la base n’est pas en UTF-8");
    if (found->recovery)
        doctor_say(to, DOCTOR_WRONG, "hub.conf, database", "ajoutez target_session_attrs=read-write, avec les deux hôtes",
                   "le hub est connecté à une base secondaire, où rien ne peut être écrit");
    if (!self->cluster && !found->local && !found->encrypted)
        doctor_say(to, DOCTOR_DOUBT, "hub.conf, database", "ajoutez sslmode=verify-full à la ligne database, et un certificat au serveur",
                   "la liaison avec la base passe par le réseau sans chiffrement");
    if (!self->cluster && found->superuser)
        doctor_say(to, DOCTOR_DOUBT, "hub.conf, database", "donnez au hub un rôle à lui, sans SUPERUSER",
                   "le hub se connecte à la base avec tous les droits");
    if (!found->checksums)
        doctor_say(to, DOCTOR_DOUBT, NULL, "activez-les, la base arrêtée : pg_checksums --enable",
                   "la base n’a pas de sommes de contrôle : un disque qui se trompe ne se verrait pas");
    if (found->connections * 10 > found->connections_max * 9)
        doctor_say(to, DOCTOR_DOUBT, "postgresql.conf", "relevez max_connections", "%d connexions sont prises sur %d", found->connections,
                   found->connections_max);
}

static void look_at_schema(doctor *to, void *of)
{
    const patient *self = of;
    const checkup *found = &self->found;
    if (!self->answers)
        return;
    if (!found->prepared)
        doctor_say(to, DOCTOR_WRONG, "hub.conf, database", "vérifiez que la ligne database mène à la bonne base",
                   "cette base n’est celle d’aucun hub");
    else if (found->schema_newer || found->schema_other)
        doctor_say(to, DOCTOR_WRONG, NULL, "installez la version du programme qui l’a préparée, ou une plus récente",
                   "la base a été préparée par une autre version du programme");
    else if (found->schema_older)
        doctor_say(to, DOCTOR_DOUBT, NULL, "sauvegardez la base ; la prochaine commande, ou le prochain serve, fera la mise à jour",
                   "la base est d’une version plus ancienne du programme");
    else if (!crypto_fingerprint_equal(found->hub, self->home.keys->fingerprint))
        doctor_say(to, DOCTOR_WRONG, "hub.conf, database", "vérifiez la ligne database ; un second hub se fait avec « init --join »",
                   "cette base est celle d’un autre hub");
    else
        doctor_fine(to, "la base est celle de ce hub, à la version du programme ; contrats : %d, agents : %d, place : %.0f Mio",
                    found->contracts, found->agents, found->bytes / (1024.0 * 1024.0));
}

/* Only this machine? */
static bool is_loopback(const endpoint *at)
{
    return strncmp(at->host, "127.", 4) == 0 || strcmp(at->host, "[::1]") == 0 || strcmp(at->host, "localhost") == 0;
}

/* Brackets of IPv6 taken off. */
static void bare_host(const endpoint *at, char host[ENDPOINT_HOST])
{
    size_t size = strlen(at->host);
    bool bracketed = at->host[0] == '[' && size > 2;
    snprintf(host, ENDPOINT_HOST, "%.*s", (int) (bracketed ? size - 2 : size), at->host + (bracketed ? 1 : 0));
}

static void look_at_port(doctor *to, void *of)
{
    const patient *self = of;
    endpoint listen = self->home.conf.listen, bound;
    char where[ENDPOINT_TEXT], host[ENDPOINT_HOST], address[REACH_ADDRESS];
    if (!self->open)
        return;
    if (listen.port == 0 && hub_home_read_endpoint(&self->home, &bound))
        listen.port = bound.port;
    endpoint_text(&listen, where);
    if (listen.port == 0) {
        doctor_say(to, DOCTOR_DOUBT, where, "écrivez un port précis dans hub.conf (listen = tcp://*:5670), que les pare-feux peuvent laisser passer",
                   "le port n’est pas encore connu : le système le choisira");
        return;
    }
    bare_host(&listen, host);
    reach_outcome outcome = reach_try(listen.any_host ? "localhost" : host, listen.port, TCP_TIMEOUT_MS, address);
    if (outcome == REACH_OPEN && !self->serves)
        doctor_say(to, DOCTOR_WRONG, where, "cherchez lequel (ss -ltnp), arrêtez-le, ou changez la ligne listen de hub.conf",
                   "un autre programme occupe le port %u", listen.port);
    else if (outcome == REACH_OPEN)
        doctor_fine(to, "le hub est en marche, et son port %u répond sur cette machine", listen.port);
    else if (self->serves)
        doctor_say(to, DOCTOR_WRONG, where, "voyez le journal de ctai-hub serve, et le pare-feu de cette machine (nft list ruleset)",
                   "le hub est en marche, mais son port %u ne répond pas depuis cette machine même", listen.port);
    else
        doctor_say(to, DOCTOR_DOUBT, where, "démarrez-le : systemctl start ctai-hub, ou ctai-hub serve", "le hub est arrêté");
    if (is_loopback(&listen))
        doctor_say(to, DOCTOR_DOUBT, where, "écrivez listen = tcp://*:5670 dans hub.conf, ou mettez un relais devant",
                   "le hub n’écoute que sur cette machine : aucun agent d’une autre ne le joint");
    else
        doctor_fine(to, "si un pare-feu protège cette machine, ouvrez-y le port TCP %u en entrée (par exemple : nft add rule inet filter "
                    "input tcp dport %u accept)", listen.port, listen.port);
}

static void look_at_address(doctor *to, const char *text)
{
    endpoint at;
    char host[ENDPOINT_HOST], address[REACH_ADDRESS];
    if (!endpoint_parse(&at, text_of(text)))
        return;
    bare_host(&at, host);
    reach_outcome outcome = reach_try(host, at.port, TCP_TIMEOUT_MS, address);
    if (outcome == REACH_NO_NAME || outcome == REACH_NO_RESOLVER)
        doctor_say(to, DOCTOR_WRONG, text, "faites inscrire ce nom au DNS, ou écrivez « address = tcp://ADRESSE:PORT » dans hub.conf",
                   "les approbations donnent aux agents le nom %s, que le DNS ne connaît pas", host);
    else if (is_loopback(&at) || strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0)
        doctor_say(to, DOCTOR_DOUBT, text, "écrivez « address = tcp://NOM:PORT » dans hub.conf, avec un nom que les opérateurs atteignent, puis "
                   "refaites les approbations", "les approbations donnent aux agents une adresse qui ne mène qu’à cette machine (%s)", address);
    else if (outcome != REACH_OPEN)
        doctor_say(to, DOCTOR_DOUBT, text, "si le hub est en marche, voyez le pare-feu et le relais d’adresses (NAT) ; essayez aussi d’un autre réseau",
                   "l’adresse donnée aux agents, %s (%s), ne répond pas depuis cette machine", host, address);
    else
        doctor_fine(to, "l’adresse donnée aux agents, %s (%s), répond", host, address);
}

static void look_at_addresses(doctor *to, void *of)
{
    const patient *self = of;
    char addresses[HUB_CONF_ADDRESSES_MAX][ENDPOINT_TEXT];
    unsigned count = self->open ? hub_home_addresses(&self->home, addresses) : 0;
    for (unsigned i = 0; i < count; i++)
        look_at_address(to, addresses[i]);
}

static void look_at_roles(doctor *to, void *of)
{
    const patient *self = of;
    if (self->answers && self->found.hub[0] && self->found.roles < CHECKUP_ROLES)
        doctor_say(to, DOCTOR_WRONG, self->found.server, "l’administrateur de la base exécute deploy/roles.sql",
                   "sur les quatre rôles qui séparent les droits dans la base, le hub n’en a que %d", self->found.roles);
}

static void look_at_evaluation(doctor *to, void *of)
{
    const patient *self = of;
    if (!self->answers || !self->found.hub[0])
        return;
    if (self->found.cells_wrong)
        doctor_say(to, DOCTOR_WRONG, self->found.cells_contract,
                   "signalez-le, avec une sauvegarde ; dans la base, DELETE FROM ctai.standing fait recompter les rapports",
                   "cellules de l’évaluation qui ne sont pas ce que donnent les enregistrements : %llu",
                   (unsigned long long) self->found.cells_wrong);
    else
        doctor_fine(to, "les cellules de l’évaluation, comparées, sont ce que donnent les enregistrements");
}

/* Where a batch becomes stable with a backup alone, the oldest that is not says how old the last one is. */
static void look_at_backup(doctor *to, void *of)
{
    const patient *self = of;
    int days = (int) (self->found.unstable_s / 86400);
    bool by_backup = self->open && !self->home.conf.stable_at_commit && !self->home.conf.stable_on_standby;
    if (!self->answers)
        return;
    if (by_backup && days >= BACKUP_DAYS)
        doctor_say(to, DOCTOR_DOUBT, NULL, "faites-la (ctai-hub backup FICHIER), ailleurs que sur cette machine, et chaque jour",
                   "des envois attendent une sauvegarde depuis %d jours ; les agents doivent les garder jusque-là", days);
    else if (by_backup && self->found.unstable_s > 0)
        doctor_fine(to, "des envois attendent une sauvegarde, depuis moins de %d jours", BACKUP_DAYS);
    else if (by_backup)
        doctor_fine(to, "tous les envois sont dans une sauvegarde");
    else
        doctor_fine(to, "le hub ne garde pas trace des sauvegardes : ctai-hub backup FICHIER chaque jour, ailleurs que sur cette machine");
}

static void look_at_agents(doctor *to, void *of)
{
    const patient *self = of;
    if (self->found.forked)
        doctor_say(to, DOCTOR_DOUBT, NULL, "voyez ctai-hub status, puis ctai-hub agent replace",
                   "agents arrêtés parce que deux machines ont leurs clés : %d", self->found.forked);
    if (self->found.alarms)
        doctor_say(to, DOCTOR_DOUBT, NULL, "voyez ctai-hub status", "agents qui ont déclenché une alarme : %d", self->found.alarms);
}

static const doctor_check checks[] = {
    {"droits", "le dossier et ses fichiers sont à leur propriétaire seul", look_at_files},
    {"limites", "fichiers ouverts, mémoire verrouillée, pas de fichiers core", look_at_limits},
    {"configuration", "le hub s’ouvre", look_at_configuration},
    {"disque", "le disque a de la place", look_at_disk},
    {"versions", "les bibliothèques sont assez récentes", look_at_versions},
    {"horloge", "l’horloge est plausible, tenue à l’heure, et d’accord avec la base", look_at_clock},
    {"base", "la base répond, et garde ce qu’elle confirme", look_at_database},
    {"schema", "sans objet tant que la base ne répond pas", look_at_schema},
    {"roles", "les droits sont séparés dans la base", look_at_roles},
    {"evaluation", "sans objet tant que la base ne répond pas", look_at_evaluation},
    {"sauvegarde", "sans objet tant que la base ne répond pas", look_at_backup},
    {"port", "sans objet tant que le hub ne s’ouvre pas", look_at_port},
    {"adresses", "aucune adresse n’est encore donnée aux agents", look_at_addresses},
    {"agents", "aucune alarme", look_at_agents},
    {.name = NULL},
};

int hub_doctor_run(cli_call *call)
{
    patient *self = calloc(1, sizeof *self);
    if (!self)
        return hub_base_no_memory(call);
    self->call = call;
    self->home.home = (home) {.folder = -1, .lock = -1};
    open_all(self);
    int code = doctor_run(call, checks, self);
    close_all(self);
    free(self);
    return code;
}
