/* wire_csv_value.c -- patterns of time, digits. */
#include "wire/csv/wire_csv_value.h"

enum {
    VALUE_DIGITS = 34,
    VALUE_EXPONENT = 64,
    VALUE_PLAIN = 40,
    VALUE_ZEROS = 9
};

static const int64_t value_day_ms = 86400000;

/* --- times --- */

struct value_time {
    struct bytes text;
    size_t at;
    uint32_t fields[7]; /* year month day hour minute second ms */
};

/* digits least..most of a field */
static bool
value_field(struct value_time *time, unsigned field, unsigned least,
            unsigned most)
{
    uint32_t value = 0;
    unsigned count = 0;
    for (; count < most && time->at < time->text.size; count++, time->at++) {
        uint8_t c = time->text.at[time->at];
        if (c < '0' || c > '9')
            break;
        value = value * 10 + (uint32_t)(c - '0');
    }
    time->fields[field] = value;
    return count >= least;
}

/* %f: digits of a second, as ms */
static bool
value_fraction(struct value_time *time)
{
    size_t begin = time->at;
    uint32_t ms = 0;
    for (; time->at < time->text.size && time->at - begin < 9; time->at++) {
        uint8_t c = time->text.at[time->at];
        if (c < '0' || c > '9')
            break;
        if (time->at - begin < 3)
            ms = ms * 10 + (uint32_t)(c - '0');
    }
    for (size_t i = time->at - begin; i < 3; i++)
        ms *= 10;
    time->fields[6] = ms;
    return time->at > begin;
}

static bool
value_step(struct value_time *time, char letter)
{
    switch (letter) {
    case 'Y':
        return value_field(time, 0, 4, 4);
    case 'm':
        return value_field(time, 1, 1, 2);
    case 'd':
        return value_field(time, 2, 1, 2);
    case 'H':
        return value_field(time, 3, 1, 2);
    case 'M':
        return value_field(time, 4, 1, 2);
    case 'S':
        return value_field(time, 5, 1, 2);
    case 'f':
        return value_fraction(time);
    default:
        return false;
    }
}

static bool
value_literal(struct value_time *time, char letter)
{
    return time->at < time->text.size &&
           time->text.at[time->at++] == (uint8_t)letter;
}

static enum err
value_pattern(const char *pattern, struct bytes text, int32_t zone_s, bool ends,
              struct wall *ret_time)
{
    struct value_time time = {.text = text, .fields = {1970, 1, 1}};
    for (; *pattern; pattern++) {
        bool good = *pattern != '%'     ? value_literal(&time, *pattern)
                    : *++pattern == '%' ? value_literal(&time, '%')
                                        : value_step(&time, *pattern);
        if (!good)
            return ERR_SYNTAX;
    }
    if (time.at != text.size)
        return ERR_SYNTAX;
    const uint32_t *f = time.fields;
    struct base_time_civil civil = {
        (int32_t)f[0], (uint8_t)f[1], (uint8_t)f[2],  (uint8_t)f[3],
        (uint8_t)f[4], (uint8_t)f[5], (uint16_t)f[6],
    };
    enum err err = base_time_from(&civil, zone_s, ret_time);
    if (err == ERR_OK && ends && f[3] + f[4] + f[5] + f[6] == 0)
        ret_time->ms += value_day_ms;
    return err;
}

bool
wire_csv_value_pattern(const char *pattern)
{
    bool year = false, month = false, day = false;
    struct bytes word = base_bytes_text(pattern);
    if (base_bytes_is(word, "iso") || base_bytes_is(word, "epoch_s") ||
        base_bytes_is(word, "epoch_ms"))
        return true;
    for (const char *at = pattern; *at; at++) {
        if (*at != '%')
            continue;
        at++;
        if (*at == '\0' || strchr("YmdHMSf%", *at) == NULL)
            return false;
        year |= *at == 'Y';
        month |= *at == 'm';
        day |= *at == 'd';
    }
    return year && month && day;
}

static enum err
value_epoch(struct bytes text, int shift, struct wall *ret_time)
{
    struct wire_csv_value value;
    enum err err = wire_csv_value_read(text, '.', &value);
    if (err != ERR_OK)
        return err;
    if (value.mantissa <= 0)
        return ERR_RANGE;
    for (value.exponent += shift; value.exponent < 0; value.exponent++)
        value.mantissa /= 10; /* cut to ms */
    for (; value.exponent > 0 && value.mantissa < INT64_MAX; value.exponent--)
        value.mantissa *= 10;
    if (value.mantissa == 0 || value.mantissa > INT64_C(1) << 48)
        return ERR_RANGE;
    ret_time->ms = (int64_t)value.mantissa;
    return ERR_OK;
}

