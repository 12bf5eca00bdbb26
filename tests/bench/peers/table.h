/*
 * table: what the comparisons share: the file of rows (PostgreSQL's text form of COPY, a row a line), the table that
 * they go to, which has the columns and the primary key of the hub's, and the clock.
 */
#ifndef CTAI_BENCH_TABLE_H
#define CTAI_BENCH_TABLE_H

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

enum { TABLE_COLUMNS_MAX = 64 };

typedef struct {
    char *text;
    size_t count;
    size_t *starts; /* count + 1 of them: a line with its line feed ends where the next begins */
} table_rows;

_Noreturn void table_give_up(const char *why);
uint64_t table_now_ns(void);
/* At most that many lines of the file. */
table_rows table_read(const char *path, size_t most);
void table_release(table_rows *self);

PGconn *table_connect(const char *conninfo);
/* A statement that must succeed. */
void table_run(PGconn *connection, const char *sql);
/* Lines from..to of the rows into a table, by COPY. */
void table_copy(PGconn *connection, const char *table, const table_rows *rows, size_t from, size_t to);
/* One buffer of lines, likewise. */
void table_copy_text(PGconn *connection, const char *table, const char *text, size_t size);

/* The columns of a table, and "SET a = excluded.a, ..." of those that are not of its key, in one text each; freed by the caller. */
char *table_ask(PGconn *connection, const char *sql, const char *table);
#define TABLE_COLUMNS_SQL \
    "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute" \
    " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped"
#define TABLE_PARAMETERS_SQL \
    "SELECT string_agg('$' || n || '::' || type, ', ' ORDER BY n) FROM (SELECT row_number() OVER (ORDER BY attnum) AS n," \
    " format_type(atttypid, atttypmod) AS type FROM pg_attribute" \
    " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped) AS a"
#define TABLE_UPDATES_SQL \
    "SELECT string_agg(quote_ident(attname) || ' = excluded.' || quote_ident(attname), ', ' ORDER BY attnum)" \
    " FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('scope', 'agent', 'key')"

#endif
