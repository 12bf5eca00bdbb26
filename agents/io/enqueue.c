#include "enqueue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "batcher.h"
#include "forget.h"
#include "namebook.h"
#include "recordkey.h"
#include "trail.h"

/* At most, of the facts of a contract: all of them, where there is no store. */
#define MEMORY_BYTES ((size_t)OUTBOX_VALUE_MAX + OUTBOX_VALUE_MAX / 2)

/* The name of the outbox's value, by contract. */
static const char COVERAGE[] = OUTBOX_COVERAGE;
static const char KEYS[] = "cles"; /* the ids of the linkage keys of the last complete export */

/* One contract's way through a push. */
typedef struct {
    outbox *to;
    const agent_home *home;
    const export_result *made;
    text_view contract;
    arena *memory; /* of facts */
    spool facts; /* what then stands, in the form of trail */
    difference difference;
    bool coverage_differs, facts_differ;
    bool first; /* nothing is held, nothing stood: the facts are gathered with the records, which are read once */
    batch_buffer coverage; /* as it is to be kept */
} pushed;

enum { AHEAD = 16 }; /* records that are made together: their hashes take half of the time */

/* Where the merge of the records just made with what is held stands. */
typedef struct {
    const pushed *of;
    outbox_held *held;
    const difference_entry *next_held; /* NULL: at the end */
    size_t made, ready, retained; /* made: told; ready: made ahead of that */
    spool *facts; /* takes those of the records that are made; NULL: none */
    bool retains; /* kept is retained number `retained` */
    uint8_t kept[RECORD_KEY];
    record what[AHEAD]; /* of the records that are made, the last AHEAD, by number */
    batch_buffer body[AHEAD]; /* their own, with a salt of zeros */
    uint8_t content[AHEAD][CRYPTO_SHORT_HASH]; /* hashes of what they say */
    outbox_error error;
} merge;

static outbox_error read_value(outbox *from, const char *name, text_view of, batch_buffer *value)
{
    outbox_error error = outbox_get(from, name, of, value);
    return error == OUTBOX_ABSENT ? OUTBOX_OK : error;
}

outbox_error enqueue_earlier(outbox *from, export_contract *of, trail_reading *reading)
{
    outbox_error error = trail_read_open(reading, from, TRAIL_CONTRIBUTIONS, of->terms->id);
    of->earlier_count = reading->count;
    of->earlier = NULL;
    of->read_earlier = trail_read;
    of->earlier_data = reading;
    return error;
}

outbox_error enqueue_lacks_keys(outbox *from, text_view contract, const token_key *keys, unsigned count, bool *lacks)
{
    batch_buffer ids;
    *lacks = false;
    batch_buffer_init(&ids, RECORD_TOKEN_SETS * TOKEN_KEY_ID);
    outbox_error error = read_value(from, KEYS, contract, &ids);
    for (unsigned i = 0; i < count && ids.size > 0; i++) {
        uint8_t id[TOKEN_KEY_ID];
        bool there = false;
        token_key_id(id, &keys[i]);
        for (size_t at = 0; at + TOKEN_KEY_ID <= ids.size; at += TOKEN_KEY_ID)
            there = there || memcmp(ids.data + at, id, TOKEN_KEY_ID) == 0;
        *lacks = *lacks || !there;
    }
    batch_buffer_release(&ids);
    return error;
}

/* Writes down under which keys all of the contract is told now. */
static void write_keys(const pushed *self)
{
    uint8_t ids[RECORD_TOKEN_SETS * TOKEN_KEY_ID];
    unsigned count = self->made->token_key_count;
    for (unsigned i = 0; i < count; i++)
        token_key_id(ids + i * TOKEN_KEY_ID, &self->made->token_keys[i]);
    (void)outbox_set(self->to, KEYS, self->contract, (text_view){(const char *)ids, count * TOKEN_KEY_ID});
}

static void merge_advance(merge *self)
{
    outbox_error error = outbox_held_next(self->held, &self->next_held);
    if (error != OUTBOX_OK)
        self->next_held = NULL;
    if (error != OUTBOX_OK && error != OUTBOX_ABSENT)
        self->error = error;
}

static void merge_open(merge *self, const pushed *of)
{
    *self = (merge){.of = of};
    for (int i = 0; i < AHEAD; i++)
        batch_buffer_init(&self->body[i], BATCH_BODY_MAX);
    self->retains = export_retained(of->made, 0, self->kept);
    self->error = outbox_held_open(of->to, of->contract, &self->held);
    if (self->error == OUTBOX_OK)
        merge_advance(self);
}

