/* net_http_parse_test.c -- requests out of bytes, and routes out of paths. */
#include "net/http/net_http_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "net/http/net_http_route.h"

struct parsed {
    struct net_http_parse parse;
    struct net_http_request request;
    struct base_note note;
    unsigned status; /* 0: whole; 1: wants more */
    size_t used;
};

static struct parsed *
parse_bytes(struct bytes bytes, size_t body_max)
{
    struct parsed *p = base_mem_zero(sizeof *p);
    net_http_parse_init(&p->parse);
    base_arena_init(&p->request.arena, NET_HTTP_PARSE_ARENA);
    for (;;) {
        size_t used;
        enum net_http_parse_event event = net_http_parse_feed(
            &p->parse, bytes.at + p->used, bytes.size - p->used, &used);
        p->used += used;
        if (event == NET_HTTP_PARSE_BAD) {
            p->status = p->parse.status;
            p->note = p->parse.note;
            return p;
        }
        if (event == NET_HTTP_PARSE_MORE) {
            p->status = 1;
            return p;
        }
        if (event == NET_HTTP_PARSE_AT_END) {
            p->status = net_http_parse_form(&p->parse, &p->request, &p->note);
            return p;
        }
        p->status = net_http_parse_request(&p->parse, &p->request, &p->note);
        if (p->status == 0)
            p->status = net_http_parse_body(&p->parse, body_max, &p->note);
        if (p->status)
            return p;
    }
}

static void
parsed_free(struct parsed *p)
{
    net_http_parse_done(&p->parse);
    base_arena_done(&p->request.arena);
    base_mem_free(p);
}

static unsigned
status_of(const char *text)
{
    struct parsed *p = parse_bytes(base_bytes_text(text), 10);
    unsigned status = p->status;
    if (status > 1)
        assert_true(p->note.text[0]);
    parsed_free(p);
    return status;
}

static void
a_request_is_taken_apart(void **state)
{
    (void)state;
    static const char text[] =
        "GET /a%20b/c?x=1&y=%E2%82%AC+z&flag&&=v HTTP/1.1\r\n"
        "Host: localhost\r\nX-Two:  a b \t\r\n\r\nGET";
    struct parsed *p = parse_bytes(base_bytes_text(text), 0);
    struct net_http_request *r = &p->request;
    assert_int_equal(p->status, 0);
    assert_int_equal(p->used, sizeof text - 1 - 3);
    assert_true(base_bytes_is(r->path, "/a b/c"));
    assert_true(base_bytes_is(r->raw_query, "x=1&y=%E2%82%AC+z&flag&&=v"));
    assert_int_equal(r->query_count, 4);
    assert_true(base_bytes_is(net_http_query(r, "y"), "\xe2\x82\xac z"));
    assert_true(base_bytes_is(net_http_query(r, "flag"), ""));
    assert_true(base_bytes_is(net_http_query(r, ""), "v"));
    assert_null(net_http_query(r, "none").at);
    assert_true(base_bytes_is(net_http_header(r, "x-two"), "a b"));
    assert_true(p->parse.keep_alive);
    parsed_free(p);
}

static void
a_form_is_read_as_parameters_too(void **state)
{
    (void)state;
    static const char text[] =
        "POST /q?a=1 HTTP/1.1\r\nHost: h\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
        "Content-Length: 9\r\n\r\nb=2+3&c=%";
    struct parsed *p = parse_bytes(base_bytes_text(text), 9);
    assert_int_equal(p->status, 400);
    parsed_free(p);
    char good[sizeof text];
    strcpy(good, text);
    memcpy(good + sizeof text - 4, "c=4", 3);
    p = parse_bytes(base_bytes_text(good), 9);
    assert_int_equal(p->status, 0);
    assert_true(base_bytes_is(net_http_query(&p->request, "a"), "1"));
    assert_true(base_bytes_is(net_http_query(&p->request, "b"), "2 3"));
    assert_true(base_bytes_is(net_http_query(&p->request, "c"), "4"));
    assert_true(base_bytes_is(p->request.body, "b=2+3&c=4"));
    parsed_free(p);
}

static void
chunks_are_joined_and_bounded(void **state)
{
    (void)state;
    static const char head[] = "POST / HTTP/1.1\r\nHost: h\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    char text[256];
    snprintf(text, sizeof text,
             "%s3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: 1\r\n\r\n", head);
    struct parsed *p = parse_bytes(base_bytes_text(text), 10);
    assert_int_equal(p->status, 0);
    assert_true(base_bytes_is(p->request.body, "abcdefg"));
    assert_int_equal(p->request.header_count, 2);
    parsed_free(p);
    snprintf(text, sizeof text, "%s6\r\nabcdef\r\n5\r\nghijk\r\n0\r\n\r\n",
             head);
    assert_int_equal(status_of(text), 413);
    snprintf(text, sizeof text, "%sFFFFFFFFFFFFFFFFF\r\n", head);
    assert_int_equal(status_of(text), 400);
}

