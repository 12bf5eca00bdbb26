/* backup_manifest: see the header. */
#include "backup_manifest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char domain[] = "ctai-hub-sauvegarde-1\n", sign_name[] = "signature", end_format[] = "fin = %010zu\n";

static void write_body(const backup_manifest *self, FILE *to)
{
    char digest[2 * CRYPTO_HASH + 1];
    fputs(domain, to);
    fprintf(to, "empreinte = %s\nfaite = %s\nprogramme = %.*s\npostgresql = %.*s\n", self->fingerprint, self->made,
            (int)self->program.size, self->program.at, (int)self->server.size, self->server.at);
    for (unsigned i = 0; i < self->file_count; i++) {
        crypto_hex(digest, self->files[i].checksum, CRYPTO_HASH);
        fprintf(to, "schema = %s %.*s\n", digest, (int)self->files[i].name.size, self->files[i].name.at);
    }
    for (unsigned i = 0; i < self->scope_count; i++)
        fprintf(to, "perimetre = %" PRIu64 " %s\n", self->scopes[i].position, self->scopes[i].scope);
    for (unsigned i = 0; i < self->setting_count; i++)
        fprintf(to, "reglage = %.*s\n", (int)self->settings[i].size, self->settings[i].at);
    crypto_hex(digest, self->dump_digest, CRYPTO_HASH);
    fprintf(to, "contrats = %" PRIu64 "\nagents = %" PRIu64 "\nenregistrements = %" PRIu64 "\noctets = %" PRIu64 "\nsomme = %s\n",
            self->contracts, self->agents, self->records, self->dump_bytes, digest);
}

bool backup_manifest_write(const backup_manifest *self, const crypto_sign_pair *by, FILE *to)
{
    char *text = NULL, hex[2 * CRYPTO_SIGNATURE + 1];
    uint8_t signature[CRYPTO_SIGNATURE];
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return false;
    write_body(self, memory);
    bool written = !ferror(memory);
    if (fclose(memory) != 0 || !written) {
        free(text);
        return false;
    }
    crypto_sign_with(signature, text, size, by);
    crypto_hex(hex, signature, sizeof signature);
    fwrite(text, 1, size, to);
    int line = fprintf(to, "%s = %s\n", sign_name, hex);
    fprintf(to, end_format, size + (size_t)(line > 0 ? line : 0) + BACKUP_MANIFEST_TAIL);
    free(text);
    return true;
}

static bool read_number(text_view text, uint64_t *number)
{
    *number = 0;
    if (text.size == 0 || text.size > 18)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(text.at[i] - '0');
    }
    return true;
}

size_t backup_manifest_size(text_view tail)
{
    static const char lead[] = "fin = ";
    uint64_t size;
    if (tail.size != BACKUP_MANIFEST_TAIL || memcmp(tail.at, lead, sizeof lead - 1) != 0 ||
        tail.at[BACKUP_MANIFEST_TAIL - 1] != '\n' ||
        !read_number((text_view){tail.at + sizeof lead - 1, 10}, &size) || size > BACKUP_MANIFEST_MAX ||
        size <= BACKUP_MANIFEST_TAIL)
        return 0;
    return (size_t)size;
}

