/* model_grant_test.c -- roles, scopes, and what a refusal says. */
#include "model/model_grant.h"

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

/* What a person expects, written apart from the program's table: one letter
 * per role in the order viewer operator rule-author approver auditor
 * administrator nobody device node. */
static const struct {
    enum model_grant_action action;
    const char *may;
} expected[] = {
    {MODEL_GRANT_NONE, "---------"},    {MODEL_GRANT_OPEN, "yyyyyyyyy"},
    {MODEL_GRANT_SELF, "yyyyyyyyy"},    {MODEL_GRANT_RESOLVE, "yyyyyyyyy"},
    {MODEL_GRANT_FIGURES, "yyyyyyyyy"}, {MODEL_GRANT_NAMES, "yyyyyy--y"},
    {MODEL_GRANT_SERIES, "yyyyyy-yy"},  {MODEL_GRANT_STATE, "yyyyyy--y"},
    {MODEL_GRANT_INGEST, "-y---y-y-"},  {MODEL_GRANT_REGISTER, "-y---y---"},
    {MODEL_GRANT_RETURNS, "-y---y---"}, {MODEL_GRANT_PREFIXES, "---y-y---"},
    {MODEL_GRANT_SEAL, "---y-y---"},    {MODEL_GRANT_BREAK, "-----y---"},
    {MODEL_GRANT_USERS, "-----y---"},   {MODEL_GRANT_AUDIT, "----yy---"},
};

static void
each_role_may_what_the_table_says_and_nothing_else(void **state)
{
    struct model_grant_object object = {.name = text("88.31.1001/pump")};
    (void)state;
    assert_int_equal(BASE_COUNT(expected), MODEL_GRANT_ACTIONS);
    for (unsigned i = 0; i < BASE_COUNT(expected); i++)
        for (unsigned role = 0; role < MODEL_GRANT_ROLES; role++) {
            struct model_grant_principal who = {.roles = 1U << role,
                                                .scope = text("88.31")};
            struct base_note note = {0};
            enum err err =
                model_grant_check(&who, expected[i].action, &object, &note);
            enum err want = expected[i].may[role] == 'y' ? ERR_OK : ERR_DENIED;
            assert_int_equal(err, want);
            assert_true((note.text[0] == '\0') == (want == ERR_OK));
        }
}

static void
a_scope_covers_what_lies_below_its_words(void **state)
{
    static const struct {
        const char *scope, *name, *region;
        bool covers;
    } cases[] = {
        {"88.44", "88.44", "", true},
        {"88.44", "88.44.2001", "", true},
        {"88.44", "88.44.2001/oven", "", true},
        {"88.44", "88.31.1001/pump", "", false},
        {"88.44", "88.441", "", false},
        {"88.44", "88", "", false},
        {"88.44", "", "", false},
        {"", "88.44", "", false},
        {"88.44 88.31.1002", "88.31.1002/lathe", "", true},
        {"88.31.1001/Pump", "88.31.1001/pUMP", "", true},
        {"88.31.1001/pump", "88.31.1001/pump-2", "", false},
        {"88.31.1001/pump", "88.31.1001", "", false},
        {"region:31", "88.9/x", "31", true},
        {"region:31", "88.9/x", "3101", true},
        {"region:31", "88.31/x", "", false},
        {"region:31", "88.9/x", "44", false},
        {"*", "", "", true},
        {"*", "7/x", "", true},
    };
    (void)state;
    for (unsigned i = 0; i < BASE_COUNT(cases); i++) {
        struct model_grant_object object = {text(cases[i].name),
                                            text(cases[i].region)};
        assert_int_equal(model_grant_covers(text(cases[i].scope), &object),
                         cases[i].covers);
    }
}

