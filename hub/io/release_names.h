/* release_names: the database's words for a regional table's, for the ledger's own files alone. */
#ifndef CTAI_RELEASE_NAMES_H
#define CTAI_RELEASE_NAMES_H

extern const char *const release_levels[]; /* by region_level: ctai.territory */
extern const char *const release_bases[];  /* by region_basis: ctai.basis */

#endif
