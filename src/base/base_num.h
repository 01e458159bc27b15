/* base_num.h -- one sample's value, as it was written.
 *
 * Shape    mantissa * 10^-exponent, exponent 0..15; or the raw bits of a double
 *          that no such pair gives: NaN, Inf, -0, undecimal doubles, and the
 *          stale marker 0x7ff0000000000002.
 * Meaning  double(mantissa) / 10^exponent, one correctly rounded division,
 *          equal to strtod of the text.
 * Range    |mantissa| <= 10^15, or 2^53 - 1 for exponent 0, when it came from a
 *          double; text of <= 15 digits gives the pair directly.
 * Source   spec store 1.  Exact in decimals: base_num_dec. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/base_dec.h"

enum base_num_kind { BASE_NUM_DECIMAL, BASE_NUM_RAW, BASE_NUM_STALE };

struct num {
    int64_t mantissa; /* RAW: the double's bits */
    uint8_t exponent;
    uint8_t kind;
};

enum { BASE_NUM_TEXT = 32 };

/* JSON-like decimal text; more than 18 digits go through strtod, and so do
 * 16 to 18 where the pair would mean another double.  SYNTAX; RANGE: beyond
 * every finite double, or 1,024 bytes and more. */
enum err base_num_parse(struct bytes text, struct num *ret_num);
struct num base_num_double(double value);
double base_num_to_double(struct num num);
/* RANGE when raw (but for -0, which is 0) or stale, or when 10^-12 cannot hold
 * it. */
enum err base_num_dec(struct num num, struct dec *ret_value);
/* Shortest text that reads back equal: exponent form below 1e-6 or from 1e21,
 * NaN, +Inf, -Inf. */
char *base_num_text(struct num num, char *to);
/* Numeric compare of two decimals; raw ones by double, NaN below all. */
int base_num_compare(struct num a, struct num b);

#endif
