/*
 * agent_doctor: `ctai-agent doctor`: the health of this agent, from its files to the hub's handshake. It takes nothing that a
 * running `serve` has: what only that knows, it asks of it (status); and it runs with a home that no other command opens.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent_commands.h"
#include "agent_link.h"
#include "control.h"
#include "doctor.h"
#include "oserror.h"
#include "reach.h"

enum {
    MEMORY_BYTES = 4 * 1024 * 1024,
    FILES_WANTED = 1024,
    TCP_TIMEOUT_MS = 3 * 1000,
    HANDSHAKE_MS = 8 * 1000,
    EXPORTS_DAYS = 31,
    SILENT_S = 15 * 60, /* a serve that has heard nothing for so long */
};

typedef struct {
    cli_call *call;
    arena *memory;
    agent_home agent;
    agent_home_result why;     /* not open: why */
    bool open, taken, joined;
    bool served;               /* a serve runs and has answered */
    char trouble[512];         /* why there is no status; "" */
    credential_approval approval;
    json_t *status;            /* of `status --json`; NULL: none */
} patient;

/* --- what the checks look at --- */

static void open_home(patient *self)
{
    self->open = agent_home_open(&self->agent, self->call->home, true, &self->why) == AGENT_HOME_OK;
    self->taken = self->open;
    if (!self->open && self->why.error == AGENT_HOME_HOME && self->why.home_reason == HOME_LOCKED)
        self->open = agent_home_open(&self->agent, self->call->home, false, &self->why) == AGENT_HOME_OK;
    agent_home_result result;
    if (self->open)
        self->joined = agent_home_approval(&self->agent, &self->approval, self->memory, &result) == AGENT_HOME_OK;
}

/* `status --json` with the outbox that is ours meanwhile. */
static int status_here(patient *self, cli_call *asked)
{
    char path[PATH_MAX];
    agent_call own = {.call = *asked, .agent = &self->agent};
    if (!home_path(&self->agent.folder, "etat.sqlite", path))
        return CLI_CONFIGURATION;
    outbox_error error = outbox_open(&own.box, path, NULL);
    if (error != OUTBOX_OK) {
        (void)snprintf(self->trouble, sizeof self->trouble, "la file d’attente ne s’ouvre pas : %s", outbox_error_text(error));
        return CLI_CANNOT_WRITE;
    }
    int code = agent_status_run(&own.call);
    outbox_close(&own.box);
    return code;
}

/* The same of the serve that has it. */
static int status_there(patient *self, cli_call *asked)
{
    int code = CLI_FAULT, deposit = memfd_create("ctai-deposit", MFD_CLOEXEC);
    control_outcome outcome = deposit < 0 ? CONTROL_SYSTEM : control_ask(&self->agent.folder, asked, deposit, &code);
    if (deposit >= 0)
        close(deposit);
    self->served = outcome == CONTROL_ANSWERED;
    if (outcome == CONTROL_NOBODY)
        (void)snprintf(self->trouble, sizeof self->trouble, "une autre commande travaille dans ce dossier ; recommencez quand elle aura fini");
    else if (outcome == CONTROL_OTHER)
        (void)snprintf(self->trouble, sizeof self->trouble, "le service (serve) est d’une autre version que cette commande ; redémarrez-le");
    else if (outcome != CONTROL_ANSWERED)
        (void)snprintf(self->trouble, sizeof self->trouble, "le service (serve) n’a pas répondu : %s", oserror_text(errno));
    return code;
}

