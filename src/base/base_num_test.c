/* base_num_test.c -- pairs against strtod, bit for bit. */
#include "base/base_num.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"

static uint64_t
bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static struct num
parsed(const char *text)
{
    struct num num = {0};
    assert_int_equal(base_num_parse(base_bytes_text(text), &num), ERR_OK);
    return num;
}

/* clang-format off */
static const struct {
    const char *text;
    int64_t mantissa;
    unsigned exponent;
    const char *back; /* NULL: as it was */
} pairs[] = {
    {"0", 0, 0, NULL}, {"0.000", 0, 0, "0"}, {"42", 42, 0, NULL},
    {"-42", -42, 0, NULL}, {"1.50", 150, 2, "1.5"}, {"1e3", 1000, 0, "1000"},
    {"1E+3", 1000, 0, "1000"}, {"12.5e-1", 125, 2, "1.25"},
    {"007", 7, 0, "7"}, {"0.1", 1, 1, NULL}, {"1e-6", 1, 6, "0.000001"},
    {"0.0000001", 1, 7, "1e-07"}, {"-1.25e-7", -125, 9, "-1.25e-07"},
    {"0.000000000000001", 1, 15, "1e-15"},
    {"0.0000000000000010", 1, 15, "1e-15"},
    {"999999999999999", 999999999999999, 0, NULL},
    {"123456789012345678", 123456789012345678, 0, NULL},
    {"100.000000000000000", 100000000000000000, 15, "100"},
    {"100.0000000000000000000000", 100000000000000000, 15, "100"},
    {"1e17", 100000000000000000, 0, "100000000000000000"},
};

static const char *const refused[] = {
    "", "-", "+1", ".5", "1.", "1e", "1e+", "1e+-5", "1e-+5", "1 ", " 1",
    "0x10", "nan", "inf", "1,5", "--1", "1e5.0", "1_000",
};
/* clang-format on */

static void
a_short_text_is_its_own_pair(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
        struct num num = parsed(pairs[i].text);
        char text[BASE_NUM_TEXT];
        assert_int_equal(num.kind, BASE_NUM_DECIMAL);
        assert_true(num.mantissa == pairs[i].mantissa);
        assert_int_equal(num.exponent, pairs[i].exponent);
        assert_string_equal(base_num_text(num, text),
                            pairs[i].back ? pairs[i].back : pairs[i].text);
    }
}

static void
what_is_no_number_is_refused(void **state)
{
    (void)state;
    struct num num = {.mantissa = 77};
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        assert_int_equal(base_num_parse(base_bytes_text(refused[i]), &num),
                         ERR_SYNTAX);
    assert_int_equal(base_num_parse(base_bytes_text("1e400"), &num), ERR_RANGE);
    assert_int_equal(
        base_num_parse(base_bytes_text("1e99999999999999999999"), &num),
        ERR_RANGE);
    assert_int_equal(num.mantissa, 77);
    assert_true(base_num_to_double(parsed("1e-99999999999999999999")) == 0);
}

static void
every_text_means_what_strtod_means(void **state)
{
    (void)state;
    struct base_rng rng;
    base_rng_seed(&rng, 11);
    for (unsigned i = 0; i < 200000; i++) {
        char text[64], digits[24];
        uint64_t mantissa = base_rng_next(&rng) >> base_rng_below(&rng, 64);
        int size = snprintf(digits, sizeof digits, "%llu",
                            (unsigned long long)mantissa);
        int dot = (int)base_rng_below(&rng, (uint64_t)size);
        int power = (int)base_rng_below(&rng, 44) - 22;
        const char *sign = base_rng_below(&rng, 2) ? "-" : "";
        snprintf(text, sizeof text, "%s%.*s%s%s", sign, size - dot, digits,
                 dot ? "." : "", digits + size - dot);
        if (base_rng_below(&rng, 2))
            snprintf(text + strlen(text), 16, "e%d", power);
        struct num num = parsed(text);
        assert_true(bits_of(base_num_to_double(num)) ==
                    bits_of(strtod(text, NULL)));
        char back[BASE_NUM_TEXT];
        base_num_text(num, back);
        assert_true(bits_of(strtod(back, NULL)) ==
                    bits_of(base_num_to_double(num)));
    }
}

