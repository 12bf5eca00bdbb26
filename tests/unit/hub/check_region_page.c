/* A region's page and workbook: what is masked is nowhere, names are text, the same document is the same bytes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "region_page.h"
#include "region_xlsx.h"

enum { CONTRACT, DEPARTMENT, WHOLE, TERRITORIES };
enum { TOTAL, WOMEN, TEXT, INDICATORS };

static char *written;
static size_t written_bytes;
static region_territory territories[TERRITORIES];
static region_indicator indicators[INDICATORS];
static region_cell cells[TERRITORIES * INDICATORS];
static unsigned order[] = {TOTAL, WOMEN, TEXT};
static region_section section;
static region_table table;
static region_document document;

static void enter(void)
{
    static const fact_type everybody = FACT_BENEFICIAIRE;
    territories[CONTRACT] = (region_territory){.level = REGION_CONTRACT, .region = text_of("84"), .department = text_of("63"),
                                               .contract = text_of("63-essai"), .name = text_of("<b>Essai</b>"), .parent = DEPARTMENT};
    territories[DEPARTMENT] = (region_territory){.level = REGION_DEPARTMENT, .region = text_of("84"), .department = text_of("63"),
                                                 .name = text_of("Puy-de-Dôme"), .parent = WHOLE};
    territories[WHOLE] = (region_territory){.level = REGION_WHOLE, .region = text_of("84"), .name = text_of("Auvergne & Alpes"), .parent = WHOLE};
    memset(indicators, 0, sizeof indicators);
    indicators[TOTAL].what = (catalogue_indicator){.code = text_of("1.1.total"), .label = text_of("Bénéficiaires"), .unit = text_of("personnes"),
                                                   .kind = CATALOGUE_PERSONNES, .type_count = 1, .types = {everybody}};
    indicators[WOMEN].what = indicators[TOTAL].what;
    indicators[WOMEN].what.code = text_of("1.1.femmes");
    indicators[WOMEN].what.label = text_of("dont femmes");
    indicators[WOMEN].what.sex = RECORD_SEX_F;
    indicators[TEXT].what = (catalogue_indicator){.code = text_of("1.2.outils"), .label = text_of("Outils"), .kind = CATALOGUE_TEXTE};
    for (unsigned i = 0; i < TERRITORIES * INDICATORS; i++)
        cells[i] = (region_cell){.territory = i / INDICATORS, .indicator = i % INDICATORS, .has_value = true, .amount = 40, .rests = 40,
                                 .shown = text_of(i % INDICATORS == TOTAL ? "40" : i % INDICATORS == WOMEN ? "7654" : "=1+1 <i>ici</i>")};
    for (unsigned i = WOMEN; i < TERRITORIES * INDICATORS; i += INDICATORS)
        cells[i].masked = cells[i].primary = true;
    section = (region_section){.code = text_of("public"), .title = text_of("Le public <1>"), .indicator_count = INDICATORS, .indicators = order};
    table = (region_table){.code = text_of("84"), .name = territories[WHOLE].name, .from = CIVIL_NONE, .to = CIVIL_NONE, .threshold = 11,
                           .territory_count = TERRITORIES, .indicator_count = INDICATORS, .cell_count = TERRITORIES * INDICATORS,
                           .territories = territories, .indicators = indicators, .cells = cells};
    document = (region_document){.table = &table, .standing = text_of("Publication n° 3"), .day = civil_from(2024, 7, 1), .sections = &section,
                                 .section_count = 1};
}

static void leave(void)
{
    free(written);
    written = NULL;
}

static const char *page(void)
{
    leave();
    FILE *to = open_memstream(&written, &written_bytes);
    region_page(&document, to);
    fclose(to);
    return written;
}

START_TEST(what_is_masked_is_nowhere)
{
    const char *said = page();
    ck_assert_ptr_null(strstr(said, "7654"));
    ck_assert_ptr_null(strstr(said, "7\u202F654"));
    ck_assert_ptr_nonnull(strstr(said, ">masqué<"));
    ck_assert_ptr_nonnull(strstr(said, "moins de 11 personnes"));
    ck_assert_ptr_nonnull(strstr(said, "40\u00A0<span class=\"unit\">personnes</span>"));
    ck_assert_ptr_nonnull(strstr(said, "100\u202F% de la région"));
    ck_assert_ptr_nonnull(strstr(said, "il peut être publié"));
    table.draft = true;
    ck_assert_ptr_nonnull(strstr(page(), "ne se publie pas"));
}
END_TEST

START_TEST(names_and_texts_are_no_markup)
{
    const char *said = page();
    ck_assert_ptr_null(strstr(said, "<b>"));
    ck_assert_ptr_null(strstr(said, "<i>"));
    ck_assert_ptr_nonnull(strstr(said, "&lt;b&gt;Essai&lt;/b&gt;"));
    ck_assert_ptr_nonnull(strstr(said, "Le public &lt;1&gt;"));
    ck_assert_ptr_nonnull(strstr(said, "Auvergne &amp; Alpes"));
}
END_TEST

START_TEST(depth_and_idleness)
{
    ck_assert_uint_eq(region_page_depth(&document, &section, TOTAL), 0);
    ck_assert_uint_eq(region_page_depth(&document, &section, WOMEN), 1);
    ck_assert_uint_eq(region_page_depth(&document, &section, TEXT), 0);
    indicators[TOTAL].is_distinct = true;
    ck_assert_uint_eq(region_page_depth(&document, &section, WOMEN), 0);
    ck_assert(region_page_is_idle(&(region_cell){.has_value = true, .shown = text_of("0")}));
    ck_assert(region_page_is_idle(&(region_cell){.has_value = false}));
    ck_assert(!region_page_is_idle(&(region_cell){.has_value = true, .shown = text_of("0"), .masked = true}));
    ck_assert(!region_page_is_idle(&(region_cell){.has_value = true, .shown = text_of("0.5")}));
    for (unsigned i = 0; i < TERRITORIES * INDICATORS; i++)
        cells[i].has_value = cells[i].masked = false;
    ck_assert_ptr_nonnull(strstr(page(), "Aucun indicateur à montrer."));
}
END_TEST

START_TEST(workbooks_come_again)
{
    char *first;
    size_t first_bytes;
    for (int i = 0; i < 2; i++) {
        leave();
        FILE *to = open_memstream(&written, &written_bytes);
        ck_assert(region_xlsx(&document, "/tmp", to));
        fclose(to);
        if (i == 0)
            first = written, first_bytes = written_bytes, written = NULL;
    }
    ck_assert_uint_eq(written_bytes, first_bytes);
    ck_assert_mem_eq(written, first, first_bytes);
    free(first);
    document.day = CIVIL_NONE; /* a draft's are of no moment, and come again too */
    leave();
    FILE *to = open_memstream(&written, &written_bytes);
    ck_assert(region_xlsx(&document, "/tmp", to));
    fclose(to);
    ck_assert_mem_eq(written, "PK\x03\x04", 4);
}
END_TEST

START_TEST(an_empty_region_is_a_page)
{
    table.territory_count = table.cell_count = 0;
    document.section_count = 0;
    ck_assert_ptr_nonnull(strstr(page(), "Rien à comparer."));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("region_page");
    TCase *cases = tcase_create("forms");
    tcase_add_checked_fixture(cases, enter, leave);
    tcase_add_test(cases, what_is_masked_is_nowhere);
    tcase_add_test(cases, names_and_texts_are_no_markup);
    tcase_add_test(cases, depth_and_idleness);
    tcase_add_test(cases, workbooks_come_again);
    tcase_add_test(cases, an_empty_region_is_a_page);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
