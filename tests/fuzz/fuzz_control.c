/* A call that another process hands to a running serve: its texts lie in the payload, its counts are the program's. */
#include "fuzz.h"

#include "control_form.h"

enum { FILES = 4 };

static int run_nothing(cli_call *call)
{
    (void) call;
    return CLI_DONE;
}

static const cli_option options[] = {{.name = "events", .kind = CLI_INPUT}, {.name = "name", .kind = CLI_VALUE}, {.name = "full", .kind = CLI_FLAG},
                                     {.name = NULL}};
static const cli_operand operands[] = {{.name = "contrat", .kind = CLI_VALUE}, {.name = "fichier", .kind = CLI_INPUT}, {.name = NULL}};
static const cli_command commands[] = {{.name = "push", .run = run_nothing, .options = options, .operands = operands},
                                       {.name = "key grant", .run = run_nothing, .options = options, .operands = operands},
                                       {.name = NULL}};
static const cli_program program = {.name = "ctai-agent", .version = "1", .commands = commands};

static void check_text(const char *text, text_view payload)
{
    if (text == NULL)
        return;
    assert(text >= payload.at && text < payload.at + payload.size);
    assert(memchr(text, '\0', payload.size - (size_t) (text - payload.at)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Never open: a descriptor that cannot be used is refused, which is another way through. */
    int files[FILES] = {-1, -1, -1, -1};
    fuzz_tape tape = fuzz_tape_of(data, size);
    unsigned count = fuzz_below(&tape, FILES + 1);
    text_view payload = fuzz_rest(&tape);
    cli_call call;
    bool has_data;

    if (control_form_read(&call, &program, payload, files, count, &has_data) != CONTROL_FORM_GOOD)
        return 0;
    assert(call.command != NULL && call.operand_count >= 0 && call.operand_count <= CLI_OPERANDS_MAX);
    check_text(call.folder, payload);
    for (int i = 0; i < CLI_OPTIONS_MAX; i++) {
        check_text(call.values[i], payload);
        check_text(call.files[i].name, payload);
        assert(call.files[i].file == NULL);
    }
    for (int i = 0; i < CLI_OPERANDS_MAX; i++) {
        assert((call.operands[i] != NULL) == (i < call.operand_count));
        check_text(call.operands[i], payload);
        check_text(call.operand_files[i].name, payload);
    }
    (void) cli_value(&call, "name");
    (void) cli_given(&call, "full");
    (void) cli_input(&call, "events");
    return 0;
}
