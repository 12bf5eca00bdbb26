/* oprf: see oprf.h. The names of the RFC's functions are in the comments. */
#include "oprf.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

_Static_assert(OPRF_ELEMENT == crypto_core_ristretto255_BYTES, "ristretto255");
_Static_assert(OPRF_SCALAR == crypto_core_ristretto255_SCALARBYTES, "ristretto255");
_Static_assert(OPRF_OUTPUT == crypto_hash_sha512_BYTES, "SHA-512");
_Static_assert(crypto_core_ristretto255_HASHBYTES == 64 && crypto_core_ristretto255_NONREDUCEDSCALARBYTES == 64, "hash to group, to scalar");

enum { HASH = crypto_hash_sha512_BYTES, HASH_BLOCK = 128, UNIFORM = 64, CONTEXT = 28, DOMAIN_NAME_MAX = 16 };

static const char suite[] = "-ristretto255-SHA512";
static const uint8_t zeros[HASH_BLOCK];

/* A domain: the function's name, then contextString = "OPRFV1-" || mode || "-ristretto255-SHA512". */
typedef struct { uint8_t at[DOMAIN_NAME_MAX + CONTEXT]; size_t size; } domain_name;

static domain_name domain_of(const char *function, oprf_mode mode)
{
    static const char version[] = "OPRFV1-";
    assert(mode == OPRF_MODE_PLAIN || mode == OPRF_MODE_VERIFIABLE);
    domain_name domain = {.size = 0};
    size_t name = strlen(function);
    assert(name <= DOMAIN_NAME_MAX);
    memcpy(domain.at, function, name);
    memcpy(domain.at + name, version, sizeof version - 1);
    domain.at[name + sizeof version - 1] = (uint8_t)mode;
    memcpy(domain.at + name + sizeof version, suite, sizeof suite - 1);
    domain.size = name + sizeof version + sizeof suite - 1;
    return domain;
}

/* A message in parts, so that nothing is copied together. A framed part is led by its length in two bytes. */
typedef struct { const void *at; size_t size; bool framed; } part;

static void add(crypto_hash_sha512_state *state, const void *at, size_t size)
{
    if (size)
        crypto_hash_sha512_update(state, at, size);
}

static void add_parts(crypto_hash_sha512_state *state, const part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].framed) {
            assert(parts[i].size <= 65535);
            uint8_t length[2] = {(uint8_t)(parts[i].size >> 8), (uint8_t)parts[i].size};
            add(state, length, sizeof length);
        }
        add(state, parts[i].at, parts[i].size);
    }
}

static void hash_parts(uint8_t to[HASH], const part *parts, size_t count)
{
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    add_parts(&state, parts, count);
    crypto_hash_sha512_final(&state, to);
    sodium_memzero(&state, sizeof state);
}

/* DST_prime, the end of each of the expander's hashes. */
static void end_with_domain(uint8_t to[HASH], crypto_hash_sha512_state *state, const uint8_t *domain, size_t domain_size)
{
    uint8_t length = (uint8_t)domain_size;
    add(state, domain, domain_size);
    add(state, &length, 1);
    crypto_hash_sha512_final(state, to);
}

/* expand_message_xmd over parts. */
static void expand(uint8_t *to, size_t size, const part *parts, size_t count, const uint8_t *domain, size_t domain_size)
{
    assert(size >= 1 && size <= OPRF_EXPAND_MAX && domain_size >= 1 && domain_size <= OPRF_DOMAIN_MAX);
    uint8_t first[HASH], block[HASH], number = 0;
    uint8_t wanted[3] = {(uint8_t)(size >> 8), (uint8_t)size, 0}; /* I2OSP(len_in_bytes, 2) || I2OSP(0, 1) */
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    add(&state, zeros, HASH_BLOCK); /* Z_pad */
    add_parts(&state, parts, count);
    add(&state, wanted, sizeof wanted);
    end_with_domain(first, &state, domain, domain_size);
    memset(block, 0, sizeof block);
    for (size_t done = 0; done < size; done += HASH) {
        number++;
        for (size_t i = 0; i < HASH; i++)
            block[i] ^= first[i];
        crypto_hash_sha512_init(&state);
        add(&state, block, sizeof block);
        add(&state, &number, 1);
        end_with_domain(block, &state, domain, domain_size);
        memcpy(to + done, block, size - done < HASH ? size - done : HASH);
    }
    sodium_memzero(&state, sizeof state);
    sodium_memzero(first, sizeof first);
    sodium_memzero(block, sizeof block);
}

