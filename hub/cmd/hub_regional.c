/* hub_regional: see the header. */
#include "hub_regional.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "embedded.h"

static int read_month(cli_call *call, const char *option, civil_month *month)
{
    const char *text = cli_value(call, option);
    *month = text ? civil_month_parse(text_of(text)) : CIVIL_NONE;
    if (text && *month == CIVIL_NONE)
        return cli_fail(call, CLI_USAGE, "--%s %s : un mois s’écrit comme 2023-11", option, text);
    return CLI_DONE;
}

static bool is_releasable(const region_query *query)
{
    if (query->from == CIVIL_NONE)
        return true;
    return (query->from % 12 == 0 && query->to == query->from + 11) || (query->from % 3 == 0 && query->to == query->from + 2);
}

static int read_period(cli_call *call, hub_regional_request *request)
{
    region_query *query = &request->query;
    int code = read_month(call, "from", &query->from);
    if (code == CLI_DONE)
        code = read_month(call, "to", &query->to);
    if (code != CLI_DONE)
        return code;
    if ((query->from == CIVIL_NONE) != (query->to == CIVIL_NONE))
        return cli_fail(call, CLI_USAGE, "donnez --from et --to, ou aucun des deux : alors chaque contrat compte de son premier à son dernier "
                        "mois");
    if (query->from > query->to)
        return cli_fail(call, CLI_USAGE, "--from est après --to");
    if (request->draft || is_releasable(query))
        return CLI_DONE;
    return cli_fail(call, CLI_USAGE, "une publication est d’un trimestre (2024-01 à 2024-03), d’une année civile (2024-01 à 2024-12) ou de contrats "
                    "entiers (ni --from ni --to) : d’autres périodes laisseraient deviner ce qui est masqué. Pour voir celle-ci sans la "
                    "publier, ajoutez --draft");
}

static int unknown_region(cli_call *call, const territory *places)
{
    char list[1024] = "";
    size_t size = 0;
    for (unsigned i = 0; i < places->region_count && size < sizeof list; i++)
        size += (size_t)snprintf(list + size, sizeof list - size, "%s%.*s (%.*s)", i ? ", " : "", (int)places->regions[i].code.size,
                                 places->regions[i].code.at, (int)places->regions[i].name.size, places->regions[i].name.at);
    return cli_fail(call, CLI_BAD_INPUT, "cette région est inconnue ; les codes de l’INSEE sont : %s", list);
}

int hub_regional_ask(cli_call *call, bool draft, arena *from, hub_regional_request *request)
{
    diag_sink sink = diag_sink_to(call->err);
    const embedded_file *file = embedded_find("regions.yaml");
    *request = (hub_regional_request){.draft = draft};
    if (!file || !territory_load(&request->places, from, file->name, (text_view){(const char *)file->data, file->size}, &sink))
        return hub_base_no_memory(call);
    request->query.of = territory_region_find(&request->places, text_of(cli_value(call, "region")));
    return request->query.of ? read_period(call, request) : unknown_region(call, &request->places);
}

/* The office's own file of the scheme in the home; at NULL when there is none. */
static int read_own_scheme(cli_call *call, const hub_base *base, const char *name, arena *from, text_view *bytes)
{
    char path[PATH_MAX];
    struct stat status;
    if (!home_path(&base->home.home, name, path))
        return CLI_DONE;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0 && errno == ENOENT)
        return CLI_DONE;
    bool good = file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= YAMLDOC_BYTES_MAX;
    char *to = good ? arena_take(from, (size_t)status.st_size + 1) : NULL;
    size_t size = 0;
    ssize_t got = 0;
    while (to && size < (size_t)status.st_size && (got = read(file, to + size, (size_t)status.st_size - size)) > 0)
        size += (size_t)got;
    if (file >= 0)
        close(file);
    if (good && !to)
        return hub_base_no_memory(call);
    if (!good || got < 0)
        return cli_fail(call, CLI_CONFIGURATION, "%s : ce fichier ne peut pas être lu", path);
    *bytes = (text_view){to, size};
    return CLI_DONE;
}

