/* api_break.h -- Break it: the button and its counter.
 *
 * POST   /api/break  {seconds 1..3600, seed, faults[] of kill cut repeat delay
 *     reorder; all that are left out}: it begins; 409 while it runs.
 * GET    /api/break  how it goes: {state idle|running|settling|done|failed,
 * ...} as tools/breakit writes it: acknowledged, stored, lost, doubled, the
 *     national figure and its recomputation, what was done to whom.
 * DELETE /api/break  it ends now, and counts.
 *
 * Why here and not at the process that does the breaking: the page that shows
 * it may speak to its own node only, and the right is checked where all rights
 * are.  The node hands the wish over and shows what comes back; it is killed
 * like all others meanwhile, and back within a second.  See
 * doc/why/2026-11-22-break.md.
 *
 * Refused  403 at a node that is not for demonstration, whoever asks.
 * Threads  the state loop. */
#ifndef API_BREAK_H
#define API_BREAK_H

#include "model/model_audit.h"
#include "net/http/net_http.h"

enum { API_BREAK_ROUTES = 1, API_BREAK_FAULTS = 5 };

struct api_break {
    bool demonstration;
    struct model_audit *audit;
    const char *node;
    /* How it goes: JSON into the arena; ABSENT: nothing yet. */
    enum err (*status)(void *self, struct base_arena *arena,
                       struct bytes *ret_json);
    /* What is wished, for whoever does it. */
    enum err (*wish)(void *self, struct bytes json);
    void *self;
};

void api_break_routes(struct api_break *break_it, struct base_loop *loop,
                      struct net_http_route routes[API_BREAK_ROUTES]);

#endif
