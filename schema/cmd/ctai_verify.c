/*
 * ctai-verify FILE: checks an exported ledger, with what is in the file and the hub's fingerprint alone: for a third
 * party, without the hub, a database or a network. One file in, sentences out; it has no home and writes nothing.
 *
 * Exit codes: 0 intact; 65 it is not, or a file cannot be read; 64, 70 as everywhere (INTERFACE).
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "oserror.h"
#include "proof_file.h"

enum {
    RECEIPT_FILES_MAX = 64,
    MEMORY_BYTES = 512 * 1024 * 1024, /* agents, receipts: a bound, not what it takes */
};

static const char usage[] =
    "Usage : ctai-verify FICHIER [--hub EMPREINTE] [--receipts FICHIER]...\n"
    "\n"
    "Vérifie un registre exporté par « ctai-hub audit export », avec ce seul fichier : chaque signature, chaque\n"
    "maillon de la chaîne, et la signature du hub sur le tout.\n"
    "\n"
    "Options :\n"
    "  --hub EMPREINTE     l’empreinte du hub, telle que la préfecture l’a donnée\n"
    "  --receipts FICHIER  les reçus d’un agent (« ctai-agent receipts -o FICHIER »), à comparer au registre ;\n"
    "                      autant de fois que d’agents\n"
    "  --help, --version\n"
    "\n"
    "Code 0 : intact ; 65 : ce qui ne va pas est nommé, avec sa position.\n";

typedef struct {
    const char *path, *hub;
    const char *receipt_paths[RECEIPT_FILES_MAX];
    unsigned receipt_files;
    proof_receipts receipts[RECEIPT_FILES_MAX];
    bool misfit;
    uint64_t told;
} verification;

static int complain(int code, const char *name, const char *what)
{
    (void) fprintf(stderr, "ctai-verify : %s%s%s\n", name, name[0] != '\0' ? " : " : "", what);
    return code;
}

static void tell_finding(void *data, const proof_check_finding *finding)
{
    verification *self = data;
    char text[PROOF_CHECK_TEXT_MAX];

    proof_check_text(text, finding);
    self->told++;
    (void) complain(0, finding->fault == PROOF_CHECK_LOST ? "avertissement" : "", text);
}

static void tell_receipts(void *data, unsigned file, proof_receipts_fit fit)
{
    verification *self = data;

    if (fit == PROOF_RECEIPTS_FIT)
        return;
    self->misfit = true;
    (void) complain(0, self->receipt_paths[file], proof_receipts_fit_text(fit));
}

/* -1: go on; else the exit code. */
static int parse(verification *self, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool hub = strcmp(word, "--hub") == 0, receipts = strcmp(word, "--receipts") == 0;
        if (strcmp(word, "--help") == 0)
            return fputs(usage, stdout) < 0 ? CLI_CANNOT_WRITE : CLI_DONE;
        if (strcmp(word, "--version") == 0)
            return printf("ctai-verify %s\n", CTAI_VERSION) < 0 ? CLI_CANNOT_WRITE : CLI_DONE;
        if ((hub || receipts) && i + 1 == argc)
            return complain(CLI_USAGE, word, "il manque la valeur ; voyez « ctai-verify --help »");
        if (hub)
            self->hub = argv[++i];
        else if (receipts && self->receipt_files == RECEIPT_FILES_MAX)
            return complain(CLI_USAGE, word, "64 fichiers de reçus au plus");
        else if (receipts)
            self->receipt_paths[self->receipt_files++] = argv[++i];
        else if (word[0] == '-' && word[1] != '\0')
            return complain(CLI_USAGE, word, "option inconnue ; voyez « ctai-verify --help »");
        else if (self->path != NULL)
            return complain(CLI_USAGE, word, "un seul fichier à la fois ; les reçus vont avec --receipts");
        else
            self->path = word;
    }
    if (self->path == NULL) {
        (void) fputs(usage, stderr);
        return CLI_USAGE;
    }
    if (self->hub != NULL && !crypto_fingerprint_valid(self->hub))
        return complain(CLI_USAGE, "--hub", "une empreinte a huit groupes de cinq chiffres");
    return -1;
}

static int no_memory(void)
{
    return complain(CLI_FAULT, "", "la mémoire manque ; fermez d’autres programmes et recommencez");
}

static int read_receipts(verification *self, unsigned file, arena *memory)
{
    const char *path = self->receipt_paths[file];
    char *text = arena_take(memory, PROOF_RECEIPTS_FILE_MAX + 1);
    FILE *from = fopen(path, "rb");

    if (text == NULL || from == NULL) {
        int code = text == NULL ? no_memory() : complain(CLI_BAD_INPUT, path, oserror_text(errno));
        if (from != NULL)
            (void) fclose(from);
        return code;
    }
    size_t size = fread(text, 1, PROOF_RECEIPTS_FILE_MAX + 1, from);
    int error = ferror(from) ? errno : 0;
    (void) fclose(from);
    if (error != 0)
        return complain(CLI_BAD_INPUT, path, oserror_text(error));
    credential_error read = proof_receipts_read(&self->receipts[file], memory, (text_view){text, size});
    if (read == CREDENTIAL_NO_MEMORY)
        return no_memory();
    return read == CREDENTIAL_OK ? CLI_DONE : complain(CLI_BAD_INPUT, path, credential_error_text(read));
}

