/* forget: see forget.h. */
#include "forget.h"

#include <stdlib.h>
#include <string.h>

#include "batcher.h"
#include "departed.h"
#include "namebook.h"
#include "recordkey.h"
#include "trail.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

/* Names of the outbox's values. */
static const char LIST[] = "effacements"; /* who was erased */
static const char GONE[] = "effaces";     /* by contract: the keys that were erased, ascending */

/* Keys that grow; a failure sticks. */
typedef struct {
    departed_key *keys;
    size_t count, room;
    bool failed;
} keyset;

static void add_key(keyset *to, const uint8_t key[RECORD_KEY])
{
    if (to->count == to->room && !to->failed) {
        size_t room = 2 * to->room + 64;
        departed_key *more = realloc(to->keys, room * sizeof *more);
        to->failed = more == NULL;
        to->keys = more == NULL ? to->keys : more;
        to->room = more == NULL ? to->room : room;
    }
    if (!to->failed)
        memcpy(to->keys[to->count++], key, RECORD_KEY);
}

/* The erasure of somebody in a contract. */
typedef struct {
    outbox *box;
    const agent_home *agent;
    const outbox_place *place;
    const wire_contract *terms; /* NULL: the hub tells of the contract no more */
    keyset subjects;            /* ascending, each once */
    keyset perhaps;             /* keys that are theirs if they are held at all */
    keyset keys;                /* to be erased */
    forget_result *result;
} erasing;

static const uint8_t (*set_of(const keyset *from))[RECORD_KEY]
{
    return (const uint8_t(*)[RECORD_KEY])from->keys;
}

static void release(erasing *work)
{
    free(work->subjects.keys);
    free(work->perhaps.keys);
    free(work->keys.keys);
}

static void add_months(keyset *to, const erasing *work)
{
    departed_key keys[128];
    size_t months = work->terms == NULL ? 0 : departed_months(work->terms);
    for (size_t i = 0; i < work->subjects.count; i++)
        for (size_t at = 0; at < months; at += sizeof keys / sizeof *keys) {
            size_t count = departed_beneficiary(keys, sizeof keys / sizeof *keys, at, work->agent->secrets->record_key,
                                                work->terms, work->subjects.keys[i]);
            for (size_t k = 0; k < count; k++)
                add_key(to, keys[k]);
        }
}

/* Takes their facts out of those kept under that name; *any: there were some. */
static outbox_error take_facts(erasing *work, const char *name, bool *any)
{
    export_contribution *facts;
    size_t count, kept = 0;
    text_view contract = text_of(work->place->contract);
    outbox_error error = trail_facts(work->box, name, contract, &facts, &count);
    for (size_t i = 0; error == OUTBOX_OK && i < count; i++) {
        uint8_t key[RECORD_KEY];
        if (!departed_has(set_of(&work->subjects), work->subjects.count, facts[i].subject)) {
            facts[kept++] = facts[i];
            continue;
        }
        add_key(&work->keys, facts[i].event);
        recordkey_beneficiary(key, work->agent->secrets->record_key, facts[i].subject, civil_month_of(facts[i].day));
        add_key(&work->keys, key);
    }
    if (error == OUTBOX_OK && kept < count) {
        *any = true;
        error = trail_set_facts(work->box, name, contract, facts, kept);
    }
    free(facts);
    return error;
}

/* Of the keys that are perhaps theirs, those that the hub holds. */
static outbox_error take_held(erasing *work)
{
    outbox_held *held = NULL;
    const difference_entry *entry;
    work->perhaps.count = departed_sort(work->perhaps.keys, work->perhaps.count);
    outbox_error error = outbox_held_open(work->box, text_of(work->place->contract), &held);
    while (error == OUTBOX_OK && (error = outbox_held_next(held, &entry)) == OUTBOX_OK)
        if (departed_has(set_of(&work->perhaps), work->perhaps.count, entry->key))
            add_key(&work->keys, entry->key);
    outbox_held_close(&held);
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}

