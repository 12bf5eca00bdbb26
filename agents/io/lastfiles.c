/* lastfiles: see lastfiles.h. Two paths, each with its NUL, then two hashes. */
#include "lastfiles.h"

#include <stdio.h>
#include <string.h>

static const char FILES[] = "fichiers"; /* the outbox's value, by contract */

bool lastfiles_path(char to[PATH_MAX], const char *folder, const char *name)
{
    if (strcmp(name, "-") == 0)
        return false;
    int size = name[0] == '/' ? snprintf(to, PATH_MAX, "%s", name)
                              : snprintf(to, PATH_MAX, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
    return size > 0 && size < PATH_MAX;
}

void lastfiles_hash(uint8_t to[CRYPTO_SHORT_HASH], const uint8_t *record_key, text_view content)
{
    crypto_short_hash(to, record_key, CRYPTO_KEY, content.at, content.size);
}

outbox_error lastfiles_load(outbox *from, text_view contract, lastfiles *files)
{
    batch_buffer bytes;
    memset(files, 0, sizeof *files);
    batch_buffer_init(&bytes, sizeof *files);
    outbox_error error = outbox_get(from, FILES, contract, &bytes);
    size_t hashes = sizeof files->persons_hash + sizeof files->events_hash;
    const char *at = (const char *)bytes.data, *end = error == OUTBOX_OK ? memchr(at, '\0', bytes.size) : NULL;
    const char *last = end == NULL ? NULL : memchr(end + 1, '\0', bytes.size - (size_t)(end + 1 - at));
    if (error == OUTBOX_OK
        && (last == NULL || (size_t)(last + 1 - at) + hashes != bytes.size || end - at >= PATH_MAX || last - end > PATH_MAX))
        error = OUTBOX_DAMAGED;
    if (error == OUTBOX_OK) {
        memcpy(files->persons, at, (size_t)(end + 1 - at));
        memcpy(files->events, end + 1, (size_t)(last - end));
        memcpy(files->persons_hash, last + 1, sizeof files->persons_hash);
        memcpy(files->events_hash, last + 1 + sizeof files->persons_hash, sizeof files->events_hash);
    }
    batch_buffer_release(&bytes);
    return error;
}

static bool same(const lastfiles *a, const lastfiles *b)
{
    return strcmp(a->persons, b->persons) == 0 && strcmp(a->events, b->events) == 0
        && crypto_equal(a->persons_hash, b->persons_hash, CRYPTO_SHORT_HASH)
        && crypto_equal(a->events_hash, b->events_hash, CRYPTO_SHORT_HASH);
}

static outbox_error write(outbox *to, text_view contract, const lastfiles *files)
{
    batch_buffer bytes;
    batch_buffer_init(&bytes, sizeof *files);
    batch_buffer_append(&bytes, files->persons, strlen(files->persons) + 1);
    batch_buffer_append(&bytes, files->events, strlen(files->events) + 1);
    batch_buffer_append(&bytes, files->persons_hash, sizeof files->persons_hash);
    batch_buffer_append(&bytes, files->events_hash, sizeof files->events_hash);
    outbox_error error = bytes.failed ? OUTBOX_NO_MEMORY : outbox_begin(to);
    if (error == OUTBOX_OK) {
        (void)outbox_set(to, FILES, contract, (text_view){(const char *)bytes.data, bytes.size});
        error = outbox_commit(to);
    }
    batch_buffer_release(&bytes);
    return error;
}

outbox_error lastfiles_keep(outbox *to, text_view contract, const lastfiles *files)
{
    lastfiles before;
    outbox_error error = lastfiles_load(to, contract, &before);
    if (error == OUTBOX_OK && same(&before, files))
        return OUTBOX_OK;
    return error == OUTBOX_OK || error == OUTBOX_ABSENT ? write(to, contract, files) : error;
}

outbox_error lastfiles_move(outbox *to, text_view contract, const lastfiles *from, const char *persons, const char *events)
{
    lastfiles kept;
    outbox_error error = lastfiles_load(to, contract, &kept);
    if (error == OUTBOX_ABSENT || (error == OUTBOX_OK && (strcmp(kept.persons, from->persons) != 0 || strcmp(kept.events, from->events) != 0)))
        return OUTBOX_OK;
    if (error != OUTBOX_OK)
        return error;
    if (!text_copy(kept.persons, sizeof kept.persons, text_of(persons)) || !text_copy(kept.events, sizeof kept.events, text_of(events)))
        return OUTBOX_OK;
    return write(to, contract, &kept);
}
