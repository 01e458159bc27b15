/* api_prom_test.c -- the Prometheus API over real sockets and a real store:
 * HTTP, ingest and state loops on their threads, a blocking client on the
 * test's; a stand-in for the tree behind the port. */
#include "api/prom/api_prom.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "sys/sys_random.h"

struct world {
    struct model_port port; /* first */
    struct sys_loop *http_loop, *ingest, *state;
    struct base_stats stats;
    struct net *net;
    struct net_http *http;
    struct net_listener *listener;
    struct store_journal *journal;
    struct store_kv *kv;
    struct store_ts *ts;
    struct stream *stream;
    struct model_pack_list packs;
    struct api_prom prom;
    char folder[64];
    int64_t now;
    char body[65536]; /* of the last answer */
};

/* --- the tree behind the port: one node answers, others are away --- */

static void
test_ask(struct model_port *port, enum model_channel channel, unsigned kind,
         struct bytes to, struct bytes body, unsigned deadline_ms,
         struct model_ask *ask)
{
    struct world *w = (struct world *)(void *)port;
    assert_true(base_loop_inside(sys_loop_base(w->state)));
    assert_int_equal(channel, MODEL_CHANNEL_DATA_CALL);
    assert_int_equal(deadline_ms, 5000);
    assert_true(body.size > 0);
    if (kind == MODEL_KIND_DATA_CALL_SERIES && base_bytes_is(to, "88.31.1002"))
        ask->done(
            ask, ERR_OK,
            base_bytes_text("[{\"__name__\":\"rpm\",\"id\":\"88.31.1002/x\"},"
                            "{\"__name__\":\"runs_total\","
                            "\"id\":\"88.31.1002/x\"}]"));
    else if (kind == MODEL_KIND_DATA_CALL_SERIES &&
             base_bytes_is(to, "88.31.1004"))
        ask->done(ask, ERR_OK, base_bytes_text("[{\"id\":5}]"));
    else if (base_bytes_is(to, "88.31.1002"))
        ask->done(ask, ERR_OK,
                  base_bytes_text("{\"resultType\":\"vector\",\"result\":[]}"));
    else if (base_bytes_is(to, "88.31.1003"))
        ask->done(ask, ERR_UNSUPPORTED, base_bytes_text("no such thing"));
    else
        ask->done(ask, ERR_NOROUTE, (struct bytes){NULL, 0});
}

static void
test_tell(struct model_port *port, struct model_event *event)
{
    (void)port;
    base_mem_free(event);
}

/* --- the world --- */

static void
world_store(struct world *w)
{
    struct base_note note = {0};
    struct base_loop *ingest = sys_loop_base(w->ingest);
    struct base_loop *state = sys_loop_base(w->state);
    char *journal = base_mem_format("%s/journal", w->folder);
    char *kv = base_mem_format("%s/kv", w->folder);
    char *seg = base_mem_format("%s/seg", w->folder);
    assert_int_equal(sys_file_folders(sys_file_real(), kv), ERR_OK);
    assert_int_equal(
        store_journal_open(
            &(struct store_journal_config){.files = sys_file_real(),
                                           .loop = state,
                                           .random = sys_random(),
                                           .stats = &w->stats,
                                           .folder = journal,
                                           .shards = 1,
                                           .file_bytes = 1 << 20,
                                           .threads = true,
                                           .ignore_marks = true},
            &w->journal, &note),
        ERR_OK);
    assert_int_equal(
        store_kv_open(&(struct store_kv_config){.journal = w->journal,
                                                .loop = state,
                                                .stats = &w->stats,
                                                .folder = kv,
                                                .owner = 2,
                                                .map_bytes = 64 << 20,
                                                .no_sync = true},
                      &w->kv, &note),
        ERR_OK);
    assert_int_equal(
        store_ts_open(&(struct store_ts_config){.journal = w->journal,
                                                .kv = w->kv,
                                                .loop = ingest,
                                                .worker = state,
                                                .files = sys_file_real(),
                                                .stats = &w->stats,
                                                .folder = seg},
                      &w->ts, NULL, NULL, &note),
        ERR_OK);
    assert_int_equal(store_journal_start(w->journal), ERR_OK);
    assert_int_equal(stream_new(&(struct stream_config){.journal = w->journal,
                                                        .loop = ingest,
                                                        .port = &w->port,
                                                        .packs = &w->packs,
                                                        .stats = &w->stats},
                                &w->stream),
                     ERR_OK);
    assert_int_equal(stream_start(w->stream, w->ts, 0), ERR_OK);
    base_mem_free(journal);
    base_mem_free(kv);
    base_mem_free(seg);
}

