/* net_http_test.c -- the server over real sockets: the HTTP loop and an
 * engine's loop on their threads, blocking clients on the test's. */
#include "net/http/net_http.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_must.h"

struct answer {
    unsigned status;
    char head[4096], body[8192];
};

struct world {
    struct sys_loop *loop, *engine;
    struct base_stats stats;
    struct net *net;
    struct net_http *http;
    struct net_listener *listener;
    /* of the engine */
    struct net_http_request *kept;
    struct base_task task;
    atomic_int done, handled;
    /* of the hold */
    struct net_http_hold *held;
    atomic_int held_count;
    atomic_bool hold;
    enum err hold_err;
    struct answer answer; /* of ask() */
};

/* -- handlers -- */

static void
handle_show(void *self, struct net_http_request *r)
{
    struct world *w = self;
    struct base_out out;
    base_out_grow(&out, 1 << 20);
    base_out_format(&out, "%d %.*s", (int)r->method, (int)r->path.size,
                    (const char *)r->path.at);
    for (unsigned i = 0; i < r->path_param_count; i++)
        base_out_format(&out, " {%.*s}", (int)r->path_params[i].value.size,
                        (const char *)r->path_params[i].value.at);
    for (unsigned i = 0; i < r->query_count; i++)
        base_out_format(&out, " %.*s=%.*s", (int)r->query[i].name.size,
                        (const char *)r->query[i].name.at,
                        (int)r->query[i].value.size,
                        (const char *)r->query[i].value.at);
    if (r->body.size > 0)
        base_out_format(&out, " [%zu]", r->body.size);
    base_out_format(&out, " %s", model_grant_kind_name(r->principal.kind));
    atomic_fetch_add(&w->handled, 1);
    net_http_reply_header(r, "X-Odd", "a\r\nb: c");
    net_http_reply(r, 200, "text/plain", base_out_bytes(&out));
    base_out_done(&out);
}

static void
handle_json(void *self, struct net_http_request *r)
{
    (void)self;
    net_http_reply_json(r, 201, json_pack("{s:s}", "a", "b"));
}

static void
handle_odd(void *self, struct net_http_request *r)
{
    (void)self;
    net_http_reply_json(r, 200, json_pack("{s:s}", "a", "\xff"));
}

static void
handle_same(void *self, struct net_http_request *r)
{
    (void)self;
    net_http_reply(r, 304, NULL, base_bytes(NULL, 0));
}

static void
handle_none(void *self, struct net_http_request *r)
{
    (void)self;
    net_http_reply(r, 204, NULL, base_bytes(NULL, 0));
}

static void
handle_err(void *self, struct net_http_request *r)
{
    struct base_note note;
    (void)self;
    base_err_note_at(&note, ERR_RANGE, "pack.yaml", 3, 7, "what \xff is this");
    net_http_reply_err(r, ERR_RANGE, &note);
}

/* Kept by the engine until a task answers it. */
static void
handle_keep(void *self, struct net_http_request *r)
{
    struct world *w = self;
    must(base_loop_inside(sys_loop_base(w->engine)));
    w->kept = r;
    atomic_fetch_add(&w->handled, 1);
}

static void
test_hold(void *self, struct net_http_hold *hold)
{
    struct world *w = self;
    if (!atomic_load(&w->hold)) {
        hold->fn(hold, ERR_OK);
        return;
    }
    w->held = hold;
    atomic_fetch_add(&w->held_count, 1);
}

/* -- the world -- */

