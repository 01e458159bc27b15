/* base_time.c -- civil dates, RFC 3339 and spans.
 *
 * Days to dates and back after Howard Hinnant, "chrono-compatible low-level
 * date algorithms": years begin in March, so that the leap day is the last,
 * and eras of 400 years have 146 097 days. */
#include "base/base_time.h"

#include <stdio.h>

#include "base/base_cur.h"

enum { TIME_DAY_S = 86400 };

int64_t
base_time_days(int32_t year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year =
        (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 +
        (int64_t)day - 1;
    int64_t day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t
time_floor(int64_t value, int64_t by)
{
    int64_t quotient = value / by;
    return quotient * by > value ? quotient - 1 : quotient;
}

struct base_time_civil
base_time_civil(struct wall time, int32_t offset_s)
{
    int64_t seconds = time_floor(time.ms, 1000);
    int64_t ms = time.ms - seconds * 1000;
    seconds += offset_s;
    int64_t days = time_floor(seconds, TIME_DAY_S);
    int64_t of_day = seconds - days * TIME_DAY_S;
    int64_t z = days + 719468;
    int64_t era = time_floor(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t shifted = (5 * doy + 2) / 153;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    return (struct base_time_civil){
        .year = (int32_t)(yoe + era * 400 + (month <= 2)),
        .month = (uint8_t)month,
        .day = (uint8_t)(doy - (153 * shifted + 2) / 5 + 1),
        .hour = (uint8_t)(of_day / 3600),
        .minute = (uint8_t)(of_day / 60 % 60),
        .second = (uint8_t)(of_day % 60),
        .ms = (uint16_t)ms,
    };
}

static unsigned
time_month_days(int32_t year, unsigned month)
{
    static const uint8_t days[13] = {0,  31, 28, 31, 30, 31, 30,
                                     31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month];
}

enum err
base_time_from(const struct base_time_civil *civil, int32_t offset_s,
               struct wall *ret_time)
{
    if (civil->month < 1 || civil->month > 12 || civil->day < 1 ||
        civil->day > time_month_days(civil->year, civil->month) ||
        civil->hour > 23 || civil->minute > 59 || civil->second > 59 ||
        civil->ms > 999)
        return ERR_RANGE;
    int64_t of_day = civil->hour * 3600 + civil->minute * 60 + civil->second -
                     (int64_t)offset_s;
    int64_t seconds =
        base_time_days(civil->year, civil->month, civil->day) * TIME_DAY_S +
        of_day;
    int64_t ms;
    if (__builtin_mul_overflow(seconds, 1000, &ms) ||
        __builtin_add_overflow(ms, civil->ms, &ms))
        return ERR_RANGE;
    ret_time->ms = ms;
    return ERR_OK;
}

/* Exactly count digits. */
static unsigned
time_digits(struct base_cur *cur, unsigned count)
{
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned digit = base_cur_u8(cur) - (unsigned)'0';
        if (digit > 9)
            base_cur_fail(cur, ERR_SYNTAX);
        value = value * 10 + digit % 10;
    }
    return value;
}

static void
time_expect(struct base_cur *cur, char want)
{
    uint8_t c = base_cur_u8(cur);
    if (c != (uint8_t)want && c != (uint8_t)(want | 32))
        base_cur_fail(cur, ERR_SYNTAX);
}

/* [.1-9 digits] in ms, floored. */
static uint16_t
time_fraction(struct base_cur *cur)
{
    if (!base_cur_left(cur) || *cur->at != '.')
        return 0;
    base_cur_u8(cur);
    unsigned value = 0, count = 0;
    for (; base_cur_left(cur); count++) {
        unsigned digit = *cur->at - (unsigned)'0';
        if (digit > 9)
            break;
        if (count < 3)
            value = value * 10 + digit;
        base_cur_u8(cur);
    }
    if (count < 1 || count > 9)
        base_cur_fail(cur, ERR_SYNTAX);
    for (; count < 3; count++)
        value *= 10;
    return (uint16_t)value;
}

/* "Z" or "+08:00", in seconds. */
static int32_t
time_offset(struct base_cur *cur, bool *ret_range)
{
    uint8_t sign = base_cur_u8(cur);
    if (sign == 'Z' || sign == 'z')
        return 0;
    if (sign != '+' && sign != '-')
        base_cur_fail(cur, ERR_SYNTAX);
    unsigned hour = time_digits(cur, 2);
    time_expect(cur, ':');
    unsigned minute = time_digits(cur, 2);
    *ret_range |= hour > 23 || minute > 59;
    int32_t offset_s = (int32_t)(hour * 3600 + minute * 60);
    return sign == '-' ? -offset_s : offset_s;
}

enum err
base_time_parse(struct bytes text, struct wall *ret_time)
{
    struct base_cur cur;
    struct base_time_civil civil;
    bool range = false;
    base_cur_init(&cur, text);
    civil.year = (int32_t)time_digits(&cur, 4);
    time_expect(&cur, '-');
    civil.month = (uint8_t)time_digits(&cur, 2);
    time_expect(&cur, '-');
    civil.day = (uint8_t)time_digits(&cur, 2);
    time_expect(&cur, 'T');
    civil.hour = (uint8_t)time_digits(&cur, 2);
    time_expect(&cur, ':');
    civil.minute = (uint8_t)time_digits(&cur, 2);
    time_expect(&cur, ':');
    civil.second = (uint8_t)time_digits(&cur, 2);
    civil.ms = time_fraction(&cur);
    int32_t offset_s = time_offset(&cur, &range);
    if (!base_cur_ok(&cur) || base_cur_left(&cur))
        return ERR_SYNTAX;
    if (range)
        return ERR_RANGE;
    bool leap = civil.second == 60;
    if (leap)
        civil.second = 59;
    struct wall time;
    enum err err = base_time_from(&civil, offset_s, &time);
    if (err != ERR_OK)
        return err;
    if (leap) {
        int64_t second = time_floor(time.ms, 1000) + 1;
        if (second % TIME_DAY_S != 0)
            return ERR_RANGE;
        time.ms += 1000;
    }
    *ret_time = time;
    return ERR_OK;
}

char *
base_time_text(struct wall time, int32_t offset_s, char *to)
{
    struct base_time_civil c = base_time_civil(time, offset_s);
    char zone[8] = "Z";
    if (offset_s) {
        unsigned size = (unsigned)(offset_s < 0 ? -offset_s : offset_s);
        snprintf(zone, sizeof zone, "%c%02u:%02u", offset_s < 0 ? '-' : '+',
                 size / 3600 % 24, size / 60 % 60);
    }
    snprintf(to, BASE_TIME_TEXT, "%04d-%02u-%02uT%02u:%02u:%02u.%03u%s",
             (int)c.year, c.month, c.day, c.hour, c.minute, c.second, c.ms,
             zone);
    return to;
}

/* clang-format off */
static const struct {
    const char *name;
    int64_t ms;
} time_units[] = {
    {"y",  INT64_C(365) * 86400000},
    {"w",  INT64_C(7) * 86400000},
    {"d",  86400000},
    {"h",  3600000},
    {"m",  60000},
    {"s",  1000},
    {"ms", 1},
};
/* clang-format on */

enum { TIME_UNITS = sizeof time_units / sizeof time_units[0] };

static size_t
time_run(struct bytes text, size_t from, bool digits)
{
    size_t at = from;
    while (at < text.size &&
           (text.at[at] >= '0' && text.at[at] <= '9') == digits)
        at++;
    return at;
}

enum err
base_time_span(struct bytes text, int64_t *ret_ms)
{
    int64_t total = 0;
    size_t next = 0; /* the largest unit still allowed */
    bool over = false;
    if (text.size == 0)
        return ERR_SYNTAX;
    for (size_t at = 0; at < text.size;) {
        size_t unit_at = time_run(text, at, true);
        size_t end = time_run(text, unit_at, false);
        struct bytes name = base_bytes_slice(text, unit_at, end - unit_at);
        int64_t count = 0;
        enum err err =
            base_bytes_i64(base_bytes_slice(text, at, unit_at - at), &count);
        while (next < TIME_UNITS && !base_bytes_is(name, time_units[next].name))
            next++;
        if (err == ERR_SYNTAX || next == TIME_UNITS)
            return ERR_SYNTAX;
        over |= err != ERR_OK;
        over |= __builtin_mul_overflow(count, time_units[next].ms, &count);
        over |= __builtin_add_overflow(total, count, &total);
        next++;
        at = end;
    }
    if (over)
        return ERR_RANGE;
    *ret_ms = total;
    return ERR_OK;
}
