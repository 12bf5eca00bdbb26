#include "wire.h"

#include <assert.h>
#include <string.h>

#include "wire_form.h"

#define RECEIPT_DOMAIN "ctai-receipt-1"

/* Items of the arrays, the type of a message included. */
enum {
    HELLO_FIELDS = 4,
    BATCH_FIELDS = 4,
    WELCOME_FIELDS = 7,
    ACK_FIELDS = 4,
    CONTRACTS_FIELDS = 2,
    REFUSED_FIELDS = 4,
    RENEW_FIELDS = 5,
    SURVEY_FIELDS = 2,
    LIST_FIELDS = 4,
    GRANTED_FIELDS = 4,
    DIGESTS_FIELDS = 5,
    LISTED_FIELDS = 8,
    MESSAGE_FIELDS_MAX = 16, /* of a version to come */
    CONTRACT_FIELDS = 7,
    ACTION_FIELDS = 3,
    REFUSAL_FIELDS = 3,
    RECEIPT_FIELDS = 9,
};

static void write_positions(batch_buffer *to, const wire_position *positions, unsigned count)
{
    if (count > WIRE_SCOPES_MAX) {
        to->failed = true;
        return;
    }
    mpack_write_array(to, count);
    for (unsigned i = 0; i < count; i++)
        wire_form_write_position(to, &positions[i]);
}

static wire_position *read_positions(mpack_reader *reader, arena *from, unsigned *count)
{
    *count = mpack_read_array(reader, WIRE_SCOPES_MAX);
    wire_position *positions = wire_form_room(reader, from, *count, sizeof *positions);

    for (unsigned i = 0; !reader->failed && i < *count; i++) {
        wire_form_read_position(reader, &positions[i]);
        for (unsigned j = 0; j < i; j++)
            if (text_equal(positions[i].scope, positions[j].scope))
                mpack_read_fail(reader);
    }
    return positions;
}

void wire_write_contracts(batch_buffer *to, const wire_contract *contracts, unsigned count)
{
    if (count > WIRE_CONTRACTS_MAX) {
        to->failed = true;
        return;
    }
    mpack_write_array(to, count);
    for (unsigned i = 0; i < count; i++) {
        const wire_contract *contract = &contracts[i];
        if (contract->action_count > WIRE_ACTIONS_MAX || contract->first_day > contract->last_day) {
            to->failed = true;
            return;
        }
        mpack_write_array(to, CONTRACT_FIELDS);
        mpack_write_name(to, contract->id, RECORD_NAME_MAX);
        mpack_write_string(to, contract->title, WIRE_TITLE_MAX);
        mpack_write_name(to, contract->scope, BATCH_SCOPE_MAX);
        mpack_write_day(to, contract->first_day);
        mpack_write_day(to, contract->last_day);
        mpack_write_array(to, contract->action_count);
        for (unsigned a = 0; a < contract->action_count; a++) {
            mpack_write_array(to, ACTION_FIELDS);
            mpack_write_name(to, contract->actions[a].code, RECORD_NAME_MAX);
            mpack_write_string(to, contract->actions[a].title, WIRE_TITLE_MAX);
            mpack_write_bool(to, contract->actions[a].allowed);
        }
        batch_key_write(to, contract->keys, contract->key_count);
    }
}

static void read_actions(mpack_reader *reader, arena *from, wire_contract *contract)
{
    contract->action_count = mpack_read_array(reader, WIRE_ACTIONS_MAX);
    contract->actions = wire_form_room(reader, from, contract->action_count, sizeof *contract->actions);
    for (unsigned a = 0; !reader->failed && a < contract->action_count; a++) {
        wire_action *action = &contract->actions[a];
        mpack_read_array_of(reader, ACTION_FIELDS);
        action->code = mpack_read_name(reader, RECORD_NAME_MAX);
        action->title = mpack_read_string(reader, WIRE_TITLE_MAX);
        action->allowed = mpack_read_bool(reader);
        for (unsigned b = 0; b < a; b++)
            if (text_equal(action->code, contract->actions[b].code))
                mpack_read_fail(reader);
    }
}

