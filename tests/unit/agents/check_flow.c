/* The officer's document on what leaves is what the tables of the programs make; so it cannot drift. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

START_TEST(the_document_is_what_the_tables_make)
{
    char *made = NULL, *stored = calloc(1, 1 << 20);
    size_t size = 0;
    FILE *memory = open_memstream(&made, &size);
    ck_assert(memory && stored && flow_write(memory));
    fclose(memory);
    FILE *file = fopen(SOURCE_DIR "/deploy/docs/flux-de-donnees.md", "rb");
    ck_assert_msg(file != NULL, "deploy/docs/flux-de-donnees.md is missing: make_flow prints it");
    size_t stored_size = fread(stored, 1, (1 << 20) - 1, file);
    fclose(file);
    ck_assert_msg(stored_size == size && memcmp(stored, made, size) == 0,
                  "deploy/docs/flux-de-donnees.md says something else than the tables: make_flow prints it anew");
    free(made);
    free(stored);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow");
    TCase *tests = tcase_create("flow");
    tcase_add_test(tests, the_document_is_what_the_tables_make);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
