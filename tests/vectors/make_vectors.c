/* make_vectors FOLDER: writes the files of schema/vectors anew, after the protocol was changed on purpose. */
#include <stdio.h>
#include <stdlib.h>

#include "vectors.h"

int main(int argc, char **argv)
{
    vectors_file files[VECTORS_FILES];

    if (argc != 2) {
        fprintf(stderr, "usage: make_vectors FOLDER\n");
        return 64;
    }
    if (crypto_start() != 0 || vectors_build(files) != 0)
        return EXIT_FAILURE;
    for (unsigned i = 0; i < VECTORS_FILES; i++) {
        char path[4096];
        (void) snprintf(path, sizeof path, "%s/%s", argv[1], files[i].name);
        FILE *file = fopen(path, "wb");
        if (file == NULL || fwrite(files[i].text.data, 1, files[i].text.size, file) != files[i].text.size
            || fclose(file) != 0) {
            perror(path);
            return EXIT_FAILURE;
        }
        batch_buffer_release(&files[i].text);
    }
    return EXIT_SUCCESS;
}