/* Was the reading of an export whole? */
static outbox_error failure(const export_result *made)
{
    switch (export_failure(made)) {
    case EXPORT_OK:
        return OUTBOX_OK;
    case EXPORT_NO_STORE:
        return OUTBOX_CANNOT_WRITE;
    case EXPORT_UNREADABLE:
        return ((const trail_reading *)made->asked->earlier_data)->error;
    default:
        return OUTBOX_NO_MEMORY;
    }
}

/* Also says whether the reading was whole. */
static outbox_error merge_close(merge *self)
{
    outbox_held_close(&self->held);
    for (int i = 0; i < AHEAD; i++)
        batch_buffer_release(&self->body[i]);
    return self->error = self->error == OUTBOX_OK ? failure(self->of->made) : self->error;
}

/* Is the key among those that the export does not vouch for? Asked in ascending order. */
static bool merge_retains(merge *self, const uint8_t key[RECORD_KEY])
{
    while (self->retains && memcmp(self->kept, key, RECORD_KEY) < 0)
        self->retains = export_retained(self->of->made, ++self->retained, self->kept);
    return self->retains && memcmp(self->kept, key, RECORD_KEY) == 0;
}

/* Adds a fact to those that then stand. */
static outbox_error add_fact(spool *facts, const uint8_t packed[TRAIL_FACT])
{
    if (spool_add(facts, packed))
        return OUTBOX_OK;
    return facts->lost ? OUTBOX_CANNOT_WRITE : OUTBOX_NO_MEMORY;
}

static outbox_error keep_fact(spool *facts, const export_contribution *one)
{
    uint8_t packed[TRAIL_FACT];
    trail_pack(packed, one);
    return add_fact(facts, packed);
}

/* Makes the next records, their bodies and the hashes of what they say; false on an error. */
static bool merge_make(merge *self)
{
    static const uint8_t no_salt[CRYPTO_SALT];
    const export_result *made = self->of->made;
    text_view bodies[AHEAD];
    unsigned count = 0;
    export_contribution fact;
    for (; count < AHEAD && self->ready < made->record_count && self->error == OUTBOX_OK; count++) {
        batch_buffer *body = &self->body[self->ready % AHEAD];
        record *what = &self->what[self->ready % AHEAD];
        export_record(made, self->ready, what);
        if (self->facts != NULL && export_contribution_of(made, self->ready, &fact))
            self->error = keep_fact(self->facts, &fact);
        self->ready++;
        batch_buffer_clear(body);
        batch_write_body(body, what, no_salt);
        if (body->failed)
            break; /* also where the reading has failed */
        bodies[count] = (text_view){(const char *)body->data, body->size};
    }
    self->error = self->error == OUTBOX_OK ? failure(made) : self->error;
    if (self->error == OUTBOX_OK && self->body[(self->ready - 1) % AHEAD].failed)
        self->error = OUTBOX_NO_MEMORY;
    if (self->error != OUTBOX_OK)
        return false;
    assert(self->made % AHEAD == 0); /* all of before are told */
    batch_content_hashes(self->content, bodies, count, self->of->home->secrets->record_key);
    return true;
}

/*
 * The next key of both sides: what becomes of it, its entry (with the content just made, if it was made, and the batch that
 * brought what is held) and the number of a record just made in what and body. False at the end or on an error.
 */
static bool merge_next(merge *self, difference *into, difference_kind *kind, difference_entry *entry, size_t *number)
{
    bool any_made = self->made < self->of->made->record_count;
    if (self->error != OUTBOX_OK || (!any_made && self->next_held == NULL)
        || (any_made && self->made == self->ready && !merge_make(self)))
        return false;
    *number = self->made % AHEAD;
    int order = difference_order(any_made ? self->what[*number].key : NULL, self->next_held);
    const uint8_t *content = order <= 0 ? self->content[*number] : NULL;
    const difference_entry *held = order >= 0 ? self->next_held : NULL;
    /* Texts are told by their own command alone. */
    bool retained = order > 0 && (merge_retains(self, held->key) || recordkey_is_narrative(held->key));
    *kind = difference_take(into, content, held, retained);
    *entry = held != NULL ? *held : (difference_entry){.incarnation = 0};
    if (content != NULL) {
        memcpy(entry->key, self->what[*number].key, RECORD_KEY);
        memcpy(entry->content, content, CRYPTO_SHORT_HASH);
        self->made++;
    }
    if (held != NULL)
        merge_advance(self);
    return true;
}

/* The statement as it is kept, to tell whether the next one differs. */
static void write_coverage(batch_buffer *to, const batch_coverage *coverage)
{
    char month[CIVIL_MONTH_TEXT] = "";
    if (coverage->last_month != CIVIL_NONE)
        civil_month_text(coverage->last_month, month);
    batch_buffer_append(to, coverage->complete ? "complete" : "partial", coverage->complete ? 8 : 7);
    batch_buffer_append(to, "\n", 1);
    batch_buffer_append(to, month, strlen(month));
    for (unsigned i = 0; i < coverage->action_count; i++) {
        batch_buffer_append(to, "\n", 1);
        batch_buffer_append(to, coverage->actions[i].at, coverage->actions[i].size);
    }
}

