/* base_dec_test.c -- against exact rationals, and at the edges of text. */
#include "base/base_dec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_dec_vectors.h"
#include "base/base_mem.h"

static __int128
count_of(const char *text)
{
    unsigned __int128 value = 0;
    for (const char *at = text + (*text == '-'); *at; at++)
        value = value * 10 + (unsigned)(*at - '0');
    return (__int128)(*text == '-' ? 0 - value : value);
}

static const struct {
    const char *name;
    enum err (*fn)(struct dec a, struct dec b, struct dec *ret_value);
} two_sided[] = {
    {"add", base_dec_add}, {"sub", base_dec_sub}, {"mul", base_dec_mul},
    {"div", base_dec_div}, {"mod", base_dec_mod},
};

static const char *const modes[] = {
    [BASE_DEC_HALF_AWAY] = "away", [BASE_DEC_HALF_EVEN] = "even",
    [BASE_DEC_FLOOR] = "floor",    [BASE_DEC_CEIL] = "ceil",
    [BASE_DEC_CUT] = "cut",
};

/* The answer to a row as the table writes it. */
static void
answer(size_t row, char *to)
{
    const char *op = base_dec_vectors[row].op;
    struct dec a = {count_of(base_dec_vectors[row].a)};
    struct dec b = {count_of(base_dec_vectors[row].b)};
    struct dec result = {77};
    enum err err = ERR_UNSUPPORTED;
    for (size_t i = 0; i < BASE_COUNT(two_sided); i++)
        if (strcmp(op, two_sided[i].name) == 0)
            err = two_sided[i].fn(a, b, &result);
    if (strcmp(op, "ratio") == 0)
        err = base_dec_ratio(a.count, b.count, &result);
    for (size_t i = 0; i < BASE_COUNT(modes); i++)
        if (strcmp(op, modes[i]) == 0) {
            result =
                base_dec_round(a, (unsigned)b.count, (enum base_dec_mode)i);
            err = ERR_OK;
        }
    if (err == ERR_OK) {
        base_dec_int_text(result.count, to);
        return;
    }
    assert_true(result.count == 77); /* left as it was */
    to[0] = '!';
    strcpy(to + 1, base_err_name(err));
}

static void
every_operation_equals_exact_rational_arithmetic(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(base_dec_vectors); i++) {
        char text[BASE_DEC_TEXT];
        answer(i, text);
        if (strcmp(text, base_dec_vectors[i].answer) != 0)
            print_message("row %zu: %s %s %s\n", i, base_dec_vectors[i].op,
                          base_dec_vectors[i].a, base_dec_vectors[i].b);
        assert_string_equal(text, base_dec_vectors[i].answer);
    }
}

#define TOP_TEXT "170141183460469231731687303.715884105727"
#define LOW_TEXT "-170141183460469231731687303.715884105728"

/* clang-format off */
static const struct {
    const char *text, *shortest;
} texts[] = {
    {"0", "0"}, {"-0", "0"}, {"0.000", "0"}, {"007", "7"}, {"1.50", "1.5"},
    {"-0.000000000001", "-0.000000000001"}, {"1e3", "1000"}, {"1E+3", "1000"},
    {"12.5e-1", "1.25"}, {"10e-13", "0.000000000001"},
    {"0.0000000000010000000000000000", "0.000000000001"}, {"0e999999999999", "0"},
    {"0.0e-99999999999999999999", "0"},
    {"1000000000000000000000000000000000000000e-39", "1"},
    {"0.00000000000000000000000000000000000000000001e44", "1"},
    {TOP_TEXT, TOP_TEXT}, {LOW_TEXT, LOW_TEXT},
    {"", "!SYNTAX"}, {"-", "!SYNTAX"}, {"+1", "!SYNTAX"}, {".5", "!SYNTAX"},
    {"1.", "!SYNTAX"}, {"1e", "!SYNTAX"}, {"1e+", "!SYNTAX"},
    {"1 ", "!SYNTAX"}, {"1,5", "!SYNTAX"}, {"0x1", "!SYNTAX"},
    {"nan", "!SYNTAX"}, {"--1", "!SYNTAX"}, {"1e1.5", "!SYNTAX"},
    {"0.0000000000001", "!RANGE"}, {"1e-13", "!RANGE"}, {"1e27", "!RANGE"},
    {"170141183460469231731687303.715884105728", "!RANGE"},
    {"-170141183460469231731687303.715884105729", "!RANGE"},
    {"1e999999999999999999999", "!RANGE"},
    {"99999999999999999999999999999999999999999999999999", "!RANGE"},
    {"340282366920938463463374607.431768211456", "!RANGE"},
};
/* clang-format on */

