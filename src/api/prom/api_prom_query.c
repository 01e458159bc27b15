/* api_prom_query.c -- query and query_range: here, or at the node that owns the
 * identifier (api_prom_away.c).
 *
 * QUERY's body, little-endian: version u8 1, start i64, end i64, step i64,
 * lookback i64, limit u32, then the text. */
#include "api/prom/api_prom_inner.h"
#include "base/base_cur.h"
#include "base/base_mem.h"

enum { QUERY_VERSION = 1, QUERY_BODY_MAX = 1 << 20 };

static enum err
query_here(struct api_prom *prom, const struct model_grant_principal *who,
           const struct stream_query *query, struct base_arena *arena,
           struct base_out *out, struct base_note *note)
{
    struct stream_query_result result = {0};
    enum err err = stream_query_run(prom->stream, query, arena, &result, note);
    uint32_t seen = 0;
    for (uint32_t i = 0; err == ERR_OK && i < result.count; i++)
        if (api_prom_may(prom, who, result.series[i].labels))
            result.series[seen++] = result.series[i];
    result.count = seen;
    if (err == ERR_OK)
        err = stream_query_json(&result, out);
    return err;
}

enum err
api_prom_query_run(struct api_prom *prom,
                   const struct model_grant_principal *who, struct bytes body,
                   struct base_arena *arena, struct base_out *out,
                   struct base_note *note)
{
    struct base_cur cur;
    struct stream_query query = {0};
    base_cur_init(&cur, body);
    uint8_t version = base_cur_u8(&cur);
    query.start = (int64_t)base_cur_u64le(&cur);
    query.end = (int64_t)base_cur_u64le(&cur);
    query.step = (int64_t)base_cur_u64le(&cur);
    query.lookback = (int64_t)base_cur_u64le(&cur);
    query.limit = base_cur_u32le(&cur);
    query.text = base_cur_rest(&cur);
    if (!base_cur_ok(&cur) || version != QUERY_VERSION)
        return ERR_SYNTAX;
    return query_here(prom, who, &query, arena, out, note);
}

static void
query_away(struct api_prom *prom, struct net_http_request *request,
           const struct stream_query *query, struct bytes prefix)
{
    struct base_out body;
    base_out_grow(&body, QUERY_BODY_MAX);
    base_out_u8(&body, QUERY_VERSION);
    base_out_u64le(&body, (uint64_t)query->start);
    base_out_u64le(&body, (uint64_t)query->end);
    base_out_u64le(&body, (uint64_t)query->step);
    base_out_u64le(&body, (uint64_t)query->lookback);
    base_out_u32le(&body, query->limit);
    base_out_bytes_add(&body, query->text);
    api_prom_away(prom, request, MODEL_KIND_DATA_CALL_QUERY, prefix,
                  base_out_bytes(&body), api_prom_data);
    base_out_done(&body);
}

/* --- HTTP --- */

static void
query_http(struct api_prom *prom, struct net_http_request *request, bool range)
{
    struct stream_query query;
    struct base_note note = {0};
    struct base_out out;
    struct base_arena arena;
    int64_t now = base_loop_wall(prom->ingest).ms;
    enum err err = api_prom_query_read(request, now, range, &query, &note);
    if (err != ERR_OK) {
        api_prom_fail(request, err, &note);
        return;
    }
    base_arena_init(&arena, API_PROM_ARENA);
    struct bytes away = api_prom_away_prefix(prom, &arena, query.text);
    if (away.size > 0) {
        query_away(prom, request, &query, away);
        base_arena_done(&arena);
        return;
    }
    base_out_grow(&out, API_PROM_ANSWER);
    err = query_here(prom, &request->principal, &query, &arena, &out, &note);
    if (err == ERR_OK)
        api_prom_data(request, base_out_bytes(&out));
    else
        api_prom_fail(request, err, &note);
    base_out_done(&out);
    base_arena_done(&arena);
}

void
api_prom_query(void *self, struct net_http_request *request)
{
    query_http(self, request, false);
}

void
api_prom_query_range(void *self, struct net_http_request *request)
{
    query_http(self, request, true);
}
