/* contract_reader: what the reading of a contract's parts shares (for contract's own files alone). */
#ifndef CTAI_CONTRACT_READER_H
#define CTAI_CONTRACT_READER_H

#include "contract.h"

typedef struct {
    contract *into;
    yamldoc *doc;
    const catalogue *national;
    bool failed; /* memory is short: said once, nothing more is read */
} contract_reader;

/* Memory for the items of a list; NULL when the list is NULL or empty, or memory is short (said). */
void *contract_reader_take(contract_reader *self, const yamldoc_node *list, size_t item_size);
/* Memory for count items, at least one; NULL when it is short (said). */
void *contract_reader_room(contract_reader *self, size_t count, size_t item_size);

/* Says of a code under a key that it is no indicator's, with the nearest that is. */
void contract_reader_unknown(contract_reader *self, const yamldoc_node *item, const char *key, text_view code);

/*
 * An amount, which may be « inconnu », and the key `note` beside it. False when it is absent or wrong. *at, which may
 * be NULL, is where it stands, or NULL.
 */
bool contract_reader_amount(yamldoc_map *map, const char *key, yamldoc_need need, contract_amount *to,
                            const yamldoc_node **at);

/* The keys `parties` and `pilotage`; the key `financements`. */
void contract_reader_parties(contract_reader *self, yamldoc_map *top, yamldoc_need need);
void contract_reader_money(contract_reader *self, yamldoc_map *top);

/* The key `objectifs` of an action, or of the contract. */
void contract_reader_targets(contract_reader *self, yamldoc_map *map, contract_target *targets, unsigned *count);

/* "12 345 €" or "12 345,50 €". */
enum { CONTRACT_READER_EUROS = 48 };
void contract_reader_euros(int64_t cents, char text[CONTRACT_READER_EUROS]);

/* The key `variantes`, whose indicators are added to the own ones, which have been read. */
void contract_reader_variants(contract_reader *self, yamldoc_map *top);

/* The key `actions`; parties, own indicators and variants have been read. */
void contract_reader_actions(contract_reader *self, yamldoc_map *top);

#endif
