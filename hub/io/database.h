/*
 * database: a connection to PostgreSQL, checked queries over it, and what their failures mean. With
 * store*.c, migrate.c and report.c the owner of libpq; no other header names its types.
 *
 * Always true: no log line and no explanation holds a parameter or a row (errors are logged by
 * SQLSTATE and the server's primary message alone). Nothing here tries again: callers decide.
 */
#ifndef CTAI_DATABASE_H
#define CTAI_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    DATABASE_OK = 0,
    DATABASE_LATER,         /* passing: no connection, server starting or stopping, deadlock, too many clients */
    DATABASE_FULL,          /* no room on its disk */
    DATABASE_CONFIGURATION, /* password, role, database, rights, another hub's database, a newer schema */
    DATABASE_NOT_FOUND,     /* no such contract, agent, position */
    DATABASE_CONFLICT,      /* it is there already, and says something else */
    DATABASE_NO_MEMORY,
    DATABASE_DATA,          /* what was to be written does not fit the tables (SQLSTATE classes 22 and 23) */
    DATABASE_FAULT,         /* of the program or of the stored data */
} database_error;

enum { DATABASE_EXPLANATION_MAX = 1024, DATABASE_PREPARED_MAX = 48 };

/* The exit code of a command that ends so (INTERFACE.md): 0, 69, 73, 78, 65, 65, 70, 70, 70. */
int database_exit_code(database_error error);

typedef struct {
    struct pg_conn *connection;
    char explanation[DATABASE_EXPLANATION_MAX]; /* of the last failure: a sentence in French, for people */
    bool quiet_commit; /* the server gave no warning since database_commit began */
    unsigned prepared_count;
    char *prepared[DATABASE_PREPARED_MAX]; /* the statements that the server keeps for this connection (database_repeat) */
} database;

/* Connects (CONNINFO of libpq). On failure self is closed but its explanation stands. */
database_error database_open(database *self, const char *conninfo) __attribute__((warn_unused_result));
void database_close(database *self);
/* Does a CONNINFO itself hold a password? */
bool database_names_password(const char *conninfo);
/* Is there a server at that address, which is starting, recovering or stopping, and takes no connections for that? */
bool database_is_busy(const char *conninfo);
/* Is the connection still usable, as far as is known? */
bool database_alive(const database *self);

/* Writes the explanation and returns error, for `return database_fail (...)`. */
database_error database_fail(database *self, database_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One or more statements without parameters or rows of interest. */
database_error database_run(database *self, const char *sql) __attribute__((warn_unused_result));

/* A parameter: text when size is 0 (NULL value: SQL's NULL), else size bytes in binary form. */
typedef struct { const char *value; int size; } database_parameter;
#define DATABASE_NULL ((database_parameter){NULL, 0})
#define DATABASE_BYTES(at, bytes) ((database_parameter){(const char *)(at), (int)(bytes)})
#define DATABASE_TEXT(string) ((database_parameter){(string), 0})
enum { DATABASE_NUMBER_TEXT = 24 }; /* a 64-bit number as a text parameter */
database_parameter database_number(char text[DATABASE_NUMBER_TEXT], int64_t number);

/*
 * One statement with count parameters (at most 40); result (NULL when rows are of no interest) is the caller's, to be
 * released with database_release; *result is NULL after an error.
 */
typedef struct pg_result database_result;
database_error database_query(database *self, const char *sql, const database_parameter *parameters, int count,
                              database_result **result) __attribute__((warn_unused_result));
void database_release(database_result **result);

/*
 * The same, of a statement that comes again and again: the server reads and plans it once for a connection. At most
 * DATABASE_PREPARED_MAX texts; further ones are queries like others.
 */
database_error database_repeat(database *self, const char *sql, const database_parameter *parameters, int count,
                               database_result **result) __attribute__((warn_unused_result));

/*
 * A COPY ... FROM STDIN: begun, fed piece by piece while the server works on what it has, finished, and ended: it is taken
 * as a whole or not at all. After a begin that went well nothing else may be asked before the end; a piece
 * that cannot be sent is told by it. incomplete: the server shall take nothing. finish does not wait for the server, end does.
 */
database_error database_feed_begin(database *self, const char *sql) __attribute__((warn_unused_result));
bool database_feed(database *self, const void *bytes, size_t size) __attribute__((warn_unused_result));
bool database_feed_finish(database *self, bool incomplete) __attribute__((warn_unused_result));
database_error database_feed_end(database *self, bool finished) __attribute__((warn_unused_result));

/*
 * Cells of a result, in text form; row and column from 0. A NULL reads as "", 0, false; a text lives as long as the
 * result. Bytea: how many bytes (NULL: 0), -1 when they do not fit.
 */
int database_rows(const database_result *result);
int database_affected(const database_result *result);
bool database_null(const database_result *result, int row, int column);
const char *database_text(const database_result *result, int row, int column);
int64_t database_integer(const database_result *result, int row, int column);
bool database_flag(const database_result *result, int row, int column);
long database_bytes(const database_result *result, int row, int column, void *to, size_t capacity);

/*
 * BEGIN, and its two ends. A COMMIT of a failed transaction, or one that came with a warning, is not DATABASE_OK. After a
 * rollback no transaction is open; a connection that would not roll back is closed.
 */
database_error database_begin(database *self, bool snapshot) __attribute__((warn_unused_result));
database_error database_commit(database *self) __attribute__((warn_unused_result));
void database_rollback(database *self);

#endif
