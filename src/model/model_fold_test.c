/* model_fold_test.c -- folding: worked cases, and laws over random series. */
#include "model/model_fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/base_mem.h"
#include "base/base_rng.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

static struct model_pack_input
input_of(enum model_pack_fold fold, unsigned scale, int64_t stale_ms)
{
    return (struct model_pack_input){
        .fold = fold,
        .scale = scale,
        .stale_ms = stale_ms,
        .min = -((INT64_C(1) << 43) - 1),
        .max = (INT64_C(1) << 43) - 1,
    };
}

static struct num
num(const char *text)
{
    struct num made = {0};
    if (strcmp(text, "NaN") == 0)
        return base_num_double((double)NAN);
    assert_int_equal(base_num_parse(base_bytes_text(text), &made), ERR_OK);
    return made;
}

struct row {
    int64_t t_ms;
    const char *value;
};

static void
expect(enum model_pack_fold fold, unsigned scale, const struct row *rows,
       size_t count, enum err err, int64_t want)
{
    struct model_pack_input input = input_of(fold, scale, 5 * MINUTE);
    struct model_fold_sample samples[16];
    int64_t value = -99;
    for (size_t i = 0; i < count; i++)
        samples[i] =
            (struct model_fold_sample){rows[i].t_ms, num(rows[i].value)};
    struct wall start = {0}, end = {MINUTE};
    assert_int_equal(
        model_fold(&input, start, end, samples, count, &value, NULL), err);
    assert_int_equal(value, err == ERR_OK ? want : -99);
}

