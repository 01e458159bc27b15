/* mqtt_subscribe.c -- SUBSCRIBE and UNSUBSCRIBE: the tree's subscriptions. */
#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

static struct mqtt_share *
subscribe_share_find(struct mqtt_topic_node *node, struct bytes group)
{
    for (struct mqtt_share *share = node->shares; share; share = share->next)
        if (base_bytes_equal(base_bytes(share->group, share->size), group))
            return share;
    return NULL;
}

static struct mqtt_share *
subscribe_share_make(struct mqtt_topic_node *node, struct bytes group)
{
    struct mqtt_share *share = subscribe_share_find(node, group);
    if (share)
        return share;
    share = base_mem_zero(sizeof *share + group.size);
    share->size = (uint16_t)group.size;
    memcpy(share->group, group.at, group.size);
    share->next = node->shares;
    return node->shares = share;
}

/* The session's subscription to this filter, or NULL. */
static struct mqtt_sub *
subscribe_find(struct mqtt_session *session, struct bytes filter)
{
    struct bytes group, inner;
    bool shared = wire_mqtt_read_share(filter, &group, &inner);
    struct mqtt_topic_node *node =
        mqtt_topic_find(&session->door->topics, inner);
    if (!node)
        return NULL;
    struct mqtt_share *share =
        shared ? subscribe_share_find(node, group) : NULL;
    if (shared && !share)
        return NULL;
    struct mqtt_sub *sub = share ? share->subs : node->subs;
    while (sub && sub->session != session)
        sub = sub->next;
    return sub;
}

/* At the end: the order of subscription is the order of turns. */
static void
subscribe_append(struct mqtt_sub **list, struct mqtt_sub *sub)
{
    while (*list)
        list = &(*list)->next;
    *list = sub;
}

/* NULL: the tree is full. */
static struct mqtt_sub *
subscribe_make(struct mqtt_session *session, struct bytes filter)
{
    struct mqtt_door *door = session->door;
    struct bytes group, inner;
    bool shared = wire_mqtt_read_share(filter, &group, &inner);
    struct mqtt_topic_node *node = mqtt_topic_make(&door->topics, inner);
    if (!node) {
        base_stat_inc(&door->stats.limits[MQTT_LIMIT_FILTERS], 1);
        return NULL;
    }
    struct mqtt_sub *sub = base_mem_zero(sizeof *sub);
    sub->session = session;
    sub->node = node;
    if (shared) {
        sub->share = subscribe_share_make(sub->node, group);
        subscribe_append(&sub->share->subs, sub);
    } else {
        sub->next = sub->node->subs;
        sub->node->subs = sub;
    }
    base_list_add(&session->subs, &sub->link);
    session->sub_count++;
    base_stat_inc(&door->stats.subscriptions, 1);
    return sub;
}

static void
subscribe_share_leave(struct mqtt_topic_node *node, struct mqtt_share *share)
{
    if (share->subs)
        return;
    struct mqtt_share **at = &node->shares;
    while (*at != share)
        at = &(*at)->next;
    *at = share->next;
    base_mem_free(share);
}

static void
subscribe_drop(struct mqtt_sub *sub)
{
    struct mqtt_door *door = sub->session->door;
    struct mqtt_sub **at = sub->share ? &sub->share->subs : &sub->node->subs;
    while (*at != sub)
        at = &(*at)->next;
    *at = sub->next;
    if (sub->share) {
        if (sub->share->turn == sub)
            sub->share->turn = sub->next;
        subscribe_share_leave(sub->node, sub->share);
    }
    mqtt_topic_drop(&door->topics, sub->node);
    base_list_remove(&sub->link);
    sub->session->sub_count--;
    base_stat_inc(&door->stats.subscriptions, -1);
    base_mem_free(sub);
}

void
mqtt_subscribe_drop_all(struct mqtt_session *session)
{
    while (!base_list_empty(&session->subs))
        subscribe_drop(BASE_OUTER(session->subs.next, struct mqtt_sub, link));
}

/* --- SUBSCRIBE --- */

struct subscribe_order {
    struct bytes filter;
    uint8_t options;
    unsigned index; /* in the packet */
    uint32_t subscription_id;
};

static bool
subscribe_over(struct mqtt_session *session,
               const struct subscribe_order *order)
{
    bool over = order->index >= MQTT_FILTERS_PER_PACKET ||
                order->filter.size > MQTT_FILTER_MAX ||
                (session->sub_count >= MQTT_FILTERS_PER_SESSION &&
                 !subscribe_find(session, order->filter));
    if (over)
        base_stat_inc(&session->door->stats.limits[MQTT_LIMIT_FILTERS], 1);
    return over;
}

