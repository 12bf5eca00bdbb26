/*
 * yamldoc: files that people write in YAML (contracts, catalogue, mappings, configuration): read
 * into a tree within bounds, then walked key by key. The owner of libyaml.
 *
 * Always true: whatever is wrong is said, in French, with file, line and column; a key that nobody
 * asked for is an error, so that nothing is silently ignored. Anchors, aliases, tags, several
 * documents in a file and keys given twice are refused. Scalars are texts until a reader asks for a
 * number or a date, so that 01 stays 01.
 */
#ifndef CTAI_YAMLDOC_H
#define CTAI_YAMLDOC_H

#include "arena.h"
#include "civil.h"
#include "diag.h"
#include "text.h"

enum {
    YAMLDOC_BYTES_MAX = 1 << 20, /* of a file */
    YAMLDOC_DEPTH_MAX = 16,      /* lists and maps inside each other */
    YAMLDOC_NODES_MAX = 50000,   /* values of a file */
    YAMLDOC_KEYS_MAX = 256,      /* keys of a map */
    YAMLDOC_ASKED_MAX = 32,      /* keys that a reader may ask a map for */
};

typedef enum { YAMLDOC_SCALAR, YAMLDOC_LIST, YAMLDOC_MAP } yamldoc_kind;

/* A value. In a list, the items hang on first; in a map, the values, each with its key. */
typedef struct yamldoc_node {
    yamldoc_kind kind;
    const char *file;                    /* in which it stands; NULL: the document's (a tree may be of two files) */
    unsigned long line, column;          /* from 1; columns are characters */
    text_view text;                      /* SCALAR */
    bool quoted;                         /* SCALAR: "..." or '...' or a block */
    text_view key;                       /* in a map */
    unsigned long key_line, key_column;
    unsigned count;                      /* LIST, MAP */
    struct yamldoc_node *first, *next;
} yamldoc_node;

typedef struct {
    const char *file; /* as the user named it */
    diag_sink *sink;
    arena *from;
    yamldoc_node *root;
} yamldoc;

/*
 * Reads bytes. False, said so on the sink, when they are no such document or memory is short. The
 * texts are copies in the arena; file and sink must outlive the document.
 */
bool yamldoc_load(yamldoc *self, arena *from, const char *file, text_view bytes, diag_sink *sink)
    __attribute__((warn_unused_result));

/* Says what is wrong with, or doubtful about, a value. key may be NULL. */
void yamldoc_error(yamldoc *self, const yamldoc_node *at, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void yamldoc_warn(yamldoc *self, const yamldoc_node *at, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * The tree as a text that reads as the same tree (yamldoc_load), without comments. False: memory is short. The text
 * is in the arena, and ends in a NUL.
 */
bool yamldoc_write(const yamldoc_node *root, arena *from, text_view *text) __attribute__((warn_unused_result));

/* The value of a key of a map, or NULL; nothing is said. */
const yamldoc_node *yamldoc_peek(const yamldoc_node *map, const char *key);

/* Reading a map: open, ask for its keys, close. Copy nothing: it remembers what was asked. */
typedef struct {
    yamldoc *doc;
    const yamldoc_node *node; /* NULL: there is no map, and that has been said: all keys are absent, silently */
    const char *asked[YAMLDOC_ASKED_MAX];
    unsigned asked_count;
} yamldoc_map;

/* what names the map for people ("le contrat"). node may be NULL. False when it is no map. */
bool yamldoc_map_open(yamldoc_map *self, yamldoc *doc, const yamldoc_node *node, const char *what);
/* Says of each key that nobody asked for that it is unknown, with the nearest of those asked for. */
void yamldoc_map_close(yamldoc_map *self);

typedef enum { YAMLDOC_OPTIONAL, YAMLDOC_REQUIRED } yamldoc_need;

/*
 * The value of a key, in the form asked for. False when it is absent or wrong, which has then been
 * said, and *to is as before. key must live as long as the map is open.
 */
const yamldoc_node *yamldoc_value(yamldoc_map *self, const char *key, yamldoc_need need);
/* A text on one line, 1..bytes_max bytes, without control characters. */
bool yamldoc_text(yamldoc_map *self, const char *key, yamldoc_need need, size_t bytes_max, text_view *to);
/* A name of the wire and the database: 1..bytes_max of [A-Za-z0-9._-] (PROTOCOL.md). */
bool yamldoc_name(yamldoc_map *self, const char *key, yamldoc_need need, size_t bytes_max, text_view *to);
/* A whole number from min to max; spaces between thousands are allowed. */
bool yamldoc_integer(yamldoc_map *self, const char *key, yamldoc_need need, int64_t min, int64_t max, int64_t *to);
/* "40 000", "40 000,50", "40000.50 €": cents, up to 10^12. */
bool yamldoc_euros(yamldoc_map *self, const char *key, yamldoc_need need, int64_t *cents);
/* 2023-11-30 or 30/11/2023. */
bool yamldoc_day(yamldoc_map *self, const char *key, yamldoc_need need, civil_day *to);
/* 2024-06. */
bool yamldoc_month(yamldoc_map *self, const char *key, yamldoc_need need, civil_month *to);
/* oui or non. */
bool yamldoc_flag(yamldoc_map *self, const char *key, yamldoc_need need, bool *to);
/* One of count words; its index. */
bool yamldoc_choice(yamldoc_map *self, const char *key, yamldoc_need need, const char *const *words,
                    unsigned count, unsigned *to);
/* A list of count_min..count_max items; NULL when absent or wrong. Its items: node->first, then next. */
const yamldoc_node *yamldoc_list(yamldoc_map *self, const char *key, yamldoc_need need, unsigned count_min,
                                 unsigned count_max);

/* The same for an item of a list. */
bool yamldoc_item_text(yamldoc *self, const yamldoc_node *item, size_t bytes_max, text_view *to);
bool yamldoc_item_name(yamldoc *self, const yamldoc_node *item, size_t bytes_max, text_view *to);
bool yamldoc_item_choice(yamldoc *self, const yamldoc_node *item, const char *const *words, unsigned count,
                         unsigned *to);

/* Is a text such a name? */
bool yamldoc_is_name(text_view text, size_t bytes_max);

#endif
