/* api_prom.h -- the Prometheus HTTP API over this node's series.
 *
 * Paths    GET, POST /api/v1/query, query_range, series, labels;
 *          GET /api/v1/label/{name}/values, status/buildinfo, metadata, rules,
 *          query_exemplars.  Parameters, envelope and words as Prometheus's
 *          (spec store 10): times RFC 3339 or seconds, steps spans or seconds.
 * Above    a selector that names, with id="...", an identifier of another
 *          prefix is asked there (channel 20 QUERY) and the answer handed on
 *          (a hosted enterprise's: at its host, until it has its own node):
 *          the nation draws a machine's curve without keeping its samples.  So
 *          are series, labels, label values and metadata (SERIES) when every
 *          match[] names identifiers of one other prefix; else they list what
 *          this node itself has: without stream, nothing.
 * Errors   bad_data 400, execution 422, not_found 404, timeout and unavailable
 *          503, internal 500.
 * Loops    handlers run on the ingest loop (stream's owner); questions to other
 *          nodes go over the state loop. */
#ifndef API_PROM_H
#define API_PROM_H

#include "engine/stream/stream_query.h"
#include "net/http/net_http.h"

struct api_prom {
    struct stream *stream; /* NULL: this node keeps no samples */
    struct model_port *port;
    struct base_loop *ingest, *state;
    const char *version;
};

enum { API_PROM_ROUTES = 9, API_PROM_ROWS = 2 };

void api_prom_routes(struct api_prom *prom, struct net_http_route *routes);
/* For tier: answers DATA_CALL QUERY and SERIES with the data that HTTP has. */
void api_prom_rows(struct api_prom *prom, struct model_call_row *rows);

#endif
