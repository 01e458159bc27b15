/* model_fold.c -- folding, one pass. */
#include "model/model_fold.h"

#include <math.h>

#include "base/base_must.h"

struct fold {
    const struct model_pack_input *input;
    int64_t start_ms, end_ms, last_from_ms;
    bool seen, any; /* a sample before this one; one that counts */
    int64_t seen_ms, seen_value;
    __int128 value;
    uint64_t count;
    int64_t held_ms; /* of the window, under some value */
};

static bool
fold_holds(const struct model_pack_input *input)
{
    return input->fold == MODEL_PACK_FOLD_TIME_IN ||
           input->fold == MODEL_PACK_FOLD_INTEGRAL;
}

/* value / 2^shift, half to even; 0 < shift < 127 */
static __int128
fold_halve(__int128 value, int shift)
{
    __int128 one = 1, floor = value >> shift;
    __int128 rest = value - floor * (one << shift), half = one << (shift - 1);
    return floor + (rest > half || (rest == half && (floor & 1)));
}

/* The exact value of a double, which no short decimal gives. */
static enum err
fold_round_double(double value, unsigned scale, __int128 *ret_value)
{
    int exponent;
    if (!isfinite(value))
        return ERR_RANGE;
    /* value = whole * 2^exponent, |whole| < 2^53 */
    __int128 whole = (int64_t)ldexp(frexp(value, &exponent), 53);
    exponent -= 53;
    for (unsigned i = 0; i < scale; i++)
        whole *= 10; /* < 2^93 */
    if (exponent > 20)
        return whole == 0 ? ERR_OK : ERR_RANGE;
    *ret_value = exponent >= 0     ? whole * ((__int128)1 << exponent)
                 : exponent > -100 ? fold_halve(whole, -exponent)
                                   : 0;
    return ERR_OK;
}

static __int128
fold_round_decimal(struct num num, unsigned scale)
{
    __int128 whole = num.mantissa, ten = 1;
    for (unsigned i = num.exponent; i < scale; i++)
        whole *= 10;
    for (unsigned i = scale; i < num.exponent; i++)
        ten *= 10;
    __int128 floor = whole / ten - (whole % ten < 0);
    __int128 twice = (whole - floor * ten) * 2;
    return floor + (twice > ten || (twice == ten && (floor & 1)));
}

enum err
model_fold_round(struct num num, unsigned scale, int64_t *ret_value)
{
    __int128 value = 0;
    if (num.kind == BASE_NUM_STALE)
        return ERR_RANGE;
    if (num.kind == BASE_NUM_DECIMAL)
        value = fold_round_decimal(num, scale);
    else if (fold_round_double(base_num_to_double(num), scale, &value) !=
             ERR_OK)
        return ERR_RANGE;
    if (value > INT64_MAX || value < INT64_MIN)
        return ERR_RANGE;
    *ret_value = (int64_t)value;
    return ERR_OK;
}

static void
fold_delta(struct fold *fold, int64_t t_ms, int64_t value)
{
    if (t_ms >= fold->start_ms) {
        fold->any = true;
        if (fold->seen && t_ms - fold->seen_ms <= fold->input->stale_ms)
            fold->value += value < fold->seen_value
                               ? value
                               : (__int128)value - fold->seen_value;
    }
    fold->seen = true;
    fold->seen_ms = t_ms;
    fold->seen_value = value;
}

static bool
fold_in_state(const struct model_pack_input *input, int64_t value)
{
    for (unsigned i = 0; i < input->state_count; i++)
        if (input->states[i] == value)
            return true;
    return false;
}

/* What was seen last has held until t. */
static void
fold_hold(struct fold *fold, int64_t t_ms)
{
    const struct model_pack_input *input = fold->input;
    int64_t from = fold->seen_ms, until = fold->seen_ms + input->stale_ms;
    from = from > fold->start_ms ? from : fold->start_ms;
    until = until < t_ms ? until : t_ms;
    if (!fold->seen || until <= from)
        return;
    fold->any = true;
    fold->held_ms += until - from;
    if (input->fold == MODEL_PACK_FOLD_INTEGRAL)
        fold->value += (__int128)fold->seen_value * (until - from);
    else if (fold_in_state(input, fold->seen_value))
        fold->value += until - from;
}

/* a / b, b > 0, half to even */
static __int128
fold_divide(__int128 a, __int128 b)
{
    __int128 floor = a / b - (a % b < 0), twice = (a - floor * b) * 2;
    return floor + (twice > b || (twice == b && (floor & 1)));
}

static void
fold_held(struct fold *fold)
{
    const struct model_pack_input *input = fold->input;
    fold_hold(fold, fold->end_ms);
    if (input->fold == MODEL_PACK_FOLD_INTEGRAL)
        fold->value =
            fold_divide(fold->value * input->ratio_num, input->ratio_den);
    else if (input->state_count == 0)
        fold->value = fold->end_ms - fold->start_ms - fold->held_ms;
}

static void
fold_one(struct fold *fold, int64_t t_ms, int64_t value)
{
    bool first = !fold->any;
    if (fold_holds(fold->input)) {
        fold_hold(fold, t_ms);
        fold->seen = true;
        fold->seen_ms = t_ms;
        fold->seen_value = value;
        return;
    }
    if (fold->input->fold == MODEL_PACK_FOLD_DELTA) {
        fold_delta(fold, t_ms, value);
        return;
    }
    if (fold->input->fold == MODEL_PACK_FOLD_LAST) {
        if (t_ms >= fold->last_from_ms) {
            fold->any = true;
            fold->value = value;
        }
        return;
    }
    if (t_ms < fold->start_ms)
        return;
    fold->any = true;
    fold->count++;
    if (fold->input->fold == MODEL_PACK_FOLD_SUM)
        fold->value += value;
    else if (first ||
             (fold->input->fold == MODEL_PACK_FOLD_MIN ? value < fold->value
                                                       : value > fold->value))
        fold->value = value; /* COUNT looks at count */
}

static enum err
fold_result(struct fold *fold, int64_t *ret_value)
{
    const struct model_pack_input *input = fold->input;
    if (fold_holds(input))
        fold_held(fold);
    if (!fold->any)
        return ERR_ABSENT;
    if (input->fold == MODEL_PACK_FOLD_COUNT) {
        fold->value = (__int128)fold->count;
        for (unsigned i = 0; i < input->scale; i++)
            fold->value *= 10;
    }
    if (fold->value < input->min || fold->value > input->max)
        return ERR_RANGE;
    *ret_value = (int64_t)fold->value;
    return ERR_OK;
}

enum err
model_fold(const struct model_pack_input *input, struct wall start,
           struct wall end, const struct model_fold_sample *samples,
           size_t count, int64_t *ret_value, uint64_t *ret_skipped)
{
    struct fold fold = {
        .input = input,
        .start_ms = start.ms,
        .end_ms = end.ms,
        .last_from_ms = end.ms - input->stale_ms,
    };
    bool delta = input->fold == MODEL_PACK_FOLD_DELTA;
    uint64_t skipped = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t t_ms = samples[i].t_ms, value;
        must(i == 0 || samples[i - 1].t_ms <= t_ms);
        if (t_ms < start.ms - input->stale_ms || t_ms >= end.ms ||
            (i + 1 < count && samples[i + 1].t_ms == t_ms))
            continue;
        if (model_fold_round(samples[i].num, input->scale, &value) != ERR_OK ||
            (delta && value < 0))
            skipped++;
        else
            fold_one(&fold, t_ms, value);
    }
    if (ret_skipped)
        *ret_skipped = skipped;
    return fold_result(&fold, ret_value);
}
