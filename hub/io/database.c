/* database: libpq with its failures sorted into what callers must tell apart. */
#include "database.h"

#include <assert.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logline.h"

int database_exit_code(database_error error)
{
    switch (error) {
    case DATABASE_OK:
        return 0;
    case DATABASE_LATER:
        return 69;
    case DATABASE_FULL:
        return 73;
    case DATABASE_CONFIGURATION:
        return 78;
    case DATABASE_NOT_FOUND:
    case DATABASE_CONFLICT:
        return 65;
    case DATABASE_NO_MEMORY:
    case DATABASE_DATA:
    case DATABASE_FAULT:
        break;
    }
    return 70;
}

database_error database_fail(database *self, database_error error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(self->explanation, sizeof self->explanation, format, arguments);
    va_end(arguments);
    return error;
}

/* What a SQLSTATE means to a caller (PostgreSQL 15, appendix A). */
static database_error sort(const char *state)
{
    static const struct { const char *prefix; database_error error; } classes[] = {
        {"53100", DATABASE_FULL},          {"53", DATABASE_LATER},
        {"08", DATABASE_LATER},            {"40", DATABASE_LATER},
        {"55P03", DATABASE_LATER},         {"57014", DATABASE_LATER},
        {"57P", DATABASE_LATER},           {"25006", DATABASE_LATER}, /* a standby that is not promoted yet */
        {"28", DATABASE_CONFIGURATION},    {"3D", DATABASE_CONFIGURATION},
        {"42501", DATABASE_CONFIGURATION}, {"22", DATABASE_DATA},
        {"23", DATABASE_DATA},
        {"XX001", DATABASE_FAULT},         {NULL, DATABASE_FAULT},
    };
    for (unsigned at = 0; classes[at].prefix; at++)
        if (strncmp(state, classes[at].prefix, strlen(classes[at].prefix)) == 0)
            return classes[at].error;
    return DATABASE_FAULT;
}

/* A message without its line end; of several lines, the first. */
static void first_line(char *to, size_t size, const char *message)
{
    snprintf(to, size, "%.*s", (int)strcspn(message, "\n"), message);
}

static database_error explain(database *self, database_error error, const char *state)
{
    switch (error) {
    case DATABASE_LATER:
        return database_fail(self, error, "la base de données ne répond pas pour le moment (%s) ; réessayez dans un instant",
                             state);
    case DATABASE_FULL:
        return database_fail(self, error, "le disque de la base de données est plein (%s) ; libérez de la place", state);
    case DATABASE_CONFIGURATION:
        return database_fail(self, error,
                             "la base de données refuse l’accès (%s) ; vérifiez le rôle, le mot de passe et les droits", state);
    default:
        return database_fail(self, error, "la base de données a signalé une erreur inattendue (%s) ; voyez le journal", state);
    }
}

/*
 * The failure of a statement. Messages of the classes 22 (data) and 23 (constraints) may quote a value, so only their
 * state and constraint are logged.
 */
static database_error failed(database *self, const PGresult *result, const char *what)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    char line[256];
    if (!state) {
        first_line(line, sizeof line, PQerrorMessage(self->connection));
        logline(LOGLINE_WARNING, "database: %s: connection failed: %s", what, line);
        return explain(self, DATABASE_LATER, "connexion perdue");
    }
    char state_text[8];
    snprintf(state_text, sizeof state_text, "%s", state);
    database_error error = sort(state_text);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    bool quotes = strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0;
    first_line(line, sizeof line, quotes ? (constraint ? constraint : "-") : message ? message : "-");
    logline(error == DATABASE_LATER ? LOGLINE_WARNING : LOGLINE_ERROR, "database: %s: SQLSTATE %s: %s", what, state_text,
            line);
    return explain(self, error, state_text);
}

/* Notices of the server: kept as a fact, never shown (they may quote rows). */
static void take_notice(void *data, const PGresult *result)
{
    database *self = data;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && strcmp(severity, "WARNING") == 0) {
        self->quiet_commit = false;
        logline(LOGLINE_WARNING, "database: warning %s", state ? state : "-");
    }
}