#define EXPECT(fold, scale, err, want, ...)                                    \
    expect(MODEL_PACK_FOLD_##fold, scale, (const struct row[]){__VA_ARGS__},   \
           BASE_COUNT(((const struct row[]){__VA_ARGS__})), ERR_##err, want)

static void
a_delta_runs_from_the_last_sample_before_the_window(void **state)
{
    (void)state;
    EXPECT(DELTA, 0, OK, 9, {-5000, "1"}, {0, "4"}, {59999, "10"},
           {60000, "50"});
    EXPECT(DELTA, 0, OK, 0, {10, "7"});
    EXPECT(DELTA, 0, OK, 2, {10, "7"}, {20, "9"});
    EXPECT(DELTA, 0, ABSENT, 0, {-10, "7"}, {60000, "9"});
    EXPECT(DELTA, 0, OK, 13, {-10, "7"}, {10, "10"}, {20, "3"}, {30, "10"});
    EXPECT(DELTA, 0, OK, 5, {-5 * MINUTE, "7"}, {0, "12"});
    EXPECT(DELTA, 0, OK, 0, {-5 * MINUTE, "7"}, {1, "12"});      /* too long */
    EXPECT(DELTA, 0, OK, 5, {-10, "7"}, {10, "-4"}, {20, "12"}); /* skipped */
    EXPECT(DELTA, 2, OK, 124, {-10, "0.005"}, {10, "1.235"});
    EXPECT(DELTA, 0, OK, 3, {-10, "1"}, {10, "9"}, {10, "4"}); /* one time */
}

static void
last_count_sum_min_and_max(void **state)
{
    (void)state;
    EXPECT(LAST, 1, OK, 25, {-10, "1"}, {10, "2.54"}, {60000, "9"});
    EXPECT(LAST, 0, OK, 1, {-4 * MINUTE, "1"});
    EXPECT(LAST, 0, ABSENT, 0, {-4 * MINUTE - 1, "1"});
    EXPECT(LAST, 0, OK, -3, {10, "-3"}, {20, "NaN"});
    EXPECT(COUNT, 0, OK, 2, {-10, "1"}, {0, "1"}, {10, "1"}, {60000, "1"});
    EXPECT(COUNT, 2, OK, 100, {0, "1"});
    EXPECT(COUNT, 0, ABSENT, 0, {-10, "1"}, {60000, "1"});
    EXPECT(COUNT, 0, OK, 1, {10, "1"}, {10, "2"}, {20, "NaN"});
    EXPECT(SUM, 0, OK, 5, {-10, "1"}, {0, "2"}, {10, "3"});
    EXPECT(MIN, 0, OK, -2, {-10, "-9"}, {0, "3"}, {10, "-2"}, {20, "5"});
    EXPECT(MAX, 0, OK, 5, {-10, "9"}, {0, "3"}, {10, "-2"}, {20, "5"});
    EXPECT(SUM, 0, RANGE, 0, {0, "5e12"}, {10, "5e12"});
}

static void
expect_states(const int64_t *states, unsigned count, const struct row *rows,
              size_t row_count, enum err err, int64_t want)
{
    struct model_pack_input input =
        input_of(MODEL_PACK_FOLD_TIME_IN, 0, 5 * MINUTE);
    struct model_fold_sample samples[16];
    int64_t value = -99;
    input.states = states;
    input.state_count = count;
    for (size_t i = 0; i < row_count; i++)
        samples[i] =
            (struct model_fold_sample){rows[i].t_ms, num(rows[i].value)};
    assert_int_equal(model_fold(&input, (struct wall){0},
                                (struct wall){10 * MINUTE}, samples, row_count,
                                &value, NULL),
                     err);
    assert_int_equal(value, err == ERR_OK ? want : -99);
}

static void
a_state_holds_until_the_next_sample_and_at_most_stale(void **state)
{
    static const int64_t one[] = {1}, some[] = {2, 4};
    static const struct row rows[] = {
        {-MINUTE, "1"},     {MINUTE, "2"},         {MINUTE + 500, "NaN"},
        {2 * MINUTE, "4"},  {3 * MINUTE - 1, "1"}, {3 * MINUTE, "1"},
        {3 * MINUTE, "3"},  {4 * MINUTE, "1"},     {9 * MINUTE + 500, "1"},
        {10 * MINUTE, "2"},
    };
    (void)state;
    /* 0..1, 3 - 1 ms..3, 4..9, 9.5..10; unknown 9..9 + 500 ms */
    expect_states(one, 1, rows, 10, ERR_OK, 7 * MINUTE + 1 - 500);
    expect_states(some, 2, rows, 10, ERR_OK, 2 * MINUTE - 1);
    expect_states(NULL, 0, rows, 10, ERR_OK, 500);
    expect_states(one, 1, rows, 1, ERR_OK, 4 * MINUTE);
    expect_states(NULL, 0, rows, 1, ERR_OK, 6 * MINUTE);
    static const struct row early[] = {{-5 * MINUTE, "1"}};
    expect_states(one, 1, early, 1, ERR_ABSENT, 0);
    expect_states(NULL, 0, early, 1, ERR_ABSENT, 0);
    expect_states(one, 1, rows, 0, ERR_ABSENT, 0);
    static const struct row late[] = {{10 * MINUTE, "1"}};
    expect_states(one, 1, late, 1, ERR_ABSENT, 0);
}

static void
an_integral_is_power_times_time_rounded_once(void **state)
{
    struct model_pack_input input =
        input_of(MODEL_PACK_FOLD_INTEGRAL, 1, 5 * MINUTE);
    const struct model_fold_sample samples[] = {
        {-10000, num("1200.04")}, {30000, num("-6")}, {45000, num("0")}};
    int64_t value;
    (void)state;
    input.ratio_num = 1; /* W to W.h */
    input.ratio_den = 3600000;
    /* 12000 * 30 s - 60 * 15 s = 359100 of 0.1 W.s: 99.75 of 0.1 W.h */
    assert_int_equal(model_fold(&input, (struct wall){0}, (struct wall){MINUTE},
                                samples, 3, &value, NULL),
                     ERR_OK);
    assert_int_equal(value, 100);
    input.ratio_den = 143640000; /* 2.5: half to even */
    assert_int_equal(model_fold(&input, (struct wall){0}, (struct wall){MINUTE},
                                samples, 3, &value, NULL),
                     ERR_OK);
    assert_int_equal(value, 2);
    input.ratio_den = 359100 * 2;
    input.ratio_num = 1;
    input.min = 500;
    assert_int_equal(model_fold(&input, (struct wall){0}, (struct wall){MINUTE},
                                samples, 3, &value, NULL),
                     ERR_OK);
    assert_int_equal(value, 500);
    input.min = 501;
    assert_int_equal(model_fold(&input, (struct wall){0}, (struct wall){MINUTE},
                                samples, 3, &value, NULL),
                     ERR_RANGE);
}

static void
values_round_half_to_even_from_what_they_exactly_are(void **state)
{
    static const struct {
        const char *text;
        unsigned scale;
        int64_t want;
    } rows[] = {{"0.5", 0, 0},
                {"1.5", 0, 2},
                {"-0.5", 0, 0},
                {"-1.5", 0, -2},
                {"2.675", 2, 268},
                {"2.665", 2, 266},
                {"-2.675", 2, -268},
                {"0.0000000000005", 12, 0},
                {"0.0000000000015", 12, 2},
                {"7", 3, 7000},
                {"123456.789012345", 2, 12345679}};
    int64_t value = 0;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        assert_int_equal(
            model_fold_round(num(rows[i].text), rows[i].scale, &value), ERR_OK);
        assert_int_equal(value, rows[i].want);
    }
    /* Doubles that no 15 digits give count at their exact value. */
    struct num third = base_num_double(1.0 / 3),
               sum = base_num_double(0.1 + 0.2);
    assert_int_equal(third.kind, BASE_NUM_RAW);
    assert_int_equal(model_fold_round(third, 12, &value), ERR_OK);
    assert_int_equal(value, INT64_C(333333333333));
    assert_int_equal(model_fold_round(sum, 2, &value), ERR_OK);
    assert_int_equal(value, 30);
    assert_int_equal(model_fold_round(base_num_double(-0.0), 2, &value),
                     ERR_OK);
    assert_int_equal(value, 0);
    assert_int_equal(model_fold_round(base_num_double(5e-324), 12, &value),
                     ERR_OK);
    assert_int_equal(value, 0);
    assert_int_equal(model_fold_round(base_num_double((double)NAN), 0, &value),
                     ERR_RANGE);
    assert_int_equal(
        model_fold_round(base_num_double((double)INFINITY), 0, &value),
        ERR_RANGE);
    assert_int_equal(model_fold_round(base_num_double(1e300), 0, &value),
                     ERR_RANGE);
    assert_int_equal(model_fold_round(base_num_double(1e18), 2, &value),
                     ERR_RANGE);
    struct num stale = {.kind = BASE_NUM_STALE};
    assert_int_equal(model_fold_round(stale, 0, &value), ERR_RANGE);
}

