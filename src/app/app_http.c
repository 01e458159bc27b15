/* app_http.c -- the HTTP door: every api folder's routes, and the node's own.
 *
 * Own paths  /healthz  200 while the process runs
 *            /readyz   200 when it takes writes; 503 and why otherwise
 *            /metrics  OpenMetrics
 * Output commit  a reply is held until the journal has synced all that was
 *            appended when the handler gave it (RULINGS 1). */
#include "app/app_node.h"
#include "app/app_parts.h"
#include "base/base_mem.h"
#include "base/base_rng.h"
#include "sys/sys_host.h"
#include "sys/sys_random.h"

enum { HTTP_METRICS_MAX = 16 << 20 };

/* --- holding replies --- */

struct http_hold {
    struct store_journal_wait wait;
    struct net_http_hold *hold;
};

_Static_assert(sizeof(struct http_hold) <=
                   sizeof(((struct net_http_hold *)0)->room),
               "a hold has room for a wait");

static void
http_durable(struct store_journal_wait *wait, enum err err)
{
    struct http_hold *held = BASE_OUTER(wait, struct http_hold, wait);
    held->hold->fn(held->hold, err);
}

static void
http_hold(void *self, struct net_http_hold *hold)
{
    struct app_parts *parts = self;
    struct http_hold *held = (struct http_hold *)(void *)hold->room;
    *held = (struct http_hold){
        .wait = {.fn = http_durable, .loop = sys_loop_base(parts->http_loop)},
        .hold = hold,
    };
    store_journal_barrier(parts->journal, &held->wait);
}

/* --- the node's own paths --- */

static void
http_healthz(void *self, struct net_http_request *request)
{
    (void)self;
    net_http_reply(request, 200, "text/plain", base_bytes_text("ok\n"));
}

static void
http_readyz(void *self, struct net_http_request *request)
{
    struct app_parts *parts = self;
    struct store_journal_health health;
    struct base_note note;
    store_journal_health(parts->journal, &health);
    if (health.state == STORE_JOURNAL_FULLD) {
        base_err_note(&note, ERR_FULL, "no space: writes are refused. %s",
                      health.why);
        net_http_reply_header(request, "Retry-After", "30");
        net_http_problem(request, 503, &note);
    } else if (health.state == STORE_JOURNAL_FAILED) {
        base_err_note(&note, ERR_IO, "the journal failed; restart. %s",
                      health.why);
        net_http_problem(request, 503, &note);
    } else if (health.quarantined > 0) {
        base_err_note(&note, ERR_CORRUPT,
                      "%llu damaged journal files are in quarantine. %s",
                      (unsigned long long)health.quarantined, health.why);
        net_http_problem(request, 503, &note);
    } else {
        net_http_reply(request, 200, "text/plain", base_bytes_text("ready\n"));
    }
}

static void
http_metrics(void *self, struct net_http_request *request)
{
    struct app_parts *parts = self;
    struct base_out out;
    int64_t rss = 0, cpu = 0;
    if (sys_host_self(&rss, &cpu) == ERR_OK) {
        base_stat_set(&parts->rss, rss);
        base_stat_set(&parts->cpu, cpu / 1000);
    }
    base_stat_set(&parts->up,
                  (base_loop_wall(parts->state).ms - parts->started_ms) / 1000);
    base_out_grow(&out, HTTP_METRICS_MAX);
    base_stat_write(&parts->stats, &out);
    if (base_out_ok(&out))
        net_http_reply(request, 200,
                       "application/openmetrics-text; version=1.0.0; "
                       "charset=utf-8",
                       base_out_bytes(&out));
    else
        net_http_reply_err(request, out.failed, NULL);
    base_out_done(&out);
}

static void
http_stats(struct app_parts *parts)
{
    base_stat_add(&parts->stats, &parts->rss, BASE_STAT_GAUGE,
                  "dougong_process_resident_kibibytes", "", "Resident memory.");
    base_stat_add(&parts->stats, &parts->cpu, BASE_STAT_GAUGE,
                  "dougong_process_cpu_milliseconds", "",
                  "Processor time used since the start.");
    base_stat_add(&parts->stats, &parts->up, BASE_STAT_GAUGE,
                  "dougong_process_uptime_seconds", "",
                  "Time since the start.");
}

/* --- what is done once --- */

static enum err
http_once_begin(void *self, const uint8_t id[32], const uint8_t digest[32],
                struct net_http_once_answer *ret_answer)
{
    struct app_parts *parts = self;
    struct store_once_answer kept = {0};
    enum err err = store_once_begin(&parts->once, id, digest,
                                    base_loop_wall(parts->state).ms, &kept);
    *ret_answer =
        (struct net_http_once_answer){kept.status, kept.type, kept.body};
    return err;
}

