/*
 * hub_audit: `ctai-hub audit verify`: the whole ledger from genesis, beside receipts of agents if there are any; and
 * `audit export`: the ledger as a file that ctai-verify checks with public keys alone.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub_base.h"
#include "hub_commands.h"
#include "progress.h"
#include "proof_file.h"
#include "store_audit.h"

enum {
    MEMORY_BYTES = 512 * 1024 * 1024, /* agents, receipts: a bound, not what it takes */
    RECEIPT_FILES_MAX = CLI_OPERANDS_MAX,
};

typedef struct {
    cli_call *call;
    proof_check *check;
    progress bar;
    uint64_t total, done;
    json_t *faults, *warnings;
    proof_receipts receipts[RECEIPT_FILES_MAX];
    unsigned receipt_files;
    const uint8_t *hub_sign;
    bool laid, failed, misfit;
    /* export alone */
    proof_file_writer writer;
    batch_buffer frame;
    FILE *to;
    uint64_t entries;
} audit;

static void tell_finding(void *data, const proof_check_finding *finding)
{
    audit *self = data;
    char text[PROOF_CHECK_TEXT_MAX];
    proof_check_text(text, finding);
    progress_end(&self->bar);
    cli_say(self->call, "%s", text);
    json_array_append_new(finding->fault == PROOF_CHECK_LOST ? self->warnings : self->faults, json_string(text));
}

/* All agents are known: the receipts find theirs. */
static bool lay_receipts(audit *self)
{
    for (unsigned i = 0; i < self->receipt_files && !self->laid; i++) {
        proof_receipts_fit fit = proof_receipts_lay(self->check, &self->receipts[i], self->hub_sign);
        if (fit == PROOF_RECEIPTS_FIT)
            continue;
        if (fit == PROOF_RECEIPTS_NO_MEMORY)
            return false;
        self->misfit = true;
        cli_say(self->call, "%s : %s", self->call->operands[i], proof_receipts_fit_text(fit));
    }
    self->laid = true;
    return true;
}

static bool take_to_verify(void *data, const store_audit_item *item)
{
    audit *self = data;
    long agent;
    switch (item->type) {
    case STORE_AUDIT_AGENT:
        agent = proof_check_agent(self->check, text_of(item->identity.name));
        self->failed = agent < 0 || !proof_check_key(self->check, agent, item->identity.sign);
        break;
    case STORE_AUDIT_FORMER:
        self->failed = item->agent >= 0 && !proof_check_key(self->check, item->agent, item->identity.sign);
        break;
    case STORE_AUDIT_SCOPE:
        self->failed = !lay_receipts(self) || !proof_check_scope(self->check, text_of(item->scope));
        break;
    case STORE_AUDIT_GRANT:
        self->failed = item->agent >= 0 && !proof_check_grant(self->check, item->agent, item->incarnation, item->sequence);
        break;
    case STORE_AUDIT_BATCH:
        proof_check_batch(self->check, item->position, item->header, item->signature, item->chain);
        proof_check_row(self->check, item->agent, item->incarnation, item->sequence, item->hash);
        progress_at(&self->bar, ++self->done, self->total);
        break;
    case STORE_AUDIT_CONTRACT:
        proof_check_contract(self->check, item->position, item->id, item->version, item->definition, item->chain);
        self->done++;
        break;
    case STORE_AUDIT_PLACE:
        proof_check_place(self->check, item->agent, item->sequence, item->hash);
        break;
    case STORE_AUDIT_END:
        proof_check_end(self->check, item->position, item->chain);
        break;
    }
    return !self->failed;
}

static int read_receipts(audit *self, arena *memory)
{
    for (int i = 0; i < self->call->operand_count; i++) {
        const cli_file *file = &self->call->operand_files[i];
        if (!file->file)
            return cli_bad_file(self->call, file);
        char *text = arena_take(memory, PROOF_RECEIPTS_FILE_MAX + 1);
        if (!text)
            return hub_base_no_memory(self->call);
        size_t size = fread(text, 1, PROOF_RECEIPTS_FILE_MAX + 1, file->file);
        if (ferror(file->file))
            return cli_bad_file(self->call, file);
        credential_error error = proof_receipts_read(&self->receipts[i], memory, (text_view){text, size});
        if (error == CREDENTIAL_NO_MEMORY)
            return hub_base_no_memory(self->call);
        if (error != CREDENTIAL_OK)
            return cli_fail(self->call, CLI_BAD_INPUT, "%s : %s ; il faut le fichier que fait « ctai-agent receipts -o »", file->name,
                            credential_error_text(error));
        self->receipt_files++;
    }
    return CLI_DONE;
}

static int tell_verified(audit *self)
{
    const proof_check_totals all = proof_check_total(self->check);
    int code = all.faults > 0 || self->misfit ? CLI_BAD_INPUT : CLI_DONE;
    if (self->call->json) {
        json_t *summary = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:O, s:O}", "intact", code == CLI_DONE, "perimetres",
                                    (json_int_t)all.scopes, "lots", (json_int_t)all.batches, "versions_de_contrats",
                                    (json_int_t)all.contracts, "enregistrements", (json_int_t)all.records, "recus",
                                    (json_int_t)all.receipts, "defauts", self->faults, "avertissements", self->warnings);
        int written = hub_base_json(self->call, summary);
        return written == CLI_DONE ? code : written;
    }
    fprintf(cli_output(self->call),
            "%s : %llu périmètre%s, %llu lot%s signé%s (%llu enregistrement%s), %llu version%s de contrats, %llu reçu%s comparé%s.\n",
            code == CLI_DONE ? "Registre intact" : "LE REGISTRE N’EST PAS INTACT. Vérifié",
            (unsigned long long)all.scopes, hub_base_plural(all.scopes), (unsigned long long)all.batches,
            hub_base_plural(all.batches), hub_base_plural(all.batches), (unsigned long long)all.records,
            hub_base_plural(all.records), (unsigned long long)all.contracts, hub_base_plural(all.contracts),
            (unsigned long long)all.receipts, hub_base_plural(all.receipts), hub_base_plural(all.receipts));
    return code;
}

