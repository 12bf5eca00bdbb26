/* diag: see diag.h. */
#include "diag.h"

#include <stdarg.h>
#include <string.h>

static const char *const severity_names[DIAG_SEVERITY_COUNT] = {
    [DIAG_NOTE] = "note", [DIAG_WARNING] = "avertissement", [DIAG_LEFT_OUT] = "écarté", [DIAG_ERROR] = "erreur",
};

void diag_emit(diag_sink *sink, const diag *what)
{
    sink->count[what->severity]++;
    if (sink->emit)
        sink->emit(sink, what);
}

void diag_emitf(diag_sink *sink, const diag *where, const char *format, ...)
{
    char message[501];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    diag what = *where;
    what.message = message;
    diag_emit(sink, &what);
}

/* A question needs no full stop. */
static const char *sentence_end(const char *text)
{
    size_t size = strlen(text);
    return size > 0 && text[size - 1] == '?' ? "" : ".";
}

void diag_print(FILE *to, const diag *what)
{
    if (what->file)
        fprintf(to, "%s:", what->file);
    if (what->line > 0)
        fprintf(to, "%lu:", what->line);
    if (what->line > 0 && what->column > 0)
        fprintf(to, "%lu:", what->column);
    fprintf(to, "%s%s : ", what->file ? " " : "", severity_names[what->severity]);
    if (what->field)
        fprintf(to, "[%s] ", what->field);
    fprintf(to, "%s%s", what->message, sentence_end(what->message));
    if (what->remedy)
        fprintf(to, " %s.", what->remedy);
    fputc('\n', to);
}

static void print_to_file(diag_sink *self, const diag *what)
{
    diag_print(self->data, what);
}

diag_sink diag_sink_to(FILE *to)
{
    return (diag_sink){.emit = print_to_file, .data = to};
}
