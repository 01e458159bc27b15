/* model_calendar_test.c -- merged months and shifts. */
#include "model/model_calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"

static const struct model_calendar merged = {
    .zone_s = 28800, .merge_first = 1, .merge_last = 2};

/* Monday to Friday three shifts; from 2025-03-03 (a Monday) on Saturdays too
 * one, and the night begins an hour later. */
static const struct model_calendar_shift shift_rows[] = {
    {"early", 0, 0x1f, 360, 480, INT32_MIN, INT32_MAX},
    {"late", 1, 0x1f, 840, 480, INT32_MIN, INT32_MAX},
    {"night", 2, 0x1f, 1320, 480, INT32_MIN, 20150},
    {"night", 2, 0x1f, 1380, 420, 20150, INT32_MAX},
    {"early", 0, 0x20, 480, 300, 20150, INT32_MAX},
};

static const struct model_calendar shifts = {
    .zone_s = 28800, .shifts = shift_rows, .shift_count = 5};

static struct wall
time_of(const char *text)
{
    struct wall time = {0};
    assert_int_equal(base_time_parse(base_bytes_text(text), &time), ERR_OK);
    return time;
}

static uint32_t
window_of(const struct model_calendar *calendar, const char *text)
{
    uint32_t window = 0;
    if (model_calendar_parse(calendar, base_bytes_text(text), &window) !=
        ERR_OK)
        fail_msg("%s", text);
    return window;
}

static void
is(const struct model_calendar *calendar, const char *text, const char *from,
   const char *until)
{
    struct wall start, end;
    char again[MODEL_WINDOW_TEXT], was[BASE_TIME_TEXT];
    uint32_t window = window_of(calendar, text), found;
    assert_int_equal(model_calendar_bounds(calendar, window, &start, &end),
                     ERR_OK);
    assert_string_equal(base_time_text(start, 28800, was), from);
    assert_string_equal(base_time_text(end, 28800, was), until);
    assert_string_equal(model_calendar_text(calendar, window, again), text);
    enum model_freq freq = model_window_freq(window);
    assert_int_equal(model_calendar_at(calendar, freq, start, &found), ERR_OK);
    assert_int_equal(found, window);
    end.ms--;
    assert_int_equal(model_calendar_at(calendar, freq, end, &found), ERR_OK);
    assert_int_equal(found, window);
}

static void
january_and_february_are_one_window(void **state)
{
    (void)state;
    is(&merged, "2023-01..02", "2023-01-01T00:00:00.000+08:00",
       "2023-03-01T00:00:00.000+08:00");
    is(&merged, "2023-03", "2023-03-01T00:00:00.000+08:00",
       "2023-04-01T00:00:00.000+08:00");
    uint32_t first = window_of(&merged, "2023-01..02");
    uint32_t march = window_of(&merged, "2023-03");
    uint32_t december = window_of(&merged, "2022-12");
    assert_int_equal(model_calendar_next(&merged, december), first);
    assert_int_equal(model_calendar_next(&merged, first), march);
    assert_int_equal(model_calendar_back(&merged, march), first);
    assert_int_equal(model_calendar_back(&merged, first), december);
    assert_int_equal(first, (uint32_t)MODEL_FREQ_MONTH << 28 | (53 * 12 + 1));
}

static void
what_is_merged_has_no_other_name(void **state)
{
    static const char *const none[] = {"2023-01",     "2023-02",
                                       "2023-02..03", "2023-01..03",
                                       "2023-01,.02", "2023-00..02"};
    struct wall start = {1}, end = {2};
    uint32_t window = 7;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(none); i++)
        assert_int_not_equal(
            model_calendar_parse(&merged, base_bytes_text(none[i]), &window),
            ERR_OK);
    assert_int_equal(window, 7);
    uint32_t january = window_of(&merged, "2023-01..02") - 1;
    assert_int_equal(model_calendar_bounds(&merged, january, &start, &end),
                     ERR_ABSENT);
    assert_int_equal(start.ms, 1);
    struct model_calendar plain = {.zone_s = 28800};
    assert_int_equal(
        model_calendar_parse(&plain, base_bytes_text("2023-01..02"), &window),
        ERR_ABSENT);
    is(&plain, "2023-01", "2023-01-01T00:00:00.000+08:00",
       "2023-02-01T00:00:00.000+08:00");
}