static void
world_samples(struct world *w)
{
    static const char *const ids[] = {"88.31.1001/a", "88.31.1001/b"};
    uint64_t sequence = 0;
    w->now = base_loop_wall(sys_loop_base(w->ingest)).ms / 1000 * 1000;
    for (unsigned i = 0; i < 2; i++) {
        struct stream_point points[2] = {
            {base_bytes_text("temp"),
             {.mantissa = 215 + i, .exponent = 1, .kind = BASE_NUM_DECIMAL}},
            {base_bytes_text("parts_total"),
             {.mantissa = 7, .kind = BASE_NUM_DECIMAL}},
        };
        stream_learn(w->stream, base_bytes_text(ids[i]));
        assert_int_equal(
            stream_write(w->stream,
                         &(struct stream_sample){.id = base_bytes_text(ids[i]),
                                                 .t = w->now,
                                                 .points = points,
                                                 .count = 2},
                         &sequence, NULL),
            ERR_OK);
    }
    assert_int_equal(
        store_journal_flush(w->journal, STORE_JOURNAL_SAMPLES, sequence),
        ERR_OK);
}

static void
world_http(struct world *w)
{
    struct net_http_route routes[API_PROM_ROUTES];
    w->prom = (struct api_prom){
        .stream = w->stream,
        .port = &w->port,
        .ingest = sys_loop_base(w->ingest),
        .state = sys_loop_base(w->state),
        .version = "test",
    };
    assert_int_equal(net_new(w->http_loop, &w->stats, &w->net), ERR_OK);
    assert_int_equal(net_http_new(
                         &(struct net_http_config){
                             .net = w->net,
                             .loop = w->http_loop,
                             .stats = &w->stats,
                             .server = "dougong/test",
                             .anonymous = {.roles = MODEL_GRANT_VIEWER,
                                           .scope = base_bytes_text("*")}},
                         &w->http),
                     ERR_OK);
    api_prom_routes(&w->prom, routes);
    assert_int_equal(net_http_routes(w->http, routes, API_PROM_ROUTES), ERR_OK);
    assert_int_equal(
        net_listen(w->net,
                   &(struct net_listener_config){.address = "127.0.0.1",
                                                 .proto = net_http_proto(),
                                                 .door = w->http,
                                                 .plain = true},
                   &w->listener, NULL),
        ERR_OK);
}

