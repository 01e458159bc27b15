/* base_dec.c -- exact decimals over 128-bit counts, with 256-bit products.
 *
 * All rounding is done on magnitudes: a quotient and what was left over
 * against the divisor, then the mode, then the sign. */
#include "base/base_dec.h"

#include <stdlib.h>

#include "base/base_must.h"

typedef unsigned __int128 dec_u128;

static const dec_u128 dec_one = 1000000000000u; /* 10^12 */

/* A magnitude of 256 bits. */
struct dec_wide {
    dec_u128 high, low;
};

static dec_u128
dec_power(unsigned exponent) /* 10^exponent, exponent <= 38 */
{
    dec_u128 power = 1;
    while (exponent--)
        power *= 10;
    return power;
}

static dec_u128
dec_magnitude(__int128 value)
{
    return value < 0 ? 0 - (dec_u128)value : (dec_u128)value;
}

/* The magnitude with its sign, or RANGE. */
static enum err
dec_signed(bool minus, dec_u128 magnitude, __int128 *ret_value)
{
    dec_u128 most = ((dec_u128)1 << 127) - (minus ? 0 : 1);
    if (magnitude > most)
        return ERR_RANGE;
    *ret_value = (__int128)(minus ? 0 - magnitude : magnitude);
    return ERR_OK;
}

static struct dec_wide
dec_wide_product(dec_u128 a, dec_u128 b)
{
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64);
    uint64_t b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    dec_u128 p00 = (dec_u128)a0 * b0, p01 = (dec_u128)a0 * b1;
    dec_u128 p10 = (dec_u128)a1 * b0, p11 = (dec_u128)a1 * b1;
    dec_u128 middle = (p00 >> 64) + (uint64_t)p01 + (uint64_t)p10;
    return (struct dec_wide){
        .high = p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64),
        .low = middle << 64 | (uint64_t)p00,
    };
}

/* value / by, by > value.high, so that the quotient has 128 bits.  Long
 * division, a bit at a time, where the quick one does not do. */
static dec_u128
dec_wide_divide(struct dec_wide value, dec_u128 by, dec_u128 *ret_rest)
{
    if (value.high == 0) {
        *ret_rest = value.low % by;
        return value.low / by;
    }
    dec_u128 rest = value.high, quotient = 0;
    for (unsigned i = 128; i-- > 0;) {
        bool carry = rest >> 127 != 0;
        rest = rest << 1 | (value.low >> i & 1);
        quotient <<= 1;
        if (carry || rest >= by) {
            rest -= by;
            quotient |= 1;
        }
    }
    *ret_rest = rest;
    return quotient;
}

/* Does the mode move this quotient away from zero? */
static bool
dec_rounds_up(bool minus, dec_u128 quotient, dec_u128 rest, dec_u128 by,
              enum base_dec_mode mode)
{
    if (rest == 0)
        return false;
    dec_u128 other = by - rest;
    switch (mode) {
    case BASE_DEC_HALF_AWAY:
        return rest >= other;
    case BASE_DEC_HALF_EVEN:
        return rest > other || (rest == other && (quotient & 1));
    case BASE_DEC_FLOOR:
        return minus;
    case BASE_DEC_CEIL:
        return !minus;
    case BASE_DEC_CUT:
        break;
    }
    return false;
}

/* +-(a * b / by), half to even. */
static enum err
dec_scale(bool minus, dec_u128 a, dec_u128 b, dec_u128 by,
          struct dec *ret_value)
{
    struct dec_wide product = dec_wide_product(a, b);
    if (product.high >= by)
        return ERR_RANGE;
    dec_u128 rest, quotient = dec_wide_divide(product, by, &rest);
    if (dec_rounds_up(minus, quotient, rest, by, BASE_DEC_HALF_EVEN) &&
        ++quotient == 0)
        return ERR_RANGE;
    return dec_signed(minus, quotient, &ret_value->count);
}

enum err
base_dec_add(struct dec a, struct dec b, struct dec *ret_value)
{
    __int128 sum;
    if (__builtin_add_overflow(a.count, b.count, &sum))
        return ERR_RANGE;
    ret_value->count = sum;
    return ERR_OK;
}

