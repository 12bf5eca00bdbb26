/*
 * amendment: see the header. The two files are merged as trees, whose nodes remember their file and place: so the
 * contract's own reader checks the result, and each fault is told where it stands.
 */
#include "amendment.h"

#include <stdio.h>
#include <string.h>

#include "contract_reader.h"

static const char *const replaced_keys[] = { "titre", "dernier_jour", "conservation", "parties", "pilotage", "financements",
                                             "objectifs", "variantes" };
enum { REPLACED_KEYS = sizeof replaced_keys / sizeof *replaced_keys };
static const char *const fixed_keys[] = { "id", "departement", "region", "perimetre", "premier_jour" };
enum { FIXED_KEYS = sizeof fixed_keys / sizeof *fixed_keys };

bool amendment_is(arena *from, text_view bytes)
{
    diag_sink silent = { 0 };
    yamldoc doc;
    return yamldoc_load(&doc, from, NULL, bytes, &silent) && doc.root->kind == YAMLDOC_MAP
        && !yamldoc_peek(doc.root, "id") && (yamldoc_peek(doc.root, "contrat") || yamldoc_peek(doc.root, "avenant"));
}

/* What no amendment may say: each with its reason. */
static void refuse_fixed(amendment *self, yamldoc_map *top)
{
    for (unsigned i = 0; i < FIXED_KEYS; i++) {
        const yamldoc_node *at = yamldoc_value(top, fixed_keys[i], YAMLDOC_OPTIONAL);
        if (at)
            yamldoc_error(&self->doc, at, fixed_keys[i],
                          "un avenant ne change ni l’identifiant, ni le territoire, ni le premier jour d’un contrat : faites un "
                          "nouveau contrat");
    }
}

static void refuse_removal(amendment *self, yamldoc_map *map, const char *what)
{
    static const char *const words[] = { "supprime", "supprimee", "retire", "retiree" };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        const yamldoc_node *at = yamldoc_value(map, words[i], YAMLDOC_OPTIONAL);
        if (at)
            yamldoc_error(&self->doc, at, words[i],
                          "%s d’un contrat ne disparaît pas par un avenant : ce qui a été compté reste dû à l’évaluation", what);
    }
}

/* Has the list an earlier item of that code? Says so. */
static void refuse_twice(amendment *self, const yamldoc_node *list, const yamldoc_node *item, text_view code)
{
    for (const yamldoc_node *before = list->first; before != item; before = before->next) {
        const yamldoc_node *other = yamldoc_peek(before, "code");
        if (other && other->kind == YAMLDOC_SCALAR && text_equal(text_trim(other->text), code)) {
            yamldoc_error(&self->doc, item, "code", "ce code est donné deux fois dans l’avenant");
            return;
        }
    }
}

static void read_action(amendment *self, contract_reader *reader, const yamldoc_node *list, const yamldoc_node *item)
{
    static const char *const keys[] = { "titre", "operateurs", "partenaires", "cout", "indicateurs", "refugies_info" };
    yamldoc_map map;
    text_view code;
    contract_target targets[CONTRACT_TARGETS_MAX];
    unsigned count = 0;
    if (!yamldoc_map_open(&map, &self->doc, item, "une action"))
        return;
    refuse_removal(self, &map, "une action");
    if (yamldoc_name(&map, "code", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &code))
        refuse_twice(self, list, item, code);
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
        (void)yamldoc_value(&map, keys[i], YAMLDOC_OPTIONAL);
    contract_reader_targets(reader, &map, targets, &count);
    if (item->count < 2)
        yamldoc_error(&self->doc, item, NULL, "cette action n’a que son code : dites ce que l’avenant y change");
    yamldoc_map_close(&map);
}

/* The removal of an indicator is refused before the catalogue's reader sees a key that it does not know. */
static bool removes_indicator(amendment *self, const yamldoc_node *list)
{
    unsigned long errors = self->doc.sink->count[DIAG_ERROR];
    for (const yamldoc_node *item = list && list->kind == YAMLDOC_LIST ? list->first : NULL; item; item = item->next) {
        yamldoc_map map;
        if (item->kind == YAMLDOC_MAP && yamldoc_map_open(&map, &self->doc, item, "un indicateur"))
            refuse_removal(self, &map, "un indicateur");
    }
    return self->doc.sink->count[DIAG_ERROR] != errors;
}