static int
world_new(void **state)
{
    struct world *w = base_mem_zero(sizeof *w);
    static const char *const names[] = {"node.example"};
    base_stat_init(&w->stats);
    assert_int_equal(sys_loop_new("http", &w->loop), ERR_OK);
    assert_int_equal(sys_loop_new("engine", &w->engine), ERR_OK);
    assert_int_equal(net_new(w->loop, &w->stats, &w->net), ERR_OK);
    struct net_http_config config = {
        .net = w->net,
        .loop = w->loop,
        .stats = &w->stats,
        .hold = test_hold,
        .hold_self = w,
        .server = "dougong/test",
        .names = names,
        .name_count = 1,
        .node = base_bytes_text("88.31"),
        .anonymous = {.roles = MODEL_GRANT_VIEWER},
    };
    assert_int_equal(net_http_new(&config, &w->http), ERR_OK);
    struct base_loop *engine = sys_loop_base(w->engine);
    const struct net_http_route routes[] = {
        {NET_HTTP_GET, "/show/{a}/{b...}", MODEL_GRANT_SERIES, "*", NULL,
         handle_show, w, 0},
        {NET_HTTP_POST | NET_HTTP_PUT, "/show/{a}/{b...}", MODEL_GRANT_SERIES,
         "*", engine, handle_show, w, 100000},
        {NET_HTTP_GET, "/json", MODEL_GRANT_SERIES, "*", NULL, handle_json, w,
         0},
        {NET_HTTP_GET, "/odd", MODEL_GRANT_SERIES, "*", NULL, handle_odd, w, 0},
        {NET_HTTP_GET, "/same", MODEL_GRANT_SERIES, "*", NULL, handle_same, w,
         0},
        {NET_HTTP_POST, "/void", MODEL_GRANT_SERIES, "*", NULL, handle_none, w,
         0},
        {NET_HTTP_GET, "/err", MODEL_GRANT_SERIES, "*", engine, handle_err, w,
         0},
        {NET_HTTP_GET, "/keep", MODEL_GRANT_SERIES, "*", engine, handle_keep, w,
         0},
    };
    assert_int_equal(net_http_routes(w->http, routes, BASE_COUNT(routes)),
                     ERR_OK);
    assert_int_equal(net_http_routes(w->http, routes, 1), ERR_EXISTS);
    struct net_listener_config listen = {
        .address = "127.0.0.1",
        .proto = net_http_proto(),
        .door = w->http,
        .plain = true,
    };
    assert_int_equal(net_listen(w->net, &listen, &w->listener, NULL), ERR_OK);
    assert_int_equal(sys_loop_start(w->loop), ERR_OK);
    assert_int_equal(sys_loop_start(w->engine), ERR_OK);
    *state = w;
    return 0;
}

static int
world_free(void **state)
{
    struct world *w = *state;
    sys_loop_stop(w->engine);
    sys_loop_join(w->engine);
    sys_loop_stop(w->loop);
    sys_loop_join(w->loop);
    net_free(w->net);
    net_http_free(w->http);
    sys_loop_free(w->loop);
    sys_loop_free(w->engine);
    assert_null(w->stats.first);
    base_stat_done(&w->stats);
    base_mem_free(w);
    return 0;
}

static void
wait_for(atomic_int *value, int want)
{
    for (unsigned i = 0; i < 12000 && atomic_load(value) != want; i++)
        usleep(5000);
    assert_int_equal(atomic_load(value), want);
}

static struct world *
world_of(struct base_task *task)
{
    return BASE_OUTER(task, struct world, task);
}

static void
world_run(struct world *w, struct sys_loop *loop,
          void (*fn)(struct base_task *))
{
    int before = atomic_load(&w->done);
    w->task.fn = fn;
    base_loop_post(sys_loop_base(loop), &w->task);
    wait_for(&w->done, before + 1);
}

static int64_t
stat_of(struct world *w, const char *name, const char *label)
{
    int64_t value = 0;
    pthread_mutex_lock(&w->stats.lock);
    for (struct base_stat *s = w->stats.first; s; s = s->next)
        if (strcmp(s->name, name) == 0 && strstr(s->labels, label))
            value = base_stat_get(s);
    pthread_mutex_unlock(&w->stats.lock);
    return value;
}

/* -- a client -- */

struct client {
    int fd;
    size_t size;
    char text[1 << 16]; /* not yet taken */
    struct answer answer;
};

static struct client *
client_new(struct world *w)
{
    struct client *c = base_mem_zero(sizeof *c);
    struct timeval patience = {.tv_sec = 60};
    struct sockaddr_in peer = {
        .sin_family = AF_INET,
        .sin_port = htons(net_listener_port(w->listener)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&peer, sizeof peer), 0);
    return c;
}

static void
client_free(struct client *c)
{
    close(c->fd);
    base_mem_free(c);
}

static void
client_send(struct client *c, const char *text)
{
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t n = send(c->fd, text, size, MSG_NOSIGNAL);
        assert_true(n > 0);
        text += n;
        size -= (size_t)n;
    }
}

static bool
client_more(struct client *c)
{
    assert_true(c->size < sizeof c->text - 1);
    ssize_t n = recv(c->fd, c->text + c->size, sizeof c->text - 1 - c->size, 0);
    if (n <= 0)
        return false;
    c->size += (size_t)n;
    c->text[c->size] = '\0';
    return true;
}

