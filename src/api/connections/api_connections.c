/* api_connections.c -- see api_connections.h. */
#include "api/connections/api_connections.h"

#include "base/base_mem.h"
#include "net/http/net_http_json.h"
#include "net/http/net_http_page.h"

enum { CONNECTIONS_PAGE = 100 };

/* --- listing --- */

static json_t *
connections_json(const struct model_client *client)
{
    return json_pack(
        "{s:o, s:s, s:o, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:i, s:i, s:i, "
        "s:i, s:i}",
        "id", net_http_json_text(client->id), "kind",
        model_grant_kind_name(client->kind), "user",
        net_http_json_text(client->name), "address", client->address, "tls",
        client->tls ? 1 : 0, "version", client->version, "since_ms",
        (json_int_t)client->since_ms, "seen_ms", (json_int_t)client->seen_ms,
        "messages_in", (json_int_t)client->in, "messages_out",
        (json_int_t)client->out, "unacknowledged", (int)client->unacknowledged,
        "queued", (int)client->queued, "owed", (int)client->owed,
        "subscriptions", (int)client->subscriptions, "keep_alive_s",
        (int)client->keep_alive_s);
}

static bool
connections_add(void *self, const struct model_client *client)
{
    struct net_http_page *page = self;
    if (!net_http_page_room(page))
        return false;
    net_http_page_add(page, client->id, connections_json(client));
    return true;
}

static void
connections_list(void *self, struct net_http_request *request)
{
    struct api_connections *api = self;
    struct net_http_page page;
    if (!net_http_page_begin(request, CONNECTIONS_PAGE,
                             MODEL_CLIENT_PAGE_MAX - 1, &page))
        return;
    struct model_client_query query = {
        .scope = request->principal.scope,
        .after = page.next,
        .start = net_http_query(request, "client"),
        .user = net_http_query(request, "user"),
        .limit = page.limit + 1, /* is there one more? */
    };
    api->list(api->self, &query, connections_add, &page);
    net_http_page_reply(request, &page, "connections");
}

static void
connections_refusal(void *self, const struct model_client_refusal *one)
{
    json_array_append_new(
        self,
        json_pack("{s:I, s:s, s:o, s:o, s:o, s:s}", "at", (json_int_t)one->t_ms,
                  "what", one->what, "client", net_http_json_text(one->client),
                  "topic", net_http_json_text(one->topic), "payload",
                  net_http_json_text(one->payload), "why", one->why));
}

static void
connections_refusals(void *self, struct net_http_request *request)
{
    struct api_connections *api = self;
    json_t *list = json_array();
    api->refusals(api->self, connections_refusal, list);
    net_http_reply_json(request, 200, json_pack("{s:o}", "refusals", list));
}

/* --- ending --- */

struct connections_end {
    struct base_task task; /* there and back */
    struct api_connections *api;
    struct net_http_request *request;
    struct bytes id;
    enum err err;
};

static void
connections_ended(struct base_task *task)
{
    struct connections_end *end =
        BASE_OUTER(task, struct connections_end, task);
    struct base_note note;
    enum err err = end->err;
    if (err == ERR_OK)
        err = model_audit_append(end->api->audit,
                                 &(struct model_audit_event){
                                     .actor = &end->request->principal,
                                     .action = "connection.end",
                                     .object = end->id,
                                 });
    if (err == ERR_OK) {
        net_http_reply(end->request, 204, NULL, (struct bytes){0});
        return;
    }
    base_err_note(&note, err, "%s",
                  err == ERR_ABSENT ? "nobody within your scope is connected "
                                      "with this client id"
                                    : base_err_text(err));
    net_http_reply_err(end->request, err, &note);
}

static void
connections_end_one(struct base_task *task)
{
    struct connections_end *end =
        BASE_OUTER(task, struct connections_end, task);
    struct api_connections *api = end->api;
    end->err = api->end(api->self, end->id, end->request->principal.scope);
    end->task.fn = connections_ended;
    base_loop_post(api->state, &end->task);
}

static void
connections_delete(void *self, struct net_http_request *request)
{
    struct api_connections *api = self;
    struct connections_end *end =
        base_arena_alloc(&request->arena, sizeof *end);
    if (!end) {
        net_http_reply_err(request, ERR_LIMIT, NULL);
        return;
    }
    *end = (struct connections_end){.task = {.fn = connections_end_one},
                                    .api = api,
                                    .request = request,
                                    .id = net_http_path(request, "id")};
    base_loop_post(api->owner, &end->task);
}

void
api_connections_routes(struct api_connections *api,
                       struct net_http_route *routes)
{
    const struct net_http_route all[API_CONNECTIONS_ROUTES] = {
        {NET_HTTP_GET, "/api/connections", MODEL_GRANT_STATE, "*", api->owner,
         connections_list, api, 0},
        {NET_HTTP_GET, "/api/refusals", MODEL_GRANT_STATE, NULL, api->owner,
         connections_refusals, api, 0},
        {NET_HTTP_DELETE, "/api/connections/{id...}", MODEL_GRANT_USERS, "*",
         api->state, connections_delete, api, 0},
    };
    memcpy(routes, all, sizeof all);
}
