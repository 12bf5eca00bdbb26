/*
 * An operator's two files, all the way to records: the input is a byte of options, then the table of persons, a line
 * of one byte 1D, the table of events. Whatever the files hold, what comes out may leave, in order, and the same
 * files give the same.
 */
#include "fuzz.h"

#include "export.h"

enum { MEMORY_BYTES = 64 << 20, CONTRACTS = 2 };

static const uint8_t record_key[CRYPTO_KEY] = {9};
static wire_action actions[3] = {{{"axe1", 4}, {"Axe 1", 5}, true}, {{"axe2", 4}, {"Axe 2", 5}, true}, {{"axe3", 4}, {"Axe 3", 5}, false}};
static wire_contract terms[CONTRACTS];
static const token_key keys[2] = {{.epoch = 1, .key = {1}}, {.epoch = 2, .key = {2}}};
static const export_contribution earlier[2] = {{.event = {1}, .day = 19700}, {.event = {2}, .subject = {3}, .day = 19800, .flags = EXPORT_MOVED}};

static void check_sentence(diag_sink *sink, const diag *what)
{
    assert(what->message != NULL && what->message[0] != '\0' && text_is_utf8(text_of(what->message)));
    assert(what->severity < DIAG_SEVERITY_COUNT);
    (void) sink;
}

static void check_result(const export_result *result)
{
    for (size_t i = 0; i < result->record_count; i++) {
        record what;
        export_record(result, i, &what);
        assert(record_check(&what) == RECORD_OK);
        assert(memcmp(what.key, export_key(result, i), RECORD_KEY) == 0 && text_equal(what.contract, result->terms->id));
        assert(i == 0 || memcmp(export_key(result, i - 1), what.key, RECORD_KEY) < 0);
    }
    uint8_t kept[2][RECORD_KEY];
    for (size_t i = 0; export_retained(result, i, kept[i % 2]); i++)
        assert(i == 0 || memcmp(kept[(i - 1) % 2], kept[i % 2], RECORD_KEY) < 0);
    export_contribution said[2];
    for (size_t i = 0; export_contribution_at(result, i, &said[i % 2]); i++)
        assert(i == 0 || memcmp(said[(i - 1) % 2].event, said[i % 2].event, RECORD_KEY) < 0);
    assert(export_failure(result) == EXPORT_OK);
}

static export_error make(export *made, diag_sink *sink, unsigned options, text_view persons, text_view events, arena *memory)
{
    static export_contract contracts[CONTRACTS]; /* must live as long as what is made of them */
    export_input input = {.persons = {"p.csv", persons}, .events = {"e.csv", events}, .contract_count = options & 1 ? CONTRACTS : 1,
                          .contracts = contracts, .partial = (options & 2) != 0, .record_key = record_key};

    for (int i = 0; i < CONTRACTS; i++)
        contracts[i] = (export_contract){.terms = &terms[i], .token_key_count = options & 4 ? 2 : 1, .token_keys = keys,
                                         .earlier_count = options & 8 ? 2 : 0, .earlier = earlier};
    return export_make(made, &input, sink, memory);
}

static void start(void)
{
    fuzz_start();
    for (int i = 0; i < CONTRACTS; i++)
        terms[i] = (wire_contract){.id = text_of(i ? "c2" : "c1"), .title = text_of("t"), .scope = text_of("63"),
                                   .first_day = civil_from(2023 + i, 11, 30), .last_day = civil_from(2024 + i, 11, 29),
                                   .action_count = 3, .actions = actions};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static arena *kept;
    fuzz_tape tape = fuzz_tape_of(data, size);
    diag_sink sink = {.emit = check_sentence}, silent = {.emit = NULL};
    export made, twin;

    if (terms[0].action_count == 0)
        start();
    arena *memory = fuzz_arena(&kept, MEMORY_BYTES);
    unsigned options = fuzz_byte(&tape);
    text_view persons = fuzz_rest(&tape), events = {NULL, 0};
    const char *cut = persons.size > 0 ? memchr(persons.at, 0x1d, persons.size) : NULL;
    if (cut != NULL) {
        events = (text_view){cut + 1, persons.size - (size_t) (cut - persons.at) - 1};
        persons.size = (size_t) (cut - persons.at);
    }
    export_error error = make(&made, &sink, options, persons, events, memory);
    assert(error != EXPORT_NO_MEMORY);
    if (error != EXPORT_OK) {
        assert(sink.count[DIAG_ERROR] > 0);
        return 0;
    }
    size_t ready = 0;
    for (unsigned i = 0; i < made.result_count; i++) {
        check_result(&made.results[i]);
        ready += made.results[i].record_count;
    }
    assert(ready == made.counts.ready && made.counts.errors <= made.counts.person_rows + made.counts.event_rows);
    if (options & 128) {
        assert(make(&twin, &silent, options, persons, events, memory) == EXPORT_OK);
        assert(twin.counts.ready == ready && twin.counts.errors == made.counts.errors && twin.counts.left_out == made.counts.left_out);
        for (size_t i = 0; i < made.results[0].record_count; i++)
            assert(memcmp(export_key(&made.results[0], i), export_key(&twin.results[0], i), RECORD_KEY) == 0);
    }
    return 0;
}
