/*
 * vault: where a program keeps its secrets while it runs, and what it forbids itself before it has any. Memory from here is
 * on pages of its own, locked (never in swap), left out of core files, zeroed at first and wiped at the end.
 */
#ifndef CTAI_VAULT_H
#define CTAI_VAULT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Before any secret, and again after each change of identity (the kernel forgets the second at one): no core file of this
 * process or of those that it starts (RLIMIT_CORE), and no debugger and no reader of /proc but root's (PR_SET_DUMPABLE).
 * Under the address sanitizer only the first. False (errno) when the system refuses.
 */
bool vault_shut(void) __attribute__((warn_unused_result));

/*
 * size bytes of zeros, NULL when there are none. Where the system locks none (RLIMIT_MEMLOCK), they are given as well: the
 * log says so once, and vault_unlocked for ever.
 */
void *vault_new(size_t size);
/* Wipes them and gives them back; nulls the caller's pointer. *block may be NULL. */
void vault_destroy(void *block_of_caller, size_t size);
/* Has the system refused to lock some? */
bool vault_unlocked(void);

#endif
