/*
 * outfolder: a folder of files that is written whole or not at all: made beside its place under another name, flushed to
 * disk, then put there in one step. A folder that is there already is replaced when it holds nothing but files of those
 * names; any other is left as it is.
 */
#ifndef CTAI_OUTFOLDER_H
#define CTAI_OUTFOLDER_H

#include <stddef.h>

enum { OUTFOLDER_FILES_MAX = 8, OUTFOLDER_NAME_MAX = 64, OUTFOLDER_BYTES_MAX = 64 << 20 };

typedef struct {
    const char *name; /* plain: no folder, and no '.' at its beginning */
    const void *data;
    size_t size;      /* up to OUTFOLDER_BYTES_MAX */
} outfolder_file;

/* 0, or errno; ENOTEMPTY: what is there is not ours to replace. */
int outfolder_write(const char *path, const outfolder_file *files, unsigned count) __attribute__((warn_unused_result));

#endif
