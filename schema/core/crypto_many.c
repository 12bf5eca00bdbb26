/* crypto_many: see the header. Names are those of RFC 7693: h the state, v the work vector, m a block, t the bytes so far. */
#include "crypto_many.h"

#include <assert.h>
#include <string.h>

/* One after another, as the library does: where the processor has no such vectors. */
static void hash_each(const crypto_many_start *start, uint8_t *to, const text_view *messages, size_t count)
{
    const uint8_t *key = start->keyed ? start->key : NULL;
    size_t key_size = key ? CRYPTO_KEY : 0;
    for (size_t i = 0; i < count; i++, to += start->size)
        if (start->size == CRYPTO_SHORT_HASH)
            crypto_short_hash(to, key, key_size, messages[i].at, messages[i].size);
        else
            crypto_digest(to, key, key_size, messages[i].at, messages[i].size);
}

#if defined(__x86_64__) && !defined(CRYPTO_MANY_PLAIN) /* a test does without */
#define TOGETHER __attribute__((target("avx2")))
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are loaded as they lie");

enum { LANES = 4, BLOCK = 128, WORDS = 16, ROUNDS = 12 };

typedef uint64_t lanes __attribute__((vector_size(8 * LANES)));

static const uint64_t IV[8] = {
    UINT64_C(0x6A09E667F3BCC908), UINT64_C(0xBB67AE8584CAA73B), UINT64_C(0x3C6EF372FE94F82B), UINT64_C(0xA54FF53A5F1D36F1),
    UINT64_C(0x510E527FADE682D1), UINT64_C(0x9B05688C2B3E6C1F), UINT64_C(0x1F83D9ABFB41BD6B), UINT64_C(0x5BE0CD19137E2179),
};

static const uint8_t SIGMA[ROUNDS][WORDS] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

/* Where a block of each lane's message lies. */
typedef struct {
    const char *at[LANES];
} blocks;

/* Word i of all four messages becomes word i of the block. */
TOGETHER static inline __attribute__((always_inline)) void turn(lanes m[WORDS], const blocks *from)
{
    lanes in[LANES][WORDS / LANES];
    for (int lane = 0; lane < LANES; lane++)
        memcpy(in[lane], from->at[lane], BLOCK);
    for (int i = 0; i < WORDS / LANES; i++) {
        lanes a = in[0][i], b = in[1][i], c = in[2][i], d = in[3][i];
        lanes ab_even = __builtin_shufflevector(a, b, 0, 4, 2, 6), ab_odd = __builtin_shufflevector(a, b, 1, 5, 3, 7);
        lanes cd_even = __builtin_shufflevector(c, d, 0, 4, 2, 6), cd_odd = __builtin_shufflevector(c, d, 1, 5, 3, 7);
        m[4 * i] = __builtin_shufflevector(ab_even, cd_even, 0, 1, 4, 5);
        m[4 * i + 1] = __builtin_shufflevector(ab_odd, cd_odd, 0, 1, 4, 5);
        m[4 * i + 2] = __builtin_shufflevector(ab_even, cd_even, 2, 3, 6, 7);
        m[4 * i + 3] = __builtin_shufflevector(ab_odd, cd_odd, 2, 3, 6, 7);
    }
}

/* What one compression of the four takes, besides the states. */
typedef struct {
    blocks in;
    uint64_t t[LANES];      /* bytes, this block's included */
    uint64_t last[LANES];   /* all ones in lanes whose last block it is */
    uint64_t active[LANES]; /* all ones in lanes that have this block */
} work;

/* In a register at once: a load of what four stores have just written would wait for them. */
#define ALL_OF(each) ((lanes){(each)[0], (each)[1], (each)[2], (each)[3]})

typedef uint8_t octets __attribute__((vector_size(8 * LANES)));

/* To the right, by whole bytes and by 63. */
#define ROTATE_BYTES(x, a, b, c, d, e, f, g, h)                                                                             \
    ((lanes)__builtin_shufflevector((octets)(x), (octets)(x), a, b, c, d, e, f, g, h, 8 + a, 8 + b, 8 + c, 8 + d, 8 + e,    \
                                    8 + f, 8 + g, 8 + h, 16 + a, 16 + b, 16 + c, 16 + d, 16 + e, 16 + f, 16 + g, 16 + h,    \
                                    24 + a, 24 + b, 24 + c, 24 + d, 24 + e, 24 + f, 24 + g, 24 + h))
#define ROTATE_32(x) ROTATE_BYTES(x, 4, 5, 6, 7, 0, 1, 2, 3)
#define ROTATE_24(x) ROTATE_BYTES(x, 3, 4, 5, 6, 7, 0, 1, 2)
#define ROTATE_16(x) ROTATE_BYTES(x, 2, 3, 4, 5, 6, 7, 0, 1)
#define ROTATE_63(x) ((x) >> 63 | ((x) + (x)))
#define MIX(a, b, c, d, x, y)       \
    do {                            \
        v[a] += v[b] + (x);         \
        v[d] = ROTATE_32(v[d] ^ v[a]); \
        v[c] += v[d];               \
        v[b] = ROTATE_24(v[b] ^ v[c]); \
        v[a] += v[b] + (y);         \
        v[d] = ROTATE_16(v[d] ^ v[a]); \
        v[c] += v[d];               \
        v[b] = ROTATE_63(v[b] ^ v[c]); \
    } while (0)

TOGETHER static void compress(lanes h[8], const work *self)
{
    lanes v[16], m[WORDS], active = ALL_OF(self->active);
    turn(m, &self->in);
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = (lanes){0} + IV[i];
    }
    v[12] ^= ALL_OF(self->t);
    v[14] ^= ALL_OF(self->last);