static bool has_one_of(const char *line, const char *const *words)
{
    while (*words && !strstr(line, *words))
        words++;
    return *words != NULL;
}

/* A connection that failed: what kind of failure it is, from libpq's message (it has no SQLSTATE of it in version 15). */
static database_error refused(database *self)
{
    static const char *const full[] = {"could not write init file", "No space left", NULL};
    static const char *const passing[] = {"starting up", "shutting down", "too many", "remaining connection slots", "recovery mode",
                                          "not yet accepting", "not accepting", "terminating connection", NULL};
    char line[256];
    first_line(line, sizeof line, PQerrorMessage(self->connection));
    logline(LOGLINE_WARNING, "database: cannot connect: %s", line);
    if (has_one_of(line, full))
        return database_fail(self, DATABASE_FULL, "le disque de la base de données est plein ; libérez de la place");
    /* The server was reached and asked for, or refused, a proof of identity or the database. */
    bool refusal = strstr(line, "FATAL:") && !has_one_of(line, passing);
    if (refusal || PQconnectionNeedsPassword(self->connection))
        return database_fail(self, DATABASE_CONFIGURATION,
                             "la base de données refuse la connexion ; vérifiez l’adresse, le rôle, le mot de passe et le nom de la base");
    return database_fail(self, DATABASE_LATER,
                         "la base de données est injoignable ; vérifiez qu’elle fonctionne et son adresse");
}

bool database_names_password(const char *conninfo)
{
    char *problem = NULL;
    bool found = false;
    PQconninfoOption *options = PQconninfoParse(conninfo, &problem);
    PQfreemem(problem);
    for (PQconninfoOption *at = options; at && at->keyword; at++)
        if (at->val && at->val[0] && (strcmp(at->keyword, "password") == 0 || strcmp(at->keyword, "sslpassword") == 0))
            found = true;
    PQconninfoFree(options);
    return found;
}

database_error database_open(database *self, const char *conninfo)
{
    *self = (database){.quiet_commit = true};
    char *problem = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &problem);
    bool wrong = problem != NULL;
    PQfreemem(problem); /* may quote the password */
    if (!options && !wrong)
        return database_fail(self, DATABASE_NO_MEMORY, "mémoire insuffisante");
    if (!options)
        return database_fail(self, DATABASE_CONFIGURATION,
                             "la chaîne de connexion à la base de données n’est pas valable ; voyez celle de libpq");
    PQconninfoFree(options);
    /* Later entries overrule earlier ones: the string may say its own time limit, not its own encoding. */
    const char *keywords[] = {"connect_timeout", "dbname", "client_encoding", "application_name", NULL};
    const char *values[] = {"10", conninfo, "UTF8", "ctai-hub", NULL};
    self->connection = PQconnectdbParams(keywords, values, 1);
    if (!self->connection)
        return database_fail(self, DATABASE_NO_MEMORY, "mémoire insuffisante");
    if (PQstatus(self->connection) != CONNECTION_OK) {
        database_error error = refused(self);
        database_close(self);
        return error;
    }
    PQsetNoticeReceiver(self->connection, take_notice, self);
    database_error error = database_run(self, "SET client_min_messages TO warning; SET jit TO off; SET timezone TO 'UTC';"
                                              "SET search_path TO pg_catalog; SET standard_conforming_strings TO on;"
                                              "SET datestyle TO 'ISO, YMD'; SET bytea_output TO hex;"
                                              "SET idle_in_transaction_session_timeout TO '5min'");
    if (error != DATABASE_OK)
        database_close(self);
    return error;
}

void database_close(database *self)
{
    if (self->connection)
        PQfinish(self->connection);
    self->connection = NULL;
    while (self->prepared_count > 0)
        free(self->prepared[--self->prepared_count]);
}

