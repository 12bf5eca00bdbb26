/* proof_check: see the header. Errors: memory alone; all else is a finding. */
#include "proof_check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t sign[CRYPTO_PUBLIC];
    long agent;
} owned_key;

typedef struct {
    long agent;
    uint64_t incarnation, base;
} granted;

/* A receipt, and whether its scope was there to be compared. */
typedef struct {
    proof_check_receipt it;
    bool seen;
} held;

/* An agent's place in the scope that is being verified. */
typedef struct {
    uint64_t incarnation, sequence;
    uint8_t hash[CRYPTO_HASH];
    bool told, told_lost; /* that its receipts do not fit: once a scope */
} place;

struct proof_check {
    arena *memory;
    void (*tell)(void *data, const proof_check_finding *finding);
    void *data;
    arena_vector names, keys, receipts, grants;
    arena *scratch; /* a header that is being read */
    place *places;
    bool sealed;    /* keys and receipts are in order */
    char scope[BATCH_SCOPE_MAX + 1];
    uint64_t position;
    uint8_t chain[CRYPTO_HASH];
    bool broken;
    long last_agent; /* of the last entry, if it was a batch that fitted; else -1 */
    size_t next_receipt;
    proof_check_totals totals;
};

static const char *name_of(const proof_check *self, long agent)
{
    return agent < 0 ? NULL : ((char **) self->names.items)[agent];
}

static void find_fault(proof_check *self, proof_check_fault fault, uint64_t position, uint64_t other, long agent, uint64_t sequence)
{
    const proof_check_finding finding = {.fault = fault, .scope = self->scope, .position = position, .other = other,
                                         .agent = name_of(self, agent), .sequence = sequence};

    *(fault == PROOF_CHECK_LOST ? &self->totals.warnings : &self->totals.faults) += 1;
    self->tell(self->data, &finding);
}

/* The first broken link of the scope. */
static void break_at(proof_check *self, proof_check_fault fault, uint64_t position, uint64_t other, long agent, uint64_t sequence)
{
    self->broken = true;
    find_fault(self, fault, position, other, agent, sequence);
}

proof_check *proof_check_new(arena *memory, arena *scratch, void (*tell)(void *data, const proof_check_finding *finding),
                             void *data)
{
    proof_check *self = arena_take(memory, sizeof *self);

    if (self == NULL)
        return NULL;
    self->memory = memory;
    self->scratch = scratch;
    self->tell = tell;
    self->data = data;
    arena_vector_init(&self->names, memory, sizeof(char *));
    arena_vector_init(&self->keys, memory, sizeof(owned_key));
    arena_vector_init(&self->receipts, memory, sizeof(held));
    arena_vector_init(&self->grants, memory, sizeof(granted));
    return self;
}

long proof_check_agent(proof_check *self, text_view name)
{
    char **kept = arena_vector_add(&self->names);

    if (kept == NULL || (*kept = arena_text(self->memory, name)) == NULL)
        return -1;
    return (long) self->names.count - 1;
}

bool proof_check_key(proof_check *self, long agent, const uint8_t sign[CRYPTO_PUBLIC])
{
    assert(!self->sealed && agent >= 0);
    owned_key *key = arena_vector_add(&self->keys);
    if (key == NULL)
        return false;
    memcpy(key->sign, sign, CRYPTO_PUBLIC);
    key->agent = agent;
    return true;
}

bool proof_check_hold(proof_check *self, const proof_check_receipt *receipt)
{
    held *kept = arena_vector_add(&self->receipts);

    if (kept != NULL)
        kept->it = *receipt;
    return kept != NULL;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const owned_key *) a)->sign, ((const owned_key *) b)->sign, CRYPTO_PUBLIC);
}

static int by_place(const void *a, const void *b)
{
    const proof_check_receipt *one = &((const held *) a)->it, *other = &((const held *) b)->it;
    int order = text_compare(one->scope, other->scope);

    return order != 0 ? order : (one->position > other->position) - (one->position < other->position);
}

static int by_grant(const void *a, const void *b)
{
    const granted *one = a, *other = b;

    if (one->agent != other->agent)
        return one->agent < other->agent ? -1 : 1;
    return (one->incarnation > other->incarnation) - (one->incarnation < other->incarnation);
}

static void sort(arena_vector *what, int (*compare)(const void *, const void *))
{
    if (what->count > 1)
        qsort(what->items, what->count, what->item_size, compare);
}

long proof_check_find(proof_check *self, const uint8_t sign[CRYPTO_PUBLIC])
{
    owned_key wanted = {.agent = -1};

    if (!self->sealed)
        sort(&self->keys, by_key);
    self->sealed = true;
    memcpy(wanted.sign, sign, CRYPTO_PUBLIC);
    const owned_key *found = self->keys.count == 0 ? NULL
        : bsearch(&wanted, self->keys.items, self->keys.count, sizeof wanted, by_key);
    return found != NULL ? found->agent : -1;
}

