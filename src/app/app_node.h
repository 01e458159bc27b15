/* app_node.h -- a whole node: every part made, joined, run, and taken down.
 *
 * Why: wiring lives in one place and holds no algorithm.  The parts are made in
 * the order of a table of steps and taken down in the reverse one; a step that
 * fails says why in one sentence, and what was made before it is taken down.
 *
 * Threads  state  the caller's: kv environments, ident, rollup, tier, signals
 *          ingest the MQTT door, stream, store_ts
 *          http   HTTP, and this machine's own MQTT client
 *          and the journal's committer.
 * Ends     SIGTERM, SIGINT: doors stop accepting, links drain, the journal is
 *          closed orderly. */
#ifndef APP_NODE_H
#define APP_NODE_H

#include "app/app_config.h"
#include "app/app_log.h"

enum { APP_NODE_BUILD_S = 1793491200 }; /* no clock shows less: 2026-11-01 */

/* Returns when the node has been told to stop: OK; or why it could not run. */
enum err app_node_run(struct app_config *config, struct app_log *log,
                      struct base_note *note);

#endif
