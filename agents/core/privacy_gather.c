/* privacy_gather: what of each person privacy.h keeps. */
#include <stdlib.h>
#include <string.h>

#include "privacy_hash.h"
#include "recordkey.h"

enum { LETTERS_MIN = 3 /* of a name that counts by itself */ };

typedef struct {
    arena_vector all; /* of privacy_entry */
    arena *from;
    const uint8_t *record_key;
    uint8_t person[8];
    bool failed;
} gathering;

void privacy_hash(uint8_t hash[7], const uint8_t *record_key, privacy_form form, const text_view *parts, size_t count)
{
    static const char *const kinds[] = {
        [PRIVACY_FORM_NAME] = "text-name", [PRIVACY_FORM_BOTH] = "text-both",
        [PRIVACY_FORM_APART] = "text-apart", [PRIVACY_FORM_PAIR] = "text-pair", [PRIVACY_FORM_NUMBER] = "text-number",
        [PRIVACY_FORM_BIRTH] = "text-birth",
    };
    char joined[PRIVACY_JOINED_MAX];
    uint8_t whole[CRYPTO_SHORT_HASH];
    size_t size = 0;
    for (size_t i = 0; i < count && size + parts[i].size + 1 < sizeof joined; i++) {
        if (i > 0 && form != PRIVACY_FORM_NAME && form != PRIVACY_FORM_BOTH)
            joined[size++] = '|';
        memcpy(joined + size, parts[i].at, parts[i].size);
        size += parts[i].size;
    }
    recordkey_person(whole, record_key, kinds[form], (text_view){joined, size});
    memcpy(hash, whole, 7);
}

static void add(gathering *self, privacy_kind kind, privacy_form form, const text_view *parts, size_t count)
{
    privacy_entry *entry = self->failed ? NULL : arena_vector_add(&self->all);
    self->failed = !entry;
    if (!entry)
        return;
    privacy_hash(entry->hash, self->record_key, form, parts, count);
    entry->kind = (uint8_t)kind;
    memcpy(entry->person, self->person, sizeof entry->person);
}

/* The words of a cell, at most PRIVACY_WORDS_MAX; numbers are none. */
typedef struct {
    text_view words[PRIVACY_WORDS_MAX];
    size_t count;
} name;

static name read_name(gathering *self, text_view cell)
{
    privacy_pieces cut;
    name found = {.count = 0};
    if (!privacy_cut(&cut, self->from, cell)) {
        self->failed = true;
        return found;
    }
    for (size_t i = 0; i < cut.count && found.count < PRIVACY_WORDS_MAX; i++)
        if (!cut.pieces[i].number)
            found.words[found.count++] = cut.pieces[i].folded;
    return found;
}

static bool is_weak(text_view word)
{
    return privacy_letters(word) < LETTERS_MIN || privacy_frequency_of(word) == PRIVACY_COMMON;
}

static size_t letters_of(const text_view *words, size_t count)
{
    size_t letters = 0;
    for (size_t i = 0; i < count; i++)
        letters += privacy_letters(words[i]);
    return letters;
}

/* Does the cell written in one word look like a common word (A Vec)? */
static bool looks_common(const name *of)
{
    char glued[PRIVACY_JOINED_MAX];
    size_t size = 0;
    for (size_t i = 0; i < of->count && size + of->words[i].size < sizeof glued; i++) {
        memcpy(glued + size, of->words[i].at, of->words[i].size);
        size += of->words[i].size;
    }
    return privacy_frequency_of((text_view){glued, size}) != PRIVACY_RARE;
}

static void add_name(gathering *self, privacy_kind kind, const name *of)
{
    bool all_common = true, any_strong = false;
    for (size_t i = 0; i < of->count; i++) {
        bool weak = is_weak(of->words[i]);
        any_strong |= !weak;
        all_common &= privacy_frequency_of(of->words[i]) == PRIVACY_COMMON;
        if (!weak)
            add(self, kind, PRIVACY_FORM_NAME, &of->words[i], 1);
    }
    if (of->count < 2 || all_common || (!any_strong && letters_of(of->words, of->count) < LETTERS_MIN))
        return;
    add(self, kind, PRIVACY_FORM_APART, of->words, of->count);
    if (!looks_common(of))
        add(self, kind, PRIVACY_FORM_NAME, of->words, of->count);
}

