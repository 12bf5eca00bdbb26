/* table: see the header. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void table_give_up(const char *why)
{
    (void)fprintf(stderr, "bench: %s\n", why);
    exit(1);
}

uint64_t table_now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000U + (uint64_t)at.tv_nsec;
}

table_rows table_read(const char *path, size_t most)
{
    table_rows self = {0};
    FILE *file = fopen(path, "re");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        table_give_up("the rows cannot be read");
    long size = ftell(file);
    rewind(file);
    self.text = malloc((size_t)size + 1);
    self.starts = malloc((most + 1) * sizeof *self.starts);
    if (self.text == NULL || self.starts == NULL || fread(self.text, 1, (size_t)size, file) != (size_t)size)
        table_give_up("the rows cannot be read");
    (void)fclose(file);
    self.text[size] = '\0';
    self.starts[0] = 0;
    for (char *at = self.text; self.count < most && (at = memchr(at, '\n', (size_t)(self.text + size - at))) != NULL;)
        self.starts[++self.count] = (size_t)(++at - self.text);
    return self;
}

void table_release(table_rows *self)
{
    free(self->text);
    free(self->starts);
    *self = (table_rows){0};
}

PGconn *table_connect(const char *conninfo)
{
    PGconn *connection = PQconnectdb(conninfo);
    if (PQstatus(connection) != CONNECTION_OK)
        table_give_up(PQerrorMessage(connection));
    return connection;
}

void table_run(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        table_give_up(PQerrorMessage(connection));
    PQclear(result);
}

void table_copy_text(PGconn *connection, const char *table, const char *text, size_t size)
{
    enum { PART = 64 * 1024 };
    char sql[128];
    (void)snprintf(sql, sizeof sql, "COPY %s FROM STDIN", table);
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COPY_IN)
        table_give_up(PQerrorMessage(connection));
    PQclear(result);
    for (size_t at = 0; at < size; at += PART)
        if (PQputCopyData(connection, text + at, (int)(size - at < PART ? size - at : PART)) != 1)
            table_give_up(PQerrorMessage(connection));
    if (PQputCopyEnd(connection, NULL) != 1)
        table_give_up(PQerrorMessage(connection));
    while ((result = PQgetResult(connection)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            table_give_up(PQerrorMessage(connection));
        PQclear(result);
    }
}

void table_copy(PGconn *connection, const char *table, const table_rows *rows, size_t from, size_t to)
{
    table_copy_text(connection, table, rows->text + rows->starts[from], rows->starts[to] - rows->starts[from]);
}

char *table_ask(PGconn *connection, const char *sql, const char *table)
{
    PGresult *result = PQexecParams(connection, sql, 1, NULL, &table, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        table_give_up(PQerrorMessage(connection));
    char *text = strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    if (text == NULL)
        table_give_up("no memory");
    return text;
}
