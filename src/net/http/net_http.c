/* net_http.c -- a connection's requests, one after another.
 *
 *            first byte           whole               reply sent
 *   IDLE ----------------> HEAD -------> HANDLING ---------------> IDLE
 *     |                      | refused
 *     | 60 s                 v
 *     +-----> closed <--- CLOSING
 *
 * A refusal found in the head waits for the request's end if there is no body;
 * with one it is said at once and the connection closed: its body is not read.
 * Who shows credentials is asked for before his body is read, too. */
#include "net/http/net_http.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "net/http/net_http_inner.h"
#include "sys/sys_thread.h"

struct http_conn {
    struct net_http_work *work;
    size_t waiting; /* output waiting when the deadline last came */
};

static struct http_conn *
http_state(struct net_conn *conn)
{
    return net_conn_state(conn);
}

void
net_http_forget(struct net_conn *conn)
{
    http_state(conn)->work = NULL;
}

/* -- requests -- */

struct net_http_work *
net_http_work_of(struct net_http_request *request)
{
    return BASE_OUTER(request, struct net_http_work, request);
}

static struct bytes
http_peer(struct net_conn *conn, struct base_arena *arena)
{
    char text[64];
    struct bytes peer = base_bytes_text(net_conn_peer(conn, text));
    while (peer.size > 0 && peer.at[peer.size - 1] != ':')
        peer.size--;
    return base_arena_bytes(arena, base_bytes_slice(peer, 0, peer.size - 1));
}

static struct net_http_work *
http_work_new(struct net_http *http, struct net_conn *conn)
{
    struct net_http_work *work = base_mem_zero(sizeof *work);
    struct net_http_request *request = &work->request;
    work->http = http;
    work->conn = conn;
    work->start_us = sys_thread_now_us();
    net_http_parse_init(&work->parse);
    base_arena_init(&request->arena, NET_HTTP_PARSE_ARENA);
    base_out_grow(&work->extra, 8192);
    request->private = work;
    request->tls = net_conn_is_tls(conn);
    request->loopback = net_conn_loopback(conn);
    request->principal = http->config.anonymous;
    request->peer = http_peer(conn, &request->arena);
    base_list_add(&http->works, &work->link);
    return work;
}

static void
http_answered(struct net_http_work *work)
{
    if (work->under_way)
        base_stat_inc(&work->http->totals.under_way, -1);
    if (work->reading)
        base_stat_inc(&work->http->totals.bodies, -1);
    work->under_way = work->reading = false;
}

void
net_http_work_free(struct net_http_work *work)
{
    http_answered(work);
    base_list_remove(&work->link);
    net_http_parse_done(&work->parse);
    base_arena_done(&work->request.arena);
    base_out_done(&work->extra);
    base_out_done(&work->out);
    base_mem_free(work);
}

static struct bytes
http_find(const struct net_http_pair *pairs, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (base_bytes_is(pairs[i].name, name))
            return pairs[i].value;
    return base_bytes(NULL, 0);
}

struct bytes
net_http_query(const struct net_http_request *request, const char *name)
{
    return http_find(request->query, request->query_count, name);
}

struct bytes
net_http_path(const struct net_http_request *request, const char *name)
{
    return http_find(request->path_params, request->path_param_count, name);
}

struct bytes
net_http_header(const struct net_http_request *request, const char *name)
{
    return http_find(request->headers, request->header_count, name);
}

enum err
net_http_number(const struct net_http_request *request, const char *name,
                uint64_t least, uint64_t most, uint64_t otherwise,
                uint64_t *ret_number, struct base_note *note)
{
    struct bytes text = net_http_query(request, name);
    uint64_t number = otherwise;
    if (text.at != NULL && (base_bytes_u64(text, &number) != ERR_OK ||
                            number < least || number > most))
        return base_err_note_at(note, ERR_SYNTAX, name, 0, 0,
                                "\"%.*s\" is no number from %" PRIu64
                                " to %" PRIu64,
                                (int)base_bytes_slice(text, 0, 40).size,
                                (const char *)text.at, least, most);
    *ret_number = number;
    return ERR_OK;
}

void
net_http_problem(struct net_http_request *request, unsigned status,
                 const struct base_note *note)
{
    net_http_reply_refusal(request, status, note);
}

