/* api_handles.c -- see api_handles.h: reading one, and what all have in common.
 */
#include "api/handles/api_handles_inner.h"

#include "api/handles/api_handles_value.h"
#include "base/base_mem.h"

enum { HANDLES_ASKED = 64, HANDLES_BODY = 1 << 20, HANDLES_BULK = 8 << 20 };

unsigned
api_handles_status(enum ident_code code, bool get)
{
    switch ((int)code) {
    case IDENT_CODE_OK:
        return 200;
    case IDENT_CODE_ABSENT:
        return 404;
    case IDENT_CODE_EXISTS:
    case IDENT_CODE_VALUE_EXISTS:
        return 409;
    case IDENT_CODE_ELSEWHERE:
        return get ? 404 : 400;
    case IDENT_CODE_INVALID:
    case IDENT_CODE_VALUE_INVALID:
    case IDENT_CODE_MALFORMED:
        return 400;
    case IDENT_CODE_NO_VALUES:
        return get ? 200 : 400;
    case IDENT_CODE_REFERRAL:
    case IDENT_CODE_PREFIX_REFERRAL:
        return 300;
    case IDENT_CODE_UNKNOWN_OP:
        return 501;
    case IDENT_CODE_BUSY:
    case IDENT_CODE_READ_ONLY:
        return 503;
    case IDENT_CODE_AUTHENTICATE:
        return 401;
    case IDENT_CODE_FORBIDDEN:
    case IDENT_CODE_NO_ACCESS:
        return 403;
    case IDENT_CODE_LOOP:
        return 508;
    default:
        return 500;
    }
}

void
api_handles_reply(struct net_http_request *request, unsigned status,
                  json_t *take)
{
    net_http_reply_header(request, "Access-Control-Allow-Origin", "*");
    net_http_reply_json(request, status, take);
}

void
api_handles_refuse(struct net_http_request *request, unsigned status,
                   enum ident_code code, struct bytes handle,
                   const char *message, const char *field)
{
    json_t *json =
        json_pack("{s:i, s:o, s:s}", "responseCode", (int)code, "handle",
                  net_http_json_text(handle), "message",
                  message[0] != '\0' ? message : ident_resolve_text(code));
    if (field[0] != '\0')
        json_object_set_new(json, "field", json_string(field));
    if (status == 503)
        net_http_reply_header(request, "Retry-After", "5");
    api_handles_reply(request, status, json);
}

bool
api_handles_flag(const struct net_http_request *request, const char *name,
                 bool otherwise)
{
    struct bytes value = net_http_query(request, name);
    if (value.at == NULL)
        return otherwise;
    return !base_bytes_is(value, "false") && !base_bytes_is(value, "0");
}

/* --- reading one --- */

struct handles_get {
    struct ident_resolve call;
    struct net_http_request *request;
    bool trace;
    uint32_t indexes[HANDLES_ASKED];
    struct bytes types[HANDLES_ASKED];
};

static json_t *
handles_hops(const struct ident_resolve *call)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < call->hop_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "node",
                                              call->hops[i].node, "what",
                                              call->hops[i].what, "ms",
                                              (json_int_t)call->hops[i].ms));
    return list;
}

static void
handles_got(struct ident_resolve *call)
{
    struct handles_get *get = BASE_OUTER(call, struct handles_get, call);
    unsigned status = api_handles_status(call->code, true);
    json_t *json = json_pack("{s:i, s:o}", "responseCode", (int)call->code,
                             "handle", net_http_json_text(call->handle));
    if (status == 200 || status == 300)
        json_object_set_new(json, "values",
                            api_handles_value_list(call->values));
    if (call->code != IDENT_CODE_OK)
        json_object_set_new(json, "message", json_string(call->message));
    if (get->trace) {
        json_object_set_new(json, "authoritative",
                            json_boolean(call->authoritative));
        json_object_set_new(json, "registered",
                            net_http_json_text(call->registered));
        json_object_set_new(json, "hops", handles_hops(call));
    }
    if (status == 503)
        net_http_reply_header(get->request, "Retry-After", "5");
    api_handles_reply(get->request, status, json);
    ident_resolve_done(call);
    base_mem_free(get);
}

/* NULL, or the parameter that is wrong. */
static const char *
handles_asked(struct handles_get *get)
{
    const struct net_http_request *request = get->request;
    for (unsigned i = 0; i < request->query_count; i++) {
        const struct net_http_pair *pair = &request->query[i];
        uint64_t number;
        if (base_bytes_is(pair->name, "index")) {
            if (get->call.index_count == HANDLES_ASKED ||
                base_bytes_u64(pair->value, &number) != ERR_OK ||
                number > INT32_MAX)
                return "index";
            get->indexes[get->call.index_count++] = (uint32_t)number;
        } else if (base_bytes_is(pair->name, "type")) {
            if (get->call.type_count == HANDLES_ASKED)
                return "type";
            get->types[get->call.type_count++] = pair->value;
        }
    }
    return NULL;
}