#pragma GCC unroll 12
    for (int round = 0; round < ROUNDS; round++) {
        const uint8_t *s = SIGMA[round];
        MIX(0, 4, 8, 12, m[s[0]], m[s[1]]);
        MIX(1, 5, 9, 13, m[s[2]], m[s[3]]);
        MIX(2, 6, 10, 14, m[s[4]], m[s[5]]);
        MIX(3, 7, 11, 15, m[s[6]], m[s[7]]);
        MIX(0, 5, 10, 15, m[s[8]], m[s[9]]);
        MIX(1, 6, 11, 12, m[s[10]], m[s[11]]);
        MIX(2, 7, 8, 13, m[s[12]], m[s[13]]);
        MIX(3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++)
        h[i] ^= (v[i] ^ v[i + 8]) & active;
}

/* What is wiped at the end. */
typedef struct {
    lanes h[8];
    char ends[LANES][BLOCK]; /* what a message's last block is read from: its bytes, and zeros after them */
} room;

/* Less than a block, in pieces of sizes that overlap: the compiler's own way for so few bytes takes as long as half a compression. */
static inline __attribute__((always_inline)) void copy_short(char *to, const char *from, size_t size)
{
    assert(size < BLOCK);
#define BOTH_ENDS(piece)                                      \
    do {                                                      \
        char first[piece], last[piece];                       \
        memcpy(first, from, piece);                           \
        memcpy(last, from + size - (piece), piece);           \
        memcpy(to, first, piece);                             \
        memcpy(to + size - (piece), last, piece);             \
    } while (0)
    if (size >= 64)
        BOTH_ENDS(64);
    else if (size >= 32)
        BOTH_ENDS(32);
    else if (size >= 16)
        BOTH_ENDS(16);
    else if (size >= 8)
        BOTH_ENDS(8);
    else
        for (size_t i = 0; i < size; i++)
            to[i] = from[i];
#undef BOTH_ENDS
}

/* All blocks of up to four messages, from the state that all begin with. */
TOGETHER static void hash_four(room *self, const crypto_many_start *start, const text_view *messages, int count)
{
    for (int i = 0; i < 8; i++)
        self->h[i] = (lanes){0} + start->state[i];
    for (size_t at = 0, more = 1; more > 0; at += BLOCK) {
        work now = {.in = {{self->ends[0], self->ends[0], self->ends[0], self->ends[0]}}};
        more = 0;
        for (int lane = 0; lane < count; lane++) {
            size_t size = messages[lane].size;
            if (at > 0 && at >= size)
                continue;
            assert(size > 0 || !start->keyed);
            size_t here = size - at < BLOCK ? size - at : BLOCK;
            now.in.at[lane] = messages[lane].at + at;
            if (here < BLOCK) {
                memset(self->ends[lane], 0, BLOCK);
                copy_short(self->ends[lane], messages[lane].at + at, here);
                now.in.at[lane] = self->ends[lane];
            }
            now.active[lane] = UINT64_MAX;
            now.last[lane] = at + here == size ? UINT64_MAX : 0;
            now.t[lane] = (start->keyed ? BLOCK : 0) + at + here;
            more += at + here < size;
        }
        compress(self->h, &now);
    }
}

TOGETHER static void hash_together(const crypto_many_start *start, uint8_t *to, const text_view *messages, size_t count)
{
    room self = {.h = {{0}}};
    for (size_t first = 0; first < count; first += LANES) {
        int here = count - first < LANES ? (int)(count - first) : LANES;
        hash_four(&self, start, messages + first, here);
        for (int lane = 0; lane < here; lane++)
            for (size_t i = 0; i < start->size / 8; i++) {
                uint64_t word = self.h[i][lane];
                memcpy(to + (first + (size_t)lane) * start->size + 8 * i, &word, sizeof word);
            }
    }
    crypto_wipe(&self, sizeof self);
}

/* The state after the block of the key: never the last, an empty message is not hashed here. */
TOGETHER static void begin_together(crypto_many_start *self)
{
    room used = {.h = {{0}}};
    memcpy(self->state, IV, sizeof IV);
    self->state[0] ^= UINT64_C(0x01010000) ^ (self->keyed ? (uint64_t)CRYPTO_KEY << 8 : 0) ^ self->size;
    if (!self->keyed)
        return;
    for (int i = 0; i < 8; i++)
        used.h[i][0] = self->state[i];
    memcpy(used.ends[0], self->key, CRYPTO_KEY);
    const char *first = used.ends[0];
    compress(used.h, &(work){.in = {{first, first, first, first}}, .t = {BLOCK}, .active = {UINT64_MAX}});
    for (int i = 0; i < 8; i++)
        self->state[i] = used.h[i][0];
    crypto_wipe(&used, sizeof used);
}

static bool can_together(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
static bool can_together(void)
{
    return false;
}
#define begin_together(start) ((void)(start))
#define hash_together hash_each
#endif

void crypto_many_begin(crypto_many_start *self, size_t size, const uint8_t *key)
{
    assert(size == CRYPTO_SHORT_HASH || size == CRYPTO_HASH);
    *self = (crypto_many_start){.size = size, .keyed = key != NULL};
    if (key)
        memcpy(self->key, key, CRYPTO_KEY);
    if (can_together())
        begin_together(self);
}

void crypto_many_of(const crypto_many_start *self, uint8_t *to, const text_view *messages, size_t count)
{
    (can_together() ? hash_together : hash_each)(self, to, messages, count);
}

void crypto_many(uint8_t *to, size_t size, const uint8_t *key, const text_view *messages, size_t count)
{
    crypto_many_start start;
    crypto_many_begin(&start, size, key);
    crypto_many_of(&start, to, messages, count);
    crypto_wipe(&start, sizeof start);
}