bool proof_check_scope(proof_check *self, text_view scope)
{
    size_t places = (self->names.count + 1) * sizeof *self->places;

    if (scope.size == 0 || !text_copy(self->scope, sizeof self->scope, scope))
        return false;
    if (self->places == NULL) {
        self->places = arena_take(self->memory, places);
        sort(&self->receipts, by_place);
    }
    if (self->places == NULL)
        return false;
    memset(self->places, 0, places);
    self->position = 0;
    memset(self->chain, 0, CRYPTO_HASH);
    self->broken = false;
    self->last_agent = -1;
    self->grants.count = 0;
    self->next_receipt = 0;
    held *receipts = self->receipts.items;
    while (self->next_receipt < self->receipts.count && text_compare(receipts[self->next_receipt].it.scope, scope) < 0)
        self->next_receipt++;
    for (size_t i = self->next_receipt; i < self->receipts.count && text_equal(receipts[i].it.scope, scope); i++)
        receipts[i].seen = true;
    self->totals.scopes++;
    return true;
}

bool proof_check_grant(proof_check *self, long agent, uint64_t incarnation, uint64_t base)
{
    assert(self->position == 0);
    granted *grant = arena_vector_add(&self->grants);
    if (grant != NULL)
        *grant = (granted){agent, incarnation, base};
    return grant != NULL;
}

/* Was the incarnation granted to the agent at that sequence? */
static bool was_granted(const proof_check *self, long agent, uint64_t incarnation, uint64_t base)
{
    const granted wanted = {agent, incarnation, base};
    const granted *found = self->grants.count == 0 ? NULL
        : bsearch(&wanted, self->grants.items, self->grants.count, sizeof wanted, by_grant);

    return found != NULL && found->base == base;
}

/* A receipt that does not fit: once for each agent and scope. */
static void tell_receipt(proof_check *self, const proof_check_receipt *one, proof_check_fault fault, uint64_t other)
{
    place *of = &self->places[one->agent];
    bool *told = one->lost ? &of->told_lost : &of->told;

    if (!*told)
        find_fault(self, one->lost ? PROOF_CHECK_LOST : fault, one->position, other, one->agent, one->sequence);
    *told = true;
}

/* Do the receipts for this position speak of this entry? hash: of a batch's header; NULL: no batch. */
static void compare_receipts(proof_check *self, uint64_t position, long agent, const uint8_t *hash)
{
    const held *all = self->receipts.items;

    for (; self->next_receipt < self->receipts.count; self->next_receipt++) {
        const proof_check_receipt *one = &all[self->next_receipt].it;
        if (!text_is(one->scope, self->scope) || one->position > position)
            return;
        self->totals.receipts++;
        bool same = one->position == position && hash != NULL && one->agent == agent
            && one->sequence == self->places[agent].sequence && memcmp(one->hash, hash, CRYPTO_HASH) == 0
            && memcmp(one->chain, self->chain, CRYPTO_HASH) == 0;
        if (!same)
            tell_receipt(self, one, PROOF_CHECK_REWRITTEN, 0);
    }
}

/* Is it the entry after the last one? */
static bool takes_place(proof_check *self, uint64_t position)
{
    self->last_agent = -1;
    if (self->broken)
        return false;
    if (self->position == 0)
        sort(&self->grants, by_grant);
    if (position > self->position && position - self->position == 1)
        return true;
    if (position > self->position)
        break_at(self, PROOF_CHECK_GAP, self->position + 1, position, -1, 0);
    else
        break_at(self, PROOF_CHECK_ORDER, position, self->position, -1, 0);
    return false;
}

/* Makes the link, and compares it with the one that stands there. */
static bool links(proof_check *self, uint64_t position, proof_kind kind, const uint8_t hash[CRYPTO_HASH],
                  const uint8_t chain[CRYPTO_HASH], long agent, uint64_t sequence)
{
    proof_link(self->chain, self->chain, text_of(self->scope), position, kind, hash);
    if (memcmp(self->chain, chain, CRYPTO_HASH) != 0) {
        break_at(self, PROOF_CHECK_LINK, position, 0, agent, sequence);
        return false;
    }
    self->position = position;
    return true;
}

/* The agent's own chain: false when the header does not go on from what the ledger has of it. */
static bool goes_on(proof_check *self, uint64_t position, const batch_header *header, long agent)
{
    const place *at = &self->places[agent];
    uint64_t incarnation = at->incarnation > 0 ? at->incarnation : 1;

    if (header->sequence != at->sequence + 1)
        break_at(self, PROOF_CHECK_SEQUENCE, position, at->sequence + 1, agent, header->sequence);
    else if (memcmp(header->previous, at->hash, CRYPTO_HASH) != 0)
        break_at(self, PROOF_CHECK_PREVIOUS, position, 0, agent, header->sequence);
    else if (header->incarnation < incarnation
             || (header->incarnation > incarnation && !was_granted(self, agent, header->incarnation, at->sequence)))
        break_at(self, PROOF_CHECK_INCARNATION, position, 0, agent, header->sequence);
    return !self->broken;
}

