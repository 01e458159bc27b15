/* model_unit_test.c -- UCUM, and what is compared. */
#include "model/model_unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_dec.h"
#include "base/base_mem.h"

static struct model_unit
unit(const char *text)
{
    struct model_unit made = {0};
    struct base_note note = {0};
    if (model_unit_parse(text, &made, &note) != ERR_OK)
        fail_msg("%s: %s", text, note.text);
    return made;
}

static void
equal_units_are_written_in_many_ways(void **state)
{
    static const char *const pairs[][2] = {
        {"kW.h", "3600000.J"},
        {"J", "kg.m2/s2"},
        {"J", "kg.m2.s-2"},
        {"W", "J/s"},
        {"V.A", "W"},
        {"V", "W/A"},
        {"Hz", "/s"},
        {"L", "dm3"},
        {"L", "10*-3.m3"},
        {"t", "10^3.kg"},
        {"t", "Mg"},
        {"KiBy", "1024.By"},
        {"By", "8.bit"},
        {"GiBy", "1024.(1024.KiBy)"},
        {"min", "60.s"},
        {"h", "60.min"},
        {"d", "24.h"},
        {"a", "12.mo"},
        {"%", "10*-2"},
        {"1", "m/m"},
        {"m/s/s", "m/(s.s)"},
        {"(m/s)2", "m2/s2"},
        {"{b}.{a}", "{a}.{b}"},
        {"{a}/{a}", "1"},
        {"us", "10*-6.s"},
        {"t{steel}/h", "{steel}.t/h"},
        {"dam", "10.m"},
        {"mg", "10*-6.kg"},
        {"m+2", "m2"},
        {"GiBy/MiBy", "1024"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
        struct model_unit a = unit(pairs[i][0]), b = unit(pairs[i][1]);
        if (!model_unit_equal(&a, &b))
            fail_msg("%s and %s", pairs[i][0], pairs[i][1]);
    }
}

static void
unlike_units_differ(void **state)
{
    static const char *const pairs[][2] = {
        {"s", "m"},  {"{CNY}", "{pcs}"}, {"{CNY}", "1"},         {"By", "1"},
        {"m2", "m"}, {"m/s", "s/m"},     {"{a}/{b}", "{b}/{a}"}, {"W", "J"}};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
        struct model_unit a = unit(pairs[i][0]), b = unit(pairs[i][1]);
        assert_false(model_unit_same_dimension(&a, &b));
    }
    struct model_unit a = unit("kW.h"), b = unit("W.h");
    assert_true(model_unit_same_dimension(&a, &b));
    assert_false(model_unit_equal(&a, &b));
}

static void
mistakes_are_told_with_their_place(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        uint32_t column;
    } rows[] = {
        {"", ERR_SYNTAX, 1},
        {"furlong", ERR_NAME, 1},
        {"m.", ERR_SYNTAX, 3},
        {"m..s", ERR_SYNTAX, 3},
        {"(m", ERR_SYNTAX, 1},
        {"m)", ERR_SYNTAX, 2},
        {"{}", ERR_SYNTAX, 1},
        {"{a b}", ERR_SYNTAX, 1},
        {"m{a", ERR_SYNTAX, 2},
        {"Cel", ERR_UNSUPPORTED, 1},
        {"J/Cel", ERR_UNSUPPORTED, 3},
        {"kmin", ERR_NAME, 1},
        {"m25", ERR_RANGE, 2},
        {"m-", ERR_SYNTAX, 2},
        {"0", ERR_RANGE, 1},
        {"99999999999", ERR_RANGE, 1},
        {"YW.YW.YW", ERR_RANGE, 4},
        {"m20.m20", ERR_RANGE, 5},
        {"{a}.{b}.{c}.{d}.{e}", ERR_LIMIT, 17},
        {"((((((((m))))))))", ERR_LIMIT, 9},
        {"k{CNY}", ERR_NAME, 1},
        {"m s", ERR_SYNTAX, 2},
        {"{\xff}", ERR_SYNTAX, 1},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct model_unit made;
        struct base_note note = {0};
        enum err err = model_unit_parse(rows[i].text, &made, &note);
        if (err != rows[i].err || note.column != rows[i].column)
            fail_msg("%s: %s %u %s", rows[i].text, base_err_name(err),
                     note.column, note.text);
    }
    struct base_note note;
    struct model_unit made;
    model_unit_parse("mim", &made, &note);
    assert_non_null(strstr(note.text, "min"));
}

static void
factors_are_exact(void **state)
{
    char num[BASE_DEC_TEXT];
    struct model_unit a = unit("YBy"), b = unit("ys");
    (void)state;
    assert_string_equal(base_dec_int_text(a.num, num),
                        "8000000000000000000000000");
    assert_string_equal(base_dec_int_text(b.den, num),
                        "1000000000000000000000000");
    a = unit("m/s");
    assert_int_equal(model_unit_multiply(&a, &a, -1), ERR_OK);
    assert_true(model_unit_equal(&a, &model_unit_one));
    b = unit("m24");
    struct model_unit before = b;
    assert_int_equal(model_unit_multiply(&b, &b, 1), ERR_RANGE);
    assert_true(model_unit_equal(&b, &before));
}

static void
names_are_readable(void **state)
{
    char to[MODEL_UNIT_TEXT];
    struct model_unit a = unit("kW.h/{CNY}");
    (void)state;
    assert_string_equal(model_unit_name(&a, to), "kW.h/{CNY}");
    assert_int_equal(model_unit_multiply(&a, &model_unit_one, 1), ERR_OK);
    assert_string_equal(model_unit_name(&a, to),
                        "3600000000 m2.g.s-2.{CNY}^-1");
    struct model_unit many = unit("m24.g24.s24.A24.K24.mol24.cd24.bit24."
                                  "{aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}");
    model_unit_multiply(&many, &model_unit_one, 1);
    assert_true(strlen(model_unit_name(&many, to)) < MODEL_UNIT_TEXT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_units_are_written_in_many_ways),
        cmocka_unit_test(unlike_units_differ),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(factors_are_exact),
        cmocka_unit_test(names_are_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
