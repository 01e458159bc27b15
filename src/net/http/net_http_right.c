/* net_http_right.c -- has who asks the right that the route states?
 *
 *   head: no credentials -> anonymous is checked at once, before any body
 *         credentials    -> request whole -> identify -> checked -> handler */
#include "net/http/net_http_inner.h"

#include "base/base_must.h"

static struct bytes
right_object(struct net_http_work *work)
{
    const char *object = work->row->route.object;
    struct net_http_request *request = &work->request;
    struct bytes found = {NULL, 0};
    char name[64];
    if (object && object[0] == '{') {
        struct bytes inner = base_bytes_text(object + 1);
        found = net_http_path(
            request,
            base_bytes_string(base_bytes_slice(inner, 0, inner.size - 1), name,
                              sizeof name));
    } else if (object) {
        must(object[0] == '?');
        found = net_http_query(request, object + 1);
    }
    return found.size > 0 ? found : work->http->config.node;
}

enum err
net_http_right_check(struct net_http_work *work, struct base_note *note)
{
    const struct net_http_route *route = &work->row->route;
    bool each = route->object && route->object[0] == '*';
    struct model_grant_object object = {0};
    if (!each)
        object.name = right_object(work);
    work->permitted = true;
    return model_grant_check(&work->request.principal, route->action,
                             each ? NULL : &object, note);
}

static bool
right_has_credentials(struct net_http_work *work)
{
    return work->http->config.identify &&
           work->row->route.action != MODEL_GRANT_OPEN &&
           (net_http_header(&work->request, "authorization").at ||
            net_http_header(&work->request, "cookie").at);
}

unsigned
net_http_right_status(struct net_http_work *work, enum err err)
{
    bool nobody = work->request.principal.kind == MODEL_GRANT_NOBODY;
    if (err == ERR_BUSY)
        return 429;
    if (err != ERR_DENIED || !nobody)
        return net_http_status(err);
    net_http_reply_header(&work->request, "WWW-Authenticate",
                          "Bearer realm=\"dougong\"");
    return 401;
}

unsigned
net_http_right_judge(struct net_http_work *work, struct base_note *note)
{
    if (right_has_credentials(work))
        return 0;
    enum err err = net_http_right_check(work, note);
    return err == ERR_OK ? 0 : net_http_right_status(work, err);
}

void
net_http_right_identify(struct net_http_work *work)
{
    const struct net_http_config *config = &work->http->config;
    config->identify(config->identify_self, &work->identify);
}

enum err
net_http_may(const struct net_http_request *request,
             enum model_grant_action action, struct bytes name,
             struct base_note *note)
{
    struct model_grant_object object = {.name = name};
    return model_grant_check(&request->principal, action, &object, note);
}
