/* api_handles.h -- identifiers over HTTP: the Handle System's REST paths.
 *
 * GET    /api/handles/H        index=, type= (each repeatable, a union),
 *     publicOnly=, auth= (from its owner, not a cache), trace=.
 *     {responseCode, handle, values, hops}
 * PUT    /api/handles/H        overwrite= (true), index=various or numbers
 *     (adds values), state=, reason=.  Body: values, {values} or one value;
 *     with state=active|suspended|retired and no body, its state.
 *     {responseCode, handle, revision}
 * DELETE /api/handles/H        index= (only those values)
 * GET    /api/handles          prefix=, page= (from 0), pageSize= (0 counts).
 *     {prefix, page, pageSize, totalCount (a string), handles}
 * POST   /api/handles          NDJSON, a row each (api_handles_bulk.c)
 * GET    /api/prefixes[/P]     prefixes known here; one, with its life
 * GET    /api/site             {site}
 *
 * publicOnly defaults to true for who may not change the identifier.
 * Codes    DO-IRP's, as HTTP: 1 200 (201 made) · 100 404 · 101, 201 409 · 102,
 *     202, 301, 4 400 · 200 200 on GET, else 400 · 302, 303 300 · 5 501 · 3, 7
 *     503 · 402 401 · 400, 401, 403, 404 403 · 6 508 · rest 500; but 301 of a
 *     GET, where no node serves the prefix, is 404.
 *     A refusal is {responseCode, handle, message, field}.
 * CORS     any origin may read.
 * Limits   64 indexes and types; bodies 1 MiB; a listing up to the millionth
 *     name; bulk 8 MiB a request.
 * Threads  handlers run on the state loop.
 * Source   spec identify 6. */
#ifndef API_HANDLES_H
#define API_HANDLES_H

#include "engine/ident/ident.h"
#include "engine/ident/ident_resolve.h"
#include "net/http/net_http.h"

enum { API_HANDLES_ROUTES = 8 };

struct api_handles {
    struct ident *ident;
};

void api_handles_routes(struct api_handles *handles, struct base_loop *loop,
                        struct net_http_route routes[API_HANDLES_ROUTES]);

#endif
