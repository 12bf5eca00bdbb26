/* The files of schema/vectors are what the codec makes, to the byte; every bad one is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../vectors/vectors.h"

static vectors_file files[VECTORS_FILES];
static unsigned faults;

START_TEST(the_codec_takes_the_good_and_refuses_the_bad)
{
    ck_assert_uint_eq(faults, 0);
}
END_TEST

START_TEST(the_stored_file_is_what_the_codec_makes)
{
    static char stored[VECTORS_FILE_MAX + 1];
    char path[4096];

    (void) snprintf(path, sizeof path, SOURCE_DIR "/schema/vectors/%s", files[_i].name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s is missing: make_vectors writes it", path);
    size_t size = fread(stored, 1, sizeof stored, file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_uint_eq(size, files[_i].text.size);
    ck_assert_mem_eq(stored, files[_i].text.data, size);
}
END_TEST

int main(void)
{
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    faults = vectors_build(files);
    Suite *suite = suite_create("vectors");
    TCase *tests = tcase_create("vectors");
    tcase_add_test(tests, the_codec_takes_the_good_and_refuses_the_bad);
    tcase_add_loop_test(tests, the_stored_file_is_what_the_codec_makes, 0, VECTORS_FILES);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    for (unsigned i = 0; i < VECTORS_FILES; i++)
        batch_buffer_release(&files[i].text);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
