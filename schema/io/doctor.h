/*
 * doctor: the health of an installation, as a table of checks. Each looks at one thing and says of what it finds whether it is
 * fine (ok), a doubt (attention) or to be mended (erreur), where it is and what to do, in French. Never a secret, and never a
 * cell of somebody's table.
 *
 * To add a check: a row in the program's table (agents/cmd/agent_doctor.c, hub/cmd/hub_doctor.c).
 */
#ifndef CTAI_DOCTOR_H
#define CTAI_DOCTOR_H

#include "cli.h"

typedef enum { DOCTOR_OK, DOCTOR_DOUBT, DOCTOR_WRONG } doctor_state;

typedef struct doctor doctor;

typedef struct {
    const char *name;                       /* one French word, unique: "droits" */
    const char *fine;                       /* what is said when look has said nothing */
    void (*look)(doctor *self, void *of);   /* of: doctor_run's */
} doctor_check;

/* What a check finds: as many as there are. where (a path, an address) and remedy may be NULL with DOCTOR_OK. */
void doctor_say(doctor *self, doctor_state state, const char *where, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
#define doctor_fine(self, ...) doctor_say((self), DOCTOR_OK, NULL, NULL, __VA_ARGS__)

/* The worst that has been said since the first check. */
doctor_state doctor_worst(const doctor *self);

/* Runs the checks (ended by a NULL name) and prints what they say: 0, or 78 when something is to be mended, or 70. */
int doctor_run(cli_call *call, const doctor_check *checks, void *of);

/* --- checks that both programs have (doctor_machine.c) --- */

/* The home and what lies directly in it belong to us alone, and nobody else can put another in its place. */
void doctor_files(doctor *self, const char *home);
/* Descriptors (at least that many), locked memory, core files, the size of files. */
void doctor_limits(doctor *self, unsigned long files_wanted);
/* Room and inodes of the home's file system, and its kind. */
void doctor_disk(doctor *self, const char *home);
/* Is the clock possible and kept? */
void doctor_clock(doctor *self);
/* The clock against another's word: theirs in seconds since 1970, whose in French with its article ("de la base"). */
void doctor_clock_against(doctor *self, double theirs, const char *whose);

#endif
