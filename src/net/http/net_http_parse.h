/* net_http_parse.h -- bytes -> one request, without sockets, clocks, routes.
 *
 * Shape    feed() is given bytes as they come and says what has happened:
 *          MORE it wants more, HEAD the head is whole (judge it, then feed
 *          on), DONE the request is whole, BAD status and note say why.  It
 *          consumes nothing beyond the request.  A new struct per request.
 * Memory   the head's text and the body are heap buffers of the parse, bounded
 *          by NET_HTTP_PARSE_HEAD and body_max; decoded parts lie in the
 *          request's arena.
 * Strict   libhttp-parser cuts, net_http_strict.h compares: 400.
 * Source   RFC 9110, 9112; application/x-www-form-urlencoded as of the URL
 *          standard. */
#ifndef NET_HTTP_PARSE_H
#define NET_HTTP_PARSE_H

#include <http_parser.h>

#include "net/http/net_http.h"
#include "net/http/net_http_strict.h"

enum {
    NET_HTTP_PARSE_HEAD = 32 * 1024,
    NET_HTTP_PARSE_HEADERS = 100,
    NET_HTTP_PARSE_ARENA = 64 << 20,
};

enum net_http_parse_event {
    NET_HTTP_PARSE_MORE,
    NET_HTTP_PARSE_AT_HEAD,
    NET_HTTP_PARSE_AT_END,
    NET_HTTP_PARSE_BAD
};

struct net_http_parse_span {
    uint16_t at, size; /* in `head` */
};

struct net_http_parse {
    http_parser parser;
    struct base_out head; /* as it came, without the last LF */
    struct base_out body;
    const uint8_t *fed;   /* where the bytes being fed begin */
    const uint8_t *frame; /* behind the last of the body's data in them */
    enum net_http_strict strict;
    bool last_chunk;
    struct net_http_parse_span url;
    struct net_http_parse_span names[NET_HTTP_PARSE_HEADERS];
    struct net_http_parse_span values[NET_HTTP_PARSE_HEADERS];
    unsigned header_count;
    bool in_value, at_head, ended_head, at_end, keep_alive;
    unsigned status; /* BAD */
    struct base_note note;
    struct bytes raw_path, url_host; /* after _request; host of a full URL */
};

void net_http_parse_init(struct net_http_parse *parse);
void net_http_parse_done(struct net_http_parse *parse);
enum net_http_parse_event net_http_parse_feed(struct net_http_parse *parse,
                                              const uint8_t *at, size_t size,
                                              size_t *ret_used);
/* After HEAD: fill the request (its arena must be there). 0, or the status. */
unsigned net_http_parse_request(struct net_http_parse *parse,
                                struct net_http_request *request,
                                struct base_note *note);
/* After HEAD: how much of a body is allowed; 413 if it says to be more. */
unsigned net_http_parse_body(struct net_http_parse *parse, size_t body_max,
                             struct base_note *note);
bool net_http_parse_has_body(const struct net_http_parse *parse);
/* After DONE: the body, and what a form in it says. */
unsigned net_http_parse_form(struct net_http_parse *parse,
                             struct net_http_request *request,
                             struct base_note *note);

/* %XX decoded into the arena ("+" too when `plus`); SYNTAX for a bad escape or
 * a NUL, LIMIT when the arena is full. */
enum err net_http_parse_decode(struct bytes raw, bool plus,
                               struct base_arena *arena,
                               struct bytes *ret_text);
/* The host of "host", "host:port", "[v6]:port". */
struct bytes net_http_parse_host(struct bytes text);
bool net_http_parse_same(struct bytes text, const char *word); /* any case */

#endif
