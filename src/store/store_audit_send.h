/* store_audit_send.h -- signed heads of the own log on their way to the parent.
 *
 * Why: a head that somebody else holds cannot be taken back.  Every `entries`
 * entries, or `every_ms` after the last head if there are new ones, a head is
 * signed and posted with the proof that it continues the one before.
 *
 * Shape    the head's row (STORE_TABLE_AUDIT_HEAD) and the message go down in
 *          one batch: no crash parts them.  A node without a parent keeps its
 *          heads all the same.
 * Retry    a batch that is refused is tried again after 10 s, and the next one
 *          proves all that has come meanwhile.
 * Threads  the state loop. */
#ifndef STORE_AUDIT_SEND_H
#define STORE_AUDIT_SEND_H

#include "model/model_port.h"
#include "store/store_audit.h"

struct store_audit_send {
    struct store_audit *audit;
    struct model_port *port;
    uint32_t (*epoch)(void *self);
    void *epoch_self;
    unsigned entries;
    int64_t every_ms;
    /* its own: */
    struct base_timer timer;
    struct base_task task;
};

/* After the tier's start; the fields above are set. */
void store_audit_send_start(struct store_audit_send *send);
/* Own heads that were sent, from size `from`, at most limit. */
enum err
store_audit_send_list(struct store_audit *audit, uint64_t from, unsigned limit,
                      bool (*fn)(void *self, const struct wire_head *head),
                      void *self);

#endif