/* The next frame into room; its size, 0 at the end of the file, -1 when the file is cut or the frame too large. */
static long next_frame(FILE *from, uint8_t *room)
{
    uint8_t head[PROOF_FILE_LENGTH];
    size_t got = fread(head, 1, sizeof head, from), size = 0;

    if (got == 0 && feof(from))
        return 0;
    for (size_t i = 0; i < sizeof head; i++)
        size = size << 8 | head[i];
    if (got != sizeof head || size == 0 || size > PROOF_FILE_FRAME_MAX)
        return -1;
    return fread(room, 1, size, from) == size ? (long) size : -1;
}

static int conclude(const verification *self, const proof_file *file, proof_file_state state)
{
    const proof_check_totals all = proof_file_total(file);
    bool intact = state == PROOF_FILE_DONE && all.faults == 0 && !self->misfit;
    time_t seconds = (time_t) proof_file_seconds(file);
    struct tm parts;
    char moment[64] = "?";

    if (gmtime_r(&seconds, &parts) != NULL)
        (void) strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%SZ", &parts);
    (void) printf("%s : périmètres %llu, lots signés %llu, enregistrements %llu, versions de contrats %llu, reçus comparés %llu\n"
                  "Hub %s, exporté le %s%s\n", intact ? "Registre intact" : "LE REGISTRE N’EST PAS INTACT. Vérifié",
                  (unsigned long long) all.scopes, (unsigned long long) all.batches, (unsigned long long) all.records,
                  (unsigned long long) all.contracts, (unsigned long long) all.receipts, proof_file_hub(file), moment,
                  self->hub != NULL ? " : c’est l’empreinte attendue" : " ; comparez cette empreinte avec celle que la préfecture a donnée");
    if (fflush(stdout) != 0)
        return complain(CLI_CANNOT_WRITE, "", oserror_text(errno));
    return intact ? CLI_DONE : CLI_BAD_INPUT;
}

static int tell_state(const verification *self, const proof_file *file, proof_file_state state)
{
    switch (state) {
    case PROOF_FILE_DONE: break;
    case PROOF_FILE_MORE:
    case PROOF_FILE_MALFORMED:
        (void) complain(0, self->path, "ce n’est pas un registre exporté, ou le fichier est coupé ou abîmé ; demandez-en un autre");
        return proof_file_hub(file)[0] == '\0' ? CLI_BAD_INPUT : conclude(self, file, state);
    case PROOF_FILE_OTHER_HUB:
        (void) complain(0, self->path, "ce registre est d’un autre hub que celui de --hub ; son empreinte :");
        return complain(CLI_BAD_INPUT, "", proof_file_hub(file));
    case PROOF_FILE_UNSEALED:
        (void) complain(0, self->path, "la signature du hub ne couvre pas ce fichier : il a été modifié après l’export");
        break;
    case PROOF_FILE_NO_MEMORY: return no_memory();
    }
    return conclude(self, file, state);
}

static int verify(verification *self, FILE *from, arena *memory, arena *scratch)
{
    const proof_file_options options = {.hub = self->hub, .receipts = self->receipts, .receipt_files = self->receipt_files,
                                        .tell = tell_finding, .tell_receipts = tell_receipts, .data = self};
    proof_file *file = proof_file_new(memory, scratch, &options);
    uint8_t *room = arena_take(memory, PROOF_FILE_FRAME_MAX);
    proof_file_state state = PROOF_FILE_MORE;
    long size = 1;

    if (file == NULL || room == NULL)
        return no_memory();
    while (state == PROOF_FILE_MORE && (size = next_frame(from, room)) > 0)
        state = proof_file_take(file, (text_view){(const char *) room, (size_t) size});
    if (ferror(from))
        return complain(CLI_BAD_INPUT, self->path, oserror_text(errno));
    if (state == PROOF_FILE_DONE && next_frame(from, room) != 0)
        state = PROOF_FILE_MALFORMED; /* something comes after the end */
    return tell_state(self, file, state);
}

int main(int argc, char **argv)
{
    static verification self;

    (void) signal(SIGPIPE, SIG_IGN);
    int code = parse(&self, argc, argv);
    if (code >= 0)
        return code;
    if (crypto_start() != 0)
        return complain(CLI_FAULT, "", "la bibliothèque de chiffrement ne démarre pas");
    arena *memory = arena_new(MEMORY_BYTES), *scratch = arena_new(WIRE_SCRATCH_BYTES);
    FILE *from = strcmp(self.path, "-") == 0 ? stdin : fopen(self.path, "rb");
    code = memory == NULL || scratch == NULL ? no_memory()
        : from == NULL                       ? complain(CLI_BAD_INPUT, self.path, oserror_text(errno))
                                             : CLI_DONE;
    for (unsigned i = 0; code == CLI_DONE && i < self.receipt_files; i++)
        code = read_receipts(&self, i, memory);
    if (code == CLI_DONE)
        code = verify(&self, from, memory, scratch);
    if (from != NULL)
        (void) fclose(from);
    arena_destroy(&scratch);
    arena_destroy(&memory);
    return code;
}
