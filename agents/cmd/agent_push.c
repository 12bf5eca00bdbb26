#include "agent_push.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent_commands.h"
#include "agent_export.h"
#include "agent_note.h"
#include "control.h"

enum {
    WAIT_S = 30,
    WAIT_S_MAX = 24 * 3600,
    GREET_MS = 4 * 1000, /* to hear of changed contracts before the records are made */
    STEP_MS = 250,
    MEMORY_BYTES = 64 * 1024 * 1024,
};

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

/* The seconds of --wait; false when it is no such number. */
static bool read_wait(cli_call *call, uint64_t *seconds)
{
    const char *text = cli_value(call, "wait");
    char *end = NULL;
    *seconds = WAIT_S;
    if (text == NULL)
        return true;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    *seconds = number;
    return errno == 0 && *end == '\0' && number <= WAIT_S_MAX;
}

static int too_many_withdrawals(cli_call *call, const enqueue_result *queued)
{
    return cli_fail(call, CLI_BAD_INPUT,
                    "contrat %.*s : cet export retirerait %" PRIu64 " des %" PRIu64
                    " enregistrements que le hub tient de vous ; rien n’a été envoyé. "
                    "Vérifiez qu’il est complet. S’il l’est, recommencez avec --allow-withdrawals ; s’il ne "
                    "contient que des ajouts, avec --partial",
                    (int)queued->contract.size, queued->contract.at, queued->would_withdraw, queued->held);
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

int agent_push_make(agent_push *self, cli_call *call, runtime *loop)
{
    uint64_t seconds;
    memset(self, 0, sizeof *self);
    self->call = call;
    self->loop = loop;
    (void)read_wait(call, &seconds); /* agent_push_run has refused what is no number */
    self->before = *runtime_tally(loop);
    outbox_error ignored;
    self->failures = runtime_failures(loop, &ignored);
    outbox_error error = agent_note_count(agent_call_of(call)->box, &self->notes);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    int code = queue(self, call);
    if (code != CLI_DONE)
        return code;
    error = runtime_queued(loop);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    runtime_start(loop);
    self->deadline_ms = runtime_now_ms() + seconds * 1000;
    return CLI_DONE;
}

/* Is every scope either acknowledged (and compared with the hub, where that is to be) or stopped for a reason that needs a person? */
static bool settled(const agent_session *session)
{
    if (session->state == AGENT_SESSION_STOPPED
        || (session->stop != AGENT_STOP_NONE && session->stop != AGENT_STOP_UNREACHABLE))
        return true;
    for (unsigned i = 0; i < session->scope_count; i++)
        if (session->scopes[i].acknowledged < session->scopes[i].queued
            && session->scopes[i].stop == AGENT_STOP_NONE)
            return false;
    return !agent_session_settling(session);
}

bool agent_push_over(const agent_push *self, uint64_t now_ms)
{
    outbox_error ignored;
    return settled(runtime_session(self->loop)) || now_ms >= self->deadline_ms
        || runtime_failures(self->loop, &ignored) != self->failures;
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
    (void)json_dumpf(summary, self->call->out, 0);
    (void)fputc('\n', self->call->out);
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
    FILE *out = self->call->out;
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
    outbox *box = agent_call_of(self->call)->box;
    outbox_error error = agent_note_count(box, &left);
    if (error == OUTBOX_OK && left < self->notes)
        cli_say(self->call, "après la restauration constatée, cet envoi remet à jour ce que le hub tient de vous");
    return error == OUTBOX_OK ? agent_note_tell(box, self->call->err, "") : error;
}

/* Why not all has arrived, said; its exit code. */
static int tell_trouble(const agent_push *self)
{
    agent_stop stop = agent_session_trouble(runtime_session(self->loop), NULL);
    bool met = runtime_met(self->loop);
    if (stop == AGENT_STOP_UNREACHABLE && met)
        stop = AGENT_STOP_NONE; /* it was reached, and lost on the way */
    int code = runtime_stop_code(stop);
    return cli_fail(self->call, code, "%s", runtime_stop_text(stop));
}

int agent_push_end(agent_push *self)
{
    agent_call *own = agent_call_of(self->call);
    const outbox_tally *now = runtime_tally(self->loop);
    uint64_t waiting = 0;
    int refused = tell_refused(self->call, &self->before, now);
    uint64_t acknowledged = (now->records - self->before.records) - (now->refused - self->before.refused);
    outbox_error failure;
    unsigned long failures = runtime_failures(self->loop, &failure);
    outbox_error error = outbox_pending(own->box, &waiting);
    if (error == OUTBOX_OK && failures != self->failures)
        error = failure;
    if (self->call->json)
        tell_json(self, acknowledged, waiting);
    else
        tell(self, acknowledged, waiting);
    if (error == OUTBOX_OK)
        error = tell_notes(self);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(self->call, error);
    const agent_session *session = runtime_session(self->loop);
    bool needs_person = session->stop != AGENT_STOP_NONE && session->stop != AGENT_STOP_UNREACHABLE;
    if (agent_session_pending(session) > 0 || needs_person)
        return tell_trouble(self);
    if (refused == CLI_NOT_ALLOWED)
        return refused;
    return self->errors > 0 ? CLI_BAD_INPUT : refused;
}

/* Is there no use in waiting for the hub now? */
static bool is_away(const runtime *loop)
{
    agent_session_state state = runtime_session(loop)->state;
    return state == AGENT_SESSION_WAITING || state == AGENT_SESSION_STOPPED || state == AGENT_SESSION_PAUSED;
}

/*
 * Gives the hub a moment, within --wait, to tell of changed contracts, if it can be reached at once; and as long as
 * --wait says to settle what it holds of us, after a restoration: the export is then compared with the truth.
 */
static void greet(runtime *loop, uint64_t seconds)
{
    uint64_t begun = runtime_now_ms(), patience_ms = seconds * 1000;
    if (patience_ms == 0)
        return;
    runtime_start(loop);
    for (;;) {
        uint64_t spent = runtime_now_ms() - begun;
        bool told = runtime_told(loop) > 0;
        uint64_t most = told || patience_ms < GREET_MS ? patience_ms : GREET_MS;
        if (spent >= most || is_away(loop) || (told && !agent_session_settling(runtime_session(loop))))
            return;
        runtime_step(loop, NULL, 0, (int)(most - spent < STEP_MS ? most - spent : STEP_MS));
    }
}

static int push_alone(cli_call *call, runtime *loop, uint64_t seconds)
{
    agent_push push;
    greet(loop, seconds);
    int code = agent_push_make(&push, call, loop);
    if (code != CLI_DONE)
        return code;
    progress bar;
    uint64_t total = agent_session_pending(runtime_session(loop));
    progress_start(&bar, call->err, call->terminal, "Envoi");
    while (!agent_push_over(&push, runtime_now_ms())) {
        runtime_step(loop, NULL, 0, STEP_MS);
        progress_at(&bar, total - agent_session_pending(runtime_session(loop)), total);
    }
    progress_end(&bar);
    return agent_push_end(&push);
}

static int push_in_serve(cli_call *call, agent_serving *serving)
{
    agent_push *push = calloc(1, sizeof *push);
    if (push == NULL)
        return agent_call_no_memory(call);
    int code = agent_push_make(push, call, serving->loop);
    if (code != CLI_DONE) {
        free(push);
        return code;
    }
    serving->pend(serving, push);
    return CONTROL_PENDING;
}

int agent_push_run(cli_call *call)
{
    agent_call *own = agent_call_of(call);
    uint64_t seconds;
    if (!read_wait(call, &seconds))
        return cli_fail(call, CLI_USAGE, "--wait demande un nombre de secondes, de 0 à %d", WAIT_S_MAX);
    if (own->serving != NULL)
        return push_in_serve(call, own->serving);
    credential_approval approval;
    agent_home_result result;
    arena *memory = arena_new(MEMORY_BYTES);
    if (memory == NULL)
        return agent_call_no_memory(call);
    int code;
    if (agent_home_approval(own->agent, &approval, memory, &result) != AGENT_HOME_OK) {
        code = agent_call_home_failed(call, &result);
    } else {
        outbox_error error;
        runtime *loop = runtime_new(own->agent, own->box, &approval, &error);
        code = loop == NULL ? agent_call_outbox_failed(call, error) : push_alone(call, loop, seconds);
        runtime_destroy(&loop);
    }
    arena_destroy(&memory);
    return code;
}
