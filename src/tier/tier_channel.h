/* tier_channel.h -- every channel and kind of a link, as one table.
 *
 * Why: tier knows neither engines nor levels; a row says how a message kind
 * travels.  Numbers are never reused.  What is declared but not live answers
 * UNSUPPORTED.
 *
 * Window   credit while busy; tier adds TIER_CHANNEL_HEAD to it, so that a
 *          message of the maximum size with its head always fits.
 * Owner    whose environment holds the channel's spool and the sender's
 *          cursors (RULINGS 2, 25).
 * Source   spec tier 4. */
#ifndef TIER_CHANNEL_H
#define TIER_CHANNEL_H

#include "model/model_port.h"

enum tier_class {
    TIER_CLASS_STATE = 'a',
    TIER_CLASS_LOG = 'b',
    TIER_CLASS_PULL = 'p',
    TIER_CLASS_CALL = 'c',
    TIER_CLASS_HINT = 'd',
};

enum {
    TIER_WAY_UP = 1,
    TIER_WAY_DOWN = 2,
    TIER_WAY_BOTH = 3,
    TIER_WAY_ROUTED = 7, /* by `to`, over both */
};

enum {
    TIER_CHANNEL_KINDS = 10,
    TIER_CHANNEL_HEAD = 1024,
    TIER_CHANNEL_GAP = 255, /* every log's own kind: a hole, named */
    TIER_CHANNEL_PRIORITIES = 6,
};

struct tier_kind {
    uint8_t number, way;
    bool live;
    const char *name;
};

struct tier_channel {
    const char *name;
    enum tier_class class;
    uint8_t priority, owner;
    uint32_t max, window;
    struct tier_kind kinds[TIER_CHANNEL_KINDS]; /* ends at number 0 */
};

/* NULL beyond the table. */
const struct tier_channel *tier_channel_get(unsigned channel);
/* NULL: no such kind. */
const struct tier_kind *tier_channel_kind(unsigned channel, unsigned kind);
/* Has the channel a live kind at all? */
bool tier_channel_live(unsigned channel);
/* Live kinds below 32, as bits. */
uint32_t tier_channel_kinds(unsigned channel);

#endif