/* The parts that can be read without the contract; what they say is read again once merged. */
static void read_parts(amendment *self, arena *from, const catalogue *national, yamldoc_map *top)
{
    contract scratch = { .first_day = CIVIL_NONE, .last_day = CIVIL_NONE };
    contract_reader reader = { .into = &scratch, .doc = &self->doc, .national = national };
    text_view text;
    civil_day day;
    int64_t months;
    (void)!yamldoc_text(top, "titre", YAMLDOC_OPTIONAL, WIRE_TITLE_MAX, &text);
    (void)!yamldoc_day(top, "dernier_jour", YAMLDOC_OPTIONAL, &day);
    (void)!yamldoc_integer(top, "conservation", YAMLDOC_OPTIONAL, 1, CONTRACT_RETENTION_MAX, &months);
    contract_reader_parties(&reader, top, YAMLDOC_OPTIONAL);
    contract_reader_money(&reader, top);
    contract_reader_targets(&reader, top, scratch.targets, &scratch.target_count);
    (void)yamldoc_value(top, "variantes", YAMLDOC_OPTIONAL);
    const yamldoc_node *own = yamldoc_value(top, "indicateurs", YAMLDOC_OPTIONAL);
    if (!own || !removes_indicator(self, own))
        (void)!catalogue_read(&scratch.own, top, YAMLDOC_OPTIONAL, national);
    const yamldoc_node *list = yamldoc_list(top, "actions", YAMLDOC_OPTIONAL, 1, CONTRACT_ACTIONS_MAX);
    for (const yamldoc_node *item = list ? list->first : NULL; item; item = item->next)
        read_action(self, &reader, list, item);
}

bool amendment_read(amendment *self, arena *from, const catalogue *national, const char *file, text_view bytes,
                    diag_sink *sink)
{
    unsigned long errors = sink->count[DIAG_ERROR];
    yamldoc_map top;
    int64_t number = 0;
    *self = (amendment){ .text = bytes, .day = CIVIL_NONE };
    if (!yamldoc_load(&self->doc, from, file, bytes, sink)
        || !yamldoc_map_open(&top, &self->doc, self->doc.root, "le fichier d’un avenant"))
        return false;
    (void)!yamldoc_name(&top, "contrat", YAMLDOC_REQUIRED, RECORD_NAME_MAX, &self->contract);
    if (yamldoc_integer(&top, "avenant", YAMLDOC_REQUIRED, 1, CONTRACT_AMENDMENTS_MAX, &number))
        self->number = (unsigned)number;
    (void)!yamldoc_day(&top, "date", YAMLDOC_REQUIRED, &self->day);
    (void)!yamldoc_text(&top, "objet", YAMLDOC_OPTIONAL, WIRE_TITLE_MAX, &self->subject);
    refuse_fixed(self, &top);
    read_parts(self, from, national, &top);
    bool says_something = yamldoc_peek(self->doc.root, "actions") || yamldoc_peek(self->doc.root, "indicateurs");
    for (unsigned i = 0; i < REPLACED_KEYS; i++)
        says_something = says_something || yamldoc_peek(self->doc.root, replaced_keys[i]);
    if (!says_something && sink->count[DIAG_ERROR] == errors)
        yamldoc_error(&self->doc, self->doc.root, NULL, "cet avenant ne change rien au contrat");
    yamldoc_map_close(&top);
    return sink->count[DIAG_ERROR] == errors;
}

/* ---- the merged tree ---- */

typedef struct {
    amendment *what;
    arena *from;
    diag_sink *sink;         /* the amendment's own */
    const char *file;
    bool short_of_memory;
} merging;

static yamldoc_node *add(merging *self, yamldoc_node *to, yamldoc_node **last, const yamldoc_node *what)
{
    yamldoc_node *copy = arena_take(self->from, sizeof *copy);
    if (!copy) {
        self->short_of_memory = true;
        return NULL;
    }
    *copy = *what;
    copy->next = NULL;
    if (*last)
        (*last)->next = copy;
    else
        to->first = copy;
    *last = copy;
    to->count++;
    return copy;
}

/* An empty list or map that stands where another does. */
static yamldoc_node *begin(merging *self, const yamldoc_node *like)
{
    yamldoc_node *node = arena_take(self->from, sizeof *node);
    self->short_of_memory = self->short_of_memory || !node;
    if (node) {
        *node = *like;
        node->first = node->next = NULL;
        node->count = 0;
    }
    return node;
}

