/* net_inner.h -- the structs that net's own files share; nobody else's.
 *
 * A connection is in exactly one list of its net's wheel.  What most idle
 * connections lack (TLS, kept input, waiting output) stands in net_more, which
 * is there only while it is needed. */
#ifndef NET_INNER_H
#define NET_INNER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/base_list.h"
#include "net/net_conn.h"

enum {
    NET_ARENA = 256 * 1024,
    NET_FILL_MIN = 16 * 1024, /* one TLS record */
    NET_SLOTS = 512,          /* of 1 s */
    NET_GREET_S = 10,
    NET_FLUSH_S = 5,
    NET_LINGER_S = 2,
    NET_WHYS = NET_WHY_STOP + 1,
};

struct net {
    struct sys_loop *loop;
    int poll_fd;                           /* all connections' descriptors */
    struct event event;                    /* of poll_fd, and of kicks */
    struct net_conn *kicked, **kicked_end; /* by conn->kick */
    struct base_stats *stats;
    uint8_t *arena;
    int reserve_fd;
    struct base_timer timer;
    uint32_t tick; /* the wheel has turned up to here */
    struct base_link slots[NET_SLOTS], still;
    struct base_link listeners;
};

/* What connections of one listener, or one outgoing connection, share. */
struct net_owner {
    struct net *net;
    const struct net_proto *proto;
    void *door;
    struct net_listener *listener; /* NULL: outgoing, freed with its conn */
    SSL_CTX *context;
    unsigned count, waiting;
};

enum {
    NET_STAT_CONNECTIONS,
    NET_STAT_ACCEPTED,
    NET_STAT_LIMIT,
    NET_STAT_LIMIT_WAITING,
    NET_STAT_LIMIT_FILES,
    NET_STAT_CLOSED,
    NET_STATS = NET_STAT_CLOSED + NET_WHYS
};

struct net_listener {
    struct net_owner owner;
    struct base_link link;
    struct event event;
    struct net_listener_config config;
    uint16_t port;
    bool open;
    struct base_stat stats[NET_STATS];
    char labels[NET_STATS][80];
};

enum net_state {
    NET_CONNECTING,
    NET_LOOKING,
    NET_SHAKING,
    NET_OPEN,
    NET_FLUSHING,
    NET_LINGERING,
    NET_GONE
};

struct net_more {
    SSL *ssl;
    uint8_t *in, *out;
    size_t in_size, in_room;
    size_t out_at, out_size, out_room; /* unsent: out_at .. out_size */
};

/* What a socket is ready for, or waited for. */
enum { NET_READ = 1, NET_WRITE = 2, NET_KICK = 4 };

struct net_conn {
    struct base_link link;
    struct net_owner *owner;
    struct net_more *more;
    struct net_conn *kick; /* next of the kicked */
    int fd;
    uint32_t due; /* tick; 0 none */
    uint8_t state, why, polled;
    bool paused : 1, choked : 1, corked : 1;
    bool waiting : 1; /* counted as such by the listener */
    bool own_due : 1; /* the deadline is the protocol's */
    bool loopback : 1, opened : 1;
    bool reached : 1;   /* outgoing: TCP is there */
    bool eof : 1;       /* the peer's end was read */
    bool doomed : 1;    /* to be finished by the loop */
    bool kicked : 1;    /* in the list of the kicked */
    bool inside : 1;    /* one of its callbacks is running */
    bool ssl_write : 1; /* TLS waits for room to write */
};

_Static_assert(sizeof(struct net_conn) == 56, "as net_conn.h counts");

/* net.c: a numeric address (NAME: it is none); is it a loopback one? */
enum err net_address(const char *address, uint16_t port,
                     struct sockaddr_storage *ret_address, socklen_t *ret_size);
bool net_loopback(const struct sockaddr_storage *address);
/* The port that a bound socket got. */
uint16_t net_inner_port(int fd);

/* net_conn.c */
struct net_conn *net_conn_new(struct net_owner *owner, int fd,
                              enum net_state state);
/* Wait for its socket; `kick`: take its step at once, from the loop. */
void net_conn_start(struct net_conn *conn, bool kick);
/* Its socket is ready, or it was kicked. */
void net_conn_ready(struct net_conn *conn, unsigned what);
void net_conn_free(struct net_conn *conn);
/* Now; frees unless one of its callbacks is running. */
void net_conn_finish(struct net_conn *conn, enum net_why why);
/* From the loop, soon. */
void net_conn_doom(struct net_conn *conn, enum net_why why);
void net_conn_due(struct net_conn *conn);
struct net_more *net_conn_more(struct net_conn *conn);
/* Frees what has become empty. */
void net_conn_trim(struct net_conn *conn);

/* net_poll.c */
enum err net_poll_init(struct net *net);
void net_poll_done(struct net *net);
/* Wait for this from now on; false: the kernel refuses. */
bool net_poll_want(struct net_conn *conn, unsigned wants);
/* net_conn_ready(conn, NET_KICK) from the loop, soon.  A connection that is
 * gone meanwhile is freed instead. */
void net_poll_kick(struct net_conn *conn);

/* net_out.c; they doom a connection that is broken or over `max`. */
void net_out_write(struct net_conn *conn, struct bytes data);
void net_out_flush(struct net_conn *conn);
/* Above `high`: no more input for now. */
void net_out_mark(struct net_conn *conn);

/* net_tls.c */
enum net_io { NET_IO_OK, NET_IO_WAIT, NET_IO_EOF, NET_IO_BROKEN };
enum net_io net_tls_shake(struct net_conn *conn);
enum net_io net_tls_read(struct net_conn *conn, uint8_t *at, size_t room,
                         size_t *ret_size);
enum net_io net_tls_write(struct net_conn *conn, struct bytes data,
                          size_t *ret_size);
bool net_tls_begin(struct net_conn *conn, bool server);

/* net_wheel.c */
void net_wheel_init(struct net *net);
void net_wheel_done(struct net *net);
/* Fires at the end of the whole second `seconds` from now, or, `exact`, at its
 * beginning. 0: never. */
void net_wheel_set(struct net_conn *conn, unsigned seconds, bool exact);
/* Every connection, or those of one owner; free the array.  (Not an iterator:
 * what is done to one connection may move any other to another slot.) */
struct net_conn **net_wheel_all(struct net *net, const struct net_owner *only,
                                unsigned *ret_count);

#endif