bool database_is_busy(const char *conninfo)
{
    const char *keywords[] = {"connect_timeout", "dbname", NULL}, *values[] = {"10", conninfo, NULL};
    return PQpingParams(keywords, values, 1) == PQPING_REJECT;
}

bool database_alive(const database *self)
{
    return self->connection && PQstatus(self->connection) == CONNECTION_OK;
}

/* Ends a call: gives the result, or frees it and sorts the failure. */
static database_error finish(database *self, PGresult *result, const char *what, database_result **to)
{
    if (to)
        *to = NULL;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        if (to)
            *to = result;
        else
            PQclear(result);
        return DATABASE_OK;
    }
    database_error error = failed(self, result, what);
    PQclear(result);
    return error;
}

static database_error no_connection(database *self, database_result **result)
{
    if (result)
        *result = NULL;
    return explain(self, DATABASE_LATER, "connexion perdue");
}

database_error database_run(database *self, const char *sql)
{
    if (!self->connection)
        return no_connection(self, NULL);
    return finish(self, PQexec(self->connection, sql), "script", NULL);
}

enum { PARAMETERS_MAX = 40 };

typedef struct {
    const char *values[PARAMETERS_MAX];
    int sizes[PARAMETERS_MAX], formats[PARAMETERS_MAX];
} parameter_arrays;

static void lay_out(parameter_arrays *arrays, const database_parameter *parameters, int count)
{
    assert(count <= PARAMETERS_MAX);
    for (int at = 0; at < count; at++) {
        arrays->values[at] = parameters[at].value;
        arrays->sizes[at] = parameters[at].size;
        arrays->formats[at] = parameters[at].size > 0;
    }
}

database_error database_query(database *self, const char *sql, const database_parameter *parameters, int count,
                              database_result **result)
{
    if (!self->connection)
        return no_connection(self, result);
    parameter_arrays arrays;
    lay_out(&arrays, parameters, count);
    return finish(self, PQexecParams(self->connection, sql, count, NULL, arrays.values, arrays.sizes, arrays.formats, 0),
                  "query", result);
}

/* The server keeps the statement under a name from now on. */
static database_error prepare(database *self, const char *name, const char *sql)
{
    char *text = strdup(sql);
    if (!text)
        return database_fail(self, DATABASE_NO_MEMORY, "mémoire insuffisante");
    database_error error = finish(self, PQprepare(self->connection, name, sql, 0, NULL), "prepare", NULL);
    if (error == DATABASE_OK)
        self->prepared[self->prepared_count++] = text;
    else
        free(text);
    return error;
}

/* Did the server refuse because it has no such statement, or because a table has changed under it? */
static bool is_stale(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state && (strcmp(state, "26000") == 0 || strcmp(state, "0A000") == 0);
}

database_error database_repeat(database *self, const char *sql, const database_parameter *parameters, int count,
                               database_result **result)
{
    char name[16];
    unsigned at = 0;
    if (!self->connection)
        return no_connection(self, result);
    while (at < self->prepared_count && strcmp(self->prepared[at], sql) != 0)
        at++;
    if (at == DATABASE_PREPARED_MAX)
        return database_query(self, sql, parameters, count, result);
    snprintf(name, sizeof name, "s%u", at);
    if (result)
        *result = NULL;
    database_error error = at == self->prepared_count ? prepare(self, name, sql) : DATABASE_OK;
    if (error != DATABASE_OK)
        return error;
    parameter_arrays arrays;
    lay_out(&arrays, parameters, count);
    PGresult *answer = PQexecPrepared(self->connection, name, count, arrays.values, arrays.sizes, arrays.formats, 0);
    bool stale = is_stale(answer);
    error = finish(self, answer, "query", result);
    if (!stale)
        return error;
    database_close(self); /* the next connection prepares anew */
    return explain(self, DATABASE_LATER, "instruction à préparer de nouveau");
}