#define CHUNKED                                                                \
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

static void
what_could_be_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *text;
    } cases[] = {
        {0, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {0, "GET / HTTP/1.0\r\n\r\n"},
        {0, "GET http://h:80/x?y HTTP/1.1\r\nHost: h\r\n\r\n"},
        {0, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
        {0, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
        {1, "GET / HTTP/1.1\r\nHost: h\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
              "Content-Length: 3\r\n\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
              "Content-Length: 4\r\n\r\nabcd"},
        {400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
              "Content-Length: 3\r\n\r\nabc"},
        {400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3,3\r\n\r\nabc"},
        {400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {501, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, "
              "chunked\r\n\r\n0\r\n\r\n"},
        {501, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, "
              "gzip\r\n\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost : h\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: h\r\nA\rB: c\r\n\r\n"},
        {400, "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /%1 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /?a=%0 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /#x HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n"},
        {505, "GET / HTTP/3.0\r\nHost: h\r\n\r\n"},
        {400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: "
              "18446744073709551616\r\n\r\n"},
        {400, "GET / H1TP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET / HTTP/1.1\nHost: h\n\n"},
        {400, "GET / HTTP/1.1\r\nHost: h\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: h\r\n\n"},
        {400, "GET / HTTP/1.1\r\nHost: h\r\n\rX"},
        {400, "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {0, "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /  HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"},
        {400, "GET /\xe2 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: h\r\nA B: c\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: h\r\n: c\r\n\r\n"},
        {0, "GET / HTTP/1.1\r\nHost: h\r\nA:\r\nB: \r\nC:\tx\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 3\r\n\r\nabc"},
        {400, CHUNKED "3\r\nabcXY0\r\n\r\n"},
        {400, CHUNKED "3\r\nabc\n\n0\r\n\r\n"},
        {400, CHUNKED "3\n\nabc\r\n0\r\n\r\n"},
        {400, CHUNKED "3\rXabc\r\n0\r\n\r\n"},
        {400, CHUNKED "0x3\r\nabc\r\n0\r\n\r\n"},
        {400, CHUNKED "0\r\nA: b\n\r\n"},
        {400, CHUNKED "0\r\n\rX"},
        {0, CHUNKED "00;a=\"b\"\r\nA: b\r\n\r\n"},
        {0, CHUNKED "03 ; x\r\nabc\r\n0\r\n\r\n"},
        {400, "\x16\x03\x01\x02"},
        {413, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n"},
        {413, "POST / HTTP/1.1\r\nHost: h\r\n"
              "Content-Length: 9223372036854775807\r\n\r\n"},
    };
    for (unsigned i = 0; i < BASE_COUNT(cases); i++) {
        unsigned status = status_of(cases[i].text);
        if (status != cases[i].status)
            print_error("%s: %u\n", cases[i].text, status);
        assert_int_equal(status, cases[i].status);
    }
}

static void
a_head_is_bounded(void **state)
{
    (void)state;
    struct base_out out;
    base_out_grow(&out, 1 << 20);
    base_out_text(&out, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (unsigned i = 0; i < 99; i++)
        base_out_format(&out, "h%u: v\r\n", i);
    size_t size = out.size;
    base_out_text(&out, "\r\n");
    struct parsed *p = parse_bytes(base_out_bytes(&out), 0);
    assert_int_equal(p->status, 0);
    assert_int_equal(p->request.header_count, 100);
    parsed_free(p);
    out.size = size;
    base_out_text(&out, "one: more\r\n\r\n");
    p = parse_bytes(base_out_bytes(&out), 0);
    assert_int_equal(p->status, 431);
    parsed_free(p);

    base_out_reset(&out);
    base_out_text(&out, "GET / HTTP/1.1\r\nHost: ");
    memset(base_out_space(&out, 33000), 'h', 33000);
    p = parse_bytes(base_out_bytes(&out), 0);
    assert_int_equal(p->status, 431);
    parsed_free(p);
    base_out_reset(&out);
    memset(base_out_space(&out, 33000), '\n', 33000);
    p = parse_bytes(base_out_bytes(&out), 0);
    assert_int_equal(p->status, 431);
    parsed_free(p);

    base_out_reset(&out);
    base_out_text(&out, "GET /?");
    for (unsigned i = 0; i < 65; i++)
        base_out_format(&out, "a%u=1&", i);
    base_out_text(&out, " HTTP/1.1\r\nHost: h\r\n\r\n");
    p = parse_bytes(base_out_bytes(&out), 0);
    assert_int_equal(p->status, 400);
    assert_int_equal(p->note.code, ERR_LIMIT);
    parsed_free(p);
    base_out_done(&out);
}

/* -- routes -- */

static void
route_expect(const struct net_http_route_table *table, const char *path,
             const char *pattern, const char *params)
{
    struct net_http_request request = {0};
    char text[128] = "";
    base_arena_init(&request.arena, 65536);
    struct bytes raw = base_bytes_text(path);
    struct net_http_route_node *node = net_http_route_find(table, raw);
    if (!pattern) {
        assert_null(node);
        return;
    }
    assert_non_null(node);
    assert_string_equal(node->rows->route.pattern, pattern);
    assert_int_equal(net_http_route_take(node->rows, raw, &request), ERR_OK);
    for (unsigned i = 0; i < request.path_param_count; i++) {
        struct net_http_pair *p = &request.path_params[i];
        snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s=%.*s;",
                 (int)p->name.size, (const char *)p->name.at,
                 (int)p->value.size, (const char *)p->value.at);
    }
    assert_string_equal(text, params);
    base_arena_done(&request.arena);
}

static void
the_most_literal_route_wins(void **state)
{
    (void)state;
    static const char *const patterns[] = {"/{rest...}",
                                           "/api/{a}/{b}",
                                           "/api/{a}/x",
                                           "/api/v1/{b}",
                                           "/api/v1/query",
                                           "/api/handles/{prefix}/{suffix...}",
                                           "/"};
    struct net_http_route_table table = {0};
    for (unsigned i = 0; i < BASE_COUNT(patterns); i++) {
        struct net_http_route route = {.methods = NET_HTTP_GET,
                                       .pattern = patterns[i]};
        assert_int_equal(net_http_route_add(&table, &route), ERR_OK);
    }
    route_expect(&table, "/", "/", "");
    route_expect(&table, "/api/v1/query", "/api/v1/query", "");
    route_expect(&table, "/api/%76%31/query", "/api/v1/query", "");
    route_expect(&table, "/api/v1/other", "/api/v1/{b}", "b=other;");
    route_expect(&table, "/api/v2/x", "/api/{a}/x", "a=v2;");
    route_expect(&table, "/api/v2/y%2Fz", "/api/{a}/{b}", "a=v2;b=y/z;");
    route_expect(&table, "/api/handles/88.31/a/b%20c",
                 "/api/handles/{prefix}/{suffix...}",
                 "prefix=88.31;suffix=a/b c;");
    route_expect(&table, "/api/handles/88.31/",
                 "/api/handles/{prefix}/{suffix...}", "prefix=88.31;suffix=;");
    route_expect(&table, "/api/v1/query/", "/{rest...}", "rest=api/v1/query/;");
    route_expect(&table, "/api//x", "/{rest...}", "rest=api//x;");
    route_expect(&table, "*", NULL, NULL);
    route_expect(&table, "", NULL, NULL);
    net_http_route_done(&table);
}

static void
a_bad_or_double_pattern_is_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned methods;
        const char *pattern;
        enum err err;
    } cases[] = {
        {NET_HTTP_GET, "/a/{x}", ERR_OK},
        {NET_HTTP_POST, "/a/{y}", ERR_OK},
        {NET_HTTP_POST | NET_HTTP_PUT, "/a/{z}", ERR_EXISTS},
        {NET_HTTP_PUT | NET_HTTP_DELETE, "/a/{z}", ERR_OK},
        {NET_HTTP_GET, "", ERR_SYNTAX},
        {NET_HTTP_GET, "a", ERR_SYNTAX},
        {NET_HTTP_GET, "/{a}b", ERR_SYNTAX},
        {NET_HTTP_GET, "/b{a}", ERR_SYNTAX},
        {NET_HTTP_GET, "/{}", ERR_SYNTAX},
        {NET_HTTP_GET, "/{a...}/b", ERR_SYNTAX},
        {NET_HTTP_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", ERR_LIMIT},
        {NET_HTTP_GET, "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7", ERR_LIMIT},
    };
    struct net_http_route_table table = {0};
    char allow[64];
    for (unsigned i = 0; i < BASE_COUNT(cases); i++) {
        struct net_http_route route = {.methods = cases[i].methods,
                                       .pattern = cases[i].pattern};
        assert_int_equal(net_http_route_add(&table, &route), cases[i].err);
    }
    assert_int_equal(table.count, 1);
    assert_string_equal(net_http_route_allow(table.nodes[0]->methods, allow),
                        "GET, HEAD, POST, PUT, DELETE, OPTIONS");
    const struct net_http_route_row *row =
        net_http_route_row(table.nodes[0], NET_HTTP_DELETE);
    assert_string_equal(row->route.pattern, "/a/{z}");
    assert_null(net_http_route_row(table.nodes[0], NET_HTTP_PATCH));
    net_http_route_done(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(a_form_is_read_as_parameters_too),
        cmocka_unit_test(chunks_are_joined_and_bounded),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(a_head_is_bounded),
        cmocka_unit_test(the_most_literal_route_wins),
        cmocka_unit_test(a_bad_or_double_pattern_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
