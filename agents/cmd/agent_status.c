/* agent_status: `ctai-agent status`: what is queued, sent, acknowledged and refused; what is held and known. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "agent_commands.h"
#include "agent_linkage.h"
#include "agent_note.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

typedef struct {
    cli_call *call;
    const agent_call *own;
    arena *memory;
    char fingerprint[CRYPTO_FINGERPRINT_TEXT], hub[CRYPTO_FINGERPRINT_TEXT];
    bool joined;
    credential_approval approval;
    uint64_t contact; /* seconds since 1970; 0: never */
    agent_stop stop;
    wire_refusal refusal;
    unsigned scope_count, contract_count;
    outbox_scope scopes[WIRE_SCOPES_MAX];
    wire_contract *contracts;
    json_t *refusals; /* by scope, contract and reason */
    unsigned linkage_count;
    agent_linkage linkages[AGENT_HOME_LINKAGE_MAX]; /* by scope */
    json_t *notes; /* of contracts that are to be pushed anew */
} status;

/* The last contact, for people in local time, for programs in UTC. */
static const char *contact_text(const status *self, bool program, char text[64])
{
    time_t seconds = (time_t)self->contact;
    struct tm parts;
    if (self->contact == 0 || (program ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts)) == NULL)
        return "jamais";
    if (program)
        strftime(text, 64, "%Y-%m-%dT%H:%M:%SZ", &parts);
    else
        strftime(text, 64, "%d/%m/%Y à %H:%M:%S", &parts);
    return text;
}

static void add_refusal(void *data, const outbox_refusal *refusal)
{
    status *self = data;
    json_array_append_new(self->refusals,
                          json_pack("{s:s%, s:s%, s:i, s:s, s:I}", "perimetre", refusal->scope.at,
                                    refusal->scope.size, "contrat",
                                    refusal->contract.size == 0 ? "" : refusal->contract.at, refusal->contract.size,
                                    "numero", (int)refusal->reason, "raison", record_reason_text(refusal->reason),
                                    "enregistrements", (json_int_t)refusal->records));
}

static int gather(status *self)
{
    const agent_call *own = self->own;
    credential_identity ours;
    agent_home_result result;
    agent_home_identity(own->agent, &ours);
    credential_fingerprint(self->fingerprint, &ours);
    agent_home_error error = agent_home_approval(own->agent, &self->approval, self->memory, &result);
    if (error != AGENT_HOME_OK && error != AGENT_HOME_NO_APPROVAL)
        return agent_call_home_failed(self->call, &result);
    self->joined = error == AGENT_HOME_OK;
    if (self->joined)
        credential_hub_fingerprint(self->hub, self->approval.hub_curve, self->approval.hub_sign);
    outbox_error box = runtime_last_contact(own->box, &self->contact, &self->stop, &self->refusal);
    if (box == OUTBOX_OK)
        box = outbox_scopes(own->box, self->scopes, WIRE_SCOPES_MAX, &self->scope_count);
    if (box == OUTBOX_OK)
        box = outbox_contracts(own->box, self->memory, &self->contracts, &self->contract_count);
    if (box == OUTBOX_OK)
        box = outbox_refusals(own->box, add_refusal, self);
    if (box == OUTBOX_OK)
        self->notes = agent_note_json(own->box, &box);
    if (box == OUTBOX_OK)
        self->linkage_count = agent_linkage_all(self->linkages, own->agent, self->contracts, self->contract_count);
    return box == OUTBOX_OK ? CLI_DONE : agent_call_outbox_failed(self->call, box);
}

/* The last batch sent: what is acknowledged, or more when a serve is sending. */
static uint64_t sent(const status *self, const outbox_scope *scope)
{
    uint64_t last = scope->acknowledged;
    if (self->own->serving == NULL)
        return last;
    const agent_session *session = runtime_session(self->own->serving->loop);
    for (unsigned i = 0; i < session->scope_count; i++)
        if (strcmp(session->scopes[i].scope, scope->scope) == 0 && session->scopes[i].sent > last)
            last = session->scopes[i].sent;
    return last;
}

