#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_out.h"
#include "wire/promql/wire_promql.h"

static const char *const test_matcher_ops[] = {"=", "!=", "=~", "!~"};

static void
test_names(struct base_out *out, struct wire_promql_names names)
{
    base_out_text(out, "(");
    for (uint32_t i = 0; i < names.count; i++) {
        base_out_text(out, i ? "," : "");
        base_out_bytes_add(out, names.at[i]);
    }
    base_out_text(out, ")");
}

static void
test_time(struct base_out *out, const struct wire_promql_time *time)
{
    if (time->range_ms)
        base_out_format(out, "[%ld", time->range_ms);
    if (time->step_ms)
        base_out_format(out, ":%ld", time->step_ms);
    base_out_text(out, time->range_ms ? "]" : "");
    if (time->at == WIRE_PROMQL_AT_TIME)
        base_out_format(out, "@%ld", time->at_ms);
    else if (time->at != WIRE_PROMQL_AT_NONE)
        base_out_text(out,
                      time->at == WIRE_PROMQL_AT_START ? "@start" : "@end");
    if (time->offset_set)
        base_out_format(out, " offset %ld", time->offset_ms);
}

static void
test_selector(struct base_out *out, const struct wire_promql_node *node)
{
    base_out_text(out, "{");
    for (uint32_t i = 0; i < node->matcher_count; i++) {
        const struct wire_promql_matcher *m = &node->matchers[i];
        base_out_text(out, i ? "," : "");
        base_out_bytes_add(out, m->name);
        base_out_format(out, "%s<", test_matcher_ops[m->op]);
        base_out_bytes_add(out, m->value);
        base_out_text(out, ">");
    }
    base_out_text(out, "}");
}

static void test_print(struct base_out *out,
                       const struct wire_promql_node *node);

static void
test_args(struct base_out *out, const struct wire_promql_node *node)
{
    base_out_text(out, "(");
    for (uint32_t i = 0; i < node->arg_count; i++) {
        base_out_text(out, i ? "," : "");
        test_print(out, node->args[i]);
    }
    base_out_text(out, ")");
}

static void
test_binary(struct base_out *out, const struct wire_promql_node *node)
{
    base_out_text(out, "(");
    test_print(out, node->args[0]);
    base_out_format(out, "%s%s", wire_promql_op_text(node->op),
                    node->bool_modifier ? "bool" : "");
    if (node->matching) {
        base_out_text(out, node->on ? "on" : "ignoring");
        test_names(out, node->match_names);
    }
    if (node->grouping) {
        base_out_text(out, node->left ? "left" : "right");
        test_names(out, node->group_names);
    }
    test_print(out, node->args[1]);
    base_out_text(out, ")");
}

static void
test_print(struct base_out *out, const struct wire_promql_node *node)
{
    switch (node->kind) {
    case WIRE_PROMQL_NUMBER:
        base_out_format(out, "%.17g", node->number);
        break;
    case WIRE_PROMQL_TEXT_LITERAL:
        base_out_text(out, "'");
        base_out_bytes_add(out, node->text);
        base_out_text(out, "'");
        break;
    case WIRE_PROMQL_SELECTOR:
        test_selector(out, node);
        break;
    case WIRE_PROMQL_CALL:
    case WIRE_PROMQL_AGGREGATE:
        base_out_bytes_add(out, node->text);
        if (node->grouping) {
            base_out_text(out, node->without ? " without" : " by");
            test_names(out, node->group_names);
        }
        test_args(out, node);
        break;
    case WIRE_PROMQL_UNARY:
        base_out_text(out, wire_promql_op_text(node->op));
        test_args(out, node);
        break;
    case WIRE_PROMQL_BINARY:
        test_binary(out, node);
        break;
    case WIRE_PROMQL_SUBQUERY:
    case WIRE_PROMQL_PAREN:
        test_print(out, node->args[0]);
        break;
    }
    test_time(out, &node->time);
}

/* Fully parenthesised, or "L:C: parse error: ...". */
static void
assert_parses(const char *text, const char *want)
{
    struct base_arena arena;
    struct base_out out;
    struct base_note note;
    const struct wire_promql_node *node;
    char message[512];
    base_arena_init(&arena, 1 << 22);
    base_out_grow(&out, 1 << 16);
    if (wire_promql_parse(&arena, base_bytes_text(text), &node, &note) ==
        ERR_OK)
        test_print(&out, node);
    else
        base_out_text(&out,
                      wire_promql_message(&note, message, sizeof message));
    base_out_u8(&out, 0);
    assert_string_equal((const char *)out.at, want);
    base_out_done(&out);
    base_arena_done(&arena);
}

