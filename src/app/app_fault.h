/* app_fault.h -- a demonstration node: what it lets be done to itself.
 *
 * `demonstration: FOLDER` in node.yaml.  Whoever does the breaking
 * (tools/breakit) and the nodes meet in that folder, so that each outlives the
 * others:
 *   wish.json             POST and DELETE /api/break -> the breaker
 *   status.json           the breaker -> GET /api/break
 *   faults-PREFIX.json    the breaker -> this node, looked at 5 times a second:
 *                         {until_ms, repeat, delay, reorder (of 1,000),
 *                         delay_ms, cut}; over at until_ms
 *   counts-PREFIX.json    this node -> the breaker: {repeated, delayed,
 *                         reordered, cuts} since its start
 * Such a node binds to loopback only and takes the pack `breakit` besides.
 * Without the key none of it exists, and /api/break says 403.
 * Threads  the state loop. */
#ifndef APP_FAULT_H
#define APP_FAULT_H

#include "api/break/api_break.h"
#include "tier/tier_fault.h"

struct app_parts;

struct app_fault {
    struct app_parts *parts;
    struct api_break api;
    struct base_timer timer;
    struct tier_fault_counts told;
    unsigned looks;
};

/* After the tier is made. */
enum err app_fault_open(struct app_parts *parts);
enum err app_fault_http(struct app_parts *parts);

#endif
