/*
 * hub_home: what the hub's home holds: hub.conf, the keys, and the endpoint that serve has bound.
 *
 *   hub.conf     the configuration (0600: it may hold a password)
 *   curve.key    CURVE pair: public, then secret (64 bytes)
 *   sign.key     Ed25519 pair: public, then secret (96 bytes)
 *   pepper.key   32 bytes; never in the database or its backups
 *   endpoint     the address that the last serve has bound, with its real port
 *   postgres/    the private cluster (cluster.h)
 *   init.part    init has begun and not ended: what is here may be begun anew
 *
 * Always true: hub.conf is put in place last, so a home that has it is complete.
 */
#ifndef CTAI_HUB_HOME_H
#define CTAI_HUB_HOME_H

#include "bundle.h"
#include "credential.h"
#include "home.h"
#include "hub_conf.h"

typedef struct {
    crypto_box_pair curve;
    crypto_sign_pair sign;
    uint8_t pepper[CRYPTO_KEY];
    char fingerprint[CRYPTO_FINGERPRINT_TEXT];
} hub_keys;

enum { HUB_HOME_WHY_MAX = PATH_MAX + 512 };

typedef struct {
    home home;
    hub_conf conf;
    hub_keys *keys; /* locked in memory, wiped at the end */
} hub_home;

/*
 * Opens the home and reads all of it; diagnostics of hub.conf go to sink. Otherwise false, and why says so in
 * French, with what to do. *code is then the exit code (INTERFACE.md).
 */
bool hub_home_open(hub_home *self, const char *path, diag_sink *sink, int *code, char why[HUB_HOME_WHY_MAX])
    __attribute__((warn_unused_result));
void hub_home_close(hub_home *self);

/* Is it the complete home of a hub; is anything else in it (what a broken init left does not count)? */
void hub_home_look(const home *self, bool *is_hub, bool *is_used);

/*
 * For init: new keys, or those of another hub when joined is not NULL, written down; then hub.conf, which completes the
 * home. False with why, as above (code 73).
 */
bool hub_home_create(hub_home *self, const bundle *joined, char why[HUB_HOME_WHY_MAX]) __attribute__((warn_unused_result));
bool hub_home_complete(hub_home *self, char why[HUB_HOME_WHY_MAX]) __attribute__((warn_unused_result));
/* For init: marks the home as begun, before anything else is in it. */
bool hub_home_begin(const home *self) __attribute__((warn_unused_result));
/* For init: takes all out again that init has put there, but for the lock. */
void hub_home_clear(const home *self);

/* The address that serve has bound (tcp://HOST:PORT), for approvals; false when none ever was. */
bool hub_home_read_endpoint(const hub_home *self, endpoint *bound);
bool hub_home_write_endpoint(const hub_home *self, const char *text) __attribute__((warn_unused_result));

/*
 * Where agents reach the hub: the configured addresses; else where it listens, with the host's full name in place
 * of "every address", and the port that serve has bound in place of one that the system chooses. Gives how many;
 * 0 when no port is known yet.
 */
unsigned hub_home_addresses(const hub_home *self, char addresses[HUB_CONF_ADDRESSES_MAX][ENDPOINT_TEXT]);

#endif
