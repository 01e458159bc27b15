/* net_http_page.h -- listings, page by page, one way.
 *
 * Why: whoever has read one listing of ours can read them all.  `limit` asks
 * for at most so many rows; `next` of an answer, given back as the parameter
 * `next` with the other parameters as they were, asks for the rows behind; it
 * is null when there are none.  What stands in it is the listing's own business
 * (mostly the key of the last row given), so that rows may come and go between
 * two pages without another being told twice or left out.
 *
 *   net_http_page_begin -> for each row: _room, _add -> _reply or _drop
 *
 * Limits   `limit` is 1..most of the listing, else 400; `next` is at most
 *          NET_HTTP_PAGE_NEXT bytes of UTF-8, else 400.
 * Ignores  paths whose paging a standard has settled (the Handle REST API's
 *          page and pageSize, the Prometheus API's limit). */
#ifndef NET_HTTP_PAGE_H
#define NET_HTTP_PAGE_H

#include "net/http/net_http.h"

enum { NET_HTTP_PAGE_NEXT = 2048 };

struct net_http_page {
    struct bytes next; /* as asked for; empty: from the first row on */
    unsigned limit;
    json_t *rows;
    json_t *last; /* the key of the last row */
    bool more;
};

/* false: refused, and replied. */
bool net_http_page_begin(struct net_http_request *request, unsigned otherwise,
                         unsigned most, struct net_http_page *ret_page);
/* Is there room for one more?  Asked only when there is one more. */
bool net_http_page_room(struct net_http_page *page);
/* key: what `next` is to be when this is the last one of the page. */
void net_http_page_add(struct net_http_page *page, struct bytes key,
                       json_t *take_row);
/* For rows that have numbers: `next` is the number of the last row given.
 * _from is that of the row to begin with; false: refused, and replied. */
bool net_http_page_from(struct net_http_request *request,
                        struct net_http_page *page, uint64_t *ret_from);
void net_http_page_add_number(struct net_http_page *page, uint64_t number,
                              json_t *take_row);
/* Puts the rows under this name, and `next`, into an object. */
void net_http_page_into(struct net_http_page *page, const char *name,
                        json_t *object);
void net_http_page_reply(struct net_http_request *request,
                         struct net_http_page *page, const char *name);
void net_http_page_drop(struct net_http_page *page);

#endif