static int read_scheme(cli_call *call, const hub_base *base, const hub_regional_request *request, arena *from, hub_regional *made)
{
    char name[32];
    text_view bytes = {NULL, 0};
    diag_sink sink = diag_sink_to(call->err);
    snprintf(name, sizeof name, "regions/%.*s.yaml", (int)request->query.of->code.size, request->query.of->code.at);
    int code = read_own_scheme(call, base, name, from, &bytes);
    const embedded_file *shipped = embedded_find(strchr(name, '/') + 1);
    if (code == CLI_DONE && !bytes.at && shipped)
        bytes = (text_view){(const char *)shipped->data, shipped->size};
    if (code != CLI_DONE || !bytes.at)
        return code;
    region_scheme *scheme = arena_take(from, sizeof *scheme);
    if (!scheme)
        return hub_base_no_memory(call);
    if (!region_scheme_read(scheme, from, request->query.of->code, name, bytes, &sink))
        return arena_short(from) ? hub_base_no_memory(call)
            : cli_fail(call, CLI_CONFIGURATION, "les rubriques de la région ne peuvent pas être lues : corrigez %s dans le dossier du hub", name);
    made->scheme = scheme;
    return CLI_DONE;
}

static const region_table **tables_of(release *releases, unsigned count, arena *from)
{
    const region_table **tables = arena_take(from, sizeof(region_table *) * (count + 1));
    for (unsigned i = 0; tables && i < count; i++)
        tables[i] = &releases[i].table;
    return tables;
}

/* The last release of the same period, if it is of the very same numbers and by the same rule. */
static const release *find_same(const release *releases, unsigned count, const region_table *table, const uint8_t digest[CRYPTO_HASH],
                                const disclosure_options *options)
{
    const release *last = NULL;
    for (unsigned i = 0; i < count; i++)
        if (releases[i].table.from == table->from && releases[i].table.to == table->to)
            last = &releases[i];
    bool same = last && memcmp(last->digest, digest, CRYPTO_HASH) == 0 && last->options.threshold == options->threshold &&
                last->options.values == options->values && last->options.strict == options->strict;
    return same ? last : NULL;
}

static void count_masked(hub_regional *made)
{
    for (unsigned i = 0; i < made->table.cell_count; i++) {
        made->masked += made->table.cells[i].masked;
        made->by_rule += made->table.cells[i].masked && made->table.cells[i].primary;
    }
}

static int refused(cli_call *call, const hub_regional_request *request, const disclosure_result *result)
{
    const region_cell *cell = result->cell;
    const region_table *table = result->release;
    char what[256] = "";
    if (cell && table) {
        const region_territory *where = &table->territories[cell->territory];
        text_view code = table->indicators[cell->indicator].what.code;
        snprintf(what, sizeof what, " (%.*s, %s %.*s)", (int)code.size, code.at,
                 where->level == REGION_CONTRACT ? "contrat" : where->level == REGION_DEPARTMENT ? "département" : "région",
                 (int)(where->level == REGION_CONTRACT ? where->contract : where->level == REGION_DEPARTMENT ? where->department : where->region).size,
                 (where->level == REGION_CONTRACT ? where->contract : where->level == REGION_DEPARTMENT ? where->department : where->region).at);
    }
    return cli_fail(call, CLI_BAD_INPUT, "ce rapport ne peut pas être publié : une cellule masquée%s se laisserait deviner à moins de %u valeurs près par "
                    "qui a toutes les publications. Rien n’a été %s. Attendez d’autres données, ou publiez une période plus longue",
                    what, (unsigned)DISCLOSURE_VALUES, request->draft ? "montré" : "inscrit ni écrit");
}

static void use_release(hub_regional *made, const release *of)
{
    made->number = of->number;
    memcpy(made->released_at, of->released_at, sizeof made->released_at);
    made->table = of->table;
}

