/* api_tree.c -- see api_tree.h. */
#include "api/tree/api_tree_move.h"
#include "api/tree/api_tree_prefix.h"
#include "base/base_mem.h"
#include "net/http/net_http_page.h"

enum {
    TREE_BODY_MAX = 64 << 10,
    TREE_BUNDLE_MAX = 64 << 20,
    TREE_ALERTS = 20,
    TREE_ALERTS_MAX = 1000,
};

/* What a node that is to join must know, and anybody may: who this is, and
 * where its doors are. */
static json_t *
tree_doors(json_t *take)
{
    json_t *doors = json_pack(
        "{s:O, s:O, s:O}", "node", json_object_get(take, "node"), "role",
        json_object_get(take, "role"), "ports", json_object_get(take, "ports"));
    json_decref(take);
    return doors;
}

static void
tree_get(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    json_t *all = tree->describe(tree->self);
    if (model_grant_check(&request->principal, MODEL_GRANT_STATE, NULL, NULL) !=
        ERR_OK)
        all = tree_doors(all);
    net_http_reply_json(request, 200, all);
}

static void
tree_alerts(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    struct net_http_page page;
    uint64_t from;
    json_t *one;
    size_t i;
    if (!net_http_page_begin(request, TREE_ALERTS, TREE_ALERTS_MAX, &page) ||
        !net_http_page_from(request, &page, &from))
        return;
    /* They go backwards: `from` is the one after the last that was given. */
    json_t *list =
        tree->alerts(tree->self, from ? from - 1 : 0, page.limit + 1);
    json_array_foreach(list, i, one)
    {
        if (net_http_page_room(&page))
            net_http_page_add_number(
                &page,
                (uint64_t)json_integer_value(json_object_get(one, "number")),
                json_incref(one));
    }
    json_decref(list);
    net_http_page_reply(request, &page, "alerts");
}

static void
tree_link(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    struct bytes prefix = net_http_path(request, "prefix");
    json_t *link = tree->link(tree->self, prefix);
    if (link != NULL) {
        net_http_reply_json(request, 200, link);
        return;
    }
    struct base_note note;
    base_err_note(&note, ERR_ABSENT, "no link with \"%.*s\" is known here",
                  (int)prefix.size, (const char *)prefix.at);
    net_http_problem(request, 404, &note);
}

void
api_tree_routes(struct api_tree *tree, struct base_loop *loop,
                struct net_http_route *routes)
{
    const struct net_http_route all[API_TREE_ROUTES] = {
        {NET_HTTP_GET, "/api/tree", MODEL_GRANT_SELF, "*", loop, tree_get, tree,
         0},
        {NET_HTTP_GET, "/api/tree/alerts", MODEL_GRANT_STATE, "*", loop,
         tree_alerts, tree, 0},
        {NET_HTTP_GET, "/api/tree/{prefix}/links", MODEL_GRANT_STATE, "*", loop,
         tree_link, tree, 0},
        {NET_HTTP_GET, "/api/prefix-applications", MODEL_GRANT_STATE, "*", loop,
         api_tree_prefix_list, tree, 0},
        {NET_HTTP_POST | NET_HTTP_ONCE, "/api/prefix-applications",
         MODEL_GRANT_SELF, "*", loop, api_tree_prefix_apply, tree,
         TREE_BODY_MAX},
        {NET_HTTP_GET, "/api/prefix-applications/{prefix}", MODEL_GRANT_STATE,
         "*", loop, api_tree_prefix_show, tree, 0},
        {NET_HTTP_POST | NET_HTTP_SECRET,
         "/api/prefix-applications/{prefix}/{verb}", MODEL_GRANT_PREFIXES,
         "{prefix}", loop, api_tree_prefix_step, tree, TREE_BODY_MAX},
        {NET_HTTP_GET, "/api/prefix-applications/{prefix}/bundle",
         MODEL_GRANT_PREFIXES, "{prefix}", loop, api_tree_move_export, tree, 0},
        {NET_HTTP_POST, "/api/prefix-applications/{prefix}/import",
         MODEL_GRANT_PREFIXES, "{prefix}", loop, api_tree_move_import, tree,
         TREE_BUNDLE_MAX},
    };
    memcpy(routes, all, sizeof all);
}