static void
http_once_end(void *self, const uint8_t id[32], unsigned status,
              struct bytes type, struct bytes body)
{
    struct app_parts *parts = self;
    store_once_end(&parts->once, id, status, type, body);
}

static void
http_once_forget(void *self, const uint8_t id[32])
{
    struct app_parts *parts = self;
    store_once_forget(&parts->once, id);
}

static struct net_http_once
http_once(struct app_parts *parts)
{
    parts->once.kv = parts->kvs[0];
    parts->once.boot = base_rng_u64(sys_random());
    base_stat_add(&parts->stats, &parts->once.dropped, BASE_STAT_COUNTER,
                  "dougong_http_idempotency_dropped_total", "",
                  "Keys forgotten within 24 h, for newer ones.");
    return (struct net_http_once){parts->state, http_once_begin, http_once_end,
                                  http_once_forget, parts};
}

/* --- all routes --- */

static enum err
http_routes(struct app_parts *parts)
{
    struct net_http_route own[] = {
        {NET_HTTP_GET, "/healthz", MODEL_GRANT_OPEN, NULL, NULL, http_healthz,
         parts, 0},
        {NET_HTTP_GET, "/readyz", MODEL_GRANT_OPEN, NULL, parts->state,
         http_readyz, parts, 0},
        {NET_HTTP_GET, "/metrics", MODEL_GRANT_STATE, NULL, parts->state,
         http_metrics, parts, 0},
        {0},
    };
    struct net_http_route est[API_EST_ROUTES], tree[API_TREE_ROUTES];
    app_tree_route(&parts->tree, &own[3]);
    parts->api_tree = (struct api_tree){
        .ident = parts->ident,
        .describe = app_tree_describe,
        .alerts = app_tree_alerts,
        .link = app_tree_link,
        .self = &parts->tree,
        .rollup = parts->rollup,
        .stream = parts->stream,
        .state = parts->state,
        .ingest = parts->ingest,
        .raise = app_link_raise,
        .raise_self = parts,
    };
    parts->api_est =
        (struct api_est){parts->ident, parts->keys.ca, &parts->audit.log.model};
    api_tree_routes(&parts->api_tree, parts->state, tree);
    api_est_routes(&parts->api_est, parts->state, est);
    enum err err = net_http_routes(parts->http, own, BASE_COUNT(own));
    if (err == ERR_OK)
        err = net_http_routes(parts->http, tree, API_TREE_ROUTES);
    if (err == ERR_OK)
        err = net_http_routes(parts->http, est, API_EST_ROUTES);
    return err;
}

enum err
app_http_open(struct app_parts *parts)
{
    const struct app_config_door *door = &parts->config->doors[APP_DOOR_HTTP];
    struct net_http_config config = {
        .net = parts->http_net,
        .loop = parts->http_loop,
        .stats = &parts->stats,
        .log = &parts->log->log,
        .hold = http_hold,
        .hold_self = parts,
        .server = "dougong/" DOUGONG_VERSION,
        .names = parts->config->names.at,
        .name_count = parts->config->names.count,
        .node = base_bytes_text(parts->config->node),
        .anonymous = {.roles = parts->config->anonymous,
                      .scope =
                          base_bytes_text(parts->config->anonymous ? "*" : "")},
        .requests = parts->config->requests,
        .identify = app_people_identify,
        .identify_self = parts,
        .once = http_once(parts),
    };
    http_stats(parts);
    enum err err = net_http_new(&config, &parts->http);
    if (err == ERR_OK)
        err = http_routes(parts);
    if (err == ERR_OK)
        err = app_people_routes(parts);
    if (err == ERR_OK)
        err = app_mqtt_routes(parts);
    if (err == ERR_OK)
        err = app_engines_http(parts);
    if (err != ERR_OK)
        return base_err_note(parts->note, err, "HTTP routes: %s",
                             base_err_text(err));
    struct net_listener_config listener = {
        .address = parts->config->bind,
        .port = door->port,
        .proto = net_http_proto(),
        .door = parts->http,
        .plain = true,
        .tls = true,
        .context = parts->door_tls,
        .connections_max = door->connections,
    };
    return net_listen(parts->http_net, &listener, &parts->http_listener,
                      parts->note);
}

/* After net_free. */
void
app_http_free(struct app_parts *parts)
{
    if (parts->http == NULL)
        return;
    net_http_free(parts->http);
    base_stat_drop(&parts->stats, &parts->once.dropped);
    base_stat_drop(&parts->stats, &parts->rss);
    base_stat_drop(&parts->stats, &parts->cpu);
    base_stat_drop(&parts->stats, &parts->up);
}