enum err
wire_csv_value_time(const char *pattern, struct bytes text, int32_t zone_s,
                    bool ends, struct wall *ret_time)
{
    struct bytes word = base_bytes_text(pattern);
    if (base_bytes_is(word, "iso"))
        return base_time_parse(text, ret_time);
    if (base_bytes_is(word, "epoch_s"))
        return value_epoch(text, 3, ret_time);
    if (base_bytes_is(word, "epoch_ms"))
        return value_epoch(text, 0, ret_time);
    return value_pattern(pattern, text, zone_s, ends, ret_time);
}

/* --- numbers --- */

struct value_digits {
    __int128 mantissa;
    unsigned significant, digits;
    int exponent;
    bool too_many;
};

static void
value_digit(struct value_digits *digits, uint8_t c, bool fraction)
{
    digits->digits++;
    if (digits->significant > 0 || c != '0')
        digits->significant++;
    if (digits->significant > VALUE_DIGITS) {
        digits->too_many = true;
        return;
    }
    digits->mantissa = digits->mantissa * 10 + (c - '0');
    digits->exponent -= fraction;
}

/* "e-5", to the end of the text */
static enum err
value_exponent(struct bytes text, size_t at, int *ret_exponent)
{
    int64_t value = 0;
    if (at < text.size && text.at[at] == '+')
        at++;
    enum err err =
        base_bytes_i64(base_bytes_slice(text, at, text.size - at), &value);
    if (err != ERR_OK)
        return err;
    if (value < -VALUE_EXPONENT || value > VALUE_EXPONENT)
        return ERR_RANGE;
    *ret_exponent = (int)value;
    return ERR_OK;
}

/* Trailing zeros go; zero has exponent 0. */
static enum err
value_normal(struct wire_csv_value *value)
{
    if (value->mantissa == 0)
        value->exponent = 0;
    while (value->mantissa != 0 && value->mantissa % 10 == 0) {
        value->mantissa /= 10;
        value->exponent++;
    }
    return value->exponent < -VALUE_EXPONENT || value->exponent > VALUE_EXPONENT
               ? ERR_RANGE
               : ERR_OK;
}

enum err
wire_csv_value_read(struct bytes text, uint8_t decimal,
                    struct wire_csv_value *ret_value)
{
    struct value_digits digits = {0};
    bool minus = text.size && text.at[0] == '-', fraction = false;
    int exponent = 0;
    size_t at = minus || (text.size && text.at[0] == '+');
    for (; at < text.size; at++) {
        uint8_t c = text.at[at];
        if (c >= '0' && c <= '9')
            value_digit(&digits, c, fraction);
        else if (c == decimal && !fraction)
            fraction = true;
        else
            break;
    }
    if (digits.digits == 0)
        return ERR_SYNTAX;
    if (at < text.size) {
        if (text.at[at] != 'e' && text.at[at] != 'E')
            return ERR_SYNTAX;
        enum err err = value_exponent(text, at + 1, &exponent);
        if (err != ERR_OK)
            return err;
    }
    if (digits.too_many)
        return ERR_RANGE;
    *ret_value = (struct wire_csv_value){
        .mantissa = minus ? -digits.mantissa : digits.mantissa,
        .exponent = digits.exponent + exponent,
    };
    return value_normal(ret_value);
}

enum err
wire_csv_value_times(struct wire_csv_value a, struct wire_csv_value b,
                     struct wire_csv_value *ret_value)
{
    __int128 product, limit = 1;
    for (unsigned i = 0; i < VALUE_DIGITS; i++)
        limit *= 10;
    if (__builtin_mul_overflow(a.mantissa, b.mantissa, &product) ||
        product >= limit || product <= -limit)
        return ERR_RANGE;
    *ret_value = (struct wire_csv_value){product, a.exponent + b.exponent};
    return value_normal(ret_value);
}

void
wire_csv_value_write(struct wire_csv_value value, struct base_out *out)
{
    uint8_t digits[VALUE_PLAIN];
    unsigned count = 0;
    __int128 rest = value.mantissa < 0 ? -value.mantissa : value.mantissa;
    do
        digits[count++] = (uint8_t)('0' + (int)(rest % 10));
    while ((rest /= 10) != 0);
    if (value.mantissa < 0)
        base_out_u8(out, '-');
    if (value.exponent > 0 || value.exponent < -(int)VALUE_PLAIN) {
        bool plain = value.exponent > 0 && value.exponent <= VALUE_ZEROS &&
                     (int)count + value.exponent <= VALUE_DIGITS;
        while (count > 0)
            base_out_u8(out, digits[--count]);
        for (int i = 0; plain && i < value.exponent; i++)
            base_out_u8(out, '0');
        if (!plain)
            base_out_format(out, "e%d", value.exponent);
        return;
    }
    unsigned after = (unsigned)-value.exponent;
    if (count <= after)
        base_out_u8(out, '0');
    for (unsigned i = count > after ? count : after; i > 0; i--) {
        if (i == after)
            base_out_u8(out, '.');
        base_out_u8(out, i <= count ? digits[i - 1] : '0');
    }
}
