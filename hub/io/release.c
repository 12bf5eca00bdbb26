/* release: see the header. What is entered is in release_entry.c. */
#include "release.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "region_rows.h"
#include "release_names.h"

const char *const release_levels[] = {"contrat", "departement", "region"};
const char *const release_bases[] = {"personnes", "menages", "enregistrements", "personne"};

static unsigned name_at(const char *const *names, unsigned count, const char *name)
{
    unsigned at = 0;
    while (at + 1 < count && strcmp(names[at], name) != 0)
        at++;
    return at;
}

database_error release_begin(database *connection)
{
    /* The lock comes before the snapshot, which the first question takes. */
    database_error error = database_run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    return error == DATABASE_OK ? database_run(connection, "LOCK TABLE ctai.release IN SHARE ROW EXCLUSIVE MODE") : error;
}

/* Those parts of a reading that the three lists share. */
typedef struct {
    database *connection;
    const char *region;
    arena *from;
    release *releases;
    unsigned count;
    unsigned at; /* the release of the row before */
    bool failed;
} ledger_reader;

/* The release of a row, whose first column is its number; rows come in the order of the releases. */
static region_table *table_of(ledger_reader *self, const database_result *result, int row)
{
    uint64_t number = (uint64_t)database_integer(result, row, 0);
    while (self->at < self->count && self->releases[self->at].number != number)
        self->at++;
    return self->at < self->count ? &self->releases[self->at].table : NULL;
}

/* How many rows each release has, as take: sets up its array. */
typedef void take_row(ledger_reader *self, region_table *table, const database_result *result, int row);

static database_error read_list(ledger_reader *self, const char *sql, take_row *count, take_row *take, void (*reserve)(ledger_reader *))
{
    database_result *result = NULL;
    database_error error = database_query(self->connection, sql, &DATABASE_TEXT(self->region), 1, &result);
    for (int pass = 0; pass < 2 && error == DATABASE_OK; pass++) {
        self->at = 0;
        for (int row = 0; row < database_rows(result) && !self->failed; row++) {
            region_table *table = table_of(self, result, row);
            if (table)
                (pass ? take : count)(self, table, result, row);
        }
        if (pass == 0)
            reserve(self);
        if (self->failed)
            error = DATABASE_NO_MEMORY;
    }
    database_release(&result);
    return error;
}

static void count_territory(ledger_reader *self, region_table *table, const database_result *result, int row)
{
    table->territory_count++;
}

static void reserve_territories(ledger_reader *self)
{
    for (unsigned i = 0; i < self->count; i++) {
        region_table *table = &self->releases[i].table;
        table->territories = arena_take(self->from, sizeof *table->territories * (table->territory_count + 1));
        self->failed |= !table->territories;
        table->territory_count = 0;
    }
}

static void take_territory(ledger_reader *self, region_table *table, const database_result *result, int row)
{
    table->territories[table->territory_count++] = (region_territory){
        .level = (region_level)name_at(release_levels, 3, database_text(result, row, 1)),
        .region = table->code,
        .department = region_rows_text(self->from, result, row, 2, &self->failed),
        .contract = region_rows_text(self->from, result, row, 3, &self->failed),
        .name = region_rows_text(self->from, result, row, 4, &self->failed),
        .scope = region_rows_text(self->from, result, row, 5, &self->failed),
        .parent = (unsigned)database_integer(result, row, 6),
    };
}

static void count_indicator(ledger_reader *self, region_table *table, const database_result *result, int row)
{
    table->indicator_count++;
}

static void reserve_indicators(ledger_reader *self)
{
    for (unsigned i = 0; i < self->count; i++) {
        region_table *table = &self->releases[i].table;
        table->indicators = arena_take(self->from, sizeof *table->indicators * (table->indicator_count + 1));
        self->failed |= !table->indicators;
        table->indicator_count = 0;
    }
}

static void take_indicator(ledger_reader *self, region_table *table, const database_result *result, int row)
{
    region_indicator *one = &table->indicators[table->indicator_count++];
    one->basis = (region_basis)name_at(release_bases, 4, database_text(result, row, 1));
    one->is_distinct = database_flag(result, row, 2);
    self->failed |= !region_rows_indicator(self->from, result, row, 3, &one->what);
}

static void count_cell(ledger_reader *self, region_table *table, const database_result *result, int row)
{
    table->cell_count++;
}

static void reserve_cells(ledger_reader *self)
{
    for (unsigned i = 0; i < self->count; i++) {
        region_table *table = &self->releases[i].table;
        table->cells = arena_take(self->from, sizeof *table->cells * (table->cell_count + 1));
        self->failed |= !table->cells;
        table->cell_count = 0;
    }
}

static void take_cell(ledger_reader *self, region_table *table, const database_result *result, int row)
{
    table->cells[table->cell_count++] = (region_cell){
        .territory = (unsigned)database_integer(result, row, 1),
        .indicator = (unsigned)database_integer(result, row, 2),
        .has_value = database_flag(result, row, 3),
        .amount = database_integer(result, row, 4),
        .of_records = database_integer(result, row, 5),
        .rests = database_integer(result, row, 6),
        .shown = region_rows_text(self->from, result, row, 7, &self->failed),
        .masked = database_flag(result, row, 8),
        .primary = database_flag(result, row, 9),
        .repeated = database_flag(result, row, 10),
    };
}

