/* Headers, bodies and receipts: spoilt and signed all the same; and records that say what their type may not. */
#include "hostile.h"

#include "hub_session.h"
#include "mpack.h"
#include "store_place.h"

static crypto_sign_pair agent_pair;
static arena *scratch;
static batch_buffer buffer, again;

enum { CHAIN_ITEMS = 6 }; /* of a header: up to the hash of the header before */

/* How many whole items the header's array has up to its field 5; is what is spoilt behind them? */
static bool is_envelope_sound(text_view bytes)
{
    batch_header header;

    return batch_read_envelope(&header, bytes);
}

/* A well signed batch with that header at a hub that waits for sequence 1. */
static void take_header(void *data, text_view spoilt, spoil_hope hope, const char *what)
{
    uint8_t signature[CRYPTO_SIGNATURE];
    hub_session session;
    hub_effects effects;
    batch_header header;
    hub_session_loaded loaded = {.position = {.scope = text_of("63"), .incarnation = 1}};
    wire_message hello = {.type = WIRE_HELLO, .hello = {.version = WIRE_VERSION}};
    wire_message message = {.type = WIRE_BATCH, .batch = {spoilt, signature, 0, NULL}};

    bool taken = batch_read_header(&header, scratch, spoilt);
    if (taken) {
        batch_buffer_clear(&again);
        batch_write_header(&again, &header);
        hostile_case(hope == SPOIL_MAYBE && !again.failed && again.size == spoilt.size && memcmp(again.data, spoilt.at, spoilt.size) == 0,
                     "header: %s is taken", what);
        arena_clear(scratch);
        return;
    }
    arena_clear(scratch);
    bool quarantine = is_envelope_sound(spoilt);
    hub_session_init(&session, agent_pair.public_key);
    batch_buffer_clear(&buffer);
    wire_write(&buffer, &hello);
    hub_session_step(&session, &(hub_event){.type = HUB_EVENT_MESSAGE, .message = hostile_bytes(&buffer), .scratch = scratch}, 0, &effects);
    hub_session_step(&session, &(hub_event){.type = HUB_EVENT_STATE, .stored = HUB_STORED_COMMITTED, .scope_count = 1, .scopes = &loaded}, 0, &effects);
    batch_sign(signature, spoilt, &agent_pair);
    batch_buffer_clear(&buffer);
    wire_write(&buffer, &message);
    arena_clear(scratch);
    hub_session_step(&session, &(hub_event){.type = HUB_EVENT_MESSAGE, .message = hostile_bytes(&buffer), .scratch = scratch}, 0, &effects);
    arena_clear(scratch);
    bool refused = effects.count == 2 && effects.items[0].type == HUB_EFFECT_SEND && effects.items[0].message.refused.reason == WIRE_REFUSAL_MALFORMED;
    bool kept = effects.count == 1 && effects.items[0].type == HUB_EFFECT_STORE && effects.items[0].quarantine;
    /* Of another agent, scope, incarnation or number: refused for that. */
    bool other = effects.count >= 1 && effects.items[0].type == HUB_EFFECT_SEND && effects.items[0].message.refused.reason != WIRE_REFUSAL_MALFORMED;
    hostile_case(quarantine ? kept || other : refused, "header: %s", what);
    (void) data;
}

