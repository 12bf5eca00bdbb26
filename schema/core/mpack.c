#include "mpack.h"

#include <msgpack.h>
#include <string.h>

/* First bytes of MessagePack's formats. */
enum {
    FIXINT_LAST = 0x7f,
    FIXARRAY = 0x90,
    FIXSTR = 0xa0,
    NIL = 0xc0,
    FALSE_BYTE = 0xc2,
    TRUE_BYTE = 0xc3,
    BIN8 = 0xc4,
    UINT8 = 0xcc,
    STR8 = 0xd9,
    ARRAY16 = 0xdc,
};

bool mpack_name_valid(text_view name, size_t max)
{
    if (name.size == 0 || name.size > max)
        return false;
    return text_is_plain(name);
}

void mpack_reader_init(mpack_reader *self, text_view bytes)
{
    *self = (mpack_reader){.at = (const uint8_t *) bytes.at, .failed = bytes.at == NULL};
    self->end = bytes.at != NULL ? self->at + bytes.size : NULL;
}

void mpack_read_fail(mpack_reader *self)
{
    self->failed = true;
    self->at = self->end;
}

bool mpack_read_done(const mpack_reader *self)
{
    return !self->failed && self->at == self->end;
}

static size_t remaining(const mpack_reader *self)
{
    return (size_t) (self->end - self->at);
}

/* The next byte without taking it, -1 at the end or after a failure. */
static int peek(const mpack_reader *self)
{
    return self->failed || self->at == self->end ? -1 : *self->at;
}

static const uint8_t *take(mpack_reader *self, size_t size)
{
    if (self->failed || remaining(self) < size) {
        mpack_read_fail(self);
        return NULL;
    }
    const uint8_t *taken = self->at;
    self->at += size;
    return taken;
}

/* A big-endian number of size bytes; smaller ones had a shorter form. */
static uint64_t number(mpack_reader *self, size_t size, uint64_t least)
{
    const uint8_t *bytes = take(self, size);
    uint64_t value = 0;

    for (size_t i = 0; bytes != NULL && i < size; i++)
        value = value << 8 | bytes[i];
    if (bytes == NULL || value < least) {
        mpack_read_fail(self);
        return 0;
    }
    return value;
}

unsigned mpack_read_array(mpack_reader *self, unsigned max)
{
    int first = peek(self);
    uint64_t count = 0;

    if (first >= FIXARRAY && first < FIXARRAY + 16) {
        self->at++;
        count = (unsigned) first - FIXARRAY;
    } else if (first == ARRAY16 || first == ARRAY16 + 1) {
        self->at++;
        count = first == ARRAY16 ? number(self, 2, 16) : number(self, 4, UINT64_C(1) << 16);
    } else {
        mpack_read_fail(self);
    }
    /* Each item has at least one byte: a count is never believed beyond them. */
    if (self->failed || count > max || count > remaining(self)) {
        mpack_read_fail(self);
        return 0;
    }
    return (unsigned) count;
}

void mpack_read_array_of(mpack_reader *self, unsigned count)
{
    if (mpack_read_array(self, count) != count)
        mpack_read_fail(self);
}

uint64_t mpack_read_uint(mpack_reader *self, uint64_t min, uint64_t max)
{
    static const uint64_t least[] = {FIXINT_LAST + 1, UINT64_C(1) << 8, UINT64_C(1) << 16, UINT64_C(1) << 32};
    int first = peek(self);
    uint64_t value = 0;

    if (first >= 0 && first <= FIXINT_LAST) {
        self->at++;
        value = (uint64_t) first;
    } else if (first >= UINT8 && first < UINT8 + 4) {
        self->at++;
        value = number(self, (size_t) 1 << (first - UINT8), least[first - UINT8]);
    } else {
        mpack_read_fail(self);
    }
    if (self->failed || value < min || value > max || value > MPACK_UINT_MAX) {
        mpack_read_fail(self);
        return 0;
    }
    return value;
}

bool mpack_read_bool(mpack_reader *self)
{
    int first = peek(self);

    if (first != FALSE_BYTE && first != TRUE_BYTE) {
        mpack_read_fail(self);
        return false;
    }
    self->at++;
    return first == TRUE_BYTE;
}

bool mpack_read_nil(mpack_reader *self)
{
    if (peek(self) != NIL)
        return false;
    self->at++;
    return true;
}

/* The bytes after a length that has been read. */
static text_view view(mpack_reader *self, uint64_t size, size_t max)
{
    const uint8_t *bytes;

    if (self->failed || size > max || (bytes = take(self, (size_t) size)) == NULL) {
        mpack_read_fail(self);
        return (text_view){NULL, 0};
    }
    return (text_view){(const char *) bytes, (size_t) size};
}

text_view mpack_read_string(mpack_reader *self, size_t max)
{
    static const uint64_t least[] = {32, UINT64_C(1) << 8, UINT64_C(1) << 16};
    int first = peek(self);
    uint64_t size = 0;

    if (first >= FIXSTR && first < FIXSTR + 32) {
        self->at++;
        size = (uint64_t) first - FIXSTR;
    } else if (first >= STR8 && first < STR8 + 3) {
        self->at++;
        size = number(self, (size_t) 1 << (first - STR8), least[first - STR8]);
    } else {
        mpack_read_fail(self);
    }
    text_view text = view(self, size, max);
    if (!self->failed && !text_is_utf8(text)) {
        mpack_read_fail(self);
        return (text_view){NULL, 0};
    }
    return text;
}

