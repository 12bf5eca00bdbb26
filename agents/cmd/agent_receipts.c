/*
 * agent_receipts: `ctai-agent receipts`: what the hub has signed for us, as a file that we sign: for whoever compares it
 * with the receipts of others, or with an export of the hub's ledger (ctai-verify).
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "agent_commands.h"
#include "outbox_proof.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

const cli_option agent_receipts_options[] = {
    {"output", 'o', CLI_OUTPUT, false, "FICHIER", "écrit les reçus dans ce fichier, en entier ou pas du tout"},
    {.name = NULL},
};

typedef struct {
    arena *memory;
    arena_vector items;
    unsigned states[PROOF_RECEIPT_AGAINST + 1];
} gathered;

static bool gather(void *data, const outbox_proof *what)
{
    gathered *self = data;
    if (self->items.count == PROOF_RECEIPTS_MAX)
        return true; /* more scopes than the protocol can name */
    proof_receipt *one = arena_vector_add(&self->items);
    uint8_t *bytes = arena_take(self->memory, what->receipt.size + CRYPTO_SIGNATURE);
    if (one == NULL || bytes == NULL)
        return false;
    memcpy(bytes, what->signature, CRYPTO_SIGNATURE);
    memcpy(bytes + CRYPTO_SIGNATURE, what->receipt.at, what->receipt.size);
    *one = (proof_receipt){.receipt = {(const char *)bytes + CRYPTO_SIGNATURE, what->receipt.size},
                           .signature = bytes,
                           .state = what->state,
                           .seconds = what->seconds};
    self->states[what->state]++;
    return true;
}

static json_t *json_of(const proof_receipts *what)
{
    static const char *const states[] = {[PROOF_RECEIPT_HELD] = "valable", [PROOF_RECEIPT_LOST] = "perdu",
                                         [PROOF_RECEIPT_SUPERSEDED] = "ancien", [PROOF_RECEIPT_AGAINST] = "contraire"};
    json_t *all = json_array();
    for (unsigned i = 0; i < what->count; i++) {
        wire_receipt receipt;
        char link[2 * CRYPTO_HASH + 1];
        if (!wire_read_receipt(&receipt, what->items[i].receipt))
            continue;
        crypto_hex(link, receipt.chain, CRYPTO_HASH);
        json_array_append_new(all, json_pack("{s:s%, s:I, s:I, s:I, s:s, s:s}", "perimetre", receipt.position.scope.at,
                                             receipt.position.scope.size, "incarnation",
                                             (json_int_t)receipt.position.incarnation, "lot",
                                             (json_int_t)receipt.position.sequence, "position",
                                             (json_int_t)receipt.ledger_position, "maillon", link, "etat",
                                             states[what->items[i].state]));
    }
    return all;
}

static void tell(cli_call *call, const proof_receipts *what, const gathered *all)
{
    if (call->json) {
        json_t *summary = json_pack("{s:i, s:i, s:i, s:o}", "recus", (int)what->count, "perdus",
                                    (int)all->states[PROOF_RECEIPT_LOST], "contraires",
                                    (int)all->states[PROOF_RECEIPT_AGAINST], "liste", json_of(what));
        (void)json_dumpf(summary, call->out, 0);
        (void)fputc('\n', call->out);
        json_decref(summary);
        return;
    }
    agent_call_count(call->out, what->count, "reçu écrit, signé par cet agent", "reçus écrits, signés par cet agent");
    (void)fputs(".\n", call->out);
    if (all->states[PROOF_RECEIPT_LOST] > 0)
        (void)fprintf(call->out, "Dont %u que le hub a déclarés perdus depuis (panne ou restauration de la préfecture).\n",
                      all->states[PROOF_RECEIPT_LOST]);
    if (all->states[PROOF_RECEIPT_AGAINST] > 0)
        (void)fprintf(call->out, "Dont %u qui contredisent ce que le hub avait signé avant : c’est la preuve à montrer.\n",
                      all->states[PROOF_RECEIPT_AGAINST]);
}

static int write_file(cli_call *call, const agent_call *own, const proof_receipts *what, const gathered *all)
{
    batch_buffer text;
    if (call->json && call->data == NULL) {
        tell(call, what, all);
        return CLI_DONE;
    }
    batch_buffer_init(&text, PROOF_RECEIPTS_FILE_MAX);
    proof_receipts_write(&text, what, &own->agent->secrets->sign);
    bool whole = !text.failed;
    if (whole)
        (void)fwrite(text.data, 1, text.size, cli_output(call)); /* what the stream could not take, cli says */
    batch_buffer_release(&text);
    if (!whole)
        return agent_call_no_memory(call);
    if (call->data != NULL)
        tell(call, what, all);
    return CLI_DONE;
}

static int run(cli_call *call, agent_call *own, arena *memory)
{
    credential_approval approval;
    agent_home_result result;
    gathered all = {.memory = memory};
    if (agent_home_approval(own->agent, &approval, memory, &result) != AGENT_HOME_OK)
        return agent_call_home_failed(call, &result);
    arena_vector_init(&all.items, memory, sizeof(proof_receipt));
    outbox_error error = outbox_proofs(own->box, gather, &all);
    if (error != OUTBOX_OK)
        return agent_call_outbox_failed(call, error);
    proof_receipts what = {.seconds = (uint64_t)time(NULL), .count = (unsigned)all.items.count, .items = all.items.items};
    agent_home_identity(own->agent, &what.agent);
    memcpy(what.hub_curve, approval.hub_curve, CRYPTO_PUBLIC);
    memcpy(what.hub_sign, approval.hub_sign, CRYPTO_PUBLIC);
    return write_file(call, own, &what, &all);
}

int agent_receipts_run(cli_call *call)
{
    arena *memory = arena_new(MEMORY_BYTES);
    int code = memory == NULL ? agent_call_no_memory(call) : run(call, agent_call_of(call), memory);
    arena_destroy(&memory);
    return code;
}
