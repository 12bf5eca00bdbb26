/* Rows of fields out of the bytes of a CSV file, and the table of known columns on top of them. */
#include <check.h>

#include "csv.h"
#include "table.h"
#include "told.h"

static arena *memory;
static void start(void) { memory = arena_new((size_t)64 << 20); }
static void end(void) { arena_destroy(&memory); }

/* A file in memory that is read in pieces of a few bytes at most. */
typedef struct {
    text_view file;
    size_t piece_max;
} pieces;

static long read_piece(void *data, uint64_t at, char *to, size_t room)
{
    const pieces *self = data;
    ck_assert_uint_le(at, self->file.size);
    size_t size = self->file.size - (size_t)at;
    size = size > room ? room : size;
    size = size > self->piece_max ? self->piece_max : size;
    if (size > 0)
        memcpy(to, self->file.at + at, size);
    return (long)size;
}

/* All rows as one text: fields joined by "|", rows by "/"; a fault as "!bits@line,field". */
static void spell_rows(char *to, size_t capacity, csv *rows)
{
    size_t used = 0;
    to[0] = '\0';
    while (csv_next(rows)) {
        for (size_t i = 0; i < rows->count; i++)
            used += (size_t)snprintf(to + used, capacity - used, "%s%.*s", i ? "|" : "", (int)rows->fields[i].size, rows->fields[i].at);
        if (rows->faults)
            used += (size_t)snprintf(to + used, capacity - used, "!%u@%lu,%lu", rows->faults, rows->fault_line, rows->fault_field);
        used += (size_t)snprintf(to + used, capacity - used, "/%lu ", rows->line);
        ck_assert_uint_lt(used, capacity);
    }
}

/* The rows of the whole file; through windows that grow from a few bytes on they must be the same. */
static void spell(char *to, size_t capacity, const char *bytes, size_t size, char separator)
{
    csv *rows = malloc(sizeof *rows);
    char *copy = told_exact(bytes, size), *again = malloc(capacity);
    csv_init(rows, memory, (text_view){copy, size}, separator);
    spell_rows(to, capacity, rows);
    for (size_t window = 2; window < 40; window += 13) {
        pieces in = {{copy, size}, window % 5 + 1};
        csv_source source = {read_piece, &in};
        csv_init_source(rows, memory, &source, 0, window, separator);
        spell_rows(again, capacity, rows);
        ck_assert(!rows->out_of_memory && !rows->unreadable);
        ck_assert_msg(strcmp(to, again) == 0, "%s\n%s\nwindow %zu", to, again, window);
    }
    free(again);
    free(copy);
    free(rows);
}

static const struct { const char *file, *rows; } files[] = {
    {"", ""},
    {"a", "a/1 "},
    {"a;b\nc;d\n", "a|b/1 c|d/2 "},
    {"a;b\r\nc;d\r\n", "a|b/1 c|d/2 "},
    {"a;b\nc;d", "a|b/1 c|d/2 "},
    {"a;\n;b\n", "a|/1 |b/2 "},
    {"a;", "a|/1 "},
    {"\n\na\n", "/1 /2 a/3 "},
    {"\"a;b\";c\n", "a;b|c/1 "},
    {"\"a\nb\";c\nd;e\n", "a\nb|c/1 d|e/3 "},
    {"\"a\r\nb\"\r\nd\r\n", "a\r\nb/1 d/3 "},
    {"\"a\"\"b\";\"\"\"\";\"\"\n", "a\"b|\"|/1 "},
    {"a\"b;c \"d\"\n", "a\"b|c \"d\"/1 "},
    {" \"a\";b\n", " \"a\"|b/1 "},
    {"\"a\" ;b\n", "a|b/1 "},
    {"a,b\tc\n", "a,b\tc/1 "},
    {"a\rb;c\n", "a\rb|c/1 "},
    {"x\n\"a\"b;c\nd\n", "x/1 a|c!8@2,1/2 d/3 "},
    {"x\ny;\"a\nb;c\n", "x/1 y|a\nb;c\n!16@2,2/2 "},
    {"\"", "!16@1,1/1 "},
    {"a;\"b\"\"", "a|b\"\"!16@1,2/1 "},
    {"\"\"\"\n", "\"\"\n!16@1,1/1 "},
};

START_TEST(rows_are_those_of_rfc_4180)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char text[1000];
        spell(text, sizeof text, files[i].file, strlen(files[i].file), ';');
        ck_assert_msg(strcmp(text, files[i].rows) == 0, "%s -> %s, not %s", files[i].file, text, files[i].rows);
    }
}
END_TEST