/* In the transaction; *enter: there is something to commit. */
static int mask(cli_call *call, hub_base *base, database *connection, const hub_regional_request *request, region_reading *reading,
                arena *from, hub_regional *made, bool *enter)
{
    disclosure_options options = {.threshold = base->home.conf.threshold, .values = DISCLOSURE_VALUES, .strict = base->home.conf.strict};
    disclosure_result result;
    release *earlier = NULL, entered;
    uint8_t digest[CRYPTO_HASH];
    unsigned count = 0;
    database_error error = release_read(connection, reading->table.code, from, &earlier, &count);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    const region_table **tables = tables_of(earlier, count, from);
    if (!tables || !release_digest(&reading->table, digest))
        return hub_base_no_memory(call);
    const release *same = find_same(earlier, count, &reading->table, digest, &options);
    if (same) {
        made->again = true;
        use_release(made, same);
        return CLI_DONE;
    }
    switch (disclosure_control(&reading->table, tables, count, &options, from, &result)) {
    case DISCLOSURE_DONE: break;
    case DISCLOSURE_REFUSED: return refused(call, request, &result);
    case DISCLOSURE_SHORT: return hub_base_no_memory(call);
    }
    made->table = reading->table;
    if (request->draft)
        return CLI_DONE;
    error = release_enter(connection, reading, &options, digest, &entered);
    if (error != DATABASE_OK)
        return hub_base_fail(base, call, error);
    *enter = true;
    use_release(made, &entered);
    return CLI_DONE;
}

static int make(cli_call *call, hub_base *base, store *second, const hub_regional_request *request, arena *from, hub_regional *made)
{
    database *connection = NULL, *helper = NULL;
    region_reading reading;
    bool enter = false;
    database_error error = store_database(base->store, &connection);
    if (second && store_database(second, &helper) != DATABASE_OK)
        helper = NULL;
    if (error == DATABASE_OK)
        error = request->draft ? database_begin(connection, true) : release_begin(connection);
    if (error == DATABASE_OK)
        error = region_read(connection, helper, &request->places, &request->query, from, &reading);
    int code = error == DATABASE_OK ? CLI_DONE : hub_base_fail(base, call, error);
    if (code == CLI_DONE) {
        made->note_count = reading.note_count;
        made->notes = reading.notes;
        for (unsigned i = 0; i < made->note_count; i++)
            cli_say(call, "%.*s", (int)made->notes[i].size, made->notes[i].at);
        if (reading.table.territory_count == 0)
            code = cli_fail(call, CLI_BAD_INPUT, "la région %.*s (%.*s) n’a aucun contrat%s", (int)reading.table.code.size,
                            reading.table.code.at, (int)reading.table.name.size, reading.table.name.at,
                            request->query.from == CIVIL_NONE ? "" : " dans cette période");
    }
    if (code == CLI_DONE)
        code = mask(call, base, connection, request, &reading, from, made, &enter);
    if (code == CLI_DONE && enter) {
        error = database_commit(connection);
        code = error == DATABASE_OK ? CLI_DONE : hub_base_fail(base, call, error);
    }
    database_rollback(connection); /* harmless after a commit */
    return code;
}

int hub_regional_make(cli_call *call, hub_base *base, const hub_regional_request *request, arena *from, hub_regional *made)
{
    store *second = NULL;
    store_options options;
    *made = (hub_regional){0};
    /* Before anything is entered: what is wrong in the scheme must not cost a release. */
    int code = read_scheme(call, base, request, from, made);
    if (code != CLI_DONE)
        return code;
    hub_base_store_options(base, STORE_REPORT, &options);
    if (store_open(&second, &options) != DATABASE_OK) /* a report can be made without it */
        store_destroy(&second);
    code = make(call, base, second, request, from, made);
    store_destroy(&second);
    if (code != CLI_DONE)
        return code;
    made->table.draft = request->draft;
    count_masked(made);
    made->sections = region_scheme_arrange(made->scheme, &made->table, from, &made->section_count);
    return made->sections ? CLI_DONE : hub_base_no_memory(call);
}

void hub_regional_standing(const hub_regional *self, char text[HUB_REGIONAL_STANDING_MAX])
{
    if (self->table.draft && self->again)
        snprintf(text, HUB_REGIONAL_STANDING_MAX, "Brouillon ; ce sont les nombres de la publication n° %" PRIu64 " du %.10s", self->number,
                 self->released_at);
    else if (self->table.draft)
        snprintf(text, HUB_REGIONAL_STANDING_MAX, "Brouillon, à ne pas publier : il n’est pas inscrit au registre des publications");
    else
        snprintf(text, HUB_REGIONAL_STANDING_MAX, "Publication n° %" PRIu64 " du %.10s", self->number, self->released_at);
}
