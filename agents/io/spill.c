/* spill: see spill.h. */
#include "spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto.h"

struct spill {
    spool_store store; /* first: its own functions are given it */
    const home *folder;
    int file; /* -1: not yet made */
    uint64_t count;
    uint8_t key[CRYPTO_KEY];
    uint8_t block[SPOOL_BLOCK]; /* being masked */
};

static bool make_file(spill *self)
{
    char path[] = ".export-XXXXXX", full[PATH_MAX];
    self->file = openat(self->folder->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (self->file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT))
        return self->file >= 0;
    if (!home_path(self->folder, path, full)) /* a file system without files that have no name: it has one for a moment */
        return false;
    self->file = mkostemp(full, O_CLOEXEC);
    if (self->file >= 0)
        (void)unlink(full);
    return self->file >= 0;
}

static bool write_whole(int file, const uint8_t *data, size_t size, off_t at)
{
    while (size > 0) {
        ssize_t put = pwrite(file, data, size, at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        at += put;
        size -= (size_t)put;
    }
    return true;
}

static bool read_whole(int file, uint8_t *data, size_t size, off_t at)
{
    while (size > 0) {
        ssize_t got = pread(file, data, size, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        data += got;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static uint64_t stream_at(uint64_t number)
{
    return number * (SPOOL_BLOCK / CRYPTO_MASK_BLOCK);
}

static bool put(spool_store *store, const void *block, uint64_t *number)
{
    spill *self = (spill *)store;
    if (self->file < 0 && !make_file(self))
        return false;
    *number = self->count;
    memcpy(self->block, block, SPOOL_BLOCK);
    crypto_mask(self->block, SPOOL_BLOCK, self->key, stream_at(*number));
    self->count++; /* also when it fails: no part of the key's stream is used twice */
    return write_whole(self->file, self->block, SPOOL_BLOCK, (off_t)(*number * SPOOL_BLOCK));
}

static bool get(spool_store *store, uint64_t number, void *block)
{
    spill *self = (spill *)store;
    if (!read_whole(self->file, block, SPOOL_BLOCK, (off_t)(number * SPOOL_BLOCK)))
        return false;
    crypto_mask(block, SPOOL_BLOCK, self->key, stream_at(number));
    return true;
}

spill *spill_new(const home *folder)
{
    spill *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->store = (spool_store){.put = put, .get = get};
    self->folder = folder;
    self->file = -1;
    crypto_random(self->key, sizeof self->key);
    return self;
}

void spill_destroy(spill **self)
{
    if (*self == NULL)
        return;
    if ((*self)->file >= 0)
        close((*self)->file);
    crypto_wipe(*self, sizeof **self);
    free(*self);
    *self = NULL;
}

spool_store *spill_store(spill *self)
{
    return &self->store;
}
