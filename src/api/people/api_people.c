/* api_people.c -- users, and what the folder's files share. */
#include "api/people/api_people.h"

#include "api/people/api_people_inner.h"
#include "base/base_mem.h"
#include "net/http/net_http_page.h"

/* --- helpers --- */

json_t *
api_people_roles(unsigned roles)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < MODEL_GRANT_ROLES; i++)
        if (1U << i & roles)
            json_array_append_new(list, json_string(model_grant_role_name(
                                            (enum model_grant_role)(1U << i))));
    return list;
}

enum err
api_people_roles_read(const json_t *body, unsigned *ret_roles,
                      struct base_note *note)
{
    const json_t *list = json_object_get(body, "roles"), *item;
    unsigned roles = 0;
    size_t i;
    json_array_foreach(list, i, item)
    {
        unsigned role = json_is_string(item)
                            ? model_grant_role_read(
                                  base_bytes_text(json_string_value(item)))
                            : 0;
        if (role == 0)
            return base_err_note_at(
                note, ERR_NAME, "roles", 0, 0,
                "\"%s\" is no role: viewer, operator, "
                "rule-author, approver, auditor, "
                "administrator",
                json_is_string(item) ? json_string_value(item) : "?");
        roles |= role;
    }
    *ret_roles = roles;
    return ERR_OK;
}

json_t *
api_people_who(const struct model_grant_principal *who)
{
    json_t *may = json_array();
    unsigned roles = who->roles | MODEL_GRANT_ANYBODY;
    for (unsigned i = MODEL_GRANT_OPEN; i < MODEL_GRANT_ACTIONS; i++)
        if (model_grant_action_roles((enum model_grant_action)i) & roles)
            json_array_append_new(may, json_string(model_grant_action_name(
                                           (enum model_grant_action)i)));
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "kind",
                     model_grant_kind_name(who->kind), "name",
                     net_http_json_text(who->name), "roles",
                     api_people_roles(who->roles), "scope",
                     net_http_json_text(who->scope), "may", may);
}

/* --- users --- */

static json_t *
user_json(const struct people_user *user)
{
    return json_pack(
        "{s:o, s:o, s:o, s:b, s:b, s:I, s:I}", "user",
        net_http_json_text(user->name), "roles", api_people_roles(user->roles),
        "scope", net_http_json_text(user->scope), "disabled",
        user->disabled ? 1 : 0, "password", user->has_password ? 1 : 0,
        "made_ms", (json_int_t)user->made_ms, "changed_ms",
        (json_int_t)user->changed_ms);
}

struct user_page {
    const struct model_grant_principal *by;
    struct net_http_page page;
};

/* Whoever administers a part sees its users alone. */
static bool
user_page_add(void *self, const struct people_user *user)
{
    struct user_page *page = self;
    if (!model_grant_within(page->by->scope, user->scope))
        return true;
    if (!net_http_page_room(&page->page))
        return false;
    net_http_page_add(&page->page, user->name, user_json(user));
    return true;
}

static void
user_list(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    struct user_page page = {.by = &request->principal};
    if (!net_http_page_begin(request, API_PEOPLE_PAGE, API_PEOPLE_PAGE_MAX,
                             &page.page))
        return;
    /* All are within one scan's limit: 10,000 users. */
    (void)people_user_list(api->people, page.page.next, 10000, user_page_add,
                           &page);
    net_http_page_reply(request, &page.page, "users");
}

static void
user_reply(struct api_people *api, struct net_http_request *request,
           unsigned status, struct bytes name)
{
    struct people_user user;
    enum err err = people_user_get(api->people, name, &user);
    struct base_note note;
    if (err == ERR_OK &&
        !model_grant_within(request->principal.scope, user.scope))
        err = ERR_ABSENT;
    if (err == ERR_OK) {
        net_http_reply_json(request, status, user_json(&user));
        return;
    }
    base_err_note(&note, err, "there is no such user in your scope");
    net_http_reply_err(request, err, &note);
}

static void
user_get(void *self, struct net_http_request *request)
{
    user_reply(self, request, 200, net_http_path(request, "user"));
}

/* Members that are absent keep what `user` has. */
static enum err
user_read(const json_t *body, struct people_user *user, struct base_note *note)
{
    struct bytes scope = net_http_json_get(body, "scope");
    const json_t *disabled = json_object_get(body, "disabled");
    if (scope.at)
        user->scope = scope;
    if (disabled)
        user->disabled = json_is_true(disabled);
    return json_object_get(body, "roles")
               ? api_people_roles_read(body, &user->roles, note)
               : ERR_OK;
}

static void
user_create(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    struct base_note note = {0};
    json_t *body = net_http_json_body(request);
    if (!body)
        return;
    struct people_user user = {.name = net_http_json_get(body, "user")};
    enum err err = user_read(body, &user, &note);
    if (err == ERR_OK)
        err =
            people_user_create(api->people, &request->principal, &user, &note);
    if (err == ERR_OK)
        user_reply(api, request, 201, user.name);
    else
        net_http_reply_err(request, err, &note);
    json_decref(body);
}

