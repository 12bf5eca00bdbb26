/* nth_sqlite: see nth_sqlite.c. */
#ifndef CTAI_TESTS_NTH_SQLITE_H
#define CTAI_TESTS_NTH_SQLITE_H

#include "batch_buffer.h"

/* Before SQLite is first used. */
void nth_sqlite_start(void);

/* All rows of a database's tables, appended; nothing of a file that is empty, absent or without tables. */
void nth_sqlite_dump(const char *path, batch_buffer *to);

#endif
