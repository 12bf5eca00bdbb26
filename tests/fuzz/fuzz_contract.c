/*
 * A contract's file, and as an indicator list, the regions' list or an amendment to a contract: what is read without error keeps
 * its bounds; what is written of it reads as the same.
 */
#include "fuzz.h"

#include "amendment.h"
#include "embedded.h"

enum { MEMORY_BYTES = 16 << 20 };

static catalogue national;
static territory places;
static arena *lists;

static text_view embedded_text(const char *name)
{
    const embedded_file *file = embedded_find(name);

    assert(file != NULL);
    return (text_view){(const char *) file->data, file->size};
}

static void start(void)
{
    diag_sink sink = {.emit = NULL};

    fuzz_start();
    lists = arena_new(MEMORY_BYTES);
    assert(lists != NULL);
    assert(catalogue_load(&national, lists, "indicators.yaml", embedded_text("indicators.yaml"), &sink));
    assert(territory_load(&places, lists, "regions.yaml", embedded_text("regions.yaml"), &sink));
}

static void check_sentence(diag_sink *sink, const diag *what)
{
    assert(what->message != NULL && what->message[0] != '\0' && text_is_utf8(text_of(what->message)));
    for (const char *at = what->message; *at != '\0'; at++)
        assert((unsigned char) *at >= ' ' && *at != 0x7f); /* a terminal obeys nothing of it */
    (void) sink;
}

static void check_contract(const contract *self)
{
    assert(yamldoc_is_name(self->id, RECORD_NAME_MAX) && yamldoc_is_name(self->scope, BATCH_SCOPE_MAX));
    assert(self->first_day <= self->last_day && territory_department_find(&places, self->department) != NULL);
    assert(self->action_count >= 1 && self->action_count <= CONTRACT_ACTIONS_MAX && self->party_count <= CONTRACT_PARTIES_MAX);
    for (unsigned i = 0; i < self->action_count; i++) {
        const contract_action *action = &self->actions[i];
        assert(yamldoc_is_name(action->code, RECORD_NAME_MAX) && text_is_utf8(action->title) && action->title.size <= WIRE_TITLE_MAX);
        assert(contract_action_find(self, action->code) == action);
        for (unsigned j = 0; j < action->selected_count; j++)
            assert(catalogue_find(&national, action->selected[j]) != NULL || catalogue_find(&self->own, action->selected[j]) != NULL);
        for (unsigned j = 0; j < self->party_count; j++)
            (void) (contract_is_operator(action, self->parties[j].agent) || contract_is_partner(action, self->parties[j].agent));
    }
}

static bool same_tree(const yamldoc_node *one, const yamldoc_node *other)
{
    if (one->kind != other->kind || one->count != other->count || !text_equal(one->text, other->text) || !text_equal(one->key, other->key))
        return false;
    const yamldoc_node *b = other->first;
    for (const yamldoc_node *a = one->first; a; a = a->next, b = b->next)
        if (!b || !same_tree(a, b)) /* no deeper than YAMLDOC_DEPTH_MAX */
            return false;
    return b == NULL;
}

/* Only a key that escapes make longer than YAML lets a key be does not come back. */
static void check_written(arena *from, text_view bytes)
{
    diag_sink silent = {.emit = NULL};
    yamldoc doc, again;
    text_view text;
    if (!yamldoc_load(&doc, from, "c.yaml", bytes, &silent) || !yamldoc_write(doc.root, from, &text))
        return;
    assert(yamldoc_load(&again, from, "d.yaml", text, &silent) ? same_tree(doc.root, again.root) : arena_short(from) || bytes.size > 500);
}

static const char base[] =
    "id: c\ntitre: C\ndepartement: \"63\"\nregion: \"84\"\nperimetre: \"63\"\npremier_jour: 2024-01-01\ndernier_jour: 2024-12-31\n"
    "parties:\n  - {code: p, nom: P, role: coordonnateur, agent: p}\n"
    "actions:\n  - code: a\n    titre: A\n    operateurs: [{partie: p}]\n    indicateurs: [1.1.total, L.x]\n"
    "indicateurs:\n  - {code: L.x, libelle: X, unite: x, compte: somme, types: [sollicitation]}\n";

static void check_amendment(arena *from, text_view bytes)
{
    diag_sink sink = {.emit = check_sentence}, silent = {.emit = NULL};
    amendment self;
    contract merged, again;
    text_view definition;
    if (!amendment_read(&self, from, &national, "a.yaml", bytes, &sink)
        || !amendment_merge(&self, from, &national, &places, text_of(base), &merged, &definition)) {
        assert(sink.count[DIAG_ERROR] > 0);
        return;
    }
    check_contract(&merged);
    assert(contract_action_find(&merged, text_of("a")) && catalogue_find(&merged.own, text_of("L.x")));
    assert(contract_read(&again, from, &national, &places, "d.yaml", definition, &silent) || arena_short(from));
    assert(arena_short(from) || (text_equal(again.amended.text, bytes) && again.action_count == merged.action_count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static arena *kept;
    text_view bytes = {(const char *) data, size};
    diag_sink sink = {.emit = check_sentence};
    contract self;

    if (lists == NULL)
        start();
    bool taken = contract_read(&self, fuzz_arena(&kept, MEMORY_BYTES), &national, &places, "c.yaml", bytes, &sink);
    assert(taken == (sink.count[DIAG_ERROR] == 0));
    if (taken)
        check_contract(&self);
    check_written(kept, bytes);
    if (amendment_is(kept, bytes))
        check_amendment(kept, bytes);
    catalogue list;
    territory regions;
    diag_sink silent = {.emit = NULL};
    if (size > 0 && data[0] == 'i') /* "indicateurs:" */
        (void) !catalogue_load(&list, kept, "i.yaml", bytes, &silent);
    if (size > 0 && data[0] == 'r') /* "regions:" */
        (void) !territory_load(&regions, kept, "r.yaml", bytes, &silent);
    return 0;
}