static void
handles_get(void *self, struct net_http_request *request)
{
    struct api_handles *handles = self;
    struct handles_get *get = base_mem_zero(sizeof *get);
    struct bytes handle = net_http_path(request, "handle");
    struct base_note note;
    get->request = request;
    const char *wrong = handles_asked(get);
    if (wrong != NULL) {
        api_handles_refuse(request, 400, IDENT_CODE_MALFORMED, handle,
                           "a number of 0 to 2147483647, at most 64 of them",
                           wrong);
        base_mem_free(get);
        return;
    }
    bool reader =
        net_http_may(request, MODEL_GRANT_REGISTER, handle, &note) == ERR_OK;
    get->trace = api_handles_flag(request, "trace", false);
    get->call.done = handles_got;
    get->call.loop = ident_loop(handles->ident);
    get->call.handle = handle;
    get->call.indexes = get->indexes;
    get->call.types = get->types;
    get->call.public_only = api_handles_flag(request, "publicOnly", !reader);
    get->call.reader = reader;
    get->call.recurse = true;
    get->call.authority = api_handles_flag(request, "auth", false);
    ident_resolve(handles->ident, &get->call);
}

/* --- this node's site --- */

struct handles_site {
    struct ident_resolve call;
    struct net_http_request *request;
    struct bytes type;
    char handle[MODEL_PREFIX_MAX + 8];
};

static void
handles_site_got(struct ident_resolve *call)
{
    struct handles_site *site = BASE_OUTER(call, struct handles_site, call);
    struct wire_hs_list list = call->values;
    struct wire_hs_value value;
    if (call->code == IDENT_CODE_OK && wire_hs_next(&list, &value)) {
        json_t *one = api_handles_value_json(&value);
        json_t *data = json_object_get(one, "data");
        api_handles_reply(
            site->request, 200,
            json_pack("{s:O}", "site", json_object_get(data, "value")));
        json_decref(one);
    } else {
        api_handles_refuse(site->request, api_handles_status(call->code, true),
                           call->code, call->handle, call->message, "");
    }
    ident_resolve_done(call);
    base_mem_free(site);
}

static void
handles_site(void *self, struct net_http_request *request)
{
    struct api_handles *handles = self;
    struct handles_site *site = base_mem_zero(sizeof *site);
    struct bytes own = ident_own_prefix(handles->ident);
    snprintf(site->handle, sizeof site->handle, "0.NA/%.*s", (int)own.size,
             (const char *)own.at);
    site->request = request;
    site->type = base_bytes_text("HS_SITE");
    site->call.done = handles_site_got;
    site->call.loop = ident_loop(handles->ident);
    site->call.handle = base_bytes_text(site->handle);
    site->call.types = &site->type;
    site->call.type_count = 1;
    ident_resolve(handles->ident, &site->call);
}

void
api_handles_routes(struct api_handles *handles, struct base_loop *loop,
                   struct net_http_route routes[API_HANDLES_ROUTES])
{
    static const char one[] = "/api/handles/{handle...}";
    const struct net_http_route all[API_HANDLES_ROUTES] = {
        {NET_HTTP_GET, one, MODEL_GRANT_RESOLVE, "*", loop, handles_get,
         handles, 0},
        {NET_HTTP_PUT, one, MODEL_GRANT_REGISTER, "{handle}", loop,
         api_handles_put, handles, HANDLES_BODY},
        {NET_HTTP_DELETE, one, MODEL_GRANT_REGISTER, "{handle}", loop,
         api_handles_delete, handles, 0},
        {NET_HTTP_GET, "/api/handles", MODEL_GRANT_NAMES, "?prefix", loop,
         api_handles_list, handles, 0},
        {NET_HTTP_POST, "/api/handles", MODEL_GRANT_REGISTER, "*", loop,
         api_handles_bulk, handles, HANDLES_BULK},
        {NET_HTTP_GET, "/api/prefixes", MODEL_GRANT_RESOLVE, "*", loop,
         api_handles_prefixes, handles, 0},
        {NET_HTTP_GET, "/api/prefixes/{prefix}", MODEL_GRANT_RESOLVE, "*", loop,
         api_handles_prefix, handles, 0},
        {NET_HTTP_GET, "/api/site", MODEL_GRANT_RESOLVE, "*", loop,
         handles_site, handles, 0},
    };
    memcpy(routes, all, sizeof all);
}
