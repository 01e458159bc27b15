/* api_prom_query.c -- query and query_range: here, or at the node that owns the
 * identifier.
 *
 *   HTTP --> ingest loop --own--> stream_query_run --> reply
 *                 |
 *                 '--foreign id--> state loop: port->ask(QUERY, prefix)
 *                                       |
 *   tier --> state loop: QUERY --> ingest loop: run --> state loop: answer
 *
 * QUERY's body, little-endian: version u8 1, start i64, end i64, step i64,
 * lookback i64, limit u32, then the text.  The answer is the Prometheus data
 * object as text; a refusal is an error code and its sentence. */
#include <stdlib.h>

#include "api/prom/api_prom_inner.h"
#include "base/base_cur.h"
#include "base/base_mem.h"
#include "model/model_id.h"
#include "wire/promql/wire_promql.h"

enum {
    QUERY_DEADLINE_MS = 5000,
    QUERY_BODY_MAX = 1 << 20,
    QUERY_ARENA = 256 << 20,
    QUERY_VERSION = 1,
    QUERY_ANSWER_MAX = 64 << 20,
};

/* --- whose series are asked for? --- */

static struct bytes
query_node_id(const struct wire_promql_node *node)
{
    if (node->kind == WIRE_PROMQL_SELECTOR) {
        for (uint32_t i = 0; i < node->matcher_count; i++)
            if (node->matchers[i].op == MODEL_MATCH_EQUAL &&
                base_bytes_is(node->matchers[i].name, "id"))
                return node->matchers[i].value;
        return (struct bytes){0};
    }
    for (uint32_t i = 0; i < node->arg_count; i++) {
        struct bytes id = query_node_id(node->args[i]);
        if (id.size > 0)
            return id;
    }
    return (struct bytes){0};
}

/* The prefix of the one identifier a query names, when it is not ours. */
static struct bytes
query_foreign(struct api_prom *prom, struct base_arena *arena,
              struct bytes text)
{
    const struct wire_promql_node *node;
    struct base_note note;
    struct model_id id;
    if (wire_promql_parse(arena, text, &node, &note) != ERR_OK)
        return (struct bytes){0}; /* told by who evaluates it */
    struct bytes name = query_node_id(node);
    if (name.size == 0 || model_id_parse(name, &id) != ERR_OK ||
        base_bytes_equal_folded(id.prefix, prom->port->own))
        return (struct bytes){0};
    return id.prefix;
}

/* --- here --- */

static enum err
query_here(struct api_prom *prom, const struct stream_query *query,
           struct base_arena *arena, struct base_out *out,
           struct base_note *note)
{
    struct stream_query_result result = {0};
    if (prom->stream == NULL) {
        base_out_text(out, query->step > 0
                               ? "{\"resultType\":\"matrix\",\"result\":[]}"
                               : "{\"resultType\":\"vector\",\"result\":[]}");
        return ERR_OK;
    }
    enum err err = stream_query_run(prom->stream, query, arena, &result, note);
    if (err == ERR_OK)
        err = stream_query_json(&result, out);
    return err;
}

/* --- elsewhere: the asking side --- */

struct query_away {
    struct model_ask ask; /* first */
    struct base_task task;
    struct api_prom *prom;
    struct net_http_request *request;
    struct bytes prefix; /* in the request's arena */
    struct base_out body;
    enum err err;
    struct base_out answer;
};

static void
query_away_end(struct base_task *task)
{
    struct query_away *away = BASE_OUTER(task, struct query_away, task);
    struct base_note note;
    if (away->err == ERR_OK) {
        api_prom_data(away->request, base_out_bytes(&away->answer));
    } else {
        struct bytes why = base_out_bytes(&away->answer);
        if (why.size > 0)
            base_err_note(&note, away->err, "%.*s", (int)why.size,
                          (const char *)why.at);
        else
            base_err_note(&note, away->err,
                          "the node of %.*s could not be asked: %s",
                          (int)away->prefix.size, (const char *)away->prefix.at,
                          base_err_text(away->err));
        api_prom_fail(away->request, away->err, &note);
    }
    base_out_done(&away->body);
    base_out_done(&away->answer);
    base_mem_free(away);
}

static void
query_away_done(struct model_ask *ask, enum err err, struct bytes body)
{
    struct query_away *away = (struct query_away *)(void *)ask;
    away->err = err;
    base_out_bytes_add(&away->answer, body);
    away->task = (struct base_task){.fn = query_away_end};
    base_loop_post(away->prom->ingest, &away->task);
}