static void headers(void)
{
    uint8_t hashes[2][CRYPTO_HASH] = {{1}, {2}};
    batch_coverage coverage[2] = {{.contract = text_of("c1"), .complete = true, .last_month = 24287, .action_count = 2, .actions = {text_of("axe1"), text_of("axe2")}},
                                  {.contract = text_of("c2"), .last_month = CIVIL_NONE}};
    batch_header header = {.scope = text_of("63"), .incarnation = 1, .sequence = 1, .scheme = 1, .key_count = 2, .keys = {{1, {1}}, {300, {2}}},
                           .coverage_count = 2, .coverage = coverage, .body_count = 2, .hashes = hashes};
    batch_buffer good;

    memcpy(header.agent, agent_pair.public_key, CRYPTO_PUBLIC);
    batch_buffer_init(&good, BATCH_HEADER_MAX);
    batch_write_header(&good, &header);
    hostile_case(!good.failed, "the good header cannot be written");
    spoil_all(hostile_bytes(&good), take_header, NULL);
    batch_buffer_release(&good);
    /* What a writer must refuse, and so no reader may take: said by its fields. */
    static const struct { unsigned what; const char *name; } wrong[] = {
        {0, "epochs that descend"}, {1, "an epoch of 0"}, {2, "a contract covered twice"}, {3, "an action covered twice"}, {4, "sequence 0"},
        {5, "incarnation 0"}, {6, "the first with a header before"}, {7, "a later one without"}, {8, "a scope that is no name"}, {9, "three keys"},
        {10, "a code that is no name"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        batch_header spoilt = header;
        batch_coverage covered[2] = {coverage[0], coverage[1]};
        spoilt.coverage = covered;
        switch (wrong[i].what) {
        case 0: spoilt.keys[1].epoch = 1; break;
        case 1: spoilt.keys[0].epoch = 0; break;
        case 2: covered[1].contract = covered[0].contract; break;
        case 3: covered[0].actions[1] = covered[0].actions[0]; break;
        case 4: spoilt.sequence = 0; break;
        case 5: spoilt.incarnation = 0; break;
        case 6: spoilt.previous[0] = 1; break;
        case 7: spoilt.sequence = 2; break;
        case 8: spoilt.scope = text_of("6 3"); break;
        case 9: spoilt.key_count = 3; break;
        case 10: covered[0].actions[0] = text_of("é"); break;
        default: abort();
        }
        batch_buffer_clear(&again);
        batch_write_header(&again, &spoilt);
        hostile_case(again.failed, "a header with %s is written", wrong[i].name);
    }
}

static void take_receipt(void *data, text_view spoilt, spoil_hope hope, const char *what)
{
    wire_receipt receipt;
    bool taken = wire_read_receipt(&receipt, spoilt), same = false;

    if (taken) {
        batch_buffer_clear(&again);
        wire_write_receipt(&again, &receipt);
        same = !again.failed && again.size == spoilt.size && memcmp(again.data, spoilt.at, spoilt.size) == 0;
    }
    hostile_case(hope == SPOIL_MAYBE ? !taken || same : !taken, "receipt: %s", what);
    (void) data;
}

void hostile_batches(void)
{
    wire_receipt receipt = {.agent = {7}, .position = {.scope = text_of("63"), .incarnation = 1, .sequence = 300, .hash = {1}, .stable = 12}, .ledger_position = 70000};

    hostile_pair(&agent_pair, 1);
    scratch = arena_new(WIRE_SCRATCH_BYTES);
    batch_buffer_init(&buffer, WIRE_MESSAGE_MAX);
    batch_buffer_init(&again, WIRE_MESSAGE_MAX);
    headers();
    batch_buffer_clear(&buffer);
    wire_write_receipt(&buffer, &receipt);
    spoil_all(hostile_bytes(&buffer), take_receipt, NULL);
    batch_buffer_release(&buffer);
    batch_buffer_release(&again);
    arena_destroy(&scratch);
}

/* Records. */

static record make(fact_type type)
{
    const fact_rule *rule = fact_rule_of(type);
    record made = {.operation = RECORD_PUT, .key = {1}, .contract = text_of("c1"), .action = text_of("axe1"), .type = type,
                   .month = rule->kind == FACT_KIND_NARRATIVE ? CIVIL_NONE : 24287};

    if (rule->kind == FACT_KIND_BENEFICIARY || rule->kind == FACT_KIND_PERSON || rule->kind == FACT_KIND_HOUSEHOLD) {
        made.token_sets = 1;
        made.tokens[0] = (record_tokens){.epoch = 1, .has_i = rule->kind != FACT_KIND_HOUSEHOLD, .has_m = rule->kind == FACT_KIND_HOUSEHOLD};
    }
    if (rule->record_unit != FACT_UNIT_NONE) {
        made.has_quantity = true;
        made.quantity = 5;
    }
    if (rule->codes != NULL)
        made.code = text_of(rule->codes[0].leaves_as);
    if (rule->kind == FACT_KIND_NARRATIVE) {
        made.code = text_of("1.2.outils");
        made.text = text_of("Un livret.");
    }
    made.has_reference = rule->reference_leaves;
    return made;
}

static void expect(const record *what, record_reason reason, const char *name)
{
    record_reason found = record_check(what);

    hostile_met(HOSTILE_RECORD, found);
    batch_buffer_clear(&buffer);
    static const uint8_t salt[CRYPTO_SALT];
    batch_write_body(&buffer, what, salt);
    hostile_case(found == reason && buffer.failed == (reason != RECORD_OK), "%s: %s gives %u",
                 what->type >= 0 && what->type < FACT_TYPE_COUNT ? fact_rule_of(what->type)->name : "no type", name, found);
}

/* The same, and every later reason but for one fault alone. */
static void records_of(fact_type type)
{
    const fact_rule *rule = fact_rule_of(type);
    record good = make(type), what;
    bool narrative = rule->kind == FACT_KIND_NARRATIVE, person = good.token_sets > 0;

    expect(&good, RECORD_OK, "the good one");
    what = good, what.contract = text_of("c 1");
    expect(&what, RECORD_UNREADABLE, "a contract that is no name");
    what = good, what.action = text_of("");
    expect(&what, RECORD_UNREADABLE, "no action");
    what = good, what.month = narrative ? 24287 : CIVIL_NONE;
    expect(&what, RECORD_BAD_FIELDS, "a month");
    what = good, what.has_reference = !good.has_reference;
    expect(&what, RECORD_BAD_FIELDS, "a reference");
    what = good, what.text = narrative ? text_of("") : text_of("x");
    expect(&what, RECORD_BAD_FIELDS, "a text");
    what = good, what.code = rule->codes != NULL ? text_of("") : text_of("francais");
    expect(&what, narrative ? RECORD_OK : RECORD_BAD_FIELDS, "a code");
    what = good, what.code = text_of("n/a");
    expect(&what, narrative || rule->codes != NULL ? RECORD_BAD_CODE : RECORD_BAD_FIELDS, "a wrong code");
    what = good, what.has_quantity = !good.has_quantity;
    bool optional = rule->quantity == FACT_QUANTITY_OPTIONAL && good.has_quantity;
    expect(&what, optional ? RECORD_OK : RECORD_BAD_FIELDS, "a quantity");
    what = good, what.quantity = RECORD_QUANTITY_MAX + 1;
    expect(&what, good.has_quantity ? RECORD_BAD_QUANTITY : RECORD_OK, "too much");
    what = good, what.quantity = -1;
    expect(&what, good.has_quantity ? RECORD_BAD_QUANTITY : RECORD_OK, "less than nothing");
    what = good, what.token_sets = person ? 0 : 1, what.tokens[0] = (record_tokens){.epoch = 1, .has_i = true};
    expect(&what, RECORD_BAD_TOKENS, "tokens");
    if (rule->kind != FACT_KIND_BENEFICIARY) {
        what = good, what.bpi = true;
        expect(&what, RECORD_BAD_FIELDS, "bpi");
        what = good, what.sex = RECORD_SEX_F;
        expect(&what, RECORD_BAD_FIELDS, "a sex");
        what = good, what.under_25 = true;
        expect(&what, RECORD_BAD_FIELDS, "an age");
    }
    if (!person)
        return;
    for (unsigned mask = 0; mask < 8; mask++) {
        what = good;
        what.tokens[0] = (record_tokens){.epoch = 1, .has_e = mask & 1, .has_i = (mask & 2) != 0, .has_m = (mask & 4) != 0};
        bool right = rule->kind == FACT_KIND_BENEFICIARY ? (mask & 6) == 2 : rule->kind == FACT_KIND_PERSON ? mask == 1 || mask == 2 : mask == 4;
        expect(&what, right ? RECORD_OK : RECORD_BAD_TOKENS, "these tokens");
    }
    what = good, what.tokens[0].epoch = 0;
    expect(&what, RECORD_BAD_TOKENS, "epoch 0");
    what = good, what.token_sets = 2, what.tokens[1] = what.tokens[0];
    expect(&what, RECORD_BAD_TOKENS, "an epoch twice");
    what.tokens[1].epoch = 2, what.tokens[1].has_e = !what.tokens[0].has_e;
    expect(&what, RECORD_BAD_TOKENS, "other tokens in the second epoch");
    what = good, what.token_sets = 3;
    expect(&what, RECORD_BAD_TOKENS, "three epochs");
}

static void take_body(void *data, text_view spoilt, spoil_hope hope, const char *what)
{
    static const uint8_t salt[CRYPTO_SALT] = {0};
    record read;
    record_reason reason;
    bool taken = batch_read_body(&read, spoilt, &reason), same = true;

    hostile_met(HOSTILE_RECORD, reason);
    if (taken && spoilt.size > 3) {
        batch_buffer_clear(&again);
        batch_write_body(&again, &read, (const uint8_t *) spoilt.at + 3);
        same = !again.failed && again.size == spoilt.size && memcmp(again.data, spoilt.at, spoilt.size) == 0;
    }
    hostile_case(hope == SPOIL_MAYBE ? same : !taken && reason == RECORD_UNREADABLE, "body of %s: %s gives %u", (const char *) data, what, reason);
    (void) salt;
}

static void bodies_of(fact_type type)
{
    static const uint8_t salt[CRYPTO_SALT] = {1};
    record good = make(type);
    batch_buffer bytes;

    batch_buffer_init(&bytes, BATCH_BODY_MAX);
    batch_write_body(&bytes, &good, salt);
    spoil_all(hostile_bytes(&bytes), take_body, (void *) (uintptr_t) fact_rule_of(type)->name);
    batch_buffer_release(&bytes);
}

/* What the hub knows of contracts, actions and rights; and the batch around a body. */
static void belonging(void)
{
    store_right_row rights[3] = {{.contract = "c1", .action = "axe1", .first_month = 24280, .last_month = 24290, .allowed = true},
                                 {.contract = "c1", .action = "axe2", .first_month = 24280, .last_month = 24290, .allowed = false},
                                 {.contract = "c2", .action = "axe1", .first_month = 24280, .last_month = 24290, .allowed = false}};
    store_place place = {.right_count = 3, .rights = rights};
    static const struct { const char *contract, *action; civil_month month; bool withdrawal; record_reason reason; } table[] = {
        {"c1", "axe1", 24280, false, RECORD_OK}, {"c1", "axe1", 24290, false, RECORD_OK}, {"c1", "axe1", 24279, false, RECORD_BAD_MONTH},
        {"c1", "axe1", 24291, false, RECORD_BAD_MONTH}, {"c1", "axe2", 24285, false, RECORD_NO_RIGHT}, {"c1", "axe9", 24285, false, RECORD_UNKNOWN_ACTION},
        {"c2", "axe1", 24285, false, RECORD_NO_RIGHT}, {"c2", "axe9", 24285, false, RECORD_UNKNOWN_ACTION}, {"c9", "axe1", 24285, false, RECORD_UNKNOWN_CONTRACT},
        {"c1", "", 0, true, RECORD_OK}, {"c2", "", 0, true, RECORD_NO_RIGHT}, {"c9", "", 0, true, RECORD_UNKNOWN_CONTRACT}, {"C1", "axe1", 24285, false, RECORD_UNKNOWN_CONTRACT},
    };
    const store_right_row *right;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        record what = make(FACT_ENTREE);
        what.contract = text_of(table[i].contract);
        what.action = text_of(table[i].action);
        what.month = table[i].month;
        if (table[i].withdrawal)
            what.operation = RECORD_WITHDRAW;
        record_reason found = store_place_find_right(&place, &what, &right);
        hostile_met(HOSTILE_RECORD, found);
        hostile_case(found == table[i].reason, "%s %s gives %u", table[i].contract, table[i].action, found);
    }
    hostile_case(store_place_has_right(&place), "the right is not seen");
    rights[0].allowed = false;
    hostile_case(!store_place_has_right(&place), "a right is seen where there is none");

    batch_header header = {.key_count = 1, .keys = {{.epoch = 3}}};
    record one = make(FACT_ENTREE), two = make(FACT_ENTREE);
    one.tokens[0].epoch = two.tokens[0].epoch = 3;
    hostile_met(HOSTILE_RECORD, batch_check_body(&header, &two, &one));
    hostile_case(batch_check_body(&header, &two, &one) == RECORD_DUPLICATE_KEY, "a key twice");
    two.key[0] = 0;
    hostile_case(batch_check_body(&header, &two, &one) == RECORD_DUPLICATE_KEY, "keys that descend");
    two.key[0] = 9;
    hostile_case(batch_check_body(&header, &two, &one) == RECORD_OK, "keys that ascend");
    two.tokens[0].epoch = 4;
    hostile_case(batch_check_body(&header, &two, &one) == RECORD_BAD_TOKENS, "another epoch than the header's");
    two.tokens[0].epoch = 3, two.token_sets = 2;
    hostile_case(batch_check_body(&header, &two, &one) == RECORD_BAD_TOKENS, "more token sets than the header's");
    two.operation = RECORD_WITHDRAW;
    hostile_case(batch_check_body(&header, &two, &one) == RECORD_OK, "a withdrawal has no tokens");
}

