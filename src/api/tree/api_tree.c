/* api_tree.c -- see api_tree.h. */
#include "api/tree/api_tree.h"

#include "base/base_mem.h"

enum { TREE_TOKEN_MAX = 1024, TREE_BODY_MAX = 64 << 10 };

static void
tree_get(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    net_http_reply_json(request, 200, tree->describe(tree->self));
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

static void
tree_prefix_json(void *self, const struct ident_prefix *prefix)
{
    json_t *list = self;
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:b, s:I, s:I}", "prefix", prefix->name,
                        "state", ident_prefix_state_name(prefix->state),
                        "direct", prefix->direct ? 1 : 0, "approved_ms",
                        (json_int_t)prefix->approved_ms, "joined_ms",
                        (json_int_t)prefix->joined_ms));
}

static void
tree_prefixes(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    json_t *list = json_array();
    enum err err = ident_prefix_list(tree->ident, tree_prefix_json, list);
    if (err != ERR_OK) {
        json_decref(list);
        net_http_reply_err(request, err, NULL);
        return;
    }
    net_http_reply_json(request, 200, json_pack("{s:o}", "prefixes", list));
}

static enum err
tree_audit(struct api_tree *tree, const struct net_http_request *request,
           const char *action, struct bytes prefix, struct bytes before)
{
    uint8_t room[32];
    return model_audit_append(tree->audit, &(struct model_audit_event){
                                               .actor = &request->principal,
                                               .action = action,
                                               .object = prefix,
                                               .before = before,
                                               .after = ident_prefix_digest(
                                                   tree->ident, prefix, room),
                                           });
}

static void
tree_approve(struct api_tree *tree, struct net_http_request *request,
             struct bytes prefix)
{
    uint8_t room[TREE_TOKEN_MAX], digest[32];
    struct bytes before = ident_prefix_digest(tree->ident, prefix, digest);
    struct base_out token;
    struct base_note note = {0};
    base_out_fixed(&token, room, sizeof room);
    enum err err =
        ident_prefix_approve(tree->ident, prefix, &token, NULL, &note);
    if (err != ERR_OK) {
        net_http_problem(request, net_http_status(err), &note);
        return;
    }
    err = tree_audit(tree, request, "prefix.approve", prefix, before);
    if (err != ERR_OK) {
        net_http_reply_err(request, err, NULL);
        return;
    }
    net_http_reply_json(request, 201,
                        json_pack("{s:s%, s:s%, s:i}", "prefix",
                                  (const char *)prefix.at, prefix.size, "token",
                                  (const char *)token.at, token.size, "hours",
                                  24));
}

static void
tree_act(void *self, struct net_http_request *request)
{
    static const struct {
        const char *verb, *action;
        enum ident_prefix_state state;
    } verbs[] = {
        {"suspend", "prefix.suspend", IDENT_PREFIX_SUSPENDED},
        {"resume", "prefix.resume", IDENT_PREFIX_ACTIVE},
        {"revoke", "prefix.revoke", IDENT_PREFIX_REVOKED},
    };
    uint8_t digest[32];
    struct api_tree *tree = self;
    struct bytes prefix = net_http_path(request, "prefix");
    struct bytes verb = net_http_path(request, "verb");
    struct base_note note;
    if (base_bytes_is(verb, "approve")) {
        tree_approve(tree, request, prefix);
        return;
    }
    for (size_t i = 0; i < BASE_COUNT(verbs); i++) {
        if (!base_bytes_is(verb, verbs[i].verb))
            continue;
        struct bytes before = ident_prefix_digest(tree->ident, prefix, digest);
        enum err err =
            ident_prefix_set(tree->ident, prefix, verbs[i].state, NULL);
        if (err == ERR_OK)
            err = tree_audit(tree, request, verbs[i].action, prefix, before);
        if (err == ERR_OK) {
            net_http_reply_json(
                request, 200,
                json_pack("{s:s%, s:s}", "prefix", (const char *)prefix.at,
                          prefix.size, "state",
                          ident_prefix_state_name(verbs[i].state)));
            return;
        }
        base_err_note(&note, err, "%.*s cannot be changed so: %s",
                      (int)prefix.size, (const char *)prefix.at,
                      base_err_text(err));
        net_http_problem(request, net_http_status(err), &note);
        return;
    }
    base_err_note(&note, ERR_ABSENT,
                  "\"%.*s\": approve, suspend, resume and revoke are known",
                  (int)verb.size, (const char *)verb.at);
    net_http_problem(request, 404, &note);
}

void
api_tree_routes(struct api_tree *tree, struct base_loop *loop,
                struct net_http_route *routes)
{
    const struct net_http_route all[API_TREE_ROUTES] = {
        {NET_HTTP_GET, "/api/tree", MODEL_GRANT_STATE, "*", loop, tree_get,
         tree, 0},
        {NET_HTTP_GET, "/api/tree/{prefix}/links", MODEL_GRANT_STATE, "*", loop,
         tree_link, tree, 0},
        {NET_HTTP_GET, "/api/prefix-applications", MODEL_GRANT_STATE, "*", loop,
         tree_prefixes, tree, 0},
        {NET_HTTP_POST, "/api/prefix-applications/{prefix}/{verb}",
         MODEL_GRANT_PREFIXES, "{prefix}", loop, tree_act, tree, TREE_BODY_MAX},
    };
    memcpy(routes, all, sizeof all);
}