database_error database_feed_begin(database *self, const char *sql)
{
    if (!self->connection)
        return no_connection(self, NULL);
    PGresult *result = PQexec(self->connection, sql);
    if (PQresultStatus(result) != PGRES_COPY_IN)
        return finish(self, result, "COPY", NULL);
    PQclear(result);
    return DATABASE_OK;
}

bool database_feed(database *self, const void *bytes, size_t size)
{
    return PQputCopyData(self->connection, bytes, (int)size) == 1;
}

bool database_feed_finish(database *self, bool incomplete)
{
    return PQputCopyEnd(self->connection, incomplete ? "incomplete" : NULL) == 1;
}

database_error database_feed_end(database *self, bool finished)
{
    PGresult *result = finished ? PQgetResult(self->connection) : NULL;
    database_error error = finish(self, result, "COPY", NULL);
    while (finished && (result = PQgetResult(self->connection)) != NULL)
        PQclear(result);
    if (!finished) /* the connection is left in the COPY: it is of no more use */
        database_close(self);
    return error;
}

void database_release(database_result **result)
{
    PQclear(*result);
    *result = NULL;
}

database_parameter database_number(char text[DATABASE_NUMBER_TEXT], int64_t number)
{
    snprintf(text, DATABASE_NUMBER_TEXT, "%" PRId64, number);
    return DATABASE_TEXT(text);
}

int database_rows(const database_result *result)
{
    return PQntuples(result);
}

int database_affected(const database_result *result)
{
    /* libpq takes a result that it may not change here, but is declared without const. */
    union { const database_result *fixed; database_result *free; } both = {result};
    return (int)strtol(PQcmdTuples(both.free), NULL, 10);
}

bool database_null(const database_result *result, int row, int column)
{
    return PQgetisnull(result, row, column);
}

const char *database_text(const database_result *result, int row, int column)
{
    return PQgetvalue(result, row, column);
}

int64_t database_integer(const database_result *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

bool database_flag(const database_result *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

static int hex_digit(char digit)
{
    return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

long database_bytes(const database_result *result, int row, int column, void *to, size_t capacity)
{
    const char *text = PQgetvalue(result, row, column);
    if (text[0] != '\\' || text[1] != 'x')
        return text[0] ? -1 : 0;
    size_t size = strlen(text + 2) / 2;
    if (size > capacity)
        return -1;
    uint8_t *bytes = to;
    for (size_t at = 0; at < size; at++)
        bytes[at] = (uint8_t)(hex_digit(text[2 + 2 * at]) << 4 | hex_digit(text[3 + 2 * at]));
    return (long)size;
}

database_error database_begin(database *self, bool snapshot)
{
    return database_run(self, snapshot ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN");
}

database_error database_commit(database *self)
{
    if (!self->connection)
        return no_connection(self, NULL);
    self->quiet_commit = true;
    PGresult *result = PQexec(self->connection, "COMMIT");
    /* The tag of a COMMIT that ended a failed transaction is ROLLBACK. */
    bool rolled_back = PQresultStatus(result) == PGRES_COMMAND_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0;
    database_error error = finish(self, result, "COMMIT", NULL);
    if (error != DATABASE_OK)
        return error;
    if (rolled_back)
        return database_fail(self, DATABASE_FAULT, "la base de données a annulé l’opération");
    if (!self->quiet_commit)
        return database_fail(self, DATABASE_LATER, "la base de données n’a pas confirmé l’enregistrement ; réessayez dans un instant");
    return DATABASE_OK;
}

void database_rollback(database *self)
{
    if (!self->connection || PQtransactionStatus(self->connection) == PQTRANS_IDLE ||
        PQtransactionStatus(self->connection) == PQTRANS_UNKNOWN)
        return;
    PQclear(PQexec(self->connection, "ROLLBACK"));
    if (PQtransactionStatus(self->connection) != PQTRANS_IDLE && PQtransactionStatus(self->connection) != PQTRANS_UNKNOWN)
        database_close(self); /* that ends it in any case; the next call begins anew */
}