unsigned
net_http_status(enum err err)
{
    static const uint16_t statuses[ERR_COUNT] = {
        [ERR_OK] = 200,      [ERR_ABSENT] = 404,      [ERR_EXISTS] = 409,
        [ERR_FULL] = 507,    [ERR_LIMIT] = 429,       [ERR_LABEL] = 400,
        [ERR_TIME] = 422,    [ERR_CONFLICT] = 409,    [ERR_STALE] = 409,
        [ERR_CORRUPT] = 500, [ERR_BUSY] = 503,        [ERR_IO] = 500,
        [ERR_PARTIAL] = 503, [ERR_UNSUPPORTED] = 501, [ERR_SYNTAX] = 400,
        [ERR_RANGE] = 422,   [ERR_SHORT] = 400,       [ERR_BIG] = 413,
        [ERR_NAME] = 422,    [ERR_TYPE] = 422,        [ERR_UNIT] = 422,
        [ERR_NOROUTE] = 502, [ERR_DENIED] = 403,      [ERR_EXPIRED] = 403,
        [ERR_REVOKED] = 403, [ERR_USED] = 409,        [ERR_FENCED] = 503,
        [ERR_VERSION] = 400, [ERR_TIMEOUT] = 504,     [ERR_LOST] = 502,
        [ERR_CLOSED] = 503,  [ERR_MISMATCH] = 409,    [ERR_AGAIN] = 503,
    };
    return err < ERR_COUNT && statuses[err] ? statuses[err] : 500;
}

/* -- judging a head: each returns 0, or the status of its refusal -- */

static unsigned
http_fault(struct base_note *note, unsigned status, enum err err,
           const char *text)
{
    base_err_note(note, err, "%s", text);
    return status;
}

static unsigned
judge_request(struct net_http_work *work, struct base_note *note)
{
    return net_http_parse_request(&work->parse, &work->request, note);
}

/* A name that is rebound to us is never an address. */
static bool
http_is_ours(const struct net_http *http, struct bytes host)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t address[16];
    if (net_http_parse_same(host, "localhost"))
        return true;
    for (unsigned i = 0; i < http->config.name_count; i++)
        if (net_http_parse_same(host, http->config.names[i]))
            return true;
    if (host.size >= 2 && host.at[0] == '[' && host.at[host.size - 1] == ']')
        host = base_bytes_slice(host, 1, host.size - 2);
    if (host.size >= sizeof text)
        return false;
    base_bytes_string(host, text, sizeof text);
    return inet_pton(AF_INET, text, address) == 1 ||
           inet_pton(AF_INET6, text, address) == 1;
}

static unsigned
judge_host(struct net_http_work *work, struct base_note *note)
{
    struct bytes host = net_http_header(&work->request, "host");
    struct bytes url_host = work->parse.url_host;
    bool ours =
        (!host.at || http_is_ours(work->http, net_http_parse_host(host))) &&
        (!url_host.size || http_is_ours(work->http, url_host));
    return ours ? 0
                : http_fault(note, 421, ERR_NAME,
                             "the Host is not a name of this node; its names "
                             "stand in node.yaml");
}

/* A page of another site can send requests, though it cannot read answers. */
static unsigned
judge_origin(struct net_http_work *work, struct base_note *note)
{
    struct bytes origin = net_http_header(&work->request, "origin");
    unsigned method = work->parse.parser.method;
    if (!origin.at || method == HTTP_GET || method == HTTP_HEAD ||
        method == HTTP_OPTIONS)
        return 0;
    size_t colon = base_bytes_find(origin, ':');
    struct bytes host =
        net_http_parse_host(base_bytes_slice(origin, colon + 3, origin.size));
    return http_is_ours(work->http, host)
               ? 0
               : http_fault(note, 403, ERR_DENIED,
                            "requests of other sites' pages are refused");
}