static void
a_text_is_read_exactly_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        struct dec value = {77};
        char text[BASE_DEC_TEXT] = "!";
        enum err err = base_dec_parse(base_bytes_text(texts[i].text), &value);
        if (err == ERR_OK)
            base_dec_text(value, -1, text);
        else
            strcpy(text + 1, base_err_name(err));
        assert_string_equal(text, texts[i].shortest);
        assert_true(err == ERR_OK || value.count == 77);
    }
}

static void
a_text_with_digits_is_rounded_half_away(void **state)
{
    (void)state;
    char text[BASE_DEC_TEXT];
    struct dec value;
    assert_int_equal(base_dec_parse(base_bytes_text("2.125"), &value), ERR_OK);
    assert_string_equal(base_dec_text(value, 2, text), "2.13");
    assert_string_equal(base_dec_text(value, 0, text), "2");
    assert_string_equal(base_dec_text(value, 5, text), "2.12500");
    value.count = -value.count;
    assert_string_equal(base_dec_text(value, 2, text), "-2.13");
    value.count = -4;
    assert_string_equal(base_dec_text(value, 2, text), "0.00");
    assert_int_equal(base_dec_parse(base_bytes_text(LOW_TEXT), &value), ERR_OK);
    assert_string_equal(base_dec_text(value, 0, text),
                        "-170141183460469231731687304");
    assert_string_equal(base_dec_text(value, 12, text), LOW_TEXT);
}

static void
a_mantissa_goes_in_and_out_at_its_scale(void **state)
{
    (void)state;
    struct dec value;
    int64_t mantissa = 77;
    assert_int_equal(base_dec_from(-12345, 2, &value), ERR_OK);
    assert_int_equal(base_dec_to(value, 2, BASE_DEC_CUT, &mantissa), ERR_OK);
    assert_int_equal(mantissa, -12345);
    assert_int_equal(base_dec_to(value, 1, BASE_DEC_HALF_EVEN, &mantissa),
                     ERR_OK);
    assert_int_equal(mantissa, -1234);
    assert_int_equal(base_dec_to(value, 1, BASE_DEC_FLOOR, &mantissa), ERR_OK);
    assert_int_equal(mantissa, -1235);
    assert_int_equal(base_dec_from(1, 13, &value), ERR_RANGE);
    assert_int_equal(base_dec_from((__int128)1 << 120, 0, &value), ERR_RANGE);
    assert_int_equal(base_dec_from(INT64_MIN, 0, &value), ERR_OK);
    assert_int_equal(base_dec_to(value, 0, BASE_DEC_CUT, &mantissa), ERR_OK);
    assert_true(mantissa == INT64_MIN);
    mantissa = 77;
    assert_int_equal(base_dec_to(value, 1, BASE_DEC_CUT, &mantissa), ERR_RANGE);
    value.count = -value.count;
    assert_int_equal(base_dec_to(value, 0, BASE_DEC_CUT, &mantissa), ERR_RANGE);
    assert_int_equal(mantissa, 77);
}

static void
an_integer_of_128_bits_is_written_whole(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0", "-1", "170141183460469231731687303715884105727",
        "-170141183460469231731687303715884105728"};
    char text[BASE_DEC_TEXT];
    for (size_t i = 0; i < BASE_COUNT(good); i++)
        assert_string_equal(base_dec_int_text(count_of(good[i]), text),
                            good[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_equals_exact_rational_arithmetic),
        cmocka_unit_test(a_text_is_read_exactly_or_refused),
        cmocka_unit_test(a_text_with_digits_is_rounded_half_away),
        cmocka_unit_test(a_mantissa_goes_in_and_out_at_its_scale),
        cmocka_unit_test(an_integer_of_128_bits_is_written_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
