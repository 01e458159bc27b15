/* net_http.h -- the HTTP server: routes, requests, replies, problems.
 *
 * Why: api folders say what a path does; everything a request and a reply have
 * in common is here.  HTTP/1.1 by libhttp-parser (strict) under net_conn.
 *
 *   bytes -> head -> judged, routed -> body -> handler on its loop
 *         -> reply -> HTTP loop -> hold -> sent -> the next request
 *
 * Routes   tables of struct net_http_route, handed in by app, one per api
 *          folder; patterns like "/api/v1/label/{name}/values", `{rest...}`
 *          last only, also empty; the most literal match (from the left) wins;
 *          other method: 405 + Allow.  A path is split at "/" before it is
 *          percent-decoded, so "%2F" stays inside its part.
 * Owner    a route names the loop its handler runs on (its engine's owner
 *          thread); requests are posted there and replies posted back, so that
 *          a handler calls its engine directly.  The client may leave
 *          meanwhile: the request lives on, its reply is dropped.
 * Commit   a reply leaves only after `hold` (config) says that all which the
 *          node had appended when the handler replied is durable (RULINGS 1).
 *          If that fails the reply is replaced by the error's problem.
 *          Refusals made here are not held.
 * Order    one request at a time per connection; pipelined ones wait.
 * Bodies   at most route->body_max; a handler runs when the body is whole.
 *          Form-encoded ones are also read into `query`.
 * Problem  every refusal is RFC 9457 application/problem+json: type
 *          "about:blank", title, status, detail, code (base_err_name), plus
 *          "where", "line", "column" when known.
 * Limits   32 KiB of head, 100 headers, 64 parameters; 256 requests under way
 *          (head accepted, not answered); 30 s to send a head, and for each
 *          part of a body, 5 min for all of it; 120 s for a handler (504);
 *          idle 60 s; replies of 64 MiB.  Over it 431, 408, 503 with
 *          Retry-After.
 * Who      every request has a principal (model_grant.h).  A route states the
 *          right it needs in its row; it is checked once, before the handler:
 *          at the head, before a body is read, when no credentials came; else
 *          when `identify` (config) has found out who it is.  401 to nobody,
 *          403 to others, with the right that is missing.
 * Object   of a route's right: NULL the node's own prefix; "{name}" that part
 *          of the path; "?name" that parameter of the URL, or the node if it is
 *          not there; "*" the handler judges each thing by net_http_may.
 * Again    a POST of a route marked so is done once under an Idempotency-Key
 *          (draft-ietf-httpapi-idempotency-key-header; of each principal his
 *          own): sent again it gets the first answer, marked with
 *          Idempotency-Replayed; another request under the same key 422; while
 *          the first is under way, or when nobody knows or keeps its answer,
 *          409.  What was refused may come again.  Other POSTs are absolute
 *          states or change nothing: they are done again.
 * Hostile  Host must be an address, localhost or one of `names` (421), or a
 *          page could rebind its name to us; an Origin that is not, is refused
 *          for all but GET (403).  Content-Length with Transfer-Encoding, or
 *          two of them: 400.  Bad escapes: 400.
 * Counted  dougong_http_requests_total{route,code}, ..._request_seconds{route},
 *          ..._idempotency_total{result},
 *          ..._refused_total{why}, ..._under_way. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <jansson.h>

#include "base/base_arena.h"
#include "base/base_log.h"
#include "model/model_grant.h"
#include "net/net_conn.h"

struct net_http;

enum net_http_method {
    NET_HTTP_GET = 1,
    NET_HTTP_POST = 2,
    NET_HTTP_PUT = 4,
    NET_HTTP_DELETE = 8,
    NET_HTTP_PATCH = 16
};
/* HEAD is answered from GET, OPTIONS from the table. */

/* Beside POST, where doing it twice is more than doing it once: done once under
 * an Idempotency-Key.  _SECRET: its answer is told, but not kept. */
enum { NET_HTTP_ONCE = 32, NET_HTTP_SECRET = 64 };

enum { NET_HTTP_ONCE_KEY = 255, NET_HTTP_ONCE_TYPE = 64 };
enum { NET_HTTP_PARAMS = 64, NET_HTTP_PATH_PARAMS = 8 };

struct net_http_pair {
    struct bytes name, value; /* percent-decoded */
};

struct net_http_request {
    enum net_http_method method;
    struct bytes path;      /* decoded */
    struct bytes raw_query; /* as sent */
    struct bytes body;
    struct net_http_pair query[NET_HTTP_PARAMS]; /* and form-encoded bodies */
    unsigned query_count;
    struct net_http_pair path_params[NET_HTTP_PATH_PARAMS];
    unsigned path_param_count;
    struct net_http_pair *headers; /* names lower-case */
    unsigned header_count;
    bool tls, loopback;
    struct model_grant_principal principal;
    struct bytes peer;       /* its address, without the port */
    struct ssl_st *ssl;      /* only on the HTTP loop; else NULL */
    struct base_arena arena; /* lives until the reply is sent */
    void *private;           /* net_http's */
};

