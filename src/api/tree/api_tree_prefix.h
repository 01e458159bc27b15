/* api_tree_prefix.h -- applications for prefixes, and steps of their life.
 *
 * GET  /api/prefix-applications          state=, limit= (100, at most 1,000),
 *      next=.  {prefixes: [{prefix, state, node, direct, hosted, ...}], next}
 * POST /api/prefix-applications          {prefix, name, uscc, industry, region,
 *      contact, key?}: apply.  {prefix, state}
 * GET  /api/prefix-applications/P        the same, with the application and its
 *      steps [{verb, at_ms, actor, reason}]
 * POST /api/prefix-applications/P/VERB   {reason?, quota?}: ident_step.h; of
 *      approve {prefix, state, token, hours}, else {prefix, state}
 *
 * Problems 400 what is wrong with which field; 409 not from this state; 403 who
 * applied may not judge. */
#ifndef API_TREE_PREFIX_H
#define API_TREE_PREFIX_H

#include "api/tree/api_tree.h"

void api_tree_prefix_list(void *self, struct net_http_request *request);
void api_tree_prefix_apply(void *self, struct net_http_request *request);
void api_tree_prefix_show(void *self, struct net_http_request *request);
void api_tree_prefix_step(void *self, struct net_http_request *request);

#endif
