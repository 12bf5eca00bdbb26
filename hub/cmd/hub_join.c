/* hub_join: see the header. */
#include "hub_join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hub_base.h"
#include "oserror.h"
#include "terminal.h"
#include "vault.h"

enum { ATTEMPTS = 3, LINE_MAX_BYTES = 128, MEMORY_BYTES = 64 * 1024 };

bundle *hub_join_new(void)
{
    return vault_new(sizeof(bundle));
}

void hub_join_forget(bundle **joined)
{
    vault_destroy(joined, sizeof **joined);
}

static int refuse(cli_call *call, bundle_error error)
{
    const cli_file *file = cli_input(call, "join");
    if (error == BUNDLE_NO_MEMORY)
        return hub_base_no_memory(call);
    if (error != BUNDLE_WRONG_CODE)
        return cli_fail(call, CLI_BAD_INPUT, "%s : %s", file->name, bundle_error_text(error));
    return cli_fail(call, CLI_NOT_ALLOWED,
                    "%s : ce n’est pas le code de ce trousseau. Rien n’a été fait ; relisez les six groupes de cinq "
                    "chiffres, ou refaites un trousseau sur le premier hub (« ctai-hub bundle »)", file->name);
}

static int read_file(cli_call *call, bundle_sealed *sealed, arena *memory)
{
    const cli_file *file = cli_input(call, "join");
    if (!file->file)
        return cli_bad_file(call, file);
    char *text = arena_take(memory, BUNDLE_FILE_MAX + 1);
    if (!text)
        return hub_base_no_memory(call);
    size_t size = fread(text, 1, BUNDLE_FILE_MAX + 1, file->file);
    if (ferror(file->file))
        return cli_bad_file(call, file);
    bundle_error error = bundle_read(sealed, memory, (text_view) {text, size});
    return error == BUNDLE_OK ? CLI_DONE : refuse(call, error);
}

/* The first line of --code, which nobody else may read. */
static int read_code(cli_call *call, char line[LINE_MAX_BYTES])
{
    const cli_file *file = cli_input(call, "code");
    struct stat is;
    if (!file->file)
        return cli_bad_file(call, file);
    if (fstat(fileno(file->file), &is) == 0 && S_ISREG(is.st_mode) && (is.st_mode & 077))
        return cli_fail(call, CLI_CONFIGURATION,
                        "%s : d’autres que vous peuvent lire ce fichier ; ôtez-leur ce droit (chmod 600)", file->name);
    setvbuf(file->file, NULL, _IONBF, 0); /* no copy of the code stays behind */
    errno = 0;
    if (!fgets(line, LINE_MAX_BYTES, file->file)) {
        if (ferror(file->file))
            return cli_bad_file(call, file);
        line[0] = '\0';
    }
    return CLI_DONE;
}

static int open_with_file(cli_call *call, bundle *joined, const bundle_sealed *sealed)
{
    char line[LINE_MAX_BYTES];
    int code = read_code(call, line);
    if (code != CLI_DONE)
        return code;
    bool taken = bundle_code_take(joined, text_trim(text_of(line)));
    crypto_wipe(line, sizeof line);
    bundle_error error = taken ? bundle_open(joined, sealed) : BUNDLE_WRONG_CODE;
    return error == BUNDLE_OK ? CLI_DONE : refuse(call, error);
}

static int open_with_person(cli_call *call, bundle *joined, const bundle_sealed *sealed)
{
    char line[LINE_MAX_BYTES];
    const char *question = "Code du trousseau (six groupes de cinq chiffres ; il ne s’affiche pas) : ";
    if (!terminal_there())
        return cli_fail(call, CLI_USAGE,
                        "pas de terminal où demander le code du trousseau : donnez-le dans un fichier à vous seul, avec "
                        "--code FICHIER");
    bundle_error error = BUNDLE_WRONG_CODE;
    for (int attempt = 0; attempt < ATTEMPTS && error == BUNDLE_WRONG_CODE; attempt++) {
        if (!terminal_ask_secret(question, line, sizeof line) && errno != EMSGSIZE)
            return cli_fail(call, CLI_NOT_ALLOWED, "le code du trousseau n’a pas été donné ; rien n’a été fait");
        bool taken = bundle_code_take(joined, text_trim(text_of(line)));
        crypto_wipe(line, sizeof line);
        error = taken ? bundle_open(joined, sealed) : BUNDLE_WRONG_CODE;
        question = taken ? "Ce n’est pas le code de ce trousseau. Encore une fois : "
                         : "Ce code n’a pas trente chiffres. Encore une fois : ";
    }
    return error == BUNDLE_OK ? CLI_DONE : refuse(call, error);
}

int hub_join_read(cli_call *call, bundle **joined)
{
    bundle_sealed sealed = {0};
    arena *memory = arena_new(MEMORY_BYTES);
    *joined = hub_join_new();
    int code = memory && *joined ? read_file(call, &sealed, memory) : hub_base_no_memory(call);
    if (code == CLI_DONE)
        code = cli_given(call, "code") ? open_with_file(call, *joined, &sealed)
                                       : open_with_person(call, *joined, &sealed);
    arena_destroy(&memory);
    if (code != CLI_DONE)
        hub_join_forget(joined);
    return code;
}

int hub_join_configure(cli_call *call, const bundle *joined, hub_conf *conf, const endpoint *own)
{
    conf->stable_at_commit = joined->stable_at_commit;
    bool room = hub_conf_announce(conf, own);
    for (unsigned i = 0; i < joined->address_count; i++)
        room = hub_conf_announce(conf, &joined->addresses[i]) && room;
    return room ? CLI_DONE
                : cli_fail(call, CLI_CONFIGURATION,
                           "une approbation porte au plus %d adresses, et les hubs de cette base en ont plus",
                           HUB_CONF_ADDRESSES_MAX);
}
