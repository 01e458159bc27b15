/* tier_fault.h -- a link worse than it is: for a demonstration node only.
 *
 * Why: whoever sees the promise should see it kept while the network misbehaves
 * before his eyes.  Messages that have come are repeated, held back, or passed
 * by later ones before the node sees them: what the simulation does on its wire
 * (tests/sim/sim_wire.h), here on a real one, behind TLS and so weaker than TLS
 * ever is.
 *
 * Shape    nothing of it exists until tier_fault_open; then between a whole
 *          message and the channel that takes it:
 *            repeat   it comes a second time, up to delay_ms later
 *            delay    it and all behind it come up to delay_ms later, in order
 *            reorder  it alone comes up to delay_ms later
 *          cut: the link to the parent ends, and is not dialled until cut is
 *          taken back.
 * Limits   10,000 messages, 16 MiB held; beyond, they are not touched.
 * Threads  the state loop. */
#ifndef TIER_FAULT_H
#define TIER_FAULT_H

#include "tier/tier.h"

struct tier_fault_plan {
    unsigned repeat, delay, reorder; /* of 1,000 messages */
    unsigned delay_ms;               /* 1 .. 60,000 */
    bool cut;
};

struct tier_fault_counts {
    uint64_t repeated, delayed, reordered, cuts;
};

/* Once; it ends with tier_free. */
void tier_fault_open(struct tier *tier);
/* A new plan; {0}: none.  What is held still comes. */
void tier_fault_set(struct tier *tier, const struct tier_fault_plan *plan);
struct tier_fault_counts tier_fault_counts(struct tier *tier);

#endif
