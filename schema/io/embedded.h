/* embedded: the data files that the programs carry inside (indicator catalogue, SQL migrations). */
#ifndef CTAI_EMBEDDED_H
#define CTAI_EMBEDDED_H

#include <stddef.h>

typedef struct {
    const char *name;          /* the file's name without its folder: "001_base.sql" */
    const unsigned char *data; /* followed by a NUL that size does not count */
    size_t size;               /* bytes */
} embedded_file;

/* All files, sorted by path; the entry after the last has a NULL name. */
extern const embedded_file embedded_files[];

/* The file of that name, or NULL. */
const embedded_file *embedded_find(const char *name);

#endif