static void ask_status(patient *self)
{
    char *text = NULL, *said = NULL;
    size_t size = 0, said_size = 0;
    cli_call asked = *self->call;
    asked.command = cli_find(self->call->program, "status");
    asked.json = true;
    asked.out = open_memstream(&text, &size);
    asked.err = open_memstream(&said, &said_size);
    if (self->open && asked.out != NULL && asked.err != NULL)
        (void)(self->taken ? status_here(self, &asked) : status_there(self, &asked));
    if (self->taken) { /* a serve that starts now shall have it */
        agent_home_close(&self->agent);
        self->open = agent_home_open(&self->agent, self->call->home, false, &self->why) == AGENT_HOME_OK;
    }
    if (asked.out != NULL)
        (void)fclose(asked.out);
    if (asked.err != NULL)
        (void)fclose(asked.err);
    self->status = text == NULL || size == 0 ? NULL : json_loadb(text, size, 0, NULL);
    free(text);
    free(said);
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

/* Seconds since 1970 of the last word from the hub; 0: never, or not known. */
static time_t last_contact(const patient *self)
{
    struct tm parts;
    memset(&parts, 0, sizeof parts);
    const char *text = json_string_value(json_object_get(json_object_get(self->status, "hub"), "dernier_contact"));
    return text != NULL && strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts) != NULL ? timegm(&parts) : 0;
}

static void look_at_clock(doctor *to, void *of)
{
    const patient *self = of;
    doctor_clock(to);
    if (last_contact(self) > time(NULL) + 120)
        doctor_say(to, DOCTOR_WRONG, NULL, "mettez la machine à l’heure (timedatectl set-ntp true)",
                   "l’horloge a reculé : le dernier contact avec le hub est dans le futur");
}

static void look_at_disk(doctor *to, void *of)
{
    const patient *self = of;
    doctor_disk(to, self->call->home);
}

static void look_at_versions(doctor *to, void *of)
{
    char text[200];
    bool good = agent_link_versions(text, sizeof text);
    doctor_say(to, good ? DOCTOR_OK : DOCTOR_DOUBT, NULL, good ? NULL : "mettez à jour les paquets du système",
               "ctai-agent %s, %s, SQLite %s%s", CTAI_VERSION, text, outbox_version(),
               good ? "" : " : une bibliothèque est plus ancienne que celles avec lesquelles le programme est éprouvé");
}

static void look_at_keys(doctor *to, void *of)
{
    const patient *self = of;
    char text[PATH_MAX + 512];
    if (!self->open) {
        agent_home_explain(&self->why, text, sizeof text);
        doctor_say(to, DOCTOR_WRONG, self->why.path, "corrigez d’abord ce qui précède ; à défaut, remettez le fichier depuis une sauvegarde",
                   "les clés de l’agent ne s’ouvrent pas : %s", text);
        return;
    }
    doctor_fine(to, "les clés de l’agent « %s » sont là et s’ouvrent", self->agent.name);
}

static void look_at_approval(doctor *to, void *of)
{
    const patient *self = of;
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
    credential_approval unused;
    agent_home_result result;
    if (!self->open)
        return;
    if (self->joined) {
        credential_hub_fingerprint(fingerprint, self->approval.hub_curve, self->approval.hub_sign);
        doctor_fine(to, "l’approbation de la préfecture est là ; empreinte du hub : %s", fingerprint);
        return;
    }
    if (agent_home_approval(&self->agent, &unused, self->memory, &result) == AGENT_HOME_NO_APPROVAL)
        doctor_say(to, DOCTOR_DOUBT, NULL, "envoyez la demande à la préfecture, puis : ctai-agent join FICHIER",
                   "la préfecture n’a pas encore été rejointe");
    else
        doctor_say(to, DOCTOR_WRONG, result.path, "reprenez l’approbation reçue de la préfecture : ctai-agent join FICHIER",
                   "l’approbation gardée ne se lit pas");
}

/* A linkage key for each scope of the contracts. */
static void look_at_linkage(doctor *to, void *of)
{
    const patient *self = of;
    json_t *contract;
    size_t i;
    unsigned known = 0;
    json_array_foreach(json_object_get(self->status, "contrats"), i, contract)
    {
        const char *scope = json_string_value(json_object_get(contract, "perimetre"));
        const token_key *keys;
        if (scope == NULL || agent_home_keys(&self->agent, text_of(scope), &keys) > 0) {
            known++;
            continue;
        }
        doctor_say(to, DOCTOR_DOUBT, scope,
                   "demandez-la au coordonnateur (ctai-agent key accept), ou créez-la si c’est vous (ctai-agent key create)",
                   "il manque la clé de liaison du périmètre %s : rien ne peut être envoyé pour ses contrats", scope);
    }
    json_t *alert;
    json_array_foreach(json_object_get(self->status, "alertes_cles"), i, alert)
    {
        const char *scope = json_string_value(json_object_get(alert, "perimetre"));
        const token_key *keys;
        if (scope != NULL && agent_home_keys(&self->agent, text_of(scope), &keys) > 0)
            doctor_say(to, DOCTOR_DOUBT, scope, "appelez le coordonnateur à un numéro que vous connaissez, et comparez ce que montre key list",
                       "%s", json_string_value(json_object_get(alert, "alerte")));
    }
    if (self->status == NULL)
        doctor_fine(to, "sans objet tant que la file d’attente ne se lit pas");
    else if (known == 0 && json_array_size(json_object_get(self->status, "contrats")) == 0)
        doctor_fine(to, "aucun contrat n’est encore connu");
}

