/* net_http_right_test.c -- who may: judged at the head, or once it is known who
 * asks, over real sockets. */
#include "net/http/net_http.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_must.h"

struct world {
    struct sys_loop *loop, *engine;
    struct base_stats stats;
    struct net *net;
    struct net_http *http;
    struct net_listener *listener;
    struct net_http_identify *asked;
    struct base_task task;
    atomic_int identified, handled;
    char text[8192]; /* the last answer */
};

static void
handle(void *self, struct net_http_request *r)
{
    struct world *w = self;
    struct base_out out;
    atomic_fetch_add(&w->handled, 1);
    base_out_grow(&out, 1024);
    base_out_format(&out, "%s %.*s", model_grant_kind_name(r->principal.kind),
                    (int)r->principal.name.size, r->principal.name.at);
    net_http_reply(r, 200, "text/plain", base_out_bytes(&out));
    base_out_done(&out);
}

/* On the HTTP loop again, as a lookup elsewhere would be. */
static void
identify_there(struct base_task *task)
{
    struct world *w = BASE_OUTER(task, struct world, task);
    struct net_http_request *r = w->asked->request;
    struct bytes who = net_http_header(r, "authorization");
    struct base_note note;
    if (base_bytes_is(who, "Bearer li")) {
        r->principal = (struct model_grant_principal){
            .kind = MODEL_GRANT_USER,
            .roles = MODEL_GRANT_APPROVER,
            .name = base_bytes_text("li"),
            .scope = base_bytes_text("88.31"),
        };
        w->asked->done(w->asked, ERR_OK, NULL);
        return;
    }
    base_err_note(&note, ERR_DENIED, "no such key");
    w->asked->done(w->asked,
                   base_bytes_is(who, "Bearer wu") ? ERR_BUSY : ERR_DENIED,
                   &note);
}

static void
identify(void *self, struct net_http_identify *call)
{
    struct world *w = self;
    atomic_fetch_add(&w->identified, 1);
    w->asked = call;
    w->task.fn = identify_there;
    base_loop_post(sys_loop_base(w->loop), &w->task);
}

static int
world_new(void **state)
{
    struct world *w = base_mem_zero(sizeof *w);
    base_stat_init(&w->stats);
    assert_int_equal(sys_loop_new("http", &w->loop), ERR_OK);
    assert_int_equal(sys_loop_new("engine", &w->engine), ERR_OK);
    assert_int_equal(net_new(w->loop, &w->stats, &w->net), ERR_OK);
    struct net_http_config config = {
        .net = w->net,
        .loop = w->loop,
        .stats = &w->stats,
        .server = "dougong/test",
        .node = base_bytes_text("88.31"),
        .identify = identify,
        .identify_self = w,
    };
    struct base_loop *engine = sys_loop_base(w->engine);
    const struct net_http_route routes[] = {
        {NET_HTTP_GET, "/open", MODEL_GRANT_OPEN, NULL, engine, handle, w, 0},
        {NET_HTTP_GET, "/figures", MODEL_GRANT_FIGURES, "*", engine, handle, w,
         0},
        {NET_HTTP_POST, "/prefixes/{prefix}/approve", MODEL_GRANT_PREFIXES,
         "{prefix}", engine, handle, w, 1000},
        {NET_HTTP_GET, "/series", MODEL_GRANT_SERIES, "?id", engine, handle, w,
         0},
        {NET_HTTP_GET, "/each", MODEL_GRANT_SERIES, "*", engine, handle, w, 0},
    };
    struct net_http_route bare = {.methods = NET_HTTP_GET, .pattern = "/bare"};
    struct net_listener_config listen = {
        .address = "127.0.0.1",
        .proto = net_http_proto(),
        .plain = true,
    };
    assert_int_equal(net_http_new(&config, &w->http), ERR_OK);
    assert_int_equal(net_http_routes(w->http, routes, BASE_COUNT(routes)),
                     ERR_OK);
    assert_int_equal(net_http_routes(w->http, &bare, 1), ERR_DENIED);
    listen.door = w->http;
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
    struct sys_loop *loops[] = {w->engine, w->loop};
    for (unsigned i = 0; i < 2; i++) {
        sys_loop_stop(loops[i]);
        sys_loop_join(loops[i]);
    }
    net_free(w->net);
    net_http_free(w->http);
    sys_loop_free(w->loop);
    sys_loop_free(w->engine);
    base_stat_done(&w->stats);
    base_mem_free(w);
    return 0;
}