/* Queues an erasure of each key. */
static outbox_error queue(outbox *box, const agent_home *agent, const outbox_place *place, const keyset *keys)
{
    batcher *batches = keys->count > 0 ? batcher_new(box, agent, text_of(place->scope)) : NULL;
    if (batches == NULL)
        return OUTBOX_OK; /* or told to the transaction */
    for (size_t i = 0; i < keys->count; i++) {
        record what = {.operation = RECORD_ERASE, .contract = text_of(place->contract), .type = FACT_NONE,
                       .month = CIVIL_NONE};
        memcpy(what.key, keys->keys[i], RECORD_KEY);
        batcher_add(batches, &what);
    }
    batcher_end(batches, NULL);
    batcher_destroy(&batches);
    return OUTBOX_OK;
}

/* Reads the keys that were erased in a contract. */
static outbox_error read_gone(outbox *box, text_view contract, keyset *to)
{
    batch_buffer bytes;
    batch_buffer_init(&bytes, OUTBOX_VALUE_MAX);
    outbox_error error = outbox_get(box, GONE, contract, &bytes);
    if (error == OUTBOX_OK && bytes.size % RECORD_KEY != 0)
        error = OUTBOX_DAMAGED;
    for (size_t at = 0; error == OUTBOX_OK && at < bytes.size; at += RECORD_KEY)
        add_key(to, bytes.data + at);
    batch_buffer_release(&bytes);
    if (error == OUTBOX_OK && to->failed)
        error = OUTBOX_NO_MEMORY;
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}

static outbox_error keep_gone(const erasing *work)
{
    keyset all = {0};
    text_view contract = text_of(work->place->contract);
    outbox_error error = read_gone(work->box, contract, &all);
    size_t before = all.count;
    for (size_t i = 0; i < work->keys.count; i++)
        add_key(&all, work->keys.keys[i]);
    all.count = departed_sort(all.keys, all.count);
    if (error == OUTBOX_OK && all.failed)
        error = OUTBOX_NO_MEMORY;
    if (error == OUTBOX_OK && all.count > before)
        error = outbox_set(work->box, GONE, contract, (text_view){(const char *)all.keys, all.count * RECORD_KEY});
    free(all.keys);
    return error;
}

/* Erases what the subjects, and perhaps further keys, have in the contract. */
static outbox_error erase(erasing *work)
{
    bool any = false;
    work->subjects.count = departed_sort(work->subjects.keys, work->subjects.count);
    outbox_error error = take_facts(work, TRAIL_CONTRIBUTIONS, &any);
    if (error == OUTBOX_OK)
        error = take_facts(work, TRAIL_FORMER, &any);
    add_months(any ? &work->keys : &work->perhaps, work);
    if (error == OUTBOX_OK)
        error = take_held(work);
    work->keys.count = departed_sort(work->keys.keys, work->keys.count);
    if (error == OUTBOX_OK && (work->subjects.failed || work->perhaps.failed || work->keys.failed))
        error = OUTBOX_NO_MEMORY;
    if (error != OUTBOX_OK || work->keys.count == 0)
        return error;
    text_view scope = text_of(work->place->scope);
    work->result->known = true;
    work->result->queued += work->keys.count;
    error = outbox_erase_bodies(work->box, scope, set_of(&work->keys), work->keys.count, &work->result->bodies);
    if (error == OUTBOX_OK)
        error = outbox_erase_held(work->box, work->place, set_of(&work->keys), work->keys.count, &work->result->records);
    if (error == OUTBOX_OK)
        error = keep_gone(work);
    return error == OUTBOX_OK ? queue(work->box, work->agent, work->place, &work->keys) : error;
}