static void
operators_bind_as_the_table_says(void **state)
{
    (void)state;
    assert_parses("1+1", "(1+1)");
    assert_parses("1 + 2 * 3 - 4", "((1+(2*3))-4)");
    assert_parses("-1^2", "-((1^2))");
    assert_parses("2^3^2", "(2^(3^2))");
    assert_parses("2 ^ -1", "(2^-(1))");
    assert_parses("8 / 2 / 2 % 3", "(((8/2)/2)%3)");
    assert_parses("1 - -1", "(1--(1))");
    assert_parses("1 <bool 2", "(1<bool2)");
    assert_parses("a or b and c unless d",
                  "({__name__=<a>}or(({__name__=<b>}and{__name__=<c>})unless{"
                  "__name__=<d>}))");
    assert_parses("a == b + c * 2",
                  "({__name__=<a>}==({__name__=<b>}+({__name__=<c>}*2)))");
    assert_parses("1 ATAN2 2", "(1atan22)");
}

static void
numbers_come_in_many_spellings(void **state)
{
    (void)state;
    assert_parses("1e3", "1000");
    assert_parses("0x1F", "31");
    assert_parses("1_000", "1000");
    assert_parses(".5", "0.5");
    assert_parses("2.", "2");
    assert_parses("1h30m", "5400");
    assert_parses("150ms", "0.14999999999999999");
    assert_parses("+Inf", "+(inf)");
    assert_parses("nAn", "nan");
    assert_parses("1m1h", "1:1: parse error: bad number or duration syntax");
    assert_parses("1x", "1:1: parse error: bad number or duration syntax");
}

static void
selectors_have_matchers_ranges_and_times(void **state)
{
    (void)state;
    assert_parses("host_cpu", "{__name__=<host_cpu>}");
    assert_parses("a:b{id=\"88/x\",l!~'y.*', z=~`\\d`,}",
                  "{id=<88/x>,l!~<y.*>,z=~<\\d>,__name__=<a:b>}");
    assert_parses("{\"a.b\", \"x y\"!=\"\\u00e9\\n\"}",
                  "{x y!=<\303\251\n>,__name__=<a.b>}");
    assert_parses("m[5m]", "{__name__=<m>}[300000]");
    assert_parses("m[90]", "{__name__=<m>}[90000]");
    assert_parses("m offset 5m @ 10.5", "{__name__=<m>}@10500 offset 300000");
    assert_parses("m[1m] @ end() offset -1s",
                  "{__name__=<m>}[60000]@end offset -1000");
    assert_parses("rate(m[1m])[1h:5m] offset 1d",
                  "rate({__name__=<m>}[60000])[3600000:300000] offset "
                  "86400000");
    assert_parses("m[1h:]", "{__name__=<m>}[3600000]");
    assert_parses("# all\nm # of it", "{__name__=<m>}");
}

static void
words_may_be_names(void **state)
{
    (void)state;
    assert_parses("sum", "{__name__=<sum>}");
    assert_parses("by{by=\"x\"}", "{by=<x>,__name__=<by>}");
    assert_parses("sum by (sum, on) (rate(by[1s]))",
                  "sum by(sum,on)(rate({__name__=<by>}[1000]))");
    assert_parses("SUM(x) WITHOUT (a)", "sum without(a)({__name__=<x>})");
    assert_parses("topk(3, x)", "topk(3,{__name__=<x>})");
    assert_parses("count_values(\"v\", x)", "count_values('v',{__name__=<x>})");
    assert_parses("a * on(id) group_left(n) b",
                  "({__name__=<a>}*on(id)left(n){__name__=<b>})");
    assert_parses("a / ignoring(x) b",
                  "({__name__=<a>}/ignoring(x){__name__=<b>})");
    assert_parses("start()", "start()");
}

