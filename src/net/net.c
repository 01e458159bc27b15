/* net.c -- what the connections of one loop share, and how they begin: who is
 * let in, how he is refused, and who is called. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "net/net_inner.h"

enum { LISTEN_BURST = 64, LISTEN_BACKLOG = 4096 };

/* -- addresses -- */

enum err
net_address(const char *address, uint16_t port,
            struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6,
                               .sin6_port = htons(port)};
    memset(ret_address, 0, sizeof *ret_address);
    if (inet_pton(AF_INET, address, &four.sin_addr) == 1) {
        memcpy(ret_address, &four, sizeof four);
        *ret_size = sizeof four;
    } else if (inet_pton(AF_INET6, address, &six.sin6_addr) == 1) {
        memcpy(ret_address, &six, sizeof six);
        *ret_size = sizeof six;
    } else {
        return ERR_NAME;
    }
    return ERR_OK;
}

bool
net_loopback(const struct sockaddr_storage *address)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    memcpy(&four, address, sizeof four);
    if (address->ss_family == AF_INET)
        return ntohl(four.sin_addr.s_addr) >> 24 == 127;
    memcpy(&six, address, sizeof six);
    return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr) &&
            six.sin6_addr.s6_addr[12] == 127);
}

/* -- counters -- */

static const struct {
    const char *name, *label, *help;
} listen_rows[NET_STATS] = {
/* clang-format off */
#define CLOSED(why) "dougong_net_closed_total", "why=\"" why "\",", \
    "Connections ended, by reason."
#define LIMIT(what) "dougong_limit_hit_total", "limit=\"" what "\",", \
    "How often a stated limit refused something."
    [NET_STAT_CONNECTIONS]   = {"dougong_net_connections", "",
                                "Connections now."},
    [NET_STAT_ACCEPTED]      = {"dougong_net_accepted_total", "",
                                "Connections let in."},
    [NET_STAT_LIMIT]         = {LIMIT("net_connections")},
    [NET_STAT_LIMIT_WAITING] = {LIMIT("net_waiting")},
    [NET_STAT_LIMIT_FILES]   = {LIMIT("descriptors")},
    [NET_STAT_CLOSED + NET_WHY_PEER]    = {CLOSED("peer")},
    [NET_STAT_CLOSED + NET_WHY_DONE]    = {CLOSED("done")},
    [NET_STAT_CLOSED + NET_WHY_LIMIT]   = {CLOSED("limit")},
    [NET_STAT_CLOSED + NET_WHY_TIMEOUT] = {CLOSED("timeout")},
    [NET_STAT_CLOSED + NET_WHY_TLS]     = {CLOSED("tls")},
    [NET_STAT_CLOSED + NET_WHY_ERROR]   = {CLOSED("error")},
    [NET_STAT_CLOSED + NET_WHY_STOP]    = {CLOSED("stop")},
#undef CLOSED
#undef LIMIT
    /* clang-format on */
};

static void
listen_stats(struct net_listener *listener)
{
    for (unsigned i = 0; i < NET_STATS; i++) {
        snprintf(listener->labels[i], sizeof listener->labels[i],
                 "%sdoor=\"%s\",port=\"%u\"", listen_rows[i].label,
                 listener->owner.proto->name, listener->port);
        base_stat_add(
            listener->owner.net->stats, &listener->stats[i],
            i == NET_STAT_CONNECTIONS ? BASE_STAT_GAUGE : BASE_STAT_COUNTER,
            listen_rows[i].name, listener->labels[i], listen_rows[i].help);
    }
}

/* -- accepting -- */

/* Without a descriptor the queue could only be left waiting, and the loop would
 * be woken for it for ever.  false: nobody was there (the kernel looks for a
 * descriptor first). */
static bool
listen_refuse_by_reserve(struct net_listener *listener, int fd)
{
    struct net *net = listener->owner.net;
    close(net->reserve_fd);
    int refused = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (refused >= 0) {
        base_stat_inc(&listener->stats[NET_STAT_LIMIT_FILES], 1);
        close(refused);
    }
    net->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return refused >= 0;
}

