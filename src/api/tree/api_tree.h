/* api_tree.h -- who is in the tree, and who may join it.
 *
 * Paths    GET  /api/tree                  this node, its parent, its children,
 *                                          its 20 newest alerts
 *          GET  /api/tree/alerts           limit (1..1000; 20), next.  {alerts:
 *                                          [{number, at (ms), event: a word,
 *                                          text: KEY=VALUE ...}], next};
 *                                          newest first, of the last 1,000
 *          GET  /api/tree/{prefix}/links   channels of one link, last refusals
 *          /api/prefix-applications/...    api_tree_prefix.h, api_tree_move.h
 * Loop     the state loop; for samples the ingest loop, and back.
 * api may not know tier: app hands in functions that describe it as JSON. */
#ifndef API_TREE_H
#define API_TREE_H

#include "engine/ident/ident.h"
#include "engine/rollup/rollup.h"
#include "engine/stream/stream.h"
#include "net/http/net_http.h"

struct api_tree {
    struct ident *ident;
    /* {node, role, parent, children, ...}; owned by the caller. */
    json_t *(*describe)(void *self);
    /* Newest first, of those with numbers below `before`; 0: of all. */
    json_t *(*alerts)(void *self, uint64_t before, unsigned limit);
    /* One link in detail, or NULL. */
    json_t *(*link)(void *self, struct bytes prefix);
    void *self;
    struct rollup *rollup;            /* NULL: no figures here */
    struct stream *stream;            /* NULL: no samples here */
    struct base_loop *state, *ingest; /* of ident and rollup; of stream */
    /* Raises this node's epoch; CONFLICT: it has joined. */
    enum err (*raise)(void *raise_self, uint32_t epoch);
    void *raise_self;
};

enum { API_TREE_ROUTES = 9 };

void api_tree_routes(struct api_tree *tree, struct base_loop *loop,
                     struct net_http_route *routes);

#endif