enum { SERIES = 400 };

/* A counter over about two hours: gaps, restarts, junk. */
static size_t
series_random(struct base_rng *rng, struct model_fold_sample *samples)
{
    int64_t t_ms = -HOUR / 2;
    double value = 0;
    size_t count = 0;
    while (count < SERIES) {
        uint64_t dice = base_rng_below(rng, 100);
        t_ms += 1 + (int64_t)base_rng_below(rng, dice < 2 ? 1200000 : 40000);
        value =
            dice > 96 ? 0 : value + (double)base_rng_below(rng, 100000) / 997;
        struct num made = base_num_double(value);
        if (dice == 50)
            made.kind = BASE_NUM_STALE;
        if (dice == 51)
            made = base_num_double((double)NAN);
        if (dice == 52)
            made = base_num_double(-value);
        samples[count++] = (struct model_fold_sample){t_ms, made};
    }
    return count;
}

/* Only what the head of model_fold.h promises to look at. */
static int64_t
fold_slice(const struct model_pack_input *input, int64_t start_ms,
           int64_t end_ms, const struct model_fold_sample *samples,
           size_t count, bool *ret_any)
{
    size_t from = 0, to = count;
    int64_t value = 0, whole = 0;
    struct wall start = {start_ms}, end = {end_ms};
    while (from < count && samples[from].t_ms < start_ms - input->stale_ms)
        from++;
    while (to > from && samples[to - 1].t_ms >= end_ms)
        to--;
    enum err err =
        model_fold(input, start, end, samples + from, to - from, &value, NULL);
    assert_int_equal(
        model_fold(input, start, end, samples, count, &whole, NULL), err);
    assert_int_equal(value, whole);
    *ret_any = err == ERR_OK;
    assert_true(err == ERR_OK || err == ERR_ABSENT);
    return value;
}