/* Does what is kept under that name differ from what is to be kept? */
static outbox_error compare_value(outbox *from, const char *name, text_view of, const batch_buffer *with,
                                  bool *differs)
{
    batch_buffer kept;
    batch_buffer_init(&kept, OUTBOX_VALUE_MAX);
    outbox_error error = with->failed ? OUTBOX_NO_MEMORY : read_value(from, name, of, &kept);
    *differs = kept.size != with->size || (kept.size > 0 && memcmp(kept.data, with->data, kept.size) != 0);
    batch_buffer_release(&kept);
    return error;
}

/* Gathers what then stands, and compares it with what does; of a contract's first push it leaves that to who writes the records. */
static outbox_error gather_facts(pushed *self, bool none_held)
{
    trail_reading stood;
    export_contribution now, before;
    uint8_t packed[TRAIL_FACT], kept[TRAIL_FACT];
    size_t index = 0;
    outbox_error error = trail_read_open(&stood, self->to, TRAIL_CONTRIBUTIONS, self->contract);
    self->first = none_held && stood.count == 0 && self->made->asked->earlier_count == 0;
    for (; error == OUTBOX_OK && !self->first && export_contribution_at(self->made, index, &now); index++) {
        trail_pack(packed, &now);
        error = add_fact(&self->facts, packed);
        if (self->facts_differ || index >= stood.count) {
            self->facts_differ = true;
            continue;
        }
        if (trail_read(&stood, index, 1, &before) != 1)
            error = stood.error == OUTBOX_OK ? OUTBOX_DAMAGED : stood.error;
        trail_pack(kept, &before);
        self->facts_differ = memcmp(kept, packed, sizeof kept) != 0;
    }
    self->facts_differ = self->facts_differ || index != stood.count;
    trail_read_close(&stood);
    return error == OUTBOX_OK ? failure(self->made) : error;
}

/* Finds out what a push would change, without changing anything. */
static outbox_error measure(pushed *self)
{
    const export_result *made = self->made;
    merge way;
    difference_kind kind;
    difference_entry entry;
    size_t number;
    difference_init(&self->difference, made->coverage.complete);
    merge_open(&way, self);
    bool none_held = way.error == OUTBOX_OK && way.next_held == NULL;
    if (none_held) /* all is new */
        self->difference.count[DIFFERENCE_NEW] = made->record_count;
    else
        while (merge_next(&way, &self->difference, &kind, &entry, &number))
            continue;
    outbox_error error = merge_close(&way);
    write_coverage(&self->coverage, &made->coverage);
    if (error == OUTBOX_OK)
        error = gather_facts(self, none_held);
    if (error == OUTBOX_OK)
        error = compare_value(self->to, COVERAGE, self->contract, &self->coverage, &self->coverage_differs);
    return error;
}

static bool changes(const pushed *self)
{
    const unsigned long *count = self->difference.count;
    return count[DIFFERENCE_NEW] + count[DIFFERENCE_CHANGED] + count[DIFFERENCE_WITHDRAWN] > 0;
}

/* The batches of what is new, changed and withdrawn, and the pages of what the hub then holds. */
static void write_changes(pushed *self, batcher *batches)
{
    outbox_keep *keep = NULL;
    bool refused;
    outbox_error asked = outbox_has_refusals(self->to, self->contract, &refused);
    if (asked != OUTBOX_OK)
        outbox_spoil(self->to, asked);
    if (asked != OUTBOX_OK || outbox_keep_open(self->to, self->made->terms->scope, self->contract, &keep) != OUTBOX_OK)
        return;
    merge way;
    difference again;
    difference_kind kind;
    difference_entry entry;
    size_t number;
    difference_init(&again, self->made->coverage.complete);
    merge_open(&way, self);
    way.facts = self->first ? &self->facts : NULL;
    while (merge_next(&way, &again, &kind, &entry, &number)) {
        bool tells = kind == DIFFERENCE_NEW || kind == DIFFERENCE_CHANGED;
        if (tells || kind == DIFFERENCE_WITHDRAWN) {
            record gone = {
                .operation = RECORD_WITHDRAW, .contract = self->contract, .type = FACT_NONE, .month = CIVIL_NONE};
            memcpy(gone.key, entry.key, RECORD_KEY);
            if (tells)
                batcher_add_body(batches, &way.what[number], &way.body[number]);
            else
                batcher_add(batches, &gone);
            entry.incarnation = batcher_incarnation(batches);
            entry.sequence = batcher_sequence(batches);
            if (refused)
                (void)outbox_forget_refusal(self->to, self->contract, entry.key);
        }
        if (kind != DIFFERENCE_WITHDRAWN)
            outbox_keep_add(keep, &entry);
    }
    outbox_error ended = merge_close(&way);
    self->facts_differ = self->facts_differ || (self->first && self->facts.count > 0);
    if (ended != OUTBOX_OK)
        outbox_spoil(self->to, ended);
    (void)outbox_keep_finish(&keep); /* a failure sticks to the transaction */
}