static database_error read_heads(ledger_reader *self)
{
    static const char sql[] =
        "SELECT release, from_month, to_month, threshold, possible, strict, digest, name,"
        "       to_char(released_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        " FROM ctai.release WHERE region = $1 ORDER BY release";
    database_result *result = NULL;
    database_error error = database_query(self->connection, sql, &DATABASE_TEXT(self->region), 1, &result);
    int rows = error == DATABASE_OK ? database_rows(result) : 0;
    self->releases = arena_take(self->from, sizeof *self->releases * ((size_t)rows + 1));
    self->failed |= !self->releases;
    for (int row = 0; row < rows && !self->failed; row++) {
        release *one = &self->releases[self->count++];
        one->number = (uint64_t)database_integer(result, row, 0);
        one->options = (disclosure_options){.threshold = (unsigned)database_integer(result, row, 3),
                                            .values = (unsigned)database_integer(result, row, 4),
                                            .strict = database_flag(result, row, 5)};
        if (database_bytes(result, row, 6, one->digest, sizeof one->digest) != CRYPTO_HASH)
            error = database_fail(self->connection, DATABASE_FAULT, "le registre des publications est abîmé");
        (void)text_copy(one->released_at, sizeof one->released_at, text_of(database_text(result, row, 8)));
        one->table.from = region_rows_read_month(result, row, 1);
        one->table.to = region_rows_read_month(result, row, 2);
        one->table.threshold = one->options.threshold;
        one->table.name = region_rows_text(self->from, result, row, 7, &self->failed);
        one->table.code = text_of(arena_text(self->from, text_of(self->region)));
        self->failed |= !one->table.code.at;
    }
    database_release(&result);
    return error == DATABASE_OK && self->failed ? DATABASE_NO_MEMORY : error;
}

#define OF_REGION " WHERE release IN (SELECT r.release FROM ctai.release AS r WHERE r.region = $1) ORDER BY release, "

database_error release_read(database *connection, text_view region, arena *from, release **releases, unsigned *count)
{
    char code[8];
    (void)text_copy(code, sizeof code, region);
    ledger_reader self = {.connection = connection, .region = code, .from = from};
    database_error error = read_heads(&self);
    if (error == DATABASE_OK)
        error = read_list(&self, "SELECT release, level, department, contract, name, scope, parent FROM ctai.release_territory"
                          OF_REGION "territory", count_territory, take_territory, reserve_territories);
    if (error == DATABASE_OK)
        error = read_list(&self, "SELECT release, basis, is_distinct, " REGION_ROWS_INDICATOR " FROM ctai.release_indicator"
                          OF_REGION "indicator", count_indicator, take_indicator, reserve_indicators);
    if (error == DATABASE_OK)
        error = read_list(&self, "SELECT release, territory, indicator, has_value, amount, of_records, rests, shown, masked, by_rule,"
                          " repeated FROM ctai.release_cell" OF_REGION "territory, indicator", count_cell, take_cell, reserve_cells);
    *releases = self.releases;
    *count = error == DATABASE_OK ? self.count : 0;
    return error;
}

/* Each text with its length before it, so that no two tables are written alike. */
static void put(FILE *to, text_view text)
{
    fprintf(to, "%zu:%.*s,", text.size, (int)text.size, text.size > 0 ? text.at : "");
}

static void put_indicator(FILE *to, const region_indicator *one)
{
    const catalogue_indicator *what = &one->what;
    put(to, what->code);
    put(to, what->label);
    put(to, what->unit);
    fprintf(to, "%d,%d,%d,%d,%d,%d,%u,%d,%d,%u;", (int)one->basis, one->is_distinct, (int)what->kind,
            what->measure == FACT_UNIT_NONE ? (int)FACT_UNIT_COUNT : (int)what->measure, (int)what->sex, what->bpi, what->share,
            what->under_25, what->not_done, what->type_count);
    for (unsigned i = 0; i < what->type_count; i++)
        fprintf(to, "%d,", (int)what->types[i]);
    for (unsigned i = 0; i < what->detail_count; i++)
        put(to, what->details[i]);
}

bool release_digest(const region_table *table, uint8_t digest[CRYPTO_HASH])
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return false;
    put(to, table->code);
    put(to, table->name);
    fprintf(to, "%" PRId32 ",%" PRId32 ",%u,%u,%u;", table->from, table->to, table->territory_count, table->indicator_count,
            table->cell_count);
    for (unsigned i = 0; i < table->territory_count; i++) {
        const region_territory *one = &table->territories[i];
        put(to, one->department);
        put(to, one->contract);
        put(to, one->name);
        put(to, one->scope);
        fprintf(to, "%d,%u;", (int)one->level, one->parent);
    }
    for (unsigned i = 0; i < table->indicator_count; i++)
        put_indicator(to, &table->indicators[i]);
    for (unsigned i = 0; i < table->cell_count; i++) {
        const region_cell *cell = &table->cells[i];
        fprintf(to, "%u,%u,%d,%" PRId64 ",%" PRId64 ",%" PRId64 ";", cell->territory, cell->indicator, cell->has_value, cell->amount,
                cell->of_records, cell->rests);
        put(to, cell->shown);
    }
    bool good = !ferror(to);
    good &= fclose(to) == 0;
    if (good)
        batch_hash(digest, (text_view){text, size});
    free(text);
    return good;
}
