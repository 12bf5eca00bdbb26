/* dossier: see the header. */
#include "dossier.h"

#include <string.h>

enum { FORM = 1 };

static const char head[] =
    "# Un contrat et ses avenants, dans l’ordre, tels qu’ils ont été enregistrés dans un hub.\n"
    "# « ctai-hub contract import » l’enregistre dans un autre. Ni enregistrement, ni clé.\n";

static yamldoc_node *add(arena *from, yamldoc_node *to, yamldoc_node **last, yamldoc_node what)
{
    yamldoc_node *node = arena_take(from, sizeof *node);
    if (!node)
        return NULL;
    *node = what;
    if (*last)
        (*last)->next = node;
    else
        to->first = node;
    *last = node;
    to->count++;
    return node;
}

bool dossier_write(const dossier *self, arena *from, text_view *text)
{
    yamldoc_node root = { .kind = YAMLDOC_MAP }, *last = NULL, *last_amendment = NULL;
    bool good = add(from, &root, &last, (yamldoc_node){ .key = text_of("export"), .text = text_of("1") })
        && add(from, &root, &last, (yamldoc_node){ .key = text_of("contrat"), .text = self->id, .quoted = true })
        && add(from, &root, &last, (yamldoc_node){ .key = text_of("initial"), .text = self->initial, .quoted = true });
    yamldoc_node *list = good ? add(from, &root, &last, (yamldoc_node){ .key = text_of("avenants"), .kind = YAMLDOC_LIST }) : NULL;
    for (unsigned i = 0; list && good && i < self->amendment_count; i++)
        good = add(from, list, &last_amendment, (yamldoc_node){ .text = self->amendments[i], .quoted = true }) != NULL;
    text_view body;
    if (!list || !good || !yamldoc_write(&root, from, &body))
        return false;
    size_t size = sizeof head - 1 + body.size;
    char *whole = size <= YAMLDOC_BYTES_MAX ? arena_take(from, size + 1) : NULL;
    if (!whole)
        return false;
    memcpy(whole, head, sizeof head - 1);
    memcpy(whole + sizeof head - 1, body.at, body.size);
    *text = (text_view){ whole, size };
    return true;
}

/* A file inside the file: its text, of as many lines as it has. */
static bool take_text(yamldoc *doc, const yamldoc_node *node, const char *key, text_view *to)
{
    if (!node || node->kind != YAMLDOC_SCALAR || node->text.size == 0) {
        if (node)
            yamldoc_error(doc, node, key, "texte attendu");
        return false;
    }
    *to = node->text;
    return true;
}

bool dossier_read(dossier *self, arena *from, const char *file, text_view bytes, diag_sink *sink)
{
    unsigned long errors = sink->count[DIAG_ERROR];
    yamldoc doc;
    yamldoc_map top;
    int64_t form = 0;
    *self = (dossier){ 0 };
    if (!yamldoc_load(&doc, from, file, bytes, sink) || !yamldoc_map_open(&top, &doc, doc.root, "l’export d’un contrat"))
        return false;
    (void)!yamldoc_integer(&top, "export", YAMLDOC_REQUIRED, FORM, FORM, &form);
    (void)!yamldoc_name(&top, "contrat", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &self->id);
    (void)!take_text(&doc, yamldoc_value(&top, "initial", YAMLDOC_REQUIRED), "initial", &self->initial);
    const yamldoc_node *list = yamldoc_list(&top, "avenants", YAMLDOC_OPTIONAL, 0, CONTRACT_AMENDMENTS_MAX);
    self->amendments = arena_take(from, sizeof *self->amendments * (list ? list->count : 0) + 1);
    if (!self->amendments)
        yamldoc_error(&doc, NULL, NULL, "la mémoire manque pour lire ce fichier");
    for (const yamldoc_node *item = self->amendments && list ? list->first : NULL; item; item = item->next)
        self->amendment_count += take_text(&doc, item, "avenants", &self->amendments[self->amendment_count]);
    yamldoc_map_close(&top);
    return sink->count[DIAG_ERROR] == errors;
}