static wire_contract *read_contracts(mpack_reader *reader, arena *from, unsigned *count)
{
    *count = mpack_read_array(reader, WIRE_CONTRACTS_MAX);
    wire_contract *contracts = wire_form_room(reader, from, *count, sizeof *contracts);

    for (unsigned i = 0; !reader->failed && i < *count; i++) {
        wire_contract *contract = &contracts[i];
        mpack_read_array_of(reader, CONTRACT_FIELDS);
        contract->id = mpack_read_name(reader, RECORD_NAME_MAX);
        contract->title = mpack_read_string(reader, WIRE_TITLE_MAX);
        contract->scope = mpack_read_name(reader, BATCH_SCOPE_MAX);
        contract->first_day = mpack_read_day(reader);
        contract->last_day = mpack_read_day(reader);
        if (contract->first_day > contract->last_day)
            mpack_read_fail(reader);
        read_actions(reader, from, contract);
        contract->key_count = batch_key_read(reader, contract->keys);
        for (unsigned j = 0; j < i; j++)
            if (text_equal(contract->id, contracts[j].id))
                mpack_read_fail(reader);
    }
    return contracts;
}

bool wire_read_contracts(wire_contract **contracts, unsigned *count, arena *from, text_view bytes)
{
    mpack_reader reader;

    mpack_reader_init(&reader, bytes);
    *contracts = read_contracts(&reader, from, count);
    return mpack_read_done(&reader);
}

static void write_batch(batch_buffer *to, const wire_message *message)
{
    if (message->batch.header.size > BATCH_HEADER_MAX || message->batch.body_count > BATCH_BODIES_MAX) {
        to->failed = true;
        return;
    }
    mpack_write_binary(to, message->batch.header.at, message->batch.header.size);
    mpack_write_binary(to, message->batch.signature, CRYPTO_SIGNATURE);
    mpack_write_array(to, message->batch.body_count);
    for (unsigned i = 0; i < message->batch.body_count; i++) {
        text_view body = message->batch.bodies[i];
        if (body.size > BATCH_BODY_MAX)
            to->failed = true;
        else if (body.at == NULL)
            mpack_write_nil(to);
        else
            mpack_write_binary(to, body.at, body.size);
    }
}

static void write_ack(batch_buffer *to, const wire_message *message)
{
    if (message->ack.receipt.size > WIRE_RECEIPT_MAX || message->ack.refusal_count > WIRE_REFUSALS_MAX) {
        to->failed = true;
        return;
    }
    mpack_write_binary(to, message->ack.receipt.at, message->ack.receipt.size);
    mpack_write_binary(to, message->ack.signature, CRYPTO_SIGNATURE);
    mpack_write_array(to, message->ack.refusal_count);
    for (unsigned i = 0; i < message->ack.refusal_count; i++) {
        const wire_record_refusal *refusal = &message->ack.refusals[i];
        if (refusal->sequence == 0 || refusal->index >= BATCH_BODIES_MAX || refusal->reason < RECORD_UNREADABLE
            || refusal->reason >= RECORD_REASON_COUNT)
            to->failed = true;
        mpack_write_array(to, REFUSAL_FIELDS);
        mpack_write_uint(to, refusal->sequence);
        mpack_write_uint(to, refusal->index);
        mpack_write_uint(to, refusal->reason);
    }
}

static void write_refused(batch_buffer *to, const wire_message *message)
{
    if (message->refused.reason < WIRE_REFUSAL_MALFORMED || message->refused.reason > WIRE_REFUSAL_BUSY)
        to->failed = true;
    mpack_write_uint(to, message->refused.reason);
    if (message->refused.scope.size > 0)
        mpack_write_name(to, message->refused.scope, BATCH_SCOPE_MAX);
    else
        mpack_write_nil(to);
    mpack_write_uint(to, message->refused.sequence);
}

/* The fields after the type, and how many items the message has. */
static void write_head(batch_buffer *to, const wire_message *message, unsigned fields)
{
    mpack_write_array(to, fields);
    mpack_write_uint(to, message->type);
}

