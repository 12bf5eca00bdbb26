/*
 * peer_insert: what a team would build first: one row a message over REQ/REP, one INSERT (prepared) and one commit for each,
 * answered after it: peer_insert CONNINFO TABLE FILE ROWS. No encryption, no signature, no outbox. Prints rows, nanoseconds.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "table.h"

enum { ADDRESS_MAX = 128, MESSAGE_MAX = 64 * 1024 };

static void prepare(PGconn *connection, const char *table)
{
    char sql[8192];
    char *columns = table_ask(connection, TABLE_COLUMNS_SQL, table), *values = table_ask(connection, TABLE_PARAMETERS_SQL, table),
         *updates = table_ask(connection, TABLE_UPDATES_SQL, table);
    (void)snprintf(sql, sizeof sql, "INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (scope, agent, key) DO UPDATE SET %s", table, columns,
                   values, updates);
    PGresult *result = PQprepare(connection, "put", sql, 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        table_give_up(PQerrorMessage(connection));
    PQclear(result);
    free(columns);
    free(values);
    free(updates);
}

/* A line of COPY's text form, none of whose values needs an escape. */
static void put(PGconn *connection, char *line)
{
    const char *values[TABLE_COLUMNS_MAX];
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *value; count < TABLE_COLUMNS_MAX && (value = strsep(&line, "\t")) != NULL; count++)
        values[count] = strcmp(value, "\\N") == 0 ? NULL : value;
    PGresult *result = PQexecPrepared(connection, "put", count, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        table_give_up(PQerrorMessage(connection));
    PQclear(result);
}

static void serve(int tell, const char *conninfo, const char *table, size_t rows)
{
    char address[ADDRESS_MAX] = "", message[MESSAGE_MAX + 1];
    size_t size = sizeof address;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_REP);
    PGconn *connection = table_connect(conninfo);
    prepare(connection, table);
    if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0 || zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, address, &size) != 0
        || write(tell, address, sizeof address) != sizeof address)
        table_give_up("no socket");
    for (size_t i = 0; i < rows; i++) {
        int got = zmq_recv(socket, message, MESSAGE_MAX, 0);
        if (got < 0 || got > MESSAGE_MAX)
            table_give_up("no message");
        message[got] = '\0';
        put(connection, message);
        if (zmq_send(socket, "ok", 2, 0) != 2)
            table_give_up("no answer");
    }
    PQfinish(connection);
    (void)zmq_close(socket);
    (void)zmq_ctx_term(context);
}

static void send_each(const char *address, const table_rows *rows)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_REQ);
    char answer[8];
    if (zmq_connect(socket, address) != 0)
        table_give_up("no connection");
    uint64_t begun = table_now_ns();
    for (size_t i = 0; i < rows->count; i++)
        if (zmq_send(socket, rows->text + rows->starts[i], rows->starts[i + 1] - rows->starts[i], 0) < 0
            || zmq_recv(socket, answer, sizeof answer, 0) != 2)
            table_give_up("not answered");
    (void)printf("%zu %" PRIu64 "\n", rows->count, table_now_ns() - begun);
    (void)zmq_close(socket);
    (void)zmq_ctx_term(context);
}

int main(int argc, char **argv)
{
    int told[2], status;
    char address[ADDRESS_MAX];
    if (argc != 5 || pipe(told) != 0)
        table_give_up("peer_insert CONNINFO TABLE FILE ROWS");
    table_rows rows = table_read(argv[3], strtoul(argv[4], NULL, 10));
    pid_t server = fork();
    if (server == 0) {
        serve(told[1], argv[1], argv[2], rows.count);
        _exit(0);
    }
    (void)close(told[1]);
    if (server < 0 || read(told[0], address, sizeof address) != sizeof address)
        table_give_up("no server");
    send_each(address, &rows);
    (void)fflush(stdout);
    bool ended = waitpid(server, &status, 0) == server && status == 0;
    table_release(&rows);
    return ended ? 0 : 1;
}
