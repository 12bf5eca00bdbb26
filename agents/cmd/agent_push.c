#include "agent_push.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "agent_commands.h"
#include "agent_export.h"
#include "agent_note.h"
#include "lastfiles.h"

const cli_option agent_push_options[] = {
    {"persons", 0, CLI_INPUT, true, "FICHIER", "le tableau des personnes"},
    {"events", 0, CLI_INPUT, true, "FICHIER", "le tableau des événements"},
    {"contract", 0, CLI_VALUE, false, "CONTRAT",
     "le contrat, quand il y en a plusieurs et que les événements n’en disent rien"},
    {"partial", 0, CLI_FLAG, false, NULL,
     "ces fichiers ne contiennent que des ajouts : ce qui n’y est pas n’est pas retiré"},
    {"wait", 0, CLI_VALUE, false, "SECONDES", "combien de temps attendre la confirmation du hub (30)"},
    {"allow-withdrawals", 0, CLI_FLAG, false, NULL,
     "permet de retirer plus de la moitié de ce que le hub tient de vous"},
    {.name = NULL},
};

static int too_many_withdrawals(cli_call *call, const enqueue_result *queued)
{
    return cli_fail(call, CLI_BAD_INPUT,
                    "contrat %.*s : cet export retirerait %" PRIu64 " des %" PRIu64
                    " enregistrements que le hub tient de vous ; rien n’a été envoyé. "
                    "Vérifiez qu’il est complet. S’il l’est, recommencez avec --allow-withdrawals ; s’il ne "
                    "contient que des ajouts, avec --partial",
                    (int)queued->contract.size, queued->contract.at, queued->would_withdraw, queued->held);
}

/* Remembers where the files are, for `explain`; one that came by standard input cannot be found again. */
static int remember(cli_call *call, const agent_export *from)
{
    agent_call *own = agent_call_of(call);
    lastfiles files;
    memset(&files, 0, sizeof files);
    if (!lastfiles_path(files.persons, call->folder, cli_value(call, "persons")) ||
        !lastfiles_path(files.events, call->folder, cli_value(call, "events")))
        return CLI_DONE;
    lastfiles_hash(files.persons_hash, own->agent->secrets->record_key, input_view(&from->persons));
    memcpy(files.events_hash, from->events.hash, sizeof files.events_hash);
    for (unsigned i = 0; i < from->contract_count; i++) {
        outbox_error error = lastfiles_keep(own->box, from->contracts[i].terms->id, &files);
        if (error != OUTBOX_OK)
            return agent_call_outbox_failed(call, error);
    }
    return CLI_DONE;
}

static int queue(agent_push *self, cli_call *call)
{
    agent_call *own = agent_call_of(call);
    agent_export from;
    int code = agent_export_make(&from, call, AGENT_EXPORT_TOKENS, cli_given(call, "partial"), call->err);
    if (code == CLI_DONE) {
        self->left_out = from.made.counts.left_out;
        self->errors = from.made.counts.errors;
        switch (enqueue(own->box, own->agent, &from.made, cli_given(call, "allow-withdrawals"), &self->queued)) {
        case ENQUEUE_OK:
            agent_export_tell(&from, call->err);
            code = remember(call, &from);
            break;
        case ENQUEUE_TOO_MANY_WITHDRAWALS:
            code = too_many_withdrawals(call, &self->queued);
            break;
        case ENQUEUE_OUTBOX:
            code = agent_call_outbox_failed(call, self->queued.outbox);
            break;
        }
        self->queued.contract = (text_view){NULL, 0}; /* dies with the export */
    }
    agent_export_release(&from);
    return code;
}

static bool over(const agent_wait *wait, uint64_t now_ms)
{
    const agent_push *self = (const agent_push *)wait;
    outbox_error ignored;
    return agent_wait_settled(runtime_session(wait->loop)) || now_ms >= wait->deadline_ms
        || runtime_failures(wait->loop, &ignored) != self->failures;
}

/* Says which records the hub refused; the code for the worst of it. */
static int tell_refused(cli_call *call, const outbox_tally *before, const outbox_tally *now)
{
    int code = CLI_DONE;
    for (int reason = 1; reason < RECORD_REASON_COUNT; reason++) {
        uint64_t count = now->reasons[reason] - before->reasons[reason];
        if (count == 0)
            continue;
        cli_say(call, "%" PRIu64 " %s par le hub : %s", count,
                count < 2 ? "enregistrement refusé" : "enregistrements refusés",
                record_reason_text((record_reason)reason));
        code = reason == RECORD_NO_RIGHT ? CLI_NOT_ALLOWED : code == CLI_DONE ? CLI_BAD_INPUT : code;
    }
    return code;
}

