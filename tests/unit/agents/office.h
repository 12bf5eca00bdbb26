/*
 * office: an operator with two files in memory, for tests: makes the export and shows its records as
 * short lines of text in a fixed order.
 */
#ifndef CTAI_TEST_OFFICE_H
#define CTAI_TEST_OFFICE_H

#include <check.h>
#include <inttypes.h>

#include "export.h"
#include "told.h"

#define OFFICE_PERSONS "id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage\n"
#define OFFICE_EVENTS "id_evenement;date;action;type;id_local;quantite;detail;reference\n"

enum { OFFICE_CONTRACTS = 2, OFFICE_LINES = 8000 };

typedef struct {
    wire_action actions[3];
    wire_contract terms[OFFICE_CONTRACTS];
    export_contract contracts[OFFICE_CONTRACTS];
    token_key keys[2];
    uint8_t record_key[CRYPTO_KEY];
    unsigned contract_count;
    bool partial;
    erasure_list erasures;
    arena *memory;
    char *persons, *events;
    told said;
    export made;
    char lines[OFFICE_LINES];
} office;

/* A contract c1 from 2023-11-30 to 2024-11-29, actions axe1 and axe2 allowed, axe3 not; c2 the year after. */
static inline office *office_new(void)
{
    static const char *const codes[] = {"axe1", "axe2", "axe3"};
    office *self = calloc(1, sizeof *self);
    ck_assert_int_eq(crypto_start(), 0);
    for (int i = 0; i < 3; i++)
        self->actions[i] = (wire_action){text_of(codes[i]), text_of("titre"), i < 2};
    self->keys[0] = (token_key){.epoch = 1, .key = {1}};
    self->keys[1] = (token_key){.epoch = 2, .key = {2}};
    for (int i = 0; i < OFFICE_CONTRACTS; i++) {
        self->terms[i] = (wire_contract){.id = text_of(i ? "c2" : "c1"), .title = text_of("t"), .scope = text_of("63"),
                                         .first_day = civil_from(2023 + i, 11, 30), .last_day = civil_from(2024 + i, 11, 29),
                                         .action_count = 3, .actions = self->actions};
        self->contracts[i] = (export_contract){.terms = &self->terms[i], .token_key_count = 1, .token_keys = self->keys};
    }
    memset(self->record_key, 9, sizeof self->record_key);
    self->contract_count = 1;
    self->memory = arena_new((size_t)256 << 20);
    told_start(&self->said);
    return self;
}

static inline void office_free(office *self)
{
    told_end(&self->said);
    arena_destroy(&self->memory);
    free(self->persons);
    free(self->events);
    free(self);
}

static inline export_error office_make(office *self, const char *p_rows, const char *e_rows)
{
    free(self->persons);
    free(self->events);
    self->persons = told_exact(p_rows, strlen(p_rows));
    self->events = told_exact(e_rows, strlen(e_rows));
    export_input input = {.persons = {"p.csv", {self->persons, strlen(p_rows)}}, .events = {"e.csv", {self->events, strlen(e_rows)}},
                          .contract_count = self->contract_count, .contracts = self->contracts, .partial = self->partial,
                          .record_key = self->record_key, .erasures = self->erasures};
    told_end(&self->said);
    told_start(&self->said);
    return export_make(&self->made, &input, &self->said.sink, self->memory);
}

/* All contributions of a result, in the arena; retained keys likewise. */
static inline export_contribution *office_contributions(office *self, unsigned contract, size_t *count)
{
    arena_vector all;
    export_contribution one;
    arena_vector_init(&all, self->memory, sizeof one);
    while (export_contribution_at(&self->made.results[contract], all.count, &one))
        *(export_contribution *)arena_vector_add(&all) = one;
    ck_assert_int_eq(export_failure(&self->made.results[contract]), EXPORT_OK);
    *count = all.count;
    return all.items;
}

typedef uint8_t office_key[RECORD_KEY];
static inline office_key *office_retained(office *self, unsigned contract, size_t *count)
{
    arena_vector all;
    office_key one;
    arena_vector_init(&all, self->memory, sizeof one);
    while (export_retained(&self->made.results[contract], all.count, one))
        memcpy(arena_vector_add(&all), one, sizeof one);
    ck_assert_int_eq(export_failure(&self->made.results[contract]), EXPORT_OK);
    *count = all.count;
    return all.items;
}

static inline int office_by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "beneficiaire axe1 2024-01 EI F bpi -25", "entree axe1 2023-11 I 120", one a line, in the order of the text. */
static inline const char *office_records(office *self, unsigned contract)
{
    const export_result *result = &self->made.results[contract];
    char **lines = calloc(result->record_count + 1, sizeof *lines);
    for (size_t i = 0; i < result->record_count; i++) {
        record what;
        char month[CIVIL_MONTH_TEXT], quantity[32] = "";
        export_record(result, i, &what);
        ck_assert_int_eq(record_check(&what), RECORD_OK);
        ck_assert_mem_eq(what.key, export_key(result, i), RECORD_KEY);
        ck_assert(i == 0 || memcmp(export_key(result, i - 1), what.key, RECORD_KEY) < 0);
        ck_assert(text_equal(what.contract, result->terms->id));
        civil_month_text(what.month, month);
        if (what.has_quantity)
            snprintf(quantity, sizeof quantity, " %" PRId64, what.quantity);
        bool person = what.type == FACT_BENEFICIAIRE;
        lines[i] = malloc(200);
        snprintf(lines[i], 200, "%s %.*s %s%s%s%s%s%s%s%s%s%s%.*s%s\n", fact_rule_of(what.type)->name, (int)what.action.size, what.action.at,
                 month, what.token_sets ? " " : "", what.tokens[0].has_e ? "E" : "", what.tokens[0].has_i ? "I" : "",
                 what.tokens[0].has_m ? "M" : "", person ? what.sex == RECORD_SEX_F ? " F" : what.sex == RECORD_SEX_H ? " H" : " ?" : "",
                 what.bpi ? " bpi" : "", what.under_25 ? " -25" : "", quantity, what.code.size ? " " : "", (int)what.code.size, what.code.at,
                 what.has_reference ? " ref" : "");
    }
    qsort(lines, result->record_count, sizeof *lines, office_by_text);
    self->lines[0] = '\0';
    size_t used = 0;
    for (size_t i = 0; i < result->record_count; i++) {
        used += (size_t)snprintf(self->lines + used, sizeof self->lines - used, "%s", lines[i]);
        ck_assert_uint_lt(used, sizeof self->lines);
        free(lines[i]);
    }
    free(lines);
    return self->lines;
}

/* Makes the export of contract c1 and compares its records and counts. */
static inline void office_expect(office *self, const char *p_rows, const char *e_rows, const char *records, size_t left_out, size_t errors)
{
    ck_assert_int_eq(office_make(self, p_rows, e_rows), EXPORT_OK);
    const char *made = office_records(self, 0);
    ck_assert_msg(strcmp(made, records) == 0, "%s\nmade\n%s\nnot\n%s\n%s", e_rows, made, records, told_text(&self->said));
    ck_assert_msg(self->made.counts.left_out == left_out && self->made.counts.errors == errors, "%s\n%zu left out, %zu errors\n%s", e_rows,
                  self->made.counts.left_out, self->made.counts.errors, told_text(&self->said));
}

static inline bool office_said(office *self, const char *text)
{
    return strstr(told_text(&self->said), text) != NULL;
}

#endif
