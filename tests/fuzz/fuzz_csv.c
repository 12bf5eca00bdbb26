/* A CSV file's rows and cells: fields lie where they may, lines ascend; each cell is then read as all that a cell can be. */
#include "fuzz.h"

#include "civil.h"
#include "csv.h"
#include "fold.h"
#include "quantity.h"
#include "record.h"
#include "table.h"

enum { MEMORY_BYTES = 8 << 20, FOLDED_MAX = 4096 };

static const table_column columns[] = {{"nom", true}, {"date", true}, {"quantite", false}, {"statut", false}};

static void read_cell(text_view cell)
{
    char folded[FOLDED_MAX], again[FOLDED_MAX];
    int64_t value = -1;
    civil_day day = civil_parse(cell);
    text_view trimmed = text_trim(cell);

    assert(trimmed.size <= cell.size && text_is_utf8(cell));
    if (day != CIVIL_NONE) {
        char text[CIVIL_DAY_TEXT];
        civil_day_text(day, text);
        assert(civil_parse_iso(text_of(text)) == day);
    }
    static const fact_unit units[] = {FACT_UNIT_MINUTES, FACT_UNIT_CENTS, FACT_UNIT_COUNT};
    for (unsigned unit = 0; trimmed.size > 0 && unit < sizeof units / sizeof *units; unit++)
        if (quantity_read(&value, trimmed, units[unit]) == QUANTITY_OK)
            assert(value >= 0 && value <= RECORD_QUANTITY_MAX);
    (void) text_width(cell);
    long size = fold_name(folded, sizeof folded, cell);
    if (size < 0)
        return;
    assert(folded[size] == '\0' && text_is_utf8((text_view){folded, (size_t) size}));
    long twice = fold_name(again, sizeof again, (text_view){folded, (size_t) size});
    assert(twice == size && memcmp(folded, again, (size_t) size) == 0); /* what is folded stays so */
}

static void read_rows(text_view file, arena *from)
{
    csv *rows = arena_take(from, sizeof *rows);
    unsigned long line = 0;
    size_t bytes = 0;

    assert(rows != NULL);
    csv_init(rows, from, file, csv_separator(file));
    while (csv_next(rows)) {
        assert(rows->line > line && rows->count >= 1 && rows->count <= CSV_FIELDS_MAX);
        line = rows->line;
        for (size_t i = 0; i < rows->count; i++)
            bytes += rows->fields[i].size;
        assert(rows->faults == 0 || rows->fault_line >= rows->line);
    }
    assert(!rows->out_of_memory && bytes <= file.size);
}

static void read_table(text_view file, arena *from)
{
    table *self = arena_take(from, sizeof *self);
    diag_sink sink = {.emit = NULL};
    unsigned long line = 1;

    assert(self != NULL);
    table_state state = table_open(self, from, "f.csv", file, columns, sizeof columns / sizeof *columns, &sink);
    assert(state != TABLE_UNUSABLE || sink.count[DIAG_ERROR] > 0);
    while (state == TABLE_OK && (state = table_next(self)) == TABLE_OK) {
        unsigned long errors = sink.count[DIAG_ERROR];
        assert(self->line > line && (!self->in_error || errors > 0));
        line = self->line;
        for (unsigned i = 0; i < self->column_count; i++)
            if ((self->bad_cells & 1u << i) == 0 && !self->in_error)
                read_cell(self->cells[i]);
        assert(table_read_bytes(self) <= file.size);
    }
    assert(state != TABLE_NO_MEMORY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static arena *kept;
    text_view file = {(const char *) data, size};

    read_rows(file, fuzz_arena(&kept, MEMORY_BYTES));
    read_table(file, fuzz_arena(&kept, MEMORY_BYTES));
    return 0;
}