void wire_write(batch_buffer *to, const wire_message *message)
{
    switch (message->type) {
    case WIRE_HELLO:
        write_head(to, message, HELLO_FIELDS);
        mpack_write_uint(to, message->hello.version);
        mpack_write_string(to, message->hello.software, WIRE_SOFTWARE_MAX);
        write_positions(to, message->hello.scopes, message->hello.scope_count);
        break;
    case WIRE_BATCH:
        write_head(to, message, BATCH_FIELDS);
        write_batch(to, message);
        break;
    case WIRE_WELCOME:
        write_head(to, message, WELCOME_FIELDS);
        mpack_write_uint(to, message->welcome.version);
        mpack_write_string(to, message->welcome.software, WIRE_SOFTWARE_MAX);
        if (message->welcome.credit_batches < 1 || message->welcome.credit_batches > UINT16_MAX
            || message->welcome.credit_bytes < 1)
            to->failed = true;
        mpack_write_uint(to, message->welcome.credit_batches);
        mpack_write_uint(to, message->welcome.credit_bytes);
        wire_write_contracts(to, message->welcome.contracts, message->welcome.contract_count);
        write_positions(to, message->welcome.scopes, message->welcome.scope_count);
        break;
    case WIRE_ACK:
        write_head(to, message, ACK_FIELDS);
        write_ack(to, message);
        break;
    case WIRE_CONTRACTS:
        write_head(to, message, CONTRACTS_FIELDS);
        wire_write_contracts(to, message->contracts.contracts, message->contracts.contract_count);
        break;
    case WIRE_REFUSED:
        write_head(to, message, REFUSED_FIELDS);
        write_refused(to, message);
        break;
    case WIRE_RENEW:
        write_head(to, message, RENEW_FIELDS);
        wire_form_write_renew(to, message);
        break;
    case WIRE_SURVEY:
        write_head(to, message, SURVEY_FIELDS);
        mpack_write_name(to, message->survey.scope, BATCH_SCOPE_MAX);
        break;
    case WIRE_LIST:
        write_head(to, message, LIST_FIELDS);
        wire_form_write_list(to, message);
        break;
    case WIRE_GRANTED:
        write_head(to, message, GRANTED_FIELDS);
        wire_form_write_granted(to, message);
        break;
    case WIRE_DIGESTS:
        write_head(to, message, DIGESTS_FIELDS);
        wire_form_write_digests(to, message);
        break;
    case WIRE_LISTED:
        write_head(to, message, LISTED_FIELDS);
        wire_form_write_listed(to, message);
        break;
    default:
        assert(!"a message of no type");
    }
    if (to->size > WIRE_MESSAGE_MAX)
        to->failed = true;
}

static void read_hello(mpack_reader *reader, wire_message *message, arena *from)
{
    message->hello.software = mpack_read_string(reader, WIRE_SOFTWARE_MAX);
    message->hello.scopes = read_positions(reader, from, &message->hello.scope_count);
}

static void read_batch(mpack_reader *reader, wire_message *message, arena *from)
{
    message->batch.header = mpack_read_binary(reader, BATCH_HEADER_MAX);
    message->batch.signature = mpack_read_fixed(reader, CRYPTO_SIGNATURE);
    message->batch.body_count = mpack_read_array(reader, BATCH_BODIES_MAX);
    message->batch.bodies = wire_form_room(reader, from, message->batch.body_count, sizeof *message->batch.bodies);
    for (unsigned i = 0; !reader->failed && i < message->batch.body_count; i++)
        if (!mpack_read_nil(reader))
            message->batch.bodies[i] = mpack_read_binary(reader, BATCH_BODY_MAX);
}

static void read_welcome(mpack_reader *reader, wire_message *message, arena *from)
{
    message->welcome.software = mpack_read_string(reader, WIRE_SOFTWARE_MAX);
    message->welcome.credit_batches = (unsigned) mpack_read_uint(reader, 1, UINT16_MAX);
    message->welcome.credit_bytes = mpack_read_uint(reader, 1, MPACK_UINT_MAX);
    message->welcome.contracts = read_contracts(reader, from, &message->welcome.contract_count);
    message->welcome.scopes = read_positions(reader, from, &message->welcome.scope_count);
}

