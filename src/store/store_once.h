/* store_once.h -- requests that are done once, however often they are sent.
 *
 * Why: whoever gets no answer does not know whether the thing was done, and
 * asks again.  A request may carry a key of the asker's; what was done and
 * answered under it is kept here, before it is done and before it is answered.
 *
 * Promise  begin's row goes into the journal before anything that the request
 *          then does, end's before the answer leaves.  So after a crash a key
 *          is  absent      nothing of its request was done
 *              answered    it was done; the first answer is here
 *              begun       the node stopped between the two: nobody knows, and
 *                          the asker is told so (LOST)
 * Shape    in the node's environment, table ONCE:
 *   'n'              -> next slot u64 LE
 *   's', slot u32 BE -> id: which request the slot holds (slot % SLOTS)
 *   'i', id 32 B     -> | 0 version u8 1 | 1 state u8 (0 begun, 1 answered,
 *       2 done, its answer is not kept) | 2 status u16 LE | 4 made_ms u64 LE |
 *       12 boot u64 LE | 20 slot u64 LE | 28 digest of the request, 32 B |
 *       60 type u8 length, text | body to the end |
 * Limits   STORE_ONCE_SLOTS requests, 24 h: the newest are kept, the oldest of
 *          more is forgotten (a row costs its slot's former one); an answer of
 *          more than 16 KiB is not kept.
 * Errors   of begin: USED answered; AGAIN under way since this start; LOST
 *          begun before it; MISMATCH another request came under this id; those
 *          of store_kv_commit: nothing was begun.
 * State    none in memory but counters.  Threads: the environment's owner. */
#ifndef STORE_ONCE_H
#define STORE_ONCE_H

#include "base/base_stat.h"
#include "store/store_kv.h"

enum {
    STORE_ONCE_SLOTS = 10000,
    STORE_ONCE_ANSWER = 16 << 10,
    STORE_ONCE_TYPE = 64,
    STORE_ONCE_HASH = 32
};

struct store_once {
    struct store_kv *kv;
    uint64_t boot;            /* of this start: random */
    uint64_t slots;           /* 0: STORE_ONCE_SLOTS */
    struct base_stat dropped; /* younger than 24 h */
};

struct store_once_answer {
    unsigned status;         /* 0: not kept */
    struct bytes type, body; /* as long as store_kv_get's */
};

/* May this request be done? */
enum err store_once_begin(struct store_once *once,
                          const uint8_t id[STORE_ONCE_HASH],
                          const uint8_t digest[STORE_ONCE_HASH], int64_t now_ms,
                          struct store_once_answer *ret_answer);
/* It was answered; type {NULL, 0}: the answer is not to be kept. */
void store_once_end(struct store_once *once, const uint8_t id[STORE_ONCE_HASH],
                    unsigned status, struct bytes type, struct bytes body);
/* Nothing of it was done: it may come again. */
void store_once_forget(struct store_once *once,
                       const uint8_t id[STORE_ONCE_HASH]);

#endif