static void
nobody_gives_a_scope_that_he_has_not(void **state)
{
    (void)state;
    assert_true(model_grant_within(text("88.31"), text("88.31.1001 88.31/a")));
    assert_false(model_grant_within(text("88.31"), text("88.31.1001 88")));
    assert_false(model_grant_within(text("88.31"), text("*")));
    assert_false(model_grant_within(text("88.31"), text("region:31")));
    assert_true(model_grant_within(text("region:3"), text("region:31")));
    assert_true(model_grant_within(text("*"), text("* 88 region:1")));
    assert_true(model_grant_within(text("88"), text("")));
}

static void
what_is_published_has_no_scope(void **state)
{
    struct model_grant_object object = {.name = text("88.31.1001")};
    struct model_grant_principal nobody = {0};
    (void)state;
    assert_int_equal(
        model_grant_check(&nobody, MODEL_GRANT_FIGURES, &object, NULL), ERR_OK);
    assert_int_equal(
        model_grant_check(&nobody, MODEL_GRANT_RESOLVE, &object, NULL), ERR_OK);
}

static void
a_refusal_names_the_right_and_the_asker(void **state)
{
    struct model_grant_object object = {.name = text("88.31.1001/pump")};
    struct model_grant_principal li = {MODEL_GRANT_USER, MODEL_GRANT_VIEWER,
                                       text("li"), text("88.44")};
    struct base_note note;
    (void)state;
    assert_int_equal(
        model_grant_check(&li, MODEL_GRANT_PREFIXES, &object, &note),
        ERR_DENIED);
    assert_string_equal(
        note.text, "the right \"prefixes\" is missing: to grant and revoke "
                   "prefixes one must be approver, administrator; user li is "
                   "viewer");
    assert_int_equal(model_grant_check(&li, MODEL_GRANT_NAMES, &object, &note),
                     ERR_DENIED);
    assert_string_equal(note.text,
                        "the right \"names\" does not reach "
                        "\"88.31.1001/pump\": the scope of user li is "
                        "\"88.44\"");
    struct model_grant_principal nobody = {.roles = MODEL_GRANT_VIEWER};
    assert_int_equal(
        model_grant_check(&nobody, MODEL_GRANT_PREFIXES, &object, &note),
        ERR_DENIED);
    assert_string_equal(
        note.text, "the right \"prefixes\" is missing: to grant and revoke "
                   "prefixes one must be approver, administrator; who is not "
                   "logged in is viewer");
}

static void
words_that_are_no_scope_are_refused(void **state)
{
    static const struct {
        const char *scope;
        enum err err;
    } cases[] = {
        {"", ERR_OK},          {"*", ERR_OK},
        {"88.31", ERR_OK},     {"88.31/a b", ERR_OK},
        {"88.31/泵", ERR_OK},  {"region:31 88", ERR_OK},
        {"region:", ERR_NAME}, {"region:3x", ERR_NAME},
        {"88..1", ERR_NAME},   {"88  44", ERR_NAME},
        {"88 ", ERR_SYNTAX},   {" 88", ERR_NAME},
    };
    struct base_note note;
    (void)state;
    for (unsigned i = 0; i < BASE_COUNT(cases); i++)
        assert_int_equal(model_grant_scope_check(text(cases[i].scope), &note),
                         cases[i].err);
}

static void
only_real_roles_can_be_given(void **state)
{
    (void)state;
    assert_int_equal(model_grant_role_read(text("rule-author")),
                     MODEL_GRANT_RULE_AUTHOR);
    assert_int_equal(model_grant_role_read(text("node")), 0);
    assert_int_equal(model_grant_role_read(text("nobody")), 0);
    assert_int_equal(model_grant_role_read(text("Viewer")), 0);
    assert_string_equal(model_grant_role_name(MODEL_GRANT_IS_NODE), "node");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_may_what_the_table_says_and_nothing_else),
        cmocka_unit_test(a_scope_covers_what_lies_below_its_words),
        cmocka_unit_test(nobody_gives_a_scope_that_he_has_not),
        cmocka_unit_test(what_is_published_has_no_scope),
        cmocka_unit_test(a_refusal_names_the_right_and_the_asker),
        cmocka_unit_test(words_that_are_no_scope_are_refused),
        cmocka_unit_test(only_real_roles_can_be_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
