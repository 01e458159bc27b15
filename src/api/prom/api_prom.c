/* api_prom.c -- see api_prom.h. */
#include "api/prom/api_prom.h"

#include <stdlib.h>

#include "api/prom/api_prom_inner.h"
#include "base/base_cur.h"
#include "base/base_mem.h"

static const int64_t prom_far_ms = INT64_C(9000000000000);

/* --- the envelope --- */

static const char *
prom_error_type(enum err err, unsigned *ret_status)
{
    switch ((int)err) {
    case ERR_UNSUPPORTED:
    case ERR_LIMIT:
        *ret_status = 422;
        return "execution";
    case ERR_CORRUPT:
        *ret_status = 500;
        return "internal";
    case ERR_TIMEOUT:
        *ret_status = 503;
        return "timeout";
    case ERR_NOROUTE:
    case ERR_LOST:
    case ERR_BUSY:
    case ERR_IO:
        *ret_status = 503;
        return "unavailable";
    case ERR_ABSENT:
        *ret_status = 404;
        return "not_found";
    default:
        *ret_status = 400;
        return "bad_data";
    }
}

void
api_prom_fail(struct net_http_request *request, enum err err,
              const struct base_note *note)
{
    unsigned status;
    const char *type = prom_error_type(err, &status);
    const char *text =
        note != NULL && note->text[0] != '\0' ? note->text : base_err_text(err);
    /* Whatever a query says wrongly is the asker's: 400. */
    bool query = note != NULL && strcmp(note->where, "query") == 0;
    if (query)
        type = prom_error_type(ERR_SYNTAX, &status);
    net_http_reply_json(
        request, status,
        json_pack(
            "{s:s, s:s, s:o}", "status", "error", "errorType", type, "error",
            json_sprintf("%s%s", query ? "invalid parameter \"query\": " : "",
                         text)));
}

void
api_prom_data(struct net_http_request *request, struct bytes data)
{
    struct base_out out;
    base_out_grow(&out, data.size + 64);
    base_out_text(&out, "{\"status\":\"success\",\"data\":");
    base_out_bytes_add(&out, data);
    base_out_u8(&out, '}');
    net_http_reply(request, 200, "application/json", base_out_bytes(&out));
    base_out_done(&out);
}

bool
api_prom_may(const struct api_prom *prom,
             const struct model_grant_principal *who,
             const struct model_labels *labels)
{
    struct bytes id = model_label_get(labels, base_bytes_text("id"));
    struct model_grant_object object = {.name =
                                            id.size > 0 ? id : prom->port->own};
    return model_grant_check(who, MODEL_GRANT_SERIES, &object, NULL) == ERR_OK;
}

/* --- parameters --- */

/* Seconds with decimals, or RFC 3339. */
static enum err
prom_time(struct bytes text, int64_t fallback, int64_t *ret_ms)
{
    struct wall wall;
    struct dec seconds;
    if (text.size == 0) {
        *ret_ms = fallback;
        return ERR_OK;
    }
    if (base_time_parse(text, &wall) == ERR_OK) {
        *ret_ms = wall.ms;
        return ERR_OK;
    }
    enum err err = base_dec_parse(text, &seconds);
    if (err == ERR_OK)
        err = base_dec_to(seconds, 3, BASE_DEC_HALF_EVEN, ret_ms);
    if (err == ERR_OK && (*ret_ms > prom_far_ms || *ret_ms < -prom_far_ms))
        err = ERR_RANGE;
    return err;
}

static enum err
prom_span(struct bytes text, int64_t fallback, int64_t *ret_ms)
{
    if (text.size == 0) {
        *ret_ms = fallback;
        return ERR_OK;
    }
    if (base_time_span(text, ret_ms) == ERR_OK)
        return ERR_OK;
    return prom_time(text, fallback, ret_ms);
}

static enum err
prom_bad(struct base_note *note, enum err err, const char *name,
         struct bytes text)
{
    return base_err_note(note, err,
                         "invalid parameter \"%s\": cannot parse \"%.*s\" to a "
                         "valid %s",
                         name, (int)text.size, (const char *)text.at,
                         strcmp(name, "step") == 0 ? "duration" : "timestamp");
}