bool oprf_expand(uint8_t *to, size_t size, text_view message, text_view domain)
{
    if (size < 1 || size > OPRF_EXPAND_MAX || domain.size < 1 || domain.size > OPRF_DOMAIN_MAX)
        return false;
    part whole = {message.at, message.size, false};
    expand(to, size, &whole, 1, (const uint8_t *)domain.at, domain.size);
    return true;
}

/* HashToGroup; false for an input that gives the identity. */
static bool hash_to_group(uint8_t element[OPRF_ELEMENT], oprf_mode mode, text_view input)
{
    uint8_t uniform[UNIFORM];
    domain_name domain = domain_of("HashToGroup-", mode);
    part whole = {input.at, input.size, false};
    expand(uniform, sizeof uniform, &whole, 1, domain.at, domain.size);
    int failed = crypto_core_ristretto255_from_hash(element, uniform);
    sodium_memzero(uniform, sizeof uniform);
    return !failed && !sodium_is_zero(element, OPRF_ELEMENT);
}

static void hash_to_scalar(uint8_t scalar[OPRF_SCALAR], const part *parts, size_t count, const domain_name *domain)
{
    uint8_t uniform[UNIFORM];
    expand(uniform, sizeof uniform, parts, count, domain->at, domain->size);
    crypto_core_ristretto255_scalar_reduce(scalar, uniform);
    sodium_memzero(uniform, sizeof uniform);
}

/* Canonical (less than the group's order) and not zero. */
static bool scalar_good(const uint8_t scalar[OPRF_SCALAR])
{
    uint8_t wide[UNIFORM] = {0}, reduced[OPRF_SCALAR];
    memcpy(wide, scalar, OPRF_SCALAR);
    crypto_core_ristretto255_scalar_reduce(reduced, wide);
    bool good = (sodium_memcmp(reduced, scalar, OPRF_SCALAR) == 0) & !sodium_is_zero(scalar, OPRF_SCALAR);
    sodium_memzero(wide, sizeof wide);
    sodium_memzero(reduced, sizeof reduced);
    return good;
}

/* Canonical and not the identity, whose bytes are zeros. */
static bool element_good(const uint8_t element[OPRF_ELEMENT])
{
    return crypto_core_ristretto255_is_valid_point(element) == 1 && !sodium_is_zero(element, OPRF_ELEMENT);
}

/* False and zeros: what a caller that forgot to look would take. */
static bool refuse(void *to, size_t size)
{
    sodium_memzero(to, size);
    return false;
}

void oprf_scalar_new(uint8_t scalar[OPRF_SCALAR])
{
    crypto_core_ristretto255_scalar_random(scalar); /* from 1 to the order - 1 */
}

bool oprf_key_from(oprf_key *key, oprf_mode mode, const uint8_t secret[OPRF_SCALAR])
{
    memset(key, 0, sizeof *key);
    if (!scalar_good(secret))
        return false;
    key->mode = mode;
    memcpy(key->secret, secret, OPRF_SCALAR);
    if (crypto_scalarmult_ristretto255_base(key->public_key, key->secret) != 0)
        return refuse(key, sizeof *key);
    return true;
}

void oprf_key_new(oprf_key *key, oprf_mode mode)
{
    uint8_t secret[OPRF_SCALAR];
    oprf_scalar_new(secret);
    bool made = oprf_key_from(key, mode, secret);
    sodium_memzero(secret, sizeof secret);
    assert(made);
}

bool oprf_key_derive(oprf_key *key, oprf_mode mode, const uint8_t seed[OPRF_SEED], text_view info)
{
    memset(key, 0, sizeof *key);
    if (info.size > OPRF_INPUT_MAX)
        return false;
    domain_name domain = domain_of("DeriveKeyPair", mode);
    uint8_t secret[OPRF_SCALAR];
    bool made = false;
    for (int counter = 0; !made && counter <= 255; counter++) {
        uint8_t number = (uint8_t)counter;
        const part parts[] = {{seed, OPRF_SEED, false}, {info.at, info.size, true}, {&number, 1, false}};
        hash_to_scalar(secret, parts, 3, &domain);
        made = oprf_key_from(key, mode, secret);
    }
    sodium_memzero(secret, sizeof secret);
    return made;
}

