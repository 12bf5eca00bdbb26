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