static void look_at_service(doctor *to, void *of)
{
    const patient *self = of;
    time_t heard = last_contact(self), now = time(NULL);
    if (!self->open)
        return;
    if (self->trouble[0] != '\0')
        doctor_say(to, self->taken ? DOCTOR_WRONG : DOCTOR_DOUBT, self->call->home,
                   self->taken ? "voyez le journal ; un fichier abîmé se remplace depuis une sauvegarde" : "recommencez dans un moment", "%s",
                   self->trouble);
    else if (!self->served)
        doctor_fine(to, "le service (serve) est arrêté ; ce qui attend part à chaque push");
    else if (heard != 0 && now - heard > SILENT_S)
        doctor_say(to, DOCTOR_DOUBT, NULL, "voyez plus bas si le hub répond ; sinon, demandez à la préfecture",
                   "le service est en marche, mais n’a rien entendu du hub depuis %ld minutes", (long)((now - heard) / 60));
    else
        doctor_fine(to, "le service (serve) est en marche et répond");
}

static void look_at_queue(doctor *to, void *of)
{
    const patient *self = of;
    const char *stopped = json_string_value(json_object_get(json_object_get(self->status, "hub"), "arret"));
    json_t *scope;
    size_t i;
    if (stopped != NULL)
        doctor_say(to, DOCTOR_DOUBT, NULL, "faites ce que la phrase demande, puis relancez un envoi", "le dernier essai s’est arrêté : %s", stopped);
    json_array_foreach(json_object_get(self->status, "perimetres"), i, scope)
    {
        json_t *records = json_object_get(scope, "enregistrements");
        const char *name = json_string_value(json_object_get(scope, "perimetre"));
        json_int_t waiting = json_integer_value(json_object_get(records, "en_attente")),
                   refused = json_integer_value(json_object_get(records, "refuses"));
        if (refused > 0)
            doctor_say(to, DOCTOR_DOUBT, name, "voyez les raisons avec ctai-agent status",
                       "le hub a refusé des enregistrements du périmètre %s : %lld", name, (long long)refused);
        if (waiting > 0)
            doctor_fine(to, "périmètre %s : %lld enregistrements attendent le hub, rien n’est perdu", name, (long long)waiting);
    }
    if (self->status == NULL)
        doctor_say(to, DOCTOR_DOUBT, NULL, "corrigez d’abord ce qui précède", "la file d’attente n’a pas pu être lue");
}

/* Exports that were read long ago: people's names in the clear, which nothing needs any more. */
static unsigned old_files(const char *folder, time_t before)
{
    unsigned count = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *entry = entries == NULL ? NULL : readdir(entries); entry != NULL; entry = readdir(entries)) {
        struct stat about;
        count += fstatat(dirfd(entries), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(about.st_mode)
            && about.st_ctime < before; /* the day on which it was moved there */
    }
    if (entries != NULL)
        closedir(entries);
    return count;
}

static void look_at_exports(doctor *to, void *of)
{
    static const char *const folders[] = {"inbox/traite", "inbox/rejete"};
    const patient *self = of;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", self->call->home, folders[i]) >= (int)sizeof path)
            continue;
        unsigned count = old_files(path, time(NULL) - EXPORTS_DAYS * 86400);
        if (count > 0)
            doctor_say(to, DOCTOR_DOUBT, path, "effacez ceux dont vous n’avez plus besoin : ils portent des noms en clair",
                       "des fichiers déjà lus sont là depuis plus de %d jours : %u", EXPORTS_DAYS, count);
    }
}