static void
client_until(struct client *c, const char *mark)
{
    while (!strstr(c->text, mark))
        assert_true(client_more(c));
}

static void
client_drop(struct client *c, size_t size)
{
    memmove(c->text, c->text + size, c->size - size + 1);
    c->size -= size;
}

/* The next answer; head_only for HEAD. */
static const struct answer *
client_answer(struct client *c, bool head_only)
{
    struct answer *answer = &c->answer;
    *answer = (struct answer){0};
    client_until(c, "\r\n\r\n");
    size_t head = (size_t)(strstr(c->text, "\r\n\r\n") + 4 - c->text);
    assert_true(head < sizeof answer->head);
    memcpy(answer->head, c->text, head);
    assert_int_equal(sscanf(c->text, "HTTP/1.1 %u ", &answer->status), 1);
    client_drop(c, head);
    const char *length = strstr(answer->head, "Content-Length: ");
    size_t size = length ? (size_t)atoi(length + 16) : 0;
    if (head_only)
        size = 0;
    assert_true(size < sizeof answer->body);
    while (c->size < size)
        assert_true(client_more(c));
    memcpy(answer->body, c->text, size);
    client_drop(c, size);
    return answer;
}

static const struct answer *
ask(struct world *w, const char *request)
{
    struct client *c = client_new(w);
    client_send(c, request);
    w->answer = *client_answer(c, strncmp(request, "HEAD", 4) == 0);
    client_free(c);
    return &w->answer;
}

static void
expect_ended(struct client *c)
{
    assert_false(client_more(c));
    assert_int_equal(c->size, 0);
}

#define HOST "Host: localhost:8100\r\n"

/* -- tests -- */

