/* vault: see the header. Errors: what the system refuses is said once; the program goes on without. */
#include "vault.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "crypto.h"
#include "logline.h"

static bool unlocked;

bool vault_shut(void)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return false;
#if defined(__SANITIZE_ADDRESS__) /* the leak checker needs to look */
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
#else
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
#endif
}

void *vault_new(size_t size)
{
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return NULL;
    if (!crypto_lock(block, size) && !unlocked) {
        unlocked = true;
        logline(LOGLINE_WARNING, "secret keys cannot be locked in memory (%s): raise the limit of locked memory",
                strerror(errno));
    }
    (void)madvise(block, size, MADV_DONTDUMP); /* also where it could not be locked */
    return block;
}

void vault_destroy(void *block_of_caller, size_t size)
{
    void *block;
    memcpy(&block, block_of_caller, sizeof block); /* a pointer of any type */
    if (block == NULL)
        return;
    crypto_wipe(block, size);
    munmap(block, size);
    memset(block_of_caller, 0, sizeof block);
}

bool vault_unlocked(void)
{
    return unlocked;
}
