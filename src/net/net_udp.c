/* net_udp.c -- see net_udp.h. */
#include "net/net_udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "net/net_inner.h"

_Static_assert(sizeof(struct net_udp_peer) == 24, "no padding: it is a key");

enum { UDP_STAT_IN, UDP_STAT_OUT, UDP_STAT_LOST, UDP_STATS };

struct net_udp {
    struct net *net;
    struct net_udp_config config;
    struct event event;
    uint16_t port;
    struct mmsghdr heads[NET_UDP_BATCH];
    struct iovec places[NET_UDP_BATCH];
    struct sockaddr_storage peers[NET_UDP_BATCH];
    uint8_t *room; /* NET_UDP_BATCH times NET_UDP_ROOM */
    struct base_stat stats[UDP_STATS];
    char labels[64];
};

/* --- peers --- */

static void
udp_peer_of(const struct sockaddr_storage *address,
            struct net_udp_peer *ret_peer)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    memset(ret_peer, 0, sizeof *ret_peer);
    if (address->ss_family == AF_INET) {
        memcpy(&four, address, sizeof four);
        memcpy(ret_peer->address, &four.sin_addr, 4);
        ret_peer->port = ntohs(four.sin_port);
        ret_peer->family = 4;
        return;
    }
    memcpy(&six, address, sizeof six);
    memcpy(ret_peer->address, &six.sin6_addr, 16);
    ret_peer->port = ntohs(six.sin6_port);
    ret_peer->scope = six.sin6_scope_id;
    ret_peer->family = 6;
}

static socklen_t
udp_address_of(const struct net_udp_peer *peer,
               struct sockaddr_storage *ret_address)
{
    struct sockaddr_in four = {.sin_family = AF_INET,
                               .sin_port = htons(peer->port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6,
                               .sin6_port = htons(peer->port),
                               .sin6_scope_id = peer->scope};
    memset(ret_address, 0, sizeof *ret_address);
    if (peer->family == 4) {
        memcpy(&four.sin_addr, peer->address, 4);
        memcpy(ret_address, &four, sizeof four);
        return sizeof four;
    }
    memcpy(&six.sin6_addr, peer->address, 16);
    memcpy(ret_address, &six, sizeof six);
    return sizeof six;
}

enum err
net_udp_peer(const char *address, uint16_t port, struct net_udp_peer *ret_peer)
{
    struct sockaddr_storage storage;
    socklen_t size;
    enum err err = net_address(address, port, &storage, &size);
    if (err == ERR_OK)
        udp_peer_of(&storage, ret_peer);
    return err;
}

bool
net_udp_loopback(const struct net_udp_peer *peer)
{
    struct sockaddr_storage address;
    (void)udp_address_of(peer, &address);
    return net_loopback(&address);
}

/* --- in and out --- */

static int
udp_receive(struct net_udp *udp, int fd)
{
    for (unsigned i = 0; i < NET_UDP_BATCH; i++)
        udp->heads[i].msg_hdr.msg_namelen = sizeof udp->peers[i];
    int count = recvmmsg(fd, udp->heads, NET_UDP_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        struct net_udp_peer peer;
        udp_peer_of(&udp->peers[i], &peer);
        base_stat_inc(&udp->stats[UDP_STAT_IN], 1);
        udp->config.input(
            udp->config.self, &peer,
            base_bytes(udp->places[i].iov_base, udp->heads[i].msg_len));
    }
    return count;
}

static void
udp_ready(evutil_socket_t fd, short what, void *self)
{
    struct net_udp *udp = self;
    (void)what;
    for (unsigned i = 0; i < NET_UDP_TURN; i += NET_UDP_BATCH)
        if (udp_receive(udp, fd) < NET_UDP_BATCH)
            return;
}

void
net_udp_send(struct net_udp *udp, const struct net_udp_peer *peer,
             struct bytes data)
{
    struct sockaddr_storage address;
    socklen_t size = udp_address_of(peer, &address);
    ssize_t sent = sendto(event_get_fd(&udp->event), data.at, data.size,
                          MSG_DONTWAIT | MSG_NOSIGNAL,
                          (const struct sockaddr *)&address, size);
    base_stat_inc(&udp->stats[sent < 0 ? UDP_STAT_LOST : UDP_STAT_OUT], 1);
}

/* --- making and ending --- */

static const struct {
    const char *name, *help;
} udp_rows[UDP_STATS] = {
    [UDP_STAT_IN] = {"dougong_net_datagrams_in_total", "Datagrams that came."},
    [UDP_STAT_OUT] = {"dougong_net_datagrams_out_total", "Datagrams sent."},
    [UDP_STAT_LOST] = {"dougong_net_datagrams_lost_total",
                       "Datagrams that the kernel had no room for."},
};

static int
udp_socket(const struct sockaddr_storage *address, socklen_t size)
{
    int one = 1, bytes = 1 << 20;
    int fd = socket(address->ss_family,
                    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (address->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)address, size) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void
udp_rooms(struct net_udp *udp)
{
    udp->room = base_mem_new((size_t)NET_UDP_BATCH * NET_UDP_ROOM);
    for (unsigned i = 0; i < NET_UDP_BATCH; i++) {
        udp->places[i] =
            (struct iovec){udp->room + (size_t)i * NET_UDP_ROOM, NET_UDP_ROOM};
        udp->heads[i].msg_hdr = (struct msghdr){
            .msg_name = &udp->peers[i],
            .msg_iov = &udp->places[i],
            .msg_iovlen = 1,
        };
    }
}

static void
udp_stats(struct net_udp *udp)
{
    snprintf(udp->labels, sizeof udp->labels, "door=\"%s\",port=\"%u\"",
             udp->config.name, udp->port);
    for (unsigned i = 0; udp->config.counted && i < UDP_STATS; i++)
        base_stat_add(udp->net->stats, &udp->stats[i], BASE_STAT_COUNTER,
                      udp_rows[i].name, udp->labels, udp_rows[i].help);
}

enum err
net_udp_open(struct net *net, const struct net_udp_config *config,
             struct net_udp **ret_udp, struct base_note *note)
{
    struct sockaddr_storage address;
    socklen_t size;
    if (net_address(config->address, config->port, &address, &size) != ERR_OK)
        return base_err_note(note, ERR_NAME,
                             "%s is not a numeric address to listen on",
                             config->address);
    int fd = udp_socket(&address, size);
    if (fd < 0) {
        int error = errno;
        return base_err_note(note, error == EADDRINUSE ? ERR_EXISTS : ERR_IO,
                             "cannot use UDP port %u of %s (%s): %s",
                             config->port, config->address, config->name,
                             strerror(error));
    }
    struct net_udp *udp = base_mem_zero(sizeof *udp);
    udp->net = net;
    udp->config = *config;
    udp->port = net_inner_port(fd);
    udp_rooms(udp);
    udp_stats(udp);
    event_assign(&udp->event, sys_loop_events(net->loop), fd,
                 EV_READ | EV_PERSIST, udp_ready, udp);
    must(event_add(&udp->event, NULL) == 0);
    *ret_udp = udp;
    return ERR_OK;
}

void
net_udp_shut(struct net_udp *udp)
{
    if (!udp)
        return;
    int fd = event_get_fd(&udp->event);
    event_del(&udp->event);
    close(fd);
    for (unsigned i = 0; udp->config.counted && i < UDP_STATS; i++)
        base_stat_drop(udp->net->stats, &udp->stats[i]);
    base_mem_free(udp->room);
    base_mem_free(udp);
}

uint16_t
net_udp_port(const struct net_udp *udp)
{
    return udp->port;
}
