/* spoil: every small wrong thing that can be done to canonical MessagePack, token by token. See hostile.h. */
#include "hostile.h"

enum { SPOIL_MAX = 1 << 16, CUTS_MAX = 400 };

typedef enum { TOKEN_NIL, TOKEN_BOOL, TOKEN_UINT, TOKEN_STRING, TOKEN_BINARY, TOKEN_ARRAY } token_kind;

typedef struct {
    token_kind kind;
    size_t at, head;  /* where it begins; bytes of its first byte and length or number */
    size_t payload;   /* bytes after the head; of an array 0 */
    uint64_t value;   /* number, length or count */
} token;

static uint8_t work[SPOIL_MAX];

static uint64_t big_endian(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* The token at an offset of bytes that are canonical. */
static token token_at(text_view bytes, size_t at)
{
    const uint8_t *from = (const uint8_t *) bytes.at + at;
    uint8_t first = *from;
    token made = {.at = at, .head = 1};

    if (first <= 0x7f) {
        made.kind = TOKEN_UINT;
        made.value = first;
    } else if (first >= 0xcc && first <= 0xcf) {
        made.kind = TOKEN_UINT;
        made.head = 1 + ((size_t) 1 << (first - 0xcc));
        made.value = big_endian(from + 1, made.head - 1);
    } else if (first >= 0xa0 && first <= 0xbf) {
        made.kind = TOKEN_STRING;
        made.value = made.payload = first & 0x1f;
    } else if (first >= 0xd9 && first <= 0xdb) {
        made.kind = TOKEN_STRING;
        made.head = 1 + ((size_t) 1 << (first - 0xd9));
        made.value = made.payload = big_endian(from + 1, made.head - 1);
    } else if (first >= 0xc4 && first <= 0xc6) {
        made.kind = TOKEN_BINARY;
        made.head = 1 + ((size_t) 1 << (first - 0xc4));
        made.value = made.payload = big_endian(from + 1, made.head - 1);
    } else if (first >= 0x90 && first <= 0x9f) {
        made.kind = TOKEN_ARRAY;
        made.value = first & 0xf;
    } else if (first == 0xdc || first == 0xdd) {
        made.kind = TOKEN_ARRAY;
        made.head = first == 0xdc ? 3 : 5;
        made.value = big_endian(from + 1, made.head - 1);
    } else {
        made.kind = first == 0xc0 ? TOKEN_NIL : TOKEN_BOOL;
    }
    return made;
}

typedef struct {
    text_view good;
    spoil_take *take;
    void *data;
} spoiler;

/* The good bytes with those of [at, at + size) replaced. */
static void replace(const spoiler *self, size_t at, size_t size, const void *by, size_t by_size, spoil_hope hope, const char *what)
{
    char name[64];
    size_t rest = self->good.size - at - size;

    if (at + by_size + rest > sizeof work)
        return;
    memcpy(work, self->good.at, at);
    memcpy(work + at, by, by_size);
    memcpy(work + at + by_size, self->good.at + at + size, rest);
    snprintf(name, sizeof name, "%s at %zu", what, at);
    text_view spoilt = hostile_exact(work, at + by_size + rest);
    if (spoilt.size == self->good.size && memcmp(spoilt.at, self->good.at, spoilt.size) == 0)
        return;
    self->take(self->data, spoilt, hope, name);
}

static void put_length(uint8_t *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t) (value >> 8 * (size - 1 - i));
}

/* The same value in each longer form than its shortest. */
static void lengthen(const spoiler *self, const token *what)
{
    static const struct { token_kind kind; uint8_t first; size_t size; } forms[] = {
        {TOKEN_UINT, 0xcc, 1}, {TOKEN_UINT, 0xcd, 2}, {TOKEN_UINT, 0xce, 4}, {TOKEN_UINT, 0xcf, 8},
        {TOKEN_STRING, 0xd9, 1}, {TOKEN_STRING, 0xda, 2}, {TOKEN_STRING, 0xdb, 4},
        {TOKEN_BINARY, 0xc5, 2}, {TOKEN_BINARY, 0xc6, 4}, {TOKEN_ARRAY, 0xdc, 2}, {TOKEN_ARRAY, 0xdd, 4},
    };
    uint8_t head[9];

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (forms[i].kind != what->kind || forms[i].size < what->head)
            continue;
        head[0] = forms[i].first;
        put_length(head + 1, what->value, forms[i].size);
        replace(self, what->at, what->head, head, 1 + forms[i].size, SPOIL_NEVER, "longer form");
    }
}