/* The code for SUBACK; *ret_sub is set when retained messages are due. */
static uint8_t
subscribe_one(struct mqtt_session *session, const struct subscribe_order *order,
              struct mqtt_sub **ret_sub)
{
    struct mqtt_conn *conn = session->conn;
    const struct mqtt_profile *profile = &mqtt_door_listener_of(conn)->profile;
    *ret_sub = NULL;
    if (profile->test_denials &&
        base_bytes_is(order->filter, "test/nosubscribe"))
        return WIRE_MQTT_UNSPECIFIED;
    uint8_t over = conn->version == 5 ? WIRE_MQTT_QUOTA : WIRE_MQTT_UNSPECIFIED;
    if (subscribe_over(session, order))
        return over;
    struct bytes group, inner;
    wire_mqtt_read_share(order->filter, &group, &inner);
    if (!mqtt_auth_may(conn, MODEL_GRANT_SERIES, inner))
        return conn->version == 5 ? WIRE_MQTT_NOT_AUTHORIZED
                                  : WIRE_MQTT_UNSPECIFIED;
    struct mqtt_sub *sub = subscribe_find(session, order->filter);
    bool fresh = sub == NULL;
    if (fresh)
        sub = subscribe_make(session, order->filter);
    if (!sub)
        return over;
    sub->options = order->options;
    if (conn->bridge && !sub->share)
        sub->options |= WIRE_MQTT_SUB_NO_LOCAL;
    sub->subscription_id = order->subscription_id;
    unsigned handling = (order->options & WIRE_MQTT_SUB_HANDLING) >> 4;
    if (!sub->share && (handling == 0 || (handling == 1 && fresh)))
        *ret_sub = sub;
    return order->options & WIRE_MQTT_SUB_QOS;
}

static void
subscribe_answer(struct mqtt_session *session, uint8_t type, uint16_t id)
{
    struct mqtt_door *door = session->door;
    base_out_reset(&door->out);
    wire_mqtt_write_suback(&door->out, session->conn->version, type, id,
                           base_out_bytes(&door->props));
    base_stat_inc(&door->stats.packets[1][type], 1);
    mqtt_door_write(session, base_out_bytes(&door->out));
}

enum mqtt_step
mqtt_subscribe_take(struct mqtt_conn *conn, const struct wire_mqtt_head *head,
                    struct bytes body)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    struct mqtt_sub *due[MQTT_FILTERS_PER_PACKET] = {NULL}, *sub;
    struct wire_mqtt_subscribe packet;
    struct subscribe_order order = {.index = 0};
    enum wire_mqtt_fault fault = wire_mqtt_read_subscribe(
        conn->version, head->type, head->flags, body, &packet);
    if (fault != WIRE_MQTT_OK)
        return mqtt_door_fault(conn, head->type, fault);
    struct mqtt_session *session = mqtt_session_make(conn);
    struct wire_mqtt_subscribe again = packet;
    order.subscription_id = packet.subscription_id;
    base_out_reset(&door->props); /* the codes */
    for (; wire_mqtt_read_filter(&packet, &order.filter, &order.options);
         order.index++) {
        base_out_u8(&door->props, subscribe_one(session, &order, &sub));
        if (sub)
            due[order.index] = sub;
    }
    subscribe_answer(session, WIRE_MQTT_SUBACK, packet.id);
    for (unsigned i = 0;
         i < MQTT_FILTERS_PER_PACKET &&
         wire_mqtt_read_filter(&again, &order.filter, &order.options);
         i++)
        if (due[i])
            mqtt_retain_send(due[i], order.filter);
    return MQTT_DONE;
}

enum mqtt_step
mqtt_subscribe_take_un(struct mqtt_conn *conn,
                       const struct wire_mqtt_head *head, struct bytes body)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    struct wire_mqtt_subscribe packet;
    struct bytes filter;
    uint8_t options;
    enum wire_mqtt_fault fault = wire_mqtt_read_subscribe(
        conn->version, head->type, head->flags, body, &packet);
    if (fault != WIRE_MQTT_OK)
        return mqtt_door_fault(conn, head->type, fault);
    struct mqtt_session *session = mqtt_session_make(conn);
    base_out_reset(&door->props);
    while (wire_mqtt_read_filter(&packet, &filter, &options)) {
        struct mqtt_sub *sub = subscribe_find(session, filter);
        if (sub)
            subscribe_drop(sub);
        base_out_u8(&door->props, sub ? 0 : WIRE_MQTT_NO_SUBSCRIPTION);
    }
    subscribe_answer(session, WIRE_MQTT_UNSUBACK, packet.id);
    return MQTT_DONE;
}