/* The status; the whole answer is in w->text. */
static unsigned
ask(struct world *w, const char *line, const char *headers)
{
    struct sockaddr_in peer = {
        .sin_family = AF_INET,
        .sin_port = htons(net_listener_port(w->listener)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct timeval patience = {.tv_sec = 60};
    char request[1024];
    unsigned status = 0;
    size_t size = 0;
    ssize_t got;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof peer), 0);
    int length = snprintf(request, sizeof request,
                          "%s HTTP/1.1\r\nHost: localhost\r\n"
                          "Connection: close\r\n%s\r\n",
                          line, headers);
    assert_int_equal(send(fd, request, (size_t)length, MSG_NOSIGNAL), length);
    while ((got = recv(fd, w->text + size, sizeof w->text - 1 - size, 0)) > 0)
        size += (size_t)got;
    w->text[size] = '\0';
    close(fd);
    assert_int_equal(sscanf(w->text, "HTTP/1.1 %u ", &status), 1);
    return status;
}

#define LI "Authorization: Bearer li\r\n"

static void
who_shows_nothing_gets_what_is_published(void **state)
{
    struct world *w = *state;
    assert_int_equal(ask(w, "GET /figures", ""), 200);
    assert_non_null(strstr(w->text, "nobody "));
    assert_int_equal(ask(w, "GET /each", ""), 401);
    assert_non_null(strstr(w->text, "WWW-Authenticate: Bearer"));
    assert_non_null(strstr(w->text, "the right \\\"series\\\" is missing"));
    assert_int_equal(atomic_load(&w->identified), 0);
}

static void
a_body_of_nobody_is_not_read(void **state)
{
    struct world *w = *state;
    assert_int_equal(
        ask(w, "POST /prefixes/88.31.1/approve", "Content-Length: 900\r\n"),
        401);
    assert_int_equal(atomic_load(&w->handled), 0);
}

static void
a_body_of_a_stranger_is_not_read(void **state)
{
    struct world *w = *state;
    assert_int_equal(ask(w, "POST /prefixes/88.31.1/approve",
                         "Authorization: Bearer x\r\nContent-Length: 900\r\n"),
                     401);
    assert_non_null(strstr(w->text, "no such key"));
    assert_int_equal(
        ask(w, "POST /prefixes/88.44.1/approve", LI "Content-Length: 900\r\n"),
        403);
    assert_int_equal(atomic_load(&w->handled), 0);
}

/* In one piece with the head, behind 100 Continue, and in chunks. */
static void
a_body_is_read_once_its_sender_is_known(void **state)
{
    static const char *const headers[] = {
        LI "Content-Length: 4\r\n\r\nbody",
        LI "Content-Length: 0\r\n",
        LI "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n",
    };
    struct world *w = *state;
    for (unsigned i = 0; i < BASE_COUNT(headers); i++)
        assert_int_equal(ask(w, "POST /prefixes/88.31.1/approve", headers[i]),
                         200);
    assert_int_equal(atomic_load(&w->handled), 3);
    assert_int_equal(atomic_load(&w->identified), 3);
}

static void
the_object_is_found_where_the_route_says(void **state)
{
    struct world *w = *state;
    assert_int_equal(ask(w, "POST /prefixes/88.31.1/approve", LI), 200);
    assert_non_null(strstr(w->text, "user li"));
    assert_int_equal(ask(w, "POST /prefixes/88.44.1/approve", LI), 403);
    assert_non_null(strstr(w->text, "does not reach \\\"88.44.1\\\""));
    assert_int_equal(ask(w, "GET /series?id=88.31.1/a", LI), 200);
    assert_int_equal(ask(w, "GET /series?id=88.44/a", LI), 403);
    assert_int_equal(ask(w, "GET /series", LI), 200);
    assert_int_equal(ask(w, "GET /each", LI), 200);
}

static void
wrong_credentials_are_refused_even_where_none_are_needed(void **state)
{
    struct world *w = *state;
    assert_int_equal(ask(w, "GET /figures", "Authorization: Bearer x\r\n"),
                     401);
    assert_non_null(strstr(w->text, "no such key"));
    assert_int_equal(ask(w, "GET /figures", "Authorization: Bearer wu\r\n"),
                     429);
    assert_int_equal(atomic_load(&w->handled), 0);
}

static void
who_need_not_be_known_is_not_asked(void **state)
{
    struct world *w = *state;
    assert_int_equal(ask(w, "GET /open", "Authorization: Bearer x\r\n"), 200);
    assert_int_equal(atomic_load(&w->identified), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_new, world_free)
    const struct CMUnitTest tests[] = {
        TEST(who_shows_nothing_gets_what_is_published),
        TEST(a_body_of_nobody_is_not_read),
        TEST(a_body_of_a_stranger_is_not_read),
        TEST(a_body_is_read_once_its_sender_is_known),
        TEST(the_object_is_found_where_the_route_says),
        TEST(wrong_credentials_are_refused_even_where_none_are_needed),
        TEST(who_need_not_be_known_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