static void read_ack(mpack_reader *reader, wire_message *message, arena *from)
{
    message->ack.receipt = mpack_read_binary(reader, WIRE_RECEIPT_MAX);
    message->ack.signature = mpack_read_fixed(reader, CRYPTO_SIGNATURE);
    message->ack.refusal_count = mpack_read_array(reader, WIRE_REFUSALS_MAX);
    wire_record_refusal *refusals = wire_form_room(reader, from, message->ack.refusal_count, sizeof *refusals);
    message->ack.refusals = refusals;
    for (unsigned i = 0; !reader->failed && i < message->ack.refusal_count; i++) {
        mpack_read_array_of(reader, REFUSAL_FIELDS);
        refusals[i].sequence = mpack_read_uint(reader, 1, MPACK_UINT_MAX);
        refusals[i].index = (uint32_t) mpack_read_uint(reader, 0, BATCH_BODIES_MAX - 1);
        refusals[i].reason = (record_reason) mpack_read_uint(reader, RECORD_UNREADABLE, RECORD_REASON_COUNT - 1);
    }
}

static void read_refused(mpack_reader *reader, wire_message *message)
{
    message->refused.reason = (wire_refusal) mpack_read_uint(reader, WIRE_REFUSAL_MALFORMED, WIRE_REFUSAL_BUSY);
    if (!mpack_read_nil(reader))
        message->refused.scope = mpack_read_name(reader, BATCH_SCOPE_MAX);
    message->refused.sequence = mpack_read_uint(reader, 0, MPACK_UINT_MAX);
}

/* Items of a message of that type; 0: there is no such type. */
static unsigned fields_of(uint64_t type)
{
    switch (type) {
    case WIRE_HELLO: return HELLO_FIELDS;
    case WIRE_BATCH: return BATCH_FIELDS;
    case WIRE_WELCOME: return WELCOME_FIELDS;
    case WIRE_ACK: return ACK_FIELDS;
    case WIRE_CONTRACTS: return CONTRACTS_FIELDS;
    case WIRE_REFUSED: return REFUSED_FIELDS;
    case WIRE_RENEW: return RENEW_FIELDS;
    case WIRE_SURVEY: return SURVEY_FIELDS;
    case WIRE_LIST: return LIST_FIELDS;
    case WIRE_GRANTED: return GRANTED_FIELDS;
    case WIRE_DIGESTS: return DIGESTS_FIELDS;
    case WIRE_LISTED: return LISTED_FIELDS;
    default: return 0;
    }
}

static void read_fields(mpack_reader *reader, wire_message *message, arena *from)
{
    switch (message->type) {
    case WIRE_HELLO: read_hello(reader, message, from); break;
    case WIRE_BATCH: read_batch(reader, message, from); break;
    case WIRE_WELCOME: read_welcome(reader, message, from); break;
    case WIRE_ACK: read_ack(reader, message, from); break;
    case WIRE_CONTRACTS:
        message->contracts.contracts = read_contracts(reader, from, &message->contracts.contract_count);
        break;
    case WIRE_REFUSED: read_refused(reader, message); break;
    case WIRE_RENEW: wire_form_read_renew(reader, message); break;
    case WIRE_SURVEY: message->survey.scope = mpack_read_name(reader, BATCH_SCOPE_MAX); break;
    case WIRE_LIST: wire_form_read_list(reader, message); break;
    case WIRE_GRANTED: wire_form_read_granted(reader, message, from); break;
    case WIRE_DIGESTS: wire_form_read_digests(reader, message); break;
    case WIRE_LISTED: wire_form_read_listed(reader, message, from); break;
    }
}

