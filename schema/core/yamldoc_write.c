/*
 * yamldoc_write: a tree as text, in block style; see yamldoc.h. A text of several lines is a literal block, which people
 * can read; another goes between double quotes unless it is plainly harmless without. What cannot stand in a block as it is
 * (other line ends) goes between quotes, escaped: every text comes back to the byte.
 */
#include <stdio.h>
#include <string.h>

#include "yamldoc.h"

/* Bytes are counted first, then written: at is NULL the first time. */
typedef struct {
    char *at;
    size_t size;
} writer;

static void put(writer *self, const char *bytes, size_t size)
{
    if (self->at)
        memcpy(self->at + self->size, bytes, size);
    self->size += size;
}

static void put_text(writer *self, const char *text)
{
    put(self, text, strlen(text));
}

static void put_indent(writer *self, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        put(self, "  ", 2);
}

static bool is_letter_or_digit(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters, digits and a few signs, single spaces between words: the same plain as quoted. */
static bool is_plain(text_view text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool inner = i > 0 && i + 1 < text.size;
        if (!is_letter_or_digit(c) && !(inner && (c == '-' || c == '.' || c == '_' || c == '/'))
            && !(inner && c == ' ' && text.at[i - 1] != ' '))
            return false;
    }
    return text.size > 0;
}

/* The special line ends and the byte order mark, by their three or two bytes. */
static const char *escape_of(text_view text, size_t at, size_t *size)
{
    static const struct { const char *bytes, *escape; } known[] = {
        { "\n", "\\n" }, { "\r", "\\r" }, { "\t", "\\t" }, { "\"", "\\\"" }, { "\\", "\\\\" },
        { "\xc2\x85", "\\N" }, { "\xe2\x80\xa8", "\\L" }, { "\xe2\x80\xa9", "\\P" }, { "\xef\xbb\xbf", "\\uFEFF" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        *size = strlen(known[i].bytes);
        if (*size <= text.size - at && memcmp(text.at + at, known[i].bytes, *size) == 0)
            return known[i].escape;
    }
    *size = 1;
    return NULL;
}

/* Lines that end in a line feed alone, and nothing that a reader would take for another line's end or drop. */
static bool is_block(text_view text)
{
    for (size_t at = 0, size = 0; at < text.size; at += size)
        if (escape_of(text, at, &size) && !strchr("\n\t\"\\", text.at[at]))
            return false;
    return text.size > 0 && memchr(text.at, '\n', text.size) && text.at[0] != '\n';
}

/* « | » with how its end is to be read, then its lines, one level further in. */
static void put_block(writer *self, text_view text, unsigned depth)
{
    bool ends = text.at[text.size - 1] == '\n', ends_twice = ends && text.size > 1 && text.at[text.size - 2] == '\n';
    put_text(self, ends_twice ? "|2+\n" : ends ? "|2\n" : "|2-\n");
    for (size_t at = 0; at < text.size;) {
        const char *end = memchr(text.at + at, '\n', text.size - at);
        size_t size = end ? (size_t)(end - text.at) - at : text.size - at;
        if (size > 0)
            put_indent(self, depth + 1);
        put(self, text.at + at, size);
        put_text(self, "\n");
        at += size + 1;
    }
}

static void put_scalar(writer *self, const yamldoc_node *node)
{
    if (!node->quoted && is_plain(node->text)) {
        put(self, node->text.at, node->text.size);
        return;
    }
    put_text(self, "\"");
    for (size_t at = 0, size = 0; at < node->text.size; at += size) {
        const char *escape = escape_of(node->text, at, &size);
        if (escape)
            put_text(self, escape);
        else
            put(self, node->text.at + at, size);
    }
    put_text(self, "\"");
}

static void put_key(writer *self, text_view key)
{
    const yamldoc_node as_scalar = { .text = key };
    put_scalar(self, &as_scalar);
}

/* The walk knows its way back by itself: depth is bounded, and nothing recurs. */
typedef struct {
    const yamldoc_node *item;  /* the next to write */
    bool in_map, began;        /* began: its first line follows a dash */
} level;

static void put_empty(writer *self, const yamldoc_node *node)
{
    put_text(self, node->kind == YAMLDOC_MAP ? " {}\n" : " []\n");
}

/* Writes what stands before the value of an item; the value itself when it is a text or empty. True: go down into it. */
static bool put_item(writer *self, const level *here, unsigned depth, const yamldoc_node *item)
{
    if (!here->began)
        put_indent(self, depth);
    if (here->in_map) {
        put_key(self, item->key);
        put_text(self, ":");
    } else {
        put_text(self, "-");
    }
    if (item->kind == YAMLDOC_SCALAR) {
        put_text(self, " ");
        if (is_block(item->text)) {
            put_block(self, item->text, depth);
        } else {
            put_scalar(self, item);
            put_text(self, "\n");
        }
    } else if (!item->first) {
        put_empty(self, item);
    } else {
        put_text(self, here->in_map ? "\n" : " ");
        return true;
    }
    return false;
}

static void walk(writer *self, const yamldoc_node *root)
{
    level levels[YAMLDOC_DEPTH_MAX + 1];
    unsigned depth = 0;
    if (root->kind == YAMLDOC_SCALAR) {
        put_scalar(self, root);
        put_text(self, "\n");
        return;
    }
    if (!root->first)
        put_empty(self, root);
    levels[0] = (level){ .item = root->first, .in_map = root->kind == YAMLDOC_MAP };
    for (;;) {
        level *here = &levels[depth];
        const yamldoc_node *item = here->item;
        if (!item) {
            if (depth == 0)
                return;
            depth--;
            continue;
        }
        bool down = put_item(self, here, depth, item);
        here->began = false;
        here->item = item->next;
        if (down)
            levels[++depth] = (level){ .item = item->first, .in_map = item->kind == YAMLDOC_MAP, .began = !here->in_map };
    }
}

bool yamldoc_write(const yamldoc_node *root, arena *from, text_view *text)
{
    writer count = { 0 };
    walk(&count, root);
    writer to = { .at = arena_take(from, count.size + 1) };
    if (!to.at)
        return false;
    walk(&to, root);
    to.at[to.size] = '\0';
    *text = (text_view){ to.at, to.size };
    return true;
}
