/* model_expr_test.c -- the expression language, row by row. */
#include "model/model_expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "model/model_unit.h"

enum { X, Y, ZERO, GONE, YES, WORD, SECONDS, METRES };

static const struct model_expr_name names[] = {
    {"x", MODEL_EXPR_NUM, X},
    {"y", MODEL_EXPR_NUM, Y},
    {"zero", MODEL_EXPR_NUM, ZERO},
    {"gone", MODEL_EXPR_NUM, GONE},
    {"yes", MODEL_EXPR_BOOL, YES},
    {"word", MODEL_EXPR_STRING, WORD},
    {"seconds", MODEL_EXPR_NUM, SECONDS},
    {"metres", MODEL_EXPR_NUM, METRES},
};
static const struct model_expr_scope scope = {names, BASE_COUNT(names)};

static struct model_expr_value
lookup(void *self, uint32_t slot)
{
    static const int64_t numbers[] = {
        [X] = 7, [Y] = -2, [SECONDS] = 60, [METRES] = 5};
    struct model_expr_value value = {.type = names[slot].type};
    (void)self;
    if (slot == GONE)
        value.err = ERR_ABSENT;
    else if (slot == WORD)
        value = (struct model_expr_value){.type = MODEL_EXPR_STRING,
                                          .string = base_bytes_text("host"),
                                          .flags = base_bytes_text("a|bc")};
    else if (slot == YES)
        value.truth = true;
    else
        base_dec_from(numbers[slot], 0, &value.num);
    return value;
}

static const char *
result(const struct model_expr_value *value, char *to)
{
    if (value->err != ERR_OK)
        return base_err_name(value->err);
    if (value->type == MODEL_EXPR_BOOL)
        return value->truth ? "true" : "false";
    if (value->type == MODEL_EXPR_STRING)
        return base_bytes_string(value->string, to, BASE_DEC_TEXT);
    return base_dec_text(value->num, -1, to);
}

