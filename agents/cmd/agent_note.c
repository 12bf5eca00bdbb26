#include "agent_note.h"

#include <time.h>

typedef struct {
    FILE *to;
    const char *lead;
    json_t *array;
    unsigned count;
} telling;

static const char *day_text(uint64_t seconds, bool program, char text[64])
{
    time_t when = (time_t)seconds;
    struct tm parts;
    if ((program ? gmtime_r(&when, &parts) : localtime_r(&when, &parts)) == NULL)
        return "?";
    if (program)
        strftime(text, 64, "%Y-%m-%dT%H:%M:%SZ", &parts);
    else
        strftime(text, 64, "%d/%m/%Y à %H:%M", &parts);
    return text;
}

static const char *what_happened(outbox_note_kind kind)
{
    switch (kind) {
    case OUTBOX_NOTE_RESTORED:
        return "cette machine a été restaurée d’une sauvegarde : le hub tenait de vous plus qu’elle n’en savait";
    case OUTBOX_NOTE_HUB_LOST:
        return "le hub avait perdu des envois qu’il avait confirmés ; ce que cette machine en gardait est reparti";
    case OUTBOX_NOTE_NEW:
        return "cette machine ne savait rien de ce que le hub tient de vous";
    case OUTBOX_NOTE_NONE:
        break;
    }
    return "";
}

static void tell_one(void *data, const outbox_note *note)
{
    telling *self = data;
    char text[64];
    (void)fprintf(self->to, "%sContrat %.*s : %s (constaté le %s). %s l’export actuel, entier : ctai-agent push\n",
                  self->lead, (int)note->contract.size, note->contract.at, what_happened(note->kind),
                  day_text(note->seconds, false, text),
                  note->compared ? "Envoyez" : "La comparaison avec le hub est en cours ; ensuite, envoyez");
    if (note->kind != OUTBOX_NOTE_HUB_LOST)
        (void)fprintf(self->to, "%sContrat %.*s : avant cet envoi, refaites les effacements demandés que cette machine ne connaît "
                                "plus : ctai-agent forget\n", self->lead, (int)note->contract.size, note->contract.at);
}

outbox_error agent_note_tell(outbox *box, FILE *to, const char *lead)
{
    telling self = {.to = to, .lead = lead};
    return outbox_notes(box, tell_one, &self);
}

static void add_one(void *data, const outbox_note *note)
{
    static const char *const names[] = {[OUTBOX_NOTE_NONE] = "",
                                        [OUTBOX_NOTE_RESTORED] = "restauration",
                                        [OUTBOX_NOTE_HUB_LOST] = "perte_au_hub",
                                        [OUTBOX_NOTE_NEW] = "etat_inconnu"};
    telling *self = data;
    char text[64];
    json_array_append_new(self->array,
                          json_pack("{s:s%, s:s%, s:s, s:s, s:b}", "perimetre", note->scope.at, note->scope.size,
                                    "contrat", note->contract.at, note->contract.size, "motif", names[note->kind],
                                    "constate", day_text(note->seconds, true, text), "compare", note->compared));
}

json_t *agent_note_json(outbox *box, outbox_error *error)
{
    telling self = {.array = json_array()};
    *error = self.array == NULL ? OUTBOX_NO_MEMORY : outbox_notes(box, add_one, &self);
    if (*error == OUTBOX_OK)
        return self.array;
    json_decref(self.array);
    return NULL;
}

static void count_one(void *data, const outbox_note *note)
{
    telling *self = data;
    (void)note;
    self->count++;
}

outbox_error agent_note_count(outbox *box, unsigned *count)
{
    telling self = {.count = 0};
    outbox_error error = outbox_notes(box, count_one, &self);
    *count = self.count;
    return error;
}
