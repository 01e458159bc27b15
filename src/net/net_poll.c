/* net_poll.c -- one epoll set for all connections of a loop, nested in it.
 *
 * Why: a libevent event costs 128 B and its tables 40 more, for each of very
 * many idle connections; nested, they cost nothing here, and a change of what
 * is waited for is one system call.  The price is one epoll_wait per turn.
 *
 * Freeing  only a connection's own step frees it, and none stands twice in one
 *          batch; the kicked are freed when their turn comes. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/net_inner.h"

enum { POLL_BATCH = 256 };

static void
poll_batch(struct net *net)
{
    struct epoll_event events[POLL_BATCH];
    int count = epoll_wait(net->poll_fd, events, POLL_BATCH, 0);
    for (int i = 0; i < count; i++) {
        uint32_t is = events[i].events, both = EPOLLHUP | EPOLLERR;
        net_conn_ready(events[i].data.ptr,
                       (is & (EPOLLIN | both) ? NET_READ : 0u) |
                           (is & (EPOLLOUT | both) ? NET_WRITE : 0u));
    }
}

/* Those kicked from here on come in the next call. */
static void
poll_kicked(struct net *net)
{
    struct net_conn *conn = net->kicked;
    net->kicked = NULL;
    net->kicked_end = &net->kicked;
    while (conn) {
        struct net_conn *next = conn->kick;
        conn->kicked = false;
        if (conn->state == NET_GONE)
            net_conn_free(conn);
        else
            net_conn_ready(conn, NET_KICK);
        conn = next;
    }
}

static void
poll_ready(evutil_socket_t fd, short what, void *self)
{
    struct net *net = self;
    (void)fd;
    if (what & EV_READ)
        poll_batch(net);
    poll_kicked(net);
}

enum err
net_poll_init(struct net *net)
{
    net->kicked_end = &net->kicked;
    net->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (net->poll_fd < 0)
        return ERR_IO;
    event_assign(&net->event, sys_loop_events(net->loop), net->poll_fd,
                 EV_READ | EV_PERSIST, poll_ready, net);
    if (event_add(&net->event, NULL) == 0)
        return ERR_OK;
    close(net->poll_fd);
    return ERR_IO;
}

void
net_poll_done(struct net *net)
{
    poll_kicked(net); /* all are gone: it frees them */
    event_del(&net->event);
    close(net->poll_fd);
}

bool
net_poll_want(struct net_conn *conn, unsigned wants)
{
    struct epoll_event event = {
        .events = (wants & NET_READ ? (uint32_t)EPOLLIN : 0) |
                  (wants & NET_WRITE ? (uint32_t)EPOLLOUT : 0),
        .data.ptr = conn,
    };
    unsigned was = conn->polled;
    if (wants == was)
        return true;
    conn->polled = (uint8_t)wants;
    /* Out of the set with those that wait for nothing: it would tell of their
     * peers' ends again and again. */
    int change = !was ? EPOLL_CTL_ADD : !wants ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    return epoll_ctl(conn->owner->net->poll_fd, change, conn->fd, &event) == 0;
}

void
net_poll_kick(struct net_conn *conn)
{
    struct net *net = conn->owner->net;
    if (conn->kicked)
        return;
    conn->kicked = true;
    conn->kick = NULL;
    *net->kicked_end = conn;
    net->kicked_end = &conn->kick;
    event_active(&net->event, EV_TIMEOUT, 0);
}
