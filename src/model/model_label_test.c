/* model_label_test.c -- label sets and matchers. */
#include "model/model_label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"

static struct bytes
text(const char *from)
{
    return base_bytes_text(from);
}

static void
a_set_is_sorted_and_copied(void **state)
{
    struct base_arena arena;
    const struct model_labels *set = NULL, *other = NULL;
    (void)state;
    base_arena_init(&arena, 1 << 20);
    char name[] = "line";
    struct model_label labels[] = {{text(name), text("a")},
                                   {text("id"), text("88/泵")},
                                   {text("__name__"), text("up")}};
    assert_int_equal(model_label_set(&arena, labels, 3, &set, NULL), ERR_OK);
    name[0] = 'x';
    assert_true(base_bytes_is(set->at[0].name, "__name__"));
    assert_true(base_bytes_is(set->at[2].name, "line"));
    assert_true(base_bytes_is(model_label_get(set, text("id")), "88/泵"));
    assert_int_equal(model_label_get(set, text("x")).size, 0);
    assert_int_equal(model_label_set(&arena, labels, 2, &other, NULL), ERR_OK);
    assert_int_equal(model_label_compare(set, set), 0);
    assert_true(model_label_compare(set, other) < 0);
    assert_true(model_label_compare(other, set) > 0);
    base_arena_done(&arena);
}

static void
unfit_labels_are_refused(void **state)
{
    static char big[1100];
    struct base_arena arena;
    struct base_note note;
    const struct model_labels *set = NULL;
    struct model_label many[40];
    (void)state;
    base_arena_init(&arena, 1 << 20);
    memset(big, 'a', sizeof big - 1);
    const struct {
        struct model_label at[2];
        enum err err;
    } rows[] = {
        {{{text("a"), text("1")}, {text("a"), text("2")}}, ERR_LABEL},
        {{{text("a"), text("1")}, {text("b"), text("")}}, ERR_LABEL},
        {{{text(""), text("1")}, {text("b"), text("1")}}, ERR_LABEL},
        {{{text("a"), text("\xff")}, {text("b"), text("1")}}, ERR_LABEL},
        {{{text("a"), base_bytes("\0", 1)}, {text("b"), text("1")}}, ERR_LABEL},
        {{{text("a"), text(big)}, {text("b"), text("1")}}, ERR_LIMIT},
        {{{base_bytes(big, 129), text("1")}, {text("b"), text("1")}},
         ERR_LIMIT},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        assert_int_equal(model_label_set(&arena, rows[i].at, 2, &set, &note),
                         rows[i].err);
    for (size_t i = 0; i < 40; i++)
        many[i] = (struct model_label){base_bytes(big, i + 1), text("1")};
    assert_int_equal(model_label_set(&arena, many, 32, &set, &note), ERR_OK);
    assert_int_equal(model_label_set(&arena, many, 33, &set, &note), ERR_LIMIT);
    base_arena_done(&arena);
}

static bool
fits(enum model_matcher_op op, const char *value, const char *given)
{
    struct model_matcher matcher = {text("a"), text(value), op, NULL};
    assert_int_equal(model_matcher_ready(&matcher, 1, NULL), ERR_OK);
    bool yes = model_matcher_fits(&matcher, text(given));
    model_matcher_done(&matcher, 1);
    return yes;
}

static void
matchers_are_anchored_and_absent_is_empty(void **state)
{
    (void)state;
    assert_true(fits(MODEL_MATCH_EQUAL, "x", "x"));
    assert_false(fits(MODEL_MATCH_EQUAL, "x", "X"));
    assert_true(fits(MODEL_MATCH_EQUAL, "", ""));
    assert_true(fits(MODEL_MATCH_NOT, "x", ""));
    assert_true(fits(MODEL_MATCH_REGEX, "a|bc", "bc"));
    assert_false(fits(MODEL_MATCH_REGEX, "a|bc", "abc"));
    assert_false(fits(MODEL_MATCH_REGEX, "b", "abc"));
    assert_true(fits(MODEL_MATCH_REGEX, "", ""));
    assert_true(fits(MODEL_MATCH_REGEX, ".*", "\n泵"));
    assert_true(fits(MODEL_MATCH_NOT_REGEX, "a+", ""));
    assert_true(fits(MODEL_MATCH_REGEX, "[]a]{2}\\.", "]a."));
}

static void
expressions_that_mean_something_else_are_refused(void **state)
{
    static const char *const unfit[] = {
        "\\d", "a\\",       "(a)\\1", "(?i)a",     "a*?", "a**",      "(",
        "[a",  "a{1,2}{3}", "a{99}",  "(a{9}){9}", "a{2", "[[:foo:]]"};
    struct base_note note;
    static char big[300];
    (void)state;
    memset(big, 'a', sizeof big - 1);
    for (size_t i = 0; i <= BASE_COUNT(unfit); i++) {
        struct model_matcher matcher = {
            text("a"), text(i < BASE_COUNT(unfit) ? unfit[i] : big),
            MODEL_MATCH_REGEX, NULL};
        assert_int_equal(model_matcher_ready(&matcher, 1, &note), ERR_SYNTAX);
        assert_true(note.text[0]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_sorted_and_copied),
        cmocka_unit_test(unfit_labels_are_refused),
        cmocka_unit_test(matchers_are_anchored_and_absent_is_empty),
        cmocka_unit_test(expressions_that_mean_something_else_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