outbox_error forget_list(outbox *from, arena *memory, erasure_list *list)
{
    erasure_person *people;
    outbox_error error = trail_people(from, LIST, text_of(""), &people, &list->count);
    erasure_person *kept = error == OUTBOX_OK ? arena_take(memory, (list->count + 1) * sizeof *kept) : NULL;
    if (kept != NULL && list->count > 0)
        memcpy(kept, people, list->count * sizeof *kept);
    else if (kept == NULL && error == OUTBOX_OK)
        error = OUTBOX_NO_MEMORY;
    list->people = kept;
    list->count = kept == NULL ? 0 : list->count;
    free(people);
    return error;
}

/* A local number, and whose work it is. */
typedef struct {
    erasing *work;
    text_view id;
} person;

static void add_subject(void *data, text_view action)
{
    const person *who = data;
    uint8_t subject[RECORD_KEY];
    recordkey_subject(subject, who->work->agent->secrets->record_key, text_of(who->work->place->contract), action, who->id);
    add_key(&who->work->subjects, subject);
}

/* Moves what is known of that local number from the people of a contract to the list. */
static outbox_error take_people(outbox *box, text_view contract, const erasure_person *who, forget_result *result)
{
    erasure_person *people;
    size_t count, kept = 0;
    outbox_error error = trail_people(box, TRAIL_PEOPLE, contract, &people, &count);
    for (size_t i = 0; error == OUTBOX_OK && i < count; i++) {
        if (memcmp(people[i].id, who->id, sizeof who->id) == 0) {
            result->known = true;
            error = trail_add_people(box, LIST, text_of(""), &people[i], 1);
        } else {
            people[kept++] = people[i];
        }
    }
    if (error == OUTBOX_OK && kept < count)
        error = trail_set_people(box, TRAIL_PEOPLE, contract, people, kept);
    free(people);
    return error;
}

static const wire_contract *find_terms(const wire_contract *contracts, unsigned count, const char *id)
{
    for (unsigned i = 0; i < count; i++)
        if (text_is(contracts[i].id, id))
            return &contracts[i];
    return NULL;
}

static outbox_error forget_in(outbox *box, const agent_home *agent, const outbox_place *place, const wire_contract *terms,
                              text_view id_local, const erasure_person *who, forget_result *result)
{
    erasing work = {.box = box, .agent = agent, .place = place, .terms = terms, .result = result};
    person of = {.work = &work, .id = id_local};
    outbox_error error = trail_actions(box, text_of(place->contract), add_subject, &of);
    for (unsigned i = 0; terms != NULL && i < terms->action_count; i++)
        add_subject(&of, terms->actions[i].code);
    if (error == OUTBOX_OK)
        error = erase(&work);
    if (error == OUTBOX_OK)
        error = take_people(box, text_of(place->contract), who, result);
    if (error == OUTBOX_OK)
        error = namebook_forget(box, text_of(place->contract), who);
    release(&work);
    return error;
}

/* Further local numbers of those on the list that is the same person as who. */
static outbox_error count_others(outbox *box, const outbox_place *place, const erasure_person *who, forget_result *result)
{
    erasure_person *people = NULL, *listed = NULL;
    size_t count = 0, listed_count = 0;
    outbox_error error = trail_people(box, TRAIL_PEOPLE, text_of(place->contract), &people, &count);
    if (error == OUTBOX_OK)
        error = trail_people(box, LIST, text_of(""), &listed, &listed_count);
    for (size_t i = 0; error == OUTBOX_OK && i < count; i++) {
        bool same = false;
        for (size_t k = 0; k < listed_count && !same; k++)
            same = memcmp(listed[k].id, who->id, sizeof who->id) == 0 && erasure_same(&listed[k], &people[i]);
        bool again = i > 0 && memcmp(people[i].id, people[i - 1].id, sizeof who->id) == 0;
        result->others += same && !again;
    }
    free(people);
    free(listed);
    return error;
}

static outbox_error is_listed(outbox *box, const erasure_person *who, bool *listed)
{
    erasure_person *people;
    size_t count;
    outbox_error error = trail_people(box, LIST, text_of(""), &people, &count);
    *listed = false;
    for (size_t i = 0; error == OUTBOX_OK && i < count; i++)
        *listed |= memcmp(people[i].id, who->id, sizeof who->id) == 0;
    free(people);
    return error;
}

