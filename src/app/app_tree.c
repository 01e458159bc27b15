/* app_tree.c -- see app_tree.h. */
#include "app/app_tree.h"

#include <stdlib.h>

#include "base/base_b64.h"
#include "base/base_mem.h"

enum { TREE_WAIT_MS = 2000, TREE_HOP_MS = 400, TREE_STATUS_MAX = 64 << 10 };

/* --- one node --- */

static json_t *
tree_string(struct bytes text)
{
    return json_stringn((const char *)text.at, text.size);
}

static json_t *
tree_view(const struct tier_view *view)
{
    return json_pack(
        "{s:o, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:s}",
        "prefix", tree_string(view->prefix), "state", view->state, "up",
        view->up ? 1 : 0, "peer", view->peer, "since_ms",
        (json_int_t)view->since_ms, "seen_ms", (json_int_t)view->seen_ms,
        "rtt_ms", (json_int_t)view->rtt_ms, "offset_ms",
        (json_int_t)view->offset_ms, "expiry_ms", (json_int_t)view->expiry_ms,
        "epoch", (json_int_t)view->epoch, "packs_differ",
        (int)view->packs_differ, "why", view->why);
}

struct tree_lists {
    json_t *parent, *children;
};

static void
tree_list_view(void *self, const struct tier_view *view)
{
    struct tree_lists *lists = self;
    if (view->is_parent)
        lists->parent = tree_view(view);
    else
        json_array_append_new(lists->children, tree_view(view));
}

static json_t *
tree_ports(const struct app_config *config)
{
    static const char *const names[APP_DOORS] = {
        [APP_DOOR_HTTP] = "http",     [APP_DOOR_MQTT] = "mqtt",
        [APP_DOOR_MQTTS] = "mqtts",   [APP_DOOR_TIER] = "tier",
        [APP_DOOR_HANDLE] = "handle",
    };
    json_t *ports = json_object();
    for (unsigned i = 0; i < APP_DOORS; i++)
        if (config->doors[i].on)
            json_object_set_new(ports, names[i],
                                json_integer(config->doors[i].port));
    return ports;
}

static void
tree_alert(void *self, const struct tier_alert_view *view)
{
    json_array_append_new(self, json_pack("{s:I, s:I, s:o, s:o}", "number",
                                          (json_int_t)view->number, "at",
                                          (json_int_t)view->time_ms, "event",
                                          tree_string(view->event), "text",
                                          tree_string(view->text)));
}

json_t *
app_tree_alerts(void *self, uint64_t before, unsigned limit)
{
    struct app_tree *tree = self;
    json_t *alerts = json_array();
    tier_alert_list(tree->tier, before, limit, tree_alert, alerts);
    return alerts;
}

json_t *
app_tree_describe(void *self)
{
    enum { TREE_ALERTS = 20 };
    struct app_tree *tree = self;
    struct tree_lists lists = {json_null(), json_array()};
    char store[33];
    tier_list(tree->tier, tree_list_view, &lists);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:b, s:o, s:o, s:o, s:o}", "node",
        tree->config->node, "role", tree->config->role, "version",
        tree->version, "store",
        base_b64_hex(base_bytes(tree->store_id, 16), store), "epoch",
        (json_int_t)tier_epoch(tree->tier), "host", tree->config->host ? 1 : 0,
        "ports", tree_ports(tree->config), "parent", lists.parent, "children",
        lists.children, "alerts", app_tree_alerts(tree, 0, TREE_ALERTS));
}

struct tree_link {
    struct bytes prefix;
    json_t *found;
};

static void
tree_link_view(void *self, const struct tier_view *view)
{
    struct tree_link *link = self;
    if (!base_bytes_equal_folded(view->prefix, link->prefix))
        return;
    json_t *lags = json_array(), *refusals = json_array();
    for (unsigned i = 0; i < view->lag_count; i++) {
        const struct tier_lag *lag = &view->lags[i];
        json_array_append_new(
            lags,
            json_pack("{s:i, s:s, s:I, s:I, s:I, s:I}", "channel",
                      (int)lag->channel, "name", lag->name, "issued",
                      (json_int_t)lag->issued, "acked", (json_int_t)lag->acked,
                      "applied", (json_int_t)lag->applied, "waiting_bytes",
                      (json_int_t)lag->waiting_bytes));
    }
    for (unsigned i = 0; i < view->refusal_count; i++)
        json_array_append_new(refusals, json_string(view->refusals[i]));
    link->found = tree_view(view);
    json_object_set_new(link->found, "channels", lags);
    json_object_set_new(link->found, "refusals", refusals);
}

json_t *
app_tree_link(void *self, struct bytes prefix)
{
    struct app_tree *tree = self;
    struct tree_link link = {prefix, NULL};
    tier_list(tree->tier, tree_link_view, &link);
    return link.found;
}

/* --- the whole tree: ask each child, wait for all --- */

struct tree_whole {
    struct app_tree *tree;
    struct net_http_request *request; /* either this */
    struct model_answer *answer;      /* or this */
    json_t *root;
    unsigned waiting;
    unsigned wait_ms; /* less at each level: a silent one must not make its
                         parent look silent */
};