static void
listen_admit(struct net_listener *listener, int fd,
             const struct sockaddr_storage *peer)
{
    struct net_owner *owner = &listener->owner;
    int limit = owner->count >= listener->config.connections_max
                    ? NET_STAT_LIMIT
                    : NET_STAT_LIMIT_WAITING;
    if (owner->count >= listener->config.connections_max ||
        owner->waiting >= listener->config.waiting_max) {
        base_stat_inc(&listener->stats[limit], 1);
        close(fd);
        return;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct net_conn *conn = net_conn_new(owner, fd, NET_LOOKING);
    conn->loopback = net_loopback(peer);
    base_stat_inc(&listener->stats[NET_STAT_ACCEPTED], 1);
    base_stat_set(&listener->stats[NET_STAT_CONNECTIONS], owner->count);
    net_conn_start(conn, !listener->config.tls);
}

static void
listen_ready(evutil_socket_t fd, short what, void *self)
{
    struct net_listener *listener = self;
    (void)what;
    for (unsigned i = 0; i < LISTEN_BURST; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t size = sizeof peer;
        int got = accept4(fd, (struct sockaddr *)&peer, &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (got >= 0)
            listen_admit(listener, got, &peer);
        else if (errno == EMFILE || errno == ENFILE
                     ? !listen_refuse_by_reserve(listener, fd)
                     : errno != ECONNABORTED && errno != EINTR &&
                           errno != EPROTO)
            return;
    }
}

/* -- listeners -- */

static int
listen_socket(const struct sockaddr_storage *address, socklen_t size)
{
    int one = 1;
    int fd = socket(address->ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)address, size) == 0 &&
        listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

uint16_t
net_inner_port(int fd)
{
    struct sockaddr_in6 own = {0}; /* the port stands where IPv4's does */
    socklen_t size = sizeof own;
    must(getsockname(fd, (struct sockaddr *)&own, &size) == 0);
    return ntohs(own.sin6_port);
}

static struct net_listener *
listen_new(struct net *net, const struct net_listener_config *config, int fd)
{
    struct net_listener *listener = base_mem_zero(sizeof *listener);
    listener->config = *config;
    listener->config.tls |= config->tls_first;
    if (!config->connections_max)
        listener->config.connections_max = 10000;
    if (!config->waiting_max)
        listener->config.waiting_max = 100;
    listener->owner = (struct net_owner){
        .net = net,
        .proto = config->proto,
        .door = config->door,
        .listener = listener,
    };
    listener->port = net_inner_port(fd);
    listener->open = true;
    net_listener_context(listener, config->context);
    listen_stats(listener);
    base_list_add(&net->listeners, &listener->link);
    return listener;
}

enum err
net_listen(struct net *net, const struct net_listener_config *config,
           struct net_listener **ret_listener, struct base_note *note)
{
    struct sockaddr_storage address;
    socklen_t size;
    must(config->plain || config->tls || config->tls_first);
    must(config->context || !(config->tls || config->tls_first));
    must(config->proto->low <= config->proto->high &&
         config->proto->high <= config->proto->max);
    if (net_address(config->address, config->port, &address, &size) != ERR_OK)
        return base_err_note(note, ERR_NAME,
                             "%s is not a numeric address to listen on",
                             config->address);
    int fd = listen_socket(&address, size);
    if (fd < 0) {
        int error = errno;
        return base_err_note(note, error == EADDRINUSE ? ERR_EXISTS : ERR_IO,
                             "cannot listen on %s port %u (%s): %s",
                             config->address, config->port, config->proto->name,
                             strerror(error));
    }
    struct net_listener *listener = listen_new(net, config, fd);
    event_assign(&listener->event, sys_loop_events(net->loop), fd,
                 EV_READ | EV_PERSIST, listen_ready, listener);
    must(event_add(&listener->event, NULL) == 0);
    *ret_listener = listener;
    return ERR_OK;
}

uint16_t
net_listener_port(const struct net_listener *listener)
{
    return listener->port;
}

void
net_listener_context(struct net_listener *listener, struct ssl_ctx_st *context)
{
    if (context)
        must(SSL_CTX_up_ref(context) == 1);
    SSL_CTX_free(listener->owner.context);
    listener->owner.context = context;
}

unsigned
net_listener_count(const struct net_listener *listener)
{
    const struct base_stat *stat = &listener->stats[NET_STAT_CONNECTIONS];
    return (unsigned)atomic_load_explicit(&stat->value, memory_order_relaxed);
}

static void
listen_shut(struct net_listener *listener)
{
    if (!listener->open)
        return;
    listener->open = false;
    event_del(&listener->event);
    close(event_get_fd(&listener->event));
}

void
net_listener_shut(struct net_listener *listener,
                  void (*fn)(struct net_conn *conn))
{
    unsigned count;
    struct net_conn **all =
        net_wheel_all(listener->owner.net, &listener->owner, &count);
    listen_shut(listener);
    for (unsigned i = 0; i < count; i++) {
        if (all[i]->state == NET_OPEN && fn)
            fn(all[i]);
        else if (all[i]->state < NET_OPEN)
            net_conn_abort(all[i], NET_WHY_STOP);
    }
    base_mem_free(all);
}

static void
listen_free(struct net_listener *listener)
{
    struct net *net = listener->owner.net;
    listen_shut(listener);
    for (unsigned i = 0; i < NET_STATS; i++)
        base_stat_drop(net->stats, &listener->stats[i]);
    SSL_CTX_free(listener->owner.context);
    base_list_remove(&listener->link);
    base_mem_free(listener);
}

/* -- outgoing -- */

enum err
net_connect(struct net *net, const char *address, uint16_t port,
            const struct net_proto *proto, void *door,
            struct ssl_ctx_st *context, struct net_conn **ret_conn)
{
    struct sockaddr_storage peer;
    socklen_t size;
    int one = 1;
    enum err err = net_address(address, port, &peer, &size);
    if (err != ERR_OK)
        return err;
    int fd =
        socket(peer.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&peer, size) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return ERR_IO;
    }
    struct net_owner *owner = base_mem_zero(sizeof *owner);
    *owner = (struct net_owner){
        .net = net,
        .proto = proto,
        .door = door,
        .context = context,
    };
    if (context)
        must(SSL_CTX_up_ref(context) == 1);
    struct net_conn *conn = net_conn_new(owner, fd, NET_CONNECTING);
    conn->loopback = net_loopback(&peer);
    net_conn_start(conn, false);
    *ret_conn = conn;
    return ERR_OK;
}

/* -- all of it -- */

enum err
net_new(struct sys_loop *loop, struct base_stats *stats, struct net **ret_net)
{
    int reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (reserve_fd < 0)
        return ERR_IO;
    signal(SIGPIPE, SIG_IGN);
    struct net *net = base_mem_zero(sizeof *net);
    net->loop = loop;
    net->stats = stats;
    net->arena = base_mem_new(NET_ARENA);
    net->reserve_fd = reserve_fd;
    base_list_init(&net->listeners);
    if (net_poll_init(net) != ERR_OK) {
        close(reserve_fd);
        base_mem_free(net->arena);
        base_mem_free(net);
        return ERR_IO;
    }
    net_wheel_init(net);
    *ret_net = net;
    return ERR_OK;
}

void
net_free(struct net *net)
{
    if (!net)
        return;
    unsigned count;
    struct net_conn **all = net_wheel_all(net, NULL, &count);
    for (unsigned i = 0; i < count; i++)
        net_conn_finish(all[i], NET_WHY_STOP);
    base_mem_free(all);
    net_poll_done(net); /* while the listeners are there to count */
    while (!base_list_empty(&net->listeners))
        listen_free(BASE_OUTER(net->listeners.next, struct net_listener, link));
    net_wheel_done(net);
    if (net->reserve_fd >= 0)
        close(net->reserve_fd);
    base_mem_free(net->arena);
    base_mem_free(net);
}
