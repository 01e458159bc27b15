/* model_id_test.c -- identifiers, prefixes, figures and windows' small words.
 */
#include "model/model_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct bytes
text(const char *from)
{
    return base_bytes_text(from);
}

static void
an_identifier_splits_at_its_first_slash(void **state)
{
    struct model_id id;
    (void)state;
    assert_int_equal(model_id_parse(text("88.31.1001/pump/42"), &id), ERR_OK);
    assert_true(base_bytes_is(id.prefix, "88.31.1001"));
    assert_true(base_bytes_is(id.suffix, "pump/42"));
    assert_int_equal(model_id_parse(text("88/泵"), &id), ERR_OK);
    assert_true(base_bytes_is(id.suffix, "泵"));
}

static void
unfit_identifiers_are_refused(void **state)
{
    static const char *const unfit[] = {"",     "88",      "88/",    "/a",
                                        ".8/a", "8./a",    "8..1/a", "8 1/a",
                                        "泵/a", "88.31+/a"};
    struct model_id id;
    char big[300];
    (void)state;
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++)
        assert_int_equal(model_id_parse(text(unfit[i]), &id), ERR_NAME);
    assert_int_equal(model_id_parse(text("88/\xff"), &id), ERR_SYNTAX);
    assert_int_equal(model_id_parse(base_bytes("8/a\0b", 5), &id), ERR_NAME);
    memset(big, '8', sizeof big);
    big[2] = '/';
    assert_int_equal(model_id_parse(base_bytes(big, 255), &id), ERR_OK);
    assert_int_equal(model_id_parse(base_bytes(big, 256), &id), ERR_BIG);
    big[2] = '8';
    assert_int_equal(model_id_prefix_check(base_bytes(big, 120)), ERR_OK);
    assert_int_equal(model_id_prefix_check(base_bytes(big, 121)), ERR_BIG);
}

static void
a_prefix_covers_what_lies_below_it_in_any_case(void **state)
{
    (void)state;
    assert_true(model_id_covers(text("88.31"), text("88.31")));
    assert_true(model_id_covers(text("88.3A"), text("88.3a.1001")));
    assert_false(model_id_covers(text("88.31"), text("88.311")));
    assert_false(model_id_covers(text("88.31.1"), text("88.31")));
    assert_false(model_id_covers(text(""), text(".88")));
    assert_true(base_bytes_is(model_id_parent(text("88.31.1001")), "88.31"));
    assert_int_equal(model_id_parent(text("88")).size, 0);
    assert_true(model_id_is_child(text("88.x"), text("88.X.1001")));
    assert_false(model_id_is_child(text("88"), text("88.31.1001")));
    assert_false(model_id_is_child(text(""), text("88")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identifier_splits_at_its_first_slash),
        cmocka_unit_test(unfit_identifiers_are_refused),
        cmocka_unit_test(a_prefix_covers_what_lies_below_it_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