void hostile_records(void)
{
    batch_buffer_init(&buffer, WIRE_MESSAGE_MAX);
    batch_buffer_init(&again, WIRE_MESSAGE_MAX);
    for (int type = 0; type < FACT_TYPE_COUNT; type++)
        records_of((fact_type) type);
    record none = make(FACT_ENTREE);
    none.type = FACT_NONE;
    expect(&none, RECORD_BAD_TYPE, "no type");
    none.type = FACT_TYPE_COUNT;
    expect(&none, RECORD_BAD_TYPE, "a type beyond the last");
    none = make(FACT_ENTREE), none.operation = RECORD_CLOSE + 1;
    expect(&none, RECORD_UNREADABLE, "an operation that is none");
    none = make(FACT_ENTREE), none.operation = RECORD_CLOSE, none.epoch = 1;
    expect(&none, RECORD_UNREADABLE, "a closing with a contract");
    none = (record){.operation = RECORD_CLOSE};
    expect(&none, RECORD_UNREADABLE, "a closing of epoch 0");
    none = make(FACT_ENTREE), none.epoch = 1;
    expect(&none, RECORD_UNREADABLE, "a record with an epoch of its own");
    bodies_of(FACT_BENEFICIAIRE);
    bodies_of(FACT_SEANCE);
    bodies_of(FACT_NARRATIVE);
    belonging();
    for (unsigned reason = 0; reason < RECORD_REASON_COUNT; reason++)
        hostile_case(record_reason_text((record_reason) reason)[0] != '\0', "no words for %u", reason);
    batch_buffer_release(&buffer);
    batch_buffer_release(&again);
}