static void
values_are_right(void **state)
{
    static const struct {
        const char *text;
        enum model_expr_type type;
        const char *value;
    } rows[] = {
        {"1 + 2 * 3", MODEL_EXPR_NUM, "7"},
        {"(1 + 2) * 3", MODEL_EXPR_NUM, "9"},
        {"10 - 2 - 3", MODEL_EXPR_NUM, "5"},
        {"12 / 4 / 3", MODEL_EXPR_NUM, "1"},
        {"-x % 4", MODEL_EXPR_NUM, "-3"},
        {"x * 0.5", MODEL_EXPR_NUM, "3.5"},
        {"1e3 + 1.5E-2", MODEL_EXPR_NUM, "1000.015"},
        {"1 / 3", MODEL_EXPR_NUM, "0.333333333333"},
        {"- -x", MODEL_EXPR_NUM, "7"},
        {"x / zero", MODEL_EXPR_NUM, "SHORT"},
        {"x % zero", MODEL_EXPR_NUM, "SHORT"},
        {"gone + 1", MODEL_EXPR_NUM, "ABSENT"},
        {"x / zero + gone", MODEL_EXPR_NUM, "SHORT"},
        {"1e26 * 10", MODEL_EXPR_NUM, "RANGE"},
        {"x < 7 || x == 7", MODEL_EXPR_BOOL, "true"},
        {"x <= 7 && x >= 7 && x != 8 && x > 6", MODEL_EXPR_BOOL, "true"},
        {"!yes || yes && !yes", MODEL_EXPR_BOOL, "false"},
        {"false && gone > 1", MODEL_EXPR_BOOL, "false"},
        {"gone > 1 && false", MODEL_EXPR_BOOL, "false"},
        {"true || gone > 1", MODEL_EXPR_BOOL, "true"},
        {"gone > 1 || true", MODEL_EXPR_BOOL, "true"},
        {"gone > 1 || false", MODEL_EXPR_BOOL, "ABSENT"},
        {"true && gone > 1", MODEL_EXPR_BOOL, "ABSENT"},
        {"has(gone)", MODEL_EXPR_BOOL, "false"},
        {"has(gone) ? gone : x", MODEL_EXPR_NUM, "7"},
        {"yes ? x : gone", MODEL_EXPR_NUM, "7"},
        {"gone > 0 ? 1 : 2", MODEL_EXPR_NUM, "ABSENT"},
        {"false ? 1 : yes ? 2 : 3", MODEL_EXPR_NUM, "2"},
        {"x in [1, 7.0, -2]", MODEL_EXPR_BOOL, "true"},
        {"y in [1, -2]", MODEL_EXPR_BOOL, "true"},
        {"word in ['a', \"host\"]", MODEL_EXPR_BOOL, "true"},
        {"word in []", MODEL_EXPR_BOOL, "false"},
        {"gone in [1]", MODEL_EXPR_BOOL, "ABSENT"},
        {"word == 'host' && word < 'i'", MODEL_EXPR_BOOL, "true"},
        {"yes == true", MODEL_EXPR_BOOL, "true"},
        {"flag(word, 'bc') && !flag(word, 'b')", MODEL_EXPR_BOOL, "true"},
        {"startsWith(word, 'ho') && !startsWith(word, 'o')", MODEL_EXPR_BOOL,
         "true"},
        {"size('泵 \\n\\'')", MODEL_EXPR_NUM, "4"},
        {"abs(y) + abs(x)", MODEL_EXPR_NUM, "9"},
        {"min(x, y, 3)", MODEL_EXPR_NUM, "-2"},
        {"max(x, y, 3)", MODEL_EXPR_NUM, "7"},
        {"max(0, -x)", MODEL_EXPR_NUM, "0"},
        {"min(x, gone)", MODEL_EXPR_NUM, "ABSENT"},
        {"round(2.5) + round(-2.5) + round(2.4)", MODEL_EXPR_NUM, "2"},
        {"floor(-0.1)", MODEL_EXPR_NUM, "-1"},
        {"ceil(0.1)", MODEL_EXPR_NUM, "1"},
        {"word", MODEL_EXPR_STRING, "host"},
        {" \n\tx", MODEL_EXPR_NUM, "7"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct base_arena arena;
        struct base_note note = {0};
        const struct model_expr *expr = NULL, *again = NULL;
        struct model_expr_value value;
        char text[BASE_DEC_TEXT];
        struct base_out first, second;
        base_arena_init(&arena, 1 << 20);
        if (model_expr_compile(&arena, base_bytes_text(rows[i].text), &scope,
                               rows[i].type, &expr, &note) != ERR_OK)
            fail_msg("%s: %s", rows[i].text, note.text);
        model_expr_eval(expr, lookup, NULL, &value);
        assert_string_equal(result(&value, text), rows[i].value);
        base_out_grow(&first, 1 << 20);
        base_out_grow(&second, 1 << 20);
        model_expr_canonical(expr, &first);
        assert_int_equal(model_expr_compile(&arena, base_out_bytes(&first),
                                            &scope, rows[i].type, &again,
                                            &note),
                         ERR_OK);
        model_expr_canonical(again, &second);
        assert_true(
            base_bytes_equal(base_out_bytes(&first), base_out_bytes(&second)));
        base_out_done(&first);
        base_out_done(&second);
        base_arena_done(&arena);
    }
}

static void
mistakes_are_told_with_their_place(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        uint32_t line, column;
        const char *part;
    } rows[] = {
        {"", ERR_SYNTAX, 1, 1, "the end"},
        {"1 +", ERR_SYNTAX, 1, 4, "expected a value"},
        {"1 2", ERR_SYNTAX, 1, 3, "found 2"},
        {"(1", ERR_SYNTAX, 1, 3, "expected )"},
        {"1 < 2 < 3", ERR_SYNTAX, 1, 7, "do not chain"},
        {"x = 1", ERR_SYNTAX, 1, 3, "=="},
        {"yes & yes", ERR_SYNTAX, 1, 5, "&&"},
        {"'abc", ERR_SYNTAX, 1, 1, "not closed"},
        {"'a\\q'", ERR_SYNTAX, 1, 4, "escapes"},
        {"1x", ERR_SYNTAX, 1, 1, "letter"},
        {"1.", ERR_UNSUPPORTED, 1, 2, "members"},
        {"let + 1", ERR_SYNTAX, 1, 1, "reserved"},
        {"null", ERR_SYNTAX, 1, 1, "reserved"},
        {"x\n + secnods", ERR_NAME, 2, 4, "seconds"},
        {"泵", ERR_SYNTAX, 1, 1, "character"},
        {"'泵' + 1", ERR_TYPE, 1, 1, "a number"},
        {"rond(x)", ERR_NAME, 1, 1, "round"},
        {"abs(x, y)", ERR_TYPE, 1, 1, "1 to 1"},
        {"min()", ERR_TYPE, 1, 1, "0"},
        {"flag('ho', 'a') ? 1 : 2", ERR_TYPE, 1, 6, "flag() takes a dim's"},
        {"flag(x, 'a') ? 1 : 2", ERR_TYPE, 1, 6, "expected a string"},
        {"days(x)", ERR_UNSUPPORTED, 1, 1, "days"},
        {"x[1]", ERR_UNSUPPORTED, 1, 2, "tables"},
        {"x.y", ERR_UNSUPPORTED, 1, 2, "members"},
        {"x + yes", ERR_TYPE, 1, 5, "truth"},
        {"!x", ERR_TYPE, 1, 2, "truth"},
        {"yes ? 1 : 'a'", ERR_TYPE, 1, 11, "string"},
        {"x ? 1 : 2", ERR_TYPE, 1, 1, "truth"},
        {"yes < yes ? 1 : 2", ERR_TYPE, 1, 1, "order"},
        {"x in 7 ? 1 : 2", ERR_TYPE, 1, 6, "list"},
        {"x in [y] ? 1 : 2", ERR_TYPE, 1, 7, "literal"},
        {"x in ['a'] ? 1 : 2", ERR_TYPE, 1, 7, "number"},
        {"[1]", ERR_TYPE, 1, 1, "right of in"},
        {"has(1) ? 1 : 2", ERR_TYPE, 1, 5, "name"},
        {"yes", ERR_TYPE, 1, 1, "expected a number"},
        {"0.0000000000001", ERR_RANGE, 1, 1, "12 decimals"},
        {"\xff", ERR_SYNTAX, 1, 1, "UTF-8"},
        {"# x", ERR_SYNTAX, 1, 1, "no meaning"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct base_arena arena;
        struct base_note note = {0};
        const struct model_expr *expr = NULL;
        base_arena_init(&arena, 1 << 20);
        enum err err = model_expr_compile(&arena, base_bytes_text(rows[i].text),
                                          &scope, MODEL_EXPR_NUM, &expr, &note);
        if (err != rows[i].err || note.code != err ||
            note.line != rows[i].line || note.column != rows[i].column ||
            !strstr(note.text, rows[i].part))
            fail_msg("%s: %s %u:%u %s", rows[i].text, base_err_name(err),
                     note.line, note.column, note.text);
        base_arena_done(&arena);
    }
}

static enum err
compile_repeated(const char *before, const char *part, const char *after,
                 unsigned count)
{
    struct base_arena arena;
    struct base_out out;
    const struct model_expr *expr = NULL;
    base_arena_init(&arena, 1 << 20);
    base_out_grow(&out, 1 << 20);
    for (unsigned i = 0; i < count; i++)
        base_out_text(&out, before);
    base_out_text(&out, part);
    for (unsigned i = 0; i < count; i++)
        base_out_text(&out, after);
    enum err err = model_expr_compile(&arena, base_out_bytes(&out), &scope,
                                      MODEL_EXPR_NUM, &expr, NULL);
    base_out_done(&out);
    base_arena_done(&arena);
    return err;
}

static void
size_and_depth_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(compile_repeated("", "1", "+x", 127), ERR_OK);
    assert_int_equal(compile_repeated("", "1", "+x", 128), ERR_LIMIT);
    assert_int_equal(compile_repeated("(", "1", ")", 31), ERR_OK);
    assert_int_equal(compile_repeated("(", "1", ")", 32), ERR_LIMIT);
    assert_int_equal(compile_repeated("-", "1", "", 31), ERR_OK);
    assert_int_equal(compile_repeated("-", "1", "", 32), ERR_LIMIT);
    assert_int_equal(compile_repeated("-", "1", "", 9999), ERR_LIMIT);
    assert_int_equal(compile_repeated("[", "1", "", 9999), ERR_LIMIT);
    assert_int_equal(compile_repeated("yes?1:", "1", "", 9999), ERR_LIMIT);
    assert_int_equal(compile_repeated(" ", "1", "", 16385), ERR_LIMIT);
}

