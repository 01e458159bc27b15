/* store_audit_keep.h -- the heads of the children's audit logs.
 *
 * Why: whoever owns a log can make a new one; he cannot change the head that
 * his parent keeps.  Each head must continue the one kept last.
 *
 *   signature wrong, another key than before    refused, alert audit_key
 *   nothing kept yet                            FIRST
 *   sent before is the one kept, proof right    PROVEN
 *   sent before is the one kept, proof wrong;
 *   or smaller than what is kept; or as big,
 *   with another root                           refused, alert audit_fork, and
 *                                               kept as FORK: two heads signed
 *                                               by one key are the evidence
 *   after a FORK, in the same epoch             refused
 *   sent before is another one                  UNPROVEN, alert audit_unproven:
 *                                               `dougong audit verify
 * --against` reads all entries and decides a higher epoch (join --again), not
 * proven   RESTARTED, alert audit_restarted
 *
 * Shape    STORE_TABLE_AUDIT_KEPT, key: child (folded), 0, number u64 BE from
 *          1; value: version u8 1, state u8, epoch u32 BE, time kept u64 BE,
 *          head 112 B, public key (DER).  The newest 1,000 of a child stay.
 * Threads  the state loop.
 * Errors   to the child: DENIED CONFLICT STALE SYNTAX. */
#ifndef STORE_AUDIT_KEEP_H
#define STORE_AUDIT_KEEP_H

#include "model/model_port.h"
#include "store/store_audit.h"

enum { STORE_AUDIT_KEEP_HEADS = 1000 };

enum store_audit_keep_state {
    STORE_AUDIT_KEEP_FIRST = 1,
    STORE_AUDIT_KEEP_PROVEN,
    STORE_AUDIT_KEEP_UNPROVEN,
    STORE_AUDIT_KEEP_RESTARTED,
    STORE_AUDIT_KEEP_FORK,
};

struct store_audit_kept {
    uint64_t number;
    enum store_audit_keep_state state;
    uint32_t epoch;
    int64_t kept_ms;
    struct wire_head head;
    struct bytes public_der;
};

struct store_audit_keep {
    struct store_kv *kv;
    struct base_loop *loop;
    /* A class 3 alert. */
    void (*alert)(void *self, const char *event, const char *text);
    void *self;
};

/* The row of channel audit, kind HEAD; engine: struct store_audit_keep. */
enum model_took store_audit_keep_take(void *engine,
                                      const struct model_message *message,
                                      struct store_kv_batch *batch,
                                      enum err *ret_code);
/* From number `from`, at most limit; pointers live until the next commit. */
enum err store_audit_keep_list(
    struct store_audit_keep *keep, struct bytes child, uint64_t from,
    unsigned limit, bool (*fn)(void *self, const struct store_audit_kept *kept),
    void *self);

#endif
