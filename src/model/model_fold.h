/* model_fold.h -- from samples of one series to one input's value in a window.
 *
 * Why: a figure must be recomputable from what is durable, bit for bit, by
 * whoever holds the samples.  So folding is a pure function of the usable
 * samples in [start - stale, end), and everything else is cache (RULINGS 26).
 *
 * Samples  rising in time; of several at one time the last one in the array
 *          counts.  NaN, infinities, stale markers, values beyond 64 bits at
 *          the input's scale, and for delta negative ones, are not usable:
 *          skipped, and counted in `skipped`.
 * Rounding each usable value first, to an integer of 10^-scale, half to even.
 *          A counter is therefore rounded as it stands, and rises telescope:
 *          the deltas of sixty minutes add up to the hour's, exactly.
 *
 *   delta  the sum of rises between neighbours (a, b) with b in [start, end);
 *          a may lie before start.  b < a is a reset: the rise is b.  Further
 *          apart than stale: the rise is 0, nobody knows when it happened.
 *
 *            a0        |a1     a2    a3|      a4
 *           ------------[----------------)---------> t
 *                 a1-a0 + a2-a1 + a3-a2     (a4-a3 is the next window's)
 *
 *   last   the newest value in [end - stale, end)
 *   count  how many there are in [start, end)
 *   sum, min, max  of those in [start, end)
 *   time_in, integral  each value holds until the next one, at most stale:
 *
 *            s0        |        s1          s2     |
 *           ------------[-------------------------)---------> t
 *                       |  s0   |   s1   |...|  s2 |   ... stale: unknown
 *
 *          time_in: ms in the input's states; those of all states and of
 *          unknown are the window, to the millisecond.  integral: the sum of
 *          value * ms, brought to the input's unit by one exact ratio and
 *          rounded once, half to even.
 *
 * Absent   last: no sample in its range; time_in, integral: no value holds in
 *          the window; all others: none in [start, end).  A
 *          window without samples is absent, not zero; a counter's first
 *          sample ever, and one after a gap, give a delta of 0.
 * Errors   ABSENT; RANGE: outside the input's min..max, or beyond 64 bits.
 * Memory   none. */
#ifndef MODEL_FOLD_H
#define MODEL_FOLD_H

#include "base/base_num.h"
#include "model/model_pack.h"

struct model_fold_sample {
    int64_t t_ms;
    struct num num;
};

enum err model_fold(const struct model_pack_input *input, struct wall start,
                    struct wall end, const struct model_fold_sample *samples,
                    size_t count, int64_t *ret_value, uint64_t *ret_skipped);
/* One value at a scale, as above; RANGE: not usable. */
enum err model_fold_round(struct num num, unsigned scale, int64_t *ret_value);

#endif