static void
query_away_ask(struct base_task *task)
{
    struct query_away *away = BASE_OUTER(task, struct query_away, task);
    struct model_port *port = away->prom->port;
    away->ask.done = query_away_done;
    port->ops->ask(port, MODEL_CHANNEL_DATA_CALL, MODEL_KIND_DATA_CALL_QUERY,
                   away->prefix, base_out_bytes(&away->body), QUERY_DEADLINE_MS,
                   &away->ask);
}

static void
query_away(struct api_prom *prom, struct net_http_request *request,
           const struct stream_query *query, struct bytes prefix)
{
    struct query_away *away = base_mem_zero(sizeof *away);
    away->prom = prom;
    away->request = request;
    away->prefix = base_arena_bytes(&request->arena, prefix);
    base_out_grow(&away->answer, QUERY_ANSWER_MAX);
    base_out_grow(&away->body, QUERY_BODY_MAX);
    base_out_u8(&away->body, QUERY_VERSION);
    base_out_u64le(&away->body, (uint64_t)query->start);
    base_out_u64le(&away->body, (uint64_t)query->end);
    base_out_u64le(&away->body, (uint64_t)query->step);
    base_out_u64le(&away->body, (uint64_t)query->lookback);
    base_out_u32le(&away->body, query->limit);
    base_out_bytes_add(&away->body, query->text);
    away->task.fn = query_away_ask;
    base_loop_post(prom->state, &away->task);
}

/* --- elsewhere: the answering side --- */

struct query_asked {
    struct base_task task;
    struct api_prom *prom;
    struct model_answer *answer;
    struct base_arena arena;
    struct stream_query query;
    struct base_out out;
    enum err err;
};

static void
query_asked_end(struct base_task *task)
{
    struct query_asked *asked = BASE_OUTER(task, struct query_asked, task);
    struct bytes body = base_out_bytes(&asked->out);
    if (asked->err == ERR_OK && body.size > QUERY_BODY_MAX) {
        asked->err = ERR_BIG;
        body = base_bytes_text("the answer is over 1 MiB: ask for fewer "
                               "series, a shorter range or a larger step");
    }
    asked->answer->answer(asked->answer, asked->err, body);
    base_out_done(&asked->out);
    base_arena_done(&asked->arena);
    base_mem_free(asked);
}

static void
query_asked_run(struct base_task *task)
{
    struct query_asked *asked = BASE_OUTER(task, struct query_asked, task);
    struct base_note note = {0};
    asked->err = query_here(asked->prom, &asked->query, &asked->arena,
                            &asked->out, &note);
    if (asked->err != ERR_OK) {
        base_out_reset(&asked->out);
        base_out_text(&asked->out, note.text);
    }
    asked->task = (struct base_task){.fn = query_asked_end};
    base_loop_post(asked->prom->state, &asked->task);
}

static void
query_take(void *self, const struct model_message *message,
           struct model_answer *answer)
{
    struct api_prom *prom = self;
    struct base_cur cur;
    struct stream_query query = {0};
    base_cur_init(&cur, message->body);
    uint8_t version = base_cur_u8(&cur);
    query.start = (int64_t)base_cur_u64le(&cur);
    query.end = (int64_t)base_cur_u64le(&cur);
    query.step = (int64_t)base_cur_u64le(&cur);
    query.lookback = (int64_t)base_cur_u64le(&cur);
    query.limit = base_cur_u32le(&cur);
    query.text = base_cur_rest(&cur);
    if (!base_cur_ok(&cur) || version != QUERY_VERSION) {
        answer->answer(answer, ERR_SYNTAX, (struct bytes){0});
        return;
    }
    struct query_asked *asked = base_mem_zero(sizeof *asked);
    asked->prom = prom;
    asked->answer = answer;
    base_arena_init(&asked->arena, QUERY_ARENA);
    asked->query = query;
    asked->query.text = base_arena_bytes(&asked->arena, query.text);
    base_out_grow(&asked->out, QUERY_ANSWER_MAX);
    asked->task.fn = query_asked_run;
    base_loop_post(prom->ingest, &asked->task);
}

struct model_call_row
api_prom_row(struct api_prom *prom)
{
    return (struct model_call_row){
        .channel = MODEL_CHANNEL_DATA_CALL,
        .kind = MODEL_KIND_DATA_CALL_QUERY,
        .max = QUERY_BODY_MAX,
        .take = query_take,
        .engine = prom,
    };
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
    base_arena_init(&arena, QUERY_ARENA);
    struct bytes away = query_foreign(prom, &arena, query.text);
    if (away.size > 0) {
        query_away(prom, request, &query, away);
        base_arena_done(&arena);
        return;
    }
    base_out_grow(&out, QUERY_ANSWER_MAX);
    err = query_here(prom, &query, &arena, &out, &note);
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