struct net_http_route {
    unsigned methods;
    const char *pattern;
    enum model_grant_action action; /* the right that it needs */
    const char *object;             /* and of what: see above */
    struct base_loop *loop;         /* NULL: the HTTP loop */
    void (*handle)(void *self, struct net_http_request *request);
    void *self;
    size_t body_max; /* 0: no body allowed */
};

struct net_http_hold {
    void (*fn)(struct net_http_hold *hold, enum err err);
    uint8_t room[160] __attribute__((aligned(16))); /* for app's
                                                       store_journal_wait */
};

/* Who asks?  Fill request->principal, with texts in its arena, then call done
 * once, on the HTTP loop, at once or later.  DENIED: credentials that are wrong
 * (401); BUSY: too many wrong ones (429). */
struct net_http_identify {
    struct net_http_request *request;
    void (*done)(struct net_http_identify *call, enum err err,
                 const struct base_note *note);
};

struct net_http_once_answer {
    unsigned status; /* 0: not kept */
    struct bytes type, body;
};

/* What was done under a key (store_once.h); begin NULL: keys are not looked at.
 * id is of who asks and his key, digest of what he asks. */
struct net_http_once {
    struct base_loop *loop; /* of all routes that are done once */
    enum err (*begin)(void *self, const uint8_t id[32],
                      const uint8_t digest[32],
                      struct net_http_once_answer *ret_answer);
    void (*end)(void *self, const uint8_t id[32], unsigned status,
                struct bytes type, struct bytes body);
    void (*forget)(void *self, const uint8_t id[32]);
    void *self;
};

struct net_http_config {
    struct net *net;
    struct sys_loop *loop;
    struct base_stats *stats;
    struct base_log *log;
    /* Call done->fn on the HTTP loop when all appended so far is durable;
     * called there too.  NULL: nothing is held. */
    void (*hold)(void *self, struct net_http_hold *hold);
    void *hold_self;
    const char *server; /* "dougong/0.1.0" */
    /* Host names that are ours, besides addresses and localhost. */
    const char *const *names;
    unsigned name_count;
    struct bytes node;                      /* this node's prefix */
    struct model_grant_principal anonymous; /* who shows no credentials */
    /* NULL: all are anonymous.  Not called for MODEL_GRANT_OPEN. */
    void (*identify)(void *self, struct net_http_identify *call);
    void *identify_self;
    struct net_http_once once;
    /* At most so many under way, and as many bodies being read; 0: 256. */
    unsigned requests;
};

enum err net_http_new(const struct net_http_config *config,
                      struct net_http **ret_http);
/* After net_free, and after the loops that handlers run on have ended. */
void net_http_free(struct net_http *http);
/* Tables are given before the first listener; they are copied, pattern texts
 * too.  SYNTAX a bad pattern, LIMIT too many parts, EXISTS a method twice,
 * DENIED a row without its right, MISMATCH one done once on another loop. */
enum err net_http_routes(struct net_http *http,
                         const struct net_http_route *routes, unsigned count);
/* For net_listen: the proto and its door (the net_http). */
const struct net_proto *net_http_proto(void);

/* Parameter or header by name (the first); {NULL,0} if absent. */
struct bytes net_http_query(const struct net_http_request *request,
                            const char *name);
struct bytes net_http_path(const struct net_http_request *request,
                           const char *name);
struct bytes net_http_header(const struct net_http_request *request,
                             const char *name); /* lower-case */
/* A parameter that is a number of least..most, `otherwise` if it is not there;
 * SYNTAX names it and its range. */
enum err net_http_number(const struct net_http_request *request,
                         const char *name, uint64_t least, uint64_t most,
                         uint64_t otherwise, uint64_t *ret_number,
                         struct base_note *note);

/* May its principal do this with that prefix or identifier?  For routes whose
 * object is "*". */
enum err net_http_may(const struct net_http_request *request,
                      enum model_grant_action action, struct bytes name,
                      struct base_note *note);

/* Exactly one of these per request, from the thread the handler ran on, at once
 * or later.  They give the request up. */
void net_http_reply(struct net_http_request *request, unsigned status,
                    const char *content_type, struct bytes body);
void net_http_reply_json(struct net_http_request *request, unsigned status,
                         json_t *take);
void net_http_reply_err(struct net_http_request *request, enum err err,
                        const struct base_note *note); /* status by err */
void net_http_problem(struct net_http_request *request, unsigned status,
                      const struct base_note *note);
/* Extra header for the coming reply; control characters become "?". */
void net_http_reply_header(struct net_http_request *request, const char *name,
                           const char *value);
unsigned net_http_status(enum err err);

#endif
