/* net_http_route.h -- which handler a path means.
 *
 * Patterns of the same shape (their {names} may differ) make one node with a
 * row per method set; nodes stand sorted, literal parts before {params} before
 * {rest...}, from the left, so that the first that matches is the most literal
 * one.  A hundred patterns are walked in a microsecond: no tree. */
#ifndef NET_HTTP_ROUTE_H
#define NET_HTTP_ROUTE_H

#include "net/http/net_http.h"

enum { NET_HTTP_ROUTE_PARTS = 16 };

enum net_http_route_kind {
    NET_HTTP_ROUTE_LITERAL,
    NET_HTTP_ROUTE_PARAM,
    NET_HTTP_ROUTE_REST
};

struct net_http_route_part {
    enum net_http_route_kind kind;
    struct bytes text; /* the literal, or the name */
};

struct net_http_route_row {
    struct net_http_route route;
    struct net_http_route_part parts[NET_HTTP_ROUTE_PARTS];
    unsigned part_count;
    struct net_http_route_row *next; /* of its node */
};

struct net_http_route_node {
    struct net_http_route_row *rows;
    unsigned methods;
    void *counts; /* net_http's */
};

struct net_http_route_table {
    struct net_http_route_node **nodes;
    unsigned count;
};

void net_http_route_done(struct net_http_route_table *table);
enum err net_http_route_add(struct net_http_route_table *table,
                            const struct net_http_route *route);
/* NULL: no pattern matches. */
struct net_http_route_node *
net_http_route_find(const struct net_http_route_table *table,
                    struct bytes raw_path);
const struct net_http_route_row *
net_http_route_row(const struct net_http_route_node *node, unsigned method);
/* Fill path_params; SYNTAX, LIMIT. */
enum err net_http_route_take(const struct net_http_route_row *row,
                             struct bytes raw_path,
                             struct net_http_request *request);
/* "GET, HEAD, OPTIONS"; to: 64 bytes. */
char *net_http_route_allow(unsigned methods, char *to);

#endif