/* The keys of before, those that after has too from there; then what only after has. */
static yamldoc_node *merge_maps(merging *self, const yamldoc_node *before, const yamldoc_node *after)
{
    yamldoc_node *map = begin(self, after), *last = NULL;
    for (const yamldoc_node *item = before->first; map && item; item = item->next) {
        const yamldoc_node *other = yamldoc_peek(after, item->key.at);
        (void)add(self, map, &last, other ? other : item);
    }
    for (const yamldoc_node *item = after->first; map && item; item = item->next)
        if (!yamldoc_peek(before, item->key.at))
            (void)add(self, map, &last, item);
    return map;
}

static const yamldoc_node *find_code(const yamldoc_node *list, const yamldoc_node *item)
{
    const yamldoc_node *code = yamldoc_peek(item, "code");
    for (const yamldoc_node *one = list ? list->first : NULL; code && one; one = one->next) {
        const yamldoc_node *other = yamldoc_peek(one, "code");
        if (other && text_equal(text_trim(other->text), text_trim(code->text)))
            return one;
    }
    return NULL;
}

/* The items of before, those of a code that after has too changed by it; then after's new ones. */
static yamldoc_node *merge_lists(merging *self, const yamldoc_node *before, const yamldoc_node *after, bool by_key)
{
    yamldoc_node *list = begin(self, after), *last = NULL;
    for (const yamldoc_node *item = before ? before->first : NULL; list && item; item = item->next) {
        const yamldoc_node *other = find_code(after, item), *merged = other;
        if (other && by_key)
            merged = merge_maps(self, item, other);
        if (merged || !other)
            (void)add(self, list, &last, merged ? merged : item);
    }
    for (const yamldoc_node *item = after->first; list && item; item = item->next)
        if (!find_code(before, item))
            (void)add(self, list, &last, item);
    return list;
}

static void add_text(merging *self, yamldoc_node *map, yamldoc_node **last, const char *key, text_view text, bool quoted)
{
    const yamldoc_node node = { .kind = YAMLDOC_SCALAR, .text = text, .quoted = quoted, .key = text_of(key), .file = self->file,
                                .line = 1, .column = 1 };
    (void)add(self, map, last, &node);
}

/* The key `avenant` of the registered text. */
static void add_amendment(merging *self, yamldoc_node *root, yamldoc_node **last)
{
    const amendment *what = self->what;
    const yamldoc_node like = { .kind = YAMLDOC_MAP, .key = text_of("avenant"), .file = self->file, .line = 1, .column = 1 };
    yamldoc_node *map = add(self, root, last, &like), *last_key = NULL;
    char day[CIVIL_DAY_TEXT], number[16];
    if (!map)
        return;
    civil_day_text(what->day, day);
    snprintf(number, sizeof number, "%u", what->number);
    const char *number_text = arena_text(self->from, text_of(number)), *day_text = arena_text(self->from, text_of(day));
    if (!number_text || !day_text) {
        self->short_of_memory = true;
        return;
    }
    add_text(self, map, &last_key, "numero", text_of(number_text), false);
    add_text(self, map, &last_key, "date", text_of(day_text), false);
    if (what->subject.size > 0)
        add_text(self, map, &last_key, "objet", what->subject, true);
    add_text(self, map, &last_key, "texte", what->text, true);
}

static bool is_replaced(text_view key)
{
    for (unsigned i = 0; i < REPLACED_KEYS; i++)
        if (text_is(key, replaced_keys[i]))
            return true;
    return false;
}

static bool is_by_code(text_view key)
{
    return text_is(key, "actions") || text_is(key, "indicateurs");
}

static yamldoc_node *merge_trees(merging *self, const yamldoc_node *before)
{
    const yamldoc_node *after = self->what->doc.root;
    yamldoc_node *root = begin(self, after), *last = NULL;
    for (const yamldoc_node *item = before->first; root && item; item = item->next) {
        const yamldoc_node *other = yamldoc_peek(after, item->key.at);
        if (text_is(item->key, "avenant"))
            continue;
        if (other && is_by_code(item->key))
            other = merge_lists(self, item, other, text_is(item->key, "actions"));
        else if (!is_replaced(item->key))
            other = NULL;
        (void)add(self, root, &last, other ? other : item);
    }
    for (const yamldoc_node *item = after->first; root && item; item = item->next)
        if ((is_replaced(item->key) || is_by_code(item->key)) && !yamldoc_peek(before, item->key.at))
            (void)add(self, root, &last, item);
    if (root)
        add_amendment(self, root, &last);
    return root;
}

