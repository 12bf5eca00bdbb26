/* agent_forget: `ctai-agent forget`: the right to erasure: a person's records go, here and at the hub, and stay away. */
#include <inttypes.h>
#include <jansson.h>

#include "agent_commands.h"
#include "agent_wait.h"
#include "forget.h"

const cli_option agent_forget_options[] = {
    {"allow-unknown", 0, CLI_FLAG, false, NULL, "écarte aussi des envois à venir une personne dont rien n’est jamais parti"},
    {"undo", 0, CLI_FLAG, false, NULL, "revient sur un effacement : les prochains envois compteront de nouveau cette personne"},
    {"wait", 0, CLI_VALUE, false, "SECONDES", "combien de temps attendre la confirmation du hub (30)"},
    {.name = NULL},
};

typedef struct {
    agent_wait wait; /* first */
    outbox_tally before;    /* of the loop, when the command began */
    unsigned long failures; /* likewise, of its outbox */
    forget_result done;
} forgetting;

static bool over(const agent_wait *wait, uint64_t now_ms)
{
    const forgetting *self = (const forgetting *)wait;
    outbox_error ignored;
    return agent_wait_settled(runtime_session(wait->loop)) || now_ms >= wait->deadline_ms
        || runtime_failures(wait->loop, &ignored) != self->failures;
}

static void tell_json(const forgetting *self, uint64_t acknowledged, uint64_t waiting)
{
    cli_call *call = self->wait.call;
    json_t *summary = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I}", "deja_efface", self->done.listed, "enregistrements",
                                (json_int_t)self->done.records, "effacements", (json_int_t)self->done.queued,
                                "autres_numeros", (json_int_t)self->done.others, "acquittes", (json_int_t)acknowledged,
                                "en_attente", (json_int_t)waiting);
    (void)json_dumpf(summary, call->out, 0);
    (void)fputc('\n', call->out);
    json_decref(summary);
}

static void tell(const forgetting *self, uint64_t waiting)
{
    const forget_result *done = &self->done;
    FILE *out = self->wait.call->out;
    if (done->queued > 0) {
        agent_call_count(out, done->records, "enregistrement de cette personne est effacé d’ici",
                         "enregistrements de cette personne sont effacés d’ici");
        (void)fputs(waiting > 0 ? ".\n" : " et du hub.\n", out);
    } else {
        (void)fputs(done->listed ? "Cette personne était déjà effacée.\n" : "Rien n’était parti de cette personne.\n", out);
    }
    (void)fputs("Les prochains envois l’écarteront ; retirez-la aussi de vos propres fichiers.\n", out);
    if (waiting > 0)
        (void)fputs("L’effacement au hub reste en file d’attente : il partira avec serve ou au prochain push.\n", out);
    if (done->queued > 0)
        (void)fputs("Au prochain push, les jetons de ménage de ses proches seront refaits sans elle.\n", out);
}

/* The same person under other local numbers: their facts are found by these alone. */
static void tell_others(const forgetting *self)
{
    if (self->done.others > 0)
        cli_say(self->wait.call,
                "la même personne (même numéro d’étranger, ou mêmes nom, prénom et date de naissance) est aussi partie sous "
                "%zu autre%s id_local : lancez la même commande pour chacun",
                self->done.others, self->done.others < 2 ? "" : "s");
}

static int end(agent_wait *wait)
{
    forgetting *self = (forgetting *)wait;
    const outbox_tally *now = runtime_tally(wait->loop);
    uint64_t waiting = 0, refused = now->refused - self->before.refused;
    uint64_t acknowledged = now->records - self->before.records - refused;
    outbox_error failure, error = outbox_pending(agent_call_of(wait->call)->box, &waiting);
    unsigned long failures = runtime_failures(wait->loop, &failure);
    if (error == OUTBOX_OK && failures != self->failures)
        error = failure;
    if (wait->call->json)
        tell_json(self, acknowledged, waiting);
    else
        tell(self, waiting);
    tell_others(self);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(wait->call, error);
    const agent_session *session = runtime_session(wait->loop);
    bool needs_person = session->stop != AGENT_STOP_NONE && session->stop != AGENT_STOP_UNREACHABLE;
    if (agent_session_pending(session) > 0 || needs_person)
        return agent_wait_trouble(wait->call, wait->loop);
    if (refused > 0)
        return cli_fail(wait->call, CLI_NOT_ALLOWED,
                        "le hub a refusé %" PRIu64 " enregistrement%s (ctai-agent status dit pourquoi) ; si c’est un "
                        "effacement, demandez-le à la préfecture", refused, refused < 2 ? "" : "s");
    return CLI_DONE;
}

static int make(agent_wait *wait)
{
    forgetting *self = (forgetting *)wait;
    cli_call *call = wait->call;
    agent_call *own = agent_call_of(call);
    outbox_error ignored;
    wait->over = over;
    wait->end = end;
    self->before = *runtime_tally(wait->loop);
    self->failures = runtime_failures(wait->loop, &ignored);
    outbox_error error = forget_person(own->box, own->agent, text_trim(text_of(call->operands[0])),
                                       cli_given(call, "allow-unknown"), &self->done);
    if (error == OUTBOX_OK && !self->done.known && !cli_given(call, "allow-unknown"))
        return cli_fail(call, CLI_BAD_INPUT,
                        "rien n’est jamais parti d’ici d’une personne de cet id_local : rien n’est effacé. Il s’écrit comme "
                        "dans la colonne id_local de vos fichiers. Si c’est bien lui, pour que cette personne soit "
                        "écartée des envois à venir : --allow-unknown");
    if (error == OUTBOX_OK)
        error = runtime_queued(wait->loop);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    runtime_start(wait->loop);
    return CLI_DONE;
}

static int undo(cli_call *call)
{
    agent_call *own = agent_call_of(call);
    forget_result done;
    outbox_error error = forget_undo(own->box, own->agent, text_trim(text_of(call->operands[0])), &done);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    if (!done.listed)
        return cli_fail(call, CLI_BAD_INPUT, "aucune personne de cet id_local n’est effacée");
    if (call->json)
        (void)fputs("{\"annule\": true}\n", call->out);
    else
        (void)fputs("Cette personne n’est plus écartée : le prochain push la comptera de nouveau, si vos fichiers l’ont encore.\n"
                    "Ce que le hub savait d’elle avant l’effacement ne revient pas (rapports à une date passée).\n",
                    call->out);
    return CLI_DONE;
}

int agent_forget_run(cli_call *call)
{
    uint64_t seconds;
    if (text_trim(text_of(call->operands[0])).size == 0)
        return cli_fail(call, CLI_USAGE, "l’id_local est vide");
    if (cli_given(call, "undo"))
        return undo(call);
    if (!agent_wait_read(call, &seconds))
        return cli_fail(call, CLI_USAGE, "--wait demande un nombre de secondes, de 0 à %d", AGENT_WAIT_S_MAX);
    return agent_wait_run(call, seconds, sizeof(forgetting), make);
}