static int
world_new(void **state)
{
    static const struct model_port_ops ops = {.ask = test_ask,
                                              .tell = test_tell};
    struct world *w = base_mem_zero(sizeof *w);
    w->port =
        (struct model_port){.ops = &ops, .own = base_bytes_text("88.31.1001")};
    base_stat_init(&w->stats);
    strcpy(w->folder, "/tmp/api_prom_test.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    assert_int_equal(sys_loop_new("http", &w->http_loop), ERR_OK);
    assert_int_equal(sys_loop_new("ingest", &w->ingest), ERR_OK);
    assert_int_equal(sys_loop_new("state", &w->state), ERR_OK);
    world_store(w);
    world_samples(w);
    world_http(w);
    assert_int_equal(sys_loop_start(w->http_loop), ERR_OK);
    assert_int_equal(sys_loop_start(w->ingest), ERR_OK);
    assert_int_equal(sys_loop_start(w->state), ERR_OK);
    *state = w;
    return 0;
}

static int
world_free(void **state)
{
    struct world *w = *state;
    struct sys_loop *loops[] = {w->http_loop, w->ingest, w->state};
    for (unsigned i = 0; i < 3; i++) {
        sys_loop_stop(loops[i]);
        sys_loop_join(loops[i]);
    }
    net_free(w->net);
    net_http_free(w->http);
    store_ts_shut(w->ts);
    store_kv_shut(w->kv);
    store_journal_shut(w->journal);
    stream_free(w->stream);
    for (unsigned i = 0; i < 3; i++)
        sys_loop_free(loops[i]);
    base_stat_done(&w->stats);
    char *command = base_mem_format("rm -rf '%s'", w->folder);
    assert_int_equal(system(command), 0);
    base_mem_free(command);
    base_mem_free(w);
    return 0;
}

/* --- the client --- */

static int
client_connect(struct world *w)
{
    struct sockaddr_in peer = {
        .sin_family = AF_INET,
        .sin_port = htons(net_listener_port(w->listener)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct timeval patience = {.tv_sec = 15};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof peer), 0);
    return fd;
}

/* The status; the body stands in w->body. */
static int
client_send(struct world *w, const char *request)
{
    static char text[sizeof w->body];
    size_t size = 0;
    int fd = client_connect(w), status = 0;
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL),
                     strlen(request));
    for (ssize_t n; size < sizeof text - 1 &&
                    (n = recv(fd, text + size, sizeof text - 1 - size, 0)) > 0;)
        size += (size_t)n;
    close(fd);
    text[size] = 0;
    assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
    const char *body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    strcpy(w->body, body + 4);
    return status;
}

static int
get(struct world *w, const char *path)
{
    char *request = base_mem_format("GET %s HTTP/1.1\r\nHost: localhost\r\n"
                                    "Connection: close\r\n\r\n",
                                    path);
    int status = client_send(w, request);
    base_mem_free(request);
    return status;
}

static void
assert_body(struct world *w, const char *want)
{
    json_t *got = json_loads(w->body, 0, NULL), *as = json_loads(want, 0, NULL);
    assert_non_null(as);
    if (!got || !json_equal(got, as))
        fail_msg("got %s, wanted %s", w->body, want);
    json_decref(got);
    json_decref(as);
}

/* --- tests --- */

static void
grafanas_health_check_is_scalar_two(void **state)
{
    struct world *w = *state;
    assert_int_equal(get(w, "/api/v1/query?query=1%2B1&time=4"), 200);
    assert_body(w, "{\"status\":\"success\",\"data\":{\"resultType\":"
                   "\"scalar\",\"result\":[4,\"2\"]}}");
    assert_int_equal(
        client_send(w, "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\n"
                       "Connection: close\r\nContent-Type: "
                       "application/x-www-form-urlencoded\r\n"
                       "Content-Length: 18\r\n\r\nquery=1%2B1&time=4"),
        200);
    assert_body(w, "{\"status\":\"success\",\"data\":{\"resultType\":"
                   "\"scalar\",\"result\":[4,\"2\"]}}");
    assert_int_equal(get(w, "/api/v1/status/buildinfo"), 200);
    assert_non_null(strstr(w->body, "\"3.14.0\""));
}

static void
curves_are_drawn(void **state)
{
    struct world *w = *state;
    long long now = (long long)(w->now / 1000);
    char *path = base_mem_format("/api/v1/query_range?query=temp%%7Bid%%3D%%22"
                                 "88.31.1001%%2Fa%%22%%7D&start=%lld&end=%lld&"
                                 "step=15s",
                                 now - 15, now + 15);
    char *want = base_mem_format(
        "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\","
        "\"result\":[{\"metric\":{\"__name__\":\"temp\",\"id\":"
        "\"88.31.1001/a\"},\"values\":[[%lld,\"21.5\"],[%lld,\"21.5\"]]}]}}",
        now, now + 15);
    assert_int_equal(get(w, path), 200);
    assert_body(w, want);
    base_mem_free(path);
    base_mem_free(want);
}