/* ---- what is said of it ---- */

/*
 * Of the amendment's file all is passed on. A fault in the registered text is the amendment's doing (it was right
 * before): it can only be a party that it takes away. The registered text's own doubts have been told.
 */
static void pass_on(diag_sink *sink, const diag *what)
{
    merging *self = sink->data;
    if (what->file == self->file) {
        diag_emit(self->sink, what);
        return;
    }
    if (what->severity != DIAG_ERROR)
        return;
    const yamldoc_node *root = self->what->doc.root, *parties = yamldoc_peek(root, "parties"), *at = parties ? parties : root;
    diag told = *what;
    char remedy[160];
    snprintf(remedy, sizeof remedy, "C’est la ligne %lu du contrat enregistré qui le demande : gardez-le, ou changez aussi ce qui s’en sert",
             what->line);
    told.file = self->file;
    told.line = at->line;
    told.column = at->column;
    told.remedy = remedy;
    diag_emit(self->sink, &told);
}

static void check_head(amendment *self, const contract *before)
{
    yamldoc *doc = &self->doc;
    const yamldoc_node *root = doc->root;
    unsigned next = before->amended.number + 1;
    if (!text_equal(self->contract, before->id))
        yamldoc_error(doc, yamldoc_peek(root, "contrat"), "contrat", "cet avenant est celui d’un autre contrat");
    if (self->number != next)
        yamldoc_error(doc, yamldoc_peek(root, "avenant"), "avenant", "le prochain avenant de ce contrat porte le numéro %u", next);
    char day[CIVIL_DAY_TEXT];
    civil_day_text(before->amended.number > 0 ? before->amended.day : before->first_day, day);
    if (before->amended.number > 0 && self->day < before->amended.day)
        yamldoc_error(doc, yamldoc_peek(root, "date"), "date", "l’avenant n° %u s’applique depuis le %s : celui-ci ne peut pas s’appliquer avant",
                      before->amended.number, day);
    else if (self->day < before->first_day)
        yamldoc_error(doc, yamldoc_peek(root, "date"), "date", "le contrat ne commence que le %s", day);
}

static void check_days(amendment *self, const contract *before, const contract *into)
{
    const yamldoc_node *root = self->doc.root;
    char last[CIVIL_DAY_TEXT];
    civil_day_text(into->last_day, last);
    if (self->day > into->last_day)
        yamldoc_error(&self->doc, yamldoc_peek(root, "date"), "date", "l’avenant s’appliquerait après le dernier jour du contrat (%s)", last);
    if (into->last_day < before->last_day)
        yamldoc_warn(&self->doc, yamldoc_peek(root, "dernier_jour"), "dernier_jour",
                     "le contrat finit plus tôt : ce qui a été compté après ne comptera plus dans les rapports qui suivent cet avenant");
}

bool amendment_merge(amendment *self, arena *from, const catalogue *national, const territory *places, text_view before,
                     contract *into, text_view *definition)
{
    merging it = { .what = self, .from = from, .sink = self->doc.sink, .file = self->doc.file };
    diag_sink silent = { 0 }, passing = { .emit = pass_on, .data = &it };
    unsigned long errors = it.sink->count[DIAG_ERROR];
    contract was;
    yamldoc registered;
    if (!yamldoc_load(&registered, from, "", before, &silent) || !contract_read_tree(&was, national, places, &registered)) {
        yamldoc_error(&self->doc, NULL, NULL, arena_short(from) ? "la mémoire manque pour lire ce fichier"
                                                                : "le texte enregistré du contrat ne peut plus être lu");
        return false;
    }
    check_head(self, &was);
    yamldoc merged = { .file = "", .sink = &passing, .from = from, .root = merge_trees(&it, registered.root) };
    if (it.short_of_memory || !yamldoc_write(merged.root, from, definition)) {
        yamldoc_error(&self->doc, NULL, NULL, "la mémoire manque pour lire ce fichier");
        return false;
    }
    bool good = contract_read_tree(into, national, places, &merged);
    if (good)
        check_days(self, &was, into);
    if (definition->size > YAMLDOC_BYTES_MAX)
        yamldoc_error(&self->doc, NULL, NULL, "le contrat et l’avenant sont trop gros ensemble (1 Mio au plus)");
    return good && it.sink->count[DIAG_ERROR] == errors;
}
