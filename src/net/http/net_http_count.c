/* net_http_count.c -- what is counted, per route and for all.
 *
 * A row (route, code) enters the node's list when it is first counted: all are
 * bounded by the two tables, few are ever seen. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base_mem.h"
#include "net/http/net_http_inner.h"

static const unsigned count_codes[] = {
    200, 201, 202, 204, 206, 301, 302, 303, 304, 400, 401, 403,
    404, 405, 406, 408, 409, 410, 411, 412, 413, 415, 417, 421,
    422, 428, 429, 431, 500, 501, 502, 503, 504, 505, 507, 0 /* others */};

enum { COUNT_CODES = BASE_COUNT(count_codes) };

struct count_row {
    struct base_stat stat;
    char labels[];
};

struct net_http_counts {
    struct count_row *codes[COUNT_CODES];
    struct count_row *seconds;
    struct base_stat_histogram histogram;
};

static const struct {
    unsigned status;
    const char *labels;
} count_refused[] = {
    {400, "why=\"bad\""},  {403, "why=\"origin\""},  {408, "why=\"slow\""},
    {413, "why=\"body\""}, {421, "why=\"host\""},    {431, "why=\"head\""},
    {503, "why=\"busy\""}, {504, "why=\"handler\""}, {505, "why=\"version\""},
    {0, "why=\"other\""},
};

static const struct {
    enum err err; /* what became of a request with a key */
    const char *labels;
} count_once[] = {
    {ERR_OK, "result=\"done\""},         {ERR_USED, "result=\"repeated\""},
    {ERR_AGAIN, "result=\"under_way\""}, {ERR_LOST, "result=\"unknown\""},
    {ERR_MISMATCH, "result=\"other\""},  {ERR_COUNT, "result=\"refused\""},
};
_Static_assert(BASE_COUNT(count_once) == NET_HTTP_ONCE_RESULTS, "all counted");

static void
count_add(struct net_http *http, struct base_stat *stat,
          enum base_stat_kind kind, const char *name, const char *help)
{
    base_stat_add(http->config.stats, stat, kind, name, "", help);
}

void
net_http_count_init(struct net_http *http)
{
    struct net_http_totals *totals = &http->totals;
    count_add(http, &totals->under_way, BASE_STAT_GAUGE,
              "dougong_http_under_way", "Requests taken and not yet answered.");
    count_add(http, &totals->bodies, BASE_STAT_GAUGE, "dougong_http_bodies",
              "Request bodies being read.");
    for (unsigned i = 0; i < BASE_COUNT(count_once); i++)
        base_stat_add(http->config.stats, &totals->once[i], BASE_STAT_COUNTER,
                      "dougong_http_idempotency_total", count_once[i].labels,
                      "Requests that came with an Idempotency-Key to a path "
                      "that keeps to it.");
    for (unsigned i = 0; i < BASE_COUNT(count_refused); i++)
        base_stat_add(http->config.stats, &totals->refused[i],
                      BASE_STAT_COUNTER, "dougong_http_refused_total",
                      count_refused[i].labels,
                      "Requests refused before a handler saw them, or for "
                      "want of its answer.");
}

static void
count_free(struct net_http *http, struct net_http_route_node *node)
{
    struct net_http_counts *counts = node->counts;
    if (!counts)
        return;
    for (unsigned i = 0; i < COUNT_CODES; i++) {
        if (counts->codes[i])
            base_stat_drop(http->config.stats, &counts->codes[i]->stat);
        base_mem_free(counts->codes[i]);
    }
    base_stat_drop(http->config.stats, &counts->seconds->stat);
    base_mem_free(counts->seconds);
    base_mem_free(counts);
    node->counts = NULL;
}

void
net_http_count_done(struct net_http *http)
{
    struct net_http_totals *totals = &http->totals;
    base_stat_drop(http->config.stats, &totals->under_way);
    base_stat_drop(http->config.stats, &totals->bodies);
    for (unsigned i = 0; i < BASE_COUNT(count_once); i++)
        base_stat_drop(http->config.stats, &totals->once[i]);
    for (unsigned i = 0; i < BASE_COUNT(count_refused); i++)
        base_stat_drop(http->config.stats, &totals->refused[i]);
    for (unsigned i = 0; i < http->table.count; i++)
        count_free(http, http->table.nodes[i]);
    count_free(http, &http->none);
}

static struct count_row *
count_row_new(const char *pattern, unsigned code)
{
    size_t room = strlen(pattern) + 32;
    struct count_row *row = base_mem_zero(sizeof *row + room);
    int size = snprintf(row->labels, room, "route=\"%s\"", pattern);
    if (code)
        snprintf(row->labels + size, room - (size_t)size,
                 code > 999 ? ",code=\"other\"" : ",code=\"%u\"", code);
    return row;
}

static struct net_http_counts *
count_of(struct net_http *http, struct net_http_route_node *node,
         const char *pattern)
{
    struct net_http_counts *counts = node->counts;
    if (counts)
        return counts;
    counts = node->counts = base_mem_zero(sizeof *counts);
    counts->seconds = count_row_new(pattern, 0);
    counts->seconds->stat.histogram = &counts->histogram;
    base_stat_add(http->config.stats, &counts->seconds->stat,
                  BASE_STAT_HISTOGRAM, "dougong_http_request_seconds",
                  counts->seconds->labels,
                  "From a request's first byte to its answer.");
    return counts;
}

void
net_http_count(struct net_http *http, struct net_http_route_node *node,
               unsigned status, int64_t us)
{
    if (!node)
        node = &http->none;
    const char *pattern = node->rows ? node->rows->route.pattern : "";
    struct net_http_counts *counts = count_of(http, node, pattern);
    unsigned at = 0;
    while (count_codes[at] != status && at < COUNT_CODES - 1)
        at++;
    if (!counts->codes[at]) {
        counts->codes[at] =
            count_row_new(pattern, count_codes[at] ? status : 1000);
        base_stat_add(http->config.stats, &counts->codes[at]->stat,
                      BASE_STAT_COUNTER, "dougong_http_requests_total",
                      counts->codes[at]->labels, "Requests answered.");
    }
    base_stat_inc(&counts->codes[at]->stat, 1);
    base_stat_observe(&counts->seconds->stat, us);
}

void
net_http_count_refused(struct net_http *http, unsigned status)
{
    unsigned at = 0;
    while (count_refused[at].status != status && count_refused[at].status)
        at++;
    base_stat_inc(&http->totals.refused[at], 1);
}

void
net_http_count_once(struct net_http *http, enum err err)
{
    unsigned at = 0;
    while (count_once[at].err != err && count_once[at].err != ERR_COUNT)
        at++;
    base_stat_inc(&http->totals.once[at], 1);
}
