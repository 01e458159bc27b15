/* api_connections.h -- who is connected by MQTT, and ending one, over HTTP.
 *
 * GET /api/connections          limit (1..1000; 100), next; client (how the
 *     client id begins), user (whose): {connections: [{id, kind, user, address,
 *     tls, version, since_ms, seen_ms, messages_in, messages_out,
 *     unacknowledged, queued, owed, subscriptions, keep_alive_s}], next}
 * GET /api/refusals             {refusals: [{at, what, client, topic, payload,
 *     why}]}: the last 100 messages that were refused or not understood, newest
 *     first, cut to 64, 256, 128 bytes; "" for what is then no UTF-8.
 * DELETE /api/connections/{id}  204; the client is told (5.0: DISCONNECT 98)
 *     and may come back: what keeps it out is its credential.
 *
 * Rights   `state` to see, `users` to end; each within the asker's scope,
 *          refusals with a scope that has the whole node.
 *          Outside it there is no such client: 404.
 * Threads  a door's clients belong to its own loop, `owner`: listing runs
 *          there.  Ending goes from the state loop there and back, where it is
 *          put into the audit log.
 * api may not know doors: app hands in functions. */
#ifndef API_CONNECTIONS_H
#define API_CONNECTIONS_H

#include "model/model_audit.h"
#include "model/model_client.h"
#include "net/http/net_http.h"

enum { API_CONNECTIONS_ROUTES = 3 };

struct api_connections {
    /* On the owner's loop; none if there is no such door. */
    void (*list)(void *self, const struct model_client_query *query,
                 model_client_fn *fn, void *to);
    void (*refusals)(void *self, model_client_refusal_fn *fn, void *to);
    /* ABSENT: nobody of that id within this scope. */
    enum err (*end)(void *self, struct bytes id, struct bytes scope);
    void *self;
    struct base_loop *owner, *state;
    struct model_audit *audit;
};

void api_connections_routes(struct api_connections *api,
                            struct net_http_route *routes);

#endif