static void
user_change(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    struct base_note note = {0};
    struct people_user user;
    struct bytes name = net_http_path(request, "user");
    json_t *body = net_http_json_body(request);
    if (!body)
        return;
    enum err err = people_user_get(api->people, name, &user);
    if (err == ERR_OK) { /* what stands in the store moves when it changes */
        user.name = base_arena_bytes(&request->arena, user.name);
        user.scope = base_arena_bytes(&request->arena, user.scope);
        err = user_read(body, &user, &note);
    }
    if (err == ERR_OK)
        err =
            people_user_change(api->people, &request->principal, &user, &note);
    if (err == ERR_ABSENT)
        base_err_note(&note, err, "there is no such user in your scope");
    if (err == ERR_OK)
        user_reply(api, request, 200, name);
    else
        net_http_reply_err(request, err, &note);
    json_decref(body);
}

static void
user_link(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    struct base_note note = {0};
    char link[PEOPLE_SECRET];
    struct bytes name = net_http_path(request, "user");
    enum err err =
        people_user_link(api->people, &request->principal, name, link, &note);
    if (err == ERR_OK)
        net_http_reply_json(request, 201,
                            json_pack("{s:o, s:s, s:i}", "user",
                                      net_http_json_text(name), "link", link,
                                      "hours", 24));
    else
        net_http_reply_err(request, err, &note);
}

/* --- the table of rights --- */

static void
rights_get(void *self, struct net_http_request *request)
{
    (void)self;
    json_t *rows = json_array();
    for (unsigned i = MODEL_GRANT_OPEN; i < MODEL_GRANT_ACTIONS; i++) {
        enum model_grant_action action = (enum model_grant_action)i;
        json_array_append_new(
            rows,
            json_pack("{s:s, s:s, s:b, s:o}", "action",
                      model_grant_action_name(action), "text",
                      model_grant_action_text(action), "scoped",
                      model_grant_action_scoped(action) ? 1 : 0, "roles",
                      api_people_roles(model_grant_action_roles(action))));
    }
    net_http_reply_json(request, 200, json_pack("{s:o}", "rights", rows));
}

void
api_people_routes(struct api_people *api,
                  struct net_http_route routes[API_PEOPLE_ROUTES])
{
    enum { BODY = API_PEOPLE_BODY };
    struct base_loop *loop = api->loop;
    const enum model_grant_action self = MODEL_GRANT_SELF,
                                  users = MODEL_GRANT_USERS;
    const struct net_http_route all[API_PEOPLE_ROUTES] = {
        {NET_HTTP_POST, "/api/sessions", MODEL_GRANT_OPEN, NULL, loop,
         api_people_login, api, BODY},
        {NET_HTTP_GET, "/api/sessions/this", self, NULL, loop, api_people_this,
         api, 0},
        {NET_HTTP_DELETE, "/api/sessions/this", self, NULL, loop,
         api_people_logout, api, 0},
        {NET_HTTP_PUT, "/api/sessions/this/password", self, NULL, loop,
         api_people_password, api, BODY},
        {NET_HTTP_GET, "/api/users", users, "*", loop, user_list, api, 0},
        {NET_HTTP_POST | NET_HTTP_ONCE, "/api/users", users, "*", loop,
         user_create, api, BODY},
        {NET_HTTP_GET, "/api/users/{user}", users, "*", loop, user_get, api, 0},
        {NET_HTTP_PUT, "/api/users/{user}", users, "*", loop, user_change, api,
         BODY},
        {NET_HTTP_POST | NET_HTTP_SECRET, "/api/users/{user}/link", users, "*",
         loop, user_link, api, BODY},
        {NET_HTTP_GET, "/api/keys", users, "*", loop, api_people_key_list, api,
         0},
        {NET_HTTP_POST | NET_HTTP_SECRET, "/api/keys", users, "*", loop,
         api_people_key_add, api, BODY},
        {NET_HTTP_DELETE, "/api/keys/{id}", users, "*", loop,
         api_people_key_revoke, api, 0},
        {NET_HTTP_GET, "/api/devices", users, "*", loop, api_people_device_list,
         api, 0},
        {NET_HTTP_POST | NET_HTTP_SECRET, "/api/devices", users, "*", loop,
         api_people_device_add, api, BODY},
        {NET_HTTP_DELETE, "/api/devices/{id...}", users, "*", loop,
         api_people_device_revoke, api, 0},
        {NET_HTTP_POST, "/api/certificates", users, "*", loop,
         api_people_certify, api, BODY},
        {NET_HTTP_GET, "/api/rights", MODEL_GRANT_OPEN, NULL, loop, rights_get,
         api, 0},
    };
    memcpy(routes, all, sizeof all);
}
