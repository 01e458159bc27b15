/* model_window_test.c -- windows and their text. */
#include "model/model_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"

static const struct {
    const char *text, *start, *end; /* in +08:00 */
} rows[] = {
    {"2025-11-22T04:55", "2025-11-21T20:55:00Z", "2025-11-21T20:56:00Z"},
    {"2025-11-22T04", "2025-11-21T20:00:00Z", "2025-11-21T21:00:00Z"},
    {"2025-11-22", "2025-11-21T16:00:00Z", "2025-11-22T16:00:00Z"},
    {"2024-02", "2024-01-31T16:00:00Z", "2024-02-29T16:00:00Z"},
    {"2025-Q4", "2025-09-30T16:00:00Z", "2025-12-31T16:00:00Z"},
    {"2025-H2", "2025-06-30T16:00:00Z", "2025-12-31T16:00:00Z"},
    {"2025", "2024-12-31T16:00:00Z", "2025-12-31T16:00:00Z"},
    {"1970", "1969-12-31T16:00:00Z", "1970-12-31T16:00:00Z"},
    {"9999-12-31T23", "9999-12-31T15:00:00Z", "9999-12-31T16:00:00Z"},
    {"9999", "9998-12-31T16:00:00Z", "9999-12-31T16:00:00Z"},
};

static struct wall
time_of(const char *text)
{
    struct wall time = {0};
    assert_int_equal(base_time_parse(base_bytes_text(text), &time), ERR_OK);
    return time;
}

static void
text_window_and_bounds_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        uint32_t window = 0, again = 0;
        struct wall start, end, from = time_of(rows[i].start),
                                to = time_of(rows[i].end);
        char text[MODEL_WINDOW_TEXT];
        assert_int_equal(
            model_window_parse(base_bytes_text(rows[i].text), &window), ERR_OK);
        assert_string_equal(model_window_text(window, text), rows[i].text);
        assert_int_equal(model_window_bounds(window, 28800, &start, &end),
                         ERR_OK);
        assert_int_equal(start.ms, from.ms);
        assert_int_equal(end.ms, to.ms);
        enum model_freq freq = model_window_freq(window);
        assert_int_equal(model_window_at(freq, 28800, from, &again), ERR_OK);
        assert_int_equal(again, window);
        to.ms--;
        assert_int_equal(model_window_at(freq, 28800, to, &again), ERR_OK);
        assert_int_equal(again, window);
    }
}

static void
every_time_lies_in_its_window_and_ids_rise(void **state)
{
    struct base_rng rng;
    (void)state;
    base_rng_seed(&rng, 1);
    for (unsigned n = 0; n < 20000; n++) {
        struct wall time = {
            (int64_t)base_rng_below(&rng, INT64_C(400) * 366 * 86400000)};
        time.ms += 86400000;
        int32_t zone = ((int32_t)base_rng_below(&rng, 27) - 13) * 3600;
        for (unsigned f = 1; f <= MODEL_FREQ_YEAR; f++) {
            uint32_t window, next, parsed;
            struct wall start, end;
            char text[MODEL_WINDOW_TEXT];
            if (f == MODEL_FREQ_SHIFT)
                continue;
            assert_int_equal(
                model_window_at((enum model_freq)f, zone, time, &window),
                ERR_OK);
            assert_int_equal(model_window_bounds(window, zone, &start, &end),
                             ERR_OK);
            assert_true(start.ms <= time.ms && time.ms < end.ms);
            assert_int_equal(
                model_window_at((enum model_freq)f, zone, end, &next), ERR_OK);
            assert_int_equal(next, window + 1);
            assert_int_equal(
                model_window_parse(
                    base_bytes_text(model_window_text(window, text)), &parsed),
                ERR_OK);
            assert_int_equal(parsed, window);
        }
    }
}

static void
unfit_windows_are_refused(void **state)
{
    static const struct {
        const char *text;
        enum err err;
    } unfit[] = {
        {"", ERR_SYNTAX},
        {"2025-", ERR_SYNTAX},
        {"2025-1", ERR_SYNTAX},
        {"2025-Q5", ERR_RANGE},
        {"2025-H3", ERR_RANGE},
        {"2025-Q", ERR_SYNTAX},
        {"2025-Q11", ERR_SYNTAX},
        {"2025-13", ERR_RANGE},
        {"2025-02-29", ERR_RANGE},
        {"2025-02-28 04", ERR_SYNTAX},
        {"2025-02-28T24", ERR_RANGE},
        {"2025-02-28T04:60", ERR_RANGE},
        {"2025-02-28T04:59:00", ERR_SYNTAX},
        {"1969", ERR_RANGE},
        {"1969-12-31", ERR_RANGE},
        {"2600-01-01T00:00", ERR_RANGE}, /* beyond 2^28 minutes */
        {"-025", ERR_SYNTAX},
    };
    uint32_t window = 7;
    struct wall time = {-1}, start, end;
    enum model_freq freq = MODEL_FREQ_DAY;
    char text[MODEL_WINDOW_TEXT];
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(unfit); i++)
        assert_int_equal(
            model_window_parse(base_bytes_text(unfit[i].text), &window),
            unfit[i].err);
    assert_int_equal(window, 7);
    assert_int_equal(model_window_at(MODEL_FREQ_DAY, 0, time, &window),
                     ERR_RANGE);
    time.ms = INT64_MAX;
    assert_int_equal(model_window_at(MODEL_FREQ_DAY, 9, time, &window),
                     ERR_RANGE);
    assert_int_equal(model_window_at(MODEL_FREQ_SHIFT, 0, time, &window),
                     ERR_UNSUPPORTED);
    assert_int_equal(model_window_bounds(0x3fffffff, 0, &start, &end),
                     ERR_UNSUPPORTED);
    for (uint32_t f = 0; f < 16; f++)
        model_window_text(f << 28 | 0xfffffff, text);
    assert_int_equal(model_window_bounds(0x8fffffff, 0, &start, &end),
                     ERR_RANGE);
    assert_int_equal(model_window_freq_parse(base_bytes_text("hour"), &freq),
                     ERR_OK);
    assert_int_equal(freq, MODEL_FREQ_HOUR);
    assert_string_equal(model_window_freq_name(freq), "hour");
    assert_int_equal(model_window_freq_parse(base_bytes_text("shift"), &freq),
                     ERR_OK);
    assert_int_equal(freq, MODEL_FREQ_SHIFT);
    assert_int_equal(model_window_freq_parse(base_bytes_text("week"), &freq),
                     ERR_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_window_and_bounds_agree),
        cmocka_unit_test(every_time_lies_in_its_window_and_ids_rise),
        cmocka_unit_test(unfit_windows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
