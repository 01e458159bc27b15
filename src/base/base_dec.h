/* base_dec.h -- exact decimals: what is read off figures.
 *
 * Why: figures are added as integers and must be the same bits everywhere; a
 * ratio is read off them once, exactly rounded.
 *
 * Shape    a count of 10^-12 in 128 bits: about +-1.7 * 10^26.
 * Rounding half to even in * and / (256-bit intermediates); base_dec_round
 *          takes the mode.
 * Errors   RANGE overflow, or a zero divisor (SHORT: no ratio exists yet);
 *          SYNTAX.  On error ret_ is left as it was.
 * Source   spec rollup 1. */
#ifndef BASE_DEC_H
#define BASE_DEC_H

#include "base/base_bytes.h"

struct dec {
    __int128 count; /* of 10^-12 */
};

enum base_dec_mode {
    BASE_DEC_HALF_AWAY,
    BASE_DEC_HALF_EVEN,
    BASE_DEC_FLOOR,
    BASE_DEC_CEIL,
    BASE_DEC_CUT,
};

enum { BASE_DEC_SCALE = 12, BASE_DEC_TEXT = 48 };

/* [-]digits[.digits][e[+-]digits]; more than 12 decimals are refused unless
 * they are zeros (RANGE). */
enum err base_dec_parse(struct bytes text, struct dec *ret_value);
/* mantissa * 10^-scale, scale 0..12 */
enum err base_dec_from(__int128 mantissa, unsigned scale,
                       struct dec *ret_value);
/* To an integer of 10^-scale, rounded. */
enum err base_dec_to(struct dec value, unsigned scale, enum base_dec_mode mode,
                     int64_t *ret_mantissa);
enum err base_dec_add(struct dec a, struct dec b, struct dec *ret_value);
enum err base_dec_sub(struct dec a, struct dec b, struct dec *ret_value);
enum err base_dec_mul(struct dec a, struct dec b, struct dec *ret_value);
enum err base_dec_div(struct dec a, struct dec b, struct dec *ret_value);
/* a - b * trunc(a / b) */
enum err base_dec_mod(struct dec a, struct dec b, struct dec *ret_value);
/* a / b of two integer sums: one division, exactly rounded. */
enum err base_dec_ratio(__int128 a, __int128 b, struct dec *ret_value);
/* A number too near the end to be rounded away from zero is rounded to zero. */
struct dec base_dec_round(struct dec value, unsigned digits,
                          enum base_dec_mode mode);
int base_dec_compare(struct dec a, struct dec b);
/* Shortest exact text, or with exactly `digits` decimals if digits >= 0
 * (at most 12, rounded half away from zero); returns to, of BASE_DEC_TEXT
 * bytes.  Never "-0". */
char *base_dec_text(struct dec value, int digits, char *to);
/* A 128-bit integer as text (to: BASE_DEC_TEXT bytes). */
char *base_dec_int_text(__int128 value, char *to);

#endif
