/*
 * yamldoc: reading. libyaml's events are taken one by one instead of its document API: only there
 * can anchors, tags, depth and size be refused before they cost anything (the document API has
 * already followed the aliases and forgotten the anchors). Walking the tree is yamldoc_map.c.
 */
#include "yamldoc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

typedef struct {
    yamldoc *doc;
    unsigned node_count, depth;
    yamldoc_node *open[YAMLDOC_DEPTH_MAX]; /* the lists and maps that we are inside of */
    yamldoc_node *last[YAMLDOC_DEPTH_MAX]; /* the last item of each */
    bool has_key[YAMLDOC_DEPTH_MAX];       /* a map whose next value is that of key */
    text_view key[YAMLDOC_DEPTH_MAX];
    yaml_mark_t key_mark[YAMLDOC_DEPTH_MAX];
    bool ended;                            /* the document is complete */
} builder;

static void say_at(const yamldoc *doc, unsigned long line, unsigned long column, const char *message,
                   const char *remedy)
{
    diag_emit(doc->sink, &(diag){ .severity = DIAG_ERROR, .file = doc->file, .line = line, .column = column,
                                  .message = message, .remedy = remedy });
}

static bool refuse(const yamldoc *doc, yaml_mark_t mark, const char *message, const char *remedy)
{
    say_at(doc, mark.line + 1, mark.column + 1, message, remedy);
    return false;
}

static bool refuse_memory(const yamldoc *doc)
{
    say_at(doc, 0, 0, "la mémoire manque pour lire ce fichier", NULL);
    return false;
}

/* Bytes of the UTF-8 character at text, 0 when there is none; *code is its number. */
static size_t character(text_view text, uint32_t *code)
{
    unsigned char first = (unsigned char)text.at[0];
    size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (size > text.size || !text_is_utf8((text_view){ text.at, size }))
        return 0;
    *code = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++)
        *code = *code << 6 | ((unsigned char)text.at[i] & 0x3fu);
    return size;
}

/* Control characters but tab and line ends, and those that turn the direction of writing: no text needs them. */
static bool is_forbidden(uint32_t code)
{
    bool space = code == '\t' || code == '\n' || code == '\r' || code == 0x85;
    return (!space && (code < 0x20 || (code >= 0x7f && code < 0xa0))) || (code >= 0x202a && code <= 0x202e)
        || (code >= 0x2066 && code <= 0x2069);
}

/* UTF-8 all through, without such characters. */
static bool check_bytes(const yamldoc *doc, text_view bytes)
{
    unsigned long line = 1, column = 1;
    for (size_t at = 0; at < bytes.size;) {
        uint32_t code = 0;
        size_t size = character((text_view){ bytes.at + at, bytes.size - at }, &code);
        if (size == 0) {
            say_at(doc, line, column, "ce n’est pas un texte en UTF-8", "Enregistrez le fichier en UTF-8");
            return false;
        }
        if (is_forbidden(code)) {
            say_at(doc, line, column, "caractère de contrôle interdit",
                   "Vérifiez que c’est bien un fichier de texte");
            return false;
        }
        column++;
        if (code == '\n') {
            line++;
            column = 1;
        }
        at += size;
    }
    return true;
}