bool wire_read(wire_message *message, arena *from, text_view bytes)
{
    mpack_reader reader;

    memset(message, 0, sizeof *message);
    if (bytes.size > WIRE_MESSAGE_MAX)
        return false;
    mpack_reader_init(&reader, bytes);
    unsigned fields = mpack_read_array(&reader, MESSAGE_FIELDS_MAX);
    message->type = (wire_type) mpack_read_uint(&reader, 0, UINT8_MAX);
    if (reader.failed || fields_of(message->type) == 0)
        return false;
    if (message->type == WIRE_HELLO || message->type == WIRE_WELCOME) {
        unsigned version = (unsigned) mpack_read_uint(&reader, 1, UINT16_MAX);
        if (message->type == WIRE_HELLO)
            message->hello.version = version;
        else
            message->welcome.version = version;
        if (version != WIRE_VERSION)
            return !reader.failed;
    }
    if (fields != fields_of(message->type))
        return false;
    read_fields(&reader, message, from);
    return mpack_read_done(&reader);
}

void wire_write_receipt(batch_buffer *to, const wire_receipt *receipt)
{
    const wire_position *position = &receipt->position;

    if (!wire_form_position_sound(position) || position->sequence == 0) {
        to->failed = true;
        return;
    }
    mpack_write_array(to, RECEIPT_FIELDS);
    mpack_write_string(to, text_of(RECEIPT_DOMAIN), sizeof RECEIPT_DOMAIN);
    mpack_write_binary(to, receipt->agent, sizeof receipt->agent);
    mpack_write_name(to, position->scope, BATCH_SCOPE_MAX);
    mpack_write_uint(to, position->incarnation);
    mpack_write_uint(to, position->sequence);
    mpack_write_binary(to, position->hash, sizeof position->hash);
    mpack_write_uint(to, position->stable);
    mpack_write_uint(to, receipt->ledger_position);
    mpack_write_binary(to, receipt->chain, sizeof receipt->chain);
}

bool wire_read_receipt(wire_receipt *receipt, text_view bytes)
{
    wire_position *position = &receipt->position;
    mpack_reader reader;

    *receipt = (wire_receipt){0};
    mpack_reader_init(&reader, bytes);
    mpack_read_array_of(&reader, RECEIPT_FIELDS);
    mpack_read_literal(&reader, RECEIPT_DOMAIN);
    mpack_read_bytes(&reader, receipt->agent, sizeof receipt->agent);
    position->scope = mpack_read_name(&reader, BATCH_SCOPE_MAX);
    position->incarnation = mpack_read_uint(&reader, 1, MPACK_UINT_MAX);
    position->sequence = mpack_read_uint(&reader, 1, MPACK_UINT_MAX);
    mpack_read_bytes(&reader, position->hash, sizeof position->hash);
    position->stable = mpack_read_uint(&reader, 0, MPACK_UINT_MAX);
    receipt->ledger_position = mpack_read_uint(&reader, 0, MPACK_UINT_MAX);
    mpack_read_bytes(&reader, receipt->chain, sizeof receipt->chain);
    return mpack_read_done(&reader) && wire_form_position_sound(position);
}

const char *wire_refusal_text(wire_refusal reason)
{
    switch (reason) {
    case WIRE_REFUSAL_MALFORMED: return "message mal formé";
    case WIRE_REFUSAL_VERSION: return "version du protocole inconnue de l’autre côté";
    case WIRE_REFUSAL_SIGNATURE: return "signature fausse";
    case WIRE_REFUSAL_SEQUENCE: return "ce n’est pas le lot suivant";
    case WIRE_REFUSAL_FORK: return "un autre lot est déjà enregistré sous ce numéro";
    case WIRE_REFUSAL_SCOPE: return "périmètre inconnu, ou sans contrat pour cet agent";
    case WIRE_REFUSAL_KEY: return "une autre clé de liaison est en usage dans ce périmètre";
    case WIRE_REFUSAL_REVOKED: return "agent révoqué";
    case WIRE_REFUSAL_INCARNATION: return "incarnation que la préfecture n’a pas accordée";
    case WIRE_REFUSAL_BUSY: return "serveur occupé, nouvel essai plus tard";
    }
    return "raison inconnue";
}