static void
series_and_labels_are_listed(void **state)
{
    struct world *w = *state;
    assert_int_equal(get(w, "/api/v1/labels"), 200);
    assert_body(w, "{\"status\":\"success\",\"data\":[\"__name__\",\"id\"]}");
    assert_int_equal(get(w, "/api/v1/label/__name__/values"), 200);
    assert_body(w, "{\"status\":\"success\",\"data\":[\"parts_total\","
                   "\"temp\"]}");
    assert_int_equal(get(w, "/api/v1/label/id/values?limit=1&match[]=temp"),
                     200);
    assert_body(w, "{\"status\":\"success\",\"data\":[\"88.31.1001/a\"]}");
    assert_int_equal(
        get(w, "/api/v1/series?match[]=%7Bid%3D~%22.*b%22%7D&match[]=temp"),
        200);
    assert_body(
        w, "{\"status\":\"success\",\"data\":[{\"__name__\":\"parts_total\","
           "\"id\":\"88.31.1001/b\"},{\"__name__\":\"temp\",\"id\":"
           "\"88.31.1001/a\"},{\"__name__\":\"temp\",\"id\":"
           "\"88.31.1001/b\"}]}");
    assert_int_equal(get(w, "/api/v1/metadata"), 200);
    assert_non_null(strstr(w->body, "counter"));
    assert_int_equal(get(w, "/api/v1/rules"), 200);
    assert_body(w, "{\"status\":\"success\",\"data\":{\"groups\":[]}}");
    assert_int_equal(get(w, "/api/v1/query_exemplars?query=m"), 200);
    assert_body(w, "{\"status\":\"success\",\"data\":[]}");
}

static void
refusals_have_prometheus_words(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *path, *type, *error;
        int status;
    } rows[] = {
        {"/api/v1/query?query=1%20%2B", "bad_data",
         "invalid parameter \"query\": 1:4: parse error: unexpected end of "
         "input",
         400},
        {"/api/v1/query?query=m&time=x", "bad_data",
         "invalid parameter \"time\": cannot parse \"x\" to a valid timestamp",
         400},
        {"/api/v1/query_range?query=m&start=2&end=1&step=1", "bad_data",
         "invalid parameter \"end\": end timestamp must not be before start "
         "time",
         400},
        {"/api/v1/query_range?query=m&start=1&end=2&step=0", "bad_data",
         "invalid parameter \"step\": zero or negative query resolution step "
         "widths are not accepted. Try a positive integer",
         400},
        {"/api/v1/query_range?query=m&start=0&end=11001&step=1", "bad_data",
         "exceeded maximum resolution of 11,000 points per timeseries. Try "
         "decreasing the query resolution (?step=XX)",
         400},
        {"/api/v1/query_range?query=m%5B1m%5D&start=0&end=1&step=1", "bad_data",
         "invalid parameter \"query\": invalid expression type \"range vector\""
         " for range query, must be Scalar or instant Vector",
         400},
        {"/api/v1/series", "bad_data", "no match[] parameter provided", 400},
        {"/api/v1/query?query=sum(temp)", "execution",
         "aggregation sum is not supported yet: selectors and arithmetic on "
         "numbers are",
         422},
    };
    for (unsigned i = 0; i < BASE_COUNT(rows); i++) {
        assert_int_equal(get(w, rows[i].path), rows[i].status);
        json_t *body = json_loads(w->body, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(body, "status")),
                            "error");
        assert_string_equal(
            json_string_value(json_object_get(body, "errorType")),
            rows[i].type);
        assert_string_equal(json_string_value(json_object_get(body, "error")),
                            rows[i].error);
        json_decref(body);
    }
}

