/* proof: see the header. There are no errors beyond a name that is none. */
#include "proof.h"

#include <assert.h>

#include "mpack.h"

#define LINK_DOMAIN "ctai-chain-1"
#define CONTRACT_DOMAIN "ctai-contrat-1"

enum { LINK_FIELDS = 6, CONTRACT_FIELDS = 4, DOMAIN_MAX = 32, SMALL_MAX = 256 };

void proof_link(uint8_t chain[CRYPTO_HASH], const uint8_t previous[CRYPTO_HASH], text_view scope, uint64_t position,
                proof_kind kind, const uint8_t hash[CRYPTO_HASH])
{
    uint8_t bytes[SMALL_MAX];
    batch_buffer link = {.data = bytes, .capacity = sizeof bytes, .limit = sizeof bytes};

    mpack_write_array(&link, LINK_FIELDS);
    mpack_write_string(&link, text_of(LINK_DOMAIN), DOMAIN_MAX);
    mpack_write_binary(&link, previous, CRYPTO_HASH);
    mpack_write_name(&link, scope, BATCH_SCOPE_MAX);
    mpack_write_uint(&link, position);
    mpack_write_uint(&link, kind);
    mpack_write_binary(&link, hash, CRYPTO_HASH);
    assert(!link.failed); /* a scope that was registered or read, a position that was counted */
    crypto_digest(chain, NULL, 0, link.data, link.size);
}

bool proof_contract(uint8_t hash[CRYPTO_HASH], text_view id, uint64_t version, text_view definition)
{
    uint8_t bytes[SMALL_MAX], definition_hash[CRYPTO_HASH];
    batch_buffer entry = {.data = bytes, .capacity = sizeof bytes, .limit = sizeof bytes};

    batch_hash(definition_hash, definition);
    mpack_write_array(&entry, CONTRACT_FIELDS);
    mpack_write_string(&entry, text_of(CONTRACT_DOMAIN), DOMAIN_MAX);
    mpack_write_name(&entry, id, RECORD_NAME_MAX);
    mpack_write_uint(&entry, version);
    mpack_write_binary(&entry, definition_hash, CRYPTO_HASH);
    if (entry.failed || version == 0)
        return false;
    crypto_digest(hash, NULL, 0, entry.data, entry.size);
    return true;
}