static enum err
prom_query_times(const struct net_http_request *request, int64_t now,
                 bool range, struct stream_query *query, struct base_note *note)
{
    static const char *const names[] = {"start", "end", "step"};
    int64_t *const to[] = {&query->start, &query->end, &query->step};
    struct bytes text;
    enum err err;
    if (!range) {
        text = net_http_query(request, "time");
        err = prom_time(text, now, &query->end);
        query->start = query->end;
        return err == ERR_OK ? err : prom_bad(note, err, "time", text);
    }
    for (unsigned i = 0; i < 3; i++) {
        text = net_http_query(request, names[i]);
        if (text.size == 0)
            return prom_bad(note, ERR_SYNTAX, names[i], text);
        err = i < 2 ? prom_time(text, 0, to[i]) : prom_span(text, 0, to[i]);
        if (err != ERR_OK)
            return prom_bad(note, err, names[i], text);
    }
    if (query->end < query->start)
        return base_err_note(note, ERR_RANGE,
                             "invalid parameter \"end\": end timestamp must "
                             "not be before start time");
    if (query->step <= 0)
        return base_err_note(note, ERR_RANGE,
                             "invalid parameter \"step\": zero or negative "
                             "query resolution step widths are not accepted. "
                             "Try a positive integer");
    return ERR_OK;
}

enum err
api_prom_query_read(const struct net_http_request *request, int64_t now,
                    bool range, struct stream_query *ret_query,
                    struct base_note *note)
{
    struct bytes lookback = net_http_query(request, "lookback_delta");
    struct bytes limit = net_http_query(request, "limit");
    uint64_t most = 0;
    *ret_query =
        (struct stream_query){.text = net_http_query(request, "query")};
    if (ret_query->text.size == 0)
        return base_err_note(note, ERR_SYNTAX,
                             "invalid parameter \"query\": unknown position: "
                             "parse error: no expression found in input");
    if (prom_span(lookback, 0, &ret_query->lookback) != ERR_OK)
        return prom_bad(note, ERR_SYNTAX, "lookback_delta", lookback);
    if (limit.size > 0 &&
        (base_bytes_u64(limit, &most) != ERR_OK || most > UINT32_MAX))
        return prom_bad(note, ERR_SYNTAX, "limit", limit);
    return prom_query_times(request, now, range, ret_query, note);
}

/* --- series, labels: here, or at the node that owns the identifier ---
 *
 * SERIES's body, little-endian: version u8 1, start i64, end i64, limit u32,
 * then per selector varint size and text.  The answer is the data of
 * /api/v1/series; what else is asked for is made from it by who asked. */

enum { SERIES_VERSION = 1, SERIES_BODY_MAX = 1 << 20 };

struct prom_select {
    struct bytes selectors[NET_HTTP_PARAMS];
    unsigned count;
    int64_t start, end;
    uint32_t limit; /* of series; 0: none */
};

struct prom_found {
    const struct model_labels **labels;
    uint32_t count;
};

typedef void prom_shape(struct net_http_request *request,
                        const struct prom_found *found);
typedef void prom_reply(struct net_http_request *request, struct bytes data);

static enum err
prom_select_read(const struct net_http_request *request, bool required,
                 struct prom_select *ret_select, struct base_note *note)
{
    struct prom_select *select = ret_select;
    struct bytes start = net_http_query(request, "start");
    struct bytes end = net_http_query(request, "end");
    struct bytes limit = net_http_query(request, "limit");
    uint64_t most = 0;
    *select = (struct prom_select){0};
    if (prom_time(start, 0, &select->start) != ERR_OK)
        return prom_bad(note, ERR_SYNTAX, "start", start);
    if (prom_time(end, prom_far_ms, &select->end) != ERR_OK)
        return prom_bad(note, ERR_SYNTAX, "end", end);
    if (limit.size > 0 &&
        (base_bytes_u64(limit, &most) != ERR_OK || most > UINT32_MAX))
        return prom_bad(note, ERR_SYNTAX, "limit", limit);
    for (unsigned i = 0; i < request->query_count; i++)
        if (base_bytes_is(request->query[i].name, "match[]") ||
            base_bytes_is(request->query[i].name, "match"))
            select->selectors[select->count++] = request->query[i].value;
    if (select->count == 0 && required)
        return base_err_note(note, ERR_SYNTAX, "no match[] parameter provided");
    if (select->count == 0)
        select->selectors[select->count++] =
            base_bytes_text("{__name__!=\"\"}");
    select->limit = required ? (uint32_t)most : 0;
    return ERR_OK;
}

