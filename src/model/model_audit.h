/* model_audit.h -- what is said to the audit log.
 *
 * Why: everything administrative that changes a node is one entry of one log;
 * whoever makes the change says who did it, what was done to what, and what it
 * was before and after.  Engines and api folders hold this; app hands in
 * store_audit.
 *
 * Shape    action is noun.verb, such as "prefix.revoke" or "user.create".
 *          before and after are SHA-256 digests of the changed thing's stored
 *          bytes (32 B, or empty: there is none), never the thing itself: the
 *          log is read by more people than the thing may be.
 * Actor    the request's principal; for what a node does by itself
 *          {.kind = MODEL_GRANT_NODE, .name = its prefix}.
 * Order    the change first, then append, then the reply: it leaves only when
 *          both are durable (output commit).  A change in the node's own
 *          environment goes down in the same batch: store_audit_append.
 * Threads  the state loop.
 * Limits   names and actions 255 B, object 512 B, reason 512 B; longer ones are
 *          cut at a character, marked with "...".  Bytes that are no UTF-8
 *          become U+FFFD.
 * Errors   of append: FULL BUSY IO, nothing was appended. */
#ifndef MODEL_AUDIT_H
#define MODEL_AUDIT_H

#include "model/model_grant.h"

struct model_audit_event {
    const struct model_grant_principal *actor;
    const char *action;
    struct bytes object;
    struct bytes before, after;
    struct bytes reason; /* may be empty */
};

struct model_audit {
    enum err (*append)(struct model_audit *audit,
                       const struct model_audit_event *event);
};

/* NULL: nobody listens (tests of other things). */
static inline enum err
model_audit_append(struct model_audit *audit,
                   const struct model_audit_event *event)
{
    return audit ? audit->append(audit, event) : ERR_OK;
}

#endif
