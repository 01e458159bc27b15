/* net_http_inner.h -- what net_http's own files share; nobody else's.
 *
 * A net_http_work is one request from its first byte until its reply is sent.
 * It belongs to the HTTP loop, but between dispatch and reply its request,
 * status, extra and out are the handler's thread's alone. */
#ifndef NET_HTTP_INNER_H
#define NET_HTTP_INNER_H

#include "base/base_list.h"
#include "net/http/net_http_parse.h"
#include "net/http/net_http_route.h"

enum {
    NET_HTTP_HEAD_S = 30,
    NET_HTTP_BODY_S = 300, /* in all */
    NET_HTTP_HANDLER_S = 120,
    NET_HTTP_IDLE_S = 60,
    NET_HTTP_REQUESTS = 256, /* under way, and bodies being read */
    NET_HTTP_ONCE_RESULTS = 6,
    NET_HTTP_REPLY = 64 << 20,
};

/* -- counters: net_http_count.c -- */

struct net_http_counts;

struct net_http_totals {
    struct base_stat once[NET_HTTP_ONCE_RESULTS], under_way, bodies,
        refused[10];
};

void net_http_count_init(struct net_http *http);
void net_http_count_done(struct net_http *http);
/* One answer; node NULL: none was found. */
void net_http_count(struct net_http *http, struct net_http_route_node *node,
                    unsigned status, int64_t us);
void net_http_count_refused(struct net_http *http, unsigned status);

/* -- net_http.c -- */

struct net_http {
    struct net_http_config config;
    struct base_loop *loop;
    struct net_http_route_table table;
    struct net_http_route_node none; /* for counting: no route */
    struct base_link works;
    struct net_http_totals totals;
    char server[64];
};

struct net_http_work {
    struct net_http_request request;
    struct net_http_parse parse;
    struct net_http *http;
    struct net_conn *conn; /* NULL: the client is gone; HTTP loop only */
    struct base_link link;
    struct net_http_route_node *node;
    const struct net_http_route_row *row;
    bool head, close, under_way, reading, dispatched;
    bool permitted; /* its right was checked */
    bool replied;   /* the handler's */
    bool keyed;     /* and: its answer is to be kept under `once` */
    uint8_t once[32];
    struct base_task task; /* to the handler, and back */
    struct net_http_identify identify;
    struct net_http_hold hold;
    unsigned status;
    struct base_out extra, out;
    int64_t start_us;
    unsigned refused; /* a status to be said when the request is whole */
    struct base_note note;
};

struct net_http_work *net_http_work_of(struct net_http_request *request);
/* Its reply is in `out`, on the HTTP loop and durable: send it, and go on. */
void net_http_send(struct net_http_work *work);
void net_http_work_free(struct net_http_work *work);
/* The connection has no request any more. */
void net_http_forget(struct net_conn *conn);

/* -- net_http_right.c -- */

/* For the head: 0 if whoever sends no credentials may go on, or there are
 * some; else 401 or 403. */
unsigned net_http_right_judge(struct net_http_work *work,
                              struct base_note *note);
/* Calls work->identify.done. */
void net_http_right_identify(struct net_http_work *work);
/* What this error of identify, or of the check, is answered with. */
unsigned net_http_right_status(struct net_http_work *work, enum err err);
enum err net_http_right_check(struct net_http_work *work,
                              struct base_note *note);

/* -- net_http_once.c: on the handler's thread -- */

/* false: answered without the handler. */
bool net_http_once_begin(struct net_http_work *work);
/* Its answer, in work->out already; type NULL: there is no body. */
void net_http_once_end(struct net_http_work *work, const char *type,
                       struct bytes body);
void net_http_count_once(struct net_http *http, enum err err);

/* -- net_http_reply.c -- */

/* Fill work->out; nothing is posted. */
void net_http_reply_write(struct net_http_work *work, unsigned status,
                          const char *content_type, struct bytes body);
void net_http_reply_problem(struct net_http_work *work, unsigned status,
                            const struct base_note *note);

/* net_http_problem is this. */
void net_http_reply_refusal(struct net_http_request *request, unsigned status,
                            const struct base_note *note);

#endif