static bool needs_other(text_view word)
{
    return is_weak(word) || privacy_frequency_of(word) == PRIVACY_BY_CAPITAL;
}

/* Words that do not always count by themselves count beside one of the other cell. */
static void add_pairs(gathering *self, const name *family, const name *given)
{
    for (size_t i = 0; i < family->count; i++)
        for (size_t k = 0; k < given->count; k++) {
            if (!needs_other(family->words[i]) || !needs_other(given->words[k]))
                continue;
            const text_view there[2] = {family->words[i], given->words[k]}, back[2] = {given->words[k], family->words[i]};
            add(self, PRIVACY_FAMILY_NAME, PRIVACY_FORM_PAIR, there, 2);
            add(self, PRIVACY_FAMILY_NAME, PRIVACY_FORM_PAIR, back, 2);
        }
}

/* Both cells in one word, as in an address of electronic mail. */
static void add_glued(gathering *self, const name *first, const name *second)
{
    text_view words[2 * PRIVACY_WORDS_MAX];
    enum { GLUED_MIN = 6 };
    if (first->count == 0 || second->count == 0)
        return;
    memcpy(words, first->words, first->count * sizeof *words);
    memcpy(words + first->count, second->words, second->count * sizeof *words);
    size_t count = first->count + second->count;
    if (letters_of(words, count) >= GLUED_MIN)
        add(self, PRIVACY_FAMILY_NAME, PRIVACY_FORM_BOTH, words, count);
}

static void add_person(gathering *self, const persons_row *who)
{
    uint8_t id[CRYPTO_SHORT_HASH] = {0};
    if (who->id.size > 0)
        recordkey_person(id, self->record_key, "id", who->id);
    memcpy(self->person, id, sizeof self->person);
    name family = read_name(self, who->family_name), given = read_name(self, who->given_name);
    add_name(self, PRIVACY_FAMILY_NAME, &family);
    add_name(self, PRIVACY_GIVEN_NAME, &given);
    add_pairs(self, &family, &given);
    add_glued(self, &family, &given);
    add_glued(self, &given, &family);
    if (who->has_number)
        add(self, PRIVACY_NUMBER, PRIVACY_FORM_NUMBER, &(text_view){who->number, TOKEN_NUMBER_DIGITS}, 1);
    if (who->birth != CIVIL_NONE) {
        char day[CIVIL_DAY_TEXT];
        civil_day_text(who->birth, day);
        add(self, PRIVACY_BIRTH, PRIVACY_FORM_BIRTH, &(text_view){day, strlen(day)}, 1);
    }
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(privacy_entry));
}

static size_t settle(privacy_entry *entries, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(entries, count, sizeof *entries, by_bytes);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || by_bytes(&entries[kept - 1], &entries[i]) != 0)
            entries[kept++] = entries[i];
    return kept;
}

bool privacy_gather(privacy_list *to, arena *from, const persons *people, const uint8_t *record_key)
{
    gathering self = {.from = from, .record_key = record_key};
    arena_vector_init(&self.all, from, sizeof(privacy_entry));
    for (uint32_t i = 0; i < people->people.count && !self.failed; i++)
        add_person(&self, persons_at(people, i));
    *to = (privacy_list){settle(self.all.items, self.all.count), self.all.items};
    return !self.failed;
}

static int by_person(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

bool privacy_renew(privacy_list *to, arena *from, const privacy_list *earlier, const privacy_list *fresh)
{
    uint8_t(*present)[8] = arena_take(from, (fresh->count + 1) * sizeof *present);
    privacy_entry *all = arena_take(from, (earlier->count + fresh->count + 1) * sizeof *all);
    size_t count = 0;
    if (!present || !all)
        return false;
    for (size_t i = 0; i < fresh->count; i++)
        memcpy(present[i], fresh->entries[i].person, sizeof *present);
    if (fresh->count > 0)
        qsort(present, fresh->count, sizeof *present, by_person);
    for (size_t i = 0; i < earlier->count; i++)
        if (fresh->count == 0 || !bsearch(earlier->entries[i].person, present, fresh->count, sizeof *present, by_person))
            all[count++] = earlier->entries[i];
    if (fresh->count > 0)
        memcpy(all + count, fresh->entries, fresh->count * sizeof *all);
    *to = (privacy_list){settle(all, count + fresh->count), all};
    return true;
}
