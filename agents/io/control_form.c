#include "control_form.h"

#include <stdio.h>
#include <string.h>

static const char SOCKET_NAME[] = "controle";
static const uint32_t NONE = UINT32_MAX; /* the length of a text that is not there */

socklen_t control_form_address(const home *folder, struct sockaddr_un *address)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    int size = snprintf(address->sun_path, sizeof address->sun_path, "%s/%s", folder->path, SOCKET_NAME);
    if (size < 0 || (size_t)size >= sizeof address->sun_path) /* too long for a socket: by way of the open folder */
        (void)snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", folder->folder,
                       SOCKET_NAME);
    return sizeof *address;
}

static void put_number(batch_buffer *to, uint32_t number)
{
    batch_buffer_append(to, &number, sizeof number); /* of one machine: its own byte order */
}

static void put_text(batch_buffer *to, const char *text)
{
    put_number(to, text == NULL ? NONE : (uint32_t)strlen(text));
    if (text != NULL)
        batch_buffer_append(to, text, strlen(text) + 1);
}

static void put_file(batch_buffer *to, const cli_file *file, int *files, unsigned *count)
{
    bool open = file->name != NULL && file->file != NULL;
    put_number(to, file->name != NULL);
    put_number(to, (uint32_t)file->error);
    put_number(to, open);
    if (open)
        files[(*count)++] = fileno(file->file);
}

void control_form_write(batch_buffer *to, const cli_call *call, int *files, unsigned *count)
{
    *count = 0;
    put_text(to, call->program->version);
    put_text(to, call->command->name);
    put_text(to, call->folder);
    put_number(to, call->json);
    put_number(to, call->together);
    put_number(to, call->data != NULL);
    put_number(to, (uint32_t)call->operand_count);
    for (int i = 0; i < CLI_OPTIONS_MAX; i++)
        put_text(to, call->values[i]);
    for (int i = 0; i < CLI_OPERANDS_MAX; i++)
        put_text(to, call->operands[i]);
    for (int i = 0; i < CLI_OPTIONS_MAX; i++)
        put_file(to, &call->files[i], files, count);
    for (int i = 0; i < CLI_OPERANDS_MAX; i++)
        put_file(to, &call->operand_files[i], files, count);
}

typedef struct {
    const char *at;
    size_t left;
    bool wrong;
    int *files;
    unsigned file_count, file_next;
} reader;

static uint32_t get_number(reader *self)
{
    uint32_t number = 0;
    if (self->wrong || self->left < sizeof number) {
        self->wrong = true;
        return 0;
    }
    memcpy(&number, self->at, sizeof number);
    self->at += sizeof number;
    self->left -= sizeof number;
    return number;
}

static const char *get_text(reader *self)
{
    uint32_t size = get_number(self);
    if (self->wrong || size == NONE)
        return NULL;
    if (size >= self->left || self->at[size] != '\0') {
        self->wrong = true;
        return NULL;
    }
    const char *text = self->at;
    self->at += (size_t)size + 1;
    self->left -= (size_t)size + 1;
    return text;
}

static void get_file(reader *self, cli_file *file, const char *name)
{
    bool named = get_number(self) == 1;
    int error = (int)get_number(self);
    bool open = get_number(self) == 1;
    if (self->wrong || (named && name == NULL) || (open && self->file_next >= self->file_count)) {
        self->wrong = true;
        return;
    }
    if (!named)
        return;
    file->name = name;
    file->error = error;
    if (open) {
        int *descriptor = &self->files[self->file_next++];
        file->file = fdopen(*descriptor, "r");
        self->wrong = self->wrong || file->file == NULL;
        if (file->file != NULL)
            *descriptor = -1;
    }
}

static control_form_result read_head(reader *from, cli_call *call, const cli_program *program, bool *has_data)
{
    const char *version = get_text(from);
    if (from->wrong || version == NULL)
        return CONTROL_FORM_WRONG;
    if (strcmp(version, program->version) != 0)
        return CONTROL_FORM_OTHER_VERSION;
    const char *command = get_text(from);
    call->folder = get_text(from);
    call->json = get_number(from) == 1;
    call->together = get_number(from) == 1;
    *has_data = get_number(from) == 1;
    call->operand_count = (int)get_number(from);
    call->command = command == NULL ? NULL : cli_find(program, command);
    if (from->wrong || call->folder == NULL || call->operand_count < 0 || call->operand_count > CLI_OPERANDS_MAX)
        return CONTROL_FORM_WRONG;
    return call->command == NULL ? CONTROL_FORM_OTHER_VERSION : CONTROL_FORM_GOOD;
}

control_form_result control_form_read(cli_call *call, const cli_program *program, text_view payload, int *files,
                                      unsigned count, bool *has_data)
{
    reader from = {.at = payload.at, .left = payload.size, .files = files, .file_count = count};
    *call = (cli_call){.program = program};
    control_form_result result = read_head(&from, call, program, has_data);
    if (result != CONTROL_FORM_GOOD)
        return result;
    for (int i = 0; i < CLI_OPTIONS_MAX; i++)
        call->values[i] = get_text(&from);
    for (int i = 0; i < CLI_OPERANDS_MAX; i++)
        from.wrong |= ((call->operands[i] = get_text(&from)) != NULL) != (i < call->operand_count);
    for (int i = 0; i < CLI_OPTIONS_MAX; i++)
        get_file(&from, &call->files[i], call->values[i]);
    for (int i = 0; i < CLI_OPERANDS_MAX; i++)
        get_file(&from, &call->operand_files[i], call->operands[i]);
    return from.wrong || from.left != 0 ? CONTROL_FORM_WRONG : CONTROL_FORM_GOOD;
}
