/* app_tree.h -- the tree as this node sees it, as JSON.
 *
 * Why: tier knows links, ident knows prefixes, the console draws one picture.
 *
 * Paths    describe, alerts and link are what api/tree shows.  GET
 * /api/tree/whole asks every linked child for the same (channel control,
 * STATUS), and they theirs, 2 s in all: {node, role, state, lag_s, children}.
 * Threads  the state loop. */
#ifndef APP_TREE_H
#define APP_TREE_H

#include "app/app_config.h"
#include "net/http/net_http.h"
#include "tier/tier.h"

struct app_tree {
    const struct app_config *config;
    struct tier *tier;
    struct base_loop *loop;
    const uint8_t *store_id;
    const char *version;
};

json_t *app_tree_describe(void *app_tree);
json_t *app_tree_alerts(void *app_tree, uint64_t before, unsigned limit);
json_t *app_tree_link(void *app_tree, struct bytes prefix);
void app_tree_route(struct app_tree *tree, struct net_http_route *route);
struct model_call_row app_tree_row(struct app_tree *tree);

#endif
