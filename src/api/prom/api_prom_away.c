/* api_prom_away.c -- a question to the node that owns an identifier, and the
 * answer to one.
 *
 *   HTTP --> ingest loop --own--> run --> reply
 *                 |
 *                 '--foreign id--> state loop: port->ask(kind, prefix)
 *                                       |
 *   tier --> state loop: kind --> ingest loop: run --> state loop: answer
 *
 * Kinds are QUERY (api_prom_query.c) and SERIES (api_prom.c), each with a body
 * of its own; the answer is Prometheus's data as JSON, at most 1 MiB; a refusal
 * is an error code and its sentence. */
#include "api/prom/api_prom_inner.h"
#include "base/base_mem.h"
#include "model/model_id.h"
#include "wire/promql/wire_promql.h"

enum { AWAY_DEADLINE_MS = 5000, AWAY_BODY_MAX = 1 << 20 };

/* --- whose series are asked for? --- */

static struct bytes
away_node_id(const struct wire_promql_node *node)
{
    if (node->kind == WIRE_PROMQL_SELECTOR) {
        for (uint32_t i = 0; i < node->matcher_count; i++)
            if (node->matchers[i].op == MODEL_MATCH_EQUAL &&
                base_bytes_is(node->matchers[i].name, "id"))
                return node->matchers[i].value;
        return (struct bytes){0};
    }
    for (uint32_t i = 0; i < node->arg_count; i++) {
        struct bytes id = away_node_id(node->args[i]);
        if (id.size > 0)
            return id;
    }
    return (struct bytes){0};
}

struct bytes
api_prom_away_prefix(struct api_prom *prom, struct base_arena *arena,
                     struct bytes text)
{
    const struct wire_promql_node *node;
    struct base_note note;
    struct model_id id;
    if (wire_promql_parse(arena, text, &node, &note) != ERR_OK)
        return (struct bytes){0}; /* told by who evaluates it */
    struct bytes name = away_node_id(node);
    if (name.size == 0 || model_id_parse(name, &id) != ERR_OK ||
        base_bytes_equal_folded(id.prefix, prom->port->own))
        return (struct bytes){0};
    return id.prefix;
}

/* --- the asking side --- */

struct away {
    struct model_ask ask; /* first */
    struct base_task task;
    struct api_prom *prom;
    struct net_http_request *request;
    enum model_kind kind;
    struct bytes prefix; /* in the request's arena */
    struct base_out body, answer;
    void (*reply)(struct net_http_request *request, struct bytes data);
    enum err err;
};

static void
away_end(struct base_task *task)
{
    struct away *away = BASE_OUTER(task, struct away, task);
    struct bytes answer = base_out_bytes(&away->answer);
    struct base_note note;
    if (away->err == ERR_OK) {
        away->reply(away->request, answer);
    } else {
        if (answer.size > 0)
            base_err_note(&note, away->err, "%.*s", (int)answer.size,
                          (const char *)answer.at);
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
away_done(struct model_ask *ask, enum err err, struct bytes body)
{
    struct away *away = (struct away *)(void *)ask;
    away->err = err;
    base_out_bytes_add(&away->answer, body);
    away->task = (struct base_task){.fn = away_end};
    base_loop_post(away->prom->ingest, &away->task);
}

static void
away_ask(struct base_task *task)
{
    struct away *away = BASE_OUTER(task, struct away, task);
    struct model_port *port = away->prom->port;
    away->ask.done = away_done;
    port->ops->ask(port, MODEL_CHANNEL_DATA_CALL, away->kind, away->prefix,
                   base_out_bytes(&away->body), AWAY_DEADLINE_MS, &away->ask);
}

void
api_prom_away(struct api_prom *prom, struct net_http_request *request,
              enum model_kind kind, struct bytes prefix, struct bytes body,
              void (*reply)(struct net_http_request *request,
                            struct bytes data))
{
    struct base_note note;
    if (net_http_may(request, MODEL_GRANT_SERIES, prefix, &note) != ERR_OK) {
        net_http_reply_err(request, ERR_DENIED, &note);
        return;
    }
    struct away *away = base_mem_zero(sizeof *away);
    away->prom = prom;
    away->request = request;
    away->kind = kind;
    away->prefix = base_arena_bytes(&request->arena, prefix);
    away->reply = reply;
    base_out_grow(&away->answer, API_PROM_ANSWER);
    base_out_grow(&away->body, AWAY_BODY_MAX);
    base_out_bytes_add(&away->body, body);
    away->task.fn = away_ask;
    base_loop_post(prom->state, &away->task);
}

/* --- the answering side --- */

struct away_asked {
    struct base_task task;
    struct api_prom *prom;
    struct model_answer *answer;
    api_prom_run *run;
    struct base_arena arena;
    struct model_grant_principal who; /* the node whose question it is */
    struct bytes body;
    struct base_out out;
    enum err err;
};

static void
asked_end(struct base_task *task)
{
    struct away_asked *asked = BASE_OUTER(task, struct away_asked, task);
    struct bytes body = base_out_bytes(&asked->out);
    if (asked->err == ERR_OK && body.size > AWAY_BODY_MAX) {
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
asked_run(struct base_task *task)
{
    struct away_asked *asked = BASE_OUTER(task, struct away_asked, task);
    struct base_note note = {0};
    asked->err = asked->run(asked->prom, &asked->who, asked->body,
                            &asked->arena, &asked->out, &note);
    if (asked->err != ERR_OK) {
        base_out_reset(&asked->out);
        base_out_text(&asked->out, note.text);
    }
    asked->task = (struct base_task){.fn = asked_end};
    base_loop_post(asked->prom->state, &asked->task);
}

static void
away_take(struct api_prom *prom, const struct model_message *message,
          struct model_answer *answer, api_prom_run *run)
{
    struct away_asked *asked = base_mem_zero(sizeof *asked);
    asked->prom = prom;
    asked->answer = answer;
    asked->run = run;
    base_arena_init(&asked->arena, API_PROM_ARENA);
    asked->body = base_arena_bytes(&asked->arena, message->body);
    asked->who.kind = MODEL_GRANT_NODE;
    asked->who.roles = MODEL_GRANT_IS_NODE;
    asked->who.name = asked->who.scope =
        base_arena_bytes(&asked->arena, message->from);
    base_out_grow(&asked->out, API_PROM_ANSWER);
    asked->task.fn = asked_run;
    base_loop_post(prom->ingest, &asked->task);
}

static void
away_take_query(void *self, const struct model_message *message,
                struct model_answer *answer)
{
    away_take(self, message, answer, api_prom_query_run);
}

static void
away_take_series(void *self, const struct model_message *message,
                 struct model_answer *answer)
{
    away_take(self, message, answer, api_prom_series_run);
}

void
api_prom_rows(struct api_prom *prom, struct model_call_row *rows)
{
    const struct model_call_row all[API_PROM_ROWS] = {
        {
            .channel = MODEL_CHANNEL_DATA_CALL,
            .kind = MODEL_KIND_DATA_CALL_QUERY,
            .max = AWAY_BODY_MAX,
            .take = away_take_query,
            .engine = prom,
        },
        {
            .channel = MODEL_CHANNEL_DATA_CALL,
            .kind = MODEL_KIND_DATA_CALL_SERIES,
            .max = AWAY_BODY_MAX,
            .take = away_take_series,
            .engine = prom,
        },
    };
    memcpy(rows, all, sizeof all);
}
