/* doctor: see the header. What is said is printed at once, or gathered for --json. */
#include "doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct doctor {
    cli_call *call;
    FILE *to;           /* where it is printed; with --json, the list so far */
    const char *check;
    unsigned said;      /* of this check */
    unsigned count[3];  /* of each state */
};

static const char *const states[] = {"ok", "attention", "erreur"};

/* A JSON string (RFC 8259); what is not UTF-8 in it is left out, so that the object always can be read. */
static void put_json(FILE *to, const char *text)
{
    bool whole = text_is_utf8(text_of(text));
    fputc('"', to);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(to, "\\%c", *at);
        else if (*at < 0x20)
            fprintf(to, "\\u%04x", *at);
        else if (*at < 0x80 || whole)
            fputc(*at, to);
    }
    fputc('"', to);
}

static void put_member(FILE *to, const char *name, const char *text)
{
    fprintf(to, ", \"%s\": ", name);
    if (text)
        put_json(to, text);
    else
        fputs("null", to);
}

/* Control characters of a file's name do not reach the terminal. */
static void put_line(FILE *to, const char *label, const char *text)
{
    fprintf(to, "           %-14s", label);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        fputc(*at < 0x20 || *at == 0x7f ? '?' : *at, to);
    fputc('\n', to);
}

void doctor_say(doctor *self, doctor_state state, const char *where, const char *remedy, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bool first = self->count[DOCTOR_OK] + self->count[DOCTOR_DOUBT] + self->count[DOCTOR_WRONG] == 0;
    self->count[state]++;
    self->said++;
    if (self->call->json) {
        fprintf(self->to, "%s{\"controle\": ", first ? "" : ", ");
        put_json(self->to, self->check);
        put_member(self->to, "etat", states[state]);
        put_member(self->to, "constat", text);
        put_member(self->to, "ou", where);
        put_member(self->to, "a_faire", remedy);
        fputc('}', self->to);
        return;
    }
    fprintf(self->to, "%-11s%-14s", states[state], self->check);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        fputc(*at < 0x20 || *at == 0x7f ? ' ' : *at, self->to);
    fputc('\n', self->to);
    if (where)
        put_line(self->to, "où", where);
    if (remedy)
        put_line(self->to, "à faire", remedy);
    fflush(self->to);
}

doctor_state doctor_worst(const doctor *self)
{
    return self->count[DOCTOR_WRONG] ? DOCTOR_WRONG : self->count[DOCTOR_DOUBT] ? DOCTOR_DOUBT : DOCTOR_OK;
}

static void run_checks(doctor *self, const doctor_check *checks, void *of)
{
    for (; checks->name; checks++) {
        self->check = checks->name;
        self->said = 0;
        checks->look(self, of);
        if (!self->said)
            doctor_fine(self, "%s", checks->fine);
    }
}

static void tell(const doctor *self)
{
    unsigned wrong = self->count[DOCTOR_WRONG], doubts = self->count[DOCTOR_DOUBT];
    if (!wrong && !doubts)
        fputs("Rien à signaler.\n", self->to);
    else
        fprintf(self->to, "À corriger : %u ; à surveiller : %u.\n", wrong, doubts);
}

int doctor_run(cli_call *call, const doctor_check *checks, void *of)
{
    doctor self = {.call = call, .to = cli_output(call)};
    char *list = NULL;
    size_t size = 0;
    if (call->json)
        self.to = open_memstream(&list, &size);
    if (!self.to)
        return cli_fail(call, CLI_FAULT, "la mémoire manque ; fermez d’autres programmes et recommencez");
    run_checks(&self, checks, of);
    if (call->json) {
        bool whole = !ferror(self.to);
        whole = fclose(self.to) == 0 && whole;
        if (whole)
            fprintf(cli_output(call), "{\"etat\": \"%s\", \"controles\": [%s]}\n", states[doctor_worst(&self)], list);
        free(list);
        if (!whole)
            return cli_fail(call, CLI_FAULT, "la mémoire manque ; fermez d’autres programmes et recommencez");
    } else
        tell(&self);
    return self.count[DOCTOR_WRONG] ? CLI_CONFIGURATION : CLI_DONE;
}