/* --- the way to the hub --- */

/* "tcp://HOST:PORT"; an IPv6 host without its brackets. */
static bool split_address(text_view address, char host[CREDENTIAL_ADDRESS_MAX + 1], unsigned *port)
{
    char whole[CREDENTIAL_ADDRESS_MAX + 1], *end = NULL;
    if (!text_copy(whole, sizeof whole, address) || strncmp(whole, "tcp://", 6) != 0)
        return false;
    char *start = whole + 6, *colon = strrchr(start, ':');
    if (colon == NULL || colon == start)
        return false;
    unsigned long number = strtoul(colon + 1, &end, 10);
    *port = (unsigned)number;
    *colon = '\0';
    if (*start == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        start++;
    }
    return *end == '\0' && number >= 1 && number <= 65535 && text_copy(host, CREDENTIAL_ADDRESS_MAX + 1, text_of(start));
}

typedef struct { doctor_state state; const char *remedy; char said[400]; } finding;

static finding found(doctor_state state, const char *remedy, const char *format, ...) __attribute__((format(printf, 3, 4)));
static finding found(doctor_state state, const char *remedy, const char *format, ...)
{
    finding it = {state, remedy, ""};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(it.said, sizeof it.said, format, arguments);
    va_end(arguments);
    return it;
}

static finding say_reach(reach_outcome outcome, const char *host, unsigned port, const char *address)
{
    switch (outcome) {
    case REACH_NO_NAME:
        return found(DOCTOR_WRONG, "vérifiez le nom avec la préfecture, et le DNS de cette machine (getent hosts NOM)",
                     "DNS : le nom %s n’est pas connu", host);
    case REACH_NO_RESOLVER:
        return found(DOCTOR_WRONG, "vérifiez la connexion au réseau et le serveur DNS (/etc/resolv.conf)",
                     "DNS : aucun serveur ne répond pour le nom %s", host);
    case REACH_REFUSED:
        return found(DOCTOR_WRONG, "demandez à la préfecture si le hub est en marche et à quel port ; sinon, un pare-feu refuse",
                     "TCP : %s (%s) refuse la connexion au port %u : rien n’y écoute", host, address, port);
    case REACH_SILENT:
        return found(DOCTOR_WRONG, "ouvrez ce port en sortie dans votre pare-feu, et en entrée dans celui de la préfecture",
                     "TCP : aucune réponse de %s (%s) au port %u : le plus souvent, un pare-feu", host, address, port);
    case REACH_NO_WAY:
        return found(DOCTOR_WRONG, "vérifiez la connexion au réseau de cette machine (ip route), ou le VPN",
                     "réseau : aucune route vers %s (%s), port %u", host, address, port);
    default:
        return found(DOCTOR_WRONG, "voyez le message, et la connexion au réseau", "TCP : la connexion à %s (%s), port %u, échoue", host, address, port);
    }
}

static agent_link_event_type shake_hands(const patient *self, text_view address)
{
    agent_link *link = agent_link_new(&self->agent.secrets->curve);
    if (link == NULL)
        return AGENT_LINK_QUIET;
    agent_link_towards(link, &address, 1, self->approval.hub_curve);
    agent_link_connect(link);
    agent_link_event event = {.type = AGENT_LINK_QUIET};
    uint64_t end = runtime_now_ms() + HANDSHAKE_MS;
    for (uint64_t now = end - HANDSHAKE_MS; event.type == AGENT_LINK_QUIET && now < end; now = runtime_now_ms()) {
        agent_link_wait(link, NULL, 0, (int)(end - now));
        event = agent_link_next(link);
    }
    agent_link_destroy(&link);
    return event.type;
}

