/* api_handles_list.c -- names of a prefix, page by page; the prefixes known. */
#include "api/handles/api_handles_inner.h"

enum { LIST_PAGE = 100, LIST_PAGE_MAX = 1000, LIST_LAST = 1000000 };

struct list_page {
    uint64_t skip, left, total;
    json_t *handles;
};

static bool
list_one(void *self, const struct ident_record *record)
{
    struct list_page *page = self;
    page->total++;
    if (page->skip > 0) {
        page->skip--;
    } else if (page->left > 0) {
        page->left--;
        json_array_append_new(page->handles, net_http_json_text(record->id));
    }
    return page->total < LIST_LAST;
}

void
api_handles_list(void *self, struct net_http_request *request)
{
    struct api_handles *handles = self;
    struct bytes prefix = net_http_query(request, "prefix");
    uint64_t at = 0, size = 0;
    struct base_note note = {0};
    enum err err =
        net_http_number(request, "page", 0, LIST_LAST, 0, &at, &note);
    if (err == ERR_OK)
        err = net_http_number(request, "pageSize", 0, LIST_PAGE_MAX, LIST_PAGE,
                              &size, &note);
    if (err != ERR_OK) {
        api_handles_refuse(request, 400, IDENT_CODE_MALFORMED, prefix,
                           note.text, note.where);
        return;
    }
    if (prefix.at == NULL)
        prefix = ident_own_prefix(handles->ident);
    struct list_page page = {at * size, size, 0, json_array()};
    err = ident_walk(handles->ident, prefix, list_one, &page);
    if (err != ERR_OK) {
        json_decref(page.handles);
        api_handles_refuse(request, 404, IDENT_CODE_ELSEWHERE, prefix,
                           err == ERR_DENIED
                               ? "the names of this prefix are not kept here"
                               : base_err_text(err),
                           "prefix");
        return;
    }
    api_handles_reply(
        request, 200,
        json_pack("{s:o, s:I, s:I, s:o, s:o}", "prefix",
                  net_http_json_text(prefix), "page", (json_int_t)at,
                  "pageSize", (json_int_t)size, "totalCount",
                  json_sprintf("%llu", (unsigned long long)page.total),
                  "handles", page.handles));
}

/* --- prefixes --- */

static json_t *
list_prefix(const struct ident_prefix *prefix)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:b, s:b, s:I, s:I}", "prefix", prefix->name, "state",
        ident_prefix_state_name(prefix->state), "node", prefix->host, "direct",
        prefix->direct ? 1 : 0, "hosted", prefix->hosted ? 1 : 0, "approved_ms",
        (json_int_t)prefix->approved_ms, "joined_ms",
        (json_int_t)prefix->joined_ms);
    if (prefix->quota > 0)
        json_object_set_new(json, "quota", json_integer(prefix->quota));
    if (prefix->attributes[0] != '\0')
        json_object_set_new(json, "codes", json_string(prefix->attributes));
    return json;
}

static void
list_prefix_add(void *self, const struct ident_prefix *prefix)
{
    if (prefix->state != IDENT_PREFIX_APPLIED &&
        prefix->state != IDENT_PREFIX_RETURNED &&
        prefix->state != IDENT_PREFIX_REFUSED)
        json_array_append_new(self, list_prefix(prefix));
}

void
api_handles_prefixes(void *self, struct net_http_request *request)
{
    struct api_handles *handles = self;
    json_t *list = json_array();
    enum err err = ident_prefix_list(handles->ident, list_prefix_add, list);
    if (err != ERR_OK) {
        json_decref(list);
        net_http_reply_err(request, err, NULL);
        return;
    }
    api_handles_reply(request, 200, json_pack("{s:o}", "prefixes", list));
}

void
api_handles_prefix(void *self, struct net_http_request *request)
{
    struct api_handles *handles = self;
    struct bytes name = net_http_path(request, "prefix");
    struct ident_prefix prefix;
    if (ident_prefix_find(handles->ident, name, &prefix) == ERR_OK)
        api_handles_reply(request, 200, list_prefix(&prefix));
    else
        api_handles_refuse(request, 404, IDENT_CODE_ABSENT, name,
                           "no such prefix is known here", "prefix");
}