/* The records that the header covers; none of one that was quarantined. */
static uint64_t records_of(proof_check *self, text_view bytes)
{
    batch_header header;

    arena_clear(self->scratch);
    return batch_read_header(&header, self->scratch, bytes) ? header.body_count : 0;
}

void proof_check_batch(proof_check *self, uint64_t position, text_view bytes, const uint8_t signature[CRYPTO_SIGNATURE],
                       const uint8_t chain[CRYPTO_HASH])
{
    batch_header header;
    uint8_t hash[CRYPTO_HASH];

    if (!takes_place(self, position))
        return;
    if (!batch_read_envelope(&header, bytes)) {
        break_at(self, PROOF_CHECK_UNREADABLE, position, 0, -1, 0);
        return;
    }
    long agent = proof_check_find(self, header.agent);
    if (agent < 0)
        break_at(self, PROOF_CHECK_STRANGER, position, 0, -1, header.sequence);
    else if (!batch_verify(signature, bytes, header.agent))
        break_at(self, PROOF_CHECK_SIGNATURE, position, 0, agent, header.sequence);
    else if (!text_is(header.scope, self->scope))
        break_at(self, PROOF_CHECK_FOREIGN, position, 0, agent, header.sequence);
    batch_hash(hash, bytes);
    if (self->broken || !goes_on(self, position, &header, agent)
        || !links(self, position, PROOF_BATCH, hash, chain, agent, header.sequence))
        return;
    self->places[agent].incarnation = header.incarnation;
    self->places[agent].sequence = header.sequence;
    memcpy(self->places[agent].hash, hash, CRYPTO_HASH);
    self->last_agent = agent;
    self->totals.batches++;
    self->totals.records += records_of(self, bytes);
    compare_receipts(self, position, agent, hash);
}

void proof_check_contract(proof_check *self, uint64_t position, text_view id, uint64_t version, text_view definition,
                          const uint8_t chain[CRYPTO_HASH])
{
    uint8_t hash[CRYPTO_HASH];

    if (!takes_place(self, position))
        return;
    if (!proof_contract(hash, id, version, definition)) {
        break_at(self, PROOF_CHECK_UNREADABLE, position, 0, -1, 0);
        return;
    }
    if (!links(self, position, PROOF_CONTRACT, hash, chain, -1, 0))
        return;
    self->totals.contracts++;
    compare_receipts(self, position, -1, NULL);
}

void proof_check_row(proof_check *self, long agent, uint64_t incarnation, uint64_t sequence, const uint8_t hash[CRYPTO_HASH])
{
    if (self->last_agent < 0)
        return;
    const place *at = &self->places[self->last_agent];
    if (agent != self->last_agent || incarnation != at->incarnation || sequence != at->sequence
        || memcmp(hash, at->hash, CRYPTO_HASH) != 0)
        break_at(self, PROOF_CHECK_ROW, self->position, 0, self->last_agent, at->sequence);
}

void proof_check_place(proof_check *self, long agent, uint64_t sequence, const uint8_t hash[CRYPTO_HASH])
{
    if (self->broken)
        return;
    if (agent < 0 || sequence != self->places[agent].sequence || memcmp(hash, self->places[agent].hash, CRYPTO_HASH) != 0)
        break_at(self, PROOF_CHECK_PLACE, self->position, sequence, agent, agent < 0 ? 0 : self->places[agent].sequence);
}

void proof_check_end(proof_check *self, uint64_t position, const uint8_t chain[CRYPTO_HASH])
{
    if (self->broken)
        return;
    if (position != self->position || memcmp(chain, self->chain, CRYPTO_HASH) != 0) {
        uint64_t first = position > self->position ? self->position + 1 : self->position;
        break_at(self, PROOF_CHECK_END, first, position, -1, 0);
        return;
    }
    const held *all = self->receipts.items;
    for (; self->next_receipt < self->receipts.count && text_is(all[self->next_receipt].it.scope, self->scope); self->next_receipt++) {
        self->totals.receipts++;
        tell_receipt(self, &all[self->next_receipt].it, PROOF_CHECK_CUT, self->position);
    }
}

void proof_check_finish(proof_check *self)
{
    const held *all = self->receipts.items;

    for (size_t i = 0; i < self->receipts.count; i++) {
        const proof_check_receipt *one = &all[i].it;
        if (all[i].seen)
            continue;
        self->totals.receipts++;
        bool first = i == 0 || !text_equal(all[i - 1].it.scope, one->scope);
        if (first && text_copy(self->scope, sizeof self->scope, one->scope))
            find_fault(self, one->lost ? PROOF_CHECK_LOST : PROOF_CHECK_CUT, one->position, 0, one->agent, one->sequence);
    }
}

proof_check_totals proof_check_total(const proof_check *self)
{
    return self->totals;
}

uint64_t proof_check_position(const proof_check *self)
{
    return self->position;
}