START_TEST(the_header_tells_the_separator)
{
    static const struct { const char *file; char separator; } cases[] = {
        {"a;b;c\n1,2,3,4,5", ';'}, {"a,b,c\n1;2;3;4", ','}, {"a\tb\tc\n", '\t'}, {"a;b,c\n", ';'}, {"a", ';'}, {"", ';'},
        {"a,b;c,d\n", ','}, {"\"x,y,z\";b;c\n", ';'}, {"\"x;y;z;t\",b,c\n", ','}, {"\n\r\n  \na\tb\n;;;;", '\t'},
        {"a;\"b\n,,,,,,\";c\n", ';'}, {"n\" 5;b,c,d\n", ','}, {"\"a\"\"\"\",,\";b;c\n", ';'},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(csv_separator(text_of(cases[i].file)) == cases[i].separator, "%s", cases[i].file);
}
END_TEST

START_TEST(long_fields_and_rows_are_bounded)
{
    size_t size = 3 << 20;
    char *file = malloc(size);
    csv *rows = malloc(sizeof *rows);
    /* A field of exactly the bound, one over, then a good row. */
    memset(file, 'x', size);
    file[CSV_FIELD_MAX] = ';';
    file[CSV_FIELD_MAX + 2] = '\n';
    file[2 * CSV_FIELD_MAX + 4] = '\n';
    file[2 * CSV_FIELD_MAX + 6] = '\n';
    csv_init(rows, memory, (text_view){file, 2 * CSV_FIELD_MAX + 7}, ';');
    ck_assert(csv_next(rows) && rows->faults == 0 && rows->count == 2 && rows->fields[0].size == CSV_FIELD_MAX);
    ck_assert(csv_next(rows) && rows->faults == CSV_FIELD_TOO_LONG && rows->fault_line == 2);
    ck_assert(csv_next(rows) && rows->faults == 0 && rows->fields[0].size == 1 && rows->line == 3);
    ck_assert(!csv_next(rows));
    /* Many short quoted fields with doubled quotes: over a row's bound, and all in memory of a row at most. */
    for (size_t i = 0; i < size; i++)
        file[i] = "\"a\"\"\";"[i % 6];
    file[size - 1] = '\n';
    csv_init(rows, memory, (text_view){file, size}, ';');
    ck_assert(csv_next(rows));
    ck_assert_uint_eq(rows->faults, CSV_ROW_TOO_LONG | CSV_TOO_MANY_FIELDS);
    ck_assert(!csv_next(rows) && !rows->out_of_memory);
    ck_assert_uint_le(arena_used(memory), CSV_ROW_MAX);
    free(file);
    free(rows);
}
END_TEST

/* Rows with all the faults of length, whole and through a window: what is told of them is the same. */
START_TEST(a_window_holds_a_row_at_most)
{
    static const char *const openings[] = {"", "\"", "a;\"", "a;b", "\"a\";", "\"a\""};
    static const char fillers[] = "x\n;\" ";
    size_t size = (size_t)CSV_ROW_MAX * 5 / 2;
    char *file = malloc(size);
    csv *whole = malloc(sizeof *whole), *windowed = malloc(sizeof *windowed);
    for (size_t i = 0; i < sizeof openings / sizeof *openings * (sizeof fillers - 1) * 2; i++) {
        const char *opening = openings[i / (sizeof fillers - 1) / 2];
        memset(file, fillers[i / 2 % (sizeof fillers - 1)], size);
        memcpy(file, opening, strlen(opening));
        memcpy(file + size - 6, i % 2 ? "\"\r\nab;" : "\r\nab\"", 6);
        pieces in = {{file, size}, size};
        csv_source source = {read_piece, &in};
        arena_clear(memory);
        csv_init(whole, memory, (text_view){file, size}, ';');
        csv_init_source(windowed, memory, &source, 0, CSV_WINDOW, ';');
        bool same = true;
        for (bool more = true; more && same;) {
            more = csv_next(whole);
            same = csv_next(windowed) == more && windowed->faults == whole->faults && windowed->count == whole->count
                && (!more || windowed->line == whole->line)
                && (!whole->faults || (windowed->fault_line == whole->fault_line && windowed->fault_field == whole->fault_field));
            for (size_t k = 0; k < whole->count && same && !(whole->faults & (CSV_ROW_TOO_LONG | CSV_FIELD_TOO_LONG)); k++)
                same = text_equal(windowed->fields[k], whole->fields[k]);
        }
        ck_assert_msg(same && !windowed->out_of_memory, "file %zu, line %lu", i, whole->line);
        ck_assert_uint_le(windowed->window_size, 4 * CSV_ROW_MAX);
    }
    free(file);
    free(whole);
    free(windowed);
}
END_TEST

START_TEST(noise_is_read_within_its_bytes)
{
    static const char letters[] = "ab;,\t\"\"\n\r 0";
    srand(5);
    for (int round = 0; round < 20000; round++) {
        char bytes[64];
        char text[2000];
        size_t size = (size_t)rand() % sizeof bytes;
        for (size_t i = 0; i < size; i++)
            bytes[i] = rand() % 40 ? letters[(size_t)rand() % (sizeof letters - 1)] : (char)rand();
        spell(text, sizeof text, bytes, size, csv_separator((text_view){bytes, size}));
        arena_clear(memory);
    }
}
END_TEST

static const table_column columns[] = {{"id", true}, {"nom", true}, {"note", false}};

/* The table as one text: cells joined by "|", rows by "/", errors as "!"; then what was said. */
static const char *table_text(told *said, const char *bytes, size_t size, table_state *state)
{
    static char text[4000];
    size_t used = 0;
    text[0] = '\0';
    table *rows = malloc(sizeof *rows);
    char *copy = told_exact(bytes, size);
    *state = table_open(rows, memory, "f.csv", (text_view){copy, size}, columns, 3, &said->sink);
    while (*state == TABLE_OK && (*state = table_next(rows)) == TABLE_OK) {
        for (int i = 0; i < 3; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i ? "|" : "", (int)rows->cells[i].size, rows->cells[i].at);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s/", rows->in_error ? "!" : "", rows->unsure ? "?" : "");
    }
    free(copy);
    free(rows);
    return text;
}

static const struct { const char *file; size_t size; const char *rows, *said; } tables[] = {
#define FILE_OF(text) text, sizeof text - 1
    {FILE_OF("id;nom\n1;a\n"), "1|a|/", ""},
    {FILE_OF("\xEF\xBB\xBFid;nom\n1;\xC3\xA9\n"), "1|\xC3\xA9|/", ""},
    {FILE_OF("note;nom;id\r\n x ;\xC2\xA0" "b\xE2\x80\xAF;\t1 \r\n"), "1|b|x/", ""},
    {FILE_OF("id\tnom\n1\t\xE9t\xE9 \x80\xA0\n"), "1|\xC3\xA9t\xC3\xA9 \xE2\x82\xAC|/", "lu en Windows-1252"},
    {FILE_OF("id\tnom\n1\t\x9C\x9F\x85\n"), "1|\xC5\x93\xC5\xB8\xE2\x80\xA6|/", "lu en Windows-1252"},
    {FILE_OF("\xEF\xBB\xBFid;nom\n1;\xE9\n"), "1|\xC3\xA9|/", "lu en Windows-1252"},
    {FILE_OF("id;nom\n1;a\x81" "b\n2;c\n"), "1||!/2|c|/", "f.csv:2:2: erreur : [nom] la cellule contient un octet"},
    {FILE_OF("id;nom\n\x9D;a\n\n"), "|a|!/", "[id] la cellule contient un octet"},
    {FILE_OF("id;nom;autre\n1;a;\x8D\n"), "1|a|!/", "f.csv:2:3: erreur : la cellule contient un octet"},
    {FILE_OF("id;nom\n1;a\0b\n2;c\n"), "1||!/2|c|/", "f.csv:2:2: erreur : [nom] la cellule contient un caractère nul"},
    {FILE_OF("id;nom\n\n;\n ; \n;;;;\n1;a\n"), "1|a|/", ""},
    {FILE_OF("id;nom\n1\n2;b;\n3;b;c\n"), "1||/2|b|/3|b|!/", "f.csv:4:3: erreur : la ligne a plus de cellules que de colonnes"},
    {FILE_OF("id;nom\n1;\"a\"b\n2;c\n"), "||!?/2|c|/", "f.csv:2:2: erreur : [nom] du texte suit"},
    {FILE_OF("id;nom\n1;b\n2;\"a\nb\n"), "1|b|/||!?/", "f.csv:3:2: erreur : [nom] un guillemet ouvert ici"},
    {FILE_OF("id;nom;ville;t\xC3\xA9l\xC3\xA9phone;\n1;a\n"), "1|a|/", "des colonnes ne sont pas connues, et ne sont pas lues : « ville », « téléphone »"},
    {FILE_OF("id;nom;t\xE9l\n1;a\n"), "1|a|/", "la colonne « tél » n’est pas connue"},
    {FILE_OF("id;nom;;\n1;a;x;\n"), "1|a|/", ""},
    {FILE_OF("\n \nid;nom\n1;a\n"), "1|a|/", ""},
    {FILE_OF("\"id\" ;\"no\"\"m\"\n"), NULL, "la colonne « nom » manque ; « no\"m » lui ressemble"},
    {FILE_OF(""), NULL, "le fichier est vide"},
    {FILE_OF(" \r\n\n"), NULL, "le fichier est vide"},
    {FILE_OF("\xEF\xBB\xBF"), NULL, "le fichier est vide"},
    {FILE_OF("\xFF\xFEi\0d\0"), NULL, "UTF-16"},
    {FILE_OF("PK\x03\x04zzz"), NULL, "classeur"},
    {FILE_OF("id;Nom\n1;a\n"), NULL, "f.csv:1: erreur : la colonne « nom » manque ; « Nom » lui ressemble"},
    {FILE_OF("1;Zqxw\n2;b\n"), NULL, "la colonne « id » manque"},
    {FILE_OF("id;nom;id\n"), NULL, "f.csv:1:3: erreur : [id] la colonne est là deux fois"},
    {FILE_OF("id;nom;x;x\n1;a\n"), "1|a|/", ""},
    {FILE_OF("\"id;nom\n1;a\n"), NULL, "la ligne des noms de colonnes ne se lit pas"},
    {FILE_OF("id;nom\r1;a\r2;b\r"), NULL, "f.csv:1: erreur : les lignes finissent par un retour chariot seul"},
    {FILE_OF("id;nom;v\0i\0\n1;a\n"), NULL, "f.csv:1: erreur : la ligne des noms de colonnes contient des caractères nuls"},
    {FILE_OF("id;nom;\"v\nZqxw\"\n1;a\n"), "1|a|/", "la colonne « v » n’est pas connue"},
    {FILE_OF("id;nom"), "", ""},
};

START_TEST(tables_are_read_as_offices_make_them)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        told said;
        table_state state;
        told_start(&said);
        const char *rows = table_text(&said, tables[i].file, tables[i].size, &state);
        ck_assert_int_eq(state, tables[i].rows ? TABLE_END : TABLE_UNUSABLE);
        ck_assert_msg(!tables[i].rows || strcmp(rows, tables[i].rows) == 0, "%s -> %s, not %s", tables[i].file, rows, tables[i].rows);
        ck_assert_msg(strstr(told_text(&said), tables[i].said), "%s said %s, not %s", tables[i].file, said.text, tables[i].said);
        ck_assert_ptr_null(strstr(said.text, "Zqxw")); /* not a column's name: a person's */
        told_end(&said);
    }
}
END_TEST

