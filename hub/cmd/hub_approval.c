/* hub_approval: see the header. Errors are the commands' exit codes, said. */
#include "hub_approval.h"

#include <string.h>

#include "identity.h"
#include "oserror.h"
#include "store_agent.h"

int hub_approval_read(hub_approval *self)
{
    cli_call *call = self->call;
    const cli_file *file = cli_input(call, "demande");
    if (!file->file)
        return cli_bad_file(call, file);
    char *text = arena_take(self->memory, CREDENTIAL_FILE_MAX + 1);
    if (!text)
        return hub_base_no_memory(call);
    size_t size = fread(text, 1, CREDENTIAL_FILE_MAX + 1, file->file);
    if (ferror(file->file))
        return cli_bad_file(call, file);
    if (size > CREDENTIAL_FILE_MAX)
        return cli_fail(call, CLI_BAD_INPUT, "%s est trop long pour une demande", file->name);
    credential_error error = credential_read_request(&self->identity, self->memory, (text_view) {text, size});
    if (error == CREDENTIAL_OK)
        return CLI_DONE;
    return cli_fail(call, error == CREDENTIAL_NO_MEMORY ? CLI_FAULT : CLI_BAD_INPUT, "%s : %s", file->name,
                    credential_error_text(error));
}

int hub_approval_find_addresses(hub_approval *self)
{
    self->address_count = hub_home_addresses(&self->base->home, self->addresses);
    if (self->address_count)
        return CLI_DONE;
    return cli_fail(self->call, CLI_CONFIGURATION,
                    "le port du hub n’est pas encore connu : lancez « ctai-hub serve » une fois, ou écrivez "
                    "« address = tcp://NOM:PORT » dans hub.conf");
}

static int write(hub_approval *self, batch_buffer *to)
{
    const hub_keys *keys = self->base->home.keys;
    credential_approval what = {.address_count = self->address_count, .agent = self->identity};
    memcpy(what.hub_curve, keys->curve.public_key, CRYPTO_PUBLIC);
    memcpy(what.hub_sign, keys->sign.public_key, CRYPTO_PUBLIC);
    for (unsigned i = 0; i < self->address_count; i++)
        what.addresses[i] = text_of(self->addresses[i]);
    database_error error =
        store_agent_contracts(self->base->store, self->identity.name, self->memory, &what.contracts,
                              &what.contract_count);
    if (error != DATABASE_OK)
        return hub_base_fail(self->base, self->call, error);
    credential_write_approval(to, &what, &keys->sign);
    return to->failed ? cli_fail(self->call, CLI_FAULT, "l’approbation n’a pas pu être écrite") : CLI_DONE;
}

static int place(hub_approval *self, const batch_buffer *text)
{
    cli_call *call = self->call;
    const char *file = self->file;
    snprintf(self->file, sizeof self->file, "%s.approbation", self->identity.name);
    if (cli_given(call, "output")) {
        fwrite(text->data, 1, text->size, cli_output(call));
        return CLI_DONE;
    }
    int error = identity_place(call, file, text->data, text->size);
    if (error == 0)
        return CLI_DONE;
    return cli_fail(call, CLI_CANNOT_WRITE,
                    "l’agent est admis, mais %s n’a pas pu être écrit dans %s (%s) : recommencez dans un "
                    "autre dossier, ou avec -o", file, call->folder, oserror_text(error));
}

int hub_approval_give(hub_approval *self)
{
    batch_buffer text;
    batch_buffer_init(&text, CREDENTIAL_FILE_MAX);
    int code = write(self, &text);
    if (code == CLI_DONE)
        code = place(self, &text);
    batch_buffer_release(&text);
    return code;
}

const char *hub_approval_path(const hub_approval *self)
{
    const char *given = cli_value(self->call, "output");
    return given ? given : self->file;
}