void oprf_key_wipe(oprf_key *key)
{
    sodium_memzero(key, sizeof *key);
}

/* scalar * element, for a scalar that is secret; refused (with zeros) where either is not good. */
static bool multiply(uint8_t to[OPRF_ELEMENT], const uint8_t scalar[OPRF_SCALAR], const uint8_t element[OPRF_ELEMENT])
{
    uint8_t product[OPRF_ELEMENT];
    bool done = scalar_good(scalar) && element_good(element) && crypto_scalarmult_ristretto255(product, scalar, element) == 0;
    if (!done)
        return refuse(to, OPRF_ELEMENT);
    memcpy(to, product, OPRF_ELEMENT);
    sodium_memzero(product, sizeof product);
    return true;
}

bool oprf_blind(uint8_t blinded[OPRF_ELEMENT], oprf_mode mode, text_view input, const uint8_t blind[OPRF_SCALAR])
{
    uint8_t element[OPRF_ELEMENT];
    if (input.size > OPRF_INPUT_MAX)
        return refuse(blinded, OPRF_ELEMENT);
    bool done = hash_to_group(element, mode, input) && multiply(blinded, blind, element);
    sodium_memzero(element, sizeof element);
    return done || refuse(blinded, OPRF_ELEMENT);
}

bool oprf_blind_evaluate(uint8_t evaluated[OPRF_ELEMENT], const oprf_key *key, const uint8_t blinded[OPRF_ELEMENT])
{
    return multiply(evaluated, key->secret, blinded);
}

/* The output's hash of an input and the element that belongs to it. */
static void finish(uint8_t output[OPRF_OUTPUT], text_view input, const uint8_t element[OPRF_ELEMENT])
{
    static const char label[] = "Finalize";
    const part parts[] = {{input.at, input.size, true}, {element, OPRF_ELEMENT, true}, {label, sizeof label - 1, false}};
    hash_parts(output, parts, 3);
}

bool oprf_finalize(uint8_t output[OPRF_OUTPUT], text_view input, const uint8_t blind[OPRF_SCALAR],
                   const uint8_t evaluated[OPRF_ELEMENT])
{
    uint8_t inverse[OPRF_SCALAR], element[OPRF_ELEMENT];
    if (input.size > OPRF_INPUT_MAX || !scalar_good(blind) || crypto_core_ristretto255_scalar_invert(inverse, blind) != 0)
        return refuse(output, OPRF_OUTPUT);
    bool done = multiply(element, inverse, evaluated);
    sodium_memzero(inverse, sizeof inverse);
    if (!done)
        return refuse(output, OPRF_OUTPUT);
    finish(output, input, element);
    sodium_memzero(element, sizeof element);
    return true;
}

bool oprf_evaluate(uint8_t output[OPRF_OUTPUT], const oprf_key *key, text_view input)
{
    uint8_t element[OPRF_ELEMENT];
    if (input.size > OPRF_INPUT_MAX)
        return refuse(output, OPRF_OUTPUT);
    bool done = hash_to_group(element, key->mode, input) && multiply(element, key->secret, element);
    if (done)
        finish(output, input, element);
    sodium_memzero(element, sizeof element);
    return done || refuse(output, OPRF_OUTPUT);
}

typedef struct { uint8_t m[OPRF_ELEMENT], z[OPRF_ELEMENT]; } composites;

/* to = to + scalar * element. */
static bool accumulate(uint8_t to[OPRF_ELEMENT], const uint8_t scalar[OPRF_SCALAR], const uint8_t element[OPRF_ELEMENT])
{
    uint8_t product[OPRF_ELEMENT];
    return multiply(product, scalar, element) && crypto_core_ristretto255_add(to, to, product) == 0;
}

/*
 * ComputeComposites, and with a secret ComputeCompositesFast: M and Z, the sums of the elements weighted by hashes of all that is claimed.
 */
