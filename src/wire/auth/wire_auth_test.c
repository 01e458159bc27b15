/* wire_auth_test.c -- Authorization and Cookie. */
#include "wire/auth/wire_auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"

static void
a_header_is_taken_apart_or_refused(void **state)
{
    static const struct {
        const char *header;
        enum err err;
        const char *user, *secret;
    } cases[] = {
        {"Bearer dgk_aZ-9", ERR_OK, "", "dgk_aZ-9"},
        {"bearer a+/==", ERR_OK, "", "a+/=="},
        {"Bearer", ERR_UNSUPPORTED, "", ""},
        {"Bearer ", ERR_SYNTAX, "", ""},
        {"Bearer ==", ERR_SYNTAX, "", ""},
        {"Bearer a b", ERR_SYNTAX, "", ""},
        {"Bearer  a", ERR_SYNTAX, "", ""},
        {"Bearer a=b", ERR_SYNTAX, "", ""},
        {"Basic bGk6YTpi", ERR_OK, "li", "a:b"},
        {"BASIC Og==", ERR_OK, "", ""},
        {"Basic bGk=", ERR_SYNTAX, "", ""},
        {"Basic !", ERR_SYNTAX, "", ""},
        {"Handle sessionId=1", ERR_UNSUPPORTED, "", ""},
        {"", ERR_UNSUPPORTED, "", ""},
    };
    uint8_t room[64];
    (void)state;
    for (unsigned i = 0; i < BASE_COUNT(cases); i++) {
        struct wire_auth auth = {0};
        struct base_out out;
        base_out_fixed(&out, room, sizeof room);
        assert_int_equal(
            wire_auth_read(base_bytes_text(cases[i].header), &out, &auth),
            cases[i].err);
        assert_true(base_bytes_is(auth.user, cases[i].user));
        assert_true(base_bytes_is(auth.secret, cases[i].secret));
    }
}

static void
a_password_beyond_the_room_is_refused(void **state)
{
    uint8_t room[3];
    struct base_out out;
    struct wire_auth auth;
    (void)state;
    base_out_fixed(&out, room, sizeof room);
    assert_int_equal(
        wire_auth_read(base_bytes_text("Basic bGk6YTpi"), &out, &auth),
        ERR_BIG);
}

static void
a_cookie_is_found_by_its_whole_name(void **state)
{
    static const struct {
        const char *header, *value;
    } cases[] = {
        {"dg=1", "1"},
        {"a=2; dg=1", "1"},
        {"xdg=2; dg=1; dg=3", "1"},
        {"a=dg=1", NULL},
        {"DG=1", NULL},
        {"dg", NULL},
        {"", NULL},
        {";;; dg=", ""},
        {"dgx=1;dg=a=b", "a=b"},
        {"a=1;  dg=2 ;", "2 "},
    };
    (void)state;
    for (unsigned i = 0; i < BASE_COUNT(cases); i++) {
        struct bytes value = wire_auth_cookie(base_bytes_text(cases[i].header),
                                              base_bytes_text("dg"));
        if (cases[i].value)
            assert_true(value.at && base_bytes_is(value, cases[i].value));
        else
            assert_null(value.at);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_taken_apart_or_refused),
        cmocka_unit_test(a_password_beyond_the_room_is_refused),
        cmocka_unit_test(a_cookie_is_found_by_its_whole_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
