/* model_near.h -- the known name nearest to a mistyped one.
 *
 * Why: "unknown key grian" costs an author a search through the manual; "did
 * you mean grain?" costs nothing.
 *
 * Shape    offer every known name, then ask for the hint.  Nearness is the
 *          number of letters inserted, dropped, changed or swapped; a name is
 *          near when it is at most a third of the given one's length, and at
 *          least one.  Equally near: the first offered.
 * Memory   a value; offered names must outlive it. */
#ifndef MODEL_NEAR_H
#define MODEL_NEAR_H

#include "base/base_bytes.h"

struct model_near {
    struct bytes given;
    const char *best;
    unsigned distance; /* of best; one more than allowed while there is none */
    char hint[96];
};

void model_near_init(struct model_near *near, struct bytes given);
void model_near_offer(struct model_near *near, const char *name);
/* "; did you mean grain?", or "" */
const char *model_near_hint(struct model_near *near);

#endif