static bool compose(composites *sum, const uint8_t *secret, const uint8_t public_key[OPRF_ELEMENT],
                    const uint8_t (*blinded)[OPRF_ELEMENT], const uint8_t (*evaluated)[OPRF_ELEMENT], size_t count)
{
    static const char label[] = "Composite";
    uint8_t seed[HASH];
    memset(sum, 0, sizeof *sum);
    if (count < 1 || count > OPRF_BATCH_MAX || !element_good(public_key))
        return false;
    domain_name seed_domain = domain_of("Seed-", OPRF_MODE_VERIFIABLE), domain = domain_of("HashToScalar-", OPRF_MODE_VERIFIABLE);
    const part seed_parts[] = {{public_key, OPRF_ELEMENT, true}, {seed_domain.at, seed_domain.size, true}};
    hash_parts(seed, seed_parts, 2);
    for (size_t i = 0; i < count; i++) {
        uint8_t number[2] = {(uint8_t)(i >> 8), (uint8_t)i}, weight[OPRF_SCALAR];
        const part parts[] = {{seed, sizeof seed, true}, {number, sizeof number, false}, {blinded[i], OPRF_ELEMENT, true},
                              {evaluated[i], OPRF_ELEMENT, true}, {label, sizeof label - 1, false}};
        if (!element_good(evaluated[i]))
            return false;
        hash_to_scalar(weight, parts, 5, &domain);
        if (!accumulate(sum->m, weight, blinded[i]) || (!secret && !accumulate(sum->z, weight, evaluated[i])))
            return false;
    }
    return secret ? multiply(sum->z, secret, sum->m) : element_good(sum->m) && element_good(sum->z);
}

static void challenge(uint8_t to[OPRF_SCALAR], const uint8_t public_key[OPRF_ELEMENT], const composites *sum,
                      const uint8_t t2[OPRF_ELEMENT], const uint8_t t3[OPRF_ELEMENT])
{
    static const char label[] = "Challenge";
    domain_name domain = domain_of("HashToScalar-", OPRF_MODE_VERIFIABLE);
    const part parts[] = {{public_key, OPRF_ELEMENT, true}, {sum->m, OPRF_ELEMENT, true}, {sum->z, OPRF_ELEMENT, true},
                          {t2, OPRF_ELEMENT, true}, {t3, OPRF_ELEMENT, true}, {label, sizeof label - 1, false}};
    hash_to_scalar(to, parts, 6, &domain);
}

bool oprf_prove(uint8_t proof[OPRF_PROOF], const oprf_key *key, const uint8_t (*blinded)[OPRF_ELEMENT],
                const uint8_t (*evaluated)[OPRF_ELEMENT], size_t count, const uint8_t random[OPRF_SCALAR])
{
    composites sum;
    uint8_t t2[OPRF_ELEMENT], t3[OPRF_ELEMENT], product[OPRF_SCALAR];
    assert(key->mode == OPRF_MODE_VERIFIABLE);
    if (!scalar_good(key->secret) || !scalar_good(random) || !compose(&sum, key->secret, key->public_key, blinded, evaluated, count) ||
        crypto_scalarmult_ristretto255_base(t2, random) != 0 || !multiply(t3, random, sum.m))
        return refuse(proof, OPRF_PROOF);
    challenge(proof, key->public_key, &sum, t2, t3);
    crypto_core_ristretto255_scalar_mul(product, proof, key->secret);
    crypto_core_ristretto255_scalar_sub(proof + OPRF_SCALAR, random, product); /* s = r - c * k */
    sodium_memzero(product, sizeof product);
    return true;
}

bool oprf_verify(const uint8_t proof[OPRF_PROOF], const uint8_t public_key[OPRF_ELEMENT], const uint8_t (*blinded)[OPRF_ELEMENT],
                 const uint8_t (*evaluated)[OPRF_ELEMENT], size_t count)
{
    composites sum;
    uint8_t t2[OPRF_ELEMENT], t3[OPRF_ELEMENT], expected[OPRF_SCALAR];
    const uint8_t *c = proof, *s = proof + OPRF_SCALAR;
    if (!scalar_good(c) || !scalar_good(s) || !compose(&sum, NULL, public_key, blinded, evaluated, count))
        return false;
    if (crypto_scalarmult_ristretto255_base(t2, s) != 0 || !accumulate(t2, c, public_key)) /* t2 = s * A + c * B */
        return false;
    if (!multiply(t3, s, sum.m) || !accumulate(t3, c, sum.z)) /* t3 = s * M + c * Z */
        return false;
    challenge(expected, public_key, &sum, t2, t3);
    return sodium_memcmp(expected, c, OPRF_SCALAR) == 0;
}