static finding say_hands(agent_link_event_type type, const char *host, unsigned port, const char *address)
{
    switch (type) {
    case AGENT_LINK_CONNECTED:
    case AGENT_LINK_MESSAGE:
        return found(DOCTOR_OK, NULL, "nom, port et clés : le hub répond à %s (%s), port %u, et admet cet agent", host, address, port);
    case AGENT_LINK_REFUSED_KEY:
        return found(DOCTOR_WRONG, "demandez à la préfecture si la demande est approuvée, ou l’accès retiré (ctai-hub agent list)",
                     "clés : le hub répond à %s (%s), port %u, mais n’admet pas cet agent", host, address, port);
    case AGENT_LINK_NO_DETAIL:
        return found(DOCTOR_WRONG, "ne forcez rien : lisez l’empreinte du hub à la préfecture, au téléphone ; si elle a changé, redemandez une approbation",
                     "clés : ce qui répond à %s (%s), port %u, n’a pas la clé du hub que l’approbation nomme", host, address, port);
    default:
        return found(DOCTOR_WRONG, "vérifiez l’adresse et le port avec la préfecture ; un relais ou un pare-feu peut couper la connexion",
                     "clés : %s (%s) accepte la connexion au port %u, mais ne mène pas la poignée de main d’un hub", host, address, port);
    }
}

static finding try_address(const patient *self, text_view text)
{
    char host[CREDENTIAL_ADDRESS_MAX + 1], address[REACH_ADDRESS];
    unsigned port;
    if (!split_address(text, host, &port))
        return found(DOCTOR_WRONG, "redemandez une approbation à la préfecture", "cette adresse du hub ne se lit pas");
    reach_outcome outcome = reach_try(host, port, TCP_TIMEOUT_MS, address);
    return outcome == REACH_OPEN ? say_hands(shake_hands(self, text), host, port, address) : say_reach(outcome, host, port, address);
}

/* A hub may have several addresses: one that answers is enough, the others are doubts then. */
static void look_at_network(doctor *to, void *of)
{
    const patient *self = of;
    finding findings[CREDENTIAL_ADDRESSES_MAX];
    bool answers = false;
    if (!self->joined)
        return;
    for (unsigned i = 0; i < self->approval.address_count; i++) {
        findings[i] = try_address(self, self->approval.addresses[i]);
        answers = answers || findings[i].state == DOCTOR_OK;
    }
    for (unsigned i = 0; i < self->approval.address_count; i++) {
        char where[CREDENTIAL_ADDRESS_MAX + 1];
        doctor_state state = findings[i].state == DOCTOR_WRONG && answers ? DOCTOR_DOUBT : findings[i].state;
        if (!text_copy(where, sizeof where, self->approval.addresses[i]))
            where[0] = '\0';
        doctor_say(to, state, where, findings[i].remedy, "%s", findings[i].said);
    }
}

static const doctor_check checks[] = {
    {"droits", "le dossier et ses fichiers sont à leur propriétaire seul", look_at_files},
    {"limites", "fichiers ouverts, mémoire verrouillée, pas de fichiers core", look_at_limits},
    {"horloge", "l’horloge est plausible et tenue à l’heure", look_at_clock},
    {"disque", "le disque a de la place", look_at_disk},
    {"versions", "les bibliothèques sont assez récentes", look_at_versions},
    {"cles", "les clés de l’agent sont là", look_at_keys},
    {"approbation", "sans objet tant que les clés ne s’ouvrent pas", look_at_approval},
    {"liaison", "les clés de liaison des contrats connus sont là", look_at_linkage},
    {"service", "sans objet tant que les clés ne s’ouvrent pas", look_at_service},
    {"attente", "rien n’attend, rien n’a été refusé", look_at_queue},
    {"exports", "aucun export ancien ne traîne", look_at_exports},
    {"reseau", "sans objet tant que la préfecture n’a pas été rejointe", look_at_network},
    {.name = NULL},
};

int agent_doctor_run(cli_call *call)
{
    static const patient empty;
    patient self = empty;
    self.call = call;
    self.memory = arena_new(MEMORY_BYTES);
    if (self.memory == NULL)
        return agent_call_no_memory(call);
    open_home(&self);
    ask_status(&self);
    int code = doctor_run(call, checks, &self);
    json_decref(self.status);
    agent_home_close(&self.agent);
    arena_destroy(&self.memory);
    return code;
}