/* Counts and lengths that nobody may believe. */
static void inflate(const spoiler *self, const token *what)
{
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff};
    static const uint8_t firsts[] = {[TOKEN_STRING] = 0xdb, [TOKEN_BINARY] = 0xc6, [TOKEN_ARRAY] = 0xdd};
    uint8_t head[5] = {0};

    if (what->kind < TOKEN_STRING)
        return;
    head[0] = firsts[what->kind];
    memcpy(head + 1, huge, 4);
    replace(self, what->at, what->head, head, 5, SPOIL_NEVER, "2^32 - 1 of it");
    put_length(head + 1, 1 << 20, 4);
    replace(self, what->at, what->head, head, 5, SPOIL_NEVER, "2^20 of it");
    if (what->head == 1 && what->kind == TOKEN_ARRAY && what->value < 15) {
        head[0] = (uint8_t) (0x90 | (what->value + 1));
        replace(self, what->at, 1, head, 1, SPOIL_NEVER, "one item too few for its count");
    }
    if (what->head == 1 && what->kind == TOKEN_ARRAY && what->value > 0) {
        head[0] = (uint8_t) (0x90 | (what->value - 1));
        replace(self, what->at, 1, head, 1, SPOIL_NEVER, "one item too many for its count");
    }
}

/* Another type in its place. */
static void exchange(const spoiler *self, const token *what)
{
    static const struct { const char *bytes; size_t size; bool known; token_kind kind; const char *what; } others[] = {
        {"\x80", 1, false, 0, "a map"}, {"\xc1", 1, false, 0, "the byte that is never used"}, {"\xca\0\0\0\0", 5, false, 0, "a float"},
        {"\xcb\0\0\0\0\0\0\0\0", 9, false, 0, "a double"}, {"\xff", 1, false, 0, "a negative number"}, {"\xd0\x80", 2, false, 0, "int8"},
        {"\xd4\1\1", 3, false, 0, "an extension"}, {"\xc7\0\1", 3, false, 0, "ext8"}, {"\xcf\x80\0\0\0\0\0\0\0", 9, false, 0, "2^63"},
        {"\xc0", 1, true, TOKEN_NIL, "nil"}, {"\xc3", 1, true, TOKEN_BOOL, "true"}, {"\x01", 1, true, TOKEN_UINT, "1"},
        {"\xa1x", 2, true, TOKEN_STRING, "a string"}, {"\xc4\1x", 3, true, TOKEN_BINARY, "a binary"}, {"\x90", 1, true, TOKEN_ARRAY, "an array"},
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        bool inside = what->kind == TOKEN_ARRAY; /* its items would be left over */
        bool maybe = others[i].known && !inside && (others[i].kind == what->kind || others[i].kind == TOKEN_NIL || what->kind == TOKEN_NIL);
        replace(self, what->at, what->head + what->payload, others[i].bytes, others[i].size,
                maybe || (inside && what->value == 0 && others[i].known) ? SPOIL_MAYBE : SPOIL_NEVER, others[i].what);
    }
}

static void spoil_text(const spoiler *self, const token *what)
{
    static const struct { const char *bytes; size_t size; const char *what; } wrong[] = {
        {"\xff", 1, "the byte FF"}, {"\xc0\xaf", 2, "an overlong form"}, {"\xed\xa0\x80", 3, "a surrogate"},
        {"\xf4\x90\x80\x80", 4, "a character above U+10FFFF"}, {"\xc3", 1, "half a character at its end"},
    };

    if (what->kind != TOKEN_STRING)
        return;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (what->payload >= wrong[i].size)
            replace(self, what->at + what->head + what->payload - wrong[i].size, wrong[i].size, wrong[i].bytes, wrong[i].size, SPOIL_NEVER, wrong[i].what);
}

void spoil_all(text_view good, spoil_take *take, void *data)
{
    spoiler self = {good, take, data};
    char name[64];
    size_t step = good.size / CUTS_MAX + 1;

    for (size_t size = 0; size < good.size; size += size < 64 ? 1 : step) {
        snprintf(name, sizeof name, "cut at %zu", size);
        take(data, hostile_exact(good.at, size), SPOIL_NEVER, name);
    }
    replace(&self, good.size, 0, "\xc0", 1, SPOIL_NEVER, "nil after the end");
    replace(&self, good.size, 0, "\0", 1, SPOIL_NEVER, "zero after the end");
    replace(&self, 0, 0, "\xef\xbb\xbf", 3, SPOIL_NEVER, "a byte order mark");
    for (size_t at = 0; at < good.size;) {
        token what = token_at(good, at);
        lengthen(&self, &what);
        inflate(&self, &what);
        exchange(&self, &what);
        spoil_text(&self, &what);
        at += what.head + what.payload;
    }
}
