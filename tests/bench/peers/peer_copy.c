/*
 * peer_copy: raw COPY, the measure of all: peer_copy CONNINFO TABLE FILE BATCH [ROWS]: the file's rows into the table, BATCH
 * of them (0: all) in one commit. Prints the rows and the nanoseconds that they took.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "table.h"

int main(int argc, char **argv)
{
    if (argc < 5)
        table_give_up("peer_copy CONNINFO TABLE FILE BATCH [ROWS]");
    table_rows rows = table_read(argv[3], argc > 5 ? strtoul(argv[5], NULL, 10) : 100 * 1000 * 1000);
    size_t batch = strtoul(argv[4], NULL, 10);
    PGconn *connection = table_connect(argv[1]);
    if (batch == 0)
        batch = rows.count;
    uint64_t begun = table_now_ns();
    for (size_t from = 0; from < rows.count; from += batch)
        table_copy(connection, argv[2], &rows, from, from + batch < rows.count ? from + batch : rows.count);
    (void)printf("%zu %" PRIu64 "\n", rows.count, table_now_ns() - begun);
    PQfinish(connection);
    table_release(&rows);
    return 0;
}