text_view mpack_read_binary(mpack_reader *self, size_t max)
{
    static const uint64_t least[] = {0, UINT64_C(1) << 8, UINT64_C(1) << 16};
    int first = peek(self);
    uint64_t size = 0;

    if (first >= BIN8 && first < BIN8 + 3) {
        self->at++;
        size = number(self, (size_t) 1 << (first - BIN8), least[first - BIN8]);
    } else {
        mpack_read_fail(self);
    }
    return view(self, size, max);
}

const uint8_t *mpack_read_fixed(mpack_reader *self, size_t size)
{
    text_view bytes = mpack_read_binary(self, size);

    if (bytes.size != size) {
        mpack_read_fail(self);
        return NULL;
    }
    return (const uint8_t *) bytes.at;
}

void mpack_read_bytes(mpack_reader *self, void *to, size_t size)
{
    const uint8_t *bytes = mpack_read_fixed(self, size);

    if (bytes != NULL)
        memcpy(to, bytes, size);
    else
        memset(to, 0, size);
}

text_view mpack_read_name(mpack_reader *self, size_t max)
{
    text_view name = mpack_read_string(self, max);

    if (!self->failed && !mpack_name_valid(name, max)) {
        mpack_read_fail(self);
        return (text_view){NULL, 0};
    }
    return name;
}

void mpack_read_literal(mpack_reader *self, const char *string)
{
    if (!text_is(mpack_read_string(self, strlen(string)), string))
        mpack_read_fail(self);
}

civil_day mpack_read_day(mpack_reader *self)
{
    civil_day day = civil_parse_iso(mpack_read_string(self, CIVIL_DAY_TEXT - 1));

    if (self->failed || day == CIVIL_NONE) {
        mpack_read_fail(self);
        return CIVIL_NONE;
    }
    return day;
}

civil_month mpack_read_month(mpack_reader *self)
{
    uint64_t value = mpack_read_uint(self, 101, 999912);

    if (self->failed || value % 100 < 1 || value % 100 > 12) {
        mpack_read_fail(self);
        return CIVIL_NONE;
    }
    return (civil_month) (value / 100 * 12 + value % 100 - 1);
}

/* msgpack-c hands over what it packs. */
static int append(void *data, const char *bytes, size_t size)
{
    batch_buffer *to = data;

    batch_buffer_append(to, bytes, size);
    return to->failed ? -1 : 0;
}

static msgpack_packer packer(batch_buffer *to)
{
    msgpack_packer made;

    msgpack_packer_init(&made, to, append);
    return made;
}

/* The forms of a byte, which nearly all fields of a record begin with, are written here: a record has some fifty. */
static void write_byte(batch_buffer *to, unsigned byte)
{
    uint8_t one = (uint8_t) byte;

    batch_buffer_append(to, &one, 1);
}

void mpack_write_array(batch_buffer *to, unsigned count)
{
    msgpack_packer into = packer(to);

    if (count < 16)
        write_byte(to, FIXARRAY + count);
    else
        msgpack_pack_array(&into, count);
}

void mpack_write_uint(batch_buffer *to, uint64_t value)
{
    msgpack_packer into = packer(to);

    if (value > MPACK_UINT_MAX)
        to->failed = true;
    else if (value <= FIXINT_LAST)
        write_byte(to, (unsigned) value);
    else
        msgpack_pack_uint64(&into, value);
}

void mpack_write_bool(batch_buffer *to, bool value)
{
    write_byte(to, value ? TRUE_BYTE : FALSE_BYTE);
}

void mpack_write_nil(batch_buffer *to)
{
    write_byte(to, NIL);
}

static void write_text(batch_buffer *to, text_view text)
{
    uint8_t *at = text.size > 0 && text.size < 32 ? batch_buffer_take(to, 1 + text.size) : NULL;

    if (at != NULL) {
        at[0] = (uint8_t) (FIXSTR + text.size);
        memcpy(at + 1, text.at, text.size);
        return;
    }
    msgpack_packer into = packer(to);
    if (text.size < 32)
        write_byte(to, FIXSTR + (unsigned) text.size);
    else
        msgpack_pack_str(&into, text.size);
    batch_buffer_append(to, text.at, text.size);
}

void mpack_write_string(batch_buffer *to, text_view text, size_t max)
{
    if (text.size > max || !text_is_utf8(text))
        to->failed = true;
    else
        write_text(to, text);
}

void mpack_write_binary(batch_buffer *to, const void *data, size_t size)
{
    const uint8_t start[] = {BIN8, (uint8_t) size};
    uint8_t *at = size > 0 && size <= UINT8_MAX ? batch_buffer_take(to, sizeof start + size) : NULL;

    if (at != NULL) {
        memcpy(at, start, sizeof start);
        memcpy(at + sizeof start, data, size);
        return;
    }
    msgpack_packer into = packer(to);
    if (size <= UINT8_MAX)
        batch_buffer_append(to, start, sizeof start);
    else
        msgpack_pack_bin(&into, size);
    batch_buffer_append(to, data, size);
}

void mpack_write_name(batch_buffer *to, text_view name, size_t max)
{
    if (!mpack_name_valid(name, max))
        to->failed = true;
    else
        write_text(to, name);
}

void mpack_write_day(batch_buffer *to, civil_day day)
{
    char text[CIVIL_DAY_TEXT];

    if (day == CIVIL_NONE) {
        to->failed = true;
        return;
    }
    civil_day_text(day, text);
    mpack_write_string(to, text_of(text), CIVIL_DAY_TEXT - 1);
}

void mpack_write_month(batch_buffer *to, civil_month month)
{
    if (month < 12 || month >= 10000 * 12)
        to->failed = true;
    else
        mpack_write_uint(to, (uint64_t) (month / 12 * 100 + month % 12 + 1));
}