static void
a_shift_belongs_to_the_day_it_starts_on(void **state)
{
    (void)state;
    is(&shifts, "2025-01-06.early", "2025-01-06T06:00:00.000+08:00",
       "2025-01-06T14:00:00.000+08:00");
    is(&shifts, "2025-01-06.night", "2025-01-06T22:00:00.000+08:00",
       "2025-01-07T06:00:00.000+08:00");
    is(&shifts, "2025-03-07.night", "2025-03-07T23:00:00.000+08:00",
       "2025-03-08T06:00:00.000+08:00");
    is(&shifts, "2025-03-08.early", "2025-03-08T08:00:00.000+08:00",
       "2025-03-08T13:00:00.000+08:00");
}

static void
a_day_without_a_shift_has_none(void **state)
{
    static const char *const none[] = {"2025-01-04.early", "2025-03-08.night",
                                       "2025-01-06.noon",  "2025-01-06.",
                                       "2025-01-06",       "2025-13-06.early"};
    uint32_t window = 7;
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(
            model_calendar_parse(&shifts, base_bytes_text(none[i]), &window),
            ERR_ABSENT);
    assert_int_not_equal(
        model_calendar_parse(&shifts, base_bytes_text(none[5]), &window),
        ERR_OK);
    assert_int_equal(window, 7);
    is(&shifts, none[4], "2025-01-06T00:00:00.000+08:00",
       "2025-01-07T00:00:00.000+08:00");
}

static void
between_shifts_the_next_one_is_meant(void **state)
{
    uint32_t window = 0;
    (void)state;
    assert_int_equal(model_calendar_at(&shifts, MODEL_FREQ_SHIFT,
                                       time_of("2025-01-04T12:00:00+08:00"),
                                       &window),
                     ERR_OK);
    assert_int_equal(window, window_of(&shifts, "2025-01-06.early"));
    assert_int_equal(model_calendar_back(&shifts, window),
                     window_of(&shifts, "2025-01-03.night"));
    assert_int_equal(
        model_calendar_next(&shifts, window_of(&shifts, "2025-01-03.night")),
        window);
    assert_int_equal(
        model_calendar_next(&shifts, window_of(&shifts, "2025-03-07.night")),
        window_of(&shifts, "2025-03-08.early"));
}

/* Any time lies in its window or before it, and after the one before. */
static void
every_time_has_its_place(void **state)
{
    static const struct model_calendar *const calendars[] = {&merged, &shifts};
    static const enum model_freq freqs[] = {MODEL_FREQ_MONTH, MODEL_FREQ_SHIFT};
    struct base_rng rng;
    (void)state;
    base_rng_seed(&rng, 4);
    for (unsigned i = 0; i < 20000; i++) {
        const struct model_calendar *calendar = calendars[i % 2];
        struct wall time = {
            (int64_t)base_rng_below(&rng, UINT64_C(4000000000000)) +
            INT64_C(30000000000)};
        struct wall start, end, before_start, before_end;
        uint32_t window = 0;
        assert_int_equal(
            model_calendar_at(calendar, freqs[i % 2], time, &window), ERR_OK);
        uint32_t before = model_calendar_back(calendar, window);
        assert_int_equal(model_calendar_bounds(calendar, window, &start, &end),
                         ERR_OK);
        assert_int_equal(
            model_calendar_bounds(calendar, before, &before_start, &before_end),
            ERR_OK);
        assert_true(before_end.ms <= time.ms && time.ms < end.ms);
        assert_true(before_end.ms <= start.ms && start.ms < end.ms);
        assert_int_equal(model_calendar_next(calendar, before), window);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(january_and_february_are_one_window),
        cmocka_unit_test(what_is_merged_has_no_other_name),
        cmocka_unit_test(a_shift_belongs_to_the_day_it_starts_on),
        cmocka_unit_test(a_day_without_a_shift_has_none),
        cmocka_unit_test(between_shifts_the_next_one_is_meant),
        cmocka_unit_test(every_time_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