static void
every_double_survives_with_its_bits(void **state)
{
    (void)state;
    struct base_rng rng;
    base_rng_seed(&rng, 12);
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t bits = base_rng_next(&rng);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (i % 2)
            value = (double)(int64_t)(bits >> 30) /
                    (double)(1 << base_rng_below(&rng, 20));
        struct num num = base_num_double(value);
        assert_true(bits_of(base_num_to_double(num)) == bits_of(value));
        char text[BASE_NUM_TEXT];
        base_num_text(num, text);
        if (isfinite(value)) {
            back = strtod(text, NULL);
            assert_true(bits_of(back) == bits_of(value));
        }
    }
}

static void
exceptions_keep_their_bits(void **state)
{
    (void)state;
    static const struct {
        uint64_t bits;
        enum base_num_kind kind;
        const char *text;
    } rows[] = {
        {0x7FF0000000000002u, BASE_NUM_STALE, "NaN"},
        {0x7FF8000000000001u, BASE_NUM_RAW, "NaN"},
        {0x7FF0000000000000u, BASE_NUM_RAW, "+Inf"},
        {0xFFF0000000000000u, BASE_NUM_RAW, "-Inf"},
        {0x8000000000000000u, BASE_NUM_RAW, "-0"},
        {0x3FD3333333333334u, BASE_NUM_RAW, "0.30000000000000004"},
        {0x0000000000000001u, BASE_NUM_RAW, "5e-324"},
        {0x7FEFFFFFFFFFFFFFu, BASE_NUM_RAW, "1.7976931348623157e+308"},
        {0x444B1AE4D6E2EF50u, BASE_NUM_RAW, "1e+21"},
        {0x4415AF1D78B58C40u, BASE_NUM_RAW, "100000000000000000000"},
        {0x3FB999999999999Au, BASE_NUM_DECIMAL, "0.1"},
        {0x4059000000000000u, BASE_NUM_DECIMAL, "100"},
        {0x433FFFFFFFFFFFFFu, BASE_NUM_DECIMAL, "9007199254740991"},
        {0x4340000000000000u, BASE_NUM_RAW, "9007199254740992"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        double value;
        char text[BASE_NUM_TEXT];
        memcpy(&value, &rows[i].bits, sizeof value);
        struct num num = base_num_double(value);
        assert_int_equal(num.kind, rows[i].kind);
        assert_true(bits_of(base_num_to_double(num)) == rows[i].bits);
        assert_string_equal(base_num_text(num, text), rows[i].text);
    }
    assert_int_equal(parsed("-0").kind, BASE_NUM_RAW);
    assert_int_equal(parsed("-0.0").mantissa, INT64_MIN);
}

static void
a_decimal_is_exact_or_out_of_range(void **state)
{
    (void)state;
    struct dec value = {77};
    char text[BASE_DEC_TEXT];
    assert_int_equal(base_num_dec(parsed("-1.000000000000"), &value), ERR_OK);
    assert_string_equal(base_dec_text(value, -1, text), "-1");
    assert_int_equal(base_num_dec(parsed("1.500000000000000"), &value), ERR_OK);
    assert_string_equal(base_dec_text(value, -1, text), "1.5");
    assert_int_equal(base_num_dec(parsed("-0"), &value), ERR_OK);
    assert_true(value.count == 0);
    value.count = 77;
    assert_int_equal(base_num_dec(parsed("0.0000000000001"), &value),
                     ERR_RANGE);
    assert_int_equal(base_num_dec(base_num_double((double)NAN), &value),
                     ERR_RANGE);
    assert_int_equal(base_num_dec(parsed("0.30000000000000004"), &value),
                     ERR_RANGE);
    assert_true(value.count == 77);
}

static void
numbers_compare_by_what_they_mean(void **state)
{
    (void)state;
    assert_int_equal(base_num_compare(parsed("1.50"), parsed("1.5")), 0);
    assert_true(base_num_compare(parsed("-2"), parsed("1e-15")) < 0);
    assert_true(base_num_compare(parsed("123456789012345678"),
                                 parsed("123456789012345677")) > 0);
    assert_int_equal(base_num_compare(parsed("-0"), parsed("0")), 0);
    struct num none = base_num_double((double)NAN);
    assert_int_equal(base_num_compare(none, none), 0);
    assert_true(base_num_compare(none, base_num_double(-DBL_MAX)) < 0);
    assert_true(
        base_num_compare(base_num_double((double)INFINITY), parsed("1")) > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_text_is_its_own_pair),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(every_text_means_what_strtod_means),
        cmocka_unit_test(every_double_survives_with_its_bits),
        cmocka_unit_test(exceptions_keep_their_bits),
        cmocka_unit_test(a_decimal_is_exact_or_out_of_range),
        cmocka_unit_test(numbers_compare_by_what_they_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