static uint64_t refused(const status *self, const char *scope)
{
    uint64_t count = 0;
    size_t i;
    json_t *one;
    json_array_foreach(self->refusals, i,
                       one) if (strcmp(json_string_value(json_object_get(one, "perimetre")), scope) == 0)
        count += (uint64_t)json_integer_value(json_object_get(one, "enregistrements"));
    return count;
}

static json_t *scope_json(const status *self, const outbox_scope *scope)
{
    return json_pack("{s:s, s:I, s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I}}", "perimetre", scope->scope,
                     "incarnation", (json_int_t)scope->incarnation, "lots", "inscrits", (json_int_t)scope->queued,
                     "envoyes", (json_int_t)sent(self, scope), "acquittes", (json_int_t)scope->acknowledged,
                     "stables", (json_int_t)scope->stable, "enregistrements", "en_attente",
                     (json_int_t)(scope->records_queued - scope->records_acknowledged), "acquittes",
                     (json_int_t)scope->records_acknowledged, "refuses", (json_int_t)refused(self, scope->scope));
}

static json_t *contract_json(const wire_contract *contract)
{
    char first[CIVIL_DAY_TEXT], last[CIVIL_DAY_TEXT];
    json_t *actions = json_array();
    civil_day_text(contract->first_day, first);
    civil_day_text(contract->last_day, last);
    for (unsigned k = 0; k < contract->action_count; k++)
        json_array_append_new(actions,
                              json_pack("{s:s%, s:b}", "code", contract->actions[k].code.at,
                                        contract->actions[k].code.size, "permise", contract->actions[k].allowed));
    return json_pack("{s:s%, s:s%, s:s%, s:s, s:s, s:o}", "contrat", contract->id.at, contract->id.size, "titre",
                     contract->title.at, contract->title.size, "perimetre", contract->scope.at,
                     contract->scope.size, "premier_jour", first, "dernier_jour", last, "actions", actions);
}

static void tell_json(const status *self)
{
    char text[64];
    json_t *scopes = json_array(), *contracts = json_array(), *addresses = json_array();
    json_t *keys = json_array(), *missing = json_array(), *alerts = json_array();
    for (unsigned i = 0; i < self->scope_count; i++)
        json_array_append_new(scopes, scope_json(self, &self->scopes[i]));
    for (unsigned i = 0; i < self->contract_count; i++)
        json_array_append_new(contracts, contract_json(&self->contracts[i]));
    for (unsigned i = 0; self->joined && i < self->approval.address_count; i++)
        json_array_append_new(addresses,
                              json_stringn(self->approval.addresses[i].at, self->approval.addresses[i].size));
    for (unsigned i = 0; i < self->linkage_count; i++) {
        char sentence[AGENT_LINKAGE_TEXT];
        agent_linkage_json(&self->linkages[i], keys, missing);
        if (agent_linkage_sentence(&self->linkages[i], sentence))
            json_array_append_new(alerts, json_pack("{s:s, s:s}", "perimetre", self->linkages[i].scope, "alerte", sentence));
    }
    json_t *hub = json_pack("{s:s?, s:o, s:s?, s:s?}", "empreinte", self->joined ? self->hub : NULL, "adresses",
                            addresses, "dernier_contact",
                            self->contact == 0 ? NULL : contact_text(self, true, text), "arret",
                            self->stop == AGENT_STOP_NONE ? NULL : runtime_stop_text(self->stop));
    json_t *all = json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:O, s:O}", "nom", self->own->agent->name, "empreinte",
                            self->fingerprint, "service", self->own->serving != NULL, "hub", hub, "perimetres",
                            scopes, "contrats", contracts, "cles", keys, "cles_manquantes", missing, "alertes_cles", alerts, "refus", self->refusals, "reprises", self->notes);
    (void)json_dumpf(all, self->call->out, 0);
    (void)fputc('\n', self->call->out);
    json_decref(all);
}