static void
mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    assert_parses("", "1:1: parse error: no expression found in input");
    assert_parses("1 +", "1:4: parse error: unexpected end of input");
    assert_parses("foo{", "1:5: parse error: unexpected end of input inside "
                          "braces");
    assert_parses("foo{a=}", "1:7: parse error: unexpected \"}\" in label "
                             "matching, expected string");
    assert_parses("foo bar", "1:5: parse error: unexpected identifier \"bar\"");
    assert_parses("1 +\n* 2", "2:1: parse error: unexpected <op:*>");
    assert_parses("(1", "1:3: parse error: unexpected end of input, expected "
                        "\")\"");
    assert_parses("\"a", "1:1: parse error: unterminated quoted string");
    assert_parses("m & n", "1:3: parse error: unexpected character");
    assert_parses("{}", "1:1: parse error: vector selector must contain at "
                        "least one non-empty matcher");
    assert_parses("{a=\"\"}", "1:1: parse error: vector selector must contain "
                              "at least one non-empty matcher");
    assert_parses("nosuch(x)", "1:1: parse error: unknown function with name "
                               "\"nosuch\"");
    assert_parses("m[0s]", "1:3: parse error: duration must be greater than 0");
    assert_parses("m[1m][1m]", "1:6: parse error: ranges only allowed for "
                               "vector selectors");
    assert_parses("1 offset 5m",
                  "1:3: parse error: offset modifier must be preceded by an "
                  "instant vector selector or range vector selector or a "
                  "subquery");
    assert_parses("m @ 1 @ 2", "1:7: parse error: @ <timestamp> may not be set "
                               "multiple times");
}

static void
types_are_checked(void **state)
{
    (void)state;
    assert_parses("1 == 1", "1:3: parse error: comparisons between scalars "
                            "must use BOOL modifier");
    assert_parses("1 and 1", "1:3: parse error: set operator \"and\" not "
                             "allowed in binary scalar expression");
    assert_parses("rate(m)", "1:6: parse error: expected type range vector in "
                             "call to function \"rate\", got instant vector");
    assert_parses("m[1m] + 1", "1:7: parse error: binary expression must "
                               "contain only scalar and instant vector types");
    assert_parses("-\"a\"", "1:1: parse error: unary expression only allowed "
                            "on expressions of type scalar or instant vector, "
                            "got \"string\"");
    assert_parses("abs()", "1:1: parse error: expected 1 argument(s) in call "
                           "to \"abs\", got 0");
    assert_parses("round(a, 1, 2)", "1:1: parse error: expected at most 2 "
                                    "argument(s) in call to \"round\", got 3");
    assert_parses("sum(1)", "1:5: parse error: expected type instant vector "
                            "in aggregation expression \"sum\", got scalar");
    assert_parses("a + bool b", "1:3: parse error: bool modifier can only be "
                                "used on comparison operators");
}

static void
what_is_left_out_is_refused_by_name(void **state)
{
    (void)state;
    assert_parses("m[1m * 2]", "1:6: parse error: duration expressions are "
                               "not supported");
    assert_parses("m[step()]", "1:3: parse error: duration expressions are "
                               "not supported");
    assert_parses("info(m)",
                  "1:1: parse error: function \"info\" is not supported");
    assert_parses("m smoothed",
                  "1:3: parse error: modifier \"smoothed\" is not supported");
}

static void
depth_and_length_have_limits(void **state)
{
    (void)state;
    static char text[WIRE_PROMQL_TEXT + 2];
    memset(text, '(', 300);
    assert_parses(text, "1:257: parse error: query is nested deeper than 256");
    char *at = text;
    for (unsigned i = 0; i < 300; i++)
        at = stpcpy(at, "1+");
    strcpy(at, "1");
    assert_parses(text, "1:512: parse error: query is nested deeper than 256");
    memset(text, '1', WIRE_PROMQL_TEXT + 1);
    assert_parses(text, "1:1: parse error: query is longer than 65536 bytes");
}

static void
a_match_parameter_is_a_plain_selector(void **state)
{
    (void)state;
    struct base_arena arena;
    struct base_note note;
    const struct wire_promql_node *node;
    base_arena_init(&arena, 1 << 20);
    assert_int_equal(
        wire_promql_selector(&arena, base_bytes_text("m{a='b'}"), &node, &note),
        ERR_OK);
    assert_int_equal(
        wire_promql_selector(&arena, base_bytes_text("m[1m]"), &node, &note),
        ERR_SYNTAX);
    assert_int_equal(
        wire_promql_selector(&arena, base_bytes_text("1+1"), &node, &note),
        ERR_SYNTAX);
    base_arena_done(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_bind_as_the_table_says),
        cmocka_unit_test(numbers_come_in_many_spellings),
        cmocka_unit_test(selectors_have_matchers_ranges_and_times),
        cmocka_unit_test(words_may_be_names),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(types_are_checked),
        cmocka_unit_test(what_is_left_out_is_refused_by_name),
        cmocka_unit_test(depth_and_length_have_limits),
        cmocka_unit_test(a_match_parameter_is_a_plain_selector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
