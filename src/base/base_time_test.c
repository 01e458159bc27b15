/* base_time_test.c -- dates, RFC 3339, spans. */
#include "base/base_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"

static void
every_day_of_eight_centuries_goes_there_and_back(void **state)
{
    (void)state;
    int64_t want = base_time_days(1600, 1, 1);
    for (int32_t year = 1600; year < 2400; year++)
        for (unsigned month = 1; month <= 12; month++)
            for (unsigned day = 1; day <= 31; day++) {
                struct base_time_civil civil = {.year = year,
                                                .month = (uint8_t)month,
                                                .day = (uint8_t)day,
                                                .hour = 23,
                                                .minute = 59,
                                                .second = 59,
                                                .ms = 999};
                struct wall time;
                if (base_time_from(&civil, 0, &time) != ERR_OK)
                    continue;
                assert_true(base_time_days(year, month, day) == want);
                want++;
                struct base_time_civil back = base_time_civil(time, 0);
                assert_true(back.year == year && back.month == month &&
                            back.day == day && back.hour == 23 &&
                            back.second == 59 && back.ms == 999);
            }
    assert_true(want == base_time_days(2400, 1, 1));
    assert_int_equal(base_time_days(1970, 1, 1), 0);
    assert_int_equal(base_time_days(2000, 2, 29), 11016);
}

/* clang-format off */
static const struct {
    const char *text;
    enum err err;
    int64_t ms;
    int32_t offset_s;
    const char *back; /* NULL: as it was */
} times[] = {
    {"1970-01-01T00:00:00.000Z", ERR_OK, 0, 0, NULL},
    {"2025-11-22T04:55:07.123Z", ERR_OK, INT64_C(1763787307123), 0, NULL},
    {"2025-11-22T12:55:07.123+08:00", ERR_OK, INT64_C(1763787307123), 28800, NULL},
    {"2025-11-21T19:25:07.123-09:30", ERR_OK, INT64_C(1763787307123), -34200, NULL},
    {"1969-12-31T23:59:59.999999999Z", ERR_OK, -1, 0, "1969-12-31T23:59:59.999Z"},
    {"0000-02-29T00:00:00Z", ERR_OK, INT64_C(-62162121600000), 0, "0000-02-29T00:00:00.000Z"},
    {"9999-12-31T23:59:59.999Z", ERR_OK, INT64_C(253402300799999), 0, NULL},
    {"2016-12-31T23:59:60Z", ERR_OK, INT64_C(1483228800000), 0, "2017-01-01T00:00:00.000Z"},
    {"2025-11-22t04:55:07.1z", ERR_OK, INT64_C(1763787307100), 0, "2025-11-22T04:55:07.100Z"},
    {"2025-11-22T04:55:60Z", ERR_RANGE, 0, 0, NULL},
    {"2025-11-22T04:55:61Z", ERR_RANGE, 0, 0, NULL},
    {"2025-02-29T04:55:00Z", ERR_RANGE, 0, 0, NULL},
    {"2025-13-01T04:55:00Z", ERR_RANGE, 0, 0, NULL},
    {"2025-00-01T04:55:00Z", ERR_RANGE, 0, 0, NULL},
    {"2025-11-22T24:00:00Z", ERR_RANGE, 0, 0, NULL},
    {"2025-11-22T04:55:00+24:00", ERR_RANGE, 0, 0, NULL},
    {"2025-11-22T04:55:00", ERR_SYNTAX, 0, 0, NULL},
    {"2025-11-22T04:55Z", ERR_SYNTAX, 0, 0, NULL},
    {"2025-11-22 04:55:00Z", ERR_SYNTAX, 0, 0, NULL},
    {"2025-11-22T04:55:00.Z", ERR_SYNTAX, 0, 0, NULL},
    {"2025-11-22T04:55:00.1234567890Z", ERR_SYNTAX, 0, 0, NULL},
    {"2025-11-22T04:55:00ZZ", ERR_SYNTAX, 0, 0, NULL},
    {"2025-11-22T04:55:00+0800", ERR_SYNTAX, 0, 0, NULL},
    {"25-11-22T04:55:00Z", ERR_SYNTAX, 0, 0, NULL},
    {"2025-11-22T04:55:-1Z", ERR_SYNTAX, 0, 0, NULL},
    {"", ERR_SYNTAX, 0, 0, NULL},
};

static const struct {
    const char *text;
    enum err err;
    int64_t ms;
} spans[] = {
    {"250ms", ERR_OK, 250}, {"1m30s", ERR_OK, 90000}, {"0s", ERR_OK, 0},
    {"1h30m", ERR_OK, 5400000}, {"400d", ERR_OK, INT64_C(34560000000)},
    {"1y1w1d1h1m1s1ms", ERR_OK, INT64_C(32230861001)},
    {"", ERR_SYNTAX, 0}, {"5", ERR_SYNTAX, 0}, {"s", ERR_SYNTAX, 0},
    {"1s1m", ERR_SYNTAX, 0}, {"1m1m", ERR_SYNTAX, 0}, {"-1s", ERR_SYNTAX, 0},
    {"1.5s", ERR_SYNTAX, 0}, {"1 s", ERR_SYNTAX, 0}, {"1S", ERR_SYNTAX, 0},
    {"999999999999y", ERR_RANGE, 0}, {"99999999999999999999ms", ERR_RANGE, 0},
};
/* clang-format on */

static void
a_time_is_read_and_written_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(times); i++) {
        struct wall time = {77};
        char text[BASE_TIME_TEXT];
        assert_int_equal(base_time_parse(base_bytes_text(times[i].text), &time),
                         times[i].err);
        assert_true(time.ms == (times[i].err ? 77 : times[i].ms));
        if (times[i].err == ERR_OK)
            assert_string_equal(base_time_text(time, times[i].offset_s, text),
                                times[i].back ? times[i].back : times[i].text);
    }
}

static void
the_ends_of_time_do_not_break(void **state)
{
    (void)state;
    char text[BASE_TIME_TEXT];
    base_time_text((struct wall){INT64_MAX}, 86399, text);
    base_time_text((struct wall){INT64_MIN}, -86399, text);
    struct base_time_civil civil = {.year = INT32_MAX, .month = 12, .day = 31};
    struct wall time = {77};
    assert_int_equal(base_time_from(&civil, 0, &time), ERR_RANGE);
    civil.year = INT32_MIN;
    assert_int_equal(base_time_from(&civil, 0, &time), ERR_RANGE);
    assert_int_equal(time.ms, 77);
}

static void
a_span_has_units_from_large_to_small(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(spans); i++) {
        int64_t ms = 77;
        assert_int_equal(base_time_span(base_bytes_text(spans[i].text), &ms),
                         spans[i].err);
        assert_true(ms == (spans[i].err ? 77 : spans[i].ms));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_eight_centuries_goes_there_and_back),
        cmocka_unit_test(a_time_is_read_and_written_or_refused),
        cmocka_unit_test(the_ends_of_time_do_not_break),
        cmocka_unit_test(a_span_has_units_from_large_to_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