enum err
base_dec_sub(struct dec a, struct dec b, struct dec *ret_value)
{
    __int128 difference;
    if (__builtin_sub_overflow(a.count, b.count, &difference))
        return ERR_RANGE;
    ret_value->count = difference;
    return ERR_OK;
}

enum err
base_dec_mul(struct dec a, struct dec b, struct dec *ret_value)
{
    return dec_scale((a.count < 0) != (b.count < 0), dec_magnitude(a.count),
                     dec_magnitude(b.count), dec_one, ret_value);
}

enum err
base_dec_ratio(__int128 a, __int128 b, struct dec *ret_value)
{
    if (b == 0)
        return ERR_SHORT;
    return dec_scale((a < 0) != (b < 0), dec_magnitude(a), dec_one,
                     dec_magnitude(b), ret_value);
}

enum err
base_dec_div(struct dec a, struct dec b, struct dec *ret_value)
{
    return base_dec_ratio(a.count, b.count, ret_value);
}

enum err
base_dec_mod(struct dec a, struct dec b, struct dec *ret_value)
{
    if (b.count == 0)
        return ERR_SHORT;
    /* C's % of the least number by -1 is undefined. */
    ret_value->count = b.count == -1 ? 0 : a.count % b.count;
    return ERR_OK;
}

int
base_dec_compare(struct dec a, struct dec b)
{
    return a.count < b.count ? -1 : a.count > b.count;
}

enum err
base_dec_from(__int128 mantissa, unsigned scale, struct dec *ret_value)
{
    __int128 count;
    if (scale > BASE_DEC_SCALE ||
        __builtin_mul_overflow(
            mantissa, (__int128)dec_power(BASE_DEC_SCALE - scale), &count))
        return ERR_RANGE;
    ret_value->count = count;
    return ERR_OK;
}

enum err
base_dec_to(struct dec value, unsigned scale, enum base_dec_mode mode,
            int64_t *ret_mantissa)
{
    if (scale > BASE_DEC_SCALE)
        return ERR_RANGE;
    dec_u128 by = dec_power(BASE_DEC_SCALE - scale);
    dec_u128 magnitude = dec_magnitude(value.count);
    dec_u128 quotient = magnitude / by;
    bool minus = value.count < 0;
    if (dec_rounds_up(minus, quotient, magnitude % by, by, mode))
        quotient++;
    if (quotient > (dec_u128)INT64_MAX + (minus ? 1 : 0))
        return ERR_RANGE;
    uint64_t bits = (uint64_t)quotient;
    *ret_mantissa = (int64_t)(minus ? 0 - bits : bits);
    return ERR_OK;
}

struct dec
base_dec_round(struct dec value, unsigned digits, enum base_dec_mode mode)
{
    if (digits >= BASE_DEC_SCALE)
        return value;
    dec_u128 by = dec_power(BASE_DEC_SCALE - digits);
    dec_u128 magnitude = dec_magnitude(value.count);
    dec_u128 rest = magnitude % by, cut = magnitude - rest;
    bool minus = value.count < 0;
    struct dec rounded;
    if (dec_rounds_up(minus, cut / by, rest, by, mode) &&
        dec_signed(minus, cut + by, &rounded.count) == ERR_OK)
        return rounded;
    must(dec_signed(minus, cut, &rounded.count) == ERR_OK);
    return rounded;
}

/* The digits of value, most significant first, at least `least` of them, and
 * where they end. */
static char *
dec_digits(dec_u128 value, unsigned least, char *to)
{
    char backward[BASE_DEC_TEXT];
    unsigned count = 0;
    for (; value || count < least; value /= 10)
        backward[count++] = (char)('0' + (int)(value % 10));
    while (count)
        *to++ = backward[--count];
    return to;
}

char *
base_dec_text(struct dec value, int digits, char *to)
{
    unsigned decimals = digits < 0 || digits > BASE_DEC_SCALE
                            ? BASE_DEC_SCALE
                            : (unsigned)digits;
    dec_u128 by = dec_power(BASE_DEC_SCALE - decimals);
    dec_u128 magnitude = dec_magnitude(value.count);
    dec_u128 quotient = magnitude / by;
    bool minus = value.count < 0;
    if (dec_rounds_up(minus, quotient, magnitude % by, by, BASE_DEC_HALF_AWAY))
        quotient++;
    for (; digits < 0 && decimals && quotient % 10 == 0; decimals--)
        quotient /= 10;
    char *at = to;
    if (minus && quotient)
        *at++ = '-';
    by = dec_power(decimals);
    at = dec_digits(quotient / by, 1, at);
    if (decimals) {
        *at++ = '.';
        at = dec_digits(quotient % by, decimals, at);
    }
    *at = 0;
    return to;
}