/* The one foreign prefix that every selector names, or none. */
static struct bytes
prom_select_prefix(struct api_prom *prom, const struct prom_select *select,
                   struct base_arena *arena)
{
    struct bytes prefix = {0};
    for (unsigned i = 0; i < select->count; i++) {
        struct bytes its =
            api_prom_away_prefix(prom, arena, select->selectors[i]);
        if (its.size == 0 || (i > 0 && !base_bytes_equal_folded(its, prefix)))
            return (struct bytes){0};
        prefix = its;
    }
    return prefix;
}

static void
prom_select_away(struct api_prom *prom, struct net_http_request *request,
                 const struct prom_select *select, struct bytes prefix,
                 prom_reply *reply)
{
    struct base_out body;
    base_out_grow(&body, SERIES_BODY_MAX);
    base_out_u8(&body, SERIES_VERSION);
    base_out_u64le(&body, (uint64_t)select->start);
    base_out_u64le(&body, (uint64_t)select->end);
    base_out_u32le(&body, select->limit);
    for (unsigned i = 0; i < select->count; i++) {
        base_out_varint(&body, select->selectors[i].size);
        base_out_bytes_add(&body, select->selectors[i]);
    }
    api_prom_away(prom, request, MODEL_KIND_DATA_CALL_SERIES, prefix,
                  base_out_bytes(&body), reply);
    base_out_done(&body);
}

static enum err
prom_select_here(struct api_prom *prom, const struct model_grant_principal *who,
                 const struct prom_select *select, struct base_arena *arena,
                 struct prom_found *ret_found, struct base_note *note)
{
    uint32_t seen = 0;
    *ret_found = (struct prom_found){0};
    if (prom->stream == NULL)
        return ERR_OK;
    enum err err =
        stream_query_series_of(prom->stream, select->selectors, select->count,
                               select->start, select->end, select->limit, arena,
                               &ret_found->labels, &ret_found->count, note);
    for (uint32_t i = 0; err == ERR_OK && i < ret_found->count; i++)
        if (api_prom_may(prom, who, ret_found->labels[i]))
            ret_found->labels[seen++] = ret_found->labels[i];
    ret_found->count = seen;
    return err;
}

static json_t *
prom_labels(const struct model_labels *labels)
{
    json_t *map = json_object();
    for (uint32_t i = 0; i < labels->count; i++)
        json_object_setn_new(map, (const char *)labels->at[i].name.at,
                             labels->at[i].name.size,
                             json_stringn((const char *)labels->at[i].value.at,
                                          labels->at[i].value.size));
    return map;
}

static json_t *
prom_series_json(const struct prom_found *found)
{
    json_t *data = json_array();
    for (uint32_t i = 0; i < found->count; i++)
        json_array_append_new(data, prom_labels(found->labels[i]));
    return data;
}

static int
prom_dump(const char *at, size_t size, void *self)
{
    base_out_bytes_add(self, base_bytes(at, size));
    return base_out_ok(self) ? 0 : -1;
}

enum err
api_prom_series_run(struct api_prom *prom,
                    const struct model_grant_principal *who, struct bytes body,
                    struct base_arena *arena, struct base_out *out,
                    struct base_note *note)
{
    struct base_cur cur;
    struct prom_select select = {0};
    struct prom_found found;
    base_cur_init(&cur, body);
    uint8_t version = base_cur_u8(&cur);
    select.start = (int64_t)base_cur_u64le(&cur);
    select.end = (int64_t)base_cur_u64le(&cur);
    select.limit = base_cur_u32le(&cur);
    while (base_cur_left(&cur) > 0 && select.count < NET_HTTP_PARAMS)
        select.selectors[select.count++] =
            base_cur_take(&cur, base_cur_varint(&cur));
    if (!base_cur_ok(&cur) || base_cur_left(&cur) > 0 ||
        version != SERIES_VERSION)
        return ERR_SYNTAX;
    enum err err = prom_select_here(prom, who, &select, arena, &found, note);
    if (err != ERR_OK)
        return err;
    json_t *data = prom_series_json(&found);
    if (json_dump_callback(data, prom_dump, out, JSON_COMPACT) != 0)
        err = base_err_note(note, ERR_BIG, "too many series");
    json_decref(data);
    return err;
}