START_TEST(a_line_of_100_megabytes_costs_no_memory)
{
    size_t size = (size_t)100 << 20;
    char *file = malloc(size);
    told said;
    table *rows = malloc(sizeof *rows);
    memset(file, 'x', size);
    memcpy(file, "id;nom\n1;a\n\"", 12);
    memcpy(file + size - 6, "\"\n2;b\n", 6);
    told_start(&said);
    ck_assert_int_eq(table_open(rows, memory, "f", (text_view){file, size}, columns, 3, &said.sink), TABLE_OK);
    ck_assert(table_next(rows) == TABLE_OK && !rows->in_error);
    ck_assert(table_next(rows) == TABLE_OK && rows->in_error && rows->unsure);
    ck_assert(table_next(rows) == TABLE_OK && text_is(rows->cells[0], "2") && rows->line == 4);
    ck_assert_int_eq(table_next(rows), TABLE_END);
    ck_assert_uint_lt(arena_used(memory), 1 << 20);
    told_end(&said);
    free(rows);
    free(file);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("csv");
    tcase_add_checked_fixture(tests, start, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, rows_are_those_of_rfc_4180);
    tcase_add_test(tests, the_header_tells_the_separator);
    tcase_add_test(tests, long_fields_and_rows_are_bounded);
    tcase_add_test(tests, a_window_holds_a_row_at_most);
    tcase_add_test(tests, noise_is_read_within_its_bytes);
    tcase_add_test(tests, tables_are_read_as_offices_make_them);
    tcase_add_test(tests, a_line_of_100_megabytes_costs_no_memory);
    Suite *suite = suite_create("csv");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