static void
sixty_minutes_add_up_to_their_hour(void **state)
{
    static const enum model_pack_fold folds[] = {
        MODEL_PACK_FOLD_DELTA, MODEL_PACK_FOLD_COUNT, MODEL_PACK_FOLD_SUM};
    static struct model_fold_sample samples[SERIES];
    struct base_rng rng;
    (void)state;
    base_rng_seed(&rng, 4);
    for (unsigned n = 0; n < 300; n++) {
        size_t count = series_random(&rng, samples);
        for (size_t f = 0; f < BASE_COUNT(folds); f++) {
            struct model_pack_input input = input_of(
                folds[f], (unsigned)base_rng_below(&rng, 4), 5 * MINUTE);
            int64_t sum = 0;
            bool any = false, one;
            for (int64_t m = 0; m < 60; m++) {
                sum += fold_slice(&input, m * MINUTE, (m + 1) * MINUTE, samples,
                                  count, &one);
                any |= one;
            }
            assert_int_equal(fold_slice(&input, 0, HOUR, samples, count, &one),
                             sum);
            assert_int_equal(one, any);
        }
    }
}

static void
duplicates_change_nothing(void **state)
{
    static struct model_fold_sample samples[SERIES], twice[2 * SERIES];
    struct base_rng rng;
    (void)state;
    base_rng_seed(&rng, 5);
    for (unsigned n = 0; n < 200; n++) {
        size_t count = series_random(&rng, samples), doubled = 0;
        for (size_t i = 0; i < count; i++) {
            twice[doubled++] = samples[i];
            if (base_rng_below(&rng, 2))
                twice[doubled++] = samples[i];
        }
        for (unsigned f = 0; f <= MODEL_PACK_FOLD_MAX; f++) {
            struct model_pack_input input =
                input_of((enum model_pack_fold)f, 2, 5 * MINUTE);
            struct wall start = {MINUTE * n}, end = {MINUTE * (n + 1)};
            int64_t a = 0, b = 0;
            uint64_t skipped_a, skipped_b;
            assert_int_equal(
                model_fold(&input, start, end, samples, count, &a, &skipped_a),
                model_fold(&input, start, end, twice, doubled, &b, &skipped_b));
            assert_int_equal(a, b);
            assert_int_equal(skipped_a, skipped_b);
        }
    }
}

static void
a_sample_changes_no_window_it_should_not(void **state)
{
    static struct model_fold_sample samples[SERIES], less[SERIES];
    struct base_rng rng;
    (void)state;
    base_rng_seed(&rng, 6);
    for (unsigned n = 0; n < 2000; n++) {
        size_t count = series_random(&rng, samples);
        size_t drop = (size_t)base_rng_below(&rng, count - 1);
        memcpy(less, samples, drop * sizeof *samples);
        memcpy(less + drop, samples + drop + 1,
               (count - drop - 1) * sizeof *samples);
        unsigned f = (unsigned)base_rng_below(&rng, MODEL_PACK_FOLD_MAX + 1);
        struct model_pack_input input =
            input_of((enum model_pack_fold)f, 1, 5 * MINUTE);
        /* RULINGS 26: from t to the next usable sample, at most t + stale */
        int64_t from = samples[drop].t_ms, to = from + input.stale_ms;
        for (size_t i = drop + 1; i < count; i++) {
            int64_t value;
            if (model_fold_round(samples[i].num, 1, &value) != ERR_OK ||
                (f == MODEL_PACK_FOLD_DELTA && value < 0))
                continue;
            if (samples[i].t_ms < to)
                to = samples[i].t_ms;
            break;
        }
        for (int64_t m = -30; m < 90; m++) {
            struct wall start = {m * MINUTE}, end = {(m + 1) * MINUTE};
            int64_t a = 0, b = 0;
            if (end.ms > from && start.ms <= to)
                continue;
            assert_int_equal(
                model_fold(&input, start, end, samples, count, &a, NULL),
                model_fold(&input, start, end, less, count - 1, &b, NULL));
            assert_int_equal(a, b);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delta_runs_from_the_last_sample_before_the_window),
        cmocka_unit_test(last_count_sum_min_and_max),
        cmocka_unit_test(a_state_holds_until_the_next_sample_and_at_most_stale),
        cmocka_unit_test(an_integral_is_power_times_time_rounded_once),
        cmocka_unit_test(values_round_half_to_even_from_what_they_exactly_are),
        cmocka_unit_test(sixty_minutes_add_up_to_their_hour),
        cmocka_unit_test(duplicates_change_nothing),
        cmocka_unit_test(a_sample_changes_no_window_it_should_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
