/* hostile [FILE]: runs all; FILE gets each diagnostic that was said, one a line (see reasons.py). */
#include "hostile.h"

#include <sodium.h>

#include "control_form.h"
#include "export.h"
#include "quantity.h"

enum { INPUTS_MIN = 1500, CODES_MAX = 64 };

static unsigned long inputs, wrong, met[HOSTILE_KINDS][CODES_MAX];
static FILE *said;
hostile_said hostile_heard;

void hostile_case(bool right, const char *format, ...)
{
    inputs++;
    if (right)
        return;
    wrong++;
    va_list arguments;
    va_start(arguments, format);
    fputs("taken otherwise: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void hostile_met(hostile_kind kind, unsigned code)
{
    if (code < CODES_MAX)
        met[kind][code]++;
}

static void keep(diag_sink *sink, const diag *what)
{
    hostile_said *heard = &hostile_heard;
    size_t room = sizeof heard->all - heard->size;

    if (said != NULL)
        diag_print(said, what);
    heard->errors += what->severity == DIAG_ERROR;
    int size = snprintf(heard->all + heard->size, room, "%lu %d [%s] %s\n", what->line, (int) what->severity,
                        what->field != NULL ? what->field : "", what->message);
    if (size > 0 && (size_t) size < room)
        heard->size += (size_t) size;
    else
        heard->all[heard->size] = '\0';
    (void) sink;
}

diag_sink hostile_sink(void)
{
    hostile_heard.errors = 0;
    hostile_heard.size = 0;
    hostile_heard.all[0] = '\0';
    return (diag_sink){.emit = keep};
}

bool hostile_hears(const char *text)
{
    return strstr(hostile_heard.all, text) != NULL;
}

text_view hostile_bytes(const batch_buffer *buffer)
{
    return (text_view){(const char *) buffer->data, buffer->size};
}

text_view hostile_exact(const void *data, size_t size)
{
    static char *copy;

    free(copy);
    copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    return (text_view){copy, size};
}

void hostile_pair(crypto_sign_pair *pair, uint8_t seed)
{
    uint8_t bytes[crypto_sign_SEEDBYTES];

    memset(bytes, seed, sizeof bytes);
    (void) crypto_sign_seed_keypair(pair->public_key, pair->secret_key, bytes);
}

/* Every code from first up to, not including, end must have been met. */
static void require_met(hostile_kind kind, const char *name, unsigned first, unsigned end)
{
    for (unsigned code = first; code < end; code++)
        if (met[kind][code] == 0) {
            fprintf(stderr, "no input meets %s %u\n", name, code);
            wrong++;
        }
}

static void require_all(void)
{
    require_met(HOSTILE_REFUSAL, "the wire's refusal", WIRE_REFUSAL_MALFORMED, WIRE_REFUSAL_BUSY + 1);
    require_met(HOSTILE_RECORD, "the record's reason", RECORD_UNREADABLE, RECORD_EPOCH_IN_USE); /* that one is the database's */
    require_met(HOSTILE_CREDENTIAL, "the credential's error", CREDENTIAL_NOT_ARMOURED, CREDENTIAL_BAD_SIGNATURE + 1);
    require_met(HOSTILE_STOP, "the agent's stop", AGENT_STOP_UNREACHABLE, AGENT_STOP_HISTORY + 1);
    require_met(HOSTILE_QUANTITY, "the quantity's error", QUANTITY_OK + 1, QUANTITY_ERROR_COUNT);
    require_met(HOSTILE_CSV, "the row's fault", 0, 5);
    require_met(HOSTILE_LEFT_OUT, "the reason to leave a row out", 1, EXPORT_REASON_COUNT);
    require_met(HOSTILE_CONTROL, "the call's result", CONTROL_FORM_OTHER_VERSION, CONTROL_FORM_WRONG + 1);
}

int main(int argc, char **argv)
{
    said = argc > 1 ? fopen(argv[1], "w") : NULL;
    if (crypto_start() != 0 || (argc > 1 && said == NULL))
        return EXIT_FAILURE;
    static const struct { const char *name; void (*run)(void); } parts[] = {
        {"messages", hostile_messages}, {"sessions", hostile_sessions}, {"batches", hostile_batches}, {"records", hostile_records},
        {"credentials", hostile_credentials}, {"configuration", hostile_configuration}, {"contracts", hostile_contracts},
        {"tables", hostile_tables}, {"calls", hostile_calls},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        unsigned long before = inputs;
        parts[i].run();
        printf("%-14s %6lu inputs\n", parts[i].name, inputs - before);
    }
    require_all();
    printf("%-14s %6lu inputs, %lu taken otherwise\n", "in all", inputs, wrong);
    (void) hostile_exact(NULL, 0);
    if (said != NULL && fclose(said) != 0)
        return EXIT_FAILURE;
    return wrong == 0 && inputs >= INPUTS_MIN ? EXIT_SUCCESS : EXIT_FAILURE;
}
