/*
 * nth_database: calls of libpq that fail: no memory, the server's refusals, connections lost before or after the
 * server has done its work.
 */
#include "nth_database.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <sys/socket.h>

#include "nth.h"

PGconn *__real_PQconnectdbParams(const char *const *keywords, const char *const *values, int expand);
PGconn *__wrap_PQconnectdbParams(const char *const *keywords, const char *const *values, int expand);
PQconninfoOption *__real_PQconninfoParse(const char *text, char **why);
PQconninfoOption *__wrap_PQconninfoParse(const char *text, char **why);
void __real_PQfinish(PGconn *connection);
void __wrap_PQfinish(PGconn *connection);
void __real_PQclear(PGresult *result);
void __wrap_PQclear(PGresult *result);
PGresult *__real_PQexec(PGconn *connection, const char *sql);
PGresult *__wrap_PQexec(PGconn *connection, const char *sql);
PGresult *__real_PQprepare(PGconn *connection, const char *name, const char *sql, int count, const Oid *types);
PGresult *__wrap_PQprepare(PGconn *connection, const char *name, const char *sql, int count, const Oid *types);
PGresult *__real_PQexecParams(PGconn *connection, const char *sql, int count, const Oid *types, const char *const *values,
                              const int *sizes, const int *formats, int format);
PGresult *__wrap_PQexecParams(PGconn *connection, const char *sql, int count, const Oid *types, const char *const *values,
                              const int *sizes, const int *formats, int format);
PGresult *__real_PQexecPrepared(PGconn *connection, const char *name, int count, const char *const *values, const int *sizes,
                                const int *formats, int format);
PGresult *__wrap_PQexecPrepared(PGconn *connection, const char *name, int count, const char *const *values,
                                const int *sizes, const int *formats, int format);

int __real_PQputCopyData(PGconn *connection, const char *bytes, int size);
int __wrap_PQputCopyData(PGconn *connection, const char *bytes, int size);
int __real_PQputCopyEnd(PGconn *connection, const char *why);
int __wrap_PQputCopyEnd(PGconn *connection, const char *why);
PGresult *__real_PQgetResult(PGconn *connection);
PGresult *__wrap_PQgetResult(PGconn *connection);

static long results, connections;

static long live(void)
{
    return results + connections;
}

void nth_database_start(void)
{
    nth_live_results = live;
}

/* How a call fails that strikes; NTH_KIND_COUNT: it does not. */
static nth_kind struck(void)
{
    nth_kind how = NTH_KIND_COUNT;
    for (nth_kind kind = NTH_QUERY_MEMORY; kind <= NTH_QUERY_LOST_FOR_GOOD; kind++)
        if (nth_strikes(kind))
            how = kind;
    return how;
}

PGconn *__wrap_PQconnectdbParams(const char *const *keywords, const char *const *values, int expand)
{
    static const char *const nowhere_keywords[] = {"host", NULL}, *const nowhere[] = {"/nonexistent", NULL};
    nth_kind how = struck();
    if (how == NTH_QUERY_MEMORY)
        return NULL;
    connections++;
    return how == NTH_KIND_COUNT ? __real_PQconnectdbParams(keywords, values, expand)
                                 : __real_PQconnectdbParams(nowhere_keywords, nowhere, 0);
}

PQconninfoOption *__wrap_PQconninfoParse(const char *text, char **why)
{
    if (nth_strikes(NTH_QUERY_MEMORY)) {
        *why = NULL; /* as its manual says */
        return NULL;
    }
    return __real_PQconninfoParse(text, why);
}

void __wrap_PQfinish(PGconn *connection)
{
    connections -= connection != NULL;
    __real_PQfinish(connection);
}

void __wrap_PQclear(PGresult *result)
{
    results -= result != NULL;
    __real_PQclear(result);
}

static PGresult *count(PGresult *result)
{
    results += result != NULL;
    return result;
}

static void lose(PGconn *connection)
{
    if (PQsocket(connection) >= 0)
        (void)shutdown(PQsocket(connection), SHUT_RDWR);
}