static void
another_nodes_curve_is_fetched_there(void **state)
{
    struct world *w = *state;
    assert_int_equal(
        get(w, "/api/v1/query?query=m%7Bid%3D%2288.31.1002%2Fx%22%7D"), 200);
    assert_body(w, "{\"status\":\"success\",\"data\":{\"resultType\":"
                   "\"vector\",\"result\":[]}}");
    assert_int_equal(
        get(w, "/api/v1/query?query=m%7Bid%3D%2288.31.1003%2Fx%22%7D"), 422);
    assert_body(w, "{\"status\":\"error\",\"errorType\":\"execution\","
                   "\"error\":\"no such thing\"}");
    assert_int_equal(
        get(w, "/api/v1/query?query=m%7Bid%3D%2288.44.9999%2Fx%22%7D"), 503);
    assert_body(w, "{\"status\":\"error\",\"errorType\":\"unavailable\","
                   "\"error\":\"the node of 88.44.9999 could not be asked: no "
                   "way there\"}");
}

static void
another_nodes_series_and_labels_are_fetched_there(void **state)
{
#define THERE "match[]=%7Bid%3D%2288.31.1002%2Fx%22%7D"
#define HERE "match[]=%7Bid%3D%2288.31.1001%2Fa%22%7D"
    struct world *w = *state;
    assert_int_equal(get(w, "/api/v1/series?" THERE), 200);
    assert_body(w, "{\"status\":\"success\",\"data\":[{\"__name__\":\"rpm\","
                   "\"id\":\"88.31.1002/x\"},{\"__name__\":\"runs_total\","
                   "\"id\":\"88.31.1002/x\"}]}");
    assert_int_equal(get(w, "/api/v1/labels?" THERE), 200);
    assert_body(w, "{\"status\":\"success\",\"data\":[\"__name__\",\"id\"]}");
    assert_int_equal(get(w, "/api/v1/label/__name__/values?limit=1&" THERE),
                     200);
    assert_body(w, "{\"status\":\"success\",\"data\":[\"rpm\"]}");
    assert_int_equal(get(w, "/api/v1/metadata?" THERE), 200);
    assert_non_null(strstr(w->body, "\"runs_total\":[{\"type\":\"counter\""));
    /* Two nodes in one question: what is here. */
    assert_int_equal(get(w, "/api/v1/label/id/values?" THERE "&" HERE), 200);
    assert_body(w, "{\"status\":\"success\",\"data\":[\"88.31.1001/a\"]}");
    assert_int_equal(
        get(w, "/api/v1/labels?match[]=%7Bid%3D%2288.31.1004%2Fx%22%7D"), 500);
    assert_int_equal(
        get(w, "/api/v1/series?match[]=%7Bid%3D%2288.44.9999%2Fx%22%7D"), 503);
#undef THERE
#undef HERE
}

/* --- the answering side of channel 20 --- */

struct asked {
    struct model_answer answer; /* first */
    struct world *world;
    struct base_task task;
    unsigned row;
    struct base_out body, got;
    enum err err;
    _Atomic int done;
};

static void
asked_answer(struct model_answer *answer, enum err err, struct bytes body)
{
    struct asked *asked = (struct asked *)(void *)answer;
    assert_true(base_loop_inside(sys_loop_base(asked->world->state)));
    asked->err = err;
    base_out_bytes_add(&asked->got, body);
    asked->done = 1;
}

static void
asked_take(struct base_task *task)
{
    struct asked *asked = BASE_OUTER(task, struct asked, task);
    struct model_call_row rows[API_PROM_ROWS], row;
    api_prom_rows(&asked->world->prom, rows);
    row = rows[asked->row];
    struct model_message message = {.channel = row.channel,
                                    .from = base_bytes_text("88"),
                                    .kind = row.kind,
                                    .body = base_out_bytes(&asked->body)};
    row.take(row.engine, &message, &asked->answer);
}

