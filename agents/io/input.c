#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto.h"

enum { CHUNK_BYTES = 64 * 1024 };

static bool write_all(int file, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(file, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        size -= (size_t)put;
    }
    return true;
}

/* Copies up to the end; false with errno. */
static bool copy(int from, int to)
{
    char chunk[CHUNK_BYTES];
    size_t total = 0;
    bool good = true;
    for (;;) {
        ssize_t got = read(from, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            break;
        total += got > 0 ? (size_t)got : 0;
        if (total > INPUT_SIZE_MAX)
            errno = EFBIG;
        good = got > 0 && total <= INPUT_SIZE_MAX && write_all(to, chunk, (size_t)got);
        if (!good)
            break;
    }
    int why = errno;
    crypto_wipe(chunk, sizeof chunk);
    errno = why;
    return good;
}

void input_settle(cli_file *file)
{
    struct stat about;
    if (file->file == NULL)
        return;
    int from = fileno(file->file);
    if (fstat(from, &about) == 0 && S_ISREG(about.st_mode))
        return;
    int memory = memfd_create("ctai-input", MFD_CLOEXEC);
    FILE *settled = NULL;
    if (memory >= 0 && copy(from, memory) && lseek(memory, 0, SEEK_SET) == 0)
        settled = fdopen(memory, "r");
    if (settled == NULL) {
        file->error = errno == 0 ? EIO : errno;
        if (memory >= 0)
            close(memory);
    }
    fclose(file->file);
    file->file = settled;
}

bool input_read(cli_file *file, input *to)
{
    struct stat about;
    *to = (input){NULL, 0};
    if (file->file == NULL || fstat(fileno(file->file), &about) != 0) {
        file->error = file->error == 0 ? errno : file->error;
        return false;
    }
    size_t capacity = about.st_size > 0 ? (size_t)about.st_size : 0;
    if (capacity > INPUT_SIZE_MAX) {
        file->error = EFBIG;
        return false;
    }
    char *data = malloc(capacity + 1);
    size_t size = 0;
    while (data != NULL && size < capacity) {
        ssize_t got = pread(fileno(file->file), data + size, capacity - size, (off_t)size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            break; /* it has shrunk meanwhile: what is there counts, and its last row says if it was cut */
        if (got < 0) {
            file->error = errno;
            crypto_wipe(data, size);
            free(data);
            return false;
        }
        size += (size_t)got;
    }
    if (data == NULL) {
        file->error = ENOMEM;
        return false;
    }
    data[size] = '\0';
    *to = (input){data, size};
    return true;
}

void input_release(input *self)
{
    if (self->data != NULL)
        crypto_wipe(self->data, self->size);
    free(self->data);
    *self = (input){NULL, 0};
}

text_view input_view(const input *self)
{
    return (text_view){self->data, self->size};
}

static long read_at(const input_stream *self, uint64_t at, char *to, size_t room)
{
    uint64_t left = at < self->size ? self->size - at : 0;
    ssize_t got;
    do
        got = pread(fileno(self->file->file), to, room < left ? room : (size_t)left, (off_t)at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        self->file->error = errno;
    return got;
}

/* Only the first reading is hashed: that another finds the same, its mark says. */
static void take(input_stream *self, const char *data, long size)
{
    crypto_marking_add(&self->marking, data, (size_t)size);
    if (!self->hashed)
        crypto_running_add(&self->running, data, (size_t)size);
    self->at += (uint64_t)size;
}

/* A reading that begins further on (after a byte-order mark) has read what is before all the same. */
static bool begin(input_stream *self, uint64_t first)
{
    char before[16];
    crypto_marking_begin(&self->marking, self->mark_key);
    if (!self->hashed)
        crypto_running_begin_short(&self->running, self->key);
    self->at = 0;
    while (self->at < first) {
        size_t room = first - self->at < sizeof before ? (size_t)(first - self->at) : sizeof before;
        long got = read_at(self, self->at, before, room);
        if (got <= 0)
            break;
        take(self, before, got);
    }
    return self->at == first;
}

/* The end: is it the content that was there the first time? */
static bool end(input_stream *self)
{
    uint8_t mark[CRYPTO_MARK];
    crypto_marking_end(&self->marking, mark);
    if (!self->hashed) {
        memcpy(self->mark, mark, sizeof mark);
        crypto_running_end_short(&self->running, self->hash);
    } else {
        self->changed = self->changed || !crypto_equal(self->mark, mark, sizeof mark);
    }
    self->hashed = true;
    return !self->changed;
}

static long read_piece(void *data, uint64_t at, char *to, size_t room)
{
    input_stream *self = data;
    if ((at != self->at || at == 0) && !begin(self, at))
        return -1;
    long got = read_at(self, at, to, room);
    if (got > 0)
        take(self, to, got);
    return got == 0 && !end(self) ? -1 : got;
}

bool input_stream_open(input_stream *self, cli_file *file, const uint8_t *key)
{
    struct stat about;
    *self = (input_stream){.file = file, .key = key};
    crypto_random(self->mark_key, sizeof self->mark_key);
    if (file->file == NULL || fstat(fileno(file->file), &about) != 0) {
        file->error = file->error == 0 ? errno : file->error;
        return false;
    }
    self->size = about.st_size > 0 ? (uint64_t)about.st_size : 0;
    if (self->size > INPUT_SIZE_MAX) {
        file->error = EFBIG;
        return false;
    }
    self->source = (csv_source){.read = read_piece, .data = self};
    return true;
}