/* A refusal of the server itself: a transaction that is open has then failed. */
static PGresult *refused(PGconn *connection, const char *state)
{
    char sql[128];
    snprintf(sql, sizeof sql, "DO $$ BEGIN RAISE EXCEPTION USING errcode = '%s', message = 'nth'; END $$", state);
    return count(__real_PQexec(connection, sql));
}

/* Before the call: true when its result is already known. */
static bool fails(PGconn *connection, nth_kind how, PGresult **result)
{
    switch (how) {
    case NTH_QUERY_MEMORY:
        *result = NULL;
        return true;
    case NTH_QUERY_CLASH:
        *result = refused(connection, "40001");
        return true;
    case NTH_QUERY_FULL:
        *result = refused(connection, "53100");
        return true;
    case NTH_QUERY_FAULT:
        *result = refused(connection, "XX000");
        return true;
    case NTH_QUERY_LOST:
    case NTH_QUERY_LOST_FOR_GOOD:
        lose(connection);
        return false;
    default:
        return false;
    }
}

/* After it. */
static PGresult *end(PGconn *connection, nth_kind how, PGresult *result)
{
    if (how != NTH_QUERY_LOST_AFTER)
        return count(result);
    __real_PQclear(result);
    lose(connection);
    return count(__real_PQexec(connection, ""));
}

PGresult *__wrap_PQexec(PGconn *connection, const char *sql)
{
    nth_kind how = struck();
    PGresult *result;
    return fails(connection, how, &result) ? result : end(connection, how, __real_PQexec(connection, sql));
}

PGresult *__wrap_PQprepare(PGconn *connection, const char *name, const char *sql, int parameters, const Oid *types)
{
    nth_kind how = struck();
    PGresult *result;
    return fails(connection, how, &result) ? result
                                           : end(connection, how, __real_PQprepare(connection, name, sql, parameters, types));
}

PGresult *__wrap_PQexecParams(PGconn *connection, const char *sql, int parameters, const Oid *types,
                              const char *const *values, const int *sizes, const int *formats, int format)
{
    nth_kind how = struck();
    PGresult *result;
    if (fails(connection, how, &result))
        return result;
    return end(connection, how, __real_PQexecParams(connection, sql, parameters, types, values, sizes, formats, format));
}

PGresult *__wrap_PQexecPrepared(PGconn *connection, const char *name, int parameters, const char *const *values,
                                const int *sizes, const int *formats, int format)
{
    nth_kind how = struck();
    PGresult *result;
    if (fails(connection, how, &result))
        return result;
    return end(connection, how, __real_PQexecPrepared(connection, name, parameters, values, sizes, formats, format));
}

int __wrap_PQputCopyData(PGconn *connection, const char *bytes, int size)
{
    nth_kind how = struck();
    if (how == NTH_QUERY_MEMORY)
        return -1;
    if (how == NTH_QUERY_LOST || how == NTH_QUERY_LOST_FOR_GOOD)
        lose(connection);
    int code = __real_PQputCopyData(connection, bytes, size);
    if (how == NTH_QUERY_LOST_AFTER)
        lose(connection);
    return code;
}

/* A refusal of the server comes with the end: here it breaks the COPY off. */
int __wrap_PQputCopyEnd(PGconn *connection, const char *why)
{
    nth_kind how = struck();
    if (how == NTH_QUERY_MEMORY)
        return -1;
    if (how == NTH_QUERY_LOST || how == NTH_QUERY_LOST_FOR_GOOD)
        lose(connection);
    bool refuses = how == NTH_QUERY_CLASH || how == NTH_QUERY_FULL || how == NTH_QUERY_FAULT;
    int code = __real_PQputCopyEnd(connection, refuses ? "nth" : why);
    if (how == NTH_QUERY_LOST_AFTER)
        lose(connection);
    return code;
}

PGresult *__wrap_PQgetResult(PGconn *connection)
{
    return count(__real_PQgetResult(connection));
}