static int hex_digit(char digit)
{
    return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool read_hex(text_view text, uint8_t *to, size_t size)
{
    if (text.size != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text.at[2 * i]), low = hex_digit(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Takes the next line; the rest stays in text. A last line without its end is none. */
static bool next_line(text_view *text, text_view *line)
{
    const char *end = text->size ? memchr(text->at, '\n', text->size) : NULL;
    if (!end)
        return false;
    *line = (text_view){text->at, (size_t)(end - text->at)};
    text->at = end + 1;
    text->size -= line->size + 1;
    return true;
}

static bool split(text_view from, const char *by, text_view *before, text_view *after)
{
    const char *found = from.size ? memmem(from.at, from.size, by, strlen(by)) : NULL;
    if (!found)
        return false;
    *before = (text_view){from.at, (size_t)(found - from.at)};
    *after = (text_view){found + strlen(by), from.size - before->size - strlen(by)};
    return true;
}

typedef struct {
    backup_manifest *into;
    arena *from;
    arena_vector scopes, files, settings;
    bool short_of_memory, signed_line;
    uint8_t signature[CRYPTO_SIGNATURE];
} reader;

static text_view kept(reader *self, text_view text)
{
    char *copy = arena_text(self->from, text);
    self->short_of_memory |= !copy;
    return text_of(copy);
}

static void *added(reader *self, arena_vector *to)
{
    void *item = to->count < BACKUP_MANIFEST_ITEMS_MAX ? arena_vector_add(to) : NULL;
    self->short_of_memory |= !item;
    return item;
}

/* A scope as the wire allows it: such a name means nothing to SQL. */
static bool is_name(const char *text)
{
    return *text && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(text);
}

static bool read_item(reader *self, text_view name, text_view value)
{
    text_view first, rest;
    if (text_is(name, "reglage")) {
        text_view *line = added(self, &self->settings);
        if (line)
            *line = kept(self, value);
        return true;
    }
    if (!split(value, " ", &first, &rest))
        return false;
    if (text_is(name, "schema")) {
        backup_manifest_file *file = added(self, &self->files);
        if (file)
            file->name = kept(self, rest);
        return !file || read_hex(first, file->checksum, CRYPTO_HASH);
    }
    backup_manifest_scope *scope = added(self, &self->scopes);
    return !scope || (read_number(first, &scope->position) && text_copy(scope->scope, sizeof scope->scope, rest) &&
                      is_name(scope->scope));
}

static bool read_line(reader *self, text_view name, text_view value)
{
    backup_manifest *into = self->into;
    if (text_is(name, "reglage") || text_is(name, "schema") || text_is(name, "perimetre"))
        return read_item(self, name, value);
    if (text_is(name, "empreinte"))
        return text_copy(into->fingerprint, sizeof into->fingerprint, value);
    if (text_is(name, "faite"))
        return text_copy(into->made, sizeof into->made, value);
    if (text_is(name, "somme"))
        return read_hex(value, into->dump_digest, CRYPTO_HASH);
    if (text_is(name, sign_name))
        return self->signed_line = read_hex(value, self->signature, CRYPTO_SIGNATURE);
    if (text_is(name, "programme"))
        into->program = kept(self, value);
    else if (text_is(name, "postgresql"))
        into->server = kept(self, value);
    else {
        uint64_t *number = text_is(name, "contrats")          ? &into->contracts
                           : text_is(name, "agents")          ? &into->agents
                           : text_is(name, "enregistrements") ? &into->records
                           : text_is(name, "octets")          ? &into->dump_bytes
                                                              : NULL;
        return number && read_number(value, number);
    }
    return true;
}

/* All but the last line, of which the size is known. body gets what was signed. */
static bool read_lines(reader *self, text_view text, text_view *body)
{
    text_view rest = text, line, name, value;
    size_t lead = strlen(domain);
    if (text.size < lead || memcmp(text.at, domain, lead) != 0)
        return false;
    rest.at += lead;
    rest.size -= lead;
    while (!self->signed_line) {
        const char *start = rest.at;
        if (!next_line(&rest, &line) || line.size > 4 * BACKUP_MANIFEST_TEXT_MAX || !split(line, " = ", &name, &value) ||
            !read_line(self, name, value))
            return false;
        *body = (text_view){text.at, (size_t)(start - text.at)};
    }
    return rest.size == BACKUP_MANIFEST_TAIL && backup_manifest_size(rest) == text.size;
}

backup_manifest_error backup_manifest_read(backup_manifest *self, arena *from, text_view text, const uint8_t key[CRYPTO_PUBLIC])
{
    reader it = {.into = self, .from = from};
    text_view body = {NULL, 0};
    *self = (backup_manifest){0};
    arena_vector_init(&it.scopes, from, sizeof *self->scopes);
    arena_vector_init(&it.files, from, sizeof *self->files);
    arena_vector_init(&it.settings, from, sizeof *self->settings);
    bool good = text_is_utf8(text) && !memchr(text.at, '\0', text.size) && read_lines(&it, text, &body);
    if (it.short_of_memory)
        return BACKUP_MANIFEST_NO_MEMORY;
    if (!good || !crypto_fingerprint_valid(self->fingerprint))
        return BACKUP_MANIFEST_UNREADABLE;
    self->scopes = it.scopes.items;
    self->scope_count = (unsigned)it.scopes.count;
    self->files = it.files.items;
    self->file_count = (unsigned)it.files.count;
    self->settings = it.settings.items;
    self->setting_count = (unsigned)it.settings.count;
    return crypto_verify(it.signature, body.at, body.size, key) ? BACKUP_MANIFEST_OK : BACKUP_MANIFEST_FORGED;
}