static int verify(cli_call *call, hub_base *base, arena *memory)
{
    bool stopped;
    audit self = {.call = call, .hub_sign = base->home.keys->sign.public_key, .faults = json_array(), .warnings = json_array()};
    arena *scratch = arena_new(WIRE_SCRATCH_BYTES);
    self.check = scratch ? proof_check_new(memory, scratch, tell_finding, &self) : NULL;
    int code = self.check && self.faults && self.warnings ? read_receipts(&self, memory) : hub_base_no_memory(call);
    if (code == CLI_DONE) {
        const store_audit_taker taker = {take_to_verify, &self};
        progress_start(&self.bar, call->err, call->terminal, "Vérification");
        database_error error = store_audit(base->store, &taker, &self.total, &stopped);
        progress_end(&self.bar);
        if (error != DATABASE_OK)
            code = hub_base_fail(base, call, error);
        else if (stopped || !lay_receipts(&self))
            code = hub_base_no_memory(call);
    }
    if (code == CLI_DONE) {
        proof_check_finish(self.check);
        code = tell_verified(&self);
    }
    json_decref(self.faults);
    json_decref(self.warnings);
    arena_destroy(&scratch);
    return code;
}

int hub_audit_verify_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, verify);
}

/* The export. */

static bool take_to_export(void *data, const store_audit_item *item)
{
    audit *self = data;
    batch_buffer *to = &self->frame;
    batch_buffer_clear(to);
    unsigned agent = item->agent < 0 ? UINT16_MAX : (unsigned)item->agent;
    switch (item->type) {
    case STORE_AUDIT_AGENT: proof_file_write_agent(&self->writer, to, &item->identity); break;
    case STORE_AUDIT_FORMER: proof_file_write_former(&self->writer, to, agent, &item->identity); break;
    case STORE_AUDIT_SCOPE:
        proof_file_write_scope(&self->writer, to, text_of(item->scope), item->position, item->chain);
        break;
    case STORE_AUDIT_GRANT:
        if (item->agent >= 0)
            proof_file_write_grant(&self->writer, to, agent, item->incarnation, item->sequence);
        break;
    case STORE_AUDIT_BATCH:
        proof_file_write_batch(&self->writer, to, item->position, item->header, item->signature, item->chain);
        progress_at(&self->bar, ++self->entries, self->total);
        break;
    case STORE_AUDIT_CONTRACT:
        proof_file_write_contract(&self->writer, to, item->position, item->id, item->version, item->definition, item->chain);
        self->entries++;
        break;
    case STORE_AUDIT_PLACE:
    case STORE_AUDIT_END: return true; /* nothing of it is part of the proof */
    }
    self->failed = to->failed;
    if (!self->failed)
        fwrite(to->data, 1, to->size, self->to); /* what the stream could not take, cli says */
    return !self->failed;
}

static void write_frame(audit *self)
{
    self->failed = self->failed || self->frame.failed;
    if (!self->failed)
        fwrite(self->frame.data, 1, self->frame.size, self->to);
    batch_buffer_clear(&self->frame);
}

static int export(cli_call *call, hub_base *base, arena *memory)
{
    const hub_keys *keys = base->home.keys;
    audit self = {.call = call, .to = cli_output(call)};
    const store_audit_taker taker = {take_to_export, &self};
    bool stopped;
    (void)memory;
    progress_start(&self.bar, call->err, call->terminal, "Export");
    batch_buffer_init(&self.frame, PROOF_FILE_FRAME_MAX + PROOF_FILE_LENGTH);
    proof_file_write_head(&self.writer, &self.frame, keys->curve.public_key, keys->sign.public_key, (uint64_t)time(NULL));
    write_frame(&self);
    int code = CLI_DONE;
    database_error error = store_audit(base->store, &taker, &self.total, &stopped);
    progress_end(&self.bar);
    if (error != DATABASE_OK)
        code = hub_base_fail(base, call, error);
    else if (!stopped) {
        batch_buffer_clear(&self.frame);
        proof_file_write_end(&self.writer, &self.frame, &keys->sign);
        write_frame(&self);
    }
    if (code == CLI_DONE && self.failed)
        code = cli_fail(call, CLI_BAD_INPUT,
                        "le registre tient une ligne qui n’a pas de forme ; « ctai-hub audit verify » dit laquelle");
    batch_buffer_release(&self.frame);
    if (code != CLI_DONE || !call->data)
        return code;
    if (call->json)
        (void)fprintf(call->out, "{\"entrees\": %llu, \"empreinte\": \"%s\"}\n", (unsigned long long)self.entries, keys->fingerprint);
    else
        (void)fprintf(call->out,
                      "Registre exporté : %llu entrée%s. Empreinte du hub : %s\n"
                      "Qui veut le vérifier n’a besoin que du fichier et de cette empreinte : ctai-verify FICHIER --hub EMPREINTE\n",
                      (unsigned long long)self.entries, hub_base_plural(self.entries), keys->fingerprint);
    return code;
}

int hub_audit_export_run(cli_call *call)
{
    return hub_base_run(call, MEMORY_BYTES, export);
}
