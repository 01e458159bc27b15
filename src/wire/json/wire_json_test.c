/* wire_json_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "wire/json/wire_json.h"

/* One letter per token; the texts behind, parted by bars. */
static const char *
tokens(const char *text)
{
    static const char letters[] = "!.{}[]:snTFN";
    static char shown[512];
    struct wire_json json;
    struct bytes token = {0};
    size_t size = 0;
    wire_json_init(&json, base_bytes_text(text));
    for (;;) {
        enum wire_json_kind kind = wire_json_next(&json, &token);
        shown[size++] = letters[kind];
        if (kind == WIRE_JSON_NAME || kind == WIRE_JSON_STRING ||
            kind == WIRE_JSON_NUMBER)
            size += (size_t)snprintf(shown + size, sizeof shown - size, "%.*s",
                                     (int)token.size, (const char *)token.at);
        if (kind == WIRE_JSON_ERROR || kind == WIRE_JSON_END)
            break;
    }
    shown[size] = 0;
    return shown;
}

static void
a_document_comes_as_its_tokens(void **state)
{
    (void)state;
    assert_string_equal(tokens(" {\"ts\" : 12 ,\"v\":{\"a\":-1.50e+3,"
                               "\"b\":[true,false,null,\"x\"]}} "),
                        "{:tsn12:v{:an-1.50e+3:b[TFNsx]}}.");
    assert_string_equal(tokens("[]"), "[].");
    assert_string_equal(tokens("{}"), "{}.");
    assert_string_equal(tokens("0"), "n0.");
    assert_string_equal(tokens("[[],{}]"), "[[]{}].");
}

static void
what_is_not_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "[",
        "[1,",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{1:2}",
        "{'a':1}",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "tru",
        "truex",
        "1 2",
        "[1]]",
        "{\"a\":1]",
        "[1}",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\x01\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "/**/1",
        ("\xef\xbb\xbf"
         "1"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *shown = tokens(bad[i]);
        if (shown[strlen(shown) - 1] != '!')
            fail_msg("accepted: %s", bad[i]);
    }
}

static void
escapes_are_taken_back(void **state)
{
    (void)state;
    struct wire_json json;
    struct bytes token;
    uint8_t room[64];
    struct base_out out;
    wire_json_init(&json, base_bytes_text("\"a\\n\\u00e9\\u4e2d"
                                          "\\ud83d\\ude00\\\"\\/\""));
    assert_int_equal(wire_json_next(&json, &token), WIRE_JSON_STRING);
    assert_true(json.escaped);
    base_out_fixed(&out, room, sizeof room);
    wire_json_text(token, &out);
    assert_true(base_bytes_is(base_out_bytes(&out),
                              "a\n\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\"/"));
}

static void
thirty_two_levels_and_no_more(void **state)
{
    (void)state;
    char text[80];
    for (unsigned depth = 32; depth <= 33; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = 0;
        const char *shown = tokens(text);
        assert_int_equal(shown[strlen(shown) - 1], depth == 32 ? '.' : '!');
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_comes_as_its_tokens),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(escapes_are_taken_back),
        cmocka_unit_test(thirty_two_levels_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