static void
prom_list(struct api_prom *prom, struct net_http_request *request,
          bool required, prom_shape *shape, prom_reply *away)
{
    struct prom_select select;
    struct prom_found found;
    struct base_note note = {0};
    struct base_arena arena;
    enum err err = prom_select_read(request, required, &select, &note);
    if (err != ERR_OK) {
        api_prom_fail(request, err, &note);
        return;
    }
    base_arena_init(&arena, API_PROM_ARENA);
    struct bytes prefix = prom_select_prefix(prom, &select, &arena);
    if (prefix.size > 0) {
        prom_select_away(prom, request, &select, prefix, away);
        base_arena_done(&arena);
        return;
    }
    err = prom_select_here(prom, &request->principal, &select, &arena, &found,
                           &note);
    if (err == ERR_OK)
        shape(request, &found);
    else
        api_prom_fail(request, err, &note);
    base_arena_done(&arena);
}

/* One series of another node's answer. */
static enum err
prom_read_one(json_t *map, struct base_arena *arena,
              const struct model_labels **ret_labels)
{
    struct model_label labels[MODEL_LABEL_MAX];
    unsigned count = 0;
    const char *name;
    json_t *value;
    json_object_foreach(map, name, value)
    {
        if (count == MODEL_LABEL_MAX || !json_is_string(value))
            return ERR_CORRUPT;
        labels[count++] = (struct model_label){
            base_bytes_text(name),
            base_bytes(json_string_value(value), json_string_length(value))};
    }
    return model_label_set(arena, labels, count, ret_labels, NULL);
}

static enum err
prom_read(json_t *data, struct base_arena *arena, struct prom_found *ret_found)
{
    size_t count = json_array_size(data);
    enum err err = json_is_array(data) ? ERR_OK : ERR_CORRUPT;
    ret_found->count = (uint32_t)count;
    ret_found->labels =
        base_arena_alloc(arena, (count + 1) * sizeof *ret_found->labels);
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = prom_read_one(json_array_get(data, i), arena,
                            &ret_found->labels[i]);
    return err;
}

/* Another node's series, in the shape asked for here. */
static void
prom_list_away(struct net_http_request *request, struct bytes text,
               prom_shape *shape)
{
    struct base_arena arena;
    struct prom_found found;
    json_t *data = json_loadb((const char *)text.at, text.size, 0, NULL);
    base_arena_init(&arena, API_PROM_ARENA);
    enum err err = prom_read(data, &arena, &found);
    if (err == ERR_OK)
        shape(request, &found);
    else
        api_prom_fail(request, err, NULL);
    base_arena_done(&arena);
    json_decref(data);
}

static void
prom_reply_json(struct net_http_request *request, json_t *take)
{
    net_http_reply_json(
        request, 200,
        json_pack("{s:s, s:o}", "status", "success", "data", take));
}

static void
prom_shape_series(struct net_http_request *request,
                  const struct prom_found *found)
{
    prom_reply_json(request, prom_series_json(found));
}

static void
prom_series(void *self, struct net_http_request *request)
{
    prom_list(self, request, true, prom_shape_series, api_prom_data);
}

static int
prom_bytes_order(const void *a, const void *b)
{
    return base_bytes_compare(*(const struct bytes *)a,
                              *(const struct bytes *)b);
}

/* Sorted, each once. */
static json_t *
prom_strings(struct bytes *names, size_t count, uint64_t limit)
{
    json_t *data = json_array();
    if (count > 0)
        qsort(names, count, sizeof *names, prom_bytes_order);
    for (size_t i = 0; i < count; i++)
        if ((i == 0 || !base_bytes_equal(names[i], names[i - 1])) &&
            (limit == 0 || json_array_size(data) < limit))
            json_array_append_new(
                data, json_stringn((const char *)names[i].at, names[i].size));
    return data;
}

/* Names of labels, or the values of the one that the path names. */
static void
prom_shape_names(struct net_http_request *request,
                 const struct prom_found *found)
{
    struct bytes label = net_http_path(request, "name");
    uint64_t limit = 0;
    (void)base_bytes_u64(net_http_query(request, "limit"), &limit);
    size_t room = 0, filled = 0;
    for (uint32_t i = 0; i < found->count; i++)
        room += label.size > 0 ? 1 : found->labels[i]->count;
    struct bytes *names = base_mem_new((room + 1) * sizeof *names);
    for (uint32_t i = 0; i < found->count; i++) {
        const struct model_labels *its = found->labels[i];
        for (uint32_t k = 0; label.size == 0 && k < its->count; k++)
            names[filled++] = its->at[k].name;
        if (label.size > 0 && model_label_get(its, label).size > 0)
            names[filled++] = model_label_get(its, label);
    }
    json_t *data = prom_strings(names, filled, limit);
    base_mem_free(names);
    prom_reply_json(request, data);
}