static unsigned
judge_method(struct net_http_work *work, struct base_note *note)
{
    static const struct {
        enum http_method theirs;
        enum net_http_method ours;
    } rows[] = {
        {HTTP_GET, NET_HTTP_GET},
        {HTTP_HEAD, NET_HTTP_GET},
        {HTTP_POST, NET_HTTP_POST},
        {HTTP_PUT, NET_HTTP_PUT},
        {HTTP_DELETE, NET_HTTP_DELETE},
        {HTTP_PATCH, NET_HTTP_PATCH},
        {HTTP_OPTIONS, 0},
    };
    unsigned method = work->parse.parser.method;
    for (unsigned i = 0; i < BASE_COUNT(rows); i++) {
        if (rows[i].theirs == method) {
            work->request.method = rows[i].ours;
            work->head = method == HTTP_HEAD;
            return 0;
        }
    }
    return http_fault(note, 501, ERR_UNSUPPORTED, "an unknown method");
}

static void
http_allow(struct net_http_work *work, unsigned methods)
{
    char text[64];
    net_http_reply_header(&work->request, "Allow",
                          net_http_route_allow(methods, text));
}

static unsigned
judge_route(struct net_http_work *work, struct base_note *note)
{
    struct bytes path = work->parse.raw_path;
    unsigned method = work->request.method;
    if (!method && base_bytes_is(path, "*")) {
        http_allow(work, NET_HTTP_GET | NET_HTTP_POST | NET_HTTP_PUT |
                             NET_HTTP_DELETE | NET_HTTP_PATCH);
        return 204;
    }
    work->node = net_http_route_find(&work->http->table, path);
    if (!work->node)
        return http_fault(note, 404, ERR_ABSENT, "no such path");
    if (!method) {
        http_allow(work, work->node->methods);
        return 204;
    }
    work->row = net_http_route_row(work->node, method);
    if (!work->row) {
        http_allow(work, work->node->methods);
        return http_fault(note, 405, ERR_UNSUPPORTED,
                          "this path does not know this method");
    }
    return net_http_route_take(work->row, path, &work->request) == ERR_OK
               ? 0
               : http_fault(note, 400, ERR_SYNTAX,
                            "the request's path is not well escaped");
}

static unsigned
judge_expect(struct net_http_work *work, struct base_note *note)
{
    struct bytes expect = net_http_header(&work->request, "expect");
    if (!expect.at || net_http_parse_same(expect, "100-continue"))
        return 0;
    return http_fault(note, 417, ERR_UNSUPPORTED,
                      "only 100-continue may be expected");
}

static unsigned
judge_body(struct net_http_work *work, struct base_note *note)
{
    return net_http_parse_body(&work->parse, work->row->route.body_max, note);
}

/* Bodies that trickle in keep out other bodies only. */
static unsigned
judge_busy(struct net_http_work *work, struct base_note *note)
{
    struct net_http_totals *totals = &work->http->totals;
    int64_t most = work->http->config.requests;
    bool body = net_http_parse_has_body(&work->parse);
    if (base_stat_get(&totals->under_way) < most &&
        (!body || base_stat_get(&totals->bodies) < most))
        return 0;
    return http_fault(note, 503, ERR_BUSY, "too many requests are under way");
}

static unsigned (*const http_judges[])(struct net_http_work *work,
                                       struct base_note *note) = {
    judge_request,        judge_host,   judge_origin, judge_method, judge_route,
    net_http_right_judge, judge_expect, judge_body,   judge_busy,
};

/* -- answering -- */

void
net_http_send(struct net_http_work *work)
{
    struct net_http *http = work->http;
    struct net_conn *conn = work->conn;
    bool close = work->close;
    net_http_count(http, work->node, work->status,
                   sys_thread_now_us() - work->start_us);
    http_answered(work);
    if (conn) {
        http_state(conn)->work = NULL;
        net_conn_write(conn, base_out_bytes(&work->out));
        net_conn_deadline(conn, NET_HTTP_IDLE_S);
        if (close)
            net_conn_close(conn, NET_WHY_DONE);
        else
            net_conn_resume(conn);
    }
    net_http_work_free(work);
}

/* Answered here, by the protocol itself. */
static void
http_refuse(struct net_http_work *work, unsigned status,
            const struct base_note *note)
{
    if (status >= 400)
        net_http_count_refused(work->http, status);
    if (status == 204)
        net_http_reply_write(work, status, NULL, base_bytes(NULL, 0));
    else
        net_http_reply_problem(work, status, note);
    net_http_send(work);
}