static outbox_error forget_everywhere(outbox *box, const agent_home *agent, text_view id_local, arena *memory,
                                      forget_result *result)
{
    erasure_person who;
    wire_contract *contracts;
    unsigned contract_count;
    outbox_place *places = NULL;
    size_t count = 0;
    erasure_of_id(&who, agent->secrets->record_key, id_local);
    outbox_error error = outbox_contracts(box, memory, &contracts, &contract_count);
    if (error == OUTBOX_OK)
        error = is_listed(box, &who, &result->listed);
    if (error == OUTBOX_OK)
        error = outbox_places(box, &places, &count);
    for (size_t i = 0; error == OUTBOX_OK && i < count; i++)
        error = forget_in(box, agent, &places[i], find_terms(contracts, contract_count, places[i].contract), id_local, &who,
                          result);
    if (error == OUTBOX_OK)
        error = trail_add_people(box, LIST, text_of(""), &who, 1);
    for (size_t i = 0; error == OUTBOX_OK && i < count; i++)
        error = count_others(box, &places[i], &who, result);
    result->known = result->known || result->listed;
    free(places);
    return error;
}

/* Ends a transaction with what came of it. */
static outbox_error finish(outbox *box, outbox_error error)
{
    if (error == OUTBOX_OK)
        return outbox_commit(box);
    outbox_rollback(box);
    return error;
}

outbox_error forget_person(outbox *box, const agent_home *agent, text_view id_local, bool allow_unknown,
                           forget_result *result)
{
    memset(result, 0, sizeof *result);
    arena *memory = arena_new(MEMORY_BYTES);
    outbox_error error = memory == NULL ? OUTBOX_NO_MEMORY : outbox_begin(box);
    if (error == OUTBOX_OK) {
        error = forget_everywhere(box, agent, id_local, memory, result);
        if (error == OUTBOX_OK && !result->known && !allow_unknown)
            outbox_rollback(box);
        else
            error = finish(box, error);
    }
    arena_destroy(&memory);
    return error;
}

/* Moves to the end all of the list that is the same as one there already; how many are left before it. */
static size_t draw(erasure_person *people, size_t count, size_t left)
{
    for (size_t i = 0; i < left;) {
        bool same = false;
        for (size_t k = left; k < count && !same; k++)
            same = erasure_same(&people[i], &people[k]);
        if (!same) {
            i++;
            continue;
        }
        erasure_person drawn = people[i];
        people[i] = people[--left];
        people[left] = drawn;
        i = 0; /* who is the same as this one? */
    }
    return left;
}

outbox_error forget_undo(outbox *box, const agent_home *agent, text_view id_local, forget_result *result)
{
    erasure_person who, *people = NULL;
    size_t count, left;
    memset(result, 0, sizeof *result);
    erasure_of_id(&who, agent->secrets->record_key, id_local);
    outbox_error error = outbox_begin(box);
    if (error != OUTBOX_OK)
        return error;
    error = trail_people(box, LIST, text_of(""), &people, &count);
    left = count;
    for (size_t i = 0; error == OUTBOX_OK && i < left;) {
        if (memcmp(people[i].id, who.id, sizeof who.id) != 0) {
            i++;
            continue;
        }
        erasure_person found = people[i];
        people[i] = people[--left];
        people[left] = found;
    }
    result->listed = result->known = error == OUTBOX_OK && left < count;
    if (result->listed)
        error = trail_set_people(box, LIST, text_of(""), people, draw(people, count, left));
    free(people);
    return finish(box, error);
}

