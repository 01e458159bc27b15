/* rollup_return.h -- returns: filed, judged, signed, counted, corrected.
 *
 * Why: what an enterprise states of itself becomes a contribution like that of
 * a machine, by the same merge; and the signed bytes stay, so that a figure
 * walks back to them.
 *
 *                fails hard                fails soft, no explanation
 *   refused <--------------- filed -----------------------> queried
 *  (nothing is kept)           |                               |
 *                              v                               | filed again,
 *              accepted, counted  <----------------------------+ explained
 *                  |
 *                  +-- corrected: the whole again with a reason; what stood
 *                      is kept as superseded
 *
 *          A correction that is queried does not count before its questions
 *          are answered; what stood goes on counting.
 * Again    the same values, texts and reason as stand change nothing: the
 *          first answer is given again.
 * Shape    RETURN P window u32 00 unit folded; RETURN_PAST the same and
 *          revision u32 BE.  Value: version u8 1, verdict u8, counted u32 LE
 *          (the revision that figures have; 0 none), applied ms u64 LE, u8
 *          length and who filed it, u16 length and the return, u16 length and
 *          the receipt (wire_return.h).
 * Signed   the return by its unit's key (config.signer_of: the node's own, or
 *          that of an enterprise that is hosted here), the receipt by the
 *          node's.
 * Base     last year's value is what the unit states; if it says nothing, what
 *          its accepted return of last year here said.
 * Limits   16 explanations of 10..1,024 bytes; 4,096 revisions of a return.
 * Errors   OK also for `queried` and, with check_only, for what would be
 *          refused: look at the verdict.  DENIED with verdict->refused and the
 *          problems: refused.  NAME no pack, or one without returns; LIMIT BUSY
 *          FULL IO MISMATCH as of a merge.
 * Threads  rollup's loop.  What is replied must wait until it is durable, as
 *          HTTP does.
 * Source   spec rollup 5. */
#ifndef ROLLUP_RETURN_H
#define ROLLUP_RETURN_H

#include "engine/rollup/rollup.h"
#include "model/model_return.h"
#include "wire/return/wire_return.h"

enum { ROLLUP_RETURN_EXPLAIN_MIN = 10, ROLLUP_RETURN_REVISIONS = 4096 };

struct rollup_return_pair {
    struct bytes name, value; /* item and number; check and explanation */
};

struct rollup_return_ask {
    struct bytes pack, unit, window, reason; /* texts; reason "": none */
    uint32_t revision;                       /* the one it is to be; 0: next */
    const struct rollup_return_pair *items, *texts;
    unsigned item_count, text_count;
    const char *actor; /* "user:li" */
    bool check_only;
};

struct rollup_return_problem {
    const char *code; /* "missing_item" ... */
    const char *item, *check;
    enum model_pack_level level;
    bool explained;
    const char *zh, *en; /* may be NULL */
    struct bytes given;
};

struct rollup_return_verdict {
    const char *refused; /* a code; NULL: it is not */
    enum wire_return_verdict verdict;
    bool again, pending; /* pending: its window is sealed; the next version */
    uint32_t revision, vintage;
    uint64_t mask; /* with base values */
    int64_t values[MODEL_PACK_INPUTS];
    struct rollup_return_problem *problems;
    unsigned problem_count;
    struct bytes id;           /* of rollup_return_get */
    struct bytes ret, receipt; /* signed bytes */
    const struct model_pack *pack;
    uint32_t window;
};

enum err rollup_return_file(struct rollup *rollup,
                            const struct rollup_return_ask *ask,
                            struct base_arena *arena,
                            struct rollup_return_verdict *ret_verdict,
                            struct base_note *note);

struct rollup_return_view {
    struct bytes id; /* key bytes */
    const struct model_pack *pack;
    enum wire_return_verdict verdict;
    bool superseded;
    uint32_t counted;
    int64_t applied_ms;
    struct bytes actor, ret, receipt;
    struct wire_return decoded; /* of ret */
};

/* A row's value as it is kept; points into it.  VERSION CORRUPT. */
enum err rollup_return_read(struct bytes row,
                            struct rollup_return_view *ret_view);
/* id: of a view.  revision 0: the newest.  ABSENT. */
enum err rollup_return_get(struct rollup *rollup, struct bytes id,
                           uint32_t revision, struct base_arena *arena,
                           struct rollup_return_view *ret_view);
/* The newest of each, in order of pack, window and unit, after `after` (an id;
 * may be empty).  window 0: all; unit empty: all, else that or those below
 * it. */
enum err rollup_return_list(
    struct rollup *rollup, struct bytes pack, uint32_t window,
    struct bytes unit, struct bytes after,
    bool (*fn)(void *self, const struct rollup_return_view *view), void *self);
/* Last period's and last year's values of this unit, where an accepted return
 * is here; masks are 0 otherwise. */
struct rollup_return_before {
    uint64_t last_mask, year_mask;
    int64_t last[MODEL_PACK_INPUTS], year[MODEL_PACK_INPUTS];
    int64_t due_ms;
    bool filed;
};

enum err rollup_return_before(struct rollup *rollup, struct bytes pack,
                              struct bytes unit, struct bytes window,
                              struct rollup_return_before *ret_before,
                              struct base_note *note);

#endif
