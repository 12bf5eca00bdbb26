/* record: the shape that the table of types (fact) allows; see record.h. */
#include "record.h"

#include <assert.h>
#include <string.h>

static bool tokens_fit(const record *self, fact_kind kind)
{
    bool wanted = kind == FACT_KIND_BENEFICIARY || kind == FACT_KIND_PERSON || kind == FACT_KIND_HOUSEHOLD;
    if (!wanted)
        return self->token_sets == 0;
    if (self->token_sets < 1 || self->token_sets > RECORD_TOKEN_SETS)
        return false;
    for (unsigned set = 0; set < self->token_sets; set++) {
        const record_tokens *tokens = &self->tokens[set];
        if (tokens->epoch == 0 || (set > 0 && tokens->epoch <= self->tokens[set - 1].epoch))
            return false;
        if (set > 0 && tokens->has_e != self->tokens[0].has_e)
            return false;
        if (kind == FACT_KIND_BENEFICIARY && (!tokens->has_i || tokens->has_m))
            return false;
        if (kind == FACT_KIND_PERSON && (tokens->has_e == tokens->has_i || tokens->has_m))
            return false;
        if (kind == FACT_KIND_HOUSEHOLD && (!tokens->has_m || tokens->has_e || tokens->has_i))
            return false;
    }
    return true;
}

static bool is_name(text_view text)
{
    return text.size > 0 && text.size <= RECORD_NAME_MAX && text_is_plain(text);
}

static record_reason check_code(const record *self, const fact_rule *rule)
{
    if (rule->kind == FACT_KIND_NARRATIVE)
        return is_name(self->code) ? RECORD_OK : RECORD_BAD_CODE;
    if (!rule->codes)
        return self->code.size == 0 ? RECORD_OK : RECORD_BAD_FIELDS;
    if (self->code.size == 0)
        return RECORD_BAD_FIELDS;
    return fact_code_leaves(self->type, self->code) ? RECORD_OK : RECORD_BAD_CODE;
}

static record_reason check_quantity(const record *self, const fact_rule *rule)
{
    if (!self->has_quantity) {
        bool may_be_absent = rule->record_unit == FACT_UNIT_NONE || rule->quantity == FACT_QUANTITY_OPTIONAL;
        return may_be_absent ? RECORD_OK : RECORD_BAD_FIELDS;
    }
    if (rule->record_unit == FACT_UNIT_NONE)
        return RECORD_BAD_FIELDS;
    return self->quantity >= 0 && self->quantity <= RECORD_QUANTITY_MAX ? RECORD_OK : RECORD_BAD_QUANTITY;
}

static record_reason check_fields(const record *self, const fact_rule *rule)
{
    bool narrative = rule->kind == FACT_KIND_NARRATIVE;
    if ((self->month == CIVIL_NONE) != narrative)
        return RECORD_BAD_FIELDS;
    if (self->has_reference != rule->reference_leaves)
        return RECORD_BAD_FIELDS;
    if ((self->text.size > 0) != narrative || self->text.size > RECORD_TEXT_MAX || !text_is_utf8(self->text))
        return RECORD_BAD_FIELDS;
    if (narrative && memchr(self->text.at, '\0', self->text.size))
        return RECORD_BAD_FIELDS;
    if (rule->kind != FACT_KIND_BENEFICIARY && (self->sex != RECORD_SEX_NONE || self->bpi || self->under_25))
        return RECORD_BAD_FIELDS;
    return RECORD_OK;
}

record_reason record_check(const record *self)
{
    if (self->operation == RECORD_CLOSE)
        return self->epoch > 0 && self->contract.size == 0 ? RECORD_OK : RECORD_UNREADABLE;
    if (!is_name(self->contract) || self->epoch != 0)
        return RECORD_UNREADABLE;
    if (self->operation == RECORD_WITHDRAW || self->operation == RECORD_ERASE)
        return RECORD_OK;
    if (self->operation != RECORD_PUT || !is_name(self->action))
        return RECORD_UNREADABLE;
    if (self->type < 0 || self->type >= FACT_TYPE_COUNT)
        return RECORD_BAD_TYPE;
    const fact_rule *rule = fact_rule_of(self->type);
    record_reason reason = check_fields(self, rule);
    if (reason == RECORD_OK)
        reason = check_code(self, rule);
    if (reason == RECORD_OK)
        reason = check_quantity(self, rule);
    if (reason == RECORD_OK && !tokens_fit(self, rule->kind))
        reason = RECORD_BAD_TOKENS;
    return reason;
}

const char *record_reason_text(record_reason reason)
{
    static const char *const texts[RECORD_REASON_COUNT] = {
        [RECORD_OK] = "accepté",
        [RECORD_UNREADABLE] = "enregistrement illisible",
        [RECORD_BAD_TYPE] = "type de fait inconnu",
        [RECORD_BAD_FIELDS] = "champ absent ou de trop pour ce type",
        [RECORD_BAD_CODE] = "code inconnu pour ce type",
        [RECORD_BAD_QUANTITY] = "quantité hors limites",
        [RECORD_BAD_MONTH] = "mois hors du contrat",
        [RECORD_BAD_TOKENS] = "jetons absents, de trop ou d’une autre clé",
        [RECORD_UNKNOWN_CONTRACT] = "contrat inconnu de la préfecture",
        [RECORD_UNKNOWN_ACTION] = "action inconnue du contrat",
        [RECORD_NO_RIGHT] = "action pour laquelle cet opérateur n’est pas admis",
        [RECORD_DUPLICATE_KEY] = "clé répétée ou en désordre dans le lot",
        [RECORD_EPOCH_IN_USE] = "clé de liaison encore nécessaire : un opérateur n’a pas tout renvoyé sous la suivante",
    };
    assert(reason >= 0 && reason < RECORD_REASON_COUNT);
    return texts[reason];
}