/* What libyaml found wrong, in French, with what most often lies behind it. */
static void say_syntax(const yamldoc *doc, const yaml_parser_t *parser)
{
    static const struct { const char *problem, *message, *remedy; } known[] = {
        { "found character that cannot start any token", "ce caractère ne peut pas commencer une valeur",
          "Décalez les lignes avec des espaces, jamais avec des tabulations, et mettez le texte entre guillemets" },
        { "mapping values are not allowed in this context", "deux-points inattendu",
          "Mettez entre guillemets un texte qui contient « : », et vérifiez le décalage de la ligne" },
        { "could not find expected ':'", "il manque « : » après la clé",
          "Vérifiez la ligne précédente et les décalages" },
        { "did not find expected key", "le décalage de cette ligne ne correspond à rien",
          "Alignez-la sur les clés du même niveau" },
        { "did not find expected '-' indicator",
          "le décalage de cette ligne ne correspond à aucun élément de la liste",
          "Alignez le tiret sur ceux de la liste" },
        { "block sequence entries are not allowed in this context", "tiret inattendu",
          "Mettez la liste à la ligne suivante, ou le texte entre guillemets" },
        { "found unexpected end of stream", "le fichier s’arrête dans une valeur", "Fermez les guillemets" },
        { "did not find expected <document start>", "une seule suite de clés est attendue par fichier",
          "Vérifiez le décalage de cette ligne" },
        { "found a tab character", "tabulation interdite", "Décalez les lignes avec des espaces" },
        { "found a tab character that violates indentation", "tabulation interdite",
          "Décalez les lignes avec des espaces" },
    };
    if (parser->error == YAML_MEMORY_ERROR) {
        (void)refuse_memory(doc);
        return;
    }
    unsigned long line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;
    for (size_t i = 0; parser->problem && i < sizeof known / sizeof *known; i++)
        if (strcmp(parser->problem, known[i].problem) == 0) {
            say_at(doc, line, column, known[i].message, known[i].remedy);
            return;
        }
    say_at(doc, line, column, "la syntaxe YAML n’est pas respectée ici",
           "Vérifiez décalages, guillemets et crochets");
}

static bool is_duplicate(const yamldoc_node *map, text_view key)
{
    for (const yamldoc_node *item = map->first; item; item = item->next)
        if (text_equal(item->key, key))
            return true;
    return false;
}

static bool take_key(builder *self, const yaml_event_t *event)
{
    unsigned top = self->depth - 1;
    const yamldoc *doc = self->doc;
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(doc, event->start_mark, "une clé doit être un simple mot", NULL);
    text_view key = { (const char *)event->data.scalar.value, event->data.scalar.length };
    if (key.size == 0)
        return refuse(doc, event->start_mark, "clé vide", NULL);
    if (is_duplicate(self->open[top], key))
        return refuse(doc, event->start_mark, "cette clé est donnée deux fois", "Gardez-en une");
    if (self->open[top]->count >= YAMLDOC_KEYS_MAX)
        return refuse(doc, event->start_mark, "trop de clés à ce niveau", NULL);
    char *copy = arena_text(doc->from, key);
    if (!copy)
        return refuse_memory(doc);
    self->key[top] = (text_view){ copy, key.size };
    self->key_mark[top] = event->start_mark;
    self->has_key[top] = true;
    return true;
}

/* Hangs a new node where we are; goes down into it when it is a list or a map. */
static bool take_value(builder *self, const yaml_event_t *event)
{
    yamldoc *doc = self->doc;
    if (++self->node_count > YAMLDOC_NODES_MAX)
        return refuse(doc, event->start_mark, "le fichier a trop de valeurs", NULL);
    yamldoc_node *node = arena_take(doc->from, sizeof *node);
    if (!node)
        return refuse_memory(doc);
    node->file = doc->file;
    node->line = event->start_mark.line + 1;
    node->column = event->start_mark.column + 1;
    node->kind = event->type == YAML_SCALAR_EVENT ? YAMLDOC_SCALAR
        : event->type == YAML_SEQUENCE_START_EVENT ? YAMLDOC_LIST : YAMLDOC_MAP;
    if (node->kind == YAMLDOC_SCALAR) {
        text_view text = { (const char *)event->data.scalar.value, event->data.scalar.length };
        char *copy = arena_text(doc->from, text);
        if (!copy)
            return refuse_memory(doc);
        node->text = (text_view){ copy, text.size };
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
    if (self->depth == 0)
        doc->root = node;
    else {
        unsigned top = self->depth - 1;
        if (self->open[top]->kind == YAMLDOC_MAP) {
            node->key = self->key[top];
            node->key_line = self->key_mark[top].line + 1;
            node->key_column = self->key_mark[top].column + 1;
            self->has_key[top] = false;
        }
        if (self->last[top])
            self->last[top]->next = node;
        else
            self->open[top]->first = node;
        self->last[top] = node;
        self->open[top]->count++;
    }
    if (node->kind == YAMLDOC_SCALAR)
        return true;
    if (self->depth == YAMLDOC_DEPTH_MAX)
        return refuse(doc, event->start_mark, "trop de niveaux les uns dans les autres", NULL);
    self->open[self->depth] = node;
    self->last[self->depth] = NULL;
    self->has_key[self->depth] = false;
    self->depth++;
    return true;
}

/* The anchor or tag of a value, which we refuse. */
static bool is_plain_value(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return !event->data.scalar.anchor && !event->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT: return !event->data.sequence_start.anchor && !event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT: return !event->data.mapping_start.anchor && !event->data.mapping_start.tag;
    default: return true;
    }
}

