/* net.c -- what the connections of one loop share. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "net/net_inner.h"

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
        net_listen_free(
            BASE_OUTER(net->listeners.next, struct net_listener, link));
    net_wheel_done(net);
    if (net->reserve_fd >= 0)
        close(net->reserve_fd);
    base_mem_free(net->arena);
    base_mem_free(net);
}
