/* hub_form: see the header. */
#include "hub_form.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { PLAIN_WIDTH = 100, NAMES_MAX = 128 };

int hub_form_month(cli_call *call, const char *option, civil_month *month)
{
    const char *text = cli_value(call, option);
    *month = text ? civil_month_parse(text_of(text)) : CIVIL_NONE;
    if (text && *month == CIVIL_NONE)
        return cli_fail(call, CLI_USAGE, "--%s %s : un mois s’écrit comme 2023-11", option, text);
    return CLI_DONE;
}

int hub_form_period(cli_call *call, civil_month *from, civil_month *to)
{
    int code = hub_form_month(call, "from", from);
    if (code == CLI_DONE)
        code = hub_form_month(call, "to", to);
    if (code == CLI_DONE && *from != CIVIL_NONE && *to != CIVIL_NONE && *from > *to)
        code = cli_fail(call, CLI_USAGE, "--from est après --to");
    return code;
}

/* "table, csv et json" */
static void list_names(const char *const *names, char list[NAMES_MAX])
{
    size_t used = 0;
    list[0] = '\0';
    for (unsigned i = 0; names[i] && used < NAMES_MAX; i++)
        used += (size_t)snprintf(list + used, NAMES_MAX - used, "%s%s", i == 0 ? "" : names[i + 1] ? ", " : " et ", names[i]);
}

int hub_form_choose(cli_call *call, const char *const *names, unsigned *form)
{
    const char *text = cli_value(call, "format");
    char list[NAMES_MAX];
    *form = 0;
    if (!text && call->json)
        text = "json";
    for (unsigned i = 0; text && names[i]; i++)
        if (strcmp(text, names[i]) == 0) {
            *form = i;
            if (call->json && strcmp(text, "json") != 0)
                return cli_fail(call, CLI_USAGE, "--json et --format %s se contredisent : donnez l’un ou l’autre", text);
            return CLI_DONE;
        }
    if (!text)
        return CLI_DONE;
    list_names(names, list);
    return cli_fail(call, CLI_USAGE, "--format %s : les formes de cette version sont %s", text, list);
}

unsigned hub_form_width(FILE *to)
{
    struct winsize size;
    return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : PLAIN_WIDTH;
}

json_t *hub_form_text(text_view text)
{
    return text.size > 0 ? json_stringn(text.at, text.size) : json_null();
}

json_t *hub_form_number(text_view text)
{
    char digits[64];
    if (text.size == 0 || !text_copy(digits, sizeof digits, text))
        return json_null();
    return strchr(digits, '.') ? json_real(strtod(digits, NULL)) : json_integer(strtoll(digits, NULL, 10));
}

int hub_form_json(cli_call *call, json_t *what)
{
    FILE *to = cli_output(call);
    /* What the stream could not take, cli says. */
    bool good = what && (json_dumpf(what, to, JSON_REAL_PRECISION(15) | JSON_INDENT(1)) == 0 || ferror(to));
    json_decref(what);
    fputc('\n', to);
    return good ? CLI_DONE : hub_base_no_memory(call);
}

json_t *hub_form_month_json(civil_month month)
{
    char text[CIVIL_MONTH_TEXT];
    if (month == CIVIL_NONE)
        return json_null();
    civil_month_text(month, text);
    return json_string(text);
}
