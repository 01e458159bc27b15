/* ctl_feed.h -- messages into a node's MQTT door, as fast as it takes them.
 *
 * Why: a simulated plant and an import differ in what they say, not in how it
 * is brought in: each message is kept until its PUBACK, which means stored,
 * sent again after the node was away, and answered exactly once.
 *
 *      source --next()--> [<= 900 kept] --QoS 1--> door +1 of the node
 *         ^                                            |
 *         '------------- answered(number, reason) -----'
 *
 * Ends     when the source has ended and all is answered.  SIGINT and SIGTERM:
 *          stop() asks the source to end; what is still unanswered 10 s later
 *          is given up, and said.
 * Errors   UNREACHED  nobody answered during the first 15 s (later a node that
 *          is away is waited for, for ever); REFUSED  the door said no to the
 *          user, or to a message for lack of space 5 times in a row.
 * Threads  one loop, on the calling thread; all calls come from there. */
#ifndef CTL_FEED_H
#define CTL_FEED_H

#include "base/base_bytes.h"
#include "base/base_time.h"
#include "ctl/ctl.h"

struct ctl_feed_message { /* valid until the next call of next() */
    struct bytes topic, payload;
};

struct ctl_feed_stats {
    uint64_t made, acked, refused, waiting;
    int64_t sent; /* again included */
    bool on;      /* connected */
};

enum { CTL_FEED_END = -1, CTL_FEED_MESSAGE = 0 };

struct ctl_feed {
    const char *id; /* the MQTT client's */
    uint8_t version;
    const char *user, *password; /* NULL: none */
    /* MESSAGE; END; or in how many ms to ask again, at most.  Messages are
     * numbered from 0 as they are given. */
    int (*next)(void *self, struct wall now, struct ctl_feed_message *ret);
    void (*answered)(void *self, uint64_t number, uint8_t reason);
    void (*stop)(void *self);
    /* Once a second; NULL: nobody looks. */
    void (*progress)(void *self, const struct ctl_feed_stats *stats);
    void *self;
};

/* The MQTT door of the node asked (its base port + 1). */
enum ctl_exit ctl_feed_run(const struct ctl *ctl, const struct ctl_feed *feed,
                           struct ctl_feed_stats *ret_stats);
/* --user and --password, or --key FILE with "USER:PASSWORD"; into the feed, the
 * texts into room. */
enum ctl_exit ctl_feed_credentials(const struct ctl *ctl, struct ctl_feed *feed,
                                   char *room, size_t size);

#endif
