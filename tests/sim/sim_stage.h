/*
 * sim_stage: pieces: troubles that only bite one after the other, in an order that chance seldom brings. Every second pair
 * of seeds is staged; the others are as though this were not there.
 *
 *  - tail: the standby stands still, agents go on, an agent is restored or rights change, the standby is promoted;
 *  - restore: an agent is backed up, goes on, and is restored with a batch under way that arrives right after a grant;
 *  - right: a right is gone for a moment, or until the troubles end, and no hub is told.
 *
 * And around a renewal: RENEW that arrives when its agent has gone to another hub, GRANTED that is lost, an agent that
 * dies in the midst of asking, or of comparing after it.
 */
#ifndef CTAI_SIM_STAGE_H
#define CTAI_SIM_STAGE_H

#include "agent_session.h"
#include "sim.h"

/* Decides whether the world is staged; more of those worlds have restores, where there are no clones. */
void stage_make_world(bool *restores, bool clones, bool terms);
void stage_begin(uint64_t duration_ms);
/* True: a piece has begun in place of another trouble. */
bool stage_next(void);
void stage_happens(unsigned agent, uint64_t part);

/* An agent sends RENEW. */
void stage_renews(unsigned agent);
/* An agent sends SURVEY. */
void stage_surveys(unsigned agent);
/* That RENEW lingers on the way. */
void stage_lingers(void);
/* An incarnation was granted. */
void stage_granted(unsigned identity, unsigned scope);
/*
 * Does an agent hold receipts for what the database has lost (or is not up, NULL)? In a staged world it is not backed up
 * then, nor restored to a disk of before: once its owner was granted a place before them, such a disk does what the second
 * of two machines would do, and no one can tell; or it takes refusals that followed for the acceptance that it remembers.
 */
bool stage_is_ahead(const agent_session *session, unsigned identity);
/* The database has lost its tail. */
void stage_failed_over(void);

#endif