static enum err
ask_row(struct world *w, unsigned row, const char *query, struct bytes raw)
{
    struct asked asked = {
        .answer.answer = asked_answer, .world = w, .row = row};
    base_out_grow(&asked.body, 1 << 16);
    base_out_grow(&asked.got, 1 << 16);
    base_out_bytes_add(&asked.body, raw);
    if (query) {
        base_out_u8(&asked.body, 1);
        base_out_u64le(&asked.body, (uint64_t)w->now);
        base_out_u64le(&asked.body, (uint64_t)w->now);
        base_out_u64le(&asked.body, 0);
        base_out_u64le(&asked.body, 0);
        base_out_u32le(&asked.body, 0);
        base_out_text(&asked.body, query);
    }
    asked.task.fn = asked_take;
    base_loop_post(sys_loop_base(w->state), &asked.task);
    for (unsigned i = 0; i < 12000 && !asked.done; i++)
        usleep(5000);
    assert_int_equal(asked.done, 1);
    base_bytes_string(base_out_bytes(&asked.got), w->body, sizeof w->body);
    base_out_done(&asked.body);
    base_out_done(&asked.got);
    return asked.err;
}

static enum err
ask_here(struct world *w, const char *query, struct bytes raw)
{
    return ask_row(w, 0, query, raw);
}

static void
series_are_listed_for_who_is_above(void **state)
{
    struct world *w = *state;
    uint8_t room[200];
    struct base_out body;
    static const char *const selectors[] = {"temp{id=\"88.31.1001/b\"}",
                                            "temp{id=\"88.31.1001/a\"}"};
    base_out_fixed(&body, room, sizeof room);
    base_out_u8(&body, 1);
    base_out_u64le(&body, 0);
    base_out_u64le(&body, (uint64_t)w->now + 1);
    base_out_u32le(&body, 0);
    for (unsigned i = 0; i < 2; i++) {
        base_out_varint(&body, strlen(selectors[i]));
        base_out_text(&body, selectors[i]);
    }
    assert_int_equal(ask_row(w, 1, NULL, base_out_bytes(&body)), ERR_OK);
    assert_string_equal(w->body,
                        "[{\"__name__\":\"temp\",\"id\":\"88.31.1001/a\"},"
                        "{\"__name__\":\"temp\",\"id\":\"88.31.1001/b\"}]");
    base_out_u8(&body, 9); /* a selector that is cut off */
    assert_int_equal(ask_row(w, 1, NULL, base_out_bytes(&body)), ERR_SYNTAX);
    assert_int_equal(ask_row(w, 1, NULL, base_bytes_text("\2")), ERR_SYNTAX);
}

static void
a_question_from_above_is_answered_on_the_state_loop(void **state)
{
    struct world *w = *state;
    struct bytes none = {NULL, 0};
    assert_int_equal(ask_here(w, "temp{id=\"88.31.1001/b\"}", none), ERR_OK);
    assert_non_null(strstr(w->body, "\"21.6\""));
    assert_int_equal(ask_here(w, "sum(temp)", none), ERR_UNSUPPORTED);
    assert_non_null(strstr(w->body, "aggregation sum"));
    assert_int_equal(ask_here(w, NULL, base_bytes_text("\1short")), ERR_SYNTAX);
    assert_int_equal(ask_here(w, NULL, none), ERR_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grafanas_health_check_is_scalar_two),
        cmocka_unit_test(curves_are_drawn),
        cmocka_unit_test(series_and_labels_are_listed),
        cmocka_unit_test(refusals_have_prometheus_words),
        cmocka_unit_test(another_nodes_curve_is_fetched_there),
        cmocka_unit_test(another_nodes_series_and_labels_are_fetched_there),
        cmocka_unit_test(a_question_from_above_is_answered_on_the_state_loop),
        cmocka_unit_test(series_are_listed_for_who_is_above),
    };
    return cmocka_run_group_tests(tests, world_new, world_free);
}
