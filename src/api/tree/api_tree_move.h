/* api_tree_move.h -- a hosted enterprise goes to its own node: one bundle.
 *
 * GET  /api/prefix-applications/P/bundle export: no more changes here, and no
 *      samples; the signed bundle of a hosted prefix
 * POST /api/prefix-applications/P/import the bundle, at the node P itself.
 *      {prefix, rows, made, signer, samples, samples_old: older than what is
 *      kept here, returns, figures: units' contributions, figures_made: rows of
 *      both that are new}
 *
 *   export  state: ident begins --> ingest: samples --> state: figures, names
 *   import  state: looked at --> ingest: samples --> state: figures, names
 *
 * so that nothing that was acknowledged is missing in it, and windows are
 * folded again from all of their samples.
 *
 * Problems 409 not from this state, not for this node, an older bundle; 403 it
 * was changed; 413 samples or figures do not fit. */
#ifndef API_TREE_MOVE_H
#define API_TREE_MOVE_H

#include "api/tree/api_tree.h"

void api_tree_move_export(void *self, struct net_http_request *request);
void api_tree_move_import(void *self, struct net_http_request *request);
/* The export is taken back: samples are taken again. */
void api_tree_move_resume(struct api_tree *tree, struct bytes prefix);

#endif