struct tree_ask {
    struct model_ask ask; /* first */
    struct tree_whole *whole;
    json_t *place; /* the child's object, owned by root */
};

static void
tree_whole_done(struct tree_whole *whole)
{
    if (--whole->waiting > 0)
        return;
    if (whole->request != NULL) {
        net_http_reply_json(whole->request, 200, whole->root);
    } else {
        char *text = json_dumps(whole->root, JSON_COMPACT);
        struct bytes body = base_bytes_text(text);
        if (body.size <= TREE_STATUS_MAX)
            whole->answer->answer(whole->answer, ERR_OK, body);
        else
            whole->answer->answer(whole->answer, ERR_BIG, (struct bytes){0});
        free(text);
        json_decref(whole->root);
    }
    base_mem_free(whole);
}

static void
tree_answered(struct model_ask *ask, enum err err, struct bytes body)
{
    struct tree_ask *one = (struct tree_ask *)(void *)ask;
    json_t *answer = NULL;
    if (err == ERR_OK)
        answer = json_loadb((const char *)body.at, body.size,
                            JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(answer)) {
        json_object_del(answer, "state");
        json_object_del(answer, "node"); /* ours is the linked name */
        json_object_update(one->place, answer);
    } else {
        json_object_set_new(one->place, "state", json_string("silent"));
        json_object_set_new(
            one->place, "why",
            json_string(base_err_text(err == ERR_OK ? ERR_SYNTAX : err)));
    }
    json_decref(answer);
    struct tree_whole *whole = one->whole;
    base_mem_free(one);
    tree_whole_done(whole);
}

static void
tree_whole_child(void *self, const struct tier_view *view)
{
    struct tree_whole *whole = self;
    if (view->is_parent)
        return;
    struct app_tree *tree = whole->tree;
    int64_t silent = base_loop_wall(tree->loop).ms - view->seen_ms;
    json_t *child = json_pack(
        "{s:o, s:s, s:I}", "node", tree_string(view->prefix), "state",
        view->up ? "up" : "down", "lag_s", (json_int_t)(silent / 1000));
    json_array_append_new(json_object_get(whole->root, "children"), child);
}

/* Asking may answer at once, so it is done after the listing. */
static void
tree_whole_ask(struct tree_whole *whole)
{
    struct model_port *port = tier_port(whole->tree->tier);
    json_t *child;
    size_t i;
    json_array_foreach(json_object_get(whole->root, "children"), i, child)
    {
        const char *state = json_string_value(json_object_get(child, "state"));
        const char *name = json_string_value(json_object_get(child, "node"));
        if (strcmp(state, "up") != 0)
            continue;
        struct tree_ask *one = base_mem_zero(sizeof *one);
        one->ask.done = tree_answered;
        one->whole = whole;
        one->place = child;
        whole->waiting++;
        port->ops->ask(port, MODEL_CHANNEL_CONTROL, MODEL_KIND_CONTROL_STATUS,
                       base_bytes_text(name), (struct bytes){0}, whole->wait_ms,
                       &one->ask);
    }
}

static void
tree_whole_start(struct app_tree *tree, struct net_http_request *request,
                 struct model_answer *answer, unsigned wait_ms)
{
    struct tree_whole *whole = base_mem_zero(sizeof *whole);
    whole->tree = tree;
    whole->request = request;
    whole->answer = answer;
    whole->waiting = 1; /* ourselves, until all are asked */
    whole->wait_ms = wait_ms;
    whole->root =
        json_pack("{s:s, s:s, s:s, s:b, s:[]}", "node", tree->config->node,
                  "role", tree->config->role, "state", "here", "host",
                  tree->config->host ? 1 : 0, "children");
    tier_list(tree->tier, tree_whole_child, whole);
    tree_whole_ask(whole);
    tree_whole_done(whole);
}

static void
tree_whole_get(void *self, struct net_http_request *request)
{
    tree_whole_start(self, request, NULL, TREE_WAIT_MS);
}

void
app_tree_route(struct app_tree *tree, struct net_http_route *route)
{
    *route = (struct net_http_route){NET_HTTP_GET,
                                     "/api/tree/whole",
                                     MODEL_GRANT_STATE,
                                     "*",
                                     tree->loop,
                                     tree_whole_get,
                                     tree,
                                     0};
}

static void
tree_take_status(void *self, const struct model_message *message,
                 struct model_answer *answer)
{
    unsigned left = message->left_ms;
    tree_whole_start(self, NULL, answer,
                     left > 2 * TREE_HOP_MS ? left - TREE_HOP_MS : left / 2);
}

struct model_call_row
app_tree_row(struct app_tree *tree)
{
    return (struct model_call_row){
        .channel = MODEL_CHANNEL_CONTROL,
        .kind = MODEL_KIND_CONTROL_STATUS,
        .max = TREE_STATUS_MAX,
        .take = tree_take_status,
        .engine = tree,
    };
}
