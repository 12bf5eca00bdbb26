/* bench_rows: see the header. */
#include "bench_rows.h"

#include <stdio.h>
#include <string.h>

enum { PERSONS_EACH = 50 }; /* records of a person */

static void hash_words(uint8_t to[CRYPTO_SHORT_HASH], const uint8_t *key, const char *what, uint64_t number)
{
    char text[64];
    int size = snprintf(text, sizeof text, "banc:%s:%llu", what, (unsigned long long)number);
    crypto_short_hash(to, key, CRYPTO_KEY, text, (size_t)size);
}

void bench_rows_key(const bench_rows *self, uint64_t number, uint8_t key[RECORD_KEY])
{
    hash_words(key, self->record_key, "ligne", number);
}

static void name_person(const bench_rows *self, uint64_t person, bool both, record *what)
{
    record_tokens *tokens = &what->tokens[0];
    what->token_sets = 1;
    tokens->epoch = self->key->epoch;
    tokens->has_e = person % 3 != 0;
    tokens->has_i = both || !tokens->has_e;
    if (tokens->has_e)
        hash_words(tokens->e, self->key->key, "numero", person);
    if (tokens->has_i)
        hash_words(tokens->i, self->key->key, "identite", person);
}

static void name_reference(const bench_rows *self, uint64_t number, record *what)
{
    what->has_reference = true;
    hash_words(what->reference, self->record_key, "reference", number % 500);
}

static void count(record *what, int64_t quantity)
{
    what->has_quantity = true;
    what->quantity = quantity;
}

/* What follows from the type, among those of a mix like an office's. */
static void fill_in(const bench_rows *self, uint64_t number, unsigned version, record *what)
{
    static const fact_type mix[] = {
        FACT_PRESENCE, FACT_BENEFICIAIRE, FACT_CONSULTATION_MEDICALE, FACT_PRESENCE, FACT_ENTREE, FACT_OUTIL_NUMERIQUE,
        FACT_PRESENCE, FACT_SEANCE, FACT_SOLLICITATION, FACT_NIVEAU_DEBUT, FACT_BENEFICIAIRE, FACT_PRESENCE,
        FACT_AUTONOMIE, FACT_BINOME_MENTORAT, FACT_NIVEAU_FIN, FACT_EVENEMENT_SPORTIF,
    };
    uint64_t person = number / PERSONS_EACH;
    what->type = mix[number % (sizeof mix / sizeof *mix)];
    switch (what->type) {
    case FACT_BENEFICIAIRE:
        name_person(self, person, true, what);
        what->sex = person % 2 ? RECORD_SEX_F : RECORD_SEX_H;
        what->bpi = (person + version) % 2;
        what->under_25 = person % 5 == 0;
        return;
    case FACT_PRESENCE:
    case FACT_ENTREE:
        name_person(self, person, false, what);
        count(what, 60 + (int64_t)(number % 120) + version);
        return;
    case FACT_NIVEAU_DEBUT:
    case FACT_NIVEAU_FIN:
        name_person(self, person, false, what);
        what->code = text_of((number + version) % 2 ? "A1" : "B1");
        return;
    case FACT_AUTONOMIE:
        name_person(self, person, false, what);
        what->code = text_of((number + version) % 2 ? "parentalite" : "scolarite");
        return;
    case FACT_SEANCE:
        name_reference(self, number, what);
        what->code = text_of("francais");
        count(what, 90 + version);
        return;
    case FACT_BINOME_MENTORAT:
    case FACT_EVENEMENT_SPORTIF:
        name_reference(self, number + version, what);
        return;
    default:
        count(what, 1 + (int64_t)version);
    }
}

void bench_rows_record(const bench_rows *self, uint64_t number, unsigned version, record *what)
{
    civil_month first = civil_month_of(self->contract->first_day), last = civil_month_of(self->contract->last_day);
    *what = (record){.operation = RECORD_PUT, .contract = self->contract->id};
    bench_rows_key(self, number, what->key);
    what->action = self->contract->actions[number / 7 % self->contract->action_count].code;
    what->month = first + (civil_month)(number / 11 % (uint64_t)(last - first + 1));
    fill_in(self, number, version, what);
}

void bench_rows_one(const bench_rows *self, uint64_t number, record *what)
{
    *what = (record){.operation = RECORD_PUT, .contract = self->contract->id, .type = FACT_SOLLICITATION};
    hash_words(what->key, self->record_key, "une", number);
    what->action = self->contract->actions[0].code;
    what->month = civil_month_of(self->contract->first_day);
    count(what, 1);
}
