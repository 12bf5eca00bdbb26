/*
 * A text against an operator's people: the input is the text alone. Whatever it holds, the scan ends and tells no place
 * outside of it; a text in which nobody was found has somebody once a name is added; what prose takes may leave as a record.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "privacy.h"
#include "privacy_date.h"
#include "prose.h"

enum { MEMORY_BYTES = 64 << 20, TEXT_MAX = 64 << 10, WIDEST = 3 /* UTF-8 of a byte */ };

static const uint8_t record_key[CRYPTO_KEY] = {9};
static const char office[] = "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n"
                            "1;9912345678;De La Cruz;Zoé;31/01/1990;F;AFG;refugie;\n2;;N'Diaye;Mai An;01/03/2004;H;GIN;refugie;\n";

/* Each place lies in the text. */
static void check_place(diag_sink *sink, const diag *what)
{
    const text_view *whole = sink->data;
    assert(what->message != NULL && text_is_utf8(text_of(what->message)));
    assert(what->line <= whole->size + 1 && what->column <= whole->size + 1);
}

static void check_dates(arena *from, text_view text)
{
    privacy_pieces cut;
    assert(privacy_cut(&cut, from, text));
    for (size_t i = 0; i < cut.count; i++) {
        assert(cut.pieces[i].at < cut.pieces[i].end && cut.pieces[i].end <= text.size && cut.pieces[i].folded.size > 0);
        assert(i == 0 || cut.pieces[i - 1].end <= cut.pieces[i].at);
        privacy_date found = privacy_date_at(&cut, i);
        for (unsigned k = 0; k < found.count; k++)
            assert(found.days[k] != CIVIL_NONE && found.pieces[k] > 0 && i + found.pieces[k] <= cut.count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static arena *kept;
    static char more[WIDEST * TEXT_MAX + 16];
    arena *from = fuzz_arena(&kept, MEMORY_BYTES);
    privacy_list people;
    persons all;
    prose text;
    text_view whole = {(const char *)data, size};
    diag_sink sink = {.emit = check_place, .data = &whole};
    size_t found = 0, again = 0;

    if (size > TEXT_MAX)
        return 0;
    fuzz_start();
    assert(persons_read(&all, from, "p.csv", text_of(office), 1, &(diag_sink){.emit = NULL}, NULL, NULL) == TABLE_OK);
    assert(privacy_gather(&people, from, &all, record_key) && people.count > 0);
    if (!prose_read(&text, from, "t", (text_view){(const char *)data, size}, &sink)) {
        assert(sink.count[DIAG_ERROR] == 1);
        return 0;
    }
    whole = text.whole;
    record what = {.operation = RECORD_PUT, .contract = text_of("c"), .action = text_of("a"), .type = FACT_NARRATIVE,
                   .month = CIVIL_NONE, .code = text_of("1.2.outils"), .text = text.text};
    assert(record_check(&what) == RECORD_OK);
    assert(privacy_scan(&found, from, &people, 1, record_key, "t", whole, &sink));
    assert((found > 0) == (sink.count[DIAG_ERROR] > 0));
    check_dates(from, whole);
    memcpy(more, whole.at, whole.size);
    memcpy(more + whole.size, "\n\nZoé", sizeof "\n\nZoé" - 1);
    whole = (text_view){more, whole.size + sizeof "\n\nZoé" - 1};
    assert(privacy_scan(&again, from, &people, 1, record_key, "t", whole, &sink) && again > found);
    return 0;
}