/* Escapes between double quotes ("\e") can write what check_bytes has not found in the file. */
static bool is_clean(const yaml_event_t *event)
{
    if (event->type != YAML_SCALAR_EVENT)
        return true;
    text_view text = { (const char *)event->data.scalar.value, event->data.scalar.length };
    for (size_t at = 0; at < text.size;) {
        uint32_t code = 0;
        size_t size = character((text_view){ text.at + at, text.size - at }, &code);
        if (size == 0 || is_forbidden(code))
            return false;
        at += size;
    }
    return true;
}

static bool take_event(builder *self, const yaml_event_t *event)
{
    const yamldoc *doc = self->doc;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return refuse(doc, event->start_mark, "les renvois (« * ») ne sont pas admis",
                      "Écrivez la valeur, ou mettez-la entre guillemets");
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (!is_plain_value(event))
            return refuse(doc, event->start_mark,
                          "les ancres (« & ») et les étiquettes (« ! ») ne sont pas admises",
                          "Mettez le texte entre guillemets");
        if (!is_clean(event))
            return refuse(doc, event->start_mark, "caractère de contrôle interdit", "Écrivez un texte ordinaire");
        if (self->depth > 0 && self->open[self->depth - 1]->kind == YAMLDOC_MAP && !self->has_key[self->depth - 1])
            return take_key(self, event);
        return take_value(self, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        self->depth--;
        return true;
    case YAML_DOCUMENT_START_EVENT:
        if (doc->root)
            return refuse(doc, event->start_mark, "plusieurs documents dans un fichier",
                          "Faites un fichier de chacun");
        return true;
    case YAML_STREAM_END_EVENT:
        self->ended = true;
        return true;
    default:
        return true;
    }
}

bool yamldoc_load(yamldoc *self, arena *from, const char *file, text_view bytes, diag_sink *sink)
{
    *self = (yamldoc){ .file = file, .sink = sink, .from = from };
    if (bytes.size > YAMLDOC_BYTES_MAX) {
        say_at(self, 0, 0, "le fichier est trop gros (1 Mio au plus)", "Vérifiez que c’est le bon fichier");
        return false;
    }
    if (bytes.size >= 3 && memcmp(bytes.at, "\xef\xbb\xbf", 3) == 0) /* the byte order mark of some editors */
        bytes = (text_view){ bytes.at + 3, bytes.size - 3 };
    if (!check_bytes(self, bytes))
        return false;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return refuse_memory(self);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(bytes.at ? bytes.at : ""), bytes.size);
    builder build = { .doc = self };
    bool good = true;
    while (good && !build.ended) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            say_syntax(self, &parser);
            good = false;
            break;
        }
        good = take_event(&build, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (good && !self->root) {
        say_at(self, 0, 0, "le fichier est vide", NULL);
        good = false;
    }
    return good;
}
