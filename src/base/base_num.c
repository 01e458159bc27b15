/* base_num.c -- pairs, doubles and texts.
 *
 * Why pairs of up to 15 digits are safe: mantissa and 10^exponent are both
 * exact doubles, so their quotient is rounded once, as strtod rounds; and no
 * two decimals of 15 digits are the same double, so a pair without trailing
 * zeros is also the double's shortest text. */
#include "base/base_num.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NUM_EXPONENT_MAX = 15,
    NUM_DIRECT = 15,     /* digits */
    NUM_PAIR = 18,       /* digits that an int64 always holds */
    NUM_TEXT_MAX = 1024, /* of a text that goes to strtod */
};

static const uint64_t num_stale_bits = 0x7FF0000000000002u;
static const double num_direct_max = 1e15;
static const double num_whole_max = 9007199254740991.0; /* 2^53 - 1 */

static const double num_powers[NUM_EXPONENT_MAX + 1] = {
    1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static int64_t
num_power(unsigned exponent) /* exponent <= 18 */
{
    int64_t power = 1;
    while (exponent--)
        power *= 10;
    return power;
}

static uint64_t
num_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double
num_quotient(int64_t mantissa, unsigned exponent)
{
    return (double)mantissa / num_powers[exponent];
}

double
base_num_to_double(struct num num)
{
    if (num.kind == BASE_NUM_DECIMAL)
        return num_quotient(num.mantissa, num.exponent);
    double value;
    memcpy(&value, &num.mantissa, sizeof value);
    return value;
}

struct num
base_num_double(double value)
{
    uint64_t bits = num_bits(value);
    struct num num = {.mantissa = (int64_t)bits, .kind = BASE_NUM_RAW};
    if (bits == num_stale_bits)
        num.kind = BASE_NUM_STALE;
    if (!isfinite(value) || bits == num_bits(-0.0))
        return num;
    for (unsigned e = 0; e <= NUM_EXPONENT_MAX; e++) {
        double scaled = round(value * num_powers[e]);
        if (fabs(scaled) > (e ? num_direct_max : num_whole_max))
            break; /* and larger still with the next exponent */
        int64_t mantissa = (int64_t)scaled;
        if (num_bits(num_quotient(mantissa, e)) == bits)
            return (struct num){.mantissa = mantissa, .exponent = (uint8_t)e};
    }
    return num;
}

/* What a text says: digits without leading zeros, cut at NUM_PAIR, and the
 * power of ten of the last one that was kept. */
struct num_text {
    int64_t mantissa;
    int64_t power;
    unsigned digits;
    bool minus, longer;
};

static size_t
num_read_digits(struct bytes text, size_t at, bool fraction,
                struct num_text *to)
{
    for (; at < text.size; at++) {
        unsigned digit = text.at[at] - (unsigned)'0';
        if (digit > 9)
            break;
        to->longer |= to->digits == NUM_PAIR && digit != 0;
        if (to->digits == NUM_PAIR) {
            to->power += !fraction;
            continue;
        }
        to->mantissa = to->mantissa * 10 + (int64_t)digit;
        to->digits += to->mantissa != 0;
        to->power -= fraction;
    }
    return at;
}

static enum err
num_read(struct bytes text, struct num_text *to)
{
    to->minus = text.size && text.at[0] == '-';
    size_t at = to->minus, from = at;
    at = num_read_digits(text, at, false, to);
    if (at == from)
        return ERR_SYNTAX;
    if (at < text.size && text.at[at] == '.') {
        from = ++at;
        at = num_read_digits(text, at, true, to);
        if (at == from)
            return ERR_SYNTAX;
    }
    if (at == text.size)
        return ERR_OK;
    if (text.at[at] != 'e' && text.at[at] != 'E')
        return ERR_SYNTAX;
    struct bytes rest = base_bytes_slice(text, at + 1, text.size);
    if (rest.size && rest.at[0] == '+')
        rest = base_bytes_slice(rest, rest.size > 1 && rest.at[1] != '-',
                                rest.size);
    int64_t power;
    enum err err = base_bytes_i64(rest, &power);
    if (err == ERR_SYNTAX)
        return err;
    if (err != ERR_OK || power > 9999 || power < -9999)
        to->longer = true; /* strtod knows what becomes of it */
    else
        to->power += power;
    return ERR_OK;
}

static enum err
num_from_strtod(struct bytes text, struct num *ret_num)
{
    char room[NUM_TEXT_MAX];
    if (text.size >= sizeof room)
        return ERR_RANGE;
    double value = strtod(base_bytes_string(text, room, sizeof room), NULL);
    if (isinf(value))
        return ERR_RANGE;
    *ret_num = base_num_double(value);
    return ERR_OK;
}

enum err
base_num_parse(struct bytes text, struct num *ret_num)
{
    struct num_text read = {0};
    enum err err = num_read(text, &read);
    if (err != ERR_OK)
        return err;
    if (read.longer || (read.minus && read.mantissa == 0))
        return num_from_strtod(text, ret_num);
    if (read.mantissa == 0) {
        *ret_num = (struct num){0};
        return ERR_OK;
    }
    while (read.power < -NUM_EXPONENT_MAX && read.mantissa % 10 == 0) {
        read.mantissa /= 10;
        read.digits--;
        read.power++;
    }
    while (read.power > 0 && read.digits < NUM_PAIR) {
        read.mantissa *= 10;
        read.digits++;
        read.power--;
    }
    if (read.power > 0 || read.power < -NUM_EXPONENT_MAX)
        return num_from_strtod(text, ret_num);
    struct num num = {
        .mantissa = read.minus ? -read.mantissa : read.mantissa,
        .exponent = (uint8_t)-read.power,
    };
    /* A larger mantissa is rounded to a double before it is divided: the pair
     * stands only if that makes no difference. */
    if (read.digits > NUM_DIRECT && num.exponent > 0) {
        struct num other;
        err = num_from_strtod(text, &other);
        if (err != ERR_OK)
            return err;
        if (num_bits(base_num_to_double(other)) !=
            num_bits(base_num_to_double(num)))
            num = other;
    }
    *ret_num = num;
    return ERR_OK;
}

enum err
base_num_dec(struct num num, struct dec *ret_value)
{
    if (num.kind == BASE_NUM_RAW && (uint64_t)num.mantissa == num_bits(-0.0)) {
        ret_value->count = 0;
        return ERR_OK;
    }
    if (num.kind != BASE_NUM_DECIMAL)
        return ERR_RANGE;
    unsigned over =
        num.exponent > BASE_DEC_SCALE ? num.exponent - BASE_DEC_SCALE : 0;
    if (num.mantissa % num_power(over) != 0)
        return ERR_RANGE;
    return base_dec_from(num.mantissa / num_power(over), num.exponent - over,
                         ret_value);
}

/* 0.DIGITS * 10^point, digits without zeros at either end. */
static char *
num_lay_out(bool minus, const char *digits, int point, char *to)
{
    int count = (int)strlen(digits);
    const char *sign = minus ? "-" : "";
    if (point < -5 || point > 21)
        snprintf(to, BASE_NUM_TEXT, "%s%c%s%se%c%02d", sign, digits[0],
                 count > 1 ? "." : "", digits + 1, point > 0 ? '+' : '-',
                 abs(point - 1));
    else if (point <= 0)
        snprintf(to, BASE_NUM_TEXT, "%s0.%.*s%s", sign, -point, "00000",
                 digits);
    else if (point >= count)
        snprintf(to, BASE_NUM_TEXT, "%s%s%.*s", sign, digits, point - count,
                 "00000000000000000000");
    else
        snprintf(to, BASE_NUM_TEXT, "%s%.*s.%s", sign, point, digits,
                 digits + point);
    return to;
}

static void
num_strip_zeros(char *digits)
{
    size_t count = strlen(digits);
    while (count > 1 && digits[count - 1] == '0')
        digits[--count] = 0;
}

/* Fifteen digits if they read back, stripped; else 16 or 17.  Numbers below
 * the normal range have fewer: there every count is tried. */
static char *
num_raw_text(double value, char *to)
{
    char text[40], digits[24];
    int most = fabs(value) < DBL_MIN ? 1 : NUM_DIRECT;
    for (; most <= 17; most++) {
        snprintf(text, sizeof text, "%.*e", most - 1, fabs(value));
        if (strtod(text, NULL) == fabs(value))
            break;
    }
    digits[0] = text[0];
    char *mark = strchr(text, 'e');
    size_t decimals = (size_t)(mark - text);
    decimals = decimals > 2 ? decimals - 2 : 0;
    memcpy(digits + 1, text + 2, decimals);
    digits[1 + decimals] = 0;
    num_strip_zeros(digits);
    return num_lay_out(value < 0, digits, atoi(mark + 1) + 1, to);
}

char *
base_num_text(struct num num, char *to)
{
    if (num.kind != BASE_NUM_DECIMAL) {
        double value = base_num_to_double(num);
        if (isnan(value))
            return strcpy(to, "NaN");
        if (isinf(value))
            return strcpy(to, value > 0 ? "+Inf" : "-Inf");
        if (num_bits(value) == num_bits(-0.0))
            return strcpy(to, "-0");
        return num_raw_text(value, to);
    }
    if (num.mantissa == 0)
        return strcpy(to, "0");
    bool minus = num.mantissa < 0;
    uint64_t size = (uint64_t)num.mantissa;
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu",
                         (unsigned long long)(minus ? 0 - size : size));
    num_strip_zeros(digits);
    return num_lay_out(minus, digits, count - num.exponent, to);
}

int
base_num_compare(struct num a, struct num b)
{
    if (a.kind == BASE_NUM_DECIMAL && b.kind == BASE_NUM_DECIMAL) {
        __int128 left = (__int128)a.mantissa * num_power(b.exponent);
        __int128 right = (__int128)b.mantissa * num_power(a.exponent);
        return left < right ? -1 : left > right;
    }
    double left = base_num_to_double(a), right = base_num_to_double(b);
    if (isnan(left) || isnan(right))
        return (isnan(left) == 0) - (isnan(right) == 0);
    return left < right ? -1 : left > right;
}