static void
prom_names_away(struct net_http_request *request, struct bytes data)
{
    prom_list_away(request, data, prom_shape_names);
}

static void
prom_label_names(void *self, struct net_http_request *request)
{
    prom_list(self, request, false, prom_shape_names, prom_names_away);
}

static void
prom_label_values(void *self, struct net_http_request *request)
{
    struct base_note note;
    struct bytes label = net_http_path(request, "name");
    if (label.size > 0 && base_bytes_utf8(label)) {
        prom_list(self, request, false, prom_shape_names, prom_names_away);
        return;
    }
    base_err_note(&note, ERR_LABEL, "invalid label name");
    api_prom_fail(request, ERR_LABEL, &note);
}

/* --- what Grafana asks first --- */

static void
prom_buildinfo(void *self, struct net_http_request *request)
{
    struct api_prom *prom = self;
    net_http_reply_json(
        request, 200,
        json_pack("{s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "status",
                  "success", "data", "version", "3.14.0", "revision",
                  prom->version, "branch", "dougong", "buildUser", "",
                  "buildDate", "", "goVersion", "", "application", "Dougong"));
}

static void
prom_empty_list(void *self, struct net_http_request *request)
{
    (void)self;
    api_prom_data(request, base_bytes_text("[]"));
}

static void
prom_no_rules(void *self, struct net_http_request *request)
{
    (void)self;
    api_prom_data(request, base_bytes_text("{\"groups\":[]}"));
}

/* name -> [{type, help, unit}]: the types are not known to a store of samples;
 * names that end as counters do are counters. */
static void
prom_shape_metadata(struct net_http_request *request,
                    const struct prom_found *found)
{
    json_t *data = json_object();
    for (uint32_t i = 0; i < found->count; i++) {
        struct bytes name =
            model_label_get(found->labels[i], base_bytes_text("__name__"));
        bool counter =
            name.size > 6 && memcmp(name.at + name.size - 6, "_total", 6) == 0;
        json_object_setn_new(data, (const char *)name.at, name.size,
                             json_pack("[{s:s, s:s, s:s}]", "type",
                                       counter ? "counter" : "gauge", "help",
                                       "", "unit", ""));
    }
    prom_reply_json(request, data);
}

static void
prom_metadata_away(struct net_http_request *request, struct bytes data)
{
    prom_list_away(request, data, prom_shape_metadata);
}

static void
prom_metadata(void *self, struct net_http_request *request)
{
    prom_list(self, request, false, prom_shape_metadata, prom_metadata_away);
}

void
api_prom_routes(struct api_prom *prom, struct net_http_route *routes)
{
    enum { FORM = 1 << 20 };
    const unsigned both = NET_HTTP_GET | NET_HTTP_POST;
    const enum model_grant_action may = MODEL_GRANT_SERIES;
    struct base_loop *loop = prom->ingest;
    const struct net_http_route all[API_PROM_ROUTES] = {
        {both, "/api/v1/query", may, "*", loop, api_prom_query, prom, FORM},
        {both, "/api/v1/query_range", may, "*", loop, api_prom_query_range,
         prom, FORM},
        {both, "/api/v1/series", may, "*", loop, prom_series, prom, FORM},
        {both, "/api/v1/labels", may, "*", loop, prom_label_names, prom, FORM},
        {NET_HTTP_GET, "/api/v1/label/{name}/values", may, "*", loop,
         prom_label_values, prom, 0},
        {NET_HTTP_GET, "/api/v1/metadata", may, "*", loop, prom_metadata, prom,
         0},
        {NET_HTTP_GET, "/api/v1/status/buildinfo", MODEL_GRANT_OPEN, NULL, NULL,
         prom_buildinfo, prom, 0},
        {NET_HTTP_GET, "/api/v1/rules", may, "*", NULL, prom_no_rules, prom, 0},
        {both, "/api/v1/query_exemplars", may, "*", NULL, prom_empty_list, prom,
         FORM},
    };
    memcpy(routes, all, sizeof all);
}
