/* store_base: what the store's files share; see the header. */
#include "store_base.h"

char *store_keep(arena *from, const database_result *result, int row, int column)
{
    return arena_text(from, text_of(database_text(result, row, column)));
}

database_error store_no_memory(database *connection)
{
    return database_fail(connection, DATABASE_NO_MEMORY, "la mémoire manque");
}

database_error store_finish(database *connection, database_error error)
{
    if (error == DATABASE_OK)
        return database_commit(connection);
    database_rollback(connection);
    return error;
}