static const struct model_unit *
unit_of(void *self, uint32_t slot)
{
    static struct model_unit seconds, metres;
    (void)self;
    model_unit_parse("s", &seconds, NULL);
    model_unit_parse("m", &metres, NULL);
    return slot == SECONDS  ? &seconds
           : slot == METRES ? &metres
                            : &model_unit_one;
}

static void
units_must_fit_together(void **state)
{
    static const struct {
        const char *text, *unit;
        uint32_t column; /* of the mistake */
    } rows[] = {
        {"seconds + seconds", "s", 0},
        {"metres / seconds", "m/s", 0},
        {"metres * seconds * 2", "m.s", 0},
        {"seconds / seconds", "1", 0},
        {"seconds % seconds", "s", 0},
        {"max(0, -seconds)", "s", 0},
        {"seconds > 5 ? seconds : 0", "s", 0},
        {"seconds > seconds * 2 ? 1 : 2", "1", 0},
        {"seconds in [1, 2] ? x : y", "1", 0},
        {"round(metres) + abs(metres)", "m", 0},
        {"size(word)", "1", 0},
        {"seconds + metres", NULL, 11},
        {"seconds + 1", NULL, 11},
        {"seconds - x", NULL, 11},
        {"seconds < metres ? 1 : 2", NULL, 11},
        {"seconds < x ? 1 : 2", NULL, 11},
        {"yes ? seconds : metres", NULL, 17},
        {"min(seconds, 1)", NULL, 14},
        {"has(metres) && metres + x > 1 ? 1 : 2", NULL, 25},
        {"(seconds + metres) in [1] ? 1 : 2", NULL, 12},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct base_arena arena;
        struct base_note note = {0};
        const struct model_expr *expr = NULL;
        struct model_unit unit = {0}, want;
        base_arena_init(&arena, 1 << 20);
        assert_int_equal(
            model_expr_compile(&arena, base_bytes_text(rows[i].text), &scope,
                               MODEL_EXPR_NUM, &expr, &note),
            ERR_OK);
        enum err err = model_expr_unit(expr, unit_of, NULL, &unit, &note);
        if (rows[i].unit) {
            assert_int_equal(err, ERR_OK);
            model_unit_parse(rows[i].unit, &want, NULL);
            assert_true(model_unit_equal(&unit, &want));
        } else {
            assert_int_equal(err, ERR_UNIT);
            assert_int_equal(note.column, rows[i].column);
        }
        base_arena_done(&arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_right),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(size_and_depth_are_bounded),
        cmocka_unit_test(units_must_fit_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
