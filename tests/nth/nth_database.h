/* nth_database: see nth_database.c. */
#ifndef CTAI_TESTS_NTH_DATABASE_H
#define CTAI_TESTS_NTH_DATABASE_H

/* Before libpq is first used. */
void nth_database_start(void);

#endif
