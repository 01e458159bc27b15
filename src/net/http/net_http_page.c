/* net_http_page.c -- see net_http_page.h. */
#include "net/http/net_http_page.h"

#include <inttypes.h>
#include <stdio.h>

#include "net/http/net_http_json.h"

bool
net_http_page_begin(struct net_http_request *request, unsigned otherwise,
                    unsigned most, struct net_http_page *ret_page)
{
    struct base_note note = {0};
    struct bytes next = net_http_query(request, "next");
    uint64_t limit = 0;
    enum err err =
        net_http_number(request, "limit", 1, most, otherwise, &limit, &note);
    if (err == ERR_OK &&
        (next.size > NET_HTTP_PAGE_NEXT || !base_bytes_utf8(next)))
        err = base_err_note_at(&note, ERR_SYNTAX, "next", 0, 0,
                               "it is not what the page before has said");
    if (err != ERR_OK) {
        net_http_reply_err(request, err, &note);
        return false;
    }
    *ret_page = (struct net_http_page){
        .next = next, .limit = (unsigned)limit, .rows = json_array()};
    return true;
}

bool
net_http_page_room(struct net_http_page *page)
{
    page->more = json_array_size(page->rows) == page->limit;
    return !page->more;
}

void
net_http_page_add(struct net_http_page *page, struct bytes key,
                  json_t *take_row)
{
    json_array_append_new(page->rows, take_row);
    json_decref(page->last);
    page->last = net_http_json_text(key);
}

bool
net_http_page_from(struct net_http_request *request, struct net_http_page *page,
                   uint64_t *ret_from)
{
    struct base_note note = {0};
    uint64_t last = 0;
    *ret_from = 0;
    if (page->next.size == 0)
        return true;
    enum err err =
        net_http_number(request, "next", 0, INT64_MAX, 0, &last, &note);
    if (err != ERR_OK) {
        net_http_page_drop(page);
        net_http_reply_err(request, err, &note);
        return false;
    }
    *ret_from = last + 1;
    return true;
}

void
net_http_page_add_number(struct net_http_page *page, uint64_t number,
                         json_t *take_row)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    net_http_page_add(page, base_bytes_text(text), take_row);
}

void
net_http_page_into(struct net_http_page *page, const char *name, json_t *object)
{
    json_object_set_new(object, name, page->rows);
    json_object_set(object, "next", page->more ? page->last : json_null());
    page->rows = NULL;
    net_http_page_drop(page);
}

void
net_http_page_reply(struct net_http_request *request,
                    struct net_http_page *page, const char *name)
{
    json_t *object = json_object();
    net_http_page_into(page, name, object);
    net_http_reply_json(request, 200, object);
}

void
net_http_page_drop(struct net_http_page *page)
{
    json_decref(page->rows);
    json_decref(page->last);
    page->rows = page->last = NULL;
}