static void
http_handle(struct base_task *task)
{
    struct net_http_work *work = BASE_OUTER(task, struct net_http_work, task);
    const struct net_http_route *route = &work->row->route;
    if (net_http_once_begin(work))
        route->handle(route->self, &work->request);
}

static void
http_dispatch(struct net_http_work *work)
{
    struct base_loop *loop = work->row->route.loop;
    bool here = !loop || loop == work->http->loop;
    work->task.fn = http_handle;
    if (here) {
        work->request.ssl = net_conn_ssl(work->conn);
        http_handle(&work->task);
    } else {
        base_loop_post(loop, &work->task);
    }
}

static void
http_continue(struct net_http_work *work)
{
    if (net_http_header(&work->request, "expect").at &&
        work->parse.parser.http_minor > 0)
        net_conn_write(work->conn,
                       base_bytes_text("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* Who it is has been asked before the body: it may come now. */
static void
http_admit(struct net_http_work *work)
{
    work->dispatched = false;
    http_continue(work);
    net_conn_deadline(work->conn, NET_HTTP_HEAD_S);
    net_conn_resume(work->conn);
}

static void
http_identified(struct net_http_identify *call, enum err err,
                const struct base_note *note)
{
    struct net_http_work *work =
        BASE_OUTER(call, struct net_http_work, identify);
    if (!work->conn) { /* the client has left */
        net_http_work_free(work);
        return;
    }
    if (note)
        work->note = *note;
    if (err == ERR_OK)
        err = net_http_right_check(work, &work->note);
    work->close |= err != ERR_OK && !work->parse.at_end;
    if (err != ERR_OK)
        http_refuse(work, net_http_right_status(work, err), &work->note);
    else if (work->parse.at_end)
        http_dispatch(work);
    else
        http_admit(work);
}

/* From here on the connection waits: for who it is, or for an answer. */
static void
http_begin(struct net_http_work *work)
{
    work->dispatched = true;
    net_conn_pause(work->conn);
    net_conn_deadline(work->conn, NET_HTTP_HANDLER_S);
    work->identify.request = &work->request;
    work->identify.done = http_identified;
    if (work->permitted)
        http_dispatch(work);
    else
        net_http_right_identify(work);
}

/* -- reading -- */

static void
http_head(struct net_http_work *work)
{
    struct base_note *note = &work->note;
    unsigned status = 0;
    for (unsigned i = 0; i < BASE_COUNT(http_judges) && status == 0; i++)
        status = http_judges[i](work, note);
    work->refused = status;
    work->close = !http_should_keep_alive(&work->parse.parser);
    if (!net_http_parse_has_body(&work->parse))
        return;
    if (status) {
        work->close = true;
        http_refuse(work, status, note);
        return;
    }
    work->reading = true;
    base_stat_inc(&work->http->totals.bodies, 1);
    if (work->permitted)
        http_continue(work);
    else
        http_begin(work); /* a stranger's body is not read */
}

static void
http_whole(struct net_http_work *work)
{
    unsigned status = work->refused;
    http_answered(work);
    if (status == 0)
        status = net_http_parse_form(&work->parse, &work->request, &work->note);
    work->under_way = status == 0;
    if (status == 0)
        base_stat_inc(&work->http->totals.under_way, 1);
    if (status)
        http_refuse(work, status, &work->note);
    else
        http_begin(work);
}

static void
http_bad(struct net_http_work *work)
{
    work->close = true;
    http_refuse(work, work->parse.status, &work->parse.note);
}

/* Judging the head and what follows it may give the work up, or close the
 * connection.  The head's last byte is still to be fed when it is judged. */
static size_t
http_input(struct net_conn *conn, const uint8_t *at, size_t size)
{
    struct http_conn *state = http_state(conn);
    if (!state->work) {
        state->work = http_work_new(net_conn_door(conn), conn);
        net_conn_deadline(conn, NET_HTTP_HEAD_S);
    }
    struct net_http_work *work = state->work;
    size_t used = 0, more = 0;
    enum net_http_parse_event event =
        net_http_parse_feed(&work->parse, at, size, &used);
    if (event == NET_HTTP_PARSE_AT_HEAD) {
        http_head(work);
        if (state->work != work)
            return size;
        if (work->dispatched)
            return used;
        event =
            net_http_parse_feed(&work->parse, at + used, size - used, &more);
    }
    if (event == NET_HTTP_PARSE_AT_END)
        http_whole(work);
    else if (event == NET_HTTP_PARSE_BAD)
        http_bad(work);
    else if (work->parse.at_head && sys_thread_now_us() - work->start_us <
                                        NET_HTTP_BODY_S * INT64_C(1000000))
        net_conn_deadline(conn, NET_HTTP_HEAD_S);
    return used + more;
}

static bool
http_open(struct net_conn *conn, void *door)
{
    (void)door;
    net_conn_greeted(conn);
    net_conn_deadline(conn, NET_HTTP_HEAD_S);
    return true;
}

/* The handler is too late: its answer will find nobody. */
static void
http_late(struct net_conn *conn, struct net_http_work *work)
{
    struct net_http_work *other = http_work_new(work->http, conn);
    struct base_note note;
    work->conn = NULL;
    http_state(conn)->work = other;
    other->node = work->node;
    other->close = true;
    base_err_note(&note, ERR_TIMEOUT, "no answer within %d s",
                  NET_HTTP_HANDLER_S);
    http_refuse(other, 504, &note);
}

static void
http_deadline(struct net_conn *conn)
{
    struct http_conn *state = http_state(conn);
    struct net_http_work *work = state->work;
    size_t was = state->waiting;
    state->waiting = net_conn_waiting(conn);
    if (work && work->dispatched) {
        http_late(conn, work);
    } else if (work) {
        base_err_note(&work->note, ERR_TIMEOUT,
                      "the request did not come within %d s", NET_HTTP_HEAD_S);
        work->close = true;
        http_refuse(work, 408, &work->note);
    } else if (state->waiting > 0 && state->waiting != was) {
        net_conn_deadline(conn, NET_HTTP_IDLE_S); /* slow, but it moves */
    } else {
        net_conn_close(conn, NET_WHY_TIMEOUT);
    }
}

static void
http_closed(struct net_conn *conn, enum net_why why)
{
    struct net_http_work *work = http_state(conn)->work;
    (void)why;
    if (!work)
        return;
    work->conn = NULL;
    if (!work->dispatched)
        net_http_work_free(work);
}

const struct net_proto *
net_http_proto(void)
{
    static const struct net_proto proto = {
        .name = "http",
        .size = sizeof(struct http_conn),
        .partial_max = 64 * 1024,
        .high = 256 * 1024,
        .low = 64 * 1024,
        .max = NET_HTTP_REPLY + (4 << 20),
        .open = http_open,
        .input = http_input,
        .deadline = http_deadline,
        .closed = http_closed,
    };
    return &proto;
}

/* -- the server -- */

enum err
net_http_new(const struct net_http_config *config, struct net_http **ret_http)
{
    struct net_http *http = base_mem_zero(sizeof *http);
    http->config = *config;
    if (!http->config.requests)
        http->config.requests = NET_HTTP_REQUESTS;
    http->loop = sys_loop_base(config->loop);
    snprintf(http->server, sizeof http->server, "%s", config->server);
    base_list_init(&http->works);
    net_http_count_init(http);
    *ret_http = http;
    return ERR_OK;
}

void
net_http_free(struct net_http *http)
{
    if (!http)
        return;
    while (!base_list_empty(&http->works)) {
        struct net_http_work *work =
            BASE_OUTER(http->works.next, struct net_http_work, link);
        must(!work->conn); /* net_free comes first */
        net_http_work_free(work);
    }
    net_http_count_done(http);
    net_http_route_done(&http->table);
    base_mem_free(http);
}

/* What was done under a key is kept by one thread. */
static bool
http_strays(const struct net_http *http, const struct net_http_route *route)
{
    return (route->methods & (NET_HTTP_ONCE | NET_HTTP_SECRET)) != 0 &&
           http->config.once.begin && route->loop != http->config.once.loop;
}

enum err
net_http_routes(struct net_http *http, const struct net_http_route *routes,
                unsigned count)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; i < count && err == ERR_OK; i++)
        err = routes[i].action == MODEL_GRANT_NONE ? ERR_DENIED
              : http_strays(http, &routes[i])
                  ? ERR_MISMATCH
                  : net_http_route_add(&http->table, &routes[i]);
    return err;
}