static void tell_contracts(const status *self, FILE *out)
{
    for (unsigned i = 0; i < self->contract_count; i++) {
        const wire_contract *contract = &self->contracts[i];
        text_view allowed[WIRE_ACTIONS_MAX];
        size_t count = 0;
        char actions[1024], first[CIVIL_DAY_TEXT], last[CIVIL_DAY_TEXT];
        for (unsigned k = 0; k < contract->action_count && count < WIRE_ACTIONS_MAX; k++)
            if (contract->actions[k].allowed)
                allowed[count++] = contract->actions[k].code;
        agent_call_join(actions, sizeof actions, allowed, count);
        civil_day_text(contract->first_day, first);
        civil_day_text(contract->last_day, last);
        (void)fprintf(out, "Contrat %.*s (périmètre %.*s, du %s au %s) : %s\n", (int)contract->id.size,
                      contract->id.at, (int)contract->scope.size, contract->scope.at, first, last,
                      count == 0 ? "aucune action permise" : actions);
    }
}

static void tell_scopes(const status *self, FILE *out)
{
    size_t k;
    json_t *one;
    for (unsigned i = 0; i < self->scope_count; i++) {
        const outbox_scope *scope = &self->scopes[i];
        (void)fprintf(
            out,
            "Périmètre %s, enregistrements : confirmés %" PRIu64 ", en attente %" PRIu64 ", refusés %" PRIu64
            " ; lots : inscrits %" PRIu64 ", envoyés %" PRIu64 ", confirmés %" PRIu64 "\n",
            scope->scope, scope->records_acknowledged, scope->records_queued - scope->records_acknowledged,
            refused(self, scope->scope), scope->queued, sent(self, scope), scope->acknowledged);
    }
    json_array_foreach(self->refusals, k, one)(void)
        fprintf(out, "  refusés, contrat %s : %lld, %s\n", json_string_value(json_object_get(one, "contrat")),
                (long long)json_integer_value(json_object_get(one, "enregistrements")),
                json_string_value(json_object_get(one, "raison")));
}

static outbox_error tell(const status *self)
{
    FILE *out = self->call->out;
    char text[64];
    (void)fprintf(out, "Agent « %s », empreinte %s\n", self->own->agent->name, self->fingerprint);
    (void)fprintf(out, "Service (serve) : %s\n", self->own->serving != NULL ? "en marche" : "arrêté");
    if (self->joined)
        (void)fprintf(out, "Hub, empreinte %s ; dernier contact : %s\n", self->hub,
                      contact_text(self, false, text));
    else
        (void)fprintf(out, "Hub : pas encore rejoint (ctai-agent join FICHIER)\n");
    if (self->stop != AGENT_STOP_NONE)
        (void)fprintf(out, "Attention : %s\n", runtime_stop_text(self->stop));
    outbox_error error = agent_note_tell(self->own->box, out, "À faire : ");
    tell_contracts(self, out);
    tell_scopes(self, out);
    for (unsigned i = 0; i < self->linkage_count && error == OUTBOX_OK; i++) {
        char sentence[AGENT_LINKAGE_TEXT];
        const agent_linkage *keys = &self->linkages[i];
        agent_linkage_tell(keys, out, "Clé de liaison du périmètre");
        if (agent_linkage_sentence(keys, sentence))
            (void)fprintf(out, "À faire : %s\n", sentence);
        error = agent_linkage_tell_left(keys, self->own->box, self->contracts, self->contract_count, out, "À faire : ");
    }
    if (self->own->agent->secrets->linkage_count == 0)
        (void)fprintf(out, "Aucune clé de liaison\n");
    return error;
}

int agent_status_run(cli_call *call)
{
    static const status empty;
    status self = empty;
    self.call = call;
    self.own = agent_call_of(call);
    self.memory = arena_new(MEMORY_BYTES);
    self.refusals = json_array();
    int code = self.memory == NULL ? agent_call_no_memory(call) : gather(&self);
    if (code == CLI_DONE && call->json)
        tell_json(&self);
    else if (code == CLI_DONE && tell(&self) != OUTBOX_OK)
        code = agent_call_outbox_failed(call, OUTBOX_DAMAGED);
    json_decref(self.notes);
    json_decref(self.refusals);
    arena_destroy(&self.memory);
    return code;
}