/* What one contract's export has of people who were erased. */
static outbox_error found_in(outbox *box, const agent_home *agent, const export *made, const export_result *in)
{
    forget_result ignored = {0};
    outbox_place place;
    erasing work = {.box = box, .agent = agent, .place = &place, .terms = in->terms, .result = &ignored};
    if (!text_copy(place.scope, sizeof place.scope, in->terms->scope)
        || !text_copy(place.contract, sizeof place.contract, in->terms->id))
        return OUTBOX_DAMAGED;
    for (size_t i = 0; i < in->erased_subject_count; i++)
        add_key(&work.subjects, in->erased_subjects[i]);
    for (size_t i = 0; i < in->erased_count; i++)
        add_key(&work.perhaps, in->erased[i]);
    outbox_error error = erase(&work);
    for (size_t i = 0; error == OUTBOX_OK && i < made->erased.count; i++)
        error = take_people(box, in->terms->id, &made->erased.people[i], &ignored);
    release(&work);
    return error;
}

outbox_error forget_found(outbox *box, const agent_home *agent, const export *made)
{
    if (made->erased.count == 0)
        return OUTBOX_OK;
    outbox_error error = outbox_begin(box);
    if (error != OUTBOX_OK)
        return error;
    error = trail_add_people(box, LIST, text_of(""), made->erased.people, made->erased.count);
    for (unsigned i = 0; error == OUTBOX_OK && i < made->result_count; i++)
        error = found_in(box, agent, made, &made->results[i]);
    return finish(box, error);
}

static void add_refused(void *data, const uint8_t key[RECORD_KEY])
{
    add_key(data, key);
}

/* Of the keys that were erased, those that the hub could not read. */
static outbox_error find_refused(outbox *box, const outbox_place *place, keyset *to)
{
    keyset gone = {0}, refused = {0};
    text_view contract = text_of(place->contract);
    outbox_error error = outbox_refused(box, contract, RECORD_UNREADABLE, add_refused, &refused);
    if (error == OUTBOX_OK && refused.count > 0)
        error = read_gone(box, contract, &gone);
    refused.count = departed_sort(refused.keys, refused.count);
    for (size_t i = 0; error == OUTBOX_OK && i < refused.count; i++)
        if (departed_has(set_of(&gone), gone.count, refused.keys[i]))
            add_key(to, refused.keys[i]);
    if (error == OUTBOX_OK && (refused.failed || to->failed))
        error = OUTBOX_NO_MEMORY;
    free(gone.keys);
    free(refused.keys);
    return error;
}

static outbox_error queue_refused(outbox *box, const agent_home *agent, const outbox_place *place, const keyset *keys)
{
    uint64_t dropped = 0;
    outbox_error error = outbox_begin(box);
    if (error != OUTBOX_OK)
        return error;
    error = outbox_erase_held(box, place, set_of(keys), keys->count, &dropped); /* their refusals are past */
    if (error == OUTBOX_OK)
        error = queue(box, agent, place, keys);
    return finish(box, error);
}

outbox_error forget_refused(outbox *box, const agent_home *agent)
{
    outbox_place *places;
    size_t count;
    outbox_error error = outbox_places(box, &places, &count);
    for (size_t i = 0; error == OUTBOX_OK && i < count; i++) {
        keyset keys = {0};
        error = find_refused(box, &places[i], &keys);
        if (error == OUTBOX_OK && keys.count > 0)
            error = queue_refused(box, agent, &places[i], &keys);
        free(keys.keys);
    }
    free(places);
    return error;
}

outbox_error forget_again(outbox *box, const agent_home *agent, text_view scope)
{
    outbox_place *places;
    size_t count;
    outbox_error error = outbox_places(box, &places, &count);
    for (size_t i = 0; error == OUTBOX_OK && i < count; i++) {
        keyset keys = {0};
        uint64_t dropped = 0;
        if (!text_is(scope, places[i].scope))
            continue;
        error = read_gone(box, text_of(places[i].contract), &keys);
        if (error == OUTBOX_OK && keys.count > 0)
            error = outbox_erase_held(box, &places[i], set_of(&keys), keys.count, &dropped);
        if (error == OUTBOX_OK)
            error = queue(box, agent, &places[i], &keys);
        free(keys.keys);
    }
    free(places);
    if (error != OUTBOX_OK)
        outbox_spoil(box, error);
    return error;
}
