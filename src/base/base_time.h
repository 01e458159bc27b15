/* base_time.h -- two kinds of time that cannot be mixed.
 *
 * struct wall   UTC milliseconds since 1970-01-01; may jump.
 * struct mono   milliseconds since some start; never goes back.
 *
 * Civil dates are proleptic Gregorian.  RFC 3339 text has "T", seconds, up to
 * 9 decimals (floored to ms) and "Z" or an offset. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/base_bytes.h"

struct wall {
    int64_t ms;
};

struct mono {
    int64_t ms;
};

struct base_time_civil {
    int32_t year;
    uint8_t month, day, hour, minute, second; /* 1..12, 1..31, 0.. */
    uint16_t ms;
};

enum { BASE_TIME_TEXT = 40 };

int64_t base_time_days(int32_t year, unsigned month, unsigned day);
struct base_time_civil base_time_civil(struct wall time, int32_t offset_s);
enum err base_time_from(const struct base_time_civil *civil, int32_t offset_s,
                        struct wall *ret_time);
enum err base_time_parse(struct bytes text, struct wall *ret_time);
/* "2025-11-22T04:55:07.123Z", or with "+08:00". */
char *base_time_text(struct wall time, int32_t offset_s, char *to);
/* "1m30s", "400d", "250ms", "1h30m": y (365 d) w d h m s ms, descending; ms. */
enum err base_time_span(struct bytes text, int64_t *ret_ms);

#endif
