/* net_conn.h -- one life cycle for every TCP connection, whatever it speaks.
 *
 *   accept/connect -> LOOKING (first byte: 16h is TLS) -> SHAKING -> OPEN
 *        -> CLOSING (output flushed, SHUT_WR, input discarded <= 2 s) -> gone
 *
 * Why: limits, TLS, back-pressure and lingering are written once.  A protocol
 * gives a struct net_proto and sees only bytes.
 *
 * Calls    open() once; input(), drained(), deadline() while OPEN; closed()
 *          last, after every open() and every net_connect, never without one
 *          of them.  None is called from inside a net_conn_ function: whatever
 *          these cause comes from the loop, so a protocol may close or abort
 *          any connection anywhere, its own inside input() too.
 * Reading  one 256 KiB arena per loop; a connection gets at most one fill of
 *          it per turn.  input() is given what is there and says how much it
 *          has consumed; the rest is kept (heap, at most proto->partial_max;
 *          while paused at most one fill) and given again with what follows.
 *          net_conn_pause stops reading and input(); net_conn_resume gives the
 *          kept bytes again.  While paused the peer's end is not noticed.
 * Writing  net_conn_write copies to the socket at once if nothing waits, else
 *          into a heap buffer.  Above `high` bytes input is paused by itself
 *          until below `low`; above `max` the connection is closed (why LIMIT).
 * Closing  net_conn_close flushes (<= 5 s), sends TLS's and TCP's end, and
 *          discards input until the peer's end, <= 2 s: closing with unread
 *          input would send RST, which destroys what was sent last.  closed()
 *          comes after all that; a protocol does what is urgent when it asks.
 *          A peer that has ended its side gets what waits for it, no more,
          unless the protocol still has answers to come (`ended`).
 * Memory   an idle plain connection: this struct (56 B), the proto's `size`
 *          bytes inline behind it, aligned to 8, and nothing else: <= 260 B in
 *          all for MQTT (RULINGS 20).  Connections are not libevent events (128
 *          B each, 32 more in its tables) but members of one epoll set, which
 *          is one event.
 * Timers   a 1 s wheel per loop: net_conn_deadline in whole seconds, up to one
 *          late, never early.
 * Threads  the listener's loop.  SIGPIPE is ignored from net_new on: OpenSSL
 *          writes without MSG_NOSIGNAL.
 * Limits   per listener: connections, waiting (accepted but not OPEN or not yet
 *          net_conn_greeted) within 10 s; beyond them a connection is accepted
 *          and closed at once.  64 accepts per turn.  No descriptor left: one
 *          is kept in reserve to refuse with.  Each is counted in
 *          dougong_limit_hit_total{limit,door,port}.
 * Errors   NAME not a numeric address, EXISTS the port is taken, IO. */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/base_stat.h"
#include "crypt/crypt_tls.h"
#include "sys/sys_loop.h"

struct net_conn;
struct net_listener;
struct net; /* one loop's connections: read arena, wheel, counters */

enum net_why {
    NET_WHY_PEER,
    NET_WHY_DONE,
    NET_WHY_LIMIT,
    NET_WHY_TIMEOUT,
    NET_WHY_TLS, /* in closed(), crypt_tls_why tells more */
    NET_WHY_ERROR,
    NET_WHY_STOP
};

struct net_proto {
    const char *name; /* for counters: "mqtt" */
    size_t size;      /* bytes of protocol state, zeroed, behind the conn */
    size_t partial_max, high, low, max;
    bool both_ways; /* input goes on above `high`: else two ends that both
                       write much would wait for each other for ever */
    /* The connection is OPEN (TLS done). false: close it. */
    bool (*open)(struct net_conn *conn, void *door);
    /* Returns bytes consumed (<= size). */
    size_t (*input)(struct net_conn *conn, const uint8_t *at, size_t size);
    /* The peer has ended its side: no more input comes, output still may.
     * true: the protocol closes by itself.  NULL or false: closed now. */
    bool (*ended)(struct net_conn *conn);
    /* Output has gone below `low` after it was above `high`. May be NULL. */
    void (*drained)(struct net_conn *conn);
    /* The deadline has come. NULL: the connection is closed, TIMEOUT. */
    void (*deadline)(struct net_conn *conn);
    /* Last call; the state is freed after it. */
    void (*closed)(struct net_conn *conn, enum net_why why);
};

enum err net_new(struct sys_loop *loop, struct base_stats *stats,
                 struct net **ret_net);
void net_free(struct net *net); /* closes all at once; not inside a callback */

struct net_listener_config {
    const char *address; /* "127.0.0.1", "::1" */
    uint16_t port;       /* 0: any; see net_listener_port */
    const struct net_proto *proto;
    void *door;
    bool plain, tls;            /* what the first byte may be */
    bool tls_first;             /* TLS without looking (MQTT TLS port, tier) */
    struct ssl_ctx_st *context; /* when tls; may be swapped by _context */
    unsigned connections_max, waiting_max; /* 0: 10,000, 100 */
};

/* Listener and net count the context themselves: the caller may free his. */
enum err net_listen(struct net *net, const struct net_listener_config *config,
                    struct net_listener **ret_listener, struct base_note *note);
uint16_t net_listener_port(const struct net_listener *listener);
void net_listener_context(struct net_listener *listener,
                          struct ssl_ctx_st *context);
/* From any thread. */
unsigned net_listener_count(const struct net_listener *listener);
/* Stop accepting; fn (may be NULL) is called for each open connection.  The
 * listener itself lives as long as the net. */
void net_listener_shut(struct net_listener *listener,
                       void (*fn)(struct net_conn *conn));

/* Outgoing; open() or closed() follows, within 10 s, from the loop; on an error
 * nothing does.  The proto judges the peer itself, in open(), by
 * crypt_tls_peer. */
enum err net_connect(struct net *net, const char *address, uint16_t port,
                     const struct net_proto *proto, void *door,
                     struct ssl_ctx_st *context, struct net_conn **ret_conn);

void *net_conn_state(struct net_conn *conn);
struct net_conn *net_conn_of(void *state);
void *net_conn_door(struct net_conn *conn);
bool net_conn_is_tls(const struct net_conn *conn);
struct ssl_st *net_conn_ssl(struct net_conn *conn); /* NULL when plain */
/* "127.0.0.1:4711"; to: 64 bytes. */
char *net_conn_peer(struct net_conn *conn, char *to);
/* Is the peer's address a loopback one? */
bool net_conn_loopback(struct net_conn *conn);
/* Of net_connect: did anybody answer at the address?  In closed() too. */
bool net_conn_reached(const struct net_conn *conn);
void net_conn_greeted(struct net_conn *conn); /* no longer `waiting` */

void net_conn_write(struct net_conn *conn, struct bytes data);
/* Hold written bytes until uncork, so that one turn gives one send().  They do
 * not nest. */
void net_conn_cork(struct net_conn *conn);
void net_conn_uncork(struct net_conn *conn);
size_t net_conn_waiting(const struct net_conn *conn); /* unsent bytes */
void net_conn_pause(struct net_conn *conn);
void net_conn_resume(struct net_conn *conn);
/* In whole seconds from now; 0: none.  Replaces the 10 s for greeting. */
void net_conn_deadline(struct net_conn *conn, unsigned seconds);
/* Flush, then linger; no more input() calls. */
void net_conn_close(struct net_conn *conn, enum net_why why);
/* Now, without flushing. */
void net_conn_abort(struct net_conn *conn, enum net_why why);

#endif
