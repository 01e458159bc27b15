/* net_wheel.c -- deadlines in whole seconds, for very many connections.
 *
 * A slot per second, modulo NET_SLOTS.  A deadline that moves later stays where
 * it is, and is looked at when its old slot comes: keep-alives move theirs with
 * every packet, and that must cost a store, not a list. */
#include "base/base_mem.h"
#include "net/net_inner.h"

static uint32_t
wheel_now(struct net *net)
{
    return (uint32_t)(base_loop_mono(sys_loop_base(net->loop)).ms / 1000) + 1;
}

static void
wheel_link(struct net_conn *conn)
{
    struct net *net = conn->owner->net;
    if (base_list_in(&conn->link))
        base_list_remove(&conn->link);
    base_list_add(conn->due ? &net->slots[conn->due % NET_SLOTS] : &net->still,
                  &conn->link);
}

void
net_wheel_set(struct net_conn *conn, unsigned seconds, bool exact)
{
    uint32_t was = conn->due;
    conn->due = 0;
    if (seconds)
        conn->due = wheel_now(conn->owner->net) + seconds + !exact;
    bool lazy = was && (!conn->due || conn->due >= was);
    if (!base_list_in(&conn->link) || (!lazy && conn->due))
        wheel_link(conn);
}

static void
wheel_slot(struct net *net, uint32_t tick)
{
    struct base_link *slot = &net->slots[tick % NET_SLOTS], fired;
    base_list_init(&fired);
    for (struct base_link *link; (link = base_list_take(slot));)
        base_list_add(&fired, link);
    for (struct base_link *link; (link = base_list_take(&fired));) {
        struct net_conn *conn = BASE_OUTER(link, struct net_conn, link);
        bool fires = conn->due && conn->due <= tick;
        if (fires)
            conn->due = 0;
        wheel_link(conn);
        if (fires)
            net_conn_due(conn);
    }
}

static void
wheel_arm(struct net *net)
{
    int64_t ms = base_loop_mono(sys_loop_base(net->loop)).ms;
    base_loop_timer(sys_loop_base(net->loop), &net->timer, 1000 - ms % 1000);
}

/* After a pause longer than the wheel every slot is looked at once. */
static void
wheel_turn(struct base_timer *timer)
{
    struct net *net = BASE_OUTER(timer, struct net, timer);
    uint32_t now = wheel_now(net);
    if (now - net->tick > NET_SLOTS)
        net->tick = now - NET_SLOTS;
    while (net->tick != now)
        wheel_slot(net, ++net->tick);
    wheel_arm(net);
}

void
net_wheel_init(struct net *net)
{
    for (unsigned i = 0; i < NET_SLOTS; i++)
        base_list_init(&net->slots[i]);
    base_list_init(&net->still);
    net->timer.fn = wheel_turn;
    net->tick = wheel_now(net);
    wheel_arm(net);
}

void
net_wheel_done(struct net *net)
{
    base_loop_timer_clear(sys_loop_base(net->loop), &net->timer);
}

static unsigned
wheel_gather(struct base_link *list, const struct net_owner *only,
             struct net_conn **to)
{
    unsigned count = 0;
    for (struct base_link *link = list->next; link != list; link = link->next) {
        struct net_conn *conn = BASE_OUTER(link, struct net_conn, link);
        if (only && conn->owner != only)
            continue;
        if (to)
            to[count] = conn;
        count++;
    }
    return count;
}

static unsigned
wheel_gather_all(struct net *net, const struct net_owner *only,
                 struct net_conn **to)
{
    unsigned count = wheel_gather(&net->still, only, to);
    for (unsigned i = 0; i < NET_SLOTS; i++)
        count += wheel_gather(&net->slots[i], only, to ? to + count : NULL);
    return count;
}

struct net_conn **
net_wheel_all(struct net *net, const struct net_owner *only,
              unsigned *ret_count)
{
    *ret_count = wheel_gather_all(net, only, NULL);
    struct net_conn **all =
        base_mem_new(*ret_count * sizeof(struct net_conn *));
    wheel_gather_all(net, only, all);
    return all;
}
