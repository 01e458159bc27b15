/* stream_keep.h -- small messages that doors must keep: retained, sessions.
 *
 * Why: a door may not know the store, and the environment's owner is another
 * thread.  One put or delete is one kv commit; done comes when it is durable.
 *
 * Shape    table RETAINED: key (kind u8, name), value as the door made it.
 *          Names over 470 bytes are kept under FF + XXH3-128 with the name in
 *          the value.
 * Threads  stream_keep_put from the ingest loop; done runs there.
 * Errors   FULL IO BIG BUSY. */
#ifndef STREAM_KEEP_H
#define STREAM_KEEP_H

#include "store/store_kv.h"

enum stream_keep_kind {
    STREAM_KEEP_RETAINED = 1,
    STREAM_KEEP_SESSION = 2,
    STREAM_KEEP_DEADLETTER = 3,
};

struct stream_keep;

struct stream_keep_call {
    void (*done)(struct stream_keep_call *call, enum err err);
    /* stream_keep's: */
    struct base_task task;
    struct store_journal_wait wait;
    struct stream_keep *keep;
    enum stream_keep_kind kind;
    struct base_out name, value;
    bool remove;
    enum err err;
};

enum err stream_keep_new(struct store_kv *kv, struct base_loop *kv_loop,
                         struct base_loop *door_loop,
                         struct stream_keep **ret_keep);
void stream_keep_free(struct stream_keep *keep);
/* Copies name and value; value {NULL,0} deletes.  The call lives until done. */
void stream_keep_put(struct stream_keep *keep, struct stream_keep_call *call,
                     enum stream_keep_kind kind, struct bytes name,
                     struct bytes value);
/* At start, before the loops run: every kept row. */
enum err stream_keep_load(struct stream_keep *keep, enum stream_keep_kind kind,
                          void (*fn)(void *self, struct bytes name,
                                     struct bytes value),
                          void *self);

#endif
