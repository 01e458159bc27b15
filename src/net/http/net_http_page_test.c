/* net_http_page_test.c -- a listing read page by page. */
#include "net/http/net_http_page.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROWS = 7 };

static struct net_http_request
request_of(const char *limit, const char *next)
{
    struct net_http_request request = {
        .query = {{base_bytes_text("limit"), base_bytes_text(limit)}},
        .query_count = 1,
    };
    if (next)
        request.query[request.query_count++] = (struct net_http_pair){
            base_bytes_text("next"), base_bytes_text(next)};
    return request;
}

/* Rows 0..6; the object that is replied. */
static json_t *
ask(const char *limit, const char *next)
{
    struct net_http_request request = request_of(limit, next);
    struct net_http_page page;
    uint64_t from = 99;
    json_t *object = json_object();
    assert_true(net_http_page_begin(&request, 3, 100, &page));
    assert_true(net_http_page_from(&request, &page, &from));
    for (uint64_t i = from; i < ROWS && net_http_page_room(&page); i++)
        net_http_page_add_number(&page, i, json_integer((json_int_t)i));
    net_http_page_into(&page, "rows", object);
    return object;
}

static void
pages_give_each_row_once_and_then_end(void **state)
{
    (void)state;
    static const char *const limits[] = {"1", "2", "3", "6", "7", "8", "100"};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char next[32] = "";
        bool more = true;
        json_int_t seen = 0;
        while (more) {
            json_t *page = ask(limits[i], next), *row;
            size_t r;
            json_array_foreach(json_object_get(page, "rows"), r, row)
                assert_int_equal(json_integer_value(row), seen++);
            const char *text = json_string_value(json_object_get(page, "next"));
            more = text != NULL;
            assert_true(more || json_is_null(json_object_get(page, "next")));
            snprintf(next, sizeof next, "%s", more ? text : "");
            json_decref(page);
        }
        assert_int_equal(seen, ROWS);
    }
}

static void
a_page_that_is_full_to_the_last_row_has_none_behind_it(void **state)
{
    (void)state;
    json_t *page = ask("7", NULL);
    assert_int_equal(json_array_size(json_object_get(page, "rows")), ROWS);
    assert_true(json_is_null(json_object_get(page, "next")));
    json_decref(page);
}

static void
an_empty_listing_has_no_next(void **state)
{
    (void)state;
    json_t *page = ask("7", "6");
    assert_int_equal(json_array_size(json_object_get(page, "rows")), 0);
    assert_true(json_is_null(json_object_get(page, "next")));
    json_decref(page);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_give_each_row_once_and_then_end),
        cmocka_unit_test(
            a_page_that_is_full_to_the_last_row_has_none_behind_it),
        cmocka_unit_test(an_empty_listing_has_no_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
