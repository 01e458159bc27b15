/* handle_inner.h -- what the door's own files share; nobody else's.
 *
 *   handle_door.c     opening, closing, counters each second
 *   handle_udp.c      packets in; replies in parts, within the buckets
 *   handle_tcp.c      connections; replies in the order of their requests
 *   handle_request.c  one message: read, asked of ident, answered
 *   handle_reply.c    what every reply has in common; signing
 *   handle_own.c      our own HS_SITE, asked of ident like any other name
 *
 * Memory   a request lives from its bytes to its reply, also when its
 *          connection has gone; the door's limit of requests bounds them.
 * Threads  the handle loop; ident answers there. */
#ifndef HANDLE_INNER_H
#define HANDLE_INNER_H

#include "base/base_list.h"
#include "door/handle/handle_bucket.h"
#include "door/handle/handle_door.h"
#include "door/handle/handle_parts.h"
#include "door/handle/handle_stat.h"
#include "wire/handle/wire_handle.h"

enum {
    HANDLE_FLIGHT = 32,      /* requests of one connection under way */
    HANDLE_UDP_PACKETS = 64, /* of one reply */
    HANDLE_TCP_WAITING = 64 << 20,
    HANDLE_SIGNATURES = 200, /* a second */
    HANDLE_TICK_MS = 1000,
    HANDLE_SITE_TICKS = 60,
    HANDLE_SITE = 16 << 10, /* bytes of an HS_SITE that is taken */
    HANDLE_NO_SERIAL = 0xFFFF,
};

struct handle_conn;

struct handle_door {
    struct handle_door_config config;
    struct net_udp *udp;
    struct net_listener *listener;
    struct handle_bucket *buckets;
    struct handle_parts *parts;
    struct net_udp_peer free_peers[HANDLE_DOOR_FREE];
    unsigned free_count;
    struct base_timer tick;
    struct base_link requests; /* all under way */
    unsigned request_count;
    unsigned signatures;    /* left in this second */
    size_t waiting;         /* bytes of replies on TCP */
    uint64_t late, crowded; /* of parts, told to stats so far */
    struct handle_stat stat;
    /* Our HS_SITE, as far as it is known. */
    struct ident_resolve own;
    char own_name[MODEL_PREFIX_MAX + 8];
    bool own_asked, primary;
    unsigned own_ticks; /* until it is asked for again */
    uint16_t serial;
    struct base_out site;
};

/* One message, from its coming to its reply. */
struct handle_request {
    struct ident_resolve call; /* when `asked` */
    struct handle_door *door;
    struct base_link link;              /* door->requests */
    struct wire_handle_message message; /* in bytes, below */
    struct wire_handle_query query;
    struct base_out reply;
    bool udp, loopback, asked;
    struct net_udp_peer peer; /* udp */
    struct handle_conn *conn; /* tcp; NULL once it is gone */
    struct base_link order;   /* tcp: conn->requests */
    bool answered;
    uint32_t *indexes;
    struct bytes *types;
    uint8_t bytes[];
};

/* What is said to a request. */
struct handle_answer {
    uint32_t code;
    bool elsewhere;   /* not of our own knowledge: AT clear */
    const char *text; /* errors; NULL: the code's */
    struct bytes raw; /* GET_SITEINFO */
    const struct wire_handle_values *values;
};

/* --- handle_request.c --- */
struct handle_request *handle_request_new(struct handle_door *door,
                                          struct bytes payload);
void handle_request_free(struct handle_request *request);
/* Decodes and checks; answers now or when ident has. */
void handle_request_begin(struct handle_request *request,
                          const struct wire_handle_envelope *envelope,
                          size_t size);

/* --- handle_own.c --- */
void handle_own_init(struct handle_door *door);
void handle_own_done(struct handle_door *door);
/* Each second. */
void handle_own_tick(struct handle_door *door);

/* --- handle_reply.c: into request->reply --- */
void handle_reply_write(struct handle_request *request,
                        const struct handle_answer *answer);

/* --- transports: take an answered request, and free it when it is sent --- */
enum err handle_udp_open(struct handle_door *door, struct base_note *note);
void handle_udp_send(struct handle_request *request);
enum err handle_tcp_open(struct handle_door *door, struct base_note *note);
void handle_tcp_send(struct handle_request *request);

#endif
