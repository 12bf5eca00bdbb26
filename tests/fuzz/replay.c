/* replay FOLDER: a fuzzer's corpus, input by input, without the fuzzer: what was found once stays found. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static bool run_file(const char *folder, const char *name)
{
    char path[4096];
    FILE *file;

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int) sizeof path || (file = fopen(path, "rb")) == NULL)
        return false;
    uint8_t *bytes = malloc(INPUT_MAX);
    size_t size = bytes != NULL ? fread(bytes, 1, INPUT_MAX, file) : 0;
    /* A block of exactly that size, so that a sanitizer sees each byte read beyond it. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    bool good = bytes != NULL && exact != NULL && !ferror(file);
    if (good) {
        memcpy(exact, bytes, size);
        (void) LLVMFuzzerTestOneInput(exact, size);
    }
    free(exact);
    free(bytes);
    return fclose(file) == 0 && good;
}

int main(int argc, char **argv)
{
    struct dirent **names;
    int count = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1;
    bool good = count > 0;

    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.')
            good &= run_file(argv[1], names[i]->d_name);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    printf("%d inputs\n", count - 2);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