static void tell_json(const agent_push *self, uint64_t acknowledged, uint64_t waiting)
{
    const enqueue_result *queued = &self->queued;
    json_t *summary = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "nouveaux", (json_int_t)queued->added,
                                "modifies", (json_int_t)queued->changed, "retires", (json_int_t)queued->withdrawn,
                                "inchanges", (json_int_t)queued->unchanged, "ecartes", (json_int_t)self->left_out,
                                "erreurs", (json_int_t)self->errors, "acquittes", (json_int_t)acknowledged,
                                "en_attente", (json_int_t)waiting);
    (void)json_dumpf(summary, self->wait.call->out, 0);
    (void)fputc('\n', self->wait.call->out);
    json_decref(summary);
}

void agent_push_counts(FILE *to, const char *lead, const enqueue_result *queued)
{
    (void)fprintf(to, "%s : %" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64 " %s.\n", lead,
                  queued->added, queued->added < 2 ? "nouveau" : "nouveaux", queued->changed,
                  queued->changed < 2 ? "modifié" : "modifiés", queued->withdrawn,
                  queued->withdrawn < 2 ? "retiré" : "retirés", queued->unchanged,
                  queued->unchanged < 2 ? "inchangé" : "inchangés");
}

static void tell(const agent_push *self, uint64_t acknowledged, uint64_t waiting)
{
    const enqueue_result *queued = &self->queued;
    FILE *out = self->wait.call->out;
    agent_push_counts(out, "Enregistrements", queued);
    (void)fprintf(out, "Lignes : %zu %s, %zu en erreur.\n", self->left_out,
                  self->left_out < 2 ? "écartée" : "écartées", self->errors);
    if (acknowledged > 0)
        agent_call_count(out, acknowledged, "enregistrement confirmé par le hub.\n",
                         "enregistrements confirmés par le hub.\n");
    if (waiting > 0)
        agent_call_count(out, waiting, "enregistrement reste en file d’attente, sans perte.\n",
                         "enregistrements restent en file d’attente, sans perte.\n");
    else if (queued->batches == 0)
        (void)fprintf(out, "Rien de neuf : le hub a déjà tout.\n");
}

/* What happened to a machine or a hub that was restored, and whether this push has made it good. */
static outbox_error tell_notes(const agent_push *self)
{
    unsigned left;
    outbox *box = agent_call_of(self->wait.call)->box;
    outbox_error error = agent_note_count(box, &left);
    if (error == OUTBOX_OK && left < self->notes)
        cli_say(self->wait.call, "après la restauration constatée, cet envoi remet à jour ce que le hub tient de vous");
    return error == OUTBOX_OK ? agent_note_tell(box, self->wait.call->err, "") : error;
}

static int end(agent_wait *wait)
{
    agent_push *self = (agent_push *)wait;
    agent_call *own = agent_call_of(self->wait.call);
    const outbox_tally *now = runtime_tally(self->wait.loop);
    uint64_t waiting = 0;
    int refused = tell_refused(self->wait.call, &self->before, now);
    uint64_t acknowledged = (now->records - self->before.records) - (now->refused - self->before.refused);
    outbox_error failure;
    unsigned long failures = runtime_failures(self->wait.loop, &failure);
    outbox_error error = outbox_pending(own->box, &waiting);
    if (error == OUTBOX_OK && failures != self->failures)
        error = failure;
    if (self->wait.call->json)
        tell_json(self, acknowledged, waiting);
    else
        tell(self, acknowledged, waiting);
    if (error == OUTBOX_OK)
        error = tell_notes(self);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(self->wait.call, error);
    const agent_session *session = runtime_session(self->wait.loop);
    bool needs_person = session->stop != AGENT_STOP_NONE && session->stop != AGENT_STOP_UNREACHABLE;
    if (agent_session_pending(session) > 0 || needs_person)
        return agent_wait_trouble(wait->call, wait->loop);
    if (refused == CLI_NOT_ALLOWED)
        return refused;
    return self->errors > 0 ? CLI_BAD_INPUT : refused;
}

int agent_push_make(agent_push *self)
{
    cli_call *call = self->wait.call;
    runtime *loop = self->wait.loop;
    self->wait.over = over;
    self->wait.end = end;
    self->before = *runtime_tally(loop);
    outbox_error ignored;
    self->failures = runtime_failures(loop, &ignored);
    outbox_error error = agent_note_count(agent_call_of(call)->box, &self->notes);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    int code = queue(self, call);
    error = runtime_queued(loop); /* also when that has failed: a writing that is said to have failed may stand */
    if (code != CLI_DONE)
        return code;
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    runtime_start(loop);
    return CLI_DONE;
}

static int make(agent_wait *wait)
{
    return agent_push_make((agent_push *)wait);
}

int agent_push_run(cli_call *call)
{
    uint64_t seconds;
    if (!agent_wait_read(call, &seconds))
        return cli_fail(call, CLI_USAGE, "--wait demande un nombre de secondes, de 0 à %d", AGENT_WAIT_S_MAX);
    return agent_wait_run(call, seconds, sizeof(agent_push), make);
}