static void
a_handler_sees_the_request_and_the_client_the_reply(void **state)
{
    struct world *w = *state;
    const struct answer *a =
        ask(w, "GET /show/x/y%20z/1?q=%41&r HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a->status, 200);
    assert_string_equal(a->body, "1 /show/x/y z/1 {x} {y z/1} q=A r= nobody");
    assert_non_null(strstr(a->head, "Content-Type: text/plain\r\n"));
    assert_non_null(strstr(a->head, "Server: dougong/test\r\n"));
    assert_non_null(strstr(a->head, "Connection: keep-alive\r\n"));
    assert_non_null(strstr(a->head, "X-Odd: a??b: c\r\n"));
    assert_non_null(strstr(a->head, " GMT\r\n"));
    a = ask(w, "POST /show/x/ HTTP/1.1\r\n" HOST
               "Content-Type: application/x-www-form-urlencoded\r\n"
               "Content-Length: 7\r\n\r\na=1&b=2");
    assert_string_equal(a->body, "2 /show/x/ {x} {} a=1 b=2 [7] nobody");
    a = ask(w, "GET /json HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a->status, 201);
    assert_string_equal(a->body, "{\"a\":\"b\"}");
    assert_int_equal(stat_of(w, "dougong_http_requests_total",
                             "route=\"/json\",code=\"201\""),
                     1);
    assert_int_equal(stat_of(w, "dougong_http_under_way", ""), 0);
}

static void
an_error_is_a_problem_document(void **state)
{
    struct world *w = *state;
    const struct answer *a = ask(w, "GET /err HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a->status, 422);
    assert_non_null(
        strstr(a->head, "Content-Type: application/problem+json\r\n"));
    json_t *p = json_loads(a->body, 0, NULL);
    assert_non_null(p);
    assert_string_equal(json_string_value(json_object_get(p, "type")),
                        "about:blank");
    assert_string_equal(json_string_value(json_object_get(p, "title")),
                        "Unprocessable Entity");
    assert_string_equal(json_string_value(json_object_get(p, "detail")),
                        "what ? is this");
    assert_string_equal(json_string_value(json_object_get(p, "code")), "RANGE");
    assert_string_equal(json_string_value(json_object_get(p, "where")),
                        "pack.yaml");
    assert_int_equal(json_integer_value(json_object_get(p, "status")), 422);
    assert_int_equal(json_integer_value(json_object_get(p, "line")), 3);
    assert_int_equal(json_integer_value(json_object_get(p, "column")), 7);
    json_decref(p);
    for (unsigned err = ERR_OK; err < ERR_COUNT; err++)
        assert_true(net_http_status((enum err)err) >= 400 || err == ERR_OK);
}

static void
an_answer_that_is_no_json_is_an_error_not_an_end(void **state)
{
    struct world *w = *state;
    const struct answer *a = ask(w, "GET /odd HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a->status, 500);
    assert_int_equal(ask(w, "GET /json HTTP/1.1\r\n" HOST "\r\n")->status, 201);
}

static void
each_refusal_has_its_status(void **state)
{
    struct world *w = *state;
    static const struct {
        unsigned status;
        bool closes;
        const char *request, *mark;
    } cases[] = {
        {404, false, "GET /none HTTP/1.1\r\n" HOST "\r\n", "no such path"},
        {405, false, "DELETE /json HTTP/1.1\r\n" HOST "\r\n",
         "Allow: GET, HEAD, OPTIONS\r\n"},
        {204, false, "OPTIONS /show/a/b HTTP/1.1\r\n" HOST "\r\n",
         "Allow: GET, HEAD, POST, PUT, OPTIONS\r\n"},
        {204, false, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
         "OPTIONS\r\nConnection: keep-alive\r\n\r\n"},
        {204, false, "POST /void HTTP/1.1\r\n" HOST "\r\n",
         "GMT\r\nConnection: keep-alive\r\n\r\n"},
        {304, false, "GET /same HTTP/1.1\r\n" HOST "\r\n",
         "GMT\r\nConnection: keep-alive\r\n\r\n"},
        {200, false, "HEAD /show/a/b HTTP/1.1\r\n" HOST "\r\n",
         "Content-Length: 26\r\n"},
        {413, true,
         "POST /show/a/b HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\nxxx",
         "100001"},
        {413, true, "GET /json HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx",
         "Connection: close\r\n"},
        {404, true, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n",
         "Connection: close\r\n"},
        {417, false, "GET /json HTTP/1.1\r\n" HOST "Expect: much\r\n\r\n", ""},
        {501, false, "PURGE /json HTTP/1.1\r\n" HOST "\r\n", ""},
        {400, true, "NONSENSE\r\n\r\n", ""},
        {400, false, "GET /show/%zz/b HTTP/1.1\r\n" HOST "\r\n", "escaped"},
        {421, false, "GET /json HTTP/1.1\r\nHost: evil.example\r\n\r\n", ""},
        {421, false, "GET http://evil.example/json HTTP/1.1\r\n" HOST "\r\n",
         ""},
        {201, false, "GET /json HTTP/1.1\r\nHost: node.example:1\r\n\r\n", ""},
        {201, false, "GET /json HTTP/1.1\r\nHost: [::1]:8100\r\n\r\n", ""},
        {201, false, "GET http://[::1]:1/json HTTP/1.1\r\n" HOST "\r\n", ""},
        {201, false, "GET /json HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", ""},
        {201, true, "GET /json HTTP/1.0\r\n\r\n", "Connection: close\r\n"},
        {201, true, "GET /json HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
         ""},
        {403, false,
         "PUT /show/a/b HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n"
         "\r\n",
         "other sites"},
        {403, false, "PUT /show/a/b HTTP/1.1\r\n" HOST "Origin: null\r\n\r\n",
         ""},
        {200, false,
         "PUT /show/a/b HTTP/1.1\r\n" HOST "Origin: http://127.0.0.1:8100\r\n"
         "\r\n",
         ""},
    };
    for (unsigned i = 0; i < BASE_COUNT(cases); i++) {
        struct client *c = client_new(w);
        client_send(c, cases[i].request);
        const struct answer *a =
            client_answer(c, strncmp(cases[i].request, "HEAD", 4) == 0);
        if (a->status != cases[i].status)
            print_error("%s%s%s\n", cases[i].request, a->head, a->body);
        assert_int_equal(a->status, cases[i].status);
        assert_true(strstr(a->head, cases[i].mark) ||
                    strstr(a->body, cases[i].mark));
        if (cases[i].closes) {
            expect_ended(c);
        } else {
            client_send(c, "GET /json HTTP/1.1\r\n" HOST "\r\n");
            assert_int_equal(client_answer(c, false)->status, 201);
        }
        client_free(c);
    }
    assert_int_equal(stat_of(w, "dougong_http_refused_total", "why=\"host\""),
                     2);
}

static void
too_long_a_head_is_told_so(void **state)
{
    struct world *w = *state;
    struct client *c = client_new(w);
    char *text = base_mem_new(40001);
    memset(text, 'a', 40000);
    text[40000] = '\0';
    client_send(c, "GET /json HTTP/1.1\r\n" HOST "X: ");
    client_send(c, text);
    assert_int_equal(client_answer(c, false)->status, 431);
    expect_ended(c);
    client_free(c);
    base_mem_free(text);
}

static void
bodies_come_whole_in_chunks_and_when_continued(void **state)
{
    struct world *w = *state;
    struct client *c = client_new(w);
    client_send(c, "POST /show/a/b HTTP/1.1\r\n" HOST
                   "Transfer-Encoding: chunked\r\n\r\n");
    for (unsigned i = 0; i < 10; i++) {
        client_send(c, "5\r\nabc");
        usleep(2000);
        client_send(c, "de\r\n");
    }
    client_send(c, "0\r\n\r\n");
    const struct answer *a = client_answer(c, false);
    assert_non_null(strstr(a->body, "[50]"));
    client_send(c, "PUT /show/a/b HTTP/1.1\r\n" HOST
                   "Expect: 100-continue\r\nContent-Length: 50000\r\n\r\n");
    client_until(c, "\r\n\r\n");
    assert_string_equal(c->text, "HTTP/1.1 100 Continue\r\n\r\n");
    client_drop(c, c->size);
    char part[1001];
    memset(part, 'x', 1000);
    part[1000] = '\0';
    for (unsigned i = 0; i < 50; i++)
        client_send(c, part);
    a = client_answer(c, false);
    assert_non_null(strstr(a->body, "[50000]"));
    client_send(c, "PUT /show/a/b HTTP/1.1\r\n" HOST
                   "Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n");
    for (unsigned i = 0; i < 101; i++)
        client_send(c, part);
    assert_int_equal(client_answer(c, false)->status, 413);
    expect_ended(c);
    client_free(c);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
    struct world *w = *state;
    struct client *c = client_new(w);
    struct base_out out;
    base_out_grow(&out, 1 << 20);
    for (unsigned i = 0; i < 300; i++)
        base_out_format(&out, "%s /show/%u/ HTTP/1.1\r\n" HOST "\r\n",
                        i % 3 ? "GET" : "PUT", i);
    base_out_u8(&out, '\0');
    client_send(c, (char *)out.at);
    for (unsigned i = 0; i < 300; i++) {
        char want[64];
        snprintf(want, sizeof want, "%d /show/%u/ {%u} {} nobody",
                 i % 3 ? NET_HTTP_GET : NET_HTTP_PUT, i, i);
        assert_string_equal(client_answer(c, false)->body, want);
    }
    base_out_done(&out);
    client_free(c);
}

static void
task_answer(struct base_task *task)
{
    struct world *w = world_of(task);
    net_http_reply(w->kept, 200, "text/plain", base_bytes_text("late"));
    w->kept = NULL;
    atomic_fetch_add(&w->done, 1);
}

static void
a_slow_handler_keeps_only_its_own_client_waiting(void **state)
{
    struct world *w = *state;
    struct client *c = client_new(w);
    client_send(c, "GET /keep HTTP/1.1\r\n" HOST "\r\n"
                   "GET /json HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&w->handled, 1);
    assert_int_equal(ask(w, "GET /json HTTP/1.1\r\n" HOST "\r\n")->status, 201);
    assert_int_equal(c->size, 0);
    world_run(w, w->engine, task_answer);
    assert_string_equal(client_answer(c, false)->body, "late");
    assert_int_equal(client_answer(c, false)->status, 201);
    client_free(c);
}

static void
a_half_closed_client_gets_its_answer(void **state)
{
    struct world *w = *state;
    struct client *c = client_new(w);
    client_send(c, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    shutdown(c->fd, SHUT_WR);
    wait_for(&w->handled, 1);
    world_run(w, w->engine, task_answer);
    assert_string_equal(client_answer(c, false)->body, "late");
    expect_ended(c);
    client_free(c);
}

static void
task_abort(struct base_task *task)
{
    struct world *w = world_of(task);
    net_listener_shut(w->listener, NULL);
    atomic_fetch_add(&w->done, 1);
}

static void
abort_conn(struct net_conn *conn)
{
    net_conn_abort(conn, NET_WHY_STOP);
}

static void
task_abort_all(struct base_task *task)
{
    struct world *w = world_of(task);
    net_listener_shut(w->listener, abort_conn);
    atomic_fetch_add(&w->done, 1);
}

static void
a_reply_to_a_client_that_left_is_dropped(void **state)
{
    struct world *w = *state;
    struct client *c = client_new(w);
    client_send(c, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&w->handled, 1);
    world_run(w, w->loop, task_abort_all);
    expect_ended(c);
    client_free(c);
    world_run(w, w->engine, task_answer);
    world_run(w, w->loop, task_abort);
    for (unsigned i = 0; i < 1000 && stat_of(w, "dougong_http_under_way", "");
         i++)
        usleep(5000);
    for (unsigned i = 0; i < 1000 && net_listener_count(w->listener); i++)
        usleep(1000);
    assert_int_equal(stat_of(w, "dougong_http_under_way", ""), 0);
    assert_int_equal(net_listener_count(w->listener), 0);
}

static void
task_release(struct base_task *task)
{
    struct world *w = world_of(task);
    struct net_http_hold *hold = w->held;
    w->held = NULL;
    hold->fn(hold, w->hold_err);
    atomic_fetch_add(&w->done, 1);
}

static void
a_reply_waits_until_all_is_durable(void **state)
{
    struct world *w = *state;
    struct client *c = client_new(w);
    char byte;
    atomic_store(&w->hold, true);
    client_send(c, "PUT /show/a/ HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&w->held_count, 1);
    usleep(20000);
    assert_int_equal(recv(c->fd, &byte, 1, MSG_DONTWAIT), -1);
    world_run(w, w->loop, task_release);
    assert_int_equal(client_answer(c, false)->status, 200);
    client_send(c, "PUT /show/a/ HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&w->held_count, 2);
    w->hold_err = ERR_FULL;
    world_run(w, w->loop, task_release);
    const struct answer *a = client_answer(c, false);
    assert_int_equal(a->status, 507);
    assert_non_null(strstr(a->body, "\"FULL\""));
    /* the client leaves while its reply is held */
    client_send(c, "PUT /show/a/ HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&w->held_count, 3);
    world_run(w, w->loop, task_abort_all);
    world_run(w, w->loop, task_release);
    client_free(c);
}

static void
bodies_that_trickle_keep_out_other_bodies_only(void **state)
{
    struct world *w = *state;
    static const char put[] =
        "PUT /show/a/ HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok";
    struct client *all[256];
    for (unsigned i = 0; i < BASE_COUNT(all); i++) {
        all[i] = client_new(w);
        client_send(all[i],
                    "PUT /show/a/ HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                    "Content-Length: 2\r\n\r\n");
        client_until(all[i], "100 Continue\r\n\r\n");
        client_drop(all[i], all[i]->size);
    }
    assert_int_equal(stat_of(w, "dougong_http_bodies", ""), 256);
    assert_int_equal(ask(w, "GET /json HTTP/1.1\r\n" HOST "\r\n")->status, 201);
    const struct answer *a = ask(w, put);
    assert_int_equal(a->status, 503);
    assert_non_null(strstr(a->head, "Retry-After: 1\r\n"));
    client_send(all[7], "ok");
    assert_int_equal(client_answer(all[7], false)->status, 200);
    assert_int_equal(ask(w, put)->status, 200);
    for (unsigned i = 0; i < BASE_COUNT(all); i++)
        client_free(all[i]);
    for (unsigned i = 0; i < 1000 && stat_of(w, "dougong_http_bodies", ""); i++)
        usleep(5000);
    assert_int_equal(stat_of(w, "dougong_http_bodies", ""), 0);
    assert_int_equal(stat_of(w, "dougong_http_under_way", ""), 0);
}

#define HTTP_TEST(name)                                                        \
    cmocka_unit_test_setup_teardown(name, world_new, world_free)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(a_handler_sees_the_request_and_the_client_the_reply),
        HTTP_TEST(an_error_is_a_problem_document),
        HTTP_TEST(each_refusal_has_its_status),
        HTTP_TEST(an_answer_that_is_no_json_is_an_error_not_an_end),
        HTTP_TEST(too_long_a_head_is_told_so),
        HTTP_TEST(bodies_come_whole_in_chunks_and_when_continued),
        HTTP_TEST(pipelined_requests_are_answered_in_order),
        HTTP_TEST(a_slow_handler_keeps_only_its_own_client_waiting),
        HTTP_TEST(a_half_closed_client_gets_its_answer),
        HTTP_TEST(a_reply_to_a_client_that_left_is_dropped),
        HTTP_TEST(a_reply_waits_until_all_is_durable),
        HTTP_TEST(bodies_that_trickle_keep_out_other_bodies_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
