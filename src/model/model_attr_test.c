/* model_attr_test.c -- the line of a unit's codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "model/model_attr.h"

static struct bytes
text(const char *from)
{
    return base_bytes_text(from);
}

static void
a_line_is_read_pair_by_pair(void **state)
{
    (void)state;
    struct bytes line = text("ind=3812,region=31,size=a-1.b");
    assert_int_equal(model_attr_check(line), ERR_OK);
    assert_true(base_bytes_is(model_attr_get(line, text("ind")), "3812"));
    assert_true(base_bytes_is(model_attr_get(line, text("size")), "a-1.b"));
    assert_int_equal(model_attr_get(line, text("reg")).size, 0);
    assert_int_equal(model_attr_check(text("")), ERR_OK);
}

static void
what_is_not_canonical_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "b=1,a=2", "a=1,a=2",  "a", "a=",    "=1",  "a=1,",
        "A=1",     "a=1,,b=2", ",", "a=x y", "1a=2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(model_attr_check(text(bad[i])), ERR_SYNTAX);
    uint8_t room[700];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    for (unsigned i = 0; i < 17; i++)
        base_out_format(&out, "%sk%02u=1", i > 0 ? "," : "", i);
    assert_int_equal(model_attr_check(base_out_bytes(&out)), ERR_LIMIT);
    assert_int_equal(model_attr_check(base_bytes(room, 513)), ERR_LIMIT);
}

static void
the_upper_of_two_lines_wins(void **state)
{
    (void)state;
    uint8_t room[128];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    model_attr_merge(text("a=1,c=3"), text("b=2,c=4,d=5"), &out);
    assert_true(base_bytes_is(base_out_bytes(&out), "a=1,b=2,c=4,d=5"));
    base_out_fixed(&out, room, sizeof room);
    model_attr_merge(text("x=1"), text(""), &out);
    assert_true(base_bytes_is(base_out_bytes(&out), "x=1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_pair_by_pair),
        cmocka_unit_test(what_is_not_canonical_is_refused),
        cmocka_unit_test(the_upper_of_two_lines_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