char *
base_dec_int_text(__int128 value, char *to)
{
    char *at = to;
    if (value < 0)
        *at++ = '-';
    *dec_digits(dec_magnitude(value), 1, at) = 0;
    return to;
}

/* A number as it is read: mantissa * 10^exponent.  Zeros are held back until a
 * digit follows, so that 1.000 has the mantissa 1. */
struct dec_reader {
    struct bytes text;
    size_t at;
    dec_u128 mantissa;
    int64_t zeros, exponent;
    bool minus, over;
};

static bool
dec_reader_has(struct dec_reader *reader, char c)
{
    if (reader->at == reader->text.size ||
        reader->text.at[reader->at] != (uint8_t)c)
        return false;
    reader->at++;
    return true;
}

/* The next digit, or -1. */
static int
dec_reader_digit(struct dec_reader *reader)
{
    if (reader->at == reader->text.size)
        return -1;
    int digit = reader->text.at[reader->at] - '0';
    if (digit < 0 || digit > 9)
        return -1;
    reader->at++;
    return digit;
}

static void
dec_reader_push(struct dec_reader *reader, int digit)
{
    if (digit == 0) {
        reader->zeros += reader->mantissa != 0;
        return;
    }
    if (reader->mantissa == 0)
        reader->zeros = 0;
    for (; reader->zeros >= 0 && !reader->over; reader->zeros--)
        reader->over |= __builtin_mul_overflow(reader->mantissa, (dec_u128)10,
                                               &reader->mantissa);
    reader->zeros = 0;
    reader->over |= __builtin_add_overflow(
        reader->mantissa, (dec_u128)(unsigned)digit, &reader->mantissa);
}

/* A run of digits, at least one; how many. */
static size_t
dec_reader_run(struct dec_reader *reader)
{
    size_t from = reader->at;
    for (int digit; (digit = dec_reader_digit(reader)) >= 0;)
        dec_reader_push(reader, digit);
    return reader->at - from;
}

static bool
dec_reader_exponent(struct dec_reader *reader)
{
    enum { FAR = 1 << 30 }; /* beyond any text that fits in memory twice */
    bool minus = dec_reader_has(reader, '-');
    if (!minus)
        dec_reader_has(reader, '+');
    int64_t exponent = 0;
    size_t from = reader->at;
    for (int digit; (digit = dec_reader_digit(reader)) >= 0;)
        exponent = exponent < FAR ? exponent * 10 + digit : exponent;
    reader->exponent += minus ? -exponent : exponent;
    return reader->at > from;
}

enum err
base_dec_parse(struct bytes text, struct dec *ret_value)
{
    struct dec_reader reader = {.text = text};
    reader.minus = dec_reader_has(&reader, '-');
    if (dec_reader_run(&reader) == 0)
        return ERR_SYNTAX;
    if (dec_reader_has(&reader, '.')) {
        size_t decimals = dec_reader_run(&reader);
        if (decimals == 0)
            return ERR_SYNTAX;
        reader.exponent -= (int64_t)decimals;
    }
    if ((dec_reader_has(&reader, 'e') || dec_reader_has(&reader, 'E')) &&
        !dec_reader_exponent(&reader))
        return ERR_SYNTAX;
    if (reader.at != text.size)
        return ERR_SYNTAX;
    if (reader.mantissa == 0 && !reader.over) {
        ret_value->count = 0;
        return ERR_OK;
    }
    int64_t shift = reader.exponent + reader.zeros + BASE_DEC_SCALE;
    dec_u128 magnitude;
    if (reader.over || shift < 0 || shift > 38 ||
        __builtin_mul_overflow(reader.mantissa, dec_power((unsigned)shift),
                               &magnitude))
        return ERR_RANGE;
    return dec_signed(reader.minus, magnitude, &ret_value->count);
}
