/* Memory for secrets: pages of its own, locked, left out of core files, zeroed; and a process that leaves no core file. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto.h"
#include "vault.h"

#ifdef __SANITIZE_ADDRESS__
#define LOCKS false /* AddressSanitizer takes mlock's place, and locks nothing */
#else
#define LOCKS true
#endif

enum { SIZE = 5000 };

/* The kernel's flags of the mapping that begins at block ("lo": locked, "dd": not dumped); "" when there is none. */
static void flags_of(const void *block, char *flags, size_t size)
{
    char line[512];
    bool here = false;
    FILE *maps = fopen("/proc/self/smaps", "re");
    ck_assert_ptr_nonnull(maps);
    flags[0] = '\0';
    while (fgets(line, sizeof line, maps)) {
        uintptr_t from, to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
            here = (uintptr_t)block >= from && (uintptr_t)block < to;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(flags, size, "%s", line);
    }
    fclose(maps);
}

START_TEST(a_block_is_locked_and_not_dumped)
{
    char flags[512];
    uint8_t *block = vault_new(SIZE);
    ck_assert_ptr_nonnull(block);
    for (size_t i = 0; i < SIZE; i++)
        ck_assert_int_eq(block[i], 0);
    flags_of(block, flags, sizeof flags);
    ck_assert_msg(strstr(flags, " dd") != NULL, "dumped: %s", flags);
    ck_assert_msg(!LOCKS || vault_unlocked() || strstr(flags, " lo") != NULL, "not locked: %s", flags);
    memset(block, 7, SIZE);
    vault_destroy(&block, SIZE);
    ck_assert_ptr_null(block);
    vault_destroy(&block, SIZE);
}
END_TEST

/* In a child whose limit of locked memory is 0, and who is nobody. */
START_TEST(a_block_is_given_where_none_is_locked)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
            _exit(2);
        char *block = vault_new(SIZE);
        _exit(block && (vault_unlocked() || !LOCKS) ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
}
END_TEST

START_TEST(a_shut_process_dies_without_a_core_file)
{
    char folder[] = "/tmp/check-vault-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (chdir(folder) != 0 || !vault_shut())
            _exit(1);
        struct rlimit limit;
#if !defined(__SANITIZE_ADDRESS__)
        if (prctl(PR_GET_DUMPABLE) != 0)
            _exit(2);
#endif
        if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0 || limit.rlim_max != 0)
            _exit(3);
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && !WCOREDUMP(status), "%d", status);
    ck_assert_int_eq(rmdir(folder), 0); /* it is empty */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vault");
    TCase *cases = tcase_create("all");
    if (crypto_start() != 0)
        return EXIT_FAILURE;
    tcase_add_test(cases, a_block_is_locked_and_not_dumped);
    tcase_add_test(cases, a_block_is_given_where_none_is_locked);
    tcase_add_test(cases, a_shut_process_dies_without_a_core_file);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
