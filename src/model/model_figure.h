/* model_figure.h -- one measure state: what is added, and only added.
 *
 * Shape    per partial pack M = 2 + measures slots; slot 0 `expected`, slot 1
 *          `reported` (RULINGS 27), then the pack's measures in order.  Each
 *          slot carries n, the units that gave it, and a 128-bit sum.  A slot
 *          whose mask bit is clear is absent, which is not zero.
 * Range    |sum| <= n * (2^43 - 1) or the record is refused; 2^20 units.
 * Memory   a value of fixed size, about 2 KiB. */
#ifndef MODEL_FIGURE_H
#define MODEL_FIGURE_H

#include "base/base_bytes.h"

enum {
    MODEL_FIGURE_SLOTS = 64,
    MODEL_FIGURE_EXPECTED = 0,
    MODEL_FIGURE_REPORTED = 1,
    MODEL_FIGURE_MEASURES = 2
};

#define MODEL_FIGURE_UNIT_MAX ((INT64_C(1) << 43) - 1)

struct model_figure_slot {
    uint64_t n;
    __int128 sum;
};

struct model_figure {
    uint64_t mask;
    struct model_figure_slot slots[MODEL_FIGURE_SLOTS];
};

/* total += sign * part, for sign +1 or -1; a slot whose n reaches 0 is absent
 * again. RANGE: the result would be out of range, nothing is changed. */
enum err model_figure_add(struct model_figure *total,
                          const struct model_figure *part, int sign);
bool model_figure_equal(const struct model_figure *a,
                        const struct model_figure *b);
/* Canonical bytes (rows of kv, DGF1 records): mask of slot_count bits, LSB
 * first, then per set bit varint n and zigzag LEB128 sum. */
#include "base/base_cur.h"
#include "base/base_out.h"
void model_figure_write(struct base_out *out, const struct model_figure *figure,
                        unsigned slot_count);
void model_figure_read(struct base_cur *cur, struct model_figure *ret_figure,
                       unsigned slot_count);

#endif
