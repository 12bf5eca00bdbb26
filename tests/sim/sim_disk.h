/*
 * sim_disk: the disks of the agents' machines, as a VFS of SQLite. What was written is what the process
 * reads; what a power loss leaves is what was flushed, and of the rest some writes, whole, torn or not at all.
 */
#ifndef CTAI_SIM_DISK_H
#define CTAI_SIM_DISK_H

#include "sim.h"

#define SIM_DISK_VFS "sim"

/* A copy of a disk's files, as a backup has them. */
typedef struct sim_image sim_image;

void sim_disk_start(void);  /* once for the process */
void sim_disk_reset(void);  /* all disks empty */
/* The path of a disk's outbox. */
void sim_disk_path(unsigned disk, char path[32]);

/* The process dies within its next writes, after so many of them (0: not). */
void sim_disk_fuse(unsigned disk, unsigned writes);
/* The process is dead from now on. */
void sim_disk_stop(unsigned disk);
/* Has the process died in one of them? It then gets an error for whatever it asks, and changes nothing. */
bool sim_disk_dead(unsigned disk);
/* Has a flush failed there, so that a power loss may take back what a process has read since? */
bool sim_disk_lied(unsigned disk);
/* The process has ended, one way or the other. power: also the machine. */
void sim_disk_died(unsigned disk, bool power);

/* A new disk, empty. */
void sim_disk_clear(unsigned disk);
sim_image *sim_disk_copy(unsigned disk);
void sim_disk_put(unsigned disk, const sim_image *image);
void sim_image_destroy(sim_image **self);

#endif
