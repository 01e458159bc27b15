/* net_http_json_test.c -- what a request asks: numbers of its URL, its body. */
#include "net/http/net_http_json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base_mem.h"

static struct net_http_request
request_of(const char *name, const char *value)
{
    return (struct net_http_request){
        .query = {{base_bytes_text(name), base_bytes_text(value)}},
        .query_count = 1,
    };
}

static void
a_number_has_its_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
    } rows[] = {{"1", ERR_OK},       {"500", ERR_OK},
                {"0", ERR_SYNTAX},   {"501", ERR_SYNTAX},
                {"", ERR_SYNTAX},    {"-1", ERR_SYNTAX},
                {"1e2", ERR_SYNTAX}, {"18446744073709551617", ERR_SYNTAX},
                {"many", ERR_SYNTAX}};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct net_http_request request = request_of("limit", rows[i].text);
        struct base_note note = {0};
        uint64_t number = 77;
        assert_int_equal(
            net_http_number(&request, "limit", 1, 500, 50, &number, &note),
            rows[i].err);
        if (rows[i].err == ERR_OK)
            continue;
        assert_int_equal(number, 77);
        assert_string_equal(note.where, "limit");
        assert_non_null(strstr(note.text, "from 1 to 500"));
    }
}

static void
a_number_that_is_not_there_is_the_default(void **state)
{
    (void)state;
    struct net_http_request request = request_of("next", "9");
    uint64_t number = 77;
    assert_int_equal(
        net_http_number(&request, "limit", 1, 500, 50, &number, NULL), ERR_OK);
    assert_int_equal(number, 50);
}

static void
a_body_is_an_object_and_an_empty_one_is_too(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
        unsigned line;
    } rows[] = {
        {"{\"a\": \"b\"}", ERR_OK, 0}, {"", ERR_OK, 0},
        {"[]", ERR_SYNTAX, 1},         {"\"a\"", ERR_SYNTAX, 1},
        {"{\n\"a\":}", ERR_SYNTAX, 2}, {"{\"a\": 1, \"a\": 2}", ERR_SYNTAX, 1},
        {"{} {}", ERR_SYNTAX, 1}};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct base_note note = {0};
        json_t *body = NULL;
        assert_int_equal(
            net_http_json_object(base_bytes_text(rows[i].text), &body, &note),
            rows[i].err);
        assert_int_equal(body != NULL, rows[i].err == ERR_OK);
        assert_int_equal(note.line, rows[i].line);
        json_decref(body);
    }
}

static void
a_member_that_is_no_text_is_not_there(void **state)
{
    (void)state;
    json_t *object = json_pack("{s:s, s:i}", "text", "valve", "number", 5);
    assert_true(base_bytes_is(net_http_json_get(object, "text"), "valve"));
    assert_null(net_http_json_get(object, "number").at);
    assert_null(net_http_json_get(object, "other").at);
    assert_null(net_http_json_get(NULL, "text").at);
    json_decref(object);
}

static void
texts_and_bytes_are_written(void **state)
{
    (void)state;
    json_t *list = json_array();
    json_array_append_new(list, net_http_json_text(base_bytes_text("阀")));
    json_array_append_new(list, net_http_json_text((struct bytes){NULL, 0}));
    json_array_append_new(list, net_http_json_text(base_bytes("\xff", 1)));
    json_array_append_new(list,
                          net_http_json_base64(base_bytes("\xff\xfe", 2)));
    json_array_append_new(list, net_http_json_base64((struct bytes){NULL, 0}));
    static const char *const texts[] = {"阀", "", "", "//4=", ""};
    assert_int_equal(json_array_size(list), BASE_COUNT(texts));
    for (size_t i = 0; i < BASE_COUNT(texts); i++)
        assert_string_equal(json_string_value(json_array_get(list, i)),
                            texts[i]);
    json_decref(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_has_its_range),
        cmocka_unit_test(a_number_that_is_not_there_is_the_default),
        cmocka_unit_test(a_body_is_an_object_and_an_empty_one_is_too),
        cmocka_unit_test(a_member_that_is_no_text_is_not_there),
        cmocka_unit_test(texts_and_bytes_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