static void write_contract(pushed *self, enqueue_result *result)
{
    if (changes(self) || self->coverage_differs) {
        batcher *batches = batcher_new(self->to, self->home, self->made->terms->scope);
        if (batches == NULL)
            return;
        batcher_use_keys(batches, self->made->token_keys, self->made->token_key_count);
        if (changes(self))
            write_changes(self, batches);
        batcher_end(batches, &self->made->coverage);
        result->batches += batcher_count(batches);
        batcher_destroy(&batches);
    }
    if (self->coverage_differs)
        (void)outbox_set(self->to, COVERAGE, self->contract,
                         (text_view){(const char *)self->coverage.data, self->coverage.size});
    (void)trail_follow(self->to, self->made, &self->facts, self->facts_differ); /* a failure sticks to the transaction */
    if (self->made->coverage.complete) {
        (void)outbox_note_answered(self->to, self->made->terms->scope, self->contract);
        write_keys(self);
    }
    result->added += self->difference.count[DIFFERENCE_NEW];
    result->changed += self->difference.count[DIFFERENCE_CHANGED];
    result->withdrawn += self->difference.count[DIFFERENCE_WITHDRAWN];
    result->unchanged += self->difference.count[DIFFERENCE_UNCHANGED];
}

static enqueue_error fails(enqueue_result *result, outbox_error error)
{
    result->outbox = error;
    return ENQUEUE_OUTBOX;
}

static enqueue_error write_all(outbox *to, const export *made, pushed *all, unsigned count, enqueue_result *result)
{
    outbox_error error = outbox_begin(to);
    if (error != OUTBOX_OK)
        return fails(result, error);
    for (unsigned i = 0; i < count; i++)
        write_contract(&all[i], result);
    if (count > 0)
        (void)namebook_keep(to, all[0].home, made); /* likewise */
    error = outbox_commit(to);
    return error == OUTBOX_OK ? ENQUEUE_OK : fails(result, error);
}

static enqueue_error measure_all(pushed *all, unsigned count, bool allow_withdrawals, enqueue_result *result)
{
    for (unsigned i = 0; i < count; i++) {
        outbox_error error = measure(&all[i]);
        if (error != OUTBOX_OK)
            return fails(result, error);
        if (allow_withdrawals || !difference_withdraws_too_much(&all[i].difference))
            continue;
        result->contract = all[i].contract;
        result->would_withdraw = all[i].difference.count[DIFFERENCE_WITHDRAWN];
        result->held = all[i].difference.held;
        return ENQUEUE_TOO_MANY_WITHDRAWALS;
    }
    return ENQUEUE_OK;
}

enqueue_error enqueue(outbox *to, const agent_home *agent, const export *made, bool allow_withdrawals,
                      enqueue_result *result)
{
    memset(result, 0, sizeof *result);
    pushed *all = calloc(made->result_count + 1, sizeof *all);
    if (all == NULL)
        return fails(result, OUTBOX_NO_MEMORY);
    for (unsigned i = 0; i < made->result_count; i++) {
        all[i] = (pushed){
            .to = to, .home = agent, .made = &made->results[i], .contract = made->results[i].terms->id};
        batch_buffer_init(&all[i].coverage, OUTBOX_VALUE_MAX);
        all[i].memory = arena_new(MEMORY_BYTES);
        if (all[i].memory == NULL)
            result->outbox = OUTBOX_NO_MEMORY;
        else
            spool_init(&all[i].facts, all[i].memory, made->store, TRAIL_FACT);
    }
    if (result->outbox == OUTBOX_OK)
        result->outbox = forget_refused(to, agent);
    if (result->outbox == OUTBOX_OK)
        result->outbox = forget_found(to, agent, made);
    enqueue_error error = result->outbox == OUTBOX_OK ? ENQUEUE_OK : ENQUEUE_OUTBOX;
    if (error == ENQUEUE_OK)
        error = measure_all(all, made->result_count, allow_withdrawals, result);
    if (error == ENQUEUE_OK)
        error = write_all(to, made, all, made->result_count, result);
    if (error != ENQUEUE_OK)
        result->added = result->changed = result->withdrawn = result->unchanged = result->batches = 0;
    for (unsigned i = 0; i < made->result_count; i++) {
        arena_destroy(&all[i].memory);
        batch_buffer_release(&all[i].coverage);
    }
    free(all);
    return error;
}
