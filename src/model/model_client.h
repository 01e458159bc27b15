/* model_client.h -- who is connected: what a door tells of one client.
 *
 * Why: doors keep connections each in their own way, and api/connections shows
 * them in one.
 *
 * Order    by client id, in byte order: `after` is the last one of the page
 *          before, and clients may come and go between two pages.
 * Scope    whoever asks sees, and may end, what lies within his scope: a
 *          connection lies where its principal's scope does, an anonymous one
 *          where the node does.
 * Memory   texts point into the door's, for the call. */
#ifndef MODEL_CLIENT_H
#define MODEL_CLIENT_H

#include "model/model_grant.h"

enum { MODEL_CLIENT_PAGE_MAX = 1001 }; /* a thousand, and is there more? */

struct model_client {
    struct bytes id;
    enum model_grant_kind kind;
    struct bytes name;   /* of its principal; "" nobody is known */
    const char *address; /* with its port */
    const char *version; /* "3.1.1" */
    bool tls;
    int64_t since_ms, seen_ms; /* wall; whole seconds */
    uint64_t in, out;          /* messages */
    unsigned unacknowledged;   /* sent to it, QoS 1 and 2 */
    unsigned queued;           /* waiting for those */
    unsigned owed;             /* its messages that wait for the disk */
    unsigned subscriptions, keep_alive_s;
};

struct model_client_query {
    struct bytes scope;        /* of who asks */
    struct bytes after, start; /* of client ids */
    struct bytes user;         /* whose; folded */
    unsigned limit;            /* 1..MODEL_CLIENT_PAGE_MAX */
};

/* A message that was refused, or that nothing understood. */
struct model_client_refusal {
    int64_t t_ms;
    const char *what; /* "unmapped", "unregistered", "payload", "limit" */
    struct bytes client, topic, payload; /* cut to 64, 256, 128 bytes */
    const char *why;
};

typedef void model_client_refusal_fn(void *self,
                                     const struct model_client_refusal *one);

/* false: no more, please. */
typedef bool model_client_fn(void *self, const struct model_client *client);

#endif
